// SPDX-License-Identifier: BSD-2-Clause
/*
 * pprof: a profile for `go tool pprof` and what reads its format, gzip around protobuf.
 *
 * Types have Go's own names: blocked and sched are contentions/count and delay/nanoseconds as in
 * Go's block profile, births, exits and goroutines goroutine/count, alloc is alloc_objects/count
 * and alloc_space/bytes as in Go's heap profile. What folded shows as a frame in brackets is a
 * location without an address here, so both show the same leaf, but what was allocated is labels,
 * as in Go's own: bytes (of one object), type. What --root adds is a label.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "format/pprof_tables.h"
#include "format/renderer.h"
#include "model/reqlabel.h"
#include "model/wall.h"

#define LABELS_MAX   64 /* of a sample */
#define COMMENTS_MAX 7

struct sample_labels {
	Pprof__Label v[LABELS_MAX];
	size_t nr;
};

/* Sample types and units as Go's own profiles have them. */
struct value_types {
	const char *types[2], *units[2];
	size_t nr;
};

static struct value_types types_of(const struct report *r)
{
	const enum profile_event e = r->snap->event;

	if (e == PROFILE_CPU)
		return (struct value_types){ { "samples", "cpu" }, { "count", "nanoseconds" }, 2 };
	if (e == PROFILE_WALL)
		return (struct value_types){ { "samples", "wall" }, { "count", "nanoseconds" }, 2 };
	if (profile_event_is_time(e))
		return (struct value_types){ { "contentions", "delay" },
					     { "count", "nanoseconds" },
					     2 };
	if (e == PROFILE_ALLOC)
		return (struct value_types){ { "alloc_objects", "alloc_space" },
					     { "count", "bytes" },
					     2 };
	return (struct value_types){ { r->as_go ? r->as_go : "goroutine" }, { "count" }, 1 };
}

static int64_t clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int add_label(struct pprof_tables *t, struct sample_labels *ls, const char *key,
		     const char *str, uint64_t num)
{
	Pprof__Label *l = &ls->v[ls->nr];

	if (ls->nr == LABELS_MAX)
		return 0;
	pprof__label__init(l);
	l->key = pprof_tables__text(t, key);
	l->str = str ? pprof_tables__text(t, str) : 0;
	l->num = clamp(num);
	if (l->key < 0 || l->str < 0)
		return -ENOMEM;
	ls->nr++;
	return 0;
}

/* Where the next pair of "k=v,k2=v2" begins, or NULL. A comma without a later = is the value's. */
static char *next_pair(char *value)
{
	char *eq = strchr(value, '='), *comma;

	for (; eq; eq = strchr(eq + 1, '=')) {
		comma = memrchr(value, ',', (size_t)(eq - value));
		if (comma)
			return comma + 1;
	}
	return NULL;
}

static int add_go_labels(struct pprof_tables *t, struct sample_labels *ls, const char *text)
{
	char buf[PROFILE_LABEL_TEXT_MAX + 1];
	char *at = buf;
	int err = 0;

	snprintf(buf, sizeof(buf), "%s", text);
	while (at && !err) {
		char *eq = strchr(at, '='), *next;

		if (!eq || eq == at)
			break;
		next = next_pair(eq + 1);
		*eq = 0;
		if (next)
			next[-1] = 0;
		err = add_label(t, ls, at, eq + 1, 0);
		at = next;
	}
	return err;
}

/* As tracing libraries call them: Pyroscope's API, and Grafana with it, looks for the ids. NULL: nothing is said. */
static int add_request_labels(struct pprof_tables *t, struct sample_labels *ls, const char *text)
{
	char buf[REQLABEL_TEXT_MAX + 1];
	struct reqlabel l;
	int err = 0;

	if (!text)
		return 0;
	reqlabel__get(text, buf, &l);
	if (l.why)
		return add_label(t, ls, "no_request", l.why, 0);
	if (l.route[0])
		err = add_label(t, ls, "route", l.route, 0);
	if (!err && l.trace_id[0])
		err = add_label(t, ls, "trace_id", l.trace_id, 0);
	if (!err && l.span_id[0])
		err = add_label(t, ls, "span_id", l.span_id, 0);
	if (!err && l.span[0])
		err = add_label(t, ls, "span_name", l.span, 0);
	return err;
}

