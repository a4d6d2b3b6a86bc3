// SPDX-License-Identifier: BSD-2-Clause
#include "engine/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "heap/gosecret.h"
#include "model/stackset.h"
#include "names/sites.h"
#include "probe/gosites.h"

#define ALLOC_KIND 31     /* as bpf/wanted.bpf.h has it */
#define KNOWN_MAX  262144 /* names and stacks; of more each is asked for anew */

struct name_node {
	const char *name; /* of the framer */
	uint64_t hits;
	UT_hash_handle hh;
};

struct stack_node { /* of as many as the profile has */
	struct {
		uint64_t id, rt;
	} key;
	bool wanted;
	UT_hash_handle hh;
};

struct wanted {
	struct wanted_opts o;
	uint16_t kind; /* of the records that are counted, enum pw_kind or ALLOC_KIND */
	size_t nr_rt;
	const struct probes *probes; /* borrowed; NULL: nobody is told */
	struct framer *framer;       /* owned, as all that follow */
	struct sites *sites;
	struct name_node *names;
	struct stack_node *stacks;
	struct label_set *set; /* room for the labels of one goroutine */
	struct attach_filter filters[GOPROC_RUNTIMES_MAX];
	struct attach_site *go_statements[GOPROC_RUNTIMES_MAX];
	struct pw_label *labels;
	size_t nr_labels;
	bool labels_too_long;
	uint64_t *ps;
	size_t nr_ps;
};

static uint16_t kind_of(enum profile_event event)
{
	switch (event) {
	case PROFILE_BIRTHS: return PW_BIRTH;
	case PROFILE_EXITS: return PW_EXIT;
	case PROFILE_SCHED: return PW_SCHED;
	case PROFILE_ALLOC: return ALLOC_KIND;
	case PROFILE_MUTEX: return PW_MUTEX;
	case PROFILE_CPU:
	case PROFILE_WALL: return PW_CPU;
	default: return PW_WAIT;
	}
}

bool wanted_state(const struct filter *f, enum profile_event event, const char **ret_state)
{
	static const char *const states[] = {
		[PROFILE_BLOCKED] = "waiting",    [PROFILE_BIRTHS] = "runnable",
		[PROFILE_EXITS] = "running",      [PROFILE_SCHED] = "runnable",
		[PROFILE_GOROUTINES] = "waiting", [PROFILE_ALLOC] = "running",
		[PROFILE_WAKEUPS] = "waiting",    [PROFILE_CPU] = "running",
		[PROFILE_BLOCK] = "waiting",      [PROFILE_MUTEX] = "running",
	};

	if (event == PROFILE_WALL) /* they are in any */
		return true;
	*ret_state = states[event];
	return filter__allows(f, FILTER_STATE, &(struct filter_subject){ .status = states[event] });
}

void wanted__free(struct wanted *w)
{
	struct stack_node *s, *next_s;
	struct name_node *n, *next_n;

	if (!w)
		return;
	HASH_ITER(hh, w->names, n, next_n)
	{
		HASH_DEL(w->names, n);
		free(n);
	}
	HASH_ITER(hh, w->stacks, s, next_s)
	{
		HASH_DEL(w->stacks, s);
		free(s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(w->go_statements); i++)
		free(w->go_statements[i]);
	sites__free(w->sites);
	framer__free(w->framer);
	free(w->set);
	free(w->labels);
	free(w->ps);
	free(w);
}

/* --- what BPF can tell --- */

/* key_bytes of the text are the key; value NULL: any. */
static void wanted__add_label(struct wanted *w, const char *key, size_t key_bytes,
			      const char *value)
{
	const size_t value_bytes = value ? strlen(value) : 0;
	struct pw_label *l = &w->labels[w->nr_labels];

	if (key_bytes > PW_LABEL_BYTES || value_bytes > PW_LABEL_BYTES ||
	    w->nr_labels == PW_GOIDS_MAX) {
		w->labels_too_long = true;
		return;
	}
	memset(l, 0, sizeof(*l));
	l->key_bytes = (__u32)key_bytes;
	l->value_bytes = value ? (__u32)value_bytes : PW_LABEL_ANY;
	memcpy(l->key, key, key_bytes);
	if (value)
		memcpy(l->value, value, value_bytes);
	w->nr_labels++;
}

/* "k=v" may be the label k, or any label of the name "k=v". */
static int wanted__find_labels(struct wanted *w)
{
	const char *text;

	if (!filter__asks(w->o.filter, FILTER_LABEL))
		return 0;
	w->labels = calloc(PW_GOIDS_MAX, sizeof(*w->labels));
	if (!w->labels)
		return -ENOMEM;
	for (size_t i = 0; filter__text(w->o.filter, FILTER_LABEL, i, &text); i++) {
		wanted__add_label(w, text, strlen(text), NULL);
		for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '='))
			wanted__add_label(w, text, (size_t)(at - text), at + 1);
	}
	return 0;
}

