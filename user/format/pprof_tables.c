// SPDX-License-Identifier: BSD-2-Clause
#include "format/pprof_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define MAPPING_ID 1

struct pprof_map {
	UT_hash_handle hh;
	size_t index; /* in the list */
};

static void *list_push(struct pprof_list *l, void *item)
{
	if (l->nr == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		void **v = reallocarray(l->v, cap, sizeof(*v));

		if (!v)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->nr++] = item;
	return item;
}

static struct pprof_map *map_find(struct pprof_map *map, const void *key, size_t bytes)
{
	struct pprof_map *m;

	HASH_FIND(hh, map, key, bytes, m);
	return m;
}

/* Puts item at the end of the list, and its place under the key into the map. */
static int map_add(struct pprof_tables *t, struct pprof_map **map, const void *key, size_t bytes,
		   struct pprof_list *l, void *item)
{
	struct pprof_map *m = arena__alloc(&t->arena, sizeof(*m));
	void *copy = arena__copy(&t->arena, key, bytes);
	unsigned int count = HASH_COUNT(*map);

	if (!item || !m || !copy || !list_push(l, item))
		return -ENOMEM;
	m->index = l->nr - 1;
	HASH_ADD_KEYPTR(hh, *map, copy, bytes, m);
	return HASH_COUNT(*map) > count ? 0 : -ENOMEM;
}

int64_t pprof_tables__text(struct pprof_tables *t, const char *text)
{
	size_t len = strlen(text);
	struct pprof_map *m;
	int err;

	if (!t->texts.nr && len && pprof_tables__text(t, "") < 0)
		return -ENOMEM;
	m = map_find(t->text_ids, text, len);
	if (m)
		return (int64_t)m->index;
	err = map_add(t, &t->text_ids, text, len, &t->texts, arena__copy(&t->arena, text, len + 1));
	return err ? err : (int64_t)t->texts.nr - 1;
}

static int64_t function_id(struct pprof_tables *t, const struct frame *fr)
{
	struct {
		int64_t name, file, start_line;
	} key = {
		pprof_tables__text(t, fr->name),
		pprof_tables__text(t, fr->file),
		fr->start_line,
	};
	struct pprof_map *m;
	Pprof__Function *fn;
	int err;

	if (key.name < 0 || key.file < 0)
		return -ENOMEM;
	m = map_find(t->function_ids, &key, sizeof(key));
	if (m)
		return (int64_t)m->index + 1;
	fn = arena__alloc(&t->arena, sizeof(*fn));
	if (!fn)
		return -ENOMEM;
	pprof__function__init(fn);
	fn->id = t->functions.nr + 1;
	fn->name = key.name;
	/* pprof cuts what is in parentheses if both names are equal and look like C++. */
	fn->system_name = fr->kind == FRAME_CODE ? key.name : 0;
	fn->filename = key.file;
	fn->start_line = key.start_line;
	err = map_add(t, &t->function_ids, &key, sizeof(key), &t->functions, fn);
	return err ? err : (int64_t)fn->id;
}

static int fill_lines(struct pprof_tables *t, const struct frame *frames, size_t nr,
		      Pprof__Location *loc)
{
	size_t i;

	loc->line = arena__array(&t->arena, nr, sizeof(*loc->line));
	if (!loc->line)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		const struct frame *fr = &frames[nr - 1 - i];
		Pprof__Line *line = arena__alloc(&t->arena, sizeof(*line));
		int64_t id = function_id(t, fr);

		if (!line || id < 0)
			return -ENOMEM;
		pprof__line__init(line);
		line->function_id = (uint64_t)id;
		line->line = fr->line;
		loc->line[i] = line;
	}
	loc->n_line = nr;
	return 0;
}

