/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "golang/gotype.h"

#define BASE  0x500000ull
#define MD    0x000 /* moduledata */
#define TYPES 0x400
#define TYPE  0x500
#define NAME  0x600
#define END   0x800

struct image {
	struct bufspace space;
	struct goruntime rt;
	uint8_t buf[END + 0x100];
};

static void put(struct image *m, size_t at, uint64_t v, size_t size)
{
	memcpy(m->buf + at, &v, size);
}

/* One type of this name, as the linker of a Go version writes it. */
static void make_image(struct image *m, int minor, const char *name, bool star)
{
	size_t types = minor == 15  ? 200
		       : minor < 20 ? 280
				    : 296,
	       len = strlen(name), at = NAME + 1;

	memset(m, 0, sizeof(*m));
	bufspace__init(&m->space, m->buf, sizeof(m->buf), BASE);
	m->rt.minor = minor;
	m->rt.nr_modules = 1;
	m->rt.modules[0].moduledata = BASE + MD;
	put(m, MD + types, BASE + TYPES, 8);
	put(m, MD + types + (minor < 27 ? 8 : 16), BASE + END, 8);
	put(m, TYPE + 20, star ? 2 : 0, 1);
	put(m, TYPE + 40, NAME - TYPES, 4);
	if (minor < 17) {
		m->buf[at++] = (uint8_t)(len >> 8);
		m->buf[at++] = (uint8_t)len;
	} else if (len < 128) {
		m->buf[at++] = (uint8_t)len;
	} else {
		m->buf[at++] = (uint8_t)(len | 128);
		m->buf[at++] = (uint8_t)(len >> 7);
	}
	memcpy(m->buf + at, name, len);
}

Test(gotype, names_a_type_of_each_version)
{
	static struct image m;
	char name[64];

	for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
		make_image(&m, minor, "*main.job", false);
		cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), 0,
			     "1.%d", minor);
		cr_expect_str_eq(name, "*main.job", "1.%d", minor);
		make_image(&m, minor, "*main.job", true);
		cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), 0,
			     "1.%d", minor);
		cr_expect_str_eq(name, "main.job", "1.%d: the extra star", minor);
	}
}

Test(gotype, cuts_what_is_too_long)
{
	static struct image m;
	char longer[201] = "", name[16];

	memset(longer, 'x', sizeof(longer) - 1);
	make_image(&m, 26, longer, false);
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), 0);
	cr_expect_str_eq(name, "xxxxxxxxxxxx...");
}

Test(gotype, refuses_what_is_no_type)
{
	static struct image m;
	char name[64] = "untouched";

	make_image(&m, 26, "int", false);
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + END, name, sizeof(name)), -ENOENT,
		     "past the types");
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + END - 8, name, sizeof(name)), -ENOENT,
		     "cut by their end");
	put(&m, TYPE + 40, END, 4);
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), -EBADMSG,
		     "a name past the end");
	put(&m, TYPE + 40, (uint32_t)-4, 4);
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), -EBADMSG,
		     "made by reflect");
	make_image(&m, 26, "int", false);
	memset(m.buf + NAME, 0xff, 8);
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), -EBADMSG,
		     "a length without end");
	make_image(&m, 26, "", false);
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), -EBADMSG,
		     "no name");
	m.rt.minor = GO_MINOR_MAX + 1;
	cr_expect_eq(gotype_name(&m.space.as, &m.rt, BASE + TYPE, name, sizeof(name)), -EOPNOTSUPP,
		     "a newer Go");
	cr_expect_str_eq(name, "untouched");
}

Test(gotype, says_whether_a_type_has_pointers)
{
	static struct image m;
	bool pointers = true;

	make_image(&m, 26, "int", false);
	cr_expect_eq(gotype_pointers(&m.space.as, BASE + TYPE, &pointers), 0);
	cr_expect(!pointers);
	put(&m, TYPE + 8, 8, 8);
	cr_expect_eq(gotype_pointers(&m.space.as, BASE + TYPE, &pointers), 0);
	cr_expect(pointers);
	cr_expect_neq(gotype_pointers(&m.space.as, 8, &pointers), 0);
}
