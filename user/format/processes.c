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

#define CONTAINER_SHOWN 12 /* digits, as `docker ps` and `crictl ps` show them */
#define ROW_FORMAT      "%7s  %-11s %12s"
#define TOLD_FORMAT     "  %11s  %6s  %-7s  %6s  %8s"
#define REST_FORMAT     "  %8s  %-12s"
#define POD_WIDTH_MAX   60
#define POD_TEXT_MAX    320 /* a namespace, '/', a name */

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

/* "shop/api-7d9-x2x"; the UID where no name is known; "-": in none. */
static void pod_text(const struct process_row *r, char text[POD_TEXT_MAX])
{
	snprintf(text, POD_TEXT_MAX, "%s%s%s", r->pod_namespace, r->pod_namespace[0] ? "/" : "",
		 r->pod[0] ? process_row__pod(r) : "-");
}

/* Of the column of pods; 0: none is in one, and there is no such column. */
static int pods_width(const struct processes *p)
{
	char text[POD_TEXT_MAX];
	int width = 0;

	for (size_t i = 0; i < p->nr; i++) {
		pod_text(&p->rows[i], text);
		if (p->rows[i].pod[0] && (int)strlen(text) > width)
			width = (int)strlen(text);
	}
	return width < POD_WIDTH_MAX ? width : POD_WIDTH_MAX;
}

static void put_end(struct textbuf *to, int pods, const char *pod, const char *exe)
{
	if (pods)
		textbuf__format(to, "  %-*s", pods, pod);
	textbuf__format(to, "  %s\n", exe);
}

static void put_row(struct textbuf *to, const struct process_row *r, bool told, int pods)
{
	char pod[POD_TEXT_MAX];
	char pid[16], count[24] = "-", age[32] = "", container[CONTAINER_SHOWN + 1];
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
	snprintf(container, sizeof(container), "%.*s", CONTAINER_SHOWN,
		 r->container[0] ? r->container : "-");
	textbuf__format(to, ROW_FORMAT, pid, r->go[0] ? r->go : "?", count);
	if (told)
		put_told(to, &r->told);
	textbuf__format(to, REST_FORMAT, age, container);
	pod_text(r, pod);
	put_end(to, pods, pod, r->exe);
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
	const int pods = pods_width(p);
	struct textbuf to;

	textbuf__init(&to, out);
	textbuf__format(&to, ROW_FORMAT, "PID", "GO", "GOROUTINES");
	if (p->daemon)
		textbuf__format(&to, TOLD_FORMAT, "TREND", "LEAKS", "WATCHED", "COST", "RESTARTS");
	textbuf__format(&to, REST_FORMAT, "RUNS FOR", "CONTAINER");
	put_end(&to, pods, "POD", "PROGRAM");
	for (size_t i = 0; i < p->nr; i++)
		put_row(&to, &p->rows[i], p->daemon, pods);
	return finish(&to, why);
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
