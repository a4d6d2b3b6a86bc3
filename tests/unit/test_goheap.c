/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <stdio.h>

#include "fake_process.h"
#include "heap/gosecret.h"
#include "heap/gospecial.h"

static struct fake_process fp;

static struct goheap *heap_of(int minor)
{
	struct goheap *h = NULL;
	struct cause why = { "" };

	fake_process__init(&fp, minor);
	cr_assert_eq(goheap__read(&fp.as, &fp.rt, &h, &why), 0, "Go 1.%d: %s", minor, why.text);
	return h;
}

#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

Test(goheap, finds_the_object_of_an_address_in_every_version)
{
	for_each_minor(minor)
	{
		scoped(goheap) h = heap_of(minor);
		struct goobject o;

		cr_assert_eq(h->nr, FP_SPANS, "Go 1.%d", minor);
		cr_expect_eq(h->mheap, FP_RUNTIME + FP_MHEAP);
		cr_assert_eq(goheap__object(h, fp_object(FP_CHANS, 3) + 50, &o), 0);
		cr_expect_eq(o.base, fp_object(FP_CHANS, 3));
		cr_expect_eq(o.size, 112);
		cr_expect_not(o.span->noscan);
		cr_assert_eq(goheap__object(h, fp_object(FP_TINY, 511) + 15, &o), 0);
		cr_expect(o.span->tiny && o.span->noscan);
		cr_expect_eq(goheap__object(h, fp_object(FP_CHANS, 64), &o), -ENOENT,
			     "behind the last object");
		cr_expect_eq(goheap__object(h, FP_HEAP - 1, &o), -ENOENT);
		cr_expect_eq(goheap__object(h, h->hi, &o), -ENOENT);
		cr_assert_eq(goheap__object(h, fp_object(FP_LARGE, 0) + 20000, &o), 0);
		cr_expect_eq(o.base, fp_object(FP_LARGE, 0));
		cr_expect_eq(o.span->header, 0, "a large object has its type elsewhere");
		cr_expect_eq(h->refused, 0);
		fake_process__done(&fp);
	}
}

Test(goheap, tells_the_same_without_an_index)
{
	scoped(goheap) h = heap_of(22);
	struct goobject o;

	free(h->index);
	h->index = NULL;
	cr_assert_eq(goheap__object(h, fp_object(FP_SMALL, 7) + 8, &o), 0);
	cr_expect_eq(o.base, fp_object(FP_SMALL, 7));
	cr_expect_null(goheap__span(h, h->hi + 8));
	fake_process__done(&fp);
}

Test(goheap, leaves_out_spans_that_hold_no_objects)
{
	scoped(goheap) h = NULL;

	fake_process__init(&fp, 24);
	fp_put(&fp, fp_mspan(FP_LARGE) + (uint64_t)fp.rt.objects.mspan_state, 2, 1); /* a stack */
	cr_assert_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), 0);
	cr_expect_eq(h->nr, FP_SPANS - 1);
	cr_expect_eq(h->hi, fp_span_start(FP_LARGE));
	fake_process__done(&fp);
}

Test(goheap, may_be_empty)
{
	scoped(goheap) h = NULL;
	struct goobject o;

	fake_process__init(&fp, 24);
	for (int i = 0; i < FP_SPANS; i++)
		fp_put(&fp, fp_mspan(i) + (uint64_t)fp.rt.objects.mspan_state, 2, 1); /* stacks */
	cr_assert_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), 0);
	cr_expect_eq(h->nr, 0);
	cr_expect_eq(goheap__object(h, fp_object(FP_SMALL, 0), &o), -ENOENT);
	fake_process__done(&fp);
}

Test(goheap, counts_what_makes_no_sense)
{
	static const struct {
		const char *why;
		int32_t off;
		uint64_t value;
	} t[] = {
		{ "not at a page", offsetof(struct goobjects, mspan_start), FP_HEAP + 8 },
		{ "no pages", offsetof(struct goobjects, mspan_npages), 0 },
		{ "more pages than there are", offsetof(struct goobjects, mspan_npages),
		  1ull << 40 },
		{ "objects larger than it", offsetof(struct goobjects, mspan_elemsize),
		  1ull << 30 },
		{ "objects of no size", offsetof(struct goobjects, mspan_elemsize), 0 },
		{ "over another", offsetof(struct goobjects, mspan_start), FP_HEAP + GOHEAP_PAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(goheap) h = NULL;
		uint64_t list = FP_RUNTIME + FP_SPAN_LIST, more = FP_SPANS;
		int32_t off;

		fake_process__init(&fp, 20);
		/* Many that are none of our business, so that one in a few is no reason to doubt
		 * all. */
		for (; more < 64; more++)
			fp_word(&fp, list + 8 * more, FP_RUNTIME + FP_MSPANS + 0x200 * FP_SPANS);
		fp_word(&fp, FP_RUNTIME + FP_MHEAP + (uint64_t)fp.rt.objects.mheap_allspans + 8,
			more);
		fp_word(&fp, FP_RUNTIME + FP_MHEAP + (uint64_t)fp.rt.objects.mheap_allspans + 16,
			more);
		memcpy(&off, (const char *)&fp.rt.objects + t[i].off, sizeof(off));
		fp_word(&fp, fp_mspan(FP_CHANS) + (uint64_t)off, t[i].value);
		cr_assert_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), 0, "%s", t[i].why);
		cr_expect_eq(h->nr, FP_SPANS - 1, "%s: %zu", t[i].why, h->nr);
		cr_expect_eq(h->refused, 1, "%s", t[i].why);
		fake_process__done(&fp);
	}
}

