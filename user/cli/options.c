/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/order.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/option_table.h"
#include "facts/requests.h"

#define TRACE_DIGITS_MIN 8u /* of an id that is one of a kind */

/* An option's number for getopt; those below are letters. */
#define LONG_FIRST 1000

int opt_goids(const char *text, uint64_t *goids, size_t *nr)
{
	char *end;

	do {
		if (*nr == PW_GOIDS_MAX || !isdigit((unsigned char)*text))
			return -EINVAL;
		errno = 0;
		goids[*nr] = strtoull(text, &end, 10);
		if (errno)
			return -EINVAL;
		++*nr;
		text = end + 1;
	} while (*end == ',');
	if (*end)
		return -EINVAL;
	qsort(goids, *nr, sizeof(*goids), order_u64);
	return 0;
}

enum grequest_detail opts_detail(const struct opts *o)
{
	return o->routes_only      ? GREQUEST_ROUTES
	       : o->request_detail ? GREQUEST_QUERIES
				   : GREQUEST_PATHS;
}

static const struct opt_word *find_word(const struct opt_def *d, const char *text)
{
	for (const struct opt_word *w = d->words; w->word; w++)
		if (!strcmp(w->word, text))
			return w;
	return NULL;
}

/* Digits of the base, nothing else; 0: any that C knows. */
static int opt_whole(const char *text, int base, uint64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return errno || *end ? -EINVAL : 0;
}

static int opt_percent(const char *text, double *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	*ret = strtod(text, &end);
	return *end && strcmp(end, "%") ? -EINVAL : 0;
}

/* "812,813": more of them, each once. */
static int opt_pids(struct opts *o, const char *text)
{
	char *end;

	do {
		const unsigned long pid =
			isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 0;

		if (!pid || pid > INT_MAX || (*end && *end != ','))
			return -EINVAL;
		for (size_t i = 0; i < o->nr_pids; i++)
			if (o->pids[i] == (int)pid)
				return -EINVAL;
		if (o->nr_pids == OPT_PIDS_MAX)
			return -ENOSPC;
		o->pids[o->nr_pids++] = (int)pid;
		text = end + 1;
	} while (*end);
	o->pid = o->pids[0];
	return 0;
}

static int opt_filter(const struct opt_def *d, struct opts *o, const char *text)
{
	if (o->nr_filters == OPT_FILTERS_MAX)
		return -ENOSPC;
	o->filters[o->nr_filters++] = (struct opt_filter){ .name = d->name, .value = text };
	return 0;
}

/* A number of any unit into the member that its type has. */
static void opt__store(const struct opt_def *d, struct opts *o, uint64_t n)
{
	void *at = (char *)o + d->offset;

	switch (d->type) {
	case OPT_PID:
	case OPT_WORD: *(int *)at = (int)n; break;
	case OPT_MODE: *(unsigned int *)at = (unsigned int)n; break;
	case OPT_PERCENT: *(double *)at = (double)n; break;
	default: *(uint64_t *)at = n; break;
	}
}

static int opt_moment(const struct opt_def *d, const char *text, struct moment *ret)
{
	const int err = moment_read(text, clock_ns(CLOCK_REALTIME), ret);

	return err || (!ret->clock && (ret->ns < d->min || ret->ns > d->max)) ? -EINVAL : 0;
}

static int opt_trace(const char *text, const char **ret)
{
	const size_t len = strspn(text, "0123456789abcdefABCDEF");

	if (text[len] || len < TRACE_DIGITS_MIN || len > GTRACE_DIGITS)
		return -EINVAL;
	*ret = text;
	return 0;
}

static int opt__set(const struct opt_def *d, struct opts *o, const char *text)
{
	void *at = (char *)o + d->offset;
	const struct opt_word *w;
	uint64_t n;
	int err;

	switch (d->type) {
	case OPT_FLAG: *(bool *)at = true; return 0;
	case OPT_COUNT: ++*(unsigned int *)at; return 0;
	case OPT_TEXT:
	case OPT_FILE: *(const char **)at = text; return 0;
	case OPT_TRACE: return opt_trace(text, at);
	case OPT_GOIDS: return opt_goids(text, o->goids, &o->nr_goids);
	case OPT_FILTER: return opt_filter(d, o, text);
	case OPT_PIDS: return opt_pids(o, text);
	case OPT_WORD:
		w = find_word(d, text);
		if (w)
			opt__store(d, o, (uint64_t)w->value);
		return w ? 0 : -EINVAL;
	case OPT_PERCENT:
		err = opt_percent(text, at);
		return err || *(double *)at > (double)d->max ? -EINVAL : 0;
	case OPT_TIME: err = units_time(text, &n); break;
	case OPT_MOMENT: return opt_moment(d, text, at);
	case OPT_BYTES: err = units_bytes(text, &n); break;
	case OPT_MODE: err = opt_whole(text, 8, &n); break;
	case OPT_ADDRESS: err = opt_whole(text, 0, &n); break;
	default: err = opt_whole(text, 10, &n); break;
	}
	if (err || n < d->min || (d->max && n > d->max) || (d->type == OPT_BYTES && n & (n - 1)))
		return -EINVAL;
	opt__store(d, o, n);
	return 0;
}

