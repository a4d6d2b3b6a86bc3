// SPDX-License-Identifier: BSD-2-Clause
/*
 * dump_text: goroutines as Go's own traceback prints them.
 *
 * Source: runtime/traceback.go goroutineheader, traceback2, printcreatedby of Go 1.15 to 1.27.
 * Arguments are not known, so they are "..." as in Go's inlined frames; wait reasons are the newest
 * Go's words whatever the version.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "golang/gostate.h"
#include "format/blocks.h"
#include "view/calls.h"
#include "format/dump_show.h"
#include "format/request_put.h"

struct dump_text {
	struct dump *d;
	const struct dump_show *show;
	struct blocks stacks, made;
};

int dump_show__end(struct textbuf *out, struct cause *why)
{
	int err = textbuf__finish(out);

	return err ? cause__set(why, err, "cannot write the dump: %s", strerror(-err)) : 0;
}

static void put_place(struct textbuf *to, const char *file, uint32_t line)
{
	textbuf__text(to, "\t");
	textbuf__text(to, file[0] ? file : "?");
	textbuf__text(to, ":");
	textbuf__u64(to, line);
}

static void put_offset(struct textbuf *to, uint64_t offset)
{
	if (offset) {
		textbuf__text(to, " +");
		textbuf__hex(to, offset);
	}
	textbuf__text(to, "\n");
}

void dump_text__stack(struct dump *d, size_t stack, bool full, struct textbuf *to)
{
	const struct frame *v;
	uint16_t rt;
	size_t nr = 0;
	int err = dump__frames(d, stack, full ? DUMP_ALL : DUMP_TRACEBACK, &v, &nr);

	if (err && !to->err)
		to->err = err;
	for (size_t i = 0; i < nr; i++) {
		textbuf__text(to, v[i].name);
		textbuf__text(to, "(...)\n");
		put_place(to, v[i].file, v[i].line);
		put_offset(to, v[i].inlined || !v[i].entry || v[i].pc < v[i].entry
				       ? 0
				       : v[i].pc - v[i].entry);
	}
	if (dump__stack_at(d, stack, &rt)->truncated)
		textbuf__text(to, "...additional frames elided...\n");
}

static void make_stack(void *ctx, size_t i, struct textbuf *to)
{
	struct dump_text *t = ctx;

	dump_text__stack(t->d, i, t->show->full, to);
}

static void make_place(void *ctx, size_t i, struct textbuf *to)
{
	const struct dump_text *t = ctx;
	const struct site *s = &t->d->sites->v[i];

	textbuf__text(to, "\n");
	put_place(to, s->file, s->line);
	put_offset(to, s->offset);
}

static void put_created_by(struct dump_text *t, const struct dump_row *r, struct textbuf *to)
{
	const struct census_g *g = dump__g(t->d, r);
	const struct site *s = dump__site(t->d, r->made);

	if (!s || !s->known || (!t->show->full && !s->shown))
		return;
	textbuf__text(to, "created by ");
	textbuf__text(to, s->func);
	if (g->who.parent_goid) {
		textbuf__text(to, " in goroutine ");
		textbuf__u64(to, g->who.parent_goid);
	}
	blocks__put(&t->made, r->made, to, make_place, t);
}

/* The character at *text, which is valid UTF-8, and on to the next. */
static uint32_t next_character(const char **text)
{
	const unsigned char *s = (const unsigned char *)*text;
	const int more = s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	uint32_t c = more ? s[0] & (0x3fu >> more) : s[0];

	for (int i = 1; i <= more; i++)
		c = c << 6 | (s[i] & 0x3f);
	*text += 1 + more;
	return c;
}

/* Go 1.27 runtime/print.go printquoted. */
static void put_quoted(struct textbuf *to, const char *text)
{
	char escape[16];

	textbuf__text(to, "\"");
	while (*text) {
		const uint32_t c = next_character(&text);
		const char letter = c == '\n'               ? 'n'
				    : c == '\r'             ? 'r'
				    : c == '\t'             ? 't'
				    : c == '"' || c == '\\' ? (char)c
							    : 0;

		if (letter)
			snprintf(escape, sizeof(escape), "\\%c", letter);
		else if (c >= ' ' && c <= '~')
			snprintf(escape, sizeof(escape), "%c", (char)c);
		else
			snprintf(escape, sizeof(escape),
				 c < 0x7f      ? "\\x%02x"
				 : c < 0x10000 ? "\\u%04x"
					       : "\\U%08x",
				 c);
		textbuf__text(to, escape);
	}
	textbuf__text(to, "\"");
}

/* Go 1.27 runtime/traceback.go tracebackStringNeedsQuoting. */
static void put_label_part(struct textbuf *to, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_";

	if (text[strspn(text, plain)])
		put_quoted(to, text);
	else
		textbuf__text(to, text);
}

static void put_labels(const struct label_set *set, struct textbuf *to)
{
	if (!set->nr)
		return;
	textbuf__text(to, " {");
	for (size_t i = 0; i < set->nr; i++) {
		textbuf__text(to, i ? ", " : "");
		put_label_part(to, set->v[i].key);
		textbuf__text(to, ": ");
		put_label_part(to, set->v[i].value);
	}
	textbuf__text(to, "}");
}

