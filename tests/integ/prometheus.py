# SPDX-License-Identifier: BSD-2-Clause
"""prometheus: `parkwatch serve` and a real Prometheus: names and types, alerts, discovery by HTTP, every query of the dashboard.

Debian's package is unpacked into the cache of the tests, not installed: it would start a service.
"""
import collections
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import build
from serve import Daemon, alone, free_port, main, parsed
from servepods import Kubelet, pod_list, pod_of
from target import ROOT, Failed, Target, expect

DEPLOY = ROOT / "deploy"
VERSION = "app.kubernetes.io/version"


def program(name):
    """prometheus or promtool."""
    there = shutil.which(name)
    if there:
        return there

    def fetch(path):
        with tempfile.TemporaryDirectory() as folder:
            try:
                subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=folder, check=True, capture_output=True)
                subprocess.run(["dpkg-deb", "-x", next(Path(folder).glob("*.deb")), folder], check=True, capture_output=True)
                shutil.copy(Path(folder, "usr/bin", name), path)
            except (OSError, StopIteration, subprocess.CalledProcessError) as e:
                raise build.Missing(f"{name}, from Debian's package prometheus") from e
    return build.build_once(f"debian-{name}", "", [], fetch)


def said(*args, text=None):
    """What promtool says, if that is more than that all is well."""
    done = subprocess.run([program("promtool"), *args], input=text, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


def alerts_are_those_that_their_tests_want():
    for args in (("check", "rules", DEPLOY / "prometheus/rules.yaml"), ("test", "rules", DEPLOY / "prometheus/rules_test.yaml")):
        code, text = said(*args)
        expect(code == 0 and "SUCCESS" in text, text)


def names_and_types_are_as_prometheus_wants_them():
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "parkwatch.yaml")
        config.write_text("rules:\n- level: metrics\n")
        with Daemon("--config", str(config)) as d, Target("waits") as t, Target("hang", command=build.built(build.MODES_MINOR, "stripped", "requests")) as web:
            d.looked_at(t.pid)
            d.looked_at(web.pid)
            text = d.get("/metrics")[2]
    for name in ("parkwatch_goroutines", "parkwatch_goroutines_waiting", "parkwatch_oldest_wait_seconds", "parkwatch_target_info", "parkwatch_workers",
                 "parkwatch_worker_restarts_total", "parkwatch_requests", "parkwatch_oldest_request_seconds",
                 "parkwatch_requests_past_deadline", "parkwatch_config_reload_failures_total", "parkwatch_config_last_reload_success_timestamp_seconds"):
        expect(f"# TYPE {name} " in text, f"no {name} in {text}")
    expect(said("check", "metrics", text=text) == (0, ""), f"{said('check', 'metrics', text=text)[1]}: {text}")


