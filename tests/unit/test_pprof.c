/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <zlib.h>

#include "format/profile.pb-c.h"
#include "golang/gostate.h"
#include "model/wall.h"
#include "report_fake.h"

#define STACK_A 100
#define STACK_B 200

/* Unzips and unpacks; fails the test if either does not work. */
static Pprof__Profile *unpack_of(const struct profile *p, bool full, const struct report_meta *meta)
{
	static uint8_t raw[1 << 20];
	size_t len = 0;
	scoped_mem char *zipped = fake_render_of(&renderer_pprof, p, full, meta, &len);
	z_stream z = { .next_in = (unsigned char *)zipped,
		       .avail_in = (uInt)len,
		       .next_out = raw,
		       .avail_out = sizeof(raw) };
	Pprof__Profile *pb;

	cr_assert_not_null(zipped);
	cr_assert_eq(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	pb = pprof__profile__unpack(NULL, z.total_out, raw);
	inflateEnd(&z);
	cr_assert_not_null(pb);
	return pb;
}

static Pprof__Profile *unpack(const struct profile *p, bool full)
{
	return unpack_of(p, full, &fake_meta);
}

static const char *function_of(const Pprof__Profile *pb, uint64_t location, size_t line)
{
	const Pprof__Location *l = pb->location[location - 1];

	return pb->texts[pb->function[l->line[line]->function_id - 1]->name];
}

static struct profile *waits(enum profile_root root)
{
	const struct profile_opts o = { .event = PROFILE_BLOCKED, .root = root };
	const char *label = profile_root_is_of_requests(root)
				    ? "GET /quote/{id}|0af7651916cd43dd|b7ad6b71|quote"
				    : "k=v,w,k2=v=2";
	struct profile *p = NULL;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, fake_wait_stack, ARRAY_SIZE(fake_wait_stack));
	fake_wait(p, 7, STACK_A, FAKE_CHAN_RECEIVE, 100, 200, profile__label(p, label));
	fake_wait(p, 7, STACK_A, FAKE_CHAN_RECEIVE, 300, 350, profile__label(p, label));
	return p;
}

Test(pprof, has_go_s_own_types_for_waits)
{
	scoped(profile) p = waits(PROFILE_ROOT_NONE);
	Pprof__Profile *pb = unpack(p, false);

	cr_assert_eq(pb->n_sample_type, 2);
	cr_expect_str_eq(pb->texts[0], "");
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->type], "contentions");
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->unit], "count");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->type], "delay");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->unit], "nanoseconds");
	cr_expect_str_eq(pb->texts[pb->default_sample_type], "delay");
	cr_expect_str_eq(pb->texts[pb->period_type->type], "contentions");
	cr_expect_eq(pb->period, 1);
	cr_expect_eq(pb->duration_nanos, 10000000000);
	pprof__profile__free_unpacked(pb, NULL);
}

static bool has_comment(const Pprof__Profile *pb, const char *text)
{
	for (size_t i = 0; i < pb->n_comment; i++)
		if (!strcmp(pb->texts[pb->comment[i]], text))
			return true;
	return false;
}

Test(pprof, tells_the_time_that_is_missing)
{
	const struct report_meta meta = fake_meta_with_gap();
	scoped(profile) p = waits(PROFILE_ROOT_NONE);
	Pprof__Profile *whole = unpack(p, false), *gap = unpack_of(p, false, &meta);

	cr_expect_not(has_comment(whole, FAKE_GAP));
	cr_expect(has_comment(gap, FAKE_GAP));
	cr_expect(has_comment(gap, fake_meta.cost));
	cr_expect_eq(gap->n_comment, whole->n_comment + 1);
	pprof__profile__free_unpacked(whole, NULL);
	pprof__profile__free_unpacked(gap, NULL);
}

