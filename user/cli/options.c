/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parkwatch/event.h>

#include "base/clock.h"
#include "base/order.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "daemon/allocs.h"
#include "model/profile.h"
#include "model/verdict.h"
#include "probe/attach.h"
#include "view/dump.h"
#include "format/dump_group.h"

#define REC               CMD_BIT(CMD_RECORD)
#define DMP               CMD_BIT(CMD_DUMP)
#define CHN               CMD_BIT(CMD_CHANS)
#define LKS               CMD_BIT(CMD_LEAKS)
#define RFS               CMD_BIT(CMD_REFS)
#define DOC               CMD_BIT(CMD_DOCTOR)
#define LEAKS_DURATION_NS (30 * NS_PER_SEC)
#define LEAKS_DEPTH       256
#define RECORD_RATE       20
#define OVERHEAD          1 /* percent */
#define REFS_TOP          3
#define LEAKS_PROOF_NS    (10 * NS_PER_SEC)
#define ALL               (CMD_BIT(CMD_MAX) - 1)
#define AT(member)        offsetof(struct opts, member)

static const struct opt_word event_words[] = {
	{ "blocked", PROFILE_BLOCKED }, { "births", PROFILE_BIRTHS }, { "exits", PROFILE_EXITS },
	{ "sched", PROFILE_SCHED },     { "alloc", PROFILE_ALLOC },   { NULL, 0 },
};
static const struct opt_word alloc_words[] = {
	{ "auto", ALLOC_SOURCE_AUTO },
	{ "refill", ALLOC_SOURCE_REFILL },
	{ "runtime", ALLOC_SOURCE_RUNTIME },
	{ "exact", ALLOC_SOURCE_EXACT },
	{ NULL, 0 },
};
static const struct opt_word root_words[] = {
	{ "none", PROFILE_ROOT_NONE },
	{ "goid", PROFILE_ROOT_GOID },
	{ "created-by", PROFILE_ROOT_CREATED_BY },
	{ "label", PROFILE_ROOT_LABEL },
	{ "state", PROFILE_ROOT_STATE },
	{ NULL, 0 },
};
static const struct opt_word transport_words[] = {
	{ "auto", -1 },
	{ "ring", PW_TRANSPORT_RING },
	{ "perf", PW_TRANSPORT_PERF },
	{ NULL, 0 },
};
static const struct opt_word way_words[] = {
	{ "auto", ATTACH_AUTO },
	{ "uprobe-multi", ATTACH_MULTI },
	{ "perf-link", ATTACH_PERF_LINK },
	{ "perf-ioctl", ATTACH_PERF_IOCTL },
	{ NULL, 0 },
};
static const struct opt_word group_words[] = {
	{ "site", DUMP_GROUP_SITE },     { "stack", DUMP_GROUP_STACK }, { "wait", DUMP_GROUP_WAIT },
	{ "object", DUMP_GROUP_OBJECT }, { "label", DUMP_GROUP_LABEL }, { NULL, 0 },
};
static const struct opt_word sort_words[] = {
	{ "goid", DUMP_SORT_GOID },
	{ "age", DUMP_SORT_AGE },
	{ "stack", DUMP_SORT_STACK },
	{ "state", DUMP_SORT_STATE },
	{ NULL, 0 },
};

