// SPDX-License-Identifier: BSD-2-Clause
#include "golang/gostd.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * First elements of the paths of Go's own packages, Go 1.15 to 1.27; a main module may have one
 * without a dot too.
 */
static bool is_gos(const char *func, size_t len)
{
	static const char *const tops[] = {
		"archive",  "bufio",    "bytes",   "cmp",     "compress", "container", "context",
		"crypto",   "database", "debug",   "embed",   "encoding", "errors",    "expvar",
		"flag",     "fmt",      "go",      "hash",    "html",     "image",     "index",
		"internal", "io",       "iter",    "log",     "maps",     "math",      "mime",
		"net",      "os",       "path",    "plugin",  "reflect",  "regexp",    "runtime",
		"slices",   "sort",     "strconv", "strings", "structs",  "sync",      "syscall",
		"testing",  "text",     "time",    "unicode", "unique",   "unsafe",    "vendor",
		"weak",
	};

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		if (strlen(tops[i]) == len && !strncmp(func, tops[i], len))
			return true;
	return false;
}

bool gostd_has(const char *func)
{
	const char *slash = strchr(func, '/'), *dot = strchr(func, '.');
	const char *end = slash && (!dot || slash < dot) ? slash : dot;

	return end && is_gos(func, (size_t)(end - func));
}
