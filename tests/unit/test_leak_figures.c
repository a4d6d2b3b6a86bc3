// SPDX-License-Identifier: BSD-2-Clause
/* leak_figures: a bounded number of places, whatever leaks. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "serve/leak_figures.h"

static struct leak_site site(unsigned int nr, uint64_t goroutines)
{
	struct leak_site s = { .verdict = VERDICT_LEAKED, .goroutines = goroutines };

	snprintf(s.created_by, sizeof(s.created_by), "main.f%u", nr);
	return s;
}

static uint64_t sum(const struct leak_figures *f)
{
	uint64_t all = f->other;

	for (size_t i = 0; i < f->nr; i++)
		all += f->sites[i].goroutines;
	return all;
}

Test(leak_figures, one_place_is_one_series)
{
	struct leak_figures f = { .nr = 0 };
	struct leak_site s = site(1, 5);

	leak_figures__add(&f, &s);
	leak_figures__add(&f, &s);
	s.verdict = VERDICT_STUCK;
	leak_figures__add(&f, &s);
	cr_expect_eq(f.nr, 2);
	cr_expect_eq(f.sites[0].goroutines, 10);
	cr_expect_eq(f.sites[1].goroutines, 5);
}

Test(leak_figures, places_with_few_goroutines_are_told_together)
{
	struct leak_figures f = { .nr = 0 };
	uint64_t all = 0;

	for (unsigned int i = 1; i <= 3 * LEAK_SITES_MAX; i++) {
		const struct leak_site s = site(i, i);

		all += i;
		leak_figures__add(&f, &s);
	}
	cr_expect_eq(f.nr, LEAK_SITES_MAX);
	cr_expect_eq(sum(&f), all, "goroutines are lost");
	for (size_t i = 0; i < f.nr; i++)
		cr_expect_gt(f.sites[i].goroutines, 2 * LEAK_SITES_MAX);
}
