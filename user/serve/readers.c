// SPDX-License-Identifier: BSD-2-Clause
#include "serve/readers.h"

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "serve/api.h"

#define JOBS_MAX (READERS_MAX + READERS_WAITING_MAX)
#define EVENTS   32

struct job { /* one answer */
	struct readers *of;
	struct http_later *later; /* NULL: it is posted */
	struct sinks *sinks;      /* borrowed */
	enum post post;
	struct textbuf body; /* of what is posted */
	bool is_go;          /* an error is told as Go tells it */
	int asked, store;    /* what is to be read: owned, until it is begun; -1 */
	int fd;              /* the pipe; -1: it is not begun */
	struct reader_head head;
	size_t head_nr;
	uint32_t piece;  /* bytes of this piece that are still to come */
	size_t piece_nr; /* bytes of its length that came, in piece_head */
	unsigned char piece_head[4];
	bool told, whole, broken;
	size_t nr, at;                /* of first */
	char first[HTTP_PIECE_BYTES]; /* what came before it was told */
};

struct readers {
	int to, epoll;
	pid_t host;
	struct job *v[JOBS_MAX]; /* owned; those that run, then those that wait */
	size_t nr, running;
	struct readers_counts counts;
};

/* --- the pipe --- */

/* > 0; 0: nothing now; HTTP_BROKEN: it ended. */
static ssize_t job__raw(struct job *j, void *to, size_t room)
{
	const ssize_t n = read(j->fd, to, room);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	j->broken = true;
	return HTTP_BROKEN;
}

/* 1: the head is whole; else as job__raw(). */
static ssize_t job__head(struct job *j)
{
	while (j->head_nr < sizeof(j->head)) {
		const ssize_t n =
			job__raw(j, (char *)&j->head + j->head_nr, sizeof(j->head) - j->head_nr);

		if (n <= 0)
			return n;
		j->head_nr += (size_t)n;
	}
	j->head.type[sizeof(j->head.type) - 1] = '\0';
	j->broken |= j->head.magic != READER_MAGIC || j->head.status < 200 || j->head.status > 599;
	return j->broken ? HTTP_BROKEN : 1;
}

/* 1: it is known how long the piece is; HTTP_END: the answer is whole; else as job__raw(). */
static ssize_t job__piece(struct job *j)
{
	while (!j->piece) {
		const ssize_t n = job__raw(j, j->piece_head + j->piece_nr,
					   sizeof(j->piece_head) - j->piece_nr);

		if (n <= 0)
			return n;
		j->piece_nr += (size_t)n;
		if (j->piece_nr < sizeof(j->piece_head))
			continue;
		memcpy(&j->piece, j->piece_head, sizeof(j->piece));
		j->piece_nr = 0;
		j->whole = !j->piece;
		if (j->whole)
			return HTTP_END;
	}
	return 1;
}

/* Bytes of the body, at most room; else as job__piece(). */
static ssize_t job__body(struct job *j, char *to, size_t room)
{
	ssize_t n = j->whole ? HTTP_END : j->broken ? HTTP_BROKEN : job__piece(j);

	if (n > 0)
		n = job__raw(j, to, room < j->piece ? room : j->piece);
	if (n > 0)
		j->piece -= (uint32_t)n;
	return n;
}

/* One event, when there is more. */
static void job__arm(struct job *j)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = j };

	(void)epoll_ctl(j->of->epoll, EPOLL_CTL_MOD, j->fd, &e);
}

/* --- begin, and end --- */

