// SPDX-License-Identifier: BSD-2-Clause
#include "facts/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "facts/fact_flags.h"

#define FRAMES_MAX 1024 /* of one pc */

int book__new(struct book **ret)
{
	scoped(book) b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	err = textpool__new(&b->texts);
	if (!err)
		err = codebook__new(b->texts, &b->code);
	if (err)
		return err;
	b->parkwatch = b->view = b->comm = b->exe = b->build_id = "";
	*ret = steal(b);
	return 0;
}

void book__free(struct book *b)
{
	if (!b)
		return;
	book__close_look(b, NULL);
	for (size_t i = 0; i < b->nr_looks; i++) {
		for (size_t rt = 0; rt < BOOK_RUNTIMES_MAX; rt++) {
			census__free(b->looks[i].censuses[rt]);
			book_waits__done(&b->looks[i].waits[rt]);
			grequests__free(b->looks[i].requests[rt].rs);
		}
		labelbook__free(b->looks[i].labels);
	}
	chan_watch__free(b->watch);
	resource__done(&b->resource);
	free(b->looks);
	free(b->peers);
	free(b->lines);
	codebook__free(b->code);
	textpool__free(b->texts);
	free(b);
}

int book__bad(struct cause *why, const char *what)
{
	return cause__set(why, -EBADMSG, "the recording is damaged: %s", what);
}

static int book__command(struct book *b, const Pw__Command *c, struct cause *why)
{
	if (c->n_options > BOOK_OPTIONS_MAX || c->n_values != c->n_options)
		return book__bad(why, "its command has too many options");
	b->parkwatch = textpool__get(b->texts, c->parkwatch);
	b->view = textpool__get(b->texts, c->view);
	for (size_t i = 0; i < c->n_options; i++) {
		b->options[i] = textpool__get(b->texts, c->options[i]);
		b->values[i] = textpool__get(b->texts, c->values[i]);
	}
	b->nr_options = c->n_options;
	return 0;
}

static int book__process(struct book *b, const Pw__Process *p, struct cause *why)
{
	int err = 0;

	if (p->n_attribute_key != p->n_attribute_value)
		return book__bad(why, "an attribute of its process has no value");
	b->pid = p->pid;
	b->comm = textpool__get(b->texts, p->comm);
	b->exe = textpool__get(b->texts, p->exe);
	b->build_id = textpool__get(b->texts, p->build_id);
	b->text_start = p->text_start;
	b->text_end = p->text_end;
	for (size_t i = 0; i < p->n_attribute_key && !err; i++)
		err = resource__set(&b->resource, p->attribute_key[i], strlen(p->attribute_key[i]),
				    p->attribute_value[i], strlen(p->attribute_value[i]));
	return err ? cause__no_memory(why) : 0;
}

static int book__runtime(struct book *b, const Pw__Runtime *r, struct cause *why)
{
	if (r->number > b->nr_runtimes || r->number >= BOOK_RUNTIMES_MAX)
		return book__bad(why, "its Go runtimes do not follow each other");
	b->runtimes[r->number].version = textpool__get(b->texts, r->version);
	b->runtimes[r->number].minor = (int)(r->minor & INT16_MAX);
	if (r->number == b->nr_runtimes)
		b->nr_runtimes++;
	return 0;
}

/* --- code --- */

static bool code_fits(const Pw__Code *c, size_t nr, size_t frames)
{
	return column_fits(c->n_kind, nr) && column_fits(c->n_frames, nr) &&
	       column_fits(c->n_entry, nr) && column_fits(c->n_size, nr) &&
	       column_fits(c->n_start, nr) && c->n_func == frames &&
	       column_fits(c->n_file, frames) && column_fits(c->n_line, frames) &&
	       column_fits(c->n_start_line, frames) && column_fits(c->n_flags, frames);
}

static void frame_of(const Pw__Code *c, size_t i, const struct pw_names *names,
		     struct code_frame *ret)
{
	const uint32_t flags = COLUMN_AT(c, flags, i);

	*ret = (struct code_frame){
		.func = pw_name(names, COLUMN_AT(c, func, i)),
		.file = pw_name(names, COLUMN_AT(c, file, i)),
		.line = COLUMN_AT(c, line, i),
		.start_line = COLUMN_AT(c, start_line, i),
		.inlined = flags & CODE_INLINED,
		.wrapper = flags & CODE_WRAPPER,
		.own = flags & CODE_OWN,
	};
}

static int book__code(struct book *b, const Pw__Code *c, const struct pw_names *names,
		      struct cause *why)
{
	struct code_frame frames[FRAMES_MAX];
	size_t nr = c->n_pc_delta, sum = 0, at = 0;
	uint64_t pc = 0;
	int err = 0;