static int wanted__find_ps(struct wanted *w)
{
	const uint64_t *v;
	size_t nr;

	if (!filter__asks(w->o.filter, FILTER_P))
		return 0;
	w->ps = calloc(PW_PS_MAX, sizeof(*w->ps));
	if (!w->ps)
		return -ENOMEM;
	for (size_t i = 0; filter__numbers(w->o.filter, FILTER_P, i, &v, &nr); i++)
		for (size_t k = 0; k < nr && w->nr_ps < PW_PS_MAX; k++)
			w->ps[w->nr_ps++] = v[k];
	return 0;
}

static int wanted__find_sites(struct wanted *w, uint16_t rt)
{
	struct attach_filter *f = &w->filters[rt];
	struct gosites found = { .nr = 0 };
	int err = filter__asks(w->o.filter, FILTER_CREATED_BY)
			  ? gosites__find(w->o.gp, goproc__runtime(w->o.gp, rt), &found)
			  : 0;

	if (err != -ENOMEM) {
		w->go_statements[rt] = calloc(found.nr + 1, sizeof(*w->go_statements[rt]));
		err = w->go_statements[rt] ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < found.nr && !err; i++)
		w->go_statements[rt][i] =
			(struct attach_site){ found.v[i], wanted__made(w, rt, found.v[i]) };
	f->sites = w->go_statements[rt];
	f->nr_sites = found.nr;
	gosites__done(&found);
	return err;
}

/* What the program keeps secret is not read by filters either. */
static bool may_hide(const struct wanted *w, const struct goruntime *rt)
{
	struct gosecret *secret = NULL;
	const int err = gosecret__new(proc__mem(w->o.proc), rt, &secret);
	const bool hides = err || secret;

	gosecret__free(secret);
	return hides;
}

static int wanted__fill(struct wanted *w, uint16_t rt, struct cause *why)
{
	const struct filter *f = w->o.filter;
	const struct goruntime *go = goproc__runtime(w->o.gp, rt);
	const bool async = profile__opts(w->o.profile)->async;
	const uint32_t lives = 1u << PW_BIRTH | 1u << PW_EXIT;
	struct attach_filter *to = &w->filters[rt];

	to->how = (struct pw_filter){
		.sites = 1u << w->kind | (async ? 0 : lives),
		.event = 1u << w->kind,
		.shape = gofacts_has(go->minor, GO_LABEL_LIST) ? PW_LABEL_LIST : PW_LABEL_MAP,
	};
	to->how.on |= filter__asks(f, FILTER_CREATED_BY) ? PW_FILTER_SITES : 0;
	to->how.on |= filter__asks(f, FILTER_FUNC) && w->kind != PW_EXIT ? PW_FILTER_STACKS : 0;
	to->how.on |= filter__asks(f, FILTER_P) ? PW_FILTER_PS : 0;
	if (filter__asks(f, FILTER_LABEL) && !w->labels_too_long && !may_hide(w, go))
		to->how.on |= PW_FILTER_LABELS;
	to->labels = w->labels;
	to->nr_labels = w->nr_labels;
	to->ps = w->ps;
	to->nr_ps = w->nr_ps;
	if (w->kind == PW_SCHED && filter__asks(f, FILTER_P) && !go->regabi)
		return cause__set(why, -EOPNOTSUPP,
				  "%s does not tell on which P a goroutine runs: --p with -e sched "
				  "needs Go 1.17 or later",
				  go->version);
	if (w->kind == ALLOC_KIND && filter__asks(f, FILTER_LABEL) &&
	    !(to->how.on & PW_FILTER_LABELS))
		return cause__set(why, -EOPNOTSUPP,
				  "allocations are summed where they happen, and there --label can "
				  "only be told for labels of at most %d bytes in a program "
				  "without runtime/secret",
				  PW_LABEL_BYTES);
	return wanted__find_sites(w, rt);
}

int wanted__new(const struct wanted_opts *o, struct wanted **ret, struct cause *why)
{
	scoped(wanted) w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->o = *o;
	w->kind = kind_of(profile__opts(o->profile)->event);
	w->nr_rt = goproc__nr_runtimes(o->gp);
	w->set = calloc(1, sizeof(*w->set) + GOLABELS_MAX * sizeof(w->set->v[0]));
	err = w->set ? framer__new(o->namers, w->nr_rt, &w->framer) : -ENOMEM;
	if (!err)
		err = sites__new(w->framer, o->namers, &w->sites);
	if (!err)
		err = wanted__find_labels(w);
	if (!err)
		err = wanted__find_ps(w);
	for (size_t i = 0; i < w->nr_rt && !err; i++)
		err = wanted__fill(w, (uint16_t)i, why);
	if (!err)
		*ret = steal(w);
	return err;
}

const struct attach_filter *wanted__filters(const struct wanted *w)
{
	return w->filters;
}

void wanted__tell(struct wanted *w, const struct probes *p)
{
	w->probes = p;
}

/* --- what is known here --- */

bool wanted__asks(const struct wanted *w, enum filter_kind kind)
{
	return filter__asks(w->o.filter, kind);
}

