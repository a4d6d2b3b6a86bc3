/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/option_table.h"

#define NEED_PID                                                                                   \
	{                                                                                          \
		{ "pid", "attach-by" }, "which process? give -p PID"                               \
	}

static const struct cmd_need needs_pid[] = { NEED_PID, { .ask = NULL } };
static const struct cmd_need needs_goal[] = {
	{ { "addr", OPT_ANY_FILTER },
	  "of which goroutines? give --goid N, --func REGEX or another filter, or --addr ADDRESS" },
	NEED_PID,
	{ .ask = NULL },
};

const struct cmd_def cmd_table[CMD_MAX] = {
	[CMD_RECORD] = { "record",
			 "-p PID [option...] | [option...] -- CMD [ARG...]",
			 "record where goroutines wait, are born or end, or allocate, as stacks",
			 { "Attaches to the Go process and records until the duration is over, "
			   "until Ctrl-C, or until the process ends. Then it writes stacks, each "
			   "with a number: nanoseconds (events blocked, wakeups, sched, cpu, "
			   "block, "
			   "mutex and wall), goroutines "
			   "(births and exits) or bytes (alloc). A wait that began before the "
			   "recording, or has not ended, counts for the part inside it; of block "
			   "and mutex only what has ended counts, as in Go's own profiles.",
			   "The first Ctrl-C ends the recording and writes the result. The second "
			   "one gives up. Ctrl-Z takes the probes out before parkwatch stops. "
			   "After `fg` the recording goes on. The report tells the gap, and leaves "
			   "it "
			   "out of all figures.",
			   "After `--` comes a program to start. It is recorded from its first "
			   "goroutine, until it ends; the exit status is its own, and a signal "
			   "that ends it ends parkwatch too. At the end of -d it gets SIGTERM, "
			   "and the exit status is 0. Under sudo it has the rights of who called "
			   "sudo. Several processes are recorded in one run, each into a file of "
			   "its own. The root `[timer]` is a timer that ran out: no goroutine made "
			   "what it starts.",
			   "With -f trace there are no sums, but a timeline: what each goroutine "
			   "did moment by moment in the last 5 s, with arrows from who wakes to "
			   "who is woken. Over --max-overhead such a recording ends. "
			   "With event wakeups `--` stands between who waited and who ended the "
			   "wait, whose stack begins with its last frame; `[netpoll]`, `[timer]`, "
			   "`[gc]`, `[signal]` are no goroutines, and `[not seen]` says that the "
			   "wait goes on. With event alloc the last frame is the type and size of "
			   "the object. "
			   "`<=` marks a size class that several sizes share. `estimated` and `by "
			   "refills` say that only the sum of the size class is exact. Bytes are "
			   "what the allocator hands out; with `--alloc exact` they are what was "
			   "asked for." },
			 .run = cmd_record,
			 .operands_max = INT_MAX,
			 .starts = true,
			 .needs = needs_pid },
	[CMD_DUMP] = { "dump",
		       "-p PID [option...]",
		       "every goroutine now: state, wait reason, age, stack, where it was made",
		       { "Reads all goroutines from the memory of the Go process, with their "
			 "stacks and what they wait for. It stops nothing and needs no kernel "
			 "feature. A goroutine that runs has no stack to show.",
			 "The usual output is the text of Go's own tracebacks (debug=2), and tools "
			 "that read these can read it. Wait reasons are the words of the newest "
			 "Go. How long a goroutine waits is a lower bound. It is left out if "
			 "nobody knows.",
			 "All filters must hold. A filter that is given twice holds if either "
			 "does. Regular expressions are POSIX extended, and match anywhere in the "
			 "name. At most 64 filters can be given.",
			 "`--diff` knows goroutines by number and start function. It refuses a "
			 "dump of another pid or program; jsonl does not say whose it is. Filters "
			 "apply to both dumps." },
		       .run = cmd_dump,
		       .needs = needs_pid },
	[CMD_CHANS] = { "chans",
			"-p PID [option...]",
			"channels and locks with somebody waiting, who holds the locks, deadlocks",
			{ "Reads from the memory of the Go process which goroutines wait for which "
			  "channels and for which locks of package sync. It stops nothing.",
			  "Deadlocks come first: goroutines that wait for each other's locks, each "
			  "step with its evidence. A cycle is told only if each holder is certain, "
			  "and if the cycle still stands after 100 ms. If a channel, a Cond or a "
			  "WaitGroup is part of it, it must be proved that nobody else could end "
			  "that wait. Memory is searched only if there may be such a cycle. A "
			  "deadlock is no error: the exit status is 0.",
			  "Go's locks do not say who holds them. A goroutine that does not run "
			  "holds what its own code will unlock when it goes on.",
			  "The text folds what is alike: waiters, objects, locks with holders at "
			  "the same places, deadlocks of the same steps. JSON has each of them. "
			  "Filters choose the waiters that are shown, not the deadlocks. "
			  "`--elements` shows no memory that the program allocated in "
			  "runtime/secret.Do (Go 1.26 and later): it says that it is secret.",
			  "With `-d` channels are watched: those that a goroutine waits for, and "
			  "those with a buffer to which a stack refers. 20 times a second, at "
			  "random moments, each is looked at: how full it is and who queues. Each "
			  "figure has its 95 % interval." },
			.run = cmd_chans,
			.needs = needs_pid },
	[CMD_REQUESTS] = { "requests",
			   "-p PID [option...]",
			   "HTTP requests under way: who serves each, and what its goroutines wait "
			   "for",
			   { "Reads from the memory of the Go process which request each goroutine "
			     "works for. It stops nothing, and works on stripped programs. Servers "
			     "of net/http (HTTP/1 and HTTP/2) and gRPC are known.",
			     "What is said is a fact about memory. A goroutine `serves` a request "
			     "if it runs its handler now. It is `of` one if a live variable of it "
			     "holds the request, or a context made from the request's own, or if "
			     "it waits for the end of such a context. A request that nobody serves "
			     "any more is over: who still has it, has outlived it.",
			     "Nothing is guessed. Of a goroutine that has several requests in "
			     "hand, "
			     "or that moved while it was read, nothing is said. Paths are shown "
			     "without their queries; `--request-detail` shows these too, "
			     "`--routes-only` no paths at all. A route is the pattern of chi, gin, "
			     "echo or "
			     "gorilla, or of Go's own ServeMux (Go 1.23 and later).",
			     "A trace is that of the innermost span of OpenTelemetry's SDK that is "
			     "alive; where there is none, that of the request's header "
			     "traceparent. `service` is what the process says that it is." },
			   .run = cmd_requests,
			   .needs = needs_pid },
	[CMD_LEAKS] = { "leaks",
			"-p PID [option...]",
			"which goroutines leak, how we know, who made them, what they wait for",
			{ "Looks at all goroutines of the Go process several times, and sees "
			  "births and exits in between by probes. It tells groups of goroutines "
			  "that leak. A group was made at one place, is blocked at one place, and "
			  "waits for one reason.",
			  "The verdict of a group is leaked (nothing can wake them), deadlock, "
			  "growing (their number rises to the very end, and the older ones neither "
			  "end nor go on) or stuck (the same wait for `--min-age` at a lock that "
			  "nobody got, or each sends on a channel of its own). `--suspects` also "
			  "shows what only looks like a leak.",
			  "Each group comes with the line of your own code that led to it, the "
			  "evidence, the likely mistake and its cure, what it costs, and about how "
			  "much it allocated meanwhile. The most expensive comes first. What has "
			  "one cause is one entry: it names the goroutine that must move first, "
			  "and how many wait behind it. Which requests they work for is read once, "
			  "at the end, if anything leaks.",
			  "A recording (`--save FILE.pw`) has all groups with their evidence, "
			  "and all goroutines of the last look: `report` can ask for "
			  "`--suspects`, `--all` or `--view dump` later. What counts as a leak "
			  "stays as it was decided here, with `--baseline` and `--allow`." },
			.run = cmd_leaks,
			.needs = needs_pid },
	[CMD_REFS] = { "refs",
		       "-p PID (--goid N | --addr ADDRESS | --func REGEX | ...) [option...]",
		       "what keeps what a goroutine waits for from being garbage: the path to it "
		       "from a "
		       "root",
		       { "Searches the heap of the Go process for what refers to the channel or "
			 "lock that a goroutine waits for, and so on up to a root: a variable of "
			 "the program, the stack of a goroutine that can still run, a finalizer, "
			 "memory of C. It stops nothing and needs no kernel feature.",
			 "It shows a short path, the root first, with the names and fields that "
			 "symbols and DWARF have. Without them it shows addresses, sections and "
			 "offsets. Or it says that nothing refers to the object (it looks twice, "
			 "half a second apart), or only goroutines that nothing can wake.",
			 "Of a select it shows a path for each channel. If a timer or ticker feeds "
			 "the channel, it says so, and what holds the timer.",
			 "Filters choose goroutines as in dump. Goroutines that were made and wait "
			 "at the same places are a group. Equal paths of a group are shown once." },
		       .run = cmd_refs,
		       .needs = needs_goal },
	[CMD_REPORT] = { "report",
			 "FILE.pw | --target ID [option...]",
			 "what a recording shows: any view, any format, on any machine, without "
			 "root",
			 { "Reads a recording that `-o FILE.pw` or `--save FILE.pw` wrote. Names "
			   "are "
			   "in it: neither the process nor its binary is needed.",
			   "A recording keeps the options of its command that choose goroutines "
			   "and "
			   "what is shown of them. report starts with these. So it writes the same "
			   "report, byte for byte. Further options change it.",
			   "--from, --to and --goid choose some of the events of a recording. The "
			   "profile is then made of these only. Estimates and allocations have no "
			   "single events: --from and --to choose whole intervals of about a "
			   "second of them, and the report says which time that is.",
			   "A recording that was cut off shows what is whole, and says so. With "
			   "--target it is what 'parkwatch serve' has stored of a process, also "
			   "while it runs, or after it was killed." },
			 .run = cmd_report,
			 .operands_min = 1,
			 .operands_max = 1,
			 .operand = "which recording? give FILE.pw, or --target ID",
			 .instead = "target" },
	[CMD_DIFF] = { "diff",
		       "BEFORE.pw AFTER.pw [option...]",
		       "what changed from one recording to another, by stack",
		       { "Compares what two recordings counted by stack: of `record` the events, "
			 "of "
			 "`dump` the goroutines. Stacks are the same if their functions have the "
			 "same names, so two builds of a program can be compared.",
			 "Text is a table, the greatest change first; JSON has the same, of all "
			 "stacks that changed. Folded has two numbers a "
			 "stack, before and after: flamegraph.pl draws a red and blue flame graph "
			 "of it. Html is such a graph in one page, as wide as both together, so "
			 "that what is gone is seen too.",
			 "If the recordings differ in length, the later one is scaled to the "
			 "length "
			 "of the earlier one, and the report says so." },
		       .run = cmd_diff,
		       .operands_min = 2,
		       .operands_max = 2,
		       .operand = "which recordings? give BEFORE.pw AFTER.pw" },
	[CMD_INFO] = { "info",
		       "FILE.pw",
		       "what is in a recording: process, Go, times, facts by kind, losses, cost",
		       { "Says what a recording is of, how long it is, and how many facts of each "
			 "kind it has." },
		       .run = cmd_info,
		       .operands_min = 1,
		       .operands_max = 1,
		       .operand = "which recording? give FILE.pw" },
	[CMD_PS] = { "ps",
		     "[option...]",
		     "the Go processes of this machine, with their goroutines and containers",
		     { "Looks at every process and lists those that are Go programs, or have Go "
		       "in a library: PID, Go version, how many goroutines there are (as "
		       "runtime.NumGoroutine counts), how long it has run, its container and its "
		       "program. A Go program that cannot be watched is listed with the reason. "
		       "The most goroutines come first. "
		       "Nothing is attached and nothing is stopped.",
		       "If 'parkwatch serve' runs here, it is asked for more: how the number of "
		       "goroutines changed over the last 10 minutes, how many leak, how closely "
		       "each process is watched, and what probes cost it, of its CPU time.",
		       "Only root can read the processes of other users. One line says how many "
		       "could not be read." },
		     .run = cmd_ps },
	[CMD_TOP] = { "top",
		      "[-p PID] [option...]",
		      "live in a terminal: Go processes, or the sites of one: growth, blocked "
		      "time, "
		      "births",
		      { "Shows the Go processes of this machine, those that leak or grow first: "
			"how "
			"many goroutines each has, and how many more each minute. Enter opens a "
			"process, as `-p PID` does: where its goroutines were created, where they "
			"stand, what they wait for, and how that changes. Enter opens a site: the "
			"stack of one of its goroutines. Keys are as in top; `h` shows them.",
			"It looks at all goroutines every 2 s, from outside: no probe, nothing is "
			"stopped. Figures are of the last 60 looks. New goroutines and blocked "
			"time are estimates: a goroutine that lives between two looks is not seen. "
			"How many were made and ended in all is Go's own count, and exact.",
			"With -b it writes text, for tests and scripts: `parkwatch top -b -n 3`." },
		      .run = cmd_top },
	[CMD_SERVE] = { "serve",
			"[option...]",
			"watch all Go processes of this machine; metrics, goroutines and leaks "
			"over HTTP",
			{ "Finds every Go process within some seconds of its start, in all "
			  "containers, and looks at all its goroutines every 10 s. Now and then "
			  "it watches each for leaks, as the command leaks does: for 10 or 30 s, "
			  "with probes, at most two processes at once. It stops nothing. It goes "
			  "on "
			  "until Ctrl-C or SIGTERM.",
			  "`/metrics` is for Prometheus: goroutines by state and by wait reason, "
			  "the longest wait of each reason, how many leak and where, what each "
			  "process is. `/api/v1/targets` lists the processes, "
			  "`/api/v1/targets/ID/goroutines` has every goroutine of one as lines of "
			  "JSON, `/api/v1/targets/ID/leaks` the last report of what leaks, "
			  "`/api/v1/targets/ID/history` its figures of the last two days. "
			  "`parkwatch report --target ID` shows what was at night: it is on "
			  "disk, in --state-dir.",
			  "One process looks at each target. If it hangs, or dies, another one "
			  "takes its place, and the others do not notice. The process that answers "
			  "over HTTP has no rights. Rules in the configuration say which "
			  "processes are watched, and how closely." },
			.run = cmd_serve },
	[CMD_DOCTOR] = { "doctor",
			 "[-p PID [--repair]]",
			 "what works with this kernel and this program, and what does not, and why",
			 { "Tries every kernel feature that parkwatch can use. Of a process it "
			   "shows the Go runtime and whether the layout of its structs holds. For "
			   "each probe point it shows the function, address, instruction, its "
			   "class and why it was chosen. Nothing is attached to the process." },
			 .run = cmd_doctor },
	[CMD_HELP] = { "help",
		       "[command]",
		       "help, the manual page, completion for shells",
		       { "Prints the help of a command, or of parkwatch. The manual page, the "
			 "reference and the completion are made from the same table." },
		       .run = cmd_help,
		       .operands_max = 1 },
	[CMD_VERSION] = { "version",
			  "[-f json]",
			  "print the version, the build id, and what this build can do",
			  { "Prints the version, the GNU build id, how it is linked, which "
			    "releases "
			    "of Go and which recordings it knows, and what it has of its "
			    "libraries: "
			    "`https` is what `serve --tls-cert` needs, `sinks` is what sends "
			    "results elsewhere. What the kernel has is told by doctor." },
			  .run = cmd_version },
};

