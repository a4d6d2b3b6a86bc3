/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gosym.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "golang/gofacts.h"
#include "golang/gofind.h"
#include "golang/gowrap.h"
#include "golang/pclntab.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define PAGES_BYTES  (4u << 20)  /* of the page cache */
#define RAW_NAME_MAX (32u << 10) /* bytes of a name, its type arguments included */

/* A name or file, each once. */
struct text {
	UT_hash_handle hh;
	char s[];
};

/* The frames of a pc, as they were found first. */
struct answer {
	uint64_t key; /* pc * 2 + is_return */
	UT_hash_handle hh;
	int nr;
	struct goframe frames[];
};

/* What a name was found to be. */
struct found {
	UT_hash_handle hh;
	struct gofunc fn;
	char key[]; /* module, a blank, the name */
};

struct gosym {
	size_t nr;
	const struct goarch *arch; /* NULL: not known */
	struct pclntab *modules;
	struct pagecache *mem;
	struct text *texts;
	struct answer *answers;
	struct found *found;
	size_t text_bytes, answer_bytes;
	char *raw; /* RAW_NAME_MAX bytes to read a name into */
};

int gosym__new(const struct addrspace *as, const struct pclntab *modules, size_t nr,
	       struct gosym **ret)
{
	scoped(gosym) s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	if (!nr || nr > GOSYM_MODULES_MAX)
		return -EINVAL;
	s->modules = reallocarray(NULL, nr, sizeof(*modules));
	s->raw = malloc(RAW_NAME_MAX);
	if (!s->modules || !s->raw)
		return -ENOMEM;
	memcpy(s->modules, modules, nr * sizeof(*modules));
	s->nr = nr;
	err = pagecache__new(as, PAGES_BYTES, &s->mem);
	if (err)
		return err;
	*ret = steal(s);
	return 0;
}

void gosym__set_arch(struct gosym *s, const struct goarch *arch)
{
	s->arch = arch;
}

void gosym__free(struct gosym *s)
{
	struct answer *a, *next_a;
	struct text *t, *next_t;
	struct found *f, *next_f;

	if (!s)
		return;
	HASH_ITER(hh, s->answers, a, next_a)
	{
		HASH_DEL(s->answers, a);
		free(a);
	}
	HASH_ITER(hh, s->texts, t, next_t)
	{
		HASH_DEL(s->texts, t);
		free(t);
	}
	HASH_ITER(hh, s->found, f, next_f)
	{
		HASH_DEL(s->found, f);
		free(f);
	}
	pagecache__free(s->mem);
	free(s->modules);
	free(s->raw);
	free(s);
}

size_t gosym__memory_bytes(const struct gosym *s)
{
	return sizeof(*s) + s->nr * sizeof(*s->modules) + RAW_NAME_MAX + pagecache__bytes(s->mem) +
	       s->text_bytes + s->answer_bytes;
}

/* --- texts --- */

static const char *gosym__intern(struct gosym *s, const char *str, size_t len)
{
	struct text *t;

	HASH_FIND(hh, s->texts, str, len, t);
	if (t)
		return t->s;
	if (s->text_bytes + sizeof(*t) + len > GOSYM_TEXT_MAX)
		return "?";
	t = malloc(sizeof(*t) + len + 1);
	if (!t)
		return "?";
	memcpy(t->s, str, len);
	t->s[len] = '\0';
	HASH_ADD_KEYPTR(hh, s->texts, t->s, len, t);
	if (!t->hh.tbl) {
		free(t);
		return "?";
	}
	s->text_bytes += sizeof(*t) + len;
	return t->s;
}

/*
 * Type arguments become "...": from the first '[' to the last ']' (Go 1.21 runtime/traceback.go
 * funcNameForPrint).
 */
static size_t elide_type_args(char *name, size_t len)
{
	char *open = memchr(name, '[', len), *close = open ? memrchr(name, ']', len) : NULL;
	size_t tail;

	if (!close || close < open)
		return len;
	tail = len - (size_t)(close - name);
	memmove(open + 4, close, tail); /* grows by 3 bytes at most: the caller has left room */
	memcpy(open, "[...", 4);
	return (size_t)(open + 4 - name) + tail;
}

