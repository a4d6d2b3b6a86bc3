/* SPDX-License-Identifier: BSD-2-Clause */
/* Which target is an earlier one that was started again, and what of that is known to the next daemon. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/restarts.h"

#define BOOT "0b5e1f1c-3c2a-4a0c-9d0e-3d7b7d0a8f10"
#define MOST 8

/* A story of targets: they start and end, seconds since the machine was started. */
struct life {
	const char *exe, *build_id, *container, *pod, *name, *args;
	double start_s, end_s; /* 0: it lives on */
};

struct story {
	struct restarts r;
	struct watched v[MOST];
	size_t nr;
};

static void begin(struct story *s, const struct life *l, int pid)
{
	struct watched *w = &s->v[s->nr++];

	*w = (struct watched){ .start_ticks = (uint64_t)(l->start_s * (double)sysconf(_SC_CLK_TCK)),
			       .row.pid = pid };
	snprintf(w->row.exe, sizeof(w->row.exe), "%s", l->exe ? l->exe : "/srv/api");
	snprintf(w->row.build_id, sizeof(w->row.build_id), "%s", l->build_id ? l->build_id : "ab");
	snprintf(w->row.container, sizeof(w->row.container), "%s",
		 l->container ? l->container : "");
	snprintf(w->row.pod, sizeof(w->row.pod), "%s", l->pod ? l->pod : "");
	snprintf(w->row.container_name, sizeof(w->row.container_name), "%s",
		 l->name ? l->name : "");
	snprintf(w->row.cmdline, sizeof(w->row.cmdline), "%s", l->args ? l->args : "api");
	watched_id(&w->row, w->start_ticks, w->id);
}

static void end(struct story *s, size_t i, double end_s)
{
	restarts__ended(&s->r, &s->v[i], (uint64_t)(end_s * NS_PER_SEC));
}

/* Each starts when those before it have done what they do until then. */
static void tell(struct story *s, const struct life *lives)
{
	for (size_t i = 0; i < MOST && lives[i].start_s > 0; i++) {
		begin(s, &lives[i], 100 + (int)i);
		for (size_t k = 0; k < i; k++)
			if (lives[k].end_s > 0 && lives[k].end_s <= lives[i].start_s + 0.05 &&
			    (!i || lives[k].end_s > lives[i - 1].start_s + 0.05))
				end(s, k, lives[k].end_s);
		(void)restarts__look(&s->r, &s->v[i]);
	}
}