const struct exit_def exit_table[] = {
	{ 0, CMD_ALL,
	  "done; also if the program ended while it was watched: what was seen is written" },
	{ 1, CMD_ALL,
	  "an error, told in one line on standard error; no new file is left under the name of "
	  "-o" },
	{ 1, CMD_BIT(CMD_REFS), "there is no such goroutine or object" },
	{ 1, CMD_BIT(CMD_DOCTOR), "recording will not work here" },
	{ 2, CMD_ALL, "wrong usage, told in one line on standard error" },
	{ 3, CMD_BIT(CMD_LEAKS), "leaks were found" },
};
const size_t exit_table_size = ARRAY_SIZE(exit_table);

const struct example_def example_table[] = {
	{ "sudo parkwatch ps", "which Go processes are there, and their PIDs" },
	{ "sudo parkwatch top -p PID", "live: which sites grow, and where their goroutines wait" },
	{ "sudo parkwatch leaks -p PID", "which goroutines leak, and how that is known" },
	{ "sudo parkwatch dump -p PID", "every goroutine now, as Go's debug=2" },
	{ "sudo parkwatch dump --attach-by api",
	  "the same of the one process whose file is called api" },
	{ "sudo parkwatch dump -p PID --group object --top 10", "what most of them wait for" },
	{ "sudo parkwatch dump -p PID --wait 'chan*' --older 1m --not func=^net/http",
	  "who has waited for a channel for more than a minute; net/http is left out" },
	{ "sudo parkwatch dump -p PID -o old.json; sudo parkwatch dump -p PID --diff old.json",
	  "what changed in between" },
	{ "sudo parkwatch chans -p PID", "who waits for which channel or lock; deadlocks" },
	{ "sudo parkwatch chans -p PID -d 10", "how full channels are, for how long, who queues" },
	{ "sudo parkwatch requests -p PID", "which HTTP requests hang, and where" },
	{ "sudo parkwatch record -p PID -d 10 -o blocked.html",
	  "where goroutines wait, and how long, as a flame graph" },
	{ "sudo parkwatch record -o start.html -- ./api --port 8080",
	  "the same of a program from its start" },
	{ "sudo parkwatch record -p PID -d 10 -e births | flamegraph.pl --countname goroutines > "
	  "births.svg",
	  "where goroutines are made" },
	{ "sudo parkwatch record -p PID -d 10 -e alloc -o alloc.pb.gz",
	  "who allocates, for go tool pprof" },
	{ "sudo parkwatch refs -p PID --goid 18", "what keeps alive what goroutine 18 waits for" },
	{ "sudo parkwatch doctor -p PID", "what works here, and what does not, and why" },
};
const size_t example_table_size = ARRAY_SIZE(example_table);