const struct opt_def opt_table[] = {
	{ "pid", 'p', OPT_PID, AT(pid), REC | DMP | CHN | LKS | RFS | DOC, "PID",
	  "the Go process to look at", NULL, 1, INT_MAX },
	{ "duration", 'd', OPT_TIME, AT(duration_ns), REC, "TIME",
	  "how long: 10, 10s, 500ms, 2m (default: until Ctrl-C or the end of the process)", NULL, 0,
	  0 },
	{ "duration", 'd', OPT_TIME, AT(duration_ns), LKS, "TIME",
	  "how long: 30, 30s, 2m (default 30s); slow leaks need longer; Ctrl-C ends it early", NULL,
	  0, 0 },
	{ "event", 'e', OPT_WORD, AT(event), REC, "EVENT",
	  "what is recorded: blocked (default), births, exits, sched, alloc", event_words, 0, 0 },
	{ "alloc", 0, OPT_WORD, AT(alloc), REC, "WORD",
	  "event alloc: refill (cheap: exact sums by size class, split by samples), runtime (Go's "
	  "own samples), exact (each allocation: "
	  "several times slower), auto (default: refill where it can be had)",
	  alloc_words, 0, 0 },
	{ "output", 'o', OPT_TEXT, AT(output), REC | DMP | CHN | LKS | RFS, "FILE",
	  "where the result goes (default: standard output); a name that ends in .json, .jsonl, "
	  ".folded, .pb.gz or .html chooses the format",
	  NULL, 0, 0 },
	{ "mode", 0, OPT_MODE, AT(mode), REC | DMP | CHN | LKS | RFS, "OCTAL",
	  "who may read and write the file of -o (default: 600 for a new one if root writes it; "
	  "one that is replaced keeps its own)",
	  NULL, 0, 0 },
	{ "format", 'f', OPT_TEXT, AT(format), REC | DMP | CHN | LKS | RFS, "FORMAT", NULL, NULL, 0,
	  0 },
	{ "max-overhead", 0, OPT_PERCENT, AT(max_overhead), REC, "PERCENT",
	  "limit for the CPU time that probes, and parkwatch itself, take from the process "
	  "(default 1; 0: no limit, every event is exact). Over it "
	  "probes are on for milliseconds now and then, or not at all, and the rest is estimated; "
	  "--min-wait has no limit",
	  NULL, 0, 0 },
	{ "max-overhead", 0, OPT_PERCENT, AT(max_overhead), LKS, "PERCENT",
	  "limit for the CPU time that probes take from the process (default 1; 0: no limit); over "
	  "it they are taken down",
	  NULL, 0, 0 },
	{ "no-probes", 0, OPT_FLAG, AT(no_probes), REC, NULL,
	  "no BPF, no probes: looks at all goroutines at random moments; all figures are estimates",
	  NULL, 0, 0 },
	{ "rate", 0, OPT_NUMBER, AT(rate), REC, "N",
	  "looks a second while events are estimated (default 20; fewer if they would take more "
	  "than a tenth of a processor)",
	  NULL, 1, 1000 },
	{ "async", 0, OPT_FLAG, AT(async), REC, NULL,
	  "put the creation stack of the goroutine, and of its parents as far as seen, above its "
	  "own",
	  NULL, 0, 0 },
	{ "root", 0, OPT_WORD, AT(root), REC | DMP, "WORD",
	  "folded, pprof, html: add a frame at the root: goid, created-by (and the line of your "
	  "own code that called the library that did), label, state",
	  root_words, 0, 0 },
	{ "full", 0, OPT_FLAG, AT(full), REC | DMP, NULL,
	  "keep frames that are only runtime plumbing (gopark, goexit, newproc; dump: all that "
	  "Go's own tracebacks leave out)",
	  NULL, 0, 0 },
	{ "system", 0, OPT_FLAG, AT(system), REC | DMP, NULL,
	  "the runtime's own goroutines too (GC workers and others that runtime.NumGoroutine "
	  "leaves out)",
	  NULL, 0, 0 },
	{ "goid", 0, OPT_GOIDS, AT(goids), REC, "N[,N...]",
	  "only these goroutines; filtered in the kernel", NULL, 0, 0 },
	{ "min-wait", 0, OPT_TIME, AT(min_wait_ns), REC, "TIME",
	  "only waits (sched: latencies) of at least this length; filtered in the kernel", NULL, 0,
	  0 },
	{ "depth", 0, OPT_NUMBER, AT(depth), REC, "N",
	  "frames of a stack at most (default 127, the most)", NULL, 1, PW_STACK_MAX },
	{ "depth", 0, OPT_NUMBER, AT(depth), DMP, "N",
	  "frames of a stack at most (default 4096, the most)", NULL, 1, CENSUS_DEPTH_MAX },
	{ "state", 0, OPT_FILTER, 0, DMP | CHN | RFS, "WORD[,WORD...]",
	  "only goroutines in this state: waiting, runnable, running, syscall, leaked", NULL, 0,
	  0 },
	{ "wait", 0, OPT_FILTER, 0, DMP | CHN | RFS, "REASON",
	  "only those that wait for this: 'chan receive', or 'chan*'", NULL, 0, 0 },
	{ "older", 0, OPT_FILTER, 0, DMP | CHN | RFS, "TIME",
	  "only those known to wait at least this long; Go notes the time when a garbage "
	  "collection finds them waiting, not before",
	  NULL, 0, 0 },
	{ "goid", 0, OPT_FILTER, 0, DMP | CHN | RFS, "N[,N...]", "only these goroutines", NULL, 0,
	  0 },
	{ "func", 0, OPT_FILTER, 0, DMP | CHN | RFS, "REGEX",
	  "only those with such a function anywhere in the stack", NULL, 0, 0 },
	{ "created-by", 0, OPT_FILTER, 0, DMP | CHN | RFS, "REGEX",
	  "only those made by such a function", NULL, 0, 0 },
	{ "label", 0, OPT_FILTER, 0, DMP | CHN | RFS, "KEY[=VALUE]",
	  "only those with this pprof label", NULL, 0, 0 },
	{ "p", 0, OPT_FILTER, 0, DMP, "N[,N...]", "only those on this P", NULL, 0, 0 },
	{ "not", 0, OPT_FILTER, 0, DMP | CHN | RFS, "FILTER=VALUE",
	  "leave out goroutines that this filter takes: --not func=^net/http --not state=running",
	  NULL, 0, 0 },
	{ "group", 0, OPT_WORD, AT(group), DMP, "WORD",
	  "text, json: groups with counts: by creation site, stack, wait (reason), object (that "
	  "they wait for), label",
	  group_words, 0, 0 },
	{ "sort", 0, OPT_WORD, AT(sort), DMP, "WORD",
	  "goid (default), age (oldest first), stack (commonest first), state; groups are always "
	  "by count",
	  sort_words, 0, 0 },
	{ "top", 0, OPT_NUMBER, AT(top), DMP, "N", "only the first N goroutines or groups", NULL, 1,
	  INT_MAX },
	{ "top", 0, OPT_NUMBER, AT(top), RFS, "N", "show N ways for each group (default 3)", NULL,
	  1, INT_MAX },
	{ "addr", 0, OPT_TEXT, AT(addr), RFS, "ADDRESS",
	  "the channel or other heap object at this address, as chans and dump --objects show it",
	  NULL, 0, 0 },
	{ "objects", 0, OPT_FLAG, AT(objects), DMP, NULL,
	  "text: comment lines with what each one waits for, and where your code called the "
	  "library that made it (json "
	  "always has both)",
	  NULL, 0, 0 },
	{ "labels", 0, OPT_FLAG, AT(labels), DMP, NULL,
	  "text: pprof labels in the header (json always has them)", NULL, 0, 0 },
	{ "elements", 0, OPT_FLAG, AT(elements), CHN, NULL,
	  "the first words of the oldest elements that channels hold", NULL, 0, 0 },
	{ "diff", 0, OPT_TEXT, AT(diff), DMP, "OLD.json",
	  "text, json: what appeared, went and stayed since that json or jsonl dump of the same "
	  "process",
	  NULL, 0, 0 },
	{ "suspects", 0, OPT_FLAG, AT(suspects), LKS, NULL,
	  "count suspects too: something says that they leak, but not enough", NULL, 0, 0 },
	{ "all", 0, OPT_FLAG, AT(all), LKS, NULL,
	  "also show what is no leak, with the reason: pool, held, idle, sleeping, active, runtime",
	  NULL, 0, 0 },
	{ "no-probes", 0, OPT_FLAG, AT(no_probes), LKS, NULL,
	  "no BPF: births and exits are known from looks at the memory only", NULL, 0, 0 },
	{ "min-age", 0, OPT_TIME, AT(min_age_ns), LKS, "TIME",
	  "a wait of this length or more is long (default 30s)", NULL, 0, 0 },
	{ "min-count", 0, OPT_NUMBER, AT(min_count), LKS, "N",
	  "a group of N goroutines or more is large (default 5)", NULL, 1, INT_MAX },
	{ "min-growth", 0, OPT_NUMBER, AT(min_growth), LKS, "N",
	  "N more goroutines a minute or more are growth (default 2)", NULL, 0, INT_MAX },
	{ "proof-budget", 0, OPT_TIME, AT(proof_ns), LKS | RFS, "TIME",
	  "time limit of the search for references to what they wait for (default 10s; 0: leaks "
	  "does not search, refs has no limit)",
	  NULL, 0, 0 },
	{ "save-baseline", 0, OPT_TEXT, AT(save_baseline), LKS, "FILE",
	  "write what leaks to this file, for --baseline", NULL, 0, 0 },
	{ "baseline", 0, OPT_TEXT, AT(baseline), LKS, "FILE",
	  "do not count leaks that are in this file", NULL, 0, 0 },
	{ "allow", 0, OPT_TEXT, AT(allow), LKS, "FILE",
	  "do not count groups with a matching function: on the stack, started, or their maker; "
	  "the file has one regular expression a line",
	  NULL, 0, 0 },
	{ "depth", 0, OPT_NUMBER, AT(depth), LKS, "N", "frames of a stack at most (default 256)",
	  NULL, 1, CENSUS_DEPTH_MAX },
	{ "transport", 0, OPT_WORD, AT(transport), REC, "WORD",
	  "how events reach us: ring (BPF ring buffer), perf (perf buffer), auto (default)",
	  transport_words, 0, 0 },
	{ "attach", 0, OPT_WORD, AT(way), REC, "WORD",
	  "how probes are attached: uprobe-multi, perf-link, perf-ioctl, auto (default: the first "
	  "that works)",
	  way_words, 0, 0 },
	{ "ring-size", 0, OPT_BYTES, AT(ring_bytes), REC, "BYTES",
	  "size of the event buffer, a power of two (default 8M)", NULL, 4096, 1u << 30 },
	{ "max-memory", 0, OPT_BYTES, AT(max_memory_bytes), REC | DMP | CHN | LKS | RFS, "BYTES",
	  "memory (address space) that parkwatch itself may take, a power of two: 512M, 4G "
	  "(default 2G, and 1K for each goroutine)",
	  NULL, 128u << 20, INT64_MAX },
	{ "no-cost", 0, OPT_FLAG, AT(no_cost), REC | LKS, NULL,
	  "do not measure what a hit costs on this machine first", NULL, 0, 0 },
	{ "repair", 0, OPT_FLAG, AT(repair), DOC, NULL,
	  "with -p: take out probes that a killed program left in the code; those that somebody "
	  "uses stay",
	  NULL, 0, 0 },
	{ "quiet", 'q', OPT_FLAG, AT(quiet), ALL, NULL, "say nothing but errors", NULL, 0, 0 },
	{ "verbose", 'v', OPT_COUNT, AT(verbose), ALL, NULL, "say more", NULL, 0, 0 },
	{ "man", 0, OPT_FLAG, AT(man), CMD_BIT(CMD_HELP), NULL, "print the manual page (roff)",
	  NULL, 0, 0 },
	{ "completion", 0, OPT_FLAG, AT(completion), CMD_BIT(CMD_HELP), NULL,
	  "print the completion for bash", NULL, 0, 0 },
	{ "help", 'h', OPT_FLAG, AT(help), ALL, NULL, "this help", NULL, 0, 0 },
	{ "version", 'V', OPT_FLAG, AT(version), ALL, NULL, "print the version", NULL, 0, 0 },
};
const size_t opt_table_size = ARRAY_SIZE(opt_table);

