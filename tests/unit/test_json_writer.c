/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json_writer.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"

static struct textbuf text;
static struct json_writer w;

static void begin(void)
{
	textbuf__init(&text, NULL);
	jsonw_init(&w, &text);
}

static void expect(const char *want)
{
	cr_expect_eq(text.err, 0);
	cr_expect(text.nr == strlen(want) && !memcmp(text.v, want, text.nr),
		  "got '%.*s', want '%s'", (int)text.nr, text.v, want);
	textbuf__done(&text);
}

static void expect_error(int want, const char *why)
{
	cr_expect_eq(text.err, want, "%s: %d", why, text.err);
	textbuf__done(&text);
}

Test(json_writer, puts_commas_between_and_nowhere_else)
{
	begin();
	jsonw_start_object(&w);
	jsonw_array_field(&w, "none");
	jsonw_end_array(&w);
	jsonw_object_field(&w, "no fields");
	jsonw_end_object(&w);
	jsonw_array_field(&w, "v");
	jsonw_uint(&w, 1);
	jsonw_start_object(&w);
	jsonw_uint_field(&w, "a", 2);
	jsonw_null_field(&w, "b");
	jsonw_end_object(&w);
	jsonw_start_array(&w);
	jsonw_start_array(&w);
	jsonw_end_array(&w);
	jsonw_string(&w, "x");
	jsonw_end_array(&w);
	jsonw_end_array(&w);
	jsonw_bool_field(&w, "end", true);
	jsonw_end_object(&w);
	jsonw_end(&w);
	expect("{\"none\":[],\"no "
	       "fields\":{},\"v\":[1,{\"a\":2,\"b\":null},[[],\"x\"]],\"end\":true}\n");
}

