// SPDX-License-Identifier: BSD-2-Clause
#include "view/refs_facts.h"

#include <errno.h>
#include <stdlib.h>

#include "facts/fact_flags.h"

#define ROWS 1024 /* of one fact */

struct group_rows {
	uint32_t goroutines[ROWS], runtime[ROWS], goroutine[ROWS], verdict[ROWS * REF_VERDICTS],
		object_type[ROWS], func[ROWS], file[ROWS], line[ROWS], kept_by_itself[ROWS],
		keepers[ROWS], paths[ROWS];
	uint64_t object[ROWS], object_bytes[ROWS], unreached[ROWS], keeper[ROWS * REFS_KEEPERS],
		goid[ROWS];
	size_t nr, nr_keepers;
};

struct path_rows {
	uint32_t steps[ROWS], object_type[ROWS], held_in[ROWS], flags[ROWS], goroutines[ROWS],
		runtime[ROWS];
	uint64_t object[ROWS], period_ns[ROWS], fires_in_ns[ROWS], timer[ROWS], goid[ROWS];
	uint32_t made[ROWS], made_elsewhere[ROWS], made_func[ROWS * REFS_MADE],
		made_file[ROWS * REFS_MADE], made_line[ROWS * REFS_MADE];
	size_t nr, nr_made;
};

struct step_rows {
	uint32_t kind[ROWS], refers[ROWS], name[ROWS], field[ROWS], section[ROWS], type[ROWS],
		word[ROWS], func[ROWS], file[ROWS], line[ROWS];
	uint64_t addr[ROWS], size[ROWS], offset[ROWS], goid[ROWS];
	size_t nr;
};

struct refs_log {
	struct factlog *f;
	const struct refs *rs;
	union { /* one kind after the other */
		struct group_rows groups;
		struct path_rows paths;
		struct step_rows steps;
	} * rows;
};

static uint32_t name(const struct refs_log *l, const char *text)
{
	return pw_writer__name(factlog__writer(l->f), text);
}

/* --- groups --- */

static void tell_groups(struct refs_log *l)
{
	struct group_rows *r = &l->rows->groups;
	Pw__RefGroups m = PW__REF_GROUPS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!r->nr)
		return;
	m.n_goroutines = r->nr;
	m.goroutines = r->goroutines;
	column_u32(&m.n_runtime, &m.runtime, r->runtime, r->nr);
	column_u32(&m.n_goroutine, &m.goroutine, r->goroutine, r->nr);
	column_u64(&m.n_goid, &m.goid, r->goid, r->nr);
	column_u32(&m.n_verdict, &m.verdict, r->verdict, r->nr * REF_VERDICTS);
	column_u64(&m.n_object, &m.object, r->object, r->nr);
	column_u64(&m.n_object_bytes, &m.object_bytes, r->object_bytes, r->nr);
	column_u32(&m.n_object_type, &m.object_type, r->object_type, r->nr);
	column_u32(&m.n_func, &m.func, r->func, r->nr);
	column_u32(&m.n_file, &m.file, r->file, r->nr);
	column_u32(&m.n_line, &m.line, r->line, r->nr);
	column_u64(&m.n_unreached, &m.unreached, r->unreached, r->nr);
	column_u32(&m.n_kept_by_itself, &m.kept_by_itself, r->kept_by_itself, r->nr);
	column_u32(&m.n_keepers, &m.keepers, r->keepers, r->nr);
	m.n_keeper = r->nr_keepers;
	m.keeper = r->keeper;
	column_u32(&m.n_paths, &m.paths, r->paths, r->nr);
	fact.fact_case = PW__FACT__FACT_REF_GROUPS;
	fact.ref_groups = &m;
	pw_writer__fact(factlog__writer(l->f), &fact);
	r->nr = r->nr_keepers = 0;
}

