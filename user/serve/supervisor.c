// SPDX-License-Identifier: BSD-2-Clause
#include "serve/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "serve/api.h"
#include "serve/configured.h"
#include "serve/feed.h"
#include "serve/launcher.h"
#include "serve/leak_worker.h"
#include "serve/live.h"
#include "serve/notify.h"
#include "serve/pods.h"
#include "serve/readers.h"
#include "serve/recorder.h"
#include "serve/remember.h"
#include "serve/restarts.h"
#include "serve/rights.h"
#include "serve/secrets.h"
#include "serve/state_dir.h"
#include "serve/store.h"
#include "serve/stored_look.h"
#include "serve/surroundings.h"

#define EVENTS  64
#define TICK_MS 1000

struct supervisor {
	int epoll, signals, launcher;
	pid_t launcher_pid;
	struct http *http;  /* owned */
	struct watched **v; /* owned */
	size_t nr, room;
	struct configured config;
	struct secrets secrets;
	struct rights rights;
	struct surroundings around; /* at the start */
	struct notify notify;
	struct sinks *sinks; /* owned */
	struct feed feed;
	uint64_t worker_restarts;
	struct leak_turns leak_turns;
	struct recorder recorder;
	struct pods pods;
	struct readers *readers; /* owned */
	struct live live;
	bool allow_jobs;     /* whatever the configuration says */
	const char *otlp;    /* the same; NULL: as it says */
	bool spans;          /* as allow_jobs */
	bool request_detail; /* as it said at the start */
	struct events events;
	struct restarts restarts;
	struct store *store; /* owned; NULL: no history is on disk */
	bool ready, over;
	int err;
};

/* What an event is of: a descriptor of ours, or a target, its leaks or its recordings, whose id is its address. */
static int supervisor__hear(struct supervisor *s, int fd, void *who)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = who };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

/* --- HTTP --- */

static void on_get(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct supervisor *s = ctx;
	const struct api_in in = { .metrics = { .targets = s->v,
						.nr = s->nr,
						.worker_restarts = s->worker_restarts,
						.config = &s->config,
						.sinks = s->sinks,
						.store = s->store,
						.http = s->http,
						.readers = s->readers,
						.live = &s->live,
						.secrets = &s->secrets,
						.rights = &s->rights,
						.around = &s->around,
						.pods = &s->pods },
				   .events = &s->events,
				   .recorder = &s->recorder,
				   .readers = s->readers,
				   .live = &s->live,
				   .allow_jobs = s->allow_jobs || s->config.now->allow_jobs,
				   .ready = s->ready };

	api_get(&in, q, a);
}

/* --- targets --- */

static size_t supervisor__find(const struct supervisor *s, const struct notice *n)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i]->row.pid == n->row.pid && s->v[i]->start_ticks == n->start_ticks)
			return i;
	return s->nr;
}

/* The place of the target, new or known; s->nr: no memory. */
static size_t supervisor__target(struct supervisor *s, const struct notice *n)
{
	const size_t at = supervisor__find(s, n);

	if (at < s->nr || vec__reserve(&s->v, &s->room, s->nr + 1, sizeof(*s->v)) ||
	    watched__new(n, &s->v[s->nr]))
		return at;
	log_info("%s: %s %s%s%s", s->v[at]->id, n->row.go[0] ? n->row.go : "Go", n->row.exe,
		 n->row.why.text[0] ? " cannot be watched: " : "", n->row.why.text);
	events__tell(&s->events, n->row.why.text[0] ? EVENT_NOT_WATCHED : EVENT_TARGET_FOUND,
		     s->v[at]->id, "%s %s%s%s", n->row.go[0] ? n->row.go : "Go", n->row.exe,
		     n->row.why.text[0] ? ": " : "", n->row.why.text);
	return s->nr++;
}

