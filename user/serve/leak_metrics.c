// SPDX-License-Identifier: BSD-2-Clause
#include "serve/leak_metrics.h"

#include <inttypes.h>

#include "base/clock.h"

/* of frame_figures.latencies[0]; those that are told */
#define LATENCY_FIRST_BITS 8
#define LATENCY_MIN_BITS   10
#define LATENCY_MAX_BITS   34

static void put_site(struct textbuf *to, const char *target, const char *verdict,
		     const char *created_by, const char *blocked_at, uint64_t goroutines)
{
	textbuf__format(to, "parkwatch_leaking_goroutines{target=\"%s\",verdict=\"%s\",", target,
			verdict);
	metrics_label(to, "created_by", created_by);
	textbuf__text(to, ",");
	metrics_label(to, "blocked_at", blocked_at);
	textbuf__format(to, "} %" PRIu64 "\n", goroutines);
}

static void put_leaking(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(in, to, "parkwatch_leaking_goroutines", "gauge",
		      "Goroutines that leak, at the last watch for leaks, by verdict and function; "
		      "'other': those of all other places.");
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];
		const struct leak_figures *f = &w->leaks.figures;

		for (size_t k = 0; k < f->nr; k++)
			put_site(to, w->id, verdict_name(f->sites[k].verdict),
				 f->sites[k].created_by, f->sites[k].blocked_at,
				 f->sites[k].goroutines);
		if (f->other)
			put_site(to, w->id, "other", "other", "other", f->other);
	}
}

static void put_blocked(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(
		in, to, "parkwatch_blocked_seconds", "counter",
		"Time that goroutines waited, by reason: an estimate, goroutines at each look "
		"x the time between looks.");
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];

		for (int s = 0; s < GOSTATE_STATUS; s++) {
			if (w->blocked_ns[s] <= 0)
				continue;
			textbuf__format(to, "parkwatch_blocked_seconds_total{target=\"%s\",",
					w->id);
			metrics_label(to, "reason", gostate_word((enum gostate)s));
			textbuf__format(to, "} %.3f\n", w->blocked_ns[s] / NS_PER_SEC);
		}
	}
}

