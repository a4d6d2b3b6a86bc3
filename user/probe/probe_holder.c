// SPDX-License-Identifier: BSD-2-Clause
#include "probe/probe_holder.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <parkwatch/event.h>
#include <parkwatch/knobs.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "base/rt_boost.h"
#include "parkwatch.skel.h"
#include "probe/holder_request.h"
#include "probe/master.h"

#define LOOK_MS 25 /* so often it looks whether its master is in charge */

struct part {
	struct ulink links[PW_SITES_MAX];
	size_t nr;
};

struct set {
	/* the variables of its BPF programs, which parkwatch sees too */
	struct parkwatch__bss *shared;
	clockid_t clock; /* the target's CPU time, if it has a target */
	bool has_target;
	bool absent; /* nobody is in charge, and that was told */
	struct part parts[HOLDER_PARTS];
};

struct holder {
	struct master master;
	struct set *sets[HOLDER_SETS]; /* NULL: none */
	bool told;                     /* heart->holding counts us */
};

static void part__close(struct part *p)
{
	ulinks__close(p->links, p->nr);
	p->nr = 0;
}

static bool set__holds(const struct set *s)
{
	for (int i = 0; i < HOLDER_PARTS; i++)
		if (s->parts[i].nr)
			return true;
	return false;
}

/* What is held is known to who waits until nothing is. */
static void holder__tell(struct holder *h)
{
	bool holds = false;

	for (int i = 0; i < HOLDER_SETS; i++)
		holds |= h->sets[i] && set__holds(h->sets[i]);
	if (holds != h->told)
		__atomic_add_fetch(&heart->holding, holds ? 1 : -1, __ATOMIC_SEQ_CST);
	h->told = holds;
}

/* All at the same time: of this set, or of those that nobody is in charge of. */
static void holder__take_out(struct holder *h, const struct set *only)
{
	static struct ulink links[HOLDER_SETS * HOLDER_PARTS * PW_SITES_MAX];
	size_t nr = 0;

	for (int i = 0; i < HOLDER_SETS; i++) {
		struct set *s = h->sets[i];

		for (int k = 0; s && (only ? s == only : s->absent) && k < HOLDER_PARTS; k++) {
			memcpy(&links[nr], s->parts[k].links, s->parts[k].nr * sizeof(*links));
			nr += s->parts[k].nr;
			s->parts[k].nr = 0;
		}
	}
	ulinks__close(links, nr);
	holder__tell(h);
}

/* Nobody is in charge: recording ends. One that has ended by itself ended then. */
static void set__end(struct set *s, bool stopped)
{
	struct parkwatch__bss *b = s->shared;

	s->absent = true;
	b->pw_absent_stopped = stopped;
	b->pw_absent_cpu_ns = s->has_target ? clock_ns(s->clock) : 0;
	__atomic_store_n(&b->pw_absent_ns, clock_now_ns(), __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&b->pw_on, 0, __ATOMIC_SEQ_CST))
		__atomic_store_n(&b->pw_cut_ns, b->pw_absent_ns, __ATOMIC_SEQ_CST);
}

/* That parkwatch is late matters only to sets that have probes in. */
static void holder__watch(struct holder *h)
{
	const enum master_state state = master__state(&h->master);
	bool absent = false;

	for (int i = 0; i < HOLDER_SETS; i++) {
		struct set *s = h->sets[i];

		if (!s)
			continue;
		if (state == MASTER_HERE || (state == MASTER_LATE && !set__holds(s))) {
			s->absent = false;
			__atomic_store_n(&s->shared->pw_beat_ns, clock_now_ns(), __ATOMIC_SEQ_CST);
		} else if (!s->absent) {
			set__end(s, state == MASTER_STOPPED);
		}
		absent |= s->absent;
	}
	if (absent) /* each time: a request may have been on its method */
		holder__take_out(h, NULL);
}

static int holder__add(struct holder *h, int map_fd)
{
	struct set *s;
	uint32_t i = 0;

	while (i < HOLDER_SETS && h->sets[i])
		i++;
	if (i == HOLDER_SETS)
		return -ENOSPC;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (s->shared == MAP_FAILED) {
		free(s);
		return -errno;
	}
	h->sets[i] = s;
	return (int)i;
}

static void holder__remove(struct holder *h, uint32_t i)
{
	struct set *s = h->sets[i];

	holder__take_out(h, s);
	munmap(s->shared, sizeof(*s->shared));
	free(s);
	h->sets[i] = NULL;
}

