/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/filters.h"

#include "base/cleanup.h"

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
