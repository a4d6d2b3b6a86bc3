/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gofields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"
#include "golang/gotype.h"

/*
 * Go internal/abi/type.go: Size_ at 0, Kind_ at 23; behind the 48 bytes of a Type what its kind
 * has.
 */
#define TYPE_KIND     23
#define KIND_MASK     31
#define ELEM          48 /* of a pointer, a slice, an array */
#define ARRAY_LEN     64
#define STRUCT_FIELDS 56 /* a slice, behind the name of the package */
#define TYPE_BYTES    72
/*
 * StructField { Name, Typ *; Offset uintptr }; up to Go 1.18 twice the offset, and 1 if it is
 * embedded
 */
#define FIELD_BYTES 24

enum { KIND_ARRAY = 17, KIND_INTERFACE = 20, KIND_POINTER = 22, KIND_SLICE = 23, KIND_STRUCT = 25 };

struct descriptor {
	uint64_t size, elem, len; /* len: of an array */
	uint64_t fields, nr_fields;
	unsigned int kind;
};

static uint64_t u64_at(const uint8_t *bytes, size_t at)
{
	uint64_t v;

	memcpy(&v, bytes + at, sizeof(v));
	return v;
}

static int read_type(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		     struct descriptor *ret)
{
	char name[GOTYPE_NAME_MAX];
	uint8_t raw[TYPE_BYTES];
	int err = gotype_name(as, rt, type, name, sizeof(name)); /* it is a type of a module */

	if (!err)
		err = addrspace__read(as, type, raw, sizeof(raw));
	if (err)
		return err;
	*ret = (struct descriptor){
		.size = u64_at(raw, 0),
		.elem = u64_at(raw, ELEM),
		.len = u64_at(raw, ARRAY_LEN),
		.fields = u64_at(raw, STRUCT_FIELDS),
		.nr_fields = u64_at(raw, STRUCT_FIELDS + 8),
		.kind = raw[TYPE_KIND] & KIND_MASK,
	};
	return 0;
}

int gofields_size(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		  uint64_t *ret)
{
	struct descriptor t;
	int err = read_type(as, rt, type, &t);

	if (!err)
		*ret = t.size;
	return err;
}

int gofields_elem(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		  uint64_t *ret)
{
	struct descriptor t;
	int err = read_type(as, rt, type, &t);

	if (!err && t.kind != KIND_POINTER)
		err = -ENOENT;
	if (!err)
		*ret = t.elem;
	return err;
}

/* The last field that begins at or before offset. */
static int field_of(const struct addrspace *as, const struct goruntime *rt,
		    const struct descriptor *t, uint64_t offset, uint64_t *ret_name,
		    uint64_t *ret_type, uint64_t *ret_offset)
{
	scoped_mem uint8_t *raw = NULL;
	bool found = false;
	int err;

	if (!t->nr_fields || t->nr_fields > GOFIELDS_MAX)
		return -EBADMSG;
	raw = malloc(t->nr_fields * FIELD_BYTES);
	if (!raw)
		return -ENOMEM;
	err = addrspace__read(as, t->fields, raw, t->nr_fields * FIELD_BYTES);
	for (size_t i = 0; i < t->nr_fields && !err; i++) {
		const uint8_t *f = raw + i * FIELD_BYTES;
		uint64_t at = u64_at(f, 16) >> (!gofacts_has(rt->minor, GO_PLAIN_OFFSETS));

		if (at > offset)
			continue;
		*ret_name = u64_at(f, 0);
		*ret_type = u64_at(f, 8);
		*ret_offset = at;
		found = true;
	}
	return err ? err : found ? 0 : -ENOENT;
}

/* Adds ".name" or "[3]". */
static void add(char *path, size_t size, const char *fmt, const char *name, uint64_t index)
{
	size_t len = strlen(path);

	if (name)
		snprintf(path + len, size - len, fmt, name);
	else
		snprintf(path + len, size - len, "[%llu]", (unsigned long long)index);
}

/* One step down, to *type and *offset. -ENOENT: there is no field. */
static int down(const struct addrspace *as, const struct goruntime *rt, const struct descriptor *t,
		uint64_t *type, uint64_t *offset, char *path, size_t size)
{
	char text[GOTYPE_NAME_MAX];
	struct descriptor elem;
	uint64_t name, start;
	int err;

	if (t->kind == KIND_ARRAY) {
		err = read_type(as, rt, t->elem, &elem);
		if (err || !elem.size || *offset / elem.size >= t->len)
			return err ? err : -ENOENT;
		add(path, size, "", NULL, *offset / elem.size);
		*type = t->elem;
		*offset %= elem.size;
		return 0;
	}
	err = field_of(as, rt, t, *offset, &name, type, &start);
	if (err)
		return err;
	*offset -= start;
	err = gotype_text(as, rt, name, text, sizeof(text));
	if (!err)
		add(path, size, ".%s", text, 0);
	return err;
}

static void spot_of(const struct descriptor *t, uint64_t offset, struct gospot *ret)
{
	*ret = (struct gospot){ 0, GOSPOT_WORD };
	if (t->kind == KIND_POINTER && !offset)
		*ret = (struct gospot){ t->elem, GOSPOT_POINTER };
	else if (t->kind == KIND_SLICE && !offset)
		*ret = (struct gospot){ t->elem, GOSPOT_SLICE };
	else if (t->kind == KIND_INTERFACE && offset == 8)
		*ret = (struct gospot){ 0, GOSPOT_INTERFACE };
}

int gofields_at(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		uint64_t offset, char *path, size_t size, struct gospot *ret)
{
	path[0] = '\0';
	for (unsigned int depth = 0; depth <= GOFIELDS_DEPTH_MAX; depth++) {
		struct descriptor t;
		int err = read_type(as, rt, type, &t);

		if (err || offset >= t.size)
			return err ? err : -ENOENT;
		if (t.kind != KIND_STRUCT && t.kind != KIND_ARRAY) {
			spot_of(&t, offset, ret);
			return 0;
		}
		err = down(as, rt, &t, &type, &offset, path, size);
		if (err)
			return err;
	}
	return -EBADMSG;
}
