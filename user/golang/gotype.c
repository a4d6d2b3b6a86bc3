/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gotype.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "golang/gofacts.h"

#define TYPE_PTRDATA    8  /* uintptr: bytes up to the end of the last pointer */
#define TYPE_TFLAG      20 /* u8, Go 1.14 to 1.27 */
#define TYPE_STR        40 /* i32 from moduledata.types */
#define TYPE_BYTES      48
#define TFLAG_EXTRASTAR 2 /* the name begins with a star that is not the type's */
#define LENGTH_BYTES    3 /* of a varint that is still a sane length */

struct range {
	uint64_t start, end;
};

/* The types of the module that holds the descriptor. */
static int types_of(const struct addrspace *as, const struct goruntime *rt, uint64_t type,
		    struct range *ret)
{
	const struct gofacts *go = gofacts_of(rt->minor);
	int err;

	if (gofacts_too_old(rt->minor) || gofacts_too_new(rt->minor))
		return -EOPNOTSUPP;
	for (uint32_t i = 0; i < rt->nr_modules; i++) {
		struct range r;

		err = addrspace__read(as, rt->modules[i].moduledata + go->md_types, &r.start,
				      sizeof(r.start));
		if (!err)
			err = addrspace__read(as, rt->modules[i].moduledata + go->md_etypes, &r.end,
					      sizeof(r.end));
		if (err)
			return err;
		if (type >= r.start && type < r.end && r.end - type >= TYPE_BYTES) {
			*ret = r;
			return 0;
		}
	}
	return -ENOENT;
}

/* A name is a byte of flags, its length, its bytes. *ret_at: where the bytes are. */
static int name_length(const struct addrspace *as, int minor, uint64_t name, uint64_t *ret_at,
		       size_t *ret)
{
	uint8_t b[1 + LENGTH_BYTES];
	size_t len = 0, used = 0;
	int err = addrspace__read(as, name, b, sizeof(b));

	if (err)
		return err;
	if (!gofacts_has(minor, GO_NAME_VARINT)) {
		*ret = (size_t)b[1] << 8 | b[2];
		*ret_at = name + 3;
		return 0;
	}
	do {
		if (used == LENGTH_BYTES)
			return -EBADMSG;
		len |= (size_t)(b[1 + used] & 0x7f) << 7 * used;
	} while (b[1 + used++] & 0x80);
	*ret = len;
	*ret_at = name + 1 + used;
	return 0;
}

int gotype_text(const struct addrspace *as, const struct goruntime *rt, uint64_t name, char *buf,
		size_t size)
{
	struct range types;
	uint64_t at;
	size_t len;
	int err = types_of(as, rt, name, &types);

	if (!err)
		err = name_length(as, rt->minor, name, &at, &len);
	if (err)
		return err;
	if (!len || at > types.end || len > types.end - at || !size)
		return -EBADMSG;
	len = len < size ? len : size - 1;
	err = addrspace__read(as, at, buf, len);
	if (err)
		return err;
	if (memchr(buf, '\0', len))
		return -EBADMSG;
	buf[len] = '\0';
	return 0;
}

int gotype_name(const struct addrspace *as, const struct goruntime *rt, uint64_t type, char *buf,
		size_t size)
{
	uint8_t t[TYPE_BYTES];
	struct range types;
	uint64_t at;
	size_t len, n;
	int32_t off;
	bool star, cut;
	int err;

	err = types_of(as, rt, type, &types);
	if (!err)
		err = addrspace__read(as, type, t, sizeof(t));
	if (err)
		return err;
	memcpy(&off, t + TYPE_STR, sizeof(off));
	if (off <= 0 || (uint64_t)off >= types.end - types.start)
		return off ? -EBADMSG : -ENOENT;
	err = name_length(as, rt->minor, types.start + (uint64_t)off, &at, &len);
	if (err)
		return err;
	star = t[TYPE_TFLAG] & TFLAG_EXTRASTAR;
	if (len <= star || at > types.end || len > types.end - at || size < 4)
		return -EBADMSG;
	len -= star;
	cut = len > size - 1;
	n = cut ? size - 4 : len;
	err = addrspace__read(as, at + star, buf, n);
	if (err)
		return err;
	if (memchr(buf, '\0', n))
		return -EBADMSG;
	memcpy(buf + n, cut ? "..." : "", cut ? 4 : 1);
	return 0;
}

int gotype_pointers(const struct addrspace *as, uint64_t type, bool *ret)
{
	uint64_t bytes;
	int err = addrspace__read(as, type + TYPE_PTRDATA, &bytes, sizeof(bytes));

	if (!err)
		*ret = bytes != 0;
	return err;
}
