# SPDX-License-Identifier: BSD-2-Clause
"""systemstacks: where the stacks of what is seen on the scheduler's stack, and below C, end (progs/timers, progs/callbacks)."""
import json
import re

import build
from target import Recording, Target, expect, folded, parkwatch

STARTED = ["[timer]", "time.goFunc", "[go main.chain.func1]"]
NUMBER = re.compile(r"0x[0-9a-f]+")
OTHERS = {"main.main", "main.ticker", "main.tick", "main.yielder"}    # who parked on the thread before


def seen(program, kind, minor, mode, *args):
    """What was recorded of all that the program does after "go": lines, how many it says there were, standard error."""
    with Target(kind, command=build.built(minor, mode, program)) as t:
        r = Recording(t.pid, *args)
        expect(r.recording, "parkwatch does not record: " + "".join(r.said))
        t.go()
        truth = int(t.truth())
        code, out, said = r.stop()
    expect(code == 0 and " 0 lost" in said, f"exit code {code}: {said}")
    lines = folded(out)
    expect(not [f for frames, _ in lines for f in frames if NUMBER.fullmatch(f)], f"pcs that are no code: {out}")
    return lines, truth, said


def what_a_timer_starts_is_one_row(minor):
    for args in (["-e", "births"], ["-e", "exits"], ["-e", "births", "--async"]):
        lines, truth, said = seen("timers", "chains", minor, "static", *args)
        expect(lines == [(STARTED, truth)], f"{args}: {lines}, truly {truth}")
        expect("cut" not in said, f"nothing is missing: {said}")


def full_shows_the_scheduler_down_to_its_bottom(minor):
    lines, truth, _ = seen("timers", "chains", minor, "static", "-e", "births", "--full")
    expect(sum(n for _, n in lines) == truth, f"{lines}, truly {truth}")
    for frames, _ in lines:
        expect(frames[0] in ("runtime.mcall", "runtime.mstart", "runtime.morestack"), f"the bottom is {frames[0]}: {frames}")
        expect("time.goFunc" in frames and not OTHERS & set(frames), f"{frames}")


def what_a_timer_allocates_is_nobody_elses(minor):
    lines, *_ = seen("timers", "stuck", minor, "static", "-e", "alloc", "--alloc", "exact")
    started = [frames for frames, _ in lines if "time.goFunc" in frames]
    expect(started, f"newproc allocates goroutines: {lines}")
    expect(all(frames[0] == "[timer]" for frames in started), f"{started}")


def who_a_timer_started_is_nobodys_child(minor):
    with Target("stuck", command=build.built(minor, "static", "timers")) as t:
        t.go()
        truth = int(t.truth())
        code, out, said = parkwatch("dump", "-p", t.pid, "-f", "json")
        expect(code == 0, said)
        waiting = [g for g in json.loads(out)["goroutines"] if g["start"]["func"] == "main.stuck.func1"]
        code, out, said = parkwatch("leaks", "-p", t.pid, "-d", "3", "--min-age", "1s", "--all", "-f", "json", "--max-overhead", "0")
    expect(len(waiting) == truth, f"{len(waiting)} of {truth}")
    expect(all(g["parent_goid"] is None and g["created_by"]["func"] == "time.goFunc" for g in waiting), f"{waiting[0]}")
    groups = [g for g in json.loads(out)["groups"] if g["start"]["func"] == "main.stuck.func1"]
    expect(groups and not any(g["parents"] for g in groups), f"{groups}")


def a_stack_ends_where_c_called(minor):
    lines, truth, said = seen("callbacks", "both", minor, "cgo", "-e", "births")
    expect(sum(n for _, n in lines) == truth, f"{lines}, truly {truth}")
    for frames, _ in lines:
        expect(frames[-2:] == ["main.fromC", "[go main.work]"] and frames[0] == "crosscall2", f"{frames}")
    expect(re.search(r"warning: \d+ stacks are cut where they go on in code that is not Go", said), f"not said: {said}")


CASES = [
    (what_a_timer_starts_is_one_row, build.MATRIX),
    (full_shows_the_scheduler_down_to_its_bottom, build.MATRIX),
    (what_a_timer_allocates_is_nobody_elses, [15, 19, 22, 24, 27]),
    (who_a_timer_started_is_nobodys_child, [19, 26]),
    (a_stack_ends_where_c_called, [15, 19, 26]),
]


def cases():
    for function, minors in CASES:
        for minor in minors:
            yield f"{function.__name__} [go1.{minor}]", lambda function=function, minor=minor: function(minor)