static int gosym__text_at(struct gosym *s, uint64_t addr, bool is_name, const char **ret)
{
	size_t len;
	int err = pagecache__read_str(s->mem, addr, s->raw, RAW_NAME_MAX - 8, &len);

	if (err)
		return err;
	if (is_name)
		len = elide_type_args(s->raw, len);
	if (len > GOSYM_NAME_MAX) {
		len = GOSYM_NAME_MAX;
		memcpy(s->raw + len - 3, "...", 3);
	}
	s->raw[len] = '\0';
	len = clean_text(s->raw);
	*ret = gosym__intern(s, s->raw, len);
	return 0;
}

/*
 * Offset 0 is a name, that of the first function, but to Go's runtime it means none:
 * runtime.funcname, and from Go 1.21 (*moduledata).funcName for inlined calls too. We say what it
 * says.
 */
static int gosym__name(struct gosym *s, const struct pclntab *t, uint32_t nameoff, bool inlined,
		       const char **ret)
{
	if (nameoff >= t->names.len)
		return -EBADMSG;
	if (!nameoff && (!inlined || gofacts_has(t->minor, GO_NAMELESS_INLINED))) {
		*ret = "";
		return 0;
	}
	return gosym__text_at(s, t->names.addr + nameoff, true, ret);
}

/* --- frames --- */

static const struct pclntab *gosym__module_of(const struct gosym *s, uint64_t pc, uint32_t *ret)
{
	for (size_t i = 0; i < s->nr; i++) {
		if (pc >= s->modules[i].minpc && pc < s->modules[i].maxpc) {
			*ret = (uint32_t)i;
			return &s->modules[i];
		}
	}
	return NULL;
}

const struct pclntab *gosym__tables(const struct gosym *s, uint64_t pc, struct pagecache **ret_mem)
{
	uint32_t module;
	const struct pclntab *t = gosym__module_of(s, pc, &module);

	if (t)
		*ret_mem = s->mem;
	return t;
}

static int gosym__line(struct gosym *s, const struct pclntab *t, const struct pcfunc *fn,
		       uint64_t pc, struct goframe *f)
{
	uint64_t file;
	int err = pclntab_line(t, s->mem, fn, pc, &file, &f->line);

	if (err)
		return err;
	f->file = "?";
	return file ? gosym__text_at(s, file, false, &f->file) : 0;
}

static int gosym__expand(struct gosym *s, const struct pclntab *t, const struct pcfunc *fn,
			 uint64_t pc, struct goframe *frames)
{
	uint64_t tree;
	int32_t ix = -1;
	int n = 0;
	int err = pclntab_funcdata(t, s->mem, fn, gofacts_of(t->minor)->funcdata_inltree, &tree);

	if (!err && tree)
		err = pclntab_pcdata(t, s->mem, fn, PCDATA_INL_TREE, pc, &ix);
	while (!err && ix >= 0 && n < GOSYM_INLINE_MAX - 1) {
		struct goframe *f = &frames[n++];
		struct pcinline call;

		*f = (struct goframe){ .entry = fn->entry, .inlined = true };
		err = pclntab_inline(t, s->mem, fn, tree, ix, &call);
		if (!err)
			err = gosym__name(s, t, call.nameoff, true, &f->func);
		if (!err)
			err = gosym__line(s, t, fn, pc, f);
		if (err)
			break;
		f->start_line = call.startline;
		f->wrapper = call.funcid == gofacts_of(t->minor)->funcid_wrapper;
		pc = call.parent_pc;
		err = pclntab_pcdata(t, s->mem, fn, PCDATA_INL_TREE, pc, &ix);
	}
	if (err)
		return err;
	frames[n] =
		(struct goframe){ .entry = fn->entry,
				  .start_line = fn->startline,
				  .wrapper = fn->funcid == gofacts_of(t->minor)->funcid_wrapper };
	err = gosym__name(s, t, fn->nameoff, false, &frames[n].func);
	if (!err)
		err = gosym__line(s, t, fn, pc, &frames[n]);
	return err ? err : n + 1;
}

