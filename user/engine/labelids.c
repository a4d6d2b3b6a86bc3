// SPDX-License-Identifier: BSD-2-Clause
#include "engine/labelids.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* no memory for the table: hh.tbl stays NULL, and nothing is kept */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/golabels.h"

#define NOT_READ "(not read)" /* in place of labels that may be secret */

struct label_entry {
	struct {
		uint64_t goid, ptr;
		uint64_t rt;
	} key;
	uint32_t label;
	UT_hash_handle hh;
};

struct labelids {
	struct goproc *gp; /* borrowed, as the next */
	struct profile *profile;
	struct label_entry *all;
};

int labelids__new(struct goproc *gp, struct profile *profile, struct labelids **ret)
{
	struct labelids *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->gp = gp;
	l->profile = profile;
	*ret = l;
	return 0;
}

static void labelids__drop(struct labelids *in)
{
	struct label_entry *l, *l_next;

	HASH_ITER(hh, in->all, l, l_next)
	{
		HASH_DEL(in->all, l);
		free(l);
	}
}

void labelids__free(struct labelids *l)
{
	if (!l)
		return;
	labelids__drop(l);
	free(l);
}

/* "k=v,k2=v2"; "" if there are none or they could not be read. */
static void label_text(const struct golabel *labels, size_t nr, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < nr && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s=%s", i ? "," : "",
					 labels[i].key, labels[i].value);
}

static void labelids__keep(struct labelids *l, const struct label_entry *found)
{
	struct label_entry *e;

	if (HASH_COUNT(l->all) >= LABELIDS_MAX)
		labelids__drop(l);
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	*e = *found;
	HASH_ADD(hh, l->all, key, sizeof(e->key), e);
	if (!e->hh.tbl)
		free(e);
}

uint32_t labelids__id(struct labelids *l, struct labelspace *space, uint64_t found_ns, uint16_t rt,
		      uint64_t goid, uint64_t ptr)
{
	struct golabel labels[GOLABELS_MAX];
	const struct addrspace *as;
	struct label_entry *e, find;
	char text[PROFILE_LABEL_TEXT_MAX];
	size_t nr = 0;

	if (!ptr)
		return PROFILE_LABEL_NONE;
	memset(&find, 0, sizeof(find));
	find.key.goid = goid;
	find.key.ptr = ptr;
	find.key.rt = rt;
	HASH_FIND(hh, l->all, &find.key, sizeof(find.key), e);
	if (e)
		return e->label;
	as = labelspace__at(space, found_ns);
	if (!as)
		return profile__label(l->profile, NOT_READ);
	if (golabels_read(as, goproc__runtime(l->gp, rt)->minor, ptr, labels, GOLABELS_MAX, &nr))
		return PROFILE_LABEL_NONE;
	label_text(labels, nr, text, sizeof(text));
	find.label = profile__label(l->profile, text);
	labelids__keep(l, &find);
	return find.label;
}
