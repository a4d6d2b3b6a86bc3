// SPDX-License-Identifier: BSD-2-Clause
#include "serve/request_figures.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "view/dump.h"

/* Go net/http/method.go; CONNECT and what nobody knows are rare. */
static const char *method_of(const struct grequest *r)
{
	static const char *const known[] = { "GET",    "HEAD",    "POST",    "PUT",  "PATCH",
					     "DELETE", "CONNECT", "OPTIONS", "TRACE" };

	if (!r->method)
		return "";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], r->method))
			return known[i];
	return "other";
}

/* Not within a character. */
static void cut_text(char *to, size_t size, const char *text)
{
	size_t len = strnlen(text, size);

	if (len == size)
		for (len = size - 1; len && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	memcpy(to, text, len);
	to[len] = '\0';
}

static bool same_route(const struct request_route *a, const struct request_route *b)
{
	return !strcmp(a->method, b->method) && !strcmp(a->route, b->route);
}

static void request_route__add(struct request_route *to, const struct request_route *r)
{
	to->under_way += r->under_way;
	to->past_deadline += r->past_deadline;
	if (r->oldest_ns > to->oldest_ns)
		to->oldest_ns = r->oldest_ns;
}

/* One that does not fit takes the place of the smallest, or goes to the others. */
void request_figures__add(struct request_figures *f, const struct request_route *r)
{
	struct request_route *least = &f->routes[0];

	for (size_t i = 0; i < f->nr; i++) {
		if (same_route(&f->routes[i], r)) {
			request_route__add(&f->routes[i], r);
			return;
		}
		if (f->routes[i].under_way < least->under_way)
			least = &f->routes[i];
	}
	if (f->nr < REQUEST_ROUTES_MAX) {
		f->routes[f->nr++] = *r;
	} else if (r->under_way > least->under_way) {
		request_route__add(&f->other, least);
		*least = *r;
	} else {
		request_route__add(&f->other, r);
	}
}

/* --- of a look --- */

/*
 * At least so old is a request as who serves it, or has it in hand, waits: that wait began after
 * it. What others have in hand for it may be older.
 */
static uint64_t waited_ns(const struct dump *d, const struct dump_row *row,
			  const struct grequest_of *of)
{
	const uint64_t ns = dump__wait_ns(d, row);

	return (of->relation == GREQUEST_SERVES || of->relation == GREQUEST_OF) &&
			       ns != DUMP_UNKNOWN
		       ? ns
		       : 0;
}

bool request_figures_is_traced(const struct dump *d, const struct dump_row *row,
			       const struct grequest_of *of)
{
	const uint64_t ns = dump__wait_ns(d, row);

	return ns != DUMP_UNKNOWN && ns >= REQUEST_LONG_NS && gtrace_is_known(&of->trace) &&
	       gtrace_text_of(&of->trace).span_id[0];
}

static void find_traced(const struct dump *d, struct request_figures *ret)
{
	for (size_t i = 0; i < d->nr; i++) {
		const struct dump_row *r = &d->rows[i];
		const uint64_t since = dump__g(d, r)->waitsince_ns;

		if (since > ret->traced_since_ns &&
		    request_figures_is_traced(d, r, dump__request(d, r)))
			ret->traced_since_ns = since;
	}
}

/* Of each request of runtime rt the longest wait of who is at it. */
static void find_oldest(const struct dump *d, uint16_t rt, uint64_t *oldest)
{
	for (size_t i = 0; i < d->nr; i++) {
		const struct grequest_of *of =
			d->rows[i].rt == rt ? dump__request(d, &d->rows[i]) : NULL;
		const uint64_t ns = of && of->request ? waited_ns(d, &d->rows[i], of) : 0;

		if (ns && ns > oldest[of->request - 1])
			oldest[of->request - 1] = ns;
	}
}

/* text: its route, clean; NULL: not known */
static void add_request(struct request_figures *f, const struct grequest *r, const char *text,
			uint64_t oldest_ns)
{
	struct request_route route = { .under_way = 1,
				       .past_deadline = r->has_deadline && r->left_ns < 0,
				       .oldest_ns = oldest_ns };

	if (r->age_ns >= 0 && (uint64_t)r->age_ns > route.oldest_ns)
		route.oldest_ns = (uint64_t)r->age_ns;
	cut_text(route.method, sizeof(route.method), method_of(r));
	cut_text(route.route, sizeof(route.route), text && text[0] ? text : "unknown");
	request_figures__add(f, &route);
}

int request_figures_of(const struct dump *d, struct request_figures *ret)
{
	*ret = (struct request_figures){ .known = d->in.requests != NULL };
	if (ret->known)
		find_traced(d, ret);
	for (uint16_t rt = 0; rt < d->in.nr && d->in.requests; rt++) {
		const struct grequests *rs = d->in.requests[rt];
		scoped_mem uint64_t *oldest = calloc(rs->nr + 1, sizeof(*oldest));

		if (!oldest)
			return -ENOMEM;
		find_oldest(d, rt, oldest);
		for (size_t i = 0; i < rs->nr; i++) {
			if (rs->v[i].kind == GREQUEST_OUTGOING)
				continue;
			ret->over += rs->v[i].over;
			if (!rs->v[i].over)
				add_request(ret, &rs->v[i],
					    rs->v[i].route ? framer__text(d->framer, rs->v[i].route)
							   : NULL,
					    oldest[i]);
		}
	}
	return 0;
}

/* --- in the supervisor --- */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int request_figures__unpack(const char *bytes, size_t len, struct request_figures *ret)
{
	if (len != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, bytes, sizeof(*ret));
	if (ret->nr > REQUEST_ROUTES_MAX || ret->known > 1)
		return -EBADMSG;
	for (size_t i = 0; i < ret->nr; i++)
		if (!is_text(ret->routes[i].method, REQUEST_METHOD_MAX) ||
		    !is_text(ret->routes[i].route, REQUEST_ROUTE_MAX))
			return -EBADMSG;
	return 0;
}

static struct request_route *find(struct request_figures *f, const struct request_route *r)
{
	for (size_t i = 0; i < f->nr; i++)
		if (same_route(&f->routes[i], r))
			return &f->routes[i];
	return NULL;
}

/* A free place, or that of a route without requests. */
static struct request_route *place(struct request_figures *f)
{
	if (f->nr < REQUEST_ROUTES_MAX)
		return &f->routes[f->nr++];
	for (size_t i = 0; i < f->nr; i++)
		if (!f->routes[i].under_way)
			return &f->routes[i];
	return NULL;
}

void request_figures__follow(struct request_figures *to, const struct request_figures *now)
{
	for (size_t i = 0; i < to->nr; i++)
		to->routes[i].under_way = to->routes[i].past_deadline = to->routes[i].oldest_ns = 0;
	to->known = now->known;
	to->other = now->other;
	to->over = now->over;
	to->traced_since_ns = now->traced_since_ns;
	for (int news = 0; news <= 1; news++) /* those that have a place keep it */
		for (size_t i = 0; i < now->nr; i++) {
			struct request_route *r = find(to, &now->routes[i]);

			if (!news && r)
				*r = now->routes[i];
			if (news && !r && (r = place(to)))
				*r = now->routes[i];
		}
}
