# SPDX-License-Identifier: BSD-2-Clause
"""dumpviews: the formats of dump agree with each other and with pprof's own; filters, groups, order and differences are right."""
import collections
import json
import os
import re
import tempfile

import build
from dump import dump, frames, goroutines, plain, word
from goroutines import Dumped, shown, traceback
from outputs import FLAMEGRAPH
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
    expect(not more and not fewer, f"{what}: {len(more)} besides {list(more.items())[:1]}, {len(fewer)} missing {list(fewer.items())[:1]}")


def json_and_jsonl_are_the_same_objects(minor):
    with Idle(minor) as t:
        one, lines = whole(t), goroutines(t.pid)
        expect({g["goid"]: timeless(g) for g in one["goroutines"]} == {i: timeless(g) for i, g in lines.items()},
               "json and jsonl differ")
        expect(one["target"]["pid"] == t.pid and one["target"]["go"].startswith("go" + build.TOOLCHAINS[minor]) and
               one["target"]["exe"] == os.readlink(f"/proc/{t.pid}/exe"), f"target: {one['target']}")
        expect(one["unsettled"] == 0 and one["refused"] == 0, f"{one['unsettled']} unsettled, {one['refused']} refused")


def folded_lines_are_the_same_goroutines(minor):
    with Idle(minor) as t:
        lines = goroutines(t.pid).values()
        out = dump(t.pid, "--format", "folded")[0]
        full = dump(t.pid, "--format", "folded", "--full")[0]
    for text, pick in ((out, shown), (full, list)):
        got = collections.Counter()
        for line in text.splitlines():
            m = FLAMEGRAPH.match(line)
            expect(m, f"flamegraph.pl cannot read {line!r}")
            got[tuple(f for f in m[1].split(";") if not f.startswith("["))] += int(m[2])
        want = collections.Counter(tuple(f.func for f in reversed(pick(frames(g)))) for g in lines)
        same_counts(got, want, "folded" if pick is shown else "folded --full")


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
        got = pprof_samples(build.MODES_MINOR, path)
        top = build.run_go(["tool", "pprof", "-top", "-cum", path], build.TOOLCHAINS[build.MODES_MINOR], d)
    expect(f"Showing nodes accounting for {len(lines)}, 100% of {len(lines)} total" in top, f"-top: {top[:400]}")
    want = collections.Counter(tuple(f.func for f in shown(frames(g))) for g in lines)
    same_counts(got, want, "pprof")


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
    """runtime/pprof printStackRecord: neither the runtime's frames at the beginning nor runtime.goexit."""
    out = []
    for f in frames(g):
        if f.func != "runtime.goexit" and (out or not re.match("runtime\\.|internal/runtime/", f.func)):
            out.append(f"{f.func} {f.file}:{f.line}")
    return out


def the_html_page_has_all_of_them(minor):
    with Idle(minor) as t, tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "dump.html")
        code, _, said = parkwatch("dump", "-p", t.pid, "-o", path)
        if code == 1 and "html" in said:
            raise build.Missing("npm when parkwatch was built: " + said.strip())
        expect(code == 0, f"exit code {code}: {said}")
        with open(path) as f:
            page = f.read()
    outside = re.search(r"""<(script|link|img|iframe)[^>]+(src|href)\s*=|@import|url\(\s*['"]?(https?:)?//""", page)
    expect(not outside, f"the page loads {outside and outside[0]!r}")
    for name in ("main.receive", "main.selectMany", "chan receive (nil chan)", "main.deep"):
        expect(name in page, f"no {name} in the page")


def cases():
    return iter(())