Test(restarts, are_told_of_the_same_program_in_the_same_place_that_had_ended)
{
	static const struct {
		const char *why;
		struct life lives[MOST];
		int of; /* the last one is a restart of; -1: of none */
		uint32_t nr;
	} t[] = {
		{ "one after the other", { { .start_s = 1, .end_s = 5 }, { .start_s = 6 } }, 0, 1 },
		{ "the launcher heard a little late",
		  { { .start_s = 1, .end_s = 6.04 }, { .start_s = 6 } },
		  0,
		  1 },
		{ "the third counts both",
		  { { .start_s = 1, .end_s = 5 }, { .start_s = 6, .end_s = 7 }, { .start_s = 8 } },
		  1,
		  2 },
		{ "two live at once", { { .start_s = 1 }, { .start_s = 6 } }, -1, 0 },
		{ "another build",
		  { { .start_s = 1, .end_s = 5 }, { .start_s = 6, .build_id = "cd" } },
		  -1,
		  0 },
		{ "another program",
		  { { .start_s = 1, .end_s = 5 }, { .start_s = 6, .exe = "/srv/mail" } },
		  -1,
		  0 },
		{ "no build id at all",
		  { { .start_s = 1, .end_s = 5, .build_id = "" },
		    { .start_s = 6, .build_id = "" } },
		  0,
		  1 },
		{ "another container",
		  { { .start_s = 1, .end_s = 5, .container = "c1" },
		    { .start_s = 6, .container = "c2" } },
		  -1,
		  0 },
		{ "the same container",
		  { { .start_s = 1, .end_s = 5, .container = "c1" },
		    { .start_s = 6, .container = "c1" } },
		  0,
		  1 },
		{ "the kubelet starts it again",
		  { { .start_s = 1, .end_s = 5, .container = "c1", .pod = "p", .name = "api" },
		    { .start_s = 6, .container = "c2", .pod = "p", .name = "api" } },
		  0,
		  1 },
		{ "another container of the pod",
		  { { .start_s = 1, .end_s = 5, .container = "c1", .pod = "p", .name = "api" },
		    { .start_s = 6, .container = "c2", .pod = "p", .name = "proxy" } },
		  -1,
		  0 },
		{ "another pod of the deployment",
		  { { .start_s = 1, .end_s = 5, .container = "c1", .pod = "p", .name = "api" },
		    { .start_s = 6, .container = "c2", .pod = "q", .name = "api" } },
		  -1,
		  0 },
		{ "one of two replicas",
		  { { .start_s = 1, .end_s = 5 }, { .start_s = 2 }, { .start_s = 6 } },
		  0,
		  1 },
		{ "two ended: which?",
		  { { .start_s = 1, .end_s = 5 },
		    { .start_s = 2, .end_s = 5.5 },
		    { .start_s = 6 } },
		  -1,
		  0 },
		{ "nor is the next one",
		  { { .start_s = 1, .end_s = 5 },
		    { .start_s = 2, .end_s = 5.5 },
		    { .start_s = 6 },
		    { .start_s = 7 } },
		  -1,
		  0 },
		{ "two ended, one had these arguments",
		  { { .start_s = 1, .end_s = 5, .args = "api -p 1" },
		    { .start_s = 2, .end_s = 5.5, .args = "api -p 2" },
		    { .start_s = 6, .args = "api -p 1" } },
		  0,
		  1 },
		{ "other arguments, but no other",
		  { { .start_s = 1, .end_s = 5, .args = "api -p 1" },
		    { .start_s = 6, .args = "api -p 3" } },
		  0,
		  1 },
		{ "it has its restart already",
		  { { .start_s = 1, .end_s = 5 }, { .start_s = 6 }, { .start_s = 7 } },
		  -1,
		  0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct story s = { .nr = 0 };
		const struct restarted *last;

		tell(&s, t[i].lives);
		last = &s.v[s.nr - 1].restarted;
		cr_expect_str_eq(last->of, t[i].of < 0 ? "" : s.v[t[i].of].id, "%s: %s", t[i].why,
				 last->of);
		cr_expect_eq(last->nr, t[i].nr, "%s: %u", t[i].why, last->nr);
		restarts__done(&s.r);
	}
}

Test(restarts, of_one_that_was_seen_to_end_after_the_other_started_are_none)
{
	struct story s = { .nr = 0 };

	begin(&s, &(struct life){ .start_s = 1 }, 1);
	begin(&s, &(struct life){ .start_s = 6 }, 2);
	end(&s, 0, 6.2);
	cr_expect_not(restarts__look(&s.r, &s.v[1]));
	cr_expect_str_empty(s.v[1].restarted.of);
	restarts__done(&s.r);
}

Test(restarts, wait_for_the_name_of_the_container_and_for_the_build_id)
{
	struct story s = { .nr = 0 };
	const struct life first = { .start_s = 1, .container = "c1", .pod = "p", .name = "api" },
			  again = { .start_s = 6, .container = "c2", .pod = "p" };

	begin(&s, &first, 1);
	end(&s, 0, 5);
	begin(&s, &again, 2);
	cr_expect_not(restarts__look(&s.r, &s.v[1]));
	strcpy(s.v[1].row.container_name, "api");
	s.v[1].row.unread = true;
	cr_expect_not(restarts__look(&s.r, &s.v[1]));
	s.v[1].row.unread = false;
	cr_expect(restarts__look(&s.r, &s.v[1]));
	cr_expect_not(restarts__look(&s.r, &s.v[1]), "it is told twice");
	restarts__done(&s.r);
}

Test(restarts, are_bounded_and_the_oldest_goes)
{
	struct story s = { .nr = 0 };

	begin(&s, &(struct life){ .start_s = 1, .exe = "/srv/first" }, 1);
	end(&s, 0, 2);
	begin(&s, &(struct life){ .start_s = 1 }, 2);
	for (int i = 0; i < RESTARTS_PAST_MAX; i++)
		end(&s, 1, 2);
	cr_expect_eq(s.r.nr, RESTARTS_PAST_MAX);
	begin(&s, &(struct life){ .start_s = 3, .exe = "/srv/first" }, 3);
	cr_expect_not(restarts__look(&s.r, &s.v[2]), "it is still known");
	restarts__done(&s.r);
}

/* --- on disk --- */

static char dir[] = "/tmp/pw-restarts-XXXXXX";
static int fd;

static void make_dir(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	cr_assert_geq(fd, 0);
}

static void remove_dir(void)
{
	(void)unlinkat(fd, "targets", 0);
	close(fd);
	cr_assert_eq(rmdir(dir), 0, "more is left there than the file");
}

TestSuite(restarts_file, .init = make_dir, .fini = remove_dir);

/* One ended, its restart lives; of another one alone lives. Written down. */
static void write_story(struct story *s)
{
	struct watched *live[2];

	restarts__read(&s->r, fd, BOOT);
	cr_assert_eq(s->r.nr, 0);
	begin(s, &(struct life){ .start_s = 1 }, 1);
	end(s, 0, 2);
	begin(s, &(struct life){ .start_s = 3 }, 2);
	begin(s, &(struct life){ .start_s = 1, .exe = "/srv/mail" }, 3);
	cr_assert(restarts__look(&s->r, &s->v[1]));
	cr_assert_not(restarts__look(&s->r, &s->v[2]));
	end(s, 0, 2); /* as if it had had no restart: something of the past is in the file, too */
	live[0] = &s->v[1];
	live[1] = &s->v[2];
	restarts__save(&s->r, fd, live, 2, RESTARTS_SAVE_NS, false);
	cr_assert_not(s->r.changed);
	restarts__done(&s->r);
}

Test(restarts_file, the_next_daemon_knows_of_what_a_target_is_a_restart)
{
	struct story s = { .nr = 0 };
	struct watched again;

	write_story(&s);
	restarts__read(&s.r, fd, BOOT);
	cr_expect_eq(s.r.nr, 3);
	again = s.v[1];
	again.restarted = (struct restarted){ .nr = 0 };
	cr_expect_not(restarts__look(&s.r, &again), "it is told as new");
	cr_expect_str_eq(again.restarted.of, s.v[0].id);
	cr_expect_eq(again.restarted.nr, 1);
	restarts__done(&s.r);
}

Test(restarts_file, what_ended_while_no_daemon_ran_has_a_restart_if_that_started_later)
{
	static const struct {
		const char *why;
		double start_s;
		bool known; /* all processes are, before it starts */
		const char *boot;
		bool want;
	} t[] = {
		{ "it may have lived with the other one", 10, false, BOOT, false },
		{ "it started before the daemon saw that the other one is gone", 10, true, BOOT,
		  false },
		{ "it started after that", 21, true, BOOT, true },
		{ "the machine was started anew", 3, false, "another", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct story s = { .nr = 0 };

		write_story(&s);
		restarts__read(&s.r, fd, t[i].boot);
		if (t[i].known)
			restarts__all_known(&s.r, 20 * NS_PER_SEC);
		begin(&s, &(struct life){ .start_s = t[i].start_s, .exe = "/srv/mail" }, 9);
		cr_expect_eq(restarts__look(&s.r, &s.v[3]), t[i].want, "%s", t[i].why);
		restarts__done(&s.r);
		(void)unlinkat(fd, "targets", 0);
	}
}

/* Cut, or other bytes at that place: nothing of it goes into an answer, and nothing is read beyond it. */
Test(restarts_file, a_damaged_one_does_nothing)
{
	struct story s = { .nr = 0 };
	struct stat st;
	int file;

	write_story(&s);
	file = openat(fd, "targets", O_RDWR);
	cr_assert(file >= 0 && !fstat(file, &st) && st.st_size > (off_t)(3 * sizeof(struct past)));
	cr_assert_eq(pwrite(file, "<script>", 8, st.st_size - (off_t)(3 * sizeof(struct past))), 8);
	cr_assert_eq(ftruncate(file, st.st_size - 1), 0);
	restarts__read(&s.r, fd, BOOT);
	cr_expect_eq(s.r.nr, 1, "of three one is no target, one is cut");
	restarts__done(&s.r);
	cr_assert_eq(pwrite(file, "pwpast9", 8, 0), 8);
	restarts__read(&s.r, fd, BOOT);
	cr_expect_eq(s.r.nr, 0);
	restarts__done(&s.r);
	close(file);
}

Test(restarts_file, is_written_seldom_and_at_the_end)
{
	struct story s = { .nr = 0 };
	struct stat st;

	restarts__read(&s.r, fd, BOOT);
	begin(&s, &(struct life){ .start_s = 1 }, 1);
	end(&s, 0, 2);
	s.r.saved_ns = 100 * NS_PER_SEC;
	restarts__save(&s.r, fd, NULL, 0, 105 * NS_PER_SEC, false);
	cr_expect_lt(fstatat(fd, "targets", &st, 0), 0, "too soon");
	restarts__save(&s.r, fd, NULL, 0, 105 * NS_PER_SEC, true);
	cr_expect_eq(fstatat(fd, "targets", &st, 0), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	restarts__done(&s.r);
}
