/* SPDX-License-Identifier: BSD-2-Clause */
/* A pprof of three samples, two of one stack, in the tables of OTLP. */
#include "format/otlp.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "format/otlp_profiles.pb-c.h"

static const char *const texts[] = { "",       "goroutine", "count", "main.a",
				     "main.b", "state",     "sleep", "select" };

static struct made {
	Pprof__Profile p;
	Pprof__ValueType type;
	Pprof__Mapping mapping;
	Pprof__Function functions[2];
	Pprof__Line lines[2];
	Pprof__Location locations[2];
	Pprof__Label labels[2];
	Pprof__Sample samples[3];
	Pprof__ValueType *types[1];
	Pprof__Mapping *mappings[1];
	Pprof__Function *function_at[2];
	Pprof__Line *line_at[2];
	Pprof__Location *location_at[2];
	Pprof__Label *label_at[2];
	Pprof__Sample *sample_at[3];
	uint64_t places[2];
	int64_t values[3];
} m;

/* a calls b; samples: b<a [sleep] 5, b<a [select] 7, nothing known 1 */
static void make(void)
{
	m = (struct made){ .p = PPROF__PROFILE__INIT,
			   .type = PPROF__VALUE_TYPE__INIT,
			   .mapping = PPROF__MAPPING__INIT,
			   .places = { 2, 1 },
			   .values = { 5, 7, 1 } };
	m.type.type = 1;
	m.type.unit = 2;
	m.types[0] = &m.type;
	m.mappings[0] = &m.mapping;
	for (int i = 0; i < 2; i++) {
		pprof__function__init(&m.functions[i]);
		m.functions[i].id = (uint64_t)i + 1;
		m.functions[i].name = 3 + i;
		pprof__line__init(&m.lines[i]);
		m.lines[i].function_id = (uint64_t)i + 1;
		m.lines[i].line = 10 + i;
		pprof__location__init(&m.locations[i]);
		m.locations[i].id = (uint64_t)i + 1;
		m.locations[i].mapping_id = 1;
		m.locations[i].address = 0x1000 + (uint64_t)i;
		m.line_at[i] = &m.lines[i];
		m.locations[i].line = &m.line_at[i];
		m.locations[i].n_line = 1;
		pprof__label__init(&m.labels[i]);
		m.labels[i].key = 5;
		m.labels[i].str = 6 + i;
		m.function_at[i] = &m.functions[i];
		m.location_at[i] = &m.locations[i];
		m.label_at[i] = &m.labels[i];
	}
	for (int i = 0; i < 3; i++) {
		pprof__sample__init(&m.samples[i]);
		m.samples[i].value = &m.values[i];
		m.samples[i].n_value = 1;
		m.samples[i].location_id = m.places;
		m.samples[i].n_location_id = i < 2 ? 2 : 0;
		m.samples[i].label = &m.label_at[i % 2];
		m.samples[i].n_label = i < 2;
		m.sample_at[i] = &m.samples[i];
	}
	m.p.sample_type = m.types;
	m.p.period_type = &m.type;
	m.p.n_sample_type = 1;
	m.p.period = 1;
	m.p.mapping = m.mappings;
	m.p.n_mapping = 1;
	m.p.function = m.function_at;
	m.p.location = m.location_at;
	m.p.n_function = m.p.n_location = 2;
	m.p.sample = m.sample_at;
	m.p.n_sample = 3;
	m.p.texts = (char **)(uintptr_t)texts;
	m.p.n_texts = ARRAY_SIZE(texts);
}

static Otlp__ProfilesRequest *translated(const struct otlp_attribute *of, size_t nr)
{
	Otlp__ProfilesRequest *q;
	struct textbuf to;

	make();
	textbuf__init(&to, NULL);
	cr_assert_eq(otlp__profiles(&m.p, of, nr, 77, &to), 0);
	q = otlp__profiles_request__unpack(NULL, to.nr, (const uint8_t *)to.v);
	textbuf__done(&to);
	cr_assert_not_null(q);
	return q;
}

