// SPDX-License-Identifier: BSD-2-Clause
#include "model/growth.h"

#include <string.h>

#define RARE 3 /* fewer a window: one that is empty may be chance */

static bool is_steady(const uint32_t *level, size_t nr)
{
	const size_t third = (nr - 1) / 3;
	int64_t first, middle, last;

	if (!third)
		return false;
	first = (int64_t)level[third] - level[0];
	middle = (int64_t)level[nr - 1 - third] - level[third];
	last = (int64_t)level[nr - 1] - level[nr - 1 - third];
	return first > 0 && middle > 0 && last > 0 && 4 * last >= first;
}

static uint32_t birth_tail(const uint32_t *births, size_t nr)
{
	uint32_t tail = 0;

	while (tail < nr && !births[nr - 1 - tail])
		tail++;
	return tail;
}

void growth_of(const uint32_t *level, const uint32_t *births, size_t nr, uint32_t lag,
	       struct growth *ret)
{
	struct growth g = { 0 };
	uint32_t highest, allowed, born;

	memset(ret, 0, sizeof(*ret));
	if (nr < 2)
		return;
	highest = level[0];
	for (size_t i = 1; i < nr; i++) {
		g.windows++;
		g.fell += level[i] < level[i - 1] ? level[i - 1] - level[i] : 0;
		if (level[i] <= highest) {
			g.tail++;
			continue;
		}
		highest = level[i];
		if (g.grew++ && g.tail > g.silence)
			g.silence = g.tail;
		g.tail = 0;
	}
	g.net = (int64_t)level[nr - 1] - level[0];
	g.tail = g.tail > lag ? g.tail - lag : 0;
	born = birth_tail(births, nr - 1);
	if (born > g.tail)
		g.tail = born;
	g.steady = is_steady(level, nr);
	allowed = g.silence + (g.net < (int64_t)RARE * g.grew);
	g.going = g.steady && g.tail <= allowed;
	*ret = g;
}
