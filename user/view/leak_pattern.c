// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_pattern.h"

#include <stdio.h>
#include <string.h>

#define ANY -1

struct rule {
	int class;          /* enum leak_class, or ANY */
	const char *func;   /* stands on the stack; NULL: any. A '*' at an end: anything there */
	unsigned int facts; /* all of them hold */
	struct leak_pattern pattern;
};

#define NONE    ""
#define SAME    NULL
#define BODY    "read the response's body to its end and close it, also on the way out of an error"
#define CANCEL  "call the cancel function, or close the channel, on every way out"
#define GIVEN   "cancel the context that it was given, or close what started it"
#define LOOP    "give the loop a way to end: a case for ctx.Done()"
#define SILENT  "set http.Client.Timeout, or give the request a context with a deadline"
#define ASKED   "request waits for a silent server"
#define RPC     "RPC waits for a silent server"
#define RPC_FAR "RPC waits for a server that cannot be reached"
#define NO_CONN "no database connection comes free"
#define SHARED  "share one http.Client, or call CloseIdleConnections"
#define GRPC    "google.golang.org/grpc"
#define CONN    "call conn.Close() when it is no longer needed, or share one grpc.ClientConn"
#define DELAY   "set exec.Cmd.WaitDelay (Go 1.20), and end what the command has started"
#define CFUNC   "Go cannot end a call into C: give the C code a timeout"
#define H2      "net/http.(*http2"
#define XH2     "*http2.(*" /* golang.org/x/net, and net/http/internal from Go 1.27 on */
#define IDLE    "set http.Server.ReadHeaderTimeout and IdleTimeout"
#define UNREAD                                                                                     \
	{                                                                                          \
		"response that the client does not read", "set http.Server.WriteTimeout", SAME     \
	}

#define MORE                                                                                       \
	{                                                                                          \
		"more connections", "if clients that say nothing should go: SetReadDeadline", SAME \
	}

#define MORE_OF                                                                                    \
	{                                                                                          \
		"more connections",                                                                \
			"if clients that say nothing should go: close their connections", SAME     \
	}

/*
 * The first that fits. Names of functions: Go 1.15 to 1.27 net/http/transport.go and h2_bundle.go,
 * io/pipe.go, os/exec/exec.go, context/context.go, database/sql/sql.go, runtime/chan.go (chanrecv2:
 * range, or v, ok := <-c), runtime/select.go (block: select {}); grpc-go 1.2x to 1.7x. A name says
 * only whose code it is: the wait says what is wrong.
 */
