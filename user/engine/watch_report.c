// SPDX-License-Identifier: BSD-2-Clause
#include "engine/watch_report.h"

#include "names/factlog.h"
#include "view/leaks_facts.h"

double watch_end_cost_pct(const struct watch_end *e)
{
	if (!e->hits)
		return 0;
	return e->cpu_ns ? 100 * e->cost_ns / (double)e->cpu_ns : -1;
}

int watch__judge(struct watch *w, const struct verdict_opts *o, bool suspects)
{
	int err = leaks__finish(watch__leaks(w), o);

	if (!err)
		err = watch__heap(w, suspects);
	if (!err)
		err = watch__name_holders(w, suspects);
	return err ? err : watch__requests(w);
}

void watch__show(const struct watch *w, const struct watch_end *e, struct report_meta *ret_meta,
		 struct leaks_show *ret)
{
	*ret = (struct leaks_show){
		.meta = ret_meta,
		.allocs_why = watch__allocs_why(w),
		.requests_why = watch__requests_why(w),
		.cpu_pct = watch_end_cost_pct(e),
		.cpu_ns = e->cpu_ns,
		.proof = { e->passes, e->heap_bytes, e->proof_ns, e->proof_cpu_ns, e->doubt },
	};
	watch__meta(w, e, ret_meta);
}

int watch__log_look(struct watch *w, uint32_t number, uint64_t wall_ns, struct factlog *f)
{
	const struct dump_input *in = &watch__leaks(w)->d->in;
	int err = 0;

	for (size_t rt = 0; rt < in->nr && !err; rt++)
		err = factlog__look(f, number, (uint16_t)rt, wall_ns, in->censuses[rt],
				    watch__labels(w));
	return err;
}

int watch__log(struct watch *w, uint32_t number, const struct leaks_show *s, struct factlog *f)
{
	const int err = watch__log_look(w, number, s->meta->wall_start_ns, f);

	return err ? err : leaks_facts__write(f, watch__leaks(w), s);
}
