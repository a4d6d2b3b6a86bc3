// SPDX-License-Identifier: BSD-2-Clause
#include "serve/hook.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/api.h"
#include "serve/remember.h"

static void begin(struct json_writer *w, const struct watched *t, const char *kind,
		  struct textbuf *to)
{
	char text[CLOCK_UTC_MAX];

	clock_utc(clock_ns(CLOCK_REALTIME), text);
	jsonw_init(w, to);
	jsonw_start_object(w);
	jsonw_string_field(w, "time", text);
	jsonw_string_field(w, "kind", kind);
	jsonw_name(w, "target");
	api_target(w, t);
}

int hook__leaks(const struct watched *t, struct textbuf *to)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));
	scoped_mem char *report = NULL;
	size_t len = 0;
	FILE *out = w ? open_memstream(&report, &len) : NULL;
	int err = out ? leakwatch_write_json(t->leaks.report, t->leaks.report_len, out, NULL)
		      : -ENOMEM;

	if (out && fclose(out))
		err = -ENOMEM;
	if (err)
		return err;
	begin(w, t, "leak", to);
	jsonw_name(w, "report");
	jsonw_again(w, report, len);
	jsonw_end_object(w);
	jsonw_end(w);
	return to->err;
}

int hook__alarm(const struct watched *t, const struct history_alarm *a, struct textbuf *to)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));
	struct alarm_words words;

	if (!w)
		return -ENOMEM;
	alarm_words_of(t->history, a, &words);
	begin(w, t, a->kind == HISTORY_STORM ? "storm" : "slow_leak", to);
	jsonw_string_field(w, "text", words.text);
	jsonw_object_field(w, "figures");
	jsonw_uint_field(w, "alive", a->alive);
	if (a->kind == HISTORY_STORM) {
		jsonw_uint_field(w, "births", a->births);
		jsonw_seconds_field(w, "seconds", a->took_ns);
	} else {
		jsonw_uint_field(w, "more", a->leak.rise);
		jsonw_uint_field(w, "hours", a->leak.hours);
		jsonw_text_field(w, "created_by", words.made);
		jsonw_text_field(w, "blocked_at", words.blocked);
		jsonw_text_field(w, "reason", words.reason);
	}
	jsonw_end_object(w);
	jsonw_end_object(w);
	jsonw_end(w);
	return to->err;
}
