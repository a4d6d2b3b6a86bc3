/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show: a view in the format that was asked for, of a live process or of a recording of one: both
 * take this way, so both give the same bytes.
 */
#ifndef PARKWATCH_CLI_SHOW_H
#define PARKWATCH_CLI_SHOW_H

#include <stdio.h>

#include "base/cause.h"
#include "cli/options.h"
#include "facts/chan_watch.h"
#include "format/format.h"
#include "names/filter.h"
#include "view/chans.h"
#include "view/dump.h"
#include "view/recording.h"

struct show_of { /* all borrowed */
	const struct report_meta *meta;
	/* What is at the other end of a descriptor: "" not known. */
	const char *(*peer)(void *ctx, int fd);
	void *peer_ctx;
};

/* The goroutines that are asked for. 0 or -ENOMEM with a cause. */
int show_filtered(const struct opts *o, const struct filter *filter, const struct dump_input *in,
		  struct dump **ret, struct cause *why);
/* Those, or their groups, or what differs from an older dump. As format__write(). */
int show_dump(const struct opts *o, const struct format *f, const struct filter *filter,
	      struct dump *d, const struct show_of *of, FILE *out, struct cause *why);
/*
 * The channels and locks; sources: by rt. watch: channels over some time, NULL: nobody asked. As
 * format__write().
 */
int show_chans(const struct opts *o, const struct format *f, const struct filter *filter,
	       const struct dump_input *in, const struct chans_source *sources,
	       const struct chan_watch *watch, const struct report_meta *meta, FILE *out,
	       struct cause *why);

#endif
