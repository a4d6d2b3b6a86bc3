// SPDX-License-Identifier: BSD-2-Clause
#include "facts/pw_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/vec.h"
#include "facts/pw_file.h"

#define LEVEL      3      /* of zstd: the usual one */
#define TEXT_MAX   65535u /* bytes of a name; longer ones are cut */
#define VARINT_MAX 10

struct name_node {
	UT_hash_handle hh;
	uint32_t id;
	char text[];
};

struct pw_writer {
	FILE *out; /* borrowed */
	ZSTD_CCtx *zstd;
	/* the segment */
	uint8_t *raw;
	size_t nr, room;
	uint32_t number, facts;
	uint64_t first_ns, last_ns;
	struct name_node *names;
	char **new_names; /* texts of names: not written yet */
	size_t nr_new, new_room;
	uint32_t nr_names;
	/* the file */
	uint8_t *packed;
	size_t packed_room;
	uint64_t offset;
	struct pw_index_entry *index;
	size_t nr_index, index_room;
	int err;
};

int pw_writer__new(FILE *out, struct pw_writer **ret)
{
	scoped(pw_writer) w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->out = out;
	w->zstd = ZSTD_createCCtx();
	if (!w->zstd)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
	*ret = steal(w);
	return 0;
}

static void forget_names(struct pw_writer *w)
{
	struct name_node *n, *next;

	HASH_ITER(hh, w->names, n, next)
	{
		HASH_DEL(w->names, n);
		free(n);
	}
	w->nr_names = 0;
	w->nr_new = 0;
}

void pw_writer__free(struct pw_writer *w)
{
	if (!w)
		return;
	forget_names(w);
	ZSTD_freeCCtx(w->zstd);
	free(w->raw);
	free(w->packed);
	free(w->new_names);
	free(w->index);
	free(w);
}

static void pw_writer__fail(struct pw_writer *w, int err)
{
	if (!w->err)
		w->err = err;
}

static void pw_writer__bytes(struct pw_writer *w, const void *bytes, size_t nr)
{
	if (w->err)
		return;
	errno = 0;
	if (nr && fwrite(bytes, 1, nr, w->out) != nr)
		pw_writer__fail(w, errno ? -errno : -EIO);
	w->offset += nr;
}

static void pw_writer__begin(struct pw_writer *w)
{
	const struct pw_file_head head = { .magic = PW_FILE_MAGIC,
					   .major = PW_FILE_MAJOR,
					   .minor = PW_FILE_MINOR };

	if (!w->offset)
		pw_writer__bytes(w, &head, sizeof(head));
}

static void pw_writer__close_segment(struct pw_writer *w)
{
	struct pw_segment_head head = {
		.magic = PW_SEGMENT_MAGIC,
		.facts = w->facts,
		.bytes = (uint32_t)w->nr,
		.first_ns = w->first_ns,
		.last_ns = w->last_ns,
	};
	size_t packed;

	if (!w->nr || w->err)
		return;
	pw_writer__begin(w);
	if (vec__reserve(&w->packed, &w->packed_room, ZSTD_compressBound(w->nr), 1) ||
	    vec__reserve(&w->index, &w->index_room, w->nr_index + 1, sizeof(*w->index))) {
		pw_writer__fail(w, -ENOMEM);
		return;
	}
	packed = ZSTD_compress2(w->zstd, w->packed, w->packed_room, w->raw, w->nr);
	if (ZSTD_isError(packed)) {
		pw_writer__fail(w, -ENOMEM);
		return;
	}
	head.packed_bytes = (uint32_t)packed;
	w->index[w->nr_index++] = (struct pw_index_entry){ .offset = w->offset,
							   .first_ns = w->first_ns,
							   .last_ns = w->last_ns };
	pw_writer__bytes(w, &head, sizeof(head));
	pw_writer__bytes(w, w->packed, packed);
	w->nr = w->facts = 0;
	w->first_ns = w->last_ns = 0;
	w->number++;
	forget_names(w);
}

