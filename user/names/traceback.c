// SPDX-License-Identifier: BSD-2-Clause
#include "names/traceback.h"

#include <string.h>

#include "golang/gofacts.h"

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* name: what follows "runtime.". */
static bool is_exported(int go_minor, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!gofacts_has(go_minor, GO_EXPORTED_METHODS) || !dot)
		return is_upper(name[0]);
	/* A method is exported if its type is: "Func.Entry", "(*Func).Entry". */
	if (name[0] == '(' && name[1] == '*' && dot - name >= 3 && dot[-1] == ')')
		name += 2;
	return is_upper(dot[1]) && (dot == name || is_upper(name[0]));
}

bool traceback_elides(const struct frame *f, const char *callee)
{
	/* What panics inside of a wrapper is the wrapper's own doing. */
	static const char *const panics[] = { "runtime.gopanic", "runtime.sigpanic",
					      "runtime.panicwrap" };

	if (!f->wrapper)
		return false;
	for (size_t i = 0; callee && i < ARRAY_SIZE(panics); i++)
		if (!strcmp(callee, panics[i]))
			return false;
	return true;
}

bool traceback_shows(int go_minor, const struct frame *f, const char *physical, const char *callee,
		     bool first)
{
	const char *name = gofacts_has(go_minor, GO_INLINED_NAMES) ? f->name : physical;

	if (traceback_elides(f, callee))
		return false;
	/* no table knows it: not for Go's eyes, but it must not vanish */
	if (!f->entry && !f->file[0])
		return true;
	if (strncmp(name, "runtime.", 8))
		return strchr(name, '.');
	if (gofacts_has(go_minor, GO_SHOWS_CLEANUPS) &&
	    (!strcmp(name, "runtime.runFinalizers") || !strcmp(name, "runtime.runCleanups")))
		return true;
	if (!strcmp(name, "runtime.gopanic") && !first)
		return true;
	return is_exported(go_minor, name + 8);
}

bool traceback_is_exact(int go_minor, const char *callee)
{
	return !strcmp(callee, "runtime.sigpanic") ||
	       (gofacts_has(go_minor, GO_INJECTED_CALLS) &&
		(!strcmp(callee, "runtime.asyncPreempt") ||
		 !strncmp(callee, "runtime.debugCallV", 18)));
}

const char *traceback_name(const char *func)
{
	return strcmp(func, "runtime.gopanic") ? func : "panic";
}
