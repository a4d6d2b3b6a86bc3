#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""chans: what parkwatch chans says of channels, locks and deadlocks against what the program knows, on every Go and build mode.

    chans.py [NAME...]

One line a case: ok NAME, FAIL NAME: why, skip NAME: what is missing. Needs the right to read other processes.
"""
import contextlib
import json
import os
import subprocess
import sys

import build
from build import Missing

DIRECTORY = build.HERE / "progs/knots"
PARKWATCH = os.environ.get("PARKWATCH", str(build.HERE.parent.parent / "build/parkwatch"))
MODES = ["stripped", "pie", "race", "external-pie-stripped"]
LIMIT = 60    # seconds that anything here may take


def built(minor, mode="static"):
    """The program knots, built with Go 1.minor in this mode."""
    flags, extra, cgo, suffix = build.MODES[mode]
    files = [*sorted(DIRECTORY.glob("*.go"))]
    toolchain = build.TOOLCHAINS[minor]
    return build.build_once(f"knots-{mode}-{toolchain}", suffix, files, lambda path: build.run_go(
        ["build", *flags, "-o", str(path), *(f.name for f in files)], toolchain, DIRECTORY, CGO_ENABLED=cgo))


@contextlib.contextmanager
def target(minor, kind, mode="static"):
    """(pid, truth) of a running program."""
    process = subprocess.Popen([str(built(minor, mode)), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n", "the program did not start"
        yield process.pid, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def parkwatch(pid, *args):
    done = subprocess.run([PARKWATCH, "chans", "-p", str(pid), *args], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
    return done.stdout


def chans(pid, *args):
    return json.loads(parkwatch(pid, "--format", "json", *args))


def ring(goids):
    """A ring has no beginning."""
    at = goids.index(min(goids))
    return tuple(goids[at:] + goids[:at])


def goids(waiters):
    return sorted(w["goid"] for w in waiters)


def same_rings(said, truth):
    """Go round in the order of waiting; of two it does not matter."""
    said, truth = {ring(d["goroutines"]) for d in said["deadlocks"]}, {ring(d) for d in truth["deadlocks"]}
    assert said == truth, f"deadlocks {sorted(said)}, want {sorted(truth)}"


def check_deadlocks(minor, mode="static"):
    with target(minor, "deadlocks", mode) as (pid, truth):
        said = chans(pid)
        locks = {l["addr"]: l for l in said["locks"]}
        for want in truth["locks"]:
            lock = locks.get(want["addr"])
            assert lock, f"nobody waits for {want}"
            assert lock["kind"] == want["kind"], f"{lock['kind']}, want {want}"
            assert goids(lock["waiters"]) == sorted(want["waiters"]), f"{goids(lock['waiters'])} wait, want {want}"
            assert goids(lock["holders"]) == sorted(want["holders"]), f"{goids(lock['holders'])} hold, want {want}"
            assert lock["state"], f"the state of {want} is not known"
        same_rings(said, truth)
        for d in said["deadlocks"]:
            for step in d["steps"]:
                assert step["waits_for"]["func"].startswith("main."), step
                assert step["hold"]["func"].startswith("main."), step
                assert step["hold"]["line"] > 0, step
        assert sum(d["behind"] for d in said["deadlocks"]) == 5, "5 wait behind a ring"
        text = parkwatch(pid)
        assert text.count("DEADLOCK: ") == len(truth["deadlocks"]), text


def channel(said):
    """What chans says of a channel, as the program would."""
    return {"addr": said["addr"], "type": said["elem"]["type"], "size": said["elem"]["size"], "len": said["len"],
            "cap": said["cap"], "timer": said["timer"], "senders": goids(said["senders"]),
            "receivers": goids(said["receivers"]),
            "elements": [",".join(e) for e in said["elements"]] or None}


def check_channels(minor, mode="static"):
    with target(minor, "channels", mode) as (pid, truth):
        said = chans(pid, "--elements")
        assert said["unsettled"] == 0, f"{said['unsettled']} unsettled"
        ours = {c["addr"]: channel(c) for c in said["channels"]}
        for want in truth["channels"]:
            want["senders"].sort()
            want["receivers"].sort()
            assert ours.get(want["addr"]) == want, f"{ours.get(want['addr'])}, want {want}"
        assert not any(c["closed"] or c["undetermined"] for c in said["channels"])
        assert {k: goids(v) for k, v in said["nobody"].items()} == truth["nobody"], said["nobody"]
        assert said["deadlocks"] == []
        most = said["channels"][0]
        assert len(most["receivers"]) == 200 or said["channels"][200]["addr"] == truth["channels"][0]["addr"], \
            "what most wait for comes first"
        for w in most["receivers"]:
            assert w["func"] == "main.receiveInt" and w["created_by"]["func"] == "main.start" and not w["select"], w
        some = chans(pid, "--func", "selectMany")
        assert len(some["channels"]) == 3, f"{len(some['channels'])} channels of selectMany"
        text = parkwatch(pid)
        assert "200 like this: chan" in text and ": 200 waiting" in text, text


def check_innocent(minor, mode="static"):
    """Locks that go from hand to hand, read again and again: never a deadlock."""
    with target(minor, "innocent", mode) as (pid, _):
        waiters = 0
        for _ in range(25):
            said = chans(pid)
            assert said["deadlocks"] == [], said["deadlocks"]
            waiters += sum(len(l["waiters"]) for l in said["locks"])
        assert waiters > 100, f"only {waiters} waiters were seen at all"


def cases():
    for minor in sorted(set(build.TOOLCHAINS) - {14}):
        yield f"deadlocks-1.{minor}", check_deadlocks, (minor,)
        yield f"channels-1.{minor}", check_channels, (minor,)
        yield f"innocent-1.{minor}", check_innocent, (minor,)
    for minor in (16, 21, build.MODES_MINOR):
        for mode in MODES:
            yield f"deadlocks-1.{minor}-{mode}", check_deadlocks, (minor, mode)
            yield f"channels-1.{minor}-{mode}", check_channels, (minor, mode)


def main():
    failed = 0
    for name, check, args in cases():
        if sys.argv[1:] and not any(name.startswith(w) for w in sys.argv[1:]):
            continue
        try:
            check(*args)
            print(f"ok {name}", flush=True)
        except Missing as missing:
            print(f"skip {name}: {missing}", flush=True)
        except Exception as e:  # a case must not keep the others from running
            failed += 1
            print(f"FAIL {name}: {type(e).__name__ if not str(e) else e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
