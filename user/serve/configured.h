/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * configured: the configuration that holds now, and its file: read at the start, and again when it
 * changes or SIGHUP asks for it. A file that is wrong changes nothing: the old one stays, and that is
 * counted.
 *
 * At the start the supervisor reads the file with the rights of who started it. Later it has none, and
 * the file may be root's alone: the launcher opens it, the supervisor reads and parses. So what may be
 * hostile is never parsed with rights after the start. Supervisor only.
 */
#ifndef PARKWATCH_SERVE_CONFIGURED_H
#define PARKWATCH_SERVE_CONFIGURED_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/config.h"

struct configured {
	const char *path;   /* borrowed */
	bool named;         /* it must be there */
	bool knows_labels;  /* of pods: the kubelet is asked */
	struct config *now; /* owned; never NULL once it is open */
	char *text;         /* owned: the file as it was read last, good or not; NULL: none was */
	size_t len;
	int watch;         /* inotify, of the file's directory; negative: none */
	bool due;          /* the file is to be opened */
	bool asked;        /* by SIGHUP: it is told even if nothing has changed */
	uint64_t failures; /* of reading it again */
	int64_t loaded_s;  /* when it was read last with success, Unix time; 0: never */
};

/* path NULL: CONFIG_PATH, if it is there. 0, or negative errno with a cause: no file, or a wrong one. */
int configured__open(struct configured *c, const char *path, bool knows_labels, struct cause *why);
void configured__done(struct configured *c);
/* The directory's events. */
void configured__heard(struct configured *c);
/* fd: the file, taken over; negative: cannot says why there is none. True: another one holds now. */
bool configured__take(struct configured *c, int fd, const struct cause *cannot);
/* To read; follows no terminal, waits for no writer. Descriptor or negative errno with a cause. */
int config_file__open(const char *path, struct cause *why);

#endif
