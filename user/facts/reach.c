// SPDX-License-Identifier: BSD-2-Clause
#include "facts/reach.h"

#include <stdlib.h>

void reach_answer__free(struct reach_answer *a)
{
	if (!a)
		return;
	free(a->goals);
	free(a->keepers);
	free(a);
}
