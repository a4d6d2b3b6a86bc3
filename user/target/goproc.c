/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/goproc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "target/image.h"
#include "target/maps.h"
#include "target/rootfs.h"

struct file_id {
	uint64_t dev, inode;
};

struct goproc {
	struct addrspace as; /* first member: what its runtimes read through */
	struct proc *p;      /* borrowed */
	size_t nr_runtimes, nr_images;
	struct goruntime *runtimes[GOPROC_RUNTIMES_MAX]; /* owned */
	struct image *images[GOPROC_IMAGES_MAX];         /* owned */
	/* While it is being opened: */
	struct maps *maps;    /* owned */
	struct file_id *seen; /* files looked at; owned */
	size_t nr_seen;
};

/*
 * The process's memory; once it has ended, what of it was mapped from a file and is there still. So
 * names can be found for a program that ended while it was watched (but not those of a PIE before
 * Go 1.18, whose tables were relocated).
 */
static int goproc__read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	const struct goproc *gp = (const struct goproc *)as;
	int err = addrspace__read(proc__mem(gp->p), addr, buf, len);
	uint64_t offset, last;

	if (err != -ESRCH || !len)
		return err;
	for (size_t i = 0; i < gp->nr_images; i++) {
		const struct image *img = gp->images[i];

		if (!image__file_offset(img, addr, &offset) &&
		    !image__file_offset(img, addr + len - 1, &last) && last - offset == len - 1 &&
		    pread(img->fd, buf, len, (off_t)offset) == (ssize_t)len)
			return 0;
	}
	return err;
}

/* true: the file was not looked at before. */
static bool goproc__see(struct goproc *gp, const struct mapping *m)
{
	for (size_t i = 0; i < gp->nr_seen; i++)
		if (gp->seen[i].dev == m->dev && gp->seen[i].inode == m->inode)
			return false;
	if (gp->nr_seen == GOPROC_FILES_MAX)
		return false;
	gp->seen[gp->nr_seen++] = (struct file_id){ m->dev, m->inode };
	return true;
}

/* Is the image a module of a runtime that is known already: a plugin? */
static bool goproc__is_module(const struct goproc *gp, const struct image *img)
{
	for (size_t i = 0; i < gp->nr_runtimes; i++) {
		const struct goruntime *rt = gp->runtimes[i];

		for (uint32_t k = 0; k < rt->nr_modules; k++)
			if (image__holds(img, rt->modules[k].text))
				return true;
	}
	return false;
}

/* Takes img over. 0 also if there is no Go in it. */
static int goproc__add_image(struct goproc *gp, struct image *take, struct cause *why)
{
	scoped(image) img = take;
	struct goruntime *rt;
	int err;

	if (gp->nr_images == GOPROC_IMAGES_MAX || !image__may_have_go(img))
		return 0;
	if (goproc__is_module(gp, img)) {
		gp->images[gp->nr_images++] = steal(img);
		return 0;
	}
	if (gp->nr_runtimes == GOPROC_RUNTIMES_MAX)
		return 0;
	err = goruntime__open(&gp->as, &img->go, &rt, why);
	if (err)
		return err == -ENOENT ? 0 : err;
	gp->runtimes[gp->nr_runtimes++] = rt;
	gp->images[gp->nr_images++] = steal(img);
	return 0;
}

/* maps names the executable as the link /proc/PID/exe does; " (deleted)" is on both or none. */
static bool is_exe(const struct goproc *gp, const struct mapping *m, const struct stat *st)
{
	size_t len = strlen(proc__exe(gp->p));

	if (!(m->prot & PROT_EXEC) || !mapping_is_file(m))
		return false;
	if (m->dev == st->st_dev && m->inode == st->st_ino)
		return true;
	return !strncmp(m->path, proc__exe(gp->p), len) &&
	       !strcmp(m->path + len, proc__exe_deleted(gp->p) ? " (deleted)" : "");
}

static int goproc__add_exe(struct goproc *gp, struct cause *why)
{
	const struct mapping *m = NULL;
	struct image *img;
	struct stat st;
	int fd, err;

	err = rootfs_open_exe(proc__dirfd(gp->p), &fd, why);
	if (err)
		return err;
	if (fstat(fd, &st)) {
		err = -errno;
		close(fd);
		return err;
	}
	for (size_t i = 0; i < gp->maps->nr && !m; i++)
		if (is_exe(gp, &gp->maps->m[i], &st))
			m = &gp->maps->m[i];
	if (!m) { /* its code is mapped no more: some packers do that */
		close(fd);
		return 0;
	}
	goproc__see(gp, m);
	err = image__new(gp->maps, m, fd, &img, why);
	if (err)
		return err == -ENOEXEC ? 0 : err;
	return goproc__add_image(gp, img, why);
}

