/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_show: a dump as text, JSON, lines of JSON, groups, differences, or as a snap for the other
 * formats.
 *
 *	text	as Go's debug=2, for people and for what reads that (panicparse, goleak): runtime frames left out unless `full`
 *	json	{"target":{...},"taken_unix_ns":...,"goroutines":[...],"unsettled":0,"refused":0,"not_read":0,"dead":{...}}
 *	jsonl	one goroutine a line
 * All return 0 or negative errno of writing, -ENOMEM; with a cause. Nothing is flushed.
 */
#ifndef PARKWATCH_FORMAT_DUMP_SHOW_H
#define PARKWATCH_FORMAT_DUMP_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "base/cause.h"
#include "base/json_writer.h"
#include "view/dump.h"
#include "view/recording.h"

struct dump_show {
	/* json: pid, exe, go_version, wall_start_ns (when it was taken) */
	const struct report_meta *meta;
	bool full;    /* text: runtime frames too; text and json: wrappers too */
	bool objects; /* text: what each one waits for, as lines that begin with "\t# " */
	bool labels;  /* text: in the header, as Go 1.27 does */
	/*
	 * What is at the other end of a descriptor of the process: "tcp 127.0.0.1:1 ->
	 * 127.0.0.1:2", "" unknown. NULL: nobody knows.
	 */
	const char *(*peer)(void *ctx, int fd);
	void *peer_ctx;
};

int dump_show__text(struct dump *d, const struct dump_show *s, FILE *out, struct cause *why);
int dump_show__json(struct dump *d, const struct dump_show *s, bool lines, FILE *out,
		    struct cause *why);

/* --- pieces, for the others of this family; errors go into the textbuf --- */

/* Frames of one stack: text as in a traceback; JSON as an array. */
void dump_text__stack(struct dump *d, size_t stack, bool full, struct textbuf *to);
void dump_json__stack(struct dump *d, size_t stack, bool full, struct json_writer *w);
/* "dead":{"count":...,"stack_bytes":...}: g structs of goroutines that have ended */
void dump_json__dead(const struct dump *d, struct json_writer *w);
/* {"func":...}; null if unknown */
void dump_json__site(const struct site *s, struct json_writer *w);

struct dump_json; /* what goroutines share, as JSON that was made once */
int dump_json__new(struct dump *d, const struct dump_show *s, struct dump_json **ret);
void dump_json__free(struct dump_json *j);
DEFINE_SCOPED(dump_json)
void dump_json__goroutine(struct dump_json *j, const struct dump_row *r, struct json_writer *w);

/* 0, or the error of out with a cause. */
int dump_show__end(struct textbuf *out, struct cause *why);

#endif
