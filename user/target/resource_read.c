/* SPDX-License-Identifier: BSD-2-Clause */
#include "target/resource_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/maps.h"

#define NAME       "OTEL_SERVICE_NAME="
#define ATTRIBUTES "OTEL_RESOURCE_ATTRIBUTES="

/* --- the environment --- */

/* The first variable that is called so, as getenv has it. NULL: there is none. */
static const char *find_variable(const char *env, size_t len, const char *name, size_t *ret_len)
{
	const size_t name_len = strlen(name);

	for (const char *at = env, *end = env + len; at < end;) {
		const size_t one = strnlen(at, (size_t)(end - at));

		if (one >= name_len && !memcmp(at, name, name_len)) {
			*ret_len = one - name_len;
			return at + name_len;
		}
		at += one + 1;
	}
	return NULL;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* "%2F" is "/"; what is no such thing stays. buf: len bytes. */
static size_t decode_percent(const char *text, size_t len, char *buf)
{
	size_t nr = 0;

	for (size_t i = 0; i < len; i++) {
		const int high = len - i > 2 && text[i] == '%' ? hex_digit(text[i + 1]) : -1,
			  low = high >= 0 ? hex_digit(text[i + 2]) : -1;

		buf[nr++] = low >= 0 ? (char)(high << 4 | low) : text[i];
		i += low >= 0 ? 2 : 0;
	}
	return nr;
}

static void trim(const char **text, size_t *len)
{
	while (*len && (**text == ' ' || **text == '\t')) {
		++*text;
		--*len;
	}
	while (*len && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
		--*len;
}

/* "key=value" */
static int read_attribute(const char *text, size_t len, struct resource *ret)
{
	const char *equals = memchr(text, '=', len), *value;
	char buf[RESOURCE_VALUE_MAX];
	size_t key_len, value_len;

	if (!equals)
		return 0;
	value = equals + 1;
	key_len = (size_t)(equals - text);
	value_len = len - key_len - 1;
	trim(&text, &key_len);
	trim(&value, &value_len);
	value_len = decode_percent(value, value_len < sizeof(buf) ? value_len : sizeof(buf), buf);
	return resource__set(ret, text, key_len, buf, value_len);
}

int resource_read_environ(const char *env, size_t len, struct resource *ret)
{
	size_t list_len = 0, name_len = 0;
	const char *list = find_variable(env, len, ATTRIBUTES, &list_len),
		   *name = find_variable(env, len, NAME, &name_len);
	int err = 0;

	while (list && list_len && !err) {
		const char *comma = memchr(list, ',', list_len);
		const size_t one = comma ? (size_t)(comma - list) : list_len;

		err = read_attribute(list, one, ret);
		list += one + (comma != NULL);
		list_len -= one + (comma != NULL);
	}
	if (!err && name_len)
		err = resource__set(ret, "service.name", strlen("service.name"), name, name_len);
	return err;
}

static int read_environ(const struct proc *p, struct resource *ret)
{
	scoped_fd int fd = openat(proc__dirfd(p), "environ", O_RDONLY | O_CLOEXEC);
	scoped_mem char *env = NULL;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return 0;
	env = malloc(RESOURCE_ENVIRON_MAX);
	if (!env)
		return -ENOMEM;
	for (; n > 0 && len<RESOURCE_ENVIRON_MAX; len += n> 0 ? (size_t)n : 0)
		n = read(fd, env + len, RESOURCE_ENVIRON_MAX - len);
	return resource_read_environ(env, len, ret);
}

/* --- the process context --- */

/*
 * Of the message AnyValue, Resource and others of opentelemetry-proto what is read: KeyValue key 1,
 * value 2; AnyValue string 1, bool 2, int 3; Resource attributes 1; ProcessContext resource 1,
 * attributes 2.
 */
enum wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

struct message {
	const uint8_t *at, *end;
};

struct member {
	uint32_t number;
	enum wire wire;
	uint64_t varint;
	struct message bytes;
};

static bool read_varint(struct message *m, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; m->at < m->end && shift < 64; shift += 7) {
		const uint8_t b = *m->at++;

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool take_bytes(struct message *m, uint64_t len, struct message *ret)
{
	if (len > (uint64_t)(m->end - m->at))
		return false;
	*ret = (struct message){ m->at, m->at + len };
	m->at += len;
	return true;
}

/* The next member. false: there is none, or it makes no sense. */
static bool message__next(struct message *m, struct member *ret)
{
	uint64_t tag, len;

	if (!read_varint(m, &tag) || tag >> 3 > UINT32_MAX)
		return false;
	ret->number = (uint32_t)(tag >> 3);
	ret->wire = (enum wire)(tag & 7);
	switch (ret->wire) {
	case WIRE_VARINT: return read_varint(m, &ret->varint);
	case WIRE_64: return take_bytes(m, 8, &ret->bytes);
	case WIRE_32: return take_bytes(m, 4, &ret->bytes);
	case WIRE_BYTES: return read_varint(m, &len) && take_bytes(m, len, &ret->bytes);
	}
	return false;
}

/* An AnyValue of one of the plain kinds, as a text. buf: of 24 bytes. */
static struct message text_of(struct message value, char *buf)
{
	struct message none = { NULL, NULL };
	struct member x;

	while (message__next(&value, &x)) {
		if (x.wire == WIRE_BYTES)
			return x.number == 1 ? x.bytes : none;
		if (x.wire != WIRE_VARINT || x.number < 2 || x.number > 3)
			return none;
		if (x.number == 2)
			snprintf(buf, 24, "%s", x.varint ? "true" : "false");
		else
			snprintf(buf, 24, "%lld", (long long)x.varint);
		return (struct message){ (uint8_t *)buf, (uint8_t *)buf + strlen(buf) };
	}
	return none;
}

static int read_key_value(struct message m, struct resource *ret)
{
	struct message key = { NULL, NULL }, value = { NULL, NULL };
	struct member x;
	char buf[24];

	while (message__next(&m, &x)) {
		if (x.wire == WIRE_BYTES && x.number == 1)
			key = x.bytes;
		if (x.wire == WIRE_BYTES && x.number == 2)
			value = text_of(x.bytes, buf);
	}
	if (!key.at || !value.at)
		return 0;
	return resource__set(ret, (const char *)key.at, (size_t)(key.end - key.at),
			     (const char *)value.at, (size_t)(value.end - value.at));
}

/* A KeyValue has a message as its second member, a Resource a number, if any. */
static bool is_key_value(struct message m)
{
	struct member x;

	while (message__next(&m, &x))
		if (x.number == 2 && x.wire == WIRE_BYTES)
			return true;
	return false;
}

static int read_attributes(struct message m, struct resource *ret)
{
	struct member x;
	int err = 0;

	while (!err && message__next(&m, &x))
		if (x.number == 1 && x.wire == WIRE_BYTES)
			err = read_key_value(x.bytes, ret);
	return err;
}

int resource_read_payload(const uint8_t *payload, size_t len, struct resource *ret)
{
	struct message m = { payload, payload + len };
	struct member x;
	int err = 0;

	while (!err && message__next(&m, &x)) {
		if (x.wire != WIRE_BYTES || x.number > 2)
			continue;
		err = is_key_value(x.bytes) ? read_key_value(x.bytes, ret)
		      : x.number == 1       ? read_attributes(x.bytes, ret)
					    : 0;
	}
	return err;
}

/* The enhancement's header; a later version may mean something else by it. */
struct context_header {
	char signature[8];
	uint32_t version, payload_bytes;
	uint64_t published_ns; /* 0: it is being written */
	uint64_t payload;      /* address */
};
_Static_assert(sizeof(struct context_header) == 32, "the header of a process context");
#define CONTEXT_SIGNATURE "OTEL_CTX"
#define CONTEXT_VERSION   2u

static int read_context(const struct addrspace *as, uint64_t addr, struct resource *ret)
{
	scoped_mem uint8_t *payload = NULL;
	struct context_header h, again;

	if (addrspace__read(as, addr, &h, sizeof(h)) ||
	    memcmp(h.signature, CONTEXT_SIGNATURE, sizeof(h.signature)) ||
	    h.version != CONTEXT_VERSION || !h.published_ns || !h.payload_bytes ||
	    h.payload_bytes > RESOURCE_CONTEXT_MAX)
		return 0;
	payload = malloc(h.payload_bytes);
	if (!payload)
		return -ENOMEM;
	if (addrspace__read(as, h.payload, payload, h.payload_bytes) ||
	    addrspace__read(as, addr, &again, sizeof(again)) || memcmp(&h, &again, sizeof(h)))
		return 0; /* it is another one by now */
	return resource_read_payload(payload, h.payload_bytes, ret);
}

static bool is_context(const struct mapping *m)
{
	static const char *const names[] = { "[anon_shmem:OTEL_CTX]", "[anon:OTEL_CTX]",
					     "/memfd:OTEL_CTX" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(m->path, names[i], strlen(names[i])))
			return true;
	return false;
}

int resource_read(const struct proc *p, struct resource *ret)
{
	scoped(maps) maps = NULL;
	int err = read_environ(p, ret);

	if (err || maps__read(proc__dirfd(p), &maps))
		return err;
	for (size_t i = 0; i < maps->nr && !err; i++)
		if (is_context(&maps->m[i]))
			err = read_context(proc__mem(p), maps->m[i].start, ret);
	return err;
}
