/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pw_file: how facts lie in a .pw file.
 *
 *	head		magic, version
 *	segment ...	head, then facts (facts.proto), each behind its length as a varint, compressed with zstd
 *	index		one entry for each segment
 *	tail		where the index begins
 *
 * Numbers are little-endian. A segment needs no other one. A file that was cut off has no index: its
 * segments follow each other all the same. Another minor version has facts and fields that are
 * passed over; another major version is refused.
 */
#ifndef PARKWATCH_FACTS_PW_FILE_H
#define PARKWATCH_FACTS_PW_FILE_H

#include <stdint.h>

#define PW_FILE_MAGIC "parkwtch" /* 8 bytes */
#define PW_FILE_MAJOR 1
/* 1: single events; holders and waits by goid. 2: cuts. 3: timelines. 4: requests */
#define PW_FILE_MINOR 4

#define PW_SEGMENT_MAGIC 0x67655350u /* "PSeg" */
#define PW_INDEX_MAGIC   0x78644950u /* "PIdx" */
#define PW_TAIL_MAGIC    "pw-index"

/* Uncompressed bytes of a segment: when it has as many, it is closed. */
#define PW_SEGMENT_FULL (1u << 20)
/* With the facts that belong together, written at once. A reader refuses a longer one. */
#define PW_SEGMENT_MAX  (32u << 20)
#define PW_SEGMENTS_MAX (1u << 24)

struct pw_file_head {
	char magic[8];
	uint16_t major, minor;
	uint32_t zero;
};

struct pw_segment_head {
	uint32_t magic;
	uint32_t facts;
	uint32_t bytes, packed_bytes; /* as read, as in the file */
	uint64_t first_ns, last_ns;   /* of its facts that have a time; 0: none has */
};

struct pw_index_entry {
	uint64_t offset; /* of the segment's head, in the file */
	uint64_t first_ns, last_ns;
};

struct pw_index_head {
	uint32_t magic, segments;
};

struct pw_tail {
	uint64_t index; /* its offset */
	char magic[8];
};

_Static_assert(sizeof(struct pw_file_head) == 16 && sizeof(struct pw_segment_head) == 32 &&
		       sizeof(struct pw_index_entry) == 24 && sizeof(struct pw_tail) == 16,
	       "the file is as its readers expect it");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they are");

#endif
