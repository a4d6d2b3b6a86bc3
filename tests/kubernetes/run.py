#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run: parkwatch as deploy/kubernetes has it, on a real node of Kubernetes (knode, beside this file), as root.

    tests/kubernetes/run.py [--keep] [--only WORD]

The node comes up, and goes down at the end; --keep leaves it up. WORD: a regular expression over the names of cases; the first runs in any case.
Its pods run a small shop (shop/, shop.yaml), of which some versions leak. What Kubernetes itself says of its pods is the truth that parkwatch's
answers are compared with. $PARKWATCH is the binary (build/parkwatch), or $IMAGE an archive of its image. Lines `ok NAME`, `FAIL NAME: why`,
`skip NAME: why`; the last `N passed, N failed, N skipped`.
"""
import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integ"))

import build
import prometheus

ROOT = HERE.parent.parent
KNODE = HERE / "knode"
DEPLOY = ROOT / "deploy/kubernetes"
CHART = ROOT / "deploy/helm/parkwatch"
PARKWATCH = Path(os.environ.get("PARKWATCH", ROOT / "build/parkwatch"))
VERSION = re.search(r"^VERSION\s*:= *(\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
IMAGE = f"parkwatch:{VERSION}"
GO = shutil.which("go") or "/usr/local/go/bin/go"
TOKEN = secrets.token_hex(32)
LIMIT = 120          # seconds for what Kubernetes does
LEAKS = 180          # seconds until a leak must be told: the first watch comes half a minute after a target was found
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
FORGOTTEN = 5        # orders of a second


class Failed(Exception):
    pass


class Missing(Exception):
    """Something that this machine lacks: all is skipped and says what."""


def expect(true, why):
    if not true:
        raise Failed(why)


def run(*args, text=None, ok=True):
    done = subprocess.run([str(a) for a in args], input=text, capture_output=True, text=True)
    expect(not ok or done.returncode == 0, f"{' '.join(str(a) for a in args)}: {done.stderr.strip()[-1500:]}")
    return done.stdout if ok else done


def kubectl(*args, text=None, ok=True):
    return run(KNODE, "kubectl", *args, text=text, ok=ok)


def until(true, why, seconds=LIMIT):
    """What `true` returns first that is true. why: text, or what makes one."""
    end = time.monotonic() + seconds
    while not (got := true()):
        expect(time.monotonic() < end, why if isinstance(why, str) else why())
        time.sleep(0.3)
    return got


# --- images ---

def put_libraries(root, program):
    for line in run("ldd", program).splitlines():
        for lib in re.findall(r"(/\S+)", line):
            to = root / lib.lstrip("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(lib, to)


def load_parkwatch(folder):
    """Of $IMAGE, or of an archive that is as new as the binary; else of the binary, its libraries and libcurl, which it opens when it sends."""
    if os.environ.get("IMAGE"):
        run(KNODE, "load", os.environ["IMAGE"])
        return
    if not PARKWATCH.exists():
        raise Missing(f"no {PARKWATCH}; run make")
    archive = PARKWATCH.with_name("parkwatch-image-amd64.tar")
    if archive.exists() and archive.stat().st_mtime >= PARKWATCH.stat().st_mtime:
        run(KNODE, "load", archive)
        return
    root = folder / "parkwatch"
    (root / "bin").mkdir(parents=True)
    shutil.copy(PARKWATCH, root / "bin/parkwatch")
    libs = [line.split(" => ")[1] for line in run("/sbin/ldconfig", "-p").splitlines() if "libcurl.so.4 " in line]
    if libs:
        put_libraries(root, libs[0])
        shutil.copy(libs[0], root / libs[0].lstrip("/"))
    put_libraries(root, PARKWATCH)
    run(KNODE, "load", "--rootfs", root, IMAGE, "/bin/parkwatch")


def load_shop(folder):
    for version in ("1", "2-leaky", "1-leaky", "1-breaks"):
        root = folder / f"shop-{version}"
        root.mkdir()
        subprocess.run([GO, "build", "-trimpath", "-ldflags", f"-s -w -X main.version={version}", "-o", root / "shop", "."], cwd=HERE / "shop",
                       env={**os.environ, "CGO_ENABLED": "0"}, check=True)
        if version == "1-leaky":    # nobody but its user gets to the program
            (root / "closed").mkdir()
            (root / "shop").rename(root / "closed/shop")
            for path in (root / "closed/shop", root / "closed"):
                os.chown(path, 1234, 1234)
                path.chmod(0o700)
            run(KNODE, "load", "--rootfs", root, f"shop-closed:{version}", "/closed/shop")
        else:
            run(KNODE, "load", "--rootfs", root, f"shop:{version}", "/shop")


def prometheus_program():
    """None: there is none."""
    try:
        return prometheus.program("prometheus")
    except build.Missing:
        return None


def apply_crd():
    """Of the PodMonitor, as Prometheus Operator has it: its Go module brings the file."""
    done = subprocess.run([GO, "mod", "download", "-json", OPERATOR], cwd="/", capture_output=True, text=True)
    if done.returncode:
        print(f"skip kubernetes: the PodMonitor: no Go module {OPERATOR}")
        return
    kubectl("apply", "--server-side", "-f", Path(json.loads(done.stdout)["Dir"], "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"))


# --- what Kubernetes says ---

def pods(namespace):
    return json.loads(kubectl("-n", namespace, "get", "pods", "-o", "json"))["items"]


def containers(namespace):
    """{container's id: (pod, container)} of those that run."""
    return {c["containerID"].removeprefix("containerd://"): (p, c) for p in pods(namespace) for c in p["status"].get("containerStatuses", [])
            if "running" in c["state"]}


def rolled_out(namespace, what):
    kubectl("-n", namespace, "rollout", "status", what, f"--timeout={LIMIT}s")


# --- what parkwatch says ---

class Daemon:
    def __init__(self):
        (pod,) = [p for p in pods("parkwatch") if "deletionTimestamp" not in p["metadata"]]
        self.address = f"{pod['status']['podIP']}:7070"

    def get(self, path, token=TOKEN, accept="*/*"):
        """(status, text)"""
        request = urllib.request.Request(f"http://{self.address}{path}", headers={"Accept": accept, **({"Authorization": f"Bearer {token}"} if token else {})})
        try:
            with urllib.request.urlopen(request, timeout=10) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def targets(self):
        status, text = self.get("/api/v1/targets")
        expect(status == 200, text)
        return json.loads(text)["targets"]

    def of_container(self, container_id):
        return [t for t in self.targets() if t["container_id"] == container_id]

    def of_shop(self):
        """{(app, version): [(target, pod)]} of the shop's pods, by the container's id alone."""
        known = containers("shop")
        found = {}
        for t in self.targets():
            if t["container_id"] in known:
                pod, _ = known[t["container_id"]]
                labels = pod["metadata"].get("labels", {})
                found.setdefault((labels.get("app"), labels.get("app.kubernetes.io/version")), []).append((t, pod))
        return found

    def metrics(self, name):
        """[{label: value}] of the series of that name; "": the value."""
        found = []
        for line in self.get("/metrics")[1].splitlines():
            m = re.fullmatch(rf"{name}\{{(.*)\}} (\S+)", line)
            if m:
                found.append({**dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m[1])), "": float(m[2])})
        return found


