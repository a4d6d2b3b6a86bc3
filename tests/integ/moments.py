# SPDX-License-Identifier: BSD-2-Clause
"""moments: single events of a recording. A range of it is what was recorded in that range; one goroutine's part is that goroutine's."""
import calendar
import json
import re
import signal
import tempfile
import time
from pathlib import Path

import build
from target import Recording, Target, expect, parkwatch, unlimited

# Between what the program's clock saw and the probes did, for each wait: somebody else had the processor.
SLACK_NS = 40_000_000
# The end of each recording is not there: all that is asked for.
ALL = "100000"


def recorded(folder, target, name, *args):
    """A recording of what the target does after "go", and the target's truth."""
    pw = Path(folder, name + ".pw")
    r = Recording(target.pid, "-o", str(pw), *args)
    expect(r.recording, "".join(r.said))
    target.go()
    truth = target.truth()
    code, _, said = r.stop()
    expect(code == 0, said)
    return pw, truth


def shown(pw, suffix, *args):
    status, text, said = parkwatch("report", str(pw), "-f", suffix, *args)
    expect(status == 0 and not said, f"{args}: exit code {status}: {said}")
    return text


def sums(pw, *args):
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in shown(pw, "folded", *args).splitlines()}


def added(parts):
    total = {}
    for part in parts:
        for stack, n in part.items():
            total[stack] = total.get(stack, 0) + n
    return total


def began_ns(pw):
    whole, part = re.search(r"^began +(\S+)\.(\d{6})Z$", parkwatch("info", str(pw))[1], re.M).groups()
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(part) * 1000


def waited(pw, names, *args):
    """By function of the program: nanoseconds, and how many waits."""
    ret = dict.fromkeys(names, (0, 0))
    for row in json.loads(shown(pw, "json", *args))["stacks"]:
        for name in {frame["func"] for frame in row["stack"]} & set(names):
            ret[name] = ret[name][0] + row["value"], ret[name][1] + row["count"]
    return ret


def part_of(waits, lo, hi):
    """Of these waits: nanoseconds in the range, and how many have some there for sure, and perhaps."""
    ns = sum(max(0, min(w["to"], hi) - max(w["from"], lo)) for w in waits)
    sure = sum(min(w["to"], hi) - max(w["from"], lo) > SLACK_NS for w in waits)
    perhaps = sum(min(w["to"], hi) - max(w["from"], lo) > -SLACK_NS for w in waits)
    return ns, sure, perhaps


