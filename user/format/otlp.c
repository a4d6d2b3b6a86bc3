// SPDX-License-Identifier: BSD-2-Clause
#include "format/otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "format/otlp_profiles.pb-c.h"
#include "format/renderer.h"

#define TEXTS_MORE 1 /* than the pprof has: BUILD_ID */
#define BUILD_ID   "process.executable.build_id.gnu"

/* What is in a table already, by content. */
struct known {
	UT_hash_handle hh;
	int32_t index;
};

struct translation {
	const Pprof__Profile *from;
	struct arena arena; /* all that is made */
	Otlp__Dictionary to;
	struct known *stacks, *attributes, *links;
};

/* nr zeroed messages, and what points to each: a repeated field. NULL: no memory. */
static void **messages(struct translation *t, size_t nr, size_t bytes)
{
	char *v = arena__array(&t->arena, nr, bytes);
	void **at = arena__array(&t->arena, nr, sizeof(*at));

	for (size_t i = 0; v && at && i < nr; i++)
		at[i] = v + i * bytes;
	return v ? at : NULL;
}

/*
 * The index of what has this content; *nr, one more then, if it is new: then it is to be made. -ENOMEM.
 * key: lives as long as the translation.
 */
static int32_t index_of(struct translation *t, struct known **map, const void *key, size_t bytes,
			size_t *nr, bool *ret_new)
{
	const unsigned int count = HASH_COUNT(*map);
	struct known *k;

	HASH_FIND(hh, *map, key, bytes, k);
	*ret_new = !k;
	if (k)
		return k->index;
	k = arena__alloc(&t->arena, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->index = (int32_t)*nr;
	HASH_ADD_KEYPTR(hh, *map, key, bytes, k);
	if (HASH_COUNT(*map) == count)
		return -ENOMEM;
	return (int32_t)(*nr)++;
}

/* --- tables that are the pprof's --- */

static int add_functions(struct translation *t)
{
	const Pprof__Profile *p = t->from;
	Otlp__Function **v =
		(Otlp__Function **)messages(t, p->n_function + 1, sizeof(Otlp__Function));

	if (!v)
		return -ENOMEM;
	otlp__function__init(v[0]);
	for (size_t i = 0; i < p->n_function; i++) {
		const Pprof__Function *f = p->function[i];

		otlp__function__init(v[i + 1]);
		v[i + 1]->name = (int32_t)f->name;
		v[i + 1]->system_name = (int32_t)f->system_name;
		v[i + 1]->filename = (int32_t)f->filename;
		v[i + 1]->start_line = f->start_line;
	}
	t->to.functions = v;
	t->to.n_functions = p->n_function + 1;
	return 0;
}

static int add_lines(struct translation *t, const Pprof__Location *from, Otlp__Location *to)
{
	to->lines = (Otlp__Line **)messages(t, from->n_line, sizeof(Otlp__Line));
	if (!to->lines)
		return -ENOMEM;
	to->n_lines = from->n_line;
	for (size_t i = 0; i < from->n_line; i++) {
		otlp__line__init(to->lines[i]);
		to->lines[i]->function = (int32_t)from->line[i]->function_id;
		to->lines[i]->line = from->line[i]->line;
	}
	return 0;
}

static int add_locations(struct translation *t)
{
	const Pprof__Profile *p = t->from;
	Otlp__Location **v =
		(Otlp__Location **)messages(t, p->n_location + 1, sizeof(Otlp__Location));
	int err = 0;

	if (!v)
		return -ENOMEM;
	otlp__location__init(v[0]);
	for (size_t i = 0; i < p->n_location && !err; i++) {
		otlp__location__init(v[i + 1]);
		v[i + 1]->mapping = (int32_t)p->location[i]->mapping_id;
		v[i + 1]->address = p->location[i]->address;
		err = add_lines(t, p->location[i], v[i + 1]);
	}
	t->to.locations = v;
	t->to.n_locations = p->n_location + 1;
	return err;
}

/* --- texts, attributes --- */

static int add_texts(struct translation *t)
{
	const Pprof__Profile *p = t->from;
	char **v = arena__array(&t->arena, p->n_texts + TEXTS_MORE, sizeof(*v));

	if (!v)
		return -ENOMEM;
	memcpy(v, p->texts, p->n_texts * sizeof(*v));
	v[p->n_texts] = (char *)(uintptr_t)BUILD_ID;
	t->to.texts = v;
	t->to.n_texts = p->n_texts + TEXTS_MORE;
	return 0;
}

/* text 0: the value is a number. The index, or -ENOMEM. */
static int32_t attribute(struct translation *t, int64_t key, int64_t text, int64_t number)
{
	const int64_t content[] = { key, text, number };
	const void *copy = arena__copy(&t->arena, content, sizeof(content));
	Otlp__AnyValue *value = arena__alloc(&t->arena, sizeof(*value));
	bool new;
	int32_t i;

	if (!copy || !value)
		return -ENOMEM;
	i = index_of(t, &t->attributes, copy, sizeof(content), &t->to.n_attributes, &new);
	if (i < 0 || !new)
		return i;
	otlp__any_value__init(value);
	value->value_case = text ? OTLP__ANY_VALUE__VALUE_TEXT : OTLP__ANY_VALUE__VALUE_NUMBER;
	if (text)
		value->text = t->from->texts[text];
	else
		value->number = number;
	t->to.attributes[i]->key = (int32_t)key;
	t->to.attributes[i]->value = value;
	return i;
}

static int add_mapping(struct translation *t)
{
	const Pprof__Mapping *from = t->from->mapping[0];
	Otlp__Mapping **v = (Otlp__Mapping **)messages(t, 2, sizeof(Otlp__Mapping));

	if (!v)
		return -ENOMEM;
	otlp__mapping__init(v[0]);
	otlp__mapping__init(v[1]);
	v[1]->memory_start = from->memory_start;
	v[1]->memory_limit = from->memory_limit;
	v[1]->filename = (int32_t)from->filename;
	t->to.mappings = v;
	t->to.n_mappings = 2;
	if (!from->build_id)
		return 0;
	v[1]->attributes = arena__array(&t->arena, 1, sizeof(int32_t));
	if (!v[1]->attributes)
		return -ENOMEM;
	v[1]->attributes[0] = attribute(t, (int64_t)t->from->n_texts, from->build_id, 0);
	v[1]->n_attributes = 1;
	return v[1]->attributes[0] < 0 ? -ENOMEM : 0;
}

/* Tables without an element but "none"; of those that samples fill, room for all. */
static int add_empty(struct translation *t)
{
	const Pprof__Profile *p = t->from;
	size_t labels = 2; /* none, and the mapping's */

	for (size_t i = 0; i < p->n_sample; i++)
		labels += p->sample[i]->n_label;
	t->to.links = (Otlp__Link **)messages(t, p->n_sample + 1, sizeof(Otlp__Link));
	t->to.stacks = (Otlp__Stack **)messages(t, p->n_sample + 1, sizeof(Otlp__Stack));
	t->to.attributes = (Otlp__Attribute **)messages(t, labels, sizeof(Otlp__Attribute));
	if (!t->to.links || !t->to.stacks || !t->to.attributes)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_sample + 1; i++) {
		otlp__link__init(t->to.links[i]);
		otlp__stack__init(t->to.stacks[i]);
	}
	for (size_t i = 0; i < labels; i++)
		otlp__attribute__init(t->to.attributes[i]);
	t->to.n_links = t->to.n_stacks = t->to.n_attributes = 1;
	return 0;
}

