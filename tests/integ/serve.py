# SPDX-License-Identifier: BSD-2-Clause
"""serve: `parkwatch serve`: every Go process of this machine over HTTP; what one of them, or its worker, does is nothing to the others.

Each case has a PID namespace of its own: its daemon sees its own targets only, and nobody else's tests are looked at.
"""
import calendar
import contextlib
import gzip
import hashlib
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import build
import harm
from described import described
from goroutines import Dumped
from refusals import one_line, renamed
from target import LIMIT, PARKWATCH, Failed, Target, expect, parkwatch, text_changed

FOUND = 5     # seconds after its start a process must be known
STARTED = 300 # programs that start in two or three seconds
LOOK = 10     # seconds from one look to the next
OWN = 20      # goroutines that a runtime may make for itself during a test
WATCHED = 120 # seconds after which it must have been watched for leaks, on a busy machine


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """parkwatch serve, ready."""

    def __init__(self, *args, address=None, env=None, before=(), state_dir=None, ready=True):
        self.env = {**os.environ, **(env or {})}
        self.before = before
        self.args = args if address else ("--listen", f"127.0.0.1:{free_port()}", *args)
        self.address = address or self.args[1]
        self.state_dir = state_dir
        self.ready = ready

    def __enter__(self):
        self.own_dir = None if self.state_dir else tempfile.TemporaryDirectory()
        state_dir = self.state_dir or self.own_dir.name
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([*self.before, PARKWATCH, "serve", "--state-dir", state_dir, *self.args], stdin=subprocess.DEVNULL, env=self.env,
                                        stdout=self.log, stderr=self.log, text=True)
        self.until(lambda: self.get("/-/ready")[0] == 200 or (not self.ready and self.get("/-/healthy")[0] == 200), "it does not become ready")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
        if self.own_dir:
            self.own_dir.cleanup()

    def said(self):
        """Its place in the file is the daemon's too, and stays: one who reads from the start made it write there."""
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0).decode()

    def until(self, true, why, seconds=30):
        end = time.monotonic() + seconds
        while not true():
            expect(self.process.poll() is None, f"serve ended with {self.process.poll()}: {self.said()}")
            expect(time.monotonic() < end, f"{why}: {self.said()}")
            time.sleep(0.05)

    def get(self, path, headers=None, method="GET", raw=False):
        """(status, headers, text, or if raw its bytes); (0, {}, "") while nobody listens."""
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as r:
                return r.status, r.headers, r.read() if raw else r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()
        except urllib.error.URLError:
            return 0, {}, ""

    def target(self, pid):
        """What is known of the process; None: nothing."""
        return next((t for t in json.loads(self.get("/api/v1/targets")[2])["targets"] if t["pid"] == pid), None)

    def looked_at(self, pid):
        self.until(lambda: (self.target(pid) or {"goroutines": None})["goroutines"] is not None, f"no look at pid {pid}")
        return self.target(pid)

    def metrics(self):
        return parsed(self.get("/metrics"))


READ_METRICS = """
import json, sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
read = openmetrics if sys.argv[1] == "openmetrics" else parser
print(json.dumps([[s.name, s.labels, s.value] for f in read.text_string_to_metric_families(sys.stdin.read()) for s in f.samples]))
"""


def parsed(answer):
    """[(name, labels, value)], as Prometheus' own client reads them."""
    status, headers, text = answer
    expect(status == 200, f"{status}: {text}")
    how = "openmetrics" if "openmetrics" in headers["Content-Type"] else "text"
    done = subprocess.run(["/usr/bin/python3", "-c", READ_METRICS, how], input=text, capture_output=True, text=True)
    expect(done.returncode == 0, f"{done.stderr}: {text}")
    return json.loads(done.stdout)


def value(samples, name, **labels):
    found = [v for n, have, v in samples if n == name and labels.items() <= have.items()]
    expect(len(found) == 1, f"{len(found)} of {name} {labels}")
    return found[0]


def workers(command=b"worker"):
    """{PID of a target: PID of its worker}"""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            args = path.read_bytes().split(b"\0")
            if args[:2] == [b"parkwatch", command]:
                found[int(args[2])] = int(path.parent.name)
    return found


