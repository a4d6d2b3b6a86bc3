// SPDX-License-Identifier: BSD-2-Clause
/* refs_facts_read: the facts of a recording, which is hostile input, to the answer of refs. */
#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "facts/book.h"
#include "facts/fact_flags.h"
#include "facts/reach.h"
#include "view/refs_facts.h"

struct told {          /* a goroutine of a group */
	uint64_t goid; /* 0: in recordings that have none, g */
	uint32_t g;    /* row of the look */
	uint16_t rt;
};

struct refs_facts {
	struct textpool *texts;
	bool any;
	unsigned int looks;
	uint64_t heap_bytes, ns;
	const char *doubt;
	struct refs *rs;
	struct told *told; /* by group */
	size_t told_room, groups_room;
	uint64_t nr_paths, nr_steps; /* that groups and paths say they have */
};

int refs_facts__new(struct textpool *texts, struct refs_facts **ret)
{
	struct refs_facts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->texts = texts;
	s->rs = calloc(1, sizeof(*s->rs));
	if (!s->rs) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void refs_facts__free(struct refs_facts *s)
{
	if (!s)
		return;
	refs__free(s->rs);
	free(s->told);
	free(s);
}

static const char *text_of(const struct refs_facts *s, const struct pw_names *names, uint32_t id)
{
	return textpool__get(s->texts, pw_name(names, id));
}

static bool groups_fit(const Pw__RefGroups *f, size_t nr, size_t keepers)
{
	return column_fits(f->n_runtime, nr) && column_fits(f->n_goroutine, nr) &&
	       column_fits(f->n_goid, nr) && column_fits(f->n_verdict, nr * REF_VERDICTS) &&
	       column_fits(f->n_object, nr) && column_fits(f->n_object_bytes, nr) &&
	       column_fits(f->n_object_type, nr) && column_fits(f->n_func, nr) &&
	       column_fits(f->n_file, nr) && column_fits(f->n_line, nr) &&
	       column_fits(f->n_unreached, nr) && column_fits(f->n_kept_by_itself, nr) &&
	       column_fits(f->n_paths, nr) && f->n_keeper == keepers;
}

static void group_of(const struct refs_facts *s, const Pw__RefGroups *f, size_t i, size_t keeper,
		     const struct pw_names *names, struct ref_group *ret)
{
	*ret = (struct ref_group){
		.nr = f->goroutines[i],
		.object = COLUMN_AT(f, object, i),
		.object_size = COLUMN_AT(f, object_bytes, i),
		.object_type = text_of(s, names, COLUMN_AT(f, object_type, i)),
		.place = { text_of(s, names, COLUMN_AT(f, func, i)),
			   text_of(s, names, COLUMN_AT(f, file, i)), COLUMN_AT(f, line, i) },
		.unreached = COLUMN_AT(f, unreached, i),
		.kept_by_itself = COLUMN_AT(f, kept_by_itself, i),
		.nr_keepers = COLUMN_AT(f, keepers, i),
		.paths_at = (uint32_t)s->nr_paths,
		.nr_paths = COLUMN_AT(f, paths, i),
	};
	for (size_t v = 0; v < REF_VERDICTS; v++)
		ret->of[v] = COLUMN_AT(f, verdict, i * REF_VERDICTS + v);
	for (size_t k = 0; k < ret->nr_keepers; k++)
		ret->keepers[k] = f->keeper[keeper + k];
}

/* 0, -EBADMSG, -ENOMEM */
static int take_groups(struct refs_facts *s, const Pw__RefGroups *f, const struct pw_names *names)
{
	const size_t nr = f->n_goroutines;
	struct refs *rs = s->rs;
	size_t keepers = 0;

	if (!column_fits(f->n_keepers, nr))
		return -EBADMSG;
	for (size_t i = 0; i < f->n_keepers; i++) {
		if (f->keepers[i] > REFS_KEEPERS)
			return -EBADMSG;
		keepers += f->keepers[i];
	}
	if (!groups_fit(f, nr, keepers) || nr > REFS_FACTS_ROWS_MAX - rs->nr)
		return -EBADMSG;
	if (vec__reserve(&rs->groups, &s->groups_room, rs->nr + nr, sizeof(*rs->groups)) ||
	    vec__reserve(&s->told, &s->told_room, rs->nr + nr, sizeof(*s->told)))
		return -ENOMEM;
	keepers = 0;
	for (size_t i = 0; i < nr; i++) {
		struct ref_group *g = &rs->groups[rs->nr];

		s->told[rs->nr++] = (struct told){ .goid = COLUMN_AT(f, goid, i),
						   .g = COLUMN_AT(f, goroutine, i),
						   .rt = (uint16_t)COLUMN_AT(f, runtime, i) };
		group_of(s, f, i, keepers, names, g);
		keepers += g->nr_keepers;
		s->nr_paths += g->nr_paths;
		if (s->nr_paths > REFS_FACTS_ROWS_MAX)
			return -EBADMSG;
		for (size_t v = 0; v < REF_VERDICTS; v++)
			rs->of[v] += g->of[v];
	}
	return 0;
}

static bool made_fits(const Pw__RefPaths *f, size_t nr)
{
	size_t made = 0;

	if (!column_fits(f->n_made, nr) || !column_fits(f->n_made_elsewhere, nr))
		return false;
	for (size_t i = 0; i < f->n_made; i++) {
		if (f->made[i] > REFS_MADE)
			return false;
		made += f->made[i];
	}
	return column_fits(f->n_made_func, made) && column_fits(f->n_made_file, made) &&
	       column_fits(f->n_made_line, made);
}

static bool paths_fit(const Pw__RefPaths *f, size_t nr)
{
	return column_fits(f->n_steps, nr) && column_fits(f->n_object, nr) &&
	       column_fits(f->n_object_type, nr) && column_fits(f->n_period_ns, nr) &&
	       column_fits(f->n_fires_in_ns, nr) && column_fits(f->n_held_in, nr) &&
	       column_fits(f->n_timer, nr) && column_fits(f->n_flags, nr) &&
	       column_fits(f->n_goid, nr) && column_fits(f->n_runtime, nr) && made_fits(f, nr);
}

/* at: of the first of its places. */
static void take_made(const struct refs_facts *s, const Pw__RefPaths *f, size_t at,
		      const struct pw_names *names, struct ref_path *path)
{
	for (size_t i = 0; i < path->nr_made; i++)
		path->made[i] = (struct place){ text_of(s, names, COLUMN_AT(f, made_func, at + i)),
						text_of(s, names, COLUMN_AT(f, made_file, at + i)),
						COLUMN_AT(f, made_line, at + i) };
}

static int take_paths(struct refs_facts *s, const Pw__RefPaths *f, const struct pw_names *names)
{
	const size_t nr = f->n_goroutines;
	struct refs *rs = s->rs;
	size_t made = 0;

	if (!paths_fit(f, nr) || nr > REFS_FACTS_ROWS_MAX - rs->nr_paths)
		return -EBADMSG;
	if (vec__reserve(&rs->paths, &rs->paths_room, rs->nr_paths + nr, sizeof(*rs->paths)))
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const uint32_t flags = COLUMN_AT(f, flags, i);
		struct ref_path *path = &rs->paths[rs->nr_paths++];

		*path = (struct ref_path){
			.steps_at = (uint32_t)s->nr_steps,
			.nr_steps = COLUMN_AT(f, steps, i),
			.object = COLUMN_AT(f, object, i),
			.object_type = text_of(s, names, COLUMN_AT(f, object_type, i)),
			.period_ns = COLUMN_AT(f, period_ns, i),
			.fires_in_ns = COLUMN_AT(f, fires_in_ns, i),
			.held_in = text_of(s, names, COLUMN_AT(f, held_in, i)),
			.timer = COLUMN_AT(f, timer, i),
			.nr_made = COLUMN_AT(f, made, i),
			.made_elsewhere = COLUMN_AT(f, made_elsewhere, i),
			.undecided = flags & WAY_UNDECIDED,
			.fed = flags & WAY_FED,
			.cut = flags & WAY_CUT,
			.nr = f->goroutines[i],
			.goid = COLUMN_AT(f, goid, i),
			.rt = (uint16_t)COLUMN_AT(f, runtime, i),
		};
		take_made(s, f, made, names, path);
		made += path->nr_made;
		s->nr_steps += COLUMN_AT(f, steps, i);
		if (s->nr_steps > REFS_FACTS_ROWS_MAX)
			return -EBADMSG;
	}
	return 0;
}

