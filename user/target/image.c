/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_MASK 4095ULL

/*
 * Bias of the PT_LOAD that the mapping is of. One page of the file may be in two of them, but in
 * one with code only.
 */
static int image__find_bias(const struct image *img, const struct mapping *exec, uint64_t *ret)
{
	for (size_t i = 0; i < elf_file__nr_segments(img->elf); i++) {
		const struct elf_segment *seg = elf_file__segment_at(img->elf, i);
		uint64_t first = seg->offset & ~PAGE_MASK;

		if (seg->type != PT_LOAD || !(seg->flags & PF_X) || exec->file_off < first ||
		    exec->file_off - first >= seg->filesz + (seg->offset - first))
			continue;
		*ret = exec->start - exec->file_off + seg->offset - seg->vaddr;
		return 0;
	}
	return -ENOEXEC;
}

/* One line of maps, cut to [start, end), becomes a segment, or makes the last one longer. */
static void image__add_seg(struct image *img, const struct mapping *m, uint64_t start, uint64_t end)
{
	struct goimage *go = &img->go;
	struct goseg seg = {
		.start = start,
		.end = end,
		.file_off = m->file_off + (start - m->start),
		.prot = (m->prot & PROT_READ ? GOSEG_R : 0) | (m->prot & PROT_WRITE ? GOSEG_W : 0) |
			(m->prot & PROT_EXEC ? GOSEG_X : 0),
		.anon = m->inode == 0,
	};
	struct goseg *last = go->nr_segs ? &go->segs[go->nr_segs - 1] : NULL;

	if (seg.anon)
		seg.file_off = 0;
	if (last && last->end == start && last->prot == seg.prot && last->anon == seg.anon &&
	    (seg.anon || last->file_off + (last->end - last->start) == seg.file_off)) {
		last->end = end;
		return;
	}
	if (go->nr_segs < GOIMAGE_SEGS_MAX)
		go->segs[go->nr_segs++] = seg;
}

/*
 * Every mapping in the reach of the PT_LOADs that is of this file, or of none: .bss, and code that
 * was copied into huge pages. "[heap]" can begin in .bss's last line when addresses are not
 * randomized; it is cut.
 */
static void image__add_segs(struct image *img, const struct maps *maps)
{
	for (size_t i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->m[i];
		uint64_t start = m->start > img->start ? m->start : img->start;
		uint64_t end = m->end < img->end ? m->end : img->end;

		if (start >= end)
			continue;
		if (m->inode == 0 || (m->dev == img->dev && m->inode == img->inode))
			image__add_seg(img, m, start, end);
	}
}

static int image__place(struct image *img, const struct mapping *exec)
{
	uint64_t start = UINT64_MAX, end = 0, bias;
	int err = image__find_bias(img, exec, &bias);

	if (err)
		return err;
	for (size_t i = 0; i < elf_file__nr_segments(img->elf); i++) {
		const struct elf_segment *seg = elf_file__segment_at(img->elf, i);
		uint64_t to = seg->vaddr + seg->memsz;

		if (seg->type != PT_LOAD)
			continue;
		if (to < seg->vaddr || to > UINT64_MAX - PAGE_MASK)
			return -ENOEXEC;
		start = seg->vaddr < start ? seg->vaddr : start;
		end = to > end ? to : end;
	}
	img->go.bias = bias;
	img->start = (start & ~PAGE_MASK) + bias;
	img->end = ((end + PAGE_MASK) & ~PAGE_MASK) + bias;
	return image__holds(img, exec->start) ? 0 : -ENOEXEC;
}

int image__new(const struct maps *maps, const struct mapping *exec, int fd, struct image **ret,
	       struct cause *why)
{
	scoped(image) img = calloc(1, sizeof(*img));
	int err;

	if (!img) {
		close(fd);
		return -ENOMEM;
	}
	img->fd = fd;
	img->dev = exec->dev;
	img->inode = exec->inode;
	img->name = strdup(exec->path);
	if (!img->name)
		return -ENOMEM;
	snprintf(img->link, sizeof(img->link), "/proc/self/fd/%d", fd);
	img->go.path = img->name;
	img->go.fd = fd;
	err = elf_file__open(fd, img->name, &img->elf, why);
	if (err)
		return err == -EBADMSG ? -ENOEXEC : err;
	err = image__place(img, exec);
	if (err)
		return err;
	image__add_segs(img, maps);
	*ret = steal(img);
	return 0;
}

void image__free(struct image *img)
{
	if (!img)
		return;
	elf_file__free(img->elf);
	if (img->fd >= 0)
		close(img->fd);
	free(img->name);
	free(img);
}

/* Go's linker makes these, and stripping keeps them: Go cmd/link/internal/ld, all versions. */
static bool is_go_section(const char *name)
{
	static const char *const names[] = {
		".go.buildinfo",          ".note.go.buildid", ".gopclntab",
		".data.rel.ro.gopclntab", ".gosymtab",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

bool image__may_have_go(const struct image *img)
{
	size_t nr = elf_file__nr_sections(img->elf);

	for (size_t i = 0; i < nr; i++)
		if (is_go_section(elf_file__section_at(img->elf, i)->name))
			return true;
	return nr == 0;
}

bool image__holds(const struct image *img, uint64_t addr)
{
	return addr >= img->start && addr < img->end;
}

int image__file_offset(const struct image *img, uint64_t addr, uint64_t *ret)
{
	for (size_t i = 0; i < img->go.nr_segs; i++) {
		const struct goseg *seg = &img->go.segs[i];

		if (addr < seg->start || addr >= seg->end || seg->anon)
			continue;
		*ret = seg->file_off + (addr - seg->start);
		return 0;
	}
	return -ENOENT;
}
