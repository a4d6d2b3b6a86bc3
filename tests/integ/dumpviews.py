# SPDX-License-Identifier: BSD-2-Clause
"""dumpviews: the formats of dump agree with each other and with pprof's own; filters, groups, order and differences are right."""
import collections
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import build
from dump import dump, frames, goroutines, plain, report, word
from goroutines import Dumped, traceback
from outputs import FLAMEGRAPH
from servesinks import profile_of
from target import expect, parkwatch

DEBUG1_FRAMES = 25    # compared: before Go 1.23 a goroutine profile has 32 pcs of a stack, which may be more frames


class Idle(Dumped):
    """A program in which nothing moves any more: each dump of it says the same."""

    def __init__(self, minor=build.MODES_MINOR, kind="parked"):
        super().__init__(kind, minor)

    def __enter__(self):
        super().__enter__()
        self.settled()
        self.server = super().truth()["server"]
        while goroutines(self.pid)[self.server]["status"] == "running":    # it still writes
            pass
        return self


def whole(t, *args):
    return json.loads(dump(t.pid, "--format", "json", *args)[0])


def timeless(g):
    g = {k: v for k, v in g.items() if k != "wait_ns"}
    g["waits_for"] = [{k: v for k, v in o.items() if k != "when_ns"} for o in g["waits_for"]]
    return g


def same_counts(got, want, what):
    more, fewer = got - want, want - got
    expect(not more and not fewer, f"{what}: {len(more)} besides, as {list(more.items())[:1]}; "
                                   f"{len(fewer)} missing, as {list(fewer.items())[:1]}")


def json_and_jsonl_are_the_same_objects(minor):
    with Idle(minor) as t:
        one, lines = whole(t), goroutines(t.pid)
        expect({g["goid"]: timeless(g) for g in one["goroutines"]} == {i: timeless(g) for i, g in lines.items()},
               "json and jsonl differ")
        expect(one["target"]["pid"] == t.pid and one["target"]["go"].startswith("go" + build.TOOLCHAINS[minor]) and
               one["target"]["exe"] == os.readlink(f"/proc/{t.pid}/exe"), f"target: {one['target']}")
        expect(one["unsettled"] == 0 and one["refused"] == 0, f"{one['unsettled']} unsettled, {one['refused']} refused")


def funcs(g):
    return [f.func for f in frames(g)]


def own(names):
    """Without what stacks of profiles leave out: the runtime's plumbing, and the state that stands as the last frame."""
    return [f for f in names if not f.startswith(("runtime.", "[")) and f != "panic"]


def folded_lines_are_the_same_goroutines(minor):
    with Idle(minor) as t:
        lines, blocks = goroutines(t.pid).values(), traceback(dump(t.pid, "--full")[0]).values()
        out, full = (dump(t.pid, "--format", "folded", *args)[0] for args in ([], ["--full"]))
    usual = collections.Counter((tuple(own(funcs(g)[::-1])), f"[{word(g)}]") for g in lines)
    all_of_them = collections.Counter((tuple(plain(f.func) for f in b.frames[::-1]), f"[{b.state}]") for b in blocks)
    for text, pick, want in ((out, own, usual), (full, list, all_of_them)):
        got = collections.Counter()
        for line in text.splitlines():
            m = FLAMEGRAPH.match(line)
            expect(m, f"flamegraph.pl cannot read {line!r}")
            *names, leaf = m[1].split(";")
            got[tuple(pick([plain(name) for name in names])), leaf] += int(m[2])
        same_counts(got, want, "folded" if pick is own else "folded --full")


def pprof_samples(minor, path):
    """(frames, labels) -> count, innermost first, as go tool pprof reads the profile."""
    raw = build.run_go(["tool", "pprof", "-raw", path], build.TOOLCHAINS[minor], os.path.dirname(path))
    expect("goroutine/count" in raw, f"types: {raw[:300]}")
    head, _, rest = raw.partition("Samples:\n")
    samples, _, locations = rest.partition("Locations\n")
    funcs, counts, last = collections.defaultdict(list), collections.Counter(), None
    for line in locations.partition("Mappings\n")[0].splitlines():
        m = re.match(r"\s*(?:(\d+): 0x[0-9a-f]+ (?:M=\d+ )?)?(\S.*) (\S+):(\d+)(?::\d+)? s=\d+", line)
        if m:
            last = m[1] or last
            funcs[last].append(plain(m[2]))
    for line in samples.splitlines():
        m = re.fullmatch(r"\s*(\d+): ([\d ]+)", line)
        if m:
            counts[tuple(f for i in m[2].split() for f in funcs[i])] += int(m[1])
    return counts


