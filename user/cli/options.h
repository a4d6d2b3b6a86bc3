/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options: what the command line asks for. It is read and checked by the rows of option_table.
 */
#ifndef PARKWATCH_CLI_OPTIONS_H
#define PARKWATCH_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/knobs.h>

#include "cli/moment.h"
#include "facts/requests.h"

enum command {
	CMD_RECORD,
	CMD_DUMP,
	CMD_CHANS,
	CMD_REQUESTS,
	CMD_LEAKS,
	CMD_REFS,
	CMD_REPORT,
	CMD_DIFF,
	CMD_INFO,
	CMD_PS,
	CMD_TOP,
	CMD_SERVE,
	CMD_DOCTOR,
	CMD_HELP,
	CMD_VERSION,
	CMD_MAX
};
#define CMD_BIT(c) (1u << (c))
#define CMD_ALL    (CMD_BIT(CMD_MAX) - 1)

#define OPT_FILTERS_MAX 64
#define OPT_PIDS_MAX    8
#define OPT_SHOWN_MAX   128

/* One filter of dump as it was given; names/filter reads it. */
struct opt_filter {
	const char *name; /* "func"; "not": value is "func=REGEX" */
	const char *value;
};

enum version_format { VERSION_TEXT, VERSION_JSON };

struct opts {
	enum command command;
	int pid;                /* the first; 0: none given */
	int pids[OPT_PIDS_MAX]; /* of record: all of them */
	size_t nr_pids;
	const char *attach_by; /* NULL: by pid */
	const char *user;      /* of a program that record starts; NULL: the usual one */
	uint64_t duration_ns;  /* 0: until Ctrl-C or the target's end; never of leaks */
	int event;             /* enum profile_kind */
	/* NULL: by the suffix of output, else folded (dump: text) */
	const char *format;
	const char *output; /* NULL: standard output */
	unsigned int mode;  /* of the file; 0: none given */
	bool async, full;
	int alloc;                    /* enum alloc_source */
	int root;                     /* enum profile_root */
	int transport;                /* -1 auto, or enum pw_transport */
	int attach;                   /* enum attach_method */
	uint64_t goids[PW_GOIDS_MAX]; /* ascending */
	size_t nr_goids;
	uint64_t min_wait_ns;
	uint64_t depth;
	uint64_t chain;                   /* of wakeups: who woke whom */
	uint64_t window_ns, window_bytes; /* of a timeline; 0: the usual ones */
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
	bool elements;      /* of channels */
	bool requests;      /* of dump: which request each works for */
	const char *route;  /* of requests; NULL: all */
	const char *trace;  /* of dump and requests: how its id begins; NULL: all */
	uint64_t older_ns;  /* of requests; 0: all */
	bool over_deadline; /* of dump: only those whose context has ended */
	bool request_detail, routes_only;
	bool no_probes;      /* of record and leaks */
	double max_overhead; /* percent, of record and leaks; 0: no limit */
	uint64_t max_events; /* single ones in a recording of record; 0: none */
	uint64_t frequency;  /* samples a second of record -e cpu and wall */
	uint64_t rate;       /* looks a second of record without probes; 0: the usual number */
	bool busy;           /* of record -e wall: without idle goroutines */
	bool suspects, all;  /* of leaks, as all that follows */
	uint64_t min_age_ns, min_count, min_growth, proof_ns;
	uint64_t addr;                                /* of refs; 0: none */
	const char *baseline, *save_baseline, *allow; /* files; NULL: none */
	bool quiet, help, version, man, reference;
	int completion;            /* of help: enum completion */
	int version_format;        /* of version: enum version_format */
	uint64_t max_memory_bytes; /* 0: of the goroutines there are */
	bool repair;
	unsigned int verbose;
	const char *save;       /* a .pw file beside the report; NULL: none */
	struct moment from, to; /* of report, lengths since it began; to 0: to its end */
	const char *shows;      /* of report: a view, by its command; NULL: as it was recorded */
	bool allow_jobs;        /* of serve */
	const char *otlp;       /* of serve: a URL; NULL: as its configuration says */
	bool spans;             /* of serve: OTLP gets long waits too */
	const char *state_dir;  /* of serve and report; NULL: the usual one */
	const char *target;     /* of report: an id of serve; NULL: a recording is shown */
	const char *listen;     /* of serve: ADDRESS:PORT; NULL: the usual one */
	const char *token_file; /* of serve, ps and top; NULL: none */
	const char *tls_cert, *tls_key; /* of serve; NULL: none */
	const char *kubelet;            /* of serve: its URL; NULL: it is not asked */
	bool kubelet_insecure;          /* of serve */
	int log_format;                 /* of serve: enum log_format */
	bool batch;                     /* of top: text, no terminal */
	uint64_t iterations;            /* looks of top; 0: no end */
	uint64_t delay_ns;              /* of top */
	int top_sort;                   /* the key of a column of top; 0: the usual one */
	const char *
		daemon; /* of ps and top: the URL of a daemon; NULL: the usual one, if it is there */
	const char *config; /* of serve: a file; NULL: the usual one, if it is there */
	/* What was given of the parts `which goroutines` and `what is shown`; values: "" for flags */
	const char *shown[OPT_SHOWN_MAX], *shown_values[OPT_SHOWN_MAX];
	size_t nr_shown;
	char **operands; /* what follows the options, borrowed of argv: help: a command */
	size_t nr_operands;
};

/* What is told of requests. */
enum grequest_detail opts_detail(const struct opts *o);

/* 0, or -EINVAL after one line on standard error that says what is wrong and what to try. */
int opts__parse(struct opts *o, int argc, char **argv);
/* CMD_MAX after the same line: there is no such command. */
enum command opts_command(const char *name);
/* "18,40": more of goids, of which there are *nr and at most PW_GOIDS_MAX; ascending. -EINVAL */
int opt_goids(const char *text, uint64_t *goids, size_t *nr);

#endif
