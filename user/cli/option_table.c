/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/option_table.h"

#include <limits.h>
#include <string.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/completion.h"
#include "engine/allocs.h"
#include "facts/goroutines.h"
#include "format/dump_group.h"
#include "host/cpu_clock.h"
#include "model/profile.h"
#include "model/timeline.h"
#include "model/verdict.h"
#include "probe/attach.h"
#include "serve/ask.h"
#include "serve/config.h"
#include "serve/state_dir.h"
#include "serve/supervisor.h"
#include "view/dump.h"
#include "view/refs.h"

#define REC        CMD_BIT(CMD_RECORD)
#define DMP        CMD_BIT(CMD_DUMP)
#define CHN        CMD_BIT(CMD_CHANS)
#define LKS        CMD_BIT(CMD_LEAKS)
#define RFS        CMD_BIT(CMD_REFS)
#define RQS        CMD_BIT(CMD_REQUESTS)
#define DOC        CMD_BIT(CMD_DOCTOR)
#define RPT        CMD_BIT(CMD_REPORT)
#define DIF        CMD_BIT(CMD_DIFF)
#define SRV        CMD_BIT(CMD_SERVE)
#define PSS        CMD_BIT(CMD_PS)
#define TOP        CMD_BIT(CMD_TOP)
#define HLP        CMD_BIT(CMD_HELP)
#define VER        CMD_BIT(CMD_VERSION)
#define SHOW       (REC | DMP | CHN | LKS | RFS) /* those that write a result */
#define AT(member) offsetof(struct opts, member)
#define USUAL(v)   .has_usual = true, .usual = (v)
#define NO_P       "looks at goroutines do not see on which P something happened"
#define NO_LENGTHS "looks at goroutines do not see how long a wait is"
#define RANGE_MAX  (1000000 * NS_PER_SEC) /* 11 days */
#define EVENTS_MAX 50000000               /* 0.5 GB in a file */
#define SUMS       "allocations are summed where they happen"
#define WAKERS     "stacks say who ended the wait, not who made the goroutine"
#define NO_WAKERS  "looks at goroutines do not see who ends a wait"
#define NO_UNLOCKS "looks at goroutines do not see who gives up a lock"
#define SAMPLES    "a sample says what runs, not since when"
#define STATES     "looks at goroutines see what they do, not since when"

static const struct opt_word event_words[] = {
	{ "blocked", PROFILE_BLOCKED, "nanoseconds that goroutines wait, by stack and reason" },
	{ "births", PROFILE_BIRTHS, "goroutines that are made, by the stack that makes them" },
	{ "exits", PROFILE_EXITS, "goroutines that end, by the stack that made them" },
	{ "sched", PROFILE_SCHED, "nanoseconds from ready to running, by the stack that waited" },
	{ "alloc", PROFILE_ALLOC, "bytes that are allocated, by stack" },
	{ "wakeups", PROFILE_WAKEUPS,
	  "waits as in blocked, by the stack that ended them too: a goroutine's, or [netpoll], "
	  "[timer], [gc], [signal]" },
	{ "cpu", PROFILE_CPU,
	  "CPU time, by the stack that runs; estimated from samples, no probes" },
	{ "block", PROFILE_BLOCK,
	  "as Go's own block profile: waits for channels, select and package sync that end, up to "
	  "who ends them" },
	{ "mutex", PROFILE_MUTEX,
	  "as Go's own mutex profile: time that others wait for a lock, by the stack that gives it "
	  "up" },
	{ "wall", PROFILE_WALL,
	  "all the time of goroutines, by what they do: running, ready, waiting, in a system call; "
	  "estimated from looks and samples, system calls exact while probes for them are cheap" },
	{ 0 },
};
static const struct opt_word alloc_words[] = {
	{ "auto", ALLOC_SOURCE_AUTO,
	  "refill; if it is not possible here, runtime; if that is not, exact" },
	{ "refill", ALLOC_SOURCE_REFILL,
	  "cheap: sums by size class are exact, who allocated is estimated" },
	{ "runtime", ALLOC_SOURCE_RUNTIME, "the samples that Go takes for its own heap profile" },
	{ "exact", ALLOC_SOURCE_EXACT,
	  "every allocation: the program can become several times slower" },
	{ 0 },
};
static const struct opt_word root_words[] = {
	{ "none", PROFILE_ROOT_NONE, "no such frame" },
	{ "goid", PROFILE_ROOT_GOID, "the number of the goroutine" },
	{ "created-by", PROFILE_ROOT_CREATED_BY,
	  "the function with the go statement; if it is a library's, also the line of your own "
	  "code that called the library" },
	{ "label", PROFILE_ROOT_LABEL, "its pprof labels" },
	{ "state", PROFILE_ROOT_STATE, "what it waits for, or its status" },
	{ 0 },
};
static const struct opt_word recorded_root_words[] = {
	{ "none", PROFILE_ROOT_NONE, "no such frame" },
	{ "goid", PROFILE_ROOT_GOID, "the number of the goroutine" },
	{ "created-by", PROFILE_ROOT_CREATED_BY,
	  "the function with the go statement; if it is a library's, also the line of your own "
	  "code that called the library" },
	{ "label", PROFILE_ROOT_LABEL, "its pprof labels" },
	{ "state", PROFILE_ROOT_STATE, "what it waits for, or its status" },
	{ "route", PROFILE_ROOT_ROUTE,
	  "the route of the request that it works for, as far as looks at requests tell; "
	  "else [no request]" },
	{ "trace", PROFILE_ROOT_TRACE, "the trace of that request" },
	{ "span", PROFILE_ROOT_SPAN, "its innermost span" },
	{ 0 },
};
static const struct opt_word transport_words[] = {
	{ "auto", -1, "ring, where the kernel has it" },
	{ "ring", PW_TRANSPORT_RING, "a BPF ring buffer" },
	{ "perf", PW_TRANSPORT_PERF, "perf buffers, one for each processor" },
	{ 0 },
};
static const struct opt_word attach_words[] = {
	{ "auto", ATTACH_AUTO, "the first of these that works" },
	{ "uprobe-multi", ATTACH_MULTI, "one BPF link for many probes (Linux 6.6 and later)" },
	{ "perf-link", ATTACH_PERF_LINK, "one BPF link for each probe" },
	{ "perf-ioctl", ATTACH_PERF_IOCTL, "one perf event for each probe, without a link" },
	{ 0 },
};
static const struct opt_word log_words[] = {
	{ "text", LOG_TEXT, "for a person" },
	{ "logfmt", LOG_LOGFMT, "time=... level=... msg=\"...\"" },
	{ "json", LOG_JSON, "an object with time, level and msg" },
	{ 0 },
};
static const struct opt_word shell_words[] = {
	{ "bash", COMPLETION_BASH, "for /usr/share/bash-completion/completions/parkwatch" },
	{ "zsh", COMPLETION_ZSH, "for /usr/share/zsh/site-functions/_parkwatch" },
	{ "fish", COMPLETION_FISH, "for /usr/share/fish/vendor_completions.d/parkwatch.fish" },
	{ 0 },
};
static const struct opt_word version_words[] = {
	{ "text", VERSION_TEXT, "a line for each" },
	{ "json", VERSION_JSON, "one object" },
	{ 0 },
};
static const struct opt_word group_words[] = {
	{ "site", DUMP_GROUP_SITE, "the go statement that made them" },
	{ "stack", DUMP_GROUP_STACK, "their stack" },
	{ "wait", DUMP_GROUP_WAIT, "the reason why they wait" },
	{ "object", DUMP_GROUP_OBJECT,
	  "what they wait for; one in a select counts for each thing it waits for" },
	{ "label", DUMP_GROUP_LABEL, "their pprof labels" },
	{ 0 },
};
static const struct opt_word sort_words[] = {
	{ "goid", DUMP_SORT_GOID, "by number" },
	{ "age", DUMP_SORT_AGE, "the longest wait first" },
	{ "stack", DUMP_SORT_STACK,
	  "the commonest stack first; groups: the most bytes of stacks first" },
	{ "state", DUMP_SORT_STATE, "by state" },
	{ 0 },
};