static int set__open(struct set *s, const struct holder_request *r, int prog_fd, int file_fd)
{
	struct part *part = &s->parts[r->part];
	char path[32];
	const struct uplace where = { path, r->offsets, r->cookies, r->nr };
	int err;

	if (part->nr == ARRAY_SIZE(part->links))
		return -E2BIG;
	s->has_target = s->has_target || !clock_getcpuclockid(r->pid, &s->clock);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
	err = ulink__open(r->method, prog_fd, r->pid, &where, &part->links[part->nr]);
	part->nr += !err;
	return err;
}

static int holder__do(struct holder *h, const struct holder_request *r, const int *fds)
{
	if (r->op == HOLDER_ADD)
		return holder__add(h, fds[0]);
	if (r->set >= HOLDER_SETS || !h->sets[r->set] || r->part >= HOLDER_PARTS ||
	    r->nr > PW_SITES_MAX)
		return -EINVAL;
	switch (r->op) {
	case HOLDER_REMOVE: holder__remove(h, r->set); return 0;
	case HOLDER_OPEN: return set__open(h->sets[r->set], r, fds[0], fds[1]);
	case HOLDER_CLOSE: part__close(&h->sets[r->set]->parts[r->part]); return 0;
	default: return -EINVAL;
	}
}

/*
 * Why a descriptor did not come: there is no number left for it, or the kernel's policy forbids it.
 */
static int why_cut(void)
{
	const int fd = dup(HOLDER_SOCKET);

	if (fd < 0)
		return -errno;
	close(fd);
	return -EPERM;
}

/*
 * The next request and its descriptors. -EMFILE, -EPERM: these did not all come; -EPIPE: the other
 * end is closed; -EBADMSG: no request.
 */
static int receive(struct holder_request *r, int *fds)
{
	char room[CMSG_SPACE(HOLDER_FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	struct iovec data = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = room,
			    .msg_controllen = sizeof(room) };
	const ssize_t n = recvmsg(HOLDER_SOCKET, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	for (int i = 0; i < HOLDER_FDS_MAX; i++)
		fds[i] = -EBADF;
	if (n < 0)
		return -errno;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (n == 0)
		return -EPIPE;
	if (n != (ssize_t)sizeof(*r))
		return -EBADMSG;
	return m.msg_flags & MSG_CTRUNC ? why_cut() : 0;
}

static void close_fds(const int *fds)
{
	for (int i = 0; i < HOLDER_FDS_MAX; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The first request. */
static int holder__meet_master(struct holder *h)
{
	struct holder_request r;
	int fds[HOLDER_FDS_MAX];
	int err = receive(&r, fds);

	if (!err && r.op != HOLDER_MASTER)
		err = -EBADMSG;
	if (!err)
		err = heart__join(fds[0]);
	if (!err)
		err = master__init(&h->master, getppid(), fds[1]);
	if (err)
		close_fds(fds);
	else
		close(fds[0]);
	return err;
}

static bool holder__answer(struct holder *h)
{
	struct holder_request r;
	int fds[HOLDER_FDS_MAX];
	int answer = receive(&r, fds);

	if (!answer)
		answer = holder__do(h, &r, fds);
	else if (answer != -EMFILE && answer != -EPERM)
		return false;
	close_fds(fds);
	holder__tell(h);
	master__lives(&h->master);
	return send(HOLDER_SOCKET, &answer, sizeof(answer), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(answer);
}

int probe_holder_main(void)
{
	static struct holder h;
	struct pollfd fd = { .fd = HOLDER_SOCKET, .events = POLLIN };
	int n, err = holder__meet_master(&h);

	if (err) {
		log_error("'" PROBE_HOLDER_COMMAND "' is started by parkwatch alone: %s",
			  strerror(-err));
		return 2;
	}
	prctl(PR_SET_NAME, "pw-holder");
	rt_boost_first(); /* until a probe is out each hit costs the target a trap */
	while ((n = poll(&fd, 1, LOOK_MS)) >= 0) {
		holder__watch(&h);
		if (n && !holder__answer(&h))
			break;
	}
	for (uint32_t i = 0; i < HOLDER_SETS; i++)
		if (h.sets[i])
			h.sets[i]->absent = true;
	holder__take_out(&h, NULL);
	return 0;
}
