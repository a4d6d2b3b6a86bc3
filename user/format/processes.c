// SPDX-License-Identifier: BSD-2-Clause
#include "format/processes.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json_writer.h"
#include "base/textbuf.h"
#include "view/leak_words.h"
#include "view/process_place.h"

#define ROW_FORMAT  "%7s  %-11s %12s"
#define TOLD_FORMAT "  %11s  %6s  %-7s  %6s  %8s"
#define AGE_FORMAT  "  %8s"

/* "+12/min", "+0.4/min", "0" */
static void trend_text(double trend, char *text, size_t room)
{
	const double size = fabs(trend);

	if (isnan(trend))
		snprintf(text, room, "-");
	else if (size < 0.05)
		snprintf(text, room, "0");
	else
		snprintf(text, room, "%+.*f/min", size < 9.95 ? 1 : 0, trend);
}

/* What a daemon told. */
static void put_told(struct textbuf *to, const struct process_told *t)
{
	char trend[32] = "-", leaks[24] = "-", cost[24] = "-", restarts[24] = "-";

	if (!t->known) {
		textbuf__format(to, TOLD_FORMAT, "-", "-", "-", "-", "-");
		return;
	}
	trend_text(t->trend, trend, sizeof(trend));
	if (t->leaking != PROCESS_UNKNOWN)
		snprintf(leaks, sizeof(leaks), "%" PRIu64, t->leaking);
	if (!isnan(t->overhead_pct))
		snprintf(cost, sizeof(cost), "%.2f%%", t->overhead_pct);
	if (t->restarts != PROCESS_UNKNOWN)
		snprintf(restarts, sizeof(restarts), "%" PRIu64, t->restarts);
	textbuf__format(to, TOLD_FORMAT, trend, leaks,
			!t->level[0]                             ? "-"
			: t->watched || !strcmp(t->level, "off") ? t->level
								 : "no",
			cost, restarts);
}

/* How wide each column of places is; 0: there is none. */
struct places {
	int width[PLACE_NR];
};

static struct places places_of(const struct processes *p)
{
	struct places of = { { 0 } };

	for (int i = 0; i < PLACE_NR; i++)
		of.width[i] = process_place_width(p, (enum process_place)i);
	return of;
}

/* r NULL: their heads */
static void put_places(struct textbuf *to, const struct process_row *r, const struct places *of)
{
	char text[PROCESS_PLACE_MAX];

	for (int i = 0; i < PLACE_NR; i++) {
		if (r)
			process_place_text(r, (enum process_place)i, text);
		if (of->width[i])
			textbuf__format(to, "  %-*s", of->width[i],
					r ? text : process_place_head((enum process_place)i));
	}
}

static void put_row(struct textbuf *to, const struct process_row *r, bool told,
		    const struct places *places)
{
	char pid[16], count[24] = "-", age[32] = "";
	struct textbuf since;

	snprintf(pid, sizeof(pid), "%" PRId32, r->pid);
	if (!r->why.text[0])
		snprintf(count, sizeof(count), "%s%" PRIu64, r->at_least ? ">=" : "",
			 r->goroutines);
	textbuf__init(&since, NULL);
	leak_words__age(r->age_ns, &since);
	if (!since.err && since.nr < sizeof(age))
		memcpy(age, since.v, since.nr);
	textbuf__done(&since);
	textbuf__format(to, ROW_FORMAT, pid, r->go[0] ? r->go : "?", count);
	if (told)
		put_told(to, &r->told);
	textbuf__format(to, AGE_FORMAT, age);
	put_places(to, r, places);
	textbuf__format(to, "  %s\n", r->exe);
	if (r->why.text[0])
		textbuf__format(to, "%7s  cannot be watched: %s\n", "", r->why.text);
}

static int finish(struct textbuf *to, struct cause *why)
{
	const int err = textbuf__finish(to);

	textbuf__done(to);
	return err ? cause__set(why, err, "cannot write the list: %s", strerror(-err)) : 0;
}

