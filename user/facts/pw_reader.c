// SPDX-License-Identifier: BSD-2-Clause
#include "facts/pw_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "facts/pw_file.h"

#define NAMES_MAX (1u << 22)

struct pw_reader {
	FILE *in;
	const char *path;
	const struct pw_sink *to;
	struct pw_read *ret;
	struct cause *why;
	ZSTD_DCtx *zstd;
	uint8_t *packed, *raw;
	size_t packed_room, raw_room;
	/* texts belong to the facts of names, which live as long as the segment */
	struct pw_names names;
	size_t names_room;
	Pw__Fact **kept;
	size_t nr_kept, kept_room;
	size_t taken; /* memory of the facts that live */
	ProtobufCAllocator allocator;
};

const char *pw_name(const struct pw_names *n, uint32_t id)
{
	return id && id < n->nr ? n->v[id] : "";
}

/* --- memory of a fact --- */

struct block {
	size_t bytes;
	max_align_t v[];
};

static void *take(void *ctx, size_t bytes)
{
	struct pw_reader *r = ctx;
	struct block *b;

	if (bytes > PW_FACT_MEMORY_MAX || r->taken + bytes > PW_FACT_MEMORY_MAX)
		return NULL;
	b = malloc(sizeof(*b) + bytes);
	if (!b)
		return NULL;
	b->bytes = bytes;
	r->taken += bytes;
	return b->v;
}

static void give(void *ctx, void *p)
{
	struct pw_reader *r = ctx;
	struct block *b = p ? (struct block *)((char *)p - offsetof(struct block, v)) : NULL;

	if (b)
		r->taken -= b->bytes;
	free(b);
}

static void forget_segment(struct pw_reader *r)
{
	for (size_t i = 0; i < r->nr_kept; i++)
		pw__fact__free_unpacked(r->kept[i], &r->allocator);
	r->nr_kept = 0;
	r->names.nr = 0;
}

/* --- one segment --- */

static int damaged(struct pw_reader *r, const char *what)
{
	return cause__set(r->why, -EBADMSG, "cannot read '%s': segment %u is damaged: %s", r->path,
			  r->ret->segments, what);
}

static int keep_names(struct pw_reader *r, Pw__Fact *f)
{
	const Pw__Names *n = f->names;

	if (!r->names.nr)
		r->names.nr = 1; /* the empty text */
	if (n->first != r->names.nr || n->n_text > NAMES_MAX - r->names.nr)
		return damaged(r, "its names do not follow each other");
	if (vec__reserve(&r->names.v, &r->names_room, r->names.nr + n->n_text,
			 sizeof(*r->names.v)) ||
	    vec__reserve(&r->kept, &r->kept_room, r->nr_kept + 1, sizeof(*r->kept)))
		return cause__no_memory(r->why);
	for (size_t i = 0; i < n->n_text; i++)
		r->names.v[r->names.nr++] = n->text[i];
	r->kept[r->nr_kept++] = f;
	return 0;
}

/* 0: it is longer than what is there, or than a varint. */
static size_t get_varint(const uint8_t *from, size_t nr, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < nr && i < 10; i++) {
		v |= (uint64_t)(from[i] & 0x7f) << (7 * i);
		if (!(from[i] & 0x80)) {
			*ret = v;
			return i + 1;
		}
	}
	return 0;
}

/* The number of its only field, which says what kind of fact it is. */
static bool is_skipped(struct pw_reader *r, const uint8_t *bytes, size_t nr)
{
	uint64_t tag;

	return r->to->skips && get_varint(bytes, nr, &tag) &&
	       r->to->skips(r->to->ctx, (uint32_t)(tag >> 3));
}

static int take_fact(struct pw_reader *r, const uint8_t *bytes, size_t nr)
{
	Pw__Fact *f;
	int err = 0;

	r->ret->facts++;
	if (is_skipped(r, bytes, nr))
		return 0;
	f = pw__fact__unpack(&r->allocator, nr, bytes);
	if (!f)
		return damaged(r, "a fact is no fact, or is larger than a reader allows");
	if (f->fact_case == PW__FACT__FACT_NAMES) {
		err = keep_names(r, f);
		if (!err)
			return 0;
	} else if (f->fact_case == PW__FACT__FACT__NOT_SET) {
		r->ret->unknown++;
	} else {
		err = r->to->fact(r->to->ctx, f, &r->names, r->why);
	}
	pw__fact__free_unpacked(f, &r->allocator);
	return err;
}

