/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/labels_read.h"
#include "view/replay.h"

#include <errno.h>
#include <zstd.h>

#include <criterion/criterion.h>

#include "dump_fake.h"
#include "facts/pw_file.h"
#include "format/format.h"

static const struct factlog_of fake_of = {
	.view = "dump",
	.options = (const char *const[]){ "root", "full" },
	.values = (const char *const[]){ "goid", "" },
	.nr_options = 2,
	.pid = 812,
	.comm = "api",
	.exe = "/srv/api",
	.build_id = "ab",
	.text_start = 0x401000,
	.text_end = 0x402000,
	.namers = &dump_namer,
	.versions = (const char *const[]){ "go1.24.1" },
	.nr = 1,
};

struct bytes {
	char *v;
	size_t len;
};

/* A look, what a descriptor is connected to, and counts by stack. */
static struct bytes write_begun_at(uint64_t start_ns)
{
	const int fds[] = { 6, 7 };
	scoped(dump) d = fake_dump(&(struct dump_opts){ 0 });
	scoped(factlog) f = NULL;
	scoped(snap) snap = NULL;
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);

	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	cr_assert_eq(factlog__look(f, 0, 0, 5, &fake_census, fake_labels()), 0);
	cr_assert_eq(factlog__peers(f, fds, 2, fake_peer, NULL), 0);
	cr_assert_eq(dump__snap(d, PROFILE_ROOT_NONE, &snap), 0);
	snap->start_ns = start_ns;
	snap->end_ns = start_ns + 10;
	cr_assert_eq(snap_facts__write(f, snap), 0);
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return b;
}

static struct bytes write_all(void)
{
	return write_begun_at(0);
}

static int read_bytes(const void *v, size_t len, struct replay **ret, struct cause *why)
{
	FILE *in = fmemopen((void *)(uintptr_t)v, len, "r");
	int err;

	*ret = NULL;
	err = replay__read(in, "x.pw", ret, why);
	fclose(in);
	return err;
}

static const char *peer_of(void *ctx, int fd)
{
	return book__peer(ctx, fd);
}

static char *shown(struct dump *d, const struct dump_show *s, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(json ? dump_show__json(d, s, false, out, NULL)
			  : dump_show__text(d, s, out, NULL),
		     0);
	fclose(out);
	return text;
}

static char *rendered(const struct snap *s, const struct report_meta *meta,
		      const struct namer *namers, const struct renderer *how)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(how->render(&(struct report){ .snap = s,
						   .meta = meta,
						   .namers = namers,
						   .nr_namers = 1 },
				 out, NULL),
		     0);
	fclose(out);
	return text;
}

Test(replay, a_look_is_shown_as_it_was)
{
	const struct dump_opts opts = { .system = true };
	struct bytes b = write_all();
	scoped(replay) r = NULL;
	scoped(dump) live = fake_dump(&opts);
	scoped(dump) back = NULL;
	struct dump_show s = {
		.meta = &fake_meta, .peer = fake_peer, .objects = true, .labels = true, .full = true
	};

	cr_assert_eq(read_bytes(b.v, b.len, &r, NULL), 0);
	cr_expect_not(r->read.cut);
	cr_assert_eq(r->book->nr_looks, 1);
	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = (const struct census *const *)
									 r->book->looks[0]
										 .censuses,
						     .namers = r->namers,
						     .nr = r->book->nr_runtimes,
						     .labels = r->book->looks[0].labels },
			       &opts, &back),
		     0);
	for (int json = 0; json < 2; json++) {
		scoped_mem char *one = shown(live, &s, json), *other = NULL;
		struct dump_show of_file = s;

		of_file.peer = peer_of;
		of_file.peer_ctx = r->book;
		other = shown(back, &of_file, json);
		/* A peer's text is clean when it is read; JSON tells control characters as they are. */
		if (!json)
			cr_expect_str_eq(one, other);
		cr_expect_eq(strlen(one) > 500, true);
		if (json)
			cr_expect(strstr(other, "tcp 1.2.3.4:5 -> ?[6"), "%s", other);
	}
	free(b.v);
}