const struct cmd_def cmd_table[CMD_MAX] = {
	[CMD_RECORD] = { "record", "-p PID [option...]",
			 "record where goroutines wait, are born or end, or allocate, as stacks",
			 "Attaches to the Go process and records until the duration is over, until "
			 "Ctrl-C, or until the process ends. Then it "
			 "writes stacks, each with a number: nanoseconds blocked (event blocked), "
			 "nanoseconds from ready to run (sched), "
			 "goroutines (births, exits), or bytes allocated (alloc). Waits that began "
			 "before the recording, or have not ended, "
			 "count for the part inside it. The first Ctrl-C ends the recording and "
			 "writes the result. The second one gives up. "
			 "Ctrl-Z takes the probes out before parkwatch stops. Afterwards (fg) the "
			 "recording goes on; the gap is told and left "
			 "out. The root `[timer]' is a timer that ran out: no goroutine made what "
			 "it starts. Event alloc: with refill and "
			 "runtime, bytes are what the allocator hands out; with exact, what was "
			 "asked for. The last frame is type and size of "
			 "the object. `<=' marks a size class that several sizes share. "
			 "`estimated' and `by refills' say that only the sum of "
			 "the size class is exact." },
	[CMD_DUMP] = { "dump", "-p PID [option...]",
		       "every goroutine now: state, wait reason, age, stack, where it was made",
		       "Reads all goroutines from the memory of the Go process, with their stacks "
		       "and what they wait for. It stops nothing "
		       "and needs no kernel feature. A goroutine that runs has no stack to show. "
		       "The default output is the text of Go's own "
		       "tracebacks (debug=2); tools that read these can read it. Wait reasons are "
		       "the newest Go's words. How long a goroutine "
		       "waits is a lower bound, and is left out if nobody knows. All filters must "
		       "hold. A filter that is given twice holds if "
		       "either does. --not leaves out what the filter takes. Regular expressions "
		       "are POSIX extended and match anywhere in the "
		       "name. --diff knows goroutines by number and start function. It refuses a "
		       "dump of another pid or program (jsonl does "
		       "not say whose it is). Filters apply to both dumps. --group object counts a "
		       "goroutine in a select under each thing it "
		       "waits for." },
	[CMD_CHANS] = { "chans", "-p PID [option...]",
			"channels and locks with somebody waiting, who holds the locks, deadlocks",
			"Reads from the memory of the Go process which goroutines wait on which "
			"channels and locks of package sync. It stops "
			"nothing. Deadlocks come first: goroutines that wait for each other's "
			"locks, each step with its evidence. A ring is "
			"told only if each holder is certain and the ring still stands after 100 "
			"ms. If a channel, a Cond or a WaitGroup is "
			"part of it, it must be proved that nobody else could end that wait; "
			"memory is searched only if such a ring may be "
			"there. Go's locks do not say who holds them: a goroutine that does not "
			"run holds what its own code will unlock when "
			"it goes on. The text folds equal waiters, equal objects, locks with "
			"holders at the same places, and deadlocks of the "
			"same steps. json has each of them. Filters choose the waiters that are "
			"shown, not the deadlocks. A deadlock found is "
			"no error: the exit status is 0. --elements shows no memory that the "
			"program allocated in runtime/secret.Do (Go 1.26 "
			"and later): it says that it is secret." },
	[CMD_LEAKS] = { "leaks", "-p PID [option...]",
			"which goroutines leak, how we know, who made them, what they wait for",
			"Looks at all goroutines of the Go process several times, and sees births "
			"and exits in between by probes. It tells "
			"groups of goroutines that leak. A group was made at one place, is blocked "
			"at one place, and waits for one reason. Its "
			"verdict is leaked (nothing can wake them), deadlock, growing (to the very "
			"end, and the older ones neither end nor go "
			"on), or stuck (the same wait for --min-age at a lock that nobody got, or "
			"each to send on a channel of its own). "
			"--suspects also shows what only looks like a leak. Each group comes with "
			"the line of your own code that led to it, "
			"the evidence, the likely mistake and its cure, what it costs, and about "
			"how much it allocated meanwhile. The most "
			"expensive comes first. What has one cause is one entry: it names the "
			"goroutine that must move first, and how many "
			"wait behind it. Exit status: 0 no leak, 3 leaks, 1 an error." },
	[CMD_REFS] = { "refs",
		       "-p PID (--goid N | --addr ADDRESS | --func REGEX | ...) [option...]",
		       "what keeps what a goroutine waits for from being garbage: the way to it "
		       "from a root",
		       "Searches the heap of the Go process for what refers to the channel or lock "
		       "that a goroutine waits for, and so on up "
		       "to a root: a variable of the program, the stack of a goroutine that can "
		       "still run, a finalizer, memory of C. Shows a "
		       "short way, root first, with the names and fields that symbols and DWARF "
		       "have; without them it shows addresses, "
		       "sections and offsets. Or it says that nothing refers to it (looked at "
		       "twice, half a second apart), or only goroutines "
		       "that nothing can wake. Of a select it shows a way for each channel. Of a "
		       "channel that a timer or ticker feeds, it "
		       "says so, and what holds the timer. It stops nothing and needs no kernel "
		       "feature. Filters choose goroutines as in "
		       "dump. Goroutines that were made and wait at the same places are a group; "
		       "equal ways of a group are shown once. The "
		       "exit status is 0 whatever is found, 1 if there is no such goroutine or "
		       "object." },
	[CMD_DOCTOR] = { "doctor", "[-p PID [--repair]]",
			 "what this kernel and this program allow, and why not",
			 "Tries every kernel feature that parkwatch can use, and for a process "
			 "shows its Go runtime, whether the "
			 "layout of its structs holds, and for each probe point the function, "
			 "address, instruction, its class and "
			 "why it was chosen. Nothing is attached to the process." },
	[CMD_HELP] = { "help", "[command]", "this help",
		       "Prints help; the manual page and the completion are made from the same "
		       "table." },
	[CMD_VERSION] = { "version", "", "print the version", "Prints the version." },
};

