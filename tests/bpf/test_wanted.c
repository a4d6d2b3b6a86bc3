/* SPDX-License-Identifier: BSD-2-Clause */
/* The filters of the BPF programs, which test_probes.c has in it. */
#include "world.h"

#include "base/cleanup.h"

int pw_park(struct pt_regs *ctx);
int pw_ready(struct pt_regs *ctx);
int pw_run(struct pt_regs *ctx);
int pw_birth(struct pt_regs *ctx);
int pw_exit(struct pt_regs *ctx);
int pw_malloc(struct pt_regs *ctx);
__u64 pw_label_verdict(__u64 labels);

enum { ALLOC_KIND = 31, ALL_KINDS = -1 };

/* Labels as Go has them: a list (1.24 and later), and a map in one bucket. */
static struct {
	struct {
		uint64_t at, bytes;
	} list, pairs[24][2];
	uint64_t map, hmap[4];
	struct {
		uint8_t used[8];
		struct {
			uint64_t at, bytes;
		} keys[8], values[8];
	} bucket;
	char text[512];
	size_t text_used;
} go;

static uint64_t put(const char *text)
{
	char *to = go.text + go.text_used;

	go.text_used += strlen(text);
	memcpy(to, text, strlen(text));
	return addr(to);
}

static void add_label(size_t i, const char *key, const char *value)
{
	go.pairs[i][0].at = put(key);
	go.pairs[i][0].bytes = strlen(key);
	go.pairs[i][1].at = put(value);
	go.pairs[i][1].bytes = strlen(value);
	go.list.at = addr(go.pairs);
	go.list.bytes = i + 1;
	if (i >= ARRAY_SIZE(go.bucket.used))
		return;
	go.bucket.used[i] = 5 + 7;
	memcpy(&go.bucket.keys[i], &go.pairs[i][0], sizeof(go.bucket.keys[i]));
	memcpy(&go.bucket.values[i], &go.pairs[i][1], sizeof(go.bucket.values[i]));
}

static void make_wanted(void)
{
	make_world();
	memset(&go, 0, sizeof(go));
	go.map = addr(go.hmap);
	go.hmap[2] = addr(&go.bucket);
	shim_map_memory(&go, sizeof(go));
}

TestSuite(wanted, .init = make_wanted, .fini = shim_done);

static void filter(__u32 on)
{
	pw_knobs.filter.on = on;
	pw_knobs.filter.sites = pw_knobs.filter.event = (__u32)ALL_KINDS;
}

static void say(const void *map, __u64 key, __u8 wanted)
{
	bpf_map_update_elem(map, &key, &wanted, BPF_ANY);
}

static void want_label(const char *key, const char *value)
{
	struct pw_label l = { .key_bytes = (__u32)strlen(key) };
	__u8 one = 1;

	memcpy(l.key, key, strlen(key));
	l.value_bytes = value ? (__u32)strlen(value) : PW_LABEL_ANY;
	if (value)
		memcpy(l.value, value, strlen(value));
	bpf_map_update_elem(&pw_kept_labels, &l, &one, BPF_ANY);
}

static void expect_nothing(const char *what)
{
	cr_expect_eq(shim.nr_records, 0, "%s: %zu records", what, shim.nr_records);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 0, "%s", what);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1, "%s", what);
}

Test(wanted, a_goroutine_of_another_go_statement_sends_nothing_whatever_it_does)
{
	static int (*const hits[])(struct pt_regs *) = { pw_park, pw_ready, pw_birth, pw_exit };

	for (size_t i = 0; i < ARRAY_SIZE(hits); i++) {
		shim_done();
		make_wanted();
		filter(PW_FILTER_SITES);
		say(&pw_kept_sites, GOPC, 0);
		hits[i](&regs);
		expect_nothing(i == 0 ? "park" : i == 1 ? "ready" : i == 2 ? "birth" : "exit");
	}
}

Test(wanted, a_wait_that_nobody_wants_ends_without_a_word)
{
	filter(PW_FILTER_SITES);
	say(&pw_kept_sites, GOPC, 0);
	pw_begin_ns = 500;
	pw_park(&regs);
	pw_run(&regs);
	cr_expect_eq(shim.nr_records, 0,
		     "it was seen to park: it has not waited since the beginning");
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1);
}

Test(wanted, one_that_waits_since_the_beginning_is_filtered_when_it_runs)
{
	pw_knobs.modules[0].gopark = (struct pw_range){ SCHED_PC, 1 };
	pw_begin_ns = 500;
	filter(PW_FILTER_SITES);
	say(&pw_kept_sites, GOPC, 0);
	pw_run(&regs);
	expect_nothing("run");
}

Test(wanted, a_go_statement_that_nobody_knows_is_let_through)
{
	filter(PW_FILTER_SITES);
	pw_park(&regs);
	pw_run(&regs);
	record(1, PW_WAIT);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 0);
}

