/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gotypes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/u64map.h"
#include "golang/gofacts.h"
#include "golang/gofields.h"
#include "golang/gotype.h"

#define CACHE_BYTES (16u << 20) /* of descriptors and names */

/* Go internal/abi/type.go Type */
#define TYPE_SIZE  0
#define TYPE_PTRS  8
#define TYPE_HASH  16
#define TYPE_TFLAG 20
#define TYPE_ALIGN 21
#define TYPE_KIND  23
#define TYPE_STR   40
#define TYPE_BYTES 48
#define KIND_MASK  31
#define KIND_LAST  GOKIND_UNSAFE_POINTER
#define DIRECT     32
enum { TFLAG_UNCOMMON = 1, TFLAG_EXTRASTAR = 2, TFLAG_NAMED = 4 };

/* Behind it, by kind: ArrayType.Len; InterfaceType.Methods; StructType.Fields; FuncType counts. */
#define ELEM          48
#define FUNC_IN       48
#define FUNC_OUT      50
#define FUNC_OUT_BITS 0x7fffu
#define SLICE_AT      56 /* {ptr, len, cap} of fields, of methods */
#define ARRAY_LEN     64
#define SPECIFIC_MAX  128
#define UNCOMMON      16 /* bytes of an UncommonType */
#define METHOD_BYTES  16
#define IMETHOD_BYTES 8
#define FIELD_BYTES   24
#define NAME_EMBEDDED 8 /* of the flags of a field's name, Go 1.19 and later */

#define SIZE_MAX_SANE (1ull << 40)

struct cached_space { /* an addrspace over a pagecache */
	struct addrspace as;
	struct pagecache *mem;
};

struct gotypes {
	struct cached_space space;
	const struct goruntime *rt;
	const struct gofacts *go;
	uint64_t types, etypes; /* of the program itself */
	struct u64map known;    /* address to struct gotype *; 0: there is none */
	struct arena arena;
};

static int cached_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	return pagecache__read(((const struct cached_space *)as)->mem, addr, buf, len);
}

static uint64_t u64_at(const uint8_t *b, size_t at)
{
	uint64_t v;

	memcpy(&v, b + at, sizeof(v));
	return v;
}

static uint32_t u32_at(const uint8_t *b, size_t at)
{
	uint32_t v;

	memcpy(&v, b + at, sizeof(v));
	return v;
}

static uint16_t u16_at(const uint8_t *b, size_t at)
{
	uint16_t v;

	memcpy(&v, b + at, sizeof(v));
	return v;
}

int gotypes__new(const struct addrspace *as, const struct goruntime *rt, struct gotypes **ret)
{
	scoped(gotypes) ts = calloc(1, sizeof(*ts));
	int err;

	if (!ts)
		return -ENOMEM;
	if (gofacts_too_old(rt->minor) || gofacts_too_new(rt->minor) || !rt->nr_modules)
		return -EOPNOTSUPP;
	ts->rt = rt;
	ts->go = gofacts_of(rt->minor);
	ts->known.max = GOTYPES_MAX;
	err = pagecache__new(as, CACHE_BYTES, &ts->space.mem);
	if (err)
		return err;
	ts->space.as.read = cached_read;
	err = addrspace__read(as, rt->modules[0].moduledata + ts->go->md_types, &ts->types,
			      sizeof(ts->types));
	if (!err)
		err = addrspace__read(as, rt->modules[0].moduledata + ts->go->md_etypes,
				      &ts->etypes, sizeof(ts->etypes));
	if (err)
		return err;
	*ret = steal(ts);
	return 0;
}

void gotypes__free(struct gotypes *ts)
{
	if (!ts)
		return;
	pagecache__free(ts->space.mem);
	u64map__done(&ts->known);
	arena__done(&ts->arena);
	free(ts);
}

void gotypes__trim(struct gotypes *ts)
{
	pagecache__empty(ts->space.mem);
}

bool gotypes__is_half_full(const struct gotypes *ts)
{
	return ts->known.nr > GOTYPES_MAX / 2;
}

/* --- one descriptor --- */

static bool makes_sense(const uint8_t *raw)
{
	const uint8_t kind = raw[TYPE_KIND] & KIND_MASK, align = raw[TYPE_ALIGN];

	return kind && kind <= KIND_LAST && u64_at(raw, TYPE_SIZE) <= SIZE_MAX_SANE &&
	       u64_at(raw, TYPE_PTRS) <= u64_at(raw, TYPE_SIZE) && u32_at(raw, TYPE_HASH) &&
	       align && align <= 16 && !(align & (align - 1)) && (int32_t)u32_at(raw, TYPE_STR) > 0;
}