static int number_with_unit(const char *text, double *ret, const char **ret_unit)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL;
	errno = 0;
	*ret = strtod(text, &end);
	if (errno || end == text || !isfinite(*ret))
		return -EINVAL;
	*ret_unit = end;
	return 0;
}

struct unit {
	const char *name;
	double is;
};

static int scaled(const char *text, const struct unit *units, size_t nr, double max, double *ret)
{
	const char *unit;
	double n;

	if (number_with_unit(text, &n, &unit))
		return -EINVAL;
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(unit, units[i].name)) {
			*ret = n * units[i].is;
			return *ret > max ? -EINVAL : 0;
		}
	return -EINVAL;
}

int opt_time(const char *text, uint64_t *ret_ns)
{
	static const struct unit units[] = {
		{ "", 1e9 }, { "s", 1e9 },  { "ms", 1e6 },   { "us", 1e3 },
		{ "ns", 1 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	double ns;
	int err = scaled(text, units, ARRAY_SIZE(units), 1e18, &ns);

	if (!err)
		*ret_ns = (uint64_t)(ns + 0.5);
	return err;
}

int opt_bytes(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1024 }, { "K", 1024 }, { "M", 1 << 20 }, { "G", 1 << 30 }
	};
	double bytes;
	int err = scaled(text, units, ARRAY_SIZE(units), 1e15, &bytes);

	if (!err)
		*ret = (uint64_t)bytes;
	return err;
}

