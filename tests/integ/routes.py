# SPDX-License-Identifier: BSD-2-Clause
"""routes: record --root route, --requests: what is said of a route is never of another (progs/routes).

Whatever goes on for /alpha/ is in functions whose names begin with alpha: so each stack says itself whose it is. How long that took all in
all, the program counts.
"""
import collections
import json
import os
import re
import tempfile
from pathlib import Path

import build
from allocs import raw_profile
from servesinks import ENVIRONMENT, SAID, profiles_of
from target import Recording, Target, expect, folded, parkwatch

SIDES = ("alpha", "beta")
NO_REQUEST = "[no request]"
# Of the waits of 300 ms, and of the CPU time, at least: looks are rarer on a machine that has other things to do.
WAITS_KNOWN, SAMPLES_KNOWN = 0.6, 0.15
WAITS = [(26, "stripped", ()), (27, "pie", ("-e", "wakeups")), (23, "static", ("-e", "wall")), (26, "race", ("--no-probes",))]
SAMPLES = [(26, "stripped", "cpu"), (27, "static", "cpu"), (26, "static", "wall")]
ALLOCS = [(26, "stripped", "refill"), (27, "static", "exact")]


class Worked:
    """What clients asked for while it was recorded."""

    def __init__(self, kind, minor, mode, *args, env=None):
        with Target(kind, command=build.built(minor, mode, "routes"), env=env) as t:
            self.pid = t.pid
            r = Recording(t.pid, *args)
            expect(r.recording, "parkwatch does not record: " + "".join(r.said))
            t.go()
            self.truth = json.loads(t.truth())
            code, self.text, self.said = r.stop()
        expect(code == 0, f"exit code {code}: {self.said}")


def side_of(functions):
    """Whose a stack is; None: nobody's of both."""
    sides = {s for s in SIDES for f in functions if f.startswith("main." + s)}
    expect(len(sides) < 2, f"of two routes: {functions}")
    return sides.pop() if sides else None


def root_of(frames):
    roots = [f for f in frames[:2] if f == NO_REQUEST or f.startswith("GET ")]    # of wall the state stands first
    expect(len(roots) == 1, f"no root of requests: {frames}")
    return roots[0]


def check_roots(lines):
    """Nothing is said of a route that is not its own. (ns of each route that are known, ns of all of it)"""
    known, everything = collections.Counter(), collections.Counter()
    for frames, ns in lines:
        root, side = root_of(frames), side_of(frames)
        expect(root == NO_REQUEST or side is None or root == f"GET /{side}/{{id}}", f"{root} is said of {frames}")
        if root != NO_REQUEST:
            expect(side or any(f.startswith("runtime.") or f == "[no stack]" for f in frames), f"{root} is said of {frames}")
        everything[side] += ns
        known[side] += ns if root != NO_REQUEST else 0
    return known, everything


def waits_have_their_route(minor, mode, args):
    w = Worked("waits", minor, mode, "-f", "folded", "--root", "route", *args)
    lines = folded(w.text)
    check_roots(lines)
    known, everything = check_roots([(frames, ns) for frames, ns in lines if any(f.endswith("Waits") for f in frames)])
    for side in SIDES:
        expect(abs(everything[side] / w.truth[side] - 1) < (0.1 if "recorded" not in w.said else 0.2),
               f"{side}: {everything[side] / 1e9:.2f} s, by the program {w.truth[side] / 1e9:.2f} s")
        expect(known[side] > WAITS_KNOWN * everything[side], f"{side}: of {everything[side]} ns {known[side]} are known: {w.said}")
    said = re.search(r"of ([\d.]+) % the request is known; the rest is \[no request\]: (.*)", w.said)
    expect(said, w.said)
    told, total = sum(ns for f, ns in lines if root_of(f) != NO_REQUEST), sum(ns for _, ns in lines)
    expect(abs(float(said[1]) - 100 * told / total) < 1, f"{said[0]}: {100 * told / total} % are in the output")
    parts = [float(x) for x in re.findall(r"([\d.]+) % ", said[2])]
    expect(abs(float(said[1]) + sum(parts) - 100) < 2 and "none in hand" in said[2], f"the shares are not all: {said[0]}")
    looks = re.search(r"requests were read in (\d+) looks, which took ([\d.]+) % of a processor", w.said)
    expect(looks and int(looks[1]) > 2, w.said)


