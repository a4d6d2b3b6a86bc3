/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_web: the memory of a small Go process that serves HTTP: types, contexts, a connection with a
 * request, a goroutine that serves it and one that has a context of it.
 *
 * For unit tests of the room requests, and its fuzz target. Structs have fewer fields than Go's,
 * and other offsets: they are found by name. Header only, without a test framework; one process at
 * a time, in static memory.
 *
 *	goroutine 10	stands in main.f, which serverHandler.ServeHTTP has called, and this
 *			net/http.(*conn).serve, which has the connection
 *	goroutine 11	stands in main.f, which has a valueCtx made from the request's context, as
 *			an interface; it was made by 10
 *	goroutine 12	stands in main.f and has nothing
 */
#ifndef PARKWATCH_TESTS_FAKE_WEB_H
#define PARKWATCH_TESTS_FAKE_WEB_H

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "facts/goroutines.h"
#include "fake_maps.h"
#include "golang/goruntime.h"
#include "golang/gostate.h"
#include "golang/gotypes.h"
#include "heap/goheap.h"
#include "requests/requests.h"

#define FW_RUNTIME 0x500000ull
#define FW_TYPES   0x700000ull
#define FW_STACKS  0xd000000000ull
#define FW_HEAP    0xc000000000ull
#define FW_STACK   0x1000u
#define FW_GS      3u
#define FW_NAMES   0x2000u /* in FW_TYPES */

/* in FW_RUNTIME */
enum {
	FW_ALLGS = 0x100,
	FW_ALLGS_ARRAY = 0x200,
	FW_SPAN_LIST = 0x400,
	FW_MSPANS = 0x1000, /* 0x200 each */
	FW_ITABS = 0x3000,  /* 0x40 each */
	FW_G = 0x4000,      /* 0x400 each */
	FW_SUDOG = 0x6000,
	FW_LINKS = 0x7000,
	FW_MHEAP = 0x8000,
	FW_RUNTIME_BYTES = 0x20000,
};

enum fw_func {
	FW_F,
	FW_SERVE,
	FW_ROUND_TRIP,
	FW_HANDLER,
	FW_GOEXIT,
	FW_MALLOCINIT,
	FW_MHEAP_INIT,
	FW_CHANSEND,
	FW_FUNCS
};
static const struct fake_func fw_funcs[FW_FUNCS] = {
	[FW_F] = { "main.f", 0x40, 0, 1, 0x18, false, NULL, 0 },
	[FW_SERVE] = { "net/http.(*conn).serve", 0x40, 0, 1, 0x18, false, NULL, 0 },
	[FW_ROUND_TRIP] = { "net/http.(*Transport).roundTrip", 0x40, 0, 1, 0x18, false, NULL, 0 },
	[FW_HANDLER] = { "net/http.serverHandler.ServeHTTP", 0x40, 0, 1, 0x18, false, NULL, 0 },
	[FW_GOEXIT] = { "runtime.goexit", 0x20, 0, 1, 0, false, NULL, 0 },
	[FW_MALLOCINIT] = { "runtime.mallocinit", 0x20, 0, 1, 0, false, NULL, 0 },
	[FW_MHEAP_INIT] = { "runtime.(*mheap).init", 0x20, 0, 1, 0, false, NULL, 0 },
	[FW_CHANSEND] = { "runtime.chansend1", 0x20, 0, 1, 0, false, NULL, 0 },
};

enum fw_span { FW_16, FW_32, FW_48, FW_80, FW_112, FW_TEXTS, FW_SPANS };
static const struct {
	uint32_t bytes;
	uint8_t noscan;
} fw_spans[FW_SPANS] = { { 16, 0 }, { 32, 0 }, { 48, 0 }, { 80, 0 }, { 112, 0 }, { 64, 1 } };

enum fw_type {
	FW_INT,
	FW_STRING,
	FW_ANY,
	FW_CHAN,
	FW_MAP,
	FW_POINTER, /* unsafe */
	FW_CONTEXT,
	FW_VALUE,
	FW_CANCEL,
	FW_URL,
	FW_URL_P,
	FW_REQUEST,
	FW_REQUEST_P,
	FW_CONN,
	FW_CONN_P,
	FW_RESPONSE,
	FW_KEY,
	FW_VALUE_P,
	FW_CANCEL_P,
	FW_RESPONSE_P,
	FW_KEY_P,
	FW_HEADER, /* map[string][]string */
	FW_TRACE_ID,
	FW_SPAN_ID,
	FW_SPAN_CONTEXT,
	FW_TIME,
	FW_SPAN, /* OpenTelemetry's recordingSpan */
	FW_SPAN_P,
	FW_STRINGS,
	FW_GIN, /* a gin.Context */
	FW_GIN_P,
	FW_CHI, /* a chi.Context */
	FW_CHI_P,
	FW_BOOL,
	FW_DD_IDS, /* of Datadog's library: SpanContext, Span, spanCtx */
	FW_DD_IDS_P,
	FW_DD_SPAN,
	FW_DD_SPAN_P,
	FW_DD_CONTEXT,
	FW_DD_CONTEXT_P,
	FW_NR_TYPES
};

