// SPDX-License-Identifier: BSD-2-Clause
#include "format/blocks.h"

#include <errno.h>
#include <stdlib.h>

int blocks__init(struct blocks *b, size_t nr)
{
	*b = (struct blocks){ .v = calloc(nr + 1, sizeof(*b->v)), .nr = nr, .round = 1 };
	textbuf__init(&b->text, NULL);
	return b->v ? 0 : -ENOMEM;
}

void blocks__done(struct blocks *b)
{
	free(b->v);
	b->v = NULL;
	textbuf__done(&b->text);
}

void blocks__put(struct blocks *b, size_t i, struct textbuf *to,
		 void (*make)(void *ctx, size_t i, struct textbuf *text), void *ctx)
{
	struct block *k = &b->v[i];

	if (k->round != b->round) {
		if (b->text.nr > BLOCKS_BYTES) {
			b->text.nr = 0;
			b->round++;
		}
		k->at = b->text.nr;
		make(ctx, i, &b->text);
		k->nr = b->text.nr - k->at;
		k->round = b->round;
	}
	if (b->text.err && !to->err)
		to->err = b->text.err;
	textbuf__bytes(to, b->text.v + k->at, k->nr);
}