static void gosym__forget_oldest(struct gosym *s)
{
	struct answer *a = s->answers; /* uthash keeps the order of insertion */

	HASH_DEL(s->answers, a);
	s->answer_bytes -= sizeof(*a) + (size_t)a->nr * sizeof(a->frames[0]);
	free(a);
}

static void gosym__remember(struct gosym *s, uint64_t key, const struct goframe *frames, int nr)
{
	size_t bytes = sizeof(struct answer) + (size_t)nr * sizeof(*frames);
	struct answer *a;

	if (HASH_COUNT(s->answers) >= GOSYM_PCS_MAX)
		gosym__forget_oldest(s);
	a = malloc(bytes);
	if (!a)
		return;
	a->key = key;
	a->nr = nr;
	memcpy(a->frames, frames, (size_t)nr * sizeof(*frames));
	HASH_ADD(hh, s->answers, key, sizeof(a->key), a);
	if (!a->hh.tbl)
		free(a);
	else
		s->answer_bytes += bytes;
}

/* At most max of them, the outermost always included. */
static int copy_frames(struct goframe *out, size_t max, const struct goframe *frames, int nr)
{
	if ((size_t)nr > max) {
		memcpy(out, frames, (max - 1) * sizeof(*out));
		out[max - 1] = frames[nr - 1];
		return (int)max;
	}
	memcpy(out, frames, (size_t)nr * sizeof(*out));
	return nr;
}

int gosym__frames(struct gosym *s, uint64_t pc, bool is_return, struct goframe *frames, size_t max)
{
	struct goframe found[GOSYM_INLINE_MAX];
	uint64_t key = pc << 1 | is_return; /* user addresses leave the top bit free */
	const struct pclntab *t;
	struct answer *a;
	struct pcfunc fn;
	uint32_t module;
	int n;

	if (!max)
		return -EINVAL;
	t = gosym__module_of(s, pc, &module);
	if (!t)
		return -ENOENT;
	HASH_FIND(hh, s->answers, &key, sizeof(key), a);
	if (a)
		return copy_frames(frames, max, a->frames, a->nr);
	n = pclntab_func_at(t, s->mem, pc, &fn);
	if (n)
		return n;
	/*
	 * As runtime.(*Frames).Next: the function is that of pc, the line that of the call before
	 * it.
	 */
	n = gosym__expand(s, t, &fn, is_return && pc > fn.entry ? pc - 1 : pc, found);
	if (n < 0)
		return n;
	gosym__remember(s, key, found, n);
	return copy_frames(frames, max, found, n);
}

/* --- single facts --- */

int gosym__func_at(struct gosym *s, uint64_t pc, struct gofunc *ret)
{
	struct pcfunc fn;
	uint32_t module;
	const struct pclntab *t = gosym__module_of(s, pc, &module);
	int err = t ? pclntab_func_at(t, s->mem, pc, &fn) : -ENOENT;

	if (!err)
		*ret = (struct gofunc){ .entry = fn.entry, .end = fn.end, .module = module };
	return err;
}

/* --- by name --- */

static int found_key(char *buf, size_t size, uint32_t module, const char *name)
{
	const int len = snprintf(buf, size, "%u %s", module, name);

	return len > 0 && (size_t)len < size ? len : 0;
}

/* false: it was not asked for yet. */
static bool gosym__get_found(struct gosym *s, uint32_t module, const char *name, struct gofunc *ret)
{
	char key[GOSYM_NAME_MAX];
	const int len = found_key(key, sizeof(key), module, name);
	struct found *f;

	HASH_FIND(hh, s->found, key, (unsigned int)len, f);
	if (f)
		*ret = f->fn;
	return f;
}

