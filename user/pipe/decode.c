// SPDX-License-Identifier: BSD-2-Clause
#include "pipe/decode.h"

#include <errno.h>

static int stack_size_check(const struct pw_stack *s, size_t size)
{
	const size_t head = offsetof(struct pw_stack, pcs);

	if (size < head || s->nr < 1 || s->nr > PW_STACK_MAX)
		return -EBADMSG;
	return size == head + s->nr * sizeof(s->pcs[0]) ? 0 : -EBADMSG;
}

static int cpu_size_check(const struct pw_cpu *c, size_t size)
{
	const struct pw_stack *st = (const struct pw_stack *)(c + 1);

	if (size < sizeof(*c) + offsetof(struct pw_stack, pcs) || c->nr_words > PW_CPU_WORDS)
		return -EBADMSG;
	return stack_size_check(st, size - sizeof(*c));
}

int pw_decode(const void *buf, size_t len, const struct pw_hdr **ret)
{
	static const size_t sizes[PW_KIND_MAX] = {
		[PW_BIRTH] = sizeof(struct pw_birth), [PW_EXIT] = sizeof(struct pw_exit),
		[PW_WAIT] = sizeof(struct pw_wait),   [PW_SCHED] = sizeof(struct pw_sched),
		[PW_WAKE] = sizeof(struct pw_wake),   [PW_BLOCK] = sizeof(struct pw_block),
		[PW_MUTEX] = sizeof(struct pw_mutex), [PW_ROUND] = sizeof(struct pw_round),
		[PW_CALL] = sizeof(struct pw_call),   [PW_ALLOC] = sizeof(struct pw_alloc),
	};
	const struct pw_hdr *h = buf;
	int err;

	if (len < sizeof(*h))
		return -EBADMSG;
	if (h->kind == PW_NONE || h->kind >= PW_KIND_MAX)
		return -EOPNOTSUPP;
	if (h->size < sizeof(*h) || h->size > len)
		return -EBADMSG;
	if (h->kind == PW_STACK)
		err = stack_size_check((const struct pw_stack *)h, h->size);
	else if (h->kind == PW_CPU)
		err = cpu_size_check((const struct pw_cpu *)h, h->size);
	else
		err = h->size == sizes[h->kind] ? 0 : -EBADMSG;
	if (err)
		return err;
	*ret = h;
	return 0;
}

int pipe_stats__decode(struct pipe_stats *ps, const void *buf, size_t len,
		       const struct pw_hdr **ret)
{
	int err = pw_decode(buf, len, ret);

	ps->in++;
	if (!err)
		ps->out++;
	else if (err == -EOPNOTSUPP)
		ps->unknown++;
	else
		ps->malformed++;
	return err;
}
