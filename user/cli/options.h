/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options: the one table of commands and options. Parsing, --help, the man page and the shell
 * completion are made from it.
 */
#ifndef PARKWATCH_CLI_OPTIONS_H
#define PARKWATCH_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/knobs.h>

enum command {
	CMD_RECORD,
	CMD_DUMP,
	CMD_CHANS,
	CMD_LEAKS,
	CMD_REFS,
	CMD_DOCTOR,
	CMD_HELP,
	CMD_VERSION,
	CMD_MAX
};
#define CMD_BIT(c) (1u << (c))

#define OPT_FILTERS_MAX 64

/* One filter of dump as it was given; names/filter reads it. */
struct opt_filter {
	const char *name; /* "func"; "not": value is "func=REGEX" */
	const char *value;
};

struct opts {
	enum command command;
	int pid;              /* 0: none given */
	uint64_t duration_ns; /* 0: until Ctrl-C or the target's end; never of leaks */
	int event;            /* enum profile_kind */
	/* NULL: by the suffix of output, else folded (dump: text) */
	const char *format;
	const char *output; /* NULL: standard output */
	unsigned int mode;  /* of the file; 0: none given */
	bool async, full;
	int alloc;                    /* enum alloc_source */
	int root;                     /* enum profile_root */
	int transport;                /* -1 auto, or enum pw_transport */
	int way;                      /* enum attach_way */
	uint64_t goids[PW_GOIDS_MAX]; /* ascending */
	size_t nr_goids;
	uint64_t min_wait_ns;
	uint64_t depth;
	uint64_t ring_bytes;
	bool system;  /* the runtime's own goroutines too */
	bool no_cost; /* skip calibration */
	struct opt_filter filters[OPT_FILTERS_MAX];
	size_t nr_filters;
	int group;        /* enum dump_group */
	int sort;         /* enum dump_sort */
	uint64_t top;     /* 0: all */
	const char *diff; /* an older dump; NULL: none */
	bool labels, objects;
	bool elements;       /* of channels */
	bool no_probes;      /* of record and leaks */
	double max_overhead; /* percent, of record and leaks; 0: no limit */
	uint64_t rate;       /* looks a second of record without probes */
	bool suspects, all;  /* of leaks, as all that follows */
	uint64_t min_age_ns, min_count, min_growth, proof_ns;
	const char *addr;                             /* of refs; NULL: none */
	const char *baseline, *save_baseline, *allow; /* files; NULL: none */
	bool quiet, help, version, man, completion;
	uint64_t max_memory_bytes; /* 0: of the goroutines there are */
	bool repair;
	unsigned int verbose;
};

enum opt_type {
	OPT_FLAG,
	OPT_COUNT,
	OPT_TEXT,
	OPT_WORD,
	OPT_PID,
	OPT_TIME,
	OPT_GOIDS,
	OPT_NUMBER,
	OPT_BYTES,
	OPT_PERCENT,
	OPT_FILTER,
	OPT_MODE,
};

struct opt_word {
	const char *word;
	int value;
};

struct opt_def {
	const char *name; /* long name */
	char letter;      /* short name, 0: none */
	enum opt_type type;
	size_t offset;         /* of the member in struct opts */
	unsigned int commands; /* CMD_BIT()s of the commands that know it */
	const char *arg;       /* how help calls the argument, NULL: none */
	/* NULL: of -f: the formats that the command has (cli/format) */
	const char *help;
	const struct opt_word *words; /* OPT_WORD: what may be said, ends with NULL */
	uint64_t min, max;            /* OPT_NUMBER, OPT_BYTES, OPT_PID */
};

struct cmd_def {
	const char *name;
	const char *usage; /* after the name */
	const char *what;  /* one line */
	const char *text;  /* the paragraph of the man page */
};

extern const struct opt_def opt_table[];
extern const size_t opt_table_size;
extern const struct cmd_def cmd_table[CMD_MAX];

/* 0, or -EINVAL after one line on standard error that says what is wrong and what to try. */
int opts__parse(struct opts *o, int argc, char **argv);
/* "10", "10s", "250ms", "1.5m", "2h" to nanoseconds; -EINVAL */
int opt_time(const char *text, uint64_t *ret_ns);
/* "4096", "8M", "64k" to bytes; -EINVAL */
int opt_bytes(const char *text, uint64_t *ret);

#endif
