/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goarch.h"

#include <elf.h>
#include <stddef.h>

#include "arm64/coderef.h"
#include "arm64/site.h"
#include "base/cleanup.h"
#include "x86/coderef.h"
#include "x86/gslot.h"
#include "x86/site.h"

static const struct goarch archs[] = {
	{
		.machine = EM_X86_64,
		.name = "amd64",
		.regabi = GO_REGABI,
		.args = { 0, 3, 1, 7 }, /* rax, rbx, rcx, rdi */
		.g = 14,                /* r14 */
		.atomic_ways = 1,
		.choose_site = site__choose,
		.find_call = code__find_call,
		.find_ret = code__find_ret,
		.find_gslot = gslot__find,
		.next_ref = coderef__next,
	},
	{
		.machine = EM_AARCH64,
		.name = "arm64",
		.regabi = GO_REGABI_ARM64,
		.args = { 0, 1, 2, 3 },
		.g = 28,
		.g_always = true,
		.link = true,
		.atomic_ways = 2,
		.moves_frames = GO_FRAMES_MOVE,
		.passed = 8, /* the return address is saved below it */
		.missing = "samples of what runs in programs with C (record -e cpu, -e wall)",
		.choose_site = a64_site__choose,
		.find_call = a64_code__find_call,
		.find_ret = a64_code__find_ret,
		.next_ref = a64_coderef__next,
	},
};

const struct goarch *goarch_of(uint16_t machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++)
		if (archs[i].machine == machine)
			return &archs[i];
	return NULL;
}

const struct goarch *goarch_native(void)
{
	return goarch_of(PARKWATCH_MACHINE);
}
