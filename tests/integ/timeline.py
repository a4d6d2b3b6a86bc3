# SPDX-License-Identifier: BSD-2-Clause
"""timeline: record -f trace, read by readers of our own: JSON as Chrome's format says, protobuf as Perfetto's. Go's execution tracer says
what each goroutine did in the same seconds."""
import bisect
import collections
import json
import os
import re
import tempfile

import build
from protobuf import fields, message
from target import Recording, Target, delay_ns, expect, parkwatch

STATES = ("running", "ready", "waiting")


def rounds(minor=26, mode="static", **env):
    return Target("", minor, command=build.built(minor, mode, "rounds"), env=env)


def recorded(path, minor, *args, mode="static", truth=True, **env):
    """What parkwatch says of a recording into this file of all that the program does, and what the program says; in it how long its threads
    had no processor."""
    with rounds(minor, mode, **env) as t:
        r = Recording(t.pid, "-o", path, *args)
        expect(r.recording, "parkwatch does not record: " + "".join(r.said))
        delayed = delay_ns(t.pid)
        t.go()
        told = json.loads(t.truth()) if truth else {}
        code, _, said = r.stop() if truth else r.wait()
        told["delayed"] = delay_ns(t.pid) - delayed
        expect(code == 0, f"exit code {code}: {said}")
    return said, told


# --- Chrome's trace events ---

Slice = collections.namedtuple("Slice", "name state begin end args")


class Timeline:
    """By track: its name, its place, and its slices in order; flows as pairs of (track, ns)."""

    def __init__(self):
        self.slices, self.names, self.places, self.flows = collections.defaultdict(list), {}, {}, []
        self.counts, self.marks, self.about = [], [], {}

    def goid(self, track):
        return int(self.names[track].split()[1])

    def by_goid(self):
        return {self.goid(track): slices for track, slices in self.slices.items()}


def ns(us):
    return round(us * 1000)


def read_chrome(path):
    with open(path) as f:
        text = json.load(f)
    t, sites, begun = Timeline(), {}, {}
    t.about = text["otherData"]
    base = int(t.about["begin_monotonic_ns"])
    for e in text["traceEvents"]:
        track = e["pid"], e.get("tid")
        match e["ph"]:
            case "M" if e["name"] == "process_name":
                sites[e["pid"]] = e["args"]["name"]
            case "M":
                t.names[track] = e["args"]["name"]
                t.places[track] = sites[e["pid"]]
            case "X":
                begin = base + ns(e["ts"])
                t.slices[track].append(Slice(e["name"], e["cat"], begin, begin + ns(e["dur"]), e.get("args", {})))
            case "s":
                begun[e["id"]] = track, base + ns(e["ts"])
            case "f":
                expect(e["bp"] == "e", f"an arrow to the next slice, not to the one that it ends in: {e}")
                t.flows.append((begun.pop(e["id"]), (track, base + ns(e["ts"]))))
            case "C":
                t.counts.append((base + ns(e["ts"]), e["args"]))
            case "i":
                t.marks.append(e)
    expect(not begun, f"arrows that end nowhere: {len(begun)}")
    return t


# --- Perfetto's protobuf: field numbers of protos/perfetto/trace/trace_packet.proto, track_event/*.proto, clock_snapshot.proto ---

def one(m, number, otherwise=None):
    return m[number][0] if number in m else otherwise