static bool steps_fit(const Pw__RefSteps *f, size_t nr)
{
	return column_fits(f->n_refers, nr) && column_fits(f->n_addr, nr) &&
	       column_fits(f->n_size, nr) && column_fits(f->n_offset, nr) &&
	       column_fits(f->n_goid, nr) && column_fits(f->n_name, nr) &&
	       column_fits(f->n_field, nr) && column_fits(f->n_section, nr) &&
	       column_fits(f->n_type, nr) && column_fits(f->n_word, nr) &&
	       column_fits(f->n_func, nr) && column_fits(f->n_file, nr) &&
	       column_fits(f->n_line, nr);
}

static int take_steps(struct refs_facts *s, const Pw__RefSteps *f, const struct pw_names *names)
{
	const size_t nr = f->n_kind;
	struct refs *rs = s->rs;

	if (!steps_fit(f, nr) || nr > REFS_FACTS_ROWS_MAX - rs->nr_steps)
		return -EBADMSG;
	if (vec__reserve(&rs->steps, &rs->steps_room, rs->nr_steps + nr, sizeof(*rs->steps)))
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (f->kind[i] > REACH_TIMER)
			return -EBADMSG;
		rs->steps[rs->nr_steps++] = (struct ref_step){
			.kind = (uint8_t)f->kind[i],
			.refers = COLUMN_AT(f, refers, i),
			.addr = COLUMN_AT(f, addr, i),
			.size = COLUMN_AT(f, size, i),
			.offset = COLUMN_AT(f, offset, i),
			.goid = COLUMN_AT(f, goid, i),
			.name = text_of(s, names, COLUMN_AT(f, name, i)),
			.field = text_of(s, names, COLUMN_AT(f, field, i)),
			.section = text_of(s, names, COLUMN_AT(f, section, i)),
			.type = text_of(s, names, COLUMN_AT(f, type, i)),
			.word = text_of(s, names, COLUMN_AT(f, word, i)),
			.place = { text_of(s, names, COLUMN_AT(f, func, i)),
				   text_of(s, names, COLUMN_AT(f, file, i)),
				   COLUMN_AT(f, line, i) },
		};
	}
	return 0;
}

