# SPDX-License-Identifier: BSD-2-Clause
"""wall: record -e wall against a program that knows for how long its goroutines do what (progs/walled)."""
import json
import os
import re
import tempfile

import build
from allocs import raw_profile
from target import Recording, Target, delay_ns, expect, folded, parkwatch, text_changed

MANY = 50000    # as progs/walled has it
STATES = ("[running]", "[ready]", "[waiting]", "[syscall]")


class Walled:
    """What a program did from "go" on, and a recording of it: of some time before and after it as well, in which nobody comes or goes."""

    def __init__(self, kind, minor, *args, prefix=(), form="json", overhead="0", seconds=None):
        with Target(kind, command=[*prefix, *build.built(minor, "static", "walled")]) as t:
            pid = t.pid
            if prefix:
                pid = int(open(f"/proc/{t.pid}/task/{t.pid}/children").read())
            r = Recording(pid, "-e", "wall", "-f", form, "--max-overhead", overhead, *(("-d", str(seconds)) if seconds else ()), *args)
            expect(r.recording, "parkwatch does not record: " + "".join(r.said))
            waited = delay_ns(pid)
            t.go()
            self.changed = text_changed(pid)
            self.truth = json.loads(t.truth())
            self.delayed_s = (delay_ns(pid) - waited) / 1e9
            code, self.text, self.said = r.wait() if seconds else r.stop()
            self.left = text_changed(pid)
        expect(code == 0, f"exit code {code}: {self.said}")
        self.report = json.loads(self.text) if form == "json" else None

    def integral_s(self):
        rest = self.report["window_s"] - self.truth["seconds"]
        return self.truth["goroutine_s"] + self.truth["before"] * rest

    def seconds(self, state, func=None):
        return sum(s["value"] for s in self.report["stacks"] if s["state"] == state and
                   (not func or func in [f["func"] for f in s["stack"]])) / 1e9


def the_sum_is_the_integral_of_their_number(minor, n):
    # A look at very many takes some time, and a signal would end the last one.
    w = Walled(str(n), minor, seconds=10 if n >= MANY else None)
    total, want = w.report["total"] / 1e9, w.integral_s()
    expect(w.report["window_s"] >= w.truth["seconds"], f"it ended before the program did: {w.truth}, {w.said}")
    expect(w.truth["before"] == n + 1 and w.truth["goroutine_s"] > 1.005 * w.truth["before"] * w.truth["seconds"], f"nobody came: {w.truth}")
    expect(abs(total / want - 1) < 0.01, f"{total} s, the program has {want} s: {w.said}")
    expect(w.report["estimated"] and 0 < w.report["total_error"], f"an estimate without an interval: {w.said}")
    number = r"([\d.e+-]+) \+- ([\d.e+-]+) s"
    told = re.search(f"goroutines x time, estimated from looks: {number}: {number} running .*, {number} ready, {number} waiting, {number} in system calls or C", w.said)
    expect(told and abs(float(told[1]) / total - 1) < 0.001, w.said)
    parts = [float(told[i]) for i in (3, 5, 7, 9)]
    expect(abs(sum(parts) / total - 1) < 0.01 and all(float(told[i]) > 0 for i in (2, 8)), f"the parts and their intervals: {w.said}")


def each_state_has_its_time(minor):
    w = Walled("states", minor)
    s, said = w.report["window_s"], w.said
    for state, func, want, within in (("running", "main.spin", s, 0.1), ("syscall", "main.readPipe", s, 0.01),
                                      ("waiting", "main.lockIt", 10 * s, 0.01), ("waiting", "main.worker", 10 * s, 0.01),
                                      ("waiting", "main.request", 10 * s, 0.01)):
        # One that runs is ready now and then: the scheduler takes turns
        got = w.seconds(state, func) + (w.seconds("ready", func) if state == "running" else 0)
        expect(abs(got / want - 1) < within, f"{func} {state} for {got} s of {want}: {said}")
    read = max((x for x in w.report["stacks"] if "main.readPipe" in [f["func"] for f in x["stack"]]), key=lambda x: x["value"])
    expect(re.fullmatch(r"read fd \d+, pipe:\[\d+\].*", read["reason"]) and read["value"] > 0.9e9 * s, f"{read}")
    lock = {x["reason"] for x in w.report["stacks"] if "main.lockIt" in [f["func"] for f in x["stack"]]}
    expect(lock == {"sync.Mutex.Lock"}, f"{lock}")


def one_that_may_run_and_has_no_processor_is_ready(minor):
    w = Walled("ready", minor)
    s = w.report["window_s"]
    ready, running = w.seconds("ready", "main.spin"), w.seconds("running", "main.spin")
    expect(abs(ready / s - 1) < 0.1 and abs(running / s - 1) < 0.1, f"of {s} s {ready} ready, {running} running: {w.said}")


