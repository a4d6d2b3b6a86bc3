# SPDX-License-Identifier: BSD-2-Clause
"""wanted: record with --func, --created-by, --label, --p and --state keeps what the program (progs/wanted) did of that, no less and no
more, and of what nobody asked for nothing is sent."""
import json
import os
import re

import build
from target import Recording, Target, expect, parkwatch

TURNS = 20
# What differs between releases: how the g is found and what labels are.
VERSIONS = [16, 23, 24, 27]


def target(minor=build.MODES_MINOR, mode="static", **how):
    return Target(str(TURNS), command=build.built(minor, mode, "wanted"), **how)


def finished(t, *recordings):
    """What the program says that it did, and [(rows, standard error)] of recordings of all of that."""
    t.go()
    truth = json.loads(t.truth())
    results = [r.stop() for r in recordings]
    for code, _, said in results:
        expect(code == 0, f"exit code {code}: {said}")
    return truth, [(json.loads(out)["stacks"], said) for _, out, said in results]


def recording(t, *args):
    r = Recording(t.pid, "-f", "json", *args)
    expect(r.recording, "parkwatch does not record: " + "".join(r.said))
    return r


def through(rows, func):
    """How often something happened in that function or below it."""
    return sum(row["count"] for row in rows if any(f["func"] == func for f in row["stack"]))


def total(truth, what, site=None, roles=None):
    return sum(c[what] for c in truth if (not site or c["site"] == site) and (not roles or c["role"] in roles))


def said_of_it(said):
    """(hits of which nothing was sent, events that parkwatch left out, events that it has)"""
    found = re.search(r"(\d+) hits were not asked for: nothing was sent; (\d+) events were left out", said)
    events = re.search(r"(\d+) events, 0 lost", said)
    expect(found and events, f"it does not say what was left out, or something was lost: {said}")
    return int(found[1]), int(found[2]), int(events[1])


# arguments, the go statement and labels that they leave, functions that they leave; what BPF tells by itself from the first hit on
WAITS = [
    (["--created-by", "makeFirst"], "makeFirst", None, ["left", "right"], True),
    (["--created-by", r"^main\.makeSecond$", "--root", "goid"], "makeSecond", None, ["left", "right"], True),
    (["--label", "role=reader"], None, ["reader"], ["left", "right"], True),
    (["--label", "zone=a=b", "--root", "goid"], None, ["reader", "writer"], ["left", "right"], True),
    (["--label", "role=reader", "--label", "role=writer"], None, ["reader", "writer"], ["left", "right"], True),
    (["--func", r"^main\.left$"], None, None, ["left"], False),
    (["--func", "right", "--created-by", "First", "--label", "role", "--state", "waiting,running"], "makeFirst", ["reader", "writer"],
     ["right"], False),
    (["--created-by", "First", "--async"], "makeFirst", None, ["left", "right"], True),
]


def each_wait_that_is_asked_for_and_no_other(minor, args, site, roles, funcs, at_once):
    with target(minor) as t:
        truth, [(rows, said)] = finished(t, recording(t, *args))
    for f in ("left", "right"):
        want = total(truth, f, site, roles) if f in funcs else 0
        expect(through(rows, "main." + f) == want, f"{through(rows, 'main.' + f)} waits in {f}, want {want}")
    expect(through(rows, "main.worker") == sum(row["count"] for row in rows), f"others are there: {rows}")
    sent, dropped, events = said_of_it(said)
    unwanted = total(truth, "left") + total(truth, "right") - sum(total(truth, f, site, roles) for f in funcs)
    if "--async" in args:
        return    # births are events too
    if at_once:
        expect(dropped == 0 and events == sum(row["count"] for row in rows), f"what nobody asked for was sent: {said}")
        expect(sent >= unwanted, f"{sent} hits were left out, want {unwanted}")
    else:
        expect(sent and sent + dropped >= unwanted, f"{sent} hits and {dropped} events were left out, want {unwanted}")