# --- the cases, in this order; each finds what those before have left ---

def manifest(folder):
    return run(KNODE, "kubectl", "kustomize", folder)


def folders():
    return [DEPLOY, DEPLOY / "base", *sorted((DEPLOY / "overlays").iterdir())]


def all_components():
    """What an own kustomization makes of all of them."""
    with tempfile.TemporaryDirectory() as folder:
        names = sorted(os.path.relpath(p, folder) for p in (DEPLOY / "components").iterdir())
        Path(folder, "kustomization.yaml").write_text(json.dumps({"resources": [os.path.relpath(DEPLOY, folder)], "components": names}))
        return manifest(folder)


def it_is_ready_as_deploy_has_it():
    text = manifest(DEPLOY)
    expect(re.findall(r"image: (.*)", text) == [IMAGE], f"the image is not {IMAGE}")
    kubectl("apply", "-f", "-", text=text)
    kubectl("-n", "parkwatch", "create", "secret", "generic", "parkwatch-token", f"--from-literal=token={TOKEN}")
    rolled_out("parkwatch", "daemonset/parkwatch")
    (pod,) = pods("parkwatch")
    (status,) = pod["status"]["containerStatuses"]
    expect(status["ready"] and status["restartCount"] == 0, f"{status}")
    said = kubectl("-n", "parkwatch", "logs", pod["metadata"]["name"])
    expect("serving http://:7070/" in said and "no history" not in said and "without probes" not in said and "not known" not in said, said)
    metrics = Daemon().get("/metrics")[1]
    expect(re.search(r"^parkwatch_kubelet_requests_failed_total 0$", metrics, re.M), "the kubelet tells nothing")


