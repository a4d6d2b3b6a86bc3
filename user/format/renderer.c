// SPDX-License-Identifier: BSD-2-Clause
#include "format/renderer.h"

#include <errno.h>
#include <string.h>

int report_write_error(struct cause *why)
{
	int err = errno ? errno : EIO;

	return cause__set(why, -err, "cannot write the report: %s", strerror(err));
}
