// SPDX-License-Identifier: BSD-2-Clause
#include "serve/pod_list.h"

#include <errno.h>
#include <json-c/json.h>

#include "base/cleanup.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
#define HEX     "0123456789abcdef"
#define HASH_LABEL                                                                                 \
	"pod-template-hash" /* the ReplicaSet's own: what the Deployment's name ends with in its name */
#define DEPTH_MAX 64

struct reading {
	int (*take)(void *ctx, const struct pod_facts *f);
	void *ctx;
	size_t nr;
};

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
			       json_object_is_type(v, type)
		       ? v
		       : NULL;
}

/* A text of these letters; "": there is none. */
static const char *text(struct json_object *o, const char *key, const char *letters)
{
	struct json_object *v = member(o, key, json_type_string);
	const char *s = v ? json_object_get_string(v) : "";

	return strlen(s) == (size_t)(v ? json_object_get_string_len(v) : 0) &&
			       !s[strspn(s, letters)]
		       ? s
		       : "";
}

static void put(char *to, size_t room, const char *s)
{
	const size_t len = strlen(s);

	memcpy(to, s, len < room ? len + 1 : 0);
}

#define PUT(to, s) put(to, sizeof(to), s)

static void put_labels(struct json_object *meta, struct pod_labels *to)
{
	struct json_object *labels = member(meta, "labels", json_type_object);

	if (!labels)
		return;
	json_object_object_foreach(labels, key, v)
	{
		(void)v;
		if (*key && !key[strspn(key, LETTERS "/")] &&
		    member(labels, key, json_type_string) &&
		    strlen(key) + 1 + strlen(text(labels, key, LETTERS)) <= POD_LABEL_MAX)
			(void)pod_labels__add(to, key, text(labels, key, LETTERS));
	}
}

/* What made the pod. Behind a ReplicaSet that has the Deployment's hash in its name and its pods' label is that. */
static void put_workload(struct json_object *owner, struct pod_facts *f)
{
	const char *kind = text(owner, "kind", LETTERS), *name = text(owner, "name", LETTERS),
		   *hash = pod_labels__value(&f->labels, HASH_LABEL);
	const size_t len = strlen(name), tail = hash ? strlen(hash) : 0;

	if (!kind[0] || !len || !strcmp(kind, "Node")) /* a static pod is nobody's */
		return;
	PUT(f->kind, kind);
	PUT(f->workload, name);
	if (strcmp(kind, "ReplicaSet") || !tail || len < tail + 2 || name[len - tail - 1] != '-' ||
	    strcmp(name + len - tail, hash))
		return;
	PUT(f->kind, "Deployment");
	f->workload[len - tail - 1] = '\0';
}

static void put_owner(struct json_object *meta, struct pod_facts *f)
{
	struct json_object *owners = member(meta, "ownerReferences", json_type_array);

	for (size_t i = 0; owners && i < json_object_array_length(owners); i++) {
		struct json_object *o = json_object_array_get_idx(owners, i),
				   *is = member(o, "controller", json_type_boolean);

		if (is && json_object_get_boolean(is))
			put_workload(o, f);
	}
}

/* The image as the pod's specification has it: what the runtime says may be a digest alone. */
static void put_image(struct json_object *spec, const char *list, struct pod_facts *f)
{
	struct json_object *all = member(spec, list, json_type_array);

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		struct json_object *c = json_object_array_get_idx(all, i);

		if (f->container[0] && !strcmp(text(c, "name", LETTERS), f->container))
			PUT(f->image, text(c, "image", LETTERS "/:@"));
	}
}

/* "containerd://ID" */
static bool put_id(struct json_object *status, struct pod_facts *f)
{
	const char *s = text(status, "containerID", LETTERS "/:"), *id = strstr(s, "://");

	id = id ? id + 3 : "";
	if (strlen(id) != sizeof(f->container_id) - 1 || id[strspn(id, HEX)])
		return false;
	PUT(f->container_id, id);
	return true;
}

static int read_containers(struct reading *r, struct json_object *pod,
			   const struct pod_facts *of_pod, const char *statuses, const char *specs)
{
	struct json_object *all =
		member(member(pod, "status", json_type_object), statuses, json_type_array);

	for (size_t i = 0; all && i < json_object_array_length(all) && r->nr < POD_LIST_MAX; i++) {
		struct json_object *c = json_object_array_get_idx(all, i);
		struct pod_facts f = *of_pod;
		int err;

		if (!put_id(c, &f))
			continue;
		PUT(f.container, text(c, "name", LETTERS));
		put_image(member(pod, "spec", json_type_object), specs, &f);
		err = r->take(r->ctx, &f);
		if (err)
			return err;
		r->nr++;
	}
	return 0;
}

static int read_pod(struct reading *r, struct json_object *pod)
{
	static const char *const kinds[][2] = { { "containerStatuses", "containers" },
						{ "initContainerStatuses", "initContainers" },
						{ "ephemeralContainerStatuses",
						  "ephemeralContainers" } };
	struct json_object *meta = member(pod, "metadata", json_type_object);
	struct pod_facts f = { .pod = "" };
	int err = 0;

	PUT(f.pod, text(meta, "name", LETTERS));
	PUT(f.namespace, text(meta, "namespace", LETTERS));
	PUT(f.pod_uid, text(meta, "uid", LETTERS));
	PUT(f.level,
	    text(member(meta, "annotations", json_type_object), POD_LEVEL_ANNOTATION, LETTERS));
	PUT(f.node, text(member(pod, "spec", json_type_object), "nodeName", LETTERS));
	put_labels(meta, &f.labels);
	put_owner(meta, &f);
	for (size_t k = 0; k < ARRAY_SIZE(kinds) && !err; k++)
		err = read_containers(r, pod, &f, kinds[k][0], kinds[k][1]);
	return err;
}

int pod_list_read(const char *json, size_t len, int (*take)(void *ctx, const struct pod_facts *f),
		  void *ctx)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct reading r = { .take = take, .ctx = ctx };
	struct json_object *all, *items;
	int err = 0;

	if (len > POD_LIST_BYTES_MAX)
		err = -EFBIG;
	all = tok && !err ? json_tokener_parse_ex(tok, json, (int)len) : NULL;
	items = member(all, "items", json_type_array);
	if (!tok)
		err = -ENOMEM;
	else if (!err && (!items || strcmp(text(all, "kind", LETTERS), "PodList") != 0))
		err = -EBADMSG;
	for (size_t i = 0; !err && i < json_object_array_length(items); i++)
		err = read_pod(&r, json_object_array_get_idx(items, i));
	json_object_put(all);
	if (tok)
		json_tokener_free(tok);
	return err;
}