def every_manifest_is_taken_strictly():
    """By the API server itself, which also refuses what is wrong."""
    has_operator = kubectl("get", "podmonitors", "-A", ok=False).returncode == 0
    together = all_components()
    expect(all(word in together for word in ("SYS_ADMIN", "spc_t", "--kubelet-insecure", "path: /var/lib/parkwatch", "PodMonitor")), together)
    for text in (*map(manifest, folders()), together):
        if has_operator or "kind: PodMonitor" not in text:
            kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=text)
    wrong = kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=manifest(DEPLOY).replace("hostPID", "hostPid"), ok=False)
    expect(wrong.returncode and "hostPid" in wrong.stderr, f"{wrong}")


def chart(*sets, release="parkwatch", ok=True):
    return run(KNODE, "helm", "template", release, CHART, "--namespace", "parkwatch", *(a for s in sets for a in ("--set", s)), ok=ok)


def objects(text):
    """{(kind, name): object} of YAML, as kubectl reads it; without what Helm itself marks objects with."""
    left, found = kubectl("create", "--dry-run=client", "-o", "json", "-f", "-", text=text).strip(), {}
    while left:
        o, end = json.JSONDecoder().raw_decode(left)
        left = left[end:].strip()
        for item in o["items"] if o["kind"] == "List" else [o]:
            unmark(item)
            found[item["kind"], item["metadata"]["name"]] = item
    return found


def unmark(o):
    for key, child in list(o.items()) if isinstance(o, dict) else []:
        if key in ("labels", "matchLabels"):
            for mark in ("app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"):
                child.pop(mark, None)
        unmark(child)


def the_chart_makes_what_base_and_overlays_have():
    """Its usual values are base; each value of an overlay is that overlay."""
    same = {"base": (), "overlays/old-kernel": ("oldKernel=true",), "overlays/selinux": ("selinux=true",), "overlays/kubelet-insecure": ("kubelet.insecure=true",),
            "overlays/host-state": ("state.hostPath=/var/lib/parkwatch",)}
    expect({f"overlays/{p.name}" for p in (DEPLOY / "overlays").iterdir()} - set(same) == {"overlays/podmonitor"}, "an overlay is not compared")
    if kubectl("get", "podmonitors", "-A", ok=False).returncode == 0:
        same["overlays/podmonitor"] = ("podMonitor.enabled=true",)
    for folder, values in same.items():
        want, got = objects(manifest(DEPLOY / folder)), objects(chart(*values))
        want.pop(("Namespace", "parkwatch"))
        expect(sorted(got) == sorted(want), f"{folder}: {sorted(got)}, not {sorted(want)}")
        for key, o in want.items():
            expect(got[key] == o, f"{folder}: {key}: {json.dumps(got[key])}, not {json.dumps(o)}")


def every_output_of_the_chart_is_taken_strictly():
    """With each value that changes something; and what the schema does not know is refused."""
    rich = ("image.registry=r.example:5000", "image.digest=sha256:" + 64 * "0", "serviceAccount.annotations.a=b", "commonLabels.team=core", "podLabels.team=core",
            "podAnnotations.a=b", "token.value=" + TOKEN, "oldKernel=true", "selinux=true", "state.hostPath=/srv/parkwatch", "kubelet.insecure=true",
            "extraArgs={--allow-jobs}", "extraEnv[0].name=A,extraEnv[0].value=b", "imagePullSecrets[0].name=pull", "port=7071", "config.rules[0].level=metrics",
            "config.sinks.otlp.url=http://collector:4318", "config.sinks.otlp.spans=true")
    bare = ("rbac.create=false", "serviceAccount.create=false", "priorityClass.create=false", "kubelet.enabled=false", "tolerations=null", "resources=null")
    for values in ((), rich, bare):
        kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", text=chart(*values, release="second"))
    expect("r.example:5000/parkwatch@sha256:000" in chart(*rich) and "kind: Secret" in chart(*rich) and "kind: Secret" not in chart(), "values do not count")
    for wrong in ("image.pullPolicy=Sometimes", "resouces.limits.memory=1Gi", "port=0", "config.rules[0].level=leak", "config.listen=:80", "token.value=short"):
        done = chart(wrong, ok=False)
        expect(done.returncode and "schema" in done.stderr, f"{wrong}: {done}")
    expect("parkwatch" in run(KNODE, "helm", "lint", "--strict", CHART), "lint")