class PerfettoReader:
    def __init__(self):
        self.t, self.names, self.categories, self.keys = Timeline(), {}, {}, {}
        self.parents, self.labels, self.counters, self.open, self.begun, self.clocks = {}, {}, set(), {}, {}, {}

    def learn(self, news):
        m = message(news)
        for number, to in ((1, self.categories), (2, self.names), (3, self.keys)):
            for entry in m[number]:
                e = message(entry)
                expect(one(e, 1) and one(e, 1) not in to, "a number of a text is 0, or used twice")
                to[one(e, 1)] = one(e, 2).decode()

    def event(self, at, data):
        e = message(data)
        track, kind = one(e, 11), one(e, 9)
        expect(track in self.parents, f"an event of track {track}, which nobody described")
        if kind == 1:
            expect(track not in self.open, "a slice begins in another")
            args = {}
            for note in map(message, e[4]):
                args[self.keys[one(note, 1)]] = one(note, 3) if 3 in note else one(note, 6).decode()
            self.open[track] = Slice(self.names[one(e, 10)], self.categories[one(e, 3)], at, None, args)
            for flow in e[48]:
                self.t.flows.append((self.begun.pop(flow), (track, at)))
        elif kind == 2:
            s = self.open.pop(track)
            self.t.slices[track].append(s._replace(end=at))
        elif kind == 3 and 47 in e:
            self.begun[one(e, 47)] = track, at
        elif kind == 3:
            self.t.marks.append({"name": one(e, 23).decode(), "ts": at})
        else:
            expect(kind == 4 and track in self.counters, f"a count of a track that has none, or kind {kind}")
            self.t.counts.append((at, {self.labels[track]: one(e, 30)}))

    def packet(self, data, first):
        p = message(data)
        expect(one(p, 10) == 1 and one(p, 13) & 2, "a packet of no sequence, or that needs no texts")
        expect(bool(one(p, 13) & 1) == first, "texts begin anew elsewhere than in the first packet")
        if 6 in p:
            snapshot = message(one(p, 6))
            self.clocks = {one(c, 1): one(c, 2) for c in map(message, snapshot[1])}
            expect(one(snapshot, 2) == 3, "the trace's clock is not the monotonic one")
        if 12 in p:
            self.learn(one(p, 12))
        if 60 in p:
            d = message(one(p, 60))
            self.parents[one(d, 1)] = one(d, 5)
            self.labels[one(d, 1)] = one(d, 2, b"").decode()
            if 8 in d:
                self.counters.add(one(d, 1))
            if 3 in d:
                self.t.about = {"pid": one(message(one(d, 3)), 1)}
        if 11 in p:
            expect(one(p, 58) == 3, "a time of another clock")
            self.event(one(p, 8), one(p, 11))


def read_perfetto(path):
    with open(path, "rb") as f:
        data = f.read()
    reader = PerfettoReader()
    for i, (number, packet) in enumerate(fields(data)):
        expect(number == 1, f"field {number} in Trace")
        reader.packet(packet, i == 0)
    t = reader.t
    expect(not reader.open and not reader.begun, "slices that do not end, or arrows that end nowhere")
    expect(set(reader.clocks) == {1, 3}, f"clocks {reader.clocks}")
    for track in t.slices:
        t.names[track] = reader.labels[track]
        t.places[track] = reader.labels[reader.parents[track]]
        expect(reader.parents[reader.parents[track]] in reader.parents, f"the place of {reader.labels[track]} is in no process")
    return t


def read(path):
    return (read_perfetto if path.endswith(".perfetto-trace") else read_chrome)(path)


# --- what must be so of every timeline ---

def slice_at(slices, at):
    """The one with this moment in it."""
    i = bisect.bisect_right(slices, at, key=lambda s: s.begin) - 1
    return slices[i] if i >= 0 and at < slices[i].end else None


def expect_sound(t):
    """Slices of a track do not overlap; an arrow begins where somebody runs, and ends where who is woken becomes ready."""
    expect(t.flows and t.counts, "no arrow, or no count")
    for track, slices in t.slices.items():
        for s, after in zip(slices, slices[1:]):
            expect(s.end <= after.begin, f"{t.names[track]}: {s} and {after} overlap")
        for s in slices:
            expect(s.begin < s.end and s.state in STATES, f"{t.names[track]}: {s}")
            expect((s.state == "waiting") == (s.name not in STATES), f"{t.names[track]}: {s}")
    for (waker, left), (woken, came) in t.flows:
        expect(left == came, "an arrow takes time")
        expect(slice_at(t.slices[waker], left).state == "running", f"who wakes {t.names[woken]} does not run: {t.names[waker]} at {left}")
        s = slice_at(t.slices[woken], came)
        expect(s and s.state == "ready" and s.begin == came, f"{t.names[woken]} is not ready when it is woken at {came}: {s}")
        expect(s.args.get("woken_by", s.args.get("made_by")) == t.goid(waker), f"the arrow is from {t.names[waker]}: {s}")