/* Bytes of what stands between the Type and the uncommon part. */
static size_t specific_bytes(const struct gotypes *ts, uint8_t kind)
{
	switch (kind) {
	case GOKIND_ARRAY: return 72;
	case GOKIND_CHAN: return 64;
	case GOKIND_FUNC:
	case GOKIND_POINTER:
	case GOKIND_SLICE: return 56;
	case GOKIND_INTERFACE:
	case GOKIND_STRUCT: return 80;
	case GOKIND_MAP: return ts->go->maptype_bytes;
	default: return TYPE_BYTES;
	}
}

static bool has_elem(uint8_t kind)
{
	return kind == GOKIND_ARRAY || kind == GOKIND_CHAN || kind == GOKIND_POINTER ||
	       kind == GOKIND_SLICE;
}

/* raw: SPECIFIC_MAX bytes. -EBADMSG: it is no descriptor. */
static int gotypes__raw(struct gotypes *ts, uint64_t addr, uint8_t *raw)
{
	size_t len;
	int err;

	if (addr % 8 || addr < ts->types || addr >= ts->etypes || ts->etypes - addr < TYPE_BYTES)
		return -EBADMSG;
	err = pagecache__read(ts->space.mem, addr, raw, TYPE_BYTES);
	if (err)
		return err;
	if (!makes_sense(raw))
		return -EBADMSG;
	len = specific_bytes(ts, raw[TYPE_KIND] & KIND_MASK);
	memset(raw + TYPE_BYTES, 0, SPECIFIC_MAX - TYPE_BYTES);
	return pagecache__read(ts->space.mem, addr + TYPE_BYTES, raw + TYPE_BYTES,
			       len - TYPE_BYTES);
}

static struct gotype *gotypes__make(struct gotypes *ts, uint64_t addr, const uint8_t *raw)
{
	struct gotype *t = arena__alloc(&ts->arena, sizeof(*t));
	const uint8_t kind = raw[TYPE_KIND] & KIND_MASK;

	if (!t)
		return NULL;
	*t = (struct gotype){
		.addr = addr,
		.size = u64_at(raw, TYPE_SIZE),
		.ptr_bytes = u64_at(raw, TYPE_PTRS),
		.elem = has_elem(kind) ? u64_at(raw, ELEM) : 0,
		.hash = u32_at(raw, TYPE_HASH),
		.id = (uint32_t)ts->known.nr,
		.kind = kind,
		.align = raw[TYPE_ALIGN],
		.named = raw[TYPE_TFLAG] & TFLAG_NAMED,
		.direct = raw[ts->go->type_direct] & DIRECT,
	};
	if (kind == GOKIND_ARRAY || kind == GOKIND_INTERFACE)
		t->len = u64_at(raw, ARRAY_LEN);
	if (kind == GOKIND_STRUCT && u64_at(raw, SLICE_AT + 8) <= GOFIELDS_MAX) {
		t->fields_at = u64_at(raw, SLICE_AT);
		t->nr_fields = (uint32_t)u64_at(raw, SLICE_AT + 8);
	}
	return t;
}

const struct gotype *gotypes__at(struct gotypes *ts, uint64_t addr)
{
	uint8_t raw[SPECIFIC_MAX];
	struct gotype *t = NULL;
	uint64_t known;

	if (addr < ts->types || addr >= ts->etypes)
		return NULL;
	if (u64map__get(&ts->known, addr, &known))
		return (const struct gotype *)(uintptr_t)known;
	if (!gotypes__raw(ts, addr, raw))
		t = gotypes__make(ts, addr, raw);
	return u64map__set(&ts->known, addr, (uintptr_t)t) ? NULL : t;
}

const struct gotype *gotypes__elem(struct gotypes *ts, const struct gotype *t)
{
	return t->elem ? gotypes__at(ts, t->elem) : NULL;
}

/* --- fields --- */

static const char *gotypes__text(struct gotypes *ts, uint64_t name)
{
	char text[GOTYPE_NAME_MAX];

	if (gotype_text(&ts->space.as, ts->rt, name, text, sizeof(text)))
		return NULL;
	return arena__copy(&ts->arena, text, strlen(text) + 1);
}

/* false: it makes no sense. */
static bool gotypes__take_field(struct gotypes *ts, const struct gotype *t, const uint8_t *raw,
				struct gofield *f)
{
	const bool plain = gofacts_has(ts->rt->minor, GO_PLAIN_OFFSETS);
	uint8_t flags = 0;

