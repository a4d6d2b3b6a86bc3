/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goexe.h"

#include <errno.h>
#include <string.h>

/* Go cmd/link/internal/ld/data.go (*Link).buildinfo. The version is never shorter than "go1.1". */
static const char magic[14] = "\xff Go buildinf:";

#define HEADER_BYTES 32
#define FLAG_BIG_END 1
#define FLAG_INLINE  2 /* the strings follow the header; else it holds pointers to them */
#define UVARINT_MAX  10
/* marks around module information (cmd/go/internal/modload/build.go) */
#define MODINFO_GUARD 16
#define MINOR_MAX     999

int goexe_minor(const char *version, int *ret)
{
	const char *p = version;
	int n = 0, digits = 0;

	/* The first "go1." at the start of a word. */
	while ((p = strstr(p, "go1.")) && p != version && p[-1] != ' ')
		p++;
	if (!p)
		return -EBADMSG;
	for (p += 4; *p >= '0' && *p <= '9' && n <= MINOR_MAX; p++, digits++)
		n = n * 10 + (*p - '0');
	if (!digits || n > MINOR_MAX)
		return -EBADMSG;
	*ret = n;
	return 0;
}

static void copy_text(char *dst, size_t size, const char *src, size_t len)
{
	if (len > size - 1)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i] >= ' ' && src[i] < 0x7f ? src[i] : '?';
	dst[len] = '\0';
}

/* The value of a line "build\tkey=value" if its key is this one, else NULL. */
static const char *setting(const char *line, size_t len, const char *key)
{
	static const char build[] = "build\t";
	size_t build_len = sizeof(build) - 1, key_len = strlen(key);

	if (len <= build_len + key_len || memcmp(line, build, build_len) != 0 ||
	    memcmp(line + build_len, key, key_len) != 0 || line[build_len + key_len] != '=')
		return NULL;
	return line + build_len + key_len + 1;
}

void goexe_settings(const char *modinfo, size_t len, struct goexe *exe)
{
	const char *line = modinfo, *end = modinfo + len;

	while (line < end) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		const char *eol = nl ? nl : end, *val;
		size_t n = (size_t)(eol - line);

		if ((val = setting(line, n, "-race")))
			exe->race = eol - val == 4 && memcmp(val, "true", 4) == 0;
		else if ((val = setting(line, n, "CGO_ENABLED")))
			exe->cgo = eol - val == 1 && *val == '1';
		else if ((val = setting(line, n, "-buildmode")))
			copy_text(exe->buildmode, sizeof(exe->buildmode), val, (size_t)(eol - val));
		line = eol + 1;
	}
}

/* A Go string whose header {ptr, len} is at addr; at most max bytes of it. */
static int read_go_string(const struct addrspace *as, uint64_t addr, size_t max, char **ret,
			  size_t *ret_len)
{
	uint64_t hdr[2];
	scoped_mem char *s = NULL;
	int err = addrspace__read(as, addr, hdr, sizeof(hdr));

	if (err)
		return err;
	if (hdr[1] > max)
		hdr[1] = max;
	s = malloc(hdr[1] + 1);
	if (!s)
		return -ENOMEM;
	err = hdr[1] ? addrspace__read(as, hdr[0], s, hdr[1]) : 0;
	if (err)
		return err;
	s[hdr[1]] = '\0';
	*ret_len = hdr[1];
	*ret = steal(s);
	return 0;
}

/* A string behind its uvarint length at *addr, which moves past it. */
static int read_inline_string(const struct addrspace *as, uint64_t *addr, size_t max, char **ret,
			      size_t *ret_len)
{
	scoped_mem char *s = NULL;
	uint64_t len = 0;
	uint8_t b = 0x80;
	int err;

	for (unsigned int i = 0; b & 0x80; i++) {
		err = i < UVARINT_MAX ? addrspace__read(as, (*addr)++, &b, 1) : -EBADMSG;
		if (err)
			return err;
		len |= (uint64_t)(b & 0x7f) << (7 * i);
	}
	if (len > max)
		return -EBADMSG;
	s = malloc(len + 1);
	if (!s)
		return -ENOMEM;
	err = len ? addrspace__read(as, *addr, s, len) : 0;
	if (err)
		return err;
	s[len] = '\0';
	*addr += len;
	*ret_len = len;
	*ret = steal(s);
	return 0;
}

int goexe_read(const struct addrspace *as, uint64_t addr, struct goexe *ret,
	       struct gomain **ret_main)
{
	struct goexe exe = { .race = -1, .cgo = -1 };
	scoped_mem char *version = NULL, *mod = NULL;
	size_t version_len, mod_len = 0;
	const char *info;
	uint8_t h[HEADER_BYTES];
	int err = addrspace__read(as, addr, h, sizeof(h));

	if (err)
		return err;
	if (memcmp(h, magic, sizeof(magic)) != 0)
		return -ENOENT;
	if (h[15] & FLAG_INLINE) {
		uint64_t at = addr + HEADER_BYTES;

		err = read_inline_string(as, &at, GOEXE_MODINFO_MAX, &version, &version_len);
		if (!err)
			err = read_inline_string(as, &at, GOEXE_MODINFO_MAX, &mod, &mod_len);
	} else {
		uint64_t ptr[2];

		if (h[14] != 8 || h[15] & FLAG_BIG_END)
			return -EBADMSG;
		memcpy(ptr, h + 16, sizeof(ptr));
		err = read_go_string(as, ptr[0], GOEXE_VERSION_MAX * 4, &version, &version_len);
		/* No module information is no damage: programs built from GOPATH have none. */
		if (!err && ptr[1] && read_go_string(as, ptr[1], GOEXE_MODINFO_MAX, &mod, &mod_len))
			mod_len = 0;
	}
	if (err)
		return err;
	if (!version_len)
		return -EBADMSG;
	copy_text(exe.version, sizeof(exe.version), version, version_len);
	info = mod && mod_len > 2 * MODINFO_GUARD ? mod + MODINFO_GUARD : "";
	mod_len = *info ? mod_len - 2 * MODINFO_GUARD : 0;
	goexe_settings(info, mod_len, &exe);
	err = ret_main ? gomain__new(info, mod_len, ret_main) : 0;
	if (!err)
		*ret = exe;
	return err;
}

int goexe_find(const struct addrspace *as, uint64_t start, uint64_t end, uint64_t *ret_addr)
{
	struct window w;
	int err =
		window__init(&w, as, (start + GOEXE_ALIGN - 1) & ~(uint64_t)(GOEXE_ALIGN - 1), end);

	for (uint64_t at = w.start; !err && at + HEADER_BYTES <= end; at += GOEXE_ALIGN) {
		const uint8_t *p;

		err = window__at(&w, at, HEADER_BYTES, &p);
		if (!err && memcmp(p, magic, sizeof(magic)) == 0) {
			window__done(&w);
			*ret_addr = at;
			return 0;
		}
	}
	window__done(&w);
	return err ? err : -ENOENT;
}
