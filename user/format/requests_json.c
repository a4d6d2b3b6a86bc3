/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests_json: {"target":{...},"taken_unix_ns":...,"resource":{"service.name":"api",...},
 * "requests":[...],"over":[...],"several_in_hand":0,"moved":0}
 */
#include <errno.h>

#include "format/dump_show.h"
#include "format/request_put.h"
#include "view/request_rows.h"

struct writer {
	struct request_rows *rr;
	struct json_writer json;
};

static void put_goroutine(struct writer *w, const struct request_row *v, uint32_t row)
{
	struct dump *d = w->rr->d;
	const struct dump_row *r = &d->rows[row];
	const struct grequest_of *of = dump__request(d, r);
	const uint64_t wait_ns = dump__wait_ns(d, r);
	struct json_writer *j = &w->json;
	struct place p;

	jsonw_fail(j, place_of_stack(d, dump__stack(d, r), &p));
	jsonw_start_object(j);
	jsonw_uint_field(j, "goid", dump__g(d, r)->who.goid);
	jsonw_string_field(j, "relation",
			   v->r->kind == GREQUEST_OUTGOING
				   ? "calls"
				   : grequest_relation_word((enum grequest_relation)of->relation));
	jsonw_bool_field(j, "made_by_it", v->r->kind != GREQUEST_OUTGOING && of->made_by_it);
	if (v->r->kind != GREQUEST_OUTGOING)
		request_put__json_ended(d->framer, of, j);
	request_put__json_trace(d->framer, grequests__trace(d->in.requests[r->rt], of), &of->trace,
				j);
	jsonw_string_field(j, "status", dump__status(d, r));
	jsonw_string_field(j, "reason", dump__reason(d, r));
	jsonw_uint_or_null_field(j, "wait_ns", wait_ns, wait_ns != DUMP_UNKNOWN);
	jsonw_object_field(j, "where");
	if (!j->to->err) {
		jsonw_string_field(j, "func", p.func);
		jsonw_string_field(j, "file", p.file);
		jsonw_uint_field(j, "line", p.line);
	}
	jsonw_end_object(j);
	jsonw_end_object(j);
}

static void put_text(struct writer *w, const char *name, const char *text)
{
	jsonw_string_field(&w->json, name, text ? framer__text(w->rr->d->framer, text) : NULL);
}

static void put_request(struct writer *w, const struct request_row *v)
{
	struct json_writer *j = &w->json;

	jsonw_newline(j);
	jsonw_start_object(j);
	request_put__json_name(w->rr->d->framer, v->r, j);
	put_text(w, "host", v->r->host);
	if (v->r->kind == GREQUEST_OUTGOING)
		put_text(w, "scheme", v->r->scheme);
	put_text(w, "peer", v->r->peer);
	jsonw_uint_or_null_field(j, "served_by", v->r->served_by, v->r->served_by);
	if (v->r->kind != GREQUEST_OUTGOING)
		jsonw_bool_field(j, "client_left", v->r->left);
	if (v->r->age_ns >= 0)
		jsonw_float_field(j, "age_s", (double)v->r->age_ns / 1e9, 3);
	else
		jsonw_null_field(j, "age_s"); /* net/http does not note it */
	if (v->r->has_deadline)
		jsonw_float_field(j, "deadline_s", (double)v->r->left_ns / 1e9, 3);
	else
		jsonw_null_field(j, "deadline_s");
	request_put__json_trace(w->rr->d->framer, &v->r->trace, &v->r->trace, j);
	jsonw_array_field(j, "goroutines");
	for (uint32_t i = 0; i < v->nr; i++)
		put_goroutine(w, v, w->rr->rows[v->first + i]);
	jsonw_end_array(j);
	if (w->rr->d->in.nr > 1)
		jsonw_uint_field(j, "runtime", v->rt);
	jsonw_end_object(j);
}

static void put_target(struct writer *w, const struct report_meta *m)
{
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "target");
	jsonw_int_field(j, "pid", m->pid);
	put_text(w, "go", m->go_version);
	put_text(w, "exe", m->exe);
	jsonw_end_object(j);
	jsonw_uint_field(j, "taken_unix_ns", m->wall_start_ns);
}

static void put_resource(struct writer *w, const struct resource *of)
{
	struct json_writer *j = &w->json;

	jsonw_object_field(j, "resource");
	for (size_t i = 0; of && i < of->nr; i++)
		put_text(w, framer__text(w->rr->d->framer, of->v[i].key), of->v[i].value);
	jsonw_end_object(j);
}

static void put_counts(struct writer *w)
{
	const struct dump_input *in = &w->rr->d->in;
	size_t moved = 0;
	bool cut = false;

	for (size_t rt = 0; rt < in->nr; rt++) {
		moved += in->requests[rt]->moved;
		cut |= in->requests[rt]->cut;
	}
	jsonw_uint_field(&w->json, "several_in_hand", w->rr->several);
	jsonw_uint_field(&w->json, "moved", moved);
	jsonw_bool_field(&w->json, "cut", cut);
}

int requests_show__json(struct request_rows *rr, const struct report_meta *meta, FILE *out,
			struct cause *why)
{
	struct writer w = { .rr = rr };
	struct json_writer *j = &w.json;
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	jsonw_init(j, &to);
	jsonw_start_object(j);
	put_target(&w, meta);
	put_resource(&w, rr->resource);
	jsonw_array_field(j, "requests");
	for (size_t i = 0; i < rr->nr - rr->nr_over; i++)
		put_request(&w, &rr->v[i]);
	jsonw_end_array(j);
	jsonw_array_field(j, "over");
	for (size_t i = rr->nr - rr->nr_over; i < rr->nr; i++)
		put_request(&w, &rr->v[i]);
	jsonw_end_array(j);
	put_counts(&w);
	jsonw_end_object(j);
	jsonw_end(j);
	err = dump_show__end(&to, why);
	textbuf__done(&to);
	return err;
}