static void job__close(struct job *j)
{
	int *const fds[] = { &j->asked, &j->store, &j->fd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static int job__send(const struct job *j, int to, int pipe)
{
	const int fds[] = { j->asked, pipe, j->store };
	const size_t len = sizeof(int) * (j->store < 0 ? 2 : 3);
	char one = 0, control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec iov = { .iov_base = &one, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), fds, len);
	return sendmsg(to, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int job__begin(struct job *j)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = j };
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	j->fd = fds[0];
	err = job__send(j, j->of->to, fds[1]);
	close(fds[1]);
	if (!err && epoll_ctl(j->of->epoll, EPOLL_CTL_ADD, j->fd, &e))
		err = -errno;
	if (err) {
		job__close(j);
		return err;
	}
	close(j->asked);
	j->asked = -1;
	j->of->running++;
	j->of->counts.begun++;
	return 0;
}

static void job__forget(struct job *j)
{
	struct readers *r = j->of;
	size_t i = 0;

	while (i < r->nr && r->v[i] != j)
		i++;
	memmove(r->v + i, r->v + i + 1, (--r->nr - i) * sizeof(*r->v));
	r->running -= j->fd >= 0;
	r->counts.failed += !j->whole;
	job__close(j);
	textbuf__done(&j->body);
	free(j);
}

/* --- to who asked --- */

static ssize_t on_read(void *ctx, char *to, size_t room)
{
	struct job *j = ctx;
	const size_t had = j->nr - j->at, n = had < room ? had : room;
	ssize_t got;

	if (n) {
		memcpy(to, j->first + j->at, n);
		j->at += n;
		return (ssize_t)n;
	}
	got = job__body(j, to, room);
	if (!got)
		job__arm(j);
	return got;
}

static void on_end(void *ctx)
{
	job__forget(ctx);
}

static void refuse(struct http_answer *a, bool is_go, unsigned int status, const char *text)
{
	if (is_go)
		debug_pprof_refuse(a, status, text);
	else
		api_error(a, status, text);
	a->retry_s = status == 503 ? READERS_RETRY_S : 0;
}

static void job__fail(struct job *j, unsigned int status, const char *text)
{
	struct http_answer a = { .status = status };

	textbuf__init(&a.body, NULL);
	textbuf__init(&a.location, NULL);
	if (j->later) {
		refuse(&a, j->is_go, status, text);
		http_later__tell(j->later, &a);
	} else {
		log_warn("what happened to a target, or its profile, cannot be told: %s", text);
	}
	job__forget(j);
}

/* The answer outlives what was said. */
static const char *type_of(const char *said)
{
	static const char *const types[] = { "application/json", "application/jsonl",
					     "text/plain; charset=utf-8",
					     "text/html; charset=utf-8" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(said, types[i]))
			return types[i];
	return "application/octet-stream";
}

static void job__tell(struct job *j)
{
	struct http_answer a = { .status = j->head.status,
				 .type = type_of(j->head.type),
				 .go_pprof = j->head.go_pprof,
				 .retry_s = j->head.retry_s };
	uint64_t value, error;

	/* it came from a reader: two numbers, or nothing */
	j->head.interval[sizeof(j->head.interval) - 1] = '\0';
	if (sscanf(j->head.interval, "%" SCNu64 " +- %" SCNu64, &value, &error) == 2)
		snprintf(a.interval, sizeof(a.interval), "%" PRIu64 " +- %" PRIu64, value, error);
	textbuf__init(&a.body, NULL);
	textbuf__init(&a.location, NULL);
	if (j->whole) {
		textbuf__bytes(&a.body, j->first, j->nr);
		http_later__tell(j->later, &a);
		job__forget(j);
		return;
	}
	j->told = true;
	a.stream = (struct http_stream){ .read = on_read, .end = on_end, .ctx = j };
	http_later__tell(j->later, &a);
}

/* All of it; a little at a time. */
static void job__gather_post(struct job *j)
{
	size_t most = HTTP_PIECE_BYTES;
	ssize_t n = job__head(j);

	while (n > 0 && most) {
		char *to = textbuf__room(&j->body, most);

		n = to ? job__body(j, to, most) : HTTP_BROKEN;
		j->body.nr += n > 0 ? (size_t)n : 0;
		most -= n > 0 ? (size_t)n : 0;
	}
	j->broken |= n == HTTP_BROKEN || j->body.nr > SINK_BYTES_MAX;
	if (j->broken)
		job__fail(j, 500, "it takes too much time or memory");
	else if (j->whole) {
		sinks__put(j->sinks, j->post, steal(j->body.v), j->body.nr);
		job__forget(j);
	} else {
		job__arm(j);
	}
}

/* What is short is told once it is whole: so it fails as a whole, too. */
static void job__gather(struct job *j)
{
	ssize_t n = job__head(j);

	while (n > 0 && j->nr < sizeof(j->first)) {
		n = job__body(j, j->first + j->nr, sizeof(j->first) - j->nr);
		j->nr += n > 0 ? (size_t)n : 0;
	}
	if (j->broken)
		job__fail(j, 500, "it cannot be shown: it takes too much time or memory");
	else if (n)
		job__tell(j);
	else
		job__arm(j);
}

/* --- all of them --- */

int readers__new(struct readers **ret, struct cause *why)
{
	struct readers *r = calloc(1, sizeof(*r));
	struct epoll_event e = { .events = EPOLLIN };
	int err;

	if (!r)
		return cause__no_memory(why);
	r->to = -1;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = r->epoll < 0 ? cause__set(why, -errno, "cannot begin: %s", strerror(errno))
			   : reader__start(&r->host, &r->to, why);
	if (!err && epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->to, &e))
		err = cause__set(why, -errno, "cannot begin: %s", strerror(errno));
	if (err) {
		readers__free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void readers__free(struct readers *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nr; i++) {
		job__close(r->v[i]);
		textbuf__done(&r->v[i]->body);
		free(r->v[i]);
	}
	if (r->to >= 0) {
		(void)shutdown(r->to, SHUT_RDWR); /* that ends it, whoever else has it open */
		close(r->to);
	}
	if (r->epoll >= 0)
		close(r->epoll);
	while (r->host > 0 && waitpid(r->host, NULL, 0) < 0 && errno == EINTR)
		;
	free(r);
}

static bool is_go(enum reading_kind k)
{
	return k == READING_GO_GOROUTINES || k == READING_GO_LEAKS || k == READING_GO_RECORDING;
}

/* Not begun yet. 0 or negative errno. */
static int add(struct readers *r, const struct reading *what, struct http_later *later,
	       struct job **ret)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->of = r;
	textbuf__init(&j->body, NULL);
	j->later = later;
	j->is_go = is_go(what->kind);
	j->fd = j->store = -1;
	j->asked = reading__pack(what);
	if (j->asked >= 0 && what->store >= 0)
		j->store = fcntl(what->store, F_DUPFD_CLOEXEC, 0);
	if (j->asked < 0 || (what->store >= 0 && j->store < 0)) {
		const int err = j->asked < 0 ? j->asked : -errno;

		job__close(j);
		free(j);
		return err;
	}
	r->v[r->nr++] = j;
	*ret = j;
	return 0;
}

