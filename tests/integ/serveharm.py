# SPDX-License-Identifier: BSD-2-Clause
"""serveharm: what becomes of `parkwatch serve` when its processes are killed, hang or grow, and of targets that lie: nothing is left, nobody else notices."""
import concurrent.futures
import contextlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "harm"), str(Path(__file__).resolve().parent.parent.parent / "tools/bench")]

import bounds  # noqa: E402
import build  # noqa: E402
import harm  # noqa: E402
import words  # noqa: E402
from daemon import Comers, descriptors, pss_mb  # noqa: E402
from serve import LOOK, WATCHED, Daemon, alone, leak_workers, main, parsed, status, value, workers  # noqa: E402
from target import Target, expect, text_changed  # noqa: E402

GONE = 5    # seconds after which nothing of it may be left; the rest is for a machine with other work
NOBODY = "http://127.0.0.1:9"    # a sink that is not there: its sender lives


def everybody():
    """{PID: name} of the processes of this PID namespace; not the test, and none that has ended."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) != os.getpid() and harm.state_of(pid) != "Z":
                found[int(pid)] = Path(f"/proc/{pid}/comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):    # it ended
            continue
    return found


def named(name):
    return next(pid for pid, comm in everybody().items() if comm == name)


def config(folder):
    path = Path(folder) / "parkwatch.yaml"
    path.write_text(f"sinks: {{otlp: {{url: {NOBODY}}}}}\n")
    return "--config", str(path)


def the_end_in_the_middle_of_a_watch(who):
    """Probes are in, a sender waits: whoever is killed, or asked to end, all of it ends, and the target is as it was."""
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        d = Daemon(*config(folder))
        with d:
            seen = d.looked_at(t.pid)
            d.until(lambda: t.pid in leak_workers() and text_changed(t.pid), "no probe is attached", WATCHED)
            d.until(lambda: "pw-sender" in everybody().values(), "no sender")
            expect({"pw-launcher", "pw-holder", "pw-sender"} <= set(everybody().values()), f"{everybody()}")
            if who == "holder":
                os.kill(named("pw-holder"), signal.SIGKILL)
                expect(harm.probes_are_out(t.pid), "probes are left in the code")
                d.until(lambda: t.pid not in leak_workers(), "the watch goes on for ever", WATCHED)
                expect(d.target(t.pid)["id"] == seen["id"] and d.target(t.pid)["worker_restarts"] == 0, f"{d.target(t.pid)}")
                return
            if who == "sender":
                before = named("pw-sender")
                os.kill(before, signal.SIGKILL)
                d.until(lambda: {before} != {p for p, comm in everybody().items() if comm == "pw-sender"} and "pw-sender" in everybody().values(), "no other sender", 90)
                expect(value(d.metrics(), "parkwatch_sink_failed_total", sink="otlp") > 0, "it is not counted")
                return
            began = time.monotonic()
            os.kill({"launcher": named("pw-launcher"), "worker": workers()[t.pid]}.get(who, d.process.pid), signal.SIGTERM if who == "asked" else signal.SIGKILL)
            if who == "worker":
                d.until(lambda: d.target(t.pid)["worker_restarts"] == 1, "it is not counted")
                d.until(lambda: d.target(t.pid)["leaking"] is not None, "its watch did not go on", WATCHED)
                return
            code = d.process.wait(10)
        expect(code == {"asked": 0, "launcher": 1, "supervisor": -signal.SIGKILL}[who], f"exit code {code}")
        expect(harm.probes_are_out(t.pid), "probes are left in the code")
        while set(everybody()) != {t.pid}:
            expect(time.monotonic() < began + GONE, f"{everybody()} are left")
            time.sleep(0.05)
        expect(t.process.poll() is None, "the target died")


def a_watch_for_leaks_that_hangs_ends():
    """Without a step for 40 s."""
    with bounds.many() as t, Target("idle") as other, Daemon() as d:
        seen = d.looked_at(t.pid)
        d.looked_at(other.pid)
        d.until(lambda: t.pid in leak_workers(), "no watch begins", WATCHED)
        untouched = workers()[other.pid]
        bounds.mute(t)
        d.until(lambda: value(d.metrics(), "parkwatch_leak_watches_failed_total", target=seen["id"]) == 1, "it hangs for ever", WATCHED)
        expect(t.pid not in leak_workers() and harm.probes_are_out(t.pid), "a process or its probes are left")
        d.until(lambda: d.target(other.pid)["leaking"] is not None, "the other is not watched", WATCHED)
        expect(workers()[other.pid] == untouched and t.process.poll() is None, f"{workers()}")


def the_ends_in_the_middle_of_a_watch():
    """All at the same time, each in a namespace of its own: half a minute goes by before the first watch."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ends = [pool.submit(alone, the_end_in_the_middle_of_a_watch, who) for who in ("asked", "supervisor", "launcher", "holder", "sender", "worker")]
        for done in [*ends, pool.submit(alone, a_watch_for_leaks_that_hangs_ends)]:
            done.result()