LIVES = [
    ("births", ["--created-by", "makeFirst"], "made", "makeFirst"),
    ("births", ["--func", r"^main\.makeSecond$"], "made", "makeSecond"),
    ("births", ["--state", "runnable", "--created-by", "main.make"], "made", None),
    ("exits", ["--created-by", "makeFirst"], "ended", "makeFirst"),
    ("exits", ["--func", r"^main\.makeSecond$"], "ended", "makeSecond"),
]


def each_life_that_is_asked_for_and_no_other(minor, event, args, what, site):
    with target(minor) as t:
        truth, [(rows, said)] = finished(t, recording(t, "-e", event, *args))
    got, want = sum(row["count"] for row in rows), total(truth, what, site)
    expect(got == want, f"{got} {event}, want {want}: {rows}")
    if "--func" not in args:
        expect(said_of_it(said)[1] == 0, said)


def latencies_of_the_go_statement_and_function_that_are_asked_for(minor):
    with target(minor) as t:
        truth, [(rows, said)] = finished(t, recording(t, "-e", "sched", "--created-by", "makeFirst", "--func", r"main\.left"))
    got, want = through(rows, "main.left"), total(truth, "left", "makeFirst")
    expect(got == want, f"{got} latencies, want {want}")
    expect(got == sum(row["count"] for row in rows), f"others are there: {rows}")


def allocations_of_whom_is_asked_for(minor, args, site, roles):
    with target(minor) as t:
        truth, [(rows, said)] = finished(t, recording(t, "-e", "alloc", "--alloc", "exact", *args))
    got = sum(row["value"] for row in rows if row["stack"] and row["stack"][0]["func"] == "main.allocate")
    want = total(truth, "bytes", site, roles)
    expect(got == want, f"{got} bytes, want {want}")
    expect(through(rows, "main.main") == 0, "main's are there")
    expect(said_of_it(said)[0] > 0, said)


def what_happens_on_each_p_is_all_of_it(minor, event, what, func):
    args = ["-e", event, "--created-by", "main.make"] if event != "blocked" else ["--func", "main.left"]
    with target(minor, env={"GOMAXPROCS": "2"}) as t:
        truth, results = finished(t, *(recording(t, *args, "--p", p) for p in ("0", "1")))
    counts = [through(rows, func) if func else sum(r["count"] for r in rows) for rows, _ in results]
    expect(sum(counts) == total(truth, what), f"{counts} {event}, want {total(truth, what)} in all")
    with target(minor, env={"GOMAXPROCS": "2"}) as t:
        _, [(rows, _)] = finished(t, recording(t, *args, "--p", "2,3"))
    expect(not rows, f"there is no such P: {rows}")


STANDING = [
    (["--created-by", "makeFirst"], 15),
    (["--label", "role=reader"], 10),
    (["--func", r"^main\.both$"], 30),
    (["--func", r"^main\.both$", "--created-by", "Second", "--label", "zone"], 10),
]


def who_waits_from_before_is_filtered_too(how, args, want):
    with target() as t:
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "500ms", "-f", "json", *how, *args)
        expect(code == 0, f"exit code {code}: {said}")
    all_of_it = json.loads(out)
    got = sum(row["value"] for row in all_of_it["stacks"]) / 1e9 / all_of_it["window_s"]
    expect(abs(got - want) < 0.02 * want, f"{got} goroutines wait, want {want}")


def births_are_estimated_of_whom_is_asked_for():
    with Target("5", command=build.built(build.MODES_MINOR, "static", "recorded")) as t:
        for maker, some in ((r"^main\.bear$", True), (r"^main\.load$", False)):
            code, out, said = parkwatch("record", "-p", t.pid, "-d", "2s", "-e", "births", "--no-probes", "-f", "json", "--created-by", maker)
            expect(code == 0, said)
            rows = json.loads(out)["stacks"]
            expect(bool(rows) == some, f"{maker}: {rows}")
            expect(all(any(f["func"] == "main.bear" for f in row["stack"]) for row in rows), rows)


