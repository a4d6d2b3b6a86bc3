#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""reach: what the search for the reachable says of goroutines that leak, and of those that only look so, on every Go and build mode.

    reach.py BUILD/tests/pwreach [NAME...]

The program says which of its goroutines are which. None that is held may ever be called leaked; of the leaked all but a few of a
thousand must be found. Where Go has a proof of its own, what it proves we prove (but for weak pointers, which we count). One line a
case: ok NAME, FAIL NAME: why, skip NAME: what is missing. Needs the right to read other processes.
"""
import contextlib
import json
import subprocess
import sys

import build
import script

DIRECTORY = build.HERE / "progs/reached"
MINORS = [15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]
MODES = {"stripped": [15, 22, 27], "pie": [18, 24, 27], "race": [15, 21, 27], "cgo": [15, 18, 22, 26, 27],
         "external-pie-stripped": [21, 26]}
COLLECTED = {"cgo": [15, 19, 22, 24, 26, 27], "external-pie-stripped": [17, 22, 26, 27]}    # programs with C in them
NAMES = ["main.go", "rest.go"]    # of programs that have no other files
LIMIT = 180    # as in target
RECALL = 0.97    # two locks of 8 bytes share a block with the rest of what is that small: what holds one holds both, as for Go's collector


def built(minor, mode="static"):
    """The program reached, built with Go 1.minor in this mode; with C where the mode has it."""
    flags, _, cgo, suffix = build.MODES[mode]
    names = ["main.go", "proof.go", "rest.go"] + (["more.go"] if minor >= 24 else [])
    if mode in ("cgo", "external-pie-stripped"):
        names.append("withc.go")
    toolchain = build.TOOLCHAINS[minor]
    return build.build_once(f"reached-{mode}-{toolchain}", suffix, [DIRECTORY / n for n in names], lambda path: build.run_go(
        ["build", *flags, "-o", str(path), *names], toolchain, DIRECTORY, CGO_ENABLED=cgo))


def built_collected(minor, mode):
    flags, _, cgo, _ = build.MODES[mode]
    directory, toolchain = build.HERE / "progs/collected", build.TOOLCHAINS[minor]
    return build.build_once(f"collected-{mode}-{toolchain}", "", [directory / n for n in NAMES], lambda path: build.run_go(
        ["build", *flags, "-o", str(path), *NAMES], toolchain, directory, CGO_ENABLED=cgo))


def built_called(minor):
    """The program of C, and its library, built with Go 1.minor."""
    directory, toolchain = build.HERE / "progs/called", build.TOOLCHAINS[minor]
    program = build.build_once("called-c", "", [directory / "called.c"], lambda path: subprocess.run(
        ["cc", "-O1", "-o", path, directory / "called.c", "-ldl", "-lpthread"], check=True))
    return str(program), str(build.build_once(f"called-{toolchain}", ".so", [directory / n for n in NAMES], lambda path: build.run_go(
        ["build", "-buildmode=c-shared", "-o", str(path), *NAMES], toolchain, directory, CGO_ENABLED="1")))


def target(minor, mode, *args, program=built):
    """(process, truth) of a running program."""
    return started(str(program(minor, mode)), *args)


@contextlib.contextmanager
def started(*command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n", "the program did not start"
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def reach(pwreach, pid, looks, ms=100):
    done = subprocess.run([pwreach, str(pid), str(looks), str(ms)], stdin=subprocess.DEVNULL, text=True,
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


def all_found(truth, found, recall):
    wanted = [(kind, i) for kind, ids in truth["leaked"].items() for i in ids]
    missed = [(kind, i) for kind, i in wanted if i not in found]
    assert len(missed) <= (1 - recall) * len(wanted) + 1, f"{len(missed)} of {len(wanted)} leaks are never found: {missed[:3]}"


def check_kinds(pwreach, minor, mode="static"):
    with target(minor, mode, "3") as (process, truth):
        said = reach(pwreach, process.pid, 1)
        found = verdicts(said, truth, recall=0)
        paths(said, truth)
        for _ in range(3):
            found |= verdicts(reach(pwreach, process.pid, 1), truth, recall=0)
    all_found(truth, found, RECALL)


def check_many(pwreach, minor, mode="static"):
    with target(minor, mode, "100") as (process, truth):
        verdicts(reach(pwreach, process.pid, 2), truth)


def check_collected(pwreach, minor, mode):
    """What the runtime keeps outside its heap holds nothing; what C keeps there holds. Not one in a hundred may be lost."""
    with target(minor, mode, "2000", program=built_collected) as (process, truth):
        verdicts(reach(pwreach, process.pid, 2), truth, recall=0.99)


def check_called(pwreach, minor, thread):
    """What a thread of C that called Go has on its stack holds, and what Go left below it does not."""
    with started(*built_called(minor), "2000", thread) as (process, truth):
        verdicts(reach(pwreach, process.pid, 2), truth, recall=0.99)


def check_restless(pwreach, minor, mode="static"):
    """References in registers and on their way: one look may not find them, so what counts is two.

    And a look may find old ones: so a leak must be found in one of ten.
    """
    with target(minor, mode, "2", "restless") as (process, truth):
        found = set()
        for _ in range(10):
            found |= verdicts(reach(pwreach, process.pid, 2, 50), truth, held_too=False, recall=0)
    all_found(truth, found, 0.95)


def check_proof(pwreach, minor):
    """Go's own proof is the second oracle."""
    with target(minor, "static", "20") as (process, truth):
        ours = verdicts(reach(pwreach, process.pid, 2), truth)
        process.stdin.write("proof\n")
        process.stdin.flush()
        theirs = json.loads(process.stdout.readline())
        if theirs is None:
            raise build.Missing(f"Go 1.{minor} has no proof of its own")
        theirs = set(theirs) - set(truth["held"]["weak"])
        known = {i for ids in truth["leaked"].values() for i in ids}
        assert theirs <= known | ours, f"Go says leaked, the program does not: {sorted(theirs - known - ours)}"
        missed = theirs - ours
        assert len(missed) <= (1 - RECALL) * len(theirs) + 1, f"{len(missed)} that Go proves are missed"
        # With the runtime's own verdict in their status it is the same.
        assert len(verdicts(reach(pwreach, process.pid, 1), truth)) >= len(theirs) - 2


def cases():
    for minor in MINORS:
        yield f"kinds-1.{minor}", check_kinds, (minor,)
    for mode, minors in MODES.items():
        for minor in minors:
            yield f"kinds-1.{minor}-{mode}", check_kinds, (minor, mode)
    for minor in (15, 18, 22, 27):
        yield f"many-1.{minor}", check_many, (minor,)
        yield f"restless-1.{minor}", check_restless, (minor,)
    for mode, minors in COLLECTED.items():
        for minor in minors:
            yield f"collected-1.{minor}-{mode}", check_collected, (minor, mode)
    for minor in (15, 17, 19, 22, 26, 27):
        for thread in ("first", "thread"):
            yield f"called-1.{minor}-{thread}", check_called, (minor, thread)
    yield "proof-1.27", check_proof, (27,)


if __name__ == "__main__":
    sys.exit(script.main(cases()))
