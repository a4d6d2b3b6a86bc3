/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/contexts.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "base/vec.h"

#define KEY_LOCAL_ADDR "local-addr"  /* Go net/http/server.go LocalAddrContextKey */
#define KEY_SERVER     "http-server" /* ServerContextKey */
#define CAUSE_NAME_MAX 256

struct contexts {
	struct prover *p;
	const struct webtypes *w;
	struct spans *spans;
	struct u64map known; /* address and type to number */
	struct context *v;
	size_t nr, room;
	struct u64map parents; /* type id to where its context.Context lies + 1; 0: it has none */
};

int contexts__new(struct prover *p, const struct webtypes *w, struct spans *spans,
		  struct contexts **ret)
{
	struct contexts *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct contexts){ .p = p, .w = w, .spans = spans };
	c->known.max = CONTEXTS_MAX;
	c->parents.max = GOTYPES_MAX;
	*ret = c;
	return 0;
}

void contexts__free(struct contexts *c)
{
	if (!c)
		return;
	u64map__done(&c->known);
	u64map__done(&c->parents);
	free(c->v);
	free(c);
}

const struct context *contexts__get(const struct contexts *c, uint32_t n)
{
	return &c->v[n - 1];
}

size_t contexts__nr(const struct contexts *c)
{
	return c->nr;
}

/* --- where a type has what it was made from --- */

static bool is_of_context(struct contexts *c, const struct gotype *t)
{
	char name[64];

	gotypes__name(prover__types(c->p), t, name, sizeof(name));
	return !strncmp(name, "context.", 8);
}

/* depth: of structs that are embedded. */
static bool find_parent(struct contexts *c, const struct gotype *t, bool ours, unsigned int depth,
			uint64_t *ret)
{
	const struct gofield *v = gotypes__fields(prover__types(c->p), t);

	for (uint32_t i = 0; v && i < t->nr_fields; i++)
		if (v[i].type == c->w->context && (ours || v[i].embedded)) {
			*ret = v[i].offset;
			return true;
		}
	for (uint32_t i = 0; v && i < t->nr_fields && depth; i++)
		if (v[i].embedded && v[i].type->kind == GOKIND_STRUCT &&
		    find_parent(c, v[i].type, ours, depth - 1, ret)) {
			*ret += v[i].offset;
			return true;
		}
	return false;
}

static bool contexts__parent(struct contexts *c, const struct gotype *t, uint64_t *ret)
{
	uint64_t known, offset;

	if (!u64map__get(&c->parents, t->id, &known)) {
		known = find_parent(c, t, is_of_context(c, t), 3, &offset) ? offset + 1 : 0;
		(void)u64map__set(&c->parents, t->id, known); /* else it is found again */
	}
	*ret = known - 1;
	return known;
}

/* --- nodes --- */

/* The key of a value that net/http has put there; "": it is another's. */
static void key_of(struct contexts *c, uint64_t addr, char *name, size_t size)
{
	const struct webtypes *w = c->w;
	uint64_t key;

	name[0] = '\0';
	if (w->value_key == WEBTYPES_NONE || w->key_name == WEBTYPES_NONE ||
	    prover__held(c->p, prover__word(c->p, addr + w->value_key)) != w->key)
		return;
	key = prover__word(c->p, addr + w->value_key + 8);
	if (!prover__is(c->p, key, w->key) || !prover__string(c->p, key + w->key_name, name, size))
		name[0] = '\0';
}

/* The cancelCtx that a type has inside, or is. */
static bool has_cancel(struct contexts *c, const struct gotype *t, uint64_t *ret_offset)
{
	const struct gofield *f;

	*ret_offset = 0;
	if (t == c->w->cancel)
		return true;
	f = gotypes__field(prover__types(c->p), t, "cancelCtx", ret_offset);
	return f && f->type == c->w->cancel;
}

/* The type behind both forms of an error: with a table of methods, or as a value of any type. */
static const struct gotype *error_type(struct contexts *c, uint64_t first)
{
	const struct gotype *interface, *t = prover__itab(c->p, first, &interface);

	return t ? t : gotypes__at(prover__types(c->p), first);
}

static bool is_named(struct contexts *c, const struct gotype *t, const char *name)
{
	char text[64];

	gotypes__name(prover__types(c->p), t, text, sizeof(text));
	return !strcmp(text, name);
}

/* context.Canceled is errors.New("context canceled"). */
static bool is_canceled(struct contexts *c, const struct gotype *t, uint64_t at)
{
	const struct gotype *elem =
		t->kind == GOKIND_POINTER ? gotypes__elem(prover__types(c->p), t) : NULL;
	char text[32];

	return elem && is_named(c, elem, "errors.errorString") && prover__is(c->p, at, elem) &&
	       prover__string(c->p, at, text, sizeof(text)) && !strcmp(text, "context canceled");
}

