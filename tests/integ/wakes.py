# SPDX-License-Identifier: BSD-2-Clause
"""wakes: who ended which wait. The program says itself who woke whom how often; Go's execution tracer is asked too."""
import collections
import itertools
import json
import os
import re
import tempfile

import build
from target import Recording, Target, attach_ways, expect, folded, parkwatch

SLACK = 0.02    # of the times that the program counts: a preemption between two steps of it makes one more or less


def target(minor, mode="static"):
    return Target("", minor, command=build.built(minor, mode, "wakes"))


def recorded(t, *args):
    """What is recorded while the program works: (output, truth)."""
    r = Recording(t.pid, "-e", "wakeups", *args)
    expect(r.recording, "parkwatch does not record: " + "".join(r.said))
    t.go()
    truth = json.loads(t.truth())
    code, out, said = r.stop()
    expect(code == 0, f"exit code {code}: {said}")
    return out, truth


def by_functions(pairs):
    counts = collections.Counter()
    for p in pairs:
        counts[p["waiter"]["func"] if p["waiter"] else None, p["waker"]["func"] if p["waker"] else "", p["waker_kind"],
               p["reason"]] += p["count"]
    return counts


def pairs_are_those_that_the_program_counted(minor, mode="static", *args):
    with target(minor, mode) as t:
        out, truth = recorded(t, "-f", "json", *args)
    report = json.loads(out)
    counts = by_functions(report["pairs"])
    for p in truth["pairs"]:
        key = p["waiter"], p.get("waker", ""), p["kind"], p["reason"]
        expect(abs(counts[key] - p["count"]) <= 1 + SLACK * p["count"], f"{key}: {counts[key]}, the program says {p['count']}: {counts}")
    gc = [k for k in counts if k[0] == "main.collector" and k[2] == "gc"]
    expect(gc, f"nothing is by the collector: {counts}")
    expect(sum(p["blocked_ns"] for p in report["pairs"]) == report["total"] == sum(s["value"] for s in report["stacks"]),
           "pairs and stacks do not have the same sum")


WOKEN = re.compile(r" G=(-?\d+) StateTransition .*GoID=(\d+) Waiting->Runnable")


def who_woke_agrees_with_the_execution_tracer(minor):
    """Of each goroutine: how often another ended its wait, and how often nobody did: a timer or the poller."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "trace")
        with Target("traced", minor, env={"WORK_TRACE": path}) as t:
            r = Recording(t.pid, "-e", "wakeups", "--root", "goid", "-f", "json")
            expect(r.recording, "parkwatch does not record: " + "".join(r.said))
            t.go()
            goids = set(json.loads(t.truth())["goids"])
            code, out, said = r.stop()
            expect(code == 0, f"exit code {code}: {said}")
        text = build.run_go(["tool", "trace", "-d=1" if minor < 24 else "-d=parsed", path], build.TOOLCHAINS[minor], build.HERE)
    theirs, ours = collections.Counter(), collections.Counter()
    for waker, goid in WOKEN.findall(text):
        if int(goid) in goids:
            theirs[int(goid), waker != "-1"] += 1
    for s in json.loads(out)["stacks"]:
        if int(s["root"].split()[1]) in goids and s["wakers"] and s["waker_kind"] != "unknown":
            ours[int(s["root"].split()[1]), s["waker_kind"] == "goroutine"] += s["count"]
    expect({by for _, by in theirs} == {True, False}, f"the tracer saw only one kind: {theirs}")
    for key in set(theirs) | set(ours):
        expect(abs(ours[key] - theirs[key]) <= 1, f"goroutine {key[0]}, by a goroutine: {key[1]}: {ours[key]}, the tracer says {theirs[key]}")


def a_chain_says_who_woke_the_waker(minor):
    """Each of the ring is woken by the one before it; the first by main, which the last has woken."""
    with target(minor) as t:
        out, _ = recorded(t, "--chain", "4")
    ring = ["main.ring3", "main.ring2", "main.ring1", "main.ring0", "main.ringed"]
    seen = 0
    for frames, _ in folded(out):
        at = [i for i, f in enumerate(frames) if f == "--"]
        if "main.ring3" not in frames[:at[0]]:
            continue
        stacks = [frames[a:b] for a, b in zip(at, at[1:] + [None])]
        seen += len(stacks) == 4 and all(one in stack for one, stack in zip(ring[1:], stacks))
    expect(seen, f"no chain of ring3 over main: {out}")


def the_same_waits_as_blocked(minor):
    """Of the same run: waits that have ended are those of -e blocked, and as long."""
    with target(minor) as t:
        both = [Recording(t.pid, "-e", event) for event in ("blocked", "wakeups")]
        t.go()
        t.truth()
        said = [r.stop() for r in both]
    for code, _, why in said:
        expect(code == 0, f"exit code {code}: {why}")
    blocked, wakeups, open_ones = collections.Counter(), collections.Counter(), set()
    for frames, ns in folded(said[0][1]):
        blocked[";".join(frames)] += ns
    for frames, ns in folded(said[1][1]):
        at = frames.index("--")
        wakeups[";".join(frames[:at])] += ns
        open_ones |= {";".join(frames[:at])} if frames[at + 1] == "[not seen]" else set()
    compared = {stack: ns for stack, ns in blocked.items() if stack not in open_ones}
    expect(len(compared) > 10, f"too few stacks: {compared}")
    for stack, ns in compared.items():
        expect(abs(wakeups[stack] - ns) <= 1e6 + 0.02 * ns, f"{stack}: {wakeups[stack]}, blocked says {ns}")


def a_recording_is_replayed_as_it_was(minor):
    with tempfile.TemporaryDirectory() as directory, target(minor) as t:
        pw = os.path.join(directory, "w.pw")
        out, _ = recorded(t, "--save", pw, "--chain", "2")
        code, again, said = parkwatch("report", pw)
        expect(code == 0 and again == out, f"exit code {code}: {said}: {again} is not {out}")
        code, text, said = parkwatch("report", pw, "-f", "json", "--view", "wakeups")
        expect(code == 0 and json.loads(text)["pairs"], f"exit code {code}: {said}")
        code, text, said = parkwatch("diff", pw, pw, "-f", "json")
        expect(code == 0, f"exit code {code}: {said}")


def filters_are_of_who_waits(minor):
    """--func asks for the waiter's stack, --created-by for who made it; who ends the wait may be anybody."""
    for args, wanted in ((("--func", "^main\\.pong$"), "main.pong"), (("--created-by", "^main\\.many$"), "main.listener"),
                         (("--root", "created-by", "--created-by", "^main\\.many$"), "main.listener")):
        with target(minor) as t:
            out, _ = recorded(t, *args)
        lines = folded(out)
        wakers = set()
        for frames, _ in lines:
            at = frames.index("--")
            expect(wanted in frames[:at], f"{args}: {frames}")
            wakers |= set(frames[at + 1:])
        expect({"main.ping", "main.closer"} & wakers, f"{args}: nobody of them is woken: {lines}")


