/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * old_dump: the goroutines of an older dump, read from its json or jsonl.
 *
 * The file is hostile: it may be damaged, huge or made up. It is read goroutine by goroutine;
 * beside its text there are 64 bytes a goroutine, and each name once.
 */
#ifndef PARKWATCH_VIEW_OLD_DUMP_H
#define PARKWATCH_VIEW_OLD_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "names/filter.h"
#include "base/textpool.h"

#define OLD_DUMP_BYTES_MAX (1ull << 30) /* of the file */
#define OLD_DUMP_GS_MAX    4194304

/* Texts are of the pool, clean and one line. */
struct old_g {
	uint64_t goid;
	uint64_t runtime;
	const char *start; /* function, "" unknown */
	const char *made;  /* "main.main at /src/main.go:12", see old_dump__made() */
	const char *word;  /* reason, or status */
	size_t at, len;    /* its JSON in text */
};

struct old_dump {   /* read only for others */
	char *text; /* of the file */
	size_t len;
	struct old_g *gs; /* by goid */
	size_t nr;
	int64_t pid; /* 0: jsonl, which does not say */
	const char *exe;
	struct textpool *texts;
};

/*
 * Goroutines that filter takes (NULL: all); the runtime's own only with system. -EBADMSG: no dump;
 * -EFBIG: over the bounds; of open(2) and read(2); each with a cause.
 */
int old_dump__read(const char *path, const struct filter *filter, bool system,
		   struct old_dump **ret, struct cause *why);
/* The same of a text, which is copied; name is for the causes. */
int old_dump__parse(const char *name, const char *text, size_t len, const struct filter *filter,
		    bool system, struct old_dump **ret, struct cause *why);
void old_dump__free(struct old_dump *o);
DEFINE_SCOPED(old_dump)

/* How a creation site is called: a text of the pool. func NULL: nobody knows. */
const char *old_dump__made(struct old_dump *o, const char *func, const char *file, uint64_t line);
/* -EINVAL and a cause: it is of another process or program. 0 also if it does not say. */
int old_dump__is_of(const struct old_dump *o, const char *name, int64_t pid, const char *exe,
		    struct cause *why);

#endif
