// SPDX-License-Identifier: BSD-2-Clause
#include "serve/remember.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "facts/book.h"
#include "view/dump.h"
#include "view/place.h"

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

static int row_of(struct history *h, struct dump *d, const struct dump_row *r, uint32_t *ret)
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
	*ret = history__row(h, made_text, blocked_text, dump__state(d, r));
	return 0;
}

/* As row_of(), once for all goroutines of one kind. */
static int known_row(struct kind **known, struct history *h, struct dump *d,
		     const struct dump_row *r, uint32_t *ret)
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
	err = row_of(h, d, r, ret);
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

int remember__look(struct history *h, struct dump *d, uint64_t now_ns, uint64_t unix_ns,
		   uint32_t *ret_rows)
{
	struct kind *known = NULL;
	int err = history__begin(h, now_ns, unix_ns);

	for (size_t i = 0; i < d->nr && !err; i++) {
		const struct dump_row *r = &d->rows[i];
		const struct census_g *g = dump__g(d, r);
		uint32_t row = HISTORY_OTHER;

		err = known_row(&known, h, d, r, &row);
		if (ret_rows)
			ret_rows[i] = row;
		history__add(h, &(struct history_g){ .id = g->who.goid * BOOK_RUNTIMES_MAX + r->rt,
						     .wait_ns = dump__wait_ns(d, r),
						     .stack_bytes = g->stack_hi - g->stack_lo,
						     .row = row,
						     .state = dump__state(d, r) });
	}
	forget(known);
	return err ? err : history__end(h);
}

_Static_assert(DUMP_UNKNOWN == HISTORY_UNKNOWN, "both say that a wait is not known");

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "?";
}

void alarm_words_of(const struct history *h, const struct history_alarm *a, struct alarm_words *ret)
{
	enum gostate state;

	*ret = (struct alarm_words){ .made = "", .blocked = "", .reason = "" };
	if (a->kind == HISTORY_STORM) {
		snprintf(ret->text, sizeof(ret->text),
			 "%" PRIu64 " goroutines started within %.0f s; %" PRIu64 " are alive",
			 a->births, (double)a->took_ns / NS_PER_SEC, a->alive);
		return;
	}
	if (history__about(h, a->row, &ret->made, &ret->blocked, &state))
		ret->reason = gostate_word(state);
	snprintf(ret->text, sizeof(ret->text),
		 "%" PRIu32 " goroutines more in %" PRIu32 " h, each hour some, %" PRIu64
		 " now: created by %s, blocked at %s [%s]",
		 a->leak.rise, a->leak.hours, a->alive, or_unknown(ret->made),
		 or_unknown(ret->blocked), or_unknown(ret->reason));
}

size_t remember__alarms(const struct history *h, const char *target, struct events *e)
{
	const struct history_alarm *v;
	const size_t nr = history__alarms(h, &v);

	for (size_t i = 0; i < nr; i++) {
		const bool storm = v[i].kind == HISTORY_STORM;
		struct alarm_words words;

		alarm_words_of(h, &v[i], &words);
		events__tell(e, storm ? EVENT_STORM : EVENT_SLOW_LEAK, target, "%s", words.text);
		log_warn("%s: %s: %s", target, storm ? "storm" : "slow leak", words.text);
	}
	return nr;
}
