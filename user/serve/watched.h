/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watched: what the supervisor knows of one Go process: who it is, and the last look of its worker.
 *
 * A look comes as a recording and its digest, in pieces, through a pipe; only a whole one takes the place of
 * the one before. It is not read here, however large it is: the digest has its figures, and whoever wants more
 * of it reads it (view/replay) in a process of its own.
 * A worker that sends nonsense is replaced: its bytes are hostile input.
 */
#ifndef PARKWATCH_SERVE_WATCHED_H
#define PARKWATCH_SERVE_WATCHED_H

#include "facts/resource.h"
#include "golang/gostate.h"
#include "serve/frame.h"
#include "serve/leakwatch.h"
#include "model/history.h"
#include "serve/recordings.h"
#include "serve/request_figures.h"
#include "serve/rules.h"
#include "serve/wire.h"

#define WATCHED_ID_MAX 64
#define WATCHED_BY_POD SIZE_MAX
/* That a worker may be silent once its next look has begun: then it hangs, and is replaced. */
#define WATCHED_SILENT_NS (20 * NS_PER_SEC)

struct store;

struct watched_counts {
	uint64_t goroutines; /* without the runtime's own, as all that follows */
	uint64_t by_state[GOSTATE_MAX];
	uint64_t oldest_ns[GOSTATE_MAX]; /* the longest wait; 0: not known */
};

/* The places of leaks that a sink knows, by hash. Full: it begins anew. */
struct leaks_sent {
	uint64_t v[LEAK_SITES_MAX * 2];
	size_t nr;
};

/* Which target of before it is a restart of (serve/restarts). */
struct restarted {
	char of[WATCHED_ID_MAX]; /* its id; "": of none that is known */
	uint32_t nr; /* of this program, one after the other, as far as known; 0: it is none */
	bool settled;
};

struct pod;

struct watched {
	char id[WATCHED_ID_MAX]; /* letters, digits and '-': "api-812-3f2a" */
	struct process_row row;
	uint64_t start_ticks;
	uint32_t restarts; /* of its worker */
	struct restarted restarted;
	size_t rule;     /* that says its level, from 1; 0: none does; WATCHED_BY_POD: its pod */
	struct pod *pod; /* owned: what the kubelet says (serve/pods); NULL: not known */
	bool told;       /* the launcher knows whether it is watched */
	struct frame_reader from;   /* the worker's pipe */
	uint64_t heard_ns, rest_ns; /* when it said something; until its next look begins */
	/* the last whole look: a recording; NULL: none came yet */
	char *look; /* owned */
	size_t look_len;
	struct watched_counts counts; /* of it */
	struct request_figures requests;
	struct resource_text resource; /* what it says of itself, as of its last look */
	uint64_t looked_ns;            /* when it came */
	uint64_t taken_ns;             /* as its worker says */
	uint64_t spanned_ns; /* that of the last one whose long waits went to OTLP; 0: of none */
	/* of all looks: goroutines that wait x time, by reason, an estimate; our CPU time */
	double blocked_ns[GOSTATE_STATUS];
	uint64_t own_cpu_ns, worker_cpu_ns; /* of all workers, of this one */
	uint64_t target_cpu_ns,
		target_cpu_start_ns; /* at the last look, at the first; 0: not known */
	/* goroutines since the target started, as its runtime counts */
	uint64_t created, ended;
	bool lives_known;
	/* as in a frame; FRAME_UNKNOWN */
	uint64_t dead, dead_stack_bytes;
	/* as in a frame */
	uint64_t latencies[FRAME_LATENCIES];
	double latencies_ns;
	bool latencies_known;
	enum level level;
	struct leakwatch leaks;
	struct leaks_sent leaks_hooked, leaks_logged; /* to the webhook, to OTLP */
	struct recordings recordings;
	/* when its goroutines went to Pyroscope and to OTLP; 0: never */
	uint64_t pushed_ns, otlp_pushed_ns;
	/* its recordings that went to OTLP: when the newest of them came */
	uint64_t otlp_recorded_ns[RECORDING_EVENTS];
	struct history *history; /* owned; NULL: no look came yet */
	uint64_t looks;          /* that came */
	double trend;            /* goroutines a minute, of the last 10 minutes; NAN: not known */
	uint64_t sums_minute, whole_due_ns; /* of serve/stored_look */
};

/* In any wait: all of them are one state. */
static inline uint64_t watched_counts__waiting(const struct watched_counts *c)
{
	uint64_t sum = 0;

	for (int s = 0; s < GOSTATE_STATUS; s++)
		sum += c->by_state[s];
	return sum;
}

/* The same for a process as long as it lives. start_ticks: as of brief_start_ticks(). */
void watched_id(const struct process_row *row, uint64_t start_ticks, char ret[WATCHED_ID_MAX]);
/* 0 or -ENOMEM. n: NOTICE_WATCHED or NOTICE_UNWATCHED. */
int watched__new(const struct notice *n, struct watched **ret);
void watched__free(struct watched *w);
/*
 * As its pod's annotation says, or by the rules that hold now. At LEVEL_OFF what was seen of it is forgotten. The pipe stays: it is the launcher
 * that ends the worker, and one that ends first counts as dead.
 */
void watched__set_level(struct watched *w, const struct rules *rules);
/* Another worker writes from here on; takes fd over. */
void watched__attach(struct watched *w, const struct notice *n, int fd);
/*
 * What the pipe has now, one look at most; s: goes there too, unless it is NULL. 0; -EPIPE: the worker has ended; -EBADMSG: it sends what is no look;
 * -ENOMEM. Then the pipe is closed.
 */
int watched__read(struct watched *w, struct store *s);

/*
 * What probes have cost the target, of the CPU time that it used since it is watched. < 0: that is not
 * known.
 */
double watched__overhead(const struct watched *w);

#endif
