/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/help.h"

#include <string.h>

#include "cli/format.h"

#define HELP_COLUMN 26

/* list: room for the formats of the command. */
static const char *help_text(const struct opt_def *d, enum command c, char list[FORMAT_LIST_MAX])
{
	if (!d->help)
		format_list(format_view(c), list, FORMAT_LIST_MAX);
	return d->help ? d->help : list;
}

static void help_option(FILE *f, const struct opt_def *d, enum command c)
{
	char left[64], list[FORMAT_LIST_MAX];
	const char *help = help_text(d, c, list);

	snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", d->letter ? '-' : ' ',
		 d->letter ? d->letter : ' ', d->letter ? ',' : ' ', d->name, d->arg ? " " : "",
		 d->arg ? d->arg : "");
	if (strlen(left) < HELP_COLUMN + 4)
		fprintf(f, "%-*s %s\n", HELP_COLUMN + 4, left, help);
	else
		fprintf(f, "%s\n%*s %s\n", left, HELP_COLUMN + 4, "", help);
}

static void help_overview(FILE *f)
{
	fprintf(f,
		"parkwatch: what the goroutines of a running Go program are doing, from outside\n\n"
		"usage: parkwatch COMMAND [option...]\n\n");
	for (int c = 0; c < CMD_MAX; c++)
		fprintf(f, "  %-10s %s\n", cmd_table[c].name, cmd_table[c].what);
	fprintf(f, "\n"
		   "  sudo parkwatch record -p PID -d 10 > blocked.folded      where goroutines "
		   "wait, and how long\n"
		   "  sudo parkwatch record -p PID -d 10 -o blocked.html       the same as a flame "
		   "graph\n"
		   "  sudo parkwatch record -p PID -d 10 -e births | flamegraph.pl --countname "
		   "goroutines > births.svg\n"
		   "  sudo parkwatch record -p PID -d 10 -e alloc > a.folded      who allocates, "
		   "in bytes\n"
		   "  sudo parkwatch dump -p PID                               every goroutine "
		   "now, as Go's debug=2\n"
		   "  sudo parkwatch dump -p PID --group object --top 10       what most of them "
		   "wait for\n"
		   "  sudo parkwatch chans -p PID                              who waits on which "
		   "channel or lock; deadlocks\n"
		   "  sudo parkwatch leaks -p PID                              which goroutines "
		   "leak, and how we know\n"
		   "  sudo parkwatch doctor -p PID                             what is possible "
		   "here, and why not\n\n"
		   "'parkwatch COMMAND --help' has the options; exit status: 0 ok, 1 error, 2 "
		   "usage; leaks: 3 leaks found\n");
}

void help_command(FILE *f, enum command c)
{
	if (c == CMD_HELP || c == CMD_MAX) {
		help_overview(f);
		return;
	}
	fprintf(f, "parkwatch %s: %s\n\nusage: parkwatch %s %s\n\n", cmd_table[c].name,
		cmd_table[c].what, cmd_table[c].name, cmd_table[c].usage);
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_table[i].commands & CMD_BIT(c))
			help_option(f, &opt_table[i], c);
}

/*
 * Roff: a hyphen-minus that must stay one, and no line may begin with a dot or a quote by accident.
 */
