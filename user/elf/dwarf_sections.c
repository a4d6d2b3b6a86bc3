/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf/dwarf_sections.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define PIECE_BYTES   (64u << 10)
#define DEFLATE_RATIO 1032u /* deflate never does better; a header that claims more lies */
#define ZDEBUG_HEADER 12    /* "ZLIB", then the size, big-endian */
#define ABBREV_MAX    (16u << 20)

enum { SEC_NULL, SEC_INFO, SEC_ABBREV, SEC_NR }; /* as libdwarf sees them */
_Static_assert(SEC_NR == DWARF_SECTIONS_NR, "one buffer for each section");

static const char *const section_names[SEC_NR] = { "", ".debug_info", ".debug_abbrev" };

struct packed {               /* where a section's bytes are and how they are packed */
	uint64_t offset, len; /* in the file, behind the compression header */
	uint64_t size;        /* unpacked */
	bool deflated;
};

static int find_packed(const struct elf_file *f, const char *name, struct packed *ret,
		       struct cause *why)
{
	const struct elf_section *s = elf_file__section(f, name);
	uint8_t z[ZDEBUG_HEADER];
	char zname[32] = ".z";
	Elf64_Chdr ch;
	int err;

	if (s && s->type != SHT_NOBITS && !(s->flags & SHF_COMPRESSED)) {
		*ret = (struct packed){ .offset = s->offset, .len = s->size, .size = s->size };
		return 0;
	}
	if (s && s->type != SHT_NOBITS) {
		err = s->size < sizeof(ch) ? -EBADMSG
					   : elf_file__read(f, s->offset, &ch, sizeof(ch));
		if (err)
			return cause__set(why, err, "damaged section %s", name);
		if (ch.ch_type != ELFCOMPRESS_ZLIB)
			return cause__set(why, -EOPNOTSUPP,
					  "section %s is compressed by method %u, not zlib", name,
					  ch.ch_type);
		*ret = (struct packed){ .offset = s->offset + sizeof(ch),
					.len = s->size - sizeof(ch),
					.size = ch.ch_size,
					.deflated = true };
		return 0;
	}
	strncat(zname, name + 1, sizeof(zname) - 3);
	s = elf_file__section(f, zname);
	if (!s || s->type == SHT_NOBITS)
		return -ENOENT;
	err = s->size < sizeof(z) ? -EBADMSG : elf_file__read(f, s->offset, z, sizeof(z));
	if (err || memcmp(z, "ZLIB", 4) != 0)
		return cause__set(why, err ? err : -EBADMSG, "damaged section %s", zname);
	*ret = (struct packed){ .offset = s->offset + sizeof(z),
				.len = s->size - sizeof(z),
				.deflated = true };
	memcpy(&ret->size, z + 4, sizeof(ret->size));
	ret->size = be64toh(ret->size);
	return 0;
}

static int inflate_section(const struct elf_file *f, const struct packed *p, uint8_t *out)
{
	scoped_mem uint8_t *piece = malloc(PIECE_BYTES);
	z_stream z = { .next_out = out, .avail_out = (uInt)p->size };
	uint64_t at = 0;
	int err = 0, zerr = Z_OK;

	if (!piece || inflateInit(&z) != Z_OK)
		return -ENOMEM;
	while (!err && zerr == Z_OK && z.avail_out && at < p->len) {
		size_t n = p->len - at < PIECE_BYTES ? p->len - at : PIECE_BYTES;

		err = elf_file__read(f, p->offset + at, piece, n);
		if (err)
			break;
		z.next_in = piece;
		z.avail_in = (uInt)n;
		zerr = inflate(&z, Z_NO_FLUSH);
		at += n;
	}
	inflateEnd(&z);
	if (!err && z.avail_out)
		err = -EBADMSG;
	return err;
}

static int blob_load(const struct elf_file *f, const char *name, uint64_t max,
		     struct dwarf_blob *ret, struct cause *why)
{
	struct packed p = {};
	scoped_mem uint8_t *data = NULL;
	int err = find_packed(f, name, &p, why);

	if (err)
		return err;
	if (p.deflated && p.size / DEFLATE_RATIO > p.len)
		return cause__set(why, -EBADMSG, "damaged section %s", name);
	if (p.size > max || p.size > UINT32_MAX)
		return -EFBIG;
	data = malloc(p.size + 1);
	if (!data)
		return -ENOMEM;
	err = p.deflated ? inflate_section(f, &p, data) : elf_file__read(f, p.offset, data, p.size);
	if (err)
		return cause__set(why, err, "damaged section %s", name);
	*ret = (struct dwarf_blob){ steal(data), p.size };
	return 0;
}

int dwarf_blob_load(const struct elf_file *f, const char *name, uint64_t max,
		    struct dwarf_blob *ret)
{
	return blob_load(f, name, max, ret, NULL);
}

