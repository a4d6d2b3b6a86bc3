// SPDX-License-Identifier: BSD-2-Clause
#include "names/factlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "facts/fact_flags.h"

#define CODE_ROWS   1024
#define ROOTS       4  /* frames: runtime.goexit, wrappers, and what they call */
#define NOTE_ROWS   64 /* lines in a fact */
#define CODE_FRAMES (2 * CODE_ROWS + GOSYM_INLINE_MAX)

struct told_key { /* hashed as bytes: no padding */
	uint64_t pc;
	uint32_t rt, kind;
};

struct told_pc {
	UT_hash_handle hh;
	struct told_key key;
	uint32_t segment; /* + 1, in which it was told last */
};

struct code_rows { /* of one runtime, not written yet */
	int64_t pc_delta[CODE_ROWS];
	uint64_t entry[CODE_ROWS], size[CODE_ROWS], start[CODE_ROWS];
	uint32_t kind[CODE_ROWS], frames[CODE_ROWS];
	uint32_t func[CODE_FRAMES], file[CODE_FRAMES], line[CODE_FRAMES], start_line[CODE_FRAMES],
		flags[CODE_FRAMES];
	size_t nr, nr_frames;
	uint64_t last_pc;
	uint16_t rt;
};

struct factlog {
	struct factlog_of of;
	struct pw_writer *w;
	struct framer *framer;
	struct told_pc *told;
	struct code_rows *rows;
	uint32_t segment; /* + 1, of what was opened */
	int err;
};

int factlog__new(FILE *out, const struct factlog_of *of, struct factlog **ret)
{
	scoped(factlog) f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->of = *of;
	f->rows = calloc(1, sizeof(*f->rows));
	err = f->rows ? pw_writer__new(out, &f->w) : -ENOMEM;
	if (!err)
		err = framer__new(of->namers, of->nr, &f->framer);
	if (err)
		return err;
	*ret = steal(f);
	return 0;
}

void factlog__free(struct factlog *f)
{
	struct told_pc *t, *next;

	if (!f)
		return;
	HASH_ITER(hh, f->told, t, next)
	{
		HASH_DEL(f->told, t);
		free(t);
	}
	framer__free(f->framer);
	pw_writer__free(f->w);
	free(f->rows);
	free(f);
}

void factlog__fail(struct factlog *f, int err)
{
	if (!f->err)
		f->err = err;
}

struct pw_writer *factlog__writer(struct factlog *f)
{
	return f->w;
}

int factlog__end(struct factlog *f, struct cause *why)
{
	if (!f->err)
		return pw_writer__end(f->w, why);
	return cause__set(why, f->err, "cannot write the recording: %s", strerror(-f->err));
}

/* --- columns --- */

void column_u32(size_t *n, uint32_t **to, uint32_t *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i]) {
			*n = nr;
			*to = v;
			return;
		}
}

void column_u64(size_t *n, uint64_t **to, uint64_t *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i]) {
			*n = nr;
			*to = v;
			return;
		}
}

void column_s64(size_t *n, int64_t **to, int64_t *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i]) {
			*n = nr;
			*to = v;
			return;
		}
}

/* --- what a segment opens with --- */

static void tell_command(struct factlog *f)
{
	Pw__Command c = PW__COMMAND__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	c.parkwatch = (char *)PARKWATCH_VERSION;
	c.view = (char *)f->of.view;
	c.n_options = f->of.nr_options;
	c.options = (char **)f->of.options;
	c.n_values = f->of.nr_options;
	c.values = (char **)f->of.values;
	fact.fact_case = PW__FACT__FACT_COMMAND;
	fact.command = &c;
	pw_writer__fact(f->w, &fact);
}

static void tell_process(struct factlog *f)
{
	const struct resource *said = f->of.resource;
	char *keys[RESOURCE_MAX], *values[RESOURCE_MAX];
	Pw__Process p = PW__PROCESS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	p.pid = (uint32_t)f->of.pid;
	p.comm = (char *)f->of.comm;
	p.exe = (char *)f->of.exe;
	p.build_id = (char *)f->of.build_id;
	p.text_start = f->of.text_start;
	p.text_end = f->of.text_end;
	p.n_attribute_key = p.n_attribute_value = said ? said->nr : 0;
	p.attribute_key = keys;
	p.attribute_value = values;
	for (size_t i = 0; i < p.n_attribute_key; i++) {
		keys[i] = (char *)(uintptr_t)said->v[i].key;
		values[i] = (char *)(uintptr_t)said->v[i].value;
	}
	fact.fact_case = PW__FACT__FACT_PROCESS;
	fact.process = &p;
	pw_writer__fact(f->w, &fact);
}

