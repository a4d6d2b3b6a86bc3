/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gosystem.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"

Test(gosystem, tells_the_runtimes_goroutines_from_the_programs)
{
	static const struct {
		const char *func;
		bool want;
	} t[] = {
		{ "runtime.gcBgMarkWorker", true },
		{ "runtime.bgsweep", true },
		{ "runtime.forcegchelper", true },
		{ "runtime.ensureSigM.func1", true },
		{ "runtime.main", false },
		{ "runtime.corostart", false },
		{ "runtime.handleAsyncEvent", false },
		{ "main.main.func1", false },
		{ "runtime/pprof.profileWriter", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gosystem_start(t[i].func), t[i].want, "%s", t[i].func);
}

Test(gosystem, knows_where_a_stack_of_no_goroutine_ends)
{
	cr_expect(gosystem_bottom("runtime.mcall"));
	cr_expect(gosystem_bottom("runtime.mstart"));
	cr_expect(!gosystem_bottom("runtime.mstart1"), "it is called by mstart");
	cr_expect(!gosystem_bottom("runtime.systemstack"), "the goroutine's stack follows");
	cr_expect(!gosystem_bottom("main.mcall"));
}

Test(gosystem, knows_the_packages_of_the_runtime)
{
	cr_expect(gosystem_func("runtime.(*timer).unlockAndRun"));
	cr_expect(gosystem_func("internal/runtime/maps.newarray"));
	cr_expect(gosystem_func("runtime/internal/atomic.Load"));
	cr_expect(!gosystem_func("time.goFunc"));
	cr_expect(!gosystem_func("runtime/pprof.StartCPUProfile"));
}
