/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digest: what a look says, in short (model/tally), as bytes: a worker works it out, and whoever shows it
 * takes it in as it is. It is as small as the program has places, whatever number of goroutines it has. What comes is hostile input.
 */
#ifndef PARKWATCH_SERVE_DIGEST_H
#define PARKWATCH_SERVE_DIGEST_H

#include "base/cleanup.h"
#include "base/textbuf.h"
#include "facts/resource.h"
#include "model/tally.h"
#include "serve/request_figures.h"

struct digest {
	struct tally_look look; /* rows: owned; texts are borrowed from the bytes */
	struct request_figures requests;
	struct resource_text resource; /* what the process says of itself */
	uint64_t taken_ns;             /* CLOCK_MONOTONIC */
	uint64_t sums_unix_ns; /* when the goroutines were counted by stack; 0: they were not */
};

void digest__pack(const struct digest *d, struct textbuf *to);
/* 0; -EBADMSG: it is none; -ENOMEM. Then nothing is to be done. */
int digest__unpack(const char *bytes, size_t len, struct digest *ret);
void digest__done(struct digest *d);

#endif
