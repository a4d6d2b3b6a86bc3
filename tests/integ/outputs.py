# SPDX-License-Identifier: BSD-2-Clause
"""outputs: what record and doctor write, in each format and under each option, read by others' tools where there are any."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import browser
import build
from goroutines import Dumped
from target import PARKWATCH, Recording, Target, expect, folded, parkwatch, recorded

# flamegraph.pl's own pattern of a line
FLAMEGRAPH = re.compile(r"^(.*)\s+?(\d+(?:\.\d*)?)$")


def duration_ends_the_recording_by_itself():
    with Target("idle") as t:
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "500ms")
    expect(code == 0, f"exit code {code}: {said}")
    leaves = {frames[-1] for frames, _ in folded(out)}
    for leaf in ("[chan receive (nil chan)]", "[chan send (nil chan)]", "[select (no cases)]", "[chan receive]"):
        expect(leaf in leaves, f"no {leaf} in {sorted(leaves)}")


def every_folded_line_is_what_flamegraph_reads():
    for event in ("blocked", "births", "exits", "sched"):
        with Target("waits") as t:
            r = Recording(t.pid, "-e", event)
            t.go()
            t.truth()
            code, out, said = r.stop()
        expect(code == 0 and out, f"{event}: exit code {code}: {said}")
        for line in out.splitlines():
            m = FLAMEGRAPH.match(line)
            expect(m and not re.search(r";;|^;|;$", m[1]), f"{event}: flamegraph.pl cannot read {line!r}")
        stacks = [line.rpartition(" ")[0] for line in out.splitlines()]
        expect(len(stacks) == len(set(stacks)), f"{event}: a stack stands there twice")


def scheduling_latency_is_there_for_what_woke_up():
    with Target("waits") as t:
        lines = recorded(t, "-e", "sched")
    waits = [frames for frames, _ in lines if any(f.endswith("measure") for f in frames)]
    expect(len(waits) >= 10, f"{len(waits)} of 12 ways to wait have a latency")
    expect(all(f[-1] == "[runnable]" for f in waits), "a latency does not end in [runnable]")


def go_tool_pprof_reads_the_profile():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "blocked.pb.gz")
        with Target("waits") as t:
            recorded(t, "-o", path)
        raw = build.run_go(["tool", "pprof", "-raw", path], build.TOOLCHAINS[build.MODES_MINOR], d)
        top = build.run_go(["tool", "pprof", "-top", "-cum", path], build.TOOLCHAINS[build.MODES_MINOR], d)
    expect("contentions/count" in raw and "delay/nanoseconds" in raw, f"types: {raw[:300]}")
    expect("main.measure" in top, f"no main.measure in {top[:1000]}")
    for event in ("births", "exits"):
        with tempfile.TemporaryDirectory() as d, Target("burst") as t:
            recorded(t, "-e", event, "-f", "pprof", "-o", os.path.join(d, "x"))
            raw = build.run_go(["tool", "pprof", "-raw", os.path.join(d, "x")], build.TOOLCHAINS[build.MODES_MINOR], d)
            expect("goroutine/count" in raw and "main.burst" in raw, f"{event}: {raw[:500]}")


def html_page(directory):
    path = os.path.join(directory, "blocked.html")
    with Target("idle") as t:
        code, _, said = parkwatch("record", "-p", t.pid, "-d", "300ms", "-o", path)
    expect(code == 0, f"exit code {code}: {said}")
    return path


def the_html_page_needs_no_network():
    with tempfile.TemporaryDirectory() as d, open(html_page(d)) as f:
        page = f.read()
    outside = re.search(r"""<(script|link|img|iframe)[^>]+(src|href)\s*=|@import|url\(\s*['"]?(https?:)?//""", page)
    expect(not outside, f"the page loads {outside and outside[0]!r}")
    expect("main.hang" in page and "chan receive" in page, "the stacks are not in the page")


def the_html_page_is_drawn_by_a_browser():
    wanted = ("all", "main.hang", "[chan receive (nil chan)]", "[select (no cases)]")
    with tempfile.TemporaryDirectory() as d, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser.drawn(html_page(d), ".d3-flame-graph-label", wanted, home)    # fails where one of them never comes


def the_suffix_chooses_the_format():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        for name, begin in (("x.pb.gz", b"\x1f\x8b"), ("x.folded", b"")):
            path = os.path.join(d, name)
            code, out, said = parkwatch("record", "-p", t.pid, "-d", "200ms", "-o", path)
            expect(code == 0 and out == "", f"{name}: exit code {code}, {out[:100]!r}: {said}")
            with open(path, "rb") as f:
                expect(f.read().startswith(begin), f"{name}: not that format")


def root_goid_names_the_goroutine():
    with Target("idle") as t:
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms", "--root", "goid")
    expect(code == 0, said)
    roots = [frames[0] for frames, _ in folded(out) if any(f.endswith("earlyWait") for f in frames)]
    expect(len(set(roots)) == 5 and all(re.fullmatch(r"goroutine \d+", r) for r in roots), f"{roots}")


def root_created_by_and_state_are_said():
    with Target("idle") as t:
        for root, want in (("created-by", "created by main.setupWaits"), ("state", "[chan receive]")):
            code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms", "--root", root)
            expect(code == 0, said)
            roots = {frames[0] for frames, _ in folded(out) if any(f.endswith("earlyWait") for f in frames)}
            expect(roots == {want}, f"{root}: {roots}")


def goid_records_these_goroutines_alone():
    with Target("idle") as t:
        _, out, _ = parkwatch("record", "-p", t.pid, "-d", "200ms", "--root", "goid")
        goids = sorted({int(frames[0].split()[1]) for frames, _ in folded(out)})[:2]
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "200ms", "--root", "goid", "--goid",
                                    ",".join(map(str, goids)))
    expect(code == 0, said)
    seen = sorted({int(frames[0].split()[1]) for frames, _ in folded(out)})
    expect(seen == goids, f"asked for {goids}, got {seen}")


def min_wait_drops_shorter_waits():
    with Target("burst") as t:
        lines = recorded(t, "--min-wait", "1h")
    expect(not any("[sleep]" in frames for frames, _ in lines), f"{lines[:3]}")


def full_shows_the_runtimes_plumbing_and_only_full_does():
    for flags, shown in (([], False), (["--full"], True)):
        with Target("waits") as t:
            lines = recorded(t, *flags)
        there = any("runtime.gopark" in frames for frames, _ in lines)
        expect(there == shown, f"{flags}: runtime.gopark is {'there' if there else 'missing'}")


def depth_limits_the_frames_and_says_so():
    with Target("grow") as t:
        lines = recorded(t, "--depth", "8")
    deep = [frames for frames, _ in lines if sum(f.endswith("descend") for f in frames) > 3]
    expect(deep, "no deep stack at all")
    expect(all(len(f) <= 8 + 8 and f[0] == "[truncated]" for f in deep), f"{deep[0]}")


def ctrl_c_ends_the_recording_and_writes():
    with Target("idle") as t:
        r = Recording(t.pid)
        expect(r.recording, "".join(r.said))
        code, out, said = r.stop()
    expect(code == 0 and folded(out), f"exit code {code}: {said}")
    expect(re.search(r"\d+ events, \d+ lost", said), f"no last line with events, losses and cost: {said}")
    expect("%" in said.splitlines()[-1] or "cost" in said.splitlines()[-1], f"no cost in {said.splitlines()[-1]!r}")


def blocked_time_does_not_pass_the_time_there_was():
    with Target("busy") as t:
        r = Recording(t.pid, "-d", "1", "--root", "goid", "-f", "json")
        t.go()
        code, out, said = r.wait()
    expect(code == 0, said)
    report, sums = json.loads(out), Counter()
    for stack in report["stacks"]:
        sums[stack["root"]] += stack["value"]
    over = {g: ns for g, ns in sums.items() if ns > report["window_s"] * 1e9 + 1e6}    # the JSON has it in milliseconds
    expect(sums and not over, f"goroutines that waited longer than the {report['window_s']} s recorded: {over}")


def goroutines_parked_long_before_count_from_attach_on():
    many, seconds = 100, 2
    with Dumped(f"many:{many}") as t:
        t.settled()
        began = time.monotonic_ns()
        code, out, said = parkwatch("record", "-p", t.pid, "-d", seconds)
        ended = time.monotonic_ns()
    expect(code == 0, said)
    lines = [(frames, ns) for frames, ns in folded(out) if "main.below" in frames]
    total, depths = sum(ns for _, ns in lines), {frames.count("main.below") for frames, _ in lines}
    expect(depths == set(range(1, 17)), f"stacks {depths} deep, want 1 to 16")
    expect(all(frames[-1] == "[chan receive]" for frames, _ in lines), f"{lines[0]}")
    expect(many * seconds * 0.99e9 <= total <= many * (ended - began),
           f"{total / 1e9:.2f} s for {many} goroutines that waited for {seconds} s each")


def who_waits_already_costs_no_system_call():
    many = 20000
    if not shutil.which("strace"):
        raise build.Missing("strace")
    with tempfile.NamedTemporaryFile("r") as calls, Dumped(f"many:{many}") as t:
        t.settled()
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms",
                                    prefix=("strace", "-f", "--seccomp-bpf", "-e", "trace=bpf", "-o", calls.name))
        updates = sum("BPF_MAP_UPDATE_ELEM" in line for line in calls)
    expect(code == 0, said)
    waited = sum(ns for frames, ns in folded(out) if "main.below" in frames)
    expect(waited >= many * 0.25e9, f"{waited / 1e9:.2f} s for {many} goroutines: {said}")
    expect(updates < 1000, f"{updates} updates of BPF maps for {many} goroutines that wait")


