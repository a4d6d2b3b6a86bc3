// SPDX-License-Identifier: BSD-2-Clause
#include "format/folded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "format/renderer.h"

/* of a line; a frame that does not fit is left out */
#define STACK_BYTES_MAX (1u << 20)

struct line {
	UT_hash_handle hh;
	uint64_t value;
	const char *text;
	size_t len;
};

struct lines {
	struct line *by_text;
	struct arena arena;
	char *buf; /* STACK_BYTES_MAX */
};

/* Position of the blank in front of a number that ends the text, or -1. */
static ssize_t number_tail(const char *text, size_t len)
{
	size_t i = len;

	while (i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9')
		i--;
	if (i > 0 && text[i - 1] == '.') {
		size_t whole = i - 1;

		while (whole > 0 && text[whole - 1] >= '0' && text[whole - 1] <= '9')
			whole--;
		if (whole < i - 1)
			i = whole;
	}
	return i > 0 && i < len && text[i - 1] == ' ' ? (ssize_t)i - 1 : -1;
}

long folded_stack(const struct frames *fr, char *buf, size_t size)
{
	const char *roots[FRAMES_ROOTS];
	const size_t nr_roots = frames__roots(fr, roots);
	size_t at = 0, i;
	ssize_t blank;

	for (i = 0; i < nr_roots + fr->nr; i++) {
		const char *name = i < nr_roots ? roots[i] : fr->v[i - nr_roots].name;
		size_t len = strlen(name), j;

		if (at + len + 2 > size)
			return -ENOSPC;
		if (at)
			buf[at++] = ';';
		for (j = 0; j < len; j++)
			buf[at++] = name[j] == ';' ? ':' : name[j];
	}
	if (at >= size)
		return -ENOSPC;
	buf[at] = 0;
	blank = number_tail(buf, at);
	if (blank >= 0)
		buf[blank] = '_';
	return (long)at;
}

long folded_fit(struct frames *fr, char *buf, size_t size)
{
	long len = folded_stack(fr, buf, size);

	while (len == -ENOSPC && fr->nr) {
		fr->v++;
		fr->nr--;
		len = folded_stack(fr, buf, size);
	}
	return len;
}

static int add_line(struct lines *ls, const char *text, size_t len, uint64_t value)
{
	unsigned int count = HASH_COUNT(ls->by_text);
	struct line *l;

	HASH_FIND(hh, ls->by_text, text, len, l);
	if (l) {
		if (__builtin_add_overflow(l->value, value, &l->value))
			l->value = UINT64_MAX;
		return 0;
	}
	l = arena__alloc(&ls->arena, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->text = arena__copy(&ls->arena, text, len + 1);
	if (!l->text)
		return -ENOMEM;
	l->len = len;
	l->value = value;
	HASH_ADD_KEYPTR(hh, ls->by_text, l->text, l->len, l);
	return HASH_COUNT(ls->by_text) > count ? 0 : -ENOMEM;
}

static int line_before(const struct line *a, const struct line *b)
{
	return strcmp(a->text, b->text);
}

static int fill(struct lines *ls, const struct report *r, struct rowframer *f)
{
	size_t i;
	int err;

	for (i = 0; i < r->snap->nr; i++) {
		const struct snap_row *row = &r->snap->rows[i];
		struct frames fr;
		long len;

		if (!row->value) /* no width: a wait that began as recording ended */
			continue;
		err = rowframer__row(f, r->snap, row, &fr);
		if (err)
			return err;
		len = folded_fit(&fr, ls->buf, STACK_BYTES_MAX);
		if (len < 0)
			continue;
		err = add_line(ls, ls->buf, (size_t)len, row->value);
		if (err)
			return err;
	}
	HASH_SORT(ls->by_text, line_before);
	return 0;
}

static int write_lines(const struct lines *ls, FILE *out, struct cause *why)
{
	const struct line *l;

	for (l = ls->by_text; l; l = l->hh.next)
		if (fprintf(out, "%s %" PRIu64 "\n", l->text, l->value) < 0)
			return report_write_error(why);
	return 0;
}

static int render(const struct report *r, FILE *out, struct cause *why)
{
	scoped(rowframer) f = NULL;
	struct lines ls = { 0 };
	int err;

	err = rowframer__new(r->namers, r->nr_namers, r->full, &f);
	ls.buf = malloc(STACK_BYTES_MAX);
	if (!err && !ls.buf)
		err = -ENOMEM;
	if (!err)
		err = fill(&ls, r, f);
	if (err)
		cause__set(why, err, "cannot write folded stacks: %s", strerror(-err));
	else
		err = write_lines(&ls, out, why);
	HASH_CLEAR(hh, ls.by_text);
	arena__done(&ls.arena);
	free(ls.buf);
	return err;
}

const struct renderer renderer_folded = {
	.render = render,
};
