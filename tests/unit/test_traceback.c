/* SPDX-License-Identifier: BSD-2-Clause */
#include "names/traceback.h"

#include <criterion/criterion.h>

Test(traceback, shows_what_go_shows)
{
	static const struct {
		const char *why, *name;
		int minor;
		bool wrapper, first, want;
		const char *callee, *physical;
	} t[] = {
		{ "the user's", "main.main", 22, .want = true },
		{ "no package", "_rt0_amd64_linux", 22, .want = false },
		{ "the runtime's", "runtime.gopark", 22, .want = false },
		{ "exported by the runtime", "runtime.GC", 22, .want = true },
		{ "another package with that name in front", "runtime/debug.freeOSMemory", 22,
		  .want = true },
		{ "method of an exported type", "runtime.(*Frames).Next", 23, .want = true },
		{ "without a pointer", "runtime.Func.Entry", 23, .want = true },
		{ "method of another", "runtime.(*mheap).Alloc", 23, .want = false },
		{ "not exported method", "runtime.(*Frames).next", 23, .want = false },
		{ "methods were not looked at before 1.23", "runtime.(*Frames).Next", 22,
		  .want = false },
		{ "a panic under deferred code", "runtime.gopanic", 22, .first = false,
		  .want = true },
		{ "a panic as the innermost", "runtime.gopanic", 22, .first = true, .want = false },
		{ "finalizers since 1.25", "runtime.runFinalizers", 25, .want = true },
		{ "cleanups since 1.25", "runtime.runCleanups", 25, .want = true },
		{ "a function of that name before", "runtime.runFinalizers", 24, .want = false },
		{ "wrapper", "main.(*T).Do", 22, .wrapper = true, .callee = "main.T.Do",
		  .want = false },
		{ "wrapper that panicked itself", "main.(*T).Do", 22, .wrapper = true,
		  .callee = "runtime.panicwrap", .want = true },
		{ "1.15: inlined into the runtime's", "sync.f", 15, .physical = "runtime.g",
		  .want = false },
		{ "1.15: inlined into the user's", "runtime.goparkunlock", 15, .physical = "sync.f",
		  .want = true },
		{ "1.16: by its own name", "runtime.goparkunlock", 16, .physical = "sync.f",
		  .want = false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct frame f = {
			.name = t[i].name, .file = "x.go", .entry = 1, .wrapper = t[i].wrapper
		};

		cr_expect_eq(traceback_shows(t[i].minor, &f,
					     t[i].physical ? t[i].physical : t[i].name, t[i].callee,
					     t[i].first),
			     t[i].want, "%s: %s", t[i].why, t[i].name);
	}
}

Test(traceback, shows_a_pc_that_no_table_knows)
{
	const struct frame f = { .name = "0x45d2a1", .file = "" };

	cr_expect(traceback_shows(22, &f, f.name, NULL, true));
}

Test(traceback, knows_where_a_signal_came)
{
	cr_expect(traceback_is_exact(15, "runtime.sigpanic"));
	cr_expect(traceback_is_exact(21, "runtime.asyncPreempt"));
	cr_expect_not(traceback_is_exact(20, "runtime.asyncPreempt"));
	cr_expect(traceback_is_exact(27, "runtime.debugCallV2"));
	cr_expect_not(traceback_is_exact(27, "main.main"));
}

Test(traceback, calls_a_panic_panic)
{
	cr_expect_str_eq(traceback_name("runtime.gopanic"), "panic");
	cr_expect_str_eq(traceback_name("main.panic"), "main.panic");
}