def doctor_shows_each_point_of_a_program():
    with Target("idle") as t:
        code, out, said = parkwatch("doctor", "-p", t.pid)
    expect(code == 0, f"exit code {code}: {said}")
    for word in ("gopark", "execute", "newproc", "gdestroy", "go1.26"):
        expect(word in out, f"no {word} in:\n{out}")


def doctor_without_a_process_shows_the_kernel():
    code, out, said = parkwatch("doctor")
    expect(code == 0 and "uprobe" in out.lower(), f"exit code {code}: {out} {said}")


def quiet_says_nothing():
    with Target("idle") as t:
        code, _, said = parkwatch("record", "-p", t.pid, "-d", "200ms", "-q")
    expect(code == 0 and said == "", f"exit code {code}: {said!r}")


def help_and_version_are_there():
    for args in (["--help"], ["record", "--help"], ["doctor", "--help"], ["--version"]):
        code, out, said = parkwatch(*args)
        expect(code == 0 and out and not said, f"{args}: exit code {code}, {said!r}")


def version_tells_the_build():
    code, out, said = parkwatch("version", "-f", "json")
    expect(code == 0 and not said, f"exit code {code}: {said}")
    told = json.loads(out)
    notes = subprocess.run(["readelf", "-n", PARKWATCH], capture_output=True, text=True, check=True).stdout
    libbpf = subprocess.run(["pkg-config", "--modversion", "libbpf"], capture_output=True, text=True, check=True).stdout.strip()
    expect(told["build_id"] == re.search(r"Build ID: (\w+)", notes)[1], f"{told['build_id']}: {notes}")
    expect(told["linked"] == "dynamic" and libbpf.startswith(told["libbpf"] + "."), f"{told}: libbpf {libbpf}")
    expect("folded" in told["formats"] and set(told["features"]) == {"https", "sinks"}, f"{told}")
    code, text, _ = parkwatch("version")
    expect(text.startswith(f"parkwatch {told['version']}\n") and f" {told['build_id']}\n" in text, text)
    expect(text == parkwatch("--version")[1], text)


