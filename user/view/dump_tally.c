// SPDX-License-Identifier: BSD-2-Clause
#include "view/dump_tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "facts/book.h"
#include "model/history.h"
#include "view/dump.h"
#include "view/place.h"

_Static_assert(DUMP_UNKNOWN == TALLY_UNKNOWN, "both say that a wait is not known");

#define KNOWN_MAX 65536 /* kinds of goroutines of one look that are looked up once */

struct kind_key { /* hashed as bytes: no padding */
	uint64_t stack;
	uint32_t made, state;
};

struct kind {
	UT_hash_handle hh;
	struct kind_key key;
	uint32_t row;
};

/* "main.worker main.go:20"; "": not known */
static void put_place(char *to, size_t room, const char *func, const char *file, uint32_t line)
{
	const char *slash = strrchr(file, '/');

	if (file[0])
		snprintf(to, room, "%s %s:%" PRIu32, func, slash ? slash + 1 : file, line);
	else
		snprintf(to, room, "%s", strcmp(func, "?") ? func : "");
}

static int row_of(struct tally *t, struct dump *d, const struct dump_row *r, uint32_t *ret)
{
	const struct site *made = dump__site(d, r->made);
	char made_text[HISTORY_SITE_MAX + 1] = "", blocked_text[HISTORY_SITE_MAX + 1];
	struct place p;
	const int err = place_of_stack(d, dump__stack(d, r), &p);

	if (err)
		return err;
	if (made)
		put_place(made_text, sizeof(made_text), made->func, made->file, made->line);
	put_place(blocked_text, sizeof(blocked_text), p.func, p.file, p.line);
	*ret = tally__row(t, made_text, blocked_text, dump__state(d, r));
	return 0;
}

/* As row_of(), once for all goroutines of one kind. */
static int known_row(struct kind **known, struct tally *t, struct dump *d, const struct dump_row *r,
		     uint32_t *ret)
{
	const struct kind_key key = { .stack = dump__stack(d, r),
				      .made = r->made,
				      .state = r->state };
	const unsigned int count = HASH_COUNT(*known);
	struct kind *k;
	int err;

	HASH_FIND(hh, *known, &key, sizeof(key), k);
	if (k) {
		*ret = k->row;
		return 0;
	}
	err = row_of(t, d, r, ret);
	k = err || count >= KNOWN_MAX ? NULL : calloc(1, sizeof(*k));
	if (!k)
		return err;
	k->key = key;
	k->row = *ret;
	HASH_ADD(hh, *known, key, sizeof(key), k);
	if (HASH_COUNT(*known) == count)
		free(k);
	return 0;
}

static void forget(struct kind *known)
{
	struct kind *k, *next;

	HASH_ITER(hh, known, k, next)
	{
		HASH_DEL(known, k);
		free(k);
	}
}

int dump_tally(struct dump *d, uint64_t now_ns, struct tally *t, struct tally_look *ret)
{
	struct kind *known = NULL;
	int err = 0;

	tally__begin(t, now_ns);
	for (size_t i = 0; i < d->nr && !err; i++) {
		const struct dump_row *r = &d->rows[i];
		const struct census_g *g = dump__g(d, r);
		uint32_t row = HISTORY_OTHER;

		err = known_row(&known, t, d, r, &row);
		tally__add(t, &(struct tally_g){ .id = g->who.goid * BOOK_RUNTIMES_MAX + r->rt,
						 .wait_ns = dump__wait_ns(d, r),
						 .stack_bytes = g->stack_hi - g->stack_lo,
						 .row = row,
						 .state = dump__state(d, r) });
	}
	forget(known);
	return err ? err : tally__end(t, ret);
}

bool dump_tally__first(const struct dump *d, const struct tally_row *row, uint32_t *ret)
{
	return row->nr && dump__find(d, (uint16_t)(row->first % BOOK_RUNTIMES_MAX),
				     row->first / BOOK_RUNTIMES_MAX, ret);
}