struct fw_field {
	const char *name;
	enum fw_type type;
	uint32_t offset;
	bool embedded;
};

struct fake_web {
	struct addrspace as; /* first */
	struct fake_module module;
	struct goruntime rt;
	struct census census;
	struct census_g rows[FW_GS];
	uint64_t e[FW_FUNCS], t[FW_NR_TYPES];
	uint64_t types_used, names_used, objects[FW_SPANS];
	void (*on_read)(struct fake_web *w, uint64_t addr); /* before each read; may be NULL */
	uint32_t reads;
	uint64_t own, value, request, conn, response; /* objects */
	uint8_t code[0x400], runtime[FW_RUNTIME_BYTES], types[0x4000], stacks[FW_GS * FW_STACK];
	uint8_t heap[FW_SPANS * GOHEAP_PAGE];
};

static inline uint8_t *fw_at(struct fake_web *w, uint64_t addr, size_t len)
{
	const struct {
		uint64_t base;
		uint8_t *mem;
		size_t len;
	} regions[] = {
		{ FAKE_BASE, w->module.buf, sizeof(w->module.buf) },
		{ FAKE_TEXT, w->code, sizeof(w->code) },
		{ FW_RUNTIME, w->runtime, sizeof(w->runtime) },
		{ FW_TYPES, w->types, sizeof(w->types) },
		{ FW_STACKS, w->stacks, sizeof(w->stacks) },
		{ FW_HEAP, w->heap, sizeof(w->heap) },
	};

	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++)
		if (addr >= regions[i].base && addr - regions[i].base <= regions[i].len &&
		    len <= regions[i].len - (addr - regions[i].base))
			return regions[i].mem + (addr - regions[i].base);
	return NULL;
}

static inline int fw_read(const struct addrspace *as, uint64_t addr, void *buf, size_t len)
{
	struct fake_web *w = (struct fake_web *)(uintptr_t)as;
	uint8_t *mem;

	w->reads++;
	if (w->on_read)
		w->on_read(w, addr);
	mem = fw_at(w, addr, len);
	if (!mem)
		return -EFAULT;
	memcpy(buf, mem, len);
	return 0;
}

static inline void fw_put(struct fake_web *w, uint64_t addr, uint64_t v, size_t size)
{
	memcpy(fw_at(w, addr, size), &v, size);
}

static inline void fw_word(struct fake_web *w, uint64_t addr, uint64_t v)
{
	fw_put(w, addr, v, 8);
}

/* --- types --- */

static inline uint64_t fw_type_room(struct fake_web *w, size_t len)
{
	const uint64_t at = FW_TYPES + w->types_used;

	w->types_used = (w->types_used + len + 7) & ~7ull;
	return at;
}

/* Names lie apart: from Go 1.27 on descriptors stand one behind the other. */
static inline uint64_t fw_name(struct fake_web *w, const char *text, bool embedded)
{
	const size_t len = strlen(text);
	const uint64_t at = FW_TYPES + FW_NAMES + w->names_used;
	uint8_t *b = fw_at(w, at, len + 3);

	w->names_used += len + 3;

	*b++ = embedded && w->rt.minor >= 19 ? 9 : 1;
	if (w->rt.minor < 17)
		*b++ = 0;
	*b++ = (uint8_t)len;
	memcpy(b, text, len);
	return at;
}