def children(pid):
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def status(pid):
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def figures_are_those_of_the_program(minor):
    before = time.time()
    with Daemon() as d, Target("waits", minor) as t:
        began, after = time.monotonic(), time.time()
        d.until(lambda: d.target(t.pid), "the process is not found")
        expect(time.monotonic() - began < FOUND, f"found after {time.monotonic() - began:.1f} s")
        seen = d.looked_at(t.pid)
        both = [d.metrics(), parsed(d.get("/metrics", {"Accept": "application/openmetrics-text"}))]
        status, headers, text = d.get(f"/api/v1/targets/{seen['id']}/goroutines")
        t.go()
        truth = json.loads(t.truth())
    expect(re.fullmatch(r"[A-Za-z0-9-]+", seen["id"]) and seen["go"] == "go" + build.TOOLCHAINS[minor] and seen["watched"], f"{seen}")
    started = calendar.timegm(time.strptime(seen["started"], "%Y-%m-%dT%H:%M:%SZ"))
    expect(before - 2 < started < after + 2, f"{seen}: it was started between {before} and {after}")
    expect(seen["goroutines"] == truth["before"], f"{seen}: the program counts {truth['before']}")
    expect(status == 200 and len(text.splitlines()) == truth["before"], f"{status}: {text[:500]}")
    all_of_them = [json.loads(line) for line in text.splitlines()]
    for samples in both:
        states = {have["state"]: v for n, have, v in samples if n == "parkwatch_goroutines" and have["target"] == seen["id"]}
        expect(sum(states.values()) == truth["before"], f"{states}: the program counts {truth['before']}")
        for reason in {g["reason"] for g in all_of_them} - {None}:
            expect(value(samples, "parkwatch_goroutines_waiting", target=seen["id"], reason=reason) ==
                   sum(g["reason"] == reason for g in all_of_them), f"{reason}: {samples}")
        expect(value(samples, "parkwatch_target_info", target=seen["id"], pid=str(t.pid), go_version=seen["go"]) == 1, f"{samples}")


def goroutines_are_filtered_as_in_dump():
    """Who is taken is worked out here, from all of them."""
    filters = {
        "wait=chan*": lambda g: (g["reason"] or "").startswith("chan"), "state=running,syscall": lambda g: g["status"] in ("running", "syscall"),
        "func=^main%5C.": lambda g: any(f["func"].startswith("main.") for f in g["stack"]), "created-by=^main": lambda g: ((g["created_by"] or {}).get("func") or "").startswith("main"),
        "not=wait=select": lambda g: g["reason"] != "select", "older=1h": lambda g: False, "wait=select&wait=sleep": lambda g: g["reason"] in ("select", "sleep"),
    }
    with Daemon() as d, Target("waits") as t:
        path = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/goroutines"
        everybody = [json.loads(line) for line in d.get(path)[2].splitlines()]
        for query, takes in filters.items():
            status, _, text = d.get(f"{path}?{query}")
            goids = [json.loads(line)["goid"] for line in text.splitlines()]
            expect(status == 200 and goids == [g["goid"] for g in everybody if takes(g)], f"{query}: {status}: {text[:300]}")
        expect(len(d.get(path + "?top=2")[2].splitlines()) == 2, "top=2 is two")
        groups = json.loads(d.get(path + "?group=wait")[2])["groups"]
        expect(sum(g["count"] for g in groups) == len(everybody), f"{groups}")
        for query in ("wait", "nothing=1", "older=soon", "func=(", "func=" + "a" * 257, "func=(a%7B1,255%7D)%7B1,255%7D", "func=(a)%5C1", "top=x", "top=-1", "group=x", "sort=x",
                      "goid=x", "not=func", "&".join(["p=1"] * 33)):
            status, headers, text = d.get(f"{path}?{query}")
            expect(status == 400 and text.count("\n") == 1 and headers["Content-Type"].startswith("text/plain"), f"{query}: {status}: {text[:300]}")