static void put_group(struct refs_log *l, const struct ref_group *g)
{
	struct group_rows *r = &l->rows->groups;
	const struct dump_row *row = g->nr ? &l->rs->d->rows[g->row] : NULL;
	size_t i;

	if (!r->nr)
		factlog__group(l->f);
	i = r->nr++;
	r->goroutines[i] = g->nr;
	r->runtime[i] = row ? row->rt : 0;
	r->goroutine[i] = row ? row->g : 0;
	r->goid[i] = row ? dump__g(l->rs->d, row)->who.goid : 0;
	for (size_t v = 0; v < REF_VERDICTS; v++)
		r->verdict[i * REF_VERDICTS + v] = g->of[v];
	r->object[i] = g->object;
	r->object_bytes[i] = g->object_size;
	r->object_type[i] = name(l, g->object_type);
	r->func[i] = name(l, g->place.func);
	r->file[i] = name(l, g->place.file);
	r->line[i] = g->place.line;
	r->unreached[i] = g->unreached;
	r->kept_by_itself[i] = g->kept_by_itself;
	r->keepers[i] = (uint32_t)g->nr_keepers;
	for (size_t k = 0; k < g->nr_keepers; k++)
		r->keeper[r->nr_keepers++] = g->keepers[k];
	r->paths[i] = g->nr_paths;
	if (r->nr == ROWS)
		tell_groups(l);
}

/* --- paths --- */

static void tell_paths(struct refs_log *l)
{
	struct path_rows *r = &l->rows->paths;
	Pw__RefPaths m = PW__REF_PATHS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!r->nr)
		return;
	column_u32(&m.n_steps, &m.steps, r->steps, r->nr);
	column_u64(&m.n_object, &m.object, r->object, r->nr);
	column_u32(&m.n_object_type, &m.object_type, r->object_type, r->nr);
	column_u64(&m.n_period_ns, &m.period_ns, r->period_ns, r->nr);
	column_u64(&m.n_fires_in_ns, &m.fires_in_ns, r->fires_in_ns, r->nr);
	column_u32(&m.n_held_in, &m.held_in, r->held_in, r->nr);
	column_u64(&m.n_timer, &m.timer, r->timer, r->nr);
	column_u32(&m.n_flags, &m.flags, r->flags, r->nr);
	m.n_goroutines = r->nr;
	m.goroutines = r->goroutines;
	column_u64(&m.n_goid, &m.goid, r->goid, r->nr);
	column_u32(&m.n_runtime, &m.runtime, r->runtime, r->nr);
	column_u32(&m.n_made, &m.made, r->made, r->nr);
	column_u32(&m.n_made_elsewhere, &m.made_elsewhere, r->made_elsewhere, r->nr);
	column_u32(&m.n_made_func, &m.made_func, r->made_func, r->nr_made);
	column_u32(&m.n_made_file, &m.made_file, r->made_file, r->nr_made);
	column_u32(&m.n_made_line, &m.made_line, r->made_line, r->nr_made);
	fact.fact_case = PW__FACT__FACT_REF_PATHS;
	fact.ref_paths = &m;
	pw_writer__fact(factlog__writer(l->f), &fact);
	r->nr = r->nr_made = 0;
}

static void put_path(struct refs_log *l, const struct ref_path *w)
{
	struct path_rows *r = &l->rows->paths;
	size_t i;

	if (!r->nr)
		factlog__group(l->f);
	i = r->nr++;
	r->steps[i] = w->nr_steps;
	r->object[i] = w->object;
	r->object_type[i] = name(l, w->object_type);
	r->period_ns[i] = w->period_ns;
	r->fires_in_ns[i] = w->fires_in_ns;
	r->held_in[i] = name(l, w->held_in);
	r->timer[i] = w->timer;
	r->flags[i] = (w->undecided ? WAY_UNDECIDED : 0u) | (w->fed ? WAY_FED : 0u) |
		      (w->cut ? WAY_CUT : 0u);
	r->goroutines[i] = w->nr;
	r->goid[i] = w->goid;
	r->runtime[i] = w->rt;
	r->made[i] = w->nr_made;
	r->made_elsewhere[i] = w->made_elsewhere;
	for (uint32_t k = 0; k < w->nr_made; k++, r->nr_made++) {
		r->made_func[r->nr_made] = name(l, w->made[k].func);
		r->made_file[r->nr_made] = name(l, w->made[k].file);
		r->made_line[r->nr_made] = w->made[k].line;
	}
	if (r->nr == ROWS)
		tell_paths(l);
}

