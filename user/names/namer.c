// SPDX-License-Identifier: BSD-2-Clause
#include "names/namer.h"

static int sym_frames(const struct namer *n, uint64_t pc, bool is_return, struct goframe *frames,
		      size_t max)
{
	return gosym__frames(n->sym, pc, is_return, frames, max);
}

static uint64_t sym_unwrap_start(const struct namer *n, uint64_t startpc)
{
	return gosym__unwrap_start(n->sym, startpc);
}

void namer__init(struct namer *n, struct gosym *sym, const struct gomain *main, int go_minor)
{
	*n = (struct namer){
		.frames = sym_frames,
		.unwrap_start = sym_unwrap_start,
		.go_minor = go_minor,
		.sym = sym,
		.main = main,
	};
}