def samples_have_their_route(minor, mode, event):
    w = Worked("burns", minor, mode, "-f", "folded", "--root", "route", "-e", event, "-F", "997")
    lines = [(frames, ns) for frames, ns in folded(w.text) if event == "cpu" or frames[0] == "[running]"]
    known, everything = check_roots(lines)
    expect(sum(everything.values()) > 1e9, f"it burns: {everything}, {w.said}")
    for side in SIDES:
        expect(known[side] > SAMPLES_KNOWN * everything[side], f"{side}: of {everything[side]} ns {known[side]} are known: {w.said}")


def allocations_have_their_route(minor, mode, source):
    w = Worked("burns", minor, mode, "-f", "folded", "--root", "route", "-e", "alloc", "--alloc", source)
    lines = folded(w.text)
    known, everything = check_roots(lines)
    garbage = check_roots([(frames, n) for frames, n in lines if "main.burn" in frames])[1]
    for side in SIDES:
        truth = w.truth[f"{side}Bytes"]
        expect(abs(garbage[side] / truth - 1) < (0.02 if source == "exact" else 0.3), f"{side}: {garbage[side]} bytes, by the program {truth}: {w.said}")
        expect(known[side] > SAMPLES_KNOWN * everything[side], f"{side}: of {everything[side]} bytes {known[side]} are known: {w.said}")
    said = re.search(r"of ([\d.]+) % the request is known", w.said)
    expect(said and abs(float(said[1]) - 100 * sum(known.values()) / sum(everything.values())) < 1, f"{known} of {everything}: {w.said}")


def labels_say_it_in_pprof(minor, kind, *args):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "some.pb.gz")
        Worked(kind, minor, "stripped", "-o", path, *args)
        samples = raw_profile(path)[1]
    routes, traces = collections.Counter(), collections.Counter()
    for _, functions, labels in samples:
        text, side = " ".join(labels), side_of(functions)
        route, none = re.search(r"\broute:\[GET /(\w+)/\{id\}\]", text), re.search(r"no_request:\[([^\]]+)\]", text)
        expect(bool(route) != bool(none), f"neither a route nor why there is none, or both: {labels}")
        expect(not route or route[1] == side, f"{route and route[1]} is said of {functions}")
        trace = re.search(r"trace_id:\[(\w+)\]", text)
        expect(not trace or side and re.fullmatch(side[0] + "[0-9a-f]{31}", trace[1]), f"{trace and trace[1]} is said of {functions}")
        traces[side, trace[1] if trace else None] += 1
        routes[route[1] if route else none[1]] += 1
    expect(set(SIDES) < set(routes) and ("none in hand" in routes or kind == "burns"), f"{routes}")
    for side in SIDES:
        expect(len([t for s, t in traces if s == side and t]) > (5 if kind == "waits" else 1), f"each request has a trace of its own: {traces}")


def samples_are_linked_in_otlp(minor):
    """To the client's span, as the header has it, of who serves; a recording tells the same later."""
    with tempfile.TemporaryDirectory() as d:
        pw, path = os.path.join(d, "all.pw"), os.path.join(d, "blocked.otlp")
        w = Worked("waits", minor, "stripped", "-o", path, "--save", pw, env=ENVIRONMENT)
        code, _, said = parkwatch("report", pw, "-f", "otlp", "-o", os.path.join(d, "later.otlp"))
        expect(code == 0, said)
        now, later = (profiles_of(Path(d, name).read_bytes()) for name in ("blocked.otlp", "later.otlp"))
    links = {side: set() for side in SIDES}
    for of, kind, _, samples, seconds in now + later:
        expect({key: of.get(key) for key in SAID} == SAID and of["process.pid"] == w.pid and of["process.executable.name"].startswith("routes") and seconds > 1, f"{kind}: {of}")
        for functions, told in samples:
            side, have = side_of(functions), dict(told)
            trace, span = have.get("link", (None, None))
            expect("route" not in have or have["route"] == f"GET /{side}/{{id}}", f"{have} is said of {functions}")
            expect(("route" in have) != ("no_request" in have) and "span_id" not in have, f"{have}")
            expect(not trace or "trace_id" not in have and re.fullmatch(side[0] + "[0-9a-f]{31}", trace) and 0 < int(span, 16) < 10000, f"{have} is said of {functions}")
            if trace:
                links[side].add(trace)
    expect([kind for _, kind, _, _, _ in now] == ["contentions", "delay"] and now[1][3] == later[1][3], "the recording says another thing")
    expect(all(len(links[side]) > 5 for side in SIDES), f"each request has a trace of its own: {links}")