static void man_text(FILE *f, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", f);
	for (; *text; text++) {
		if (*text == '-')
			fputc('\\', f);
		if (*text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
}

static void man_option(FILE *f, const struct opt_def *d, enum command c)
{
	char list[FORMAT_LIST_MAX];

	fputs(".TP\n.B ", f);
	if (d->letter)
		fprintf(f, "\\-%c\\fR, ", d->letter);
	fputs("\\fB\\-\\-", f);
	man_text(f, d->name);
	if (d->arg)
		fprintf(f, "\\fR \\fI%s", d->arg);
	fputs("\\fR\n", f);
	man_text(f, help_text(d, c, list));
	fputc('\n', f);
}

static void man_command(FILE *f, enum command c)
{
	fprintf(f, ".SH COMMAND %s\n.B parkwatch %s\n.I ", cmd_table[c].name, cmd_table[c].name);
	man_text(f, cmd_table[c].usage[0] ? cmd_table[c].usage : "\\&");
	fputs("\n.PP\n", f);
	man_text(f, cmd_table[c].text);
	fputc('\n', f);
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_table[i].commands & CMD_BIT(c))
			man_option(f, &opt_table[i], c);
}

void help_man(FILE *f)
{
	fprintf(f, ".TH PARKWATCH 8 \"\" \"parkwatch " PARKWATCH_VERSION "\"\n"
		   ".SH NAME\nparkwatch \\- what the goroutines of a running Go program are doing, "
		   "from outside\n"
		   ".SH SYNOPSIS\n.B parkwatch\n.I command\n[\\fIoption\\fR...]\n"
		   ".SH DESCRIPTION\n"
		   "parkwatch attaches BPF programs to the Go runtime of a running process, by "
		   "PID, or reads its memory. The program needs\n"
		   "no change, no restart, no pprof endpoint, and may be stripped. Go 1.15 to 1.27 "
		   "on amd64, Linux 5.10 or later.\n"
		   "\\fBdump\\fR needs root or CAP_SYS_PTRACE. Recording needs root, or CAP_BPF, "
		   "CAP_PERFMON and CAP_SYS_PTRACE where the kernel has uprobe_multi links (6.6 "
		   "and later),\n"
		   "and CAP_SYS_ADMIN besides where it has not.\n"
		   ".PP\nResults go to standard output or \\fB\\-o\\fR, everything else to "
		   "standard error. The last line says how many events\n"
		   "were seen, how many were lost, and what recording cost the program.\n");
	for (int c = 0; c < CMD_MAX; c++)
		man_command(f, (enum command)c);
	fprintf(f, ".SH OUTPUT\n"
		   ".TP\n.B folded\none line a stack, frames root first, joined by semicolons, a "
		   "space, a number: the grammar of flamegraph.pl.\n"
		   "In names a semicolon becomes a colon and white space an underscore.\n"
		   "With \\fB\\-\\-root created\\-by\\fR a stack begins with \\fBcreated by\\fR "
		   "and the function with the go statement. If that is a library's,\n"
		   "\\fBcalled from\\fR and the line of your own code that led there stand before "
		   "it: as births seen while recording say, or the creators' stacks\n"
		   "at its start; \\fBor 2 other lines\\fR: it was reached by others too. In json "
		   "it is called_from, in pprof a label of that name.\n"
		   ".TP\n.B pprof\na gzipped profile with Go's own type names, for \\fBgo tool "
		   "pprof\\fR.\n"
		   ".TP\n.B text\n(dump) as Go's own tracebacks; arguments are not known and shown "
		   "as (...).\n"
		   ".TP\n.B json\n(dump) one object: target, taken_unix_ns, goroutines, unsettled, "
		   "refused. A goroutine has goid, status, reason,\n"
		   "wait_ns (a lower bound; null: nobody knows), parent_goid, labels, start (of a "
		   "wrapper that the compiler made, what it\n"
		   "runs), created_by, called_from (where a library made it: the line of your own "
		   "code that called that, or why it is not known),\n"
		   "waits_for, stack (innermost first), and where they apply m, p, "
		   "locked_to_thread, system, truncated.\n"
		   ".TP\n.B jsonl\n(dump) one goroutine a line.\n"
		   ".TP\n.B html\na flame graph in one file that needs no network.\n"
		   ".SH EXIT STATUS\n0: done; also when the program ended while it was watched, "
		   "and what was seen is written.\n"
		   "1: an error, said in one line on standard error; nothing is left under the "
		   "name of \\fB\\-o\\fR.\n2: usage.\n3: \\fBleaks\\fR found some.\n"
		   "The first Ctrl\\-C ends dump, chans, refs and doctor by the signal; leaks and "
		   "record write what they saw (0 or 3). 1 if the process\n"
		   "does not answer, or the report takes too long.\n"
		   ".SH EXAMPLES\n.nf\n"
		   "sudo parkwatch record \\-p 812 \\-d 10 > blocked.folded\n"
		   "sudo parkwatch record \\-p 812 \\-d 10 \\-e births | flamegraph.pl "
		   "\\-\\-countname goroutines > births.svg\n"
		   "sudo parkwatch record \\-p 812 \\-d 10 \\-o blocked.html\n"
		   "sudo parkwatch record \\-p 812 \\-d 10 \\-e alloc \\-o alloc.pb.gz\n"
		   "sudo parkwatch dump \\-p 812 \\-\\-wait 'chan*' \\-\\-older 1m \\-\\-not "
		   "func=^net/http\n"
		   "sudo parkwatch dump \\-p 812 \\-f json > old.json; sudo parkwatch dump \\-p "
		   "812 \\-\\-diff old.json\n"
		   "sudo parkwatch chans \\-p 812\n"
		   "sudo parkwatch leaks \\-p 812 \\-d 60\n"
		   "sudo parkwatch doctor \\-p 812\n.fi\n");
}

void help_completion(FILE *f)
{
	fputs("# bash completion for parkwatch\n_parkwatch()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} "
	      "words=\n\tcase $prev in\n",
	      f);
	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];

		if (!d->words && d->help)
			continue;
		fprintf(f, "\t--%s", d->name);
		if (d->letter)
			fprintf(f, "|-%c", d->letter);
		fputs(") words='", f);
		for (const struct opt_word *w = d->words; w && w->word; w++)
			fprintf(f, "%s%s", w == d->words ? "" : " ", w->word);
		for (size_t k = 0; !d->help && format_at(k); k++)
			fprintf(f, "%s%s", k ? " " : "", format_at(k)->name);
		fputs("' ;;\n", f);
	}
	fputs("\t-o|--output) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	      "\t-p|--pid) words=$(cd /proc && echo [0-9]*) ;;\n"
	      "\t*) case ${COMP_WORDS[1]} in\n",
	      f);
	for (int c = 0; c < CMD_MAX; c++) {
		fprintf(f, "\t\t%s) words='", cmd_table[c].name);
		for (size_t i = 0; i < opt_table_size; i++)
			if (opt_table[i].commands & CMD_BIT(c))
				fprintf(f, "--%s ", opt_table[i].name);
		fputs("' ;;\n", f);
	}
	fputs("\t\tesac\n\t\t[ \"$COMP_CWORD\" -eq 1 ] && words='", f);
	for (int c = 0; c < CMD_MAX; c++)
		fprintf(f, "%s ", cmd_table[c].name);
	fputs("' ;;\n\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F "
	      "_parkwatch parkwatch\n",
	      f);
}
