/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/kfeat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "host/dummy.h"
#include "host/ulink.h"

#define VMLINUX_BTF  "/sys/kernel/btf/vmlinux"
#define TRIAL_HITS   16
#define TIMED_HITS   256
#define TIMED_ROUNDS 16
#define NOP5_CHEAPER 0.95 /* of an emulated instruction's time, to be worth the name */

static const struct {
	const char *name, *what;
} feats[KFEAT_MAX] = {
	[KFEAT_BTF] = { "btf", "the kernel's own types, to be read by doctor and bpftool; "
			       "parkwatch works without" },
	[KFEAT_BPF] = { "bpf", "BPF programs can be loaded" },
	[KFEAT_RINGBUF] = { "ringbuf",
			    "BPF ring buffer: events in order, one buffer for all processors" },
	[KFEAT_UPROBE_MULTI] = { "uprobe-multi",
				 "all places of a file by one link, with CAP_BPF and CAP_PERFMON" },
	[KFEAT_PERF_LINK] = { "perf-link", "uprobes by perf event and BPF link, with cookie" },
	[KFEAT_PERF_IOCTL] = { "perf-ioctl", "uprobes by perf event and ioctl" },
	[KFEAT_NOP5] = { "nop5", "a probe on a 5-byte nop costs less than a trap" },
};

const char *kfeat_name(enum kfeat_id id)
{
	return (unsigned int)id < KFEAT_MAX ? feats[id].name : "?";
}

const char *kfeat_what(enum kfeat_id id)
{
	return (unsigned int)id < KFEAT_MAX ? feats[id].what : "?";
}

static void kfeat__set(struct kfeat *kf, enum kfeat_id id, int err, const char *what,
		       const char *next)
{
	kf->f[id].ok = err == 0;
	kf->f[id].err = err;
	if (err)
		cause__set(&kf->f[id].why, err, "%s: %s; %s", what, strerror(-err), next);
}

static const char *step_for(int err, const char *caps)
{
	return err == -EPERM || err == -EACCES ? caps : "this kernel cannot do it";
}

/* A uprobe program that adds one to the value of an array map. fd, or negative errno. */
static int load_counter(int map_fd, enum bpf_attach_type type)
{
	const struct bpf_insn insns[] = {
		/* *(u32 *)(fp - 4) = 0; r1 = map; r2 = fp - 4; r0 = bpf_map_lookup_elem(r1, r2) */
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map_fd },
		{ .code = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		/* if (r0) *r0 += 1, atomically; return 0 */
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_0,
		  .src_reg = BPF_REG_1,
		  .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "pw_trial", "GPL", insns, ARRAY_SIZE(insns),
			     &opts);
}

/* Each method has an instruction of the child to itself, so that all links can stay until the end. */
static const struct {
	enum kfeat_id id;
	enum attach_method method;
	enum insn_class class;
} methods[] = {
	{ KFEAT_UPROBE_MULTI, ATTACH_MULTI, INSN_PUSH },
	{ KFEAT_PERF_LINK, ATTACH_PERF_LINK, INSN_CALL },
	{ KFEAT_PERF_IOCTL, ATTACH_PERF_IOCTL, INSN_NOP },
};

struct trial {
	struct dummy *child;
	int map_fd;
	int prog_fd, multi_prog_fd;
	struct ulink links[ARRAY_SIZE(methods) + 1];
	unsigned int nr_links;
};

static int trial__attach(struct trial *t, enum attach_method method, enum insn_class class)
{
	unsigned long offset = dummy__offset(t->child, class);
	__u64 cookie = 1;
	struct uplace where = { "/proc/self/exe", &offset, &cookie, 1 };
	int prog_fd = method == ATTACH_MULTI ? t->multi_prog_fd : t->prog_fd;
	int err =
		ulink__open(method, prog_fd, dummy__pid(t->child), &where, &t->links[t->nr_links]);

	if (!err)
		t->nr_links++;
	return err;
}

/* Hits that a probe on this class counts while each of two threads runs it TRIAL_HITS times. */
static int trial__hits(const struct trial *t, enum insn_class class, uint64_t *ret)
{
	uint64_t hits = 0, ns;
	uint32_t key = 0;
	int err = bpf_map_update_elem(t->map_fd, &key, &hits, BPF_ANY);

	if (!err)
		err = dummy__run(t->child, class, TRIAL_HITS, false, &ns);
	if (!err)
		err = dummy__run(t->child, class, TRIAL_HITS, true, &ns);
	if (!err)
		err = bpf_map_lookup_elem(t->map_fd, &key, &hits);
	*ret = hits;
	return err;
}

/* Makes a link of one method and sees that it counts all threads of the child. */
static void try_method(struct kfeat *kf, struct trial *t, enum kfeat_id id,
		       enum attach_method method, enum insn_class class)
{
	const char *caps =
		method == ATTACH_MULTI
			? "needs CAP_BPF and CAP_PERFMON, or run with sudo"
			: "needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, or run with sudo";
	uint64_t hits = 0;
	int err = trial__attach(t, method, class);