def deadlocks_are_told():
    """Who is in them, the program says; where nobody waits for a lock, nothing is read."""
    with Daemon() as d, Target("deadlocks", command=build.built(26, "static", "knots")) as t, Target("idle") as other:
        truth = sorted(sorted(ring) for ring in json.loads(t.truth())["deadlocks"])
        path = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/chans"
        without = f"/api/v1/targets/{d.looked_at(other.pid)['id']}/chans"
        first = d.get(path)
        d.until(lambda: d.get(path)[0] == 200, "no locks", 6 * LOOK)
        told = json.loads(d.get(path)[2])
        expect(first[0] in (200, 404) and (first[0] == 200 or "lock" in json.loads(first[2])["error"]), f"{first}")
        expect(sorted(sorted(ring["goroutines"]) for ring in told["deadlocks"]) == truth, f"{told['deadlocks']}, want {truth}")
        expect(d.get(without)[0] == 404, "nobody waits for a lock there")
        expect(d.target(t.pid)["worker_restarts"] == 0 and t.process.poll() is None, "the worker or the target died")


def a_worker_that_dies_is_replaced():
    with Daemon() as d, Target("idle") as t, Target("idle") as other:
        before = d.looked_at(t.pid)
        d.looked_at(other.pid)
        untouched = workers()[other.pid]
        os.kill(workers()[t.pid], signal.SIGKILL)
        d.until(lambda: d.target(t.pid)["worker_restarts"] == 1, "no other worker")
        d.until(lambda: t.pid in workers(), "it does not run")
        expect(d.target(t.pid)["id"] == before["id"] and workers()[other.pid] == untouched, f"{workers()}")
        expect(value(d.metrics(), "parkwatch_worker_restarts_total") == 1, "it is not counted")


def a_target_that_ends_is_gone_and_leaves_nothing():
    """A connection of a request that is over may still be there for a moment: never one for each of four targets, and not for long."""
    with Daemon() as d:
        descriptors = len(os.listdir(f"/proc/{d.process.pid}/fd"))
        for _ in range(4):
            with Target("idle") as t:
                d.looked_at(t.pid)
            d.until(lambda t=t: not d.target(t.pid) and t.pid not in workers(), "it is still there")
        d.until(lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) <= descriptors, "descriptors are left")


def a_target_that_ends_or_becomes_another_is_no_death_of_its_worker():
    """One ends, and its parent does not ask how for a while; one becomes another program."""
    with Daemon() as d, Target("idle") as t, Target("labels", command=build.built(build.MODES_MINOR, "static", "dumped")) as other:
        d.looked_at(t.pid)
        d.looked_at(other.pid)
        other.process.stdin.write("exec\n")
        other.process.stdin.flush()
        t.process.kill()
        d.until(lambda: not d.target(other.pid) and not d.target(t.pid), "it is still there")
        expect(t.pid not in workers() and other.pid not in workers(), f"{workers()}")
        expect(value(d.metrics(), "parkwatch_worker_restarts_total") == 0, "it is counted as a death")


def many_that_start_wake_the_launcher_as_few_do():
    """What starts beside is no program in Go; a target among them is found in time."""
    with Daemon() as d, Target("idle") as t:
        d.looked_at(t.pid)
        launcher, = [p for p in children(d.process.pid) if Path(f"/proc/{p}/comm").read_text() == "pw-launcher\n"]
        slept = int(status(launcher)["voluntary_ctxt_switches"])
        with Target("idle") as other:
            began, found = time.monotonic(), None
            for _ in range(STARTED):
                subprocess.run(["true"], check=True)
                found = found or d.target(other.pid)
            expect(found or time.monotonic() - began < FOUND, f"it is not found within {FOUND} s, while {STARTED} others start")
            slept = int(status(launcher)["voluntary_ctxt_switches"]) - slept
        expect(slept < STARTED / 3, f"{STARTED} programs started, and woke the launcher {slept} times")


def a_page_that_nobody_answers_holds_up_nobody():
    command = build.built(build.MODES_MINOR, "static", "many")
    with Daemon() as d, Target("100", command=command) as mute, Target("idle") as other:
        d.looked_at(mute.pid)
        d.looked_at(other.pid)
        harm.list_on_a_page_nobody_answers(mute, command)
        d.until(lambda: mute.pid in workers() and harm.hangs(workers()[mute.pid]), "it does not come to the page", 2 * LOOK)
        began = time.monotonic()
        # An answer takes milliseconds, a worker that hangs is waited for tens of seconds: 1 s tells these apart on a machine with other work.
        expect(d.get("/metrics")[0] == 200 and time.monotonic() - began < 1, "no answer")
        d.until(lambda: d.target(mute.pid)["worker_restarts"] > 0, "the worker is not replaced", 60)
        expect(d.target(other.pid)["worker_restarts"] == 0 and mute.process.poll() is None, "the others notice")


