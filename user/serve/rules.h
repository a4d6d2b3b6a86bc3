/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules: which processes are watched, and how closely: the `rules` of the configuration.
 *
 * The first rule that matches a process holds; LEVEL_USUAL where none does. Asked by the supervisor;
 * what a process tells of itself is hostile input, and is only compared. No state.
 */
#ifndef PARKWATCH_SERVE_RULES_H
#define PARKWATCH_SERVE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "serve/level.h"
#include "serve/pod_facts.h"
#include "view/processes.h"

enum match {
	MATCH_EXE, /* without a '/': the last part of the path */
	MATCH_CMDLINE,
	MATCH_CGROUP,
	MATCH_POD,       /* its name, or its UID */
	MATCH_NAMESPACE, /* of the pod */
	MATCH_LABEL,     /* "key=value", any of the pod's */
	MATCH_MAX
};

struct rule {
	char *globs[MATCH_MAX]; /* owned; NULL: any; fnmatch(3), '*' matches '/' too */
	bool has_user;
	uid_t user;
	enum level level;
};

struct rules {
	struct rule *v; /* owned */
	size_t nr, room;
};

void rules__done(struct rules *r);
/* labels: of its pod; NULL: not known. *ret_rule: which one holds, from 1; 0: none, it is the default. */
enum level rules__level(const struct rules *r, const struct process_row *p,
			const struct pod_labels *labels, size_t *ret_rule);

#endif
