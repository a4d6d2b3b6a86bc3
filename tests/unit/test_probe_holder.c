// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <parkwatch/event.h>
#include <parkwatch/knobs.h>

#include "base/clock.h"
#include "base/heart.h"
#include "parkwatch.skel.h"
#include "probe/holder_request.h"
#include "probe/probe_holder.h"

#define ANSWER_MS 5000

/* A probe holder in a child, without its exec; and the variables of two sets, of which no BPF
 * program knows. */
struct fixture {
	pid_t pid;
	int sock;
	int fds[2];
	struct parkwatch__bss *sets[2];
};

static void make_set(struct fixture *f, int i)
{
	f->fds[i] = memfd_create("set", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(f->fds[i], getpagesize()), 0);
	f->sets[i] =
		mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, f->fds[i], 0);
	cr_assert_neq(f->sets[i], MAP_FAILED);
}

static void send_packet(const struct fixture *f, const void *data, size_t len, const int *fds,
			size_t nr)
{
	char room[CMSG_SPACE(HOLDER_FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)room;

	*c = (struct cmsghdr){ CMSG_LEN(nr * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	if (nr) {
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
		m.msg_control = room;
		m.msg_controllen = CMSG_SPACE(nr * sizeof(int));
	}
	cr_assert_eq(sendmsg(f->sock, &m, MSG_NOSIGNAL), (ssize_t)len);
}

static int ask(const struct fixture *f, const struct holder_request *r, const int *fds, size_t nr)
{
	int answer = -ETIMEDOUT;

	send_packet(f, r, sizeof(*r), fds, nr);
	if (heart__wait_for(f->sock, ANSWER_MS))
		cr_assert_eq(recv(f->sock, &answer, sizeof(answer), 0), (ssize_t)sizeof(answer));
	return answer;
}

static void start(struct fixture *f, rlim_t fds_max)
{
	const struct rlimit most = { fds_max, fds_max };
	int sv[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	f->sock = sv[0];
	f->pid = fork();
	if (!f->pid) {
		if (dup2(sv[1], HOLDER_SOCKET) < 0)
			_exit(1);
		closefrom(HOLDER_SOCKET + 1);
		setrlimit(RLIMIT_NOFILE, &most);
		_exit(probe_holder_main());
	}
	close(sv[1]);
}

static void introduce(const struct fixture *f)
{
	const struct holder_request r = { .op = HOLDER_MASTER };
	const int fds[] = { memfd_create("heart", MFD_CLOEXEC),
			    open("/proc/self/stat", O_RDONLY | O_CLOEXEC) };

	cr_assert_eq(ftruncate(fds[0], getpagesize()), 0);
	cr_assert_eq(heart__share(fds[0]), 0);
	send_packet(f, &r, sizeof(r), fds, 2);
	close(fds[0]);
	close(fds[1]);
}

static int exit_status(struct fixture *f)
{
	int status = -1;

	cr_assert_eq(waitpid(f->pid, &status, 0), f->pid);
	cr_assert(WIFEXITED(status), "it was killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void init_with(struct fixture *f, rlim_t fds_max)
{
	start(f, fds_max);
	introduce(f);
	for (int i = 0; i < 2; i++) {
		make_set(f, i);
		cr_assert_eq(ask(f, &(struct holder_request){ .op = HOLDER_ADD }, &f->fds[i], 1),
			     i);
	}
}

static void init(struct fixture *f)
{
	init_with(f, 64);
}

static bool becomes(const struct fixture *f, bool (*is)(const struct fixture *f))
{
	const uint64_t end = clock_now_ns() + ANSWER_MS * NS_PER_MS;

	while (!is(f) && clock_now_ns() < end)
		(void)heart__wait_for(-1, 1);
	return is(f);
}

static bool is_told_absence(const struct fixture *f)
{
	return f->sets[0]->pw_absent_ns && f->sets[1]->pw_absent_ns;
}

static bool beats(const struct fixture *f)
{
	return f->sets[1]->pw_beat_ns;
}

Test(probe_holder, ends_a_recording_whose_master_stops)
{
	struct fixture f;

	init(&f);
	f.sets[0]->pw_on = 1;
	heart->paused = 1;
	cr_expect(becomes(&f, is_told_absence), "a set is not told");
	cr_expect_eq(f.sets[0]->pw_on, 0);
	cr_expect_eq(f.sets[0]->pw_cut_ns, f.sets[0]->pw_absent_ns);
	cr_expect_eq(f.sets[0]->pw_absent_stopped, 1);
	cr_expect_eq(f.sets[1]->pw_cut_ns, 0, "nothing was recorded there");
	f.sets[1]->pw_beat_ns = 0;
	heart->paused = 0;
	cr_expect(becomes(&f, beats), "it gives no sign of life when its master is back");
	close(f.sock);
	cr_expect_eq(exit_status(&f), 0);
}

Test(probe_holder, leaves_other_sets_in_when_one_goes)
{
	struct fixture f;

	init(&f);
	cr_expect_eq(ask(&f, &(struct holder_request){ .op = HOLDER_REMOVE, .set = 0 }, NULL, 0),
		     0);
	f.sets[0]->pw_beat_ns = f.sets[1]->pw_beat_ns = 0;
	cr_expect(becomes(&f, beats), "the other is forgotten");
	cr_expect_eq(f.sets[0]->pw_beat_ns, 0, "it still has the one that went");
	cr_expect_eq(ask(&f, &(struct holder_request){ .op = HOLDER_ADD }, &f.fds[0], 1), 0,
		     "its number is free");
	close(f.sock);
	cr_expect_eq(exit_status(&f), 0);
}

Test(probe_holder, refuses_what_it_does_not_have_and_goes_on)
{
	const struct {
		const char *why;
		struct holder_request r;
		int want;
	} t[] = {
		{ "no such set", { .op = HOLDER_CLOSE, .set = 2 }, -EINVAL },
		{ "no set has such a number", { .op = HOLDER_REMOVE, .set = 1u << 31 }, -EINVAL },
		{ "no such part", { .op = HOLDER_CLOSE, .part = HOLDER_PARTS }, -EINVAL },
		{ "more places than there are",
		  { .op = HOLDER_OPEN, .nr = PW_SITES_MAX + 1 },
		  -EINVAL },
		{ "a second master", { .op = HOLDER_MASTER }, -EINVAL },
		{ "no such request", { .op = (enum holder_op)77 }, -EINVAL },
		{ "no map", { .op = HOLDER_ADD }, -EBADF },
		{ "a part without links", { .op = HOLDER_CLOSE, .set = 1 }, 0 },
	};
	struct fixture f;

	init(&f);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		cr_expect_eq(ask(&f, &t[i].r, NULL, 0), t[i].want, "%s: %d", t[i].why,
			     ask(&f, &t[i].r, NULL, 0));
	cr_expect_lt(ask(&f, &(struct holder_request){ .op = HOLDER_OPEN, .nr = 1 }, NULL, 0), 0,
		     "no program, no file");
	close(f.sock);
	cr_expect_eq(exit_status(&f), 0);
}

Test(probe_holder, has_room_for_so_many_sets_and_no_more)
{
	struct fixture f;

	init(&f);
	for (int i = 2; i < HOLDER_SETS; i++)
		cr_assert_eq(ask(&f, &(struct holder_request){ .op = HOLDER_ADD }, &f.fds[1], 1),
			     i);
	cr_expect_eq(ask(&f, &(struct holder_request){ .op = HOLDER_ADD }, &f.fds[1], 1), -ENOSPC);
	close(f.sock);
	cr_expect_eq(exit_status(&f), 0);
}

/* 0 to 2, the socket, the master's state; with each pair of descriptors that it is given, 7. */
Test(probe_holder, says_that_descriptors_are_too_few_and_goes_on)
{
	const struct holder_request open = { .op = HOLDER_OPEN, .nr = 1 },
				    close_part = { .op = HOLDER_CLOSE };
	struct fixture f;

	init_with(&f, 6);
	cr_expect_eq(ask(&f, &open, f.fds, 2), -EMFILE);
	cr_expect_eq(ask(&f, &open, f.fds, 2), -EMFILE, "those that came are closed");
	cr_expect_eq(ask(&f, &close_part, NULL, 0), 0);
	close(f.sock);
	cr_expect_eq(exit_status(&f), 0);
}

Test(probe_holder, ends_at_what_is_no_request)
{
	struct fixture f;

	init(&f);
	send_packet(&f, "x", 1, f.fds, 2);
	cr_expect_eq(exit_status(&f), 0);
	close(f.sock);
}

Test(probe_holder, is_nobody_elses)
{
	const struct holder_request add = { .op = HOLDER_ADD };
	struct fixture f;

	start(&f, 64);
	make_set(&f, 0);
	send_packet(&f, &add, sizeof(add), f.fds, 1);
	cr_expect_eq(exit_status(&f), 2, "it takes a request before it knows its master");
	close(f.sock);
	start(&f, 64);
	close(f.sock);
	cr_expect_eq(exit_status(&f), 2);
}
