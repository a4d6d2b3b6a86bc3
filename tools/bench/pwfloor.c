/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwfloor: attaches a program that does nothing, or nothing but a stack id and a counter, to places
 * of a Go process.
 *
 *	pwfloor PID PLACE=WHAT...	PLACE: birth exit park ready run malloc ..., at the instruction that parkwatch takes;
 *					with "entry:" before it at the function's first instruction; func:NAME: any function's first
 *					instruction. WHAT: empty, stack
 *
 * Says "recording" when attached, and takes the probes down at SIGINT. tools/bench/overhead calls
 * it.
 */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floor.skel.h"
#include "probe/plan.h"
#include "target/goproc.h"

/* At an address of a file that is mapped. */
static int attach_at(struct goproc *gp, struct bpf_program *prog, pid_t pid, uint64_t addr)
{
	struct goplace place;
	unsigned long offset;
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .offsets = &offset, .cnt = 1);

	if (goproc__place(gp, addr, &place))
		return -1;
	offset = place.offset;
	return bpf_program__attach_uprobe_multi(prog, pid, place.path, NULL, &opts) ? 0 : -1;
}

static int attach_func(struct goproc *gp, struct bpf_program *prog, pid_t pid, const char *name)
{
	struct gofunc found;

	if (gosym__find(goproc__runtime(gp, 0)->sym, 0, &name, 1, &found) || !found.entry)
		return -1;
	return attach_at(gp, prog, pid, found.entry);
}

static int attach_place(const struct plan *plan, struct goproc *gp, struct floor *skel, pid_t pid,
			char *arg)
{
	char *what = strchr(arg, '=');
	bool entry = !strncmp(arg, "entry:", 6);
	struct bpf_program *prog;

	if (!what)
		return -1;
	*what++ = '\0';
	if (entry)
		arg += 6;
	prog = !strcmp(what, "stack") ? skel->progs.floor_stack : skel->progs.floor_empty;
	if (!strncmp(arg, "func:", 5))
		return attach_func(gp, prog, pid, arg + 5);
	for (uint32_t i = 0; i < plan->nr_sites; i++) {
		const struct plan_site *s = &plan->sites[i];

		if (!strcmp(pw_point_name((enum pw_point)s->wire.point), arg) &&
		    attach_at(gp, prog, pid, entry ? s->func : s->addr))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	scoped(plan) plan = NULL;
	struct cause why = { "" };
	struct floor *skel;
	struct kfeat kf;
	sigset_t set;
	int sig;

	if (argc < 3)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kfeat__probe_all(&kf);
	skel = floor__open_and_load();
	if (!skel || proc__open(atoi(argv[1]), &p, &why) || goproc__open(p, &gp, &why) ||
	    plan__make(gp, goproc__runtime(gp, 0), &kf, &plan, &why)) {
		fprintf(stderr, "pwfloor: %s\n", why.text);
		return 1;
	}
	for (int i = 2; i < argc; i++)
		if (attach_place(plan, gp, skel, atoi(argv[1]), argv[i])) {
			fprintf(stderr, "pwfloor: cannot attach %s\n", argv[i]);
			return 1;
		}
	fprintf(stderr, "pwfloor: recording\n");
	sigwait(&set, &sig);
	floor__destroy(skel);
	return 0;
}
