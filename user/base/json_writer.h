/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_writer: JSON, piece by piece, into a textbuf. The only place that knows commas, quotes and
 * braces; the functions are named as in bpftool.
 *
 *	jsonw_start_object(w);
 *	jsonw_uint_field(w, "goid", 18);
 *	jsonw_name(w, "stack");
 *	jsonw_start_array(w);
 *	jsonw_end_array(w);
 *	jsonw_end_object(w);
 *	jsonw_end(w);			{"goid":18,"stack":[]} and a new line
 *
 * Names and texts may hold anything: what a terminal or a page would not only show is escaped, each
 * byte that is no UTF-8 is U+FFFD. A call in the wrong place (a value without a name in an object,
 * an end of what is not open, a document that is not whole) is a mistake of ours: the output fails
 * with -EINVAL. As all errors, it sticks in the textbuf: what comes behind it may be missing.
 */
#ifndef PARKWATCH_BASE_JSON_WRITER_H
#define PARKWATCH_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/textbuf.h"

/* one more is -E2BIG. A flame graph of the deepest stack: two for each of 4096 frames */
#define JSONW_DEPTH_MAX 16384

struct json_writer {
	struct textbuf *to; /* borrowed */
	uint32_t depth;     /* how many objects and arrays are open */
	bool some;          /* there is something in the innermost one */
	bool named;         /* a name waits for its value */
	bool newline;       /* what comes next begins a line */
	bool for_page;
	/* a bit for each that is open, outermost first; 0: an array */
	uint64_t is_object[JSONW_DEPTH_MAX / 64];
};

void jsonw_init(struct json_writer *w, struct textbuf *to);
/* <, > and & are escaped in texts: nothing ends a script element */
void jsonw_for_page(struct json_writer *w);

/* One document is whole: a new line. Then another may begin: lines of JSON. */
void jsonw_end(struct json_writer *w);
/* What is told cannot be found out: the output fails with that error. err 0: nothing happens. */
void jsonw_fail(struct json_writer *w, int err);

void jsonw_start_object(struct json_writer *w);
void jsonw_end_object(struct json_writer *w);
void jsonw_start_array(struct json_writer *w);
void jsonw_end_array(struct json_writer *w);
/* the next name or value, or end, begins a line: for people with long lists */
void jsonw_newline(struct json_writer *w);

void jsonw_name(struct json_writer *w, const char *name);
void jsonw_string(struct json_writer *w, const char *text); /* NULL is null */
void jsonw_uint(struct json_writer *w, uint64_t n);
void jsonw_int(struct json_writer *w, int64_t n);
void jsonw_bool(struct json_writer *w, bool b);
void jsonw_null(struct json_writer *w);
/* "0xc000012345": a text, JSON's numbers are not that long everywhere */
void jsonw_hex(struct json_writer *w, uint64_t n);
/* null if it is no number, or infinite */
void jsonw_float(struct json_writer *w, double n, int decimals);
void jsonw_seconds(struct json_writer *w, uint64_t ns); /* 1.250 */

/*
 * A value that was made before, by another writer: the caller puts it there, whole, before anything
 * else is called.
 */
struct textbuf *jsonw_raw(struct json_writer *w);
/*
 * A value that somebody else wrote, with whole characters: what would not only be shown is escaped.
 * json ends with NUL.
 */
void jsonw_again(struct json_writer *w, const char *json, size_t len);

/* A name and its value. */
void jsonw_object_field(struct json_writer *w, const char *name); /* starts it */
void jsonw_array_field(struct json_writer *w, const char *name);  /* starts it */
void jsonw_string_field(struct json_writer *w, const char *name, const char *text);
/* "" is null: it is not known. */
void jsonw_text_field(struct json_writer *w, const char *name, const char *text);
void jsonw_uint_field(struct json_writer *w, const char *name, uint64_t n);
void jsonw_int_field(struct json_writer *w, const char *name, int64_t n);
void jsonw_bool_field(struct json_writer *w, const char *name, bool b);
void jsonw_null_field(struct json_writer *w, const char *name);
void jsonw_hex_field(struct json_writer *w, const char *name, uint64_t n);
void jsonw_float_field(struct json_writer *w, const char *name, double n, int decimals);
void jsonw_seconds_field(struct json_writer *w, const char *name, uint64_t ns);
/* null where it is not known. */
void jsonw_uint_or_null_field(struct json_writer *w, const char *name, uint64_t n, bool known);

#endif
