/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwverify: does this kernel take every BPF program, and do probes count exactly, by each method and
 * transport that it has? Does it say which program each process runs?
 *
 * Needs root. Prints `ok NAME`, `FAIL NAME: why` or `skip NAME: what is missing` for each; exit
 * status 1 after a FAIL.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "probe/attach.h"
#include "probe/calibrate.h"
#include "probe/probe_holder.h"
#include "host/dummy.h"
#include "host/task_programs.h"

#include "parkwatch.skel.h"

#define HITS 1000
/* what a child is told to do */
#define WAIT_COMMAND "wait"

static int failed;

static void result(const char *name, int err, const char *why)
{
	if (!err)
		printf("ok %s\n", name);
	else
		printf("FAIL %s: %s (%d)\n", name, why && why[0] ? why : strerror(-err), err);
	failed |= err != 0;
}

/* One program alone, with every kind of site and everything wanted. */
static int load_one(const char *program, enum pw_transport transport, bool cookies,
		    enum pw_alloc_root root, __u32 *ret_insns)
{
	struct parkwatch *skel = parkwatch__open();
	struct bpf_prog_info info = { .type = 0 };
	__u32 len = sizeof(info);
	struct bpf_program *prog;
	struct pw_knobs *k;
	int err;

	if (!skel)
		return -errno;
	k = &skel->rodata->pw_knobs;
	k->depth = PW_STACK_MAX;
	k->filter_goids = 1;
	k->filter = (struct pw_filter){ .on = PW_FILTER_SITES | PW_FILTER_STACKS |
					      PW_FILTER_LABELS | PW_FILTER_PS,
					.sites = ~0u,
					.event = ~0u,
					.shape = PW_LABEL_MAP };
	k->alloc_root = root;
	k->span_classes = PW_SPAN_CLASSES;
	k->transport = transport;
	k->cookies = cookies;
	k->wakeup_bytes = 4096;
	k->nr_sites = PW_SITES_MAX;
	k->blocks = ~0ULL;
	k->nr_modules = PW_MODULES_MAX;
	k->modules[0].gopark = (struct pw_range){ 0x400000, 0x1000 };
	k->lay.g_parent_goid = PW_NO_FIELD;
	for (int i = 0; i < PW_SITES_MAX; i++) {
		dummy_site(&k->sites[i]);
		k->sites[i].point = (__u16)(i % PW_POINT_MAX);
		k->sites[i].flags = (__u16)(i & 3);
		if (i & 4)
			k->sites[i].g = (struct pw_loc){ .kind = PW_LOC_STACK, .off = 8 };
	}
	bpf_map__set_autocreate(transport == PW_TRANSPORT_RING ? skel->maps.pw_perf
							       : skel->maps.pw_ring,
				false);
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), program));
	err = parkwatch__load(skel);
	prog = bpf_object__find_program_by_name(skel->obj, program);
	if (!err && !bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		*ret_insns = info.verified_insns;
	parkwatch__destroy(skel);
	return err;
}

/* They have a way of their own where each hit is a record. */
static bool has_records_of_allocations(const char *program)
{
	static const char *const some[] = { "pw_multi_alloc", "pw_malloc", "pw_sized",
					    "pw_refill",      "pw_large",  "pw_sample" };
	bool has = false;

	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		has |= !strcmp(program, some[i]);
	return has;
}

static void verify(const struct kfeat *kf)
{
	static const char *const programs[] = { "pw_multi", "pw_multi_call", "pw_multi_alloc",
						"pw_clock",
#define PW_POINT(NAME, name, ...) "pw_" #name,
						PW_POINTS(PW_POINT)
#undef PW_POINT
	};
	char name[96];

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		for (int v = 0; v < (has_records_of_allocations(programs[i]) ? 8 : 4); v++) {
			enum pw_transport tr = v & 1 ? PW_TRANSPORT_PERF : PW_TRANSPORT_RING;
			enum pw_alloc_root root = v & 4 ? PW_ALLOC_ROOT_RECORD : PW_ALLOC_ROOT_GOPC;
			bool cookies = v & 2;
			__u32 insns = 0;
			int err;

			bool multi = !strncmp(programs[i], "pw_multi", 8);

			if (multi && !cookies)
				continue;
			snprintf(name, sizeof(name), "verifier: %s, %s%s%s", programs[i],
				 tr == PW_TRANSPORT_PERF ? "perf" : "ring",
				 cookies ? ", cookies" : "", v & 4 ? ", one by one" : "");
			if ((multi && !kf->f[KFEAT_UPROBE_MULTI].ok) ||
			    (cookies && !kf->f[KFEAT_UPROBE_MULTI].ok &&
			     !kf->f[KFEAT_PERF_LINK].ok) ||
			    (tr == PW_TRANSPORT_RING && !kf->f[KFEAT_RINGBUF].ok)) {
				printf("skip %s: this kernel has no such thing\n", name);
				continue;
			}
			err = load_one(programs[i], tr, cookies, root, &insns);
			result(name, err, NULL);
			if (!err && insns)
				printf("# %s: %u instructions verified\n", name, insns);
		}
	}
}

