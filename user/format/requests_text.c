/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests_text: for a person: each request, and under it its goroutines:
 *
 *	GET /api/quote/7 (route /api/quote/{id}), host api:8080, deadline passed 31 s ago, trace 0af7...
 *	  goroutine 18 serves it: sync.WaitGroup.Wait, 2 minutes, at main.quote /src/main.go:44
 *	  goroutine 19 is of it: chan send at main.fetch /src/main.go:61
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "format/dump_show.h"
#include "format/request_put.h"
#include "view/request_rows.h"

struct writer {
	struct request_rows *rr;
	struct textbuf to;
};

static void put_wait(struct writer *w, const struct dump_row *r)
{
	const uint64_t ns = dump__wait_ns(w->rr->d, r);

	textbuf__text(&w->to, dump__word(w->rr->d, r));
	if (ns != DUMP_UNKNOWN && ns >= NS_PER_SEC)
		textbuf__format(&w->to, " for %llu s", (unsigned long long)(ns / NS_PER_SEC));
}

/* What a goroutine does to `it`, the request. */
static const char *verb(const struct grequest *request, const struct grequest_of *of)
{
	if (request->kind == GREQUEST_OUTGOING)
		return "calls";
	switch ((enum grequest_relation)of->relation) {
	case GREQUEST_SERVES: return "serves";
	case GREQUEST_AWAITED_BY: return "is awaited by";
	case GREQUEST_MADE_IN: return "was made in";
	case GREQUEST_OF:
	case GREQUEST_NONE: break;
	}
	return "is of";
}

static void put_goroutine(struct writer *w, const struct grequest *request, uint32_t row)
{
	struct dump *d = w->rr->d;
	const struct dump_row *r = &d->rows[row];
	const struct grequest_of *of = dump__request(d, r);
	const size_t stack = dump__stack(d, r);
	struct place p;
	int err = place_of_stack(d, stack, &p);

	if (err) {
		w->to.err = w->to.err ? w->to.err : err;
		return;
	}
	textbuf__format(&w->to,
			"  goroutine %llu %s it: ", (unsigned long long)dump__g(d, r)->who.goid,
			verb(request, of));
	put_wait(w, r);
	if (stack != DUMP_NO_STACK)
		textbuf__format(&w->to, " at %s %s:%u", p.func, p.file[0] ? p.file : "?", p.line);
	if (memcmp(of->trace.span_id, request->trace.span_id, sizeof(of->trace.span_id)) != 0)
		request_put__span(d->framer, ", in span ", &of->trace, &w->to);
	if (request->kind != GREQUEST_OUTGOING)
		request_put__ended(d->framer, request, of, &w->to);
	textbuf__text(&w->to, "\n");
}

static void put_also(struct writer *w, const char *words, const char *text)
{
	if (!text || !text[0])
		return;
	textbuf__text(&w->to, words);
	textbuf__text(&w->to, framer__text(w->rr->d->framer, text));
}

static void put_request(struct writer *w, const struct request_row *v)
{
	request_put__name(w->rr->d->framer, v->r, &w->to);
	if (v->r->kind == GREQUEST_OUTGOING)
		textbuf__text(&w->to, ", sent by the program itself");
	else
		put_also(w, ", host ", v->r->host);
	put_also(w, ", from ", v->r->peer);
	if (v->r->over)
		textbuf__text(&w->to, ", over");
	if (v->r->left) {
		textbuf__text(&w->to, ", cancelled");
		request_put__left(v->r, &w->to);
	}
	if (v->r->has_deadline) {
		textbuf__text(&w->to, ", ");
		request_put__deadline(v->r->left_ns, &w->to);
	}
	if (v->r->age_ns >= 0) {
		textbuf__text(&w->to, ", began ");
		request_put__time(v->r->age_ns, &w->to);
		textbuf__text(&w->to, " ago");
	}
	request_put__trace(w->rr->d->framer, &v->r->trace, &w->to);
	textbuf__text(&w->to, "\n");
	for (uint32_t i = 0; i < v->nr; i++)
		put_goroutine(w, v->r, w->rr->rows[v->first + i]);
}

/*
 * "2 requests under way in 'api' (pid 14101), service 'quotes', and 1 that it sent; 1 more is over,
 * and has left ..."
 */
static void put_head(struct writer *w, const struct report_meta *meta)
{
	const size_t over = w->rr->nr_over, sent = w->rr->nr_sent, nr = w->rr->nr - over - sent;
	const char *service =
		w->rr->resource ? resource__get(w->rr->resource, "service.name") : NULL;

	textbuf__format(&w->to, "%zu request%s under way in '%s' (pid %d)", nr, nr == 1 ? "" : "s",
			framer__text(w->rr->d->framer, meta->comm), meta->pid);
	if (service && service[0])
		textbuf__format(&w->to, ", service '%s'", framer__text(w->rr->d->framer, service));
	if (sent)
		textbuf__format(&w->to, ", and %zu that it sent", sent);
	if (over)
		textbuf__format(&w->to, "; %zu more %s over, and %s left goroutines behind", over,
				over == 1 ? "is" : "are", over == 1 ? "has" : "have");
	textbuf__text(&w->to, "\n");
}

int requests_show__text(struct request_rows *rr, const struct report_meta *meta, FILE *out,
			struct cause *why)
{
	struct writer w = { .rr = rr };
	int err;

	textbuf__init(&w.to, out);
	put_head(&w, meta);
	for (size_t i = 0; i < rr->nr; i++) {
		textbuf__text(&w.to, "\n");
		put_request(&w, &rr->v[i]);
	}
	err = dump_show__end(&w.to, why);
	textbuf__done(&w.to);
	return err;
}
