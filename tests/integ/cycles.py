# SPDX-License-Identifier: BSD-2-Clause
"""cycles: goroutines that wait for each other at locks and at channels, Conds or WaitGroups: a deadlock in chans and in leaks; with somebody else who can end it none."""
import json
import re
import subprocess

import build
from leaks import leaks, start_of, together
from target import PARKWATCH, Target, expect

VERSIONS = [15, 17, 22, 26, 27]
LEAKS_VERSIONS = [17, 26, 27]
WATCHES = 10    # at the same time: they mostly wait

# kind: (functions in the ring, goroutines behind it, the culprit for leaks, part of its words, of its cure)
TRUTH = {
    "send": ({"send", "lockAndReceive"}, 3, "send", "sends with a lock held", "unlock before sending"),
    "global-lock": ({"send", "lockAndReceive"}, 3, "send", "sends with a lock held", "unlock before sending"),
    "full": ({"send", "lockAndReceive"}, 0, "send", "sends with a lock held", "unlock before sending"),
    "receive": ({"receive", "lockAndSend"}, 0, "receive", "receives with a lock held", "unlock before receiving"),
    "close": ({"rangeOver", "lockAndClose"}, 0, "rangeOver", "receives with a lock held", "unlock before receiving"),
    "select": ({"selects", "lockAndEnd"}, 0, "selects", "waits in a select with a lock held", "unlock before the select"),
    "context": ({"waitDone", "lockAndCancel"}, 0, "waitDone", "receives with a lock held", "unlock before receiving"),
    "writer": ({"send", "lockAndReceive"}, 0, "send", "sends with a lock held", "unlock before sending"),
    "reader": ({"send", "lockAndReceive"}, 4, "send", "sends with a lock held", "unlock before sending"),
    "cond": ({"(*queue).get", "lockAndPut"}, 0, "getLocked", "waits for a Cond with a lock held", "unlock it before Wait"),
    "three": ({"send", "receiveBoth", "lockAndSend"}, 0, "send", "sends with a lock held", "unlock before sending"),
    "three-with-all": ({"(*hub).emit", "(*hub).answer", "(*hub).reply"}, 0, "(*hub).emit", "sends with a lock held", "unlock before sending"),
    "watchers": ({"(*watchers).tell", "(*watchers).stop"}, 0, "(*watchers).tell", "sends with a lock held", "unlock before sending"),
    "two-locks": ({"send", "receiveAfter"}, 1, "sendWith", "sends with a lock held", "unlock before sending"),
    "three-locks": ({"send", "bothThenOther", "lockBetween"}, 0, "sendWith", "sends with a lock held", "unlock before sending"),
    "collect": ({"collect", "part"}, 4, "collect", "who should call Done first send to the waiter", "receive before Wait"),
    "distribute": ({"distribute", "worker"}, 4, "distribute", "who should call Done first receive from the waiter", "before Wait"),
    "hub": ({"(*hub).handle", "(*hub).emit"}, 18, "(*hub).emit", "sends with a lock held", "unlock before sending"),
    "main": ({"send", "lockAndReceive"}, 0, "main", "sends with a lock held", "unlock before sending"),
    "main-collects": ({"collect", "part"}, 2, "main", "who should call Done first send to the waiter", "receive before Wait"),
}
SAVED = ["global-channel", "in-a-table", "sleeper", "spinner", "reader-of-a-pipe", "timeout", "deadline", "known-context",
         "after-func", "finalizer", "main-has-it", "known-cond", "receiver-waits-elsewhere", "other-lock", "unlocked-elsewhere",
         "group-with-others", "pool", "busy", "busy-hub"]


def at_once(function, kinds, minor, many=3):
    together(function, [(kind, minor) for kind in kinds], many)


def running(kind, minor):
    return Target(kind, command=build.built(minor, "static", "cycles"))


def chans(pid, *args):
    done = subprocess.run([PARKWATCH, "chans", "-p", str(pid), *args], capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr)
    return done.stdout


def short(func):
    return re.sub(r"^main\.|-fm$", "", func)


def chans_tell(kind, minor):
    ring, behind, *_ = TRUTH[kind]
    with running(kind, minor) as t:
        t.truth()
        said, text = json.loads(chans(t.pid, "--format", "json")), chans(t.pid)
    expect(len(said["deadlocks"]) == 1, f"{kind}: {said['deadlocks']}")
    one = said["deadlocks"][0]
    expect({short(s["waits_for"]["func"]) for s in one["steps"]} == ring, f"{kind}: {one}")
    expect(one["behind"] == behind, f"{kind}: {one['behind']} behind it")
    expect([s["held_by"] for s in one["steps"]] == one["goroutines"][1:] + one["goroutines"][:1], f"{kind}: {one}")
    kinds = {s["hold"]["kind"] for s in one["steps"]}
    expect("only-reference" in kinds and len(kinds) > 1, f"{kind}: {one}")
    for want in ["; 1 deadlock\n", f"DEADLOCK: {len(ring)} goroutines wait for each other\n", " could ", "nobody else has it; it is at main."]:
        expect(want in text, f"{kind}: no {want!r} in {text}")


def chans_tell_nothing(kind, minor):
    with running(kind, minor) as t:
        t.truth()
        for _ in range(5 if kind.startswith("busy") else 1):
            text = chans(t.pid)
            expect("; no deadlock found\n" in text and "there may be deadlocks" not in text, f"{kind}: {text}")


def leaks_tell(kind, minor):
    _, _, culprit, words, cure = TRUTH[kind]
    with running(kind, minor) as t:
        t.truth()
        status, out, said = leaks(t.pid, "--format", "json")
    expect(status == 3, f"{kind}: exit {status}: {said}")
    groups = [g for g in json.loads(out)["groups"] if g["leak"]]
    told = [(start_of(g), g["verdict"], g["pattern"], g["root"], g["behind"]) for g in groups]
    first = groups[0]
    expect(short(start_of(first)) in (culprit, "runtime.main"), f"{kind}: {told}")
    expect("deadlock: " in first["pattern"] and words in first["pattern"] and cure in first["cure"], f"{kind}: {told} {first['cure']}")
    expect(first["verdict"] in ("deadlock", "leaked") and first["root"] is True and first["behind"]["ring"] is True, f"{kind}: {told}")
    for g in groups:
        expect(g["incident"] == first["incident"] and g["pattern"] == first["pattern"], f"{kind}: {told}")


def leaks_tell_nothing(kind, minor):
    with running(kind, minor) as t:
        t.truth()
        _, out, _ = leaks(t.pid, "--format", "json", "--all")
    for g in json.loads(out)["groups"]:
        expect(g["verdict"] != "deadlock" and "deadlock" not in (g["pattern"] or ""), f"{kind}: {g['verdict']} {g['pattern']}")
        expect(not (g["behind"] and g["behind"]["ring"]), f"{kind}: {g['behind']}")


def cases():
    for minor in VERSIONS:
        yield f"cycles: chans_tell [go1.{minor}]", lambda m=minor: at_once(chans_tell, TRUTH, m)
        yield f"cycles: chans_tell_nothing [go1.{minor}]", lambda m=minor: at_once(chans_tell_nothing, SAVED, m)
    for minor in LEAKS_VERSIONS:
        yield f"cycles: leaks_tell [go1.{minor}]", lambda m=minor: at_once(leaks_tell, TRUTH, m, WATCHES)
        yield f"cycles: leaks_tell_nothing [go1.{minor}]", lambda m=minor: at_once(leaks_tell_nothing, SAVED, m, WATCHES)