def a_recording_tells_it_later(minor):
    with tempfile.TemporaryDirectory() as d:
        pw, plain = os.path.join(d, "all.pw"), os.path.join(d, "plain.pw")
        w = Worked("waits", minor, "stripped", "-f", "folded", "--root", "route", "--save", pw)
        same, trace = (parkwatch("report", pw, "-f", "folded", "--root", root) for root in ("route", "trace"))
        none = parkwatch("report", pw, "-f", "folded", "--root", "label")
        part = parkwatch("report", pw, "-f", "folded", "--to", "1s")
        Worked("waits", minor, "stripped", "-o", plain)
        not_there = parkwatch("report", plain, "-f", "folded", "--root", "route")
    expect(same[0] == 0 and same[1] == w.text, f"the recording says another thing: {same[2]}{same[1][:300]}")
    check_roots(folded(part[1]))
    for frames, _ in folded(trace[1]):
        own, side = re.fullmatch(r"trace (\w)[0-9a-f]{31}", frames[0]), side_of(frames)
        expect(own and side and own[1] == side[0] or frames[0] == NO_REQUEST, f"{frames[0]} is said of {frames}")
    expect(len({frames[0] for frames, _ in folded(trace[1])}) > 10, f"each request has a trace of its own: {trace[1][:300]}")
    for code, _, said in (none, not_there):
        expect(code == 2 and "was recorded without --root for that" in said, f"{code}: {said}")


def what_looks_cannot_tell_is_refused():
    for args, said in ((("-e", "births", "--root", "route"), "do not meet what -e births counts"),
                       (("-e", "sched", "--root", "span"), "do not meet what -e sched counts"),
                       (("--requests", "--root", "label"), "--root can be route, trace or span then")):
        code, _, stderr = parkwatch("record", "-p", "1", "-d", "1", *args)
        expect(code == 2 and said in stderr, f"{args}: {code}, {stderr}")


def cases():
    for minor, mode, args in WAITS:
        yield (f"routes: {waits_have_their_route.__name__} [go1.{minor} {mode} {' '.join(args)}]",
               lambda minor=minor, mode=mode, args=args: waits_have_their_route(minor, mode, args))
    for minor, mode, event in SAMPLES:
        yield (f"routes: {samples_have_their_route.__name__} [go1.{minor} {mode} {event}]",
               lambda minor=minor, mode=mode, event=event: samples_have_their_route(minor, mode, event))
    for minor, mode, source in ALLOCS:
        yield (f"routes: {allocations_have_their_route.__name__} [go1.{minor} {mode} {source}]",
               lambda minor=minor, mode=mode, source=source: allocations_have_their_route(minor, mode, source))
    yield f"routes: {labels_say_it_in_pprof.__name__} [go1.26]", lambda: labels_say_it_in_pprof(26, "waits")
    yield f"routes: {labels_say_it_in_pprof.__name__} [go1.26 alloc]", lambda: labels_say_it_in_pprof(26, "burns", "-e", "alloc")
    yield f"routes: {samples_are_linked_in_otlp.__name__} [go1.26]", lambda: samples_are_linked_in_otlp(26)
    yield f"routes: {a_recording_tells_it_later.__name__} [go1.26]", lambda: a_recording_tells_it_later(26)
    yield f"routes: {what_looks_cannot_tell_is_refused.__name__}", what_looks_cannot_tell_is_refused