/* "parkwatch: ...; see 'parkwatch dump --help'" */
__attribute__((format(printf, 2, 3))) static int usage_error(enum command c, const char *fmt, ...)
{
	va_list args;

	fputs("parkwatch: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; see 'parkwatch %s --help'\n", cmd_table[c].name);
	return -EINVAL;
}

enum command opts_command(const char *name)
{
	for (int c = 0; c < CMD_MAX; c++)
		if (!strcmp(name, cmd_table[c].name))
			return (enum command)c;
	usage_error(CMD_HELP, "there is no command '%s'", name);
	return CMD_MAX;
}

/* What was given of the rows of the table. */
struct given {
	struct opts *o;
	bool rows[OPT_ROWS_MAX];
};

/* Given, and not 0: `--max-overhead 0` asks for nothing that something else could hinder. */
static bool given__row(const struct given *g, size_t i)
{
	const struct opt_def *d = &opt_table[i];
	const void *at = (const char *)g->o + d->offset;

	if (!g->rows[i])
		return false;
	switch (d->type) {
	case OPT_PID:
	case OPT_WORD: return *(const int *)at;
	case OPT_PERCENT: return *(const double *)at > 0;
	case OPT_TIME:
	case OPT_NUMBER: return *(const uint64_t *)at;
	default: return true;
	}
}

/* The row that `asked` names, if it was given so: "group", "event=alloc", OPT_ANY_FILTER. */
static const struct opt_def *given__find(const struct given *g, const char *asked)
{
	const size_t len = strcspn(asked, "=");

	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];
		const struct opt_word *w =
			d->words && asked[len] ? find_word(d, asked + len + 1) : NULL;

		if (!opt_is_of(d, g->o->command))
			continue;
		if (d->type == OPT_FILTER && !strcmp(asked, OPT_ANY_FILTER) && g->rows[i])
			return d;
		if (strncmp(asked, d->name, len) || d->name[len])
			continue;
		if (w ? *(const int *)((const char *)g->o + d->offset) == w->value
		      : given__row(g, i))
			return d;
	}
	return NULL;
}

/* A default that does not go with what is given does not hold. */
static void given__drop_usual(const struct given *g, const char *name)
{
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_is_of(&opt_table[i], g->o->command) && opt_table[i].has_usual &&
		    !strcmp(opt_table[i].name, name))
			opt__store(&opt_table[i], g->o, 0);
}

/* What goes with row i, which was given. */
static int given__pairs(const struct given *g, size_t i)
{
	const struct opt_def *d = &opt_table[i], *with;

	if (d->needs && !given__find(g, d->needs) && !(d->or_needs && given__find(g, d->or_needs)))
		return usage_error(g->o->command, "--%s needs --%s%s%s", d->name, d->needs,
				   d->or_needs ? " or --" : "", d->or_needs ? d->or_needs : "");
	for (const struct opt_clash *c = d->not_with; c->with; c++) {
		const struct opt_word *w = c->word ? find_word(d, c->word) : NULL;
		const char *value = strchr(c->with, '=');

		if (w && *(const int *)((const char *)g->o + d->offset) != w->value)
			continue;
		with = given__find(g, c->with);
		if (with)
			return usage_error(g->o->command,
					   "--%s%s%s does not go with --%s%s: %s; give one of them",
					   d->name, w ? "=" : "", w ? w->word : "", with->name,
					   value ? value : "", c->why);
		given__drop_usual(g, c->with);
	}
	return 0;
}

/* A program is to be started: that says which process. Standard output is its own. */
static int given__check_start(const struct given *g)
{
	static const char *const whose[] = { "pid", "attach-by" };

	for (size_t i = 0; i < ARRAY_SIZE(whose); i++)
		if (given__find(g, whose[i]))
			return usage_error(g->o->command,
					   "--%s does not go with a program to start ('%s'): each "
					   "says which process; give one of them",
					   whose[i], g->o->operands[0]);
	if (!g->o->output)
		return usage_error(g->o->command,
				   "standard output is that of '%s': give -o FILE for the result",
				   g->o->operands[0]);
	return 0;
}

static int given__check(const struct given *g)
{
	const enum command c = g->o->command;
	int err = 0;

	for (size_t i = 0; i < opt_table_size && !err; i++)
		if (opt_is_of(&opt_table[i], c) && given__row(g, i))
			err = given__pairs(g, i);
	if (!err && g->o->nr_pids > 1 && !g->o->output)
		return usage_error(c, "each of several processes gets a file of its own: give -o "
				      "FILE");
	if (cmd_table[c].starts && g->o->nr_operands)
		return err ? err : given__check_start(g);
	for (const struct cmd_need *n = cmd_table[c].needs; !err && n && n->ask; n++)
		if (!given__find(g, n->any_of[0]) &&
		    !(n->any_of[1] && given__find(g, n->any_of[1])))
			err = usage_error(c, "%s", n->ask);
	return err;
}