def over_budget_pairs_are_estimated(minor):
    """Two goroutines that take turns for ever: what probes cost is kept, and the one that does nothing waits all the time."""
    with Target("", minor, command=build.built(minor, "static", "wakes"), env={"FOREVER": "1"}) as t:
        r = Recording(t.pid, "-e", "wakeups", "-d", "8", "-f", "json", "--max-overhead", "1")
        t.go()
        code, out, said = r.wait()
        expect(code == 0, f"exit code {code}: {said}")
    report = json.loads(out)
    expect(report["estimated"] and report["windows"], f"nothing is estimated: {said}")
    cost = float(re.search(r"cost ([\d.]+) %", said)[1])
    expect(cost <= 1.3, f"cost {cost} %: {said}")
    pairs = {(p["waiter"]["func"], p["waker"]["func"]): p for p in report["pairs"] if p["waker"]}
    for key in (("main.worker", "main.pong"), ("main.pong", "main.worker")):
        expect(key in pairs, f"{key} is not there: {pairs}")
    blocked = sum(p["blocked_ns"] for p in report["pairs"] if p["waiter"]["func"] == "main.pong")
    expect(abs(blocked / report["window_s"] / 1e9 - 0.97) < 0.15, f"pong waits {blocked / 1e9:.2f} s: {report['pairs']}")


def cases():
    programs = [(minor, "static") for minor in build.MATRIX]
    programs += [(build.MODES_MINOR, mode) for mode in ("stripped", "pie", "cgo", "race")]
    for minor, mode in programs:
        yield (f"{pairs_are_those_that_the_program_counted.__name__} [go1.{minor} {mode}]",
               lambda minor=minor, mode=mode: pairs_are_those_that_the_program_counted(minor, mode))
    for transport, attach in itertools.product(("ring", "perf"), attach_ways()):
        yield (f"{pairs_are_those_that_the_program_counted.__name__} [go1.26 {transport} {attach}]",
               lambda how=(f"--transport={transport}", f"--attach={attach}"): pairs_are_those_that_the_program_counted(26, "static", *how))
    for minor in (22, 23, 24, 25, 26, 27):
        yield (f"{who_woke_agrees_with_the_execution_tracer.__name__} [go1.{minor}]",
               lambda minor=minor: who_woke_agrees_with_the_execution_tracer(minor))
    for function in (filters_are_of_who_waits, a_chain_says_who_woke_the_waker, the_same_waits_as_blocked, a_recording_is_replayed_as_it_was,
                     over_budget_pairs_are_estimated):
        for minor in (17, 22, 26, 27) if function is a_chain_says_who_woke_the_waker else (26,):
            yield f"{function.__name__} [go1.{minor}]", lambda function=function, minor=minor: function(minor)
