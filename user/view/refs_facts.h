/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refs_facts: the answer of refs to facts (facts.proto, Search), and back: the same bytes in every
 * format.
 */
#ifndef PARKWATCH_VIEW_REFS_FACTS_H
#define PARKWATCH_VIEW_REFS_FACTS_H

#include "base/textpool.h"
#include "facts/pw_reader.h"
#include "names/factlog.h"
#include "view/refs.h"

#define REFS_FACTS_ROWS_MAX (1u << 22) /* groups, paths, steps */

/* After the look that it is of. 0 or -ENOMEM; errors of writing are told by factlog__end(). */
int refs_facts__write(struct factlog *f, const struct refs *rs, const struct refs_show *s);

struct refs_facts;                                                    /* what was read so far */
int refs_facts__new(struct textpool *texts, struct refs_facts **ret); /* borrowed. 0 or -ENOMEM */
void refs_facts__free(struct refs_facts *s);
DEFINE_SCOPED(refs_facts)

/* 1: it was for us; 0: it is of another kind; -EBADMSG, -ENOMEM with a cause. */
int refs_facts__fact(struct refs_facts *s, const Pw__Fact *f, const struct pw_names *names,
		     struct cause *why);
/* As far as it was read, without goroutines: borrowed. NULL: nothing of that was recorded. */
const struct refs *refs_facts__read(const struct refs_facts *s);
/*
 * The file ends before all was told: paths of which not all steps are there are left out. For
 * groups that have lost all of theirs only counts are shown. Once, after the last fact.
 */
void refs_facts__cut(struct refs_facts *s);
/*
 * d: all goroutines of the look, the runtime's own too. *ret borrows from d and s, *ret_show from s:
 * all but meta and top. Once. -ENOENT: nothing of that was recorded; -EBADMSG: it does not fit
 * together, or the file was cut off within it and nobody said so; -ENOMEM; each with a cause.
 */
int refs_facts__refs(struct refs_facts *s, struct dump *d, struct refs **ret,
		     struct refs_show *ret_show, struct cause *why);

#endif
