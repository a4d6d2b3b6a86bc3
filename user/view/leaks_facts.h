/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leaks_facts: what a watch found, as facts of a .pw file, and back: leaks that are shown as they
 * were, byte for byte, in each format.
 *
 * The facts are verdicts with what speaks for each, and who is in each group; goroutines, stacks
 * and labels are those of the look before them (names/factlog). They are no inputs: with other
 * limits the same watch cannot be judged anew. Read from a file they are hostile input.
 */
#ifndef PARKWATCH_VIEW_LEAKS_FACTS_H
#define PARKWATCH_VIEW_LEAKS_FACTS_H

#include "base/cause.h"
#include "base/cleanup.h"
#include "facts/book.h"
#include "names/factlog.h"
#include "view/leaks.h"

/* After leaks__rank(), and what came after that. 0 or -ENOMEM. */
int leaks_facts__write(struct factlog *f, const struct leaks *l, const struct leaks_show *s);

struct leaks_facts; /* as far as it is read */
/* texts: borrowed until free. 0 or -ENOMEM */
int leaks_facts__new(struct textpool *texts, struct leaks_facts **ret);
void leaks_facts__free(struct leaks_facts *s);
DEFINE_SCOPED(leaks_facts)

/* 1: it was for this; 0: it is of another kind; -EBADMSG, -ENOMEM with a cause. */
int leaks_facts__fact(struct leaks_facts *s, const Pw__Fact *f, const struct pw_names *names,
		      struct cause *why);
bool leaks_facts__has(const struct leaks_facts *s); /* it tells of a watch */
size_t leaks_facts__groups(const struct leaks_facts *s);
/*
 * The leaks over the last look; in: of that, with namers and labels, all of it borrowed until they
 * are freed. ret_show: without meta, suspects and all; its texts live as long as texts. -ENOENT: it
 * tells of no watch; -EBADMSG, -ENOMEM; with a cause. Once: what is read is taken.
 */
int leaks_facts__leaks(struct leaks_facts *s, const struct dump_input *in, struct leaks **ret,
		       struct leaks_show *ret_show, struct cause *why);

#endif