static int opt_goids(struct opts *o, const char *text)
{
	char *end;

	do {
		if (o->nr_goids == PW_GOIDS_MAX || !isdigit((unsigned char)*text))
			return -EINVAL;
		errno = 0;
		o->goids[o->nr_goids] = strtoull(text, &end, 10);
		if (errno)
			return -EINVAL;
		o->nr_goids++;
		text = end + 1;
	} while (*end == ',');
	if (*end)
		return -EINVAL;
	qsort(o->goids, o->nr_goids, sizeof(*o->goids), order_u64);
	return 0;
}

static int opt_word(const struct opt_def *d, const char *text, int *ret)
{
	for (const struct opt_word *w = d->words; w->word; w++)
		if (!strcmp(w->word, text)) {
			*ret = w->value;
			return 0;
		}
	return -EINVAL;
}

static int opt_whole(const struct opt_def *d, const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno || *end || !isdigit((unsigned char)*text) || *ret < d->min || *ret > d->max
		       ? -EINVAL
		       : 0;
}

static int opt_mode(const char *text, unsigned int *ret)
{
	size_t digits = strspn(text, "01234567");
	unsigned long mode = strtoul(text, NULL, 8);

	if (!digits || digits > 4 || text[digits] || mode > 0777 || !(mode & 0400))
		return -EINVAL;
	*ret = (unsigned int)mode;
	return 0;
}