def its_pod_has_the_least_rights():
    """As the kernel says, of all its processes."""
    ((container_id, _),) = containers("parkwatch").items()
    few = sum(1 << cap for cap in (2, 19, 38, 39))    # DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF
    pids, rights = in_group(container_id), {}
    for pid in pids:
        try:
            s = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        except OSError:    # a worker that has ended meanwhile
            continue
        expect(s["NoNewPrivs"] == "1" and s["Seccomp"] == "2" and not int(s["CapBnd"], 16) & ~few, f"{s}")
        rights["supervisor" if int(s["PPid"]) not in pids else s["Name"]] = int(s["CapEff"], 16)
    expect((rights["supervisor"], rights["pw-launcher"]) == (0, few), f"{rights}")


def only_who_has_the_token_is_answered():
    d = Daemon()
    expect(d.get("/metrics", None)[0] == 401 and d.get("/metrics", "0" * 64)[0] == 401 and d.get("/metrics")[0] == 200, "the token does not count")
    expect(d.get("/-/ready", None)[0] == d.get("/-/healthy", None)[0] == 200, "the probes of the kubelet need a token")


def a_forwarded_port_leads_to_its_page():
    """As deploy/README.md has it; the page asks for the token."""
    p = subprocess.Popen([KNODE, "kubectl", "-n", "parkwatch", "port-forward", "daemonset/parkwatch", ":7070"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         start_new_session=True)
    try:
        line = p.stdout.readline()
        found = re.fullmatch(r"Forwarding from (127\.0\.0\.1:\d+) -> 7070\n", line)
        expect(found, line)
        d = Daemon()
        d.address = found[1]
        status, page = d.get("/", None, "text/html")
        expect(status == 401 and '<form method="post">' in page and d.get("/", accept="text/html")[0] == 200 and d.targets(), f"{status} {page}")
    finally:
        os.killpg(p.pid, signal.SIGTERM)
        p.wait()


def a_leak_is_told_with_its_pod():
    kubectl("apply", "-f", HERE / "shop.yaml")
    for what in ("deployment/front", "statefulset/ledger"):
        rolled_out("shop", what)
    d = Daemon()
    until(lambda: [t for t, _ in d.of_shop().get(("ledger", None), []) if t["leaking"]], lambda: f"no leak: {d.of_shop()}", LEAKS)
    ((t, pod),) = d.of_shop()["ledger", None]
    expect((t["namespace"], t["pod"], t["pod_uid"], t["container"]) == ("shop", "ledger-0", pod["metadata"]["uid"], "book"), f"{t}")
    (leak,) = [m for m in d.metrics("parkwatch_leaking_goroutines") if m["target"] == t["id"]]
    expect((leak["created_by"], leak["blocked_at"]) == ("main.order", "main.pay") and leak[""] >= FORGOTTEN, f"{leak}")
    expect(t["exe"] == "/closed/shop" and t["why_not"] is None, f"{t}")
    expect((t["workload_kind"], t["workload"], t["image"], t["node"]) == ("StatefulSet", "ledger", "shop-closed:1-leaky", "knode"), f"{t}")


def each_container_has_its_own_name():
    """Of a Deployment, and of a pod whose containers share their processes."""
    d = Daemon()
    for app, version, names in (("front", "1", ["web", "web"]), ("pair", None, ["left", "right"])):
        until(lambda: sorted(t["container"] for t, _ in d.of_shop().get((app, version), [])) == names, lambda: f"{app}: {d.of_shop()}")
        for t, pod in d.of_shop()[app, version]:
            expect((t["namespace"], t["pod"], t["pod_uid"]) == ("shop", pod["metadata"]["name"], pod["metadata"]["uid"]), f"{t}")
    for t, _ in d.of_shop()["pair", None]:
        (labels,) = until(lambda: [e["labels"] for e in json.loads(d.get("/sd")[1]) if e["labels"]["__param_target"] == t["id"]], lambda: f"not found by /sd: {d.of_shop()}")
        expect((labels["__meta_parkwatch_namespace"], labels["__meta_parkwatch_pod"], labels["__meta_parkwatch_container"]) == ("shop", "pair", t["container"]), f"{labels}")


def go_programs():
    """{PID: start time} of all programs that Go itself calls its own."""
    found, known = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            st = os.stat(path / "exe")
            key = (st.st_dev, st.st_ino)
            if key not in known:
                known[key] = subprocess.run([GO, "version", path / "exe"], capture_output=True, text=True).stdout.count(": go1") == 1
            if known[key]:
                found[int(path.name)] = (path / "stat").read_text().rsplit(")", 1)[1].split()[19]
        except OSError:
            continue
    return found


def every_go_program_is_known():
    """Kubernetes' own too; of those that run before and after. Only pods have the identity of one."""
    d = Daemon()
    before = go_programs()

    def lacking():
        seen, now = {t["pid"] for t in d.targets()}, go_programs()
        return [pid for pid, started in before.items() if now.get(pid) == started and pid not in seen]
    until(lambda: not lacking(), lambda: f"not known: {lacking()}", 30)
    in_pods = {p["metadata"]["uid"] for p in pods("shop")}
    for t in d.targets():
        expect((t["namespace"] == "shop") == (t["pod_uid"] in in_pods), f"{t}")
    names = {t["exe"].rsplit("/", 1)[1] for t in d.targets()}
    expect({"kubernetes", "containerd", "etcd"} <= names, f"{names}")


def only_the_new_version_is_called_leaking():
    kubectl("-n", "shop", "patch", "deployment", "front", "--patch", json.dumps({"spec": {"template": {
        "metadata": {"labels": {"app.kubernetes.io/version": "2"}}, "spec": {"containers": [{"name": "web", "image": "shop:2-leaky"}]}}}}))
    rolled_out("shop", "deployment/front")
    d = Daemon()
    until(lambda: len([t for t, _ in d.of_shop().get(("front", "2"), []) if t["leaking"]]) == 2, lambda: f"no leaks: {d.of_shop()}", LEAKS)
    leak = {t["id"] for t in d.targets() if t["leaking"] and t["namespace"] == "shop"}
    info = {(m["workload_kind"], m["workload"], m.get("label_app_kubernetes_io_version")) for m in d.metrics("parkwatch_target_info") if m["target"] in leak}
    expect(info == {("StatefulSet", "ledger", None), ("Deployment", "front", "2")}, f"{info}")
    leaking = {t["pod"] for t in d.targets() if t["leaking"] and t["namespace"] == "shop"}
    expect(leaking == {"ledger-0", *(pod["metadata"]["name"] for _, pod in d.of_shop()["front", "2"])}, f"{leaking}")


def a_real_prometheus_says_which_version_leaks():
    """It scrapes the pod as deploy/prometheus/kubernetes.yaml says; the question is deploy/README.md's. Debian's Prometheus finds no pods by itself: what it
    would have found, this pod and a port of another, is given to it."""
    program = prometheus_program()
    if not program:
        raise Missing("prometheus, from Debian's package prometheus")
    (query,) = re.findall(r"^    (sum by \(namespace, workload.*?parkwatch_target_info\))$", (ROOT / "deploy/README.md").read_text(), re.M | re.S)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "token").write_text(TOKEN)
        config = (ROOT / "deploy/prometheus/kubernetes.yaml").read_text().replace("/etc/prometheus/parkwatch/token", f"{folder}/token")
        meta = "__meta_kubernetes_pod_"
        found = [{"targets": [Daemon().address], "labels": {f"{meta}label_app_kubernetes_io_name": "parkwatch", f"{meta}container_port_name": "http", f"{meta}node_name": "knode"}},
                 {"targets": ["127.0.0.1:1"], "labels": {f"{meta}label_app_kubernetes_io_name": "other", f"{meta}container_port_name": "http", f"{meta}node_name": "knode"}}]
        config, times = re.subn(r"kubernetes_sd_configs:\n +- role: pod\n +namespaces: .*", f"static_configs: {json.dumps(found)}", config)
        expect(times == 1, config)
        Path(folder, "config").write_text("global: {scrape_interval: 2s, scrape_timeout: 2s}\n" + config)
        with open(Path(folder, "log"), "w") as log:
            p = subprocess.Popen([program, "--config.file=config", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:9099"], cwd=folder,
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def answer(query):
            expect(p.poll() is None, Path(folder, "log").read_text())
            try:
                with urllib.request.urlopen("http://127.0.0.1:9099/api/v1/query?" + urllib.parse.urlencode({"query": query}), timeout=10) as r:
                    return json.loads(r.read())["data"]["result"]
            except (urllib.error.URLError, ConnectionError):
                return []
        try:
            of_shop = until(lambda: {(r["metric"].get("workload"), r["metric"].get("label_app_kubernetes_io_version")): float(r["value"][1])
                                     for r in answer(query) if r["metric"].get("namespace") == "shop"}, lambda: f"nothing: {Path(folder, 'log').read_text()}", 60)
            up = {(r["metric"].get("node"), r["value"][1]) for r in answer("up")}
        finally:
            p.kill()
            p.wait()
    expect(up == {("knode", "1")}, f"{up}")
    expect(set(of_shop) == {("ledger", None), ("front", "2")} and min(of_shop.values()) >= FORGOTTEN, f"{of_shop}")


def a_pod_opts_out():
    """By its annotation; one that says nothing is watched as before."""
    d = Daemon()
    kubectl("-n", "shop", "annotate", "pod", "pair", "parkwatch.dev/level=off")
    until(lambda: {(t["level"], t["watched"], t["workload"]) for t, _ in d.of_shop()["pair", None]} == {("off", False, None)}, lambda: f"{d.of_shop()['pair', None]}")
    expect({t["level"] for t, _ in d.of_shop()["front", "2"]} == {"leaks"}, f"{d.of_shop()}")


def what_breaks_again_and_again_harms_nobody():
    """Each start in another container of the same pod is told as a restart of the one before."""
    d = Daemon()
    restarts = until(lambda: next((c["restartCount"] for p in pods("shop") if p["metadata"]["name"] == "broken" for c in p["status"]["containerStatuses"]
                                   if c["restartCount"] > 1), None), "it does not restart")
    expect(restarts > 1 and d.get("/-/ready")[0] == 200, "it is not ready")
    until(lambda: [e for e in json.loads(d.get("/api/v1/events")[1])["events"] if e["kind"] == "restart" and e["target"].startswith("shop-")], "no restart is linked")
    expect(not [t for t in d.targets() if t["namespace"] == "shop" and t["pod"] != "broken" and t["restart_of"]], "another pod is taken for a restart")
    for p in (*pods("parkwatch"), *(p for p in pods("shop") if p["metadata"]["name"] != "broken")):
        for c in p["status"]["containerStatuses"]:
            expect(c["restartCount"] == 0 and c["ready"], f"{p['metadata']['name']}: {c}")


def nobody_was_slowed():
    """An order takes a millisecond; none waited a second, with looks and probes."""
    address = json.loads(kubectl("-n", "shop", "get", "pod", "pair", "-o", "json"))["status"]["podIP"]
    for port in (8081, 8082):
        with urllib.request.urlopen(f"http://{address}:{port}/orders", timeout=10) as r:
            orders, slowest_us = map(int, r.read().split())
        expect(orders > 0 and 1000 <= slowest_us < 1_000_000, f"{orders} orders, the slowest took {slowest_us} us")


def as_deployed():
    kubectl("apply", "-k", DEPLOY)
    rolled_out("parkwatch", "daemonset/parkwatch")


@contextlib.contextmanager
def deployed_again():
    """Whatever happens, it is then as deploy has it."""
    try:
        yield
    finally:
        as_deployed()


def told():
    """(what /-/ready says, the log) of the pod that runs now. It is ready, and has not broken."""
    rolled_out("parkwatch", "daemonset/parkwatch")
    status, text = Daemon().get("/-/ready", None)
    (pod,) = [p for p in pods("parkwatch") if "deletionTimestamp" not in p["metadata"]]
    expect(status == 200 and pod["status"]["containerStatuses"][0]["restartCount"] == 0, f"{status} {text}: {pod['status']}")
    return text, kubectl("-n", "parkwatch", "logs", pod["metadata"]["name"])


def patched(*patches):
    kubectl("-n", "parkwatch", "patch", "daemonset", "parkwatch", "--type=json", "--patch", json.dumps(patches))
    return told()


def applied(text):
    kubectl("apply", "-f", "-", text=text)
    return told()


def both_say(where, *words):
    for w in words:
        expect(all(w in text for text in where), f"{w}: {where}")


def without_rights_it_is_ready_and_says_what_is_missing():
    """No capability, no hostPID: it does not break again and again; its log and /-/ready say why it sees so little. Then it is again as deploy has it."""
    both_say(patched({"op": "remove", "path": "/spec/template/spec/hostPID"}, {"op": "remove", "path": "/spec/template/spec/containers/0/securityContext/capabilities/add"}),
             "without CAP_BPF and CAP_PERFMON leaks are watched by looks", "CAP_SYS_PTRACE programs of other users are not seen", "a pod needs hostPID: true")
    as_deployed()
    d = Daemon()
    expect(d.get("/-/ready", None) == (200, "ready\nsome rights are missing: without CAP_CHECKPOINT_RESTORE programs whose file is gone are not read\n"), d.get("/-/ready")[1])


def refusing(folder, **rule):
    """The manifest of that folder, where the pod's bpf() is refused so: a seccomp profile of the node does what another kernel would."""
    profile = Path("/var/lib/kubelet/seccomp/parkwatch.json")
    profile.parent.mkdir(exist_ok=True)
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["bpf"], "action": "SCMP_ACT_ERRNO", **rule}]}))
    text, times = re.subn(r"( *)type: RuntimeDefault", r"\1type: Localhost\n\1localhostProfile: parkwatch.json", manifest(folder))
    expect(times == 1, text)
    return text


