// SPDX-License-Identifier: BSD-2-Clause
#include "serve/looker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/cleanup.h"
#include "base/nothing.h"
#include "base/vec.h"
#include "engine/brief.h"
#include "serve/ask.h"
#include "serve/discover.h"
#include "serve/wire.h"
#include "serve/worker.h"

/* A frame of all processes: this, and its rows. */
struct listing {
	uint64_t nr, looked_at, no_right, told; /* told: a daemon did */
	struct cause not_told;
};

/* --- in the child --- */

struct lister {
	struct discovery *discovery;
	struct processes now; /* of the last look */
	uint64_t *
		rests_ns; /* owned; by row of now: until then it is not looked at again; 0: it is */
	uint64_t looked_at, no_right; /* of the first look: of what is not Go's too */
};

static bool has(const struct processes *p, pid_t pid)
{
	size_t i = 0;

	while (i < p->nr && p->rows[i].pid != pid)
		i++;
	return i < p->nr;
}

/* Where looking came to no end it rests. Rows that rest stay as they are, if the process is still there. */
static int lister__merge(struct lister *l, struct processes *found, uint64_t now_ns)
{
	const size_t most = found->nr + l->now.nr;
	scoped_mem uint64_t *rests_ns = calloc(most + 1, sizeof(*rests_ns));

	found->room = found->nr;
	if (!rests_ns || vec__reserve(&found->rows, &found->room, most + 1, sizeof(*found->rows)))
		return -ENOMEM;
	for (size_t i = 0; i < found->nr; i++)
		rests_ns[i] = found->rows[i].unread ? now_ns + LOOKER_REST_NS : 0;
	for (size_t i = 0; i < l->now.nr; i++) {
		const struct process_row *r = &l->now.rows[i];

		if (l->rests_ns[i] <= now_ns || has(found, r->pid) || !brief_start_ticks(r->pid))
			continue;
		rests_ns[found->nr] = l->rests_ns[i];
		found->rows[found->nr++] = *r;
	}
	processes__done(&l->now);
	free(l->rests_ns);
	l->now = *found;
	l->rests_ns = steal(rests_ns);
	return 0;
}

/* What is Go's is looked at anew; what is not, only if it is new. */
static int lister__look(struct lister *l)
{
	const uint64_t now_ns = clock_now_ns();
	struct processes found;
	int err;

	for (size_t i = 0; i < l->now.nr; i++)
		if (l->rests_ns[i] <= now_ns)
			discovery__forget(l->discovery, l->now.rows[i].pid);
	err = discovery__all(l->discovery, &found, NULL);
	if (err)
		return err;
	if (!l->looked_at) {
		l->looked_at = found.looked_at;
		l->no_right = found.no_right;
	}
	return lister__merge(l, &found, now_ns);
}

static int lister__tell(const struct lister *l, int to)
{
	static const struct frame_figures none;
	const size_t nr = l->now.nr < LOOKER_PROCESSES_MAX ? l->now.nr : LOOKER_PROCESSES_MAX;
	const struct listing head = { nr, l->looked_at, l->no_right, l->now.daemon != NULL,
				      l->now.not_told };
	const size_t len = sizeof(head) + nr * sizeof(*l->now.rows);
	scoped_mem char *bytes = malloc(len);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &head, sizeof(head));
	if (nr)
		memcpy(bytes + sizeof(head), l->now.rows, nr * sizeof(*l->now.rows));
	return frame_write(to, &none, (const struct frame_bytes[FRAME_PARTS]){ { bytes, len } });
}

/* That there is none where nobody named one is no news. */
static void lister__ask(struct lister *l, const struct ask_whom *daemon)
{
	int err;

	l->now.not_told = (struct cause){ "" };
	err = ask_daemon(daemon, &l->now, &l->now.not_told);
	if (!err || (err == -ENOENT && !daemon->named))
		l->now.not_told.text[0] = '\0';
}