static int opt_percent(const char *text, double *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	*ret = strtod(text, &end);
	return (*end && strcmp(end, "%")) || *ret > 100 ? -EINVAL : 0;
}

static int opt_filter(const struct opt_def *d, struct opts *o, const char *text)
{
	if (o->nr_filters == OPT_FILTERS_MAX)
		return -ENOSPC;
	o->filters[o->nr_filters++] = (struct opt_filter){ .name = d->name, .value = text };
	return 0;
}

static int opt__set(const struct opt_def *d, struct opts *o, const char *text)
{
	void *at = (char *)o + d->offset;
	uint64_t n;
	int err;

	switch (d->type) {
	case OPT_FLAG: *(bool *)at = true; return 0;
	case OPT_COUNT: ++*(unsigned int *)at; return 0;
	case OPT_TEXT: *(const char **)at = text; return 0;
	case OPT_WORD: return opt_word(d, text, at);
	case OPT_PID:
		err = opt_whole(d, text, &n);
		if (!err)
			*(int *)at = (int)n;
		return err;
	case OPT_TIME: return opt_time(text, at);
	case OPT_GOIDS: return opt_goids(o, text);
	case OPT_NUMBER: return opt_whole(d, text, at);
	case OPT_PERCENT: return opt_percent(text, at);
	case OPT_BYTES:
		err = opt_bytes(text, &n);
		if (err || n < d->min || n > d->max || (n & (n - 1)))
			return -EINVAL;
		*(uint64_t *)at = n;
		return 0;
	case OPT_FILTER: return opt_filter(d, o, text);
	case OPT_MODE: return opt_mode(text, at);
	}
	return -EINVAL;
}