void readers__ask(struct readers *r, const struct reading *what, struct http_answer *a)
{
	struct job *j = NULL;
	int err = r->running >= READERS_MAX ? -EAGAIN : add(r, what, a->later, &j);

	if (!err)
		err = job__begin(j);
	if (!err) {
		http_later__wait(a->later);
		return;
	}
	if (j)
		job__forget(j);
	r->counts.refused++;
	refuse(a, is_go(what->kind), 503, "too much is read just now: try again in some seconds");
}

/* Those that wait, as far as there is room. */
static void begin_more(struct readers *r)
{
	for (size_t i = 0; i < r->nr && r->running < READERS_MAX; i++)
		if (r->v[i]->fd < 0 && job__begin(r->v[i]))
			job__fail(r->v[i--], 503, "it cannot be read now: try again later");
}

void readers__tell(struct readers *r, const struct reading *what, struct http_later *later)
{
	struct job *j = NULL;

	if (r->nr == JOBS_MAX || add(r, what, later, &j)) {
		struct http_answer a = { .status = 503 };

		textbuf__init(&a.body, NULL);
		textbuf__init(&a.location, NULL);
		r->counts.refused++;
		refuse(&a, true, 503, "too much is read just now: try again in some seconds");
		http_later__tell(later, &a);
		return;
	}
	begin_more(r);
}

int readers__post(struct readers *r, const struct reading *what, struct sinks *sinks,
		  enum post post, bool often)
{
	struct job *j = NULL;

	if ((often && r->running >= READERS_MAX / 2) || r->nr == JOBS_MAX || add(r, what, NULL, &j))
		return -EAGAIN;
	j->sinks = sinks;
	j->post = post;
	begin_more(r);
	return 0;
}

int readers__fd(const struct readers *r)
{
	return r->epoll;
}

/* One that ended in this turn is none any more. */
static bool has(const struct readers *r, const struct job *j)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->v[i] == j)
			return true;
	return false;
}

int readers__run(struct readers *r)
{
	struct epoll_event events[EVENTS];
	const int nr = epoll_wait(r->epoll, events, EVENTS, 0);
	int err = 0;

	for (int i = 0; i < nr; i++) {
		struct job *j = events[i].data.ptr;

		if (!j)
			err = -ECHILD; /* it says nothing, it ends */
		else if (has(r, j) && !j->later)
			job__gather_post(j);
		else if (has(r, j) && j->told)
			http_later__wake(j->later);
		else if (has(r, j))
			job__gather(j);
	}
	begin_more(r);
	return err;
}

struct readers_counts readers__counts(const struct readers *r)
{
	struct readers_counts c = r->counts;

	c.running = r->running;
	return c;
}
