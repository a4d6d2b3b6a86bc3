// SPDX-License-Identifier: BSD-2-Clause
#include "names/framer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <parkwatch/event.h>

#include "base/textpool.h"

/* pcs whose names are remembered; then all are forgotten */
#define PCS_CACHED_MAX 65536

struct pc_key { /* hashed as bytes: no padding */
	uint64_t pc;
	uint32_t rt;
	uint32_t is_return;
};

struct pc_names {
	UT_hash_handle hh;
	struct pc_key key;
	size_t nr;
	struct frame v[]; /* innermost first */
};

struct framer {
	const struct namer *namers;
	size_t nr_namers;
	struct textpool *texts;
	struct pc_names *names;
	struct pc_names *unkept; /* of the last pc if there was no room to keep it */
	struct goframe scratch[GOSYM_INLINE_MAX];
};

int framer__new(const struct namer *namers, size_t nr_namers, struct framer **ret)
{
	scoped(framer) f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->namers = namers;
	f->nr_namers = nr_namers;
	err = textpool__new(&f->texts);
	if (err)
		return err;
	*ret = steal(f);
	return 0;
}

static void forget_names(struct framer *f)
{
	struct pc_names *n, *next;

	HASH_ITER(hh, f->names, n, next)
	{
		HASH_DEL(f->names, n);
		free(n);
	}
	free(f->unkept);
	f->unkept = NULL;
}

void framer__free(struct framer *f)
{
	if (!f)
		return;
	forget_names(f);
	textpool__free(f->texts);
	free(f);
}

const char *framer__text(struct framer *f, const char *text)
{
	return textpool__get(f->texts, text);
}

const char *framer__verbatim(struct framer *f, const char *text)
{
	return textpool__verbatim(f->texts, text);
}

const char *framer__format(struct framer *f, const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = textpool__vformat(f->texts, fmt, args);
	va_end(args);
	return text;
}

/* How a goroutine gets to wait, to be made and to end: in every stack, and never of interest. */
static bool is_plumbing(const char *func)
{
	static const char *const names[] = {
		"gopark",      "goparkunlock",       "goexit",  "goexit1",  "mcall",
		"systemstack", "systemstack_switch", "newproc", "newproc1", "newproc.func1",
		"newcoro",     "newcoro.func1",
	};
	size_t i;

	if (strncmp(func, "runtime.", 8))
		return false;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(func + 8, names[i]))
			return true;
	return false;
}

const struct namer *framer__namer(const struct framer *f, uint16_t rt)
{
	return rt < f->nr_namers ? &f->namers[rt] : NULL;
}

/* What stands in a stack for what is no code of Go; NULL: it is a pc. */
static const char *word_of(uint64_t pc)
{
	switch (pc) {
	case PW_PC_C: return "[C]";
	case PW_PC_VDSO: return "[vdso]";
	case PW_PC_UNKNOWN: return "[unknown]";
	default: return NULL;
	}
}

/* Frames of a pc in scratch; a pc that no table knows has one frame, its number. */
static size_t look_up(struct framer *f, uint16_t rt, uint64_t pc, bool is_return, char *number)
{
	const struct namer *n = framer__namer(f, rt);
	int nr = n ? n->frames(n, pc, is_return, f->scratch, ARRAY_SIZE(f->scratch)) : -ENOENT;

	if (nr > 0)
		return (size_t)nr < ARRAY_SIZE(f->scratch) ? (size_t)nr : ARRAY_SIZE(f->scratch);
	snprintf(number, 24, "0x%" PRIx64, pc);
	f->scratch[0] = (struct goframe){ .func = word_of(pc) ? word_of(pc) : number, .file = "" };
	return 1;
}

static struct pc_names *names_make(struct framer *f, const struct pc_key *key)
{
	char number[24];
	size_t nr = look_up(f, (uint16_t)key->rt, key->pc, key->is_return, number), i;
	struct pc_names *n = calloc(1, sizeof(*n) + nr * sizeof(n->v[0]));
	const struct namer *of = framer__namer(f, (uint16_t)key->rt);

	if (!n)
		return NULL;
	n->key = *key;
	n->nr = nr;
	for (i = 0; i < nr; i++) {
		const struct goframe *g = &f->scratch[i];
		const char *func = g->func && g->func[0] ? g->func : "?";

		n->v[i] = (struct frame){
			.kind = FRAME_CODE,
			.inlined = g->inlined,
			.name = textpool__get(f->texts, func),
			.file = textpool__get(f->texts, g->file ? g->file : ""),
			.line = g->line,
			.start_line = g->start_line,
			.pc = key->pc,
			.entry = g->entry,
			.is_return = key->is_return,
			.wrapper = g->wrapper,
			.plumbing = is_plumbing(func),
			.own = namer__owns(of, func, g->file ? g->file : ""),
		};
	}
	return n;
}

/* Borrowed until the next call. */
static const struct pc_names *names_of(struct framer *f, uint16_t rt, uint64_t pc, bool is_return)
{
	const struct pc_key key = { .pc = pc, .rt = rt, .is_return = is_return };
	unsigned int count;
	struct pc_names *n;

	HASH_FIND(hh, f->names, &key, sizeof(key), n);
	if (n)
		return n;
	if (HASH_COUNT(f->names) >= PCS_CACHED_MAX)
		forget_names(f);
	n = names_make(f, &key);
	if (!n)
		return NULL;
	count = HASH_COUNT(f->names);
	HASH_ADD(hh, f->names, key, sizeof(n->key), n);
	if (HASH_COUNT(f->names) == count) {
		free(f->unkept);
		f->unkept = n;
	}
	return n;
}

int framer__at(struct framer *f, uint16_t rt, uint64_t pc, bool is_return, const struct frame **ret,
	       size_t *ret_nr)
{
	const struct pc_names *n = names_of(f, rt, pc, is_return);

	if (!n)
		return -ENOMEM;
	*ret = n->v;
	*ret_nr = n->nr;
	return 0;
}

int framer__start(struct framer *f, uint16_t rt, uint64_t startpc, struct frame *ret)
{
	const struct namer *n = framer__namer(f, rt);
	uint64_t pc = n && startpc ? n->unwrap_start(n, startpc) : startpc;
	const struct pc_names *names;

	if (!pc)
		return -ENOENT;
	names = names_of(f, rt, pc, false);
	if (!names)
		return -ENOMEM;
	*ret = names->v[names->nr - 1];
	if (ret->start_line)
		ret->line = ret->start_line;
	return 0;
}
