// SPDX-License-Identifier: BSD-2-Clause
#include "serve/leak_answer.h"

#include "serve/answer.h"
#include "serve/api.h"
#include "serve/reading.h"

static int write_report(const void *ctx, FILE *out, struct cause *why)
{
	const struct reading *r = ctx;

	return leakwatch_write_json(r->pw, r->len, out, why);
}

void leaks_read(const struct reading *r, struct http_answer *a)
{
	struct cause why = { "" };

	if (answer_write(a, "application/json", write_report, r, &why))
		api_error(a, 500, "its last report cannot be shown");
}
