// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp_json.h"

#include <inttypes.h>

#include "serve/otlp_resource.h"

void otlp_json__u64(struct json_writer *w, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	jsonw_string_field(w, name, text);
}

static void begin_value(struct json_writer *w, const char *key)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "key", key);
	jsonw_name(w, "value");
	jsonw_start_object(w);
}

static void end_value(struct json_writer *w)
{
	jsonw_end_object(w);
	jsonw_end_object(w);
}

void otlp_json__text(struct json_writer *w, const char *key, const char *text)
{
	if (!text || !text[0])
		return;
	begin_value(w, key);
	jsonw_string_field(w, "stringValue", text);
	end_value(w);
}

void otlp_json__number(struct json_writer *w, const char *key, uint64_t n)
{
	begin_value(w, key);
	otlp_json__u64(w, "intValue", n);
	end_value(w);
}

void otlp_json__texts(struct json_writer *w, const char *key, const char *texts, size_t size,
		      size_t nr)
{
	if (!nr)
		return;
	begin_value(w, key);
	jsonw_object_field(w, "arrayValue");
	jsonw_array_field(w, "values");
	for (size_t i = 0; i < nr; i++) {
		jsonw_start_object(w);
		jsonw_string_field(w, "stringValue", texts + i * size);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
	end_value(w);
}

void otlp_json__float(struct json_writer *w, const char *key, double n)
{
	begin_value(w, key);
	jsonw_float_field(w, "doubleValue", n, 3);
	end_value(w);
}

void otlp_json__begin(struct json_writer *w, const struct watched *t, const char *scopes,
		      const char *elements)
{
	struct otlp_resource r;

	otlp_resource_of(t, &r);
	jsonw_start_object(w);
	jsonw_object_field(w, "resource");
	jsonw_array_field(w, "attributes");
	for (size_t i = 0; i < r.nr; i++)
		if (r.v[i].text)
			otlp_json__text(w, r.v[i].key, r.v[i].text);
		else
			otlp_json__number(w, r.v[i].key, (uint64_t)r.v[i].number);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_array_field(w, scopes);
	jsonw_start_object(w);
	jsonw_object_field(w, "scope");
	jsonw_string_field(w, "name", "parkwatch");
	jsonw_string_field(w, "version", PARKWATCH_VERSION);
	jsonw_end_object(w);
	jsonw_array_field(w, elements);
}

void otlp_json__end(struct json_writer *w)
{
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
}