def one_that_could_not_be_looked_at_is_looked_at_again():
    """Its list of goroutines lies on a page that nobody answers for, and later where it was."""
    command = build.built(build.MODES_MINOR, "static", "many")
    with Target("100", command=command) as t:
        at, true = harm.list_on_a_page_nobody_answers(t, command)
        with Daemon() as d:
            d.until(lambda: d.target(t.pid) and d.target(t.pid)["why_not"], "it is not listed")
            harm.write_words(t.pid, at, true)
            expect(d.looked_at(t.pid)["goroutines"] > 0 and d.target(t.pid)["why_not"] is None, f"{d.target(t.pid)}")


def rights_are_few():
    with Daemon() as d, Target("idle") as t:
        d.looked_at(t.pid)
        own = status(d.process.pid)
        launcher = status(int(status(workers()[t.pid])["PPid"]))
        worker = status(workers()[t.pid])
    few = sum(1 << cap for cap in (2, 19, 38, 39, 40))    # DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF, CHECKPOINT_RESTORE
    expect(own["CapPrm"] == own["CapEff"] == own["CapBnd"] == "0" * 16 and own["Uid"].split() == ["65534"] * 4 and own["NoNewPrivs"] == "1", f"{own}")
    for who in (launcher, worker):
        for caps in ("CapPrm", "CapEff", "CapBnd"):
            expect(not int(who[caps], 16) & ~few, f"{caps} {who[caps]} of {who['Name']}")
    expect(worker["NoNewPrivs"] == "1", f"{worker}")


def rights_that_are_missing_are_told_and_the_rest_works():
    """Of probes, as in a container without them; and of other users' programs, which needs a user who is not root."""
    without = ("setpriv", "--bounding-set", "-cap_38,-cap_39")    # PERFMON, BPF
    with Daemon(before=without) as d, Target("idle") as t:
        seen = d.looked_at(t.pid)
        lines = [line for line in d.said().splitlines() if "rights" in line]
        ready = d.get("/-/ready")[2].splitlines()
        have = {labels["capability"]: v for name, labels, v in d.metrics() if name == "parkwatch_right"}
    expect(seen["goroutines"] > 0 and seen["watched"], f"{seen}")
    expect(ready == ["ready", "some rights are missing: without CAP_BPF and CAP_PERFMON leaks are watched by looks, without probes"], f"{ready}")
    expect(len(lines) == 1 and "without CAP_BPF and CAP_PERFMON leaks are watched by looks, without probes; all else works. Run it as root" in lines[0], f"{lines}")
    expect(have == {"CAP_BPF": 0, "CAP_PERFMON": 0, "CAP_SYS_PTRACE": 1, "CAP_DAC_READ_SEARCH": 1, "CAP_CHECKPOINT_RESTORE": 1}, f"{have}")
    with Daemon() as d:
        expect("rights" not in d.said() + d.get("/-/ready")[2] and all(v == 1 for name, _, v in d.metrics() if name == "parkwatch_right"), d.said())


def in_a_container_that_drops_all_rights_but_four_it_stays_root_and_works():
    """As deploy/kubernetes says: root that may not become another user, and gets no new rights."""
    few = sum(1 << cap for cap in (2, 19, 38, 39))    # DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF
    pod = ("setpriv", "--bounding-set", "-all,+cap_2,+cap_19,+cap_38,+cap_39", "--no-new-privs")
    with Daemon(before=pod) as d, Target("early-return", command=build.built(build.MODES_MINOR, "static", "leaks")) as t:
        d.looked_at(t.pid)
        own, worker = status(d.process.pid), status(workers()[t.pid])
        d.until(lambda: d.target(t.pid)["leaking"], "the leak is not seen", WATCHED)
        stored = value(d.metrics(), "parkwatch_store_usable")
        said = d.said()
    expect(own["CapPrm"] == own["CapEff"] == "0" * 16 and own["Uid"].split() == ["0"] * 4 and own["NoNewPrivs"] == "1", f"{own}")
    expect(int(worker["CapEff"], 16) == few, f"{worker}")
    expect(stored == 1, "no history is on disk")
    expect("stays root, without any capability" in said and "without CAP_CHECKPOINT_RESTORE" in said and "without probes" not in said, said)


