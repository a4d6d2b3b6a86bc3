/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reading: an answer that is made out of a recording, which may take long: what is asked, and of what. It is made in a process of its own
 * (serve/readers), that gets it as bytes in a file in memory.
 */
#ifndef PARKWATCH_SERVE_READING_H
#define PARKWATCH_SERVE_READING_H

#include <stddef.h>

#include "serve/debug_pprof.h"
#include "serve/http.h"
#include "serve/pods.h"
#include "serve/watched.h"

enum reading_kind {
	READING_GOROUTINES, /* of a look, as those that follow: if there is no pw, the newest in the store, at=UNIX or before */
	READING_CHANS,          /* of a look */
	READING_REQUESTS,       /* of a look */
	READING_LEAKS,          /* of a report of leaks */
	READING_PROFILE,        /* of the store */
	READING_DIFF,           /* of the store */
	READING_GO_GOROUTINES,  /* of a look, as Go shows it */
	READING_GO_LEAKS,       /* of a report of leaks, as Go shows it */
	READING_GO_RECORDING,   /* of a recording, as Go shows it */
	READING_RECORDING,      /* of a recording, in a format */
	READING_PYROSCOPE,      /* of a look, to be posted, as all that follow */
	READING_OTLP_PROFILE,   /* of a look */
	READING_OTLP_SPANS,     /* of a look */
	READING_OTLP_RECORDING, /* of a recording */
	READING_HOOK,           /* of a report of leaks */
	READING_OTLP_LOGS,      /* of a report of leaks */
	READINGS
};

struct reading { /* all borrowed */
	enum reading_kind kind;
	const char *target; /* its id */
	const char *pw;     /* a recording; NULL: it needs none */
	size_t len;
	int store;                    /* folder of the segments; -1: there is none */
	const struct http_request *q; /* NULL: nobody asks any more */
	struct debug_pprof pprof;     /* of READING_GO_...; its event of all recordings */
	const char *format; /* of READING_RECORDING: its name, as serve/profile_answer has it */
	const struct watched *
		about; /* of what is posted; there, of its pointers only pod, look, report and recordings count */
	uint32_t sites; /* of READING_OTLP_LOGS: which of its leaks are told */
};

/* In the process that makes it. a: its status is 200. */
void reading__answer(const struct reading *r, struct http_answer *a);

/* Into a file in memory. Its descriptor, or negative errno. */
int reading__pack(const struct reading *r);

struct reading_opened {
	struct reading reading; /* it borrows from the others */
	struct http_request q;
	struct watched about;
	struct pod pod;
	char target[WATCHED_ID_MAX], name[16], format[8];
	void *bytes; /* the file, mapped; as long as the process lives */
	size_t len;
};
/* store: as in a reading. 0, -EBADMSG, or what mmap(2) says. */
int reading_opened__init(struct reading_opened *o, int fd, int store);

#endif
