# SPDX-License-Identifier: BSD-2-Clause
"""cpu: record -e cpu against Go's own CPU profile of the same work, and the kernel's count of CPU time (progs/burner)."""
import itertools
import json
import os
import re
import tempfile
from collections import defaultdict

import build
from allocs import raw_profile
from target import Recording, Target, expect, folded, parkwatch

SECONDS = "6"    # of CPU time: at 997 samples a second of it a total is off by 1.3 % by chance (a standard deviation), where others run too
OFTEN = ("-F", "997")
HZ = "250"       # of Go's own: the kernel's timers have no more (CONFIG_HZ)
POINTS = 3
PLUMBING = {"runtime." + f for f in ("goexit", "gopark", "goparkunlock", "goexit1", "mcall", "systemstack", "systemstack_switch", "newproc",
                                     "newproc1", "newproc.func1")}
# Where Go's handler finds itself when its two signals come together; the goroutine was elsewhere.
PREEMPTION = {"runtime.asyncPreempt", "runtime.asyncPreempt2"}
# Up to Go 1.17 one timer of the process sends the signal to any thread, also to one that sleeps: golang.org/issue/35057.
SLEEP = {"runtime.futex", "runtime.usleep", "runtime.epollwait"}
THREAD_TIMERS = 18
CASES = [(minor, "static") for minor in build.MATRIX] + \
        [(build.MODES_MINOR, mode) for mode in ("stripped", "pie", "cgo", "race")] + \
        [(15, "cgo"), (15, "pie"), (19, "race"), (27, "race")]


class Burnt:
    """What a burner did from "go" on: its truth, and a recording of it. own: where it writes its own profile."""

    def __init__(self, minor, mode, *args, kind="plain", own="-", seconds=SECONDS):
        # Go's runtime complains that pprof may not set the rate any more, which is what is wanted.
        command = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh", *build.built(minor, mode, "burner"), own, HZ, seconds]
        with Target(kind, command=command) as t:
            r = Recording(t.pid, "-e", "cpu", *args)
            expect(r.recording, "parkwatch does not record: " + "".join(r.said))
            t.go()
            self.truth = json.loads(t.truth())
            self.cpu_s = self.truth["cpu_s"]
            code, self.text, self.said = r.stop()
        expect(code == 0 and " 0 lost" in self.said, f"exit code {code}: {self.said}")

    def overhead(self):
        """Percent of the target's CPU time, as parkwatch says it."""
        return float(re.search(r"cost ([\d.]+) %", self.said)[1])


def named(functions, minor, race):
    """A stack, leaf first, as both profiles can have it: without what one of them leaves out. None: it does not count."""
    functions = [re.sub(r"(?<=.)\[.*\]", "[...]", f) for f in functions if f not in PLUMBING | PREEMPTION]
    if functions and minor < THREAD_TIMERS and functions[0] in SLEEP:
        return None
    detector = functions and functions[0] in ("[C]", "racecall") and "runtime.cgocall" not in functions
    if race and (detector or {"runtime._ExternalCode", "runtime._System"} & set(functions)):
        return ["C"]    # Go's own profile does not know who called the race detector
    return [f for f in functions if f not in ("[C]", "[vdso]")]    # there it is the function that called C


def shares(path, minor, race):
    """(flat, cumulative): percent by function."""
    flat, cumulative, total = defaultdict(int), defaultdict(int), 0
    text, samples = raw_profile(path)
    expect("samples/count cpu/nanoseconds" in text, f"types: {text[:300]}")
    for values, functions, _ in samples:
        stack = named(functions, minor, race)
        if stack:
            total += values[0]
            flat[stack[0]] += values[0]
            for f in set(stack):
                cumulative[f] += values[0]
    return [{f: 100 * n / total for f, n in of.items()} for of in (flat, cumulative)]


def agrees_with_gos_own_profile(minor, mode):
    with tempfile.TemporaryDirectory() as d:
        own, path = os.path.join(d, "own.pb.gz"), os.path.join(d, "cpu.pb.gz")
        b = Burnt(minor, mode, *OFTEN, "-o", path, kind="mixed", own=own)
        seen_s = sum(values[1] for values, _, _ in raw_profile(path)[1]) / 1e9
        both = zip(("flat", "cumulative"), shares(own, minor, mode == "race"), shares(path, minor, mode == "race"))
    expect(abs(seen_s / b.cpu_s - 1) < 0.03, f"{seen_s:.3f} s of CPU time, the kernel counted {b.cpu_s:.3f}")
    for what, truth, seen in both:
        for f in sorted(truth, key=truth.get, reverse=True)[:20]:
            expect(abs(seen.get(f, 0) - truth[f]) < POINTS, f"{what} {f}: {seen.get(f, 0):.1f} %, Go's own profile has {truth[f]:.1f} %")


