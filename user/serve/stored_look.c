// SPDX-License-Identifier: BSD-2-Clause
#include "serve/stored_look.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "serve/store.h"
#include "serve/watched.h"

static void keep(struct store *s, const struct watched *w, const char *pw, size_t len,
		 uint64_t unix_ns)
{
	const int before = store__counts(s).err, err = store__append(s, w->id, pw, len, unix_ns);

	if (err && err != before)
		log_warn("%s: history is lost on disk: %s%s", w->id, strerror(-err),
			 err == -ENOSPC ? "; it goes on when there is room again" : "");
}

/* Of a minute once: another worker of the target may have counted it too. */
static void keep_sums(struct store *s, struct watched *w, struct frame_bytes sums,
		      uint64_t sums_unix_ns)
{
	const uint64_t now = clock_ns(CLOCK_REALTIME), minute = stored_minute(sums_unix_ns);

	if (!sums.len || minute == w->sums_minute || sums_unix_ns > now ||
	    now - sums_unix_ns > STORED_LATE_NS)
		return;
	w->sums_minute = minute;
	keep(s, w, sums.v, sums.len, sums_unix_ns);
}

void stored_look__keep(struct store *s, struct watched *w, struct frame_bytes look,
		       struct frame_bytes sums, uint64_t sums_unix_ns)
{
	const uint64_t now = clock_now_ns();

	keep_sums(s, w, sums, sums_unix_ns);
	if (now < w->whole_due_ns || look.len > STORED_WHOLE_BYTES)
		return;
	keep(s, w, look.v, look.len, clock_ns(CLOCK_REALTIME));
	/* looks come a little earlier or later than every 10 s */
	w->whole_due_ns = now + STORED_WHOLE_NS - NS_PER_SEC;
}

void stored_look__keep_last(struct store *s, const struct watched *w)
{
	const uint64_t kept_ns =
		w->whole_due_ns ? w->whole_due_ns + NS_PER_SEC - STORED_WHOLE_NS : 0;

	if (w->look && w->look_len <= STORED_WHOLE_BYTES && w->looked_ns > kept_ns)
		keep(s, w, w->look, w->look_len,
		     clock_ns(CLOCK_REALTIME) - (clock_now_ns() - w->looked_ns));
}

void stored_look__keep_leaks(struct store *s, const struct watched *w)
{
	keep(s, w, w->leaks.report, w->leaks.report_len, clock_ns(CLOCK_REALTIME));
}

void stored_look__keep_recording(struct store *s, const struct watched *w)
{
	const struct frame_bytes pw = frame_reader__part(&w->recordings.from, FRAME_RECORDING);

	keep(s, w, pw.v, pw.len, clock_ns(CLOCK_REALTIME));
}