static int add_object_labels(struct pprof_tables *t, const struct snap_row *row,
			     struct sample_labels *ls)
{
	int err = add_label(t, ls, "bytes", NULL, row->object_bytes);

	if (!err && row->type && row->type[0])
		err = add_label(t, ls, "type", row->type, 0);
	if (!err && row->measure >= ALLOC_ESTIMATED)
		err = add_label(t, ls, "measure", report_measure_name(row->measure), 0);
	return err;
}

static int add_made_labels(struct pprof_tables *t, const struct frames *fr,
			   struct sample_labels *ls)
{
	int err = add_label(t, ls, "created_by", fr->created_by, 0);

	if (!err && fr->called.text)
		err = add_label(t, ls, "called_from", fr->called.text + strlen("called from "), 0);
	return err;
}

static int fill_labels(struct pprof_tables *t, const struct snap *s, const struct snap_row *row,
		       const struct frames *fr, struct sample_labels *ls)
{
	int err = 0;

	ls->nr = 0;
	if (s->event == PROFILE_WALL)
		err = add_label(t, ls, "state", wall_state_word(wall_state_of(row->reason)), 0);
	if (err)
		return err;
	if (profile_event_is_wait(s->event) ||
	    (s->event == PROFILE_WALL && row->reason < WALL_STATUS))
		err = add_label(t, ls, "wait_reason", fr->state, 0);
	else if (s->event == PROFILE_GOROUTINES && s->root != PROFILE_ROOT_STATE)
		err = add_label(t, ls, "state", fr->state, 0);
	else if (s->event == PROFILE_ALLOC)
		err = add_object_labels(t, row, ls);
	if (err)
		return err;
	switch (s->root) {
	case PROFILE_ROOT_NONE: break;
	case PROFILE_ROOT_GOID: return add_label(t, ls, "goid", NULL, row->goid);
	case PROFILE_ROOT_CREATED_BY: return add_made_labels(t, fr, ls);
	case PROFILE_ROOT_LABEL: return add_go_labels(t, ls, row->label ? row->label : "");
	case PROFILE_ROOT_ROUTE:
	case PROFILE_ROOT_TRACE:
	case PROFILE_ROOT_SPAN:
	case PROFILE_ROOT_REQUEST: return add_request_labels(t, ls, row->label);
	case PROFILE_ROOT_STATE:
		return s->event == PROFILE_WALL ? 0 : add_label(t, ls, "state", fr->state, 0);
	}
	return 0;
}

/* Frames that share a physical frame make one location. Leaf first. */
static int fill_locations(struct pprof_tables *t, const struct frames *fr, uint64_t *ids,
			  size_t *ret_nr)
{
	size_t end = fr->nr, nr = 0;

	while (end > 0) {
		size_t first = end - 1;
		int64_t id;

		while (first > 0 && fr->v[first].inlined && !fr->v[first].apart &&
		       fr->v[first - 1].pc == fr->v[first].pc)
			first--;
		id = pprof_tables__location(t, &fr->v[first], end - first);
		if (id < 0)
			return (int)id;
		ids[nr++] = (uint64_t)id;
		end = first;
	}
	*ret_nr = nr;
	return 0;
}

/* A location of its own at the root. */
static int add_first(struct pprof_tables *t, const char *word, uint64_t *ret)
{
	const struct frame f = { .kind = FRAME_WORD, .name = word, .file = "" };
	const int64_t id = pprof_tables__location(t, &f, 1);

	if (id < 0)
		return (int)id;
	*ret = (uint64_t)id;
	return 0;
}

static int add_row(struct pprof_tables *t, const struct report *r, struct rowframer *f,
		   const struct snap_row *row)
{
	const int64_t values[2] = { clamp(row->count), clamp(row->value) };
	uint64_t ids[FRAMES_MAX + 1];
	struct sample_labels ls;
	struct frames fr;
	size_t nr = 0;
	int err = rowframer__row(f, r->snap, row, &fr);

	if (!err && !r->as_go && r->snap->event == PROFILE_ALLOC)
		fr.nr--; /* the word */
	if (!err)
		err = fill_locations(t, &fr, ids, &nr);
	if (!err && fr.first)
		err = add_first(t, fr.first, &ids[nr++]);
	if (!err)
		err = fill_labels(t, r->snap, row, &fr, &ls);
	if (err)
		return err;
	return pprof_tables__sample(t, ids, nr, ls.v, ls.nr, values, types_of(r).nr);
}

