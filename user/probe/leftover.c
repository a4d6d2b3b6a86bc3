// SPDX-License-Identifier: BSD-2-Clause
#include "probe/leftover.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/cleanup.h"

/* return 0 */
static int load_nothing(enum bpf_attach_type type)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "pw_nothing", "GPL", insns, ARRAY_SIZE(insns),
			     &opts);
}

/* By the first method that works: which one it is does not matter to what is left. */
static int touch(const struct goplace *place, pid_t pid, struct ulink *ret)
{
	static const enum attach_method methods[] = { ATTACH_MULTI, ATTACH_PERF_LINK,
						      ATTACH_PERF_IOCTL };
	const unsigned long offset = place->offset;
	const __u64 cookie = 0;
	const struct uplace where = { place->path, &offset, &cookie, 1 };
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(methods) && err; i++) {
		scoped_fd int fd = load_nothing(methods[i] == ATTACH_MULTI
							? (enum bpf_attach_type)ULINK_MULTI_TYPE
							: 0);

		err = fd < 0 ? fd : ulink__open(methods[i], fd, pid, &where, ret);
	}
	return err;
}

/* All links are made, then all are closed, at the same time: each closing takes 20 to 200 ms. */
static int touch_all(const struct goproc *gp, pid_t pid, const struct textdiff *d,
		     struct cause *why)
{
	scoped_mem struct ulink *links = calloc(d->nr ? d->nr : 1, sizeof(*links));
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	size_t nr = 0;
	int err = links ? 0 : -ENOMEM;

	for (size_t i = 0; i < d->nr && !err; i++) {
		struct goplace place;

		if (goproc__place(gp, d->addrs[i], &place))
			continue;
		err = touch(&place, pid, &links[nr]);
		nr += !err;
	}
	if (links)
		ulinks__close(links, nr);
	libbpf_set_print(print);
	if (err)
		return cause__set(why, err, "cannot make a probe at a place of an old one: %s",
				  strerror(-err));
	return 0;
}

int leftover__repair(const struct goproc *gp, const struct proc *p, struct textdiff *d,
		     struct cause *why)
{
	sigset_t all, before;
	int err;

	if (!d->nr)
		return 0;
	if (proc__traced(p))
		return cause__set(why, -EBUSY,
				  "a debugger has the process, its breakpoints look the same");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	err = touch_all(gp, proc__pid(p), d, why);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err ? err : textdiff__find(gp, p, d);
}
