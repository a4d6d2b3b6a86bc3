// SPDX-License-Identifier: BSD-2-Clause
#include "serve/reading.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/write_all.h"
#include "serve/api.h"
#include "serve/goroutines.h"
#include "serve/hook.h"
#include "serve/leak_answer.h"
#include "serve/look_answer.h"
#include "serve/otlp_logs.h"
#include "serve/otlp_profiles.h"
#include "serve/otlp_spans.h"
#include "serve/pyroscope.h"
#include "serve/recorded_view.h"
#include "serve/request_answer.h"
#include "serve/stored_diff.h"
#include "serve/stored_look.h"
#include "serve/stored_sums.h"

/* --- what is posted --- */

static void post(struct http_answer *a, int err)
{
	if (err && !a->body.err)
		a->body.err = err;
}

static void pyroscope_read(const struct reading *r, struct http_answer *a)
{
	post(a, pyroscope__push(r->about, &a->body));
}

static void otlp_profile_read(const struct reading *r, struct http_answer *a)
{
	post(a, otlp_profiles__push(r->about, clock_ns(CLOCK_REALTIME), &a->body));
}

static void otlp_spans_read(const struct reading *r, struct http_answer *a)
{
	post(a, otlp_spans__push(r->about, &a->body));
}

static void otlp_recording_read(const struct reading *r, struct http_answer *a)
{
	post(a, otlp_profiles__recording(r->about, r->pprof.event, clock_ns(CLOCK_REALTIME),
					 &a->body));
}

static void hook_read(const struct reading *r, struct http_answer *a)
{
	post(a, hook__leaks(r->about, &a->body));
}

static void otlp_logs_read(const struct reading *r, struct http_answer *a)
{
	post(a, otlp_logs__leaks(r->about, r->sites, clock_ns(CLOCK_REALTIME), &a->body));
}

/* --- all kinds --- */

static void (*const kinds[READINGS])(const struct reading *r, struct http_answer *a) = {
	[READING_GOROUTINES] = goroutines_read,
	[READING_CHANS] = chans_read,
	[READING_REQUESTS] = requests_read,
	[READING_LEAKS] = leaks_read,
	[READING_PROFILE] = profile_read,
	[READING_DIFF] = diff_read,
	[READING_GO_GOROUTINES] = debug_pprof_read_goroutines,
	[READING_GO_LEAKS] = debug_pprof_read_leaks,
	[READING_GO_RECORDING] = debug_pprof_read_recording,
	[READING_RECORDING] = recorded_view_read,
	[READING_PYROSCOPE] = pyroscope_read,
	[READING_OTLP_PROFILE] = otlp_profile_read,
	[READING_OTLP_SPANS] = otlp_spans_read,
	[READING_OTLP_RECORDING] = otlp_recording_read,
	[READING_HOOK] = hook_read,
	[READING_OTLP_LOGS] = otlp_logs_read,
};

/* What recordings in the store call their command; NULL: it is made of something else. */
static const char *stored_view(const struct reading *r)
{
	if (r->pw)
		return NULL;
	if (r->kind == READING_LEAKS)
		return STORED_LEAKS_VIEW;
	return r->kind == READING_GOROUTINES || r->kind == READING_CHANS ||
			       r->kind == READING_REQUESTS
		       ? STORED_WHOLE_VIEW
		       : NULL;
}

static int find_stored(const struct reading *r, const char *view, struct store_found *ret,
		       struct cause *why)
{
	const uint64_t at = stored_unix_ns(http_query(r->q, "at"));
	const struct store_asked asked = { .dir = "the store",
					   .target = r->target,
					   .view = view,
					   .to_unix_ns = at ? at : UINT64_MAX,
					   .newest = true };

	if (r->store < 0)
		return cause__set(why, -ENOENT, "no history is on disk");
	return store_read_at(r->store, &asked, ret, why);
}

void reading__answer(const struct reading *r, struct http_answer *a)
{
	const char *view = stored_view(r);
	struct store_found found = { .len = 0 };
	struct reading of = *r;
	struct cause why = { "" };
	const int err = view ? find_stored(r, view, &found, &why) : 0;

	if (view) {
		of.pw = found.pw;
		of.len = found.len;
	}
	if (err)
		api_error(a, err == -ENOENT ? 404 : 500, why.text);
	else
		kinds[r->kind](&of, a);
	store_found__done(&found);
}

/* --- as bytes --- */

struct wire { /* then texts, each with its NUL: path, and names and values in turn; then what is known of the target, and its pod; then the recording */
	uint32_t kind, nr_query, texts, debug, event, has_pw, has_about, has_look, has_pod, sites;
	uint64_t len;
	char target[WATCHED_ID_MAX], name[16], format[8];
};

static void put_texts(const struct http_request *q, struct textbuf *to)
{
	textbuf__bytes(to, q->path, strlen(q->path) + 1);
	for (size_t i = 0; i < q->nr_query; i++) {
		textbuf__bytes(to, q->query[i].name, strlen(q->query[i].name) + 1);
		textbuf__bytes(to, q->query[i].value, strlen(q->query[i].value) + 1);
	}
}

