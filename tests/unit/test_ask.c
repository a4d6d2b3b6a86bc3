/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/ask.h"

#define ID "api-812-3f2a"

/* One process of that id, after the answer was read. */
static int read_answer(const char *json, struct process_told *ret)
{
	static const char *const ids[] = { ID };
	struct process_row row = { .pid = 812 };
	struct processes p = { .rows = &row, .nr = 1 };
	const int err = ask_read(json, strlen(json), ids, &p);

	*ret = row.told;
	return err;
}

Test(ask, reads_what_a_daemon_tells_of_a_process)
{
	struct process_told t;

	cr_assert_eq(
		read_answer("{\"targets\":[{\"id\":\"other-1-0000\",\"leaking\":7},{\"id\":\"" ID
			    "\",\"leaking\":423,\"trend_per_min\":-12.5,\"level\":\"leaks\","
			    "\"watched\":true,\"overhead_pct\":0.4,"
			    "\"workload_kind\":\"Deployment\",\"workload\":\"api\","
			    "\"labels\":{\"tier\":\"front\",\"version\":\"7\"}}]}",
			    &t),
		0);
	cr_expect(t.known && t.watched);
	cr_expect_eq(t.leaking, 423);
	cr_expect_float_eq(t.trend, -12.5, 1e-9);
	cr_expect_float_eq(t.overhead_pct, 0.4, 1e-9);
	cr_expect_str_eq(t.level, "leaks");
	cr_expect_str_eq(t.workload_kind, "Deployment");
	cr_expect_str_eq(t.workload, "api");
	cr_expect_str_eq(t.labels, "tier=front,version=7");
}

Test(ask, keeps_labels_whole_and_clean)
{
	char json[1024], value[300];
	struct process_told told;

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(json, sizeof(json),
		 "{\"targets\":[{\"id\":\"" ID "\",\"workload\":\"\\u001b[2J\",\"labels\":"
		 "{\"a\":\"\\u001b[2J\",\"long\":\"%s\",\"b\":7,\"c\":\"1\"}}]}",
		 value);
	cr_expect_eq(read_answer(json, &told), 0);
	cr_expect_str_eq(told.workload, "?[2J");
	cr_expect_str_eq(told.labels, "a=?[2J,b=,c=1");
	cr_assert_eq(read_answer("{\"targets\":[{\"id\":\"" ID "\",\"labels\":[]}]}", &told), 0);
	cr_expect_str_eq(told.labels, "");
}

Test(ask, takes_nothing_for_what_it_is_not)
{
	static const struct {
		const char *why, *target;
	} t[] = {
		{ "null is not known", "\"leaking\":null,\"trend_per_min\":null,\"level\":null" },
		{ "texts are no figures", "\"leaking\":\"9\",\"trend_per_min\":[1]" },
		{ "no process leaks fewer than none", "\"leaking\":-1" },
		{ "no machine has so many", "\"leaking\":1e300,\"trend_per_min\":-1e300" },
		{ "no such level: it would reach the terminal", "\"level\":\"\\u001b[2J\"" },
		{ "no such level, and longer than there is room", "\"level\":\"leaksleaksleaks\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct process_told told;
		char json[256];

		snprintf(json, sizeof(json), "{\"targets\":[{\"id\":\"" ID "\",%s}]}", t[i].target);
		cr_expect_eq(read_answer(json, &told), 0, "%s", t[i].why);
		cr_expect(told.known && !told.watched && !told.level[0], "%s", t[i].why);
		cr_expect(told.leaking == PROCESS_UNKNOWN && isnan(told.trend), "%s", t[i].why);
	}
}

Test(ask, refuses_what_no_daemon_says)
{
	static const struct {
		const char *why, *json;
	} t[] = {
		{ "nothing", "" },
		{ "another server's page", "<html>" },
		{ "cut off", "{\"targets\":[{\"id\":\"" ID "\"" },
		{ "no object", "[]" },
		{ "no targets", "{}" },
		{ "targets of another kind", "{\"targets\":{\"id\":\"" ID "\"}}" },
		{ "too deep", "{\"targets\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct process_told told;

		cr_expect_eq(read_answer(t[i].json, &told), -EBADMSG, "%s", t[i].why);
		cr_expect_not(told.known, "%s", t[i].why);
	}
}

Test(ask, passes_over_what_is_no_target_and_what_is_elsewhere)
{
	struct process_told t;

	cr_expect_eq(read_answer("{\"targets\":[1,null,\"" ID "\",[],{},{\"id\":812},"
				 "{\"id\":\"\"},{\"id\":\"api-812-0000\",\"leaking\":1}]}",
				 &t),
		     0);
	cr_expect_not(t.known);
}
