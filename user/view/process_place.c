// SPDX-License-Identifier: BSD-2-Clause
#include "view/process_place.h"

#include <stdio.h>
#include <string.h>

#define ID_SHOWN 12 /* digits, as `docker ps` and `crictl ps` show them */

const char *process_place_head(enum process_place p)
{
	static const char *const heads[PLACE_NR] = { "CONTAINER", "POD", "WORKLOAD", "LABELS" };

	return heads[p];
}

static void put_text(const struct process_row *r, enum process_place p,
		     char text[PROCESS_PLACE_MAX])
{
	text[0] = '\0';
	switch (p) {
	case PLACE_CONTAINER:
		snprintf(text, PROCESS_PLACE_MAX, "%.*s",
			 r->container_name[0] ? PROCESS_PLACE_MAX : ID_SHOWN,
			 process_row__container(r));
		break;
	case PLACE_POD:
		snprintf(text, PROCESS_PLACE_MAX, "%s%s%s", r->pod_namespace,
			 r->pod_namespace[0] ? "/" : "", process_row__pod(r));
		break;
	case PLACE_WORKLOAD:
		if (r->told.workload[0])
			snprintf(text, PROCESS_PLACE_MAX, "%s/%s", r->told.workload_kind,
				 r->told.workload);
		break;
	case PLACE_LABELS: snprintf(text, PROCESS_PLACE_MAX, "%s", r->told.labels); break;
	default: break;
	}
}

bool process_place_text(const struct process_row *r, enum process_place p,
			char text[PROCESS_PLACE_MAX])
{
	put_text(r, p, text);
	if (text[0])
		return true;
	snprintf(text, PROCESS_PLACE_MAX, "-");
	return false;
}

int process_place_width(const struct processes *of, enum process_place p)
{
	size_t width = strlen(process_place_head(p));
	bool known = p == PLACE_CONTAINER;
	char text[PROCESS_PLACE_MAX];

	for (size_t i = 0; i < of->nr; i++) {
		known |= process_place_text(&of->rows[i], p, text);
		if (strlen(text) > width)
			width = strlen(text);
	}
	if (width > PROCESS_PLACE_WIDTH_MAX)
		width = PROCESS_PLACE_WIDTH_MAX;
	return known ? (int)width : 0;
}