def a_range_has_what_the_program_did_in_it(minor):
    """Who waited where from when to when: said by the program, and asked of the recording afterwards."""
    with tempfile.TemporaryDirectory() as folder, Target("", command=build.built(minor, "static", "moments")) as t:
        pw, truth = recorded(folder, t, "x", "-e", "blocked")
        truth = json.loads(truth)
        start = began_ns(pw)
        goids, names = {w["goid"] for w in truth}, {w["func"] for w in truth}
        first, last = min(w["from"] for w in truth) - start, max(w["to"] for w in truth) - start
        expect(len(goids) == 2 and len(names) == 3 and first > 0, f"{truth}, begun at {start}")
        # The whole, its thirds, and one that begins and ends within waits.
        longest = max(truth, key=lambda w: w["to"] - w["from"])
        middle = (longest["from"] + longest["to"]) // 2 - start
        cuts = [first + (last - first) * i // 3 for i in range(4)]
        for lo, hi in [(0, last + 10**9), *zip(cuts, cuts[1:]), (middle - 20_000_000, middle + 20_000_000), (middle, last)]:
            for asked in ([], *([goid] for goid in sorted(goids)), sorted(goids)):
                who = ("--goid", ",".join(map(str, asked))) if asked else ()
                seen = waited(pw, names, "--from", f"{lo}ns", "--to", f"{hi}ns", *who)
                for name in names:
                    waits = [w for w in truth if w["func"] == name and (not asked or w["goid"] in asked)]
                    ns, sure, perhaps = part_of(waits, lo + start, hi + start)
                    expect(abs(seen[name][0] - ns) <= SLACK_NS * max(1, perhaps) and sure <= seen[name][1] <= perhaps,
                           f"{lo} to {hi} of {asked or 'all'}: {name} waited {seen[name]}, the program says {ns} ns in {sure} to {perhaps}")
        expect(not shown(pw, "folded", "--goid", "999999999"), "who is not there has waited")
        head = shown(pw, "text", "--from", "100ms", "--to", "200ms", "--goid", str(min(goids))).splitlines()[:2]
        expect("blocked for 0.1 s" in head[0] and "only 0.1 s to 0.2 s of " in head[1] and f"goroutine {min(goids)}" in head[1], head)


def interval_of(pw, *args):
    """Nanoseconds since its beginning, of what a report of estimates shows; and whether it says what that is."""
    report = json.loads(shown(pw, "json", *args))
    begin, end, what = re.match(r"(\S+) s to (\S+) s of \S+ s(.*)$", report["only"]).groups()
    expect(what.startswith(": whole intervals, errors not known") and report["total_error"] is None, report["only"])
    return round(float(begin) * 1e9), round(float(end) * 1e9)


def an_estimated_range_has_what_the_program_did_in_it():
    """Looks only: whole intervals of about a second, and what the program says of the same time."""
    with tempfile.TemporaryDirectory() as folder, Target("", command=build.built(build.MODES_MINOR, "static", "moments")) as t:
        pw = Path(folder, "x.pw")
        r = Recording(t.pid, "-o", str(pw), "-e", "blocked", "--no-probes", "--rate", "200")
        expect(r.recording, "".join(r.said))
        truth = []
        for _ in range(10):
            t.go()
            truth += json.loads(t.truth())
        code, _, said = r.stop()
        expect(code == 0, said)
        start, names = began_ns(pw), {w["func"] for w in truth}
        intervals = int(re.search(r"^intervals     (\d+), from 0 s to ", parkwatch("info", str(pw))[1], re.M)[1])
        begin, seen_ranges = 0, []
        for _ in range(intervals):
            lo, hi = interval_of(pw, "--from", f"{begin}ns", "--to", f"{begin + 1}ns")
            expect(lo == begin < hi < lo + 2 * 10**9, f"an interval of {lo} to {hi} ns, asked for {begin}")
            seen_ranges.append((lo, hi))
            begin = hi
        expect(intervals > 4, f"{seen_ranges}")
        for lo, hi in (*seen_ranges, (seen_ranges[1][0], seen_ranges[-2][1])):
            seen = waited(pw, names, "--from", f"{lo}ns", "--to", f"{hi}ns")
            for name in names:
                ns, _, perhaps = part_of([w for w in truth if w["func"] == name], lo + start, hi + start)
                expect(abs(seen[name][0] - ns) <= SLACK_NS * (1 + perhaps), f"{lo} to {hi}: {name} waited {seen[name]}, the program says {ns} ns")
        parts = [sums(pw, "--from", f"{lo}ns", "--to", f"{hi}ns") for lo, hi in seen_ranges]
        expect(added(parts) == sums(pw) == sums(pw, "--to", ALL), "the intervals do not add up")


def what_is_exact_and_what_is_estimated_add_up(event):
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        pw = Path(folder, "x.pw")
        status, _, said = parkwatch("record", "-p", str(t.pid), "-e", event, "-d", "4", "--max-overhead", "0.5", "-o", str(pw))
        expect(status == 0 and "s are exact, the rest is estimated from " in said, said)
        first = json.loads(shown(pw, "json", "--to", "10ms"))["only"]
        expect(first.startswith("0 s to 0.01 s of ") and "whole" not in first, first)
        _, middle = interval_of(pw, "--to", "2")
        expect(1.9e9 < middle < 4e9, f"{middle}")
        parts = [sums(pw, *args) for args in (("--to", "10ms"), ("--from", "10ms", "--to", f"{middle}ns"), ("--from", f"{middle}ns"))]
        whole = sums(pw)
        # the first may be empty: the program need not have had a processor in these 10 ms
        expect(parts[1] and parts[2] and added(parts) == whole, f"the ranges do not add up: {parts} {whole}")


ROOTS = {"blocked": ("none", "goid", "label"), "births": ("none", "created-by"), "exits": ("none", "goid"), "sched": ("none", "state")}


def adjoining_ranges_are_the_whole(event):
    """And the whole, counted by its single events, is what the sums say, byte for byte."""
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        for root in ROOTS[event]:
            for more in ((), ("--async",)) if root in ("none", "created-by") else ((),):
                pw = Path(folder, "x.pw")
                status, _, said = parkwatch("record", "-p", str(t.pid), "-e", event, "-d", "0.6", "--root", root, *more, *unlimited(()), "-o", str(pw))
                expect(status == 0, said)
                what = f"{event} {root} {more}"
                whole = shown(pw, "folded")
                expect(whole and whole == shown(pw, "folded", "--to", ALL), f"{what}: all events are not the sums")
                whole, again = (json.loads(shown(pw, "json", *args)) for args in ((), ("--to", ALL)))
                expect(whole["stacks"] == again["stacks"] and whole["total"] == again["total"], f"{what}: all events are not the sums")
                ranges = (("--to", "0.2"), ("--from", "200ms", "--to", "333.333333ms"), ("--from", "333.333333ms"))
                parts = [sums(pw, *r) for r in ranges]
                expect(all(parts) and added(parts) == sums(pw), f"{what}: the ranges do not add up")


def all_events_are_the_sums_though_parkwatch_was_stopped():
    """The recording goes on after it; ranges go by the clock."""
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        pw = Path(folder, "x.pw")
        r = Recording(t.pid, "-e", "blocked", "-d", "1", "-o", str(pw))
        expect(r.recording, "".join(r.said))
        r.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)    # what is tested: that nobody is there for so long
        r.process.send_signal(signal.SIGCONT)
        code, _, said = r.wait()
        expect(code == 0 and "its probes were out" in said, said)
        expect(sums(pw) == sums(pw, "--to", ALL), "all events are not the sums")
        parts = [sums(pw, *args) for args in (("--to", "1"), ("--from", "1"))]
        expect(all(parts) and added(parts) == sums(pw), "the ranges do not add up")
        expect("what is missing is that of all; 0." in shown(pw, "text", "--from", "1"), "the gap is told")


