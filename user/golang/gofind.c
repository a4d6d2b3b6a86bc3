/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gofind.h"

#include <errno.h>
#include <string.h>

#include "golang/gofacts.h"

#define BUCKETS  256
#define FUNC_MAX 64 /* bytes of the largest struct _func */

struct spot { /* a wanted name at an offset of the table of names */
	uint32_t off, name;
};

struct find {
	const struct addrspace *as;
	const struct pclntab *t;
	const char *const *names;
	size_t nr;
	size_t *len;             /* of each name */
	uint32_t first[BUCKETS]; /* name + 1, by its last two characters; 0: none */
	uint32_t *next;          /* name + 1 */
	struct spot *spots;
	size_t nr_spots, max_spots;
};

static unsigned int bucket_of(uint8_t last, uint8_t before)
{
	return (unsigned int)(last * 31 + before * 7) % BUCKETS;
}

static int find__init(struct find *f)
{
	f->len = reallocarray(NULL, f->nr, sizeof(*f->len));
	f->next = reallocarray(NULL, f->nr, sizeof(*f->next));
	if (!f->len || !f->next)
		return -ENOMEM;
	for (size_t i = 0; i < f->nr; i++) {
		const char *n = f->names[i];
		unsigned int b;

		f->len[i] = strlen(n);
		if (f->len[i] < 2 || f->len[i] >= GOSYM_NAME_MAX)
			return -EINVAL;
		b = bucket_of((uint8_t)n[f->len[i] - 1], (uint8_t)n[f->len[i] - 2]);
		f->next[i] = f->first[b];
		f->first[b] = (uint32_t)i + 1;
	}
	return 0;
}

static void find__done(struct find *f)
{
	free(f->len);
	free(f->next);
	free(f->spots);
}

static int find__add_spot(struct find *f, uint64_t off, uint32_t name)
{
	if (f->nr_spots == GOFIND_SPOTS_MAX || off > UINT32_MAX)
		return -EBADMSG;
	if (f->nr_spots == f->max_spots) {
		size_t max = f->max_spots ? 2 * f->max_spots : 256;
		struct spot *s = reallocarray(f->spots, max, sizeof(*s));

		if (!s)
			return -ENOMEM;
		f->spots = s;
		f->max_spots = max;
	}
	f->spots[f->nr_spots++] = (struct spot){ .off = (uint32_t)off, .name = name };
	return 0;
}

/*
 * The text before the NUL at buf[end]: is it, or does it end with, a wanted name? Up to Go 1.15
 * names have no neighbours of their kind.
 */
static int find__match(struct find *f, const uint8_t *buf, size_t end, uint64_t base)
{
	uint32_t i;

	if (end < 2)
		return 0;
	for (i = f->first[bucket_of(buf[end - 1], buf[end - 2])]; i; i = f->next[i - 1]) {
		size_t len = f->len[i - 1];
		int err;

		if (len > end || memcmp(buf + end - len, f->names[i - 1], len) != 0)
			continue;
		if (gofacts_has(f->t->minor, GO_NAMES_APART) && len < end && buf[end - len - 1])
			continue; /* the tail of a longer name */
		err = find__add_spot(f, base + end - len, i - 1);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Streams the names. Pieces overlap by GOSYM_NAME_MAX, so that each name lies whole in one of
 * them.
 */
static int find__spots(struct find *f)
{
	const struct tabspan *names = &f->t->names;
	uint64_t at = 0;
	struct window w;
	int err = window__init(&w, f->as, names->addr, names->addr + names->len);
	size_t seen = 0; /* bytes of the piece that the one before has covered */

	while (!err && at < names->len) {
		const uint8_t *buf, *nul;
		size_t len = names->len - at < WINDOW_BYTES ? names->len - at : WINDOW_BYTES;

		err = window__at(&w, names->addr + at, len, &buf);
		for (size_t i = seen; !err && i < len; i = (size_t)(nul - buf) + 1) {
			nul = memchr(buf + i, '\0', len - i);
			if (!nul)
				break;
			err = find__match(f, buf, (size_t)(nul - buf), at);
		}
		/* Apart, each name is there once. */
		if (len < WINDOW_BYTES ||
		    (gofacts_has(f->t->minor, GO_NAMES_APART) && f->nr_spots >= f->nr))
			break;
		at += len - GOSYM_NAME_MAX;
		seen = GOSYM_NAME_MAX;
	}
	window__done(&w);
	return err;
}

static int compare_spots(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* Streams functab and what it points at. */
static int find__funcs(struct find *f, struct window *tab, struct window *funcs, struct gofunc *ret)
{
	const struct pclntab *t = f->t;
	size_t size = pclntab_entry_bytes(t), missing = f->nr_spots;

	for (uint64_t i = 0; i < t->nfunc && missing; i++) {
		struct spot key, *hit;
		struct pcfunc fn;
		const uint8_t *e, *raw;
		uint64_t off = 0, next = 0;
		int err = window__at(tab, t->functab + i * size, size + size / 2, &e);

		if (err)
			return err;
		memcpy(&off, e + size / 2, size / 2);
		memcpy(&next, e + size, size / 2);
		if (off > t->funcs.len)
			return -EBADMSG;
		err = window__at(funcs, t->funcs.addr + off, pclntab_func_bytes(t), &raw);
		if (err)
			return err == -EFAULT ? -EBADMSG : err;
		pclntab_decode_func(t, raw, t->funcs.addr + off, &fn);
		key.off = fn.nameoff;
		hit = bsearch(&key, f->spots, f->nr_spots, sizeof(key), compare_spots);
		if (!hit || fn.funcid == gofacts_of(t->minor)->funcid_wrapper ||
		    ret[hit->name].entry)
			continue;
		ret[hit->name] = (struct gofunc){ .entry = fn.entry,
						  .end = size == 8 ? t->text + next : next };
		missing--;
	}
	return 0;
}

int gofind_names(const struct addrspace *as, const struct pclntab *t, const char *const *names,
		 size_t nr, struct gofunc *ret)
{
	struct find f = { .as = as, .t = t, .names = names, .nr = nr };
	struct window tab = { 0 }, funcs = { 0 };
	scoped_mem struct gofunc *found = calloc(nr ? nr : 1, sizeof(*found));
	size_t size = pclntab_entry_bytes(t);
	int err;

	if (!found)
		return -ENOMEM;
	err = find__init(&f);
	if (!err)
		err = find__spots(&f);
	if (f.nr_spots) /* qsort() takes no NULL */
		qsort(f.spots, f.nr_spots, sizeof(*f.spots), compare_spots);
	if (!err)
		err = window__init(&tab, as, t->functab, t->functab + t->nfunc * size + size / 2);
	if (!err)
		err = window__init(&funcs, as, t->funcs.addr, t->funcs.addr + t->funcs.len);
	if (!err && f.nr_spots)
		err = find__funcs(&f, &tab, &funcs, found);
	if (!err)
		memcpy(ret, found, nr * sizeof(*found));
	window__done(&tab);
	window__done(&funcs);
	find__done(&f);
	return err;
}