static void tell_runtimes(struct factlog *f)
{
	for (size_t i = 0; i < f->of.nr; i++) {
		Pw__Runtime r = PW__RUNTIME__INIT;
		Pw__Fact fact = PW__FACT__INIT;

		r.number = (uint32_t)i;
		r.version = (char *)f->of.versions[i];
		r.minor = (uint32_t)f->of.namers[i].go_minor;
		fact.fact_case = PW__FACT__FACT_RUNTIME;
		fact.runtime = &r;
		pw_writer__fact(f->w, &fact);
	}
}

uint32_t factlog__group(struct factlog *f)
{
	const uint32_t segment = pw_writer__room(f->w);

	if (f->segment != segment + 1) {
		f->segment = segment + 1;
		f->rows->nr = f->rows->nr_frames = 0;
		tell_command(f);
		tell_process(f);
		tell_runtimes(f);
	}
	return segment;
}

/* --- code --- */

void factlog__code(struct factlog *f)
{
	struct code_rows *r = f->rows;
	Pw__Fact fact = PW__FACT__INIT;
	Pw__Code c = PW__CODE__INIT;

	if (!r->nr)
		return;
	c.runtime = r->rt;
	column_s64(&c.n_pc_delta, &c.pc_delta, r->pc_delta, r->nr);
	column_u32(&c.n_kind, &c.kind, r->kind, r->nr);
	column_u32(&c.n_frames, &c.frames, r->frames, r->nr);
	column_u64(&c.n_entry, &c.entry, r->entry, r->nr);
	column_u64(&c.n_size, &c.size, r->size, r->nr);
	column_u64(&c.n_start, &c.start, r->start, r->nr);
	c.n_func = r->nr_frames;
	c.func = r->func;
	column_u32(&c.n_file, &c.file, r->file, r->nr_frames);
	column_u32(&c.n_line, &c.line, r->line, r->nr_frames);
	column_u32(&c.n_start_line, &c.start_line, r->start_line, r->nr_frames);
	column_u32(&c.n_flags, &c.flags, r->flags, r->nr_frames);
	fact.fact_case = PW__FACT__FACT_CODE;
	fact.code = &c;
	pw_writer__fact(f->w, &fact);
	r->nr = r->nr_frames = 0;
}

/* Whether it has yet to be told in this segment. */
static bool is_news(struct factlog *f, uint16_t rt, uint64_t pc, enum code_kind kind)
{
	const struct told_key key = { .pc = pc, .rt = rt, .kind = kind };
	const unsigned int count = HASH_COUNT(f->told);
	struct told_pc *t;
	bool news;

	HASH_FIND(hh, f->told, &key, sizeof(key), t);
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (t) {
			t->key = key;
			HASH_ADD(hh, f->told, key, sizeof(t->key), t);
		}
		if (!t || HASH_COUNT(f->told) == count) {
			free(t);
			factlog__fail(f, -ENOMEM);
			return false;
		}
	}
	news = t->segment != f->segment;
	t->segment = f->segment;
	return news;
}

static void add_frames(struct factlog *f, const struct frame *v, size_t nr)
{
	struct code_rows *r = f->rows;

	for (size_t i = 0; i < nr; i++) {
		const size_t at = r->nr_frames++;

		r->func[at] = pw_writer__name(f->w, v[i].name);
		r->file[at] = pw_writer__name(f->w, v[i].file);
		r->line[at] = v[i].line;
		r->start_line[at] = v[i].start_line;
		r->flags[at] = (v[i].inlined ? CODE_INLINED : 0u) |
			       (v[i].wrapper ? CODE_WRAPPER : 0u) | (v[i].own ? CODE_OWN : 0u);
	}
}