def what_has_no_single_events_says_so():
    """Which of them there are, and what to do."""
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        pw, few = Path(folder, "x.pw"), Path(folder, "few.pw")

        def record(*args, to=pw):
            status, _, said = parkwatch("record", "-p", str(t.pid), "-d", "0.5", *args, *unlimited(args), "-o", str(to))
            expect(status == 0, said)

        def refused(status, *args):
            got, text, said = parkwatch("report", str(pw), *args)
            expect(got == status and not text and said.count("\n") == 1, f"{args}: exit code {got}: {text[:200]}{said}")
            return said
        for args in (("--max-events", "0"),):
            record(*args)
            expect("has no single events to choose from: 'parkwatch record -e blocked|" in refused(1, "--from", "0.1"), args)
            expect(shown(pw, "folded"), args)
        record("-e", "births")
        expect("has no blocked: it was written by 'record -e births'; try --view births" in refused(1, "--view", "blocked"), "another event")
        expect(shown(pw, "folded", "--view", "births") == shown(pw, "folded") == shown(pw, "folded", "--view", "record"), "its own event")
        expect("there is no view 'wakes'" in refused(2, "--view", "wakes"), "no view")
        expect("--from must be before that" in refused(2, "--from", "60"), "later than its end")
        expect("--to must be after --from" in refused(2, "--from", "2", "--to", "1"), "a range of nothing")
        # What is estimated is of no goroutine.
        record("-e", "births", "--max-overhead", "0.01")
        expect("s only: the rest is estimated; record with --max-overhead 0 to have all" in refused(1, "--from", "0.49", "--goid", "1"), "estimates")
        record("--no-probes")
        expect("has no single events, which --goid chooses from" in refused(1, "--from", "0.1", "--goid", "1"), "estimates only")
        # A bound: what is over it is counted, and told.
        record("-e", "births", "--max-events", "100", to=few)
        status, text, said = parkwatch("info", str(few))
        count = int(re.search(r"^events +(\d+),", text, re.M)[1])
        expect(status == 0 and "\nsingle events 100, of the first " in text and f"; {count - 100} over the bound are missing" in text, text)
        status, text, said = parkwatch("report", str(few), "-f", "folded", "--to", ALL)
        expect(status == 0 and said.count("\n") == 1 and f"{count - 100} single events that ended after" in said, said)
        expect(sum(int(line.rpartition(" ")[2]) for line in text.splitlines()) == 100, text)
        status, _, said = parkwatch("dump", "-p", str(t.pid), "-o", str(pw))
        expect(status == 0, said)
        expect("choose from events: 'parkwatch record -e blocked|" in refused(2, "--from", "1"), "a dump has no range")
        expect(shown(pw, "text", "--goid", "1").startswith("goroutine 1 "), "of a dump goids are a filter as ever")


def cases():
    for minor in (15, 22, build.MODES_MINOR):
        yield f"moments: a_range_has_what_the_program_did_in_it [go1.{minor}]", lambda m=minor: a_range_has_what_the_program_did_in_it(m)
    for event in ROOTS:
        yield f"moments: adjoining_ranges_are_the_whole [{event}]", lambda e=event: adjoining_ranges_are_the_whole(e)
    yield "moments: an_estimated_range_has_what_the_program_did_in_it", an_estimated_range_has_what_the_program_did_in_it
    for event in ROOTS:
        yield f"moments: what_is_exact_and_what_is_estimated_add_up [{event}]", lambda e=event: what_is_exact_and_what_is_estimated_add_up(e)
    yield "moments: all_events_are_the_sums_though_parkwatch_was_stopped", all_events_are_the_sums_though_parkwatch_was_stopped
    yield "moments: what_has_no_single_events_says_so", what_has_no_single_events_says_so
