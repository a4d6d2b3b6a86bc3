/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording: bytes as a recording: read, and shown whole. What the fuzz targets of recordings share.
 */
#ifndef PARKWATCH_TESTS_RECORDING_H
#define PARKWATCH_TESTS_RECORDING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "facts/pw_file.h"
#include "format/dump_show.h"
#include "format/format.h"
#include "format/tracks.h"
#include "view/chans.h"
#include "view/dump.h"
#include "view/replay.h"
#include "view/watched_chans.h"

#define RECORDING_FACTS_MAX 32768 /* bytes: they must fit into one block of zstd */
#define RECORDING_BYTES_MAX (RECORDING_FACTS_MAX + 128)

static inline void put_bytes(uint8_t *to, size_t *at, const void *from, size_t nr)
{
	memcpy(to + *at, from, nr);
	*at += nr;
}

/*
 * A file of one segment with these facts, of which none is compressed: so nearly all of the time
 * goes into what is to be tested, and a changed byte is a changed fact. It ends with the mark of an
 * index, which nobody reads: what is behind it is of no account. Returns its bytes.
 */
static inline size_t recording_of(const uint8_t *facts, size_t nr, uint8_t *to)
{
	const struct pw_file_head head = { .magic = PW_FILE_MAGIC, .major = PW_FILE_MAJOR };
	/* RFC 8878: a frame of one segment, its size in 4 bytes; its last block, raw */
	const uint8_t frame[] = { 0x28,
				  0xb5,
				  0x2f,
				  0xfd,
				  0xa0,
				  (uint8_t)nr,
				  (uint8_t)(nr >> 8),
				  0,
				  0,
				  (uint8_t)(nr << 3 | 1),
				  (uint8_t)(nr >> 5),
				  (uint8_t)(nr >> 13) };
	const struct pw_segment_head seg = { .magic = PW_SEGMENT_MAGIC,
					     .bytes = (uint32_t)nr,
					     .packed_bytes = (uint32_t)(sizeof(frame) + nr) };
	const uint32_t end = PW_INDEX_MAGIC;
	size_t at = 0;

	put_bytes(to, &at, &head, sizeof(head));
	put_bytes(to, &at, &seg, sizeof(seg));
	put_bytes(to, &at, frame, sizeof(frame));
	put_bytes(to, &at, facts, nr);
	put_bytes(to, &at, &end, sizeof(end));
	return at;
}

static const char *peer_of(void *ctx, int fd)
{
	return book__peer(ctx, fd);
}

static void show_watch(const struct replay *r, struct chans *cs, FILE *out)
{
	struct chans_show s = { .meta = &r->meta };
	struct watched_chans *c;

	if (watched_chans__new(r->book->watch, NULL, &c))
		abort();
	s.watched = c;
	if (out && (chans_show__text(cs, &s, out, NULL) || chans_show__json(cs, &s, out, NULL) ||
		    chans_show__html(cs, &s, out, NULL)))
		abort();
	watched_chans__free(c);
}

