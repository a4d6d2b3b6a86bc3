/* SPDX-License-Identifier: BSD-2-Clause */
/* process_place: where a process runs, in words, for the columns of tables (`ps`, `top`). Pure. */
#ifndef PARKWATCH_VIEW_PROCESS_PLACE_H
#define PARKWATCH_VIEW_PROCESS_PLACE_H

#include <stdbool.h>

#include "view/processes.h"

enum process_place {
	PLACE_CONTAINER, /* its name, else the first digits of its id */
	PLACE_POD,       /* "shop/api-7d9-x2x", else the pod's UID */
	PLACE_WORKLOAD,  /* "Deployment/api" */
	PLACE_LABELS,    /* "tier=front,version=7" */
	PLACE_NR
};
#define PROCESS_PLACE_MAX       320
#define PROCESS_PLACE_WIDTH_MAX 60

const char *process_place_head(enum process_place p);
/* False: not known, and the text is "-". */
bool process_place_text(const struct process_row *r, enum process_place p,
			char text[PROCESS_PLACE_MAX]);
/* Of such a column, its head included. 0: it is not worth its room: none is known, and it is not that of containers. */
int process_place_width(const struct processes *of, enum process_place p);

#endif