def all_of_it_ends(how):
    with Target("idle") as t:
        d = Daemon()
        with d:
            d.looked_at(t.pid)
            worker = workers()[t.pid]
            launcher = int(status(worker)["PPid"])
            os.kill(launcher if how == "launcher" else d.process.pid, signal.SIGTERM if how == "asked" else signal.SIGKILL)
            code = d.process.wait(10)
            said = d.said()
        end = time.monotonic() + 5    # they end at once; the rest is for a machine with other work
        while any(Path(f"/proc/{pid}").exists() and harm.state_of(pid) != "Z" for pid in (worker, launcher)):
            expect(time.monotonic() < end, "processes are left")
            time.sleep(0.05)
        expect(code == {"asked": 0, "supervisor": -signal.SIGKILL, "launcher": 1}[how], f"exit code {code}: {said}")
        expect(how != "launcher" or "the launcher ended" in said, said)
        expect(t.process.poll() is None, "the target died")


def what_is_asked_wrongly_is_refused():
    with Daemon() as d:
        expect(d.get("/metrics", {"Host": "example.com"})[0] == 403, "a page of elsewhere is answered")
        expect(d.get("/metrics", {"Host": "localhost:7070"})[0] == 200, "localhost is this machine")
        expect(d.get("/api/v1/targets", method="POST")[0] == 405 and d.get("/nothing")[0] == 404, "what is there is not asked for")
        expect(d.get("/api/v1/targets/none")[0] == 404 and d.get("/api/v1/targets/none/goroutines")[0] == 404, "nobody has that id")
        expect(not d.get("/metrics")[1]["Access-Control-Allow-Origin"], "other pages may read it")
        one_line(parkwatch("serve", "--listen", d.address), re.escape(d.address), "another program listens there", "--listen")
    for address in ("here", "127.0.0.1:0", "127.0.0.1:65536"):
        one_line(parkwatch("serve", "--listen", address), f"'{address}'", "ADDRESS:PORT", "1 to 65535")


def the_page_is_guarded_like_the_rest():
    with Daemon() as d:
        pages = {path: d.get(path, raw=True) for path in ("/", "/app.js", "/app.css", "/icon.svg", "/licences.txt")}
        for path, (status, headers, body) in pages.items():
            expect(status == 200 and headers["Content-Security-Policy"] == "default-src 'self'" and headers["X-Content-Type-Options"] == "nosniff",
                   f"{path}: {status} {headers}")
            text = gzip.decompress(body) if headers["Content-Encoding"] == "gzip" else body
            expect(text and (path == "/licences.txt" or b"http-equiv" not in text), path)
            expect(d.get(path, {"Host": "example.com"})[0] == 403 and d.get(path, method="POST")[0] == 405, path)
            version = hashlib.sha256(text).hexdigest()[:12]    # what a browser keeps has the address of its content
            kept = f'"{path}?v={version}"'.encode() in pages["/"][2]
            expect(kept == (path in ("/app.js", "/app.css")) and headers["Cache-Control"] == ("private, max-age=31536000, immutable" if kept else "no-store"),
                   f"{path} {version}: {headers}")
        expect(re.findall(rb"<script [a-z]* src=./app.js|<script[^>]*>|<style[^>]*>| style=| on[a-z]+=", pages["/"][2]) == [b'<script defer src="/app.js'],
               "something is inline")
        expect(sum(len(body) for _, _, body in pages.values()) < 100_000, "the page is large")
        for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/app.js/", "/app.js/../app.css", "//", "/app.jsx", "/index.html", "/." + "a" * 8000):
            expect(d.get(path)[0] == 404, path)
        expect(d.get("/?target=%3Cscript%3E&view=x")[0] == 200, "its URL holds what it shows")


