/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "golang/gostd.h"

Test(gostd, has_what_comes_with_go)
{
	static const struct {
		const char *func;
		bool want;
	} t[] = {
		{ "log.(*Logger).Println", true },
		{ "net/http.Get", true },
		{ "sync.(*WaitGroup).Go", true },
		{ "main.f", false },
		{ "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).Write", false },
		{ "k8s.io/client-go/informers.New", false },
		{ "logger.New", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gostd_has(t[i].func), t[i].want, "%s", t[i].func);
}
