/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/attach_by.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/cleanup.h"

static struct process_row rows[] = {
	{ .pid = 10, .exe = "/srv/api" },
	{ .pid = 11,
	  .exe = "/opt/a/worker",
	  .container = "aabbccdd0011",
	  .container_name = "queue",
	  .pod_name = "queue-7f9",
	  .pod_namespace = "prod" },
	{ .pid = 12, .exe = "/opt/b/worker", .container = "aabbffff0022" },
	{ .pid = 13,
	  .exe = "/app",
	  .container = "0123456789ab",
	  .container_name = "web",
	  .pod_name = "web-1",
	  .pod_namespace = "prod" },
};
static const struct processes all = { .rows = rows, .nr = ARRAY_SIZE(rows) };

Test(attach_by, is_the_one_process_that_is_meant)
{
	static const struct {
		const char *text;
		int want; /* PID, or an error */
	} t[] = {
		{ "api", 10 },
		{ "a?i", 10 },
		{ "ap?", -ENOTUNIQ },
		{ "ap", -ENOENT },
		{ "worker", -ENOTUNIQ },
		{ "exe=/opt/b/worker", 12 },
		{ "exe=/opt/*/worker", -ENOTUNIQ },
		{ "exe=worker", -ENOENT },
		{ "container=queue", 11 },
		{ "container=web-1", 13 },
		{ "container=web-*", 13 },
		{ "container=aabbcc", 11 },
		{ "container=aabb", -ENOTUNIQ },
		{ "container=aab", -ENOENT }, /* too short to be an id */
		{ "container=api", -ENOENT },
		{ "", -EINVAL },
		{ "exe=", -EINVAL },
		{ "/srv/api", -EINVAL },
		{ "pod=web-1", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cause why = { "" };
		int pid = 0;
		const int err = attach_by_choose(t[i].text, &all, &pid, &why);

		cr_expect_eq(err ? err : pid, t[i].want, "%s: %d %d", t[i].text, err, pid);
		cr_expect_eq(!err, !why.text[0], "%s: %s", t[i].text, why.text);
	}
}

Test(attach_by, names_the_candidates)
{
	struct cause why = { "" };
	int pid = 0;

	cr_expect_eq(attach_by_choose("worker", &all, &pid, &why), -ENOTUNIQ);
	cr_expect_str_eq(why.text,
			 "--attach-by worker: which of 2 Go programs? give -p with one of 11 "
			 "(/opt/a/worker in queue), 12 (/opt/b/worker in aabbffff0022)");
	cr_expect_eq(pid, 0);
}

Test(attach_by, says_how_many_more_there_are)
{
	struct process_row many[20];
	const struct processes p = { .rows = many, .nr = ARRAY_SIZE(many) };
	struct cause why = { "" };
	int pid = 0;

	memset(many, 0, sizeof(many));
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i].pid = 100 + (int)i;
		strcpy(many[i].exe, "/srv/api");
	}
	cr_expect_eq(attach_by_choose("api", &p, &pid, &why), -ENOTUNIQ);
	cr_expect(strstr(why.text, "104 (/srv/api) and 15 more"), "%s", why.text);
}
