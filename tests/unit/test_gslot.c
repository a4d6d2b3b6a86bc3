// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include <errno.h>

#include "base/cleanup.h"
#include "x86/gslot.h"

#define CODE 0x401000ull

#define MOV_RAX_FS  "\x64\x48\x8b\x04\x25\xf8\xff\xff\xff" /* mov rax, fs:-8 */
#define MOV_FS_R14  "\x64\x4c\x89\x34\x25\xe0\xff\xff\xff" /* mov fs:-32, r14 */
#define RCX_MINUS_8 "\x48\xc7\xc1\xf8\xff\xff\xff"         /* mov rcx, -8 */
#define RCX_GOT     "\x48\x8b\x0d\x10\x00\x00\x00"         /* mov rcx, [rip + 16] */
#define MOV_RCX_FS  "\x64\x48\x8b\x09"                     /* mov rcx, fs:[rcx] */
#define MOV_RAX_RBX "\x48\x89\xd8"
#define RET         "\xc3"
#define OF(code)    code, sizeof(code) - 1

/* As compilers and linkers write it: docs/go-runtime.md */
static const struct {
	const char *why, *bytes;
	size_t len;
	int want;
	struct gslot at;
} shapes[] = {
	{ "a program", OF(MOV_RAX_RBX MOV_RAX_FS RET), 0, { -8, 0 } },
	{ "written, and C has variables too", OF(MOV_FS_R14 RET), 0, { -32, 0 } },
	{ "a program that is loaded anywhere", OF(RCX_MINUS_8 MOV_RCX_FS), 0, { -8, 0 } },
	{ "a library", OF(RCX_GOT MOV_RCX_FS), 0, { 0, CODE + 7 + 16 } },
	{ "no access", OF(MOV_RAX_RBX RET), -ENOENT, { 0, 0 } },
	{ "nobody says which", OF(RCX_MINUS_8 MOV_RAX_RBX MOV_RCX_FS), -ENOENT, { 0, 0 } },
	{ "the first instruction", OF(MOV_RCX_FS), -ENOENT, { 0, 0 } },
};

Test(gslot, is_found_in_every_shape)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct code code = { CODE, (const uint8_t *)shapes[i].bytes, shapes[i].len };
		struct gslot at = { 0 };

		cr_expect_eq(gslot__find(&code, &at), shapes[i].want, "%s", shapes[i].why);
		if (!shapes[i].want) {
			cr_expect_eq(at.offset, shapes[i].at.offset, "%s", shapes[i].why);
			cr_expect_eq(at.at, shapes[i].at.at, "%s", shapes[i].why);
		}
	}
}
