// SPDX-License-Identifier: BSD-2-Clause
#include "serve/goroutines.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "facts/requests.h"
#include "format/dump_show.h"
#include "format/format.h"
#include "serve/look_answer.h"

#define REGEX_BYTES_MAX 256

/* What a query asks for. */
struct asked {
	struct filter *filter; /* owned */
	struct dump_opts opts;
	enum dump_group group;
};

struct word {
	const char *word;
	int is;
};

static const struct word groups[] = {
	{ "site", DUMP_GROUP_SITE },     { "stack", DUMP_GROUP_STACK }, { "wait", DUMP_GROUP_WAIT },
	{ "object", DUMP_GROUP_OBJECT }, { "label", DUMP_GROUP_LABEL }, { 0 }
};
static const struct word sorts[] = { { "goid", DUMP_SORT_GOID },
				     { "age", DUMP_SORT_AGE },
				     { "stack", DUMP_SORT_STACK },
				     { "state", DUMP_SORT_STATE },
				     { 0 } };

static int read_word(const struct http_value *v, const struct word *words, int *ret,
		     struct cause *why)
{
	for (const struct word *w = words; w->word; w++)
		if (!strcmp(w->word, v->value)) {
			*ret = w->is;
			return 0;
		}
	return cause__set(why, -EINVAL, "bad %s '%s'", v->name, v->value);
}

static int read_top(const char *text, size_t *ret, struct cause *why)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && !*end && !errno)
		return 0;
	return cause__set(why, -EINVAL, "bad top '%s': a number is wanted", text);
}

/*
 * The C library needs exponential memory for nested {n,m}, and exponential time for \1. Neither is needed
 * to find a function: '.' matches a '{' too.
 */
static bool is_dear(const char *regex)
{
	if (strlen(regex) > REGEX_BYTES_MAX || strchr(regex, '{'))
		return true;
	for (const char *at = regex; (at = strchr(at, '\\')); at += 2)
		if (isdigit((unsigned char)at[1]) || !at[1])
			return true;
	return false;
}

int goroutines_filter(struct filter *f, const struct http_value *v, struct cause *why)
{
	if (is_dear(v->value))
		return cause__set(why, -EINVAL,
				  "bad %s: at most %d characters, without '{' and '\\1'", v->name,
				  REGEX_BYTES_MAX);
	return filter__add(f, v->name, v->value, false, why);
}

int trace_asked(const char *text, const char **ret, struct cause *why)
{
	const size_t len = strspn(text, "0123456789abcdefABCDEF");

	if (!len || text[len] || len > GTRACE_DIGITS)
		return cause__set(why, -EINVAL,
				  "bad trace_id '%.40s': at most %d hexadecimal digits are wanted",
				  text, GTRACE_DIGITS);
	*ret = text;
	return 0;
}

/* a: zeroed; asked__done() in any case. 0, -EINVAL with a cause, -ENOMEM. */
static int asked__read(struct asked *a, const struct http_request *q, struct cause *why)
{
	int err = filter__new(&a->filter), word = 0;

	a->opts.filter = a->filter;
	for (size_t i = 0; i < q->nr_query && !err; i++) {
		const struct http_value *v = &q->query[i];

		if (!strcmp(v->name, "group")) {
			err = read_word(v, groups, &word, why);
			a->group = (enum dump_group)word;
		} else if (!strcmp(v->name, "sort")) {
			err = read_word(v, sorts, &word, why);
			a->opts.sort = (enum dump_sort)word;
		} else if (!strcmp(v->name, "top")) {
			err = read_top(v->value, &a->opts.top, why);
		} else if (!strcmp(v->name, "trace_id")) {
			err = trace_asked(v->value, &a->opts.trace, why);
		} else if (strcmp(v->name, "at") != 0) { /* says which look */
			err = goroutines_filter(a->filter, v, why);
		}
	}
	return err;
}

static void asked__done(struct asked *a)
{
	filter__free(a->filter);
}

static const char *peer_of(void *ctx, int fd)
{
	return book__peer(ctx, fd);
}

static int write_dump(const struct replay *r, const void *ctx, FILE *out, struct cause *why)
{
	const struct asked *asked = ctx;
	struct replay_look look;
	struct report_meta meta = r->meta;
	const struct dump_show show = { .meta = &meta, .peer = peer_of, .peer_ctx = r->book };
	struct shown shown = { .dump = { .show = &show,
					 .groups = { .by = asked->group,
						     .by_bytes = asked->opts.sort ==
								 DUMP_SORT_STACK } } };
	struct dump_opts opts = asked->opts;
	scoped(dump) d = NULL;
	int err;

	if (!replay__look(r, &look))
		return cause__set(why, -ENOENT, "it has no look");
	if (asked->group) { /* top is of groups then */
		shown.dump.groups.top = opts.top;
		opts.top = 0;
	}
	err = dump__new(&look.in, &opts, &d);
	if (err)
		return cause__set(why, err, "out of memory");
	shown.dump.dump = d;
	return asked->group ? format__write(format_by_name("json"), VIEW_GROUPS, &shown, out, why)
			    : format__write(format_by_name("jsonl"), VIEW_DUMP, &shown, out, why);
}

void goroutines_read(const struct reading *r, struct http_answer *a)
{
	struct asked asked = { .group = DUMP_GROUP_NONE };
	struct cause why = { "" };
	const int err = asked__read(&asked, r->q, &why);

	if (err == -ENOMEM) {
		a->body.err = err;
	} else if (err) {
		http_say(a, 400, why.text);
		textbuf__text(&a->body, "\n");
	} else {
		(void)look_answer(r,
				  &(struct look_view){ .type = asked.group ? "application/json"
									   : "application/jsonl",
						       .write = write_dump,
						       .ctx = &asked },
				  a);
	}
	asked__done(&asked);
}