Test(goheap, is_refused_if_it_is_none)
{
	struct goheap *h = NULL;
	struct cause why = { "" };

	fake_process__init(&fp, 22);
	fp_word(&fp, FP_RUNTIME + FP_MHEAP + (uint64_t)fp.rt.objects.mheap_allspans, 0x1234);
	cr_expect_eq(goheap__read(&fp.as, &fp.rt, &h, &why), -EBADMSG,
		     "a list that is not aligned");
	cr_expect(why.text[0]);
	fp_make_heap(&fp);
	fp_word(&fp, FP_RUNTIME + FP_MHEAP + (uint64_t)fp.rt.objects.mheap_allspans + 8,
		GOHEAP_LIST_MAX + 1ull);
	cr_expect_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), -EBADMSG, "longer than its room");
	fp_make_heap(&fp);
	fp_word(&fp, FP_RUNTIME + FP_SPAN_LIST, 0x99999);
	cr_expect_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), -EBADMSG, "pointers that are none");
	memset(fp.code, 0, sizeof(fp.code));
	cr_expect_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), -EBADMSG,
		     "code that is not mallocinit");
	cr_expect_null(h);
	fake_process__done(&fp);
}

/* Special `nr` of a span: kind as this version numbers it. */
static uint64_t put_special(enum fp_span span, uint32_t nr, uint32_t object, uint8_t kind,
			    uint64_t word)
{
	const struct goobjects *o = &fp.rt.objects;
	uint64_t at = FP_RUNTIME + FP_SPECIALS + 128 * nr,
		 first = fp_mspan(span) + (uint64_t)o->mspan_specials, next;

	memcpy(&next, fp_at(&fp, first, 8), 8);
	fp_word(&fp, at + (uint64_t)o->special_next, next);
	fp_put(&fp, at + (uint64_t)o->special_offset, object * fp_spans[span].bytes,
	       fp.rt.minor < 24 ? 2 : 8);
	fp_put(&fp, at + (uint64_t)o->special_kind, kind, 1);
	fp_word(&fp, at + (uint64_t)o->special_size, word);
	fp_word(&fp, first, at);
	return at;
}

Test(gospecial, knows_what_finalizers_and_weak_pointers_keep)
{
	static const struct {
		const char *why;
		int minor;
		uint8_t kind;
		size_t objects, words;
	} t[] = {
		{ "a finalizer", 15, 1, 1, 1 },   { "a profile", 15, 2, 0, 0 },
		{ "a finalizer", 22, 1, 1, 1 },   { "a profile", 22, 2, 0, 0 },
		{ "a pin", 22, 4, 0, 0 },         { "a weak handle", 23, 2, 1, 0 },
		{ "a profile", 23, 3, 0, 0 },     { "a cleanup", 24, 6, 0, 1 },
		{ "a tiny block", 25, 1, 0, 0 },  { "a finalizer", 27, 2, 1, 1 },
		{ "a weak handle", 27, 3, 1, 0 }, { "a profile", 27, 4, 0, 0 },
		{ "a cleanup", 27, 7, 0, 1 },     { "who knows", 27, 42, 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(goheap) h = NULL;
		scoped(gospecials) s = NULL;

		fake_process__init(&fp, t[i].minor);
		put_special(FP_SMALL, 0, 5, t[i].kind, fp_object(FP_SMALL, 9));
		cr_assert_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), 0);
		cr_assert_eq(gospecials__read(&fp.as, &fp.rt, h, &s), 0);
		cr_expect_eq(s->nr_objects, t[i].objects, "Go 1.%d %s", t[i].minor, t[i].why);
		cr_expect_eq(s->nr_words, t[i].words, "Go 1.%d %s", t[i].minor, t[i].why);
		cr_expect_eq(gospecials__revives(s, fp_object(FP_SMALL, 5), 32), t[i].objects == 1);
		cr_expect_not(gospecials__revives(s, fp_object(FP_SMALL, 6), 32));
		if (t[i].words)
			cr_expect_eq(s->words[0].value, fp_object(FP_SMALL, 9));
		fake_process__done(&fp);
	}
}

