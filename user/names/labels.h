/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labels: the pprof labels of goroutines as texts, each set made once: most goroutines share theirs
 * or have none.
 */
#ifndef PARKWATCH_NAMES_LABELS_H
#define PARKWATCH_NAMES_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/labelbook.h"
#include "names/framer.h"

#define LABELS_MAX      64    /* of one goroutine: as golang/golabels reads at most */
#define LABELS_SETS_MAX 65536 /* sets that are remembered; then all are forgotten */

struct label {
	const char *key, *value; /* whole: with control characters, but valid UTF-8 */
};

struct label_set {
	size_t nr;
	/*
	 * "k=v,k2=v2" in one clean line, "" for none; a text of the framer: equal texts, equal
	 * pointers
	 */
	const char *text;
	const char *same; /* equal sets, equal pointers */
	struct label v[]; /* by key */
};

struct labels;
/* book, f: borrowed until free. book NULL: nobody has labels. */
int labels__new(const struct labelbook *book, struct framer *f, struct labels **ret);
void labels__free(struct labels *l);
DEFINE_SCOPED(labels)

/* ptr: g.labels. Never NULL, borrowed until the next call. */
const struct label_set *labels__get(struct labels *l, uint64_t ptr);

#endif
