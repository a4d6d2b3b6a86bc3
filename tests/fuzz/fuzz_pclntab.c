/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the memory that holds a Go module's tables; the first byte is the version. What
 * moduledata_read() takes is looked up; what it refuses is looked up too, with tables taken to lie
 * where the seeds have them.
 */
#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "golang/gosym.h"
#include "golang/moduledata.h"

#define BASE 0x400000ull /* addresses as in tests/unit/fake_module.h */
#define TEXT 0x1000000ull
#define MD   (BASE + 0x100)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void guess(struct pclntab *t, const struct golayout_row *row)
{
	bool old = row->minor < 16;
	uint64_t from = old ? 0x1000 : 0;

	*t = (struct pclntab){
		.header = BASE + 0x1000,
		.moduledata = MD,
		.minor = row->minor,
		.lay = row->tables,
		.nfunc = 5,
		.functab = BASE + (old ? 0x1010 : 0x5000),
		.funcs = { BASE + (old ? from : 0x5000), 0x1800 },
		.names = { BASE + (old ? from : 0x1100), 0x4000 },
		.files = { BASE + (old ? from : 0x3100), 0x4000 },
		.pctab = { BASE + (old ? from : 0x4000), 0x4000 },
		.cutab = { BASE + 0x3800, 8 },
		.text = TEXT,
		.etext = TEXT + 0x1000,
		.minpc = TEXT,
		.maxpc = TEXT + 0x1000,
		.gofunc = BASE + 0x6800,
	};
}

static void look_up(struct gosym *s)
{
	static const char *const names[] = { "runtime.x", "main.main", "runtime.goexit1" };
	struct gofunc fn[ARRAY_SIZE(names)], at;
	int32_t delta;

	for (uint64_t pc = TEXT; pc < TEXT + 0x100; pc += 0x18) {
		struct goframe f[GOSYM_INLINE_MAX];
		int n = gosym__frames(s, pc, pc & 8, f, GOSYM_INLINE_MAX);

		for (int i = 0; i < n; i++)
			if (strlen(f[i].func) > GOSYM_NAME_MAX ||
			    strlen(f[i].file) > GOSYM_NAME_MAX)
				__builtin_trap();
		gosym__unwrap_start(s, pc);
		gosym__spdelta(s, pc, &delta);
		if (!gosym__func_at(s, pc, &at) && (pc < at.entry || pc >= at.end))
			__builtin_trap();
	}
	gosym__find(s, 0, names, ARRAY_SIZE(names), fn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct golayout_row *row;
	scoped(gosym) s = NULL;
	struct moduledata md;
	struct bufspace b;

	if (!size)
		return 0;
	row = golayout_row(15 + data[0] % 13, EM_X86_64);
	bufspace__init(&b, data + 1, size - 1, BASE);
	if (moduledata_read(&b.as, MD, row->minor, &row->tables, &md))
		guess(&md.tab, row);
	if (!gosym__new(&b.as, &md.tab, 1, &s))
		look_up(s);
	return 0;
}