Test(gosecret, refuses_what_package_secret_has_allocated)
{
	static const struct {
		const char *why, *version;
		int minor;
		uint8_t kind;
		bool secret;
	} t[] = {
		{ "marked", "go1.26.8-X:runtimesecret", 26, 10, true },
		{ "marked", "go1.27.2-X:runtimesecret,simd", 27, 10, true },
		{ "a bubble", "go1.26.8-X:runtimesecret", 26, 9, false },
		{ "built without", "go1.26.8", 26, 10, false },
		{ "older", "go1.25.1-X:runtimesecret", 25, 10, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(gosecret) s = NULL;
		const struct addrspace *as;
		uint8_t buf[64];

		fake_process__init(&fp, t[i].minor);
		snprintf(fp.rt.version, sizeof(fp.rt.version), "%s", t[i].version);
		put_special(FP_SMALL, 0, 5, t[i].kind, 0);
		cr_assert_eq(gosecret__new(&fp.as, &fp.rt, &s), 0);
		as = gosecret__space(s, &fp.as);
		for (uint64_t at = 0; at < 32; at += 8)
			cr_expect_eq(addrspace__read(as, fp_object(FP_SMALL, 5) + at, buf, 8),
				     t[i].secret ? -EACCES : 0, "%s", t[i].why);
		cr_expect_eq(addrspace__read(as, fp_object(FP_SMALL, 4), buf, 64),
			     t[i].secret ? -EACCES : 0, "into it");
		cr_expect_eq(addrspace__read(as, fp_object(FP_SMALL, 4), buf, 32), 0, "before it");
		cr_expect_eq(addrspace__read(as, fp_object(FP_SMALL, 6), buf, 32), 0, "behind it");
		cr_expect_eq(addrspace__read(as, FP_VARIABLES, buf, 8), 0);
		cr_expect_eq(addrspace__read(as, UINT64_MAX - 3, buf, 8), -EFAULT);
		fake_process__done(&fp);
	}
}

Test(gosecret, refuses_all_of_the_heap_if_not_all_marks_can_be_read)
{
	scoped(gosecret) s = NULL;
	uint8_t buf[8];

	fake_process__init(&fp, 26);
	snprintf(fp.rt.version, sizeof(fp.rt.version), "go1.26.8-X:runtimesecret");
	fp_word(&fp, put_special(FP_SMALL, 0, 5, 10, 0) + (uint64_t)fp.rt.objects.special_next,
		0x7fff0000);
	cr_assert_eq(gosecret__new(&fp.as, &fp.rt, &s), 0);
	cr_expect_eq(addrspace__read(gosecret__space(s, &fp.as), fp_object(FP_CHANS, 6), buf, 8),
		     -EACCES);
	cr_expect_eq(addrspace__read(gosecret__space(s, &fp.as), FP_VARIABLES, buf, 8), 0);
	fake_process__done(&fp);
}

Test(gospecial, follows_lists_but_not_for_ever)
{
	scoped(goheap) h = NULL;
	scoped(gospecials) s = NULL;
	uint64_t first;

	fake_process__init(&fp, 22);
	first = put_special(FP_SMALL, 0, 5, 1, 0);
	put_special(FP_SMALL, 1, 3, 1, 0);
	put_special(FP_CHANS, 2, 3, 1, 0);
	cr_assert_eq(goheap__read(&fp.as, &fp.rt, &h, NULL), 0);
	cr_assert_eq(gospecials__read(&fp.as, &fp.rt, h, &s), 0);
	cr_expect_eq(s->nr_objects, 3);
	cr_expect_eq(s->lost, 0);
	cr_expect(gospecials__revives(s, fp_object(FP_SMALL, 3), 32));
	gospecials__free(steal(s));
	fp_word(&fp, first + (uint64_t)fp.rt.objects.special_next, first); /* a circle */
	cr_assert_eq(gospecials__read(&fp.as, &fp.rt, h, &s), 0);
	cr_expect_eq(s->lost, 1);
	gospecials__free(steal(s));
	fp_word(&fp, first + (uint64_t)fp.rt.objects.special_next, 0x7fff0000); /* unreadable */
	cr_assert_eq(gospecials__read(&fp.as, &fp.rt, h, &s), 0);
	cr_expect_eq(s->lost, 1);
	fake_process__done(&fp);
}
