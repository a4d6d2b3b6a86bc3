/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "golang/goexe.h"

#define BASE 0x500000ull
#define MODINFO                                                                                    \
	"0123456789abcdef"                                                                         \
	"path\tx\nbuild\t-race=true\nbuild\tCGO_ENABLED=1\nbuild\t-buildmode=pie\n"                \
	"0123456789abcdef"

Test(goexe, reads_the_minor_number_out_of_any_version_text)
{
	static const struct {
		const char *text;
		int err, minor;
	} t[] = {
		{ "go1.15", 0, 15 },
		{ "go1.22.1", 0, 22 },
		{ "go1.22rc1", 0, 22 },
		{ "go1.26.11-X:sizespecializedmalloc", 0, 26 },
		{ "go1.25.0 X:nodwarf5", 0, 25 },
		{ "go1.21.3 (Red Hat 1.21.3-1.el9)", 0, 21 },
		{ "devel go1.28-2ea8ac7 Mon Nov 2 2026", 0, 28 },
		{ "devel +a1b2c3", -EBADMSG, 0 },
		{ "go1.", -EBADMSG, 0 },
		{ "go1.99999999999", -EBADMSG, 0 },
		{ "xgo1.5", -EBADMSG, 0 },
		{ "", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		int minor = 0;

		cr_expect_eq(goexe_minor(t[i].text, &minor), t[i].err, "%s", t[i].text);
		cr_expect_eq(minor, t[i].minor, "%s", t[i].text);
	}
}

/* Go 1.18 and later: the strings behind the header. */
static size_t inline_blob(uint8_t *buf, const char *version, const char *mod)
{
	size_t at = 32;

	memset(buf, 0, 32);
	memcpy(buf, "\xff Go buildinf:\x08\x02", 16);
	buf[at++] = (uint8_t)strlen(version);
	memcpy(buf + at, version, strlen(version));
	at += strlen(version);
	buf[at++] = (uint8_t)((strlen(mod) & 0x7f) | 0x80);
	buf[at++] = (uint8_t)(strlen(mod) >> 7);
	memcpy(buf + at, mod, strlen(mod));
	return at + strlen(mod);
}

Test(goexe, reads_version_and_settings_of_go_118)
{
	uint8_t buf[512] = { 0 };
	struct bufspace b;
	struct goexe exe;
	size_t len = inline_blob(buf, "go1.22.12", MODINFO);

	bufspace__init(&b, buf, len, BASE);
	cr_assert_eq(goexe_read(&b.as, BASE, &exe, NULL), 0);
	cr_expect_str_eq(exe.version, "go1.22.12");
	cr_expect_str_eq(exe.buildmode, "pie");
	cr_expect_eq(exe.race, 1);
	cr_expect_eq(exe.cgo, 1);
}

Test(goexe, reads_the_pointers_of_go_115)
{
	uint8_t buf[256] = { 0 };
	uint64_t words[] = { BASE + 64, BASE + 80, BASE + 100, 7, 0, 0 };
	struct bufspace b;
	struct goexe exe;

	memcpy(buf, "\xff Go buildinf:\x08\x00", 16);
	memcpy(buf + 16, words, 16);     /* where the two strings are */
	memcpy(buf + 64, words + 2, 32); /* version {ptr, 7}, modinfo {0, 0} */
	memcpy(buf + 100, "go1.15x", 7);
	bufspace__init(&b, buf, sizeof(buf), BASE);
	cr_assert_eq(goexe_read(&b.as, BASE, &exe, NULL), 0);
	cr_expect_str_eq(exe.version, "go1.15x");
	cr_expect_eq(exe.race, -1, "settings are of Go 1.18");
}

Test(goexe, refuses_what_is_cut_off_or_damaged)
{
	uint8_t buf[512];
	struct bufspace b;
	struct goexe exe = { .version = "untouched" };
	size_t len = inline_blob(buf, "go1.22.12", MODINFO);

	for (size_t n = 0; n < len; n++) {
		bufspace__init(&b, buf, n, BASE);
		cr_assert_eq(goexe_read(&b.as, BASE, &exe, NULL), -EFAULT, "cut at %zu", n);
	}
	bufspace__init(&b, buf, len, BASE);
	memset(buf + 32, 0xff, 12);
	cr_expect_eq(goexe_read(&b.as, BASE, &exe, NULL), -EBADMSG, "a length without end");
	memset(buf + 32, 0, 1);
	cr_expect_eq(goexe_read(&b.as, BASE, &exe, NULL), -EBADMSG, "no version");
	buf[1] = 'x';
	cr_expect_eq(goexe_read(&b.as, BASE, &exe, NULL), -ENOENT, "no magic");
	cr_expect_str_eq(exe.version, "untouched");
}

Test(goexe, is_found_at_a_sixteenth_byte)
{
	static uint8_t buf[3 * WINDOW_BYTES];
	uint64_t at = 0;
	struct bufspace b;

	bufspace__init(&b, buf, sizeof(buf), BASE);
	cr_expect_eq(goexe_find(&b.as, BASE, BASE + sizeof(buf), &at), -ENOENT);
	inline_blob(buf + 8, "go1.2", "");
	cr_expect_eq(goexe_find(&b.as, BASE, BASE + sizeof(buf), &at), -ENOENT, "not aligned");
	inline_blob(buf + 2 * WINDOW_BYTES - 16, "go1.2", "");
	cr_expect_eq(goexe_find(&b.as, BASE, BASE + sizeof(buf), &at), 0);
	cr_expect_eq(at, BASE + 2 * WINDOW_BYTES - 16, "across two windows");
}
