// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "serve/ask.h"
#include "serve/discover.h"
#include "serve/secrets.h"
#include "serve/token.h"

/* Of the processes that were looked at, what the table does not say. */
static void say_end(const struct processes *p)
{
	if (p->no_right)
		log_warn("%zu of %zu processes could not be looked at: no right to read them%s",
			 p->no_right, p->looked_at, geteuid() ? "; run with sudo" : "");
	if (!p->nr)
		log_info("no Go program among %zu processes", p->looked_at - p->no_right);
}

/* What only a daemon knows. That there is none is no error, unless one was named. */
static void ask(const struct opts *o, const struct token *token, struct processes *p)
{
	const struct ask_whom whom = { .url = o->daemon ? o->daemon : ASK_URL,
				       .token = token,
				       .named = o->daemon };
	struct cause why = { "" };
	const int err = ask_daemon(&whom, p, &why);

	if (err == -ENOENT && !o->daemon)
		log_info("no daemon at " ASK_URL
			 " to tell of trends and leaks: start 'sudo parkwatch serve', "
			 "or name another with --daemon");
	else if (err)
		log_warn("%s: trends and leaks are left out", why.text);
}

static int list(const struct opts *o, const struct format *f, struct processes *p,
		struct cause *why)
{
	scoped(outfile) out = NULL;
	scoped(token) token = NULL;
	int err = o->token_file ? secrets_read_token(o->token_file, &token, why) : 0;

	if (!err)
		err = outfile__open(o->output, o->mode, &out, why);
	if (!err)
		err = discover(p, why);
	if (err)
		return err;
	ask(o, token, p);
	err = format__write(f, VIEW_PROCESSES, &(struct shown){ .processes = p },
			    outfile__stream(out), why);
	return outfile__end(out, err, why);
}

int cmd_ps(const struct opts *o)
{
	const struct format *f = NULL;
	struct processes p = { .nr = 0 };
	struct cause why = { "" };
	int err = format_choose(o, &f);

	if (err)
		return err;
	err = list(o, f, &p, &why);
	if (err)
		log_error("%s", why.text);
	else
		say_end(&p);
	processes__done(&p);
	return err != 0;
}
