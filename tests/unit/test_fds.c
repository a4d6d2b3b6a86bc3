/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "target/fds.h"
#include "target/sockets.h"

/* What is asked is this test process itself. */
static struct fds *own_fds(void)
{
	static struct proc *p; /* lives until the process ends: each test is its own */
	struct fds *f = NULL;

	if (!p)
		cr_assert_eq(proc__open(getpid(), &p, NULL), 0);
	cr_assert_eq(fds__new(p, &f), 0);
	return f;
}

static int tcp_listener(int family, uint16_t *ret_port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *sa =
		family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, sa, len) || listen(fd, 4) || getsockname(fd, sa, &len))
		return -1;
	*ret_port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

static uint16_t local_port(int fd)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return ntohs(sa.sin_port);
}

Test(fds, tcp_both_ends_and_the_listener)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	scoped(fds) f = own_fds();
	char want[128];
	uint16_t port;
	int listener = tcp_listener(AF_INET, &port), client, server;

	cr_assert_geq(listener, 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_port = htons(port);
	cr_assert_eq(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
	server = accept(listener, NULL, NULL);
	cr_assert_geq(server, 0);

	snprintf(want, sizeof(want), "tcp 127.0.0.1:%u listening", port);
	cr_expect_str_eq(fds__describe(f, listener), want);
	snprintf(want, sizeof(want), "tcp 127.0.0.1:%u -> 127.0.0.1:%u", local_port(client), port);
	cr_expect_str_eq(fds__describe(f, client), want);
	snprintf(want, sizeof(want), "tcp 127.0.0.1:%u <- 127.0.0.1:%u", port, local_port(client));
	cr_expect_str_eq(fds__describe(f, server), want);
}

static bool serves(int fd)
{
	scoped(fds) f = own_fds(); /* they are read once */

	return fds__serves(f, fd);
}

/*
 * The client is this process, then a child of it that has its socket, then nobody. Also an IPv4
 * client of an IPv6 listener.
 */
Test(fds, serves_a_client_that_is_there_and_is_another_process)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct sockaddr_in sa = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					    .sin6_addr = IN6ADDR_ANY_INIT };
		int listener = -1, client = socket(AF_INET, SOCK_STREAM, 0), server, gate[2];
		uint16_t port;
		pid_t child;

		if (families[i] == AF_INET) {
			listener = tcp_listener(AF_INET, &port);
		} else {
			socklen_t len = sizeof(any);

			listener = socket(AF_INET6, SOCK_STREAM, 0);
			if (listener < 0 || bind(listener, (struct sockaddr *)&any, len) ||
			    listen(listener, 4) ||
			    getsockname(listener, (struct sockaddr *)&any, &len))
				continue; /* no IPv6 here */
			port = ntohs(any.sin6_port);
		}
		sa.sin_port = htons(port);
		cr_assert_eq(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
		server = accept(listener, NULL, NULL);
		cr_expect(!serves(server), "its client is this process");
		cr_expect(!serves(client), "this is the client");
		cr_expect(!serves(listener));
		cr_expect(!serves(-1));
		cr_assert_eq(pipe(gate), 0);
		child = fork();
		if (!child) {
			char c;

			close(gate[1]);
			close(server);
			_exit(read(gate[0], &c, 1) > 0);
		}
		close(client);
		cr_expect(serves(server), "its client is the child");
		close(gate[1]);
		cr_assert_eq(waitpid(child, NULL, 0), child);
		cr_expect(!serves(server), "its client is gone");
	}
}

Test(fds, knows_what_was_dialled_and_whether_the_other_end_is_its_own)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port;
	int listener = tcp_listener(AF_INET, &port), client[3], server[3];

	sa.sin_port = htons(port);
	for (int i = 0; i < 3; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM, 0);
		cr_assert_eq(connect(client[i], (struct sockaddr *)&sa, sizeof(sa)), 0);
		server[i] = accept(listener, NULL, NULL);
		cr_assert_geq(server[i], 0);
	}
	close(client[1]);
	for (int closed = 0; closed < 2; closed++) {
		scoped(fds) f = own_fds();
		scoped_mem struct fd_pair *pairs = NULL;
		size_t nr = 0, found = 0;

		if (closed)
			close(listener); /* nobody can tell any more who was accepted */
		cr_assert_eq(fds__dialled(f, &pairs, &nr), 0);
		for (size_t i = 0; i < nr; i++)
			for (int k = 0; k < 3; k += 2) {
				cr_expect(closed || pairs[i].dialled != server[k],
					  "it was accepted");
				if (pairs[i].dialled != client[k])
					continue;
				cr_expect_eq(pairs[i].accepted, closed ? -1 : server[k]);
				found++;
			}
		cr_expect_eq(found, 2, "%zu", found);
	}
}