/* Without memory, or room, it is found again. */
static void gosym__note_found(struct gosym *s, uint32_t module, const char *name,
			      const struct gofunc *fn)
{
	char key[GOSYM_NAME_MAX];
	const int len = found_key(key, sizeof(key), module, name);
	struct found *f;

	if (!len || HASH_COUNT(s->found) >= GOSYM_FOUND_MAX)
		return;
	f = malloc(sizeof(*f) + (size_t)len + 1);
	if (!f)
		return;
	f->fn = *fn;
	memcpy(f->key, key, (size_t)len + 1);
	HASH_ADD_KEYPTR(hh, s->found, f->key, (unsigned int)len, f);
	if (!f->hh.tbl)
		free(f);
}

int gosym__find(struct gosym *s, uint32_t module, const char *const *names, size_t nr,
		struct gofunc *ret)
{
	scoped_mem const char **asked = NULL;
	scoped_mem struct gofunc *fn = NULL;
	size_t nr_asked = 0, at = 0;
	int err;

	if (module >= s->nr || nr > GOSYM_FIND_MAX)
		return -EINVAL;
	asked = calloc(nr + 1, sizeof(*asked));
	fn = calloc(nr + 1, sizeof(*fn));
	if (!asked || !fn)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (!gosym__get_found(s, module, names[i], &ret[i]))
			asked[nr_asked++] = names[i];
	if (!nr_asked)
		return 0;
	err = gofind_names(pagecache__space(s->mem), &s->modules[module], asked, nr_asked, fn);
	for (size_t i = 0; i < nr && !err; i++) {
		if (at == nr_asked || asked[at] != names[i])
			continue;
		fn[at].module = module;
		ret[i] = fn[at++];
		gosym__note_found(s, module, names[i], &ret[i]);
	}
	return err;
}

/* Go 1.17. If the function was inlined into its wrapper no pc is its own: the wrapper remains. */
static uint64_t gosym__unwrap_dwrap(struct gosym *s, const struct pcfunc *fn)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	uint8_t code[GOWRAP_CODE_MAX];
	size_t len = fn->end - fn->entry;
	uint64_t call, target;

	if (len > sizeof(code))
		len = sizeof(code);
	if (!s->arch || gosym__frames(s, fn->entry, false, frames, ARRAY_SIZE(frames)) != 1 ||
	    !strstr(frames[0].func, GOWRAP_NAME) ||
	    addrspace__read(pagecache__space(s->mem), fn->entry, code, len) ||
	    gowrap_callee(s->arch, code, len, fn->entry, &call, &target) ||
	    gosym__frames(s, call, false, frames, ARRAY_SIZE(frames)) != 1)
		return fn->entry;
	return target;
}

uint64_t gosym__unwrap_start(struct gosym *s, uint64_t startpc)
{
	uint32_t module, off;
	const struct pclntab *t = gosym__module_of(s, startpc, &module);
	struct pcfunc fn;
	uint64_t info;

	if (!t || pclntab_func_at(t, s->mem, startpc, &fn))
		return startpc;
	if (t->lay.md_gofunc == PW_NO_FIELD)
		return gosym__unwrap_dwrap(s, &fn);
	if (pclntab_funcdata(t, s->mem, &fn, FUNCDATA_WRAP_INFO, &info) || !info ||
	    pagecache__u32(s->mem, info, &off) || t->text + off < t->minpc ||
	    t->text + off >= t->maxpc)
		return startpc;
	return t->text + off;
}

int gosym__spdelta(struct gosym *s, uint64_t pc, int32_t *ret)
{
	uint32_t module;
	const struct pclntab *t = gosym__module_of(s, pc, &module);
	struct pcfunc fn;
	int32_t delta;
	int err = t ? pclntab_func_at(t, s->mem, pc, &fn) : -ENOENT;

	if (!err)
		err = pclntab_value(t, s->mem, &fn, fn.pcsp, pc, &delta);
	if (err)
		return err;
	if (delta < 0)
		return -EBADMSG;
	*ret = delta;
	return 0;
}