static int add_comment(struct pprof_tables *t, Pprof__Profile *p, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int add_comment(struct pprof_tables *t, Pprof__Profile *p, const char *fmt, ...)
{
	char buf[1024];
	int64_t id;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	id = pprof_tables__text(t, buf);
	if (id < 0)
		return -ENOMEM;
	p->comment[p->n_comment++] = id;
	return 0;
}

static int fill_comments(struct pprof_tables *t, const struct report *r, Pprof__Profile *p)
{
	const struct report_meta *m = r->meta;
	char buf[REPORT_GAP_MAX];
	const char *gap = report_gap(r, buf);
	int err;

	p->comment = arena__array(&t->arena, COMMENTS_MAX, sizeof(*p->comment));
	if (!p->comment)
		return -ENOMEM;
	err = add_comment(t, p, "parkwatch: %s", report_event_name(r->snap->event));
	if (!err)
		err = add_comment(t, p, "pid %d (%s)", m->pid, m->comm);
	if (!err && m->go_version[0])
		err = add_comment(t, p, "%s", m->go_version);
	if (!err)
		err = add_comment(t, p, "%s seen %" PRIu64 ", lost %" PRIu64,
				  r->snap->event == PROFILE_GOROUTINES ? "goroutines" : "events",
				  m->seen, m->lost);
	if (!err && r->snap->windows && r->snap->part)
		err = add_comment(t, p, "estimated from %u windows", r->snap->windows);
	else if (!err && r->snap->windows)
		err = add_comment(t, p,
				  "estimated from %u windows: %" PRIu64 " +- %" PRIu64
				  " in all (95 %% confidence)",
				  r->snap->windows, r->snap->value, r->snap->error);
	else if (!err && snap_is_estimated(r->snap))
		err = add_comment(t, p,
				  "estimated from samples: %" PRIu64 " +- %" PRIu64
				  " ns in all (95 %% confidence)",
				  r->snap->value, r->snap->error);
	if (!err && gap[0])
		err = add_comment(t, p, "%s", gap);
	if (!err && m->cost[0])
		err = add_comment(t, p, "%s", m->cost);
	return err;
}

static int set_type(struct pprof_tables *t, Pprof__ValueType *vt, const char *type,
		    const char *unit)
{
	pprof__value_type__init(vt);
	vt->type = pprof_tables__text(t, type);
	vt->unit = pprof_tables__text(t, unit);
	return vt->type < 0 || vt->unit < 0 ? -ENOMEM : 0;
}

static int fill_types(struct pprof_tables *t, const struct report *r, Pprof__Profile *p)
{
	const struct value_types types = types_of(r);
	Pprof__ValueType *vt = arena__array(&t->arena, 3, sizeof(*vt));
	int err = 0;

	p->sample_type = arena__array(&t->arena, 2, sizeof(vt));
	if (!vt || !p->sample_type)
		return -ENOMEM;
	for (size_t i = 0; i < types.nr && !err; i++) {
		err = set_type(t, &vt[i], types.types[i], types.units[i]);
		p->sample_type[i] = &vt[i];
	}
	if (err)
		return err;
	vt[2] = r->snap->event == PROFILE_CPU || r->snap->event == PROFILE_WALL ? vt[1] : vt[0];
	if (r->snap->event == PROFILE_ALLOC)
		err = set_type(t, &vt[2], "space", "bytes");
	p->n_sample_type = types.nr;
	p->period_type = &vt[2];
	p->period = r->snap->event == PROFILE_CPU && r->snap->count
			    ? clamp(r->snap->value / r->snap->count)
			    : 1;
	p->default_sample_type = vt[types.nr - 1].type;
	return err;
}

static int fill_mapping(struct pprof_tables *t, const struct report_meta *m, Pprof__Profile *p)
{
	Pprof__Mapping *map = arena__alloc(&t->arena, sizeof(*map));

	p->mapping = arena__array(&t->arena, 1, sizeof(map));
	if (!map || !p->mapping)
		return -ENOMEM;
	pprof__mapping__init(map);
	map->id = 1;
	map->memory_start = m->text_start;
	map->memory_limit = m->text_end;
	map->filename = pprof_tables__text(t, m->exe);
	map->build_id = pprof_tables__text(t, m->build_id);
	/* All that there is to know is here: no reader needs to look for the binary. */
	map->has_functions = map->has_filenames = true;
	map->has_line_numbers = map->has_inline_frames = true;
	p->mapping[0] = map;
	p->n_mapping = 1;
	return map->filename < 0 || map->build_id < 0 ? -ENOMEM : 0;
}

static int fill(struct pprof_tables *t, const struct report *r, struct rowframer *f,
		Pprof__Profile *p)
{
	size_t i;
	int err;

	t->text_start = r->meta->text_start;
	t->text_end = r->meta->text_end;
	err = fill_types(t, r, p);
	if (!err)
		err = fill_mapping(t, r->meta, p);
	if (!err)
		err = fill_comments(t, r, p);
	for (i = 0; i < r->snap->nr && !err; i++)
		err = add_row(t, r, f, &r->snap->rows[i]);
	if (err)
		return err;
	p->time_nanos = clamp(r->meta->wall_start_ns);
	p->duration_nanos = clamp(r->meta->duration_ns);
	p->sample = (Pprof__Sample **)t->samples.v;
	p->n_sample = t->samples.nr;
	p->location = (Pprof__Location **)t->locations.v;
	p->n_location = t->locations.nr;
	p->function = (Pprof__Function **)t->functions.v;
	p->n_function = t->functions.nr;
	p->texts = (char **)t->texts.v;
	p->n_texts = t->texts.nr;
	return 0;
}

/* No name and no time in the gzip header: the same profile is the same file. */
static int write_gzip(const uint8_t *data, size_t len, FILE *out, struct cause *why)
{
	unsigned char buf[64 << 10];
	z_stream z = { 0 };
	int state, err = 0;

	if (len > UINT_MAX)
		return cause__set(why, -EFBIG, "the profile is too large for pprof");
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	z.next_in = (unsigned char *)data;
	z.avail_in = (uInt)len;
	do {
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		state = deflate(&z, Z_FINISH);
		if (fwrite(buf, 1, sizeof(buf) - z.avail_out, out) != sizeof(buf) - z.avail_out)
			err = report_write_error(why);
	} while (state == Z_OK && !err);
	deflateEnd(&z);
	if (!err && state != Z_STREAM_END)
		err = -EIO;
	return err;
}

static int write_profile(const Pprof__Profile *p, bool gzip, FILE *out, struct cause *why)
{
	size_t len = pprof__profile__get_packed_size(p);
	scoped_mem uint8_t *data = malloc(len + 1);

	if (!data)
		return -ENOMEM;
	pprof__profile__pack(p, data);
	if (gzip)
		return write_gzip(data, len, out, why);
	return fwrite(data, 1, len, out) == len ? 0 : report_write_error(why);
}

static int render(const struct report *r, bool gzip, FILE *out, struct cause *why)
{
	Pprof__Profile p = PPROF__PROFILE__INIT;
	struct pprof_tables t = { 0 };
	scoped(rowframer) f = NULL;
	int err;

	err = rowframer__new(r->namers, r->nr_namers, r->full, &f);
	if (!err && r->as_go)
		rowframer__as_go(f);
	if (!err)
		err = fill(&t, r, f, &p);
	if (!err)
		err = write_profile(&p, gzip, out, why);
	if (err)
		cause__set(why, err, "cannot write pprof: %s", strerror(-err));
	pprof_tables__done(&t);
	return err;
}

static int render_gzip(const struct report *r, FILE *out, struct cause *why)
{
	return render(r, true, out, why);
}

static int render_plain(const struct report *r, FILE *out, struct cause *why)
{
	return render(r, false, out, why);
}

const struct renderer renderer_pprof = {
	.render = render_gzip,
};

const struct renderer renderer_pprof_plain = {
	.render = render_plain,
};
