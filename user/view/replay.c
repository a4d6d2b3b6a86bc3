// SPDX-License-Identifier: BSD-2-Clause
#include "view/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void replay__free(struct replay *r)
{
	if (!r)
		return;
	leaks_facts__free(r->leaks);
	snap_facts__free(r->sums);
	event_facts__free(r->events);
	timeline_facts__free(r->timeline);
	refs_facts__free(r->refs);
	book__free(r->book);
	free(r);
}

static void take_meta(struct replay *r, const Pw__Recording *m)
{
	r->has_meta = true;
	r->meta = (struct report_meta){
		.wall_start_ns = m->unix_ns,
		.duration_ns = m->duration_ns,
		.gap_ns = m->gap_ns,
		.gap_waits = m->gap_waits,
		.gap_missing = m->gap_missing,
		.seen = m->seen,
		.lost = m->lost,
		.cost = textpool__get(r->book->texts, m->cost),
	};
}

static int take_fact(void *ctx, const Pw__Fact *f, const struct pw_names *names, struct cause *why)
{
	struct replay *r = ctx;
	int err = 0;

	if (f->fact_case == PW__FACT__FACT_RECORDING)
		take_meta(r, f->recording);
	if (f->fact_case == PW__FACT__FACT_LOOK || f->fact_case == PW__FACT__FACT_SUMS)
		r->in_sums = f->fact_case == PW__FACT__FACT_SUMS;
	if (!r->in_sums || f->fact_case != PW__FACT__FACT_STACKS)
		err = book__fact(r->book, f, names, why);
	if (!err && r->in_sums)
		err = snap_facts__fact(r->sums, f, names, why);
	if (!err)
		err = event_facts__fact(r->events, f, names, why);
	if (!err)
		err = timeline_facts__fact(r->timeline, f, why);
	if (!err)
		err = refs_facts__fact(r->refs, f, names, why);
	if (!err)
		err = leaks_facts__fact(r->leaks, f, names, why);
	return err < 0 ? err : 0;
}

static bool skips(void *ctx, uint32_t number)
{
	const struct replay *r = ctx;

	return event_facts__skips(r->events, number);
}

static void name_all(struct replay *r)
{
	const struct book *b = r->book;

	for (size_t i = 0; i < b->nr_runtimes; i++)
		namer__of_recording(&r->namers[i], b->code, (uint16_t)i, b->runtimes[i].minor);
	r->meta.pid = (int)b->pid;
	r->meta.comm = b->comm;
	r->meta.exe = b->exe;
	r->meta.build_id = b->build_id;
	r->meta.go_version = b->runtimes[0].version;
	r->meta.text_start = b->text_start;
	r->meta.text_end = b->text_end;
	r->meta.resource = &b->resource;
	if (!r->has_meta)
		r->meta.cost = "";
}

int replay__read_events(FILE *in, const char *path, const struct event_filter *filter,
			struct replay **ret, struct cause *why)
{
	scoped(replay) r = calloc(1, sizeof(*r));
	int err = r ? book__new(&r->book) : -ENOMEM;

	if (!err)
		err = snap_facts__new(r->book->texts, &r->sums);
	if (!err)
		err = event_facts__new(r->book->texts, filter, &r->events);
	if (!err)
		err = timeline_facts__new(filter, &r->timeline);
	if (!err)
		err = refs_facts__new(r->book->texts, &r->refs);
	if (!err)
		err = leaks_facts__new(r->book->texts, &r->leaks);
	if (err)
		return cause__set(why, err, "out of memory");
	err = pw_read(in, path, &(struct pw_sink){ .fact = take_fact, .skips = skips, .ctx = r },
		      &r->read, why);
	if (!err && !r->read.segments)
		err = cause__set(why, -EBADMSG, "'%s' was cut off: nothing in it is whole", path);
	if (!err)
		err = book__end(r->book, why);
	if (!err && timeline_facts__end(r->timeline))
		err = cause__no_memory(why);
	if (err)
		return err;
	if (r->read.cut || !r->has_meta)
		refs_facts__cut(r->refs);
	name_all(r);
	*ret = steal(r);
	return 0;
}

int replay__read(FILE *in, const char *path, struct replay **ret, struct cause *why)
{
	return replay__read_events(in, path, NULL, ret, why);
}

int replay__open_events(const char *path, const struct event_filter *filter, struct replay **ret,
			struct cause *why)
{
	FILE *in = fopen(path, "re");
	int err;

	if (!in)
		return cause__set(why, -errno, "cannot open '%s': %s", path, strerror(errno));
	err = replay__read_events(in, path, filter, ret, why);
	fclose(in);
	return err;
}

int replay__open(const char *path, struct replay **ret, struct cause *why)
{
	return replay__open_events(path, NULL, ret, why);
}

void replay__write_end(struct factlog *f, const struct report_meta *m)
{
	Pw__Recording r = PW__RECORDING__INIT;
	Pw__Fact fact = PW__FACT__INIT;
	const struct note *notes;
	uint64_t lost;
	size_t nr;

	r.unix_ns = m->wall_start_ns;
	r.duration_ns = m->duration_ns;
	r.gap_ns = m->gap_ns;
	r.gap_waits = m->gap_waits;
	r.gap_missing = m->gap_missing;
	r.seen = m->seen;
	r.lost = m->lost;
	r.cost = (char *)m->cost;
	fact.fact_case = PW__FACT__FACT_RECORDING;
	fact.recording = &r;
	factlog__group(f);
	pw_writer__fact(factlog__writer(f), &fact);
	notes = notes_kept(&nr, &lost);
	factlog__notes(f, notes, nr, lost);
}

int replay__of_bytes(const char *bytes, size_t len, const char *name, struct replay **ret,
		     struct cause *why)
{
	FILE *in = fmemopen((void *)(uintptr_t)bytes, len, "r");
	int err;

	if (!in)
		return cause__no_memory(why);
	err = replay__read(in, name, ret, why);
	fclose(in);
	return err;
}

static bool give_look(const struct replay *r, const struct book_look *look, struct replay_look *ret)
{
	static const struct census none;
	bool has_requests = true;

	if (!look)
		return false;
	for (size_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		ret->censuses[i] = look->censuses[i] ? look->censuses[i] : &none;
	ret->in = (struct dump_input){ .censuses = ret->censuses,
				       .namers = r->namers,
				       .nr = r->book->nr_runtimes,
				       .labels = look->labels };
	for (uint16_t i = 0; i < ret->in.nr; i++) {
		ret->requests[i] = book_look__requests(look, i);
		has_requests &= ret->requests[i] != NULL;
	}
	ret->in.requests = has_requests ? ret->requests : NULL;
	return true;
}

bool replay__look(const struct replay *r, struct replay_look *ret)
{
	return give_look(r, book__last_look(r->book), ret);
}

static uint64_t taken_ns(const struct book_look *look)
{
	for (size_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		if (look->censuses[i])
			return look->censuses[i]->taken_ns;
	return 0;
}

bool replay__look_until(const struct replay *r, uint64_t ns, struct replay_look *ret)
{
	const struct book_look *looks = r->book->looks;
	size_t nr = r->book->nr_looks;

	while (nr > 1 && taken_ns(&looks[nr - 1]) - taken_ns(&looks[0]) > ns)
		nr--;
	return give_look(r, nr ? &looks[nr - 1] : NULL, ret);
}
