// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"
#include "cli/commands.h"
#include "serve/supervisor.h"

int cmd_serve(const struct opts *o)
{
	struct cause why = { "" };

	if (!supervisor__run(o->listen ? o->listen : SUPERVISOR_LISTEN, &why))
		return 0;
	log_error("%s", why.text);
	return 1;
}