def says_whose_goroutines_run(minor):
    """Each turn is a goroutine that (*worker).burn made; what the scheduler and the collector do is small beside it."""
    with tempfile.TemporaryDirectory() as d:
        pw = os.path.join(d, "cpu.pw")
        b = Burnt(minor, "cgo", *OFTEN, "-f", "folded", "--root=created-by", "--save", pw, seconds="2")
        lines, total = folded(b.text), sum(n for _, n in folded(b.text))
        code, out, said = parkwatch("report", pw)
        expect(code == 0 and folded(out) == lines, f"the recording says another thing: {said}{out[:300]}")
        by_goid = Burnt(minor, "cgo", *OFTEN, "-f", "folded", "--root=goid", seconds="2")
    turns = [(frames, n) for frames, n in lines if "main.(*worker).turn" in frames]
    expect({frames[0] for frames, _ in turns} == {"created by main.(*worker).burn"}, f"roots: { {frames[0] for frames, _ in turns} }")
    expect(sum(n for _, n in turns) > 0.7 * total, f"{sum(n for _, n in turns)} of {total}")
    in_c = [frames for frames, _ in turns if frames[-1] == "[C]" and "main.callsC" in frames]
    expect(in_c and all(frames.index("runtime.cgocall") == len(frames) - 2 for frames in in_c), f"C that Go called: {in_c[:3]}")
    goids = {frames[0] for frames, _ in folded(by_goid.text) if "main.(*worker).turn" in frames}
    expect(len(goids) > 20 and all(re.fullmatch(r"goroutine [1-9]\d*", g) for g in goids), f"{goids}")


# arguments, of whom they leave the samples
FILTERS = [
    (["--label", "role=reader"], ["reader"]),
    (["--label", "role=reader", "--label", "role=writer"], ["reader", "writer"]),
    (["--label", "role", "--created-by", "^main.makeOther$"], ["writer"]),
    (["--created-by", "makeOther", "--root", "created-by"], ["writer", "none"]),
    (["--func", r"main\.\(\*role\)\.burn"], ["reader", "writer", "none"]),
]


def samples_are_of_whom_is_asked_for(minor, args, roles):
    """The kernel counts the CPU time of each of its threads, and there runs one goroutine with one label."""
    b = Burnt(minor, "static", *OFTEN, "-f", "folded", *args, kind="labelled")
    lines, want = folded(b.text), sum(b.truth[r] for r in roles)
    there = sum(n for frames, n in lines if "main.(*role).burn" in frames)
    seen = sum(n for _, n in lines) / 1e9
    expect(there / 1e9 > 0.9 * seen, f"of {seen} s only {there} ns are of them, and of stacks that do not lead there: {lines}")
    expect(abs(seen / want - 1) < 0.08, f"{seen:.3f} s, by the kernel {roles} used {want:.3f} s of {b.truth}")
    sent = re.search(r"(\d+) hits were not asked for: nothing was sent; (\d+) events were left out", b.said)
    if "--func" not in args:
        left_s = int(sent[1]) / 997
        expect(int(sent[2]) == 0 and abs(left_s - (b.cpu_s - want)) < 0.1 * b.cpu_s, f"what nobody asked for was sent: {b.said}, {b.truth}")


def samples_of_each_p_are_all_of_them(minor):
    with Target("labelled", command=[*build.built(minor, "static", "burner"), "-", HZ, SECONDS], env={"GOMAXPROCS": "2"}) as t:
        each = [Recording(t.pid, "-e", "cpu", *OFTEN, "-f", "folded", "--p", p) for p in ("0", "1", "2,3")]
        expect(all(r.recording for r in each), "parkwatch does not record: " + "".join(line for r in each for line in r.said))
        t.go()
        truth = json.loads(t.truth())
        ended = [r.stop() for r in each]
    expect(all(code == 0 for code, _, _ in ended), f"{ended}")
    seen = [sum(n for frames, n in folded(out) if "main.(*role).burn" in frames) / 1e9 for _, out, _ in ended]
    want = sum(truth[r] for r in ("reader", "writer", "none"))
    expect(min(seen[:2]) > 0.1 * want and abs(sum(seen[:2]) / want - 1) < 0.08, f"{seen} s, by the kernel {want:.3f} s")
    expect(not ended[2][1], f"there is no such P: {ended[2][1][:300]}")