def names_of_programs_are_harmless():
    name = 'a"b\\c\n} 1\nd\x1b[31m\xff{'
    with tempfile.TemporaryDirectory() as folder:
        exe = os.path.join(os.fsencode(folder), name.encode("latin-1"))
        shutil.copy(build.built(build.MODES_MINOR)[0], exe)
        with Daemon() as d, Target("idle", command=[exe]) as t:
            seen = d.looked_at(t.pid)
            samples = d.metrics()
    expect(re.fullmatch(r"[A-Za-z0-9-]+", seen["id"]), seen["id"])
    expect(value(samples, "parkwatch_target_info", pid=str(t.pid)) == 1 and "\x1b" not in json.dumps(seen), f"{seen}")


def what_cannot_be_watched_is_listed_with_the_reason():
    with tempfile.TemporaryDirectory() as folder, Daemon() as d, \
            Target("idle", command=renamed("stripped", build.MODES_MINOR, "go1.99", folder)) as t:
        d.until(lambda: d.target(t.pid), "it is not listed")
        seen = d.target(t.pid)
        expect(not seen["watched"] and "1.99" in seen["why_not"] and seen["goroutines"] is None, f"{seen}")
        expect(t.pid not in workers(), "it has a worker")
        expect(d.get(f"/api/v1/targets/{seen['id']}/goroutines")[0] == 503, "there is no look")


def clients_that_dawdle_keep_nobody_out():
    with Daemon() as d:
        host, port = d.address.split(":")
        idle = []
        for _ in range(1500):
            s = socket.create_connection((host, int(port)))
            s.send(b"GET /metrics HTTP/1.1\r\nHost: ")
            idle.append(s)
        answered = sum(d.get("/-/healthy")[0] == 200 for _ in range(50))
        for s in idle:
            s.close()
        expect(answered >= 45, f"{answered} of 50 requests are answered")


def leak_workers():
    """{PID of a target: PID of the process that watches it for leaks}"""
    return workers(b"leak-worker")


def leaking(d, pid):
    """What its watch for leaks found; None: none has ended yet."""
    return (d.target(pid) or {"leaking": None})["leaking"]


def leaks_are_told_and_what_is_healthy_is_not():
    """The first watch comes half a minute after a target was found."""
    command = build.built(build.MODES_MINOR, "static", "leaks")
    with Target("early-return", command=command) as t, Target("pool", command=command) as healthy, Daemon() as d:
        want = json.loads(t.truth())["leaks"][0]
        seen = d.looked_at(t.pid)
        expect(seen["level"] == "leaks" and seen["leaking"] is None, f"{seen}")
        status, headers, text = d.get(f"/api/v1/targets/{seen['id']}/leaks")
        expect(status == 404 and headers["Content-Type"] == "application/json" and json.loads(text)["error"], f"{status}: {text}")
        d.until(lambda: leaking(d, t.pid) is not None and leaking(d, healthy.pid) is not None, "no watch has ended", WATCHED)
        samples, seen, fine = d.metrics(), d.target(t.pid), d.target(healthy.pid)
        rows = {p["pid"]: p for p in json.loads(parkwatch("ps", "-f", "json", "--daemon", d.address)[1])["processes"]}
        status, headers, text = d.get(f"/api/v1/targets/{seen['id']}/leaks")
        parsed(d.get("/metrics", {"Accept": "application/openmetrics-text"}))
        expect(harm.probes_are_out(t.pid) and harm.probes_are_out(healthy.pid), "probes are left in the code")
    expect(status == 200 and headers["Content-Type"] == "application/json", f"{status}: {text[:200]}")
    described([("/api/v1/targets/ID/leaks", (status, headers, text))])
    report = json.loads(text)
    group, = report["groups"]
    expect((group["start"]["func"], group["reason"]) == (want["start"], want["reason"]) and group["leak"], f"{want}: {group}")
    expect(seen["leaking"] == group["count"] > 100, f"{seen}: {group['count']}")
    labels = {"created_by": group["created_by"]["func"], "blocked_at": group["blocked_at"]["func"], "verdict": group["verdict"]}
    expect(value(samples, "parkwatch_leaking_goroutines", target=seen["id"], **labels) == group["count"], f"{labels}: {samples}")
    expect(value(samples, "parkwatch_leak_stack_bytes", target=seen["id"]) == group["stack_bytes"], f"{group}")
    expect(value(samples, "parkwatch_leak_heap_bytes", target=seen["id"]) == group["heap_bytes"], f"{group}")
    expect(rows[t.pid]["leaking"] == group["count"] and rows[healthy.pid]["leaking"] == 0, f"ps: {rows}")
    expect(fine["leaking"] == 0 and not [s for s in samples if s[0] == "parkwatch_leaking_goroutines" and s[1]["target"] == fine["id"]], f"{fine}")
    for id_ in (seen["id"], fine["id"]):
        expect(value(samples, "parkwatch_leak_watches_total", target=id_) == 1, f"{samples}")
        expect(value(samples, "parkwatch_events_lost_total", target=id_, stage="probes") == 0, f"{samples}")
        expect(value(samples, "parkwatch_overhead_ratio", target=id_) < 1, f"{samples}")
        expect(value(samples, "parkwatch_worker_cpu_seconds_total", target=id_) > 0, f"{samples}")


