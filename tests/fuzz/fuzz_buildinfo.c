/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as memory that holds Go build information. */
#include <stdint.h>
#include <string.h>

#include "golang/goexe.h"

#define BASE 0x500000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bufspace b;
	struct gomain *main = NULL;
	struct goexe exe;
	uint64_t at;
	int minor;

	bufspace__init(&b, data, size, BASE);
	if (!goexe_read(&b.as, BASE, &exe, &main)) {
		if (!exe.version[0] || strlen(exe.version) >= sizeof(exe.version))
			__builtin_trap();
		if (strlen(exe.buildmode) >= sizeof(exe.buildmode))
			__builtin_trap();
		if (!goexe_minor(exe.version, &minor) && (minor < 0 || minor > 999))
			__builtin_trap();
		(void)gomain__owns(main, "example.com/my%2eapp/x.(*T).F[int]", "/src/x.go");
		gomain__free(main);
	}
	if (!goexe_find(&b.as, BASE, BASE + size, &at) && (at < BASE || at >= BASE + size))
		__builtin_trap();
	return 0;
}