def probes_usable():
    return re.search(r"^parkwatch_probes_usable (\d)$", Daemon().get("/metrics")[1], re.M)[1]


def on_an_old_kernel_it_names_the_overlay_that_helps():
    """No link of uprobes can be made, as before Linux 6.6: looks alone. With the overlay it has probes."""
    with deployed_again():
        links = {"errnoRet": 22, "args": [{"index": 0, "value": 28, "op": "SCMP_CMP_EQ"}]}
        both_say(applied(refusing(DEPLOY, **links)), "without probes: Linux before 6.6 attaches probes with CAP_SYS_ADMIN only", "deploy/kubernetes/overlays/old-kernel")
        expect(probes_usable() == "0" and until(lambda: [t for t in Daemon().targets() if t["goroutines"]], "it looks at nobody"), "probes")
        where = applied(refusing(DEPLOY / "overlays/old-kernel", **links))
        expect(all("without probes" not in text for text in where) and probes_usable() == "1", f"{where}")


def where_bpf_is_refused_it_names_the_overlay_that_helps():
    """As SELinux does. The overlay runs here, too, where no SELinux is."""
    with deployed_again():
        both_say(applied(refusing(DEPLOY, errnoRet=1)), "without probes: the kernel refuses BPF programs", "deploy/kubernetes/overlays/selinux")
        expect(probes_usable() == "0" and until(lambda: [t for t in Daemon().targets() if t["goroutines"]], "it looks at nobody"), "probes")
        applied(manifest(DEPLOY / "overlays/selinux"))
        expect(probes_usable() == "1", "no probes with the overlay selinux")