/* clang-format off */
static const struct rule rules[] = {
	{ ANY, NULL, LEAK_FACT_SET_UP,
	  { "still being set up", "watch again when it is: what grows on then is a leak", SAME } },
	{ LEAK_SELECT, NULL, LEAK_FACT_SERVED, MORE_OF },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_SERVED, MORE_OF },
	{ LEAK_SLEEP, NULL, LEAK_FACT_SERVED, MORE_OF },
	{ LEAK_COND, NULL, LEAK_FACT_SERVED, MORE_OF },
	{ LEAK_SELECT, "net/http.(*persistConn).readLoop", 0, { "HTTP body not closed", BODY, SAME } },
	{ ANY, "net/http.(*persistConn).roundTrip", 0, { ASKED, SILENT, SAME } },
	{ LEAK_IO, "net/http.(*persistConn).readResponse", 0, { ASKED, SILENT, SAME } },
	{ LEAK_IO, "net/http.(*bodyEOFSignal).Read", 0,
	  { "response of which a silent server sends no more", SILENT, SAME } },
	{ LEAK_IO, "net/http.(*body).Read", 0, { "request of which the client sends no more", "set http.Server.ReadTimeout", SAME } },
	{ LEAK_IO, "net/http.checkConnErrorWriter.Write", 0, UNREAD },
	{ LEAK_SELECT, H2 "serverConn).writeDataFromHandler", 0, UNREAD },
	{ LEAK_SELECT, XH2 "serverConn).writeDataFromHandler", 0, UNREAD },
	{ LEAK_IO, NULL, LEAK_FACT_KEEPALIVE | LEAK_FACT_SERVED,
	  { "more connections", "if clients that say nothing should go: " IDLE, SAME } },
	{ LEAK_IO, NULL, LEAK_FACT_KEEPALIVE, { "connections of clients between two requests", IDLE, SAME } },
	{ LEAK_IO, "net/http.(*persistConn).readLoop", LEAK_FACT_IN_FLIGHT,
	  { ASKED, SILENT, SAME } },
	{ LEAK_IO, "net/http.(*persistConn).readLoop", 0, { "idle HTTP connections never closed", SHARED, SAME } },
	{ LEAK_IO, "net/http.(*persistConn).writeLoop", 0,
	  { "request that the server does not read", SILENT, SAME } },
	{ LEAK_SELECT, "net/http.(*persistConn).writeLoop", LEAK_FACT_IN_FLIGHT,
	  { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, "net/http.(*persistConn).writeLoop", LEAK_FACT_BODIES,
	  { "HTTP body not closed", BODY, SAME } },
	{ LEAK_SELECT, "net/http.(*persistConn).writeLoop", 0,
	  { "idle HTTP connections never closed", SHARED, SAME } },
	{ LEAK_SELECT, H2 "ClientConn).roundTrip*", 0, { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, H2 "ClientConn).RoundTrip*", 0, { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, XH2 "ClientConn).roundTrip*", 0, { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, XH2 "ClientConn).RoundTrip*", 0, { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, H2 "clientStream).writeRequest", LEAK_FACT_STREAMS_IN_FLIGHT,
	  { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, XH2 "clientStream).writeRequest", LEAK_FACT_STREAMS_IN_FLIGHT,
	  { ASKED, SILENT, SAME } },
	{ LEAK_SELECT, H2 "clientStream).writeRequest", 0, { "HTTP body not closed", BODY, SAME } },
	{ LEAK_SELECT, XH2 "clientStream).writeRequest", 0, { "HTTP body not closed", BODY, SAME } },
	{ LEAK_SELECT, "database/sql.(*DB).connectionOpener", 0,
	  { "sql.DB never closed", "open it once, or close it", SAME } },
	{ LEAK_SELECT, "database/sql.(*Rows).awaitDone", 0,
	  { "sql.Rows never closed", "defer rows.Close()", SAME } },
	{ LEAK_RECEIVE, "database/sql.(*Rows).awaitDone", 0,
	  { "sql.Rows never closed", "defer rows.Close()", SAME } },
	{ LEAK_SELECT, "database/sql.(*Tx).awaitDone", 0,
	  { "transaction never ended", "Commit or Rollback on every way out", SAME } },
	{ LEAK_RECEIVE, "database/sql.(*Tx).awaitDone", 0,
	  { "transaction never ended", "Commit or Rollback on every way out", SAME } },
	{ LEAK_SELECT, "database/sql.(*DB).conn", 0,
	  { NO_CONN,
	    "close Rows, end transactions, on every way out", SAME } },
	{ LEAK_RECEIVE, "os/exec.(*Cmd).Wait", 0,
	  { "command has ended, but a process that it started holds its output open", DELAY, SAME } },
	{ LEAK_RECEIVE, "os/exec.(*Cmd).awaitGoroutines", 0,
	  { "command has ended, but a process that it started holds its output open", DELAY, SAME } },
	{ LEAK_SELECT, "os/exec.(*Cmd).awaitGoroutines", 0,
	  { "command has ended, but a process that it started holds its output open", DELAY, SAME } },
	{ LEAK_SYSCALL, "os/exec.(*Cmd).Wait", 0,
	  { "command that does not end", "start it with exec.CommandContext and a deadline", SAME } },
	{ LEAK_OTHER, "os/exec.(*Cmd).Wait", 0,
	  { "command that does not end", "start it with exec.CommandContext and a deadline", SAME } },
	{ LEAK_IO, "os/exec.(*Cmd).*", LEAK_FACT_PIPE_HELD,
	  { "command has ended, but a process that it started holds its output open", DELAY, SAME } },
	{ LEAK_IO, "os/exec.(*Cmd).*", 0,
	  { "output of a command that stays open", "end the command, with all that it started, and call Wait", SAME } },
	{ LEAK_SELECT, "io.(*pipe).*", 0,
	  { "io.Pipe left open at the other end",
	    "close both ends, CloseWithError when one fails", SAME } },
	/* github.com/jackc/pgx/v4 and v5: it waits at a semaphore */
	{ ANY, "*/pgxpool.(*Pool).Acquire", 0,
	  { NO_CONN, "close Rows, end transactions, Release connections, on every way out", SAME } },
	{ ANY, "golang.org/x/sync/semaphore.(*Weighted).Acquire", 0,
	  { "semaphore never released", "Release on every way out", SAME } },
	{ LEAK_IO, GRPC "/internal/transport.(*http2Server).HandleStreams", 0,
	  { "gRPC connection that the client keeps", "set keepalive.ServerParameters.MaxConnectionIdle", SAME } },
	{ LEAK_SELECT, GRPC ".(*clientStream).RecvMsg", 0,
	  { RPC, "give the call a context with a deadline", SAME } },
	{ LEAK_SELECT, GRPC ".(*ClientConn).NewStream", 0,
	  { RPC_FAR, "give the call a context with a deadline", SAME } },
	{ LEAK_SELECT, GRPC ".(*ClientConn).Invoke", 0,
	  { RPC_FAR, "give the call a context with a deadline", SAME } },
	{ LEAK_SELECT, GRPC ".newClientStream*", 0,
	  { "gRPC stream never ended", "cancel its context, or receive until there is an error (io.EOF)", SAME } },
	{ LEAK_SELECT, "context.(*cancelCtx).propagateCancel*", 0,
	  { "context never cancelled", CANCEL, SAME } },
	{ LEAK_SELECT, "context.propagateCancel*", 0, { "context never cancelled", CANCEL, SAME } },
	{ LEAK_FOREVER, "runtime.block", 0,
	  { "select without cases", "it blocks forever: end the goroutine", NONE } },
	{ LEAK_FOREVER, NULL, 0, { "nil channel", "make the channel before it is used", NONE } },
	{ LEAK_COROUTINE, NULL, 0, { "iterator of iter.Pull never stopped", "defer stop()", SAME } },
	{ LEAK_LOCK, NULL, LEAK_FACT_ITSELF,
	  { "double lock", "do not lock what the same goroutine has locked: unlock before, or call a variant that does not lock", NONE } },
	{ LEAK_LOCK, NULL, LEAK_FACT_RING,
	  { "deadlock: each holds what the other wants",
	    "take the locks in the same order everywhere", NONE } },
	{ LEAK_LOCK, NULL, 0,
	  { "lock never released", "unlock on every way out: defer Unlock()", NONE } },
	{ LEAK_WAITGROUP, NULL, 0,
	  { "WaitGroup never done", "Done for every Add, on every way out", NONE } },
	{ LEAK_COND, NULL, 0,
	  { "lost Cond signal", "change the condition under the lock, then Signal or Broadcast", NONE } },
	{ LEAK_SEMAPHORE, NULL, 0, { "semaphore never released", "release it on every way out", NONE } },
	{ LEAK_SEND, NULL, LEAK_FACT_LIMIT,
	  { "blocked send: nobody receives any more: the channel is a limit, and those who took a place keep it",
	    "give the place back on every way out, in time: defer func() { <-limit }()", NONE } },
	{ LEAK_SEND, NULL, LEAK_FACT_SHARED,
	  { "blocked send: nobody receives any more",
	    "let the sender give up when the receiver is gone", NONE } },
	{ LEAK_SEND, NULL, 0,
	  { "blocked send after early return or timeout",
	    "give the channel room for the value, or select with ctx.Done()", NONE } },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_SIGNALS,
	  { "signal.Notify never stopped", "call signal.Stop, and end the goroutine: signal.Stop does not close the channel", NONE } },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_TIMER, { "timer or ticker never stopped", LOOP, GIVEN } },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_STOPPED,
	  { "stopped timer or ticker: Stop does not close its channel",
	    "end the goroutine with a done channel, in a select beside the ticker", NONE } },
	{ LEAK_RECEIVE, "runtime.chanrecv2", 0,
	  { "missing close (range over channel)",
	    "close the channel when there is no more to come", NONE } },
	{ LEAK_RECEIVE, NULL, LEAK_FACT_DONE,
	  { "context never cancelled, or done channel never closed", CANCEL, GIVEN } },
	{ LEAK_RECEIVE, NULL, 0,
	  { "blocked receive: nobody sends any more",
	    "close the channel, or select with ctx.Done()", NONE } },
	{ LEAK_SELECT, NULL, LEAK_FACT_TIMER | LEAK_FACT_DONE,
	  { "context never cancelled: timer or ticker never stopped", CANCEL, GIVEN } },
	{ LEAK_SELECT, NULL, LEAK_FACT_TIMER,
	  { "timer or ticker never stopped: select without exit case", LOOP, NONE } },
	{ LEAK_SELECT, NULL, LEAK_FACT_DONE,
	  { "context never cancelled, or done channel never closed", CANCEL, GIVEN } },
	{ LEAK_SELECT, NULL, LEAK_FACT_STOPPED,
	  { "stopped timer or ticker: Stop does not close its channel",
	    "add a case for ctx.Done() beside the ticker", NONE } },
	{ LEAK_SELECT, NULL, 0, { "select without exit case", "add a case for ctx.Done()", NONE } },
	{ LEAK_SLEEP, NULL, 0, { "timer or ticker never stopped: a loop with time.Sleep", LOOP, NONE } },
	{ LEAK_IO, "internal/poll.(*FD).Accept", 0,
	  { "listener never closed", "close it when it is no longer needed", SAME } },
	{ ANY, NULL, LEAK_FACT_SERVED, MORE },
	{ LEAK_IO, "net.(*netFD).connect", 0,
	  { "connect to a host that does not answer", "dial with a timeout: net.Dialer.Timeout, or DialContext with a deadline", SAME } },
	{ LEAK_IO, NULL, LEAK_FACT_WRITE,
	  { "write without deadline",
	    "SetWriteDeadline, and close the connection when it is no longer needed",
	    "close the connection, or what it belongs to, when it is no longer needed" } },
	{ LEAK_IO, NULL, 0,
	  { "read without deadline",
	    "SetReadDeadline, and close the connection when it is no longer needed",
	    "close the connection, or what it belongs to, when it is no longer needed" } },
	{ LEAK_RUNS, NULL, LEAK_FACT_SPINS,
	  { "spins: a loop that does not wait",
	    "let it wait for its end: a select without default; and end it", SAME } },
	{ LEAK_SYSCALL, "*._Cfunc_*", 0, { "call into C that does not return", CFUNC, SAME } },
	{ LEAK_SYSCALL, "*._C2func_*", 0, { "call into C that does not return", CFUNC, SAME } },
	{ LEAK_SYSCALL, "runtime.cgocall*", 0, { "call into C that does not return", CFUNC, SAME } },
	{ LEAK_SYSCALL, NULL, 0, { "blocked in a system call", "close what it reads from", SAME } },
};

#define KEPT	 { "gRPC connection that the client keeps", "set keepalive.ServerParameters.MaxConnectionIdle", SAME }
#define UNCLOSED { "grpc.ClientConn never closed", CONN, SAME }

/* Goroutines that a library runs on its own: the first function is one of it. */
static const struct rule starts[] = {
	{ LEAK_SELECT, GRPC "/internal/transport.NewServerTransport*", 0,
	  KEPT },
	{ LEAK_SELECT, GRPC "/internal/transport.(*http2Server)*", 0, KEPT },
	{ LEAK_IO, GRPC "/internal/transport.(*http2Client)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC "/internal/transport.(*http2Client)*", 0, UNCLOSED },
	{ LEAK_COND, GRPC "/internal/transport.(*http2Client)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC "/internal/transport.newHTTP2Client*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC "/internal/transport.NewHTTP2Client*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC "/internal/grpcsync.(*CallbackSerializer)*", 0, UNCLOSED },
	{ LEAK_RECEIVE, GRPC "/internal/grpcsync.(*CallbackSerializer)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC "/internal/resolver/dns.(*dnsResolver)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC ".(*addrConn)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC ".(*ClientConn)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC ".(*ccBalancerWrapper)*", 0, UNCLOSED },
	{ LEAK_SELECT, GRPC ".(*ccResolverWrapper)*", 0, UNCLOSED },
};
/* clang-format on */

static bool is_func(const char *name, const char *wanted)
{
	const size_t len = strlen(wanted);
	const bool open = wanted[len - 1] == '*';
	char middle[128];

	if (wanted[0] != '*')
		return open ? !strncmp(name, wanted, len - 1) : !strcmp(name, wanted);
	snprintf(middle, sizeof(middle), "%.*s", (int)(len - 1 - open), wanted + 1);
	return strstr(name, middle);
}

static bool stands_on(const struct frame *frames, size_t nr, const char *func)
{
	for (size_t i = 0; i < nr; i++)
		if (is_func(frames[i].name, func))
			return true;
	return false;
}

static bool fits(const struct rule *r, enum leak_class class, unsigned int facts)
{
	return (r->class == ANY || r->class == (int)class) && (facts & r->facts) == r->facts;
}

/* What it began as, past what the compiler and the runtime put before. NULL: not known. */
static const struct frame *first_of_all(const struct frame *frames, size_t nr)
{
	while (nr && (frames[nr - 1].wrapper || frames[nr - 1].plumbing))
		nr--;
	return nr ? &frames[nr - 1] : NULL;
}

bool leak_pattern_is_answer(const struct leak_pattern *p)
{
	static const char *const words[] = { ASKED, RPC, RPC_FAR, NO_CONN };

	for (size_t i = 0; i < ARRAY_SIZE(words) && p; i++)
		if (!strcmp(p->words, words[i]))
			return true;
	return false;
}

const char *leak_pattern_c_function(const struct frame *frames, size_t nr)
{
	static const char *const marks[] = { "._Cfunc_", "._C2func_" };

	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < ARRAY_SIZE(marks); k++) {
			const char *at = strstr(frames[i].name, marks[k]);

			if (at && at[strlen(marks[k])])
				return at + strlen(marks[k]);
		}
	return NULL;
}

const struct leak_pattern *leak_pattern_of(enum leak_class class, unsigned int facts,
					   const struct frame *frames, size_t nr)
{
	const struct frame *start = first_of_all(frames, nr);

	for (size_t i = 0; start && i < ARRAY_SIZE(starts); i++)
		if (fits(&starts[i], class, facts) && is_func(start->name, starts[i].func))
			return &starts[i].pattern;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (fits(&rules[i], class, facts) &&
		    (!rules[i].func || stands_on(frames, nr, rules[i].func)))
			return &rules[i].pattern;
	return NULL;
}