Test(replay, counts_by_stack_are_shown_as_they_were)
{
	struct bytes b = write_all();
	scoped(replay) r = NULL;
	scoped(dump) d = fake_dump(&(struct dump_opts){ 0 });
	scoped(snap) live = NULL;
	scoped(snap) back = NULL;

	cr_assert_eq(read_bytes(b.v, b.len, &r, NULL), 0);
	cr_assert_eq(dump__snap(d, PROFILE_ROOT_NONE, &live), 0);
	cr_assert_eq(snap_facts__snap(r->sums, &back), 0);
	cr_expect_eq(back->value, live->value);
	for (size_t i = 0; format_at(i); i++) {
		const struct renderer *how = format_at(i)->rows;
		scoped_mem char *one = NULL, *other = NULL;

		if (!how || how == &renderer_pprof)
			continue;
		one = rendered(live, &fake_meta, &dump_namer, how);
		other = rendered(back, &fake_meta, r->namers, how);
		cr_expect_str_eq(one, other);
	}
	cr_expect_eq(r->meta.pid, 812);
	cr_expect_str_eq(r->meta.exe, "/srv/api");
	cr_expect_eq(r->meta.wall_start_ns, fake_meta.wall_start_ns);
	cr_expect_str_eq(r->book->options[0], "root");
	cr_expect_str_eq(r->book->values[0], "goid");
	cr_expect_str_eq(r->book->values[1], "");
	free(b.v);
}

Test(replay, a_file_that_was_cut_off_gives_what_is_whole)
{
	struct bytes b = write_all();
	size_t whole = 0;

	for (size_t len = 0; len < b.len; len++) {
		scoped(replay) r = NULL;
		struct cause why = { "" };
		const int err = read_bytes(b.v, len ? len : 1, &r, &why);

		if (!err) {
			cr_expect(r->read.cut || len > sizeof(struct pw_file_head));
			cr_expect_eq(r->read.segments, 1);
			whole++;
		} else {
			cr_expect_eq(err, -EBADMSG);
			cr_expect(why.text[0]);
		}
	}
	/* Index and tail, at least, are not needed. */
	cr_expect(whole > sizeof(struct pw_index_entry) + sizeof(struct pw_tail));
	free(b.v);
}

Test(replay, another_format_is_refused_with_its_number)
{
	struct bytes b = write_all();
	scoped(replay) r = NULL;
	struct cause why = { "" };
	struct pw_file_head *head = (struct pw_file_head *)b.v;

	head->minor++;
	cr_expect_eq(read_bytes(b.v, b.len, &r, NULL), 0);
	replay__free(steal(r));
	head->major++;
	cr_expect_eq(read_bytes(b.v, b.len, &r, &why), -EPROTONOSUPPORT);
	cr_expect(strstr(why.text, "'x.pw': it is of format 2, this parkwatch reads format 1"),
		  "%s", why.text);
	memcpy(head->magic,
	       "\x7f"
	       "ELF",
	       4);
	why.text[0] = '\0';
	cr_expect_eq(read_bytes(b.v, b.len, &r, &why), -EBADMSG);
	cr_expect(strstr(why.text, "is no recording of parkwatch"), "%s", why.text);
	free(b.v);
}

/* One segment with these facts, as another writer might have made it. */
static struct bytes segment_of(const uint8_t *facts, size_t nr)
{
	const struct pw_file_head head = { .magic = PW_FILE_MAGIC, .major = PW_FILE_MAJOR };
	struct pw_segment_head seg = { .magic = PW_SEGMENT_MAGIC, .bytes = (uint32_t)nr };
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);
	char packed[4096];

	seg.packed_bytes = (uint32_t)ZSTD_compress(packed, sizeof(packed), facts, nr, 1);
	fwrite(&head, sizeof(head), 1, out);
	fwrite(&seg, sizeof(seg), 1, out);
	fwrite(packed, seg.packed_bytes, 1, out);
	fclose(out);
	return b;
}

Test(replay, what_was_said_of_the_process_is_told)
{
	const uint64_t unix_ns = 1700000000000000000;
	struct note notes[100];
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);
	scoped(factlog) f = NULL;
	scoped(replay) r = NULL;
	struct cause why = { "" };

	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		notes[i] = (struct note){ unix_ns + i, i ? LOG_INFO : LOG_WARN,
					  i ? "so it is" : "lost\x1b[2J" };
	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	factlog__notes(f, notes, ARRAY_SIZE(notes), 3);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	cr_assert_eq(read_bytes(b.v, b.len, &r, &why), 0, "%s", why.text);
	cr_assert_eq(r->book->nr_lines, ARRAY_SIZE(notes));
	cr_expect_eq(r->book->lines[0].level, LOG_WARN);
	cr_expect_str_eq(r->book->lines[0].text, "lost?[2J", "a file may have anything");
	cr_expect_str_eq(r->book->lines[99].text, "so it is");
	cr_expect_eq(r->book->lines[99].unix_ns, unix_ns + 99);
	cr_expect_eq(r->book->lines_lost, 3);
	free(b.v);
}

Test(replay, a_fact_that_is_not_known_is_passed_over)
{
	/* field 900, 2 bytes; then field 3 (runtime): number 0, minor 26 */
	static const uint8_t facts[] = { 5, 0xa2, 0x38, 2, 1, 2, 4, 0x1a, 2, 0x18, 26 };
	struct bytes b = segment_of(facts, sizeof(facts));
	scoped(replay) r = NULL;
	struct cause why = { "" };

	cr_assert_eq(read_bytes(b.v, b.len, &r, &why), 0, "%s", why.text);
	cr_expect_eq(r->read.unknown, 1);
	cr_expect_eq(r->book->nr_runtimes, 1);
	cr_expect_eq(r->book->runtimes[0].minor, 26);
	free(b.v);
}