def without_a_volume_for_state_or_with_a_full_one_only_history_is_missing():
    with deployed_again():
        container = "/spec/template/spec/containers/0/volumeMounts/2"
        both_say(patched({"op": "test", "path": container + "/name", "value": "state"}, {"op": "remove", "path": container}),
                 "no history is on disk: cannot keep history in '/var/lib/parkwatch'")
        small, times = re.subn(r"( *)sizeLimit: 1280Mi", r"\1medium: Memory\n\1sizeLimit: 8Ki", manifest(DEPLOY))
        expect(times == 1, small)
        applied(small)
        until(lambda: "history is lost on disk: No space left on device" in Daemon().get("/-/ready", None)[1], lambda: Daemon().get("/-/ready", None)[1])
        text, said = told()
        expect("history is lost on disk: No space left on device" in said and [t for t in Daemon().targets() if t["goroutines"]], f"{text} {said}")


def without_names_of_pods_it_still_tells_their_containers():
    """Neither the links of logs, nor the kubelet: what is not known is left out."""
    with deployed_again():
        container = "/spec/template/spec/containers/0"
        both_say(patched({"op": "test", "path": container + "/volumeMounts/3/name", "value": "containers"}, {"op": "remove", "path": container + "/volumeMounts/3"},
                         {"op": "remove", "path": container + "/args/1"}), "names of pods are not known: cannot read /var/log/containers: No such file or directory",
                 "mount it from the node")
        of_shop = until(lambda: [t for found in Daemon().of_shop().values() for t, _ in found], "no container of the shop is known")
        expect(all(t["container"] == t["container_id"] and t["pod"] == t["pod_uid"] and t["namespace"] is None and t["workload"] is None for t in of_shop), f"{of_shop}")


