/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gostackmap: which words of a parked stack frame are pointers that its code will still use.
 *
 * From the tables that Go's garbage collector goes by (Go runtime/stkframe.go getStackMap,
 * runtime/symtab.go stackmap; up to Go 1.20 in runtime/stack.go): they are exact at calls, and
 * every frame of a parked goroutine stands at one. Where there is no map (assembly, a frame stopped
 * by a signal, damaged tables) every word of the frame counts. Variables whose address was taken
 * ("stack objects") are in no map: they are live as long as a live pointer points at them, which is
 * the reader's to find out.
 *
 * One answer a pc, remembered: goroutines by the hundred thousand stand at a handful of places.
 * Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_GOSTACKMAP_H
#define PARKWATCH_HEAP_GOSTACKMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/gosym.h"

/* of a frame with its arguments: 1 MiB; a larger one has no map */
#define GOSTACKMAP_WORDS_MAX   131072
#define GOSTACKMAP_OBJECTS_MAX 16384 /* of a frame; more: no map */
/* bytes that are remembered; then all is forgotten */
#define GOSTACKMAP_MEMORY_MAX (16u << 20)

/* A variable in the frame whose address was taken. */
struct gostackobj {
	uint32_t off;       /* bytes from sp */
	uint32_t size;      /* bytes: a pointer to any of them keeps it */
	uint32_t ptr_bytes; /* behind these it holds no pointers */
	/* address of a bit for each word up to there: whether it is a pointer; 0: each may be */
	uint64_t mask;
};

struct gostackmap {
	/*
	 * bytes from sp to the slot of the return address, with a link register to that of the caller's
	 * (the rest is the same); -1: no code there, and nothing else is known
	 */
	int32_t spdelta;
	bool whole; /* every word counts; bits and objects are not there */
	/* nothing tells how long its arguments are: the caller's frame counts whole, too */
	bool args_open;
	/* no map tells which of its arguments are live: each counts */
	bool args_guessed;
	/*
	 * from sp to the end of the arguments; those past the return address are the caller's
	 * memory
	 */
	uint32_t nr_words;
	uint32_t nr_objects;
	const struct gostackobj *objects; /* by offset */
	const uint64_t *bits;             /* nr_words of them */
};

static inline bool gostackmap_live(const struct gostackmap *m, size_t word)
{
	return m->whole || (m->bits[word / 64] >> word % 64 & 1);
}

struct gostackmaps;

/* sym: borrowed until free. -ENOMEM. */
int gostackmaps__new(struct gosym *sym, struct gostackmaps **ret);
void gostackmaps__free(struct gostackmaps *ms);
DEFINE_SCOPED(gostackmaps)

/*
 * pc: a return address, or the entry of a function that has not begun; stopped: neither, a signal
 * stopped it there. Never NULL; valid until the next call.
 */
const struct gostackmap *gostackmaps__get(struct gostackmaps *ms, uint64_t pc, bool stopped);

#endif
