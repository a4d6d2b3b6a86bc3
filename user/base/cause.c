/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cause.h"

#include <stdio.h>

#include "base/clean.h"

int cause__set(struct cause *c, int err, const char *fmt, ...)
{
	va_list ap;

	if (!c || c->text[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	clean_text(c->text);
	return err;
}