Test(wanted, a_sum_of_allocations_takes_no_go_statement_that_nobody_knows)
{
	filter(PW_FILTER_SITES);
	regs.ax = 100;
	pw_malloc(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	say(&pw_kept_sites, GOPC, 1);
	pw_malloc(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
}

Test(wanted, a_stack_is_let_through_until_it_is_known)
{
	const struct pw_stack *st;

	filter(PW_FILTER_STACKS);
	pw_park(&regs);
	pw_run(&regs);
	cr_assert_eq(shim.nr_records, 2);
	cr_expect_eq(shim.wakeups, 1, "who reads is woken to say what it is");
	st = record(0, PW_STACK);
	say(&pw_kept_stacks, st->stack_id, 0);
	pw_park(&regs);
	pw_run(&regs);
	cr_expect_eq(shim.nr_records, 2);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	say(&pw_kept_stacks, st->stack_id, 1);
	pw_park(&regs);
	pw_run(&regs);
	cr_expect_eq(shim.nr_records, 3);
}

Test(wanted, what_helps_is_not_filtered_by_what_events_are_asked_for)
{
	filter(PW_FILTER_SITES | PW_FILTER_LABELS | PW_FILTER_PS);
	pw_knobs.filter.sites = pw_knobs.filter.event = 1u << PW_WAIT;
	say(&pw_kept_sites, GOPC, 0);
	pw_birth(&regs);
	record(1, PW_BIRTH);
}

Test(wanted, only_the_p_that_is_asked_for)
{
	__u32 other = P_ID + 1, same = P_ID;
	__u8 one = 1;

	filter(PW_FILTER_PS);
	bpf_map_update_elem(&pw_kept_ps, &other, &one, BPF_ANY);
	pw_park(&regs);
	expect_nothing("another P");
	bpf_map_update_elem(&pw_kept_ps, &same, &one, BPF_ANY);
	pw_park(&regs);
	pw_run(&regs);
	record(1, PW_WAIT);
	made.m[2] = 0;
	pw_park(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 2, "it has none");
}

Test(wanted, labels_by_key_or_by_key_and_value_in_a_list_and_in_a_map)
{
	static const struct {
		const char *why, *key, *value;
		__u64 want;
	} t[] = {
		{ "the key", "role", NULL, 1 },
		{ "key and value", "role", "reader", 1 },
		{ "the last one", "zone", "a=b", 1 },
		{ "another value", "role", "read", 0 },
		{ "another key", "rol", NULL, 0 },
		{ "a value is no key", "reader", NULL, 0 },
		{ "an empty value", "role", "", 0 },
		{ "an empty value that is there", "none", "", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		for (int shape = PW_LABEL_LIST; shape <= PW_LABEL_MAP; shape++) {
			shim_done();
			make_wanted();
			add_label(0, "none", "");
			add_label(1, "role", "reader");
			add_label(2, "zone", "a=b");
			want_label(t[i].key, t[i].value);
			pw_knobs.filter.shape = (__u32)shape;
			cr_expect_eq(pw_label_verdict(addr(shape == PW_LABEL_LIST
								   ? (const void *)&go.list
								   : (const void *)&go.map)),
				     t[i].want, "%s, shape %d", t[i].why, shape);
		}
}

Test(wanted, a_slot_of_the_map_that_is_not_used_is_passed_over)
{
	add_label(0, "role", "reader");
	add_label(1, "zone", "x");
	go.bucket.used[0] = 1; /* emptyOne */
	want_label("role", NULL);
	pw_knobs.filter.shape = PW_LABEL_MAP;
	cr_expect_eq(pw_label_verdict(addr(&go.map)), 0);
}

Test(wanted, labels_that_cannot_be_read_here_are_left_open)
{
	enum { UNKNOWN = 2 };

	add_label(0, "role", "reader");
	want_label("role", NULL);
	cr_expect_eq(pw_label_verdict(0x99), UNKNOWN, "no memory");
	go.list.bytes = PW_LABELS_MAX + 1;
	cr_expect_eq(pw_label_verdict(addr(&go.list)), UNKNOWN, "too many");
	go.list.bytes = 1;
	go.pairs[0][0].at = 0x99;
	cr_expect_eq(pw_label_verdict(addr(&go.list)), UNKNOWN, "a key");
	pw_knobs.filter.shape = PW_LABEL_MAP;
	go.hmap[1] = 1ULL << 8; /* B: two buckets */
	cr_expect_eq(pw_label_verdict(addr(&go.map)), UNKNOWN, "more than eight");
}

Test(wanted, a_label_longer_than_anybody_can_ask_for_is_none_of_them)
{
	char key[PW_LABEL_BYTES + 2] = "";

	memset(key, 'k', PW_LABEL_BYTES + 1);
	add_label(0, key, "v");
	add_label(1, "role", "reader");
	want_label("role", NULL);
	cr_expect_eq(pw_label_verdict(addr(&go.list)), 1);
}

Test(wanted, an_event_whose_labels_are_open_is_a_record_that_says_so)
{
	const struct pw_wait *w;

	filter(PW_FILTER_LABELS);
	pw_want |= PW_WANT_LABELS;
	pw_sums = 1;
	pw_park(&regs); /* LABELS is no memory */
	pw_run(&regs);
	w = record(1, PW_WAIT);
	cr_expect_eq(w->hdr.flags, PW_LABELS_OPEN);
	cr_expect_eq(w->labels, LABELS);
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 0, "a sum cannot ask");
	made.g[G_LABELS] = addr(&go.list);
	add_label(0, "role", "reader");
	want_label("role", NULL);
	pw_park(&regs);
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 1);
	made.g[G_LABELS] = 0;
	pw_park(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1, "it has none");
}