/* The row that getopt's number or letter means. */
static size_t row_of(enum command command, int c)
{
	size_t i = 0;

	if (c >= LONG_FIRST)
		return (size_t)(c - LONG_FIRST);
	while (!opt_is_of(&opt_table[i], command) || opt_table[i].letter != c)
		i++;
	return i;
}

/* For a recording: what is asked of it later begins with the same. */
static int opts__note_shown(struct opts *o, const char *name, const char *value)
{
	if (o->nr_shown == OPT_SHOWN_MAX)
		return -ENOSPC;
	o->shown[o->nr_shown] = name;
	o->shown_values[o->nr_shown++] = value ? value : "";
	return 0;
}

static int given__read(struct given *g, int argc, char **argv)
{
	struct option longs[OPT_ROWS_MAX + 1] = { 0 };
	const enum command command = g->o->command;
	/* +: options end where a word begins that is none */
	char letters[2 * OPT_ROWS_MAX + 3] = "+:", takes[OPT_TEXT_MAX];
	const size_t skip = cmd_table[command].starts ? 0 : 1;
	size_t nr = 0, used = 2;
	int c;

	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];

		if (!opt_is_of(d, command))
			continue;
		longs[nr++] = (struct option){ d->name, d->arg ? required_argument : no_argument,
					       NULL, (int)(LONG_FIRST + i) };
		if (d->letter) {
			letters[used++] = d->letter;
			if (d->arg)
				letters[used++] = ':';
		}
	}
	letters[used] = '\0';
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters + skip, longs, NULL)) != -1) {
		const struct opt_def *d;

		if (c == ':' && opt_table[row_of(command, optopt)].alone) {
			c = optopt;
			optarg = (char *)opt_table[row_of(command, c)].alone;
		}
		if (c == '?' || c == ':')
			return usage_error(command, "%s '%s'",
					   c == ':' ? "an argument is missing after"
						    : "there is no option",
					   argv[optind - 1]);
		d = &opt_table[row_of(command, c)];
		if (opt__set(d, g->o, optarg)) {
			opt_takes(d, takes, sizeof(takes));
			return usage_error(command, "bad --%s '%s': %s", d->name, optarg, takes);
		}
		g->rows[d - opt_table] = true;
		if (opt_of_report(d->name) && opts__note_shown(g->o, d->name, optarg))
			return usage_error(command, "more than %d options", OPT_SHOWN_MAX);
	}
	return 0;
}

static int opts__command(struct opts *o, int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "parkwatch: which command? 'parkwatch record -p PID' records; "
				"'parkwatch --help' shows all\n");
		return -EINVAL;
	}
	o->command = !strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") ? CMD_HELP
		     : !strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")
			     ? CMD_VERSION
			     : opts_command(argv[1]);
	return o->command == CMD_MAX ? -EINVAL : 0;
}

/* One operand too many. */
static int opts__refuse(const struct opts *o, const char *operand)
{
	const enum command views[] = { CMD_DUMP, CMD_REQUESTS, CMD_LEAKS, CMD_CHANS, CMD_REFS };
	const size_t len = strlen(operand);
	const bool recording = len > 3 && !strcmp(operand + len - 3, ".pw");

	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (recording && o->command == views[i])
			return usage_error(
				o->command,
				"a recording is shown by 'parkwatch report %s --view %s'", operand,
				cmd_table[o->command].name);
	return usage_error(o->command, "what is meant by '%s'", operand);
}

int opts__parse(struct opts *o, int argc, char **argv)
{
	struct given g = { .o = o };
	int err;

	memset(o, 0, sizeof(*o));
	err = opts__command(o, argc, argv);
	if (err || argv[1][0] == '-')
		return err;
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_is_of(&opt_table[i], o->command) && opt_table[i].has_usual)
			opt__store(&opt_table[i], o, (uint64_t)opt_table[i].usual);
	err = given__read(&g, argc - 1, argv + 1);
	o->operands = argv + 1 + optind;
	o->nr_operands = (size_t)(argc - 1 - optind);
	if (err || o->help || o->version)
		return err;
	if (cmd_table[o->command].starts && o->nr_operands && strcmp(argv[optind], "--"))
		return usage_error(o->command,
				   "what is meant by '%s'? A program to start comes after --",
				   o->operands[0]);
	if (o->nr_operands > cmd_table[o->command].operands_max)
		return opts__refuse(o, o->operands[cmd_table[o->command].operands_max]);
	if (cmd_table[o->command].instead && given__find(&g, cmd_table[o->command].instead)) {
		if (o->nr_operands)
			return usage_error(o->command, "what is meant by '%s', beside --%s",
					   o->operands[0], cmd_table[o->command].instead);
	} else if (o->nr_operands < cmd_table[o->command].operands_min)
		return usage_error(o->command, "%s", cmd_table[o->command].operand);
	return given__check(&g);
}
