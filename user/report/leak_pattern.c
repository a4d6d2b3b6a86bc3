// SPDX-License-Identifier: BSD-2-Clause
#include "report/leak_pattern.h"

#include <string.h>

#define ANY -1

struct rule {
	int class;          /* enum leak_class, or ANY */
	const char *func;   /* stands on the stack; NULL: any. A '*' at the end: begins so */
	unsigned int facts; /* all of them hold */
	struct leak_pattern pattern;
};

#define BODY   "read the response's body to its end and close it, also on the way out of an error"
#define CANCEL "call the cancel function, or close the channel, on every way out"
#define LOOP   "give the loop a way to end: a case for ctx.Done()"

/*
 * The first that fits. Names of functions: Go 1.15 to 1.27 net/http/transport.go, io/pipe.go,
 * context/context.go, database/sql/sql.go, runtime/chan.go (chanrecv2: range, or v, ok := <-c),
 * runtime/select.go (block: select {}).
 */
/* clang-format off */
static const struct rule rules[] = {
	{ ANY, NULL, LEAK_FACT_SET_UP,
	  { "still being set up", "watch again when it is: what grows on then is a leak" } },
	{ LEAK_SELECT, "net/http.(*persistConn).readLoop", 0, { "HTTP body not closed", BODY } },
	{ LEAK_SELECT, "net/http.(*persistConn).writeLoop", LEAK_FACT_BODIES,
	  { "HTTP body not closed", BODY } },
	{ ANY, "net/http.(*persistConn).*", 0,
	  { "idle HTTP connections never closed",
	    "share one http.Client, or call CloseIdleConnections" } },
	{ ANY, "database/sql.(*DB).connectionOpener", 0,
	  { "sql.DB never closed", "open it once, or close it" } },
	{ ANY, "database/sql.(*Rows).awaitDone", 0,
	  { "sql.Rows never closed", "defer rows.Close()" } },
	{ ANY, "database/sql.(*Tx).awaitDone", 0,
	  { "transaction never ended", "Commit or Rollback on every way out" } },
	{ LEAK_SELECT, "database/sql.(*DB).conn", 0,
	  { "no database connection comes free",
	    "close Rows, end transactions, on every way out" } },
	{ LEAK_SELECT, "io.(*pipe).*", 0,
	  { "io.Pipe left open at the other end",
	    "close both ends, CloseWithError when one fails" } },
	{ ANY, "golang.org/x/sync/semaphore.(*Weighted).Acquire", 0,
	  { "semaphore never released", "Release on every way out" } },
	{ LEAK_SELECT, "context.(*cancelCtx).propagateCancel*", 0,
	  { "context never cancelled", CANCEL } },
	{ LEAK_SELECT, "context.propagateCancel*", 0, { "context never cancelled", CANCEL } },
	{ LEAK_FOREVER, "runtime.block", 0,
	  { "select without cases", "it blocks forever: end the goroutine" } },
	{ LEAK_FOREVER, NULL, 0, { "nil channel", "make the channel before it is used" } },
	{ LEAK_COROUTINE, NULL, 0, { "iterator of iter.Pull never stopped", "defer stop()" } },
	{ LEAK_LOCK, NULL, LEAK_FACT_ITSELF,
	  { "double lock", "the goroutine holds this lock already" } },
	{ LEAK_LOCK, NULL, LEAK_FACT_RING,
	  { "deadlock: each holds what the other wants",
	    "take the locks in the same order everywhere" } },
	{ LEAK_LOCK, NULL, 0,
	  { "lock never released", "unlock on every way out: defer Unlock()" } },
	{ LEAK_WAITGROUP, NULL, 0,
	  { "WaitGroup never done", "Done for every Add, on every way out" } },
	{ LEAK_COND, NULL, 0,
	  { "lost Cond signal", "change the condition under the lock, then Signal or Broadcast" } },
	{ LEAK_SEMAPHORE, NULL, 0, { "semaphore never released", "release it on every way out" } },
	{ LEAK_SEND, NULL, LEAK_FACT_SHARED,
	  { "blocked send: nobody receives any more",
	    "let the sender give up when the receiver is gone" } },
	{ LEAK_SEND, NULL, 0,
	  { "blocked send after early return or timeout",
	    "give the channel room for the value, or select with ctx.Done()" } },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_TIMER, { "timer or ticker never stopped", LOOP } },
	{ LEAK_RECEIVE, "runtime.chanrecv2", 0,
	  { "missing close (range over channel)",
	    "close the channel when there is no more to come" } },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_DONE,
	  { "context never cancelled, or done channel never closed", CANCEL } },
	{ LEAK_RECEIVE, NULL, 0,
	  { "blocked receive: nobody sends any more",
	    "close the channel, or select with ctx.Done()" } },
	{ LEAK_SELECT, NULL, LEAK_FACT_TIMER | LEAK_FACT_DONE,
	  { "context never cancelled: timer or ticker never stopped", CANCEL } },
	{ LEAK_SELECT, NULL, LEAK_FACT_TIMER,
	  { "timer or ticker never stopped: select without exit case", LOOP } },
	{ LEAK_SELECT, NULL, LEAK_FACT_DONE,
	  { "context never cancelled, or done channel never closed", CANCEL } },
	{ LEAK_SELECT, NULL, 0, { "select without exit case", "add a case for ctx.Done()" } },
	{ LEAK_SLEEP, NULL, 0, { "timer or ticker never stopped: a loop with time.Sleep", LOOP } },
	{ LEAK_IO, "internal/poll.(*FD).Accept", 0,
	  { "listener never closed", "close it when it is no longer needed" } },
	{ ANY, NULL, LEAK_FACT_SERVED,
	  { "more connections", "if clients that say nothing should go: SetReadDeadline" } },
	{ LEAK_IO, NULL, LEAK_FACT_WRITE,
	  { "write without deadline",
	    "SetWriteDeadline, and close the connection when it is no longer needed" } },
	{ LEAK_IO, NULL, 0,
	  { "read without deadline",
	    "SetReadDeadline, and close the connection when it is no longer needed" } },
	{ LEAK_RUNS, NULL, LEAK_FACT_SPINS,
	  { "spins: a loop that does not wait",
	    "let it wait for its end: a select without default; and end it" } },
	{ LEAK_SYSCALL, NULL, 0, { "blocked in a system call", "close what it reads from" } },
};
/* clang-format on */

static bool is_func(const char *name, const char *wanted)
{
	const size_t len = strlen(wanted);

	return wanted[len - 1] == '*' ? !strncmp(name, wanted, len - 1) : !strcmp(name, wanted);
}

static bool stands_on(const struct frame *frames, size_t nr, const char *func)
{
	for (size_t i = 0; i < nr; i++)
		if (is_func(frames[i].name, func))
			return true;
	return false;
}

const struct leak_pattern *leak_pattern_of(enum leak_class class, unsigned int facts,
					   const struct frame *frames, size_t nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = &rules[i];

		if ((r->class == ANY || r->class == (int)class) && (facts & r->facts) == r->facts &&
		    (!r->func || stands_on(frames, nr, r->func)))
			return &r->pattern;
	}
	return NULL;
}
