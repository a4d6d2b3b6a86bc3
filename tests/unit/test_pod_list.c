// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "serve/pod_list.h"

#define ID1 "b3408ae20ac75df4389a0565b35fabb6b380ef1fd0cacbfbbc7e1ade12d3ed70"
#define ID2 "c3408ae20ac75df4389a0565b35fabb6b380ef1fd0cacbfbbc7e1ade12d3ed70"

struct taken {
	struct pod_facts v[8];
	size_t nr, most;
};

static int take(void *ctx, const struct pod_facts *f)
{
	struct taken *t = ctx;

	if (t->nr == t->most)
		return -EPIPE;
	t->v[t->nr++] = *f;
	return 0;
}

/* One pod: members of its metadata, its specification and its status. */
static int read_pod(const char *meta, const char *spec, const char *status, struct taken *t)
{
	char text[8192];
	const int len = snprintf(text, sizeof(text),
				 "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{%s},\"spec\":{%s}"
				 ",\"status\":{%s}}]}",
				 meta, spec, status);

	*t = (struct taken){ .most = 8 };
	cr_assert(len > 0 && (size_t)len < sizeof(text));
	return pod_list_read(text, (size_t)len, take, t);
}

/* The shape is that of a kubelet 1.36.3 with containerd 1.6.20. */
Test(pod_list, a_container_has_what_its_pod_says)
{
	static struct taken t;

	cr_assert_eq(
		read_pod("\"name\":\"front-cd8f876fb-fh944\",\"namespace\":\"shop\",\"uid\":"
			 "\"5704b5c3-9257-4169-9e2b-946bea693485\","
			 "\"labels\":{\"app\":\"front\",\"app.kubernetes.io/"
			 "version\":\"2\",\"pod-template-hash\":\"cd8f876fb\"},"
			 "\"annotations\":{\"parkwatch.dev/level\":\"full\"},"
			 "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"front-"
			 "cd8f876fb\",\"controller\":true}]",
			 "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"web\",\"image\":\"r."
			 "example:5000/shop/front:1.2\"},{\"name\":\"side\",\"image\":\"side\"}],"
			 "\"initContainers\":[{\"name\":\"mesh\",\"image\":\"mesh@sha256:12\"}]",
			 "\"containerStatuses\":[{\"name\":\"web\",\"containerID\":\"containerd:/"
			 "/" ID1 "\",\"image\":\"sha256:99\"},{\"name\":\"side\"}],"
			 "\"initContainerStatuses\":[{\"name\":\"mesh\",\"containerID\":\"cri-o:/"
			 "/" ID2 "\"}]",
			 &t),
		0);
	cr_assert_eq(t.nr, 2, "one has no ID yet");
	cr_expect_str_eq(t.v[0].container_id, ID1);
	cr_expect_str_eq(t.v[0].pod, "front-cd8f876fb-fh944");
	cr_expect_str_eq(t.v[0].namespace, "shop");
	cr_expect_str_eq(t.v[0].pod_uid, "5704b5c3-9257-4169-9e2b-946bea693485");
	cr_expect_str_eq(t.v[0].container, "web");
	cr_expect_str_eq(t.v[0].image, "r.example:5000/shop/front:1.2");
	cr_expect_str_eq(t.v[0].node, "n1");
	cr_expect_str_eq(t.v[0].level, "full");
	cr_expect_str_eq(t.v[0].kind, "Deployment");
	cr_expect_str_eq(t.v[0].workload, "front");
	cr_expect_str_eq(pod_labels__value(&t.v[0].labels, "app.kubernetes.io/version"), "2");
	cr_expect_null(pod_labels__value(&t.v[0].labels, "app.kubernetes.io"));
	cr_expect_str_eq(t.v[1].container_id, ID2);
	cr_expect_str_eq(t.v[1].container, "mesh");
	cr_expect_str_eq(t.v[1].image, "mesh@sha256:12");
}

Test(pod_list, a_workload_is_what_controls_the_pod_and_never_a_guess)
{
	static const struct {
		const char *why, *labels, *owners, *kind, *workload;
	} t[] = {
		{ "the Deployment behind it", "\"pod-template-hash\":\"5d\"",
		  "{\"kind\":\"ReplicaSet\",\"name\":\"a-b-5d\",\"controller\":true}", "Deployment",
		  "a-b" },
		{ "a ReplicaSet of its own", "\"app\":\"a\"",
		  "{\"kind\":\"ReplicaSet\",\"name\":\"a-5d\",\"controller\":true}", "ReplicaSet",
		  "a-5d" },
		{ "another hash", "\"pod-template-hash\":\"6d\"",
		  "{\"kind\":\"ReplicaSet\",\"name\":\"a-5d\",\"controller\":true}", "ReplicaSet",
		  "a-5d" },
		{ "nothing before the hash", "\"pod-template-hash\":\"5d\"",
		  "{\"kind\":\"ReplicaSet\",\"name\":\"-5d\",\"controller\":true}", "ReplicaSet",
		  "-5d" },
		{ "a Job may be a CronJob's: the kubelet does not say", "\"a\":\"b\"",
		  "{\"kind\":\"Job\",\"name\":\"night-29000000\",\"controller\":true}", "Job",
		  "night-29000000" },
		{ "an owner that is not its controller", "\"a\":\"b\"",
		  "{\"kind\":\"StatefulSet\",\"name\":\"a\"}", "", "" },
		{ "a static pod", "\"a\":\"b\"",
		  "{\"kind\":\"Node\",\"name\":\"n1\",\"controller\":true}", "", "" },
		{ "nobody's", "\"a\":\"b\"", "", "", "" },
	};
	static struct taken got;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char meta[400];

		snprintf(meta, sizeof(meta), "\"labels\":{%s},\"ownerReferences\":[%s]",
			 t[i].labels, t[i].owners);
		cr_assert_eq(read_pod(meta, "",
				      "\"containerStatuses\":[{\"containerID\":\"docker://" ID1
				      "\"}]",
				      &got),
			     0, "%s", t[i].why);
		cr_assert_eq(got.nr, 1, "%s", t[i].why);
		cr_expect_str_eq(got.v[0].kind, t[i].kind, "%s: %s", t[i].why, got.v[0].kind);
		cr_expect_str_eq(got.v[0].workload, t[i].workload, "%s: %s", t[i].why,
				 got.v[0].workload);
	}
}