static void take_search(struct refs_facts *s, const Pw__Search *f)
{
	s->any = true;
	s->looks = f->looks;
	s->heap_bytes = f->heap_bytes;
	s->ns = f->duration_ns;
	s->doubt = textpool__get(s->texts, f->doubt);
}

static int no_fit(struct cause *why, int err)
{
	return err == -EBADMSG ? book__bad(why, "what keeps goroutines does not fit together")
			       : cause__set(why, err, "out of memory");
}

int refs_facts__fact(struct refs_facts *s, const Pw__Fact *f, const struct pw_names *names,
		     struct cause *why)
{
	int err = 0;

	switch (f->fact_case) {
	case PW__FACT__FACT_SEARCH: take_search(s, f->search); break;
	case PW__FACT__FACT_REF_GROUPS: err = take_groups(s, f->ref_groups, names); break;
	case PW__FACT__FACT_REF_PATHS: err = take_paths(s, f->ref_paths, names); break;
	case PW__FACT__FACT_REF_STEPS: err = take_steps(s, f->ref_steps, names); break;
	default: return 0;
	}
	return err ? no_fit(why, err) : 1;
}

const struct refs *refs_facts__read(const struct refs_facts *s)
{
	return s->any ? s->rs : NULL;
}

void refs_facts__cut(struct refs_facts *s)
{
	struct refs *rs = s->rs;
	size_t paths = 0;

	if (!rs || rs->nr_paths > s->nr_paths || rs->nr_steps > s->nr_steps)
		return; /* more than was told: that does not fit */
	while (paths < rs->nr_paths &&
	       rs->paths[paths].steps_at + (uint64_t)rs->paths[paths].nr_steps <= rs->nr_steps)
		paths++;
	for (size_t i = 0; i < rs->nr; i++) {
		struct ref_group *g = &rs->groups[i];
		const size_t there = paths > g->paths_at ? paths - g->paths_at : 0;

		if (g->nr_paths > there)
			g->nr_paths = (uint32_t)there;
	}
	rs->nr_paths = s->nr_paths = paths;
	s->nr_steps = rs->nr_steps;
}

/* Each group's row of d: 0, -EBADMSG, -ENOMEM. */
static int find_rows(struct refs_facts *s, const struct dump *d)
{
	scoped_mem size_t *base = calloc(d->in.nr + 1, sizeof(*base));
	scoped_mem uint32_t *row = NULL; /* + 1, by base of the runtime and goroutine */

	if (!base)
		return -ENOMEM;
	for (size_t rt = 0; rt < d->in.nr; rt++)
		base[rt + 1] = base[rt] + d->in.censuses[rt]->nr;
	row = calloc(base[d->in.nr] + 1, sizeof(*row));
	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < d->nr; i++)
		row[base[d->rows[i].rt] + d->rows[i].g] = (uint32_t)i + 1;
	for (size_t i = 0; i < s->rs->nr; i++) {
		const struct told *t = &s->told[i];
		struct ref_group *g = &s->rs->groups[i];

		if (!g->nr)
			continue;
		if (t->goid) {
			if (!dump__find(d, t->rt, t->goid, &g->row))
				return -EBADMSG;
			continue;
		}
		if (t->rt >= d->in.nr || t->g >= d->in.censuses[t->rt]->nr ||
		    !row[base[t->rt] + t->g])
			return -EBADMSG;
		g->row = row[base[t->rt] + t->g] - 1;
	}
	return 0;
}

int refs_facts__refs(struct refs_facts *s, struct dump *d, struct refs **ret,
		     struct refs_show *ret_show, struct cause *why)
{
	int err;

	if (!s->any || !s->rs)
		return cause__set(why, -ENOENT, "nothing of what keeps goroutines was recorded");
	err = s->rs->nr_paths == s->nr_paths && s->rs->nr_steps == s->nr_steps ? find_rows(s, d)
									       : -EBADMSG;
	if (err)
		return no_fit(why, err);
	s->rs->d = d;
	*ret_show = (struct refs_show){
		.looks = s->looks, .heap_bytes = s->heap_bytes, .ns = s->ns, .doubt = s->doubt
	};
	*ret = steal(s->rs);
	return 0;
}