	*f = (struct gofield){ .name = gotypes__text(ts, u64_at(raw, 0)),
			       .type = gotypes__at(ts, u64_at(raw, 8)),
			       .offset = u64_at(raw, 16) >> !plain,
			       .embedded = !plain && (raw[16] & 1) };
	if (plain && !pagecache__u8(ts->space.mem, u64_at(raw, 0), &flags))
		f->embedded = flags & NAME_EMBEDDED;
	return f->name && f->type && f->offset <= t->size && f->type->size <= t->size - f->offset;
}

const struct gofield *gotypes__fields(struct gotypes *ts, const struct gotype *ct)
{
	struct gotype *t = (struct gotype *)(uintptr_t)ct; /* ours: only what is kept changes */
	uint8_t raw[FIELD_BYTES];
	struct gofield *v;

	if (t->fields_read)
		return t->own;
	t->fields_read = true;
	if (!t->nr_fields)
		return NULL;
	v = arena__array(&ts->arena, t->nr_fields, sizeof(*v));
	if (!v)
		return NULL;
	for (uint32_t i = 0; i < t->nr_fields; i++)
		if (pagecache__read(ts->space.mem, t->fields_at + i * FIELD_BYTES, raw,
				    sizeof(raw)) ||
		    !gotypes__take_field(ts, t, raw, &v[i]))
			return NULL;
	t->own = v;
	return v;
}

static const struct gofield *gotypes__look_up(struct gotypes *ts, const struct gotype *t,
					      const char *name, unsigned int depth,
					      uint64_t *ret_offset)
{
	const struct gofield *v = gotypes__fields(ts, t), *found;

	for (uint32_t i = 0; v && i < t->nr_fields; i++)
		if (!strcmp(v[i].name, name)) {
			*ret_offset = v[i].offset;
			return &v[i];
		}
	for (uint32_t i = 0; v && i < t->nr_fields && depth; i++) {
		if (!v[i].embedded || v[i].type->kind != GOKIND_STRUCT)
			continue;
		found = gotypes__look_up(ts, v[i].type, name, depth - 1, ret_offset);
		if (found) {
			*ret_offset += v[i].offset;
			return found;
		}
	}
	return NULL;
}

#define EMBEDDED_MAX 4 /* structs in structs whose fields count */

const struct gofield *gotypes__field(struct gotypes *ts, const struct gotype *t, const char *name,
				     uint64_t *ret_offset)
{
	return gotypes__look_up(ts, t, name, EMBEDDED_MAX, ret_offset);
}

/* --- names --- */

/* A package's name in the type's, "http.Request", becomes its path: "net/http.Request". */
static void gotypes__full(struct gotypes *ts, uint64_t addr, const uint8_t *raw, char *buf,
			  size_t size)
{
	const size_t at = specific_bytes(ts, raw[TYPE_KIND] & KIND_MASK);
	char text[GOTYPE_NAME_MAX], path[GOTYPE_NAME_MAX];
	const char *dot;
	uint32_t off;

	buf[0] = '\0';
	if (gotype_name(&ts->space.as, ts->rt, addr, text, sizeof(text)))
		return;
	dot = strchr(text, '.');
	if (!(raw[TYPE_TFLAG] & TFLAG_UNCOMMON) || !dot ||
	    pagecache__u32(ts->space.mem, addr + at, &off) || !off ||
	    gotype_text(&ts->space.as, ts->rt, ts->types + off, path, sizeof(path)))
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, "%s%s", path, dot);
}

void gotypes__name(struct gotypes *ts, const struct gotype *t, char *buf, size_t size)
{
	const struct gotype *to = t->kind == GOKIND_POINTER ? gotypes__elem(ts, t) : NULL;
	uint8_t raw[SPECIFIC_MAX];

	buf[0] = '\0';
	if (to && size > 1) {
		*buf++ = '*';
		size--;
		t = to;
	}
	if (!gotypes__raw(ts, t->addr, raw))
		gotypes__full(ts, t->addr, raw, buf, size);
}

/* --- all types --- */

struct search {
	const char *const *names;
	size_t nr;
	const struct gotype **ret;
};

