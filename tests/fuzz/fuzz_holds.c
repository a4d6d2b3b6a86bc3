/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the code, the stack and the heap of a goroutine that waits in main.f
 * (tests/unit/fake_locks.h). The first byte is the version; then the code of all functions, the
 * stack and the heap, as long as there are bytes.
 */
#include <stdint.h>
#include <string.h>

#include "tests/unit/fake_locks.h"

#define MAX        4
#define TEXT_BYTES 0x320 /* of all functions */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const uint8_t **data, size_t *left, uint8_t *to, size_t len)
{
	size_t n = *left < len ? *left : len;

	memcpy(to, *data, n);
	*data += n;
	*left -= n;
}

static void look(struct fake_locks *t)
{
	uint64_t waits[] = { t->entry[FN_SEMACQUIRE] + 5, t->entry[FN_LOCK_SLOW] + 4,
			     t->entry[FN_MAIN] + 5, t->entry[FN_INLINED] + 9,
			     t->entry[FN_GOEXIT] + 1 };
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_locks t;

	if (!size)
		return 0;
	if (fake_locks__init(&t, 15 + data[0] % 13))
		__builtin_trap();
	data++;
	size--;
	take(&data, &size, t.code + 5, TEXT_BYTES - 5); /* main.f keeps the call that it waits in */
	take(&data, &size, t.stack, sizeof(t.stack));
	take(&data, &size, t.heap, sizeof(t.heap));
	look(&t);
	fake_locks__done(&t);
	return 0;
}
