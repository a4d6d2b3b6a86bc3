# SPDX-License-Identifier: BSD-2-Clause
"""servepods: what Kubernetes calls a target, as the kubelet's links of logs say it. The links are made here, in a mount namespace; the control group is a real one."""
import contextlib
import os
import subprocess
import sys
import uuid
from pathlib import Path

import build
import harm
from serve import Daemon, alone, main
from target import Target, expect

LINKS = Path("/var/log/containers")


@contextlib.contextmanager
def pod_of(pid):
    """A group of a container in a pod, as the cgroupfs driver names it, with the process in it: the pod's UID, the container's id."""
    root = next((f for f in harm.FREEZERS if (f / "cgroup.procs").exists()), None)
    if not root:
        raise build.Missing("cgroups")
    uid, container = str(uuid.uuid4()), os.urandom(32).hex()
    groups = [root / f"kubepods-test-{uuid.uuid4()}"]
    groups += [groups[0] / f"pod{uid}", groups[0] / f"pod{uid}" / container]
    try:
        for g in groups:
            g.mkdir()
        (groups[-1] / "cgroup.procs").write_text(str(pid))
        yield uid, container
    finally:
        with contextlib.suppress(OSError):
            (root / "cgroup.procs").write_text(str(pid))
        harm.wait_until(lambda: not (groups[-1] / "cgroup.procs").read_text(), "the group does not become empty")
        for g in reversed(groups):
            g.rmdir()


def a_link_that_comes_late_names_the_pod_and_its_rule_holds():
    LINKS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", LINKS], check=True)    # in this namespace only
    (LINKS / f"other_shop_main-{os.urandom(32).hex()}.log").symlink_to("/nowhere")
    with Target("idle") as t, pod_of(t.pid) as (uid, container):
        config = LINKS / "parkwatch.yaml"
        config.write_text("rules:\n- match: {namespace: shop, pod: 'api-*'}\n  level: metrics\n")
        config.chmod(0o600)
        with Daemon("--config", str(config)) as d:
            unnamed = d.looked_at(t.pid)
            expect((unnamed["container"], unnamed["container_id"], unnamed["pod"], unnamed["pod_uid"], unnamed["namespace"], unnamed["level"]) ==
                   (container, container, uid, uid, None, "leaks"), f"{unnamed}")
            (LINKS / f"api-7d9-x2x_shop_main-{container}.log").symlink_to("/nowhere")
            d.until(lambda: d.target(t.pid)["namespace"], "no name")
            named = d.target(t.pid)
            expect((named["container"], named["container_id"], named["pod"], named["pod_uid"], named["namespace"], named["level"], named["worker_restarts"]) ==
                   ("main", container, "api-7d9-x2x", uid, "shop", "metrics", 0), f"{named}")
            info = next(line for line in d.get("/metrics")[2].splitlines() if line.startswith("parkwatch_target_info{"))
            for label in (f'container="main",container_id="{container}"', f'namespace="shop",pod="api-7d9-x2x",pod_uid="{uid}"'):
                expect(label in info, info)


ALL = {f.__name__: f for f in (a_link_that_comes_late_names_the_pod_and_its_rule_holds,)}


def cases():
    for f in ALL.values():
        yield f"servepods: {f.__name__}", lambda f=f: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
