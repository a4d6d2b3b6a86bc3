# SPDX-License-Identifier: BSD-2-Clause
"""prometheus: `parkwatch serve` and a real Prometheus: names and types, alerts, discovery by HTTP, every query of the dashboard.

Debian's package is unpacked into the cache of the tests, not installed: it would start a service.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import build
from serve import Daemon, alone, main
from target import ROOT, Target, expect

DEPLOY = ROOT / "deploy"


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
        with Daemon("--config", str(config)) as d, Target("waits") as t:
            d.looked_at(t.pid)
            text = d.get("/metrics")[2]
    for name in ("parkwatch_goroutines", "parkwatch_goroutines_waiting", "parkwatch_oldest_wait_seconds", "parkwatch_target_info", "parkwatch_workers",
                 "parkwatch_worker_restarts_total", "parkwatch_config_reload_failures_total", "parkwatch_config_last_reload_success_timestamp_seconds"):
        expect(f"# TYPE {name} " in text, f"no {name} in {text}")
    expect(said("check", "metrics", text=text) == (0, ""), f"{said('check', 'metrics', text=text)[1]}: {text}")


ALL = {f.__name__: f for f in (alerts_are_those_that_their_tests_want, names_and_types_are_as_prometheus_wants_them)}


def cases():
    for function in ALL.values():
        yield f"prometheus: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
