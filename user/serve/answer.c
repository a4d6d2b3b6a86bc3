// SPDX-License-Identifier: BSD-2-Clause
#include "serve/answer.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "serve/http.h"

static int write_to_stream(struct http_answer *a,
			   int (*write)(const void *ctx, FILE *out, struct cause *why),
			   const void *ctx, struct cause *why)
{
	int err = write(ctx, a->out, why);

	if (!err && ferror(a->out))
		err = cause__set(why, -EPIPE, "nobody reads it");
	if (err)
		__fpurge(a->out);
	a->broken = err && a->begun;
	return err;
}

int answer_write(struct http_answer *a, const char *type,
		 int (*write)(const void *ctx, FILE *out, struct cause *why), const void *ctx,
		 struct cause *why)
{
	scoped_mem char *text = NULL;
	size_t len = 0;
	FILE *out;
	int err;

	a->type = type;
	if (a->out)
		return write_to_stream(a, write, ctx, why);
	out = open_memstream(&text, &len);
	err = out ? write(ctx, out, why) : cause__no_memory(why);
	if (out && fclose(out) && !err)
		err = cause__no_memory(why);
	if (!err)
		textbuf__bytes(&a->body, text, len);
	return err;
}
