/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts as the one segment of a recording. All are read; of one input in ROWS_OF the rows of every
 * view are made, one in SHOWN_OF is written in every format too. The first byte is that of
 * fuzz_replay's inputs, which are its seeds.
 *
 * Bytes that are changed at random are refused early. So three of four changes know what a fact is:
 * a fact is repeated, left out, put elsewhere or taken of another input; or, in one message, a value
 * or a row of all columns.
 */
#include <protobuf-c/protobuf-c.h>
#include <zstd.h>

#include "recording.h"

#define ROWS_OF   4
#define SHOWN_OF  64
#define PARTS_MAX 256

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* Instead of the library's: one context for all inputs. Each decompression begins it anew. */
ZSTD_DCtx *ZSTD_createDCtx(void)
{
	static ZSTD_DCtx *one;

	if (!one)
		one = ZSTD_createDStream();
	return one;
}

size_t ZSTD_freeDCtx(ZSTD_DCtx *d)
{
	(void)d;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[RECORDING_BYTES_MAX];
	static char buffer[4096];
	static FILE *in;             /* of these bytes, opened once */
	uint32_t hash = 2166136261u; /* of the input: what was found is found again */

	if (size < 2 || size > RECORDING_FACTS_MAX)
		return 0;
	for (size_t i = 1; i < size; i++)
		hash = (hash ^ data[i]) * 16777619u;
	recording_of(data + 1, size - 1, file);
	hash >>= 8;
	if (in)
		rewind(in);
	else if (!(in = fmemopen(file, sizeof(file), "r")) ||
		 setvbuf(in, buffer, _IOFBF, sizeof(buffer)))
		abort();
	recording_try(in, size % 2,
		      hash % SHOWN_OF == 0  ? RECORDING_SHOWN
		      : hash % ROWS_OF == 0 ? RECORDING_ROWS
					    : RECORDING_READ);
	return 0;
}

/* --- inputs in pieces --- */

struct part { /* a fact with the varint before it */
	const uint8_t *at;
	size_t head, len; /* len: of all of it */
};

static size_t parts_of(const uint8_t *data, size_t size, struct part *v)
{
	size_t nr = 0;

	for (size_t at = 1; at < size && nr < PARTS_MAX; nr++) {
		size_t bytes = 0, head = 0;

		do
			bytes |= (size_t)(data[at + head] & 0x7f) << 7 * head;
		while (data[at + head++] & 0x80 && head < 4 && at + head < size);
		if (bytes > size - at - head)
			bytes = size - at - head; /* what is wrong there stays wrong */
		v[nr] = (struct part){ data + at, head, head + bytes };
		at += head + bytes;
	}
	return nr;
}

static size_t put_parts(uint8_t *to, size_t max, const struct part *v, size_t nr)
{
	size_t size = 1;

	to[0] = 1;
	for (size_t i = 0; i < nr && v[i].len <= max - size; i++) {
		memcpy(to + size, v[i].at, v[i].len);
		size += v[i].len;
	}
	return size;
}

static uint32_t roll(uint32_t *seed, size_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return below ? (uint32_t)(*seed % below) : 0;
}

/* --- one message --- */

static size_t *count_of(void *m, const ProtobufCFieldDescriptor *f)
{
	return (size_t *)((char *)m + f->quantifier_offset);
}

static size_t width_of(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_BOOL: return 4;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_DOUBLE: return 8;
	default: return 0;
	}
}

static uint64_t some_value(uint32_t *seed, uint64_t now)
{
	switch (roll(seed, 8)) {
	case 0: return now + 1;
	case 1: return now - 1;
	case 2: return 1ull << roll(seed, 64);
	case 3: return (1ull << roll(seed, 64)) - 1;
	case 4: return ~0ull;
	default: return roll(seed, 16);
	}
}

static void change_value(uint32_t *seed, void *to, size_t width)
{
	uint64_t v = 0;

	memcpy(&v, to, width);
	v = some_value(seed, v);
	memcpy(to, &v, width);
}

/* In each column of this length row `at` comes twice, or is gone. */
static void change_rows(ProtobufCMessage *m, size_t rows, size_t at, bool twice)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		void **v = (void **)((char *)m + f->offset);
		const size_t width = width_of(f), after = rows - at - 1;
		char *row;

		if (f->label != PROTOBUF_C_LABEL_REPEATED || !width || *count_of(m, f) != rows)
			continue;
		if (twice && !(*v = realloc(*v, (rows + 1) * width)))
			abort();
		row = (char *)*v + at * width;
		memmove(row + (twice ? width : 0), row + (twice ? 0 : width),
			(after + twice) * width);
		*count_of(m, f) += twice ? 1 : (size_t)-1;
	}
}