/* A plan for our own child: parks on a push, exits on a one-byte nop. */
static void child_plan(struct dummy *child, struct goruntime *rt, struct plan *plan)
{
	static const struct {
		enum pw_point point;
		enum insn_class class;
	} at[] = { { PW_POINT_PARK, INSN_PUSH }, { PW_POINT_EXIT, INSN_NOP } };

	dummy_layout(&rt->layout);
	rt->arch = goarch_native();
	plan->rt = rt;
	for (int p = 0; p < PW_POINT_MAX; p++)
		plan->points[p].err = -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		struct plan_site *s = &plan->sites[i];

		dummy_site(&s->wire);
		s->wire.point = (__u16)at[i].point;
		s->class = at[i].class;
		s->place.path = "/proc/self/exe";
		s->place.offset = dummy__offset(child, at[i].class);
		plan->points[at[i].point] = (struct plan_point){ .first = (uint32_t)i, .nr = 1 };
	}
	plan->nr_sites = ARRAY_SIZE(at);
}

static int count_hits(struct attach *a, struct dummy *child, struct cause *why)
{
	uint64_t ns, stats[PW_STAT_MAX];
	int err = attach__on(a, ATTACH_ALL, why);

	if (!err)
		err = dummy__run(child, INSN_NOP, 10, false, &ns);
	attach__start(a);
	for (int thread = 0; thread < 2 && !err; thread++) {
		err = dummy__run(child, INSN_PUSH, HITS, thread, &ns);
		if (!err)
			err = dummy__run(child, INSN_NOP, HITS, thread, &ns);
	}
	attach__stop(a);
	if (!err)
		err = attach__stats(a, stats);
	if (err)
		return err;
	if (stats[PW_STAT_HIT + PW_POINT_PARK] != 2 * HITS ||
	    stats[PW_STAT_HIT + PW_POINT_EXIT] != 2 * HITS || stats[PW_STAT_OFF] != 10 ||
	    stats[PW_STAT_EVENTS] + stats[PW_STAT_LOST_RING] != 2 * HITS)
		return cause__set(
			why, -EPROTO,
			"park %llu exit %llu of %d, off %llu of 10, events %llu lost %llu",
			(unsigned long long)stats[PW_STAT_HIT + PW_POINT_PARK],
			(unsigned long long)stats[PW_STAT_HIT + PW_POINT_EXIT], 2 * HITS,
			(unsigned long long)stats[PW_STAT_OFF],
			(unsigned long long)stats[PW_STAT_EVENTS],
			(unsigned long long)stats[PW_STAT_LOST_RING]);
	return 0;
}

static int count_method(const struct kfeat *kf, enum attach_method method,
			enum pw_transport transport, struct cause *why)
{
	struct attach_opts o = { .points = 1u << PW_POINT_PARK | 1u << PW_POINT_EXIT,
				 .want = { .want = PW_WANT_WAIT | PW_WANT_EXIT },
				 .transport = transport,
				 .method = method,
				 .depth = PW_STACK_MAX,
				 .ring_bytes = 1u << 16,
				 .ring_fd = -EBADF,
				 .quiet_libbpf = true };
	scoped_mem struct goruntime *rt = calloc(1, sizeof(*rt));
	scoped(plan) plan = calloc(1, sizeof(*plan));
	scoped(attach) a = NULL;
	scoped(dummy) child = NULL;
	scoped(proc) p = NULL;
	int err = rt && plan ? dummy__new(&child) : -ENOMEM;

	if (!err)
		err = proc__open(dummy__pid(child), &p, why);
	if (err)
		return err;
	child_plan(child, rt, plan);
	err = attach__new(plan, kf, p, &o, &a, why);
	return err ? err : count_hits(a, child, why);
}