Test(pprof, a_sample_is_leaf_first_with_inlined_frames_as_lines)
{
	scoped(profile) p = waits(PROFILE_ROOT_NONE);
	Pprof__Profile *pb = unpack(p, false);
	const Pprof__Sample *s;

	cr_assert_eq(pb->n_sample, 1);
	s = pb->sample[0];
	cr_assert_eq(s->n_value, 2);
	cr_expect_eq(s->value[0], 2);
	cr_expect_eq(s->value[1], 150);
	cr_assert_eq(s->n_location_id, 4);
	cr_expect_str_eq(function_of(pb, s->location_id[0], 0), "[chan receive]");
	cr_expect_eq(pb->location[s->location_id[0] - 1]->address, 0);
	cr_expect_eq(pb->function[pb->location[s->location_id[0] - 1]->line[0]->function_id - 1]
			     ->system_name,
		     0, "pprof would cut [select (no cases)]");
	cr_expect_str_eq(function_of(pb, s->location_id[2], 0), "main.worker");
	cr_assert_eq(pb->location[s->location_id[3] - 1]->n_line, 3);
	cr_expect_str_eq(function_of(pb, s->location_id[3], 0), "main.innermost");
	cr_expect_str_eq(function_of(pb, s->location_id[3], 2), "main.loop");
	cr_expect_eq(pb->location[s->location_id[3] - 1]->line[2]->line, 41);
	cr_expect_eq(pb->location[s->location_id[3] - 1]->address, PC_LOOP);
	pprof__profile__free_unpacked(pb, NULL);
}

Test(pprof, ids_go_from_one_without_a_gap)
{
	scoped(profile) p = waits(PROFILE_ROOT_NONE);
	Pprof__Profile *pb = unpack(p, true);

	for (size_t i = 0; i < pb->n_location; i++) {
		cr_expect_eq(pb->location[i]->id, i + 1);
		for (size_t k = 0; k < pb->location[i]->n_line; k++) {
			cr_expect_geq(pb->location[i]->line[k]->function_id, 1);
			cr_expect_leq(pb->location[i]->line[k]->function_id, pb->n_function);
		}
	}
	for (size_t i = 0; i < pb->n_function; i++)
		cr_expect_eq(pb->function[i]->id, i + 1);
	cr_assert_eq(pb->n_mapping, 1);
	cr_expect_eq(pb->mapping[0]->id, 1);
	cr_expect_str_eq(pb->texts[pb->mapping[0]->filename], "/srv/api");
	cr_expect(pb->mapping[0]->has_functions && pb->mapping[0]->has_inline_frames);
	pprof__profile__free_unpacked(pb, NULL);
}

Test(pprof, root_becomes_labels)
{
	static const struct {
		enum profile_root root;
		const char *want;
	} t[] = {
		{ PROFILE_ROOT_NONE, "wait_reason=chan receive " },
		{ PROFILE_ROOT_GOID, "wait_reason=chan receive goid=7 " },
		{ PROFILE_ROOT_CREATED_BY, "wait_reason=chan receive created_by=main.main " },
		{ PROFILE_ROOT_LABEL, "wait_reason=chan receive k=v,w k2=v=2 " },
		{ PROFILE_ROOT_STATE, "wait_reason=chan receive state=chan receive " },
		{ PROFILE_ROOT_ROUTE,
		  "wait_reason=chan receive route=GET /quote/{id} trace_id=0af7651916cd43dd "
		  "span_id=b7ad6b71 span_name=quote " },
		{ PROFILE_ROOT_REQUEST,
		  "wait_reason=chan receive route=GET /quote/{id} trace_id=0af7651916cd43dd "
		  "span_id=b7ad6b71 span_name=quote " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(profile) p = waits(t[i].root);
		Pprof__Profile *pb = unpack(p, false);
		char got[256] = "";
		size_t at = 0;

		for (size_t k = 0; k < pb->sample[0]->n_label; k++) {
			const Pprof__Label *l = pb->sample[0]->label[k];

			at += (size_t)snprintf(got + at, sizeof(got) - at,
					       "%s=", pb->texts[l->key]);
			at += l->str ? (size_t)snprintf(got + at, sizeof(got) - at, "%s ",
							pb->texts[l->str])
				     : (size_t)snprintf(got + at, sizeof(got) - at, "%ld ",
							(long)l->num);
		}
		cr_expect_str_eq(got, t[i].want, "root %zu: %s", i, got);
		pprof__profile__free_unpacked(pb, NULL);
	}
}

Test(pprof, births_are_goroutines)
{
	const struct profile_opts o = { .event = PROFILE_BIRTHS };
	scoped(profile) p = NULL;
	Pprof__Profile *pb;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_B, fake_birth_stack, ARRAY_SIZE(fake_birth_stack));
	fake_birth(p, 7, 1, STACK_B, START_GOWRAP);
	fake_birth(p, 8, 1, STACK_B, START_GOWRAP);
	fake_birth(p, 9, 1, STACK_B, START_MAIN);
	pb = unpack(p, false);
	cr_assert_eq(pb->n_sample_type, 1);
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->type], "goroutine");
	cr_assert_eq(pb->n_sample, 2);
	cr_assert_eq(pb->sample[0]->n_value, 1);
	cr_expect_eq(pb->sample[0]->value[0] + pb->sample[1]->value[0], 3);
	cr_expect_str_eq(function_of(pb, pb->sample[0]->location_id[0], 0), "[go main.worker]");
	cr_expect_eq(pb->sample[0]->n_label, 0);
	pprof__profile__free_unpacked(pb, NULL);
}

