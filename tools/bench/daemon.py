# SPDX-License-Identifier: BSD-2-Clause
"""daemon: `parkwatch serve` as tools/bench/serve, tools/bench/soak and tests measure it: its processes, their processor and memory, its answers; and targets that come and go."""
import contextlib
import heapq
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integ"))

import build  # noqa: E402

BUILD = Path(os.environ.get("BUILD", ROOT / "build"))
PARKWATCH = os.environ.get("PARKWATCH", str(BUILD / "parkwatch"))
MINOR = 26
FETCHES = 100
TICK = os.sysconf("SC_CLK_TCK")


def built(program):
    out = BUILD / "bench" / f"{program}-1.{MINOR}"
    out.parent.mkdir(parents=True, exist_ok=True)
    build.run_go(["build", "-o", str(out), "main.go"], build.TOOLCHAINS[MINOR], ROOT / "tools/bench/progs" / program, CGO_ENABLED="0", GO111MODULE="off")
    return str(out)


def start(*command):
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if not p.stdout.readline().startswith("ready"):
        sys.exit(f"{command} did not start")
    return p


def family(pid):
    """It and all processes that it started, theirs too."""
    found = [pid]
    for p in found:
        try:
            found += [int(c) for c in Path(f"/proc/{p}/task/{p}/children").read_text().split()]
        except OSError:
            pass
    return found


def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def cpu_s(pid, ended=True):
    """Of a process, and of its children that have ended: all that its family used, if it is asked of each. Not ended: without them."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(int(f) for f in fields[11:15 if ended else 13]) / TICK if fields else 0


def pss_mb(pid):
    m = re.search(r"^Pss:\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"), re.M)
    return int(m[1]) / 1024 if m else 0


def maps_mb(pids):
    """BPF maps, each once."""
    found = {}
    for pid in pids:
        try:
            infos = list(Path(f"/proc/{pid}/fdinfo").iterdir())
        except OSError:
            continue
        for info in infos:
            text = read(info)
            m, bytes_ = re.search(r"^map_id:\s+(\d+)", text, re.M), re.search(r"^memlock:\s+(\d+)", text, re.M)
            if m and bytes_:
                found[m[1]] = int(bytes_[1]) / (1 << 20)
    return sum(found.values())


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


class Comers:
    """Targets that begin, so many a second, and are killed."""

    def __init__(self, rate, command):
        self.rate, self.command = rate, command
        self.begun, self.stop = 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        if self.rate:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        if self.rate:
            self.thread.join()

    def run(self):
        """This thread comes before the targets that stay, which have all the processors when it sleeps; those that begin do not inherit that."""
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        chance, alive, dying, began = random.Random(1), [], [], time.monotonic()
        silent, other = os.pipe()    # they end with their standard input
        with open("/dev/null", "w") as null, os.fdopen(silent) as silent, os.fdopen(other):
            files = [(os.POSIX_SPAWN_DUP2, silent.fileno(), 0), (os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
            while not self.stop.is_set() or alive or dying:
                now = time.monotonic()
                while alive and (alive[0][0] <= now or self.stop.is_set()):
                    pid = heapq.heappop(alive)[1]
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    dying.append(pid)
                dying = [pid for pid in dying if os.waitpid(pid, os.WNOHANG)[0] == 0]
                if not self.stop.is_set() and self.begun < self.rate * (now - began):
                    pid = os.posix_spawn(self.command[0], self.command, os.environ, file_actions=files)
                    heapq.heappush(alive, (now + chance.uniform(0, 2), pid))
                    self.begun += 1
                else:
                    time.sleep(0.002)


class Daemon:
    def __init__(self, config=""):
        self.config = config    # YAML

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        self.dir = tempfile.TemporaryDirectory()
        self.file = Path(self.dir.name) / "parkwatch.yaml"
        self.write()
        self.process = subprocess.Popen([PARKWATCH, "serve", "-q", "--listen", self.address, "--config", str(self.file)], stdin=subprocess.DEVNULL)
        return self

    def write(self):
        self.file.write_text(f"state_dir: {self.dir.name}\n{self.config}")

    def configure(self, config):
        self.config = config
        self.write()
        self.process.send_signal(signal.SIGHUP)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.dir.cleanup()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=20) as r:
                return r.read().decode()
        except OSError:
            return ""

    def targets(self):
        text = self.get("/api/v1/targets")
        return json.loads(text)["targets"] if text else []

    def fetch_ms(self, path):
        """(the median, CPU time of the daemon for one)"""
        times, before = [], cpu_s(self.process.pid)
        for _ in range(FETCHES):
            began = time.monotonic()
            self.get(path)
            times.append(1000 * (time.monotonic() - began))
        return statistics.median(times), 1000 * (cpu_s(self.process.pid) - before) / FETCHES