/* name NULL: of no name. bytes: of the descriptor without what is uncommon. */
static inline void fw_type(struct fake_web *w, enum fw_type type, enum gokind kind, uint64_t size,
			   uint64_t ptrs, const char *name, const char *pkg)
{
	const size_t bytes = kind == GOKIND_STRUCT || kind == GOKIND_INTERFACE ? 80
			     : kind == GOKIND_SLICE                            ? 56
			     : kind == GOKIND_CHAN                             ? 64
			     : kind == GOKIND_ARRAY                            ? 72
			     : kind == GOKIND_POINTER                          ? 56
			     : kind == GOKIND_MAP ? gofacts_of(w->rt.minor)->maptype_bytes
						  : 48;
	const uint64_t text = fw_name(w, name ? name : "?", false) - FW_TYPES,
		       path = pkg ? fw_name(w, pkg, false) - FW_TYPES : 0,
		       at = fw_type_room(w, bytes + (pkg ? 16 : 0));

	w->t[type] = at;
	fw_word(w, at, size);
	fw_word(w, at + 8, ptrs);
	fw_put(w, at + 16, 0x1000u + type, 4);
	fw_put(w, at + 20, (pkg ? 1 : 0) | (name ? 4 : 0), 1);
	fw_put(w, at + 21, 8, 1);
	fw_put(w, at + 23, kind, 1);
	if (kind == GOKIND_POINTER || kind == GOKIND_CHAN || kind == GOKIND_MAP ||
	    kind == GOKIND_UNSAFE_POINTER)
		fw_put(w, at + gofacts_of(w->rt.minor)->type_direct,
		       fw_at(w, at, 48)[gofacts_of(w->rt.minor)->type_direct] | 32u, 1);
	fw_put(w, at + 40, text, 4);
	if (pkg)
		fw_put(w, at + bytes, path, 4);
}

static inline void fw_struct(struct fake_web *w, enum fw_type type, uint64_t size, const char *name,
			     const char *pkg, const struct fw_field *f, size_t nr)
{
	uint64_t at;

	fw_type(w, type, GOKIND_STRUCT, size, size, name, pkg);
	at = fw_type_room(w, 24 * nr);
	fw_word(w, w->t[type] + 56, at);
	fw_word(w, w->t[type] + 64, nr);
	for (size_t i = 0; i < nr; i++) {
		const uint64_t name_at = fw_name(w, f[i].name, f[i].embedded);

		fw_word(w, at + 24 * i, name_at);
		fw_word(w, at + 24 * i + 8, w->t[f[i].type]);
		fw_word(w, at + 24 * i + 16,
			w->rt.minor < 19 ? 2 * f[i].offset + f[i].embedded : f[i].offset);
	}
}

static inline void fw_pointer(struct fake_web *w, enum fw_type type, enum fw_type to)
{
	fw_type(w, type, GOKIND_POINTER, 8, 8, NULL, NULL);
	fw_word(w, w->t[type] + 48, w->t[to]);
}

static inline void fw_make_structs(struct fake_web *w)
{
	static const struct fw_field value[] = { { "Context", FW_CONTEXT, 0, true },
						 { "key", FW_ANY, 16, false },
						 { "val", FW_ANY, 32, false } },
				     cancel[] = { { "Context", FW_CONTEXT, 0, true },
						  { "done", FW_CHAN, 16, false },
						  { "children", FW_MAP, 24, false },
						  { "err", FW_ANY, 32, false } },
				     url[] = { { "Path", FW_STRING, 0, false },
					       { "RawPath", FW_STRING, 16, false },
					       { "Opaque", FW_STRING, 32, false },
					       { "Scheme", FW_STRING, 48, false },
					       { "Host", FW_STRING, 64, false } },
				     request[] = { { "Method", FW_STRING, 0, false },
						   { "URL", FW_URL_P, 16, false },
						   { "RequestURI", FW_STRING, 24, false },
						   { "Pattern", FW_STRING, 40, false },
						   { "Host", FW_STRING, 56, false },
						   { "ctx", FW_CONTEXT, 72, false },
						   { "Header", FW_HEADER, 88, false } },
				     conn[] = { { "curReq", FW_POINTER, 0, false },
						{ "remote", FW_STRING, 8, false } },
				     response[] = { { "conn", FW_CONN_P, 0, false },
						    { "req", FW_REQUEST_P, 8, false } },
				     key[] = { { "name", FW_STRING, 0, false } };

	fw_struct(w, FW_VALUE, 48, "context.valueCtx", "context", value, 3);
	fw_struct(w, FW_CANCEL, 48, "context.cancelCtx", "context", cancel, 4);
	fw_struct(w, FW_URL, 80, "url.URL", "net/url", url, 5);
	fw_pointer(w, FW_URL_P, FW_URL);
	fw_struct(w, FW_REQUEST, 104, "http.Request", "net/http", request, 7);
	fw_pointer(w, FW_REQUEST_P, FW_REQUEST);
	fw_struct(w, FW_CONN, 32, "http.conn", "net/http", conn, 2);
	fw_pointer(w, FW_CONN_P, FW_CONN);
	fw_struct(w, FW_RESPONSE, 16, "http.response", "net/http", response, 2);
	fw_struct(w, FW_KEY, 16, "http.contextKey", "net/http", key, 1);
	fw_pointer(w, FW_VALUE_P, FW_VALUE);
	fw_pointer(w, FW_CANCEL_P, FW_CANCEL);
	fw_pointer(w, FW_RESPONSE_P, FW_RESPONSE);
	fw_pointer(w, FW_KEY_P, FW_KEY);
}

