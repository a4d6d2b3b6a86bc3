/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/routes.h"

#include <string.h>

#define PATTERNS_MAX 64u /* of routers in routers */

size_t routes__pooled(struct prover *p, const struct libtypes *l, const struct liveslots *slots,
		      struct routes_pooled ret[ROUTES_POOLED_MAX])
{
	size_t nr = 0;

	for (size_t i = 0; i < slots->nr; i++)
		for (uint32_t k = 0; k < LIBTYPES_POOLED && nr < ROUTES_POOLED_MAX; k++) {
			const uint64_t addr = slots->v[i].value;

			if (l->pooled[k].type && (!nr || ret[nr - 1].addr != addr) &&
			    prover__is(p, addr, l->pooled[k].type))
				ret[nr++] = (struct routes_pooled){ addr, k };
		}
	return nr;
}

uint64_t routes__request(struct prover *p, const struct libtypes *l, const struct webtypes *w,
			 const struct routes_pooled *r)
{
	const uint64_t request = prover__word(p, r->addr + l->pooled[r->of].request);

	return prover__is(p, request, w->http.type) ? request : 0;
}

bool routes__of_pooled(struct prover *p, const struct libtypes *l, const struct routes_pooled *r,
		       char *buf, size_t size)
{
	return prover__string(p, r->addr + l->pooled[r->of].route, buf, size) && buf[0];
}

/* --- chi --- */

/* The patterns in a row, as its Context.RoutePattern has them: those of inner routers follow
 * a wildcard, which they replace. */
static void without_wildcards(char *text)
{
	size_t len;

	for (char *at = strstr(text, "/*/"); at; at = strstr(text, "/*/"))
		memmove(at, at + 2, strlen(at + 2) + 1);
	len = strlen(text);
	if (len > 2 && !strcmp(text + len - 2, "//"))
		text[len -= 2] = '\0';
	if (len > 1 && text[len - 1] == '/')
		text[len - 1] = '\0';
}

static bool chi_patterns(struct prover *p, uint64_t slice, char *buf, size_t size)
{
	const uint64_t at = prover__word(p, slice), nr = prover__word(p, slice + 8);
	size_t len = 0;

	for (uint64_t i = 0; i < nr; i++) {
		if (i == PATTERNS_MAX || !prover__string(p, at + 16 * i, buf + len, size - len))
			return false;
		len += strlen(buf + len);
		if (len + 1 >= size)
			return false; /* what is cut is another pattern */
	}
	buf[len] = '\0';
	without_wildcards(buf);
	return len;
}

/* It was made of what the context is made of: since then nobody has used it again. */
static bool chi_is_of(struct prover *p, const struct libtypes *l, const struct webtypes *w,
		      const struct context *x)
{
	const uint64_t below = x->addr + w->value_parent, own = x->value + l->chi_parent;

	return w->value_parent != WEBTYPES_NONE && prover__is(p, x->value, l->chi) &&
	       prover__word(p, below) && prover__word(p, below) == prover__word(p, own) &&
	       prover__word(p, below + 8) == prover__word(p, own + 8);
}

bool routes__of_context(struct prover *p, const struct libtypes *l, const struct webtypes *w,
			const struct context *x, char *buf, size_t size)
{
	uint64_t pattern;

	if (!x->held)
		return false;
	if (x->held == l->chi && chi_is_of(p, l, w, x))
		return chi_patterns(p, x->value + l->chi_patterns, buf, size);
	if (x->held != l->mux || !prover__is(p, x->value, l->mux))
		return false;
	pattern = prover__word(p, x->value + l->mux_path);
	return prover__is(p, pattern, l->mux_regexp) &&
	       prover__string(p, pattern + l->mux_template, buf, size) && buf[0];
}