/* Fewer bounds than there are: 2^10 ns (1 us), 2^12 ... 2^34 ns (17 s), and the rest. */
static void put_latencies_of(const struct watched *w, struct textbuf *to)
{
	const char *name = "parkwatch_sched_latency_seconds";
	uint64_t sum = 0;

	for (unsigned int i = 0; i < FRAME_LATENCIES; i++) {
		const unsigned int bits = i + LATENCY_FIRST_BITS;

		sum += w->latencies[i];
		if (bits >= LATENCY_MIN_BITS && bits <= LATENCY_MAX_BITS && !(bits & 1))
			textbuf__format(to, "%s_bucket{target=\"%s\",le=\"%.9g\"} %" PRIu64 "\n",
					name, w->id, (double)(1ULL << bits) / NS_PER_SEC, sum);
	}
	textbuf__format(to, "%s_bucket{target=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, w->id, sum);
	textbuf__format(to, "%s_sum{target=\"%s\"} %.6f\n", name, w->id,
			w->latencies_ns / NS_PER_SEC);
	textbuf__format(to, "%s_count{target=\"%s\"} %" PRIu64 "\n", name, w->id, sum);
}

static void put_latencies(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(in, to, "parkwatch_sched_latency_seconds", "histogram",
		      "How long goroutines that could run waited for a thread, since the target "
		      "started: the runtime's own histogram of every eighth time; the sum is "
		      "estimated.");
	for (size_t i = 0; i < in->nr; i++)
		if (in->targets[i]->latencies_known)
			put_latencies_of(in->targets[i], to);
}

/* One number of each target that has it; < 0: it has none. */
struct figure {
	const char *name, *type, *help, *labels;
	double (*of)(const struct watched *w);
};

static double stack_bytes(const struct watched *w)
{
	return w->leaks.report ? (double)w->leaks.figures.stack_bytes : -1;
}

static double heap_bytes(const struct watched *w)
{
	return w->leaks.report ? (double)w->leaks.figures.heap_bytes : -1;
}

static double lost(const struct watched *w)
{
	return (double)(w->leaks.lost + w->recordings.lost);
}

static double watches(const struct watched *w)
{
	return (double)w->leaks.watches;
}

static double failed(const struct watched *w)
{
	return (double)w->leaks.failed;
}

static double recordings(const struct watched *w)
{
	return (double)w->recordings.nr;
}

static double recordings_failed(const struct watched *w)
{
	return (double)w->recordings.failed;
}

static double cpu_seconds(const struct watched *w)
{
	return (double)(w->own_cpu_ns + w->leaks.cpu_ns + w->recordings.cpu_ns) / NS_PER_SEC;
}

static double created(const struct watched *w)
{
	return w->lives_known ? (double)w->created : -1;
}

static double ended(const struct watched *w)
{
	return w->lives_known ? (double)w->ended : -1;
}

static double dead(const struct watched *w)
{
	return w->look && w->dead != FRAME_UNKNOWN ? (double)w->dead : -1;
}

static double dead_stack_bytes(const struct watched *w)
{
	return w->look && w->dead_stack_bytes != FRAME_UNKNOWN ? (double)w->dead_stack_bytes : -1;
}

static const struct figure figures[] = {
	{ "parkwatch_goroutines_created", "counter",
	  "Goroutines that were made since the target started, the runtime's own too: its own "
	  "count.",
	  "", created },
	{ "parkwatch_goroutines_ended", "counter",
	  "Those of them that have ended: created, without those that the look saw.", "", ended },
	{ "parkwatch_dead_goroutines", "gauge",
	  "g structures of goroutines that have ended: the runtime keeps them to use them again.",
	  "", dead },
	{ "parkwatch_dead_goroutine_stack_bytes", "gauge", "Stacks that those still have.", "",
	  dead_stack_bytes },
	{ "parkwatch_leak_stack_bytes", "gauge", "Stacks of goroutines that leak.", "",
	  stack_bytes },
	{ "parkwatch_leak_heap_bytes", "gauge",
	  "Heap that only goroutines that leak keep in use, as far as it was counted.", "",
	  heap_bytes },
	{ "parkwatch_overhead_ratio", "gauge",
	  "What probes cost the target, of the CPU time that it used since it is watched: hits x "
	  "what one costs on this machine.",
	  "", watched__overhead },
	{ "parkwatch_events_lost", "counter", "Events that were lost on their way from a probe.",
	  ",stage=\"probes\"", lost },
	{ "parkwatch_leak_watches", "counter", "Watches for leaks that were begun.", "", watches },
	{ "parkwatch_leak_watches_failed", "counter",
	  "Watches for leaks that brought no report: their process died, or could not watch.", "",
	  failed },
	{ "parkwatch_recordings", "counter",
	  "Recordings that were begun, in a regular turn or because somebody asked.", "",
	  recordings },
	{ "parkwatch_recordings_failed", "counter", "Recordings that brought nothing.", "",
	  recordings_failed },
	{ "parkwatch_worker_cpu_seconds", "counter",
	  "CPU time of parkwatch's own processes that look at the target.", "", cpu_seconds },
};

static void put_figure(const struct metrics_in *in, const struct figure *f, struct textbuf *to)
{
	metrics__head(in, to, f->name, f->type, f->help);
	for (size_t i = 0; i < in->nr; i++) {
		const double value = f->of(in->targets[i]);

		if (value >= 0)
			textbuf__format(to, "%s%s{target=\"%s\"%s} %.15g\n", f->name,
					f->type[0] == 'c' ? "_total" : "", in->targets[i]->id,
					f->labels, value);
	}
}

void leak_metrics__write(const struct metrics_in *in, struct textbuf *to)
{
	put_leaking(in, to);
	put_blocked(in, to);
	put_latencies(in, to);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		put_figure(in, &figures[i], to);
}