/* keys of columns (view/top_rows) */
static const struct opt_word top_sort_words[] = {
	{ "growth", 'T', "how many more each minute" },
	{ "goroutines", 'G', "how many there are" },
	{ "leaks", 'L', "of processes: how many leak" },
	{ "pid", 'P', "of processes: the highest PID first" },
	{ "new", 'N', "of sites: how many came" },
	{ "blocked", 'B', "of sites: for how long they waited, summed" },
	{ "oldest", 'O', "of sites: the longest wait" },
	{ 0 },
};

const struct opt_def opt_table[] = {
	/* --- what to look at --- */
	{ PART_TARGET, "pid", 'p', OPT_PIDS, AT(pid), REC, "PID[,PID...]",
	  .help = "the Go process to record; several: each gets a recording of its own, in FILE of "
		  "-o (and of --save) with its PID before the suffix",
	  .max = OPT_PIDS_MAX },
	{ PART_TARGET, "pid", 'p', OPT_PID, AT(pid), (SHOW & ~REC) | RQS | DOC | TOP, "PID",
	  .help = "the Go process to look at", .min = 1, .max = INT_MAX },
	{ PART_TARGET, "attach-by", 0, OPT_TEXT, AT(attach_by), SHOW | RQS | DOC | TOP,
	  "NAME|exe=PATH|container=NAME",
	  .help = "instead of -p: the one Go process whose file has this name or path (* and ? as "
		  "in a shell), or that is in this container or pod: a name, or the beginning of "
		  "the container's id",
	  .not_with = { { NULL, "pid", "each says which process" } } },
	{ PART_TARGET, "user", 0, OPT_TEXT, AT(user), REC, "NAME",
	  .help = "whose rights a program that record starts has",
	  .otherwise = "who called sudo; else your own" },
	{ PART_TARGET, "duration", 'd', OPT_TIME, AT(duration_ns), REC, "TIME",
	  .help = "how long to record: 10, 10s, 500ms, 2m",
	  .otherwise = "until Ctrl-C or the end of the process" },
	{ PART_TARGET, "duration", 'd', OPT_TIME, AT(duration_ns), CHN, "TIME",
	  .help = "watch channels for so long: how full each is, for how long, who queues",
	  .more = "Ctrl-C ends it early.", .otherwise = "one look", .min = 100 * NS_PER_MS,
	  .max = 24 * 3600 * NS_PER_SEC },
	{ PART_TARGET, "duration", 'd', OPT_TIME, AT(duration_ns), LKS, "TIME",
	  .help = "how long to watch: 30, 30s, 2m",
	  .more = "Slow leaks need longer. Ctrl-C ends it early.", .min = 1,
	  USUAL(30 * NS_PER_SEC) },
	{ PART_TARGET, "event", 'e', OPT_WORD, AT(event), REC, "EVENT", .help = "what to record",
	  .words = event_words, USUAL(PROFILE_BLOCKED) },
	{ PART_TARGET, "alloc", 0, OPT_WORD, AT(alloc), REC, "SOURCE",
	  .help = "how allocations are seen", .words = alloc_words, USUAL(ALLOC_SOURCE_AUTO),
	  .needs = "event=alloc",
	  .not_with = { { "runtime", "max-overhead", "only refill can be limited" },
			{ "exact", "max-overhead", "only refill can be limited" } } },
	{ PART_TARGET, "addr", 0, OPT_ADDRESS, AT(addr), RFS, "ADDRESS",
	  .help = "the channel or other heap object at this address, as chans and dump --objects "
		  "show it",
	  .min = 1,
	  .not_with = { { NULL, OPT_ANY_FILTER,
			  "one asks for an object, the other for goroutines" } } },
	{ PART_TARGET, "diff", 0, OPT_FILE, AT(diff), DMP, "OLD.json",
	  .help = "text, json: what appeared, went and stayed since that json or jsonl dump of the "
		  "same process",
	  .not_with = { { NULL, "group", "a difference is grouped by creation site" } } },
	{ PART_TARGET, "view", 0, OPT_TEXT, AT(shows), RPT, "VIEW",
	  .help = "what is shown of the recording: record, dump, requests, leaks, chans, refs; or "
		  "by its "
		  "event: blocked, births, exits, sched, alloc, wakeups, cpu, block, mutex, wall",
	  .otherwise = "what the recording command showed" },
	{ PART_TARGET, "target", 0, OPT_TEXT, AT(target), RPT, "ID",
	  .help = "in place of a recording: what 'parkwatch serve' has stored of this target, "
		  "by --view: goroutines (the mean of the looks of that time, by stack; the "
		  "usual one), dump (the last whole look of it), requests (those of that look), "
		  "leaks (the last report of it); "
		  "of level profile or full also births, exits, blocked, alloc, cpu (what its "
		  "recordings saw)" },
	{ PART_TARGET, "state-dir", 0, OPT_FILE, AT(state_dir), RPT, "DIR",
	  .help = "where 'parkwatch serve' keeps it", .needs = "target", .otherwise = STATE_DIR },
	{ PART_TARGET, "daemon", 0, OPT_TEXT, AT(daemon), PSS | TOP, "URL",
	  .help = "the daemon that is asked what it knows: leaks, and for ps trends, levels and "
		  "costs",
	  .more = "It has a second to answer.", .otherwise = ASK_URL ", if it is there" },
	{ PART_TARGET, "token-file", 0, OPT_FILE, AT(token_file), PSS | TOP, "FILE",
	  .help = "the token that this daemon asks for",
	  .more = "Only you may read the file. It is sent to that URL: over http anybody on the "
		  "way can read it.",
	  .otherwise = "none" },
	{ PART_TARGET, "from", 0, OPT_MOMENT, AT(from), RPT, "TIME",
	  .help = "of a recording of events: only what happened this long after its start, or "
		  "later; a wait counts for its part in the range, estimates and allocations by "
		  "whole intervals of about a second",
	  .more = "Of --target: what was then, as 03:10, \"2026-11-30 03:10\", or 2h: two hours "
		  "ago.",
	  .max = RANGE_MAX, .otherwise = "from its start" },
	{ PART_TARGET, "to", 0, OPT_MOMENT, AT(to), RPT, "TIME",
	  .help = "the same, up to then; of goroutines in a recording of leaks: the last look "
		  "until "
		  "then",
	  .min = 1, .max = RANGE_MAX, .otherwise = "to its end" },
	{ PART_TARGET, "delay", 'd', OPT_TIME, AT(delay_ns), TOP, "TIME",
	  .help = "from one look to the next: 1, 500ms, 10s",
	  .more = "A look that takes long makes it longer.", .min = 100 * NS_PER_MS,
	  .max = 3600 * NS_PER_SEC, USUAL(2 * NS_PER_SEC) },
	{ PART_TARGET, "iterations", 'n', OPT_NUMBER, AT(iterations), TOP, "N",
	  .help = "end after this many looks", .max = UINT32_MAX,
	  .otherwise = "until q, Ctrl-C, or with -b the end of the process" },
	{ PART_TARGET, "repair", 0, OPT_FLAG, AT(repair), DOC, NULL,
	  .help = "take out probes that a killed program left in the code",
	  .more = "Those that somebody uses stay.", .needs = "pid" },

	/* --- which goroutines --- */
	{ PART_FILTER, "goid", 0, OPT_GOIDS, AT(goids), REC, "N[,N...]",
	  .help = "only these goroutines; filtered in the kernel", .max = PW_GOIDS_MAX },
	{ PART_FILTER, "min-wait", 0, OPT_TIME, AT(min_wait_ns), REC, "TIME",
	  .help = "only waits (sched: latencies) of at least this length; filtered in the kernel",
	  .not_with = { { NULL, "max-overhead", NO_LENGTHS },
			{ NULL, "no-probes", NO_LENGTHS },
			{ NULL, "event=alloc", SUMS },
			{ NULL, "event=cpu", SAMPLES },
			{ NULL, "event=wall", STATES } } },
	{ PART_FILTER, "state", 0, OPT_FILTER, 0, REC, "WORD[,WORD...]",
	  .help = "only goroutines in this state: waiting, runnable, running, syscall",
	  .more = "Each event is of one: blocked, wakeups and block of those that are waiting, "
		  "sched "
		  "and births of those that are runnable, exits, alloc, cpu and mutex of those "
		  "that "
		  "are running; wall has all of them." },
	{ PART_FILTER, "state", 0, OPT_FILTER, 0, DMP | CHN | RFS | RQS | RPT, "WORD[,WORD...]",
	  .help = "only goroutines in this state: waiting, runnable, running, syscall, leaked" },
	{ PART_FILTER, "wait", 0, OPT_FILTER, 0, DMP | CHN | RFS | RQS | RPT, "REASON",
	  .help = "only those that wait for this: 'chan receive', or 'chan*'" },
	{ PART_FILTER, "older", 0, OPT_FILTER, 0, DMP | CHN | RFS | RPT, "TIME",
	  .help = "only those known to wait at least this long",
	  .more = "Go notes the time of a wait when a garbage collection finds it, not before." },
	{ PART_FILTER, "goid", 0, OPT_FILTER, 0, DMP | CHN | RFS | RQS, "N[,N...]",
	  .help = "only these goroutines" },
	{ PART_FILTER, "goid", 0, OPT_FILTER, 0, RPT, "N[,N...]",
	  .help = "only these goroutines; of a recording of events, only their events" },
	{ PART_FILTER, "func", 0, OPT_FILTER, 0, REC | DMP | CHN | RFS | RQS | RPT, "REGEX",
	  .help = "only those with such a function anywhere in the stack" },
	{ PART_FILTER, "created-by", 0, OPT_FILTER, 0, REC | DMP | CHN | RFS | RQS | RPT, "REGEX",
	  .help = "only those made by such a function" },
	{ PART_FILTER, "label", 0, OPT_FILTER, 0, REC | DMP | CHN | RFS | RQS | RPT, "KEY[=VALUE]",
	  .help = "only those with this pprof label" },
	{ PART_FILTER, "p", 0, OPT_FILTER, 0, REC, "N[,N...]",
	  .help = "only what happens on this P: where it begins to wait, runs again (sched), is "
		  "made, ends or allocates; filtered in the kernel",
	  .not_with = { { NULL, "max-overhead", NO_P },
			{ NULL, "no-probes", NO_P },
			{ NULL, "event=wall", NO_P } } },
	{ PART_FILTER, "p", 0, OPT_FILTER, 0, DMP | RPT, "N[,N...]",
	  .help = "only those on this P" },
	{ PART_FILTER, "not", 0, OPT_FILTER, 0, DMP | CHN | RFS | RQS | RPT, "FILTER=VALUE",
	  .help = "leave out goroutines that this filter takes: --not func=^net/http --not "
		  "state=running" },
	{ PART_FILTER, "busy", 0, OPT_FLAG, AT(busy), REC, NULL,
	  .help = "without goroutines that wait for work: listeners, connections between two "
		  "requests, workers of pools; how much that leaves out is said",
	  .needs = "event=wall" },
	{ PART_FILTER, "busy", 0, OPT_FLAG, AT(busy), RPT, NULL,
	  .help = "of a recording of wall: without goroutines that wait for work" },
	{ PART_FILTER, "system", 0, OPT_FLAG, AT(system), REC | DMP | RPT, NULL,
	  .help = "the runtime's own goroutines too: GC workers and others that "
		  "runtime.NumGoroutine "
		  "leaves out" },

	{ PART_FILTER, "route", 0, OPT_TEXT, AT(route), RQS, "PATTERN",
	  .help = "only requests whose route is like this, * and ? as in a shell: '/api/quote*'; "
		  "the path, if no route is known" },
	{ PART_FILTER, "route", 0, OPT_TEXT, AT(route), RPT, "PATTERN",
	  .help = "the same of --view requests" },
	{ PART_FILTER, "older", 0, OPT_TIME, AT(older_ns), RQS, "TIME",
	  .help = "only requests that began this long ago or longer: as their span tells, else as "
		  "long as the goroutine waits that serves them, or wants the answer; of one that "
		  "is over, as long as any of its goroutines waits" },
	{ PART_FILTER, "over-deadline", 0, OPT_FLAG, AT(over_deadline), DMP, NULL,
	  .help = "only goroutines that still wait though the context of their request has ended; "
		  "it has what --requests has",
	  .not_with = { { NULL, "group", "groups have no request" },
			{ NULL, "diff", "a difference has no request" } } },
	{ PART_FILTER, "over-deadline", 0, OPT_FLAG, AT(over_deadline), RPT, NULL,
	  .help = "of a recording with requests: only goroutines that still wait though the "
		  "context of their request has ended" },

	{ PART_FILTER, "trace", 0, OPT_TRACE, AT(trace), RQS, "ID",
	  .help = "only requests with goroutines in the trace with this id, and those: all of its "
		  "digits, or the first ones, 8 at least" },
	{ PART_FILTER, "trace", 0, OPT_TRACE, AT(trace), DMP, "ID",
	  .help = "only goroutines in the trace with this id, or whose request is in it: all of "
		  "its digits, or the first ones, 8 at least",
	  .needs = "requests", .or_needs = "over-deadline" },
	{ PART_FILTER, "trace", 0, OPT_TRACE, AT(trace), RPT, "ID",
	  .help = "of a recording with requests: only goroutines in the trace with this id" },

	/* --- what is shown --- */
	{ PART_SHOW, "group", 0, OPT_WORD, AT(group), DMP | RPT, "BY",
	  .help = "text, json: groups of goroutines with counts, the largest first",
	  .words = group_words, .otherwise = "each goroutine by itself" },
	{ PART_SHOW, "sort", 0, OPT_WORD, AT(sort), DMP | RPT, "BY",
	  .help = "the order of goroutines; groups are by count, but for stack",
	  .words = sort_words, USUAL(DUMP_SORT_GOID) },
	{ PART_SHOW, "top", 0, OPT_NUMBER, AT(top), DMP | RPT, "N",
	  .help = "only the first N goroutines or groups", .min = 1, .max = INT_MAX,
	  .otherwise = "all" },
	{ PART_SHOW, "top", 0, OPT_NUMBER, AT(top), DIF, "N",
	  .help = "text: only the N greatest changes; 0: all", .max = INT_MAX, USUAL(20) },
	{ PART_SHOW, "top", 0, OPT_NUMBER, AT(top), RFS, "N", .help = "show N paths for each group",
	  .min = 1, .max = INT_MAX, USUAL(REFS_TOP) },
	{ PART_SHOW, "sort", 0, OPT_WORD, AT(top_sort), TOP, "COLUMN",
	  .help = "the order of the rows", .words = top_sort_words,
	  .otherwise = "leaks, then growth; of one process growth" },
	{ PART_SHOW, "objects", 0, OPT_FLAG, AT(objects), DMP | RPT, NULL,
	  .help = "text: lines that say what each one waits for, and where your code called the "
		  "library that made it (json always has both)" },
	{ PART_SHOW, "requests", 0, OPT_FLAG, AT(requests), DMP, NULL,
	  .help = "which HTTP request each goroutine works for: text, a line; json and jsonl, a "
		  "member",
	  .more = "Read a second time, to be sure: it takes longer. A recording keeps them: for "
		  "'parkwatch report --view requests'.",
	  .not_with = { { NULL, "group", "groups have no request" },
			{ NULL, "diff", "a difference has no request" } } },
	{ PART_SHOW, "requests", 0, OPT_FLAG, AT(requests), RPT, NULL,
	  .help = "the request that each goroutine works for, which a recording of dump "
		  "--requests has: shown anyway, and without them that is an error",
	  .not_with = { { NULL, "group", "groups have no request" } } },
	{ PART_SHOW, "request-detail", 0, OPT_FLAG, AT(request_detail), DMP, NULL,
	  .help = "the queries of requests too: they may have secrets", .needs = "requests",
	  .or_needs = "over-deadline",
	  .not_with = { { NULL, "routes-only", "a route has no query" } } },
	{ PART_SHOW, "request-detail", 0, OPT_FLAG, AT(request_detail), RQS, NULL,
	  .help = "the queries of requests too: they may have secrets",
	  .not_with = { { NULL, "routes-only", "a route has no query" } } },
	{ PART_SHOW, "routes-only", 0, OPT_FLAG, AT(routes_only), DMP, NULL,
	  .help = "routes of requests instead of their paths; no hosts and addresses of clients",
	  .needs = "requests", .or_needs = "over-deadline" },
	{ PART_SHOW, "routes-only", 0, OPT_FLAG, AT(routes_only), RQS, NULL,
	  .help = "routes of requests instead of their paths; no hosts and addresses of clients" },
	{ PART_SHOW, "routes-only", 0, OPT_FLAG, AT(routes_only), LKS, NULL,
	  .help = "routes of requests without paths" },
	{ PART_SHOW, "labels", 0, OPT_FLAG, AT(labels), DMP | RPT, NULL,
	  .help = "text: pprof labels in the first line of each goroutine (json always has them)" },
	{ PART_SHOW, "elements", 0, OPT_FLAG, AT(elements), CHN | RPT, NULL,
	  .help = "the first words of the oldest elements that channels hold" },
	{ PART_SHOW, "suspects", 0, OPT_FLAG, AT(suspects), LKS | RPT, NULL,
	  .help = "show and count suspects too: something says that they leak, but not enough" },
	{ PART_SHOW, "all", 0, OPT_FLAG, AT(all), LKS | RPT, NULL,
	  .help = "also show what is no leak, with the reason: pool, held, idle, sleeping, active, "
		  "runtime" },
	{ PART_SHOW, "async", 0, OPT_FLAG, AT(async), REC, NULL,
	  .help = "put the stack that made the goroutine above its own, and its parents' stacks as "
		  "far as they were seen",
	  .not_with = { { NULL, "event=alloc", SUMS },
			{ NULL, "event=wakeups", WAKERS },
			{ NULL, "event=cpu", "it needs probes, and samples have none" },
			{ NULL, "event=wall", "it needs probes, and looks have none" } } },
	{ PART_SHOW, "chain", 0, OPT_NUMBER, AT(chain), REC, "N",
	  .help = "that many stacks of who woke whom: who ended the wait, who woke that one, and "
		  "so on",
	  .more = "Before Go 1.17 only the first is known.", .min = 1, .max = PW_WAKERS_MAX,
	  USUAL(1), .needs = "event=wakeups" },
	{ PART_SHOW, "window", 0, OPT_TIME, AT(window_ns), REC, "TIME",
	  .help = "-f trace: the timeline is of this last part of the recording; with -o FILE.pw "
		  "the "
		  "recording has one",
	  .min = NS_PER_MS, .max = 3600 * NS_PER_SEC, .otherwise = "5 s" },
	{ PART_SHOW, "window-bytes", 0, OPT_BYTES, AT(window_bytes), REC, "BYTES",
	  .help = "-f trace: memory for what goroutines did, 88 bytes each time that one runs; "
		  "when "
		  "it is used up the window is shorter, which is said",
	  .min = 1u << 20, .max = 16ULL << 30, .otherwise = "64M" },
	{ PART_SHOW, "root", 0, OPT_WORD, AT(root), DMP, "WHAT",
	  .help = "folded, pprof, html: add a frame at the root of each stack", .words = root_words,
	  USUAL(PROFILE_ROOT_NONE) },
	{ PART_SHOW, "root", 0, OPT_WORD, AT(root), REC | RPT, "WHAT",
	  .help = "folded, pprof, html: add a frame at the root of each stack",
	  .words = recorded_root_words, USUAL(PROFILE_ROOT_NONE),
	  .more = "route, trace and span are of events blocked, wakeups, block, cpu, wall and "
		  "alloc; pprof then has labels route, trace_id, span_id and span_name.",
	  .not_with = { { "label", "event=alloc", SUMS "; goid and created-by can be had" },
			{ "state", "event=alloc", SUMS "; goid and created-by can be had" } } },
	{ PART_SHOW, "requests", 0, OPT_FLAG, AT(requests), REC, NULL,
	  .help = "pprof: labels route, trace_id, span_id and span_name of the request that each "
		  "sample was for; otlp: attributes, and a link to the span; .pw: report --root "
		  "can tell by them later",
	  .more = "Of events blocked, wakeups, block, cpu, wall and alloc. A profile for pprof, or "
		  "otlp, of a program that serves requests has these labels anyway, but for -e "
		  "wall, "
		  "--alloc=exact, --no-probes and --async." },
	{ PART_SHOW, "full", 0, OPT_FLAG, AT(full), REC, NULL,
	  .help = "also show the runtime's own frames that make, park and end goroutines: newproc, "
		  "gopark, goexit" },
	{ PART_SHOW, "full", 0, OPT_FLAG, AT(full), DMP | RPT, NULL,
	  .help = "keep all frames that Go's own tracebacks leave out" },
	{ PART_SHOW, "depth", 0, OPT_NUMBER, AT(depth), REC, "N",
	  .help = "frames of a stack at most", .min = 1, .max = PW_STACK_MAX, USUAL(PW_STACK_MAX) },
	{ PART_SHOW, "depth", 0, OPT_NUMBER, AT(depth), DMP, "N",
	  .help = "frames of a stack at most", .min = 1, .max = CENSUS_DEPTH_MAX,
	  USUAL(CENSUS_DEPTH_MAX) },
	{ PART_SHOW, "depth", 0, OPT_NUMBER, AT(depth), LKS, "N",
	  .help = "frames of a stack at most", .min = 1, .max = CENSUS_DEPTH_MAX, USUAL(256) },

	/* --- what counts as a leak --- */
	{ PART_JUDGE, "min-age", 0, OPT_TIME, AT(min_age_ns), LKS, "TIME",
	  .help = "a wait of this length or more is long", USUAL(VERDICT_MIN_AGE_NS) },
	{ PART_JUDGE, "min-count", 0, OPT_NUMBER, AT(min_count), LKS, "N",
	  .help = "a group of N goroutines or more is large", .min = 1, .max = INT_MAX,
	  USUAL(VERDICT_MIN_COUNT) },
	{ PART_JUDGE, "min-growth", 0, OPT_NUMBER, AT(min_growth), LKS, "N",
	  .help = "N more goroutines a minute or more are growth", .max = INT_MAX,
	  USUAL(VERDICT_MIN_PER_MIN) },
	{ PART_JUDGE, "baseline", 0, OPT_FILE, AT(baseline), LKS, "FILE",
	  .help = "do not count leaks that are in this file" },
	{ PART_JUDGE, "save-baseline", 0, OPT_FILE, AT(save_baseline), LKS, "FILE",
	  .help = "write what leaks to this file, for --baseline" },
	{ PART_JUDGE, "allow", 0, OPT_FILE, AT(allow), LKS, "FILE",
	  .help = "do not count groups if a function on their stack, their start function or their "
		  "maker matches",
	  .more = "The file has one regular expression a line." },

	/* --- where the result goes --- */
	{ PART_OUTPUT, "format", 'f', OPT_TEXT, AT(format), SHOW | RQS | RPT | DIF | PSS, "FORMAT",
	  .help = NULL },
	{ PART_OUTPUT, "format", 'f', OPT_WORD, AT(version_format), VER, "FORMAT",
	  .help = "how it is printed", .words = version_words, USUAL(VERSION_TEXT) },
	{ PART_OUTPUT, "output", 'o', OPT_FILE, AT(output), SHOW | RQS | RPT | DIF | PSS, "FILE",
	  .help = "where the result goes",
	  .more = "A name that ends in .json, .jsonl, .folded, .pb.gz, .otlp, .html, "
		  ".perfetto-trace or .pw chooses the format.",
	  .otherwise = "standard output" },
	{ PART_OUTPUT, "mode", 0, OPT_MODE, AT(mode), SHOW | RQS | RPT | DIF | PSS, "OCTAL",
	  .help = "who may read and write the file of -o", .min = 0400, .max = 0777,
	  .otherwise = "600 for a new file if root writes it; one that is replaced keeps its own" },
	{ PART_OUTPUT, "save", 0, OPT_FILE, AT(save), SHOW, "FILE.pw",
	  .help = "also write a recording: all that was seen, for 'parkwatch report'" },

	{ PART_OUTPUT, "state-dir", 0, OPT_FILE, AT(state_dir), SRV, "DIR",
	  .help = "where history is kept on disk: at most 1 GB and 7 days, for 'parkwatch report "
		  "--target'",
	  .more = "If it cannot be used, there is none, and all else goes on.",
	  .otherwise = "as the configuration says, or " STATE_DIR },
	{ PART_OUTPUT, "listen", 0, OPT_TEXT, AT(listen), SRV, "ADDRESS:PORT",
	  .help = "where HTTP is answered",
	  .more = "Other machines can ask only if the address is not 127.0.0.1; that needs "
		  "--token-file.",
	  .otherwise = "as the configuration says, or " SUPERVISOR_LISTEN },
	{ PART_OUTPUT, "batch", 'b', OPT_FLAG, AT(batch), TOP, NULL,
	  .help = "write text, all rows of each look; no terminal is needed" },
	{ PART_OUTPUT, "token-file", 0, OPT_FILE, AT(token_file), SRV, "FILE",
	  .help = "only who knows the token in it is answered: 'Authorization: Bearer TOKEN'; a "
		  "browser is asked for it",
	  .more = "16 to 512 printable characters; only its owner may read the file. It is read "
		  "again at SIGHUP.",
	  .otherwise = "as the configuration says, or none" },
	{ PART_OUTPUT, "kubelet", 0, OPT_TEXT, AT(kubelet), SRV, "URL",
	  .help = "in a pod: who is asked for workloads, nodes, images and labels of pods: the "
		  "kubelet, https://ADDRESS:10250",
	  .more = "The pod's service account must be allowed 'get' of 'nodes/pods'.",
	  .otherwise = "they are not known" },
	{ PART_OUTPUT, "kubelet-insecure", 0, OPT_FLAG, AT(kubelet_insecure), SRV, NULL,
	  .help = "take any certificate of the kubelet", .needs = "kubelet",
	  .more = "Many clusters' kubelets have one that their authority does not know." },
	{ PART_OUTPUT, "tls-cert", 0, OPT_FILE, AT(tls_cert), SRV, "FILE",
	  .help = "HTTPS with this certificate (PEM), and those that prove it",
	  .more = "It is read again at SIGHUP, with its key.",
	  .otherwise = "as the configuration says, or plain HTTP" },
	{ PART_OUTPUT, "tls-key", 0, OPT_FILE, AT(tls_key), SRV, "FILE",
	  .help = "the certificate's key (PEM), without a password; only its owner may read it" },

	{ PART_OUTPUT, "allow-jobs", 0, OPT_FLAG, AT(allow_jobs), SRV, NULL,
	  .help = "who asks over HTTP may have a target recorded, at most 1 % of its CPU time",
	  .more = "Without it that holds for targets of level profile and full only." },
	{ PART_OUTPUT, "otlp", 0, OPT_TEXT, AT(otlp), SRV, "URL",
	  .help = "an OpenTelemetry Collector, or what else takes OTLP over HTTP: metrics, "
		  "profiles "
		  "and leaks go there (http://127.0.0.1:4318)",
	  .otherwise = "as the configuration says, or none" },
	{ PART_OUTPUT, "spans", 0, OPT_FLAG, AT(spans), SRV, NULL,
	  .help = "OTLP also gets traces: a wait of a second or longer, of a goroutine that is in "
		  "a trace, is a span below its own",
	  .more = "Needs --otlp, or a sink otlp in the configuration." },
	{ PART_OUTPUT, "log-format", 0, OPT_WORD, AT(log_format), SRV, "WORD",
	  .help = "how lines on standard error are written", .words = log_words, USUAL(LOG_TEXT) },
	{ PART_OUTPUT, "config", 0, OPT_FILE, AT(config), SRV, "FILE",
	  .help = "the configuration: what is watched and how closely, where HTTP is answered",
	  .more = "It is read again when it changes, and at SIGHUP; a wrong one changes nothing.",
	  .otherwise = CONFIG_PATH ", if it is there" },

	/* --- cost and limits --- */
	{ PART_COST, "max-overhead", 0, OPT_PERCENT, AT(max_overhead), REC, "PERCENT",
	  .help = "limit for the CPU time that probes, and parkwatch itself, take from the process",
	  .more = "0 is no limit: every event is exact. Over the limit, probes are on for "
		  "milliseconds now and then, or not at all, and the rest is estimated. With "
		  "--min-wait or --p there is no limit.",
	  .max = 100, USUAL(1) },
	{ PART_COST, "max-overhead", 0, OPT_PERCENT, AT(max_overhead), LKS, "PERCENT",
	  .help = "limit for the CPU time that probes take from the process",
	  .more = "0 is no limit. Over the limit, probes are taken down.", .max = 100, USUAL(1) },
	{ PART_COST, "max-overhead", 0, OPT_PERCENT, AT(max_overhead), CHN, "PERCENT",
	  .help = "with -d: limit for the CPU time that looks and searches take from the process",
	  .more = "0 is no limit. Over the limit there are fewer, and intervals are wider. They "
		  "never use more than a tenth of a processor.",
	  .max = 100, USUAL(1) },
	{ PART_COST, "no-probes", 0, OPT_FLAG, AT(no_probes), REC, NULL,
	  .help = "no BPF, no probes: look at all goroutines at random moments",
	  .more = "All figures are estimates.",
	  .not_with = { { NULL, "event=alloc", SUMS },
			{ NULL, "event=wakeups", NO_WAKERS },
			{ NULL, "event=mutex", NO_UNLOCKS },
			{ NULL, "event=cpu", "samples have no probes, but need BPF" } } },
	{ PART_COST, "no-probes", 0, OPT_FLAG, AT(no_probes), LKS, NULL,
	  .help = "no BPF, no probes: births and exits are known from looks at the memory only" },
	{ PART_COST, "rate", 0, OPT_NUMBER, AT(rate), REC, "N",
	  .help = "looks a second while events are estimated, or with -e wall",
	  .more = "There are fewer if they would take more than a tenth of a processor.", .min = 1,
	  .max = 1000, .otherwise = "20; of wall 100" },
	{ PART_COST, "frequency", 'F', OPT_NUMBER, AT(frequency), REC, "N",
	  .help = "samples a second on each processor, of what runs there",
	  .more = "Each stands for the Nth part of a second of CPU time. There are fewer if they "
		  "would "
		  "cost more than --max-overhead.",
	  .min = 1, .max = CPU_CLOCK_HZ_MAX, USUAL(99), .needs = "event=cpu",
	  .or_needs = "event=wall" },
	{ PART_COST, "proof-budget", 0, OPT_TIME, AT(proof_ns), LKS, "TIME",
	  .help = "time limit of the search for references to what they wait for",
	  .more = "0: there is no search, so nothing is proven.", USUAL(10 * NS_PER_SEC) },
	{ PART_COST, "proof-budget", 0, OPT_TIME, AT(proof_ns), RFS, "TIME",
	  .help = "time limit of the search for references", .more = "0 is no limit.",
	  USUAL(10 * NS_PER_SEC) },
	{ PART_COST, "max-events", 0, OPT_NUMBER, AT(max_events), REC, "N",
	  .help = "single events that a recording (.pw) keeps at most, some 10 bytes each: for "
		  "'report --from --to --goid'",
	  .more = "0: sums by stack only; the kernel adds waits up, so parkwatch has less to do.",
	  .max = 100 * (uint64_t)EVENTS_MAX, USUAL(EVENTS_MAX) },
	{ PART_COST, "max-memory", 0, OPT_BYTES, AT(max_memory_bytes), SHOW | RQS, "BYTES",
	  .help = "memory (address space) that parkwatch itself may take: 512M, 4G",
	  .min = 128u << 20, .max = INT64_MAX, .otherwise = "2G, and 1K for each goroutine" },
	{ PART_COST, "no-cost", 0, OPT_FLAG, AT(no_cost), REC | LKS, NULL,
	  .help = "do not measure first what a hit of a probe costs on this machine" },

	/* --- how events are seen --- */
	{ PART_PROBES, "transport", 0, OPT_WORD, AT(transport), REC, "WORD",
	  .help = "how events reach parkwatch", .words = transport_words, USUAL(-1) },
	{ PART_PROBES, "attach", 0, OPT_WORD, AT(attach), REC, "WORD",
	  .help = "how probes are attached", .words = attach_words, USUAL(ATTACH_AUTO) },
	{ PART_PROBES, "ring-size", 0, OPT_BYTES, AT(ring_bytes), REC, "BYTES",
	  .help = "size of the event buffer", .min = 4096, .max = 1u << 30,
	  USUAL(PW_RING_DEFAULT) },

	/* --- what is printed --- */
	{ PART_PRINT, "man", 0, OPT_FLAG, AT(man), HLP, NULL,
	  .help = "print the manual page (roff)" },
	{ PART_PRINT, "reference", 0, OPT_FLAG, AT(reference), HLP, NULL,
	  .help = "print the reference, which is docs/reference.md (Markdown)" },
	{ PART_PRINT, "completion", 0, OPT_WORD, AT(completion), HLP, "SHELL",
	  .help = "print the completion for this shell; for bash where none is named",
	  .words = shell_words, .alone = "bash" },

	/* --- of every command --- */
	{ PART_GENERAL, "quiet", 'q', OPT_FLAG, AT(quiet), CMD_ALL, NULL,
	  .help = "say nothing but errors" },
	{ PART_GENERAL, "verbose", 'v', OPT_COUNT, AT(verbose), CMD_ALL, NULL, .help = "say more" },
	{ PART_GENERAL, "help", 'h', OPT_FLAG, AT(help), CMD_ALL, NULL, .help = "print this help" },
	{ PART_GENERAL, "version", 'V', OPT_FLAG, AT(version), CMD_ALL, NULL,
	  .help = "print the version" },
};
const size_t opt_table_size = ARRAY_SIZE(opt_table);
_Static_assert(ARRAY_SIZE(opt_table) <= OPT_ROWS_MAX, "more rows than the parser has room for");

const char *opt_part_name(enum opt_part p)
{
	static const char *const names[PART_MAX] = {
		[PART_TARGET] = "What to look at",    [PART_FILTER] = "Which goroutines",
		[PART_SHOW] = "What is shown",        [PART_JUDGE] = "What counts as a leak",
		[PART_OUTPUT] = "Where it goes",      [PART_COST] = "Cost and limits",
		[PART_PROBES] = "How it is recorded", [PART_PRINT] = "What is printed",
		[PART_GENERAL] = "Of every command",
	};

	return names[p];
}

const struct opt_def *opt_of_report(const char *name)
{
	for (const struct opt_def *d = opt_table; d < opt_table + opt_table_size; d++)
		if ((d->part == PART_FILTER || d->part == PART_SHOW) && opt_is_of(d, CMD_REPORT) &&
		    !strcmp(d->name, name))
			return d;
	return NULL;
}
