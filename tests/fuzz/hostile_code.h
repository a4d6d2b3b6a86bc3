/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile_code: any bytes as the code, the stack and the heap of a goroutine that waits in main.f
 * (tests/unit/fake_locks.h), of a machine. The first byte is the version; then the code of all
 * functions, the stack and the heap, as long as there are bytes.
 */
#ifndef PARKWATCH_TESTS_HOSTILE_CODE_H
#define PARKWATCH_TESTS_HOSTILE_CODE_H

#include <stdint.h>
#include <string.h>

#include "tests/unit/fake_locks.h"

#define MAX        4
#define TEXT_BYTES 0x320 /* of all functions */

static inline void hostile_code__take(const uint8_t **data, size_t *left, uint8_t *to, size_t len)
{
	size_t n = *left < len ? *left : len;

	memcpy(to, *data, n);
	*data += n;
	*left -= n;
}

static inline void hostile_code__look(struct fake_locks *t, size_t call)
{
	uint64_t waits[] = { t->entry[FN_SEMACQUIRE] + call, t->entry[FN_LOCK_SLOW] + 4,
			     t->entry[FN_MAIN] + call, t->entry[FN_INLINED] + call + 4,
			     t->entry[FN_GOEXIT] + 4 };
	struct held held[MAX];
	bool complete;
	int nr;

	nr = fake_locks__find(t, LOCKS_HEAP + 0x100, held, MAX, &complete);
	if (nr > MAX)
		__builtin_trap();
	for (int i = 0; i < nr; i++)
		if (held[i].frame != 1)
			__builtin_trap();
	fake_locks__find_from(t, waits, ARRAY_SIZE(waits), LOCKS_SP - 0x28, 0, held, MAX,
			      &complete);
}

static inline void hostile_code__run(const struct isa *isa, const uint8_t *data, size_t size)
{
	static struct fake_locks t;
	const size_t call = isa->call_bytes;
	int minor;

	if (!size)
		return;
	minor = 15 + data[0] % 13;
	if (fake_locks__init_on(&t, isa, gofacts_has(minor, GO_REGABI), minor))
		__builtin_trap();
	data++;
	size--;
	/* main.f keeps the call that it waits in */
	hostile_code__take(&data, &size, t.code + call, TEXT_BYTES - call);
	hostile_code__take(&data, &size, t.stack, sizeof(t.stack));
	hostile_code__take(&data, &size, t.heap, sizeof(t.heap));
	hostile_code__look(&t, call);
	fake_locks__done(&t);
}

#endif