Test(replay, what_does_not_fit_together_is_refused)
{
	static const struct {
		const char *why;
		uint8_t facts[24];
		size_t nr;
	} t[] = {
		{ "a fact longer than the segment", { 200, 1, 0x1a }, 3 },
		{ "a runtime out of turn", { 4, 0x1a, 2, 8, 5 }, 5 },
		{ "names out of turn", { 6, 0x22, 4, 8, 9, 0x12, 0 }, 7 },
		{ "a look of no runtime", { 4, 0x42, 2, 0x10, 3 }, 5 },
		{ "code whose columns differ",
		  { 4, 0x1a, 2, 0x18, 26, 8, 0x2a, 6, 0x12, 1, 2, 0x22, 1, 9 },
		  14 },
		{ "goroutines of no look", { 5, 0x4a, 3, 0x0a, 1, 2 }, 6 },
		{ "sums of two events",
		  { 4, 0x1a, 2, 0x18, 26, 4, 0x5a, 2, 8, 1, 4, 0x5a, 2, 8, 3 },
		  15 },
		{ "no process", { 2, 0x12, 0 }, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct bytes b = segment_of(t[i].facts, t[i].nr);
		scoped(replay) r = NULL;
		struct cause why = { "" };

		cr_expect_eq(read_bytes(b.v, b.len, &r, &why), -EBADMSG, "%s", t[i].why);
		cr_expect(why.text[0], "%s", t[i].why);
		free(b.v);
	}
}

#define MANY_GS 20000

static uint64_t scattered(uint64_t *state, uint64_t range)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % range;
}

/* As many goroutines of an HTTP server: all over the heap, each waiting for something of its own. */
static void fill_many(struct census_g *gs, struct census_wait *waits)
{
	uint64_t state = 1;

	for (uint32_t i = 0; i < MANY_GS; i++) {
		gs[i] = fake_gs[1 + i % 2];
		gs[i].who.goid = 100 + i * 3 + scattered(&state, 3);
		gs[i].addr = 0xc000000000 + i * 512 + 64 * scattered(&state, 4);
		gs[i].stack_lo = 0xc100000000 + 4096 * scattered(&state, 1 << 18);
		gs[i].stack_hi = gs[i].stack_lo + 4096;
		gs[i].sp = gs[i].stack_hi - 16 * scattered(&state, 100);
		gs[i].waitsince_ns = FAKE_NOW_NS - scattered(&state, 1 << 30);
		gs[i].stops = (uint8_t)scattered(&state, 256);
		gs[i].waits_at = i;
		waits[i] = (struct census_wait){ .addr = 0xc200000000 +
							 96 * scattered(&state, 1 << 22),
						 .kind = CENSUS_WAIT_CHAN,
						 .direction = CENSUS_DIR_RECEIVE };
	}
}

static struct bytes write_looks(size_t nr)
{
	scoped_mem struct census_g *gs = calloc(MANY_GS, sizeof(*gs));
	scoped_mem struct census_wait *waits = calloc(MANY_GS, sizeof(*waits));
	struct census c = fake_census;
	scoped(factlog) f = NULL;
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);

	fill_many(gs, waits);
	c.gs = gs;
	c.waits = waits;
	c.nr_waits = MANY_GS;
	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	for (size_t i = 0; i < nr; i++) {
		c.nr = MANY_GS - i; /* to be told apart */
		c.taken_ns = FAKE_NOW_NS + i * FAKE_SECOND;
		cr_assert_eq(factlog__look(f, (uint32_t)i, 0, 5 + i, &c, NULL), 0);
	}
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return b;
}

Test(replay, a_goroutine_takes_40_bytes_at_most_in_each_look_after_the_first)
{
	struct bytes one = write_looks(1), four = write_looks(4);

	cr_expect_leq((four.len - one.len) / 3, 40 * MANY_GS, "%zu bytes, then %zu", one.len,
		      (four.len - one.len) / 3);
	free(one.v);
	free(four.v);
}