static void supervisor__link(struct supervisor *s, struct watched *w)
{
	if (!restarts__look(&s->restarts, w))
		return;
	log_info("%s: restart of %s", w->id, w->restarted.of);
	events__tell(&s->events, EVENT_RESTART, w->id,
		     "it is a restart of %s, the same program in the same place: number %" PRIu32,
		     w->restarted.of, w->restarted.nr);
}

static void supervisor__save_restarts(struct supervisor *s, bool now)
{
	if (s->store)
		restarts__save(&s->restarts, store__fd(s->store), s->v, s->nr, clock_now_ns(), now);
}

static void supervisor__take_leak_watch(struct supervisor *s, const struct notice *n, int fd)
{
	const size_t at = supervisor__find(s, n);

	if (at == s->nr) {
		if (fd >= 0)
			close(fd);
		return;
	}
	leakwatch__attach(&s->v[at]->leaks, fd);
	if (fd >= 0)
		(void)supervisor__hear(s, fd, &s->v[at]->leaks);
}

static void supervisor__take_recording(struct supervisor *s, const struct notice *n, int fd)
{
	const size_t at = supervisor__find(s, n);

	if (at < s->nr)
		recorder__attach(&s->recorder, s->v[at], fd);
	if (at < s->nr && fd >= 0)
		(void)supervisor__hear(s, fd, &s->v[at]->recordings);
	else if (fd >= 0)
		close(fd);
}

static void supervisor__take_pods(struct supervisor *s, int fd)
{
	pods__attach(&s->pods, fd);
	if (fd >= 0)
		(void)supervisor__hear(s, fd, &s->pods);
}

static void supervisor__end_target(struct supervisor *s, size_t at, uint64_t ended_ns)
{
	recorder__forget(&s->recorder, s->v[at]);
	log_info("%s: ended", s->v[at]->id);
	events__tell(&s->events, EVENT_TARGET_ENDED, s->v[at]->id, "it ended");
	restarts__ended(&s->restarts, s->v[at], ended_ns);
	if (s->store)
		stored_look__keep_last(s->store, s->v[at]);
	watched__free(s->v[at]);
	s->v[at] = s->v[--s->nr];
}

/* As the configuration that holds now says, and the pods. */
static void supervisor__set_levels(struct supervisor *s)
{
	for (size_t i = 0; i < s->nr; i++) {
		watched__set_level(s->v[i], &s->config.now->rules);
		if (s->v[i]->level == LEVEL_OFF)
			recorder__forget(&s->recorder, s->v[i]);
	}
}

static void supervisor__configure(struct supervisor *s)
{
	sinks__configure(s->sinks, s->config.now, s->otlp, s->spans);
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i]->pod)
			pod__name_labels(s->v[i]->pod, s->config.now);
	supervisor__set_levels(s);
}

static void supervisor__count_restart(struct supervisor *s, const struct watched *w,
				      const struct notice *n)
{
	if (n->restarts <= w->restarts)
		return;
	s->worker_restarts++;
	events__tell(&s->events, EVENT_WORKER_RESTART, w->id,
		     "its worker died or hung: number %u is started", n->restarts + 1);
}