def what_is_estimated_is_of_whom_is_asked_for(args, func):
    """Against what every event of the same goroutines says at the same time, which the program's own counts prove above."""
    with Target("800", command=build.built(build.MODES_MINOR, "static", "wanted")) as t:
        exact = recording(t, "--root", "created-by", *args)
        looks = recording(t, "--root", "created-by", "--no-probes", "--rate", "200", *args)
        _, results = finished(t, exact, looks)
    sums = []
    for rows, said in results:
        expect(rows and all(re.search("makeFirst", row["root"] or "") for row in rows), f"others are there: {rows} {said}")
        expect(all(any(f["func"] == func for f in row["stack"]) for row in rows), f"others are there: {rows}")
        sums.append(sum(row["value"] for row in rows))
    expect(abs(sums[1] - sums[0]) < 0.15 * sums[0], f"{sums[1]} ns by looks, {sums[0]} ns by events")


def a_recording_of_some_can_be_reported(tmp="/tmp"):
    path = f"{tmp}/wanted-{os.getpid()}.pw"
    try:
        with target() as t:
            r = Recording(t.pid, "--func", r"^main\.left$", "--created-by", "makeFirst", "-o", path)
            expect(r.recording, "parkwatch does not record: " + "".join(r.said))
            t.go()
            truth = json.loads(t.truth())
            code, _, said = r.stop()
            expect(code == 0, said)
        code, out, said = parkwatch("report", path, "-f", "json")
        expect(code == 0, said)
        rows = json.loads(out)["stacks"]
        expect(through(rows, "main.left") == total(truth, "left", "makeFirst"), rows)
        expect(through(rows, "main.right") == 0, rows)
    finally:
        if os.path.exists(path):
            os.unlink(path)


def cases():
    for minor in VERSIONS:
        for args, *rest in WAITS:
            yield (f"each_wait_that_is_asked_for_and_no_other [go1.{minor} {' '.join(args)}]",
                   lambda m=minor, a=args, r=rest: each_wait_that_is_asked_for_and_no_other(m, a, *r))
        for event, args, *rest in LIVES:
            yield (f"each_life_that_is_asked_for_and_no_other [go1.{minor} {event} {' '.join(args)}]",
                   lambda m=minor, e=event, a=args, r=rest: each_life_that_is_asked_for_and_no_other(m, e, a, *r))
        yield (f"latencies_of_the_go_statement_and_function_that_are_asked_for [go1.{minor}]",
               lambda m=minor: latencies_of_the_go_statement_and_function_that_are_asked_for(m))
        for args, site, roles in ((["--created-by", "makeFirst"], "makeFirst", None), (["--label", "role=writer"], None, ["writer"]),
                                  (["--func", r"main\.both$", "--created-by", "Second"], "makeSecond", None)):
            yield (f"allocations_of_whom_is_asked_for [go1.{minor} {' '.join(args)}]",
                   lambda m=minor, a=args, s=site, r=roles: allocations_of_whom_is_asked_for(m, a, s, r))
        for event, what, func in (("blocked", "left", "main.left"), ("births", "made", None), ("exits", "ended", None),
                                  ("sched", "left", "main.left")):
            if event != "sched" or minor >= 17:
                yield (f"what_happens_on_each_p_is_all_of_it [go1.{minor} {event}]",
                       lambda m=minor, e=event, w=what, f=func: what_happens_on_each_p_is_all_of_it(m, e, w, f))
    for args, want in STANDING:
        for how in ([], ["--no-probes"]):
            yield (f"who_waits_from_before_is_filtered_too [{' '.join([*how, *args])}]",
                   lambda h=how, a=args, w=want: who_waits_from_before_is_filtered_too(h, a, w))
    for args, func in ((["--created-by", "makeFirst"], "main.both"), (["--created-by", "First", "--func", r"main\.left$"], "main.left"),
                       (["--created-by", "First", "--label", "role=writer"], "main.both")):
        yield (f"what_is_estimated_is_of_whom_is_asked_for [{' '.join(args)}]",
               lambda a=args, f=func: what_is_estimated_is_of_whom_is_asked_for(a, f))
    for f in (births_are_estimated_of_whom_is_asked_for, a_recording_of_some_can_be_reported):
        yield f.__name__, f
