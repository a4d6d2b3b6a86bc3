// SPDX-License-Identifier: BSD-2-Clause
#include "serve/pods.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "serve/watched.h"

void pods__open(struct pods *p, bool enabled)
{
	*p = (struct pods){ .enabled = enabled, .fd = -1, .wait_ns = PODS_SOON_NS };
}

static void pods__end(struct pods *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->got = 0;
	p->running = false;
}

void pods__close(struct pods *p)
{
	pods__end(p);
}

/* --- when it is asked --- */

static size_t lacking(struct watched *const *targets, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		n += targets[i]->row.pod[0] && !targets[i]->pod;
	return n;
}

bool pods__due(struct pods *p, struct watched *const *targets, size_t nr, uint64_t now_ns)
{
	const size_t now = p->enabled && !p->running ? lacking(targets, nr) : 0;

	if (!p->enabled || p->running)
		return false;
	if (now > p->lacking) { /* there are new ones */
		p->wait_ns = PODS_SOON_NS;
		p->lacking = now;
	}
	return now_ns >= p->late_ns || (now && now_ns >= p->soon_ns + p->wait_ns);
}

void pods__begin(struct pods *p, uint64_t now_ns)
{
	p->running = true;
	p->asked++;
	p->soon_ns = now_ns;
	p->late_ns = now_ns + PODS_LATE_NS;
	p->wait_ns = 2 * p->wait_ns < PODS_LATE_NS ? 2 * p->wait_ns : PODS_LATE_NS;
}

/* The same reason is told once. */
static void pods__fail(struct pods *p, const struct cause *why)
{
	p->failed++;
	if (strcmp(p->why.text, why->text))
		log_warn("labels, nodes and workloads of pods are not known: %s", why->text);
	p->why = *why;
}

void pods__attach(struct pods *p, int fd)
{
	pods__end(p);
	p->fd = fd;
	p->running = fd >= 0;
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	else
		pods__fail(p, &(struct cause){ "a process to ask the kubelet cannot be started" });
}

/* --- what it says --- */

/* Each text ends within its room. */
static void end_texts(struct pod_facts *f)
{
	char *const ends[] = { f->container_id + sizeof(f->container_id),
			       f->pod + sizeof(f->pod),
			       f->namespace + sizeof(f->namespace),
			       f->pod_uid + sizeof(f->pod_uid),
			       f->container + sizeof(f->container),
			       f->image + sizeof(f->image),
			       f->node + sizeof(f->node),
			       f->kind + sizeof(f->kind),
			       f->workload + sizeof(f->workload),
			       f->level + sizeof(f->level),
			       f->labels.text + sizeof(f->labels.text) - 1,
			       f->labels.text + sizeof(f->labels.text) };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		ends[i][-1] = '\0';
}

void pod__name_labels(struct pod *p, const struct config *c)
{
	p->named.text[0] = '\0';
	memset(&p->named, 0, sizeof(p->named));
	for (size_t i = 0; i < c->nr_pod_labels; i++) {
		const char *value = pod_labels__value(&p->facts.labels, c->pod_labels[i]);

		if (value)
			(void)pod_labels__add(&p->named, c->pod_labels[i], value);
	}
}

static void pods__tell_level(const struct watched *w)
{
	enum level level;

	if (w->pod->facts.level[0] && !level_by_word(w->pod->facts.level, &level))
		log_warn("%s: its pod's annotation %s is no level: '%s'; use " LEVEL_WORDS, w->id,
			 POD_LEVEL_ANNOTATION, w->pod->facts.level);
}

static void pods__give(struct watched *w, const struct pod_facts *f, const struct config *c)
{
	struct pod *pod = w->pod ? w->pod : calloc(1, sizeof(*pod));
	const bool news = !w->pod || strcmp(w->pod->facts.level, f->level) != 0;

	if (!pod)
		return; /* it is asked again */
	pod->facts = *f;
	w->pod = pod;
	pod__name_labels(pod, c);
	pod_facts__name_row(f, &w->row);
	if (news)
		pods__tell_level(w);
}

static void pods__take(struct pods *p, struct watched *const *targets, size_t nr,
		       const struct config *c)
{
	struct pod_facts *f = &p->said.facts;

	end_texts(f);
	for (size_t i = 0; i < nr && f->container_id[0]; i++)
		if (!strcmp(targets[i]->row.container, f->container_id))
			pods__give(targets[i], f, c);
}

/* How it ended. */
static bool pods__ended(struct pods *p, const struct cause *why, struct watched *const *targets,
			size_t nr, uint64_t now_ns)
{
	pods__end(p);
	p->soon_ns = now_ns;
	p->lacking = lacking(targets, nr);
	if (why) {
		pods__fail(p, why);
		return false;
	}
	p->why.text[0] = '\0';
	return true;
}

bool pods__read(struct pods *p, struct watched *const *targets, size_t nr, const struct config *c,
		uint64_t now_ns)
{
	while (p->fd >= 0) {
		const ssize_t n = read(p->fd, (char *)&p->said + p->got, sizeof(p->said) - p->got);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n <= 0)
			return pods__ended(p,
					   &(struct cause){
						   "who asks the kubelet ended without an answer" },
					   targets, nr, now_ns);
		p->got += (size_t)n;
		if (p->got < sizeof(p->said))
			continue;
		p->got = 0;
		if (p->said.what == KUBELET_END)
			return pods__ended(p, NULL, targets, nr, now_ns);
		if (p->said.what == KUBELET_CONTAINER) {
			pods__take(p, targets, nr, c);
			continue;
		}
		p->said.why.text[sizeof(p->said.why.text) - 1] = '\0';
		return pods__ended(p, &p->said.why, targets, nr, now_ns);
	}
	return false;
}

/* --- who reads it --- */

void pod__json(struct json_writer *w, const struct pod *p)
{
	const struct pod_facts none = { .pod = "" }, *f = p ? &p->facts : &none;

	jsonw_text_field(w, "node", f->node);
	jsonw_text_field(w, "image", f->image);
	jsonw_text_field(w, "workload_kind", f->kind);
	jsonw_text_field(w, "workload", f->workload);
	jsonw_object_field(w, "labels");
	for (const char *at = NULL; p && (at = pod_labels__next(&p->named, at));) {
		char key[POD_LABEL_MAX + 1];
		const size_t len = strcspn(at, "=");

		snprintf(key, sizeof(key), "%.*s", (int)len, at);
		jsonw_string_field(w, key, at + len + 1);
	}
	jsonw_end_object(w);
}
