/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gosystem.h"

#include <criterion/criterion.h>

#include "base/own.h"

Test(gosystem, tells_the_runtimes_goroutines_from_the_programs)
{
	static const struct { const char *func; bool want; } t[] = {
		{ "runtime.gcBgMarkWorker", true },	  { "runtime.bgsweep", true },
		{ "runtime.forcegchelper", true },	  { "runtime.ensureSigM.func1", true },
		{ "runtime.main", false },		  { "runtime.corostart", false },
		{ "runtime.handleAsyncEvent", false },	  { "main.main.func1", false },
		{ "runtime/pprof.profileWriter", false }, { "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gosystem_start(t[i].func), t[i].want, "%s", t[i].func);
}