/* --- steps --- */

static void tell_steps(struct refs_log *l)
{
	struct step_rows *r = &l->rows->steps;
	Pw__RefSteps m = PW__REF_STEPS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!r->nr)
		return;
	m.n_kind = r->nr;
	m.kind = r->kind;
	column_u32(&m.n_refers, &m.refers, r->refers, r->nr);
	column_u64(&m.n_addr, &m.addr, r->addr, r->nr);
	column_u64(&m.n_size, &m.size, r->size, r->nr);
	column_u64(&m.n_offset, &m.offset, r->offset, r->nr);
	column_u64(&m.n_goid, &m.goid, r->goid, r->nr);
	column_u32(&m.n_name, &m.name, r->name, r->nr);
	column_u32(&m.n_field, &m.field, r->field, r->nr);
	column_u32(&m.n_section, &m.section, r->section, r->nr);
	column_u32(&m.n_type, &m.type, r->type, r->nr);
	column_u32(&m.n_word, &m.word, r->word, r->nr);
	column_u32(&m.n_func, &m.func, r->func, r->nr);
	column_u32(&m.n_file, &m.file, r->file, r->nr);
	column_u32(&m.n_line, &m.line, r->line, r->nr);
	fact.fact_case = PW__FACT__FACT_REF_STEPS;
	fact.ref_steps = &m;
	pw_writer__fact(factlog__writer(l->f), &fact);
	r->nr = 0;
}

static void put_step(struct refs_log *l, const struct ref_step *s)
{
	struct step_rows *r = &l->rows->steps;
	size_t i;

	if (!r->nr)
		factlog__group(l->f);
	i = r->nr++;
	r->kind[i] = s->kind;
	r->refers[i] = s->refers;
	r->addr[i] = s->addr;
	r->size[i] = s->size;
	r->offset[i] = s->offset;
	r->goid[i] = s->goid;
	r->name[i] = name(l, s->name);
	r->field[i] = name(l, s->field);
	r->section[i] = name(l, s->section);
	r->type[i] = name(l, s->type);
	r->word[i] = name(l, s->word);
	r->func[i] = name(l, s->place.func);
	r->file[i] = name(l, s->place.file);
	r->line[i] = s->place.line;
	if (r->nr == ROWS)
		tell_steps(l);
}

/* --- all of it --- */

static void tell_search(struct factlog *f, const struct refs_show *s)
{
	Pw__Search m = PW__SEARCH__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	m.looks = s->looks;
	m.heap_bytes = s->heap_bytes;
	m.duration_ns = s->ns;
	m.doubt = (char *)s->doubt;
	fact.fact_case = PW__FACT__FACT_SEARCH;
	fact.search = &m;
	factlog__group(f);
	pw_writer__fact(factlog__writer(f), &fact);
}

int refs_facts__write(struct factlog *f, const struct refs *rs, const struct refs_show *s)
{
	struct refs_log l = { .f = f, .rs = rs };

	l.rows = calloc(1, sizeof(*l.rows));
	if (!l.rows)
		return -ENOMEM;
	tell_search(f, s);
	for (size_t i = 0; i < rs->nr; i++)
		put_group(&l, &rs->groups[i]);
	tell_groups(&l);
	l.rows->paths.nr = l.rows->paths.nr_made = 0;
	for (size_t i = 0; i < rs->nr; i++)
		for (uint32_t k = 0; k < rs->groups[i].nr_paths; k++)
			put_path(&l, &rs->paths[rs->groups[i].paths_at + k]);
	tell_paths(&l);
	l.rows->steps.nr = 0;
	for (size_t i = 0; i < rs->nr; i++)
		for (uint32_t k = 0; k < rs->groups[i].nr_paths; k++) {
			const struct ref_path *w = &rs->paths[rs->groups[i].paths_at + k];

			for (uint32_t n = 0; n < w->nr_steps; n++)
				put_step(&l, &rs->steps[w->steps_at + n]);
		}
	tell_steps(&l);
	free(l.rows);
	return 0;
}
