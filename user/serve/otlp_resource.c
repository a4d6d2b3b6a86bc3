// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp_resource.h"
#include "serve/pods.h"

#include <string.h>
#include <unistd.h>

/* "": it is not known, and left out. */
static void add(struct otlp_resource *r, const char *key, const char *text)
{
	if (text[0])
		r->v[r->nr++] = (struct otlp_attribute){ .key = key, .text = text };
}

/* A workload's attribute; NULL: the conventions have none for this kind. */
static const char *key_of_kind(const char *kind)
{
	static const char *const keys[][2] = {
		{ "Deployment", "k8s.deployment.name" },
		{ "StatefulSet", "k8s.statefulset.name" },
		{ "DaemonSet", "k8s.daemonset.name" },
		{ "ReplicaSet", "k8s.replicaset.name" },
		{ "Job", "k8s.job.name" },
		{ "CronJob", "k8s.cronjob.name" },
		{ "ReplicationController", "k8s.replicationcontroller.name" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i][0], kind))
			return keys[i][1];
	return NULL;
}

/* The program's version is the pod's label for it, else the tag of its image, as OpenTelemetry's operator takes it. */
static void add_pod(struct otlp_resource *r, const struct pod *p)
{
	const char *key = key_of_kind(p->facts.kind),
		   *version = pod_labels__value(&p->facts.labels, "app.kubernetes.io/version");
	size_t i = 0;

	pod_facts__image_name(&p->facts, r->image);
	pod_facts__image_tag(&p->facts, r->tag);
	add(r, "k8s.node.name", p->facts.node);
	add(r, "container.image.name", r->image);
	add(r, "service.version", version ? version : r->tag);
	if (key)
		add(r, key, p->facts.workload);
	for (const char *at = NULL;
	     i < CONFIG_POD_LABELS_MAX && (at = pod_labels__next(&p->named, at)); i++) {
		snprintf(r->keys[i], sizeof(r->keys[i]), "k8s.pod.label.%.*s",
			 (int)strcspn(at, "="), at);
		add(r, r->keys[i], at + strcspn(at, "=") + 1);
	}
}

static void add_said(struct otlp_resource *r, const struct resource_text *said)
{
	const char *key, *value;

	for (size_t at = 0; resource_text__next(said, &at, &key, &value);)
		r->nr = otlp_attribute__said(r->v, r->nr, OTLP_RESOURCE_MAX, key, value);
}

void otlp_resource_of(const struct watched *t, struct otlp_resource *ret)
{
	const char *slash = strrchr(t->row.exe, '/'), *name = slash ? slash + 1 : t->row.exe;

	*ret = (struct otlp_resource){ .nr = 0 };
	if (gethostname(ret->host, sizeof(ret->host) - 1))
		ret->host[0] = '\0';
	add(ret, "service.name", name);
	add(ret, "service.instance.id", t->id);
	add(ret, "process.executable.name", name);
	add(ret, "process.executable.path", t->row.exe);
	add(ret, "process.runtime.name", "go");
	add(ret, "process.runtime.version", t->row.go);
	add(ret, "container.id", t->row.container);
	add(ret, "k8s.pod.uid", t->row.pod);
	add(ret, "k8s.pod.name", t->row.pod_name);
	add(ret, "k8s.namespace.name", t->row.pod_namespace);
	add(ret, "k8s.container.name", t->row.container_name);
	if (t->pod)
		add_pod(ret, t->pod);
	add(ret, "host.name", ret->host);
	ret->v[ret->nr++] = (struct otlp_attribute){ .key = "process.pid", .number = t->row.pid };
	add_said(ret, &t->resource);
}