def a_watch_for_leaks_that_is_killed_leaves_nothing():
    with Target("busy") as t, Target("idle") as other, Daemon() as d:
        t.go()
        d.looked_at(t.pid)
        d.looked_at(other.pid)
        d.until(lambda: t.pid in leak_workers() and text_changed(t.pid), "no probe is attached", WATCHED)
        looks = workers()
        os.kill(leak_workers()[t.pid], signal.SIGKILL)
        seen = d.target(t.pid)
        expect(harm.probes_are_out(t.pid), "probes are left in the code")
        d.until(lambda: value(d.metrics(), "parkwatch_leak_watches_failed_total", target=seen["id"]) == 1, "it is not counted")
        expect(d.target(t.pid)["leaking"] is None and t.pid not in leak_workers(), f"{d.target(t.pid)}")
        d.until(lambda: leaking(d, other.pid) is not None, "the other is not watched", WATCHED)
        expect(workers() == looks and d.target(t.pid)["worker_restarts"] == 0 and t.process.poll() is None, f"{looks}: {workers()}")


def births_and_exits_are_those_of_the_program(minor):
    """The runtime may start some of its own goroutines meanwhile: a worker for the garbage collection on each processor, and the like."""
    with Daemon() as d, Target("lives", minor) as t:
        seen = d.looked_at(t.pid)

        def totals():
            samples = d.metrics()
            return [value(samples, f"parkwatch_goroutines_{what}_total", target=seen["id"]) for what in ("created", "ended")]
        before = totals()
        t.go()
        truth = json.loads(t.truth())
        births, exits = (sum(site["count"] for site in truth[what]) for what in ("births", "exits"))
        d.until(lambda: totals()[0] - before[0] >= births, "they are not counted", 2 * LOOK)
        created, ended = (now - then for now, then in zip(totals(), before, strict=True))
    expect(births > 1000 and births <= created <= births + OWN, f"the program made {births}: {created}")
    expect(exits <= ended <= exits + OWN, f"of the program's {exits} have ended: {ended}")


def latencies_are_those_of_the_runtime(minor, mode):
    """Between what the program reads of its runtime before and after the look: of each bound, as many waits were no longer."""
    with Daemon() as d, Target("", command=build.built(minor, mode, "latencies")) as t:
        def told(line="go"):
            t.process.stdin.write(line + "\n")
            t.process.stdin.flush()
            truth = json.loads(t.truth())
            return lambda bound: sum(n for n, upper in zip(truth["counts"], truth["bounds_ns"][1:], strict=True) if upper <= bound * 1.000001)
        seen, before = d.looked_at(t.pid), told()

        def histogram():
            mine = [(n, have, v) for n, have, v in d.metrics() if n.startswith("parkwatch_sched_latency_seconds") and have["target"] == seen["id"]]
            return {float(have["le"]): v for n, have, v in mine if n.endswith("_bucket")}
        d.until(lambda: histogram()[math.inf] >= before(math.inf), "the look is not told", 2 * LOOK)
        have, after = histogram(), told("")
        parsed(d.get("/metrics", {"Accept": "application/openmetrics-text"}))
    expect(before(math.inf) > 1000 and len(have) == 14, f"{have}")
    for bound, count in have.items():
        expect(before(1e9 * bound) <= count <= after(1e9 * bound), f"<= {bound}: {before(1e9 * bound)}, {count}, {after(1e9 * bound)}")