Test(json_writer, begins_lines_where_it_is_told)
{
	begin();
	jsonw_start_object(&w);
	jsonw_array_field(&w, "v");
	for (int i = 0; i < 2; i++) {
		jsonw_newline(&w);
		jsonw_start_object(&w);
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_newline(&w);
	jsonw_int_field(&w, "n", -1);
	jsonw_newline(&w);
	jsonw_end_object(&w);
	jsonw_end(&w);
	expect("{\"v\":[\n{},\n{}],\n\"n\":-1\n}\n");
}

Test(json_writer, writes_lines_of_json)
{
	begin();
	for (int i = 0; i < 2; i++) {
		jsonw_start_object(&w);
		jsonw_uint_field(&w, "i", (uint64_t)i);
		jsonw_end_object(&w);
		jsonw_end(&w);
	}
	expect("{\"i\":0}\n{\"i\":1}\n");
}

Test(json_writer, writes_every_kind_of_value)
{
	begin();
	jsonw_start_object(&w);
	jsonw_string_field(&w, "text", "a");
	jsonw_string_field(&w, "no text", NULL);
	jsonw_uint_field(&w, "most", UINT64_MAX);
	jsonw_int_field(&w, "least", INT64_MIN);
	jsonw_bool_field(&w, "no", false);
	jsonw_hex_field(&w, "addr", 0xc000012345);
	jsonw_float_field(&w, "f", 1.25, 1);
	jsonw_float_field(&w, "whole", -2, 0);
	jsonw_seconds_field(&w, "s", 1250999999);
	jsonw_uint_or_null_field(&w, "known", 7, true);
	jsonw_uint_or_null_field(&w, "not known", 7, false);
	jsonw_end_object(&w);
	expect("{\"text\":\"a\",\"no "
	       "text\":null,\"most\":18446744073709551615,\"least\":-9223372036854775808,\"no\":"
	       "false,"
	       "\"addr\":\"0xc000012345\",\"f\":1.2,\"whole\":-2,\"s\":1.251,\"known\":7,\"not "
	       "known\":null}");
}

Test(json_writer, has_null_where_there_is_no_number)
{
	begin();
	jsonw_start_array(&w);
	jsonw_float(&w, NAN, 2);
	jsonw_float(&w, INFINITY, 2);
	jsonw_float(&w, -INFINITY, 2);
	jsonw_end_array(&w);
	expect("[null,null,null]");
}

Test(json_writer, escapes_what_json_cannot_hold_and_what_is_not_only_shown)
{
	static const struct {
		const char *why, *text, *want;
	} t[] = {
		{ "quotes, control characters", "a\"b\\c\x01\x1f\x7f</\xc3\xa9\n\r\t",
		  "\"a\\\"b\\\\c\\u0001\\u001f\\u007f</\xc3\xa9\\n\\r\\t\"" },
		{ "nothing", "", "\"\"" },
		{ "U+009B begins a command of a terminal, U+00A0, U+2028, U+2026",
		  "\xc2\x9b[2J\xc2\xa0\xe2\x80\xa8\xe2\x80\xa6",
		  "\"\\u009b[2J\xc2\xa0\\u2028\xe2\x80\xa6\"" },
		{ "turns the direction", "\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xd8\xb9",
		  "\"\\u202e\\u2066\\u061c\xd8\xb9\"" },
		{ "four bytes", "\xf0\x9f\x90\xb9.", "\"\xf0\x9f\x90\xb9.\"" },
		{ "no UTF-8",
		  "a\xff"
		  "b\x80\xc3",
		  "\"a\\ufffd"
		  "b\\ufffd\\ufffd\"" },
		{ "too long, a surrogate, beyond the last",
		  "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80",
		  "\"\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "cut off", "\xe2\x80", "\"\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		begin();
		jsonw_string(&w, t[i].text);
		expect(t[i].want);
	}
}

Test(json_writer, escapes_names_too)
{
	begin();
	jsonw_start_object(&w);
	jsonw_string_field(&w, "a\"\n\xff", "");
	jsonw_end_object(&w);
	expect("{\"a\\\"\\n\\ufffd\":\"\"}");
}

Test(json_writer, nothing_in_a_page_ends_its_script)
{
	begin();
	jsonw_for_page(&w);
	jsonw_string(&w, "</script>&<!--\"");
	expect("\"\\u003c/script\\u003e\\u0026\\u003c!--\\\"\"");
}

Test(json_writer, each_byte_comes_back_as_it_was)
{
	char all[256], want[127 + 3 * 128 + 1] = "";
	struct json_object *v;

	for (int i = 1; i < 256; i++) {
		all[i - 1] = (char)i;
		if (i < 0x80)
			want[i - 1] = (char)i;
		else
			strcat(want, "\xef\xbf\xbd");
	}
	all[255] = 0;
	begin();
	jsonw_string(&w, all);
	textbuf__bytes(&text, "", 1);
	v = json_tokener_parse(text.v);
	cr_expect_str_eq(json_object_get_string(v), want);
	json_object_put(v);
	textbuf__done(&text);
}

Test(json_writer, a_text_may_be_of_any_length)
{
	for (size_t before = 0; before < 300; before++) {
		char long_text[320], want[340];

		memset(long_text, 'a', before);
		strcpy(long_text + before, "\xc3\xa9\"b");
		snprintf(want, sizeof(want), "\"%.*s\xc3\xa9\\\"b\"", (int)before, long_text);
		begin();
		jsonw_string(&w, long_text);
		expect(want);
	}
}

Test(json_writer, takes_what_another_writer_made)
{
	begin();
	jsonw_start_array(&w);
	jsonw_uint(&w, 1);
	textbuf__text(jsonw_raw(&w), "[2]");
	textbuf__text(jsonw_raw(&w), "{}");
	jsonw_end_array(&w);
	expect("[1,[2],{}]");
}

Test(json_writer, escapes_in_json_of_others_only_what_is_not_shown)
{
	static const char json[] = "{\"a\\n\": \"\xc2\x9b\xe2\x80\xae\x7f\xff\xc3\xa9\"\n}more";

	begin();
	jsonw_start_array(&w);
	jsonw_uint(&w, 1);
	jsonw_again(&w, json, sizeof(json) - 5);
	jsonw_end_array(&w);
	expect("[1,{\"a\\n\": \"\\u009b\\u202e\\u007f\\ufffd\xc3\xa9\"\n}]");
}

/*
 * Each: what is called, in letters: { } [ ] as they are, n a name, 1 a value, . the end of the
 * document.
 */
static void call(char c)
{
	switch (c) {
	case '{': jsonw_start_object(&w); break;
	case '}': jsonw_end_object(&w); break;
	case '[': jsonw_start_array(&w); break;
	case ']': jsonw_end_array(&w); break;
	case 'n': jsonw_name(&w, "n"); break;
	case '1': jsonw_uint(&w, 1); break;
	default: jsonw_end(&w);
	}
}

Test(json_writer, a_call_in_the_wrong_place_fails_the_output)
{
	static const struct {
		const char *why, *calls;
		int want;
	} t[] = {
		{ "all is well", "{n1n[1{}[]]n{}}.1.", 0 },
		{ "a value without a name", "{1", -EINVAL },
		{ "an object without a name", "{{", -EINVAL },
		{ "a name in an array", "[n", -EINVAL },
		{ "a name of nothing", "n", -EINVAL },
		{ "a name after a name", "{nn", -EINVAL },
		{ "a name without a value", "{n}", -EINVAL },
		{ "the wrong end", "[}", -EINVAL },
		{ "the other wrong end", "{]", -EINVAL },
		{ "an end too many", "{}}", -EINVAL },
		{ "an end of nothing", "]", -EINVAL },
		{ "two documents in a line", "{}{}", -EINVAL },
		{ "something is open", "[.", -EINVAL },
		{ "an empty document", ".", -EINVAL },
		{ "the wrong end in the 66th",
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{n[}", -EINVAL },
		{ "the right one in the 66th",
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{n[]}", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		begin();
		for (const char *c = t[i].calls; *c; c++)
			call(*c);
		expect_error(t[i].want, t[i].why);
	}
}

Test(json_writer, is_as_deep_as_it_may_be_and_no_deeper)
{
	for (int more = 0; more < 2; more++) {
		begin();
		for (int i = 0; i < JSONW_DEPTH_MAX + more; i++) {
			if (i % 3 == 2)
				jsonw_object_field(&w, "a");
			else if (i % 3)
				jsonw_start_object(&w);
			else if (i)
				jsonw_array_field(&w, "v");
			else
				jsonw_start_array(&w);
		}
		for (int i = JSONW_DEPTH_MAX - 1; i >= 0; i--)
			call(i % 3 ? '}' : ']');
		call('.');
		expect_error(more ? -E2BIG : 0, "deep");
	}
}

Test(json_writer, the_first_failure_counts)
{
	begin();
	jsonw_fail(&w, 0);
	cr_expect_eq(text.err, 0);
	jsonw_fail(&w, -ENOMEM);
	jsonw_end(&w);
	expect_error(-ENOMEM, "first");
}
