/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "golang/gofields.h"

#define BASE  0x500000ull
#define TYPES 0x400
#define END   0x1800

struct image {
	struct bufspace space;
	struct goruntime rt;
	size_t used; /* of the types */
	uint8_t buf[END + 0x100];
};

static void put(struct image *m, size_t at, uint64_t v, size_t size)
{
	memcpy(m->buf + at, &v, size);
}

static uint64_t put_name(struct image *m, const char *name)
{
	const size_t at = m->used, len = strlen(name);

	if (m->rt.minor < 17)
		m->buf[at + 2] = (uint8_t)len;
	else
		m->buf[at + 1] = (uint8_t)len;
	memcpy(m->buf + at + (m->rt.minor < 17 ? 3 : 2), name, len);
	m->used += len + 8;
	return BASE + at;
}

/* A descriptor of kind, values are size bytes; what comes behind it is up to the test. */
static uint64_t put_type(struct image *m, unsigned int kind, uint64_t size)
{
	const uint64_t name = put_name(m, "main.T");
	const size_t at = m->used = (m->used + 7) & ~(size_t)7;

	put(m, at, size, 8);
	put(m, at + 23, kind | 32, 1);
	put(m, at + 40, name - BASE - TYPES, 4);
	m->used += 96;
	return BASE + at;
}

static void set(struct image *m, uint64_t type, size_t at, uint64_t v)
{
	put(m, type - BASE + at, v, 8);
}

/* struct { n int; in [3]struct{ p *main.T; any interface{}; s []main.T } } */
struct shape {
	uint64_t outer, elem;
};

static struct shape make(struct image *m, int minor)
{
	const size_t types = minor == 15 ? 200 : minor < 20 ? 280 : 296;
	const unsigned int twice = minor < 19;
	struct shape ret;
	uint64_t number, pointer, interface, slice, array, inner, fields;

	memset(m, 0, sizeof(*m));
	bufspace__init(&m->space, m->buf, sizeof(m->buf), BASE);
	m->rt.minor = minor;
	m->rt.nr_modules = 1;
	m->rt.modules[0].moduledata = BASE;
	put(m, types, BASE + TYPES, 8);
	put(m, types + (minor < 27 ? 8 : 16), BASE + END, 8);
	m->used = TYPES + 8;
	number = ret.elem = put_type(m, 2, 8);
	pointer = put_type(m, 22, 8);
	set(m, pointer, 48, ret.elem);
	interface = put_type(m, 20, 16);
	slice = put_type(m, 23, 24);
	set(m, slice, 48, ret.elem);
	inner = put_type(m, 25, 48);
	array = put_type(m, 17, 3 * 48);
	set(m, array, 48, inner);
	set(m, array, 64, 3);
	ret.outer = put_type(m, 25, 8 + 3 * 48);
	const struct {
		uint64_t of;
		const char *name;
		uint64_t type, offset;
	} t[] = {
		{ inner, "p", pointer, 0 },    { inner, "any", interface, 8 },
		{ inner, "s", slice, 24 },     { ret.outer, "n", number, 0 },
		{ ret.outer, "in", array, 8 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t name = put_name(m, t[i].name);

		put(m, END + i * 24, name, 8);
		put(m, END + i * 24 + 8, t[i].type, 8);
		put(m, END + i * 24 + 16, t[i].offset << twice, 8);
	}
	fields = BASE + END;
	set(m, inner, 56, fields);
	set(m, inner, 64, 3);
	set(m, ret.outer, 56, fields + 3 * 24);
	set(m, ret.outer, 64, 2);
	return ret;
}

Test(gofields, say_what_lies_at_an_offset_on_each_version)
{
	static struct image m;

	for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
		const struct shape s = make(&m, minor);
		const struct {
			uint64_t offset;
			const char *path;
			struct gospot want;
		} t[] = {
			{ 0, ".n", { 0, GOSPOT_WORD } },
			{ 8, ".in[0].p", { s.elem, GOSPOT_POINTER } },
			{ 8 + 48, ".in[1].p", { s.elem, GOSPOT_POINTER } },
			{ 8 + 48 + 8, ".in[1].any", { 0, GOSPOT_WORD } },
			{ 8 + 48 + 16, ".in[1].any", { 0, GOSPOT_INTERFACE } },
			{ 8 + 2 * 48 + 24, ".in[2].s", { s.elem, GOSPOT_SLICE } },
			{ 8 + 2 * 48 + 32, ".in[2].s", { 0, GOSPOT_WORD } },
		};

		for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
			struct gospot spot = { 1, GOSPOT_WORD };
			char path[64];

			cr_expect_eq(gofields_at(&m.space.as, &m.rt, s.outer, t[i].offset, path,
						 sizeof(path), &spot),
				     0, "1.%d: %s", minor, t[i].path);
			cr_expect_str_eq(path, t[i].path, "1.%d: '%s', want '%s'", minor, path,
					 t[i].path);
			cr_expect_eq(spot.kind, t[i].want.kind, "1.%d: %s", minor, t[i].path);
			cr_expect_eq(spot.to, t[i].want.to, "1.%d: %s", minor, t[i].path);
		}
	}
}

Test(gofields, refuse_what_is_no_type_or_makes_no_sense)
{
	static struct image m;
	struct shape s = make(&m, 26);
	struct gospot spot;
	uint64_t size, elem;
	char path[8];

	cr_expect_eq(gofields_size(&m.space.as, &m.rt, s.outer, &size), 0);
	cr_expect_eq(size, 8 + 3 * 48);
	cr_expect_eq(gofields_elem(&m.space.as, &m.rt, s.outer, &elem), -ENOENT, "no pointer");
	cr_expect_eq(gofields_at(&m.space.as, &m.rt, s.outer, 8 + 3 * 48, path, sizeof(path),
				 &spot),
		     -ENOENT, "behind it");
	cr_expect_eq(gofields_at(&m.space.as, &m.rt, BASE + END, 0, path, sizeof(path), &spot),
		     -ENOENT, "no type");
	cr_expect_eq(gofields_at(&m.space.as, &m.rt, s.outer, 8 + 48 + 16, path, sizeof(path),
				 &spot),
		     0);
	cr_expect_str_eq(path, ".in[1].", "cut: %s", path);
	put(&m, END + 3 * 24 + 24 + 8, s.outer, 8); /* its field is itself, again and again */
	put(&m, END + 3 * 24 + 24 + 16, 0, 8);
	cr_expect_eq(gofields_at(&m.space.as, &m.rt, s.outer, 8, path, sizeof(path), &spot),
		     -EBADMSG);
	set(&m, s.outer, 64, 1u << 30);
	cr_expect_eq(gofields_at(&m.space.as, &m.rt, s.outer, 8, path, sizeof(path), &spot),
		     -EBADMSG, "too many fields");
}