def expect_story(t):
    """What the program does is there."""
    functions = collections.defaultdict(set)
    for slices in t.slices.values():
        for s in slices:
            if s.state == "waiting" and "func" in s.args:
                functions[s.args["func"]].add(s.args["reason"])
                expect(s.name == f"{s.args['reason']}: {s.args['func']}" and s.args["file"].endswith("main.go"), f"{s}")
    # Two that take turns meet where the one sends or where the other does, and then go on so.
    for func, reasons in (("main.pong", {"chan receive", "chan send"}), ("main.sleeper", {"sleep"}), ("main.locker", {"sync.Mutex.Lock"}),
                          ("main.parent", {"sync.WaitGroup.Wait"}), ("main.reader", {"IO wait"})):
        expect(reasons & functions[func], f"{func} never waits for {reasons}: {functions[func]}")
    children = [track for track, name in t.names.items() if "main.parent" in t.places[track]]
    expect(len(children) > 50, f"{len(children)} goroutines were made by main.parent")
    made = sum("made_by" in s.args for track in children for s in t.slices[track])
    expect(made > 0.95 * len(children), f"{made} of {len(children)} are told by whom they were made")


def slices_nest_and_arrows_join(minor, mode, suffix):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "t" + suffix)
        said, _ = recorded(path, minor, "-f", "trace", mode=mode)
        t = read(path)
    expect("0 lost" in said and not t.marks, f"events were lost: {t.marks}: {said}")
    expect("ui.perfetto.dev" in said, said)
    expect_sound(t)
    expect_story(t)


def both_formats_say_the_same(minor):
    """Two recordings of the same run: how long each goroutine was in which state."""
    with tempfile.TemporaryDirectory() as directory, rounds(minor) as t:
        paths = [os.path.join(directory, name) for name in ("t.json", "t.perfetto-trace")]
        both = [Recording(t.pid, "-f", "trace", "--window", "60", "-o", path) for path in paths]
        t.go()
        t.truth()
        for code, _, said in (r.stop() for r in both):
            expect(code == 0, f"exit code {code}: {said}")
        chrome, perfetto = map(read, paths)
    sums = [collections.Counter() for _ in paths]
    for of, to in ((chrome, sums[0]), (perfetto, sums[1])):
        for goid, slices in of.by_goid().items():
            for s in slices:
                to[goid, s.state] += s.end - s.begin
    shared = {goid for goid, _ in sums[0]} & {goid for goid, _ in sums[1]}
    expect(len(shared) > 100, f"{len(shared)} goroutines are in both")
    for goid, state in sums[0]:
        if goid != 1 and state != "waiting":    # main reads, in a system call; one of the two recordings began before the other, when most waited
            a, b = sums[0][goid, state], sums[1][goid, state]
            expect(abs(a - b) <= 0.02 * max(a, b) + 2e6, f"goroutine {goid}: {state} {a}, and {b}")


# --- Go's execution tracer ---

MOVED = re.compile(r"StateTransition Time=(\d+) .*GoID=(\d+) (\w+)->(\w+)")
OURS = {"Running": "running", "Syscall": "running", "Runnable": "ready", "Waiting": "waiting"}


def traced(minor, path):
    """By goroutine: [(begin, end, state)] as the tracer has it."""
    text = build.run_go(["tool", "trace", "-d=1" if minor < 24 else "-d=parsed", path], build.TOOLCHAINS[minor], build.HERE)
    spans, now = collections.defaultdict(list), {}
    for at, goid, _, to in MOVED.findall(text):
        at, goid = int(at), int(goid)
        if goid in now and now[goid][1]:
            spans[goid].append((*now[goid][:1], at, now[goid][1]))
        now[goid] = at, OURS.get(to)
    return spans


