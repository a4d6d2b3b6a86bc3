/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/help.h"

#include <stdbool.h>
#include <string.h>

#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/format.h"
#include "cli/manual.h"
#include "cli/option_table.h"

#define HELP_COLUMN 31  /* where the text of an option begins */
#define HELP_WIDTH  100 /* of a line */

/* The cursor is at column `indent`, and each further line begins there. */
static void put_wrapped(FILE *f, size_t indent, const char *text)
{
	size_t column = indent;

	while (*text) {
		const size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', f);
			column++;
		}
		fwrite(text, 1, len, f);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', f);
}

/* Two columns; what is too long for the first has a line of its own. */
static void put_row(FILE *f, size_t column, const char *left, const char *text)
{
	if (strlen(left) < column)
		fprintf(f, "%-*s", (int)column, left);
	else
		fprintf(f, "%s\n%*s", left, (int)column, "");
	put_wrapped(f, column, text);
}

static void help_words(FILE *f, const struct opt_word *words)
{
	size_t widest = 0;
	char left[64];

	for (const struct opt_word *w = words; w && w->word; w++)
		if (strlen(w->word) > widest)
			widest = strlen(w->word);
	for (const struct opt_word *w = words; w && w->word; w++) {
		snprintf(left, sizeof(left), "%*s%s", HELP_COLUMN + 2, "", w->word);
		put_row(f, HELP_COLUMN + 4 + widest, left, w->what);
	}
}

static void help_option(FILE *f, const struct opt_def *d, enum command c)
{
	char left[96], synopsis[80], text[OPT_TEXT_MAX];

	opt_synopsis(d, synopsis, sizeof(synopsis));
	opt_help(d, c, text, sizeof(text));
	snprintf(left, sizeof(left), "  %s%s", d->letter ? "" : "    ", synopsis);
	put_row(f, HELP_COLUMN, left, text);
	help_words(f, d->words);
}

static void help_exits(FILE *f, enum command c)
{
	char left[16];

	fputs("\nExit status\n", f);
	for (size_t i = 0; i < exit_table_size; i++)
		if (exit_table[i].commands & CMD_BIT(c)) {
			snprintf(left, sizeof(left), "  %d", exit_table[i].status);
			put_row(f, 5, left, exit_table[i].what);
		}
}

static void help_options(FILE *f, enum command c)
{
	enum opt_part part = PART_MAX;

	for (size_t i = 0; i < opt_table_size; i++) {
		if (!opt_is_of(&opt_table[i], c))
			continue;
		if (opt_table[i].part != part)
			fprintf(f, "\n%s\n", opt_part_name(opt_table[i].part));
		part = opt_table[i].part;
		help_option(f, &opt_table[i], c);
	}
}

static void help_overview(FILE *f)
{
	char left[32];

	fputs("parkwatch: what the goroutines of a running Go program are doing, from outside\n\n"
	      "usage: parkwatch COMMAND [option...]\n\n",
	      f);
	for (int c = 0; c < CMD_MAX; c++) {
		snprintf(left, sizeof(left), "  %s", cmd_table[c].name);
		put_row(f, 13, left, cmd_table[c].what);
	}
	fputs("\nExamples\n", f);
	for (size_t i = 0; i < example_table_size; i++)
		fprintf(f, "  %s\n      %s\n", example_table[i].line, example_table[i].what);
	help_exits(f, CMD_LEAKS);
	help_options(f, CMD_HELP);
	fputs("\n'parkwatch COMMAND --help' has the options of a command.\n", f);
}

void help_command(FILE *f, enum command c)
{
	const struct cmd_def *d = &cmd_table[c];

	if (c == CMD_HELP) {
		help_overview(f);
		return;
	}
	fprintf(f, "parkwatch %s: %s\n\nusage: parkwatch %s %s\n", d->name, d->what, d->name,
		d->usage);
	help_options(f, c);
	help_exits(f, c);
}

int cmd_help(const struct opts *o)
{
	const enum command c = o->nr_operands ? opts_command(o->operands[0]) : CMD_HELP;

	if (c == CMD_MAX)
		return 2;
	if (o->man)
		manual_man(stdout);
	else if (o->reference)
		manual_reference(stdout);
	else if (o->completion)
		completion_put(stdout, (enum completion)o->completion);
	else
		help_command(stdout, c);
	return end_of_print(0);
}
