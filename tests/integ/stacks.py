# SPDX-License-Identifier: BSD-2-Clause
"""stacks: what goroutines' stacks hold, and what ended ones leave, against what the runtime of the program counts (MemStats.StackInuse)."""
import json
import re
import tempfile
from pathlib import Path

import build
from dump import dump
from serve import Daemon, value
from target import Target, expect, parkwatch

SLACK = 512 << 10     # bytes: the runtime takes stacks by spans of 32 kB, and has caches of them


def grouped(pid, *args):
    said, talk = dump(pid, "--group", "site", "--sort", "stack", "-f", "json", *args)
    return json.loads(said), talk


def near(what, have, want):
    expect(abs(have - want) < SLACK + want / 20, f"{what}: {have} bytes, the runtime counts {want}")


def dead_said(talk):
    found = re.search(r"; (\d+) dead g structures keep ([\d.e+]+) kB of stacks; ", talk)
    expect(found, talk)
    return int(found[1]), float(found[2]) * 1000


def bytes_by_site_are_what_the_runtime_counts(minor):
    with Target("", command=build.built(minor, program="stacks")) as t:
        truth = json.loads(t.truth())
        said, talk = grouped(t.pid)
        groups = said["groups"]
        bytes_of = [g["stack_bytes"] for g in groups]
        expect(bytes_of == sorted(bytes_of, reverse=True), f"{bytes_of} are not in their order")
        ours = [g for g in groups if g["created_by"] and g["created_by"]["func"] == "main.begin"]
        expect(sorted(g["count"] for g in ours) == [truth["Deep"], truth["Small"]], f"{[(g['count'], g['created_by']) for g in groups]}")
        expect(ours[0]["count"] == truth["Deep"], f"the few with deep stacks have more of them: {[(g['count'], g['stack_bytes']) for g in ours]}")
        near("stacks of the living", sum(g["stack_bytes"] for g in ours), truth["Now"] - truth["Before"])
        by_count = json.loads(dump(t.pid, "--group", "site", "-f", "json")[0])["groups"]
        expect(by_count[0]["count"] == truth["Small"], "without --sort stack the most goroutines are first")
        dead_said(talk)


def what_ended_ones_keep_is_what_a_collection_frees(minor):
    with Target("", command=build.built(minor, program="stacks")) as t, tempfile.TemporaryDirectory() as d:
        alive, first = json.loads(t.truth()), grouped(t.pid)[0]
        t.go()
        kept, said = json.loads(t.truth()), grouped(t.pid, "--save", f"{d}/kept.pw")
        t.go()
        freed, after = json.loads(t.truth()), grouped(t.pid)[0]
        stored = json.loads(parkwatch("report", f"{d}/kept.pw", "--group", "site", "-f", "json")[1])
    made, dead = alive["Small"] + alive["Deep"], said[0]["dead"]
    expect(dead["count"] - first["dead"]["count"] == made, f"{dead}, before {first['dead']}; {made} ended")
    near("stacks of the dead", dead["stack_bytes"], kept["Now"] - freed["Now"])
    expect(dead["stack_bytes"] >= 2000 * alive["Small"], f"{dead}: each of {alive['Small']} had 2 kB at least")
    expect(after["dead"]["count"] == dead["count"], f"{after['dead']}: no g is ever freed; there were {dead}")
    expect(after["dead"]["stack_bytes"] < dead["stack_bytes"] / 10, f"{after['dead']}: a collection takes their stacks")
    expect(dead_said(said[1]) == (dead["count"], dead_said(said[1])[1]), f"{said[1]}: {dead}")
    expect(abs(dead_said(said[1])[1] - dead["stack_bytes"]) <= dead["stack_bytes"] / 1000, f"{said[1]}: {dead}")
    expect(stored["dead"] == dead, f"{stored['dead']} in a recording of {dead}")


def an_old_recording_does_not_know_of_the_dead():
    path = Path(__file__).parent.parent / "golden/chans-1.0.pw"
    code, out, err = parkwatch("report", path, "--view", "dump", "-f", "json")
    expect(code == 0, err)
    expect(json.loads(out)["dead"] == {"count": None, "stack_bytes": None}, out[-200:])


def metrics_say_it_too():
    with Daemon() as d, Target("", command=build.built(build.MODES_MINOR, program="stacks")) as t:
        alive = json.loads(t.truth())
        t.go()
        t.truth()
        seen = d.looked_at(t.pid)
        d.until(lambda: value(d.metrics(), "parkwatch_dead_goroutines", target=seen["id"]) >= alive["Small"], "the ended ones are not counted")
        samples, said = d.metrics(), grouped(t.pid)[0]["dead"]
        expect(value(samples, "parkwatch_dead_goroutines", target=seen["id"]) == said["count"], f"{said}")
        expect(value(samples, "parkwatch_dead_goroutine_stack_bytes", target=seen["id"]) == said["stack_bytes"], f"{said}")


MINORS = [minor for minor in sorted(build.TOOLCHAINS) if minor != 14]
CASES = [(bytes_by_site_are_what_the_runtime_counts, MINORS), (what_ended_ones_keep_is_what_a_collection_frees, MINORS)]


def cases():
    for function, minors in CASES:
        for minor in minors:
            yield f"stacks: {function.__name__} [go1.{minor}]", lambda f=function, m=minor: f(m)
    for function in (an_old_recording_does_not_know_of_the_dead, metrics_say_it_too):
        yield f"stacks: {function.__name__}", function