def agreed(slices, spans, begin, end, alike):
    """(ns in which both say the same, ns) between these moments."""
    same = total = 0
    for a, b, state in spans:
        a, b = max(a, begin), min(b, end)
        if a >= b:
            continue
        total += b - a
        i = max(0, bisect.bisect_right(slices, a, key=lambda s: s.begin) - 1)
        while i < len(slices) and slices[i].begin < b:
            s = slices[i]
            if alike(s.state) == alike(state):
                same += max(0, min(b, s.end) - max(a, s.begin))
            i += 1
    return same, total


def states_agree_with_the_execution_tracer(minor):
    """Of each goroutine for 99 % of its time. What nobody sees is left open: when the poller makes one ready, and when one is ready after a
    system call in which it has lost its P. A thread may lose its processor between the tracer's look at the clock and ours."""
    with tempfile.TemporaryDirectory() as directory:
        path, go = os.path.join(directory, "t.json"), os.path.join(directory, "go.trace")
        said, truth = recorded(path, minor, "-f", "trace", "--window", "60", WORK_TRACE=go)
        t, theirs = read_chrome(path), traced(minor, go)
    ours = {t.goid(k): v for k, v in t.slices.items() if not t.places[k].startswith("created by runtime/trace.")}
    expect("0 lost" in said, said)
    begin = max(min(s[0].begin for s in ours.values()), min(s[0][0] for s in theirs.values()))
    end = min(max(s[-1].end for s in ours.values()), max(s[-1][1] for s in theirs.values()))
    expect(end - begin > 0.7e9, f"they have {(end - begin) / 1e9} s in common")
    compared, wrong = collections.Counter(), []
    for goid in set(ours) & set(theirs):
        alike = {"ready": "waiting"} if goid in truth["polled"] else {"ready": "running"} if goid in truth["called"] else {}
        same, total = agreed(ours[goid], theirs[goid], begin, end, lambda s, alike=alike: alike.get(s, s))
        compared["same"] += same
        compared["all"] += total
        compared["goroutines"] += 1
        if total - same > 0.01 * total + 20000 + truth["delayed"]:    # a moment of ours is some us from theirs
            wrong.append((goid, same / total, total))
    expect(compared["goroutines"] > 100, f"{compared}: too few")
    expect(compared["same"] > 0.99 * compared["all"] and not wrong, f"{compared['same'] / compared['all']:.4f} agree, but not {wrong[:10]}")


# --- bounds ---

def at_100_000_events_a_second_nothing_is_lost(minor):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "t.perfetto-trace")
        said, told = recorded(path, minor, "-d", "3", "--window", "500ms", truth=False, FAST="1")
        t = read(path)
    events, lost = map(int, re.search(r"(\d+) events, (\d+) lost", said).groups())
    expect(lost == 0 and not t.marks, f"{lost} of {events} are lost: {said}")
    had = float(re.search(r"of ([\d.]+) s\)", said)[1])
    # By the clock. Where the program's threads waited for a processor for more than a twentieth of the time, the machine is too busy to say:
    # then in the time in which they had one.
    starved = told["delayed"] > 0.05 * 3e9
    expect(events >= 100000 * 3 or (starved and events >= 100000 * had and had > 0.3),
           f"{events} events in 3 s; the program had a processor for {had} s, and waited for one for {told['delayed'] / 1e9} s: too slow to say")
    expect_sound(t)
    least, most = (f([s.begin for v in t.slices.values() for s in v]) for f in (min, max))
    expect(most - least <= 5e8, "the window is longer than was asked for")
    turns = [len(s) for track, s in t.slices.items() if "main.right" in t.names[track]]
    expect(turns and turns[0] > 10000, f"{turns} slices of main.right")


def the_oldest_go_when_the_bytes_are_used_up(minor):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "t.json")
        said, _ = recorded(path, minor, "-f", "trace", "-d", "2", "--window-bytes", "1M", truth=False, FAST="1")
        t = read(path)
    expect("--window-bytes were used up" in said and "used up" in t.about["note"], f"{t.about}: {said}")
    expect(0 < float(t.about["window_s"]) < 1.9, f"{t.about}")
    expect_sound(t)


