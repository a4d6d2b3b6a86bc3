/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cause.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clean.h"

/* Whoever met the lack of descriptors, and whatever came of it there: this is what helps. */
static void name_lack_of_descriptors(struct cause *c, int err)
{
	struct rlimit most = { 0, 0 };

	if (err == -ENFILE || strstr(c->text, strerror(ENFILE))) {
		snprintf(c->text, sizeof(c->text),
			 "this machine has no file descriptor left (fs.file-max); try again later");
	} else if (err == -EMFILE || strstr(c->text, strerror(EMFILE))) {
		getrlimit(RLIMIT_NOFILE, &most);
		snprintf(c->text, sizeof(c->text),
			 "too few file descriptors: only %llu are allowed here; allow more (ulimit "
			 "-n 1024) and try again",
			 (unsigned long long)most.rlim_cur);
	}
}

int cause__set(struct cause *c, int err, const char *fmt, ...)
{
	va_list ap;

	if (!c || c->text[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	name_lack_of_descriptors(c, err);
	clean_text(c->text);
	return err;
}

int cause__no_memory(struct cause *c)
{
	return cause__set(c, -ENOMEM, "out of memory");
}
