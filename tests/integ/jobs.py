#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""jobs: a watch for leaks and a recording of births run on one process in one loop, and both reports hold.

    jobs.py BUILD/tests/pwjobs [NAME...]

What both count is compared: births at the same place. Needs root, and Go.
"""
import contextlib
import json
import os
import re
import subprocess
import sys

import build
import script
from leaks import leaking
from target import LIMIT, alive, expect, folded

MINORS = [15, 17, 22, 27]
KINDS = "one-of-ten,early-return"
SECONDS = 8
# One job starts after the other, and probes take a moment: what is born meanwhile only one of them counts. A second, on a busy machine.
APART = 1 / SECONDS


@contextlib.contextmanager
def running(pwjobs, minor, seconds):
    """(process of pwjobs, pid of its target): both jobs go on."""
    with leaking(KINDS, minor) as (pid, _):
        p = subprocess.Popen([pwjobs, str(pid), str(seconds)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        try:
            said = ""
            while "both go on" not in said:
                line = p.stderr.readline()
                expect(line, f"pwjobs ended: {said}")
                said += line
            expect("share the limit" in said, f"the two do not know of each other: {said}")
            yield p, pid
        finally:
            p.kill()
            p.communicate()


def reports(process):
    """The watch's groups by the function they began with, the numbers of both, and births as recorded, by the same."""
    out, said = process.communicate(timeout=LIMIT)
    expect(process.returncode == 0, f"exit {process.returncode}: {said}")
    leaks, numbers, births = out.split("---\n")
    started = {}
    for frames, nr in folded(births):
        func = re.match(r"\[go (.*)\]", frames[-1])[1]
        started[func] = started.get(func, 0) + nr
    groups = {g["start"]["func"]: g for g in json.loads(leaks)["groups"]}
    return json.loads(leaks), groups, dict(line.partition(" ")[::2] for line in numbers.splitlines()), started


def both_reports_hold(pwjobs, minor):
    with running(pwjobs, minor, SECONDS) as (p, _):
        leaks, groups, numbers, started = reports(p)
    expect(leaks["looks"] >= 10 and leaks["window_s"] >= SECONDS, f"{leaks['looks']} looks in {leaks['window_s']} s")
    expect(numbers["lost"] == numbers["watch_lost"] == "0" and not numbers["code_left"], str(numbers))
    expect(numbers["recorded_ns"] == numbers["exact_ns"] and int(numbers["exact_ns"]) >= SECONDS * 10**9, str(numbers))
    # The watch does nearly all of the work: 13 looks, and searches of the heap. It is no cost of the recording.
    expect(0 < int(numbers["own_ns"]) < int(numbers["cpu_ns"]) / 2, f"the recording pays for the watch: {numbers}")
    for func in ("main.ending", "main.answer"):
        g = groups[func]
        expect(g["leak"] and g["verdict"] == "growing", f"{func}: {g['verdict']}")
        expect(not g["births_estimated"], f"{func}: births are guessed: {numbers['no_lives']}")
        expect(abs(g["births"] - started[func]) <= APART * max(g["births"], started[func]),
               f"{func}: the watch saw {g['births']} births, the recording {started[func]}")


def a_signal_ends_both(pwjobs):
    with running(pwjobs, build.MODES_MINOR, 600) as (p, pid):
        p.send_signal(2)
        leaks, _, numbers, _ = reports(p)
        expect(alive(pid), "the target died")
    expect(leaks["looks"] == 2, f"{leaks['looks']} looks")
    expect(int(numbers["recorded_ns"]) < 60 * 10**9 and not numbers["code_left"], str(numbers))


def the_end_of_the_target_ends_both(pwjobs):
    with running(pwjobs, build.MODES_MINOR, 600) as (p, pid):
        os.kill(pid, 9)
        _, _, numbers, _ = reports(p)
    expect(int(numbers["recorded_ns"]) < 60 * 10**9, str(numbers))


def cases():
    for minor in MINORS:
        yield f"jobs: both_reports_hold [go1.{minor}]", both_reports_hold, (minor,)
    yield "jobs: a_signal_ends_both", a_signal_ends_both, ()
    yield "jobs: the_end_of_the_target_ends_both", the_end_of_the_target_ends_both, ()


if __name__ == "__main__":
    sys.exit(script.main(cases()))
