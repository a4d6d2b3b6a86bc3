# SPDX-License-Identifier: BSD-2-Clause
"""serveunit: `parkwatch serve` as a service of systemd: the unit, what it tells systemd, its lines in a log, its rights without root."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import build
from serve import Daemon, alone, main, status, workers
from target import ROOT, Target, expect

UNIT = ROOT / "deploy/systemd/parkwatch.service"
FEW = {"dac_read_search": 2, "sys_ptrace": 19, "perfmon": 38, "bpf": 39, "checkpoint_restore": 40}


def the_unit_is_hardened():
    """At most 3.0 of 10, as systemd itself counts."""
    if not shutil.which("systemd-analyze"):
        raise build.Missing("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT], capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        raise build.Missing("systemd 250")
    exposure = re.search(r"Overall exposure level for parkwatch.service: ([0-9.]+)", done.stdout)
    expect(exposure and float(exposure[1]) <= 3.0, done.stdout + done.stderr)


def states(s, seconds, until):
    """What is told, until that is."""
    s.settimeout(seconds)
    told = []
    with contextlib.suppress(TimeoutError):
        while until not in told:
            told.append(s.recv(4096).decode())
    expect(until in told, f"told: {told}")
    return told


def it_tells_systemd_that_it_is_ready_and_lives_and_ends(kind):
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        name = f"{folder}/notify" if kind == "path" else f"@parkwatch-{os.getpid()}"
        s.bind(name.replace("@", "\0"))
        if kind == "path":
            os.chmod(folder, 0o711)
            os.chmod(name, 0o666)
        with Daemon(env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000"}) as d:
            told = states(s, 10, "READY=1")
            expect(set(told) <= {"READY=1", "WATCHDOG=1"}, f"{told}")
            for _ in range(3):
                states(s, 5, "WATCHDOG=1")
            os.kill(d.process.pid, signal.SIGSTOP)
            told = []
            with contextlib.suppress(TimeoutError):
                while True:    # what was told before
                    s.settimeout(3)
                    told.append(s.recv(4096))
            os.kill(d.process.pid, signal.SIGCONT)
            expect(len(told) <= 2, f"it is stopped, and tells {told}")
            with Target("idle") as t:
                d.looked_at(t.pid)
                with open(f"/proc/{workers()[t.pid]}/environ") as f:
                    expect("NOTIFY_SOCKET" not in f.read(), "workers could tell systemd what they like")
            d.process.terminate()
            states(s, 5, "STOPPING=1")


def lines_are_as_asked_for(kind):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as config:
        config.write("rules:\n- level: leaks\n")
    with Daemon("--log-format", kind, "--config", config.name) as d, Target("idle") as t:
        os.kill(t.pid, 0)
        d.looked_at(t.pid)
        os.kill(workers()[t.pid], signal.SIGSTOP)
        os.unlink(config.name)
        os.kill(d.process.pid, signal.SIGHUP)
        d.until(lambda: "cannot read" in d.said(), "it is not told")
        lines = d.said().splitlines()
    expect(len(lines) >= 3, f"{lines}")
    for line in lines:
        if kind == "json":
            expect(line.startswith("{"), f"{line} in {lines}")
            said = json.loads(line)
            expect(set(said) == {"time", "level", "msg"} and said["level"] in ("error", "warning", "info"), line)
        else:
            expect(re.fullmatch(r'time=\S+Z level=(error|warning|info) msg="(\\.|[^"\\])*"', line), line)


def it_works_without_root():
    """As the unit starts it: another user, with few capabilities that are passed on."""
    few = ",".join("+" + name for name in FEW)
    before = ("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "--no-new-privs", f"--inh-caps=-all,{few}", f"--ambient-caps=-all,{few}",
              f"--bounding-set=-all,{few}")
    with Daemon(before=before) as d, Target("idle") as t:
        expect(d.looked_at(t.pid)["goroutines"] > 0, "it sees nothing")
        own, worker = status(d.process.pid), status(workers()[t.pid])
    bits = sum(1 << n for n in FEW.values())
    expect(own["CapPrm"] == own["CapEff"] == own["CapAmb"] == own["CapInh"] == "0" * 16, f"{own}")
    expect(int(worker["CapEff"], 16) == bits and worker["Uid"].split() == ["65533"] * 4, f"{worker}")


ALL = {f.__name__: f for f in (the_unit_is_hardened, it_tells_systemd_that_it_is_ready_and_lives_and_ends, lines_are_as_asked_for, it_works_without_root)}
ARGUMENTS = {it_tells_systemd_that_it_is_ready_and_lives_and_ends: ["path", "abstract"], lines_are_as_asked_for: ["json", "logfmt"]}


def cases():
    for function in ALL.values():
        for arg in ARGUMENTS.get(function, [None]):
            name = f"serveunit: {function.__name__}" + (f" [{arg}]" if arg else "")
            yield name, lambda f=function, a=arg: alone(f, *([a] if a else []))


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