/* A library that cannot be understood does not hide the others; the first cause stays in why. */
static int goproc__add_libraries(struct goproc *gp, struct cause *why)
{
	int first = 0;

	for (size_t i = 0; i < gp->maps->nr; i++) {
		const struct mapping *m = &gp->maps->m[i];
		struct image *img;
		int fd, err;

		if (!(m->prot & PROT_EXEC) || !mapping_is_file(m) || !goproc__see(gp, m))
			continue;
		err = rootfs_open(proc__dirfd(gp->p), m, &fd, why);
		if (!err)
			err = image__new(gp->maps, m, fd, &img, why);
		if (!err)
			err = goproc__add_image(gp, img, why);
		if (err && err != -ENOEXEC && !first)
			first = err;
	}
	return first;
}

static int goproc__find(struct goproc *gp, struct cause *why)
{
	struct cause library = { "" };
	int err;

	err = maps__read(proc__dirfd(gp->p), &gp->maps);
	if (err)
		return cause__set(why, err, "cannot read what process %d ('%s') has mapped: %s",
				  (int)proc__pid(gp->p), proc__comm(gp->p), strerror(-err));
	err = goproc__add_exe(gp, why);
	if (err)
		return err;
	err = goproc__add_libraries(gp, &library);
	if (gp->nr_runtimes)
		return 0;
	if (err)
		return cause__set(why, err, "%s", library.text[0] ? library.text : strerror(-err));
	return cause__set(
		why, -ENOENT,
		"'%s' (pid %d) is not a Go program: no Go runtime in it nor in its libraries; "
		"give the PID of the Go process itself, not of a shell or wrapper",
		proc__exe(gp->p), (int)proc__pid(gp->p));
}

int goproc__open(struct proc *p, struct goproc **ret, struct cause *why)
{
	scoped(goproc) gp = calloc(1, sizeof(*gp));
	struct cause found = { "" };
	int err;

	if (!gp)
		return -ENOMEM;
	gp->p = p;
	gp->as.read = goproc__read;
	gp->seen = calloc(GOPROC_FILES_MAX, sizeof(*gp->seen));
	if (!gp->seen)
		return -ENOMEM;
	err = goproc__find(gp, &found);
	if (err && (err == -ESRCH || !proc__alive(p))) /* then the rest is but a consequence */
		return cause__set(why, -ESRCH,
				  proc__cut(p) ? "process %d ('%s') could not be read in time"
					       : "process %d ('%s') has ended",
				  (int)proc__pid(p), proc__comm(p));
	if (err)
		return cause__set(why, err, "%s", found.text);
	maps__free(steal(gp->maps));
	free(steal(gp->seen));
	*ret = steal(gp);
	return 0;
}

void goproc__free(struct goproc *gp)
{
	if (!gp)
		return;
	for (size_t i = 0; i < gp->nr_runtimes; i++)
		goruntime__free(gp->runtimes[i]);
	for (size_t i = 0; i < gp->nr_images; i++)
		image__free(gp->images[i]);
	maps__free(gp->maps);
	free(gp->seen);
	free(gp);
}

size_t goproc__nr_runtimes(const struct goproc *gp)
{
	return gp->nr_runtimes;
}

struct goruntime *goproc__runtime(struct goproc *gp, size_t i)
{
	return i < gp->nr_runtimes ? gp->runtimes[i] : NULL;
}

int goproc__place(const struct goproc *gp, uint64_t addr, struct goplace *ret)
{
	for (size_t i = 0; i < gp->nr_images; i++) {
		const struct image *img = gp->images[i];
		uint64_t offset;

		if (!image__holds(img, addr) || image__file_offset(img, addr, &offset))
			continue;
		*ret = (struct goplace){
			.path = img->link,
			.name = img->name,
			.offset = offset,
			.image = (uint32_t)i,
		};
		return 0;
	}
	return -ENOENT;
}

size_t goproc__images(const struct goproc *gp, const struct goimage **ret, size_t max)
{
	size_t nr = gp->nr_images < max ? gp->nr_images : max;

	for (size_t i = 0; i < nr; i++)
		ret[i] = &gp->images[i]->go;
	return nr;
}