@contextlib.contextmanager
def running(*scrapes):
    """A Prometheus that scrapes so, each second, with deploy's rules. ask(path, **query): the data of its answer."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"127.0.0.1:{free_port()}"
        for s in scrapes:
            s.update(scrape_interval="1s", scrape_timeout="1s")
        rules, times = re.subn("interval: 1m", "interval: 1s", (DEPLOY / "prometheus/rules.yaml").read_text())
        expect(times == 2, rules)
        Path(folder, "rules.yaml").write_text(rules)
        Path(folder, "config").write_text(json.dumps({"rule_files": ["rules.yaml"], "scrape_configs": scrapes}))
        with open(Path(folder, "log"), "w") as log:
            p = subprocess.Popen([program("prometheus"), "--config.file=config", "--storage.tsdb.path=data", "--web.listen-address=" + address],
                                 cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ask(path, **query):
            url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as r:
                    return json.loads(r.read())["data"]
            except urllib.error.HTTPError as e:
                if e.code == 503:    # it starts
                    return None
                raise Failed(f"{query}: {e.read().decode()}") from e
            except OSError:
                expect(p.poll() is None, Path(folder, "log").read_text()[-2000:])
                return None
        try:
            yield ask
        finally:
            p.kill()
            p.wait()


def it_finds_each_target_by_http():
    """Targets become active up to 5 s after Prometheus has started."""
    with Daemon() as d, Target("waits") as t, Target("idle") as other:
        seen = d.looked_at(t.pid)
        d.looked_at(other.pid)
        entries = json.loads(d.get("/sd")[2])
        expect(d.get("/sd")[1]["Content-Type"] == "application/json" and len(entries) == 2, f"{entries}")
        expect(d.get("/metrics?target=none")[0] == 404, "there is no such target")
        alone_ = parsed(d.get(f"/metrics?target={seen['id']}", {"Accept": "application/openmetrics-text"}))
        expect({have.get("target") for _, have, _ in alone_} == {seen["id"]}, f"{alone_}")
        with running({"job_name": "parkwatch", "http_sd_configs": [{"url": f"http://{d.address}/sd", "refresh_interval": "1s"}]}) as ask:
            def goroutines(pid):
                data = ask("query", query=f'sum(parkwatch_goroutines{{pid="{pid}"}})')
                return data and data["result"] and int(data["result"][0]["value"][1])
            d.until(lambda: goroutines(t.pid) and goroutines(other.pid), "it scrapes nothing", 60)
            t.go()
            truth = json.loads(t.truth())
            expect(goroutines(t.pid) == truth["before"], f"{goroutines(t.pid)}: the program counts {truth['before']}")
            active = ask("targets", state="active")["activeTargets"]
            pids = {a["labels"]["pid"] for a in active if a["health"] == "up"}    # Prometheus is a Go program, too
            expect({str(t.pid), str(other.pid)} <= pids, f"{active}")
            known = ask("query", query=f'parkwatch_target_info{{pid="{t.pid}"}}')["result"]
            expect([k["metric"]["target"] for k in known] == [seen["id"]], f"{known}")


def queries_of(dashboard, **chosen):
    """{expression: where it is}, with the variables as Grafana fills them in: what is chosen, and all where nothing is."""
    found, variables = {}, {v["name"]: v for v in dashboard["templating"]["list"] if v["type"] == "query"}

    def filled(expression):
        for name, variable in variables.items():
            expression = expression.replace(f"${name}", chosen.get(name, variable["allValue"]))
        return expression.replace("$__rate_interval", "1m")
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            found[filled(target["expr"])] = panel["title"]
    for name, variable in variables.items():
        series, label = re.fullmatch(r"label_values\((\w+(?:\{.*\})?), (\w+)\)", variable["definition"]).groups()
        found[f"count by ({label}) ({filled(series)})"] = name
    return found


@contextlib.contextmanager
def two_versions():
    """Of one Deployment, each with a pod: version 2 leaks, version 1 does not. A daemon that is told so by a kubelet."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)    # in this namespace only
    account = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    account.mkdir(parents=True)
    (account / "token").write_text("the-token\n")
    config = Path("/run/parkwatch.yaml")
    config.write_text(f"pod_labels: [{VERSION}]\n")
    config.chmod(0o600)
    leaks = build.built(build.MODES_MINOR, "static", "leaks")
    with Kubelet() as kubelet, Target("early-return", command=leaks) as new, Target("pool", command=leaks) as old, \
            pod_of(new.pid) as new_pod, pod_of(old.pid) as old_pod:
        lists = [json.loads(pod_list(*pod, None, {VERSION: version})) for pod, version in ((new_pod, "2"), (old_pod, "1"))]
        lists[0]["items"] += lists[1]["items"]
        kubelet.body, kubelet.status = json.dumps(lists[0]), 200
        with Daemon("--config", str(config), "--kubelet", kubelet.url) as d:
            d.looked_at(new.pid)
            d.looked_at(old.pid)
            yield d, new, old


STEADY = ("Go processes", "Goroutines", "Rollouts: processes by workload and version", "Memory that leaks keep", "Goroutines by program", "Goroutines by state")