Test(pprof, the_same_profile_is_the_same_file)
{
	scoped(profile) p = waits(PROFILE_ROOT_NONE);
	size_t len_a, len_b;
	scoped_mem char *a = fake_render(&renderer_pprof, p, false, &len_a);
	scoped_mem char *b = fake_render(&renderer_pprof, p, false, &len_b);

	cr_assert_eq(len_a, len_b);
	cr_expect_arr_eq(a, b, len_a);
}

Test(pprof, has_go_s_own_types_for_allocations)
{
	static const uint64_t pcs[] = { PC_MALLOC, PC_WORKER, PC_MAIN };
	const struct profile_opts o = { .event = PROFILE_ALLOC };
	scoped(profile) p = NULL;
	struct profile_alloc a = {
		.stack_id = STACK_A, .object_bytes = 48, .objects = 3, .bytes = 144
	};
	Pprof__Profile *pb;
	const Pprof__Sample *s;

	cr_assert_eq(profile__new(&o, &p), 0);
	fake_stack(p, STACK_A, pcs, ARRAY_SIZE(pcs));
	a.type = profile__label(p, "main.node");
	profile__alloc(p, 0, &a);
	pb = unpack(p, false);
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->type], "alloc_objects");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->type], "alloc_space");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->unit], "bytes");
	cr_expect_str_eq(pb->texts[pb->default_sample_type], "alloc_space");
	cr_expect_str_eq(pb->texts[pb->period_type->type], "space");
	cr_assert_eq(pb->n_sample, 1);
	s = pb->sample[0];
	cr_expect_eq(s->value[0], 3);
	cr_expect_eq(s->value[1], 144);
	cr_assert_eq(s->n_label, 2);
	cr_expect_str_eq(pb->texts[s->label[0]->key], "bytes");
	cr_expect_eq(s->label[0]->num, 48);
	cr_expect_str_eq(pb->texts[s->label[1]->str], "main.node");
	cr_expect_str_eq(function_of(pb, s->location_id[0], 0), "main.worker",
			 "no word, and nothing of the runtime");
	pprof__profile__free_unpacked(pb, NULL);
}

