// SPDX-License-Identifier: BSD-2-Clause
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int number_with_unit(const char *text, double *ret, const char **ret_unit)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL;
	errno = 0;
	*ret = strtod(text, &end);
	if (errno || end == text || !isfinite(*ret))
		return -EINVAL;
	*ret_unit = end;
	return 0;
}

const struct unit time_units[] = {
	{ "h", 3600000000000 }, { "m", 60000000000 }, { "s", 1000000000 }, { "ms", 1000000 },
	{ "us", 1000 },         { "ns", 1 },          { "", 1000000000 },  { 0 },
};
const struct unit byte_units[] = {
	{ "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 }, { "k", 1 << 10 }, { 0 },
};

static int scaled(const char *text, const struct unit *units, double max, double *ret)
{
	const char *unit;
	double n;

	if (number_with_unit(text, &n, &unit))
		return -EINVAL;
	for (; units->name; units++)
		if (!strcmp(unit, units->name)) {
			*ret = n * (double)units->is;
			return *ret > max ? -EINVAL : 0;
		}
	return -EINVAL;
}

int units_time(const char *text, uint64_t *ret_ns)
{
	double ns;
	int err = scaled(text, time_units, 1e18, &ns);

	if (!err)
		*ret_ns = (uint64_t)(ns + 0.5);
	return err;
}

int units_bytes(const char *text, uint64_t *ret)
{
	double bytes;
	int err = scaled(text, byte_units, 1e15, &bytes);

	if (!err)
		*ret = (uint64_t)bytes;
	return err;
}
