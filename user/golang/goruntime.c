/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goruntime.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "golang/goglobals.h"
#include "golang/goexe.h"
#include "golang/gofacts.h"
#include "golang/moduledata.h"

/* What goruntime__open() knows while it works. */
struct opening {
	const struct addrspace *as;
	const struct goimage *img;
	struct elf_file *elf;
	struct goexe exe;
	struct gotables lay;
	struct pclntab tabs[GOMODULES_MAX];
	struct goruntime *rt;
	struct cause *why;
};

static void opening_done(struct opening *o)
{
	elf_file__free(o->elf);
	goruntime__free(o->rt);
}

void goruntime__free(struct goruntime *rt)
{
	if (!rt)
		return;
	gosym__free(rt->sym);
	gomain__free(rt->main);
	free(rt);
}

bool goruntime__holds(const struct goruntime *rt, uint64_t pc)
{
	for (uint32_t i = 0; i < rt->nr_modules; i++)
		if (pc >= rt->modules[i].minpc && pc < rt->modules[i].maxpc)
			return true;
	return false;
}

/* --- version and build settings --- */

static int find_exe(struct opening *o)
{
	const struct elf_section *sec = elf_file__section(o->elf, ".go.buildinfo");
	uint64_t addr;
	int err;

	if (sec && sec->addr) {
		err = goexe_read(o->as, sec->addr + o->img->bias, &o->exe, &o->rt->main);
		if (err != -ENOENT)
			return err;
	}
	for (size_t i = 0; i < o->img->nr_segs; i++) {
		const struct goseg *s = &o->img->segs[i];

		if (s->anon || !(s->prot & GOSEG_R) || !(s->prot & GOSEG_W))
			continue;
		err = goexe_find(o->as, s->start, s->end, &addr);
		if (!err)
			err = goexe_read(o->as, addr, &o->exe, &o->rt->main);
		if (err != -ENOENT && err != -EFAULT)
			return err;
	}
	return -ENOENT;
}

static int check_version(struct opening *o)
{
	struct goruntime *rt = o->rt;

	memcpy(rt->version, o->exe.version, sizeof(rt->version));
	if (goexe_minor(rt->version, &rt->minor))
		return cause__set(o->why, -EOPNOTSUPP,
				  "'%s' was built by Go '%s', a version without a number",
				  o->img->path, rt->version);
	if (gofacts_too_old(rt->minor))
		return cause__set(o->why, -EOPNOTSUPP,
				  "'%s' was built by %s; Go 1.%d and later can be watched",
				  o->img->path, rt->version, GO_MINOR_MIN);
	rt->arch = goarch_of(elf_file__machine(o->elf));
	if (rt->arch != goarch_native())
		return cause__set(o->why, -EOPNOTSUPP, "'%s' is for %s; only %s can be watched",
				  o->img->path, rt->arch ? rt->arch->name : "another machine",
				  goarch_native()->name);
	rt->machine = rt->arch->machine;
	rt->regabi = gofacts_has(rt->minor, rt->arch->regabi);
	return 0;
}

/* --- layouts --- */

/*
 * Of a version that the table knows, and of a newer one: its own words if it has them. What is
 * wrong in the tables' layout moduledata_read() finds.
 */
static int choose_layout(struct opening *o)
{
	struct goruntime *rt = o->rt;
	const struct golayout_row *row = golayout_row(rt->minor, elf_file__machine(o->elf));
	bool known = row && !gofacts_too_new(rt->minor);
	struct cause why = { "" };
	int err;

	if (!row)
		return -EOPNOTSUPP;
	o->lay = row->tables;
	rt->objects = row->objects;
	if (!known)
		memset(&rt->objects, 0xff, sizeof(rt->objects)); /* PW_NO_FIELD */
	err = golayout_from_dwarf(o->elf, rt->minor,
				  known ? GOLAYOUT_DWARF_SMALL : GOLAYOUT_DWARF_MAX, &rt->layout,
				  known ? NULL : &o->lay, known ? NULL : &rt->objects, &why);
	if (!err) {
		rt->layout_source = GOLAYOUT_DWARF;
		return 0;
	}
	if (err == -ENOMEM)
		return err;
	if (!known)
		return cause__set(
			o->why, -EOPNOTSUPP,
			"'%s' was built by %s, newer than Go 1.%d, and its debug information "
			"does not help: %s; build it without -ldflags=-w, or update parkwatch",
			o->img->path, rt->version, GO_MINOR_MAX,
			why.text[0] ? why.text : "there is none");
	rt->layout = row->layout;
	rt->layout_source = GOLAYOUT_TABLE;
	return 0;
}

/* --- modules --- */

static int add_module(struct opening *o, const struct moduledata *md)
{
	struct goruntime *rt = o->rt;
	const struct pclntab *t = &md->tab;

	for (uint32_t i = 0; i < rt->nr_modules; i++)
		if (rt->modules[i].moduledata == t->moduledata)
			return -EEXIST;
	if (rt->nr_modules == GOMODULES_MAX)
		return -ENOSPC;
	o->tabs[rt->nr_modules] = *t;
	rt->modules[rt->nr_modules] = (struct gomodule){
		.moduledata = t->moduledata,
		.text = t->text,
		.etext = t->etext,
		.minpc = t->minpc,
		.maxpc = t->maxpc,
		.data = md->data,
		.bss = md->bss,
		.noptrdata = md->noptrdata,
		.noptrbss = md->noptrbss,
		.data_mask = md->data_mask,
		.bss_mask = md->bss_mask,
	};
	snprintf(rt->modules[rt->nr_modules].name, sizeof(rt->modules[0].name), "%s",
		 md->plugin[0] ? md->plugin : md->name);
	rt->nr_modules++;
	return 0;
}