def go_tool_pprof_reads_the_same_goroutines(minor):
    with Idle(minor) as t, tempfile.TemporaryDirectory() as d:
        lines = goroutines(t.pid).values()
        path = os.path.join(d, "dump.pb.gz")
        dump(t.pid, "-o", path)
        counts = pprof_samples(build.MODES_MINOR, path)
        top = build.run_go(["tool", "pprof", "-top", "-cum", path], build.TOOLCHAINS[build.MODES_MINOR], d)
    expect(f"Showing nodes accounting for {len(lines)}, 100% of {len(lines)} total" in top, f"-top: {top[:400]}")
    got, want = collections.Counter(), collections.Counter()
    for stack, n in counts.items():
        got[tuple(own(stack))] += n
    for g in lines:
        want[tuple(own(funcs(g)))] += 1
    same_counts(got, want, "pprof")


def a_profile_for_otlp_has_the_same_goroutines(minor):
    with Idle(minor) as t, tempfile.TemporaryDirectory() as d:
        lines = goroutines(t.pid).values()
        dump(t.pid, "-o", os.path.join(d, "dump.otlp"))
        of, kind, unit, samples, seconds = profile_of(Path(d, "dump.otlp").read_bytes())
    expect((kind, unit, seconds, of["process.pid"]) == ("goroutine", "count", 0, t.pid), f"{of} {kind}")
    got, want = collections.Counter(), collections.Counter()
    for (functions, told), n in samples.items():
        got[tuple(own([plain(f) for f in functions[::-1]])), dict(told)["state"]] += n
    for g in lines:
        want[tuple(own(funcs(g))), word(g)] += 1
    same_counts(got, want, "otlp")


def debug1_of_pprof_counts_the_same(minor):
    with Idle(minor) as t:
        text, lines, server = t.ask("debug1"), goroutines(t.pid), t.server
    got, want = collections.Counter(), collections.Counter()
    for goid, g in lines.items():
        if goid != server:
            got[tuple(debug1_frames(g)[:DEBUG1_FRAMES])] += 1
    for block in text.split("\n\n"):
        m = re.match(r"(?:goroutine profile: total \d+\n)?(\d+) @", block)
        places = re.findall(r"^#\t0x[0-9a-f]+\t(\S+)\+0x[0-9a-f]+\s+(\S+:\d+)$", block, re.M)
        stack = tuple(f"{plain(func)} {place}" for func, place in places)
        if m and not any(".serve " in f for f in stack):
            want[stack[:DEBUG1_FRAMES]] += int(m[1])
    same_counts(got, want, "debug=1")


def debug1_frames(g):
    """runtime/pprof printStackRecord: neither the runtime's frames at the beginning, if there are others, nor runtime.goexit."""
    known = [f for f in frames(g) if f.func != "runtime.goexit"]
    out = list(itertools.dropwhile(lambda f: re.match("runtime\\.|internal/runtime/", f.func), known)) or known
    return [f"{f.func} {f.file}:{f.line}" for f in out]


def the_html_page_has_all_of_them(minor):
    with Idle(minor) as t, tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "dump.html")
        code, _, said = parkwatch("dump", "-p", t.pid, "-o", path)
        expect(code == 0, f"exit code {code}: {said}")
        with open(path) as f:
            page = f.read()
    outside = re.search(r"""<(script|link|img|iframe)[^>]+(src|href)\s*=|@import|url\(\s*['"]?(https?:)?//""", page)
    expect(not outside, f"the page loads {outside and outside[0]!r}")
    for name in ("main.receive", "main.selectMany", "chan receive (nil chan)", "main.deep"):
        expect(name in page, f"no {name} in the page")