Test(pod_list, what_kubernetes_does_not_allow_is_not_known)
{
	static struct taken t;
	char meta[700], longest[400];

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	snprintf(meta, sizeof(meta),
		 "\"name\":\"a\\\"b\",\"namespace\":17,\"uid\":\"\\u0000x\",\"labels\":{\"k\\n\":"
		 "\"v\",\"ok\":\"v 1\",\"n\":5,\"%s\":\"v\"}",
		 longest);
	cr_assert_eq(read_pod(meta, "\"nodeName\":[]",
			      "\"containerStatuses\":[{\"name\":\"c/d\",\"containerID\":\"x://" ID1
			      "\"}]",
			      &t),
		     0);
	cr_assert_eq(t.nr, 1);
	cr_expect_str_empty(t.v[0].pod);
	cr_expect_str_empty(t.v[0].namespace);
	cr_expect_str_empty(t.v[0].pod_uid);
	cr_expect_str_empty(t.v[0].node);
	cr_expect_str_empty(t.v[0].container);
	cr_expect_str_eq(t.v[0].labels.text, "ok=");
	cr_expect_null(pod_labels__next(&t.v[0].labels, t.v[0].labels.text));
	cr_assert_eq(read_pod("", "",
			      "\"containerStatuses\":[{\"containerID\":\"x://" ID1
			      "0\"},{\"containerID\":\"" ID1 "\"},{},5]",
			      &t),
		     0);
	cr_expect_eq(t.nr, 0, "none has an ID that is one");
}

Test(pod_list, what_is_no_list_is_refused)
{
	static const struct {
		const char *text;
		int want;
	} t[] = {
		{ "", -EBADMSG },
		{ "Unauthorized", -EBADMSG },
		{ "[]", -EBADMSG },
		{ "{\"kind\":\"PodList\"}", -EBADMSG },
		{ "{\"kind\":\"NodeList\",\"items\":[]}", -EBADMSG },
		{ "{\"kind\":\"PodList\",\"items\":[{]}", -EBADMSG },
		{ "{\"kind\":\"PodList\",\"items\":[]}", 0 },
		{ "{\"kind\":\"PodList\",\"items\":[null,5,{}]}", 0 },
	};
	static const char one[] =
		"{\"kind\":\"PodList\",\"items\":[{\"status\":{\"containerStatuses\":"
		"[{\"containerID\":\"x://" ID1 "\"}]}}]}";
	static struct taken got;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		cr_expect_eq(pod_list_read(t[i].text, strlen(t[i].text), take, &got), t[i].want,
			     "%s", t[i].text);
	cr_expect_eq(pod_list_read("", POD_LIST_BYTES_MAX + 1, take, &got), -EFBIG);
	got.most = got.nr;
	cr_expect_eq(pod_list_read(one, strlen(one), take, &got), -EPIPE,
		     "who takes them ends the list");
}

Test(pod_facts, labels_have_a_bound)
{
	static struct pod_labels l;
	char key[40];
	size_t nr = 0, found = 0;

	while (snprintf(key, sizeof(key), "key%zu", nr) && pod_labels__add(&l, key, "value"))
		nr++;
	cr_expect_gt(nr, 200);
	for (const char *at = NULL; (at = pod_labels__next(&l, at));)
		found++;
	cr_expect_eq(found, nr);
	cr_expect_null(pod_labels__value(&l, key));
	cr_expect_str_eq(pod_labels__value(&l, "key100"), "value");
}

Test(pod_facts, an_image_is_a_name_and_a_tag)
{
	static const struct {
		const char *image, *name, *tag;
	} t[] = {
		{ "shop:2", "shop", "2" },
		{ "shop", "shop", "" },
		{ "r.example:5000/shop", "r.example:5000/shop", "" },
		{ "r.example:5000/shop/front:1.2", "r.example:5000/shop/front", "1.2" },
		{ "shop:2@sha256:12", "shop", "2" },
		{ "shop@sha256:12", "shop", "" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct pod_facts f = { .pod = "" };
		char name[256], tag[256];

		strcpy(f.image, t[i].image);
		pod_facts__image_name(&f, name);
		cr_expect_str_eq(name, t[i].name, "%s: %s", t[i].image, name);
		cr_expect_str_eq(pod_facts__image_tag(&f, tag), t[i].tag, "%s: %s", t[i].image,
				 tag);
	}
}