static inline void fw_array(struct fake_web *w, enum fw_type type, uint64_t len)
{
	fw_type(w, type, GOKIND_ARRAY, len, 0, NULL, NULL);
	fw_word(w, w->t[type] + 48, w->t[FW_INT]); /* what has no pointers */
	fw_word(w, w->t[type] + 64, len);
}

static inline void fw_make_span_type(struct fake_web *w)
{
	static const struct fw_field ids[] = { { "traceID", FW_TRACE_ID, 0, false },
					       { "spanID", FW_SPAN_ID, 16, false } },
				     time[] = { { "wall", FW_INT, 0, false },
						{ "ext", FW_INT, 8, false } },
				     span[] = { { "name", FW_STRING, 0, false },
						{ "startTime", FW_TIME, 16, false },
						{ "endTime", FW_TIME, 40, false },
						{ "spanContext", FW_SPAN_CONTEXT, 64, false } };

	fw_array(w, FW_TRACE_ID, 16);
	fw_array(w, FW_SPAN_ID, 8);
	fw_struct(w, FW_SPAN_CONTEXT, 24, "trace.SpanContext", "go.opentelemetry.io/otel/trace",
		  ids, 2);
	fw_struct(w, FW_TIME, 24, "time.Time", "time", time, 2);
	fw_struct(w, FW_SPAN, 112, "trace.recordingSpan", "go.opentelemetry.io/otel/sdk/trace",
		  span, 4);
	fw_pointer(w, FW_SPAN_P, FW_SPAN);
}

static inline void fw_make_router_types(struct fake_web *w)
{
	static const struct fw_field gin[] = { { "Request", FW_REQUEST_P, 0, false },
					       { "fullPath", FW_STRING, 8, false } },
				     chi[] = { { "parentCtx", FW_CONTEXT, 0, false },
					       { "RoutePatterns", FW_STRINGS, 16, false } };

	fw_type(w, FW_STRINGS, GOKIND_SLICE, 24, 8, NULL, NULL);
	fw_word(w, w->t[FW_STRINGS] + 48, w->t[FW_STRING]);
	fw_struct(w, FW_GIN, 32, "gin.Context", "github.com/gin-gonic/gin", gin, 2);
	fw_pointer(w, FW_GIN_P, FW_GIN);
	fw_struct(w, FW_CHI, 48, "chi.Context", "github.com/go-chi/chi/v5", chi, 2);
	fw_pointer(w, FW_CHI_P, FW_CHI);
}

static inline void fw_make_datadog_types(struct fake_web *w)
{
	static const char pkg[] = "github.com/DataDog/dd-trace-go/v2/ddtrace/tracer";
	static const struct fw_field ids[] = { { "traceID", FW_TRACE_ID, 0, false },
					       { "spanID", FW_INT, 16, false } },
				     span[] = { { "name", FW_STRING, 0, false },
						{ "start", FW_INT, 16, false },
						{ "finished", FW_BOOL, 24, false },
						{ "context", FW_DD_IDS_P, 32, false } },
				     context[] = { { "Context", FW_CONTEXT, 0, true },
						   { "span", FW_DD_SPAN_P, 16, false },
						   { "snapshot", FW_DD_IDS_P, 24, false } };

	fw_type(w, FW_BOOL, GOKIND_BOOL, 1, 0, "bool", NULL);
	fw_struct(w, FW_DD_IDS, 32, "tracer.SpanContext", pkg, ids, 2);
	fw_pointer(w, FW_DD_IDS_P, FW_DD_IDS);
	fw_struct(w, FW_DD_SPAN, 48, "tracer.Span", pkg, span, 4);
	fw_pointer(w, FW_DD_SPAN_P, FW_DD_SPAN);
	fw_struct(w, FW_DD_CONTEXT, 32, "tracer.spanCtx", pkg, context, 3);
	fw_pointer(w, FW_DD_CONTEXT_P, FW_DD_CONTEXT);
}