	for (size_t i = 0; i < c->n_frames; i++)
		sum += c->frames[i];
	if (c->runtime >= b->nr_runtimes || !code_fits(c, nr, sum))
		return book__bad(why, "columns of its code differ in length");
	for (size_t i = 0; i < nr && !err; i++) {
		const size_t of = COLUMN_AT(c, frames, i);
		struct code_at code = { .entry = COLUMN_AT(c, entry, i),
					.size = COLUMN_AT(c, size, i),
					.start = COLUMN_AT(c, start, i),
					.frames = frames,
					.nr = of };

		pc += (uint64_t)c->pc_delta[i];
		if (of > FRAMES_MAX || COLUMN_AT(c, kind, i) > CODE_START)
			return book__bad(why, "an address has too many frames");
		for (size_t k = 0; k < of; k++)
			frame_of(c, at + k, names, &frames[k]);
		at += of;
		err = codebook__put(b->code, (uint16_t)c->runtime, pc,
				    (enum code_kind)COLUMN_AT(c, kind, i), &code);
	}
	return err ? cause__set(why, err, "out of memory") : 0;
}

/* --- peers --- */

static int book__add_peers(struct book *b, const Pw__Peers *p, const struct pw_names *names,
			   struct cause *why)
{
	if (p->n_fd != p->n_text || p->n_fd > BOOK_PEERS_MAX - b->nr_peers)
		return book__bad(why, "it has too many descriptors");
	if (vec__reserve(&b->peers, &b->peers_room, b->nr_peers + p->n_fd, sizeof(*b->peers)))
		return cause__no_memory(why);
	for (size_t i = 0; i < p->n_fd; i++)
		b->peers[b->nr_peers++] = (struct book_peer){
			.fd = p->fd[i], .text = textpool__get(b->texts, pw_name(names, p->text[i]))
		};
	return 0;
}

static int compare_peers(const void *a, const void *b)
{
	const struct book_peer *x = a, *y = b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

const char *book__peer(const struct book *b, int fd)
{
	const struct book_peer key = { .fd = (uint32_t)fd };
	const struct book_peer *p =
		b->nr_peers ? bsearch(&key, b->peers, b->nr_peers, sizeof(key), compare_peers)
			    : NULL;

	return p ? p->text : "";
}

static int book__add_lines(struct book *b, const Pw__LogLines *l, struct cause *why)
{
	int64_t unix_ns = 0;

	if (l->n_unix_delta != l->n_text || !column_fits(l->n_level, l->n_text) ||
	    l->n_text > BOOK_LINES_MAX - b->nr_lines)
		return book__bad(why, "it has too many lines");
	if (vec__reserve(&b->lines, &b->lines_room, b->nr_lines + l->n_text, sizeof(*b->lines)))
		return cause__no_memory(why);
	for (size_t i = 0; i < l->n_text; i++) {
		unix_ns = (int64_t)((uint64_t)unix_ns + (uint64_t)l->unix_delta[i]);
		b->lines[b->nr_lines++] =
			(struct book_line){ .unix_ns = (uint64_t)unix_ns,
					    .level = COLUMN_AT(l, level, i),
					    .text = textpool__get(b->texts, l->text[i]) };
	}
	b->lines_lost += l->lost;
	return 0;
}

/* --- all --- */

static int book__take(struct book *b, const Pw__Fact *f, const struct pw_names *names,
		      struct cause *why)
{
	switch (f->fact_case) {
	case PW__FACT__FACT_COMMAND: return book__command(b, f->command, why);
	case PW__FACT__FACT_PROCESS: return book__process(b, f->process, why);
	case PW__FACT__FACT_RUNTIME: return book__runtime(b, f->runtime, why);
	case PW__FACT__FACT_CODE: return book__code(b, f->code, names, why);
	case PW__FACT__FACT_LOOK: return book__look(b, f->look, why);
	case PW__FACT__FACT_STACKS: return book__stacks(b, f->stacks, why);
	case PW__FACT__FACT_LABELS: return book__labels(b, f->labels, names, why);
	case PW__FACT__FACT_GOROUTINES: return book__goroutines(b, f->goroutines, why);
	case PW__FACT__FACT_PEERS: return book__add_peers(b, f->peers, names, why);
	case PW__FACT__FACT_LOG_LINES: return book__add_lines(b, f->log_lines, why);
	case PW__FACT__FACT_CHANNELS: return book__channels(b, f->channels, names, why);
	case PW__FACT__FACT_LOCKS: return book__locks(b, f->locks, why);
	case PW__FACT__FACT_HOLDERS: return book__holders(b, f->holders, why);
	case PW__FACT__FACT_WAITS_FOR: return book__waits_for(b, f->waits_for, why);
	case PW__FACT__FACT_REQUESTS: return book__requests(b, f->requests, names, why);
	case PW__FACT__FACT_REQUESTS_OF: return book__requests_of(b, f->requests_of, names, why);
	case PW__FACT__FACT_CHANNEL_WATCH: return book__channel_watch(b, f->channel_watch, why);
	case PW__FACT__FACT_CHANNEL_LIFE: return book__channel_life(b, f->channel_life, names, why);
	default: return 1;
	}
}

int book__fact(struct book *b, const Pw__Fact *f, const struct pw_names *names, struct cause *why)
{
	const int err = book__take(b, f, names, why);

	return err < 0 ? err : !err;
}

int book__end(struct book *b, struct cause *why)
{
	int err = book__close_look(b, why);

	if (!err && !b->nr_runtimes)
		err = cause__set(why, -EBADMSG, "the recording tells of no process");
	if (b->nr_peers)
		qsort(b->peers, b->nr_peers, sizeof(*b->peers), compare_peers);
	return err;
}