FILTERS = [
    (["--state", "waiting"], lambda g: g["status"] == "waiting"),
    (["--state", "syscall,running"], lambda g: g["status"] in ("syscall", "running")),
    (["--wait", "chan receive"], lambda g: g["reason"] == "chan receive"),
    (["--wait", "chan*"], lambda g: (g["reason"] or "").startswith("chan")),
    (["--wait", "select", "--wait", "sleep"], lambda g: g["reason"] in ("select", "sleep")),
    (["--func", r"^main\.deep$"], lambda g: "main.deep" in funcs(g)),
    (["--func", r"pollDesc|Cond\)\.Wait"], lambda g: any(re.search(r"pollDesc|Cond\)\.Wait", f) for f in funcs(g))),
    (["--func", r"^main\.receive$", "--func", "RLock"],
     lambda g: any(re.search(r"^main\.receive$|RLock", f) for f in funcs(g))),
    (["--created-by", r"main\.shapes$"], lambda g: g["created_by"] and g["created_by"]["func"] == "main.shapes"),
    (["--label", "key0=value of 0"], lambda g: g["labels"].get("key0") == "value of 0"),
    (["--label", "key26"], lambda g: "key26" in g["labels"]),
    (["--label", "key0=value"], lambda g: False),
    (["--not", "wait=chan receive"], lambda g: g["reason"] != "chan receive"),
    (["--not", r"func=^main\.receive$"], lambda g: "main.receive" not in funcs(g)),
    (["--not", "label=key0"], lambda g: "key0" not in g["labels"]),
    (["--not", r"created-by=main\."], lambda g: not (g["created_by"] and "main." in g["created_by"]["func"])),
    (["--not", "state=waiting"], lambda g: g["status"] != "waiting"),
]


def each_filter_takes_what_it_says(minor):
    with Idle(minor) as t:
        everything = goroutines(t.pid)
        for args, takes in FILTERS:
            want = {i for i, g in everything.items() if takes(g)}
            got = set(goroutines(t.pid, *args))
            expect(got == want, f"{args}: missing {sorted(want - got)}, besides {sorted(got - want)}")
        some = sorted(everything)[3:6]
        for goids, want in ((",".join(map(str, some)), set(some)), ("999999", set())):
            got = set(goroutines(t.pid, "--goid", goids))
            expect(got == want, f"--goid {goids}: {got}")
        got = set(goroutines(t.pid, "--not", f"goid={some[0]}"))
        expect(got == set(everything) - {some[0]}, f"--not goid={some[0]}: {len(got)} of {len(everything)}")


def filters_combine(minor):
    """All of them must hold, whatever the format."""
    with Idle(minor) as t:
        everything = goroutines(t.pid)
        for i, (args, takes) in enumerate(FILTERS):
            more, takes_too = FILTERS[(i + 5) % len(FILTERS)]
            if args[0] == more[0] != "--not":
                continue
            want = {i for i, g in everything.items() if takes(g) and takes_too(g)}
            got = set(goroutines(t.pid, *args, *more))
            expect(got == want, f"{args + more}: missing {sorted(want - got)}, besides {sorted(got - want)}")
            text = set(traceback(dump(t.pid, *args, *more)[0]))
            expect(text == want, f"{args + more} as text: {text}, want {want}")
            lines = dump(t.pid, "--format", "folded", *args, *more)[0].splitlines()
            expect(sum(int(line.rpartition(" ")[2]) for line in lines) == len(want), f"{args + more} folded: {lines[:3]}")


def a_filter_by_processor(minor):
    with Dumped("busy", minor) as t:
        seen = 0
        for _ in range(20):
            for p in (0, 1):
                found = goroutines(t.pid, "--p", p)
                seen += len(found)
                expect(all(g["p"] == p for g in found.values()), f"--p {p}: {[g.get('p') for g in found.values()]}")
            expect(not goroutines(t.pid, "--p", 77), "there is no processor 77")
        expect(seen, "nobody was ever seen on a processor")


def generations(t):
    """Goroutines of two ages, told apart by 300 ms."""
    for _ in range(3):
        t.ask("gc")
    collected = time.monotonic_ns()
    while time.monotonic_ns() < collected + 300_000_000:
        time.sleep(0.01)
    t.ask("more 5")
    t.settled()
    for _ in range(3):
        t.ask("gc")
    ages = {i: g["wait_ns"] for i, g in goroutines(t.pid).items()}
    return ages, {i for i, g in goroutines(t.pid).items() if "main.extra" in funcs(g)}


def older_takes_those_known_to_be(minor):
    with Idle(minor) as t:
        ages, young = generations(t)
        expect(len(young) == 5 and all(ages[i] is not None for i in young), f"ages {[ages[i] for i in young]}")
        old = {i for i, age in ages.items() if age is not None} - young
        for _ in range(20):
            began = time.monotonic_ns()
            ages = {i: g["wait_ns"] for i, g in goroutines(t.pid).items()}
            edge = min(ages[i] for i in old) // 1_000_000
            apart = edge * 1_000_000 - max(ages[i] for i in young)
            expect(apart > 50_000_000, "the ages are not told apart")
            got = set(goroutines(t.pid, "--older", f"{edge}ms"))
            if time.monotonic_ns() - began < apart:    # else the young ones have become as old meanwhile
                break
        expect(got == old, f"--older: missing {sorted(old - got)}, besides {sorted(got - old)}")
        got = set(goroutines(t.pid, "--older", "1h"))
        expect(not got, f"--older 1h: {got}")
        by_age = [g["wait_ns"] for g in goroutines(t.pid, "--sort", "age").values()]
        known = [age for age in by_age if age is not None]
        expect(by_age[:len(known)] == sorted(known, reverse=True), f"--sort age: {by_age}")


