// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve/otlp_resource.h"
#include "serve/pods.h"
#include "serve/watched.h"

#define ID  "b3408ae20ac75df4389a0565b35fabb6b380ef1fd0cacbfbbc7e1ade12d3ed70"
#define SEC NS_PER_SEC

static struct watched in_pod(void)
{
	struct watched w = { .id = "api-1-0000", .level = LEVEL_LEAKS };

	strcpy(w.row.exe, "/srv/api");
	strcpy(w.row.container, ID);
	strcpy(w.row.pod, "5704b5c3-9257-4169-9e2b-946bea693485");
	return w;
}

static struct pod_facts of_api(void)
{
	struct pod_facts f = { .container_id = ID,
			       .pod = "api-5d-x",
			       .namespace = "shop",
			       .container = "main",
			       .node = "n1" };

	strcpy(f.image, "r.example:5000/api:7");
	strcpy(f.kind, "Deployment");
	strcpy(f.workload, "api");
	cr_assert(pod_labels__add(&f.labels, "app.kubernetes.io/version", "8"));
	cr_assert(pod_labels__add(&f.labels, "tier", "front"));
	return f;
}

static struct config *naming(void)
{
	static const char text[] = "pod_labels: [tier, app.kubernetes.io/version, none]\n";
	struct config *c = NULL;

	cr_assert_eq(config__parse("f", text, sizeof(text) - 1, &c, NULL), 0);
	return c;
}

Test(pods, the_kubelet_is_asked_soon_for_what_is_new_and_then_less_often)
{
	struct watched w = in_pod(), plain = { .id = "x" };
	struct watched *all[] = { &plain, &w };
	struct pods p;
	uint64_t now = 1000 * SEC;
	size_t asked = 0;

	pods__open(&p, false);
	cr_expect_not(pods__due(&p, all, 2, now), "it is not to be asked");
	pods__open(&p, true);
	cr_expect(pods__due(&p, all, 1, now), "once at the start");
	pods__begin(&p, now);
	cr_expect_not(pods__due(&p, all, 2, now + 600 * SEC), "one question at a time");
	for (uint64_t end = now + 60 * SEC; now < end; now += SEC / 10) {
		pods__attach(&p, -1); /* each fails */
		if (pods__due(&p, all, 2, now)) {
			asked++;
			pods__begin(&p, now);
		}
	}
	cr_expect(asked >= 3 && asked <= 6,
		  "%zu questions within a minute, for one that it does not know", asked);
	pods__close(&p);
}

/* The bytes through a pipe; whether the answer is whole. */
static bool answer(struct pods *p, struct watched *w, const void *bytes, size_t len,
		   const struct config *c)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], bytes, len), (ssize_t)len);
	close(fds[1]);
	pods__begin(p, SEC);
	pods__attach(p, fds[0]);
	return pods__read(p, &w, 1, c, 2 * SEC);
}

Test(pods, a_target_gets_what_is_said_of_its_container)
{
	scoped(config) c = naming();
	struct watched w = in_pod(), other = in_pod();
	static struct kubelet_said said[2];
	struct pods p;

	strcpy(other.row.container, "c" ID);
	said[0] = (struct kubelet_said){ .what = KUBELET_CONTAINER, .facts = of_api() };
	said[1] = (struct kubelet_said){ .what = KUBELET_END };
	pods__open(&p, true);
	cr_expect(answer(&p, &other, said, sizeof(said), c));
	cr_expect_null(other.pod);
	cr_expect(answer(&p, &w, said, sizeof(said), c));
	cr_assert_not_null(w.pod);
	cr_expect_str_eq(w.pod->facts.workload, "api");
	cr_expect_str_eq(w.row.pod_name, "api-5d-x");
	cr_expect_str_eq(w.pod->named.text, "tier=front", "in the order of the configuration");
	cr_expect_eq(p.failed, 0);
	free(w.pod);
}