static void change_message(uint32_t *seed, ProtobufCMessage *m)
{
	const ProtobufCMessageDescriptor *d = m->descriptor;
	const ProtobufCFieldDescriptor *f = &d->fields[roll(seed, d->n_fields)];
	void *at = (char *)m + f->offset;
	const size_t width = width_of(f);
	size_t *rows = count_of(m, f);

	if (!d->n_fields || !width)
		return;
	if (f->label != PROTOBUF_C_LABEL_REPEATED) {
		change_value(seed, at, width);
		return;
	}
	switch (*rows ? roll(seed, 8) : 7) {
	case 0: change_rows(m, *rows, roll(seed, *rows), true); break;
	case 1: change_rows(m, *rows, roll(seed, *rows), false); break;
	case 2: *rows = roll(seed, *rows); break; /* this column alone */
	case 7:                                   /* it was left out: as long as another one */
		f = &d->fields[roll(seed, d->n_fields)];
		if (*rows || f->label != PROTOBUF_C_LABEL_REPEATED)
			break;
		*rows = *count_of(m, f) ? *count_of(m, f) : 1;
		*(void **)at = realloc(*(void **)at, *rows * width);
		if (!*(void **)at)
			abort();
		memset(*(void **)at, 0, *rows * width);
		/* fallthrough */
	default: change_value(seed, *(char **)at + width * roll(seed, *rows), width);
	}
}

static size_t put_varint(uint8_t *to, size_t v)
{
	size_t nr = 0;

	for (; v >= 0x80; v >>= 7)
		to[nr++] = (uint8_t)(v | 0x80);
	to[nr++] = (uint8_t)v;
	return nr;
}

/* Fact p, changed, into to; its bytes. 0: it is no fact, or too long. */
static size_t change_fact(uint32_t *seed, const struct part *p, uint8_t *to, size_t max)
{
	Pw__Fact *f = pw__fact__unpack(NULL, p->len - p->head, p->at + p->head);
	const ProtobufCFieldDescriptor *of;
	size_t bytes, head = 0;

	of = f ? protobuf_c_message_descriptor_get_field(&pw__fact__descriptor, f->fact_case)
	       : NULL;
	if (of && of->type == PROTOBUF_C_TYPE_MESSAGE)
		for (uint32_t i = 0; i <= roll(seed, 3); i++)
			change_message(seed, *(ProtobufCMessage **)((char *)f + of->offset));
	bytes = of ? pw__fact__get_packed_size(f) : 0;
	if (of && bytes + 4 <= max) {
		head = put_varint(to, bytes);
		pw__fact__pack(f, to + head);
	}
	if (f)
		pw__fact__free_unpacked(f, NULL);
	return head ? head + bytes : 0;
}

/* --- what libFuzzer calls --- */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed_of)
{
	static uint8_t before[RECORDING_FACTS_MAX], changed[RECORDING_FACTS_MAX];
	struct part v[PARTS_MAX + 1];
	uint32_t seed = seed_of * 2654435761u | 1, a, b;
	size_t nr, len;

	if (roll(&seed, 4) == 0 || size > sizeof(before))
		return LLVMFuzzerMutate(data, size, max);
	memcpy(before, data, size);
	nr = parts_of(before, size, v);
	if (!nr)
		return LLVMFuzzerMutate(data, size, max);
	a = roll(&seed, nr);
	b = roll(&seed, nr);
	switch (roll(&seed, 8)) {
	case 0: /* twice */
		memmove(&v[b + 1], &v[b], (nr++ - b) * sizeof(*v));
		v[b] = v[a + (a >= b)];
		break;
	case 1: memmove(&v[a], &v[a + 1], (--nr - a) * sizeof(*v)); break;
	case 2: {
		const struct part other = v[a];

		v[a] = v[b];
		v[b] = other;
		break;
	}
	default:
		len = change_fact(&seed, &v[a], changed, sizeof(changed));
		if (!len)
			return LLVMFuzzerMutate(data, size, max);
		v[a] = (struct part){ changed, 0, len };
	}
	return put_parts(data, max, v, nr);
}

/* The first facts of one, the last ones of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max, unsigned int seed_of)
{
	static struct part v[2 * PARTS_MAX], w[PARTS_MAX];
	uint32_t seed = seed_of * 2654435761u | 1;
	const size_t first = roll(&seed, parts_of(data1, size1, v) + 1),
		     nr = parts_of(data2, size2, w), from = roll(&seed, nr + 1);

	memcpy(v + first, w + from, (nr - from) * sizeof(*w));
	return put_parts(out, max, v, first + nr - from);
}
