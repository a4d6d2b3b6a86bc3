/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * framer: pcs to frames with names, each pc looked up once.
 *
 * A pc that no table knows is `0x45d2a1`; what is no code of Go (enum pw_pc_word) is `[C]`, `[vdso]`,
 * `[unknown]`.
 * Packages are called as Go's own tracebacks call them: gopkg.in/yaml%2ev3 (names/name_match).
 * Names come from the target: control characters and what is not UTF-8 are replaced by '?', so a
 * name is always one line.
 */
#ifndef PARKWATCH_NAMES_FRAMER_H
#define PARKWATCH_NAMES_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "names/namer.h"

enum frame_kind {
	FRAME_CODE, /* a function at a pc */
	FRAME_WORD, /* a word in brackets */
};

/* Texts are interned: equal texts have equal pointers. They live as long as the framer. */
struct frame {
	enum frame_kind kind;
	/* into the frame before it (root side), of which it shares the pc */
	bool inlined;
	/* its neighbours stand the other way round: it is told by itself, whoever shares its pc */
	bool apart;
	const char *name;
	const char *file;          /* "" for words and unknown pcs */
	uint32_t line, start_line; /* 0 unknown */
	uint64_t pc;               /* of the physical frame, as in the stack; 0 for words */
	uint64_t entry;            /* of the physical function; 0 unknown */
	bool is_return;            /* pc is a return address */
	bool wrapper;              /* made by the compiler, of no interest (goframe.wrapper) */
	bool plumbing;             /* of the runtime, of no interest: gopark, goexit */
	bool own;                  /* the program's own: golang/gomain */
};

struct framer;
/* namers[i] is for rt i; borrowed as long as the framer lives. */
int framer__new(const struct namer *namers, size_t nr_namers, struct framer **ret);
void framer__free(struct framer *f);
DEFINE_SCOPED(framer)

/*
 * All frames of one pc, innermost first: at least one. *ret is borrowed until the next call. 0 or
 * -ENOMEM.
 */
int framer__at(struct framer *f, uint16_t rt, uint64_t pc, bool is_return, const struct frame **ret,
	       size_t *ret_nr);
/*
 * The function that a goroutine really runs, as a frame at its first line. -ENOENT: startpc 0;
 * -ENOMEM.
 */
int framer__start(struct framer *f, uint16_t rt, uint64_t startpc, struct frame *ret);

/* A text of the framer's pool, cleaned as names are: equal texts, equal pointers. Never NULL. */
const char *framer__text(struct framer *f, const char *text);
/* the same, but control characters stay */
const char *framer__verbatim(struct framer *f, const char *text);
const char *framer__format(struct framer *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const struct namer *framer__namer(const struct framer *f, uint16_t rt); /* NULL: there is none */

#endif
