/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "golang/gomain.h"

static struct gomain *gomain_of(const char *modinfo)
{
	struct gomain *m = NULL;

	cr_assert_eq(gomain__new(modinfo, strlen(modinfo), &m), 0);
	return m;
}

static void owns(const char *modinfo, const char *main_file, const char *func, const char *file,
		 bool want, const char *why)
{
	scoped(gomain) m = gomain_of(modinfo);

	if (main_file && gomain__wants_file(m))
		cr_assert_eq(gomain__file(m, main_file), 0);
	cr_expect_eq(gomain__owns(m, func, file), want, "%s: %s %s", why, func, file);
}

#define APP "path\texample.com/my.app/cmd/x\nmod\texample.com/my.app\tv1.2.3\th1:abc=\n"

Test(gomain, owns_what_is_of_the_main_module)
{
	static const struct {
		const char *why, *modinfo, *func;
		bool want;
	} t[] = {
		{ "package main", APP, "main.main.func1", true },
		{ "a method of it", APP, "main.(*server).Run", true },
		{ "begins like it", APP, "mainly.Do", false },
		{ "its root, dots escaped", APP, "example.com/my%2eapp.Start", true },
		{ "a package below", APP, "example.com/my.app/svc.(*T).Start.func1", true },
		{ "type arguments of others", APP,
		  "example.com/my.app/svc.Map[example.com/lib.K,...]", true },
		{ "type arguments of its own", APP, "example.com/lib.Map[example.com/my.app/svc.K]",
		  false },
		{ "a longer name", APP, "example.com/my.app2/svc.Start", false },
		{ "a shorter name", APP, "example.com/my.Start", false },
		{ "a library", APP, "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill", false },
		{ "std", APP, "database/sql.OpenDB", false },
		{ "vendored by std", APP, "vendor/golang.org/x/net/http2/hpack.New", false },
		{ "its tests", APP, "example.com/my.app/svc_test.TestStart", true },
		{ "a module below it", APP "dep\texample.com/my.app/lib\tv1.0.0\th1:\n",
		  "example.com/my.app/lib/x.F", false },
		{ "beside that one", APP "dep\texample.com/my.app/lib\tv1.0.0\th1:\n",
		  "example.com/my.app/library.F", true },
		{ "another of the workspace",
		  APP "dep\texample.com/other\t(devel)\t\nbuild\t-x=y\n", "example.com/other/x.F",
		  true },
		{ "replaced by a folder",
		  APP "dep\texample.com/lib\tv0.0.0\n=>\t../lib\t(devel)\t\n", "example.com/lib.F",
		  false },
		{ "built from files",
		  "path\tcommand-line-arguments\ndep\texample.com/my.app\t(devel)\t\n",
		  "example.com/my.app/x.F", true },
		{ "a module without a dot", "path\tapp\nmod\tapp\t(devel)\t\n", "app/svc.F", true },
		{ "no information", "", "example.com/my.app.F", false },
		{ "a cut line", "mod", "mod.F", false },
		{ "an empty path", "mod\t\t\n", ".F", false },
		{ "the very first function", APP, "", false },
		{ "no function of a package", APP, "main", false },
		{ "a broken escape", APP, "example.com/my%2", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		owns(t[i].modinfo, NULL, t[i].func, "/x/y.go", t[i].want, t[i].why);
	cr_expect(gomain__owns(NULL, "main.main", ""));
	cr_expect_not(gomain__owns(NULL, "example.com/my.app.F", ""));
}

/* Go 1.18 and later name the package of a program without a module. */
Test(gomain, owns_the_repository_of_a_build_from_gopath_by_its_path)
{
	static const struct {
		const char *why, *path, *func;
		bool want;
	} t[] = {
		{ "below", "example.com/app", "example.com/app/svc.F", true },
		{ "beside", "example.com/app", "example.com/lib.F", false },
		{ "vendored", "example.com/app", "example.com/app/vendor/example.com/lib.F",
		  false },
		{ "one of several commands", "example.com/app/cmd/x", "example.com/app/svc.F",
		  true },
		{ "a repository of many", "github.com/me/app/tools/x", "github.com/me/app/svc.F",
		  true },
		{ "another of the same owner", "github.com/me/app/tools/x", "github.com/me/lib.F",
		  false },
		{ "no host", "app", "app/svc.F", true },
		{ "no path", "command-line-arguments", "command-line-arguments/svc.F", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char modinfo[128];

		snprintf(modinfo, sizeof(modinfo), "path\t%s\nbuild\t-compiler=gc\n", t[i].path);
		owns(modinfo, NULL, t[i].func, "", t[i].want, t[i].why);
	}
}

Test(gomain, owns_the_folder_of_package_main_where_no_path_is_known)
{
	static const struct {
		const char *why, *main_file, *func, *file;
		bool want;
	} t[] = {
		{ "below", "/go/src/example.com/app/main.go", "example.com/app/svc.F",
		  "/go/src/example.com/app/svc/s.go", true },
		{ "beside", "/go/src/example.com/app/main.go", "example.com/lib.F",
		  "/go/src/example.com/lib/l.go", false },
		{ "begins like it", "/go/src/app/main.go", "app2.F", "/go/src/app2/l.go", false },
		{ "vendored", "/go/src/app/main.go", "app/vendor/lib.F",
		  "/go/src/app/vendor/lib/l.go", false },
		{ "a command", "/go/src/a.com/app/cmd/x/main.go", "a.com/app/svc.F",
		  "/go/src/a.com/app/svc/s.go", true },
		{ "cmd above", "/cmd/go/src/app/main.go", "lib.F", "/cmd/go/src/lib/s.go", false },
		{ "a repository", "/go/src/github.com/me/app/t/main.go", "github.com/me/app.F",
		  "/go/src/github.com/me/app/s.go", true },
		{ "trimmed", "a.com/app/cmd/x/main.go", "a.com/app/svc.F", "a.com/app/svc/s.go",
		  true },
		{ "trimmed, std", "a.com/app/cmd/x/main.go", "net/http.F", "net/http/s.go", false },
		{ "anywhere else", "/tmp/x/main.go", "x/y.F", "/tmp/x/y/z.go", true },
		{ "a command right there", "cmd/x/main.go", "svc.F", "svc/s.go", false },
		{ "no folder", "main.go", "svc.F", "svc/s.go", false },
		{ "package main", "main.go", "main.F", "?", true },
		{ "the root", "/main.go", "net.F", "/usr/net/s.go", false },
		{ "ends in src", "/src/main.go", "net.F", "/usr/net/s.go", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		owns("", t[i].main_file, t[i].func, t[i].file, t[i].want, t[i].why);
}

Test(gomain, tells_only_so_many_modules_apart)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "mod\ta\tv1\n");
	for (int i = 0; i < 3 * GOMAIN_PATHS_MAX; i++)
		fprintf(out, "dep\ta/m%d\t%s\n", i, i % 2 ? "(devel)" : "v1");
	fclose(out);
	owns(text, NULL, "a/x.F", "", true, "the first is known");
	owns(text, NULL, "a/m0.F", "", false, "a dependency");
	free(text);
}
