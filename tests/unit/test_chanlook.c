/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/chanlook.h"

#include <criterion/criterion.h>

#include "fake_process.h"

#define MINOR 26
#define TYPE  (FP_VARIABLES + 0x40) /* of the elements */
#define BITS  (FP_VARIABLES + 0x80) /* of the span of channels: three sets, 8 bytes each */

static struct fake_process fp;
static struct chanlook *look;

static uint64_t bits(int i)
{
	return BITS + 8 * (uint64_t)i;
}

/* The span's bits: which objects outlived the last sweep, and which outlive the next. */
static void sweep(int alloc, int mark)
{
	const uint64_t s = fp_mspan(FP_CHANS);

	fp_word(&fp, s + (uint64_t)fp.rt.objects.mspan_allocbits, bits(alloc));
	fp_word(&fp, s + (uint64_t)fp.rt.objects.mspan_markbits, bits(mark));
}

static void put_chan(uint64_t at, uint64_t len, uint64_t cap)
{
	const struct goobjects *o = &fp.rt.objects;

	fp_word(&fp, at + (uint64_t)o->hchan_qcount, len);
	fp_word(&fp, at + (uint64_t)o->hchan_dataqsiz, cap);
	fp_word(&fp, at + (uint64_t)o->hchan_buf, fp_object(FP_LARGE, 0));
	fp_put(&fp, at + (uint64_t)o->hchan_elemsize, 8, 2);
	fp_word(&fp, at + (uint64_t)o->hchan_elemtype, TYPE);
}

static struct chanlook_chan chan_at(uint32_t i)
{
	return (struct chanlook_chan){ .addr = fp_object(FP_CHANS, i),
				       .elem_type = TYPE,
				       .buf = fp_object(FP_LARGE, 0),
				       .cap = 8,
				       .elem_name = "",
				       .elem_bytes = 8,
				       .record = fp_mspan(FP_CHANS),
				       .span_start = fp_span_start(FP_CHANS),
				       .span_bytes = fp_spans[FP_CHANS].bytes };
}

static void begin(void)
{
	fake_process__init(&fp, MINOR);
	cr_assert_eq(chanlook__new(&fp.as, &fp.rt, &look), 0);
	put_chan(fp_object(FP_CHANS, 3), 5, 8);
	sweep(0, 1);
}

static void end(void)
{
	chanlook__free(look);
	fake_process__done(&fp);
}

TestSuite(chanlook, .init = begin, .fini = end);

static void expect_same(struct chanlook_chan *c, enum chanlook_same want, const char *why)
{
	cr_assert_eq(chanlook__read(look, c, 1), 0);
	cr_expect_eq(c->same, want, "%s: %d", why, c->same);
}

Test(chanlook, reads_how_full_it_is)
{
	struct chanlook_chan c = chan_at(3);

	expect_same(&c, CHANLOOK_SAME, "the first time");
	cr_expect_eq(c.len, 5);
	cr_expect_eq(c.senders + c.receivers, 0);
	fp_word(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_qcount, 8);
	fp_put(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_closed, 1, 4);
	expect_same(&c, CHANLOOK_SAME, "nothing was swept");
	cr_expect_eq(c.len, 8);
	cr_expect(c.closed);
}

Test(chanlook, counts_who_queues)
{
	struct chanlook_chan c = chan_at(3);
	const uint64_t chans[] = { c.addr, c.addr, c.addr };
	uint64_t s[3];

	fp_go(&fp, GOSTATUS_WAITING, "chan send", chans, 3);
	for (int i = 0; i < 3; i++)
		s[i] = fp_object(FP_SUDOGS, (uint32_t)i);
	fp_word(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_sendq_first, s[0]);
	fp_word(&fp, s[0] + (uint64_t)fp.rt.objects.sudog_next, s[1]);
	fp_word(&fp, s[1] + (uint64_t)fp.rt.objects.sudog_next, s[2]);
	expect_same(&c, CHANLOOK_SAME, "the first time");
	cr_expect_eq(c.senders, 3);
	cr_expect_not(c.cut);
	fp_word(&fp, s[2] + (uint64_t)fp.rt.objects.sudog_next, s[0]);
	expect_same(&c, CHANLOOK_SAME, "a queue that is a circle ends");
	cr_expect_eq(c.senders, CHANLOOK_QUEUE_MAX);
	cr_expect(c.cut);
	fp_word(&fp, s[0] + (uint64_t)fp.rt.layout.sudog_c, 0x1234);
	expect_same(&c, CHANLOOK_SAME, "who left it just now was in it");
	cr_expect_eq(c.senders, 1);
}

static uint64_t queue[3];

