/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/completion.h"

#include <stdbool.h>
#include <string.h>

#include "cli/format.h"
#include "cli/option_table.h"

static bool takes_argument(const struct opt_def *d)
{
	return d->type != OPT_FLAG && d->type != OPT_COUNT;
}

/* The words of an option: those of the table, or the formats. */
static void put_words(FILE *f, const struct opt_def *d)
{
	for (const struct opt_word *w = d->words; w && w->word; w++)
		fprintf(f, "%s%s", w == d->words ? "" : " ", w->word);
	for (size_t k = 0; !d->help && format_at(k); k++)
		fprintf(f, "%s%s", k ? " " : "", format_at(k)->name);
}

/* --- bash --- */

static void bash_words(FILE *f, const struct opt_def *d)
{
	fputs(" words='", f);
	put_words(f, d);
	fputs("' ;;\n", f);
}

/* What may follow an option. */
static void bash_argument(FILE *f, const struct opt_def *d)
{
	if (!d->words && d->help && d->type != OPT_FILE && d->type != OPT_PID &&
	    d->type != OPT_PIDS)
		return;
	fprintf(f, "\t--%s", d->name);
	if (d->letter)
		fprintf(f, "|-%c", d->letter);
	fputc(')', f);
	if (d->type == OPT_FILE)
		fputs(" COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", f);
	else if (d->type == OPT_PID || d->type == OPT_PIDS)
		fputs(" words=$(cd /proc && echo [0-9]*) ;;\n", f);
	else
		bash_words(f, d);
}

static void bash_commands(FILE *f)
{
	for (int c = 0; c < CMD_MAX; c++)
		fprintf(f, "%s ", cmd_table[c].name);
}

static void bash(FILE *f)
{
	fputs("# bash completion for parkwatch\n_parkwatch()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
	      "words=\n\tcase $prev in\n",
	      f);
	for (size_t i = 0; i < opt_table_size; i++)
		bash_argument(f, &opt_table[i]);
	fputs("\t*) case ${COMP_WORDS[1]} in\n", f);
	for (int c = 0; c < CMD_MAX; c++) {
		fprintf(f, "\t\t%s) words='", cmd_table[c].name);
		for (size_t i = 0; i < opt_table_size; i++)
			if (opt_is_of(&opt_table[i], (enum command)c))
				fprintf(f, "--%s ", opt_table[i].name);
		if (c == CMD_HELP)
			bash_commands(f);
		fputs("' ;;\n", f);
	}
	fputs("\t\tesac\n\t\t[ \"$COMP_CWORD\" -eq 1 ] && words='", f);
	bash_commands(f);
	fputs("' ;;\n\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F "
	      "_parkwatch parkwatch\n",
	      f);
}

/* --- texts, for both others --- */

/* Within '...' of a shell. marks: what it reads otherwise. */
static void put_quoted(FILE *f, const char *text, const char *marks)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", f);
		else if (strchr(marks, *text))
			fprintf(f, "\\%c", *text);
		else
			fputc(*text, f);
	}
}

static const char *what_of(const struct opt_def *d)
{
	return d->help ? d->help : "the format of the output";
}

/* --- zsh --- */

static void zsh_argument(FILE *f, const struct opt_def *d)
{
	fprintf(f, ":%s:", d->arg);
	if (d->type == OPT_FILE)
		fputs("_files", f);
	else if (d->type == OPT_PID || d->type == OPT_PIDS)
		fputs("_pids", f);
	else if (d->words || !d->help) {
		fputc('(', f);
		put_words(f, d);
		fputc(')', f);
	} else
		fputc(' ', f);
}

static void zsh_option(FILE *f, const struct opt_def *d)
{
	const char *equals = takes_argument(d) ? "=" : "";

	fputs(" \\\n\t\t", f);
	if (d->type == OPT_FILTER || d->type == OPT_COUNT)
		fputs("'*'", f);
	else if (d->letter)
		fprintf(f, "'(-%c --%s)'", d->letter, d->name);
	if (d->letter)
		fprintf(f, "{-%c%s,--%s%s}'[", d->letter, takes_argument(d) ? "+" : "", d->name,
			equals);
	else
		fprintf(f, "'--%s%s[", d->name, equals);
	put_quoted(f, what_of(d), "[]:\\");
	fputc(']', f);
	if (takes_argument(d))
		zsh_argument(f, d);
	fputc('\'', f);
}

static void zsh(FILE *f)
{
	fputs("#compdef parkwatch\n\n_parkwatch() {\n\tlocal -a commands=(", f);
	for (int c = 0; c < CMD_MAX; c++) {
		fprintf(f, "\n\t\t'%s:", cmd_table[c].name);
		put_quoted(f, cmd_table[c].what, ":\\");
		fputc('\'', f);
	}
	fputs(")\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
	      "\tlocal name=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $name in\n",
	      f);
	for (int c = 0; c < CMD_MAX; c++) {
		fprintf(f, "\t%s)\n\t\t_arguments -s", cmd_table[c].name);
		for (size_t i = 0; i < opt_table_size; i++)
			if (opt_is_of(&opt_table[i], (enum command)c))
				zsh_option(f, &opt_table[i]);
		if (c == CMD_HELP)
			fputs(" \\\n\t\t'1:command:(${commands%%:*})'", f);
		else if (cmd_table[c].operands_max)
			fputs(" \\\n\t\t'*:recording:_files -g \"*.pw\"'", f);
		fputs(" ;;\n", f);
	}
	fputs("\tesac\n}\n\n_parkwatch \"$@\"\n", f);
}

/* --- fish --- */

static void fish_option(FILE *f, const char *command, const struct opt_def *d)
{
	fprintf(f, "complete -c parkwatch -n '__fish_seen_subcommand_from %s' -l %s", command,
		d->name);
	if (d->letter)
		fprintf(f, " -s %c", d->letter);
	if (d->type == OPT_FILE)
		fputs(" -r -F", f);
	else if (d->type == OPT_PID || d->type == OPT_PIDS)
		fputs(" -x -a '(__fish_complete_pids)'", f);
	else if (d->words || !d->help) {
		fputs(" -x -a '", f);
		put_words(f, d);
		fputc('\'', f);
	} else if (takes_argument(d))
		fputs(" -x", f);
	fputs(" -d '", f);
	put_quoted(f, what_of(d), "\\");
	fputs("'\n", f);
}

static void fish(FILE *f)
{
	fputs("complete -c parkwatch -f\n", f);
	for (int c = 0; c < CMD_MAX; c++) {
		fprintf(f, "complete -c parkwatch -n __fish_use_subcommand -a %s -d '",
			cmd_table[c].name);
		put_quoted(f, cmd_table[c].what, "\\");
		fputs("'\n", f);
	}
	for (int c = 0; c < CMD_MAX; c++) {
		for (size_t i = 0; i < opt_table_size; i++)
			if (opt_is_of(&opt_table[i], (enum command)c))
				fish_option(f, cmd_table[c].name, &opt_table[i]);
		if (cmd_table[c].operands_max && c != CMD_HELP)
			fprintf(f, "complete -c parkwatch -n '__fish_seen_subcommand_from %s' -F\n",
				cmd_table[c].name);
	}
}

void completion_put(FILE *f, enum completion shell)
{
	if (shell == COMPLETION_ZSH)
		zsh(f);
	else if (shell == COMPLETION_FISH)
		fish(f);
	else
		bash(f);
}