int64_t pprof_tables__location(struct pprof_tables *t, const struct frame *frames, size_t nr)
{
	const struct frame *fr = &frames[0];
	const bool code = fr->kind == FRAME_CODE, together = code && !fr->apart;
	struct {
		uint64_t pc;
		int64_t what; /* code: is pc a return address; a word, and what stands apart: its text and line */
		uint64_t line;
	} key = {
		.pc = fr->pc,
		.what = together ? fr->is_return : pprof_tables__text(t, fr->name),
		.line = together ? UINT64_MAX : fr->line,
	};
	struct pprof_map *m;
	Pprof__Location *loc;
	int err;

	if (key.what < 0)
		return -ENOMEM;
	m = map_find(t->location_ids, &key, sizeof(key));
	if (m)
		return (int64_t)m->index + 1;
	loc = arena__alloc(&t->arena, sizeof(*loc));
	if (!loc)
		return -ENOMEM;
	pprof__location__init(loc);
	loc->id = t->locations.nr + 1;
	loc->address = fr->pc;
	if (code && (!t->text_end || (fr->pc >= t->text_start && fr->pc < t->text_end)))
		loc->mapping_id = MAPPING_ID;
	err = fill_lines(t, frames, nr, loc);
	if (!err)
		err = map_add(t, &t->location_ids, &key, sizeof(key), &t->locations, loc);
	return err ? err : (int64_t)loc->id;
}

static int64_t *key_of_sample(struct pprof_tables *t, const uint64_t *locations, size_t nr,
			      const Pprof__Label *labels, size_t nr_labels, size_t *ret_bytes)
{
	size_t words = nr + nr_labels * 3 + 1, at = 0, i;
	int64_t *key = arena__array(&t->arena, words, sizeof(*key));

	if (!key)
		return NULL;
	key[at++] = (int64_t)nr;
	for (i = 0; i < nr; i++)
		key[at++] = (int64_t)locations[i];
	for (i = 0; i < nr_labels; i++) {
		key[at++] = labels[i].key;
		key[at++] = labels[i].str;
		key[at++] = labels[i].num;
	}
	*ret_bytes = words * sizeof(*key);
	return key;
}

static Pprof__Sample *sample_make(struct pprof_tables *t, const uint64_t *locations, size_t nr,
				  const Pprof__Label *labels, size_t nr_labels, size_t nr_values)
{
	Pprof__Sample *s = arena__alloc(&t->arena, sizeof(*s));
	Pprof__Label *copies = arena__copy(&t->arena, labels, nr_labels * sizeof(*labels));
	size_t i;

	if (!s || !copies)
		return NULL;
	pprof__sample__init(s);
	s->location_id = arena__copy(&t->arena, locations, nr * sizeof(*locations));
	s->n_location_id = nr;
	s->value = arena__array(&t->arena, nr_values, sizeof(*s->value));
	s->n_value = nr_values;
	s->label = arena__array(&t->arena, nr_labels, sizeof(*s->label));
	s->n_label = nr_labels;
	if (!s->location_id || !s->value || !s->label)
		return NULL;
	for (i = 0; i < nr_labels; i++)
		s->label[i] = &copies[i];
	return s;
}

int pprof_tables__sample(struct pprof_tables *t, const uint64_t *locations, size_t nr,
			 const Pprof__Label *labels, size_t nr_labels, const int64_t *values,
			 size_t nr_values)
{
	size_t bytes, i;
	int64_t *key = key_of_sample(t, locations, nr, labels, nr_labels, &bytes);
	struct pprof_map *m;
	Pprof__Sample *s;
	int err;

	if (!key)
		return -ENOMEM;
	m = map_find(t->sample_ids, key, bytes);
	if (m) {
		s = t->samples.v[m->index];
	} else {
		s = sample_make(t, locations, nr, labels, nr_labels, nr_values);
		err = map_add(t, &t->sample_ids, key, bytes, &t->samples, s);
		if (err)
			return err;
	}
	for (i = 0; i < nr_values; i++)
		if (__builtin_add_overflow(s->value[i], values[i], &s->value[i]))
			s->value[i] = INT64_MAX;
	return 0;
}

void pprof_tables__done(struct pprof_tables *t)
{
	HASH_CLEAR(hh, t->text_ids);
	HASH_CLEAR(hh, t->function_ids);
	HASH_CLEAR(hh, t->location_ids);
	HASH_CLEAR(hh, t->sample_ids);
	free(t->texts.v);
	free(t->functions.v);
	free(t->locations.v);
	free(t->samples.v);
	arena__done(&t->arena);
}
