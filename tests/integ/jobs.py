#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""jobs: a watch for leaks and a recording run on one process in one loop, share their probes, and both reports hold.

    jobs.py BUILD/tests/pwjobs [NAME...]

What both count is compared with each other and with the goroutines that are there. Needs root, and Go.
"""
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import build
import script
from leaks import leaking
from target import LIMIT, Target, alive, expect, folded

MINORS = [15, 17, 22, 27]
KINDS = "one-of-ten,early-return"
PAUSE = 0.15    # seconds, from one request of a kind to the next
SECONDS = 8
# One job starts after the other, and probes take a moment: what is born meanwhile only one of them counts. A second, on a busy machine.
APART = 1 / SECONDS
WOKEN = 40     # goroutines
SOON = 0.25    # seconds: after a goroutine has said that it is there it parks; a report rounds


def wait_until(process, says):
    """What it said until then."""
    said = ""
    while says not in said:
        line = process.stderr.readline()
        expect(line, f"pwjobs ended: {said}")
        said += line
    return said


@contextlib.contextmanager
def both(pwjobs, pid, seconds, event, first, record, *more):
    """The process of pwjobs: both jobs go on."""
    p = subprocess.Popen([pwjobs, str(pid), str(seconds), event, first, str(record), *more], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        expect("share the limit" in wait_until(p, "both go on"), "the two do not know of each other")
        yield p
    finally:
        p.kill()
        p.communicate()


@contextlib.contextmanager
def running(pwjobs, minor, seconds, event="births", first="watch", record=None):
    """(process of pwjobs, pid of its target): both jobs go on."""
    with leaking(KINDS, minor) as (pid, _), both(pwjobs, pid, seconds, event, first, record or seconds) as p:
        yield p, pid


def reports(process, outermost=True, losses=""):
    """The watch's groups by the function they began with, the numbers of both, and what was recorded, by the outermost frame or the first."""
    out, said = process.communicate(timeout=LIMIT)
    expect(process.returncode == 0, f"exit {process.returncode}: {said}")
    leaks, numbers, recorded = out.split("---\n")
    frames = collections.Counter()
    for stack, nr in folded(recorded):
        frames[stack[-1 if outermost else 0]] += nr
    groups = {g["start"]["func"]: g for g in json.loads(leaks)["groups"]}
    numbers = dict(line.partition(" ")[::2] for line in numbers.splitlines())
    expect(re.fullmatch(losses, numbers["losses"]) and numbers["watch_lost"] == "0" and not numbers["code_left"], str(numbers))
    return json.loads(leaks), groups, numbers, frames


def probed(process):
    """The places at which the probe holder has probes, as often as it has them; empty: this kernel does not tell."""
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    holders = [pid for pid in Path(children).read_text().split() if Path(f"/proc/{pid}/comm").read_text() == "pw-holder\n"]
    expect(len(holders) == 1, f"{len(holders)} probe holders")
    places = []
    for info in Path(f"/proc/{holders[0]}/fdinfo").iterdir():
        try:
            text = info.read_text()
        except FileNotFoundError:    # a window's, that was closed
            continue
        where = re.search(r"^path:\s*(.*)$", text, re.M)
        places += [(where[1], offset) for offset in re.findall(r"^\d+\s+(0x[0-9a-f]+)\s+0x0$", text, re.M)] if where else []
    return places


def expect_each_once(process):
    """Links are made one after the other, and taken down so: what is there once all are is looked at."""
    places = probed(process)
    expect(len(places) == len(set(places)), f"probed twice: {places}")


def both_reports_hold(pwjobs, minor):
    with running(pwjobs, minor, SECONDS) as (p, _):
        expect_each_once(p)
        leaks, groups, numbers, recorded = reports(p)
    expect(leaks["looks"] >= 10 and leaks["window_s"] >= SECONDS, f"{leaks['looks']} looks in {leaks['window_s']} s")
    expect(numbers["recorded_ns"] == numbers["exact_ns"] and int(numbers["exact_ns"]) >= SECONDS * 10**9, str(numbers))
    # The watch does nearly all of the work: 13 looks, and searches of the heap. It is no cost of the recording.
    expect(0 < int(numbers["own_ns"]) < int(numbers["cpu_ns"]) / 2, f"the recording pays for the watch: {numbers}")
    for func in ("main.ending", "main.answer"):
        g = groups[func]
        expect(g["leak"] and g["verdict"] == "growing", f"{func}: {g['verdict']}")
        expect_births_seen(g, numbers)
        started = recorded[f"[go {func}]"]
        expect(abs(g["births"] - started) <= APART * max(g["births"], started),
               f"{func}: the watch saw {g['births']} births, the recording {started}")
    # A hit that is of use to both is paid once: by the watch, which was first, until it ends.
    births = sum(recorded.values())
    expect(int(numbers["hits"]) < births / 2 and int(numbers["watch_hits"]) > births / 2, f"{births} births: {numbers}")


def expect_births_seen(group, numbers):
    expect(not group["births_estimated"], f"{group['start']['func']}: births are guessed: {numbers['no_lives']}")