uint32_t pw_writer__room(struct pw_writer *w)
{
	if (w->nr >= PW_SEGMENT_FULL)
		pw_writer__close_segment(w);
	return w->number;
}

void pw_writer__time(struct pw_writer *w, uint64_t ns)
{
	if (!w->first_ns || ns < w->first_ns)
		w->first_ns = ns;
	if (ns > w->last_ns)
		w->last_ns = ns;
}

/* --- names --- */

uint32_t pw_writer__name(struct pw_writer *w, const char *text)
{
	const unsigned int count = HASH_COUNT(w->names);
	size_t len = strlen(text);
	struct name_node *n;

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	if (!len || w->err)
		return 0;
	HASH_FIND(hh, w->names, text, (unsigned int)len, n);
	if (n)
		return n->id;
	n = calloc(1, sizeof(*n) + len + 1);
	if (!n || vec__reserve(&w->new_names, &w->new_room, w->nr_new + 1, sizeof(*w->new_names))) {
		free(n);
		pw_writer__fail(w, -ENOMEM);
		return 0;
	}
	memcpy(n->text, text, len);
	n->id = ++w->nr_names;
	HASH_ADD(hh, w->names, text, (unsigned int)len, n);
	if (HASH_COUNT(w->names) == count) {
		free(n);
		pw_writer__fail(w, -ENOMEM);
		return 0;
	}
	w->new_names[w->nr_new++] = n->text;
	return n->id;
}

/* --- facts --- */

static void put_varint(uint8_t *to, size_t *nr, uint64_t v)
{
	for (*nr = 0; v >= 0x80; v >>= 7)
		to[(*nr)++] = (uint8_t)(v | 0x80);
	to[(*nr)++] = (uint8_t)v;
}

static void pw_writer__pack(struct pw_writer *w, const Pw__Fact *f)
{
	const size_t bytes = pw__fact__get_packed_size(f);
	uint8_t len[VARINT_MAX];
	size_t nr;

	if (w->err)
		return;
	put_varint(len, &nr, bytes);
	if (bytes > PW_SEGMENT_MAX - VARINT_MAX || w->nr + nr + bytes > PW_SEGMENT_MAX) {
		pw_writer__fail(w, -E2BIG);
		return;
	}
	if (vec__reserve(&w->raw, &w->room, w->nr + nr + bytes, 1)) {
		pw_writer__fail(w, -ENOMEM);
		return;
	}
	memcpy(w->raw + w->nr, len, nr);
	w->nr += nr;
	w->nr += pw__fact__pack(f, w->raw + w->nr);
	w->facts++;
}

static void pw_writer__new_names(struct pw_writer *w)
{
	Pw__Names names = PW__NAMES__INIT;
	Pw__Fact f = PW__FACT__INIT;

	if (!w->nr_new)
		return;
	names.first = w->nr_names - (uint32_t)w->nr_new + 1;
	names.n_text = w->nr_new;
	names.text = w->new_names;
	f.fact_case = PW__FACT__FACT_NAMES;
	f.names = &names;
	pw_writer__pack(w, &f);
	w->nr_new = 0;
}

void pw_writer__fact(struct pw_writer *w, const Pw__Fact *f)
{
	pw_writer__new_names(w);
	pw_writer__pack(w, f);
}

int pw_writer__end(struct pw_writer *w, struct cause *why)
{
	struct pw_tail tail = { .magic = PW_TAIL_MAGIC };
	struct pw_index_head head = { .magic = PW_INDEX_MAGIC };

	pw_writer__close_segment(w);
	pw_writer__begin(w);
	tail.index = w->offset;
	head.segments = (uint32_t)w->nr_index;
	pw_writer__bytes(w, &head, sizeof(head));
	pw_writer__bytes(w, w->index, w->nr_index * sizeof(*w->index));
	pw_writer__bytes(w, &tail, sizeof(tail));
	if (!w->err)
		return 0;
	return cause__set(why, w->err, "cannot write the recording: %s",
			  w->err == -E2BIG ? "what belongs together is longer than a segment may be"
					   : strerror(-w->err));
}