/* When the last one is read the first goes to the end of the queue. */
static void turn(struct fake_process *p, uint64_t addr)
{
	const uint64_t c = fp_object(FP_CHANS, 3), next = (uint64_t)p->rt.objects.sudog_next;

	if (addr != queue[2])
		return;
	p->on_read = NULL;
	fp_word(p, c + (uint64_t)p->rt.objects.hchan_sendq_first, queue[1]);
	fp_word(p, queue[2] + next, queue[0]);
	fp_word(p, queue[0] + next, 0);
}

Test(chanlook, counts_nobody_twice_who_joins_the_queue_again)
{
	struct chanlook_chan c = chan_at(3);
	const uint64_t chans[] = { c.addr, c.addr, c.addr };

	fp_go(&fp, GOSTATUS_WAITING, "chan send", chans, 3);
	for (uint32_t i = 0; i < 3; i++) {
		queue[i] = fp_object(FP_SUDOGS, i);
		if (i)
			fp_word(&fp, queue[i - 1] + (uint64_t)fp.rt.objects.sudog_next, queue[i]);
	}
	fp_word(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_sendq_first, queue[0]);
	fp.on_read = turn;
	expect_same(&c, CHANLOOK_SAME, "the first time");
	cr_expect_eq(c.senders, 3, "%u", c.senders);
	cr_expect_null(fp.on_read, "it turned");
}

Test(chanlook, is_the_same_for_certain_if_it_outlived_the_one_sweep)
{
	struct chanlook_chan c = chan_at(3);

	expect_same(&c, CHANLOOK_SAME, "the first time");
	fp_put(&fp, bits(1), 1u << 3, 1);
	sweep(1, 2);
	expect_same(&c, CHANLOOK_SAME, "marked");
	fp_put(&fp, bits(2), 0xffu & ~(1u << 3), 1);
	sweep(2, 0);
	expect_same(&c, CHANLOOK_GONE, "another one at its place, made since");
}

Test(chanlook, may_be_another_one_if_more_was_swept)
{
	struct chanlook_chan c = chan_at(3);

	expect_same(&c, CHANLOOK_SAME, "the first time");
	fp_put(&fp, bits(2), 1u << 3, 1);
	sweep(2, 0);
	expect_same(&c, CHANLOOK_UNSURE,
		    "it outlived the last sweep, of the one before nobody knows");
	fp_put(&fp, bits(1), 0, 1);
	sweep(1, 2);
	expect_same(&c, CHANLOOK_GONE, "it did not outlive the last one");
}

Test(chanlook, is_gone_when_what_never_changes_did)
{
	static const struct {
		const char *why;
		int32_t offset;
		uint64_t value;
		size_t size;
	} t[] = {
		{ "its type", offsetof(struct goobjects, hchan_elemtype), TYPE + 8, 8 },
		{ "its size", offsetof(struct goobjects, hchan_elemsize), 16, 2 },
		{ "its room", offsetof(struct goobjects, hchan_dataqsiz), 9, 8 },
		{ "its buffer", offsetof(struct goobjects, hchan_buf), FP_HEAP, 8 },
		{ "more is in it than fits", offsetof(struct goobjects, hchan_qcount), 9, 8 },
		{ "closed is a flag", offsetof(struct goobjects, hchan_closed), 2, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct chanlook_chan c = chan_at(3);
		int32_t offset;

		put_chan(c.addr, 5, 8);
		expect_same(&c, CHANLOOK_SAME, "before");
		memcpy(&offset, (const char *)&fp.rt.objects + t[i].offset, sizeof(offset));
		fp_put(&fp, c.addr + (uint64_t)offset, t[i].value, t[i].size);
		expect_same(&c, CHANLOOK_GONE, t[i].why);
		fp_put(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_closed, 0, 4);
	}
}

Test(chanlook, is_never_opened_again)
{
	struct chanlook_chan c = chan_at(3);

	fp_put(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_closed, 1, 4);
	expect_same(&c, CHANLOOK_SAME, "closed");
	fp_put(&fp, c.addr + (uint64_t)fp.rt.objects.hchan_closed, 0, 4);
	expect_same(&c, CHANLOOK_GONE, "another one");
}

Test(chanlook, is_gone_with_its_span)
{
	struct chanlook_chan c = chan_at(3);

	expect_same(&c, CHANLOOK_SAME, "before");
	fp_put(&fp, fp_mspan(FP_CHANS) + (uint64_t)fp.rt.objects.mspan_state, 0, 1);
	expect_same(&c, CHANLOOK_GONE, "the span holds no objects");
}

Test(chanlook, is_not_judged_where_it_cannot_be_read)
{
	struct chanlook_chan c = chan_at(3);

	expect_same(&c, CHANLOOK_SAME, "before");
	c.record = 0x1000;
	expect_same(&c, CHANLOOK_UNREAD, "no span is there");
}