def lines_begin_with_the_state(minor):
    with tempfile.TemporaryDirectory() as d:
        pw, page = os.path.join(d, "wall.pw"), os.path.join(d, "wall.html")
        w = Walled("states", minor, "--root", "created-by", "--save", pw, form="folded")
        again = parkwatch("report", pw)[1]
        expect(again == w.text, f"the recording says another thing:\n{again[:600]}\n{w.text[:600]}")
        busy, out, said = parkwatch("report", pw, "--busy", "-f", "json")
        text = parkwatch("report", pw, "-f", "text")[1]
        first = json.loads(parkwatch("report", pw, "-f", "json", "--to", "1s")[1])
        until = re.search(r"^0 s to ([\d.]+) s of", first["only"])[1]    # whole intervals: there the next one begins
        parts = [first, json.loads(parkwatch("report", pw, "-f", "json", "--from", until + "s")[1])]
        parkwatch("report", pw, "-o", page)
        with open(page) as f:
            html = f.read()
    lines = folded(w.text)
    expect({frames[0] for frames, _ in lines} <= set(STATES), f"{ {frames[0] for frames, _ in lines} }")
    expect({frames[0] for frames, _ in lines} >= {"[running]", "[waiting]", "[syscall]"}, f"{ {frames[0] for frames, _ in lines} }")
    spins = [frames for frames, _ in lines if "main.spin" in frames]
    expect(spins and all(frames[1] == "created by main.states" for frames in spins), f"{spins}")
    expect(any(frames[-1] == "[sync.Mutex.Lock]" for frames, _ in lines), w.text[:600])
    total = sum(n for _, n in lines)
    # parts are of whole intervals, which meet; what was counted beside the looks corrects the whole only
    expect(abs(sum(p["total"] for p in parts) / total - 1) < 0.01, f"{total}, in two parts {[p['total'] for p in parts]}")
    ran = [sum(s["value"] for s in p["stacks"] if s["state"] == "running" and s["stack"]) for p in parts]
    expect(all(ran), f"who runs is not told in parts: {ran}")
    expect(re.search(r"\[waiting\]  \[sync\.Mutex\.Lock\]  created by main\.states", text) and "seen " in text, text[:600])
    expect('"[waiting]"' in html and "main.lockIt" in html, "the page has no states")
    idle = sum(n for frames, n in lines if frames[-1] in ("[chan receive]",) and "main.worker" in frames)
    busy_stacks = json.loads(out)
    expect(busy == 0 and "are left out" in said and "left out" in busy_stacks["only"], said)
    expect(abs(busy_stacks["total"] + idle - total) < 0.1 * idle, f"{busy_stacks['total']} + {idle} of {total}")
    funcs = {f["func"] for s in busy_stacks["stacks"] for f in s["stack"]}
    expect("main.worker" not in funcs and {"main.request", "main.lockIt"} <= funcs, f"{funcs}")


def each_system_call_is_known(minor, *args):
    """As often and for as long as the program says, which looks at its clock before and after each; one that goes on all the time, too."""
    w = Walled("calls", minor, *args, overhead="1")
    said, s = w.said, w.report["window_s"]
    known = re.search(r"in system calls or C \((\d+) calls, each of them known\)", said)
    expect(known and "hits of system calls" in said, said)
    for func, truth in w.truth["calls"].items():
        rows = [r for r in w.report["stacks"] if r["state"] == "syscall" and func in [f["func"] for f in r["stack"]]]
        count, ns = sum(r["count"] for r in rows), sum(r["value"] for r in rows)
        expect(abs(count - truth["count"]) <= len(rows), f"{func}: {count} calls, {truth['count']} in truth: {said}")    # shares are rounded
        # between the end of the call and its look at the clock it may wait for a processor
        off = truth["seconds"] - ns / 1e9
        expect(-0.01 * truth["seconds"] < off < 0.01 * truth["seconds"] + 2e-5 * truth["count"] + w.delayed_s, f"{func}: {ns / 1e9} s of {truth['seconds']}: {said}")
    expect(abs(w.seconds("syscall", "main.readPipe") / s - 1) < 0.002, f"{w.seconds('syscall', 'main.readPipe')} s of {s}: {said}")
    expect(w.changed and not w.left, f"probes: {w.changed} pages of its code are changed, {w.left} afterwards")
    everybody = w.integral_s() + len(w.truth["calls"]) * w.truth["seconds"]    # who calls was made for it
    expect(abs(w.report["total"] / 1e9 / everybody - 1) < 0.015, f"{w.report['total']}, the program has {everybody} s: {said}")


def what_would_cost_too_much_is_estimated(minor):
    """A program that does nothing but call the system: looks tell of it, and it is said why."""
    command = build.built(minor, "static", "walled")
    with Target("storm", command=command) as t:
        r = Recording(t.pid, "-e", "wall", "-f", "json", "--max-overhead", "1")
        expect(r.recording, "".join(r.said))
        t.go()
        truth = json.loads(t.truth())
        code, text, said = r.stop()
    expect(code == 0 and "to tell each of them would cost more than --max-overhead allows" in said and "each of them known" not in said, f"{code}: {said}")
    rows = [x for x in json.loads(text)["stacks"] if x["state"] == "syscall" and "main.readZero" in [f["func"] for f in x["stack"]]]
    seconds, error = sum(x["value"] for x in rows) / 1e9, sum(x["error"] for x in rows) / 1e9
    expect(error > 0 and seconds > 0.05 * truth["calls"]["main.readZero"]["seconds"], f"{seconds} +- {error} s of {truth}: {said}")
    lost, used = map(float, re.search(r"cost .* = ([\d.e+-]+) s of ([\d.e+-]+) s\)", said).groups())
    expect(lost < 0.012 * used + 0.01, f"{lost} s of {used}: {said}")


