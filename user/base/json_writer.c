/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json_writer.h"

#include <errno.h>
#include <math.h>

#include "base/clean.h"
#include "base/clock.h"

void jsonw_init(struct json_writer *w, struct textbuf *to)
{
	w->to = to;
	w->depth = 0;
	w->some = w->named = w->newline = w->for_page = false;
}

void jsonw_for_page(struct json_writer *w)
{
	w->for_page = true;
}

void jsonw_fail(struct json_writer *w, int err)
{
	if (!w->to->err)
		w->to->err = err;
}

/* --- what may stand where --- */

static bool in_object(const struct json_writer *w)
{
	return w->depth && w->is_object[(w->depth - 1) / 64] >> (w->depth - 1) % 64 & 1;
}

static void begin_line(struct json_writer *w)
{
	if (w->newline)
		textbuf__bytes(w->to, "\n", 1);
	w->newline = false;
}

static void separate(struct json_writer *w)
{
	if (w->some)
		textbuf__bytes(w->to, ",", 1);
	begin_line(w);
	w->some = true;
}

/* What stands before a value. */
static void begin_value(struct json_writer *w)
{
	if (w->named) {
		w->named = false;
		begin_line(w);
		return;
	}
	if (w->depth ? in_object(w) : w->some)
		jsonw_fail(w, -EINVAL);
	separate(w);
}

static void start(struct json_writer *w, bool object, const char *brace)
{
	begin_value(w);
	if (w->depth == JSONW_DEPTH_MAX) {
		jsonw_fail(w, -E2BIG);
		return;
	}
	w->is_object[w->depth / 64] &= ~(1ULL << w->depth % 64);
	w->is_object[w->depth / 64] |= (uint64_t)object << w->depth % 64;
	w->depth++;
	w->some = false;
	textbuf__bytes(w->to, brace, 1);
}

static void end(struct json_writer *w, bool object, const char *brace)
{
	if (!w->depth || in_object(w) != object || w->named) {
		jsonw_fail(w, -EINVAL);
		return;
	}
	begin_line(w);
	w->depth--;
	w->some = true;
	textbuf__bytes(w->to, brace, 1);
}

void jsonw_start_object(struct json_writer *w)
{
	start(w, true, "{");
}

void jsonw_end_object(struct json_writer *w)
{
	end(w, true, "}");
}

void jsonw_start_array(struct json_writer *w)
{
	start(w, false, "[");
}

void jsonw_end_array(struct json_writer *w)
{
	end(w, false, "]");
}

void jsonw_newline(struct json_writer *w)
{
	w->newline = true;
}

void jsonw_end(struct json_writer *w)
{
	if (w->depth || !w->some)
		jsonw_fail(w, -EINVAL);
	w->some = w->newline = false;
	textbuf__bytes(w->to, "\n", 1);
}

/* --- texts --- */

/* most names and texts are shorter: they are copied without a call */
#define PIECE 64

/* IN_PAGE: must be escaped there; LOOK: must be everywhere, or may */
enum { PLAIN, IN_PAGE, LOOK, ENDS };

static const uint8_t classes[256] = {
	[0] = ENDS,      [1 ... 0x1f] = LOOK, ['"'] = LOOK,
	['\\'] = LOOK,   [0x7f] = LOOK,       ['<'] = IN_PAGE,
	['>'] = IN_PAGE, ['&'] = IN_PAGE,     [0x80 ... 0xff] = LOOK,
};