def two_recordings_at_once_see_the_same():
    with Target("burst") as t:
        both = [Recording(t.pid, "-e", "births") for _ in range(2)]
        t.go()
        truth = json.loads(t.truth())
        outs = [r.stop()[1] for r in both]
    sums = [sum(v for frames, v in folded(out) if frames[-1] == truth["births"][0]["leaf"]) for out in outs]
    expect(sums == [truth["births"][0]["count"]] * 2, f"{sums}, truly {truth['births'][0]['count']}")


def what_is_said_of_a_process_is_in_its_recording():
    with tempfile.TemporaryDirectory() as folder, Target("burst") as t:
        other = Recording(t.pid, "-e", "births")
        for name, *args in (("loud.pw",), ("quiet.pw", "-q")):
            pw = Path(folder, name)
            status, _, live = parkwatch("record", "-p", t.pid, "-e", "births", "-d", "0.5", "--save", pw, "-o", Path(folder, "x.txt"), *args)
            expect(not status and ("share the limit" in live) == (not args), live)
            said = re.findall(r"^said +20\S+Z (.*)$", parkwatch("info", pw)[1], re.M)
            expect(len(said) == 1 and "share the limit" in said[0] and f"(pid {t.pid})" in said[0], f"{name}: {said}")
            expect(args or f"parkwatch: {said[0]}\n" in live, f"{said}: {live}")
        other.stop()


def cases():
    for function in (
            duration_ends_the_recording_by_itself, every_folded_line_is_what_flamegraph_reads,
            scheduling_latency_is_there_for_what_woke_up, go_tool_pprof_reads_the_profile, the_html_page_needs_no_network,
            the_html_page_is_drawn_by_a_browser, the_suffix_chooses_the_format, root_goid_names_the_goroutine,
            root_created_by_and_state_are_said, goid_records_these_goroutines_alone, min_wait_drops_shorter_waits,
            full_shows_the_runtimes_plumbing_and_only_full_does, depth_limits_the_frames_and_says_so,
            ctrl_c_ends_the_recording_and_writes, blocked_time_does_not_pass_the_time_there_was,
            goroutines_parked_long_before_count_from_attach_on, who_waits_already_costs_no_system_call, doctor_shows_each_point_of_a_program,
            doctor_without_a_process_shows_the_kernel, quiet_says_nothing,
            help_and_version_are_there, version_tells_the_build, two_recordings_at_once_see_the_same, what_is_said_of_a_process_is_in_its_recording):
        yield function.__name__, function
