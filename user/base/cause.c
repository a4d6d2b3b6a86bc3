/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cause.h"

#include <stdio.h>

int cause__set(struct cause *c, int err, const char *fmt, ...)
{
	va_list ap;

	if (!c || c->text[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	for (char *p = c->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return err;
}