/* Go internal/abi: of buckets key 16, element 24, bucket 336 bytes; of groups 328, slots of 40. */
static inline void fw_make_header_type(struct fake_web *w)
{
	const uint8_t stride = gofacts_of(w->rt.minor)->maptype_stride;

	fw_type(w, FW_HEADER, GOKIND_MAP, 8, 8, "http.Header", NULL);
	if (!stride) {
		fw_put(w, w->t[FW_HEADER] + 80, 16, 1);
		fw_put(w, w->t[FW_HEADER] + 81, 24, 1);
		fw_put(w, w->t[FW_HEADER] + 82, 336, 2);
		return;
	}
	fw_word(w, w->t[FW_HEADER] + 80, 328);
	fw_word(w, w->t[FW_HEADER] + 88, stride == 88 ? 40 : 8);
	fw_word(w, w->t[FW_HEADER] + 96, stride == 88 ? 16 : 40);
	if (stride == 88)
		return;
	fw_word(w, w->t[FW_HEADER] + 104, 24);
	fw_word(w, w->t[FW_HEADER] + 112, 40);
}

/* All types that there are, as this Go lists them. */
static inline void fw_list_types(struct fake_web *w)
{
	static const enum fw_type listed[] = { FW_URL_P,   FW_REQUEST_P, FW_CONN_P,
					       FW_VALUE_P, FW_CANCEL_P,  FW_RESPONSE_P,
					       FW_KEY_P,   FW_SPAN_P,    FW_GIN_P,
					       FW_CHI_P,   FW_DD_SPAN_P, FW_DD_CONTEXT_P };
	const size_t nr = sizeof(listed) / sizeof(*listed);
	const struct gofacts *go = gofacts_of(w->rt.minor);

	fake_put(&w->module, FAKE_MD + go->md_types, FW_TYPES, 8);
	fake_put(&w->module, FAKE_MD + go->md_etypes, FW_TYPES + sizeof(w->types), 8);
	if (go->md_typelinks) {
		fake_put(&w->module, FAKE_MD + go->md_typelinks, FW_RUNTIME + FW_LINKS, 8);
		fake_put(&w->module, FAKE_MD + go->md_typelinks + 8u, nr, 8);
		for (size_t i = 0; i < nr; i++)
			fw_put(w, FW_RUNTIME + FW_LINKS + 4 * i, w->t[listed[i]] - FW_TYPES, 4);
	} else {
		fake_put(&w->module, FAKE_MD + go->md_typedesclen, w->types_used, 8);
	}
}

static inline void fw_make_types(struct fake_web *w)
{
	w->types_used = 8; /* offset 0 means none */
	fw_type(w, FW_INT, (enum gokind)2, 8, 0, "int", NULL);
	fw_type(w, FW_STRING, GOKIND_STRING, 16, 8, "string", NULL);
	fw_type(w, FW_ANY, GOKIND_INTERFACE, 16, 16, NULL, NULL);
	fw_type(w, FW_CHAN, GOKIND_CHAN, 8, 8, NULL, NULL);
	fw_type(w, FW_MAP, GOKIND_MAP, 8, 8, NULL, NULL);
	fw_type(w, FW_POINTER, GOKIND_UNSAFE_POINTER, 8, 8, NULL, NULL);
	fw_type(w, FW_CONTEXT, GOKIND_INTERFACE, 16, 16, "context.Context", "context");
	fw_word(w, w->t[FW_CONTEXT] + 64, 4); /* methods */
	fw_type_room(w, 4 * 8);
	fw_make_header_type(w);
	fw_make_structs(w);
	fw_make_span_type(w);
	fw_make_router_types(w);
	fw_make_datadog_types(w);
	fw_list_types(w);
}

/* --- heap --- */

static inline uint64_t fw_object(struct fake_web *w, enum fw_span span)
{
	return FW_HEAP + span * GOHEAP_PAGE + fw_spans[span].bytes * w->objects[span]++;
}

static inline void fw_string(struct fake_web *w, uint64_t at, const char *text)
{
	const uint64_t bytes = fw_object(w, FW_TEXTS);

	memcpy(fw_at(w, bytes, strlen(text)), text, strlen(text));
	fw_word(w, at, bytes);
	fw_word(w, at + 8, strlen(text));
}

/* The table of methods of a pointer to type for context.Context. */
static inline uint64_t fw_itab(struct fake_web *w, enum fw_type pointer)
{
	const uint64_t at = FW_RUNTIME + FW_ITABS + 0x40ull * pointer;

	fw_word(w, at, w->t[FW_CONTEXT]);
	fw_word(w, at + 8, w->t[pointer]);
	fw_put(w, at + 16, 0x1000u + pointer, 4);
	fw_word(w, at + 24, w->e[FW_F]);
	return at;
}