/* How its cancelCtx has ended. A cause that is only the same error says nothing. */
static void contexts__fill_end(struct contexts *c, struct context *n)
{
	const struct webtypes *w = c->w;
	uint64_t first, at, cause, cause_at;
	const struct gotype *t, *why;

	if (w->cancel_err == WEBTYPES_NONE)
		return;
	first = prover__word(c->p, n->cancel + w->cancel_err);
	at = prover__word(c->p, n->cancel + w->cancel_err + 8);
	n->cancelled = first;
	if (!first)
		return;
	n->end = CONTEXT_END_NOT_KNOWN;
	t = error_type(c, first);
	if (!t)
		return;
	if (is_named(c, t, "context.deadlineExceededError"))
		n->end = CONTEXT_TOO_LATE;
	else if (is_canceled(c, t, at))
		n->end = CONTEXT_CANCELLED;
	if (w->cancel_cause == WEBTYPES_NONE)
		return;
	cause = prover__word(c->p, n->cancel + w->cancel_cause);
	cause_at = prover__word(c->p, n->cancel + w->cancel_cause + 8);
	why = error_type(c, cause);
	if (!why)
		n->end = CONTEXT_END_NOT_KNOWN;
	if (!why || (why == t && (cause_at == at || !t->size)))
		return;
	n->cause = why;
	n->cause_at = cause_at;
}

/* What somebody has put there. */
static void contexts__fill_value(struct contexts *c, struct context *n)
{
	const struct webtypes *w = c->w;
	char key[32];

	if (w->value_val != WEBTYPES_NONE) {
		n->held = prover__held(c->p, prover__word(c->p, n->addr + w->value_val));
		n->value = prover__word(c->p, n->addr + w->value_val + 8);
	}
	if (n->held && n->held == w->stream)
		n->stream = n->value;
	if (n->held)
		n->span = spans__at(c->spans, n->held, n->value);
	if (!w->key)
		return;
	key_of(c, n->addr, key, sizeof(key));
	n->is_local_addr = !strcmp(key, KEY_LOCAL_ADDR);
	n->is_server = !strcmp(key, KEY_SERVER);
}

static void contexts__fill(struct contexts *c, struct context *n)
{
	const struct webtypes *w = c->w;
	uint64_t at;

	if (spans__is_context(c->spans, n->type)) {
		n->span = spans__of_context(c->spans, n->addr);
		return;
	}
	n->own_ways = !is_of_context(c, n->type);
	if (!n->own_ways && has_cancel(c, n->type, &at)) {
		n->cancel = n->addr + at;
		contexts__fill_end(c, n);
	} else if (n->type == w->timer && w->timer_cancel != WEBTYPES_NONE) {
		n->cancel = prover__word(c->p, n->addr + w->timer_cancel);
		contexts__fill_end(c, n);
	} else if (!n->own_ways && n->type != w->value) {
		n->own_ways = true; /* withoutCancelCtx and the like */
	}
	n->is_timer = n->type == w->timer;
	if (n->is_timer && w->timer_deadline != WEBTYPES_NONE)
		n->has_deadline = prover__time(c->p, n->addr + w->timer_deadline, &n->deadline_ns);
	if (n->type == w->value)
		contexts__fill_value(c, n);
}

/*
 * The type behind an interface whose first word this is. NULL: nobody can say, or a program's own
 * struct by its address: that may have been given to another request since. A tracing library's
 * is not.
 */
static const struct gotype *contexts__held(struct contexts *c, uint64_t first)
{
	const struct gotype *interface, *held = prover__held(c->p, first),
					*t = prover__itab(c->p, first, &interface);

	return held && t && t->kind == GOKIND_POINTER && !is_of_context(c, held) &&
			       !spans__is_context(c->spans, held)
		       ? NULL
		       : held;
}

/* A new node, or the one that is there. 0: there is none. *ret_new: it is the former. */
static uint32_t contexts__node(struct contexts *c, const struct gotype *t, uint64_t addr,
			       bool *ret_new)
{
	uint64_t n;

	*ret_new = false;
	if (t->kind != GOKIND_STRUCT || !t->size || addr % 8 || addr >= 1ull << 47)
		return 0; /* a root, as context.Background() */
	if (u64map__get(&c->known, addr / 8 << 16 | t->id, &n))
		return (uint32_t)n;
	if (!prover__is(c->p, addr, t) || c->nr >= CONTEXTS_MAX ||
	    vec__reserve(&c->v, &c->room, c->nr + 1, sizeof(*c->v)) ||
	    u64map__set(&c->known, addr / 8 << 16 | t->id, c->nr + 1))
		return 0;
	*ret_new = true;
	c->v[c->nr] = (struct context){ .addr = addr, .type = t };
	contexts__fill(c, &c->v[c->nr]);
	return (uint32_t)++c->nr;
}

/* context.Background() and TODO(): nothing ends them. */
static bool is_root(struct contexts *c, const struct gotype *t)
{
	return t && (is_named(c, t, "context.emptyCtx") ||
		     is_named(c, t, "context.backgroundCtx") || is_named(c, t, "context.todoCtx"));
}