Test(otlp, samples_of_one_stack_share_it)
{
	Otlp__ProfilesRequest *q = translated(NULL, 0);
	const Otlp__Profile *p = q->resource_profiles[0]->scope_profiles[0]->profiles[0];
	const Otlp__Dictionary *d = q->dictionary;

	cr_assert_eq(p->n_samples, 3);
	cr_expect_eq(p->time_unix_nano, 77);
	cr_expect_str_eq(d->texts[p->sample_type->type], "goroutine");
	cr_assert_eq(d->n_stacks, 2);
	cr_expect_eq(d->stacks[0]->n_locations, 0);
	cr_assert_eq(d->stacks[1]->n_locations, 2);
	cr_expect_eq(d->stacks[1]->locations[0], 2, "the leaf first");
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(p->samples[i]->stack, i < 2);
		cr_expect_eq(p->samples[i]->values[0], m.values[i]);
	}
	cr_expect_str_eq(d->texts[d->functions[d->locations[2]->lines[0]->function]->name],
			 "main.b");
	otlp__profiles_request__free_unpacked(q, NULL);
}

Test(otlp, two_types_of_samples_are_two_profiles_of_the_same_stacks)
{
	static int64_t both[3][2] = { { 5, 50 }, { 7, 70 }, { 1, 10 } };
	Pprof__ValueType second = PPROF__VALUE_TYPE__INIT, *types[2] = { &m.type, &second };
	Otlp__ProfilesRequest *q;
	const Otlp__ScopeProfiles *s;
	struct textbuf to;

	make();
	second.type = 6;
	second.unit = 2;
	m.p.sample_type = types;
	m.p.n_sample_type = 2;
	m.p.time_nanos = 1000;
	m.p.duration_nanos = 10;
	for (int i = 0; i < 3; i++) {
		m.samples[i].value = both[i];
		m.samples[i].n_value = 2;
	}
	textbuf__init(&to, NULL);
	cr_assert_eq(otlp__profiles(&m.p, NULL, 0, 77, &to), 0);
	q = otlp__profiles_request__unpack(NULL, to.nr, (const uint8_t *)to.v);
	textbuf__done(&to);
	cr_assert_not_null(q);
	s = q->resource_profiles[0]->scope_profiles[0];
	cr_assert_eq(s->n_profiles, 2);
	cr_expect_eq(q->dictionary->n_stacks, 2, "one more than none");
	cr_expect_eq(q->dictionary->n_attributes, 3);
	for (int k = 0; k < 2; k++) {
		const Otlp__Profile *p = s->profiles[k];

		cr_expect_str_eq(q->dictionary->texts[p->sample_type->type],
				 k ? "sleep" : "goroutine");
		cr_expect_eq(p->time_unix_nano, 1000, "its begin, and not now");
		cr_expect_eq(p->duration_nano, 10);
		cr_assert_eq(p->n_samples, 3);
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(p->samples[i]->n_values, 1);
			cr_expect_eq(p->samples[i]->values[0], both[i][k]);
			cr_expect_eq(p->samples[i]->stack, i < 2);
		}
	}
	otlp__profiles_request__free_unpacked(q, NULL);
}

Test(otlp, labels_become_attributes)
{
	Otlp__ProfilesRequest *q = translated(NULL, 0);
	const Otlp__Profile *p = q->resource_profiles[0]->scope_profiles[0]->profiles[0];
	const Otlp__Dictionary *d = q->dictionary;

	cr_assert_eq(d->n_attributes, 3);
	cr_expect_null(d->attributes[0]->value, "the first of a table has no value");
	for (int i = 0; i < 2; i++) {
		const Otlp__Attribute *a = d->attributes[p->samples[i]->attributes[0]];

		cr_expect_str_eq(d->texts[a->key], "state");
		cr_expect_str_eq(a->value->text, texts[6 + i]);
	}
	cr_expect_eq(p->samples[2]->n_attributes, 0);
	otlp__profiles_request__free_unpacked(q, NULL);
}

Test(otlp, a_resource_has_texts_and_numbers)
{
	static const struct otlp_attribute of[] = { { .key = "service.name", .text = "api" },
						    { .key = "process.pid", .number = 812 } };
	Otlp__ProfilesRequest *q = translated(of, 2);
	const Otlp__Resource *to = q->resource_profiles[0]->resource;

	cr_assert_eq(to->n_attributes, 2);
	cr_expect_str_eq(to->attributes[0]->value->text, "api");
	cr_expect_eq(to->attributes[1]->value->number, 812);
	otlp__profiles_request__free_unpacked(q, NULL);
}