def a_recording_has_each_sample(minor):
    with tempfile.TemporaryDirectory() as d:
        pw = os.path.join(d, "cpu.pw")
        b = Burnt(minor, "static", *OFTEN, "-o", pw, seconds="2")
        whole = json.loads(parkwatch("report", pw, "-f", "json")[1])
        parts = [json.loads(parkwatch("report", pw, "-f", "json", *part)[1]) for part in (("--to", "1s"), ("--from", "1s"))]
        page, text = (parkwatch("report", pw, "-f", f)[1] for f in ("html", "text"))
    expect(whole["event"] == "cpu" and whole["unit"] == "nanoseconds" and whole["estimated"], f"{ {k: whole[k] for k in whole if k != 'stacks'} }")
    expect(whole["total"] == sum(p["total"] for p in parts), f"{whole['total']}, in two parts {[p['total'] for p in parts]}")
    expect(all(p["total"] and p["total_error"] for p in parts), f"an estimate without its interval: {[p['total_error'] for p in parts]}")
    samples = sum(s["count"] for s in whole["stacks"])
    expect(abs(whole["total_error"] - 1.96 * whole["total"] / samples ** 0.5) < 1e6, f"{whole['total_error']} of {samples} samples")
    expect(f"{samples} events" in b.said and "which each stands for 1 ms" in b.said, b.said)
    expect("main.leaf" in page and re.search(r"^~[\d.]+ s \+- [\d.]+ s in all", text, re.M), text[:300])


def in_a_pid_namespace_of_its_own(minor):
    """Its PID is another there, and the threads' numbers as well."""
    command = ["unshare", "--pid", "--fork", "--kill-child", *build.built(minor, "static", "burner"), "-", HZ, "1"]
    with Target("plain", command=command) as t:
        pid = int(open(f"/proc/{t.pid}/task/{t.pid}/children").read())
        r = Recording(pid, "-e", "cpu", *OFTEN, "-f", "folded", "--root=goid")
        expect(r.recording, "parkwatch does not record: " + "".join(r.said))
        t.go()
        cpu_s = json.loads(t.truth())["cpu_s"]
        code, out, said = r.stop()
    expect(code == 0, said)
    mine = sum(n for frames, n in folded(out) if frames[0] != "no goroutine" and "main.(*worker).turn" in frames)
    expect(0.6 * cpu_s < mine / 1e9 < 1.2 * cpu_s, f"{mine} ns of {cpu_s} s: {said}")


def keeps_to_the_limit(minor):
    b = Burnt(minor, "static", "-F", "10000", "-f", "folded", "--max-overhead", "0.5")
    expect("samples a second: more would cost over 0.5 %" in b.said, b.said)
    expect(b.overhead() <= 0.6, f"{b.overhead()} %: {b.said}")
    usual = Burnt(minor, "static", "-f", "folded", "--max-overhead", "1", seconds="2")
    expect("more would cost" not in usual.said and usual.overhead() < 0.2, f"99 a second: {usual.said}")


def without_a_ring_buffer(minor):
    b = Burnt(minor, "static", *OFTEN, "-f", "folded", "--transport=perf", seconds="1")
    expect(sum(n for _, n in folded(b.text)) > 0.5e9 * b.cpu_s, b.said)


def cases():
    for minor, mode in CASES:
        yield (f"cpu: {agrees_with_gos_own_profile.__name__} [go1.{minor} {mode}]",
               lambda minor=minor, mode=mode: agrees_with_gos_own_profile(minor, mode))
    for function, minors in ((says_whose_goroutines_run, [15, 26]), (a_recording_has_each_sample, [26]), (in_a_pid_namespace_of_its_own, [26]),
                             (keeps_to_the_limit, [26]), (without_a_ring_buffer, [26]), (samples_of_each_p_are_all_of_them, [16, 27])):
        for minor in minors:
            yield f"cpu: {function.__name__} [go1.{minor}]", lambda function=function, minor=minor: function(minor)
    filters = [*itertools.product((16, 27), FILTERS), *((minor, FILTERS[0]) for minor in (23, 24))]    # labels lie elsewhere from one to the next
    for minor, (args, roles) in filters:
        yield (f"cpu: {samples_are_of_whom_is_asked_for.__name__} [go1.{minor} {' '.join(args)}]",
               lambda minor=minor, args=args, roles=roles: samples_are_of_whom_is_asked_for(minor, args, roles))