int reading__pack(const struct reading *r)
{
	struct wire w = { .kind = r->kind,
			  .nr_query = r->q ? (uint32_t)r->q->nr_query : 0,
			  .debug = r->pprof.debug,
			  .event = r->pprof.event,
			  .has_pw = r->pw != NULL,
			  .has_about = r->about != NULL,
			  .has_look = r->about && r->about->look,
			  .has_pod = r->about && r->about->pod,
			  .sites = r->sites,
			  .len = r->pw ? r->len : 0 };
	scoped_fd int fd = memfd_create("reading", MFD_CLOEXEC);
	struct textbuf texts;
	int err = fd < 0 ? -errno : 0, ret = fd;

	textbuf__init(&texts, NULL);
	if (r->q)
		put_texts(r->q, &texts);
	w.texts = (uint32_t)texts.nr;
	snprintf(w.target, sizeof(w.target), "%s", r->target);
	snprintf(w.name, sizeof(w.name), "%s", r->pprof.name ? r->pprof.name : "");
	snprintf(w.format, sizeof(w.format), "%s", r->format ? r->format : "");
	if (!err)
		err = texts.err;
	if (!err)
		err = write_all(fd, &w, sizeof(w));
	if (!err)
		err = write_all(fd, texts.v, texts.nr);
	if (!err && r->about)
		err = write_all(fd, r->about, sizeof(*r->about));
	if (!err && w.has_pod)
		err = write_all(fd, r->about->pod, sizeof(*r->about->pod));
	if (!err)
		err = write_all(fd, r->pw, w.len);
	textbuf__done(&texts);
	if (err)
		return err;
	fd = -1;
	return ret;
}

/* The next text; NULL: there is none. */
static const char *next(const char **at, const char *end)
{
	const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

static int take_texts(struct http_request *q, const char *at, const char *end, uint32_t nr)
{
	q->path = next(&at, end);
	if (!q->path || nr > HTTP_QUERY_MAX)
		return -EBADMSG;
	q->accept = q->host = "";
	for (q->nr_query = 0; q->nr_query < nr; q->nr_query++) {
		struct http_value *v = &q->query[q->nr_query];

		v->name = next(&at, end);
		v->value = next(&at, end);
		if (!v->value)
			return -EBADMSG;
	}
	return 0;
}

/* Of its pointers none is of this process. */
static void take_about(struct reading_opened *o, const struct wire *w, const char *bytes)
{
	static char some[1];
	const struct reading *r = &o->reading;
	struct watched *t = &o->about;
	const bool of_look = r->kind == READING_PYROSCOPE || r->kind == READING_OTLP_PROFILE ||
			     r->kind == READING_OTLP_SPANS;

	memcpy(t, bytes, sizeof(*t));
	t->history = NULL;
	t->pod = w->has_pod ? &o->pod : NULL;
	if (w->has_pod)
		memcpy(&o->pod, bytes + sizeof(*t), sizeof(o->pod));
	t->look = of_look ? (char *)(uintptr_t)r->pw : w->has_look ? some : NULL;
	t->look_len = of_look ? r->len : 0;
	t->leaks.report = of_look ? NULL : (char *)(uintptr_t)r->pw;
	t->leaks.report_len = of_look ? 0 : r->len;
	memset(t->recordings.newest, 0, sizeof(t->recordings.newest));
	if (r->kind == READING_OTLP_RECORDING)
		t->recordings.newest[r->pprof.event] =
			(struct recorded){ .pw = (char *)(uintptr_t)r->pw, .len = r->len };
	t->from.body = t->leaks.from.body = t->recordings.from.body = NULL;
	o->reading.about = t;
}

static int take(struct reading_opened *o, const struct wire *w, int store)
{
	const char *texts = (const char *)o->bytes + sizeof(*w);
	const size_t about = (w->has_about ? sizeof(o->about) : 0) +
			     (w->has_pod ? sizeof(o->pod) : 0),
		     rest = o->len - sizeof(*w);

	if (w->kind >= READINGS || w->event >= RECORDING_EVENTS || w->texts > rest ||
	    about > rest - w->texts || w->len != rest - w->texts - about ||
	    (w->kind >= READING_PYROSCOPE && !w->has_about))
		return -EBADMSG;
	memcpy(o->target, w->target, sizeof(o->target) - 1);
	memcpy(o->name, w->name, sizeof(o->name) - 1);
	memcpy(o->format, w->format, sizeof(o->format) - 1);
	o->reading = (struct reading){ .kind = (enum reading_kind)w->kind,
				       .target = o->target,
				       .pw = w->has_pw ? texts + w->texts + about : NULL,
				       .len = w->len,
				       .store = store,
				       .q = w->texts ? &o->q : NULL,
				       .sites = w->sites,
				       .format = o->format,
				       .pprof = { .name = o->name,
						  .event = (enum profile_event)w->event,
						  .debug = w->debug } };
	if (w->has_about)
		take_about(o, w, texts + w->texts);
	return w->texts ? take_texts(&o->q, texts, texts + w->texts, w->nr_query) : 0;
}

int reading_opened__init(struct reading_opened *o, int fd, int store)
{
	struct stat st;
	struct wire w;

	*o = (struct reading_opened){ .bytes = NULL };
	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(w))
		return -EBADMSG;
	o->len = (size_t)st.st_size;
	o->bytes = mmap(NULL, o->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (o->bytes == MAP_FAILED)
		return -errno;
	memcpy(&w, o->bytes, sizeof(w));
	return take(o, &w, store);
}
