# SPDX-License-Identifier: BSD-2-Clause
"""keptrequests: a recording of `dump --requests` tells later which request each goroutine worked for, as the same run told it, and as the program knows it."""
import json
import re
import tempfile
import time
from pathlib import Path

import build
from replay import reported, same, saved
from requesttruth import Truth, judged, listed
from target import Target, expect, parkwatch


def hanging():
    return Target("hang", command=build.built(build.MODES_MINOR, "stripped", "requests"))


def they_are_shown_as_they_were():
    with tempfile.TemporaryDirectory() as folder, hanging() as t:
        truth = Truth(t.truth())
        trace = next(q["trace_id"] for q in truth.live().values() if q["trace_id"])
        for args in (("--requests",), ("--requests", "--routes-only"), ("--over-deadline",), ("--requests", "--trace", trace)):
            for suffix in ("txt", "json", "jsonl"):
                live, pw = saved(folder, "dump", t.pid, suffix, *args)
                expect(re.search(rb"# (of|serves) |\"request\"", live), f"{args}: no request")
                same(live, reported(pw, suffix), f"{args} as {suffix}")
        for args, suffix in ((("--group", "wait"), "txt"), ((), "folded"), ((), "html")):
            _, pw = saved(folder, "dump", t.pid, "txt", "--requests")
            expect(reported(pw, suffix, *args), f"{args} as {suffix}")


def they_are_told_as_the_program_knows_them():
    """`report --view requests` is `parkwatch requests`, of then."""
    with tempfile.TemporaryDirectory() as folder, hanging() as t:
        truth, pw = Truth(t.truth()), Path(folder, "x.pw")
        code, _, said = parkwatch("dump", "-p", str(t.pid), "--requests", "-o", str(pw))
        truth.looked = time.time()
        expect(code == 0, said)
        goroutines = {g["goid"]: g for g in map(json.loads, reported(pw, "jsonl").splitlines())}
        report = json.loads(reported(pw, "json", "--view", "requests"))
        expect(not any(b"secret" in reported(pw, "json", "--view", view) for view in ("requests", "dump")), "queries are kept")
        v = judged(truth, goroutines)
        left_out = listed(truth, report, goroutines, v)
        v.check()
        expect(not left_out and v.said["serves"] and v.said["of"], f"{left_out} {v.said}")
        code, info, said = parkwatch("info", str(pw))
        sent = [q for q in report["requests"] if q["kind"] == "outgoing"]
        expect(code == 0 and f"requests      {len(report['requests']) - len(sent)} served, {len(sent)} sent, {len(report['over'])} over\n" in info, info + said)
        words = reported(pw, "txt", "--view", "requests").decode()
        expect(words.startswith(f"{len(report['requests']) - len(sent)} requests under way"), words[:200])
        one = next(q["route"] for q in report["requests"] if q["route"])
        some = json.loads(reported(pw, "json", "--view", "requests", "--route", one))["requests"]
        expect([q["path"] for q in some] == [q["path"] for q in report["requests"] if q["route"] == one], f"{some}")


def where_there_are_none_it_says_what_to_do():
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        _, dumped = saved(folder, "dump", t.pid, "txt")
        _, recorded = saved(folder, "record", t.pid, "folded", "-d", "0.2")
        keeps = "'parkwatch dump -p PID --requests -o FILE.pw' keeps them"
        for pw, args, code, words in (
                (dumped, ["--requests"], 1, keeps), (dumped, ["--view", "requests"], 1, keeps), (dumped, ["--trace", "0af76519"], 1, keeps), (dumped, ["--over-deadline"], 1, keeps),
                (recorded, ["--view", "requests"], 1, "--root route"), (recorded, ["--requests"], 2, "--view dump"), (recorded, ["--view", "dump", "--requests"], 1, "no look"),
                (dumped, ["--route", "/a"], 2, "--view requests"), (dumped, ["--requests", "-f", "folded"], 2, "not with folded"), (dumped, ["--requests", "--group", "site"], 2, "--group")):
            got, out, said = parkwatch("report", str(pw), *args)
            expect(got == code and not out and words in said and len(said.splitlines()) == 1, f"{args}: exit code {got}: {out} {said}")
        got, out, said = parkwatch("dump", str(dumped), "--requests")
        expect(got == 2 and not out and f"parkwatch report {dumped}" in said and len(said.splitlines()) == 1, f"exit code {got}: {said}")


ALL = (they_are_shown_as_they_were, they_are_told_as_the_program_knows_them, where_there_are_none_it_says_what_to_do)


def cases():
    for function in ALL:
        yield f"keptrequests: {function.__name__}", function