/* A context made from `parent`; 0: from none. Those of package context here have one size. */
static inline uint64_t fw_context(struct fake_web *w, enum fw_type parent_type, uint64_t parent)
{
	const uint64_t at = fw_object(w, FW_48);

	if (parent) {
		fw_word(w, at, fw_itab(w, parent_type));
		fw_word(w, at + 8, parent);
	}
	return at;
}

static inline void fw_make_heap(struct fake_web *w)
{
	const struct goobjects *o = &w->rt.objects;
	const uint64_t header = FW_RUNTIME + FW_MHEAP + (uint64_t)o->mheap_allspans;

	for (uint64_t i = 0; i < FW_SPANS; i++) {
		const uint64_t s = FW_RUNTIME + FW_MSPANS + 0x200 * i;

		fw_word(w, s + (uint64_t)o->mspan_start, FW_HEAP + i * GOHEAP_PAGE);
		fw_word(w, s + (uint64_t)o->mspan_npages, 1);
		fw_word(w, s + (uint64_t)o->mspan_elemsize, fw_spans[i].bytes);
		fw_put(w, s + (uint64_t)o->mspan_nelems, GOHEAP_PAGE / fw_spans[i].bytes,
		       w->rt.minor < 22 ? 8 : 2);
		fw_put(w, s + (uint64_t)o->mspan_spanclass, 2 * (i + 1) | fw_spans[i].noscan, 1);
		fw_put(w, s + (uint64_t)o->mspan_state, 1, 1);
		fw_word(w, FW_RUNTIME + FW_SPAN_LIST + 8 * i, s);
	}
	fw_word(w, header, FW_RUNTIME + FW_SPAN_LIST);
	fw_word(w, header + 8, FW_SPANS);
	fw_word(w, header + 16, FW_SPANS);
}

/* lea rax, [rip + mheap_]; mov [rsp], rax; call (*mheap).init */
static inline void fw_make_code(struct fake_web *w)
{
	uint8_t *c = w->code + (w->e[FW_MALLOCINIT] - FAKE_TEXT);
	int32_t mheap = (int32_t)(FW_RUNTIME + FW_MHEAP - (w->e[FW_MALLOCINIT] + 7));
	int32_t init = (int32_t)(w->e[FW_MHEAP_INIT] - (w->e[FW_MALLOCINIT] + 16));

	memcpy(c, "\x48\x8d\x05", 3);
	memcpy(c + 3, &mheap, 4);
	memcpy(c + 7, "\x48\x89\x04\x24\xe8", 5);
	memcpy(c + 12, &init, 4);
}

/* --- goroutines --- */

/* Where word 0 or 1 of the frame of main.f lies; word 1 is a live pointer. Frame 1: of its caller. */
static inline uint64_t fw_local(uint32_t g, uint32_t frame, uint32_t word)
{
	return FW_STACKS + g * FW_STACK + FW_STACK - 0x100 + 0x20 * frame + 8 * word;
}

static inline uint8_t fw_reason(int minor, const char *name)
{
	uint8_t i = 0;

	while (gowait_of(minor, i) != GOWAIT_UNKNOWN &&
	       strcmp(gowait_word(gowait_of(minor, i)), name))
		i++;
	return i;
}

/* Waits for a channel that nobody knows; chan: of which it has a sudog; 0: none. */
static inline void fw_go(struct fake_web *w, uint32_t i, bool serves, uint64_t chan)
{
	const struct pw_layout *l = &w->rt.layout;
	const uint64_t g = FW_RUNTIME + FW_G + 0x400ull * i,
		       sudog = FW_RUNTIME + FW_SUDOG + 0x100 * i;

	fw_word(w, g + (uint64_t)l->g_stack_lo, FW_STACKS + i * FW_STACK);
	fw_word(w, g + (uint64_t)l->g_stack_hi, FW_STACKS + (i + 1) * FW_STACK);
	fw_word(w, g + (uint64_t)l->g_sched_sp, fw_local(i, 0, 0));
	fw_word(w, g + (uint64_t)l->g_sched_pc, w->e[FW_F] + 0x10);
	fw_put(w, g + (uint64_t)l->g_atomicstatus, GOSTATUS_WAITING, 4);
	fw_word(w, g + (uint64_t)l->g_goid, 10 + i);
	fw_word(w, g + (uint64_t)l->g_startpc, w->e[serves ? FW_SERVE : FW_F]);
	fw_put(w, g + (uint64_t)l->g_waitreason, fw_reason(w->rt.minor, "chan receive"), 1);
	fw_word(w, fw_local(i, 0, 3), w->e[serves ? FW_HANDLER : FW_GOEXIT] + 1);
	if (serves) {
		fw_word(w, fw_local(i, 1, 3), w->e[FW_SERVE] + 0x10);
		fw_word(w, fw_local(i, 2, 3), w->e[FW_GOEXIT] + 1);
	}
	fw_word(w, g + (uint64_t)l->g_waiting, chan ? sudog : 0);
	fw_word(w, sudog + (uint64_t)l->sudog_g, g);
	fw_word(w, sudog + (uint64_t)l->sudog_c, chan);
	fw_word(w, FW_RUNTIME + FW_ALLGS_ARRAY + 8 * i, g);
	fw_word(w, FW_RUNTIME + FW_ALLGS + 8, FW_GS);
	w->rows[i] = (struct census_g){ .addr = g,
					.who = { .goid = 10 + i, .parent_goid = i == 1 ? 10 : 0 },
					.sp = fw_local(i, 0, 0) };
}

