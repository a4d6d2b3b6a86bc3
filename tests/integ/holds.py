#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""holds: which locks goroutines hold, and which WaitGroups they owe a Done, as we see it, against what Go programs say of themselves, on every Go and build mode.

    holds.py PWHOLDS [NAME...]

PWHOLDS is the program made of pwholds.c. One line a case: ok NAME, FAIL NAME: why, skip NAME: what is missing. A wrong holder is a
failure, and so is a holder that is not found, but for the shapes in OUT_OF_REACH.
"""
import collections
import contextlib
import json
import subprocess
import sys

import build
import script

OUT_OF_REACH = ()   # shapes whose locks we cannot tell
MODES = ("stripped", "pie", "cgo", "race")
MODES_MINORS = (15, 17, 21, build.MODES_MINOR)
LIBRARY_MINORS = (15, 16, 18, 20, 22, 24, 26, 27)


def sources(program, minor):
    if program == "locks":
        names = ["main.go", "held.go", "free.go", "more.go", "owed.go", "newer.go" if minor >= 18 else "older.go"]
        names += ["gogroup.go"] if minor >= 25 else []
    else:
        names = ["main.go", "rest.go"]
    return [build.HERE / "progs" / program / name for name in names]


def built(program, minor, mode="static", flags=()):
    mode_flags, _, cgo, suffix = build.MODES[mode]
    files, toolchain = sources(program, minor), build.TOOLCHAINS[minor]
    stem = f"{program}-{mode}{''.join(flags)}-{toolchain}".replace(" ", "")
    return build.build_once(stem, suffix, files, lambda path: build.run_go(
        ["build", *mode_flags, *flags, "-o", str(path), *(f.name for f in files)], toolchain, files[0].parent,
        CGO_ENABLED=cgo))


@contextlib.contextmanager
def running(path, *args):
    """The program's PID, and what it printed when all of it stood still."""
    target = subprocess.Popen([path, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield target.pid, json.loads(target.stdout.readline())
    finally:
        target.kill()
        target.wait()


def holds(pwholds, pid):
    """goid -> its entry of pwholds."""
    done = subprocess.run([pwholds, str(pid)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise AssertionError(f"pwholds: {done.stderr.strip() or done.returncode}")
    return {g["goid"]: g for g in json.loads(done.stdout)}


def locks_of(g):
    return collections.Counter((h["kind"], h["lock"]) for h in g["holds"])


def compare(truth, ours):
    """What the two disagree about, in words."""
    for g in truth:
        if g["goid"] not in ours:
            yield f"{g['shape']}: no such goroutine"
            continue
        want, have = locks_of(g), locks_of(ours[g["goid"]])
        for lock in have - want:
            yield f"{g['shape']}: wrong: {lock}"
        for lock in want - have:
            if g["shape"] not in OUT_OF_REACH:
                yield f"{g['shape']}: not found: {lock}"
    told = {g["goid"] for g in truth}
    for goid, g in ours.items():
        if goid not in told and g["holds"]:
            yield f"goroutine {goid}: wrong: {g['holds']}"


def agreed(wrong):
    wrong = list(wrong)
    assert not wrong, "; ".join(wrong[:4]) + f" ({len(wrong)} in all)"


def check_shapes(pwholds, minor, mode="static", flags=()):
    with running(built("locks", minor, mode, flags)) as (pid, truth):
        ours = holds(pwholds, pid)
        agreed(compare(truth, ours))
    total = sum(len(g["holds"]) for g in truth)
    assert total > 80 and sum(not g["holds"] for g in truth) > 25, f"the target has {total} locks only"
    return f"{total} locks of {len(truth)} goroutines"


def check_library(pwholds, minor):
    with running(built("library", minor)) as (pid, truth):
        ours = holds(pwholds, pid)
    assert len(truth["main"]) > 50, truth
    holders = collections.Counter(h["lock"] for g in ours.values() for h in g["holds"] if h["kind"] in ("mutex", "write"))
    agreed([f"wrong: {lock} is main's" for lock in holders if lock in truth["main"]] +
           [f"wrong: {lock} has {n} holders" for lock, n in holders.items() if n > 1] +
           [f"not found: {lock}" for lock in truth["others"] if lock not in holders])
    return f"{len(truth['others'])} locks, {len(truth['main'])} of main"


def check_many(pwholds, minor, n):
    with running(built("locks", minor), f"many:{n}") as (pid, _):
        done = subprocess.run([pwholds, "--time", str(pid), "3"], text=True, stdout=subprocess.PIPE, check=True)
    rows = [[int(x) for x in line.split()] for line in done.stdout.splitlines()]
    assert all(row[0] >= 2 * n and row[1] == n for row in rows), rows
    return f"{rows[0][2] / 1e6:.1f} MB"


def cases():
    for minor in sorted(set(build.TOOLCHAINS) - {14}):
        yield f"shapes-1.{minor}", check_shapes, (minor,)
        for mode in MODES:
            if minor in MODES_MINORS:
                yield f"shapes-1.{minor}-{mode}", check_shapes, (minor, mode)
    for minor in MODES_MINORS:
        yield f"shapes-1.{minor}-unoptimised", check_shapes, (minor, "static", ("-gcflags=all=-N -l",))
    for minor in LIBRARY_MINORS:
        yield f"library-1.{minor}", check_library, (minor,)
    yield "many-100000", check_many, (build.MODES_MINOR, 50000)


if __name__ == "__main__":
    sys.exit(script.main(cases()))