/* The row of a pc; its frames are added next. */
static size_t add_row(struct factlog *f, uint16_t rt, uint64_t pc, enum code_kind kind)
{
	struct code_rows *r = f->rows;
	size_t at;

	if (r->nr == CODE_ROWS || r->nr_frames + GOSYM_INLINE_MAX > CODE_FRAMES || r->rt != rt)
		factlog__code(f);
	at = r->nr++;
	r->rt = rt;
	r->pc_delta[at] = (int64_t)(pc - (at ? r->last_pc : 0));
	r->last_pc = pc;
	r->kind[at] = kind;
	r->frames[at] = 0;
	r->entry[at] = r->size[at] = r->start[at] = 0;
	return at;
}

void factlog__pc(struct factlog *f, uint16_t rt, uint64_t pc, bool is_return)
{
	const enum code_kind kind = is_return ? CODE_RETURN : CODE_HERE;
	struct code_rows *r = f->rows;
	const struct frame *v;
	struct gofunc func;
	size_t nr, at;

	if (!pc || rt >= f->of.nr || !is_news(f, rt, pc, kind))
		return;
	if (framer__at(f->framer, rt, pc, is_return, &v, &nr)) {
		factlog__fail(f, -ENOMEM);
		return;
	}
	at = add_row(f, rt, pc, kind);
	if (nr == 1 && !v[0].entry && !v[0].file[0])
		return; /* no table knows it */
	r->frames[at] = (uint32_t)nr;
	r->entry[at] = v[nr - 1].entry;
	if (!namer__caller(&f->of.namers[rt], pc + !is_return, &func) && func.entry == r->entry[at])
		r->size[at] = func.end - func.entry;
	add_frames(f, v, nr);
}

void factlog__start(struct factlog *f, uint16_t rt, uint64_t pc)
{
	const struct namer *n = rt < f->of.nr ? &f->of.namers[rt] : NULL;
	uint64_t start;

	if (!pc || !n || !is_news(f, rt, pc, CODE_START))
		return;
	start = n->unwrap_start(n, pc);
	f->rows->start[add_row(f, rt, pc, CODE_START)] = start;
	factlog__pc(f, rt, pc, false);
	factlog__pc(f, rt, start, false);
}

void factlog__pcs(struct factlog *f, uint16_t rt, const uint64_t *pcs, size_t nr, bool all_return)
{
	for (size_t i = 0; i < nr; i++)
		factlog__pc(f, rt, pcs[i], all_return || i);
}

void factlog__roots(struct factlog *f, uint16_t rt, const uint64_t *pcs, size_t nr)
{
	const size_t first = nr > ROOTS ? nr - ROOTS : 0;

	for (size_t i = first; i < nr; i++) {
		const struct frame *v;
		size_t of;

		if (framer__at(f->framer, rt, pcs[i], true, &v, &of))
			factlog__fail(f, -ENOMEM);
		else
			factlog__start(f, rt, v[of - 1].entry);
	}
}

/* --- notes --- */

void factlog__notes(struct factlog *f, const struct note *v, size_t nr, uint64_t lost)
{
	for (size_t at = 0; at < nr || lost; at += NOTE_ROWS) {
		const size_t rows = nr - at < NOTE_ROWS ? nr - at : NOTE_ROWS;
		int64_t unix_delta[NOTE_ROWS];
		uint32_t level[NOTE_ROWS];
		char *text[NOTE_ROWS];
		Pw__LogLines l = PW__LOG_LINES__INIT;
		Pw__Fact fact = PW__FACT__INIT;

		for (size_t i = 0; i < rows; i++) {
			const struct note *n = &v[at + i];

			unix_delta[i] = (int64_t)(n->unix_ns - (i ? n[-1].unix_ns : 0));
			level[i] = (uint32_t)n->level;
			text[i] = (char *)(uintptr_t)n->text;
		}
		l.n_unix_delta = l.n_level = l.n_text = rows;
		l.unix_delta = unix_delta;
		l.level = level;
		l.text = text;
		l.lost = lost;
		lost = 0;
		fact.fact_case = PW__FACT__FACT_LOG_LINES;
		fact.log_lines = &l;
		factlog__group(f);
		pw_writer__fact(f->w, &fact);
	}
}
