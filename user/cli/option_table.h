/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option_table: the one table of commands and options, with defaults and checks as columns.
 *
 * Parsing and its error lines (options), --help (help), completion, the man page and
 * docs/reference.md (manual) come from it. A new option is one row and a member of struct opts.
 */
#ifndef PARKWATCH_CLI_OPTION_TABLE_H
#define PARKWATCH_CLI_OPTION_TABLE_H

#include "cli/options.h"

/* The order in which a reader needs them; it is the order of the table. */
enum opt_part {
	PART_TARGET,
	PART_FILTER,
	PART_SHOW,
	PART_JUDGE,
	PART_OUTPUT,
	PART_COST,
	PART_PROBES,
	PART_PRINT,
	PART_GENERAL,
	PART_MAX
};

enum opt_type {
	OPT_FLAG,
	OPT_COUNT,
	OPT_TEXT,
	OPT_FILE,
	OPT_WORD,
	OPT_PID,
	OPT_PIDS,
	OPT_TIME,
	OPT_MOMENT,
	OPT_GOIDS,
	OPT_TRACE,
	OPT_NUMBER,
	OPT_ADDRESS,
	OPT_BYTES,
	OPT_PERCENT,
	OPT_FILTER,
	OPT_MODE,
};

struct opt_word {
	const char *word;
	int value;
	const char *what; /* it means */
};

/* any option of OPT_FILTER, where options are named */
#define OPT_ANY_FILTER "filter"

/* A pair that is refused if both are given and not 0. */
struct opt_clash {
	const char *word; /* only this word of the option; NULL: any value */
	const char *with; /* "group": that option; "event=alloc": that word of it */
	const char *why;
};

#define OPT_CLASHES_MAX 6

struct opt_def {
	enum opt_part part;
	const char *name; /* long name */
	char letter;      /* short name, 0: none */
	enum opt_type type;
	size_t offset;         /* of the member in struct opts */
	unsigned int commands; /* CMD_BIT()s of the commands that know it */
	const char *arg;       /* how help calls the argument, NULL: none */
	/* What it does. NULL: the formats that the command has (cli/format). */
	const char *help;
	const char *more;             /* sentences that follow bounds and default; NULL: none */
	const struct opt_word *words; /* OPT_WORD: what may be said, ends with NULL */
	const char *alone;            /* the value where the line ends; NULL: one must be given */
	/* of the value, in its unit (nanoseconds, bytes, percent); max 0: none but the type's */
	uint64_t min, max;
	/* The value where none is given. It is 0 if this one clashes with what is given. */
	bool has_usual;
	int64_t usual;
	const char *otherwise; /* what holds where none is given, if no value says it; NULL */
	const char *needs;     /* the same way as opt_clash.with; NULL: nothing */
	const char *or_needs;  /* or this instead; NULL: nothing */
	struct opt_clash not_with[OPT_CLASHES_MAX]; /* the last one is {} */
};

struct cmd_need {
	const char *any_of[2]; /* options as opt_clash.with has them */
	const char *ask;       /* the line if none is given */
};

#define CMD_TEXTS_MAX 5

struct cmd_def {
	const char *name;
	const char *usage;               /* after the name */
	const char *what;                /* one line */
	const char *text[CMD_TEXTS_MAX]; /* paragraphs of the manual; NULL after the last */
	int (*run)(const struct opts *o);
	size_t operands_min, operands_max;
	const char *operand;          /* how the line asks for those that must be there */
	const char *instead;          /* an option in place of the operand; NULL: none */
	bool starts;                  /* operands are a program to start: they come after -- */
	const struct cmd_need *needs; /* ends with {}; NULL: none */
};

struct exit_def {
	int status;
	unsigned int commands;
	const char *what; /* it means */
};

#define OPT_ROWS_MAX 128

struct example_def {
	const char *line; /* of the shell */
	const char *what; /* it is good for */
};

extern const struct opt_def opt_table[];
extern const size_t opt_table_size;
extern const struct cmd_def cmd_table[CMD_MAX];
extern const struct exit_def exit_table[];
extern const size_t exit_table_size;
extern const struct example_def example_table[];
extern const size_t example_table_size;

const char *opt_part_name(enum opt_part p); /* "Which goroutines" */

/* The row of an option that says which goroutines, or what of them, a report shows. NULL: none. */
const struct opt_def *opt_of_report(const char *name);

static inline bool opt_is_of(const struct opt_def *d, enum command c)
{
	return d->commands & CMD_BIT(c);
}

/* --- as text; each is cut at size, OPT_TEXT_MAX is enough --- */
#define OPT_TEXT_MAX 1024

/* "-d, --duration TIME" */
void opt_synopsis(const struct opt_def *d, char *text, size_t size);
/* What it does, with bounds and default: "frames of a stack at most (1 to 127; default 127)". */
void opt_help(const struct opt_def *d, enum command c, char *text, size_t size);
/* What a refused value should have been: "it takes a whole number (1 to 127)". */
void opt_takes(const struct opt_def *d, char *text, size_t size);
/* The word is the value where none is given. */
bool opt_is_usual(const struct opt_def *d, const struct opt_word *w);

#endif
