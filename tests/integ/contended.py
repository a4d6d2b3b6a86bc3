# SPDX-License-Identifier: BSD-2-Clause
"""contended: record -e block and -e mutex against the program's own block and mutex profiles of the same time (progs/contended)."""
import collections
import itertools
import json
import os
import re
import tempfile

import build
from allocs import raw_profile
from target import Recording, Target, attach_ways, expect, folded, parkwatch

PARTS = 0.05    # of what Go's own profile says: each of its greatest stacks, and all that remains of a difference
MOMENT = 10000  # ns a contention: Go reads its clock when it begins to look for the queue, a probe is hit when it is found
BUDGET = 0.012   # s: what the first stretch may cost, and some more
GREATEST = 10
PROFILES = ("block", "mutex")
# Contention of the runtime's own locks (from Go 1.22 on): no probe sees it.
RUNTIME = "runtime._LostContendedRuntimeLock"


class Contended:
    """The program's own profile of what it did from "go" on, and ours: {stack, leaf first: (contentions, delay)}."""

    def __init__(self, event, minor, mode, *args):
        with tempfile.TemporaryDirectory() as d:
            own = {name: os.path.join(d, name + ".pb.gz") for name in PROFILES}
            path = os.path.join(d, "ours.pb.gz")
            with Target("", minor, command=build.built(minor, mode, "contended"), env={"OWN_BLOCK": own["block"], "OWN_MUTEX": own["mutex"]}) as t:
                r = Recording(t.pid, "-e", event, "-o", path, *args)
                expect(r.recording, "parkwatch does not record: " + "".join(r.said))
                t.go()
                expect(t.truth() == "done\n", "the program failed")
                code, _, self.said = r.stop()
            expect(code == 0 and " 0 lost" in self.said, f"exit code {code}: {self.said}")
            self.own, self.ours = stacks(own[event]), stacks(path)
            self.difference = build.run_go(["tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", "-unit=ns", "-diff_base", own[event], path],
                                           build.TOOLCHAINS[build.MODES_MINOR], d)


def stacks(path):
    text, samples = raw_profile(path)
    expect("contentions/count delay/nanoseconds" in text, f"types: {text[:300]}")
    found = collections.defaultdict(lambda: [0, 0])
    for (count, delay), functions, _ in samples:
        if RUNTIME not in functions and not is_of_runtime(functions):
            found[tuple(functions)][0] += count
            found[tuple(functions)][1] += delay
    return found


def is_of_runtime(functions):
    """A lock of the runtime's own was given up there (runtime/mprof.go mLockProfile)."""
    return functions[0].startswith(("runtime.unlock", "runtime.mProf", "runtime.(*mLockProfile)"))


def greatest_stacks_are_as_in_gos_own_profile(event, minor, mode="static", *args):
    c = Contended(event, minor, mode, *args)
    greatest = sorted(c.own, key=lambda s: -c.own[s][1])[:GREATEST]
    expect(len(greatest) >= (GREATEST if event == "block" else 4), f"the program does too little: {dict(c.own)}")
    for stack in greatest:
        moments = 0, MOMENT * c.own[stack][0]
        for what, ours, own, slack in zip(("contentions", "delay"), c.ours[stack], c.own[stack], moments):
            expect(abs(ours - own) <= PARTS * own + slack, f"{what} of {stack}: {ours}, Go's own profile has {own}: {dict(c.ours)}")


def of_a_difference_nothing_of_weight_remains(event, minor):
    c = Contended(event, minor, "static")
    rows = [line.split(None, 5) for line in c.difference.partition("cum%\n")[2].splitlines()]
    flat = {row[5]: float(row[0].removesuffix("ns")) for row in rows if "runtime.unlock" not in row[5] and RUNTIME not in row[5]}
    total = sum(delay for _, delay in c.own.values())
    expect(flat and sum(map(abs, flat.values())) <= PARTS * total, f"of {total} ns there remain {flat}")