/* --- a trace --- */

/* A span of OpenTelemetry; its ids have this byte everywhere. Times: seconds since 1970; 0: none. */
static inline uint64_t fw_new_span(struct fake_web *w, const char *name, uint8_t id, uint64_t start,
				   uint64_t end)
{
	const uint64_t at = fw_object(w, FW_112), to_1970 = 62135596800ull;

	fw_string(w, at, name);
	fw_word(w, at + 24, start ? start + to_1970 : 0);
	fw_word(w, at + 48, end ? end + to_1970 : 0);
	memset(fw_at(w, at + 64, 24), id, 24);
	return at;
}

/* A context that has it, made from `parent`. */
static inline uint64_t fw_span_context(struct fake_web *w, uint64_t span, enum fw_type parent_type,
				       uint64_t parent)
{
	const uint64_t at = fw_context(w, parent_type, parent);

	fw_word(w, at + 32, w->t[FW_SPAN_P]);
	fw_word(w, at + 40, span);
	return at;
}

/* Its only header. The map has one group, or one bucket, and the element lies in slot 3. */
static inline void fw_set_header(struct fake_web *w, const char *key, const char *value)
{
	const bool groups = gofacts_of(w->rt.minor)->maptype_stride;
	const uint64_t map = fw_object(w, FW_48), at = fw_object(w, FW_TEXTS),
		       values = fw_object(w, FW_16);
	const uint64_t key_at = at + 8 + (groups ? 40 : 16) * 3,
		       elem_at = groups ? at + 24 + 40 * 3 : at + 8 + 128 + 24 * 3;

	for (int i = 0; i < 5; i++)
		(void)fw_object(w, FW_TEXTS); /* it is as large as six of them */
	memset(fw_at(w, at, 8), groups ? 0x80 : 0, 8);
	fw_put(w, at + 3, groups ? 0x11 : 0x77, 1);
	fw_word(w, map + 16, at); /* buckets, or the only group */
	fw_string(w, key_at, key);
	fw_string(w, values, value);
	fw_word(w, elem_at, values);
	fw_word(w, elem_at + 8, 1);
	fw_word(w, elem_at + 16, 1);
	fw_word(w, w->request + 88, map);
}

/* --- the request --- */

static inline void fw_make_request(struct fake_web *w)
{
	w->own = fw_context(w, FW_CANCEL_P, 0);
	w->value = fw_context(w, FW_CANCEL_P, w->own);
	w->request = fw_object(w, FW_112);
	w->conn = fw_object(w, FW_32);
	w->response = fw_object(w, FW_16);
	fw_string(w, w->request, "GET");
	fw_string(w, w->request + 24, "/quote/7?key=secret");
	fw_string(w, w->request + 40, "GET /quote/{id}");
	fw_string(w, w->request + 56, "api");
	fw_word(w, w->request + 72, fw_itab(w, FW_CANCEL_P));
	fw_word(w, w->request + 80, w->own);
	fw_word(w, w->conn, w->response);
	fw_word(w, w->response, w->conn);
	fw_word(w, w->response + 8, w->request);
}

static inline void fw_make_goroutines(struct fake_web *w)
{
	for (uint32_t i = 0; i < FW_GS; i++)
		fw_go(w, i, !i, 0);
	fw_word(w, fw_local(0, 2, 1), w->conn);
	fw_word(w, fw_local(1, 0, 0), fw_itab(w, FW_VALUE_P));
	fw_word(w, fw_local(1, 0, 1), w->value);
	w->census = (struct census){ .gs = w->rows, .nr = FW_GS };
}

