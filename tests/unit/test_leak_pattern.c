/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include "base/cleanup.h"
#include "view/leak_names.h"
#include "view/leak_pattern.h"

#define FRAMES_MOST 4

static size_t make_frames(const char *const *funcs, struct frame *v)
{
	size_t nr = 0;

	for (; nr < FRAMES_MOST && funcs[nr]; nr++)
		v[nr] = (struct frame){ .name = funcs[nr] };
	return nr;
}

Test(leak_pattern, names_what_a_developer_would_call_it)
{
	static const struct {
		enum leak_class class;
		unsigned int facts;
		const char *funcs[FRAMES_MOST];
		const char *want;
	} t[] = {
		{ LEAK_SEND,
		  0,
		  { "runtime.gopark", "main.f" },
		  "blocked send after early return or timeout" },
		{ LEAK_SEND,
		  LEAK_FACT_SHARED,
		  { "main.f" },
		  "blocked send: nobody receives any more" },
		{ LEAK_SEND,
		  LEAK_FACT_SHARED | LEAK_FACT_LIMIT,
		  { "main.f" },
		  "blocked send: nobody receives any more: the channel is a limit, and those who "
		  "took a place keep it" },
		{ LEAK_RECEIVE,
		  LEAK_FACT_SIGNALS,
		  { "runtime.chanrecv1", "main.f" },
		  "signal.Notify never stopped" },
		{ LEAK_RECEIVE,
		  0,
		  { "runtime.chanrecv2", "main.f" },
		  "missing close (range over channel)" },
		{ LEAK_RECEIVE,
		  LEAK_FACT_TIMER,
		  { "runtime.chanrecv2", "main.f" },
		  "timer or ticker never stopped" },
		{ LEAK_RECEIVE,
		  LEAK_FACT_DONE,
		  { "runtime.chanrecv1", "main.f" },
		  "context never cancelled, or done channel never closed" },
		{ LEAK_RECEIVE,
		  0,
		  { "runtime.chanrecv1", "main.f" },
		  "blocked receive: nobody sends any more" },
		{ LEAK_FOREVER, 0, { "runtime.chanrecv", "main.f" }, "nil channel" },
		{ LEAK_FOREVER,
		  0,
		  { "runtime.gopark", "runtime.block", "main.f" },
		  "select without cases" },
		{ LEAK_SELECT, 0, { "main.f" }, "select without exit case" },
		{ LEAK_SELECT,
		  LEAK_FACT_DONE,
		  { "main.f" },
		  "context never cancelled, or done channel never closed" },
		{ LEAK_SELECT,
		  LEAK_FACT_TIMER,
		  { "main.f" },
		  "timer or ticker never stopped: select without exit case" },
		{ LEAK_SELECT,
		  LEAK_FACT_TIMER | LEAK_FACT_DONE,
		  { "main.f" },
		  "context never cancelled: timer or ticker never stopped" },
		{ LEAK_SELECT,
		  0,
		  { "context.(*cancelCtx).propagateCancel.func2" },
		  "context never cancelled" },
		{ LEAK_SELECT, 0, { "net/http.(*persistConn).readLoop" }, "HTTP body not closed" },
		{ LEAK_SELECT,
		  LEAK_FACT_BODIES,
		  { "net/http.(*persistConn).writeLoop" },
		  "HTTP body not closed" },
		{ LEAK_SELECT,
		  0,
		  { "net/http.(*persistConn).writeLoop" },
		  "idle HTTP connections never closed" },
		{ LEAK_IO,
		  0,
		  { "net.(*conn).Read", "net/http.(*persistConn).readLoop" },
		  "idle HTTP connections never closed" },
		{ LEAK_SELECT,
		  0,
		  { "io.(*pipe).write", "main.f" },
		  "io.Pipe left open at the other end" },
		{ LEAK_SELECT,
		  0,
		  { "database/sql.(*DB).connectionOpener" },
		  "sql.DB never closed" },
		{ LEAK_LOCK, LEAK_FACT_ITSELF, { "main.f" }, "double lock" },
		{ LEAK_LOCK,
		  LEAK_FACT_RING,
		  { "main.f" },
		  "deadlock: each holds what the other wants" },
		{ LEAK_LOCK, 0, { "main.f" }, "lock never released" },
		{ LEAK_WAITGROUP, 0, { "main.f" }, "WaitGroup never done" },
		{ LEAK_COND, 0, { "main.f" }, "lost Cond signal" },
		{ LEAK_SLEEP,
		  0,
		  { "main.f" },
		  "timer or ticker never stopped: a loop with time.Sleep" },
		{ LEAK_IO, 0, { "main.f" }, "read without deadline" },
		{ LEAK_IO, LEAK_FACT_WRITE, { "main.f" }, "write without deadline" },
		{ LEAK_COROUTINE, 0, { "main.f" }, "iterator of iter.Pull never stopped" },
		{ LEAK_RUNS, LEAK_FACT_SPINS, { "main.f" }, "spins: a loop that does not wait" },
		{ LEAK_RUNS, 0, { "main.f" }, NULL },
		{ LEAK_SELECT,
		  0,
		  { "net/http.(*persistConn).roundTrip", "main.f" },
		  "request waits for a silent server" },
		{ LEAK_IO,
		  LEAK_FACT_IN_FLIGHT,
		  { "net.(*conn).Read", "net/http.(*persistConn).readLoop" },
		  "request waits for a silent server" },
		{ LEAK_SELECT,
		  LEAK_FACT_IN_FLIGHT,
		  { "net/http.(*persistConn).writeLoop" },
		  "request waits for a silent server" },
		{ LEAK_LOCK, 0, { "net/http.(*persistConn).readLoop" }, "lock never released" },
		{ LEAK_RECEIVE,
		  0,
		  { "os/exec.(*Cmd).Wait", "main.f" },
		  "command has ended, but a process that it started holds its output open" },
		{ LEAK_SYSCALL,
		  0,
		  { "os.(*Process).Wait", "os/exec.(*Cmd).Wait", "main.f" },
		  "command that does not end" },
		{ LEAK_SYSCALL,
		  0,
		  { "runtime.cgocall", "main._Cfunc_hang", "main.f" },
		  "call into C that does not return" },
		{ LEAK_SYSCALL,
		  0,
		  { "net._C2func_getaddrinfo", "net.f" },
		  "call into C that does not return" },
		{ LEAK_SYSCALL, 0, { "syscall.read", "main.f" }, "blocked in a system call" },
		{ LEAK_RECEIVE,
		  LEAK_FACT_STOPPED,
		  { "runtime.chanrecv2", "main.f" },
		  "stopped timer or ticker: Stop does not close its channel" },
		{ LEAK_SELECT,
		  LEAK_FACT_STOPPED | LEAK_FACT_DONE,
		  { "main.f" },
		  "context never cancelled, or done channel never closed" },
		{ LEAK_SELECT,
		  0,
		  { "golang.org/x/sync/semaphore.(*Weighted).Acquire",
		    "github.com/jackc/puddle/v2.(*Pool[...]).acquire",
		    "github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire", "main.f" },
		  "no database connection comes free" },
		{ LEAK_SELECT,
		  0,
		  { "golang.org/x/sync/semaphore.(*Weighted).Acquire", "main.f" },
		  "semaphore never released" },
		{ LEAK_SELECT,
		  0,
		  { "net/http/internal/http2.(*ClientConn).roundTrip", "main.f" },
		  "request waits for a silent server" },
		{ LEAK_SELECT,
		  0,
		  { "golang.org/x/net/http2.(*ClientConn).roundTrip.func1", "main.f" },
		  "request waits for a silent server" },
		{ LEAK_SELECT,
		  0,
		  { "net/http.(*http2clientStream).writeRequest" },
		  "HTTP body not closed" },
		{ LEAK_SELECT,
		  0,
		  { "net/http/internal/http2.(*clientStream).writeRequest" },
		  "HTTP body not closed" },
		{ LEAK_SELECT,
		  LEAK_FACT_STREAMS_IN_FLIGHT,
		  { "net/http.(*http2clientStream).writeRequest" },
		  "request waits for a silent server" },
		{ LEAK_SELECT,
		  LEAK_FACT_STREAMS_IN_FLIGHT,
		  { "golang.org/x/net/http2.(*clientStream).writeRequest" },
		  "request waits for a silent server" },
		{ LEAK_SELECT,
		  0,
		  { "net/http/internal/http2.(*serverConn).writeDataFromHandler", "main.f" },
		  "response that the client does not read" },
		{ LEAK_SELECT,
		  0,
		  { "main.(*clientStream).writeRequest" },
		  "select without exit case" },
		{ LEAK_IO,
		  LEAK_FACT_KEEPALIVE,
		  { "net.(*conn).Read", "net/http.(*conn).serve" },
		  "connections of clients between two requests" },
		{ LEAK_IO,
		  LEAK_FACT_KEEPALIVE | LEAK_FACT_SERVED,
		  { "net.(*conn).Read", "net/http.(*conn).serve" },
		  "more connections" },
		{ LEAK_IO,
		  0,
		  { "net.(*conn).Read", "net/http.(*body).Read", "main.f",
		    "net/http.(*conn).serve" },
		  "request of which the client sends no more" },
		{ LEAK_SELECT,
		  0,
		  { "google.golang.org/grpc/internal/transport.(*controlBuffer).get",
		    "google.golang.org/grpc/internal/transport.newHTTP2Client.func3" },
		  "grpc.ClientConn never closed" },
		{ LEAK_SELECT,
		  0,
		  { "google.golang.org/grpc/internal/transport.(*controlBuffer).get",
		    "google.golang.org/grpc/internal/transport.NewServerTransport.func2" },
		  "gRPC connection that the client keeps" },
		{ LEAK_IO,
		  0,
		  { "bufio.(*Reader).Read",
		    "google.golang.org/grpc/internal/transport.(*http2Client).reader" },
		  "grpc.ClientConn never closed" },
		{ LEAK_IO,
		  0,
		  { "net.(*conn).Read",
		    "google.golang.org/grpc/internal/transport.(*http2Server).HandleStreams",
		    "google.golang.org/grpc.(*Server).handleRawConn.func1" },
		  "gRPC connection that the client keeps" },
		{ LEAK_IO,
		  0,
		  { "net.(*conn).Read", "main.handle",
		    "google.golang.org/grpc.(*Server).serveStreams.func2" },
		  "read without deadline" },
		{ LEAK_SELECT,
		  0,
		  { "google.golang.org/grpc.(*clientStream).RecvMsg",
		    "google.golang.org/grpc.(*ClientConn).Invoke", "main.f" },
		  "RPC waits for a silent server" },
		{ LEAK_SELECT,
		  0,
		  { "google.golang.org/grpc.(*ClientConn).WaitForStateChange", "main.f" },
		  "select without exit case" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct frame v[FRAMES_MOST];
		size_t nr = make_frames(t[i].funcs, v);
		const struct leak_pattern *p = leak_pattern_of(t[i].class, t[i].facts, v, nr);

		cr_expect_eq(!p, !t[i].want, "%s", t[i].want ? t[i].want : "none");
		if (p && t[i].want) {
			cr_expect_str_eq(p->words, t[i].want, "%s", p->words);
			cr_expect(p->cure[0], "%s", t[i].want);
		}
	}
}

Test(leak_pattern, names_the_c_function)
{
	const struct frame in_c[] = { { .name = "runtime.cgocall" },
				      { .name = "main._Cfunc_hang" },
				      { .name = "main.f" } };

	cr_expect_str_eq(leak_pattern_c_function(in_c, 3), "hang");
	cr_expect_null(leak_pattern_c_function(in_c, 1));
}

Test(leak_names, know_what_gos_own_packages_wait_for)
{
	static const struct {
		const char *why;
		const char *funcs[FRAMES_MOST];
		enum leak_role want;
	} t[] = {
		{ "a listener",
		  { "internal/poll.(*FD).Accept", "net.(*netFD).accept", "main.serve" },
		  LEAK_ROLE_LISTENER },
		{ "signals", { "os/signal.signal_recv", "os/signal.loop" }, LEAK_ROLE_LISTENER },
		{ "a server's connection between requests",
		  { "net.(*conn).Read", "net/http.(*conn).serve" },
		  LEAK_ROLE_KEEPALIVE },
		{ "... in a request",
		  { "main.handle", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve" },
		  LEAK_ROLE_NONE },
		{ "a client's connection",
		  { "net/http.(*persistConn).readLoop" },
		  LEAK_ROLE_CLIENT },
		{ "the program's own", { "main.serve" }, LEAK_ROLE_NONE },
		{ "nothing", { NULL }, LEAK_ROLE_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct frame v[FRAMES_MOST];

		cr_expect_eq(leak_role_of(v, make_frames(t[i].funcs, v)), t[i].want, "%s",
			     t[i].why);
	}
}

Test(leak_names, gives_equal_places_one_number)
{
	scoped(leak_names) n = NULL;
	const char *f = "main.f", *file = "main.go";
	uint32_t first, other;

	cr_assert_eq(leak_names__new(&n), 0);
	cr_expect_eq(leak_names__place(n, &(struct place){ "?", "", 0 }), 0, "the unknown one");
	first = leak_names__place(n, &(struct place){ f, file, 7 });
	other = leak_names__place(n, &(struct place){ f, file, 8 });
	cr_expect_neq(first, 0);
	cr_expect_neq(first, other);
	cr_expect_eq(leak_names__place(n, &(struct place){ f, file, 7 }), first);
	cr_expect_eq(leak_names__place_at(n, other)->line, 8);
}

Test(leak_names, classes_are_of_every_state)
{
	static const struct {
		enum gostate state;
		enum leak_class want;
	} t[] = {
		{ (enum gostate)GOWAIT_CHAN_RECEIVE, LEAK_RECEIVE },
		{ (enum gostate)GOWAIT_SYNCTEST_CHAN_RECEIVE, LEAK_RECEIVE },
		{ (enum gostate)GOWAIT_CHAN_SEND, LEAK_SEND },
		{ (enum gostate)GOWAIT_SYNCTEST_CHAN_SEND, LEAK_SEND },
		{ (enum gostate)GOWAIT_SELECT, LEAK_SELECT },
		{ (enum gostate)GOWAIT_SYNCTEST_SELECT, LEAK_SELECT },
		{ (enum gostate)GOWAIT_CHAN_RECEIVE_NIL_CHAN, LEAK_FOREVER },
		{ (enum gostate)GOWAIT_CHAN_SEND_NIL_CHAN, LEAK_FOREVER },
		{ (enum gostate)GOWAIT_SELECT_NO_CASES, LEAK_FOREVER },
		{ (enum gostate)GOWAIT_SYNC_MUTEX_LOCK, LEAK_LOCK },
		{ (enum gostate)GOWAIT_SYNC_RWMUTEX_RLOCK, LEAK_LOCK },
		{ (enum gostate)GOWAIT_SYNC_RWMUTEX_LOCK, LEAK_LOCK },
		{ (enum gostate)GOWAIT_SYNC_WAITGROUP_WAIT, LEAK_WAITGROUP },
		{ (enum gostate)GOWAIT_SYNCTEST_WAITGROUP_WAIT, LEAK_WAITGROUP },
		{ (enum gostate)GOWAIT_SYNC_COND_WAIT, LEAK_COND },
		{ (enum gostate)GOWAIT_SEMACQUIRE, LEAK_SEMAPHORE },
		{ (enum gostate)GOWAIT_IO_WAIT, LEAK_IO },
		{ (enum gostate)GOWAIT_SLEEP, LEAK_SLEEP },
		{ (enum gostate)GOWAIT_COROUTINE, LEAK_COROUTINE },
		{ (enum gostate)GOWAIT_PREEMPTED, LEAK_RUNS },
		{ GOSTATE_RUNNING, LEAK_RUNS },
		{ GOSTATE_RUNNABLE, LEAK_RUNS },
		{ GOSTATE_COPYSTACK, LEAK_RUNS },
		{ GOSTATE_SYSCALL, LEAK_SYSCALL },
	};
	bool listed[GOSTATE_MAX] = { false };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		listed[t[i].state] = true;
		cr_expect_eq(leak_class_of(t[i].state), t[i].want, "%s", gostate_word(t[i].state));
	}
	for (int s = 0; s < GOSTATE_MAX; s++)
		cr_expect(listed[s] || leak_class_of((enum gostate)s) == LEAK_OTHER, "%s",
			  gostate_word((enum gostate)s));
}
