// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp_resource.h"

#include <string.h>
#include <unistd.h>

/* "": it is not known, and left out. */
static void add(struct otlp_resource *r, const char *key, const char *text)
{
	if (text[0])
		r->v[r->nr++] = (struct otlp_attribute){ .key = key, .text = text };
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
	add(ret, "host.name", ret->host);
	ret->v[ret->nr++] = (struct otlp_attribute){ .key = "process.pid", .number = t->row.pid };
}