#define TRACE "0af7651916cd43dd8448eb211c80319c"

/* A link has what labels said of the span; it is element 0, none, where they say no whole one. */
Test(otlp, samples_in_a_span_have_a_link_to_it)
{
	static const char *const in_spans[] = { "",
						"goroutine",
						"count",
						"main.a",
						"main.b",
						"state",
						"sleep",
						"select",
						"trace_id",
						"span_id",
						TRACE,
						"b7ad6b7169203331",
						"00000000000000AB" };
	static const int ids[3][3][2] = { { { 5, 6 }, { 8, 10 }, { 9, 11 } },
					  { { 8, 10 }, { 9, 11 } },
					  { { 8, 10 }, { 9, 12 } } };
	static const size_t nr[3] = { 3, 2, 2 };
	Pprof__Label labels[3][3], *at[3][3];
	const Otlp__Profile *p;
	const Otlp__Dictionary *d;
	Otlp__ProfilesRequest *q;
	struct textbuf to;

	make();
	m.p.texts = (char **)(uintptr_t)in_spans;
	m.p.n_texts = ARRAY_SIZE(in_spans);
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < nr[i]; k++) {
			pprof__label__init(&labels[i][k]);
			labels[i][k].key = ids[i][k][0];
			labels[i][k].str = ids[i][k][1];
			at[i][k] = &labels[i][k];
		}
		m.samples[i].label = at[i];
		m.samples[i].n_label = nr[i];
	}
	textbuf__init(&to, NULL);
	cr_assert_eq(otlp__profiles(&m.p, NULL, 0, 77, &to), 0);
	q = otlp__profiles_request__unpack(NULL, to.nr, (const uint8_t *)to.v);
	textbuf__done(&to);
	cr_assert_not_null(q);
	d = q->dictionary;
	p = q->resource_profiles[0]->scope_profiles[0]->profiles[0];
	cr_assert_eq(d->n_links, 2, "none, and the one that two of them share");
	cr_expect_eq(d->links[0]->trace.len, 0);
	cr_assert_eq(d->links[1]->trace.len, 16);
	cr_assert_eq(d->links[1]->span.len, 8);
	cr_expect_arr_eq(d->links[1]->trace.data,
			 "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16);
	cr_expect_arr_eq(d->links[1]->span.data, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
	cr_expect_eq(p->samples[0]->link, 1);
	cr_expect_eq(p->samples[1]->link, 1);
	cr_expect_eq(p->samples[2]->link, 0, "that is no id");
	cr_assert_eq(p->samples[0]->n_attributes, 1, "its link says the rest");
	cr_expect_str_eq(d->texts[d->attributes[p->samples[0]->attributes[0]]->key], "state");
	cr_expect_eq(p->samples[1]->n_attributes, 0);
	cr_expect_eq(p->samples[2]->n_attributes, 2, "nothing else says its trace");
	otlp__profiles_request__free_unpacked(q, NULL);
}

Test(otlp, of_its_service_a_process_knows_best)
{
	struct otlp_attribute v[4] = { { "service.name", "api", 0 },
				       { "process.pid", NULL, 812 },
				       { "host.name", "h", 0 } };
	size_t nr = 3;

	nr = otlp_attribute__said(v, nr, 4, "service.name", "shop");
	nr = otlp_attribute__said(v, nr, 4, "service.name", "");
	nr = otlp_attribute__said(v, nr, 4, "process.pid", "1");
	nr = otlp_attribute__said(v, nr, 4, "host.name", "lie");
	cr_expect_eq(nr, 3);
	cr_expect_str_eq(v[0].text, "shop");
	cr_expect_eq(v[1].number, 812);
	cr_expect_str_eq(v[2].text, "h");
	nr = otlp_attribute__said(v, nr, 4, "team", "front");
	nr = otlp_attribute__said(v, nr, 4, "more", "x");
	cr_expect_eq(nr, 4, "there is no room for more");
	cr_expect_str_eq(v[3].key, "team");
}