static void put_header(struct dump_text *t, const struct dump_row *r, struct textbuf *to)
{
	const struct census_g *g = dump__g(t->d, r);
	const uint64_t wait_ns = dump__wait_ns(t->d, r);

	textbuf__text(to, "goroutine ");
	textbuf__u64(to, g->who.goid);
	textbuf__text(to, " [");
	textbuf__text(to, dump__word(t->d, r));
	if (g->status == GOSTATUS_LEAKED)
		textbuf__text(to, " (leaked)");
	if (wait_ns != DUMP_UNKNOWN && wait_ns >= 60 * NS_PER_SEC) {
		textbuf__text(to, ", ");
		textbuf__u64(to, wait_ns / (60 * NS_PER_SEC));
		textbuf__text(to, " minutes");
	}
	textbuf__text(to, g->locked ? ", locked to thread]" : "]");
	if (t->show->labels)
		put_labels(dump__labels(t->d, r), to);
	textbuf__text(to, ":\n");
}

static void put_timer(struct textbuf *to, uint64_t when_ns, uint64_t now_ns)
{
	const int64_t left_ms = ((int64_t)when_ns - (int64_t)now_ns) / (int64_t)NS_PER_MS;

	textbuf__text(to, " (fires in ");
	textbuf__i64(to, left_ms);
	textbuf__text(to, " ms)");
}

/* "\t# waits to send to chan 0xc000012345" */
static void put_wait(struct dump_text *t, const struct census_wait *w, uint64_t now_ns,
		     struct textbuf *to)
{
	static const char *const ways[] = {
		[CENSUS_DIR_NONE] = "for",        [CENSUS_DIR_RECEIVE] = "to receive from",
		[CENSUS_DIR_SEND] = "to send to", [CENSUS_DIR_READ] = "to read",
		[CENSUS_DIR_WRITE] = "to write",
	};
	const char *peer = "";

	textbuf__text(to, "\t# waits ");
	textbuf__text(to, w->direction < ARRAY_SIZE(ways) ? ways[w->direction] : "for");
	textbuf__text(to, " ");
	textbuf__text(to, dump_wait_kind(w->kind));
	textbuf__text(to, " ");
	if (w->kind == CENSUS_WAIT_FD) {
		textbuf__i64(to, (int32_t)w->via);
		if (t->show->peer)
			peer = framer__text(t->d->framer,
					    t->show->peer(t->show->peer_ctx, (int32_t)w->via));
		textbuf__text(to, peer[0] ? ", " : "");
		textbuf__text(to, peer);
	} else {
		textbuf__hex(to, w->addr);
	}
	if (w->kind == CENSUS_WAIT_TIMER)
		put_timer(to, w->via, now_ns);
	textbuf__text(to, w->select ? " (case of a select)\n" : "\n");
}

static void put_waits(struct dump_text *t, const struct dump_row *r, struct textbuf *to)
{
	const struct census *c = t->d->in.censuses[r->rt];
	const struct census_g *g = dump__g(t->d, r);

	for (uint32_t i = 0; i < g->nr_waits; i++)
		put_wait(t, &c->waits[g->waits_at + i], c->taken_ns, to);
	if (g->waits_cut)
		textbuf__text(to, "\t# waits for more that could not be made out\n");
}

/* "\t# serves GET /api/quote/7", "\t# calls GET http://upstream/x, 31 s" */
static void put_request(struct dump_text *t, const struct dump_row *r, struct textbuf *to)
{
	const struct grequest_of *of = dump__request(t->d, r);
	const uint64_t wait_ns = dump__wait_ns(t->d, r);

	if (of && grequest_is_told(of)) {
		textbuf__text(to, "\t# ");
		request_put__of(t->d->framer, t->d->in.requests[r->rt], of, to);
		textbuf__text(to, "\n");
	}
	if (of && of->calls) {
		textbuf__text(to, "\t# ");
		request_put__calls(t->d->framer, t->d->in.requests[r->rt], of, wait_ns,
				   wait_ns != DUMP_UNKNOWN, to);
		textbuf__text(to, "\n");
	}
}

static void put_goroutine(struct dump_text *t, const struct dump_row *r, struct textbuf *to)
{
	const size_t stack = dump__stack(t->d, r);

	put_header(t, r, to);
	put_request(t, r, to);
	if (t->show->objects) {
		put_waits(t, r, to);
		calls__text(t->d, r, "\t# called from ", to);
	}
	if (stack == DUMP_NO_STACK)
		textbuf__text(to, "\tgoroutine running on other thread; stack unavailable\n");
	else
		blocks__put(&t->stacks, stack, to, make_stack, t);
	put_created_by(t, r, to);
}

int dump_show__text(struct dump *d, const struct dump_show *s, FILE *out, struct cause *why)
{
	struct dump_text t = { .d = d, .show = s };
	struct textbuf to;
	int err;

	textbuf__init(&to, out);
	to.err = blocks__init(&t.stacks, d->nr_stacks);
	if (!to.err)
		to.err = blocks__init(&t.made, d->sites->nr);
	for (size_t i = 0; i < d->nr && !to.err; i++) {
		if (i)
			textbuf__bytes(&to, "\n", 1);
		put_goroutine(&t, &d->rows[i], &to);
	}
	err = dump_show__end(&to, why);
	blocks__done(&t.stacks);
	blocks__done(&t.made);
	textbuf__done(&to);
	return err;
}