/*
 * Goroutine 12 sends a request: main.f stands in for what Transport.roundTrip has called. Returns
 * its URL.
 */
static inline uint64_t fw_send(struct fake_web *w)
{
	const uint64_t request = fw_object(w, FW_112), url = fw_object(w, FW_80);

	fw_string(w, request, "PUT");
	fw_word(w, request + 16, url);
	fw_string(w, url, "/a b/\xc3\xbc");
	fw_string(w, url + 48, "https");
	fw_string(w, url + 64, "upstream:8443");
	fw_word(w, fw_local(2, 0, 3), w->e[FW_ROUND_TRIP] + 0x10);
	fw_word(w, fw_local(2, 1, 3), w->e[FW_GOEXIT] + 1);
	fw_word(w, fw_local(2, 1, 1), request);
	return url;
}

/*
 * Goroutine 10 waits to receive from a channel that 12 has, and main.f sends. Returns the channel.
 */
static inline uint64_t fw_await(struct fake_web *w)
{
	const uint64_t chan = FW_HEAP + FW_112 * GOHEAP_PAGE + 50 * 112;
	const int32_t to = (int32_t)(w->e[FW_CHANSEND] - (w->e[FW_F] + 5));
	uint8_t *code = w->code + (w->e[FW_F] - FAKE_TEXT);

	fw_go(w, 0, true, chan);
	fw_word(w, fw_local(0, 2, 1), w->conn);
	fw_word(w, fw_local(2, 0, 1), chan);
	code[0] = 0xe8; /* call rel32 */
	memcpy(code + 1, &to, sizeof(to));
	return chan;
}

/*
 * Maps of main.f, conn.serve and roundTrip: of two words the second is a pointer. false: it cannot
 * be.
 */
static inline bool fw_make_maps(struct fake_web *w, const struct moduledata *md)
{
	struct pagecache *mem = NULL;
	struct pcfunc fn;
	bool ok = !pagecache__new(&w->module.space.as, 1 << 20, &mem);

	for (int i = FW_F; i <= FW_ROUND_TRIP && ok; i++) {
		ok = !pclntab_func_at(&md->tab, mem, w->e[i], &fn);
		if (ok)
			fake_maps_funcdata(&w->module, &fn, 1, FAKE_LOCALS);
	}
	fake_maps_put(&w->module, FAKE_LOCALS, 1, 2, 0x2, 0);
	pagecache__free(mem);
	return ok;
}

/* false: it cannot be made; done must be called all the same. */
static inline bool fake_web__init(struct fake_web *w, int minor)
{
	const struct golayout_row *row = golayout_row(minor, EM_X86_64);
	struct moduledata md;

	memset(w, 0, sizeof(*w));
	w->as.read = fw_read;
	fake_module__init(&w->module, minor, fw_funcs, FW_FUNCS, w->e);
	w->rt.minor = minor;
	w->rt.machine = EM_X86_64;
	w->rt.arch = goarch_of(EM_X86_64);
	w->rt.layout = row->layout;
	w->rt.objects = row->objects;
	w->rt.allgs = FW_RUNTIME + FW_ALLGS;
	w->rt.nr_modules = 1;
	w->rt.modules[0] = (struct gomodule){ .moduledata = FAKE_BASE + FAKE_MD,
					      .minpc = FAKE_TEXT,
					      .maxpc = FAKE_TEXT + sizeof(w->code) };
	if (fake_module__read(&w->module, &md) || !fw_make_maps(w, &md) ||
	    gosym__new(&w->module.space.as, &md.tab, 1, &w->rt.sym))
		return false;
	fw_make_types(w);
	if (w->types_used > FW_NAMES || w->names_used > sizeof(w->types) - FW_NAMES)
		return false;
	fw_make_heap(w);
	fw_make_code(w);
	fw_word(w, FW_RUNTIME + FW_ALLGS, FW_RUNTIME + FW_ALLGS_ARRAY);
	fw_make_request(w);
	fw_make_goroutines(w);
	return true;
}

static inline void fake_web__done(struct fake_web *w)
{
	gosym__free(w->rt.sym);
	w->rt.sym = NULL;
}

/* --- reading --- */

/* All of it at once; until: may be NULL. */
static inline int fake_web__read(struct fake_web *w, struct deadline *until, struct grequests **ret,
				 struct cause *why)
{
	scoped(requests_reader) rr = NULL;
	int err = requests_reader__new(&w->as, &w->rt, &rr);

	return err ? err : requests_reader__read(rr, &w->census, until, ret, why);
}

#endif
