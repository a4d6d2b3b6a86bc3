/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pw_reader: facts out of a .pw file (facts/pw_file), from its beginning to its end.
 *
 * The file is hostile input: each length is bounded before it is believed, and a fact takes at most
 * PW_FACT_MEMORY_MAX bytes of memory. What a file that was cut off has whole is read. No state.
 */
#ifndef PARKWATCH_FACTS_PW_READER_H
#define PARKWATCH_FACTS_PW_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "facts/facts.pb-c.h"

#define PW_FACT_MEMORY_MAX (256u << 20)

/* The texts of a segment, as far as it has told them. */
struct pw_names {
	char **v; /* v[0] is "" */
	uint32_t nr;
};
/* Never NULL: "" for an id that is not there. Borrowed until the segment ends. */
const char *pw_name(const struct pw_names *n, uint32_t id);

/* fact() returns 0, or a negative errno that ends reading, with a cause. */
struct pw_sink {
	int (*fact)(void *ctx, const Pw__Fact *f, const struct pw_names *names, struct cause *why);
	/* Facts with this number need not be read. NULL: all are. */
	bool (*skips)(void *ctx, uint32_t number);
	void *ctx;
};

struct pw_read {
	uint16_t major, minor;
	uint32_t segments;
	uint64_t facts, unknown; /* of kinds that this reader does not know */
	uint64_t bytes;          /* of the file */
	uint64_t packed_bytes, raw_bytes;
	bool cut; /* the file was cut off: what follows the last whole segment is missing */
};

/*
 * path: for the cause. -EBADMSG: it is no recording, or it is damaged; -EPROTONOSUPPORT: of another
 * major version; -ENOMEM; an errno of reading; what the sink returned. *ret holds what was read in
 * each case.
 */
int pw_read(FILE *in, const char *path, const struct pw_sink *to, struct pw_read *ret,
	    struct cause *why);

#endif