int processes__text(const struct processes *p, FILE *out, struct cause *why)
{
	const struct places places = places_of(p);
	struct textbuf to;

	textbuf__init(&to, out);
	textbuf__format(&to, ROW_FORMAT, "PID", "GO", "GOROUTINES");
	if (p->daemon)
		textbuf__format(&to, TOLD_FORMAT, "TREND", "LEAKS", "WATCHED", "COST", "RESTARTS");
	textbuf__format(&to, AGE_FORMAT, "RUNS FOR");
	put_places(&to, NULL, &places);
	textbuf__text(&to, "  PROGRAM\n");
	for (size_t i = 0; i < p->nr; i++)
		put_row(&to, &p->rows[i], p->daemon, &places);
	return finish(&to, why);
}

static void put_labels(struct json_writer *w, const char *labels)
{
	jsonw_object_field(w, "labels");
	while (*labels) {
		const size_t len = strcspn(labels, ","), key = strcspn(labels, "=");
		char text[PROCESS_LABELS_MAX];

		snprintf(text, sizeof(text), "%.*s", (int)len, labels);
		if (key < len) {
			text[key] = '\0';
			jsonw_string_field(w, text, text + key + 1);
		}
		labels += len + (labels[len] == ',');
	}
	jsonw_end_object(w);
}

/* null: no daemon told it */
static void put_told_fields(struct json_writer *w, const struct process_told *t)
{
	jsonw_float_field(w, "trend_per_min", t->known ? t->trend : NAN, 1);
	jsonw_uint_or_null_field(w, "leaking", t->leaking,
				 t->known && t->leaking != PROCESS_UNKNOWN);
	jsonw_text_field(w, "level", t->level);
	if (t->known)
		jsonw_bool_field(w, "watched", t->watched);
	else
		jsonw_null_field(w, "watched");
	jsonw_float_field(w, "overhead_pct", t->known ? t->overhead_pct : NAN, 3);
	jsonw_uint_or_null_field(w, "restarts", t->restarts,
				 t->known && t->restarts != PROCESS_UNKNOWN);
	jsonw_text_field(w, "workload_kind", t->workload_kind);
	jsonw_text_field(w, "workload", t->workload);
	put_labels(w, t->labels);
}

void processes__json_place(struct json_writer *w, const struct process_row *r)
{
	jsonw_text_field(w, "container", process_row__container(r));
	jsonw_text_field(w, "container_id", r->container);
	jsonw_text_field(w, "namespace", r->pod_namespace);
	jsonw_text_field(w, "pod", process_row__pod(r));
	jsonw_text_field(w, "pod_uid", r->pod);
}

static void put_object(struct json_writer *w, const struct process_row *r)
{
	const bool watchable = !r->why.text[0];

	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_int_field(w, "pid", r->pid);
	jsonw_uint_field(w, "uid", r->uid);
	jsonw_text_field(w, "exe", r->exe);
	jsonw_text_field(w, "go", r->go);
	jsonw_seconds_field(w, "age_s", r->age_ns);
	jsonw_uint_or_null_field(w, "goroutines", r->goroutines, watchable);
	jsonw_bool_field(w, "at_least", r->at_least);
	processes__json_place(w, r);
	jsonw_text_field(w, "why_not", r->why.text);
	put_told_fields(w, &r->told);
	jsonw_end_object(w);
}

int processes__json(const struct processes *p, FILE *out, struct cause *why)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));
	struct textbuf to;

	if (!w)
		return cause__no_memory(why);
	textbuf__init(&to, out);
	jsonw_init(w, &to);
	jsonw_start_object(w);
	jsonw_array_field(w, "processes");
	for (size_t i = 0; i < p->nr; i++)
		put_object(w, &p->rows[i]);
	jsonw_end_array(w);
	jsonw_uint_field(w, "looked_at", p->looked_at);
	jsonw_uint_field(w, "no_right", p->no_right);
	jsonw_string_field(w, "daemon", p->daemon);
	jsonw_end_object(w);
	jsonw_end(w);
	return finish(&to, why);
}