static int find_modules(struct opening *o)
{
	struct goruntime *rt = o->rt;
	struct moduledata md;
	bool plugin;
	int err = moduledata_find(o->as, o->img, o->elf, rt->minor, &o->lay, &md);

	if (err == -ENOENT || err == -EFAULT || err == -EBADMSG)
		return cause__set(o->why, gofacts_too_new(rt->minor) ? -EOPNOTSUPP : -EBADMSG,
				  "no pclntab and moduledata of %s in '%s': damaged, or changed by "
				  "a packer or an obfuscator",
				  rt->version, o->img->path);
	if (err)
		return err;
	rt->pclntab = md.tab.header;
	plugin = md.plugin[0];
	for (err = add_module(o, &md); !err && md.next; err = add_module(o, &md)) {
		uint64_t next = md.next;

		if (moduledata_read(o->as, next, rt->minor, &o->lay, &md))
			break; /* being linked in just now, or damaged: what we have is whole */
	}
	if (!rt->buildmode[0] && elf_file__type(o->elf) == ET_DYN && !rt->pie)
		snprintf(rt->buildmode, sizeof(rt->buildmode), "%s",
			 plugin ? "plugin" : "c-shared");
	return 0;
}

static void fill_facts(struct opening *o)
{
	struct goruntime *rt = o->rt;

	rt->stripped = !elf_file__has_symtab(o->elf);
	rt->pie = elf_file__is_pie(o->elf);
	rt->race = o->exe.race == 1;
	clean(rt->path, sizeof(rt->path), o->img->path);
	/* "exe" is also said of what the external linker made position independent. */
	if (rt->pie)
		snprintf(rt->buildmode, sizeof(rt->buildmode), "pie");
	else if (elf_file__type(o->elf) == ET_EXEC)
		snprintf(rt->buildmode, sizeof(rt->buildmode), "exe");
	else
		memcpy(rt->buildmode, o->exe.buildmode, sizeof(rt->buildmode));
	if (elf_file__gnu_build_id(o->elf, rt->build_id, sizeof(rt->build_id)) &&
	    elf_file__go_build_id(o->elf, rt->build_id, sizeof(rt->build_id)))
		rt->build_id[0] = '\0';
}

/* --- variables --- */

/* A program of no module: which folder is its own. */
static int find_main_file(struct opening *o, uint64_t main_main)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	int nr;

	if (!main_main || !gomain__wants_file(o->rt->main))
		return 0;
	nr = gosym__frames(o->rt->sym, main_main, false, frames, ARRAY_SIZE(frames));
	return nr > 0 ? gomain__file(o->rt->main, frames[nr - 1].file) : 0;
}

static int find_globals(struct opening *o)
{
	/*
	 * racecall is in race builds only, crosscall2 where runtime/cgo is linked in (assembly of
	 * Go 1.15 to 1.27).
	 */
	static const char *const names[] = { "runtime.allgadd", "runtime.racecall", "crosscall2",
					     "runtime.gcMark", "main.main" };
	struct goruntime *rt = o->rt;
	struct gofunc fn[ARRAY_SIZE(names)];
	uint8_t code[GOGLOBALS_CODE_MAX];
	size_t len;
	int err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), fn);

	if (err)
		return cause__set(o->why, err, "damaged function table in '%s'", o->img->path);
	rt->race = rt->race || fn[1].entry;
	rt->cgo = fn[2].entry;
	if (!fn[0].entry)
		return cause__set(o->why, -EBADMSG,
				  "no runtime.allgadd in '%s': damaged or obfuscated",
				  o->img->path);
	err = goglobals_code(o->as, &fn[0], code, &len);
	if (!err)
		err = goglobals_allgs(rt->arch, code, len, fn[0].entry, &rt->allgs);
	if (err)
		return cause__set(o->why, err,
				  "cannot tell where '%s' keeps its goroutines: runtime.allgadd is "
				  "not as %s has it",
				  o->img->path, rt->version);
	if (goglobals_code(o->as, &fn[3], code, &len) ||
	    goglobals_gcstart(rt->arch, code, len, fn[3].entry, &rt->gcstart))
		rt->gcstart = 0;
	return find_main_file(o, fn[4].entry);
}

static int opening_run(struct opening *o)
{
	int err = elf_file__open(o->img->fd, o->img->path, &o->elf, o->why);

	if (err)
		return err;
	err = find_exe(o);
	if (err == -ENOENT)
		return err;
	if (err)
		return cause__set(o->why, err, "damaged build information in '%s'", o->img->path);
	err = check_version(o);
	if (!err)
		err = choose_layout(o);
	if (err)
		return err;
	fill_facts(o);
	err = find_modules(o);
	if (!err)
		err = gosym__new(o->as, o->tabs, o->rt->nr_modules, &o->rt->sym);
	if (!err) {
		gosym__set_arch(o->rt->sym, o->rt->arch);
		err = find_globals(o);
	}
	return err;
}

int goruntime__open(const struct addrspace *as, const struct goimage *img, struct goruntime **ret,
		    struct cause *why)
{
	scoped_mem struct opening *o = calloc(1, sizeof(*o)); /* 20 KiB: not on the stack */
	int err;

	if (!o)
		return -ENOMEM;
	o->as = as;
	o->img = img;
	o->why = why;
	o->rt = calloc(1, sizeof(*o->rt));
	err = o->rt ? opening_run(o) : -ENOMEM;
	if (!err)
		*ret = steal(o->rt);
	opening_done(o);
	return err;
}