def order_and_top(minor):
    with Idle(minor) as t:
        for sort in (None, "goid", "stack", "state"):
            args = ["--sort", sort] if sort else []
            lines, top = list(goroutines(t.pid, *args).values()), list(goroutines(t.pid, *args, "--top", 7))
            order = [g["goid"] for g in lines]
            expect(top == order[:7], f"--sort {sort} --top 7: {top}")
            expect(list(traceback(dump(t.pid, *args)[0])) == order, f"--sort {sort}: the text has another order")
            expect(sort not in (None, "goid") or order == sorted(order), f"--sort {sort}: {order[:10]}")
            common = collections.Counter(json.dumps(g["stack"]) for g in lines)
            sizes = [common[json.dumps(g["stack"])] for g in lines]
            expect(sort != "stack" or sizes == sorted(sizes, reverse=True), f"--sort stack: {sizes}")
            words = [key for key, _ in itertools.groupby(lines, word)] if sort == "state" else []
            expect(len(words) == len(set(words)), f"--sort state: {words}")
        expect(len(goroutines(t.pid, "--top", 100000)) == len(goroutines(t.pid)), "--top of more than there are")


def objects(g):
    return [(o["kind"], o["addr"]) for o in g["waits_for"] if "addr" in o]


GROUPS = {
    "site": lambda g: [json.dumps(g["created_by"], sort_keys=True)],
    "stack": lambda g: [json.dumps(g["stack"], sort_keys=True)],
    "wait": lambda g: [word(g)],
    "label": lambda g: [json.dumps(g["labels"], sort_keys=True)],
    "object": lambda g: sorted(set(objects(g))) or ["none"],
}


def groups_count_what_they_have_in_common(minor):
    with Idle(minor) as t:
        lines = goroutines(t.pid)
        report(wrong for by in GROUPS for wrong in group_wrong(t, lines, by))


def group_wrong(t, lines, by):
    sort, members = f"--group {by}", collections.defaultdict(set)
    for goid, g in lines.items():
        for key in GROUPS[by](g):
            members[key].add(goid)
    groups = json.loads(dump(t.pid, "--group", by, "--format", "json")[0])["groups"]
    counts, want = [group["count"] for group in groups], sorted(map(len, members.values()), reverse=True)
    if counts != want:
        yield sort, f"{counts[:20]}... {len(counts)}, want {want[:20]}... {len(want)}"
    for group in groups:
        if not any(set(group["goids"]) <= m and len(m) == group["count"] for m in members.values()):
            yield sort + " members", f"{group['goids']} of {group['count']} have nothing in common"
    text = [int(n) for n in re.findall(r"^(\d+) goroutines?\b", dump(t.pid, "--group", by)[0], re.M)]
    if text != counts:
        yield sort + " as text", f"{text}, as json {counts}"
    top = json.loads(dump(t.pid, "--group", by, "--top", 3, "--format", "json")[0])["groups"]
    if [g["count"] for g in top] != counts[:3]:
        yield sort + " --top 3", f"{[g['count'] for g in top]}"


def a_difference_is_what_went_and_came(minor):
    with Idle(minor) as t, tempfile.TemporaryDirectory() as d:
        t.ask("more 10")
        t.settled()
        before = goroutines(t.pid)
        for name in ("old.json", "old.jsonl"):
            dump(t.pid, "-o", os.path.join(d, name))
        t.ask("fewer 4")
        t.ask("more 3")
        t.settled()
        after = goroutines(t.pid)
        want = {"appeared": set(after) - set(before), "went": set(before) - set(after), "stayed": set(before) & set(after)}
        expect([len(want[k]) for k in ("appeared", "went")] == [3, 4], f"the program has {want}")
        for name in ("old.json", "old.jsonl"):
            said = json.loads(dump(t.pid, "--diff", os.path.join(d, name), "--format", "json")[0])
            got = {k: {g["goid"] for g in said[k]} for k in want}
            expect(got == want, f"{name}: {[(k, sorted(got[k] ^ want[k])) for k in want]}")
        text = dump(t.pid, "--diff", os.path.join(d, "old.json"))[0]
        for k, goids in want.items():
            m = re.search(rf"^{k}: (\d+) goroutines?", text, re.M)
            expect(m and int(m[1]) == len(goids), f"{k} as text: {text[:300]}")
        said = json.loads(dump(t.pid, "--diff", os.path.join(d, "old.json"), "--format", "json", "--func", r"^main\.extra$")[0])
        stayed = {g["goid"] for g in said["stayed"]}
        expect(stayed == {i for i in want["stayed"] if "main.extra" in funcs(after[i])}, f"with --func: {stayed}")
        with Dumped("labels", minor) as other:
            code, out, why = parkwatch("dump", "-p", other.pid, "--diff", os.path.join(d, "old.json"))
        expect(code == 1 and not out and len(why.splitlines()) == 1, f"of another program: exit code {code}, {why!r}")


