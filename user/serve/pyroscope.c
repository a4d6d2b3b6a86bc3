// SPDX-License-Identifier: BSD-2-Clause
#include "serve/pyroscope.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json_writer.h"
#include "serve/look_pprof.h"
#include "serve/pods.h"

/* RFC 4648; *ret is to be freed. */
static int base64(const unsigned char *v, size_t nr, char **ret)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *to = malloc((nr + 2) / 3 * 4 + 1), *at = to;

	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i += 3) {
		const uint32_t three = (uint32_t)v[i] << 16 |
				       (i + 1 < nr ? (uint32_t)v[i + 1] << 8 : 0) |
				       (i + 2 < nr ? v[i + 2] : 0);

		*at++ = digits[three >> 18];
		*at++ = digits[three >> 12 & 63];
		*at++ = i + 1 < nr ? digits[three >> 6 & 63] : '=';
		*at++ = i + 2 < nr ? digits[three & 63] : '=';
	}
	*at = '\0';
	*ret = to;
	return 0;
}

/* Pyroscope refuses an empty value. */
static void put_label(struct json_writer *w, const char *name, const char *value)
{
	if (!value[0])
		return;
	jsonw_start_object(w);
	jsonw_string_field(w, "name", name);
	jsonw_string_field(w, "value", value);
	jsonw_end_object(w);
}

static void put_pod(struct json_writer *w, const struct pod *p)
{
	char name[POD_LABEL_MAX + 8];

	put_label(w, "node", p->facts.node);
	put_label(w, "image", p->facts.image);
	put_label(w, "workload_kind", p->facts.kind);
	put_label(w, "workload", p->facts.workload);
	for (const char *at = NULL; (at = pod_labels__next(&p->named, at));) {
		pod_label_metric(at, name);
		put_label(w, name, at + strcspn(at, "=") + 1);
	}
}

static void put_series(struct json_writer *w, const struct watched *t, const char *profile)
{
	const char *slash = strrchr(t->row.exe, '/');
	char pid[12];

	snprintf(pid, sizeof(pid), "%d", (int)t->row.pid);
	jsonw_start_object(w);
	jsonw_array_field(w, "series");
	jsonw_start_object(w);
	jsonw_array_field(w, "labels");
	put_label(w, "__name__", "goroutine");
	put_label(w, "service_name", slash ? slash + 1 : t->row.exe);
	put_label(w, "target", t->id);
	put_label(w, "pid", pid);
	put_label(w, "go_version", t->row.go);
	put_label(w, "container", process_row__container(&t->row));
	put_label(w, "container_id", t->row.container);
	put_label(w, "namespace", t->row.pod_namespace);
	put_label(w, "pod", process_row__pod(&t->row));
	put_label(w, "pod_uid", t->row.pod);
	if (t->pod)
		put_pod(w, t->pod);
	jsonw_end_array(w);
	jsonw_array_field(w, "samples");
	jsonw_start_object(w);
	jsonw_string_field(w, "rawProfile", profile);
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end(w);
}

int pyroscope__push(const struct watched *t, struct textbuf *to)
{
	scoped_mem struct json_writer *w = malloc(sizeof(*w));
	scoped_mem char *profile = NULL;
	struct textbuf pprof;
	int err;

	if (!w)
		return -ENOMEM;
	textbuf__init(&pprof, NULL);
	err = look_pprof(t, &(struct look_pprof_opts){ .gzip = true }, &pprof);
	if (!err)
		err = base64((const unsigned char *)pprof.v, pprof.nr, &profile);
	textbuf__done(&pprof);
	if (err)
		return err;
	jsonw_init(w, to);
	put_series(w, t, profile);
	return to->err;
}
