/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/cpu.h"

#include <criterion/criterion.h>
#include <string.h>

#include "x86/uop.h"

#define CODE  0x401000ull
#define STACK 0xc000100000ull
#define SP    (STACK + 0x40)
#define HEAP  0xc000200000ull

static uint8_t stack[0x100], heap[0x100];

static int read_both(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	(void)as;
	if (addr >= STACK && len <= sizeof(stack) && addr - STACK <= sizeof(stack) - len)
		memcpy(buf, stack + (addr - STACK), len);
	else if (addr >= HEAP && len <= sizeof(heap) && addr - HEAP <= sizeof(heap) - len)
		memcpy(buf, heap + (addr - HEAP), len);
	else
		return -14;
	return 0;
}

static const struct addrspace both = { .read = read_both };
static struct livemem mem;
static struct cpu cpu;

static void put(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

/* A frame of 0x40 bytes at SP; its words are 0x1100, 0x1108, ... */
static void setup(void)
{
	static const int32_t shared[] = { 0x10 };

	for (uint64_t i = 0; i < sizeof(stack); i += 8)
		put(stack + i, 0x10c0 + i);
	put(heap, HEAP + 0x20);
	memset(&cpu, 0, sizeof(cpu));
	memset(&mem, 0, sizeof(mem));
	mem.as = &both;
	cr_assert_eq(livemem__begin(&mem, SP, STACK + sizeof(stack)), 0);
	mem.sp = SP;
	mem.end = SP + 0x48;
	mem.shared = shared;
	mem.nr_shared = 1;
	cpu__after_call(&cpu, SP, true);
	cpu.stale = SP;
}

static void run(const char *code, size_t len)
{
	struct code c = { CODE, (const uint8_t *)code, len };
	struct uop u;

	for (uint64_t at = CODE; at < CODE + len; at += u.len) {
		cr_assert_eq(uop__decode(&c, at, &u), 0);
		cpu__exec(&cpu, &mem, &u);
	}
}

#define RUN(code) run(code, sizeof(code) - 1)

static void expect(unsigned int reg, uint64_t v, enum cpu_how how, const char *why)
{
	cr_expect_eq(cpu.reg[reg].how, how, "%s: %u", why, cpu.reg[reg].how);
	cr_expect_eq(cpu.reg[reg].v, v, "%s: %#lx", why, cpu.reg[reg].v);
}

Test(cpu, computes_what_is_known, .init = setup)
{
	RUN("\x48\x8b\x44\x24\x08" /* mov rax, [rsp+8] */
	    "\x48\x8d\x48\x18");   /* lea rcx, [rax+0x18] */
	expect(UOP_RAX, 0x1108, CPU_HARD, "a slot of the frame");
	expect(UOP_RCX, 0x1120, CPU_HARD, "an address");
	RUN("\xb8\x03\x00\x00\x00" /* mov eax, 3 */
	    "\x83\xe0\xfd"         /* and eax, ~2 */
	    "\x48\xc1\xe0\x04"     /* shl rax, 4 */
	    "\x48\xff\xc0"         /* inc rax */
	    "\x48\xf7\xd8");       /* neg rax */
	expect(UOP_RAX, (uint64_t)-17, CPU_HARD, "arithmetic");
	RUN("\x48\xc7\xc0\xff\xff\xff\xff" /* mov rax, -1 */
	    "\x31\xc0");                   /* xor eax, eax */
	expect(UOP_RAX, 0, CPU_HARD, "32 bits clear the rest");
	RUN("\x31\xdb\xb3\x05\x0f\xb6\xfb"); /* xor ebx, ebx; mov bl, 5; movzx edi, bl */
	expect(UOP_RDI, 5, CPU_HARD, "a byte");
}

Test(cpu, keeps_the_unknown_unknown, .init = setup)
{
	RUN("\x48\x8d\x43\x08"   /* lea rax, [rbx+8] */
	    "\x48\x8b\x4b\x08"); /* mov rcx, [rbx+8] */
	expect(UOP_RAX, 0, CPU_UNKNOWN, "of an unknown register");
	expect(UOP_RCX, 0, CPU_UNKNOWN, "at an unknown address");
	RUN("\x48\x8b\x04\x25\x00\x10\x00\x00"); /* mov rax, [0x1000] */
	expect(UOP_RAX, 0, CPU_UNKNOWN, "unreadable memory");
	RUN("\x64\x48\x8b\x04\x25\xf8\xff\xff\xff"); /* mov rax, fs:-8 */
	expect(UOP_RAX, 0, CPU_UNKNOWN, "thread-local");
	RUN("\xb8\x07\x00\x00\x00\x48\x0f\xc8"); /* mov eax, 7; bswap rax */
	expect(UOP_RAX, 0, CPU_UNKNOWN, "an instruction without a rule");
	RUN("\x0f\x94\xc3"); /* sete bl */
	expect(UOP_RBX, 0, CPU_UNKNOWN, "of unknown flags");
}

Test(cpu, trusts_the_heap_for_addresses_only, .init = setup)
{
	cpu.reg[UOP_RBX] = cpu_value_of(HEAP, 8, CPU_HARD);
	RUN("\x48\x8b\x03"); /* mov rax, [rbx] */
	expect(UOP_RAX, HEAP + 0x20, CPU_SOFT, "the heap changes");
	RUN("\x48\x83\xf8\x00"); /* cmp rax, 0 */
	cr_expect_eq(cpu__condition(&cpu, 4), -1, "no branch by it");
	RUN("\x48\x8b\x4c\x24\x10"); /* mov rcx, [rsp+0x10] */
	expect(UOP_RCX, 0x1110, CPU_SOFT, "a variable whose address was taken");
	RUN("\x48\x83\x7c\x24\x18\x00"); /* cmp qword [rsp+0x18], 0 */
	cr_expect_eq(cpu__condition(&cpu, 4), 0, "the frame's own");
}

Test(cpu, decides_conditions_as_the_machine, .init = setup)
{
	static const struct {
		const char *why;
		uint32_t a, b;
		int below, equal, less, sign; /* of a - b */
	} t[] = {
		{ "equal", 5, 5, 0, 1, 0, 0 },
		{ "less", 4, 5, 1, 0, 1, 1 },
		{ "greater", 6, 5, 0, 0, 0, 0 },
		{ "by sign only", 0xffffffff, 1, 0, 0, 1, 1 },
		{ "without sign only", 1, 0xffffffff, 1, 0, 0, 0 },
		{ "overflow", 0x80000000, 1, 0, 0, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		cpu.reg[UOP_RAX] = cpu_value_of(t[i].a, 4, CPU_HARD);
		cpu.reg[UOP_RCX] = cpu_value_of(t[i].b, 4, CPU_HARD);
		RUN("\x39\xc8"); /* cmp eax, ecx */
		cr_expect_eq(cpu__condition(&cpu, 2), t[i].below, "%s: b", t[i].why);
		cr_expect_eq(cpu__condition(&cpu, 4), t[i].equal, "%s: e", t[i].why);
		cr_expect_eq(cpu__condition(&cpu, 5), !t[i].equal, "%s: ne", t[i].why);
		cr_expect_eq(cpu__condition(&cpu, 8), t[i].sign, "%s: s", t[i].why);
		cr_expect_eq(cpu__condition(&cpu, 12), t[i].less, "%s: l", t[i].why);
		cr_expect_eq(cpu__condition(&cpu, 14), t[i].less || t[i].equal, "%s: le", t[i].why);
		cr_expect_eq(cpu__condition(&cpu, 10), -1, "%s: parity", t[i].why);
	}
}

Test(cpu, reads_what_it_wrote, .init = setup)
{
	RUN("\xb8\x34\x12\x00\x00"   /* mov eax, 0x1234 */
	    "\x88\x44\x24\x09"       /* mov [rsp+9], al */
	    "\x48\x8b\x4c\x24\x08"); /* mov rcx, [rsp+8] */
	expect(UOP_RCX, 0x3408, CPU_HARD, "one byte of a word");
	RUN("\x48\x89\x5c\x24\x08" /* mov [rsp+8], rbx: unknown */
	    "\x48\x8b\x4c\x24\x08");
	expect(UOP_RCX, 0, CPU_UNKNOWN, "something unknown");
	RUN("\x44\x0f\x11\x7c\x24\x04" /* movups [rsp+4], xmm15 */
	    "\x8b\x54\x24\x0c");       /* mov edx, [rsp+12] */
	expect(UOP_RDX, 0, CPU_HARD, "zeroes across words");
	cpu__forget(&cpu, SP, SP + 0x20);
	RUN("\x8b\x54\x24\x0c");
	expect(UOP_RDX, 0, CPU_UNKNOWN, "forgotten");
	cpu.stale = SP + 0x20;
	RUN("\x48\x8b\x44\x24\x18"); /* mov rax, [rsp+0x18] */
	expect(UOP_RAX, 0, CPU_UNKNOWN, "where calls have written");
}

Test(cpu, says_so_when_it_runs_out_of_words, .init = setup)
{
	for (uint64_t i = 0; i < CPU_WORDS_MAX; i++)
		cpu__store(&cpu, HEAP + 8 * i, 8, cpu_value_of(i, 8, CPU_HARD));
	cr_expect_not(cpu.lost);
	cpu__store(&cpu, HEAP + 8 * CPU_WORDS_MAX, 8, cpu_unknown());
	cr_expect(cpu.lost);
}

Test(cpu, joins_to_what_both_know, .init = setup)
{
	struct cpu other = cpu;

	cpu.reg[UOP_RAX] = cpu_value_of(1, 8, CPU_HARD);
	other.reg[UOP_RAX] = cpu_value_of(2, 8, CPU_HARD);
	cpu.reg[UOP_RBX] = cpu_value_of(3, 8, CPU_HARD);
	other.reg[UOP_RBX] = cpu_value_of(3, 8, CPU_SOFT);
	cpu__store(&cpu, SP + 8, 8, cpu_value_of(0x1108, 8, CPU_HARD));
	cpu__store(&other, SP + 0x18, 8, cpu_value_of(7, 8, CPU_HARD));
	cpu__join(&cpu, &other, &mem);
	expect(UOP_RAX, 0, CPU_UNKNOWN, "different");
	expect(UOP_RBX, 3, CPU_SOFT, "as well as the weaker");
	RUN("\x48\x8b\x44\x24\x08\x48\x8b\x4c\x24\x18");
	expect(UOP_RAX, 0x1108, CPU_HARD, "written as it was");
	expect(UOP_RCX, 0, CPU_UNKNOWN, "written by one of them");
}
