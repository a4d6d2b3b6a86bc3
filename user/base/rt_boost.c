// SPDX-License-Identifier: BSD-2-Clause
#include "base/rt_boost.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST        1 /* priorities of SCHED_RR */
#define GUARD        (FIRST + 1)
#define GUARD_STACK  (64u << 10)
#define NAP_LEAST_NS (20 * NS_PER_US) /* the guard does not come more often than that */

struct rt_boost {
	uint64_t limit_ns;
	pid_t tid;       /* of the thread that is served */
	clockid_t clock; /* its CPU time */
	int policy;      /* of it, when it does not hurry */
	struct sched_param param;
	bool guarded; /* there is a guard, else nobody hurries */
	pthread_t guard;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool first; /* it is before all others */
	bool counts;
	uint64_t end_ns; /* on its clock */
	bool over;       /* the guard ends */
};

static int processors_of(pid_t pid)
{
	cpu_set_t set;

	/* too many for the set: it has more than one */
	return sched_getaffinity(pid, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

uint64_t rt_boost_limit_ns(pid_t target)
{
	return processors_of(0) == 1 || processors_of(target) == 1 ? RT_BOOST_ONE_NS : RT_BOOST_NS;
}

/* Locked. The policy is set by the guard too: it goes by the thread's id. */
static void rt_boost__set(struct rt_boost *p, bool first)
{
	const struct sched_param rr = { .sched_priority = FIRST };

	if (first != p->first &&
	    !sched_setscheduler(p->tid, first ? SCHED_RR : p->policy, first ? &rr : &p->param))
		p->first = first;
}

/*
 * While the thread uses its time the guard sleeps as long as there is at least left: CPU time never
 * goes faster than the clock.
 */
static void *rt_boost__guard(void *arg)
{
	struct rt_boost *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->over) {
		const uint64_t now = p->counts ? clock_ns(p->clock) : 0;

		if (!p->counts) {
			pthread_cond_wait(&p->changed, &p->lock);
		} else if (now >= p->end_ns) {
			p->counts = false;
			rt_boost__set(p, false);
		} else {
			const uint64_t left = p->end_ns - now;
			const struct timespec nap = {
				.tv_nsec = (long)(left > NAP_LEAST_NS ? left : NAP_LEAST_NS)
			};

			pthread_mutex_unlock(&p->lock);
			nanosleep(&nap, NULL);
			pthread_mutex_lock(&p->lock);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* All signals are the other thread's: they end its waits. */
static int rt_boost__start_guard(struct rt_boost *p)
{
	const struct sched_param rr = { .sched_priority = GUARD };
	sigset_t all, before;
	pthread_attr_t attr;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, GUARD_STACK);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_RR);
	pthread_attr_setschedparam(&attr, &rr);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&p->guard, &attr, rt_boost__guard, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

/*
 * The one who waits for the lock is served as well as the one who has it: the guard may be kept
 * from it for a moment, not for long.
 */
static int rt_boost__init(struct rt_boost *p)
{
	pthread_mutexattr_t attr;
	int err;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	err = pthread_mutex_init(&p->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	pthread_cond_init(&p->changed, NULL);
	return -err;
}

int rt_boost__new(uint64_t limit_ns, struct rt_boost **ret)
{
	struct rt_boost *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	err = rt_boost__init(p);
	if (err) {
		free(p);
		return err;
	}
	p->limit_ns = limit_ns;
	p->tid = (pid_t)syscall(SYS_gettid);
	p->policy = sched_getscheduler(0);
	p->guarded = p->policy >= 0 && !sched_getparam(0, &p->param) &&
		     !pthread_getcpuclockid(pthread_self(), &p->clock) && !rt_boost__start_guard(p);
	*ret = p;
	return 0;
}

static void rt_boost__count(struct rt_boost *p, bool counts)
{
	pthread_mutex_lock(&p->lock);
	p->counts = counts && p->first;
	p->end_ns = clock_ns(p->clock) + p->limit_ns;
	if (p->counts)
		pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

void rt_boost__free(struct rt_boost *p)
{
	if (!p)
		return;
	if (p->guarded) {
		rt_boost__restore(p);
		pthread_mutex_lock(&p->lock);
		p->over = true;
		pthread_cond_signal(&p->changed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->guard, NULL);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void rt_boost__begin(struct rt_boost *p)
{
	pthread_mutex_lock(&p->lock);
	p->counts = false;
	rt_boost__set(p, true);
	pthread_mutex_unlock(&p->lock);
}

void rt_boost__hurry(struct rt_boost *p)
{
	if (!p || !p->guarded)
		return;
	rt_boost__begin(p);
	rt_boost__count(p, true);
}

int rt_boost__poll(struct rt_boost *p, struct pollfd *fds, size_t nr, const struct timespec *most)
{
	int n, err;

	if (p && p->guarded)
		rt_boost__begin(p);
	n = ppoll(fds, nr, most, NULL);
	err = errno;
	if (p && p->guarded)
		rt_boost__count(p, true);
	errno = err;
	return n;
}

void rt_boost__restore(struct rt_boost *p)
{
	if (!p || !p->guarded)
		return;
	pthread_mutex_lock(&p->lock);
	p->counts = false;
	rt_boost__set(p, false);
	pthread_mutex_unlock(&p->lock);
}

uint64_t rt_boost__limit_ns(const struct rt_boost *p)
{
	return p ? p->limit_ns : 0;
}

void rt_boost_first(void)
{
	const struct sched_param rr = { .sched_priority = FIRST };

	(void)sched_setscheduler(0, SCHED_RR, &rr);
}