/* What is called "Request" of any package may be meant: most types end here. */
static bool may_be_meant(const struct search *s, const char *text)
{
	const char *own = strchr(text, '.');

	for (size_t i = 0; own && i < s->nr; i++) {
		const char *last = strrchr(s->names[i], '/');
		const char *dot = strchr(last ? last : s->names[i], '.');

		for (; dot; dot = strchr(dot + 1, '.')) /* a path may end in "v2.1" */
			if (!strcmp(dot, own))
				return true;
	}
	return false;
}

/* raw: of the type at addr, or of a pointer to it. */
static void gotypes__meet(struct gotypes *ts, const struct search *s, uint64_t addr, uint8_t *raw)
{
	char text[GOTYPE_NAME_MAX];

	if ((raw[TYPE_KIND] & KIND_MASK) == GOKIND_POINTER) {
		addr = u64_at(raw, ELEM);
		if (gotypes__raw(ts, addr, raw))
			return;
	}
	if (!(raw[TYPE_TFLAG] & TFLAG_NAMED) ||
	    gotype_name(&ts->space.as, ts->rt, addr, text, sizeof(text)) || !may_be_meant(s, text))
		return;
	gotypes__full(ts, addr, raw, text, sizeof(text));
	for (size_t i = 0; i < s->nr; i++)
		if (!s->ret[i] && !strcmp(s->names[i], text))
			s->ret[i] = gotypes__at(ts, addr);
}

/* Bytes of a descriptor with all that follows it. */
static uint64_t descriptor_bytes(struct gotypes *ts, uint64_t addr, const uint8_t *raw)
{
	const uint8_t kind = raw[TYPE_KIND] & KIND_MASK;
	uint64_t bytes = specific_bytes(ts, kind), more = 0;
	uint32_t counts;

	if (kind == GOKIND_FUNC)
		more = 8ull * u16_at(raw, FUNC_IN) + 8ull * (u16_at(raw, FUNC_OUT) & FUNC_OUT_BITS);
	else if (kind == GOKIND_INTERFACE)
		more = IMETHOD_BYTES * (u64_at(raw, SLICE_AT + 8) & UINT32_MAX);
	else if (kind == GOKIND_STRUCT)
		more = FIELD_BYTES * (u64_at(raw, SLICE_AT + 8) & UINT32_MAX);
	if ((raw[TYPE_TFLAG] & TFLAG_UNCOMMON) &&
	    !pagecache__u32(ts->space.mem, addr + bytes + 4, &counts))
		more += UNCOMMON + METHOD_BYTES * (counts & 0xffffu); /* mcount */
	return bytes + more;
}

/* Go 1.27: one behind the other. Where one makes no sense the rest is not found. */
static int gotypes__each_of_run(struct gotypes *ts, const struct search *s)
{
	uint64_t len, at = ts->types + 8;
	uint8_t raw[SPECIFIC_MAX];
	int err = addrspace__read(&ts->space.as,
				  ts->rt->modules[0].moduledata + ts->go->md_typedesclen, &len,
				  sizeof(len));

	if (err)
		return err;
	if (ts->etypes < ts->types || len > ts->etypes - ts->types)
		return -EBADMSG;
	for (uint32_t n = 0; at < ts->types + len && n < GOTYPES_LISTED_MAX; n++) {
		const uint64_t addr = (at + 7) & ~7ull;

		if (gotypes__raw(ts, addr, raw))
			break;
		at = addr + descriptor_bytes(ts, addr, raw);
		gotypes__meet(ts, s, addr, raw);
	}
	return 0;
}

static int gotypes__each_of_links(struct gotypes *ts, const struct search *s)
{
	uint64_t links[2]; /* ptr, len */
	uint8_t raw[SPECIFIC_MAX];
	uint32_t off;
	int err =
		addrspace__read(&ts->space.as, ts->rt->modules[0].moduledata + ts->go->md_typelinks,
				links, sizeof(links));

	if (err)
		return err;
	if (links[1] > GOTYPES_LISTED_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; i < links[1]; i++) {
		err = pagecache__u32(ts->space.mem, links[0] + 4 * i, &off);
		if (err)
			return err;
		if (!gotypes__raw(ts, ts->types + off, raw))
			gotypes__meet(ts, s, ts->types + off, raw);
	}
	return 0;
}

int gotypes__find(struct gotypes *ts, const char *const *names, size_t nr,
		  const struct gotype **ret)
{
	const struct search s = { names, nr, ret };

	if (nr > GOTYPES_FIND_MAX)
		return -EINVAL;
	memset(ret, 0, nr * sizeof(*ret));
	return ts->go->md_typelinks ? gotypes__each_of_links(ts, &s) : gotypes__each_of_run(ts, &s);
}
