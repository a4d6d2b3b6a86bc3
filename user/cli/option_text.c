/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/option_table.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/format.h"

__attribute__((format(printf, 3, 4))) static void put(char *text, size_t size, const char *fmt, ...)
{
	const size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, size - used, fmt, args);
	va_end(args);
}

/* In the largest unit that leaves no rest: "8M", "1500ms". */
static void put_scaled(char *text, size_t size, uint64_t n, const struct unit *units)
{
	const struct unit *u = units;

	while (u->is > 1 && n % u->is)
		u++;
	put(text, size, "%" PRIu64 "%s", n / u->is, n ? u->name : "");
}

static void put_value(char *text, size_t size, const struct opt_def *d, uint64_t n)
{
	if (d->type == OPT_TIME || d->type == OPT_MOMENT)
		put_scaled(text, size, n, time_units);
	else if (d->type == OPT_BYTES)
		put_scaled(text, size, n, byte_units);
	else
		put(text, size, d->type == OPT_MODE ? "%" PRIo64 : "%" PRIu64, n);
}

/* "1 to 127", "more than 0", "128M or more, a power of two"; nothing if all can be given. */
static void put_bounds(char *text, size_t size, const struct opt_def *d)
{
	if (d->type == OPT_PID || d->type == OPT_ADDRESS)
		return;
	if (d->type == OPT_GOIDS || d->type == OPT_PIDS) {
		put(text, size, "%" PRIu64 " at most", d->max);
		return;
	}
	if (d->max && d->max != INT_MAX && d->max != INT64_MAX) {
		put_value(text, size, d, d->min);
		put(text, size, " to ");
		put_value(text, size, d, d->max);
	} else if (d->type == OPT_TIME && d->min) {
		put(text, size, "more than 0");
	} else if (d->min) {
		put_value(text, size, d, d->min);
		put(text, size, " or more");
	}
	if (d->type == OPT_BYTES)
		put(text, size, ", a power of two");
}

bool opt_is_usual(const struct opt_def *d, const struct opt_word *w)
{
	return d->has_usual && d->usual == w->value;
}

static void put_usual(char *text, size_t size, const struct opt_def *d)
{
	if (d->otherwise)
		put(text, size, "%s", d->otherwise);
	for (const struct opt_word *w = d->words; w && w->word; w++)
		if (opt_is_usual(d, w))
			put(text, size, "%s", w->word);
	if (d->has_usual && !d->words)
		put_value(text, size, d, (uint64_t)d->usual);
}

/* with: a name, or a name and its value. */
static bool is_known(const char *with, enum command cmd)
{
	const size_t len = strcspn(with, "=");
	bool is = false;

	for (size_t i = 0; i < opt_table_size; i++)
		is |= strlen(opt_table[i].name) == len && !memcmp(opt_table[i].name, with, len) &&
		      opt_is_of(&opt_table[i], cmd);
	return is;
}

/*
 * What must be given with it, and what must not:
 * " Needs --event=alloc. Not with --group. exact: not with --max-overhead."
 */
static void put_company(char *text, size_t size, const struct opt_def *d, enum command cmd)
{
	if (d->needs)
		put(text, size, " Needs --%s%s%s.", d->needs, d->or_needs ? " or --" : "",
		    d->or_needs ? d->or_needs : "");
	for (const struct opt_clash *c = d->not_with; c->with; c++) {
		const char *dashes = strcmp(c->with, OPT_ANY_FILTER) ? "--" : "a ";
		const bool last = c->word || !c[1].with;

		if (c->word && !is_known(c->with, cmd))
			continue;
		if (c->word)
			put(text, size, " %s: not", c->word);
		else
			put(text, size, "%s", c == d->not_with ? " Not" : last ? " or" : ",");
		put(text, size, "%s %s%s%s", c->word || c == d->not_with ? " with" : "", dashes,
		    c->with, last ? "." : "");
	}
}

void opt_synopsis(const struct opt_def *d, char *text, size_t size)
{
	text[0] = '\0';
	if (d->letter)
		put(text, size, "-%c, ", d->letter);
	put(text, size, "--%s%s%s", d->name, d->arg ? " " : "", d->arg ? d->arg : "");
}

void opt_help(const struct opt_def *d, enum command c, char *text, size_t size)
{
	char bounds[128] = "", usual[128] = "";

	text[0] = '\0';
	if (!d->help) {
		/* chans has one more of what it watched for some time */
		format_list(format_view(&(struct opts){ .command = c, .duration_ns = 1 }), text,
			    size);
		return;
	}
	put_bounds(bounds, sizeof(bounds), d);
	put_usual(usual, sizeof(usual), d);
	put(text, size, "%s", d->help);
	if (bounds[0] || usual[0])
		put(text, size, " (%s%s%s%s)", bounds, bounds[0] && usual[0] ? "; " : "",
		    usual[0] ? "default: " : "", usual);
	if (d->more || d->needs || d->not_with[0].with)
		put(text, size, ".");
	if (d->more)
		put(text, size, " %s", d->more);
	put_company(text, size, d, c);
}

void opt_takes(const struct opt_def *d, char *text, size_t size)
{
	static const char *const what[] = {
		[OPT_PID] = "the number of a process",
		[OPT_PIDS] = "numbers of processes with commas between, each once",
		[OPT_TIME] = "a time such as 10s, 500ms or 2m",
		[OPT_MOMENT] = "a time such as 10s, 500ms or 2m, or one of day such as 03:10",
		[OPT_GOIDS] = "numbers of goroutines such as 1,18",
		[OPT_TRACE] = "8 to 32 hexadecimal digits",
		[OPT_NUMBER] = "a whole number",
		[OPT_ADDRESS] = "an address such as 0xc000012345",
		[OPT_BYTES] = "a size such as 64K, 8M or 1G",
		[OPT_PERCENT] = "a percentage such as 1 or 0.5",
		[OPT_MODE] = "octal digits such as 640",
		[OPT_WORD] = "one of these words",
	};
	char bounds[128] = "";

	text[0] = '\0';
	if (d->type == OPT_FILTER)
		put(text, size, "there are at most %d filters", OPT_FILTERS_MAX);
	else
		put(text, size, "it takes %s",
		    d->type < ARRAY_SIZE(what) && what[d->type] ? what[d->type] : d->arg);
	put_bounds(bounds, sizeof(bounds), d);
	if (bounds[0])
		put(text, size, " (%s)", bounds);
	for (const struct opt_word *w = d->words; w && w->word; w++)
		put(text, size, "%s%s", w == d->words ? ": " : ", ", w->word);
}
