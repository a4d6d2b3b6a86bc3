/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/filters.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/fate.h"
#include "cli/format.h"
#include "cli/stop.h"

int filters_make(const struct opts *o, struct filter **ret, struct cause *why)
{
	scoped(filter) filter = NULL;
	int err;

	if (!o->nr_filters) {
		*ret = NULL;
		return 0;
	}
	err = filter__new(&filter);
	for (size_t i = 0; i < o->nr_filters && !err; i++)
		err = filter__add(filter, o->filters[i].name, o->filters[i].value, false, why);
	if (!err)
		*ret = steal(filter);
	return err;
}

int filters_look(const struct opts *o, uint64_t most_ns,
		 int (*look)(const struct opts *o, const struct format *f,
			     const struct filter *filter, struct cause *why))
{
	const struct format *f = NULL;
	scoped(filter) filter = NULL;
	scoped(fate) target = NULL;
	struct cause why = { "" };
	int err = format_choose(o, &f);

	if (err)
		return err;
	err = filters_make(o, &filter, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	stop_at_once(o->pid, most_ns);
	target = fate__begin(o->pid);
	err = look(o, f, filter, &why);
	return err ? fate_failed(target, err, &why) : 0;
}