static int usage_error(const struct opts *o, const char *what, const char *text)
{
	const char *command = o->command < CMD_MAX ? cmd_table[o->command].name : "help";

	fprintf(stderr, "parkwatch: %s '%s'; see 'parkwatch %s --help'\n", what, text, command);
	return -EINVAL;
}

static int opts__command(struct opts *o, int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		o->command = CMD_HELP;
		if (argc >= 2)
			return 0;
		fprintf(stderr, "parkwatch: which command? 'parkwatch record -p PID' records; "
				"'parkwatch --help' shows all\n");
		return -EINVAL;
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		o->command = CMD_VERSION;
		return 0;
	}
	for (int c = 0; c < CMD_MAX; c++)
		if (!strcmp(argv[1], cmd_table[c].name)) {
			o->command = (enum command)c;
			return 0;
		}
	o->command = CMD_HELP;
	return usage_error(o, "there is no command", argv[1]);
}

static int opts__getopt(struct opts *o, int argc, char **argv)
{
	struct option longs[ARRAY_SIZE(opt_table) + 1] = { 0 };
	char letters[2 * ARRAY_SIZE(opt_table) + 2] = ":";
	size_t nr = 0, used = 1;
	int c;

	for (size_t i = 0; i < ARRAY_SIZE(opt_table); i++) {
		const struct opt_def *d = &opt_table[i];

		if (!(d->commands & CMD_BIT(o->command)))
			continue;
		longs[nr++] = (struct option){ d->name, d->arg ? required_argument : no_argument,
					       NULL, (int)(1000 + i) };
		if (d->letter) {
			letters[used++] = d->letter;
			if (d->arg)
				letters[used++] = ':';
		}
	}
	letters[used] = '\0';
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct opt_def *d = NULL;

		if (c == '?' || c == ':')
			return usage_error(o,
					   c == ':' ? "an argument is missing after"
						    : "there is no option",
					   argv[optind - 1]);
		for (size_t i = 0; i < ARRAY_SIZE(opt_table) && !d; i++)
			if (c == (int)(1000 + i) || (c == opt_table[i].letter &&
						     opt_table[i].commands & CMD_BIT(o->command)))
				d = &opt_table[i];
		if (!d || opt__set(d, o, optarg)) {
			fprintf(stderr, "parkwatch: bad --%s '%s': %s; see 'parkwatch %s --help'\n",
				d ? d->name : "?", optarg ? optarg : "",
				d && d->help ? d->help : "", cmd_table[o->command].name);
			return -EINVAL;
		}
	}
	return 0;
}