def expect_all_leak(group, numbers):
    """None of them ends: as many were born as there are more."""
    more = group["count"] - group["count_start"]
    expect_births_seen(group, numbers)
    expect(abs(group["births"] - more) <= 1 + APART * more, f"{group['births']} births, and {more} more: {numbers}")


def exits_are_of_both(pwjobs):
    with running(pwjobs, build.MODES_MINOR, SECONDS, "exits", "record") as (p, _):
        expect_each_once(p)
        _, groups, numbers, recorded = reports(p)
    exits, ended = groups["main.ending"]["exits"], recorded["[go main.ending]"]
    expect(abs(exits - ended) <= APART * max(exits, ended), f"the watch saw {exits} exits, the recording {ended}")
    expect(recorded["[go main.answer]"] == 0, f"none of them ends: {recorded}")
    expect_all_leak(groups["main.answer"], numbers)


def parks_are_of_both(pwjobs, first):
    with running(pwjobs, build.MODES_MINOR, SECONDS, "blocked", first) as (p, _):
        expect_each_once(p)
        _, groups, numbers, recorded = reports(p)
    # one goroutine of each kind sleeps, and does next to nothing else
    slept, all_the_time = recorded["[sleep]"], 2 * int(numbers["recorded_ns"])
    expect(0.95 * all_the_time <= slept <= all_the_time, f"slept {slept} of {all_the_time} ns")
    expect_all_leak(groups["main.answer"], numbers)


def one_ends_and_the_other_goes_on(pwjobs, first, watch, record):
    with running(pwjobs, build.MODES_MINOR, watch, "births", first, record) as (p, _):
        expect_each_once(p)
        _, groups, numbers, recorded = reports(p)
    seconds = int(numbers["recorded_ns"]) / 10**9
    expect(record <= seconds < record + 1 and numbers["recorded_ns"] == numbers["exact_ns"], str(numbers))
    made = recorded["[go main.answer]"]
    expect((1 - APART) * seconds <= made * PAUSE <= seconds + PAUSE, f"{made} births in {seconds} s: {numbers}")
    expect_all_leak(groups["main.answer"], numbers)


def leak_some(target, nr, made):
    began = time.time()
    do(target, f"leak {nr}")
    made.append((began, time.time(), nr))


def who_parks_is_known_to_both(pwjobs, event, first, watch, record):
    """Goroutines that wait for good, some made while both go on and some when one does: the watch knows to the moment since when they wait,
    and the recording how long it was, whoever began or ends first. Each place in the target has one probe all the time."""
    made = []    # (before, after, how many)
    with Target("-", command=build.built(build.MODES_MINOR, "static", "crowd")) as t, both(pwjobs, t.pid, watch, event, first, record) as p:
        expect_each_once(p)
        do(t, f"more {WOKEN}")
        leak_some(t, 30, made)
        do(t, f"less {WOKEN}")
        wait_until(p, "one goes on")
        expect_each_once(p)
        leak_some(t, 20, made)
        _, groups, numbers, recorded = reports(p, outermost=False)
    known = made if watch > record else made[:1]
    lost, age = groups["main.lost"], groups["main.lost"]["age_s"]
    expect(lost["leak"] and lost["count"] == sum(nr for _, _, nr in known), f"{known}: {lost}")
    expect_all_leak(lost, numbers)
    expect(age["exact"], f"parks were missed: {lost}")
    least, most = known[-1][0] - known[0][1], known[-1][1] - known[0][0]
    expect(least - SOON <= age["max"] - age["min"] <= most + SOON, f"{least} to {most} s from the first park to the last: {age}")
    if event == "sched":
        expect(recorded["main.park"] > 0 and recorded["main.lost"] == 0, f"who was woken waits for a processor: {recorded}")
        expect(WOKEN <= int(numbers["events"]) <= WOKEN + 10, f"{WOKEN} were woken, and the main goroutine at times: {numbers}")
    else:
        expect_waited(recorded["main.lost"], made if record > watch else made[:1], numbers)


def expect_waited(ns, made, numbers):
    ended = (int(numbers["began_unix_ns"]) + int(numbers["recorded_ns"])) / 10**9
    waited, apart = sum(nr * (ended - after) for _, after, nr in made), sum(nr for _, _, nr in made) * SOON
    expect(waited - apart <= ns / 10**9 <= waited + apart, f"{ns} ns are no {waited} s: {made} {numbers}")


def a_second_recording_has_nothing_of_the_first(pwjobs):
    """Both have the watch's probes, which are there all the time."""
    with leaking(KINDS) as (pid, _), both(pwjobs, pid, SECONDS, "blocked", "watch", 3, "twice") as p:
        expect_each_once(p)
        _, groups, numbers, recorded = reports(p)
    slept, all_the_time = recorded["[sleep]"], 2 * int(numbers["recorded_ns"])
    expect(0.95 * all_the_time <= slept <= all_the_time, f"slept {slept} of {all_the_time} ns")
    expect_all_leak(groups["main.answer"], numbers)


