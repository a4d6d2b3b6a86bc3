// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "target/pod_names.h"

#define ID "b3408ae20ac75df4389a0565b35fabb6b380ef1fd0cacbfbbc7e1ade12d3ed70"

Test(pod_names, a_link_of_the_log_has_them)
{
	struct pod_names n;

	/* Kubernetes 1.36.3, containerd 1.6.20 */
	cr_assert(pod_names_of("leaky-cd8f876fb-fh944_shop_main-" ID ".log", ID, &n));
	cr_expect_str_eq(n.pod, "leaky-cd8f876fb-fh944");
	cr_expect_str_eq(n.namespace, "shop");
	cr_expect_str_eq(n.container, "main");
	/* a pod's name may have dots, a container's dashes */
	cr_assert(pod_names_of("web.a.b-0_kube-system_side-car-2-" ID ".log", ID, &n));
	cr_expect_str_eq(n.pod, "web.a.b-0");
	cr_expect_str_eq(n.namespace, "kube-system");
	cr_expect_str_eq(n.container, "side-car-2");
}

Test(pod_names, what_is_no_such_link_is_none)
{
	static const char *const files[] = {
		"",
		".log",
		ID ".log",
		"-" ID ".log",
		"p_n_-" ID ".log",
		"p__c-" ID ".log",
		"_n_c-" ID ".log",
		"p_n-" ID ".log",
		"p_n_c_d-" ID ".log",
		"p_n_c-" ID,
		"p_n_c-" ID ".log.gz",
		"p_n_c" ID ".log",
		"p_n\x1b[2J_c-" ID ".log",
		"P_n_c-" ID ".log",
		"p_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_c-" ID ".log",
		"p_n_c-b3408ae20ac75df4389a0565b35fabb6b380ef1fd0cacbfbbc7e1ade12d3ed71.log",
	};
	struct pod_names n;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		cr_expect(!pod_names_of(files[i], ID, &n), "%s", files[i]);
	cr_expect(!pod_names_of("p_n_c-12.log", "12", &n));
	cr_expect(!pod_names_of("p_n_c-" ID ".log", "", &n));
}

Test(pod_names, they_are_looked_for_among_all)
{
	char folder[] = "/tmp/pod_names.XXXXXX", path[256];
	struct pod_names n;

	cr_assert(mkdtemp(folder));
	cr_expect(!pod_names_find(folder, ID, &n));
	snprintf(path, sizeof(path), "%s/p_n_c-%s.log", folder, ID);
	cr_assert(!symlink("/nowhere", path));
	cr_expect(pod_names_find(folder, ID, &n));
	cr_expect_str_eq(n.container, "c");
	unlink(path);
	rmdir(folder);
	cr_expect(!pod_names_find(folder, ID, &n));
}