	if (err) {
		kfeat__set(kf, id, err, "cannot attach a uprobe to a child", step_for(err, caps));
		return;
	}
	err = trial__hits(t, class, &hits);
	if (!err && hits == TRIAL_HITS)
		kfeat__set(kf, id, -EOPNOTSUPP, "the process filter takes in one thread only",
			   "another method is used");
	else if (!err && hits != 2 * TRIAL_HITS)
		kfeat__set(kf, id, -EOPNOTSUPP, "a trial probe did not count what the child did",
			   "another method is used");
	else
		kfeat__set(kf, id, err, "the child of the trial failed", "try again");
}

/* Times a probe on the nop beside the one of the same method that is there already; the shortest
 * rounds: noise only adds. */
static void try_nop5(struct kfeat *kf, struct trial *t)
{
	uint64_t ns, nop5 = UINT64_MAX, other = UINT64_MAX;
	unsigned int w = 0;
	int err;

	while (w < ARRAY_SIZE(methods) - 1 && !kf->f[methods[w].id].ok)
		w++;
	err = trial__attach(t, methods[w].method, INSN_NOP5);
	for (int i = 0; i < TIMED_ROUNDS && !err; i++) {
		err = dummy__run(t->child, methods[w].class, TIMED_HITS, false, &ns);
		other = !err && ns < other ? ns : other;
		if (!err)
			err = dummy__run(t->child, INSN_NOP5, TIMED_HITS, false, &ns);
		nop5 = !err && ns < nop5 ? ns : nop5;
	}
	if (err)
		kfeat__set(kf, KFEAT_NOP5, err, "cannot time probes", "see the methods to attach");
	else if ((double)nop5 > NOP5_CHEAPER * (double)other)
		kfeat__set(kf, KFEAT_NOP5, -EOPNOTSUPP,
			   "a probe on a 5-byte nop is no cheaper here",
			   "emulated instructions are used");
	else
		kfeat__set(kf, KFEAT_NOP5, 0, NULL, NULL);
}

static void try_ringbuf(struct kfeat *kf)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "pw_trial", 0, 0, (uint32_t)getpagesize(),
				NULL);

	kfeat__set(kf, KFEAT_RINGBUF, fd < 0 ? fd : 0, "cannot make a BPF ring buffer",
		   step_for(fd, "needs CAP_BPF, or run with sudo"));
	if (fd >= 0)
		close(fd);
}

/* Those that are wanted; ATTACH_AUTO: until one works. */
static void try_methods(struct kfeat *kf, struct trial *t, enum attach_method method, bool all)
{
	bool found = false;

	for (unsigned int i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!all && (found || (method != ATTACH_AUTO && method != methods[i].method)))
			kfeat__set(kf, methods[i].id, -ECANCELED, "not tried", "see doctor");
		else if (methods[i].method == ATTACH_MULTI && t->multi_prog_fd < 0)
			kfeat__set(kf, methods[i].id, t->multi_prog_fd,
				   "cannot load a uprobe_multi program",
				   "this kernel cannot do it");
		else
			try_method(kf, t, methods[i].id, methods[i].method, methods[i].class);
		found |= kf->f[methods[i].id].ok;
	}
}

static void try_uprobes(struct kfeat *kf, struct trial *t, enum attach_method method, bool all)
{
	int err;

	t->map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pw_trial", sizeof(uint32_t),
				   sizeof(uint64_t), 1, NULL);
	t->prog_fd = t->map_fd < 0 ? t->map_fd : load_counter(t->map_fd, 0);
	err = t->prog_fd < 0 ? t->prog_fd : 0;
	kfeat__set(kf, KFEAT_BPF, err, "cannot load a BPF program",
		   step_for(err, "needs CAP_BPF and CAP_PERFMON, or run with sudo"));
	if (!err)
		err = dummy__new(&t->child);
	if (err) {
		for (int id = KFEAT_UPROBE_MULTI; id < KFEAT_MAX; id++)
			kfeat__set(kf, id, err, "cannot try uprobes", "see bpf");
		return;
	}
	t->multi_prog_fd = load_counter(t->map_fd, ULINK_MULTI_TYPE);
	try_methods(kf, t, method, all);
	try_nop5(kf, t);
}

static void probe(struct kfeat *kf, enum attach_method method, bool all)
{
	struct trial t = { .map_fd = -EBADF, .prog_fd = -EBADF, .multi_prog_fd = -EBADF };
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct utsname u;

	memset(kf, 0, sizeof(*kf));
	if (!uname(&u))
		snprintf(kf->release, sizeof(kf->release), "%.64s", u.release);
	kfeat__set(kf, KFEAT_BTF, access(VMLINUX_BTF, R_OK) ? -errno : 0, "no " VMLINUX_BTF,
		   "parkwatch does not need it");
	try_ringbuf(kf);
	try_uprobes(kf, &t, method, all);
	ulinks__close(t.links, t.nr_links);
	dummy__free(t.child);
	if (t.map_fd >= 0)
		close(t.map_fd);
	if (t.prog_fd >= 0)
		close(t.prog_fd);
	if (t.multi_prog_fd >= 0)
		close(t.multi_prog_fd);
	libbpf_set_print(print);
}

const struct kfeat *kfeat_for(enum attach_method method)
{
	static struct kfeat known[ATTACH_PERF_IOCTL + 1];
	static bool tried[ATTACH_PERF_IOCTL + 1];

	if (!tried[method])
		probe(&known[method], method, false);
	tried[method] = true;
	return &known[method];
}

void kfeat__probe_all(struct kfeat *kf)
{
	probe(kf, ATTACH_AUTO, true);
}