bool wanted__labels_are_told(const struct wanted *w)
{
	for (size_t i = 0; i < w->nr_rt; i++)
		if (!(w->filters[i].how.on & PW_FILTER_LABELS))
			return false;
	return true;
}

bool wanted__is_of(const struct wanted *w, uint16_t kind)
{
	return kind == w->kind;
}

static uint64_t wanted__name_hits(struct wanted *w, const char *name)
{
	struct name_node *n;
	uint64_t hits;

	HASH_FIND(hh, w->names, &name, sizeof(name), n);
	if (n)
		return n->hits;
	hits = filter__hits(w->o.filter, FILTER_FUNC, name);
	n = HASH_COUNT(w->names) < KNOWN_MAX ? calloc(1, sizeof(*n)) : NULL;
	if (!n)
		return hits;
	n->name = name;
	n->hits = hits;
	HASH_ADD(hh, w->names, name, sizeof(n->name), n);
	if (!n->hh.tbl)
		free(n);
	return hits;
}

/* Whether the functions at these pcs are wanted. first: of the first one, a return address too. */
static bool wanted__funcs(struct wanted *w, uint16_t rt, const uint64_t *pcs, size_t nr, bool first)
{
	struct filter_subject s = { .goid = 0 };
	const struct frame *v;
	size_t frames;

	for (size_t i = 0; i < nr; i++) {
		if (framer__at(w->framer, rt, pcs[i], i || first, &v, &frames))
			continue;
		for (size_t k = 0; k < frames; k++)
			s.func_hits |= wanted__name_hits(w, v[k].name);
	}
	return filter__allows(w->o.filter, FILTER_FUNC, &s);
}

static struct stack_node *wanted__known(const struct wanted *w, uint16_t rt, uint64_t id)
{
	struct stack_node *n, find;

	memset(&find, 0, sizeof(find));
	find.key.id = id;
	find.key.rt = rt;
	HASH_FIND(hh, w->stacks, &find.key, sizeof(find.key), n);
	return n;
}

static bool wanted__judge(struct wanted *w, uint16_t rt, uint64_t id, const uint64_t *pcs,
			  size_t nr)
{
	const bool wanted = wanted__funcs(w, rt, pcs, nr, false);
	struct stack_node *n = HASH_COUNT(w->stacks) < KNOWN_MAX ? calloc(1, sizeof(*n)) : NULL;

	if (!n)
		return wanted;
	n->key.id = id;
	n->key.rt = rt;
	n->wanted = wanted;
	HASH_ADD(hh, w->stacks, key, sizeof(n->key), n);
	if (!n->hh.tbl)
		free(n);
	return wanted;
}

void wanted__learn(struct wanted *w, uint16_t rt, uint64_t stack_id, const uint64_t *pcs, size_t nr)
{
	const struct stack_node *n;
	bool wanted;

	if (!wanted__asks(w, FILTER_FUNC))
		return;
	n = wanted__known(w, rt, stack_id);
	wanted = n ? n->wanted : wanted__judge(w, rt, stack_id, pcs, nr);
	if (w->probes && w->filters[rt].how.on & PW_FILTER_STACKS)
		attach__keep_stack(probes__attach(w->probes, rt), stack_id, wanted);
}

bool wanted__made(struct wanted *w, uint16_t rt, uint64_t gopc)
{
	uint32_t site;

	if (!wanted__asks(w, FILTER_CREATED_BY))
		return true;
	site = sites__of(w->sites, rt, SITE_MADE, gopc, w->o.filter);
	return filter__allows(w->o.filter, FILTER_CREATED_BY,
			      &(struct filter_subject){
				      .created_by_hits =
					      site == SITES_NONE ? 0 : w->sites->v[site].hits });
}

bool wanted__stack(struct wanted *w, uint16_t rt, uint64_t stack_id, uint64_t gopc)
{
	const struct stack_node *n;
	struct stack s;

	if (!wanted__asks(w, FILTER_FUNC))
		return true;
	if (stack_id == PW_STACK_ID_NONE)
		return wanted__funcs(w, rt, &gopc, gopc != 0, true);
	n = wanted__known(w, rt, stack_id);
	if (n)
		return n->wanted;
	if (stackset__get(profile__stacks(w->o.profile), stack_id, &s))
		return false; /* its record was lost: nobody knows its functions */
	return wanted__judge(w, rt, stack_id, s.pcs, s.nr);
}

bool wanted__labels(const struct wanted *w, const struct golabel *v, size_t nr)
{
	struct filter_subject s = { .labels = w->set };

	w->set->nr = nr;
	for (size_t i = 0; i < nr; i++)
		w->set->v[i] = (struct label){ v[i].key, v[i].value };
	return filter__allows(w->o.filter, FILTER_LABEL, &s);
}

bool wanted__status(const struct wanted *w, uint8_t status)
{
	const char *name = gostatus_name(GO_MINOR_MAX, status);
	const struct filter_subject s = { .status = name ? name : "unknown" };

	return filter__allows(w->o.filter, FILTER_STATE, &s);
}
