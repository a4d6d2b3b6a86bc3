// SPDX-License-Identifier: BSD-2-Clause
#include "heap/gschedlat.h"

#include <errno.h>

#define QUARTERS  4 /* timeHistNumSubBuckets */
#define MIN_BITS  8 /* of the first bucket: timeHistMinBucketBits - 1 */
#define COUNT_MAX (1ULL << 48)

struct time_histogram {
	uint64_t counts[GSCHEDLAT_BUCKETS][QUARTERS];
	uint64_t underflow, overflow;
};

static double middle_ns(unsigned int bucket, unsigned int quarter)
{
	const double begin = bucket ? (double)(1ULL << (MIN_BITS + bucket - 1)) : 0,
		     width = (bucket ? begin : 1 << MIN_BITS) / QUARTERS;

	return begin + ((double)quarter + 0.5) * width;
}

int gschedlat__add(const struct addrspace *as, const struct goruntime *rt, const struct gborn *b,
		   struct gschedlat *ret)
{
	const struct goobjects *o = &rt->objects;
	struct time_histogram h;
	struct gschedlat sum = *ret;
	int err;

	if (o->sched_timetorun < 0 || o->sched_goidgen < 0)
		return -EOPNOTSUPP;
	err = addrspace__read(as,
			      b->gen - (uint64_t)o->sched_goidgen + (uint64_t)o->sched_timetorun,
			      &h, sizeof(h));
	if (err)
		return err;
	for (unsigned int i = 0; i < GSCHEDLAT_BUCKETS; i++)
		for (unsigned int q = 0; q < QUARTERS; q++) {
			if (h.counts[i][q] > COUNT_MAX)
				return -EBADMSG;
			sum.counts[i] += h.counts[i][q];
			sum.sum_ns += (double)h.counts[i][q] * middle_ns(i, q);
		}
	if (h.underflow > COUNT_MAX || h.overflow > COUNT_MAX)
		return -EBADMSG;
	sum.counts[0] += h.underflow; /* a clock that went backwards */
	sum.counts[GSCHEDLAT_BUCKETS] += h.overflow;
	*ret = sum;
	return 0;
}
