/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/manual.h"

#include <ctype.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "cli/option_table.h"
#include "format/format.h"

/* How one markup writes the pieces. In texts, `...` is what is typed or printed as it is. */
struct markup {
	const char *begin;
	void (*head)(FILE *f, const char *before, const char *text); /* two words of a heading */
	void (*part)(FILE *f, const char *text);                     /* of a command's options */
	void (*gap)(FILE *f); /* before terms that no part heads */
	void (*para)(FILE *f, const char *text);
	void (*term)(FILE *f, const char *term, const char *text);
	void (*sub)(FILE *f, const char *term, const char *text); /* a term of the last term */
};

/* --- roff: a hyphen-minus must stay one, and no line may begin with a dot or a quote --- */

static void roff_text(FILE *f, const char *text)
{
	bool literal = false;

	if (*text == '.' || *text == '\'')
		fputs("\\&", f);
	for (; *text; text++) {
		if (*text == '`') {
			literal = !literal;
			fputs(literal ? "\\fB" : "\\fR", f);
			continue;
		}
		if (*text == '-')
			fputc('\\', f);
		fputs(*text == '\\' ? "\\e" : (char[]){ *text, '\0' }, f);
	}
}

static void roff_head(FILE *f, const char *before, const char *text)
{
	fputs(".SH ", f);
	for (; *before; before++)
		fputc(toupper((unsigned char)*before), f);
	fprintf(f, "%s\n", text);
}

static void roff_part(FILE *f, const char *text)
{
	fprintf(f, ".SS %s\n", text);
}

static void roff_gap(FILE *f)
{
	(void)f;
}

static void roff_para(FILE *f, const char *text)
{
	fputs(".PP\n", f);
	roff_text(f, text);
	fputc('\n', f);
}

static void roff_term(FILE *f, const char *term, const char *text)
{
	fputs(".TP\n\\fB", f);
	roff_text(f, term);
	fputs("\\fR\n", f);
	roff_text(f, text);
	fputc('\n', f);
}

static void roff_sub(FILE *f, const char *term, const char *text)
{
	fputs(".RS\n", f);
	roff_term(f, term, text);
	fputs(".RE\n", f);
}

static const struct markup roff = {
	.begin = ".TH PARKWATCH 8 \"\" \"parkwatch " PARKWATCH_VERSION "\"\n"
		 ".SH NAME\nparkwatch \\- what the goroutines of a running Go program are doing, "
		 "from outside\n",
	.head = roff_head,
	.part = roff_part,
	.gap = roff_gap,
	.para = roff_para,
	.term = roff_term,
	.sub = roff_sub,
};

/* --- Markdown --- */

static void md_text(FILE *f, const char *text)
{
	bool literal = false;

	for (; *text; text++) {
		literal ^= *text == '`';
		if (!literal && (*text == '<' || *text == '*' || *text == '~'))
			fputc('\\', f);
		fputc(*text, f);
	}
}

static void md_head(FILE *f, const char *before, const char *text)
{
	fprintf(f, "\n## %s%s\n", before, text);
}

static void md_part(FILE *f, const char *text)
{
	fprintf(f, "\n**%s**\n\n", text);
}

static void md_gap(FILE *f)
{
	fputc('\n', f);
}

static void md_para(FILE *f, const char *text)
{
	fputc('\n', f);
	md_text(f, text);
	fputc('\n', f);
}

static void md_term(FILE *f, const char *term, const char *text)
{
	fprintf(f, "- `%s`: ", term);
	md_text(f, text);
	fputc('\n', f);
}

static void md_sub(FILE *f, const char *term, const char *text)
{
	fputs("  ", f);
	md_term(f, term, text);
}

static const struct markup markdown = {
	.begin = "# Reference\n\nEvery command, option, format and exit status. "
		 "`parkwatch help --reference` prints this page; `make reference` writes it.\n",
	.head = md_head,
	.part = md_part,
	.gap = md_gap,
	.para = md_para,
	.term = md_term,
	.sub = md_sub,
};

/* --- what it says --- */

static void put_option(FILE *f, const struct markup *m, const struct opt_def *d, enum command c)
{
	char synopsis[80], text[OPT_TEXT_MAX];

	opt_synopsis(d, synopsis, sizeof(synopsis));
	opt_help(d, c, text, sizeof(text));
	m->term(f, synopsis, text);
	for (const struct opt_word *w = d->words; w && w->word; w++)
		m->sub(f, w->word, w->what);
}

/* Those that every command has are told once, behind the commands. */
static void put_options(FILE *f, const struct markup *m, enum command c)
{
	enum opt_part part = PART_MAX;

	for (size_t i = 0; i < opt_table_size; i++) {
		const struct opt_def *d = &opt_table[i];

		if (!opt_is_of(d, c) || d->commands == CMD_ALL)
			continue;
		if (d->part != part)
			m->part(f, opt_part_name(d->part));
		part = d->part;
		put_option(f, m, d, c);
	}
}

static void put_command(FILE *f, const struct markup *m, enum command c)
{
	const struct cmd_def *d = &cmd_table[c];
	char usage[160];

	m->head(f, "Command ", d->name);
	snprintf(usage, sizeof(usage), "`parkwatch %s%s%s`", d->name, d->usage[0] ? " " : "",
		 d->usage);
	m->para(f, usage);
	for (size_t i = 0; i < ARRAY_SIZE(d->text) && d->text[i]; i++)
		m->para(f, d->text[i]);
	put_options(f, m, c);
}