/* Takes fd over; -1: none came. */
static void supervisor__take(struct supervisor *s, const struct notice *n, int fd)
{
	size_t at;

	if (n->kind == NOTICE_READY) {
		s->ready = true;
		restarts__all_known(&s->restarts, clock_ns(CLOCK_BOOTTIME));
		notify__say(&s->notify, "READY=1");
	} else if (n->kind == NOTICE_CONFIG) {
		if (configured__take(&s->config, fd, &n->row.why))
			supervisor__configure(s);
		fd = -1;
	} else if (n->kind == NOTICE_SECRET) {
		secrets__take(&s->secrets, n->secret, fd, &n->row.why, s->http);
		fd = -1;
	} else if (n->kind == NOTICE_ENDED) {
		at = supervisor__find(s, n);
		if (at < s->nr)
			supervisor__end_target(s, at, n->ended_ns);
	} else if (n->kind == NOTICE_LEAK_WATCH) {
		supervisor__take_leak_watch(s, n, fd);
		fd = -1;
	} else if (n->kind == NOTICE_RECORDING) {
		supervisor__take_recording(s, n, fd);
		fd = -1;
	} else if (n->kind == NOTICE_PODS) {
		supervisor__take_pods(s, fd);
		fd = -1;
	} else {
		at = supervisor__target(s, n);
		if (at < s->nr) {
			s->v[at]->row = n->row;
			if (s->v[at]->pod)
				pod_facts__name_row(&s->v[at]->pod->facts, &s->v[at]->row);
			watched__set_level(s->v[at], &s->config.now->rules);
			s->v[at]->told &= n->kind != NOTICE_FOUND; /* that asks for it */
			supervisor__link(s, s->v[at]);
		}
		if (at < s->nr && fd >= 0) {
			supervisor__count_restart(s, s->v[at], n);
			watched__attach(s->v[at], n, fd);
			(void)supervisor__hear(s, fd, s->v[at]);
			fd = -1;
		}
	}
	if (fd >= 0)
		close(fd);
}

