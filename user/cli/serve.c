// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"
#include "cli/commands.h"
#include "serve/supervisor.h"

int cmd_serve(const struct opts *o)
{
	struct cause why = { "" };

	if (!supervisor__run(
		    &(struct supervisor_opts){
			    .listen = o->listen,
			    .config = o->config,
			    .state_dir = o->state_dir,
			    .token_file = o->token_file,
			    .tls_cert = o->tls_cert,
			    .tls_key = o->tls_key,
			    .kubelet = { o->kubelet, o->kubelet_insecure },
			    .allow_jobs = o->allow_jobs,
			    .otlp = o->otlp,
			    .spans = o->spans,
		    },
		    &why))
		return 0;
	log_error("%s", why.text);
	return 1;
}