static int take_facts(struct pw_reader *r, size_t nr)
{
	int err = 0;

	for (size_t at = 0; at < nr && !err;) {
		uint64_t bytes = 0;
		const size_t len = get_varint(r->raw + at, nr - at, &bytes);

		if (!len || bytes > nr - at - len)
			return damaged(r, "a fact is longer than what is there");
		err = take_fact(r, r->raw + at + len, (size_t)bytes);
		at += len + (size_t)bytes;
	}
	return err;
}

static int unpack(struct pw_reader *r, const struct pw_segment_head *head)
{
	size_t nr;

	if (vec__reserve(&r->raw, &r->raw_room, head->bytes, 1))
		return cause__no_memory(r->why);
	nr = ZSTD_decompressDCtx(r->zstd, r->raw, head->bytes, r->packed, head->packed_bytes);
	if (ZSTD_isError(nr) || nr != head->bytes)
		return damaged(r, ZSTD_isError(nr) ? ZSTD_getErrorName(nr) : "it is too short");
	return 0;
}

/* --- the file --- */

/* 1: whole; 0: the file ends before. */
static int read_whole(struct pw_reader *r, void *to, size_t bytes)
{
	const size_t nr = fread(to, 1, bytes, r->in);

	r->ret->bytes += nr;
	if (nr == bytes)
		return 1;
	if (!ferror(r->in))
		return 0;
	return cause__set(r->why, errno ? -errno : -EIO, "cannot read '%s': %s", r->path,
			  strerror(errno ? errno : EIO));
}

static int read_head(struct pw_reader *r)
{
	struct pw_file_head head;
	const int got = read_whole(r, &head, sizeof(head));

	if (got < 0)
		return got;
	if (!got || memcmp(head.magic, PW_FILE_MAGIC, sizeof(head.magic)) != 0)
		return cause__set(r->why, -EBADMSG,
				  "cannot read '%s': it is no recording of parkwatch (a .pw file)",
				  r->path);
	r->ret->major = head.major;
	r->ret->minor = head.minor;
	if (head.major != PW_FILE_MAJOR)
		return cause__set(r->why, -EPROTONOSUPPORT,
				  "cannot read '%s': it is of format %u, this parkwatch reads "
				  "format %u; take the parkwatch that wrote it",
				  r->path, head.major, PW_FILE_MAJOR);
	return 0;
}

/* 1: go on; 0: that was the last one. */
static int read_segment(struct pw_reader *r)
{
	struct pw_segment_head head;
	int got = read_whole(r, &head.magic, sizeof(head.magic));

	if (got > 0 && head.magic == PW_INDEX_MAGIC)
		return 0;
	if (got > 0 && head.magic != PW_SEGMENT_MAGIC)
		return damaged(r, "it does not begin as one");
	if (got > 0)
		got = read_whole(r, (char *)&head + sizeof(head.magic),
				 sizeof(head) - sizeof(head.magic));
	if (got > 0 &&
	    (head.bytes > PW_SEGMENT_MAX || head.packed_bytes > ZSTD_compressBound(PW_SEGMENT_MAX)))
		return damaged(r, "it is longer than a segment may be");
	if (got > 0 && vec__reserve(&r->packed, &r->packed_room, head.packed_bytes, 1))
		return cause__no_memory(r->why);
	if (got > 0)
		got = read_whole(r, r->packed, head.packed_bytes);
	r->ret->cut = !got;
	if (got > 0)
		got = unpack(r, &head);
	else
		return got;
	if (!got)
		got = take_facts(r, head.bytes);
	forget_segment(r);
	if (got)
		return got;
	r->ret->segments++;
	r->ret->packed_bytes += head.packed_bytes;
	r->ret->raw_bytes += head.bytes;
	return 1;
}

int pw_read(FILE *in, const char *path, const struct pw_sink *to, struct pw_read *ret,
	    struct cause *why)
{
	struct pw_reader r = { .in = in, .path = path, .to = to, .ret = ret, .why = why };
	int err;

	*ret = (struct pw_read){ 0 };
	r.allocator = (ProtobufCAllocator){ .alloc = take, .free = give, .allocator_data = &r };
	r.zstd = ZSTD_createDCtx();
	err = r.zstd ? read_head(&r) : cause__no_memory(why);
	while (!err) {
		err = read_segment(&r);
		if (!err)
			break;
		if (err > 0)
			err = 0;
	}
	forget_segment(&r);
	ZSTD_freeDCtx(r.zstd);
	free(r.packed);
	free(r.raw);
	free(r.names.v);
	free(r.kept);
	return err;
}
