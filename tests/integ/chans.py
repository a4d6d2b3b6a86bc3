# SPDX-License-Identifier: BSD-2-Clause
"""chans: what parkwatch chans says of channels, locks and deadlocks against what the program knows, on every Go and build mode."""
import contextlib
import json
import re
import subprocess

import build
from target import LIMIT, PARKWATCH, Failed, Target, expect

MODES = ["stripped", "pie", "cgo", "race"]


@contextlib.contextmanager
def knots(kind, minor, mode):
    """(pid, truth) of a running program."""
    with Target(kind, command=build.built(minor, mode, "knots")) as t:
        yield t.pid, json.loads(t.truth())


def parkwatch(pid, *args, at_rest=True):
    """One reading; of a program at rest the first in which nothing was unsettled: a thread of the runtime may be just at work on it."""
    for _ in range(50):
        done = subprocess.run([PARKWATCH, "chans", "-p", str(pid), *args], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
        expect(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
        if not at_rest or "; 0 unsettled;" in done.stderr:
            return done.stdout
    raise Failed(f"a program at rest that never is: {done.stderr}")


def read(pid, *args, **how):
    return json.loads(parkwatch(pid, "--format", "json", *args, **how))


def ring(goids):
    """A ring has no beginning."""
    at = goids.index(min(goids))
    return tuple(goids[at:] + goids[:at])


def goids(waiters):
    return sorted(w["goid"] for w in waiters)


def same_rings(said, truth):
    """Go round in the order of waiting; of two it does not matter."""
    said, truth = {ring(d["goroutines"]) for d in said["deadlocks"]}, {ring(d) for d in truth["deadlocks"]}
    expect(said == truth, f"deadlocks {sorted(said)}, want {sorted(truth)}")


def deadlocks(minor, mode):
    with knots("deadlocks", minor, mode) as (pid, truth):
        all_is_told(read(pid), truth)
        text = parkwatch(pid)
        expect(text.count("DEADLOCK: ") == len(truth["deadlocks"]), text)


def all_is_told(said, truth):
    locks = {l["addr"]: l for l in said["locks"]}
    for want in truth["locks"]:
        lock = locks.get(want["addr"])
        expect(lock, f"nobody waits for {want}")
        expect(lock["kind"] == want["kind"], f"{lock['kind']}, want {want}")
        expect(goids(lock["waiters"]) == sorted(want["waiters"]), f"{goids(lock['waiters'])} wait, want {want}")
        expect(goids(lock["holders"]) == sorted(want["holders"]), f"{goids(lock['holders'])} hold, want {want}")
        expect(lock["state"], f"the state of {want} is not known")
    same_rings(said, truth)
    for d in said["deadlocks"]:
        for step in d["steps"]:
            expect(step["waits_for"]["func"].startswith("main."), step)
            expect(step["hold"]["func"].startswith("main."), step)
            expect(step["hold"]["line"] > 0, step)
    expect(sum(d["behind"] for d in said["deadlocks"]) == 5, "5 wait behind a ring")


def as_told(said):
    """What chans says of a channel, as the program would."""
    return {"addr": said["addr"], "type": said["elem"]["type"], "size": said["elem"]["size"], "len": said["len"],
            "cap": said["cap"], "timer": said["timer"], "senders": goids(said["senders"]),
            "receivers": goids(said["receivers"]),
            "elements": [",".join(e) for e in said["elements"]] or None}


def channels(minor, mode):
    with knots("channels", minor, mode) as (pid, truth):
        said = read(pid, "--elements")
        ours = {c["addr"]: as_told(c) for c in said["channels"]}
        for want in truth["channels"]:
            want["senders"].sort()
            want["receivers"].sort()
            expect(ours.get(want["addr"]) == want, f"{ours.get(want['addr'])}, want {want}")
        expect(not any(c["closed"] or c["undetermined"] for c in said["channels"]), said)
        expect({k: goids(v) for k, v in said["nobody"].items()} == truth["nobody"], said["nobody"])
        expect(said["deadlocks"] == [], said)
        most = said["channels"][0]
        expect(len(most["receivers"]) == 200 or said["channels"][200]["addr"] == truth["channels"][0]["addr"],
               "what most wait for comes first")
        for w in most["receivers"]:
            expect(w["func"] == "main.receiveInt" and w["created_by"]["func"] == "main.start" and not w["select"], w)
        some = read(pid, "--func", "selectMany")
        expect(len(some["channels"]) == 3, f"{len(some['channels'])} channels of selectMany")
        text = parkwatch(pid)
        expect("200 like this: chan" in text and ": 200 waiting" in text, text)


def innocent(minor, mode):
    """Locks that go from hand to hand, read again and again: never a deadlock."""
    with knots("innocent", minor, mode) as (pid, _):
        waiters = 0
        for _ in range(25):
            said = read(pid, at_rest=False)
            expect(said["deadlocks"] == [], said["deadlocks"])
            waiters += sum(len(l["waiters"]) for l in said["locks"])
        expect(waiters > 100, f"only {waiters} waiters were seen at all")


def alike(minor, mode):
    """Each kind once for a person, each object for a program."""
    with knots("alike", minor, mode) as (pid, truth):
        said = read(pid)
        locks = {l["addr"]: l for l in said["locks"]}
        for want in truth["locks"]:
            lock = locks.get(want["addr"], {"waiters": [], "holders": []})
            expect(goids(lock["waiters"]) == sorted(want["waiters"]), f"{lock}, want {want}")
            expect(goids(lock["holders"]) == sorted(want["holders"]), f"{lock}, want {want}")
        same_rings(said, truth)
        kinds_are_told_once(parkwatch(pid))


def kinds_are_told_once(text):
    expect(re.search(r"^40 like this: mutex, locked(, starving)?: 2 to 3 waiting at each\n  addresses( 0x[0-9a-f]+){8} \.\.\.\n"
                     r"  each held by 1 goroutine, which would unlock it at main\.holdAndReceive[^;]*; it is at main\.holdAndReceive .*\n"
                     r"      goroutines( \d+){8} \.\.\.\n  2 to 3 wait at main\.inner ", text, re.M), text)
    expect(len(re.findall(r"^mutex 0x[0-9a-f]+, locked(?:, starving)?: 60 waiting\n  held by goroutine \d+, ", text, re.M)) == 1, text)
    expect(len(re.findall(r"^40 like this: mutex, locked(?:, starving)?: 1 waiting at each$", text, re.M)) == 1, text)
    expect(re.search(r"; 23 deadlocks\n\nDEADLOCK: 2 goroutines wait for each other; 20 like this, one of them:\n", text), text)
    expect("DEADLOCK: a goroutine waits for itself; 3 like this, one of them:\n" in text and text.count("DEADLOCK: ") == 2, text)
    expect(re.search(r"  the others, by one goroutine of each:( \d+){8} \.\.\.\n", text), text)
    expect(re.search(r"  held by 30 goroutines as readers, which would unlock it at main\.readAndReceive", text), text)
    expect(len(text.splitlines()) < 70, f"{len(text.splitlines())} lines: {text}")


ALL = [(minor, "static") for minor in sorted(set(build.TOOLCHAINS) - {14})]
BUILDS = [(minor, mode) for minor in (16, 21, build.MODES_MINOR) for mode in MODES]
CASES = [(deadlocks, ALL + BUILDS), (channels, ALL + BUILDS), (innocent, ALL), (alike, [(m, "static") for m in (16, 21, build.MODES_MINOR, 27)])]


def cases():
    for function, matrix in CASES:
        for minor, mode in matrix:
            where = " ".join(filter(None, [f"go1.{minor}", mode if mode != "static" else ""]))
            yield f"chans: {function.__name__} [{where}]", lambda f=function, a=(minor, mode): f(*a)
