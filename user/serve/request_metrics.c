// SPDX-License-Identifier: BSD-2-Clause
#include "serve/request_metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

static void put_route(struct textbuf *to, const char *name, const struct watched *w,
		      const char *route)
{
	textbuf__format(to, "%s{target=\"%s\",", name, w->id);
	metrics_label(to, "route", route);
}

/* By method and route. */
static void put_requests(const struct metrics_in *in, struct textbuf *to)
{
	static const char name[] = "parkwatch_requests";

	metrics__head(in, to, name, "gauge",
		      "Requests that the target served at the last look, by route and method; "
		      "'other': those of all other routes.");
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];
		const struct request_figures *f = &w->requests;

		for (size_t k = 0; f->known && k < f->nr; k++) {
			put_route(to, name, w, f->routes[k].route);
			textbuf__text(to, ",");
			metrics_label(to, "method", f->routes[k].method);
			textbuf__format(to, "} %" PRIu64 "\n", f->routes[k].under_way);
		}
		if (f->known && f->other.under_way) {
			put_route(to, name, w, "other");
			textbuf__format(to, ",method=\"other\"} %" PRIu64 "\n", f->other.under_way);
		}
	}
}

/* Of all methods of the route of k together. false: one before k has told it. */
static bool sum_of_route(const struct request_figures *f, size_t k, struct request_route *ret)
{
	*ret = f->routes[k];
	for (size_t i = 0; i < f->nr; i++) {
		if (i == k || strcmp(f->routes[i].route, ret->route) != 0)
			continue;
		if (i < k)
			return false;
		ret->past_deadline += f->routes[i].past_deadline;
		if (f->routes[i].oldest_ns > ret->oldest_ns)
			ret->oldest_ns = f->routes[i].oldest_ns;
	}
	return true;
}

static void put_oldest(struct textbuf *to, const char *name, const struct watched *w,
		       const struct request_route *r, const char *route)
{
	put_route(to, name, w, route);
	textbuf__format(to, "} %.3f\n", (double)r->oldest_ns / NS_PER_SEC);
}

static void put_past(struct textbuf *to, const char *name, const struct watched *w,
		     const struct request_route *r, const char *route)
{
	put_route(to, name, w, route);
	textbuf__format(to, "} %" PRIu64 "\n", r->past_deadline);
}

static void put_by_route(const struct metrics_in *in, struct textbuf *to, const char *name,
			 void (*put)(struct textbuf *to, const char *name, const struct watched *w,
				     const struct request_route *r, const char *route))
{
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];
		const struct request_figures *f = &w->requests;
		struct request_route sum;

		for (size_t k = 0; f->known && k < f->nr; k++)
			if (sum_of_route(f, k, &sum))
				put(to, name, w, &sum, sum.route);
		if (f->known && f->other.under_way)
			put(to, name, w, &f->other, "other");
	}
}

static void put_over(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(in, to, "parkwatch_requests_over", "gauge",
		      "Requests that are over, and have left goroutines behind that still have "
		      "them in hand.");
	for (size_t i = 0; i < in->nr; i++)
		if (in->targets[i]->requests.known)
			textbuf__format(to, "parkwatch_requests_over{target=\"%s\"} %" PRIu64 "\n",
					in->targets[i]->id, in->targets[i]->requests.over);
}

void request_metrics__write(const struct metrics_in *in, struct textbuf *to)
{
	put_requests(in, to);
	metrics__head(in, to, "parkwatch_oldest_request_seconds", "gauge",
		      "Age of the oldest request of each route, at least: as long as a goroutine "
		      "that is at it waits, where nothing tells more.");
	put_by_route(in, to, "parkwatch_oldest_request_seconds", put_oldest);
	metrics__head(in, to, "parkwatch_requests_past_deadline", "gauge",
		      "Requests that are served though their deadline has passed, by route.");
	put_by_route(in, to, "parkwatch_requests_past_deadline", put_past);
	put_over(in, to);
}