/* One notice. false: there is none now, or the launcher is gone. */
static bool supervisor__notice(struct supervisor *s)
{
	struct notice n;
	struct iovec iov = { .iov_base = &n, .iov_len = sizeof(n) };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const ssize_t got = recvmsg(s->launcher, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c;
	int fd = -1;

	if (got <= 0 && (!got || (errno != EAGAIN && errno != EINTR))) {
		s->over = true;
		s->err = -ECHILD;
	}
	if (got != (ssize_t)sizeof(n))
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	supervisor__take(s, &n, fd);
	return true;
}

/* False: there is no room now. */
static bool supervisor__send(const struct supervisor *s, const struct request *r, size_t nr)
{
	return send(s->launcher, r, nr * sizeof(*r), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* false: it cannot be asked now */
static bool supervisor__ask(const struct supervisor *s, enum request_kind kind,
			    const struct watched *w)
{
	const struct request r = { .kind = kind,
				   .pid = w->row.pid,
				   .seconds = w->leaks.plan.last_ns ? LEAK_WORKER_S
								    : LEAK_WORKER_FIRST_S,
				   .start_ticks = w->start_ticks };

	return supervisor__send(s, &r, 1);
}

/* All at once: the launcher's queue has room for few messages. What it has none for goes later. */
static void supervisor__tell_levels(const struct supervisor *s)
{
	static struct request all[LAUNCHER_TARGETS_MAX];
	size_t nr = 0;

	for (size_t i = 0; i < s->nr && nr < ARRAY_SIZE(all); i++)
		if (!s->v[i]->told)
			all[nr++] = (struct request){
				.kind = s->v[i]->level == LEVEL_OFF ? REQUEST_LEAVE : REQUEST_WATCH,
				.pid = s->v[i]->row.pid,
				.events = s->request_detail ? WORKER_REQUEST_DETAIL : 0,
				.start_ticks = s->v[i]->start_ticks
			};
	if (!nr || !supervisor__send(s, all, nr))
		return;
	for (size_t i = 0; i < s->nr; i++)
		s->v[i]->told = true;
}

static void supervisor__read(struct supervisor *s, struct watched *w)
{
	const uint64_t looks = w->looks;
	const int err = watched__read(w, s->store);

	if (w->looks != looks && remember__alarms(w->history, w->id, &s->events)) {
		w->leaks.plan.asked = true;
		feed__alarms(s->sinks, w);
	}
	if (w->looks != looks)
		live__target(&s->live, w);
	if (!err || err == -EPIPE)
		return;
	log_warn("%s: its worker sends what is no look (%s): another one is started", w->id,
		 strerror(-err));
	(void)supervisor__ask(s, REQUEST_REPLACE, w);
}

static void supervisor__ask_files(struct supervisor *s)
{
	if (s->config.due)
		s->config.due =
			!supervisor__send(s, &(struct request){ .kind = REQUEST_CONFIG }, 1);
	for (uint32_t i = 0; i < SECRET_MAX; i++)
		if (s->secrets.due[i])
			s->secrets.due[i] =
				!supervisor__send(s,
						  &(struct request){ .kind = REQUEST_SECRET,
								     .secret = i },
						  1);
}

static void supervisor__ask_kubelet(struct supervisor *s, uint64_t now)
{
	if (pods__due(&s->pods, s->v, s->nr, now) &&
	    supervisor__send(s, &(struct request){ .kind = REQUEST_PODS }, 1))
		pods__begin(&s->pods, now);
}

static void supervisor__tick(struct supervisor *s)
{
	const uint64_t now = clock_now_ns();

	notify__tick(&s->notify, now);
	feed__tick(&s->feed, s->sinks, s->readers, s->v, s->nr, now);
	sinks__tick(s->sinks, now);
	live__tick(&s->live, &s->events, now);
	supervisor__tell_levels(s);
	supervisor__ask_files(s);
	supervisor__save_restarts(s, false);
	supervisor__ask_kubelet(s, now);
	for (size_t i = 0; i < s->nr; i++) {
		struct watched *w = s->v[i];

		if (w->from.fd < 0 || now - w->heard_ns < w->rest_ns + WATCHED_SILENT_NS)
			continue;
		log_warn("%s: its worker says nothing: another one is started", w->id);
		w->heard_ns = now;
		(void)supervisor__ask(s, REQUEST_REPLACE, w);
	}
}

/* --- watches for leaks --- */

static void supervisor__read_leaks(struct supervisor *s, struct watched *w)
{
	const struct leak_figures *f = &w->leaks.figures;
	const uint64_t before = f->leaking;

	if (!leakwatch__read(&w->leaks, w->id, &s->leak_turns, clock_now_ns()))
		return;
	feed__leaks(s->sinks, s->readers, w);
	if (s->store)
		stored_look__keep_leaks(s->store, w);
	if (!f->leaking || before)
		return;
	events__tell(&s->events, EVENT_LEAK, w->id,
		     "%" PRIu64 " goroutines leak: created by %s, blocked at %s", f->leaking,
		     f->sites[0].created_by, f->sites[0].blocked_at);
	log_warn("%s: %" PRIu64 " goroutines leak: %s", w->id, f->leaking, f->sites[0].created_by);
}

/* One more, if any may be. */
static void supervisor__watch_leaks(struct supervisor *s)
{
	const uint64_t now = clock_now_ns();
	struct watched *next = NULL;
	size_t running = 0;

	for (size_t i = 0; i < s->nr; i++) {
		leakwatch__tick(&s->v[i]->leaks, now);
		running += s->v[i]->leaks.plan.running;
	}
	for (size_t i = 0; i < s->nr; i++) {
		struct watched *w = s->v[i];

		if (w->look && w->level >= LEVEL_LEAKS && !w->recordings.plan.running &&
		    leak_turns__may(&s->leak_turns, running, &w->leaks.plan, now) &&
		    (!next || leak_plan__before(&w->leaks.plan, &next->leaks.plan)))
			next = w;
	}
	if (next && supervisor__ask(s, REQUEST_LEAK_WATCH, next))
		leakwatch__begin(&next->leaks, now);
}

/* --- recordings --- */

static bool ask_for_recording(void *ctx, const struct watched *w, uint32_t seconds, uint32_t events)
{
	const struct request r = { .kind = REQUEST_RECORDING,
				   .pid = w->row.pid,
				   .seconds = seconds,
				   .events = events,
				   .start_ticks = w->start_ticks };

	return supervisor__send(ctx, &r, 1);
}

static void supervisor__record(struct supervisor *s)
{
	const struct recorder_start start = { ask_for_recording, s };

	recorder__tick(&s->recorder, s->v, s->nr, &s->leak_turns, &start, clock_now_ns());
}

/* --- the loop --- */

/* A target, its leaks, or its recordings; not one that ended in this turn. */
static void supervisor__hears(struct supervisor *s, const void *who)
{
	for (size_t i = 0; i < s->nr; i++) {
		if (s->v[i] == who) {
			supervisor__read(s, s->v[i]);
			return;
		}
		if (&s->v[i]->leaks == who) {
			supervisor__read_leaks(s, s->v[i]);
			return;
		}
		if (&s->v[i]->recordings == who) {
			recorder__read(&s->recorder, s->v[i], s->store, s->readers, clock_now_ns());
			return;
		}
	}
}

static void supervisor__signal(struct supervisor *s)
{
	struct signalfd_siginfo si;

	while (read(s->signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGHUP) {
			s->config.due = s->config.asked = true;
			secrets__again(&s->secrets);
			s->pods.late_ns = 0;
		} else {
			s->over = true;
		}
}

static void supervisor__run_readers(struct supervisor *s)
{
	if (!readers__run(s->readers))
		return;
	s->over = true;
	s->err = -ECHILD;
	log_error("what makes answers out of recordings has ended");
}

static void supervisor__event(struct supervisor *s, void *who)
{
	if (who == &s->signals)
		supervisor__signal(s);
	else if (who == &s->config)
		configured__heard(&s->config);
	else if (who == &s->pods) {
		if (pods__read(&s->pods, s->v, s->nr, s->config.now, clock_now_ns()))
			supervisor__set_levels(s);
	} else if (who == &s->readers)
		supervisor__run_readers(s);
	else if (who == &s->launcher)
		while (supervisor__notice(s))
			;
	else
		supervisor__hears(s, who);
}

static void supervisor__loop(struct supervisor *s)
{
	struct epoll_event events[EVENTS];

	while (!s->over) {
		const int http_ms = http__timeout_ms(s->http),
			  ms = http_ms >= 0 && http_ms < TICK_MS ? http_ms : TICK_MS,
			  n = epoll_wait(s->epoll, events, EVENTS, ms);

		for (int i = 0; i < n; i++)
			supervisor__event(s, events[i].data.ptr);
		http__run(s->http);
		supervisor__tick(s);
		supervisor__watch_leaks(s);
		supervisor__record(s);
	}
}

static int supervisor__open(struct supervisor *s, struct cause *why)
{
	sigset_t end;
	int err;

	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->signals < 0 || s->epoll < 0)
		return cause__set(why, -errno, "cannot begin: %s", strerror(errno));
	err = sinks__new(&s->sinks);
	if (!err)
		err = supervisor__hear(s, s->signals, &s->signals);
	if (!err)
		err = supervisor__hear(s, s->launcher, &s->launcher);
	if (!err)
		err = supervisor__hear(s, sinks__fd(s->sinks), &s->sinks);
	if (!err && s->config.watch >= 0)
		err = supervisor__hear(s, s->config.watch, &s->config);
	if (!err)
		err = supervisor__hear(s, readers__fd(s->readers), &s->readers);
	if (!err)
		err = supervisor__hear(s, http__fd(s->http), s->http);
	return err ? cause__set(why, err, "cannot begin: %s", strerror(-err)) : 0;
}

static void supervisor__close(struct supervisor *s)
{
	notify__say(&s->notify, "STOPPING=1");
	notify__close(&s->notify);
	supervisor__save_restarts(s, true);
	for (size_t i = 0; i < s->nr; i++)
		watched__free(s->v[i]);
	free(s->v);
	pods__close(&s->pods);
	events__done(&s->events);
	restarts__done(&s->restarts);
	store__free(s->store);
	http__free(s->http);
	readers__free(s->readers);
	sinks__free(s->sinks);
	configured__done(&s->config);
	secrets__done(&s->secrets);
	if (s->launcher >= 0)
		close(s->launcher); /* that ends it */
	if (s->launcher_pid > 0)
		while (waitpid(s->launcher_pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* While we have rights. Without it the daemon goes on. */
static void supervisor__open_store(struct supervisor *s, const char *dir)
{
	struct cause why = { "" };
	int fd, err = state_dir__open(dir, &fd, &why);

	if (!err)
		err = store__new(fd,
				 &(struct store_opts){ .bytes_max = STORE_BYTES_MAX,
						       .age_max_s = STORE_AGE_MAX_S,
						       .files_max = STORE_FILES_MAX },
				 &s->store);
	if (err)
		(void)cause__set(&s->around.no_history, err, "%s",
				 why.text[0] ? why.text : strerror(-err));
	if (s->store) {
		char boot[RESTARTS_BOOT_MAX];

		restarts_boot(boot);
		restarts__read(&s->restarts, store__fd(s->store), boot);
	}
}

static int supervisor__open_http(struct supervisor *s, const struct supervisor_opts *o,
				 const char *listen, const struct http_ops *ops, struct cause *why)
{
	const struct config *c = s->config.now;
	int err = secrets__name(&s->secrets, SECRET_TOKEN,
				o->token_file ? o->token_file : c->token_file, why);

	if (!err)
		err = secrets__name(&s->secrets, SECRET_CERT,
				    o->tls_cert ? o->tls_cert : c->tls_cert, why);
	if (!err)
		err = secrets__name(&s->secrets, SECRET_KEY, o->tls_key ? o->tls_key : c->tls_key,
				    why);
	if (!err)
		err = secrets__open_http(&s->secrets, listen, ops, &s->http, why);
	return err;
}

static int supervisor__check_otlp(const struct supervisor *s, struct cause *why)
{
	if (s->otlp && !sink_is_url(s->otlp))
		return cause__set(
			why, -EINVAL,
			"--otlp: '%.60s' is no URL; write http://HOST:PORT or https://...",
			s->otlp);
	if (s->spans && !s->otlp && !s->config.now->sinks[SINK_OTLP].url)
		return cause__set(
			why, -EINVAL,
			"--spans: there is nowhere to send them; give --otlp URL too, or a "
			"sink otlp in '%s'",
			s->config.path);
	return 0;
}

int supervisor__run(const struct supervisor_opts *o, struct cause *why)
{
	struct supervisor s = {
		.epoll = -1,
		.signals = -1,
		.launcher = -1,
		.allow_jobs = o->allow_jobs,
		.otlp = o->otlp,
		.spans = o->spans,
	};
	const struct http_ops ops = { .get = on_get, .ctx = &s };
	const char *listen = o->listen;
	int err;

	notify__open(&s.notify);
	s.rights = rights_look();
	surroundings_look(&s.around, &s.rights);
	pods__open(&s.pods, o->kubelet.url);
	err = configured__open(&s.config, o->config, o->kubelet.url, why);
	if (!err)
		err = supervisor__check_otlp(&s, why);
	if (!err)
		s.request_detail = s.config.now->request_detail;
	if (!err && !listen)
		listen = s.config.now->listen ? s.config.now->listen : SUPERVISOR_LISTEN;
	if (!err) /* before there are secrets and sockets */
		err = readers__new(&s.readers, why);
	if (!err) /* a low port needs root */
		err = supervisor__open_http(&s, o, listen, &ops, why);
	if (!err)
		err = launcher__start(s.config.path, &s.secrets, &o->kubelet, &s.launcher_pid,
				      &s.launcher, why);
	if (!err)
		supervisor__open_store(&s, o->state_dir              ? o->state_dir
					   : s.config.now->state_dir ? s.config.now->state_dir
								     : STATE_DIR);
	if (!err) {
		rights_say_missing(&s.rights);
		surroundings_say(&s.around);
		err = rights_drop_all(why);
	}
	if (!err)
		err = supervisor__open(&s, why);
	if (!err) {
		supervisor__configure(&s);
		log_info("serving http%s://%s/", http__is_tls(s.http) ? "s" : "", listen);
		supervisor__loop(&s);
		err = s.err;
	}
	if (err)
		(void)cause__set(why, err, "the launcher ended");
	supervisor__close(&s);
	return err;
}