static void attach_each_way(const struct kfeat *kf)
{
	static const struct {
		enum attach_method method;
		enum kfeat_id feat;
	} methods[] = { { ATTACH_MULTI, KFEAT_UPROBE_MULTI },
			{ ATTACH_PERF_LINK, KFEAT_PERF_LINK },
			{ ATTACH_PERF_IOCTL, KFEAT_PERF_IOCTL } };
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		for (int tr = PW_TRANSPORT_RING; tr <= PW_TRANSPORT_PERF; tr++) {
			struct calibration cal;
			struct cause why = { "" };
			int err;

			snprintf(name, sizeof(name), "attach: %s, %s",
				 attach_method_name(methods[i].method),
				 tr == PW_TRANSPORT_RING ? "ring" : "perf");
			if (!kf->f[methods[i].feat].ok ||
			    (tr == PW_TRANSPORT_RING && !kf->f[KFEAT_RINGBUF].ok)) {
				printf("skip %s: %s\n", name, kf->f[methods[i].feat].why.text);
				continue;
			}
			err = count_method(kf, methods[i].method, (enum pw_transport)tr, &why);
			result(name, err, why.text);
			snprintf(name, sizeof(name), "calibrate: %s, %s",
				 attach_method_name(methods[i].method),
				 tr == PW_TRANSPORT_RING ? "ring" : "perf");
			err = calibrate__run(kf, methods[i].method, (enum pw_transport)tr,
					     1u << INSN_PUSH,
					     1u << PW_POINT_PARK | 1u << PW_POINT_RUN |
						     1u << PW_POINT_MALLOC,
					     false, false, &cal, &why);
			if (err >= 0)
				err = cal.trap_ns[INSN_PUSH] > 0 ? 0 : -EPROTO;
			result(name, err, why.text);
			if (!err)
				printf("# %s: trap %.0f ns, park %.0f ns, its moment alone %.0f "
				       "ns, "
				       "run %.0f ns, malloc %.0f ns\n",
				       name, cal.trap_ns[INSN_PUSH], cal.work_ns[PW_POINT_PARK],
				       cal.parked_ns, cal.work_ns[PW_POINT_RUN],
				       cal.work_ns[PW_POINT_MALLOC]);
		}
	}
}

/* --- which program each process runs --- */

/* Calls exec when it is told to; ends when the pipe does. */
static void __attribute__((noreturn)) child_main(int told)
{
	char *argv[] = { (char *)"pwverify", (char *)WAIT_COMMAND, NULL };
	char c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(told, &c, 1) == 1)
		(void)execv("/proc/self/exe", argv);
	_exit(1);
}

struct asked {
	uint64_t pid;
	struct pw_task_program child;
	bool ours; /* this process is there */
	uint64_t last;
};

static int note_program(void *ctx, const struct pw_task_program *p)
{
	struct asked *a = ctx;

	if (p->pid <= a->last)
		return -ERANGE;
	a->last = p->pid;
	a->ours |= p->pid == (uint64_t)getpid();
	if (p->pid == a->pid)
		a->child = *p;
	return 0;
}

static int ask_programs(struct task_programs *t, pid_t child, struct pw_task_program *ret)
{
	struct asked a = { .pid = (uint64_t)child };
	int err = task_programs__each(t, note_program, &a);

	*ret = a.child;
	return err ? err : a.ours && a.child.pid == a.pid ? 0 : -ENOENT;
}

/* An exec is one more, and the process is the same. */
static int sees_an_exec(struct task_programs *t, pid_t child, int tell)
{
	struct pw_task_program before, again, after = { 0 };
	char name;
	int err = ask_programs(t, child, &before);

	if (!err)
		err = ask_programs(t, child, &again);
	if (!err && (again.execs != before.execs || again.start_ns != before.start_ns))
		err = -EPROTO;
	if (!err && write(tell, "x", 1) != 1)
		err = -EPIPE;
	/* the pipe's other end is closed by exec */
	if (!err && read(tell, &name, 1) != 0)
		err = -EPIPE;
	if (!err)
		err = ask_programs(t, child, &after);
	if (err)
		return err;
	return after.execs == before.execs + 1 && after.start_ns == before.start_ns ? 0 : -EPROTO;
}

static void ask_of_programs(const struct kfeat *kf)
{
	struct task_programs *t = NULL;
	int fds[2], err = task_programs__new(&t);
	pid_t child;

	/* Debian's 5.10 takes no such iterator; what is as new as uprobe_multi must */
	if (err && !kf->f[KFEAT_UPROBE_MULTI].ok) {
		printf("skip programs: /proc is asked: %s\n", strerror(-err));
		return;
	}
	if (!err && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		err = -errno;
	if (err) {
		result("programs: by process", err, NULL);
		task_programs__free(t);
		return;
	}
	child = fork();
	if (!child)
		child_main(fds[1]);
	close(fds[1]);
	result("programs: by process, and after an exec", sees_an_exec(t, child, fds[0]), NULL);
	close(fds[0]);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	task_programs__free(t);
}

int main(int argc, char **argv)
{
	struct kfeat kf;

	if (argc == 2 && !strcmp(argv[1], WAIT_COMMAND))
		return pause();
	if (argc == 2 && !strcmp(argv[1], PROBE_HOLDER_COMMAND))
		return probe_holder_main();
	setvbuf(stdout, NULL, _IOLBF, 0);
	kfeat__probe_all(&kf);
	if (!kf.f[KFEAT_BPF].ok) {
		printf("skip bpf: %s\n", kf.f[KFEAT_BPF].why.text);
		return 0;
	}
	verify(&kf);
	attach_each_way(&kf);
	ask_of_programs(&kf);
	return failed;
}
