#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""reach: what the search for the reachable says of goroutines that leak, and of those that only look so, on every Go and build mode.

    reach.py [NAME...]

The program says which of its goroutines are which. None that is held may ever be called leaked; of the leaked all but a few of a
thousand must be found. Where Go has a proof of its own, what it proves we prove (but for weak pointers, which we count). One line a
case: ok NAME, FAIL NAME: why, skip NAME: what is missing. Needs the right to read other processes.
"""
import contextlib
import json
import os
import subprocess
import sys

import build
from build import Missing

DIRECTORY = build.HERE / "progs/reached"
BUILD = os.environ.get("BUILD", str(build.HERE.parent.parent / "build"))
MINORS = [15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]
MODES = {"stripped": [15, 22, 27], "pie": [18, 24, 27], "race": [15, 21, 27], "cgo": [15, 18, 22, 26, 27],
         "external-pie-stripped": [21, 26]}
LIMIT = 60    # seconds that anything here may take
RECALL = 0.995


def built(minor, mode="static"):
    """The program reached, built with Go 1.minor in this mode; with C where the mode has it."""
    flags, _, cgo, suffix = build.MODES[mode]
    names = ["main.go", "proof.go"] + (["more.go"] if minor >= 24 else [])
    if mode in ("cgo", "external-pie-stripped"):
        names.append("withc.go")
    toolchain = build.TOOLCHAINS[minor]
    return build.build_once(f"reached-{mode}-{toolchain}", suffix, [DIRECTORY / n for n in names], lambda path: build.run_go(
        ["build", *flags, "-o", str(path), *names], toolchain, DIRECTORY, CGO_ENABLED=cgo))


@contextlib.contextmanager
def target(minor, mode, *args):
    """(process, truth) of a running program."""
    process = subprocess.Popen([str(built(minor, mode)), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n", "the program did not start"
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def reach(pid, looks, ms=100):
    done = subprocess.run([BUILD + "/tests/pwreach", str(pid), str(looks), str(ms)], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def verdicts(said, truth, held_too=True, recall=RECALL):
    """What is said of those that the program knows; returns the goids that are called leaked."""
    of = {g["goid"]: g for g in said["goroutines"]}
    assert said["doubt"] == "", said["doubt"]
    for kind, ids in truth["held"].items():
        for i in ids:
            want = ("held",) if held_too else ("held", "runs", "unknown")
            assert of[i]["verdict"] in want, f"{kind} is held, and said: {of[i]}"
    wanted = [(kind, i) for kind, ids in truth["leaked"].items() for i in ids]
    missed = [(kind, of[i]) for kind, i in wanted if of[i]["verdict"] != "leaked"]
    assert len(missed) <= (1 - recall) * len(wanted) + 1, f"{len(missed)} of {len(wanted)} leaks are missed: {missed[:3]}"
    leaked = {g["goid"] for g in said["goroutines"] if g["verdict"] == "leaked"}
    strange = [of[i] for i in leaked - {i for _, i in wanted}]
    assert all(g["start"].startswith("main.") is False for g in strange) or not strange, f"leaked, and nobody's: {strange[:3]}"
    return leaked


def paths(said, truth):
    """The way that is told ends where it must begin for these kinds."""
    of = {g["goid"]: g for g in said["goroutines"]}
    roots = {"global": ("global",), "sleeper": ("stack",), "chained": ("stack",), "array": ("stack",)}
    for kind, ids in truth["held"].items():
        for i in ids:
            way = of[i]["path"]
            assert way, f"{kind}: no way is told"
            if kind in roots:
                assert way[0].split()[0] in roots[kind], f"{kind}: {way}"
    for i in truth["held"]["sleeper"]:
        assert "main.heldSleeper.func" in of[i]["path"][0], of[i]["path"]


def check_kinds(minor, mode="static"):
    # With cgo all memory without a name may be C's, and the runtime's own has old addresses in it.
    recall = 0.95 if mode in ("cgo", "external-pie-stripped") else RECALL
    with target(minor, mode, "3") as (process, truth):
        said = reach(process.pid, 1)
        verdicts(said, truth, recall=recall)
        paths(said, truth)
        for _ in range(3):
            verdicts(reach(process.pid, 1), truth, recall=recall)


def check_many(minor, mode="static"):
    with target(minor, mode, "100") as (process, truth):
        verdicts(reach(process.pid, 2), truth)


def check_restless(minor, mode="static"):
    """References in registers and on their way: one look may not find them, so what counts is two."""
    with target(minor, mode, "2", "restless") as (process, truth):
        for _ in range(10):
            verdicts(reach(process.pid, 2, 50), truth, held_too=False, recall=0.95)


def check_proof(minor):
    """Go's own proof is the second oracle."""
    with target(minor, "static", "20") as (process, truth):
        ours = verdicts(reach(process.pid, 2), truth)
        process.stdin.write("proof\n")
        process.stdin.flush()
        theirs = json.loads(process.stdout.readline())
        if theirs is None:
            raise Missing(f"Go 1.{minor} has no proof of its own")
        theirs = set(theirs) - set(truth["held"]["weak"])
        known = {i for ids in truth["leaked"].values() for i in ids}
        assert theirs <= known | ours, f"Go says leaked, the program does not: {sorted(theirs - known - ours)}"
        missed = theirs - ours
        assert len(missed) <= (1 - RECALL) * len(theirs) + 1, f"{len(missed)} that Go proves are missed"
        # With the runtime's own verdict in their status it is the same.
        assert len(verdicts(reach(process.pid, 1), truth)) >= len(theirs) - 2


def cases():
    for minor in MINORS:
        yield f"kinds-{minor}", lambda m=minor: check_kinds(m)
    for mode, minors in MODES.items():
        for minor in minors:
            yield f"kinds-{mode}-{minor}", lambda m=minor, k=mode: check_kinds(m, k)
    for minor in (15, 18, 22, 27):
        yield f"many-{minor}", lambda m=minor: check_many(m)
        yield f"restless-{minor}", lambda m=minor: check_restless(m)
    yield "proof-27", lambda: check_proof(27)


def main():
    failed = False
    for name, case in cases():
        if sys.argv[1:] and not any(want in name for want in sys.argv[1:]):
            continue
        try:
            case()
            print("ok reach", name, flush=True)
        except Missing as e:
            print(f"skip reach {name}: {e}", flush=True)
        except Exception as e:    # of whatever kind: the other cases are run all the same
            failed = True
            print(f"FAIL reach {name}: {e or type(e).__name__}"[:1500], flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