Test(fds, a_descriptor_is_described_once)
{
	scoped(fds) f = own_fds();
	int p[2];
	const char *text;

	cr_assert_eq(pipe(p), 0);
	text = fds__describe(f, p[0]);
	close(p[0]);
	cr_expect_eq(fds__describe(f, p[0]), text);
}

Test(fds, tcp_of_ipv6)
{
	scoped(fds) f = own_fds();
	char want[128];
	uint16_t port;
	int fd = tcp_listener(AF_INET6, &port);

	if (fd < 0)
		cr_skip_test("this machine has no IPv6");
	snprintf(want, sizeof(want), "tcp [::1]:%u listening", port);
	cr_expect_str_eq(fds__describe(f, fd), want);
}

Test(fds, udp_with_and_without_a_peer)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	scoped(fds) f = own_fds();
	char want[128];

	cr_assert_eq(bind(a, (struct sockaddr *)&sa, sizeof(sa)), 0);
	sa.sin_port = htons(local_port(a));
	cr_assert_eq(connect(b, (struct sockaddr *)&sa, sizeof(sa)), 0);
	snprintf(want, sizeof(want), "udp 127.0.0.1:%u", local_port(a));
	cr_expect_str_eq(fds__describe(f, a), want);
	snprintf(want, sizeof(want), "udp 127.0.0.1:%u -> 127.0.0.1:%u", local_port(b),
		 local_port(a));
	cr_expect_str_eq(fds__describe(f, b), want);
}

Test(fds, unix_sockets_by_name_and_by_other_end)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	scoped(fds) f = own_fds();
	char want[256];
	int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), client, server, name_len;

	name_len = snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "parkwatch-test-%d",
			    (int)getpid());
	cr_assert_eq(bind(listener, (struct sockaddr *)&sa,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				      (size_t)name_len)),
		     0);
	cr_assert_eq(listen(listener, 4), 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&sa,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					 (size_t)name_len)),
		     0);
	server = accept(listener, NULL, NULL);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	snprintf(want, sizeof(want), "unix @%s listening", sa.sun_path + 1);
	cr_expect_str_eq(fds__describe(f, listener), want);
	snprintf(want, sizeof(want), "unix @%s, other end fd %d", sa.sun_path + 1, client);
	cr_expect_str_eq(fds__describe(f, server), want);
	snprintf(want, sizeof(want), "unix -> @%s, other end fd %d", sa.sun_path + 1, server);
	cr_expect_str_eq(fds__describe(f, client), want);
	snprintf(want, sizeof(want), "unix, other end fd %d", pair[1]);
	cr_expect_str_eq(fds__describe(f, pair[0]), want);
}

Test(fds, pipes_name_their_other_end)
{
	scoped(fds) f = own_fds();
	unsigned long long inode;
	const char *text;
	int p[2], other;

	cr_assert_eq(pipe(p), 0);
	text = fds__describe(f, p[0]);
	cr_assert_eq(sscanf(text, "pipe:[%llu], other end fd %d", &inode, &other), 2, "%s", text);
	cr_expect_eq(other, p[1]);
	text = fds__describe(f, p[1]);
	cr_assert_eq(sscanf(text, "pipe:[%llu], other end fd %d", &inode, &other), 2, "%s", text);
	cr_expect_eq(other, p[0]);
}

Test(fds, a_pipe_whose_other_end_is_elsewhere)
{
	scoped(fds) f = own_fds();
	int p[2];

	cr_assert_eq(pipe(p), 0);
	close(p[1]);
	cr_expect_null(strchr(fds__describe(f, p[0]), ','));
	cr_expect_eq(strncmp(fds__describe(f, p[0]), "pipe:[", 6), 0);
}

Test(fds, files_and_anonymous_ones)
{
	scoped(fds) f = own_fds();

	cr_expect_str_eq(fds__describe(f, open("/dev/null", O_RDONLY)), "/dev/null");
	cr_expect_str_eq(fds__describe(f, eventfd(0, 0)), "eventfd");
	cr_expect_str_eq(fds__describe(f, 999999), "");
	cr_expect_str_eq(fds__describe(f, -1), "");
}

Test(fds, a_name_of_control_characters_is_one_line)
{
	char name[] = "/tmp/parkwatch\n\033[31m-XXXXXX";
	scoped(fds) f = own_fds();
	int fd = mkstemp(name);

	cr_assert_geq(fd, 0);
	unlink(name);
	for (const char *c = fds__describe(f, fd); *c; c++)
		cr_expect_geq((unsigned char)*c, ' ');
}