def blocked_time_is_goroutines_times_time():
    """An estimate by looks: of goroutines that all wait, as many seconds as go by for each."""
    with Daemon() as d, Target("idle") as t:
        seen = d.looked_at(t.pid)

        def waited():
            return sum(v for n, have, v in d.metrics() if n == "parkwatch_blocked_seconds_total" and have["target"] == seen["id"])
        waits = sum(v for n, have, v in d.metrics() if n == "parkwatch_goroutines_waiting" and have["target"] == seen["id"])
        expect(waits > 0 and waited() == 0, f"{waits} wait, one look tells nothing yet: {waited()}")
        d.until(lambda: waited() > 0, "no second look", 2 * LOOK)
        expect(0.9 * LOOK * waits <= waited() <= 1.5 * LOOK * waits, f"{waits} wait for {LOOK} s: {waited()}")


def what_rests_is_looked_at_and_waits_longer():
    """Nothing of it runs from one look to the next: who waited waits still, for as much longer as went by."""
    with Daemon() as d, Dumped("many:20") as t:
        for _ in range(3):    # the first collections note nothing: dump.py
            t.ask("gc")
        seen = d.looked_at(t.pid)

        def waits():
            lines = map(json.loads, d.get(f"/api/v1/targets/{seen['id']}/goroutines")[2].splitlines())
            return {g["goid"]: g["wait_ns"] / 1e9 for g in lines if g["wait_ns"]}

        def used():
            return Path(f"/proc/{t.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        d.until(lambda: len(waits()) >= 20, "nobody is known to wait", 3 * LOOK)
        before, cpu = waits(), used()
        d.until(lambda: waits() != before, "no further look", 2 * LOOK)
        after = waits()
        expect(used() == cpu, f"it did not rest: {cpu} {used()}")
    longer = {goid: after[goid] - s for goid, s in before.items()}
    expect(all(0.5 * LOOK < s < 2 * LOOK and abs(s - min(longer.values())) < 0.01 for s in longer.values()), f"{longer}")


ALL = {f.__name__: f for f in (
    figures_are_those_of_the_program, goroutines_are_filtered_as_in_dump, deadlocks_are_told, all_of_it_ends, a_worker_that_dies_is_replaced,
    a_target_that_ends_is_gone_and_leaves_nothing, a_target_that_ends_or_becomes_another_is_no_death_of_its_worker, many_that_start_wake_the_launcher_as_few_do,
    a_page_that_nobody_answers_holds_up_nobody, one_that_could_not_be_looked_at_is_looked_at_again, rights_are_few,
    rights_that_are_missing_are_told_and_the_rest_works, in_a_container_that_drops_all_rights_but_four_it_stays_root_and_works,
    what_is_asked_wrongly_is_refused, the_page_is_guarded_like_the_rest, names_of_programs_are_harmless, what_cannot_be_watched_is_listed_with_the_reason,
    clients_that_dawdle_keep_nobody_out, leaks_are_told_and_what_is_healthy_is_not, a_watch_for_leaks_that_is_killed_leaves_nothing,
    blocked_time_is_goroutines_times_time, what_rests_is_looked_at_and_waits_longer, births_and_exits_are_those_of_the_program,
    latencies_are_those_of_the_runtime)}
ARGUMENTS = {
    latencies_are_those_of_the_runtime: ["20 static", "24 static", "25 stripped", "26 pie", "27 static"],
    births_and_exits_are_those_of_the_program: ["15", "21", "27"],
    figures_are_those_of_the_program: ["15", "22", "27"],
    all_of_it_ends: ["asked", "supervisor", "launcher"]}
MISSING = 77


def alone(function, *args, script=None):
    script = script or sys.modules[function.__module__].__file__
    done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, script, function.__name__, *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode == MISSING:
        raise build.Missing(done.stdout.strip())
    expect(done.returncode == 0, done.stdout + done.stderr)


def main(functions, name, *args):
    try:
        functions[name](*(int(a) if a.isdigit() else a for a in args))
    except build.Missing as e:
        print(e)
        return MISSING
    except Failed as e:
        print(e)
        return 1
    return 0


def cases():
    for function in ALL.values():
        for arg in ARGUMENTS.get(function, [None]):
            if arg:
                yield f"serve: {function.__name__} [{arg}]", lambda f=function, a=arg: alone(f, *a.split())
            else:
                yield f"serve: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