/* --- samples --- */

static int32_t stack(struct translation *t, const Pprof__Sample *s)
{
	Otlp__Stack *to;
	bool new;
	int32_t i;

	if (!s->n_location_id)
		return 0;
	i = index_of(t, &t->stacks, s->location_id, s->n_location_id * sizeof(*s->location_id),
		     &t->to.n_stacks, &new);
	if (i < 0 || !new)
		return i;
	to = t->to.stacks[i];
	to->locations = arena__array(&t->arena, s->n_location_id, sizeof(*to->locations));
	if (!to->locations)
		return -ENOMEM;
	to->n_locations = s->n_location_id;
	for (size_t k = 0; k < s->n_location_id; k++)
		to->locations[k] = (int32_t)s->location_id[k];
	return i;
}

/* --- links: the trace and the span that a sample is of --- */

#define TRACE_BYTES 16
#define SPAN_BYTES  8

/* What a label of this name says; NULL: the sample has none. */
static const char *label_of(const struct translation *t, const Pprof__Sample *s, const char *name)
{
	for (size_t i = 0; i < s->n_label; i++)
		if (!strcmp(t->from->texts[s->label[i]->key], name))
			return t->from->texts[s->label[i]->str];
	return NULL;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: it is no id of so many bytes. */
static bool read_id(const char *text, uint8_t *to, size_t bytes)
{
	if (!text || strlen(text) != 2 * bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* 0: it is of no span that is known. The index, or -ENOMEM. */
static int32_t link_of(struct translation *t, const Pprof__Sample *s)
{
	uint8_t ids[TRACE_BYTES + SPAN_BYTES], *copy;
	Otlp__Link *to;
	bool new;
	int32_t i;

	if (!read_id(label_of(t, s, "trace_id"), ids, TRACE_BYTES) ||
	    !read_id(label_of(t, s, "span_id"), ids + TRACE_BYTES, SPAN_BYTES))
		return 0;
	copy = arena__copy(&t->arena, ids, sizeof(ids));
	if (!copy)
		return -ENOMEM;
	i = index_of(t, &t->links, copy, sizeof(ids), &t->to.n_links, &new);
	if (i < 0 || !new)
		return i;
	to = t->to.links[i];
	to->trace = (ProtobufCBinaryData){ TRACE_BYTES, copy };
	to->span = (ProtobufCBinaryData){ SPAN_BYTES, copy + TRACE_BYTES };
	return i;
}

/* Of one that has a link, what that says already. */
static bool is_in_link(const struct translation *t, const Pprof__Label *l)
{
	return !strcmp(t->from->texts[l->key], "trace_id") ||
	       !strcmp(t->from->texts[l->key], "span_id");
}

/* type: which of its values */
static int add_sample(struct translation *t, const Pprof__Sample *from, size_t type,
		      Otlp__Sample *to)
{
	otlp__sample__init(to);
	to->stack = stack(t, from);
	to->values = from->value + type;
	to->n_values = 1;
	to->attributes = arena__array(&t->arena, from->n_label, sizeof(*to->attributes));
	to->link = link_of(t, from);
	if (to->stack < 0 || to->link < 0 || !to->attributes)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_label; i++) {
		const Pprof__Label *l = from->label[i];
		int32_t a;

		if (to->link && is_in_link(t, l))
			continue;
		a = attribute(t, l->key, l->str, l->num);
		if (a < 0)
			return -ENOMEM;
		to->attributes[to->n_attributes++] = a;
	}
	return 0;
}

static int add_samples(struct translation *t, size_t type, Otlp__Profile *to)
{
	const Pprof__Profile *p = t->from;
	int err = 0;

	to->samples = (Otlp__Sample **)messages(t, p->n_sample, sizeof(Otlp__Sample));
	if (!to->samples)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_sample && !err; i++)
		err = add_sample(t, p->sample[i], type, to->samples[i]);
	to->n_samples = p->n_sample;
	return err;
}

static int value_type(struct translation *t, const Pprof__ValueType *from, Otlp__ValueType **ret)
{
	*ret = arena__alloc(&t->arena, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	otlp__value_type__init(*ret);
	(*ret)->type = (int32_t)from->type;
	(*ret)->unit = (int32_t)from->unit;
	return 0;
}

static int add_profile(struct translation *t, size_t type, uint64_t now_ns, Otlp__Profile *to)
{
	const Pprof__Profile *p = t->from;
	const bool lasts = p->duration_nanos > 0 && p->time_nanos > 0;
	int err = value_type(t, p->sample_type[type], &to->sample_type);

	if (!err)
		err = value_type(t, p->period_type, &to->period_type);
	to->period = p->period;
	to->time_unix_nano = lasts ? (uint64_t)p->time_nanos : now_ns;
	to->duration_nano = lasts ? (uint64_t)p->duration_nanos : 0;
	return err ? err : add_samples(t, type, to);
}

/* One of each type of samples. */
static int add_profiles(struct translation *t, uint64_t now_ns, Otlp__ScopeProfiles *to)
{
	const size_t nr = t->from->n_sample_type;
	int err = 0;

	to->profiles = (Otlp__Profile **)messages(t, nr, sizeof(Otlp__Profile));
	if (!to->profiles)
		return -ENOMEM;
	for (size_t i = 0; i < nr && !err; i++) {
		otlp__profile__init(to->profiles[i]);
		err = add_profile(t, i, now_ns, to->profiles[i]);
	}
	to->n_profiles = nr;
	return err;
}

/* --- the request --- */

static int add_resource(struct translation *t, const struct otlp_attribute *of, size_t nr,
			Otlp__Resource *to)
{
	Otlp__AnyValue **values = (Otlp__AnyValue **)messages(t, nr, sizeof(Otlp__AnyValue));

	to->attributes = (Otlp__KeyValue **)messages(t, nr, sizeof(Otlp__KeyValue));
	if (!values || !to->attributes)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const struct otlp_attribute *a = &of[i];

		otlp__any_value__init(values[i]);
		values[i]->value_case =
			a->text ? OTLP__ANY_VALUE__VALUE_TEXT : OTLP__ANY_VALUE__VALUE_NUMBER;
		if (a->text)
			values[i]->text = (char *)(uintptr_t)a->text;
		else
			values[i]->number = a->number;
		otlp__key_value__init(to->attributes[i]);
		to->attributes[i]->key = (char *)(uintptr_t)a->key;
		to->attributes[i]->value = values[i];
	}
	to->n_attributes = nr;
	return 0;
}

static int translate(struct translation *t, const struct otlp_attribute *of, size_t nr,
		     uint64_t now_ns, Otlp__ResourceProfiles *to)
{
	int err = add_texts(t);

	if (!err)
		err = add_functions(t);
	if (!err)
		err = add_locations(t);
	if (!err)
		err = add_empty(t);
	if (!err)
		err = add_mapping(t);
	if (!err)
		err = add_profiles(t, now_ns, to->scope_profiles[0]);
	if (!err)
		err = add_resource(t, of, nr, to->resource);
	return err;
}

static int pack(const Otlp__ProfilesRequest *q, struct textbuf *to)
{
	const size_t len = otlp__profiles_request__get_packed_size(q);
	char *at = textbuf__room(to, len);

	if (!at)
		return -ENOMEM;
	to->nr += otlp__profiles_request__pack(q, (uint8_t *)at);
	return 0;
}

int otlp__profiles(const Pprof__Profile *p, const struct otlp_attribute *of, size_t nr,
		   uint64_t now_ns, struct textbuf *to)
{
	struct translation t = { .from = p, .to = OTLP__DICTIONARY__INIT };
	Otlp__Scope scope = OTLP__SCOPE__INIT;
	Otlp__ScopeProfiles of_scope = OTLP__SCOPE_PROFILES__INIT, *of_scopes[] = { &of_scope };
	Otlp__Resource resource = OTLP__RESOURCE__INIT;
	Otlp__ResourceProfiles of_resource = OTLP__RESOURCE_PROFILES__INIT,
			       *of_resources[] = { &of_resource };
	Otlp__ProfilesRequest q = OTLP__PROFILES_REQUEST__INIT;
	int err;

	scope.name = (char *)(uintptr_t) "parkwatch";
	scope.version = (char *)(uintptr_t)PARKWATCH_VERSION;
	of_scope.scope = &scope;
	of_resource.resource = &resource;
	of_resource.scope_profiles = of_scopes;
	of_resource.n_scope_profiles = 1;
	q.resource_profiles = of_resources;
	q.n_resource_profiles = 1;
	q.dictionary = &t.to;
	err = translate(&t, of, nr, now_ns, &of_resource);
	if (!err)
		err = pack(&q, to);
	HASH_CLEAR(hh, t.stacks);
	HASH_CLEAR(hh, t.attributes);
	HASH_CLEAR(hh, t.links);
	arena__done(&t.arena);
	return err;
}

/* --- of a process --- */

size_t otlp_attribute__said(struct otlp_attribute *v, size_t nr, size_t most, const char *key,
			    const char *value)
{
	size_t i = 0;

	while (i < nr && strcmp(v[i].key, key) != 0)
		i++;
	if (!value[0] || i == most || (i < nr && (!v[i].text || strncmp(key, "service.", 8) != 0)))
		return nr;
	v[i] = (struct otlp_attribute){ .key = key, .text = value };
	return i < nr ? nr : nr + 1;
}

#define SEEN 6 /* attributes */

static size_t attributes_of(const struct report_meta *m, struct otlp_attribute *v)
{
	const char *slash = strrchr(m->exe, '/'), *name = slash ? slash + 1 : m->exe;
	const struct otlp_attribute seen[SEEN] = {
		{ "service.name", name, 0 },
		{ "process.executable.name", name, 0 },
		{ "process.executable.path", m->exe, 0 },
		{ "process.runtime.name", "go", 0 },
		{ "process.runtime.version", m->go_version, 0 },
		{ "process.pid", NULL, m->pid },
	};
	size_t nr = 0;

	for (size_t i = 0; i < SEEN; i++)
		if (!seen[i].text || seen[i].text[0])
			v[nr++] = seen[i];
	for (size_t i = 0; m->resource && i < m->resource->nr; i++)
		nr = otlp_attribute__said(v, nr, SEEN + RESOURCE_MAX, m->resource->v[i].key,
					  m->resource->v[i].value);
	return nr;
}

/* --- the renderer --- */

static int read_pprof(const struct report *r, Pprof__Profile **ret, struct cause *why)
{
	scoped_mem char *bytes = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&bytes, &len);
	int err = f ? renderer_pprof_plain.render(r, f, why) : -ENOMEM;

	if (f && fclose(f) && !err)
		err = -ENOMEM;
	*ret = err ? NULL : pprof__profile__unpack(NULL, len, (const uint8_t *)bytes);
	return err ? err : *ret ? 0 : -ENOMEM;
}

static int render(const struct report *r, FILE *out, struct cause *why)
{
	struct otlp_attribute of[SEEN + RESOURCE_MAX];
	Pprof__Profile *p = NULL;
	struct textbuf to;
	int err = read_pprof(r, &p, why);

	textbuf__init(&to, NULL);
	if (!err)
		err = otlp__profiles(p, of, attributes_of(r->meta, of), r->meta->wall_start_ns,
				     &to);
	if (!err && fwrite(to.v, 1, to.nr, out) != to.nr)
		err = report_write_error(why);
	textbuf__done(&to);
	pprof__profile__free_unpacked(p, NULL);
	return err ? cause__set(why, err, "cannot write otlp: %s", strerror(-err)) : 0;
}

const struct renderer renderer_otlp = {
	.render = render,
};