static void __attribute__((noreturn))
list_all(int to, uint64_t pace_ns, const struct ask_whom *daemon)
{
	struct lister l = { .discovery = NULL };

	if (discovery__new(&l.discovery))
		_exit(1);
	for (;;) {
		const uint64_t began = clock_now_ns();
		uint64_t rest_ns;

		if (lister__look(&l))
			_exit(1);
		if (daemon)
			lister__ask(&l, daemon);
		if (lister__tell(&l, to))
			_exit(1);
		/* half of our time at most */
		rest_ns = clock_now_ns() - began;
		rest_ns = rest_ns < pace_ns / 2 ? pace_ns - rest_ns : rest_ns;
		(void)nanosleep(&(struct timespec){ (time_t)(rest_ns / NS_PER_SEC),
						    (long)(rest_ns % NS_PER_SEC) },
				NULL);
	}
}

/* Nothing of it reaches the terminal; a key is not for it. */
static void __attribute__((noreturn))
child_main(pid_t pid, uint64_t pace_ns, const struct ask_whom *daemon, int to, int said)
{
	const int null = open_nothing();

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(said, STDERR_FILENO) < 0)
		_exit(1);
	if (pid)
		become_worker(WORKER_COMMAND, pid, (uint32_t)(pace_ns / NS_PER_MS), 0, to);
	list_all(to, pace_ns, daemon);
}

/* --- in the parent --- */

void looker__init(struct looker *l)
{
	*l = (struct looker){ .said = -1, .from = { .fd = -1 } };
}

int looker__start(struct looker *l, pid_t pid, uint64_t pace_ns, const struct ask_whom *daemon)
{
	int fds[2];

	looker__stop(l);
	l->said = memfd_create("said", MFD_CLOEXEC);
	if (l->said < 0 || pipe2(fds, O_CLOEXEC))
		return -errno;
	l->child = fork();
	if (!l->child)
		child_main(pid, pace_ns, daemon, fds[1], l->said);
	close(fds[1]);
	if (l->child < 0) {
		l->child = 0;
		close(fds[0]);
		return -EAGAIN;
	}
	frame_reader__open(&l->from, fds[0], FRAME_BYTES_MAX);
	return 0;
}

void looker__stop(struct looker *l)
{
	if (l->child) {
		(void)kill(l->child, SIGKILL);
		while (waitpid(l->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (l->said >= 0)
		close(l->said);
	frame_reader__close(&l->from);
	looker__init(l);
}

/* The last line that it said, without who says it. */
static void last_words(int said, struct cause *why)
{
	char text[sizeof(why->text)], *line;
	const ssize_t n = pread(said, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strlen(text) - (n > 0 && text[n - 1] == '\n')] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	line += strncmp(line, "parkwatch: ", 11) ? 0 : 11;
	(void)cause__set(why, 0, "%s", line[0] ? line : "the process that looks ended");
	clean_text(why->text);
}

bool looker__ended(struct looker *l, struct cause *why)
{
	int status = 1;

	while (l->child && waitpid(l->child, &status, 0) < 0 && errno == EINTR)
		;
	l->child = 0;
	if (status)
		last_words(l->said, why);
	looker__stop(l);
	return !status;
}

static void end_texts(struct process_row *r)
{
	r->exe[sizeof(r->exe) - 1] = r->go[sizeof(r->go) - 1] = '\0';
	r->container[sizeof(r->container) - 1] = r->why.text[sizeof(r->why.text) - 1] = '\0';
	r->told.level[sizeof(r->told.level) - 1] = '\0';
}

int looker__processes(const struct looker *l, const char *daemon, struct processes *ret)
{
	const struct frame_bytes told = frame_reader__part(&l->from, FRAME_RECORDING);
	const size_t len = told.len;
	struct listing head;
	struct process_row *rows;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, told.v, sizeof(head));
	if (head.nr > LOOKER_PROCESSES_MAX || len != sizeof(head) + head.nr * sizeof(*rows))
		return -EBADMSG;
	rows = calloc(head.nr + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	memcpy(rows, told.v + sizeof(head), head.nr * sizeof(*rows));
	for (size_t i = 0; i < head.nr; i++)
		end_texts(&rows[i]);
	*ret = (struct processes){ .rows = rows,
				   .nr = head.nr,
				   .room = head.nr + 1,
				   .looked_at = head.looked_at,
				   .no_right = head.no_right,
				   .daemon = head.told ? daemon : NULL,
				   .not_told = head.not_told };
	ret->not_told.text[sizeof(ret->not_told.text) - 1] = '\0';
	clean_text(ret->not_told.text);
	return 0;
}
