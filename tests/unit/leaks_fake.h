/* SPDX-License-Identifier: BSD-2-Clause */
/* leaks_fake: a watch for leaks over censuses that a test made up. */
#ifndef PARKWATCH_TESTS_LEAKS_FAKE_H
#define PARKWATCH_TESTS_LEAKS_FAKE_H

#include "dump_fake.h"
#include "serve/frame.h"
#include "serve/leak_figures.h"
#include "view/leaks.h"
#include "view/replay.h"

/* c: of one runtime, until the next look. */
static inline void fake_look(struct leaks *l, const struct census *c)
{
	static const struct census *censuses[1];

	censuses[0] = c;
	cr_assert_eq(leaks__look(l,
				 &(struct dump_input){ .censuses = censuses,
						       .namers = &dump_namer,
						       .nr = 1,
						       .labels = fake_labels() },
				 c->taken_ns),
		     0);
}

/* Of the channels only, and no timer feeds one. */
static inline void fake_facts(struct leaks *l, const struct gchans *chans)
{
	struct glocks locks = { 0 };
	struct gholds holds = { 0 };
	struct waitgraph graph = { 0 };
	const struct chans_source src = {
		.chans = chans, .locks = &locks, .holds = &holds, .graph = &graph
	};
	const struct chanfeeds none = { 0 };

	cr_assert_eq(leaks__facts(l, 0, &src, &none), 0);
}

/* The recording of it; the caller's. */
static inline char *fake_recording(const struct leaks *l, const struct leaks_show *how, size_t *len)
{
	const struct factlog_of of = {
		.view = "leaks",
		.pid = how->meta->pid,
		.comm = how->meta->comm,
		.exe = how->meta->exe,
		.build_id = how->meta->build_id,
		.text_start = how->meta->text_start,
		.text_end = how->meta->text_end,
		.namers = l->d->in.namers,
		.versions = (const char *const[]){ how->meta->go_version, how->meta->go_version },
		.nr = l->d->in.nr,
	};
	scoped(factlog) f = NULL;
	char *v = NULL;
	FILE *out = open_memstream(&v, len);

	cr_assert_eq(factlog__new(out, &of, &f), 0);
	for (uint16_t rt = 0; rt < of.nr; rt++)
		cr_assert_eq(factlog__look(f, 0, rt, 5, l->d->in.censuses[rt], fake_labels()), 0);
	cr_assert_eq(leaks_facts__write(f, l, how), 0);
	replay__write_end(f, how->meta);
	cr_assert_eq(factlog__end(f, NULL), 0);
	fclose(out);
	return v;
}

/* 0, or as replay__read() and leaks_facts__leaks(). */
static inline int fake_replayed(char *v, size_t len, struct replay **ret, struct leaks **ret_leaks,
				struct leaks_show *ret_show, struct cause *why)
{
	FILE *in = fmemopen(v, len, "r");
	struct replay *r = NULL;
	int err = replay__read(in, "x.pw", &r, why);

	fclose(in);
	*ret = r;
	if (!err && !r->book->nr_looks)
		return -ENOENT;
	if (!err)
		err = leaks_facts__leaks(r->leaks,
					 &(struct dump_input){
						 .censuses = (const struct census *const *)r->book
								     ->looks[0]
								     .censuses,
						 .namers = r->namers,
						 .nr = r->book->nr_runtimes,
						 .labels = r->book->looks[0].labels },
					 ret_leaks, ret_show, why);
	return err;
}

/* What a recording of them shows is what they show. */
static inline void expect_recorded(const struct leaks *live, const struct leaks_show *how,
				   bool json, const char *text)
{
	scoped(replay) r = NULL;
	scoped(leaks) l = NULL;
	struct leaks_show show = { 0 };
	struct cause why = { "" };
	scoped_mem char *file = NULL, *other = NULL;
	size_t len, other_len;
	FILE *out;

	file = fake_recording(live, how, &len);
	cr_assert_eq(fake_replayed(file, len, &r, &l, &show, &why), 0, "%s", why.text);
	show.meta = &r->meta;
	show.suspects = how->suspects;
	show.all = how->all;
	out = open_memstream(&other, &other_len);
	cr_assert_eq((json ? leaks_show__json : leaks_show__text)(l, &show, out, NULL), 0);
	fclose(out);
	cr_expect_str_eq(other, text);
}

/* As a leak worker sends it; leaks: NULL: it leaves them out. */
static inline int fake_frame(int to, const struct frame_figures *f, const char *file, size_t len,
			     const struct leak_figures *leaks)
{
	const struct frame_bytes parts[FRAME_PARTS] = {
		[FRAME_RECORDING] = { file, len },
		[FRAME_DIGEST] = { (const char *)leaks, leaks ? sizeof(*leaks) : 0 },
	};

	return frame_write(to, f, parts);
}

#endif
