/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/fate.h"

#include "base/log.h"

int fate_failed(const struct fate *f, int err, const struct cause *why)
{
	struct cause told;

	fate__tell(f, err, why, &told);
	log_error("%s", told.text);
	return 1;
}