def what_makes_no_sense_is_refused_in_one_line(minor):
    with Dumped("labels", minor) as t:
        for args in (["--func", "("], ["--created-by", "["], ["--not", "func=("], ["--not", "nonsense=1"], ["--not", "func"],
                     ["--goid", "x"], ["--p", "x"], ["--older", "soon"], ["--group", "x"], ["--sort", "x"], ["--top", "x"],
                     ["--format", "tiff"], ["--state", "asleep"], ["--nonsense"], ["more"]):
            code, out, said = parkwatch("dump", "-p", t.pid, *args)
            expect(code == 2 and not out and len(said.splitlines()) == 1, f"{args}: exit code {code}, {out[:100]!r} {said!r}")
        for args in (["--diff", "/nowhere/at/all"], ["--diff", "/etc/passwd"]):
            code, out, said = parkwatch("dump", "-p", t.pid, *args)
            expect(code == 1 and not out and len(said.splitlines()) == 1, f"{args}: exit code {code}, {out[:100]!r} {said!r}")
    code, _, said = parkwatch("dump")
    expect(code == 2 and len(said.splitlines()) == 1, f"without -p: exit code {code}, {said!r}")


def panicparse():
    """The program pp, which reads tracebacks of Go for people."""
    module = "github.com/maruel/panicparse/v2/cmd/pp@v2.3.1"

    def make(path):
        with tempfile.TemporaryDirectory() as d:
            try:
                build.run_go(["install", module], None, d, GOBIN=d)
            except RuntimeError as e:
                raise build.Missing(f"{module} cannot be fetched: {str(e).splitlines()[-1]}") from e
            shutil.move(os.path.join(d, "pp"), path)
    return build.build_once("panicparse-2.3.1", "", [], make)


def panicparse_reads_the_text(minor):
    """It folds goroutines with equal stacks into buckets `N: state ... [Created by ...]` with their frames below."""
    program = panicparse()
    with Idle(minor) as t:
        text, lines = dump(t.pid)[0], goroutines(t.pid).values()
    done = subprocess.run([str(program), "-aggressive"], input=text, capture_output=True, text=True)
    expect(not done.returncode and not done.stderr, f"exit code {done.returncode}: {done.stderr[:300]}")
    buckets = re.findall(r"^(\d+): ", done.stdout, re.M)
    expect(sum(map(int, buckets)) == len(lines), f"{sum(map(int, buckets))} goroutines, want {len(lines)}: {done.stdout[:300]}")


CASES = [
    (panicparse_reads_the_text, (26, 15)),
    (json_and_jsonl_are_the_same_objects, (26, 19, 15)), (folded_lines_are_the_same_goroutines, (26, 19, 15)),
    (go_tool_pprof_reads_the_same_goroutines, (26, 19, 15)), (a_profile_for_otlp_has_the_same_goroutines, (26,)), (debug1_of_pprof_counts_the_same, (27, 26, 23, 19, 15)),
    (the_html_page_has_all_of_them, (26,)), (each_filter_takes_what_it_says, (26, 19, 15)), (filters_combine, (26,)),
    (a_filter_by_processor, (26, 19)), (older_takes_those_known_to_be, (26, 19)), (order_and_top, (26,)),
    (groups_count_what_they_have_in_common, (26, 19)), (a_difference_is_what_went_and_came, (26, 19)),
    (what_makes_no_sense_is_refused_in_one_line, (26,)),
]


def cases():
    for function, minors in CASES:
        for minor in minors:
            yield f"dump: {function.__name__} [go1.{minor}]", lambda f=function, m=minor: f(m)
