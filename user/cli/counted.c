// SPDX-License-Identifier: BSD-2-Clause
#include "cli/counted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void counted__free(struct counted *c)
{
	if (!c)
		return;
	snap__free(c->snap);
	callsites__free(c->calls);
	dump__free(c->d);
	free(c);
}

bool counted_look(const struct replay *r, const struct census *ret[BOOK_RUNTIMES_MAX])
{
	static const struct census none;

	if (!r->book->nr_looks)
		return false;
	for (size_t i = 0; i < BOOK_RUNTIMES_MAX; i++)
		ret[i] = r->book->looks[0].censuses[i] ? r->book->looks[0].censuses[i] : &none;
	return true;
}

/* Who called the libraries that made goroutines: from the look before, and births that were seen. */
static int ask_creators(const struct replay *r, struct counted *c)
{
	int err = callsites__new(r->namers, r->book->nr_runtimes, &c->calls);

	if (!err && counted_look(r, c->censuses))
		err = callsites__census(c->calls, c->censuses);
	return err ? err : callsites__births(c->calls, c->snap);
}

static int count_goroutines(const struct replay *r, struct counted *c)
{
	int err;

	if (!counted_look(r, c->censuses))
		return -ENOENT;
	err = dump__new(&(struct dump_input){ .censuses = c->censuses,
					      .namers = r->namers,
					      .nr = r->book->nr_runtimes },
			&(struct dump_opts){ 0 }, &c->d);
	return err ? err : dump__snap(c->d, PROFILE_ROOT_NONE, &c->snap);
}

static int counted__new(const struct replay *r, const char *path, bool goroutines,
			struct counted **ret, struct cause *why)
{
	scoped(counted) c = calloc(1, sizeof(*c));
	int err = c ? snap_facts__snap(r->sums, &c->snap) : -ENOMEM;

	if (err == -ENOENT && goroutines)
		err = count_goroutines(r, c);
	else if (!err && c->snap->root == PROFILE_ROOT_CREATED_BY)
		err = ask_creators(r, c);
	if (err == -ENOENT)
		return cause__set(why, err,
				  "'%s' has nothing that was counted by stack: it was written by "
				  "'%s'; try --view %s",
				  path, r->book->view, r->book->view);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	for (size_t i = 0; i < r->book->nr_runtimes; i++) {
		c->namers[i] = r->namers[i];
		c->namers[i].calls = c->calls;
	}
	c->report = (struct report){ .snap = c->snap,
				     .meta = &r->meta,
				     .namers = c->namers,
				     .nr_namers = r->book->nr_runtimes };
	*ret = steal(c);
	return 0;
}

int counted__of_sums(const struct replay *r, const char *path, struct counted **ret,
		     struct cause *why)
{
	return counted__new(r, path, false, ret, why);
}

int counted__of_any(const struct replay *r, const char *path, struct counted **ret,
		    struct cause *why)
{
	return counted__new(r, path, true, ret, why);
}

void counted_say_read(const struct replay *r, const char *path)
{
	if (r->read.cut || !r->has_meta)
		log_warn("'%s' was cut off: this is what its %u whole segments have", path,
			 r->read.segments);
}