def every_format_has_the_same_stacks(event, minor):
    """A recording is reported, and compared with itself, as it was shown."""
    with tempfile.TemporaryDirectory() as d, Target("", minor, command=build.built(minor, "static", "contended"),
                                                    env={"OWN_BLOCK": os.devnull, "OWN_MUTEX": os.devnull}) as t:
        pw = os.path.join(d, "c.pw")
        r = Recording(t.pid, "-e", event, "--save", pw)
        t.go()
        t.truth()
        code, out, said = r.stop()
        expect(code == 0, f"exit code {code}: {said}")
        code, again, said = parkwatch("report", pw, "--view", event)
        expect(code == 0 and again == out, f"exit code {code}: {said}: {again} is not {out}")
        code, text, said = parkwatch("report", pw, "-f", "json")
        report = json.loads(text)
        expect(report["event"] == event and report["total"] == sum(n for _, n in folded(out)), f"exit code {code}: {said}: {report['total']}")
        code, text, said = parkwatch("report", pw, "-f", "text")
        expect(code == 0 and " contentions" in text, f"exit code {code}: {said}: {text}")
        code, text, said = parkwatch("diff", pw, pw, "-f", "json")
        expect(code == 0, f"exit code {code}: {said}")
    leaf = {"block": "sync.(*Mutex).Lock", "mutex": "sync.(*Mutex).Unlock"}[event]
    expect(any(frames[-1] == leaf and "main.crowd" in frames for frames, _ in folded(out)), f"no {leaf}: {out}")


def filters_are_of_who_waits_and_of_who_unlocks(minor):
    for event, function in (("block", "receives"), ("mutex", "crowd")):
        with Target("", minor, command=build.built(minor, "static", "contended"), env={"OWN_BLOCK": os.devnull, "OWN_MUTEX": os.devnull}) as t:
            r = Recording(t.pid, "-e", event, "--func", f"^main\\.{function}$")
            t.go()
            t.truth()
            code, out, said = r.stop()
        expect(code == 0, f"exit code {code}: {said}")
        expect(out and all(f"main.{function}" in frames for frames, _ in folded(out)), f"{event}: {out}: {said}")


def over_budget_it_is_estimated(event, minor):
    """What probes cost is kept, and the crowd at the mutex is still the greatest of the locks."""
    with Target("", minor, command=build.built(minor, "static", "contended"), env={"FOREVER": "1"}) as t:
        r = Recording(t.pid, "-e", event, "-d", "12", "-f", "json", "--max-overhead", "1")
        t.go()
        code, out, said = r.wait()
    expect(code == 0, f"exit code {code}: {said}")
    report = json.loads(out)
    expect(report["estimated"] and report["windows"], f"nothing is estimated: {said}")
    spent, of = map(float, re.search(r"= ([\d.]+) s of ([\d.]+) s\)", said).groups())
    expect(spent <= BUDGET + 0.013 * of, f"it cost {spent} s: {said}")
    functions = {f["func"] for s in report["stacks"] for f in s["stack"] if "func" in f}
    expect("main.crowd" in functions, f"{functions}: {said}")


def cases():
    programs = [(minor, "static") for minor in build.MATRIX]
    programs += [(build.MODES_MINOR, mode) for mode in ("stripped", "pie", "cgo", "race")]
    for event, (minor, mode) in itertools.product(PROFILES, programs):
        yield (f"{greatest_stacks_are_as_in_gos_own_profile.__name__} [{event} go1.{minor} {mode}]",
               lambda event=event, minor=minor, mode=mode: greatest_stacks_are_as_in_gos_own_profile(event, minor, mode))
    # Each transport and each way with both events; which transport goes with which way is no matter of the event.
    for event, (transport, attach) in itertools.product(PROFILES, zip(itertools.cycle(("ring", "perf")), attach_ways())):
        how = (f"--transport={transport}", f"--attach={attach}")
        yield (f"{greatest_stacks_are_as_in_gos_own_profile.__name__} [{event} go1.26 {transport} {attach}]",
               lambda event=event, how=how: greatest_stacks_are_as_in_gos_own_profile(event, 26, "static", *how))
    for event, function in itertools.product(PROFILES, (of_a_difference_nothing_of_weight_remains, every_format_has_the_same_stacks, over_budget_it_is_estimated)):
        yield f"{function.__name__} [{event} go1.26]", lambda event=event, function=function: function(event, 26)
    yield f"{filters_are_of_who_waits_and_of_who_unlocks.__name__} [go1.26]", lambda: filters_are_of_who_waits_and_of_who_unlocks(26)
