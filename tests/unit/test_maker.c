/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/own.h"
#include "report/maker.h"

Test(maker, knows_packages_of_one_library)
{
	static const struct { const char *why, *func, *other; bool want; } t[] = {
		{ "a package within", "google.golang.org/grpc.Dial", "google.golang.org/grpc/internal/transport.newHTTP2Client.func3", true },
		{ "two beside each other", "k8s.io/client-go/informers.New", "k8s.io/client-go/tools/cache.(*controller).Run", true },
		{ "a version in the path", "github.com/allegro/bigcache/v3.New", "github.com/allegro/bigcache/v3.newBigCache", true },
		{ "a dot in the last element", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).Write", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill.func1",
		  true },
		{ "a method of a generic type", "github.com/x/c.New[...]", "github.com/x/c.(*Cache[...]).run", true },
		{ "Go's own", "net.Dial", "net/http.(*Transport).dialConn", true },
		{ "another of Go's own", "log.(*Logger).Println", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill.func1", false },
		{ "another owner", "github.com/x/c.New", "github.com/xy/c.New", false },
		{ "another host", "go.uber.org/zap.New", "go.uber/zap.New", false },
		{ "nothing", "", "", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_expect_eq(maker_same_library(t[i].func, t[i].other), t[i].want, "%s", t[i].why);
		cr_expect_eq(maker_same_library(t[i].other, t[i].func), t[i].want, "%s", t[i].why);
	}
}