def over_the_budget_it_ends(minor):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "t.json")
        said, _ = recorded(path, minor, "-f", "trace", "-d", "20", "--max-overhead", "1", truth=False, FAST="1")
        t = read(path)
    ended = re.search(r"recording ended after ([\d.]+) s: more would cost more than --max-overhead 1 %", said)
    expect(ended and float(ended[1]) < 10 and "estimated" not in said, said)
    expect_sound(t)


# --- filters ---

def filters_leave_others_out(minor):
    """What is not asked for has no track; hits of it send nothing."""
    for args, wanted in ((("--created-by", r"^main\.parent$"), lambda t, k: "main.parent" in t.places[k]),
                         (("--func", r"^main\.sleeper$"), lambda t, k: any(s.args.get("func") == "main.sleeper" for s in t.slices[k])),
                         (("--label", "rounds=yes"), lambda t, k: not t.names[k].endswith("runtime.main"))):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "t.json")
            said, _ = recorded(path, minor, "-f", "trace", *args)
            t = read(path)
        expect(t.slices, f"{args}: nothing is left: {said}")
        for track in t.slices:
            expect(wanted(t, track), f"{args}: {t.names[track]}, {t.places[track]}")
        expect(int(re.search(r"(\d+) hits were not asked for", said)[1]) > 10, said)


def only_the_goroutine_that_is_asked_for(minor):
    with tempfile.TemporaryDirectory() as directory, rounds(minor) as t:
        path = os.path.join(directory, "t.json")
        r = Recording(t.pid, "-f", "trace", "-o", path, "--goid", "1")
        t.go()
        t.truth()
        code, _, said = r.stop()
        expect(code == 0, f"exit code {code}: {said}")
        tl = read(path)
    expect({tl.goid(k) for k in tl.slices} == {1}, f"{tl.names}")
    expect({s.state for s in tl.by_goid()[1]} == set(STATES), f"{tl.by_goid()[1][:5]}")


# --- in a recording ---

def reported(pw, path, *args):
    code, out, said = parkwatch("report", pw, "-o", path, *args)
    expect(code == 0 and not out, f"exit code {code}: {said}")
    with open(path, "rb") as f:
        return f.read()


def a_recording_shows_it_byte_for_byte(minor):
    """Live, and of the recording beside it: all, a range of time, one goroutine. The recording is one of wake-ups as well."""
    with tempfile.TemporaryDirectory() as directory:
        path, pw, other = (os.path.join(directory, name) for name in ("t.json", "r.pw", "t.perfetto-trace"))
        recorded(path, minor, "-f", "trace", "--save", pw)
        with open(path, "rb") as f:
            expect(reported(pw, path + "2", "-f", "trace") == f.read(), "the recording says another thing")
        reported(pw, other)
        chrome, perfetto = read(path), read(other)
        expect({g: [s[:4] for s in v] for g, v in chrome.by_goid().items()} == {g: [s[:4] for s in v] for g, v in perfetto.by_goid().items()},
               "its two formats say different things")
        info = parkwatch("info", pw)[1]
        window = re.search(r"^timeline      from ([\d.]+) s to ([\d.]+) s, (\d+) goroutines, which ran \d+ times$", info, re.M)
        expect(window and int(window[3]) == len({*chrome.slices}), info)
        expect(json.loads(parkwatch("report", pw, "-f", "json")[1])["event"] == "wakeups", "it is no recording of wake-ups")
        middle = (float(window[1]) + float(window[2])) / 2
        begin = min(s.begin for v in chrome.slices.values() for s in v)
        halves = []
        for args in (("--to", f"{middle:.3f}"), ("--from", f"{middle:.3f}")):
            reported(pw, path, "-f", "trace", *args)
            halves.append(read(path))
            expect_sound(halves[-1])
        reported(pw, path, "-f", "trace", "--goid", "1")
        expect(set(read(path).by_goid()) == {1}, "others than goroutine 1 are there")
        code, _, said = parkwatch("report", pw, "-f", "trace", "--from", "1h")
        expect(code == 1 and "has a timeline of" in said, f"exit code {code}: {said}")
    cut = begin + (middle - float(window[1])) * 1e9
    for half, least, most in ((halves[0], begin, cut), (halves[1], cut, float("inf"))):
        times = [at for v in half.slices.values() for s in v for at in (s.begin, s.end)]
        expect(least - 2e6 <= min(times) and max(times) <= most + 2e6, f"{min(times)} to {max(times)}, not {least} to {most}")
    took = [sum(s.end - s.begin for v in t.slices.values() for s in v) for t in (chrome, *halves)]
    expect(abs(took[1] + took[2] - took[0]) < 1e-6 * took[0], f"of {took[0]} ns the halves have {took[1:]}")


