// SPDX-License-Identifier: BSD-2-Clause
#include "serve/sd.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json_writer.h"
#include "serve/pods.h"

static void put_pod(struct json_writer *w, const struct pod *p)
{
	jsonw_string_field(w, "__meta_parkwatch_node", p->facts.node);
	jsonw_string_field(w, "__meta_parkwatch_image", p->facts.image);
	jsonw_string_field(w, "__meta_parkwatch_workload_kind", p->facts.kind);
	jsonw_string_field(w, "__meta_parkwatch_workload", p->facts.workload);
	for (const char *at = NULL; (at = pod_labels__next(&p->named, at));) {
		char name[sizeof("__meta_parkwatch_pod_") + POD_LABEL_MAX + 8],
			label[POD_LABEL_MAX + 8];

		pod_label_metric(at, label);
		snprintf(name, sizeof(name), "__meta_parkwatch_pod_%s", label);
		jsonw_string_field(w, name, at + strcspn(at, "=") + 1);
	}
}

/* __meta_ labels are for rules of relabeling, and go after these. */
static void put_labels(struct json_writer *w, const struct watched *t, bool is_tls)
{
	char pid[12];

	snprintf(pid, sizeof(pid), "%d", (int)t->row.pid);
	jsonw_object_field(w, "labels");
	jsonw_string_field(w, "__metrics_path__", "/metrics");
	if (is_tls)
		jsonw_string_field(w, "__scheme__", "https");
	jsonw_string_field(w, "__param_target", t->id);
	jsonw_string_field(w, "pid", pid); /* else all would have the same labels */
	jsonw_string_field(w, "__meta_parkwatch_target", t->id);
	jsonw_string_field(w, "__meta_parkwatch_level", level_word(t->level));
	jsonw_string_field(w, "__meta_parkwatch_exe", t->row.exe);
	jsonw_string_field(w, "__meta_parkwatch_go_version", t->row.go);
	jsonw_string_field(w, "__meta_parkwatch_container", process_row__container(&t->row));
	jsonw_string_field(w, "__meta_parkwatch_container_id", t->row.container);
	jsonw_string_field(w, "__meta_parkwatch_namespace", t->row.pod_namespace);
	jsonw_string_field(w, "__meta_parkwatch_pod", process_row__pod(&t->row));
	jsonw_string_field(w, "__meta_parkwatch_pod_uid", t->row.pod);
	if (t->pod)
		put_pod(w, t->pod);
	jsonw_end_object(w);
}

void sd__write(struct watched *const *targets, size_t nr, const char *host, bool is_tls,
	       struct textbuf *to)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));

	if (!w) {
		to->err = -ENOMEM;
		return;
	}
	jsonw_init(w, to);
	jsonw_start_array(w);
	for (size_t i = 0; i < nr && host[0]; i++) {
		if (!targets[i]->look)
			continue;
		jsonw_start_object(w);
		jsonw_array_field(w, "targets");
		jsonw_string(w, host);
		jsonw_end_array(w);
		put_labels(w, targets[i], is_tls);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end(w);
}