def a_worker_that_grows_is_replaced():
    """It is bounded; here closer than usual: a look of 50,000 goroutines beside the one before has no room."""
    with bounds.many("50000") as t, Target("idle") as other, Daemon() as d:
        d.looked_at(t.pid)
        d.looked_at(other.pid)
        first, untouched = workers()[t.pid], workers()[other.pid]
        limits = Path(f"/proc/{first}/limits").read_text()
        expect(re.search(rf"^Max data size +{1 << 30} +{1 << 30} ", limits, re.M), limits)
        room = 1024 * int(status(first)["VmData"].split()[0]) + (1 << 20)
        resource.prlimit(first, resource.RLIMIT_DATA, (room, room))
        d.until(lambda: d.target(t.pid)["worker_restarts"] == 1, "it is not replaced", 6 * LOOK)
        expect("cannot be looked at with the 1024 MB that may be used for it" in d.said(), d.said())
        expect(value(d.metrics(), "parkwatch_worker_restarts_total") == 1, "it is not counted")
        d.until(lambda: workers().get(t.pid, first) != first, "no other worker")
        looks = d.get("/metrics")[2]
        expect(workers()[other.pid] == untouched and str(other.pid) in looks and t.process.poll() is None, f"{workers()}")


def targets_that_lie_beside_one_that_does_not():
    """Its names are escapes, its goroutines a million times the same few, its list lies where nobody answers, or where nothing is."""
    with words.Hostile() as names, bounds.many("1000") as crowd, bounds.many() as nothing, bounds.many() as mute, Target("idle") as fine:
        bounds.made_up(crowd, 1000000)
        bounds.say(nothing, "nothing")
        harm.write_words(nothing.pid, harm.allgs_of(nothing.command, nothing.pid), int(nothing.truth()), 4000000, 4000000)
        bounds.mute(mute)
        everybody_of = (names.pid, crowd.pid, nothing.pid, mute.pid, fine.pid)
        with Daemon() as d:
            d.until(lambda: all(d.target(pid) for pid in everybody_of), "one is not listed")
            seen, slowest, stop = d.looked_at(fine.pid), [], threading.Event()

            def ask():
                while not stop.is_set():
                    began = time.monotonic()
                    d.get("/-/healthy")
                    slowest.append(time.monotonic() - began)
                    time.sleep(0.05)
            def waited():
                return sum(v for n, have, v in d.metrics() if n == "parkwatch_blocked_seconds_total" and have["target"] == seen["id"])
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(ask)
                try:
                    d.looked_at(names.pid)
                    d.until(lambda: waited() > 0, "no second look of the healthy one", 6 * LOOK)
                finally:
                    stop.set()
                asked.result()
            for path in ("/metrics", "/api/v1/targets", "/api/v1/events", f"/api/v1/targets/{d.target(names.pid)['id']}/goroutines"):
                words.only_shown(path, d.get(path, raw=True)[2])
            parsed(d.get("/metrics"))
            json.loads(d.get("/api/v1/events")[2])
            words.only_shown("log", d.said().encode())
            expect(d.target(fine.pid)["worker_restarts"] == 0 and d.target(fine.pid)["goroutines"] == seen["goroutines"], f"{d.target(fine.pid)}")
            expect(sorted(slowest)[len(slowest) // 2] < 0.5, f"answers take {sorted(slowest)[len(slowest) // 2]:.2f} s")
        expect(all(Path(f"/proc/{pid}").exists() for pid in everybody_of), "a target died")


def programs_that_hang_keep_no_new_one_waiting():
    """Looking at each of six takes three seconds, in vain. A program that starts then is looked at first."""
    with contextlib.ExitStack() as stack:
        hung = [stack.enter_context(bounds.many()) for _ in range(6)]
        for t in hung:
            bounds.mute(t)
        with Daemon(ready=False) as d:
            d.until(lambda: any(d.target(t.pid) for t in hung), "none is listed")
            with Target("idle") as new:
                d.until(lambda: d.target(new.pid), "it is not found")
                expect(not all(d.target(t.pid) for t in hung), "the others had all their turn before")
                d.until(lambda: all((d.target(t.pid) or {"why_not": None})["why_not"] for t in hung), "one is not listed", 60)
                d.until(lambda: d.get("/-/ready")[0] == 200, "it does not become ready")
                expect(d.looked_at(new.pid)["watched"], "it is not watched")
        expect(all(t.process.poll() is None for t in hung), "a target died")


def targets_that_come_and_go_leave_nothing():
    """Thirty a second, or as many as this machine can start: each lives for two seconds at most. make soak has a hundred, for ten minutes."""
    def held(d):
        both = d.process.pid, named("pw-launcher")
        return list(map(descriptors, both)), sum(map(pss_mb, both))

    def found(d):
        return {e["target"] for e in json.loads(d.get("/api/v1/events")[2])["events"] if e["kind"] == "target_found"}
    with Target("idle") as stays, Daemon() as d:
        d.looked_at(stays.pid)
        with Comers(30, [*build.built(build.MODES_MINOR), "idle"]) as comers:
            d.until(lambda: len(found(d)) > 3, "none is reached")
            fds, mb = held(d)
            begun, end = comers.begun, time.monotonic() + 10
            d.until(lambda: time.monotonic() > end and comers.begun > begun + 50, "they do not come", 120)
            expect(d.target(stays.pid)["worker_restarts"] == 0, f"{d.target(stays.pid)}")
        d.until(lambda: [t["pid"] for t in json.loads(d.get("/api/v1/targets")[2])["targets"]] == [stays.pid], "targets are left", 60)
        d.until(lambda: set(everybody()) == {stays.pid, d.process.pid, named("pw-launcher"), named("pw-readers"), workers()[stays.pid]}, "processes are left", 60)
        d.until(lambda: all(now <= before for now, before in zip(held(d)[0], fds, strict=True)), f"descriptors are left: {fds} before")
        expect(held(d)[1] < mb + 8, f"{held(d)[1]:.1f} MB of supervisor and launcher, {mb:.1f} before")
        d.until(lambda: value(d.metrics(), "parkwatch_workers") == 1, "a worker is left")


TOGETHER = {f.__name__: f for f in (the_end_in_the_middle_of_a_watch, a_watch_for_leaks_that_hangs_ends)}
ALL = {f.__name__: f for f in (a_worker_that_grows_is_replaced, programs_that_hang_keep_no_new_one_waiting,
                               targets_that_come_and_go_leave_nothing, targets_that_lie_beside_one_that_does_not)}


def cases():
    yield f"serveharm: {the_ends_in_the_middle_of_a_watch.__name__}", the_ends_in_the_middle_of_a_watch
    for name, function in ALL.items():
        yield f"serveharm: {name}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main({**ALL, **TOGETHER}, *sys.argv[1:]))