def all_nodes_have_what_the_only_one_has(d, ask, dashboard):
    """Of all nodes Prometheus' records are shown, of a node that is chosen what it says itself: here that is the same."""
    both = [[(q, where) for q, where in queries_of(dashboard, namespace="shop", **node).items() if where in STEADY] for node in ({}, {"instance": d.address})]

    def rows(query):
        return {tuple(sorted(row["metric"].items())): row["value"][1] for row in ask("query", query=query)["result"]}

    different = []

    def alike():
        told = [(where, rows(every), rows(one)) for (every, where), (one, _) in zip(*both, strict=True)]
        different[:] = [t for t in told if not t[1] or t[1] != t[2]]
        return not different
    expect({where for _, where in both[0]} == set(STEADY), f"{both}")
    with contextlib.suppress(Failed):
        d.until(alike, "", 30)
    expect(not different, f"not the same: {different}")


def every_query_of_the_dashboard_has_an_answer():
    """Of a Deployment with a version that leaks, and one that does not. What looks back for 12 hours has no answer yet, and must be valid."""
    dashboard = json.loads((DEPLOY / "grafana/parkwatch.json").read_text())
    queries = queries_of(dashboard)
    expect(len(queries) > 20 and not [q for q in queries if "$" in q], f"{queries}")
    with two_versions() as (d, new, old), running({"job_name": "parkwatch", "static_configs": [{"targets": [d.address]}]}) as ask:
        d.until(lambda: (d.target(new.pid) or {}).get("leaking") and d.target(old.pid)["leaking"] == 0, "no leak is found", 150)

        def empty():
            answers = {q: ask("query", query=q) for q in queries}
            return [f"{queries[q]}: {q}" for q, data in answers.items() if not (data and data["result"]) and "offset 12h" not in q]
        left = []

        def answered():
            left[:] = empty()
            return not left
        with contextlib.suppress(Failed):
            d.until(answered, "", 60)
        expect(not left, f"no answer: {left}")

        def panel(title, **chosen):
            """{version: the sum of what it shows}"""
            found, label = collections.Counter(), "label_" + re.sub(r"\W", "_", VERSION)
            for row in ask("query", query=next(q for q, where in queries_of(dashboard, **chosen).items() if where == title))["result"]:
                found[row["metric"].get(label)] += float(row["value"][1])
            return dict(found)
        leaking = d.target(new.pid)["leaking"]
        sites = ask("query", query=next(q for q in queries if "blocked_at" in q))["result"]
        expect(sum(int(s["value"][1]) for s in sites) == leaking and all(s["metric"]["created_by"] and s["metric"]["workload"] == "api" for s in sites), f"{leaking}: {sites}")
        leaks, rollouts, chosen = "Leaking goroutines by workload and version", "Rollouts: processes by workload and version", {"namespace": "shop", "workload": "api"}
        expect(panel(rollouts, **chosen) == {"1": 1, "2": 1} and panel(rollouts, namespace="other") == {}, f"{panel(rollouts)}")
        for choice, want in (({}, leaking), (chosen, leaking), ({"version": "2"}, leaking), ({"version": "1"}, 0), ({"workload": "other"}, 0)):
            got = panel(leaks, **choice)
            expect(got.get("2", 0) == want and not got.get("1"), f"{choice}: {got}, not {want}")
        goroutines = {v: panel("Goroutines", version=v)[None] for v in ("1", "2")}
        expect(goroutines == {"1": d.target(old.pid)["goroutines"], "2": d.target(new.pid)["goroutines"]}, f"{goroutines}")
        all_nodes_have_what_the_only_one_has(d, ask, dashboard)


ALL = {f.__name__: f for f in (alerts_are_those_that_their_tests_want, names_and_types_are_as_prometheus_wants_them, it_finds_each_target_by_http,
                               every_query_of_the_dashboard_has_an_answer)}


def cases():
    for function in ALL.values():
        yield f"prometheus: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