def a_watch_goes_on_beside_a_recording_that_is_limited(pwjobs, first):
    """It costs too much, and is estimated in windows; what the watch sees, in the same probes, is exact."""
    made = []
    with Target("-", command=build.built(build.MODES_MINOR, "static", "crowd")) as t:
        do(t, "rally 1")
        with both(pwjobs, t.pid, 10, "blocked", first, 5, "limited") as p:
            leak_some(t, 30, made)
            wait_until(p, "one goes on")
            leak_some(t, 20, made)
            _, groups, numbers, recorded = reports(p, outermost=False, losses=r"(\d+ moved while they were read)?")
    expect(int(numbers["exact_ns"]) < int(numbers["recorded_ns"]) and recorded["main.play"] > 0, f"not limited: {numbers}")
    expect_all_leak(groups["main.lost"], numbers)
    expect(groups["main.lost"]["count"] == 50 and groups["main.lost"]["age_s"]["exact"], f"parks were missed: {groups['main.lost']}")


def a_signal_ends_both(pwjobs):
    with running(pwjobs, build.MODES_MINOR, 600) as (p, pid):
        p.send_signal(2)
        leaks, _, numbers, _ = reports(p)
        expect(alive(pid), "the target died")
    expect(leaks["looks"] == 2, f"{leaks['looks']} looks")
    expect(int(numbers["recorded_ns"]) < 60 * 10**9, str(numbers))


def the_end_of_the_target_ends_both(pwjobs):
    with running(pwjobs, build.MODES_MINOR, 600) as (p, pid):
        os.kill(pid, 9)
        _, _, numbers, _ = reports(p)
    expect(int(numbers["recorded_ns"]) < 60 * 10**9, str(numbers))


def do(target, line):
    target.process.stdin.write(line + "\n")
    target.process.stdin.flush()
    expect(target.process.stdout.readline().startswith("{"), line)


def a_watch_of_many_goroutines_costs_a_recording_no_event(pwjobs, first):
    """A look at them, or a search of the heap, takes longer than the ring of events has room for: it is drained meanwhile."""
    with Target("-", command=build.built(build.MODES_MINOR, "static", "crowd")) as t:
        do(t, "leak 200000")
        do(t, "rally 1")
        p = subprocess.run([pwjobs, str(t.pid), "5", "waits", first, "5"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        expect(p.returncode == 0, f"exit {p.returncode}: {p.stderr}")
    leaks, numbers, recorded = p.stdout.split("---\n")
    numbers = dict(line.partition(" ")[::2] for line in numbers.splitlines())
    expect(numbers["lost"] == numbers["watch_lost"] == "0", str(numbers))
    expect({g["start"]["func"] for g in json.loads(leaks)["groups"] if g["leak"]} == {"main.lost"}, leaks[:1000])
    # Each of the two is woken by the other alone: between two of its waits it hardly runs.
    waited = sum(ns for stack, ns in folded(recorded) if stack[0] == "main.play")
    expect(int(numbers["events"]) > 1000 and 0 < waited <= 2 * int(numbers["recorded_ns"]), f"{waited} ns: {numbers}")
    return f"{numbers['events']} events"


ENDS = [(first, *seconds) for first in ("watch", "record") for seconds in ((SECONDS, 3), (3, SECONDS))]
PARKS = [(event, first, *seconds) for event in ("blocked", "sched") for first in ("watch", "record") for seconds in ((6, 3), (3, 6))] + \
        [("waits", "watch", 6, 3), ("waits", "watch", 3, 6)]


def cases():
    for minor in MINORS:
        yield f"jobs: both_reports_hold [go1.{minor}]", both_reports_hold, (minor,)
    yield "jobs: exits_are_of_both", exits_are_of_both, ()
    for first in ("record", "watch"):
        yield f"jobs: parks_are_of_both {first}", parks_are_of_both, (first,)
    for end in ENDS:
        yield f"jobs: one_ends_and_the_other_goes_on {' '.join(map(str, end))}", one_ends_and_the_other_goes_on, end
    for end in PARKS:
        yield f"jobs: who_parks_is_known_to_both {' '.join(map(str, end))}", who_parks_is_known_to_both, end
    for first in ("record", "watch"):
        yield f"jobs: a_watch_of_many_goroutines_costs_a_recording_no_event {first}", a_watch_of_many_goroutines_costs_a_recording_no_event, (first,)
    yield "jobs: a_second_recording_has_nothing_of_the_first", a_second_recording_has_nothing_of_the_first, ()
    for first in ("record", "watch"):
        yield f"jobs: a_watch_goes_on_beside_a_recording_that_is_limited {first}", a_watch_goes_on_beside_a_recording_that_is_limited, (first,)
    yield "jobs: a_signal_ends_both", a_signal_ends_both, ()
    yield "jobs: the_end_of_the_target_ends_both", the_end_of_the_target_ends_both, ()


if __name__ == "__main__":
    sys.exit(script.main(cases()))
