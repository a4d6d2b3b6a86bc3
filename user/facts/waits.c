// SPDX-License-Identifier: BSD-2-Clause
#include "facts/waits.h"

#include <stdlib.h>

void waitgraph__free(struct waitgraph *w)
{
	if (!w)
		return;
	free(w->edges);
	free(w->steps);
	free(w->cycles);
	free(w);
}