/* *t and *addr: of a context; then of what it was made from. */
static void contexts__step(struct contexts *c, uint64_t parent, const struct gotype **t,
			   uint64_t *addr)
{
	if (*t == c->w->timer && c->w->timer_cancel != WEBTYPES_NONE) {
		*t = c->w->cancel; /* Go 1.20: a part of it that lies elsewhere */
		*addr = prover__word(c->p, *addr + c->w->timer_cancel);
		return;
	}
	*t = contexts__held(c, prover__word(c->p, *addr + parent));
	*addr = prover__word(c->p, *addr + parent + 8);
}

/* parent: where it is in that type. */
static bool contexts__has_parent(struct contexts *c, const struct gotype *t, uint64_t *ret_parent)
{
	*ret_parent = 0;
	return t && (contexts__parent(c, t, ret_parent) ||
		     (t == c->w->timer && c->w->timer_cancel != WEBTYPES_NONE));
}

uint32_t contexts__at(struct contexts *c, const struct gotype *t, uint64_t addr)
{
	uint32_t first = 0, below = 0, n;
	uint64_t parent;
	bool new;

	for (uint32_t i = 0; i < CONTEXTS_CHAIN_MAX; i++) {
		if (!contexts__has_parent(c, t, &parent)) {
			if (below)
				c->v[below - 1].is_first = is_root(c, t);
			break;
		}
		n = contexts__node(c, t, addr, &new);
		if (!n)
			break;
		if (below)
			c->v[below - 1].up = n;
		if (!first)
			first = n;
		if (!new)
			break;
		below = n;
		contexts__step(c, parent, &t, &addr);
	}
	return first;
}

uint32_t contexts__of_interface(struct contexts *c, uint64_t addr)
{
	const struct gotype *interface,
		*t = prover__itab(c->p, prover__word(c->p, addr), &interface);

	if (!t || interface != c->w->context)
		return 0;
	return contexts__at(c, contexts__held(c, prover__word(c->p, addr)),
			    prover__word(c->p, addr + 8));
}

/* --- what is known of one --- */

/* The target's memory can make circles of contexts: each way up has an end. */
#define for_each_above(c, n, i)                                                                    \
	for (uint32_t i = 0; (n) && i < CONTEXTS_CHAIN_MAX; (n) = (c)->v[(n)-1].up, i++)

bool contexts__deadline(const struct contexts *c, uint32_t n, int64_t *ret_ns)
{
	bool has = false;

	for_each_above(c, n, i)
	{
		const struct context *x = &c->v[n - 1];

		if (x->own_ways)
			break;
		if (x->has_deadline && (!has || x->deadline_ns < *ret_ns))
			*ret_ns = x->deadline_ns;
		has |= x->has_deadline;
	}
	return has;
}

bool contexts__cancelled(const struct contexts *c, uint32_t n)
{
	for_each_above(c, n, i)
	{
		if (c->v[n - 1].own_ways)
			break;
		if (c->v[n - 1].cancelled)
			return true;
	}
	return false;
}

bool contexts__cause(struct contexts *c, uint32_t n, struct arena *texts, const char **ret_type,
		     const char **ret_text)
{
	const struct context *x = &c->v[n - 1];
	const struct gotype *elem;
	char name[CAUSE_NAME_MAX], text[PROVER_TEXT_MAX];

	if (!x->cause)
		return false;
	gotypes__name(prover__types(c->p), x->cause, name, sizeof(name));
	if (!name[0])
		return false;
	*ret_type = arena__copy(texts, name, strlen(name) + 1);
	*ret_text = NULL;
	elem = x->cause->kind == GOKIND_POINTER ? gotypes__elem(prover__types(c->p), x->cause)
						: NULL;
	/* Go errors/errors.go, fmt/errors.go: the text is their first field */
	if (*ret_type && elem &&
	    (is_named(c, elem, "errors.errorString") || is_named(c, elem, "fmt.wrapError")) &&
	    prover__is(c->p, x->cause_at, elem) &&
	    prover__string(c->p, x->cause_at, text, sizeof(text)))
		*ret_text = arena__copy(texts, text, strlen(text) + 1);
	return *ret_type;
}

uint64_t contexts__stream(const struct contexts *c, uint32_t n)
{
	for_each_above(c, n, i)
	{
		if (c->v[n - 1].stream)
			return c->v[n - 1].stream;
	}
	return 0;
}

uint64_t contexts__cancel(const struct contexts *c, uint32_t n)
{
	for_each_above(c, n, i)
	{
		if (c->v[n - 1].cancel)
			return c->v[n - 1].cancel;
	}
	return 0;
}

uint64_t contexts__done(struct contexts *c, uint64_t cancel)
{
	return c->w->cancel_done == WEBTYPES_NONE ? 0
						  : prover__word(c->p, cancel + c->w->cancel_done);
}

static const struct context *above(const struct contexts *c, const struct context *x)
{
	return x && x->up ? &c->v[x->up - 1] : NULL;
}

bool contexts__is_of_request(const struct contexts *c, uint32_t n)
{
	const struct context *x = &c->v[n - 1], *one = above(c, x), *two = above(c, one),
			     *three = above(c, two);

	if (x->type != c->w->cancel || !two)
		return false;
	if (one->type == c->w->cancel)
		return two->is_local_addr;
	return one->is_server && two->is_local_addr && three && three->type == c->w->cancel;
}