def idle_ones_are_left_out_and_how_much_is_said(minor):
    w = Walled("states", minor, "--busy")
    s = w.report["window_s"]
    expect(w.seconds("waiting", "main.worker") == 0 and w.seconds("waiting", "main.handle") > 9 * s, f"{w.report['only']}")
    told = re.search(r"idle goroutines are left out: ~([\d.]+) \+- [\d.]+ s of ~([\d.]+) \+- [\d.]+ s", w.said)
    expect(told and abs(float(told[1]) / (10 * s) - 1) < 0.15 and float(told[2]) > 30 * s, w.said)


def pprof_has_the_state_at_the_root(minor):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "wall.pb.gz")
        Walled("states", minor, "-o", path, form="pprof")
        text, samples = raw_profile(path)
    expect("samples/count wall/nanoseconds" in text, text[:300])
    expect(samples and all(functions[-1] in STATES for _, functions, _ in samples), f"{[f[-1] for _, f, _ in samples][:9]}")
    locked = [labels for _, functions, labels in samples if "main.lockIt" in functions]
    expect(locked and all("state:[waiting]" in "".join(labels) for labels in locked), f"{locked}")


def without_bpf(minor):
    """All but where those are that run."""
    w = Walled("states", minor, "--no-probes")
    s = w.report["window_s"]
    expect(not w.changed, f"{w.changed} pages of its code are not as they were: something is probed")
    expect(abs(w.seconds("running") / s - 1) < 0.15 and not w.seconds("running", "main.spin"), w.said)
    expect(abs(w.seconds("syscall", "main.readPipe") / s - 1) < 0.01, w.said)


def filters_hold_for_each_state(minor):
    w = Walled("states", minor, "--created-by", r"^main\.states$", "--state", "running,syscall")
    expect({x["state"] for x in w.report["stacks"]} == {"running", "syscall"}, f"{w.report['stacks'][:3]}")
    spin = Walled("states", minor, "--func", r"^main\.(spin|readPipe)$")
    funcs = {f["func"] for x in spin.report["stacks"] for f in x["stack"]}
    expect("main.lockIt" not in funcs and {"main.spin", "main.readPipe"} <= funcs, f"{funcs}")
    expect(abs(spin.seconds("running", "main.spin") / spin.report["window_s"] - 1) < 0.1, spin.said)


def keeps_to_the_limit(minor):
    w = Walled("1000", minor, overhead="1")
    lost, used = map(float, re.search(r"cost .* = ([\d.e+-]+) s of ([\d.e+-]+) s\)", w.said).groups())
    took = re.search(r"which took ([\d.]+) %", w.said)
    lost += float(took[1]) / 100 * used if took else 0
    # a program that hardly runs counts as one that uses a tenth of a processor
    expect(lost < 0.012 * max(used, 0.1 * w.report["window_s"]), f"{lost} s of {used}: {w.said}")
    expect(abs(w.report["total"] / 1e9 / w.integral_s() - 1) < 0.01, w.said)


def in_a_pid_namespace_of_its_own(minor):
    w = Walled("states", minor, prefix=("unshare", "--pid", "--fork", "--kill-child"))
    expect(any(x["reason"].startswith("read fd ") for x in w.report["stacks"]), f"{[x['reason'] for x in w.report['stacks']]}")


def cases():
    for minor, n in ((26, 10), (26, 1000), (26, 50000), (15, 1000), (21, 1000), (27, 1000)):
        yield (f"wall: {the_sum_is_the_integral_of_their_number.__name__} [go1.{minor} {n}]",
               lambda minor=minor, n=n: the_sum_is_the_integral_of_their_number(minor, n))
    for function, minors in ((each_state_has_its_time, [15, 19, 26, 27]), (each_system_call_is_known, [15, 17, 21, 26, 27]),
                             (what_would_cost_too_much_is_estimated, [26]), (one_that_may_run_and_has_no_processor_is_ready, [26]),
                             (lines_begin_with_the_state, [26]), (idle_ones_are_left_out_and_how_much_is_said, [26]),
                             (pprof_has_the_state_at_the_root, [26]), (without_bpf, [26]), (filters_hold_for_each_state, [26]),
                             (keeps_to_the_limit, [26]), (in_a_pid_namespace_of_its_own, [26])):
        for minor in minors:
            yield f"wall: {function.__name__} [go1.{minor}]", lambda function=function, minor=minor: function(minor)
