// SPDX-License-Identifier: BSD-2-Clause
/* Paths as Docker, containerd, CRI-O, Podman and Kubernetes make them, with both cgroup drivers. */
#include <criterion/criterion.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "target/cgroup.h"

#define ID  "3f2a9c1b77aa4e1d8c5b6a7980123456789abcdef0123456789abcdef0123456"
#define UID "0f6a2b1c-1111-2222-3333-444455556666"

Test(cgroup, the_container_and_its_pod_are_in_the_path)
{
	static const struct {
		const char *text, *container, *pod;
	} t[] = {
		{ "0::/kubepods/burstable/pod" UID "/" ID "\n", ID, UID },
		{ "0::/kubepods/pod" UID "/" ID "\n", ID, UID },
		{ "0::/kubepods.slice/kubepods-burstable.slice/"
		  "kubepods-burstable-pod0f6a2b1c_1111_2222_3333_444455556666.slice/"
		  "cri-containerd-" ID ".scope\n",
		  ID, UID },
		{ "0::/kubepods.slice/kubepods-pod0f6a2b1c_1111_2222_3333_444455556666.slice/"
		  "crio-" ID ".scope",
		  ID, UID },
		{ "0::/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" ID "\n", ID,
		  "0123456789abcdef0123456789abcdef" },
		{ "0::/../../kubepods/burstable/pod" UID "/" ID "\n", ID, UID },
		{ "12:memory:/docker/" ID "\n0::/\n", ID, "" },
		{ "0::/system.slice/docker-" ID ".scope\n", ID, "" },
		{ "0::/machine.slice/libpod-" ID ".scope/container\n", ID, "" },
		{ "1:name=systemd:/user.slice\n0::/docker/" ID "/docker/" ID "\n", ID, "" },
		{ "0::/user.slice/user-1000.slice/session-2.scope\n", "", "" },
		{ "0::/kubepods/burstable/pod" UID "\n", "", "" },
		{ "0::/docker/" ID "0\n", "", "" },
		{ "0::/podium/" ID "\n", ID, "" },
		{ "0::/pod-x/pod12345678-1111-2222-3333-44445555666/" ID "\n", ID, "" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cgroup c;

		cgroup_of(t[i].text, &c);
		cr_expect_str_eq(c.container, t[i].container, "%s", t[i].text);
		cr_expect_str_eq(c.pod, t[i].pod, "%s", t[i].text);
	}
}

Test(cgroup, the_path_is_that_of_version_2_or_of_the_first_hierarchy_that_has_one)
{
	static const struct {
		const char *text, *path;
	} t[] = {
		{ "0::/system.slice/api.service\n", "/system.slice/api.service" },
		{ "1:name=systemd:/user.slice\n0::/docker/x\n", "/docker/x" },
		{ "3:cpu:/\n2:memory:/a\n1:pids:/b\n0::/\n", "/a" },
		{ "1:cpu:/a:b\n", "/a:b" },
		{ "0::/\n", "/" },
		{ "nonsense\n0::", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct cgroup c;

		cgroup_of(t[i].text, &c);
		cr_expect_str_eq(c.path, t[i].path, "%s", t[i].text);
	}
}

Test(cgroup, of_a_process)
{
	scoped_fd int dir = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cgroup c = { .container = "x", .pod = "y" };

	cgroup_read(dir, &c);
	cr_expect(strlen(c.container) == 0 || strlen(c.container) == CGROUP_CONTAINER_DIGITS);
	cgroup_read(-1, &c);
	cr_expect_str_eq(c.container, "", "one that has ended");
	cr_expect_str_eq(c.pod, "");
}