static void put_common_options(FILE *f, const struct markup *m)
{
	m->head(f, "Options of every command", "");
	m->para(f, "A long name may be shortened if it stays clear: `--dur` is `--duration`.");
	m->gap(f);
	for (size_t i = 0; i < opt_table_size; i++)
		if (opt_table[i].commands == CMD_ALL)
			put_option(f, m, &opt_table[i], CMD_HELP);
}

static void put_formats(FILE *f, const struct markup *m)
{
	const struct format *format;

	m->head(f, "Output", "");
	m->para(f, "`-f` names the format. Without it the end of the name of `-o` chooses it. Each "
		   "command says above which formats it has.");
	m->gap(f);
	for (size_t i = 0; (format = format_at(i)); i++)
		m->term(f, format->name, format->what);
	m->para(f, "The JSON of dump has `target`, `taken_unix_ns`, `goroutines`, `unsettled`, "
		   "`refused`, `not_read` and `dead`: g structures of goroutines that have ended, "
		   "and the bytes of stacks that these still have. A goroutine has `goid`, "
		   "`status`, `reason`, "
		   "`wait_ns`, `parent_goid`, `labels`, `start`, `created_by`, `called_from`, "
		   "`waits_for` and `stack`, the innermost frame first. Where they apply it has "
		   "`m`, `p`, `locked_to_thread`, `system` and `truncated`. `wait_ns` is a lower "
		   "bound, and null if nobody knows. If the compiler made a wrapper around the "
		   "started function, `start` has the function that the wrapper runs. "
		   "`called_from` is there if a library made the goroutine: it has the line of "
		   "your own code that called the library, or says why that is not known.");
	m->para(f, "With `--root created-by` a stack begins with `created by` and the function "
		   "that has the go statement. If that is a library's, one more frame stands "
		   "before it: `called from` and the line of your own code that led there. The "
		   "recording knows it from the births that it sees, or from the stacks of the "
		   "creators when it begins. `or 2 other lines` says that others led there too. "
		   "In JSON it is `called_from`, in pprof a label of that name.");
	m->para(f, "With `--root route`, `trace` or `span` a stack begins with what the request "
		   "of its goroutine has: `GET /quote/{id}`, `trace` and its number, `span` and "
		   "its name. Looks at requests during the recording tell it, as in `parkwatch "
		   "requests`: a wait has the request that a look found while it lasted, a "
		   "sample the one that its goroutine served before and after it. `[no request]` "
		   "is the rest: the end of the recording says how much that is, and why. `[no "
		   "route]`, `[no trace]` and `[no span]`: the request is known, that is not. In "
		   "pprof these are labels `route`, `trace_id`, `span_id`, `span_name` and "
		   "`no_request`, the reason.");
}

static void put_exits(FILE *f, const struct markup *m)
{
	m->head(f, "Exit status", "");
	m->gap(f);
	for (size_t i = 0; i < exit_table_size; i++) {
		const struct exit_def *e = &exit_table[i];
		char status[16], text[160];
		const char *of = "";

		for (int c = 0; c < CMD_MAX; c++)
			if (e->commands == CMD_BIT(c))
				of = cmd_table[c].name;
		snprintf(status, sizeof(status), "%d", e->status);
		snprintf(text, sizeof(text), "%s%s%s", of, of[0] ? ": " : "", e->what);
		m->term(f, status, text);
	}
	m->para(f, "The first Ctrl-C ends dump, chans, refs and doctor by the signal. chans -d, "
		   "leaks and "
		   "record write what they saw, and end as usual. The status is 1 if the process "
		   "does not answer, or if the report takes too long.");
}

static void put_manual(FILE *f, const struct markup *m)
{
	fputs(m->begin, f);
	m->head(f, "Synopsis", "");
	m->para(f, "`parkwatch COMMAND [option...]`");
	m->head(f, "Description", "");
	m->para(f, "parkwatch attaches BPF programs to the Go runtime of a running process, by "
		   "PID, or reads its memory. The program needs no change, no restart and no pprof "
		   "endpoint. It may be stripped. Go 1.15 to 1.27 on amd64 (a part on "
		   "arm64, see doctor), Linux 5.10 or later.");
	m->para(f, "dump and chans need root or CAP_SYS_PTRACE. record and leaks need root, or "
		   "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE if the kernel has uprobe_multi links "
		   "(Linux 6.6 and later). On older kernels they also need CAP_SYS_ADMIN.");
	m->para(f, "The result goes to standard output or to the file of `-o`. Everything else "
		   "goes to standard error. The last line of a recording says how many events were "
		   "seen, how many were lost, and what it cost the program.");
	for (int c = 0; c < CMD_MAX; c++)
		put_command(f, m, (enum command)c);
	put_common_options(f, m);
	put_formats(f, m);
	put_exits(f, m);
	m->head(f, "Examples", "");
	m->gap(f);
	for (size_t i = 0; i < example_table_size; i++)
		m->term(f, example_table[i].line, example_table[i].what);
}

void manual_man(FILE *f)
{
	put_manual(f, &roff);
}

void manual_reference(FILE *f)
{
	put_manual(f, &markdown);
}
