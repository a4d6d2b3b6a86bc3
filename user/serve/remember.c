// SPDX-License-Identifier: BSD-2-Clause
#include "serve/remember.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "?";
}

void alarm_words_of(const struct history *h, const struct history_alarm *a, struct alarm_words *ret)
{
	enum gostate state;

	*ret = (struct alarm_words){ .made = "", .blocked = "", .reason = "" };
	if (a->kind == HISTORY_STORM) {
		snprintf(ret->text, sizeof(ret->text),
			 "%" PRIu64 " goroutines started within %.0f s; %" PRIu64 " are alive",
			 a->births, (double)a->took_ns / NS_PER_SEC, a->alive);
		return;
	}
	if (history__about(h, a->row, &ret->made, &ret->blocked, &state))
		ret->reason = gostate_word(state);
	snprintf(ret->text, sizeof(ret->text),
		 "%" PRIu32 " goroutines more in %" PRIu32 " h, each hour some, %" PRIu64
		 " now: created by %s, blocked at %s [%s]",
		 a->leak.rise, a->leak.hours, a->alive, or_unknown(ret->made),
		 or_unknown(ret->blocked), or_unknown(ret->reason));
}

size_t remember__alarms(const struct history *h, const char *target, struct events *e)
{
	const struct history_alarm *v;
	const size_t nr = history__alarms(h, &v);

	for (size_t i = 0; i < nr; i++) {
		const bool storm = v[i].kind == HISTORY_STORM;
		struct alarm_words words;

		alarm_words_of(h, &v[i], &words);
		events__tell(e, storm ? EVENT_STORM : EVENT_SLOW_LEAK, target, "%s", words.text);
		log_warn("%s: %s: %s", target, storm ? "storm" : "slow leak", words.text);
	}
	return nr;
}
