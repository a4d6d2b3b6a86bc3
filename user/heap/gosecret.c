/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/gosecret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gofacts.h"
#include "heap/goheap.h"
#include "heap/gospecial.h"

#define EXPERIMENT "runtimesecret" /* "go1.26.8 X:runtimesecret" */

struct gosecret {
	struct addrspace as; /* first */
	const struct addrspace *under;
	struct gosecret *before; /* NULL, or under */
	struct goheap *heap;     /* NULL: it could not be read */
	struct gospecials *specials;
	bool all; /* not all marks are known */
};

void gosecret__free(struct gosecret *s)
{
	if (!s)
		return;
	goheap__free(s->heap);
	gospecials__free(s->specials);
	gosecret__free(s->before);
	free(s);
}

static bool is_secret(const struct gosecret *s, uint64_t addr, size_t len)
{
	struct goobject o;

	if (s->all)
		return !s->heap || (addr < s->heap->hi && addr + len > s->heap->lo);
	if (!goheap__object(s->heap, addr, &o) && o.base < addr) {
		len += addr - o.base;
		addr = o.base;
	}
	return gospecials__secret(s->specials, addr, len);
}

static int gosecret__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct gosecret *s = (const struct gosecret *)as;

	if (addr + len < addr)
		return -EFAULT;
	return is_secret(s, addr, len) ? -EACCES : addrspace__read(s->under, addr, buf, len);
}

int gosecret__new(const struct addrspace *as, const struct goruntime *rt, struct gosecret **ret)
{
	scoped(gosecret) s = NULL;
	int err;

	if (!gofacts_has(rt->minor, GO_SECRETS) || !strstr(rt->version, EXPERIMENT))
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->as.read = gosecret__read;
	s->under = gosecret__space(*ret, as);
	err = goheap__read(as, rt, &s->heap, NULL);
	if (!err)
		err = gospecials__read(as, rt, s->heap, &s->specials);
	if (err == -ESRCH || err == -ENOMEM)
		return err;
	s->all = err || s->heap->refused || s->specials->lost;
	s->before = *ret;
	*ret = steal(s);
	return 0;
}

const struct addrspace *gosecret__space(const struct gosecret *s, const struct addrspace *as)
{
	return s ? &s->as : as;
}