Test(pods, an_answer_that_ends_early_or_is_hostile_is_a_failure_and_no_harm)
{
	scoped(config) c = naming();
	struct watched w = in_pod();
	static struct kubelet_said said[2];
	struct pods p;

	pods__open(&p, true);
	memset(said, 'x', sizeof(said));
	said[0].what = KUBELET_CONTAINER;
	memcpy(said[0].facts.container_id, ID, sizeof(ID) - 1);
	cr_expect_not(answer(&p, &w, said, sizeof(said[0]) + 5, c), "it ends in the midst of one");
	cr_assert_not_null(w.pod, "the ID ends where its room does");
	cr_expect_lt(strlen(w.pod->facts.workload), sizeof(w.pod->facts.workload));
	cr_expect_null(pod_labels__next(&w.pod->facts.labels, w.pod->facts.labels.text));
	cr_expect_not(answer(&p, &w, "", 0, c), "it says nothing");
	cr_expect_not(answer(&p, &w, &said[1], sizeof(said[1]), c), "it says what is not known");
	cr_expect_eq(p.failed, 3);
	free(w.pod);
}

Test(pods, an_address_of_ipv6_gets_its_brackets)
{
	static const char *const t[][2] = {
		{ "https://10.77.0.1:10250", "https://10.77.0.1:10250/pods" },
		{ "https://fd00::1:10250", "https://[fd00::1]:10250/pods" },
		{ "https://[fd00::1]:10250", "https://[fd00::1]:10250/pods" },
		{ "https://node-1:10250", "https://node-1:10250/pods" },
		{ "http://node-1", "http://node-1/pods" },
	};
	char url[64], few[20];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_expect(kubelet_pods_url(t[i][0], url, sizeof(url)), "%s", t[i][0]);
		cr_expect_str_eq(url, t[i][1], "%s", url);
	}
	cr_expect_not(kubelet_pods_url(t[0][0], few, sizeof(few)));
}

static const char *text_of(const struct otlp_resource *r, const char *key)
{
	for (size_t i = 0; i < r->nr; i++)
		if (!strcmp(r->v[i].key, key))
			return r->v[i].text;
	return NULL;
}

/* Names: OpenTelemetry semantic conventions 1.38, resource/k8s and resource/container. */
Test(pods, a_resource_has_them_as_the_conventions_call_them)
{
	scoped(config) c = naming();
	static struct pod pod;
	static struct otlp_resource r;
	struct watched w = in_pod();

	otlp_resource_of(&w, &r);
	cr_expect_null(text_of(&r, "k8s.node.name"));
	cr_expect_null(text_of(&r, "service.version"));
	pod.facts = of_api();
	pod__name_labels(&pod, c);
	w.pod = &pod;
	otlp_resource_of(&w, &r);
	cr_expect_str_eq(text_of(&r, "k8s.node.name"), "n1");
	cr_expect_str_eq(text_of(&r, "k8s.deployment.name"), "api");
	cr_expect_str_eq(text_of(&r, "container.image.name"), "r.example:5000/api");
	cr_expect_str_eq(text_of(&r, "service.version"), "8");
	cr_expect_str_eq(text_of(&r, "k8s.pod.label.tier"), "front");
	cr_expect_str_eq(text_of(&r, "k8s.pod.label.app.kubernetes.io/version"), "8");
	cr_expect_null(text_of(&r, "k8s.pod.label.none"));
	memset(&pod.facts.labels, 0, sizeof(pod.facts.labels));
	strcpy(pod.facts.kind, "Rollout");
	otlp_resource_of(&w, &r);
	cr_expect_str_eq(text_of(&r, "service.version"), "7", "the image's tag");
	cr_expect_null(text_of(&r, "k8s.deployment.name"));
}

Test(pods, of_its_service_a_process_knows_best_of_all_else_what_we_see_counts)
{
	static const char said[] = "service.name\0shop\0service.namespace\0\0process.pid\0"
				   "1\0"
				   "k8s.pod.name\0lie\0team\0front";
	static struct otlp_resource r;
	struct watched w = in_pod();
	size_t names = 0;

	w.row.pid = 77;
	strcpy(w.row.pod_name, "api-0");
	cr_assert(resource_text__take(&w.resource, said, sizeof(said)));
	otlp_resource_of(&w, &r);
	cr_expect_str_eq(text_of(&r, "service.name"), "shop");
	cr_expect_null(text_of(&r, "service.namespace"), "an empty one says nothing");
	cr_expect_null(text_of(&r, "process.pid"), "that is a number, and ours");
	cr_expect_str_eq(text_of(&r, "k8s.pod.name"), "api-0");
	cr_expect_str_eq(text_of(&r, "team"), "front");
	for (size_t i = 0; i < r.nr; i++)
		names += !strcmp(r.v[i].key, "service.name");
	cr_expect_eq(names, 1);
}
