// SPDX-License-Identifier: BSD-2-Clause
#include "facts/codebook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/vec.h"

struct pc_key { /* hashed as bytes: no padding */
	uint64_t pc;
	uint32_t rt, kind;
};

struct pc_node {
	UT_hash_handle hh;
	struct pc_key key;
	uint64_t entry, size, start;
	size_t at, nr; /* of frames */
};

struct own_key {
	const char *func, *file; /* of the pool */
};

struct own_node {
	UT_hash_handle hh;
	struct own_key key;
};

struct codebook {
	struct textpool *texts; /* borrowed */
	struct pc_node *pcs;
	struct own_node *own;
	struct code_frame *frames;
	size_t nr_frames, frames_room;
};

int codebook__new(struct textpool *texts, struct codebook **ret)
{
	struct codebook *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->texts = texts;
	*ret = b;
	return 0;
}

void codebook__free(struct codebook *b)
{
	struct own_node *o, *next_o;
	struct pc_node *n, *next;

	if (!b)
		return;
	HASH_ITER(hh, b->pcs, n, next)
	{
		HASH_DEL(b->pcs, n);
		free(n);
	}
	HASH_ITER(hh, b->own, o, next_o)
	{
		HASH_DEL(b->own, o);
		free(o);
	}
	free(b->frames);
	free(b);
}

static struct pc_node *codebook__find(const struct codebook *b, uint16_t rt, uint64_t pc,
				      enum code_kind kind)
{
	const struct pc_key key = { .pc = pc, .rt = rt, .kind = kind };
	struct pc_node *n;

	HASH_FIND(hh, b->pcs, &key, sizeof(key), n);
	return n;
}

static int codebook__note_own(struct codebook *b, const struct code_frame *f)
{
	const struct own_key key = { f->func, f->file };
	const unsigned int count = HASH_COUNT(b->own);
	struct own_node *o;

	HASH_FIND(hh, b->own, &key, sizeof(key), o);
	if (o)
		return 0;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->key = key;
	HASH_ADD(hh, b->own, key, sizeof(o->key), o);
	if (HASH_COUNT(b->own) == count) {
		free(o);
		return -ENOMEM;
	}
	return 0;
}

static int codebook__frames(struct codebook *b, const struct code_at *c)
{
	int err =
		vec__reserve(&b->frames, &b->frames_room, b->nr_frames + c->nr, sizeof(*b->frames));

	for (size_t i = 0; i < c->nr && !err; i++) {
		struct code_frame *f = &b->frames[b->nr_frames + i];

		*f = c->frames[i];
		f->func = textpool__get(b->texts, f->func);
		f->file = textpool__get(b->texts, f->file);
		if (f->own)
			err = codebook__note_own(b, f);
	}
	return err;
}

int codebook__put(struct codebook *b, uint16_t rt, uint64_t pc, enum code_kind kind,
		  const struct code_at *c)
{
	const unsigned int count = HASH_COUNT(b->pcs);
	struct pc_node *n;
	int err;

	if (codebook__find(b, rt, pc, kind) || count >= CODEBOOK_PCS_MAX)
		return 0;
	err = codebook__frames(b, c);
	if (err)
		return err;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->key = (struct pc_key){ .pc = pc, .rt = rt, .kind = kind };
	n->entry = c->entry;
	n->size = c->size;
	n->start = c->start;
	n->at = b->nr_frames;
	n->nr = c->nr;
	HASH_ADD(hh, b->pcs, key, sizeof(n->key), n);
	if (HASH_COUNT(b->pcs) == count) {
		free(n);
		return -ENOMEM;
	}
	b->nr_frames += c->nr;
	return 0;
}

bool codebook__get(const struct codebook *b, uint16_t rt, uint64_t pc, enum code_kind kind,
		   struct code_at *ret)
{
	const struct pc_node *n = codebook__find(b, rt, pc, kind);

	if (!n)
		return false;
	*ret = (struct code_at){ .entry = n->entry,
				 .size = n->size,
				 .start = n->start,
				 .frames = n->nr ? b->frames + n->at : NULL,
				 .nr = n->nr };
	return true;
}

bool codebook__owns(const struct codebook *b, const char *func, const char *file)
{
	const struct own_key key = { textpool__get(b->texts, func), textpool__get(b->texts, file) };
	struct own_node *o;

	HASH_FIND(hh, b->own, &key, sizeof(key), o);
	return o;
}

size_t codebook__nr(const struct codebook *b)
{
	return HASH_COUNT(b->pcs);
}