/* Of a character of at most three bytes. */
static unsigned int rune_of(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	return len == 1   ? s[0]
	       : len == 2 ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu)
			  : (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

/* What follows a plain part: one character, or its first byte. Returns its length. */
static size_t put_escaped(struct textbuf *b, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const size_t len = utf8_length(text);
	const bool escape = (unsigned char)*text < 0x80 || is_unseen(text, len);
	const unsigned int c = escape ? rune_of(text, len) : 0;
	const char letter = c == '\n'               ? 'n'
			    : c == '\r'             ? 'r'
			    : c == '\t'             ? 't'
			    : c == '"' || c == '\\' ? (char)c
						    : 0;

	if (!len)
		textbuf__text(b, "\\ufffd");
	else if (!c)
		textbuf__bytes(b, text, len);
	else if (letter)
		textbuf__bytes(b, (char[]){ '\\', letter }, 2);
	else
		textbuf__bytes(b,
			       (char[]){ '\\', 'u', hex[c >> 12], hex[c >> 8 & 15],
					 hex[c >> 4 & 15], hex[c & 15] },
			       6);
	return len ? len : 1;
}

static void put_text(struct json_writer *w, const char *text)
{
	const uint8_t most = w->for_page ? PLAIN : IN_PAGE;
	char *to;

	textbuf__bytes(w->to, "\"", 1);
	while ((to = textbuf__room(w->to, PIECE))) {
		size_t n = 0;

		for (; n < PIECE && classes[(unsigned char)text[n]] <= most; n++)
			to[n] = text[n];
		w->to->nr += n;
		text += n;
		if (n == PIECE)
			continue;
		if (!*text)
			break;
		text += put_escaped(w->to, text);
	}
	textbuf__bytes(w->to, "\"", 1);
}

void jsonw_name(struct json_writer *w, const char *name)
{
	if (!in_object(w) || w->named)
		jsonw_fail(w, -EINVAL);
	separate(w);
	put_text(w, name);
	textbuf__bytes(w->to, ":", 1);
	w->named = true;
}

void jsonw_string(struct json_writer *w, const char *text)
{
	begin_value(w);
	if (text)
		put_text(w, text);
	else
		textbuf__text(w->to, "null");
}

void jsonw_again(struct json_writer *w, const char *json, size_t len)
{
	const char *stop = json + len;

	begin_value(w);
	while (json < stop) {
		const size_t n = utf8_length(json);

		if (n && (!is_unseen(json, n) || *json == '\n' || *json == '\r' || *json == '\t')) {
			textbuf__bytes(w->to, json, n);
			json += n;
		} else {
			json += put_escaped(w->to, json);
		}
	}
}

struct textbuf *jsonw_raw(struct json_writer *w)
{
	begin_value(w);
	return w->to;
}

/* --- the other values --- */

void jsonw_uint(struct json_writer *w, uint64_t n)
{
	textbuf__u64(jsonw_raw(w), n);
}

void jsonw_int(struct json_writer *w, int64_t n)
{
	textbuf__i64(jsonw_raw(w), n);
}

void jsonw_bool(struct json_writer *w, bool b)
{
	textbuf__text(jsonw_raw(w), b ? "true" : "false");
}

void jsonw_null(struct json_writer *w)
{
	jsonw_string(w, NULL);
}

void jsonw_hex(struct json_writer *w, uint64_t n)
{
	begin_value(w);
	textbuf__bytes(w->to, "\"", 1);
	textbuf__hex(w->to, n);
	textbuf__bytes(w->to, "\"", 1);
}

void jsonw_float(struct json_writer *w, double n, int decimals)
{
	if (isfinite(n))
		textbuf__format(jsonw_raw(w), "%.*f", decimals, n);
	else
		jsonw_null(w);
}

void jsonw_seconds(struct json_writer *w, uint64_t ns)
{
	jsonw_float(w, (double)ns / NS_PER_SEC, 3);
}

/* --- fields --- */

void jsonw_object_field(struct json_writer *w, const char *name)
{
	jsonw_name(w, name);
	jsonw_start_object(w);
}

void jsonw_array_field(struct json_writer *w, const char *name)
{
	jsonw_name(w, name);
	jsonw_start_array(w);
}

void jsonw_string_field(struct json_writer *w, const char *name, const char *text)
{
	jsonw_name(w, name);
	jsonw_string(w, text);
}

void jsonw_text_field(struct json_writer *w, const char *name, const char *text)
{
	jsonw_string_field(w, name, text[0] ? text : NULL);
}

void jsonw_uint_field(struct json_writer *w, const char *name, uint64_t n)
{
	jsonw_name(w, name);
	jsonw_uint(w, n);
}

void jsonw_int_field(struct json_writer *w, const char *name, int64_t n)
{
	jsonw_name(w, name);
	jsonw_int(w, n);
}

void jsonw_bool_field(struct json_writer *w, const char *name, bool b)
{
	jsonw_name(w, name);
	jsonw_bool(w, b);
}

void jsonw_null_field(struct json_writer *w, const char *name)
{
	jsonw_name(w, name);
	jsonw_null(w);
}

void jsonw_hex_field(struct json_writer *w, const char *name, uint64_t n)
{
	jsonw_name(w, name);
	jsonw_hex(w, n);
}

void jsonw_float_field(struct json_writer *w, const char *name, double n, int decimals)
{
	jsonw_name(w, name);
	jsonw_float(w, n, decimals);
}

void jsonw_seconds_field(struct json_writer *w, const char *name, uint64_t ns)
{
	jsonw_name(w, name);
	jsonw_seconds(w, ns);
}

void jsonw_uint_or_null_field(struct json_writer *w, const char *name, uint64_t n, bool known)
{
	jsonw_name(w, name);
	if (known)
		jsonw_uint(w, n);
	else
		jsonw_null(w);
}