static void show_waits(const struct replay *r, const struct book_look *look, struct dump *d,
		       FILE *out)
{
	static const struct gchans chans;
	static const struct glocks locks;
	static const struct gholds holds;
	static const struct waitgraph graph;
	const struct chans_show s = { .meta = &r->meta, .elements = true };
	struct chans_source sources[BOOK_RUNTIMES_MAX];
	struct chans *cs;

	for (uint16_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		if (!book_look__waits(look, i, &sources[i]))
			sources[i] = (struct chans_source){ &chans, &locks, &holds, &graph };
	if (chans__new(d, sources, &cs))
		abort();
	if (out && (chans_show__text(cs, &s, out, NULL) || chans_show__json(cs, &s, out, NULL)))
		abort();
	if (r->book->watch)
		show_watch(r, cs, out);
	chans__free(cs);
}

static const struct census *census_of(const struct book_look *look, size_t rt)
{
	static const struct census none;

	return look->censuses[rt] ? look->censuses[rt] : &none;
}

static void show_look(const struct replay *r, const struct book_look *look, FILE *out)
{
	const struct census *censuses[BOOK_RUNTIMES_MAX];
	const struct dump_show s = { .meta = &r->meta,
				     .objects = true,
				     .labels = true,
				     .peer = peer_of,
				     .peer_ctx = r->book };
	struct dump *d;

	for (size_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		censuses[i] = census_of(look, i);
	if (dump__new(&(struct dump_input){ .censuses = censuses,
					    .namers = r->namers,
					    .nr = r->book->nr_runtimes,
					    .labels = look->labels },
		      &(struct dump_opts){ .sort = DUMP_SORT_STACK }, &d))
		abort();
	if (out && (dump_show__text(d, &s, out, NULL) || dump_show__json(d, &s, false, out, NULL)))
		abort();
	show_waits(r, look, d, out);
	dump__free(d);
}

static void show_refs(const struct replay *r, FILE *out)
{
	const struct census *censuses[BOOK_RUNTIMES_MAX];
	static const struct census none;
	struct cause why = { "" };
	struct refs *rs = NULL;
	struct refs_show s;
	struct dump *d;

	for (size_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		censuses[i] = r->book->nr_looks && r->book->looks[0].censuses[i]
				      ? r->book->looks[0].censuses[i]
				      : &none;
	if (dump__new(&(struct dump_input){ .censuses = censuses,
					    .namers = r->namers,
					    .nr = r->book->nr_runtimes },
		      &(struct dump_opts){ .system = true }, &d))
		abort();
	if (refs_facts__refs(r->refs, d, &rs, &s, &why)) {
		if (!why.text[0])
			abort(); /* each error says why */
	} else if (out) {
		s.meta = &r->meta;
		s.top = REFS_TOP;
		if (refs_show__text(rs, &s, out, NULL) || refs_show__json(rs, &s, out, NULL))
			abort();
	}
	refs__free(rs);
	dump__free(d);
}

static void show_counted(const struct replay *r, struct snap *s, FILE *out)
{
	for (size_t i = 0; out && format_at(i); i++) {
		const struct renderer *how = format_at(i)->rows;

		if (how && how != &renderer_html &&
		    how->render(&(struct report){ .snap = s,
						  .meta = &r->meta,
						  .namers = r->namers,
						  .nr_namers = r->book->nr_runtimes },
				out, NULL))
			abort();
	}
	snap__free(s);
}

static void show_sums(const struct replay *r, FILE *out)
{
	struct event_facts_about about;
	struct snap *s = NULL;

	if (!snap_facts__snap(r->sums, &s))
		show_counted(r, s, out);
	s = NULL;
	if (event_facts__about(r->events, &about) && !event_facts__snap(r->events, &s))
		show_counted(r, s, out);
}

static void show_timeline(const struct replay *r, FILE *out)
{
	const struct snap none = { .start_ns = 0 };
	const struct report of = { .snap = &none,
				   .meta = &r->meta,
				   .namers = r->namers,
				   .nr_namers = r->book->nr_runtimes,
				   .timeline = timeline_facts__timeline(r->timeline),
				   .stacks = timeline_facts__stacks(r->timeline) };

	if (of.timeline && out &&
	    (tracks__json(&of, out, NULL) || tracks__perfetto(&of, out, NULL)))
		abort();
}

static void show_leaks(const struct replay *r, FILE *out)
{
	const struct census *censuses[BOOK_RUNTIMES_MAX];
	struct leaks_show s;
	struct cause why = { "" };
	struct leaks *l;

	if (!r->book->nr_looks || !leaks_facts__has(r->leaks))
		return;
	for (size_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		censuses[i] = census_of(&r->book->looks[0], i);
	if (leaks_facts__leaks(r->leaks,
			       &(struct dump_input){ .censuses = censuses,
						     .namers = r->namers,
						     .nr = r->book->nr_runtimes,
						     .labels = r->book->looks[0].labels },
			       &l, &s, &why)) {
		if (!why.text[0])
			abort();
		return;
	}
	s.meta = &r->meta;
	s.all = s.suspects = true;
	for (size_t i = 0; out && format_at(i); i++)
		if (format_at(i)->rows != &renderer_html && format_at(i)->kind != FORMAT_PW &&
		    format_shows(format_at(i), VIEW_LEAKS) &&
		    format__write(format_at(i), VIEW_LEAKS,
				  &(struct shown){ .leaks = { .leaks = l, .show = &s } }, out,
				  NULL))
			abort();
	leaks__free(l);
}

enum recording_try { RECORDING_READ, RECORDING_ROWS, RECORDING_SHOWN };

/*
 * Read; then the rows of each view are made; then these are written in every format. With some, a
 * range of time and some goroutines are asked for, else all.
 */
static inline void recording_try(FILE *in, bool some_only, enum recording_try how)
{
	static const uint64_t goids[] = { 1, 18, 21 };
	const struct event_filter some = { 100000000, 300000000, goids, ARRAY_SIZE(goids) },
				  all = { .to_ns = UINT64_MAX };
	static FILE *null;
	struct cause why = { "" };
	struct replay *r = NULL;
	FILE *out;

	if (!null)
		null = fopen("/dev/null", "w");
	if (!in || !null)
		abort();
	out = how == RECORDING_SHOWN ? null : NULL;
	if (replay__read_events(in, "x.pw", some_only ? &some : &all, &r, &why)) {
		if (!why.text[0])
			abort(); /* each error says why */
	} else if (how != RECORDING_READ) {
		for (size_t i = 0; i < r->book->nr_looks; i++)
			show_look(r, &r->book->looks[i], out);
		show_refs(r, out);
		show_sums(r, out);
		show_timeline(r, out);
		show_leaks(r, out);
	}
	replay__free(r);
}

#endif