int opts__parse(struct opts *o, int argc, char **argv)
{
	int err;

	memset(o, 0, sizeof(*o));
	o->transport = -1;
	o->ring_bytes = PW_RING_DEFAULT;
	err = opts__command(o, argc, argv);
	o->depth = o->command == CMD_DUMP || o->command == CMD_CHANS   ? CENSUS_DEPTH_MAX
		   : o->command == CMD_LEAKS || o->command == CMD_REFS ? LEAKS_DEPTH
								       : PW_STACK_MAX;
	o->duration_ns = o->command == CMD_LEAKS ? LEAKS_DURATION_NS : 0;
	o->rate = RECORD_RATE;
	o->max_overhead = -1;
	o->min_age_ns = VERDICT_MIN_AGE_NS;
	o->min_count = VERDICT_MIN_COUNT;
	o->min_growth = VERDICT_MIN_PER_MIN;
	o->proof_ns = LEAKS_PROOF_NS;
	o->top = o->command == CMD_REFS ? REFS_TOP : 0;
	if (err || argc < 2 || argv[1][0] == '-')
		return err;
	err = opts__getopt(o, argc - 1, argv + 1);
	if (err || o->help || o->version)
		return err;
	if (o->command == CMD_HELP || o->command == CMD_VERSION)
		return 0;
	if (optind < argc - 1)
		return usage_error(o, "what is meant by", argv[1 + optind]);
	if (o->command == CMD_LEAKS && !o->duration_ns)
		return usage_error(o, "a watch has an end; what is meant by -d", "0");
	if (o->command == CMD_RECORD && o->max_overhead > 0 && o->min_wait_ns)
		return usage_error(
			o, "looks do not see how long a wait is, so there is no --min-wait with",
			"--max-overhead");
	if (o->command == CMD_RECORD && o->max_overhead > 0 && o->event == PROFILE_ALLOC &&
	    o->alloc >= ALLOC_SOURCE_RUNTIME)
		return usage_error(
			o,
			"only refill can be limited, so there is no --alloc=runtime or exact with",
			"--max-overhead");
	if (o->max_overhead < 0)
		o->max_overhead = o->min_wait_ns ? 0 : OVERHEAD;
	if (o->command == CMD_RECORD && o->no_probes && o->min_wait_ns)
		return usage_error(
			o, "looks do not see how long a wait is, so there is no --min-wait with",
			"--no-probes");
	if (o->command != CMD_DOCTOR && !o->pid) {
		fprintf(stderr,
			"parkwatch: which process? give -p PID; see 'parkwatch %s --help'\n",
			cmd_table[o->command].name);
		return -EINVAL;
	}
	return 0;
}
