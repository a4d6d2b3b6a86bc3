// SPDX-License-Identifier: BSD-2-Clause
#include "host/task_layout.h"

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#define IN_BITS 8

/* Bytes from the struct's begin to its member, and the member's type; -ENOENT. */
static int member_at(const struct btf *btf, int32_t id, const char *name, int32_t *ret_type)
{
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	const struct btf_member *m = t && btf_is_composite(t) ? btf_members(t) : NULL;

	for (uint16_t i = 0; m && i < btf_vlen(t); i++) {
		if (strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			continue;
		*ret_type = btf__resolve_type(btf, m[i].type);
		return (int32_t)(btf_member_bit_offset(t, i) / IN_BITS);
	}
	return -ENOENT;
}

/* The same through structs: names ends with NULL. */
static int path_at(const struct btf *btf, int32_t id, const char *const *names)
{
	int sum = 0;

	for (; *names; names++) {
		const int at = member_at(btf, id, *names, &id);

		if (at < 0)
			return at;
		sum += at;
	}
	return sum;
}

static int find(const struct btf *btf, struct task_layout *ret)
{
	static const char *const x86[] = { "thread", "fsbase", NULL },
				 *const arm64[] = { "thread", "uw", "tp_value", NULL },
				 *const stacks[] = { "stack", NULL };
	const int32_t task = btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT);
	const int fs = path_at(btf, task, x86), thread = fs < 0 ? path_at(btf, task, arm64) : fs,
		  stack = path_at(btf, task, stacks);

	if (thread < 0 || stack < 0)
		return -ENOENT;
	ret->thread = thread;
	ret->stack = stack;
	return 0;
}

int task_layout__get(struct task_layout *ret)
{
	static struct task_layout known;
	static bool is_known;
	struct btf *btf;
	int err;

	if (!is_known) {
		btf = btf__load_vmlinux_btf();
		err = libbpf_get_error(btf) ? -ENOENT : find(btf, &known);
		if (!libbpf_get_error(btf))
			btf__free(btf);
		if (err)
			return err;
		known.regs_helper = libbpf_probe_bpf_helper(BPF_PROG_TYPE_PERF_EVENT,
							    BPF_FUNC_task_pt_regs, NULL) == 1;
		is_known = true;
	}
	*ret = known;
	return 0;
}