def in_group(container_id):
    """PIDs of the container's processes."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if container_id in path.read_text():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def bpf_programs():
    return {p["id"] for p in json.loads(run(shutil.which("bpftool") or "/usr/sbin/bpftool", "-j", "prog"))}


def programs_of(pids):
    """Of BPF, that these processes hold, by number."""
    found = set()
    for pid in pids:
        for path in Path(f"/proc/{pid}/fdinfo").glob("*"):
            try:
                found.update(int(n) for n in re.findall(r"^prog_id:\s*(\d+)", path.read_text(), re.M))
            except OSError:
                continue
    return found


def nothing_is_left_when_it_is_deleted():
    """While it has probes in a program: no process, control group, mount or BPF program of its own; and nobody has ended with it."""
    ((container_id, _),) = containers("parkwatch").items()
    (uid,) = [p["metadata"]["uid"] for p in pods("parkwatch")]
    own = until(lambda: programs_of(in_group(container_id)) & bpf_programs(), "it watches nobody with probes", LEAKS)
    restarts = {p["metadata"]["name"]: p["status"]["containerStatuses"] for p in pods("shop")}
    kubectl("delete", "-k", DEPLOY, f"--timeout={LIMIT}s")

    def left():
        groups = [str(p) for p in Path("/sys/fs/cgroup").glob(f"**/pod{uid}")]
        mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if uid in line or container_id in line]
        return groups + mounts + sorted(in_group(container_id)) + sorted(own & bpf_programs())
    until(lambda: not left(), lambda: f"{left()}")
    now = {p["metadata"]["name"]: p["status"]["containerStatuses"] for p in pods("shop")}
    for name, statuses in restarts.items():
        expect(name == "broken" or [c["restartCount"] for c in statuses] == [c["restartCount"] for c in now[name]] == [0] * len(statuses), f"{name}: {now[name]}")


def helm_installs_it_and_takes_it_away():
    """As deploy/README.md has it, where nothing of it is left."""
    kubectl("create", "namespace", "parkwatch")
    kubectl("label", "namespace", "parkwatch", "pod-security.kubernetes.io/enforce=privileged")
    kubectl("-n", "parkwatch", "create", "secret", "generic", "parkwatch-token", f"--from-literal=token={TOKEN}")
    run(KNODE, "helm", "install", "parkwatch", CHART, "--namespace", "parkwatch")
    text, said = told()
    expect("without probes" not in text and "serving http://:7070/" in said and Daemon().targets(), f"{text} {said}")
    run(KNODE, "helm", "uninstall", "parkwatch", "--namespace", "parkwatch")
    until(lambda: not pods("parkwatch"), lambda: f"{pods('parkwatch')}")
    kubectl("delete", "namespace", "parkwatch", f"--timeout={LIMIT}s")


CASES = (it_is_ready_as_deploy_has_it, every_manifest_is_taken_strictly, the_chart_makes_what_base_and_overlays_have,
         every_output_of_the_chart_is_taken_strictly, its_pod_has_the_least_rights, only_who_has_the_token_is_answered, a_forwarded_port_leads_to_its_page,
         a_leak_is_told_with_its_pod, each_container_has_its_own_name, every_go_program_is_known, only_the_new_version_is_called_leaking,
         a_real_prometheus_says_which_version_leaks, a_pod_opts_out, what_breaks_again_and_again_harms_nobody, nobody_was_slowed,
         without_rights_it_is_ready_and_says_what_is_missing, on_an_old_kernel_it_names_the_overlay_that_helps, where_bpf_is_refused_it_names_the_overlay_that_helps,
         without_a_volume_for_state_or_with_a_full_one_only_history_is_missing, without_names_of_pods_it_still_tells_their_containers, nothing_is_left_when_it_is_deleted,
         helm_installs_it_and_takes_it_away)


def try_cases(only):
    """In the node's network and mounts. The exit status."""
    passed = failed = 0
    cases = [c for c in CASES if c is CASES[0] or re.search(only, c.__name__)]
    for case in cases:
        name = f"kubernetes: {case.__name__}"
        began = time.monotonic()
        try:
            case()
            print(f"ok {name} ({time.monotonic() - began:.0f} s)", flush=True)
            passed += 1
        except Missing as e:
            print(f"skip {name}: {e}", flush=True)
        except Exception as e:
            why = str(e) if isinstance(e, Failed) else traceback.format_exc()
            print(f"FAIL {name}: {' '.join(why.split())[:3000]}", flush=True)
            failed += 1
            if case is CASES[0]:
                print(run(KNODE, "kubectl", "get", "pods,events", "-A", ok=False).stdout)
                break
    print(f"{passed} passed, {failed} failed, {len(cases) - passed - failed} skipped")
    return failed != 0


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--keep", action="store_true")
    args.add_argument("--only", default="")
    args.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = args.parse_args()
    if args.inside:
        return try_cases(args.only)
    try:
        if os.geteuid():
            raise Missing("needs root")
        for step in ("setup", "up"):
            done = run(KNODE, step, ok=False)
            if done.returncode:
                raise Missing(f"no node: {done.stderr.strip().splitlines()[-1]}")
        with tempfile.TemporaryDirectory() as folder:
            load_parkwatch(Path(folder))
            load_shop(Path(folder))
        apply_crd()
        prometheus_program()    # beside the node there is a network to fetch it
        return subprocess.run([KNODE, "exec", sys.executable, __file__, "--inside", "--only", args.only]).returncode
    except Missing as e:
        print(f"skip kubernetes: {e}\n0 passed, 0 failed, {len(CASES)} skipped")
        return 0
    finally:
        if not args.keep:
            run(KNODE, "down", ok=False)


if __name__ == "__main__":
    sys.exit(main())