Test(replay, of_several_looks_it_has_the_last_one_until_then)
{
	static const struct {
		uint64_t ns;
		size_t look;
	} t[] = { { 0, 0 }, { FAKE_SECOND - 1, 0 }, { FAKE_SECOND, 1 }, { 9 * FAKE_SECOND, 2 } };
	struct bytes b = write_looks(3);
	scoped(replay) r = NULL;
	struct replay_look look;

	cr_assert_eq(read_bytes(b.v, b.len, &r, NULL), 0);
	cr_assert(replay__look(r, &look));
	cr_expect_eq(look.censuses[0]->nr, MANY_GS - 2, "without a time: the last one");
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_assert(replay__look_until(r, t[i].ns, &look));
		cr_expect_eq(look.censuses[0]->nr, MANY_GS - t[i].look, "until %llu ns",
			     (unsigned long long)t[i].ns);
	}
	free(b.v);
}

/* Two recordings, as a store has them: segments of both, one after the other. */
Test(replay, recordings_of_one_event_add_up)
{
	struct bytes b[2] = { write_begun_at(100), write_begun_at(200) };
	const size_t head = sizeof(struct pw_file_head);
	scoped_mem char *both = malloc(b[0].len + b[1].len);
	scoped(replay) one = NULL;
	scoped(replay) r = NULL;
	scoped(snap) alone = NULL;
	scoped(snap) back = NULL;
	struct pw_segment_head first;
	size_t len;

	cr_assert(both);
	cr_assert_eq(read_bytes(b[0].v, b[0].len, &one, NULL), 0);
	cr_assert_eq(snap_facts__snap(one->sums, &alone), 0);
	memcpy(&first, b[0].v + head, sizeof(first));
	len = head + sizeof(first) + first.packed_bytes;
	memcpy(both, b[0].v, len);
	memcpy(&first, b[1].v + head, sizeof(first));
	memcpy(both + len, b[1].v + head, sizeof(first) + first.packed_bytes);
	len += sizeof(first) + first.packed_bytes;
	cr_assert_eq(read_bytes(both, len, &r, NULL), 0);
	cr_expect_eq(snap_facts__add_up(r->sums), 20);
	cr_assert_eq(snap_facts__snap(r->sums, &back), 0);
	cr_assert_eq(back->nr, alone->nr, "a row of each kind");
	cr_expect_eq(back->count, 2 * alone->count);
	cr_expect_eq(back->value, 2 * alone->value);
	for (size_t i = 0; i < back->nr; i++)
		cr_expect_eq(back->rows[i].count, 2 * alone->rows[i].count);
	for (int i = 0; i < 2; i++)
		free(b[i].v);
}

/* One stack with three labels, and another one. */
static struct bytes write_labelled(void)
{
	const uint64_t pcs[] = { 0x401010, 0x401020 };
	const struct stack one = { .nr = 2, .pcs = pcs }, other = { .nr = 1, .pcs = pcs };
	const struct snap_row rows[] = {
		{ .own = { .stack = one }, .label = "role=reader", .count = 9, .value = 90 },
		{ .own = { .stack = one }, .label = "role=writer", .count = 16, .value = 160 },
		{ .own = { .stack = one }, .label = "", .count = 11, .value = 110 },
		{ .own = { .stack = other }, .label = "role=reader", .count = 4, .value = 40 },
	};
	struct snap_row *copy = malloc(sizeof(rows));
	scoped(factlog) f = NULL;
	scoped(snap) snap = NULL;
	struct bytes b = { NULL, 0 };
	FILE *out = open_memstream(&b.v, &b.len);

	cr_assert_not_null(copy);
	memcpy(copy, rows, sizeof(rows));
	cr_assert_eq(snap__from_rows(PROFILE_CPU, PROFILE_ROOT_LABEL, &copy, ARRAY_SIZE(rows),
				     &snap),
		     0);
	snap->end_ns = 10;
	cr_assert_eq(factlog__new(out, &fake_of, &f), 0);
	cr_assert_eq(snap_facts__write(f, snap), 0);
	replay__write_end(f, &fake_meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return b;
}

Test(replay, rows_that_only_labels_tell_apart_become_one)
{
	struct bytes b = write_labelled();
	scoped(replay) r = NULL;
	scoped(snap) back = NULL;

	cr_assert_eq(read_bytes(b.v, b.len, &r, NULL), 0);
	cr_expect_eq(snap_facts__nr(r->sums), 4);
	snap_facts__forget_labels(r->sums);
	cr_assert_eq(snap_facts__snap(r->sums, &back), 0);
	cr_assert_eq(back->nr, 2);
	cr_expect_eq(back->root, PROFILE_ROOT_NONE);
	cr_expect(back->count == 40 && back->value == 400);
	for (size_t i = 0; i < back->nr; i++) {
		const uint64_t count = back->rows[i].own.stack.nr == 2 ? 36 : 4;

		cr_expect_null(back->rows[i].label);
		cr_expect_eq(back->rows[i].count, count);
		cr_expect_eq(back->rows[i].value, 10 * count);
		cr_expect_eq(back->rows[i].error, snap_error_of_samples(count, 10 * count, true),
			     "of as many samples");
	}
	free(b.v);
}
