// SPDX-License-Identifier: BSD-2-Clause
#include "names/namer.h"

#include <errno.h>

/* --- over the tables of the program --- */

static int sym_frames(const struct namer *n, uint64_t pc, bool is_return, struct goframe *frames,
		      size_t max)
{
	return gosym__frames(n->sym, pc, is_return, frames, max);
}

static uint64_t sym_unwrap_start(const struct namer *n, uint64_t startpc)
{
	return gosym__unwrap_start(n->sym, startpc);
}

static int sym_caller(const struct namer *n, uint64_t pc, struct gofunc *ret)
{
	return gosym__func_at(n->sym, pc - 1, ret);
}

static bool sym_owns(const struct namer *n, const char *func, const char *file)
{
	return gomain__owns(n->main, func, file);
}

void namer__init(struct namer *n, struct gosym *sym, const struct gomain *main, int go_minor)
{
	*n = (struct namer){
		.frames = sym_frames,
		.unwrap_start = sym_unwrap_start,
		.caller = sym_caller,
		.owns = sym_owns,
		.go_minor = go_minor,
		.sym = sym,
		.main = main,
	};
}

/* --- over a recording --- */

/* A return address means the pc before it: each of them tells the other. */
static bool code_at(const struct namer *n, uint64_t pc, bool is_return, struct code_at *ret)
{
	return codebook__get(n->code, n->rt, pc, is_return ? CODE_RETURN : CODE_HERE, ret) ||
	       (!is_return && codebook__get(n->code, n->rt, pc + 1, CODE_RETURN, ret));
}

static int code_frames(const struct namer *n, uint64_t pc, bool is_return, struct goframe *frames,
		       size_t max)
{
	struct code_at c;
	size_t nr;

	if (!code_at(n, pc, is_return, &c))
		return -ENOENT;
	nr = c.nr < max ? c.nr : max;
	for (size_t i = 0; i < nr; i++)
		frames[i] = (struct goframe){
			.func = c.frames[i].func,
			.file = c.frames[i].file,
			.line = c.frames[i].line,
			.start_line = c.frames[i].start_line,
			.entry = c.entry,
			.inlined = c.frames[i].inlined,
			.wrapper = c.frames[i].wrapper,
		};
	return (int)nr;
}

static uint64_t code_unwrap_start(const struct namer *n, uint64_t startpc)
{
	struct code_at c;

	return codebook__get(n->code, n->rt, startpc, CODE_START, &c) ? c.start : startpc;
}

static int code_caller(const struct namer *n, uint64_t pc, struct gofunc *ret)
{
	struct code_at c;

	if (!codebook__get(n->code, n->rt, pc, CODE_RETURN, &c) || !c.size)
		return -ENOENT;
	*ret = (struct gofunc){ .entry = c.entry, .end = c.entry + c.size };
	return 0;
}

static bool code_owns(const struct namer *n, const char *func, const char *file)
{
	return codebook__owns(n->code, func, file);
}

void namer__of_recording(struct namer *n, const struct codebook *code, uint16_t rt, int go_minor)
{
	*n = (struct namer){
		.frames = code_frames,
		.unwrap_start = code_unwrap_start,
		.caller = code_caller,
		.owns = code_owns,
		.go_minor = go_minor,
		.code = code,
		.rt = rt,
	};
}

/* --- over any --- */

int namer__caller(const struct namer *n, uint64_t pc, struct gofunc *ret)
{
	return n->caller ? n->caller(n, pc, ret) : -ENOENT;
}

bool namer__owns(const struct namer *n, const char *func, const char *file)
{
	return n && n->owns ? n->owns(n, func, file) : gomain__owns(NULL, func, file);
}

uint32_t namer__has(const struct namer *n, const char *const *funcs, size_t nr)
{
	struct gofunc found[32];
	uint32_t has = 0;

	if (!n->sym || nr > 32 || gosym__find(n->sym, 0, funcs, nr, found))
		return 0;
	for (size_t i = 0; i < nr; i++)
		has |= found[i].entry ? 1u << i : 0;
	return has;
}
