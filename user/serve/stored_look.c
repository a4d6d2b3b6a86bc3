// SPDX-License-Identifier: BSD-2-Clause
#include "serve/stored_look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "model/snap_facts.h"
#include "serve/store.h"
#include "serve/watched.h"
#include "view/dump.h"
#include "view/replay.h"

#define MINUTES (1u << 16) /* numbers of stacks begin elsewhere in each of them */

/* *ret: to be freed. */
static int write_sums(const struct replay *r, const struct snap *sums, uint64_t unix_ns, char **ret,
		      size_t *ret_len)
{
	const char *versions[BOOK_RUNTIMES_MAX];
	const struct factlog_of of = { .view = STORED_SUMS_VIEW,
				       .pid = (int)r->book->pid,
				       .comm = r->book->comm,
				       .exe = r->book->exe,
				       .build_id = r->book->build_id,
				       .text_start = r->book->text_start,
				       .text_end = r->book->text_end,
				       .namers = r->namers,
				       .versions = versions,
				       .nr = r->book->nr_runtimes };
	struct report_meta meta = r->meta;
	/* recordings of 45 days can be read as one: no stack of theirs has another's number */
	const uint32_t minute = (uint32_t)(unix_ns / NS_PER_SEC / 60 % MINUTES);
	scoped(factlog) f = NULL;
	FILE *to = open_memstream(ret, ret_len);
	int err = to ? 0 : -ENOMEM;

	for (size_t i = 0; i < r->book->nr_runtimes; i++)
		versions[i] = r->book->runtimes[i].version;
	meta.wall_start_ns = unix_ns;
	if (!err)
		err = factlog__new(to, &of, &f);
	if (!err)
		err = snap_facts__write_from(f, sums, minute * MINUTES);
	if (!err) {
		replay__write_end(f, &meta);
		err = factlog__end(f, NULL);
	}
	if (to && fclose(to) && !err)
		err = -ENOMEM;
	return err;
}

static int sums_of(const struct watched *w, uint64_t unix_ns, char **ret, size_t *ret_len)
{
	struct replay_look at;
	scoped(replay) r = NULL;
	scoped(dump) d = NULL;
	scoped(snap) sums = NULL;
	int err = replay__of_bytes(w->look, w->look_len, w->id, &r, NULL);

	if (!err && !replay__look(r, &at))
		err = -EBADMSG;
	if (err)
		return err;
	err = dump__new(&at.in, &(struct dump_opts){ .system = false }, &d);
	if (!err)
		err = dump__snap(d, PROFILE_ROOT_CREATED_BY, &sums);
	if (!err && sums->nr >= MINUTES - 2)
		err = -E2BIG;
	return err ? err : write_sums(r, sums, unix_ns, ret, ret_len);
}

static void keep(struct store *s, const struct watched *w, const char *pw, size_t len,
		 uint64_t unix_ns)
{
	const int before = store__counts(s).err, err = store__append(s, w->id, pw, len, unix_ns);

	if (err && err != before)
		log_warn("%s: history is lost on disk: %s%s", w->id, strerror(-err),
			 err == -ENOSPC ? "; it goes on when there is room again" : "");
}

void stored_look__keep(struct store *s, struct watched *w)
{
	const uint64_t now = clock_now_ns(), unix_ns = clock_ns(CLOCK_REALTIME);
	scoped_mem char *pw = NULL;
	size_t len = 0;
	uint64_t took;

	if (now < w->sums_due_ns)
		return;
	if (!sums_of(w, unix_ns, &pw, &len))
		keep(s, w, pw, len, unix_ns);
	took = (clock_now_ns() - now) * STORED_SHARE;
	/* looks come a little earlier or later than every 10 s */
	w->sums_due_ns = now + (took > STORED_SUMS_NS ? took : STORED_SUMS_NS) - NS_PER_SEC;
	if (now < w->whole_due_ns || w->look_len > STORED_WHOLE_BYTES)
		return;
	keep(s, w, w->look, w->look_len, unix_ns);
	w->whole_due_ns = now + STORED_WHOLE_NS - NS_PER_SEC;
}

void stored_look__keep_leaks(struct store *s, const struct watched *w)
{
	keep(s, w, w->leaks.report, w->leaks.report_len, clock_ns(CLOCK_REALTIME));
}

void stored_look__keep_recording(struct store *s, const struct watched *w)
{
	const struct frame_reader *from = &w->recordings.from;

	keep(s, w, from->body, from->head.bytes, clock_ns(CLOCK_REALTIME));
}