Test(pprof, an_unlock_has_go_s_own_types_and_no_label)
{
	static const uint64_t pcs[] = { PC_WORKER, PC_MAIN };
	const struct profile_opts o = { .event = PROFILE_MUTEX };
	const struct pw_mutex r = { .hdr = { .ts_ns = 1500, .kind = PW_MUTEX },
				    .start_ns = 1400,
				    .stack_id = STACK_A };
	scoped(profile) p = NULL;
	Pprof__Profile *pb;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1000);
	fake_stack(p, STACK_A, pcs, ARRAY_SIZE(pcs));
	cr_assert_eq(profile__apply(p, &r.hdr, 0), 0);
	pb = unpack(p, false);
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->type], "contentions");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->type], "delay");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->unit], "nanoseconds");
	cr_expect_str_eq(pb->texts[pb->period_type->type], "contentions");
	cr_expect_eq(pb->period, 1);
	cr_assert_eq(pb->n_sample, 1);
	cr_expect_eq(pb->sample[0]->value[0], 1);
	cr_expect_eq(pb->sample[0]->value[1], 100);
	cr_expect_eq(pb->sample[0]->n_label, 0);
	cr_expect_eq(pb->sample[0]->n_location_id, 2, "no word at the end");
	pprof__profile__free_unpacked(pb, NULL);
}

Test(pprof, has_go_s_own_types_for_cpu_time)
{
	static const uint64_t pcs[] = { PW_PC_C, PC_WORKER, PC_MAIN };
	const struct profile_opts o = { .event = PROFILE_CPU };
	const struct pw_cpu sample = { .hdr = { .ts_ns = 1500, .kind = PW_CPU }, .ns = 10101010 };
	scoped(profile) p = NULL;
	Pprof__Profile *pb;
	const Pprof__Sample *s;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1000);
	fake_stack(p, STACK_A, pcs, ARRAY_SIZE(pcs));
	for (int i = 0; i < 3; i++)
		profile__cpu(p, &sample, STACK_A, 0);
	pb = unpack(p, false);
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->type], "samples");
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->unit], "count");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->type], "cpu");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->unit], "nanoseconds");
	cr_expect_str_eq(pb->texts[pb->default_sample_type], "cpu");
	cr_expect_str_eq(pb->texts[pb->period_type->type], "cpu");
	cr_expect_eq(pb->period, 10101010);
	cr_assert_eq(pb->n_sample, 1);
	s = pb->sample[0];
	cr_expect_eq(s->value[0], 3);
	cr_expect_eq(s->value[1], 30303030);
	cr_expect_eq(s->n_label, 0);
	cr_expect_eq(s->n_location_id, 3, "no word at the end");
	cr_expect_str_eq(function_of(pb, s->location_id[0], 0), "[C]");
	pprof__profile__free_unpacked(pb, NULL);
}

Test(pprof, has_the_whole_time_with_the_state_at_the_root)
{
	static const uint64_t pcs[] = { PC_WORKER, PC_MAIN };
	const struct profile_opts o = { .event = PROFILE_WALL };
	scoped(profile) p = NULL;
	Pprof__Profile *pb;
	const Pprof__Sample *s;

	cr_assert_eq(profile__new(&o, &p), 0);
	profile__begin(p, 1000);
	fake_stack(p, STACK_A, pcs, ARRAY_SIZE(pcs));
	profile__window(p);
	profile__sample(p, &(struct profile_sample){ .stack_id = STACK_A,
						     .value = 500,
						     .reason = wall_reason(GOSTATUS_RUNNABLE, 0),
						     .counts = true });
	pb = unpack(p, false);
	cr_expect_str_eq(pb->texts[pb->sample_type[0]->type], "samples");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->type], "wall");
	cr_expect_str_eq(pb->texts[pb->sample_type[1]->unit], "nanoseconds");
	cr_expect_str_eq(pb->texts[pb->default_sample_type], "wall");
	cr_assert_eq(pb->n_sample, 1);
	s = pb->sample[0];
	cr_expect_eq(s->value[0], 1);
	cr_expect_eq(s->value[1], 500);
	cr_assert_eq(s->n_location_id, 3);
	cr_expect_str_eq(function_of(pb, s->location_id[0], 0), "main.worker", "no other word");
	cr_expect_str_eq(function_of(pb, s->location_id[2], 0), "[ready]");
	cr_assert_eq(s->n_label, 1);
	cr_expect_str_eq(pb->texts[s->label[0]->key], "state");
	cr_expect_str_eq(pb->texts[s->label[0]->str], "ready");
	pprof__profile__free_unpacked(pb, NULL);
}