def it_is_kept_without_being_shown(minor):
    """-o FILE.pw with --window, or with -f trace: both are recordings, and the file says of which time its timeline is."""
    with tempfile.TemporaryDirectory() as directory:
        pw, path = os.path.join(directory, "r.pw"), os.path.join(directory, "t.json")
        for args in (("--window", "200ms"), ("-f", "trace", "--window", "200ms")):
            said, _ = recorded(pw, minor, *args)
            expect("the timeline is of the last 0.2 s" in said and "report FILE.pw -f trace" in said, said)
            reported(pw, path, "-f", "trace")
            t = read(path)
            expect_sound(t)
            expect(abs(float(t.about["window_s"]) - 0.2) < 1e-6, f"{t.about}")


# --- what does not go ---

def what_has_no_timeline_says_so(minor):
    with tempfile.TemporaryDirectory() as directory, rounds(minor) as t:
        pw, path = os.path.join(directory, "r.pw"), os.path.join(directory, "t.json")
        code, _, said = parkwatch("record", "-p", t.pid, "-d", "0.2", "-e", "wakeups", "-o", pw)
        expect(code == 0, said)
        code, _, said = parkwatch("report", pw, "-f", "trace", "-o", path)
        expect(code == 1 and "record -f trace" in said and not os.path.exists(path), f"exit code {code}: {said}")
        for args, why in ((("-e", "cpu", "-f", "trace"), "has no -e"), (("-f", "trace", "--no-probes"), "needs probes"),
                          (("-f", "trace", "--root", "goid"), "no --async, --root and --requests"), (("--window", "1"), "give -f trace"),
                          (("-f", "trace", "--window-bytes", "2G", "--save", pw), "1 GB of a timeline at most")):
            code, _, said = parkwatch("record", "-p", t.pid, "-d", "1", *args)
            expect(code == 2 and why in said, f"{args}: exit code {code}: {said}")


def cases():
    for minor in build.MATRIX:
        yield f"{slices_nest_and_arrows_join.__name__} [go1.{minor} json]", lambda minor=minor: slices_nest_and_arrows_join(minor, "static", ".json")
    for mode in ("static", "pie", "cgo", "race"):
        yield (f"{slices_nest_and_arrows_join.__name__} [go1.{build.MODES_MINOR} {mode} perfetto]",
               lambda mode=mode: slices_nest_and_arrows_join(build.MODES_MINOR, mode, ".perfetto-trace"))
    for minor in (22, 23, 24, 25, 26, 27):
        yield f"{states_agree_with_the_execution_tracer.__name__} [go1.{minor}]", lambda minor=minor: states_agree_with_the_execution_tracer(minor)
    for function in (a_recording_shows_it_byte_for_byte, it_is_kept_without_being_shown, both_formats_say_the_same, at_100_000_events_a_second_nothing_is_lost,
                     the_oldest_go_when_the_bytes_are_used_up, over_the_budget_it_ends, filters_leave_others_out,
                     only_the_goroutine_that_is_asked_for, what_has_no_timeline_says_so):
        yield f"{function.__name__} [go1.26]", lambda function=function: function(26)
