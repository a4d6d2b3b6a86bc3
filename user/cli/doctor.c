/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/stop.h"
#include "engine/examine.h"
#include "engine/snapshot.h"

static void put_kernel(const struct kfeat *kf, struct textbuf *to)
{
	examine_say(to, "kernel %s\n", kf->release);
	for (int i = 0; i < KFEAT_MAX; i++)
		examine_say(to, "  %-3s %-13s %s\n", kf->f[i].ok ? "yes" : "no",
			    kfeat_name((enum kfeat_id)i),
			    kf->f[i].ok ? kfeat_what((enum kfeat_id)i) : kf->f[i].why.text);
}

static bool records(const struct kfeat *kf)
{
	return kf->f[KFEAT_BPF].ok && (kf->f[KFEAT_UPROBE_MULTI].ok || kf->f[KFEAT_PERF_LINK].ok ||
				       kf->f[KFEAT_PERF_IOCTL].ok);
}

int cmd_doctor(const struct opts *o)
{
	struct cause why = { "" };
	struct textbuf to;
	struct kfeat kf;
	int err = 0;
	bool bad;

	if (o->pid)
		stop_at_once(o->pid, 2 * SNAPSHOT_MOST_NS);
	textbuf__init(&to, stdout);
	kfeat__probe_all(&kf);
	put_kernel(&kf, &to);
	if (o->pid)
		err = examine(o->pid, &kf, o->repair, &to, &why);
	(void)textbuf__finish(&to);
	textbuf__done(&to);
	if (err < 0)
		log_error("%s", why.text);
	if (end_of_print(0))
		return 1;
	bad = err || !records(&kf);
	if (bad)
		log_error("recording will not work here: see the lines with 'no' above");
	return bad;
}
