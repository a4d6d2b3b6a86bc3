// SPDX-License-Identifier: BSD-2-Clause
#include "serve/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/history.h"

/* The head, figures of requests if they are known, what the process says of itself, the rows, then all their texts, each with its NUL. */
struct wire_row {
	uint64_t nr, waiting, stack_bytes, births, exits, oldest_ns, first;
	uint32_t oldest_s, long_waits;
	uint32_t made, blocked; /* where in the texts */
	uint32_t state, pad;
};

struct wire_head {
	uint64_t taken_ns, sums_unix_ns;
	uint64_t by_state[GOSTATE_MAX], oldest_ns[GOSTATE_MAX], over_goids;
	uint32_t nr, texts;          /* rows, bytes */
	uint32_t requests, resource; /* bytes: of one, or 0; of that */
	struct wire_row other;
};

/* --- to bytes --- */

static struct wire_row wire_of(const struct tally_row *r)
{
	return (struct wire_row){ .nr = r->nr,
				  .waiting = r->waiting,
				  .stack_bytes = r->stack_bytes,
				  .births = r->births,
				  .exits = r->exits,
				  .oldest_ns = r->oldest_ns,
				  .first = r->first,
				  .oldest_s = r->oldest_s,
				  .long_waits = r->long_waits,
				  .state = r->state };
}

/* Where it is. */
static uint32_t put_text(struct textbuf *texts, const char *text)
{
	const uint32_t at = (uint32_t)texts->nr;

	textbuf__bytes(texts, text, strlen(text) + 1);
	return at;
}

void digest__pack(const struct digest *d, struct textbuf *to)
{
	const struct tally_look *l = &d->look;
	struct wire_head head = { .taken_ns = d->taken_ns,
				  .sums_unix_ns = d->sums_unix_ns,
				  .over_goids = l->over_goids,
				  .nr = (uint32_t)l->nr,
				  .requests = d->requests.known ? sizeof(d->requests) : 0,
				  .resource = (uint32_t)d->resource.len,
				  .other = wire_of(&l->other) };
	const size_t head_at = to->nr;
	struct textbuf texts;

	textbuf__init(&texts, NULL);
	memcpy(head.by_state, l->by_state, sizeof(head.by_state));
	memcpy(head.oldest_ns, l->oldest_ns, sizeof(head.oldest_ns));
	textbuf__bytes(to, &head, sizeof(head));
	textbuf__bytes(to, &d->requests, head.requests);
	textbuf__bytes(to, d->resource.v, head.resource);
	for (size_t i = 0; i < l->nr; i++) {
		struct wire_row row = wire_of(&l->rows[i]);

		row.made = put_text(&texts, l->rows[i].made);
		row.blocked = put_text(&texts, l->rows[i].blocked);
		textbuf__bytes(to, &row, sizeof(row));
	}
	textbuf__bytes(to, texts.v, texts.nr);
	head.texts = (uint32_t)texts.nr;
	to->err = to->err ? to->err : texts.err;
	if (!to->err)
		memcpy(to->v + head_at, &head, sizeof(head));
	textbuf__done(&texts);
}

/* --- from bytes --- */

static struct tally_row row_of(const struct wire_row *w)
{
	return (struct tally_row){ .made = "",
				   .blocked = "",
				   .state = GOSTATE_UNKNOWN,
				   .nr = w->nr,
				   .waiting = w->waiting,
				   .stack_bytes = w->stack_bytes,
				   .births = w->births,
				   .exits = w->exits,
				   .oldest_ns = w->oldest_ns,
				   .first = w->first,
				   .oldest_s = w->oldest_s,
				   .long_waits = w->long_waits };
}

static int take_rows(const struct wire_head *head, const char *rows, struct tally_row *to)
{
	const char *texts = rows + head->nr * sizeof(struct wire_row);

	for (uint32_t i = 0; i < head->nr; i++) {
		struct wire_row w;

		memcpy(&w, rows + i * sizeof(w), sizeof(w));
		if (w.made >= head->texts || w.blocked >= head->texts || w.state >= GOSTATE_MAX)
			return -EBADMSG;
		to[i] = row_of(&w);
		to[i].made = texts + w.made;
		to[i].blocked = texts + w.blocked;
		to[i].state = (enum gostate)w.state;
	}
	return 0;
}

int digest__unpack(const char *bytes, size_t len, struct digest *ret)
{
	scoped_mem struct tally_row *rows = NULL;
	struct request_figures requests = { .known = 0 };
	struct resource_text resource;
	struct wire_head head;
	uint64_t rows_at;
	int err;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	rows_at = sizeof(head) + (uint64_t)head.requests + head.resource;
	if (head.nr > HISTORY_ROWS_MAX ||
	    len != rows_at + head.nr * sizeof(struct wire_row) + head.texts ||
	    (head.texts && bytes[len - 1]))
		return -EBADMSG;
	if (head.requests &&
	    request_figures__unpack(bytes + sizeof(head), head.requests, &requests))
		return -EBADMSG;
	if (!resource_text__take(&resource, bytes + sizeof(head) + head.requests, head.resource))
		return -EBADMSG;
	rows = calloc(head.nr + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	err = take_rows(&head, bytes + rows_at, rows);
	if (err)
		return err;
	*ret = (struct digest){ .requests = requests,
				.resource = resource,
				.taken_ns = head.taken_ns,
				.sums_unix_ns = head.sums_unix_ns,
				.look = { .nr = head.nr,
					  .other = row_of(&head.other),
					  .over_goids = head.over_goids } };
	ret->look.rows = steal(rows);
	memcpy(ret->look.by_state, head.by_state, sizeof(head.by_state));
	memcpy(ret->look.oldest_ns, head.oldest_ns, sizeof(head.oldest_ns));
	return 0;
}

void digest__done(struct digest *d)
{
	free(steal(d->look.rows));
}