Test(fds, a_socket_of_another_family_says_so)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, 0);
	scoped(fds) f = own_fds();

	cr_assert_geq(fd, 0);
	cr_expect_not_null(strstr(fds__describe(f, fd), "] NETLINK"), "%s", fds__describe(f, fd));
}

static const char *described(enum socket_kind kind, const char *text, uint64_t inode)
{
	static char words[256];
	scoped(sockets) s = NULL;
	const struct socket *k;

	cr_assert_eq(sockets__new(&s), 0);
	cr_assert_eq(sockets__parse(s, kind, text, strlen(text)), 0);
	k = sockets__get(s, inode);
	if (!k)
		return NULL;
	sockets__describe(s, k, words, sizeof(words));
	return words;
}

#define REST                                                                                       \
	"00000000:00000000 00:00000000 00000000  1000        0 7 1 0000000000000000 100 0 0 10 "   \
	"0\n"

Test(sockets, reads_lines_as_the_kernel_writes_them)
{
	static const struct {
		const char *why;
		enum socket_kind kind;
		const char *text, *want;
	} t[] = {
		{ "listening", SOCKET_TCP, "   0: 0100007F:1F90 00000000:0000 0A " REST,
		  "tcp 127.0.0.1:8080 listening" },
		{ "left by the peer", SOCKET_TCP, "   0: 0100007F:1F90 0A00000A:0050 08 " REST,
		  "tcp 127.0.0.1:8080 -> 10.0.0.10:80 (close wait)" },
		{ "IPv4 in IPv6", SOCKET_TCP6,
		  "   0: 0000000000000000FFFF00000100007F:0050 "
		  "0000000000000000FFFF00000200000A:0051 01 " REST,
		  "tcp 127.0.0.1:80 -> 10.0.0.2:81" },
		{ "IPv6", SOCKET_UDP6,
		  "   0: B80D0120000000000000000001000000:0035 "
		  "00000000000000000000000000000000:0000 07 " REST,
		  "udp [2001:db8::1]:53" },
		{ "address too short for IPv6", SOCKET_TCP6,
		  "   0: 0100007F:1F90 00000000:0000 0A " REST, NULL },
		{ "address too long", SOCKET_TCP, "   0: 0100007F00:1F90 00000000:0000 0A " REST,
		  NULL },
		{ "header", SOCKET_TCP, "  sl  local_address rem_address   st tx_queue ... inode\n",
		  NULL },
		{ "cut", SOCKET_TCP, "   0: 0100007F:1F90 00000000:0000 0A 00000000:0000", NULL },
		{ "unix with a name", SOCKET_UNIX,
		  "0000000000000000: 00000002 00000000 00010000 0001 01     7 /run/x y.sock\n",
		  "unix /run/x y.sock listening" },
		{ "unix without", SOCKET_UNIX,
		  "0000000000000000: 00000003 00000000 00000000 0001 03     7\n", "unix" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const char *got = described(t[i].kind, t[i].text, 7);

		cr_expect_eq(got != NULL, t[i].want != NULL, "%s", t[i].why);
		if (got && t[i].want)
			cr_expect_str_eq(got, t[i].want, "%s", t[i].why);
	}
}

Test(sockets, a_name_that_looks_like_a_line_deceives_nobody)
{
	static const char text[] = "0: 00000002 00000000 00010000 0001 01 7 /run/true\n"
				   "0: 00000002 00000000 00010000 0001 01 8 @evil\n"
				   "0: 00000002 00000000 00010000 0001 01 7 /run/false\n";

	cr_expect_str_eq(described(SOCKET_UNIX, text, 7), "socket");
	cr_expect_str_eq(described(SOCKET_UNIX, text, 8), "unix @evil listening");
}

Test(sockets, what_the_kernel_tells_twice_is_one)
{
	static const char tcp[] = "   0: 0100007F:1F90 0A00000A:0050 01 " REST
				  "   1: 0100007F:1F90 0A00000A:0050 08 " REST;
	static const char unix_lines[] = "0: 00000002 00000000 00010000 0001 01 7 /run/true\n"
					 "0: 00000002 00000000 00010000 0001 01 8 /run/true\n"
					 "0: 00000002 00000000 00010000 0001 01 7 /run/true\n";

	cr_expect(!strncmp(described(SOCKET_TCP, tcp, 7), "tcp 127.0.0.1:8080 -> ", 22));
	cr_expect_str_eq(described(SOCKET_UNIX, unix_lines, 7), "unix /run/true listening");
}
