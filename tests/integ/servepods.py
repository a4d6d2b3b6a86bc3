# SPDX-License-Identifier: BSD-2-Clause
"""servepods: what Kubernetes calls a target, as the kubelet's links of logs say it. The links are made here, in a mount namespace; the control group is a real one."""
import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import build
import harm
from serve import Daemon, alone, main, value, workers
from target import Target, expect, parkwatch

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
            head, *rows = parkwatch("ps", "--daemon", f"http://{d.address}/")[1].splitlines()
            row = next(line for line in rows if line.split()[0] == str(t.pid))
            expect(head.split()[-3:] == ["CONTAINER", "POD", "PROGRAM"] and row[head.index("POD"):].split()[0] == "shop/api-7d9-x2x", f"{head}: {row}")
            info = next(line for line in d.get("/metrics")[2].splitlines() if line.startswith("parkwatch_target_info{"))
            for label in (f'container="main",container_id="{container}"', f'namespace="shop",pod="api-7d9-x2x",pod_uid="{uid}"'):
                expect(label in info, info)


class Kubelet:
    """What answers GET /pods: `status` and `body` are the test's."""

    def __enter__(self):
        kubelet = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kubelet.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(kubelet.status)
                self.end_headers()
                self.wfile.write(kubelet.body.encode())

            def log_message(self, *_):
                pass
        self.asked, self.status, self.body = [], 403, "Forbidden"
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def pod_list(uid, container, level, labels):
    pod = {"metadata": {"name": "api-7d9-x2x", "namespace": "shop", "uid": uid, "labels": {"pod-template-hash": "7d9", **labels},
                        "annotations": {"parkwatch.dev/level": level} if level else {},
                        "ownerReferences": [{"kind": "ReplicaSet", "name": "api-7d9", "controller": True}]},
           "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "r.example/api:7"}]},
           "status": {"containerStatuses": [{"name": "main", "containerID": f"containerd://{container}", "image": "sha256:1"}]}}
    return json.dumps({"kind": "PodList", "apiVersion": "v1", "items": [pod]})


def the_kubelet_tells_the_rest():
    """What it refuses is told once; its answer gives workload, labels and names; the annotation chooses the level, before the rules."""
    account = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)    # in this namespace only
    account.mkdir(parents=True)
    (account / "token").write_text("the-token\n")
    config = Path("/run/parkwatch.yaml")
    config.write_text("pod_labels: [tier, app.kubernetes.io/version, none]\nrules:\n- match: {label: 'tier=front'}\n  level: metrics\n")
    config.chmod(0o600)
    with Kubelet() as kubelet, Target("idle") as t, pod_of(t.pid) as (uid, container), Daemon("--config", str(config), "--kubelet", kubelet.url) as d:
        d.until(lambda: value(d.metrics(), "parkwatch_kubelet_requests_failed_total") > 1, "it is not asked again")
        said = d.said()
        expect(said.count("a ClusterRole must allow 'get' of 'nodes/pods'") == 1, said)
        expect(set(kubelet.asked) == {("/pods", "Bearer the-token")}, f"{kubelet.asked}")
        unknown = d.looked_at(t.pid)
        expect((unknown["node"], unknown["image"], unknown["workload"], unknown["workload_kind"], unknown["labels"]) == (None, None, None, None, {}), f"{unknown}")
        kubelet.body = pod_list(uid, container, None, {"tier": "front", "app.kubernetes.io/version": "7"})
        kubelet.status = 200
        d.process.send_signal(signal.SIGHUP)
        d.until(lambda: d.target(t.pid)["workload"], "it is not told", 90)
        seen = d.target(t.pid)
        expect((seen["node"], seen["image"], seen["workload_kind"], seen["workload"], seen["labels"], seen["namespace"], seen["pod"], seen["container"], seen["level"]) ==
               ("node-1", "r.example/api:7", "Deployment", "api", {"tier": "front", "app.kubernetes.io/version": "7"}, "shop", "api-7d9-x2x", "main", "metrics"), f"{seen}")
        info = next(labels for name, labels, _ in d.metrics() if name == "parkwatch_target_info" and labels["pid"] == str(t.pid))
        expect((info["node"], info["workload_kind"], info["workload"], info["label_tier"], info["label_app_kubernetes_io_version"]) ==
               ("node-1", "Deployment", "api", "front", "7") and "label_none" not in info, f"{info}")
        (labels,) = [e["labels"] for e in json.loads(d.get("/sd")[2]) if e["labels"]["__param_target"] == seen["id"]]
        expect((labels["__meta_parkwatch_workload"], labels["__meta_parkwatch_pod_label_tier"]) == ("api", "front"), f"{labels}")
        for command in (("ps",), ("top", "-b", "-n", "1")):
            lines = parkwatch(*command, "--daemon", f"http://{d.address}/")[1].splitlines()
            head, row = (re.split(r" {2,}", next(line for line in lines if line.split()[:1] == [first]).strip()) for first in ("PID", str(t.pid)))
            cells = dict(zip(head, row, strict=True))
            expect((cells["WORKLOAD"], cells["LABELS"]) == ("Deployment/api", "tier=front,app.kubernetes.io/version=7"), f"{command}: {cells}")
        row = next(p for p in json.loads(parkwatch("ps", "-f", "json", "--daemon", f"http://{d.address}/")[1])["processes"] if p["pid"] == t.pid)
        expect({k: row[k] for k in ("workload_kind", "workload", "labels")} == {k: seen[k] for k in ("workload_kind", "workload", "labels")}, f"{row}")
        kubelet.body = pod_list(uid, container, "off", {"tier": "front"})
        d.process.send_signal(signal.SIGHUP)
        d.until(lambda: d.target(t.pid)["level"] == "off", "the annotation does not hold", 90)
        expect((d.target(t.pid)["watched"], d.target(t.pid)["why_not"]) == (False, "its pod says off"), f"{d.target(t.pid)}")
        d.until(lambda: t.pid not in workers(), "its worker goes on")
        kubelet.body = "{"
        failed = value(d.metrics(), "parkwatch_kubelet_requests_failed_total")
        d.process.send_signal(signal.SIGHUP)
        d.until(lambda: value(d.metrics(), "parkwatch_kubelet_requests_failed_total") > failed, "nonsense is taken", 90)
        expect(d.target(t.pid)["level"] == "off", "what was known is forgotten")


ALL = {f.__name__: f for f in (a_link_that_comes_late_names_the_pod_and_its_rule_holds, the_kubelet_tells_the_rest)}


def cases():
    for f in ALL.values():
        yield f"servepods: {f.__name__}", lambda f=f: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
