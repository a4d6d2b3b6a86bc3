/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/filters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Times have units here; report knows nanoseconds. */
static int add_filter(struct filter *filter, const char *name, const char *value, bool negate,
		      struct cause *why)
{
	char ns[24];
	uint64_t n;

	if (strcmp(name, "older"))
		return filter__add(filter, name, value, negate, why);
	if (opt_time(value, &n))
		return cause__set(why, -EINVAL,
				  "bad older '%s': a time such as 30s, 2m or 500ms is wanted",
				  value);
	snprintf(ns, sizeof(ns), "%llu", (unsigned long long)n);
	return filter__add(filter, name, ns, negate, why);
}

int filters_make(const struct opts *o, struct filter **ret, struct cause *why)
{
	scoped(filter) filter = NULL;
	int err;

	if (!o->nr_filters) {
		*ret = NULL;
		return 0;
	}
	err = filter__new(&filter);

	for (size_t i = 0; i < o->nr_filters && !err; i++) {
		const struct opt_filter *f = &o->filters[i];
		const char *equals = strchr(f->value, '=');
		char name[16];

		if (strcmp(f->name, "not")) {
			err = add_filter(filter, f->name, f->value, false, why);
			continue;
		}
		if (!equals || (size_t)(equals - f->value) >= sizeof(name))
			return cause__set(
				why, -EINVAL,
				"bad --not '%s': FILTER=VALUE is wanted, such as func=^net/http",
				f->value);
		snprintf(name, sizeof(name), "%.*s", (int)(equals - f->value), f->value);
		err = add_filter(filter, name, equals + 1, true, why);
	}
	if (!err)
		*ret = steal(filter);
	return err;
}