static int dwarf_sections__load(struct dwarf_sections *s, const struct elf_file *f, int sec,
				uint64_t max, struct cause *why)
{
	struct dwarf_blob blob;
	int err = blob_load(f, section_names[sec], max, &blob, why);

	if (err)
		return err;
	s->data[sec] = blob.data;
	s->size[sec] = blob.size;
	return 0;
}

void dwarf_sections__done(struct dwarf_sections *s)
{
	for (int i = 0; i < SEC_NR; i++)
		free(s->data[i]);
	memset(s, 0, sizeof(*s));
}

int dwarf_sections__init(struct dwarf_sections *s, const struct elf_file *f, uint64_t max_info,
			 struct cause *why)
{
	int err;

	memset(s, 0, sizeof(*s));
	err = dwarf_sections__load(s, f, SEC_INFO, max_info, why);
	if (!err)
		err = dwarf_sections__load(s, f, SEC_ABBREV, ABBREV_MAX, why);
	if (!err && (!s->size[SEC_INFO] || !s->size[SEC_ABBREV]))
		err = -ENOENT;
	if (err)
		dwarf_sections__done(s);
	return err;
}

/*
 * What libdwarf asks for. libdwarf 0.2 (2021) renamed the structs and their members, widened
 * indexes, and lets the answer tell the size of the file.
 */
#ifdef DW_LIBDWARF_VERSION_MAJOR
typedef Dwarf_Unsigned section_index;
typedef Dwarf_Small byte_order;
#define LITTLE_ENDIAN_ORDER DW_END_little
#define ACCESS(m)           om_##m
#define SECTION(m)          as_##m
#define access_methods_s    Dwarf_Obj_Access_Methods_a_s
#define access_section_s    Dwarf_Obj_Access_Section_a_s
#else
typedef Dwarf_Half section_index;
typedef Dwarf_Endianness byte_order;
#define LITTLE_ENDIAN_ORDER DW_OBJECT_LSB
#define ACCESS(m)           m
#define SECTION(m)          m
#define access_methods_s    Dwarf_Obj_Access_Methods_s
#define access_section_s    Dwarf_Obj_Access_Section_s
#endif

static int access_section_info(void *obj, section_index i, struct access_section_s *ret, int *error)
{
	const struct dwarf_sections *s = obj;

	(void)error;
	if (i >= SEC_NR)
		return DW_DLV_NO_ENTRY;
	memset(ret, 0, sizeof(*ret));
	ret->SECTION(name) = section_names[i];
	ret->SECTION(size) = s->size[i];
	ret->SECTION(type) = SHT_PROGBITS;
	return DW_DLV_OK;
}

static byte_order access_byte_order(void *obj)
{
	(void)obj;
	return LITTLE_ENDIAN_ORDER;
}

static Dwarf_Small access_eight(void *obj)
{
	(void)obj;
	return 8;
}

static Dwarf_Unsigned access_section_count(void *obj)
{
	(void)obj;
	return SEC_NR;
}

static int access_load(void *obj, section_index i, Dwarf_Small **ret, int *error)
{
	const struct dwarf_sections *s = obj;

	(void)error;
	if (i >= SEC_NR || !s->data[i])
		return DW_DLV_NO_ENTRY;
	*ret = s->data[i];
	return DW_DLV_OK;
}

#ifdef DW_LIBDWARF_VERSION_MAJOR
static Dwarf_Unsigned access_filesize(void *obj)
{
	const struct dwarf_sections *s = obj;

	return s->size[SEC_INFO] + s->size[SEC_ABBREV];
}
#endif

static const struct access_methods_s access_methods = {
	.ACCESS(get_section_info) = access_section_info,
	.ACCESS(get_byte_order) = access_byte_order,
	.ACCESS(get_length_size) = access_eight,
	.ACCESS(get_pointer_size) = access_eight,
	.ACCESS(get_section_count) = access_section_count,
	.ACCESS(load_section) = access_load,
#ifdef DW_LIBDWARF_VERSION_MAJOR
	.om_get_filesize = access_filesize,
#endif
};

int dwarf_sections__open(struct dwarf_sections *s, Dwarf_Debug *ret, struct cause *why)
{
	Dwarf_Debug dbg = NULL;
	Dwarf_Error e = NULL;

#ifdef DW_LIBDWARF_VERSION_MAJOR
	s->access.ai_object = s;
	s->access.ai_methods = &access_methods;
#else
	s->access.object = s;
	s->access.methods = &access_methods;
#endif
	if (dwarf_object_init_b(&s->access, NULL, NULL, DW_GROUPNUMBER_ANY, &dbg, &e) != DW_DLV_OK)
		return cause__set(why, -EBADMSG, "libdwarf does not accept the debug information");
	*ret = dbg;
	return 0;
}

void dwarf_sections_close(Dwarf_Debug dbg)
{
#ifdef DW_LIBDWARF_VERSION_MAJOR
	dwarf_object_finish(dbg);
#else
	Dwarf_Error e = NULL;

	dwarf_object_finish(dbg, &e);
#endif
}
