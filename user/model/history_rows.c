// SPDX-License-Identifier: BSD-2-Clause
#include "model/history_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/vec.h"
#include "model/history.h"

struct site {
	UT_hash_handle hh;
	uint32_t refs; /* rows */
	char text[];
};

struct row_key { /* hashed as bytes: no padding */
	const struct site *made, *blocked;
	uint64_t state;
};

struct row {
	UT_hash_handle hh;
	struct row_key key;
	uint32_t number, refs; /* closed cells */
	bool mark;
};

struct history_rows {
	struct site *sites;
	struct row *hash;
	struct row **v; /* by number; NULL: free */
	size_t nr, room, used;
	size_t first_free; /* no lower number is free */
	size_t text_bytes;
};

int history_rows__new(struct history_rows **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

/* --- texts --- */

/* NULL: no memory */
static struct site *site__get(struct history_rows *r, const char *text)
{
	const unsigned int count = HASH_COUNT(r->sites);
	const size_t len = strnlen(text, HISTORY_SITE_MAX);
	struct site *s;

	HASH_FIND(hh, r->sites, text, (unsigned int)len, s);
	if (!s) {
		s = calloc(1, sizeof(*s) + len + 1);
		if (!s)
			return NULL;
		memcpy(s->text, text, len);
		HASH_ADD(hh, r->sites, text, (unsigned int)len, s);
		if (HASH_COUNT(r->sites) == count) {
			free(s);
			return NULL;
		}
		r->text_bytes += len + 1;
	}
	s->refs++;
	return s;
}

static void site__put(struct history_rows *r, const struct site *site)
{
	struct site *s = (struct site *)(uintptr_t)site;

	if (!s || --s->refs)
		return;
	r->text_bytes -= strlen(s->text) + 1;
	HASH_DEL(r->sites, s);
	free(s);
}

/* --- rows --- */

static void row__free(struct history_rows *r, struct row *row)
{
	HASH_DEL(r->hash, row);
	site__put(r, row->key.made);
	site__put(r, row->key.blocked);
	r->v[row->number] = NULL;
	r->used--;
	if (row->number < r->first_free)
		r->first_free = row->number;
	free(row);
}

void history_rows__free(struct history_rows *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nr; i++)
		if (r->v[i])
			row__free(r, r->v[i]);
	free(r->v);
	free(r);
}

/* The number of a new one; -ENOSPC, -ENOMEM */
static int find_number(struct history_rows *r)
{
	size_t at = r->first_free;

	while (at < r->nr && r->v[at])
		at++;
	if (at == HISTORY_ROWS_MAX)
		return -ENOSPC;
	if (at == r->nr) {
		if (vec__reserve(&r->v, &r->room, r->nr + 1, sizeof(*r->v)))
			return -ENOMEM;
		r->v[r->nr++] = NULL;
	}
	r->first_free = at;
	return (int)at;
}

/* false: there is no room; the texts are still the caller's. */
static bool add_row(struct history_rows *r, const struct row_key *key, uint32_t *ret)
{
	const unsigned int count = HASH_COUNT(r->hash);
	const int number = find_number(r);
	struct row *row = number < 0 ? NULL : calloc(1, sizeof(*row));

	if (!row)
		return false;
	row->key = *key;
	row->number = (uint32_t)number;
	HASH_ADD(hh, r->hash, key, sizeof(row->key), row);
	if (HASH_COUNT(r->hash) == count) {
		free(row);
		return false;
	}
	r->v[number] = row;
	r->used++;
	*ret = row->number;
	return true;
}

uint32_t history_rows__of(struct history_rows *r, const char *made, const char *blocked,
			  enum gostate state)
{
	const struct row_key key = { .made = site__get(r, made),
				     .blocked = site__get(r, blocked),
				     .state = (uint64_t)state };
	uint32_t number = HISTORY_OTHER;
	struct row *row = NULL;

	if (key.made && key.blocked) {
		HASH_FIND(hh, r->hash, &key, sizeof(key), row);
		if (!row && add_row(r, &key, &number))
			return number;
	}
	site__put(r, key.made);
	site__put(r, key.blocked);
	return row ? row->number : HISTORY_OTHER;
}

static struct row *get(const struct history_rows *r, uint32_t row)
{
	return row < r->nr ? r->v[row] : NULL;
}

void history_rows__ref(struct history_rows *r, uint32_t row)
{
	if (get(r, row))
		get(r, row)->refs++;
}

void history_rows__unref(struct history_rows *r, uint32_t row)
{
	if (get(r, row))
		get(r, row)->refs--;
}

void history_rows__sweep(struct history_rows *r, bool (*is_used)(const void *ctx, uint32_t row),
			 const void *ctx)
{
	for (uint32_t i = 0; i < r->nr; i++)
		if (r->v[i] && !r->v[i]->refs && !is_used(ctx, i))
			row__free(r, r->v[i]);
}

bool history_rows__about(const struct history_rows *r, uint32_t row, const char **ret_made,
			 const char **ret_blocked, enum gostate *ret_state)
{
	const struct row *w = get(r, row);

	if (!w)
		return false;
	*ret_made = w->key.made->text;
	*ret_blocked = w->key.blocked->text;
	*ret_state = (enum gostate)w->key.state;
	return true;
}

bool *history_rows__mark(struct history_rows *r, uint32_t row)
{
	return get(r, row) ? &get(r, row)->mark : NULL;
}

size_t history_rows__end(const struct history_rows *r)
{
	return r->nr;
}

size_t history_rows__nr(const struct history_rows *r)
{
	return r->used;
}

size_t history_rows__sites(const struct history_rows *r)
{
	return HASH_COUNT(r->sites);
}

size_t history_rows__bytes(const struct history_rows *r)
{
	return sizeof(*r) + r->room * sizeof(*r->v) + r->used * sizeof(struct row) +
	       history_rows__sites(r) * sizeof(struct site) + r->text_bytes;
}
