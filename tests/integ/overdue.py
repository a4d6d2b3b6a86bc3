# SPDX-License-Identifier: BSD-2-Clause
"""overdue: which requests leaking goroutines are of, and which ignore that their context has ended; requests by age, and their privacy.

progs/overdue knows it of each of its goroutines.
"""
import json
import re
import tempfile
import time
from pathlib import Path

import build
from leaks import together
from target import LIMIT, Target, expect, parkwatch

SINCE_PATTERN = 23    # net/http.Request.Pattern
BUILDS = [(19, "stripped"), (build.MODES_MINOR, "stripped")]
HOUR = "1h"
TRACES = 10    # told at most


def overdue(kind, minor=build.MODES_MINOR, mode="stripped"):
    return Target(kind, command=build.built(minor, mode, "overdue"))


def watched(pid, *args):
    code, out, said = parkwatch("leaks", "-p", pid, "-d", "6", "--proof-budget", "60s", "-f", "json", *args)
    expect(code == 3, f"exit {code}: {said}")
    return out


def groups_at(report, func):
    return [g for g in report["groups"] if any(f["func"] == func for f in g["stack"])]


def requests_are_those_of(kind, fate, said, routed, paths):
    """What is said of the requests of a group."""
    expect(said["of"] == fate["count"] and said["over"] == (0 if fate["serve"] else fate["count"]), f"{kind}: {said}")
    traces = set(said["trace_ids"])    # of the header, as long as somebody has the request
    expect(traces <= set(fate["traces"]) and (len(traces) == TRACES or not fate["named"]), f"{kind}: traces are {fate['traces']}, said is {traces}")
    expect([(r["relation"], r["count"], r["requests"], r["over"]) for r in said["routes"]] ==
           [("serves" if fate["serve"] else "of", said["of"], said["of"], said["over"])], f"{kind}: {said['routes']}")
    row = said["routes"][0]
    expect(row["method"] == ("GET" if fate["named"] else None), f"{kind}: {row}")
    expect(row["route"] == (f"GET {fate['route']}" if routed and fate["named"] else None), f"{kind}: {row}")
    path = f"/{kind}" if routed else f"/{kind}/..."
    expect(row["path"] == (path if fate["named"] and paths else None), f"{kind}: {row}")


def context_is_that_of(kind, fate, g):
    said = g["ignores_context"]
    expect(bool(said) == fate["ignores"] and ("ignores its context" in g["why"]) == fate["ignores"], f"{kind}: {said}, {g['why']}")
    if said:
        expect(said["count"] == fate["count"] and bool(said["deadline_passed_s"]) == fate["limited"], f"{kind}: {said}")
        expect(said["ended_by"] == [{"by": fate["by"], "count": fate["count"]}], f"{kind}: {said}")
        expect(f"ended by: {fate['by']} {fate['count']}" in g["why"], f"{kind}: {g['why']}")
        expect(said["look_at"]["func"] == fate["at"] and said["cure"] == "select with ctx.Done()", f"{kind}: {said}")


def all_is_as_it_is(report, fates, routed, paths):
    for kind, fate in fates.items():
        groups = groups_at(report, fate["at"])
        expect([g["count"] for g in groups] == [fate["count"]] * fate["leaks"], f"{kind}: {groups}")
        for g in groups:
            expect(bool(g["requests"]) != fate["none"], f"{kind}: {g['requests']}")
            if g["requests"]:
                requests_are_those_of(kind, fate, g["requests"], routed, paths)
            context_is_that_of(kind, fate, g)


def text_says_the_same(text, fates, routed):
    for kind, fate in fates.items():
        name = rf"GET /{kind} \(route {re.escape(fate['route'])}\)" if routed else rf"GET /{kind}/\.\.\."
        row = {(True, True): f"12 goroutines serve 12 requests to {name}", (False, True): f"12 goroutines, of 12 requests to {name}, all over",
               (False, False): "12 goroutines, of 12 requests, all over"}[(fate["serve"], fate["named"])]
        expect(not fate["leaks"] or fate["none"] or re.search(f"^  requests    {row}$", text, re.M), f"{kind}: {row} is not in {text}")
        cure = re.search(rf"^  cure +select with ctx\.Done\(\), at {fate['at']} ", text, re.M)
        expect(bool(cure) == fate["ignores"], f"{kind}: {text}")


def calls_are_those_of_the_clients(report, fates):
    """Each waits for a handler that hangs; nobody else of the program calls."""
    told = [(s["path"], s["count"], s["method"], s["scheme"]) for g in report["groups"] if g["calls"] for s in g["calls"]["to"]]
    expect(sorted(told) == sorted((f"/{kind}/...", fate["count"], "GET", "http") for kind, fate in fates.items() if fate["serve"]), f"{told}")
    for g in report["groups"]:
        expect(not g["calls"] or (g["start"]["func"] == "main.ask" and g["calls"]["count"] == g["count"] and g["calls"]["others"] == 0), f"{g}")


def leaks_say_of_which_requests(minor, mode):
    """Live and from the recording; with paths and without. What is healthy has no evidence against it."""
    routed = minor >= SINCE_PATTERN
    with overdue("leaks", minor, mode) as t, tempfile.TemporaryDirectory() as d:
        fates, saved = json.loads(t.truth()), Path(d) / "leak.pw"
        out, bare = together(lambda *args: watched(t.pid, *args), [("--save", saved), ("--routes-only", "--no-probes")])
        code, again, said = parkwatch("report", saved, "-f", "json")
        expect(code == 0 and again == out, f"the recording says something else: {said}")
        text = parkwatch("report", saved)[1]
        calls_are_those_of_the_clients(json.loads(parkwatch("report", saved, "--all", "-f", "json")[1]), fates)
    expect("secret" not in out + text, "the query is told")
    expect("/id-" not in bare, "a path is told")
    for report, paths in ((json.loads(out), True), (json.loads(bare), False)):
        expect(report["requests_why"] is None, report["requests_why"])
        all_is_as_it_is(report, fates, routed, paths)
    text_says_the_same(text, fates, routed)


def who_looks_at_its_context_ignores_none():
    """Another context that it has in hand has ended."""
    with overdue("grows") as t:
        t.truth()
        code, out, said = parkwatch("leaks", "-p", t.pid, "-d", "12", "-f", "json", "--suspects", "--max-overhead", "0")
    expect(code == 3, f"exit {code}: {said}")
    told = groups_at(json.loads(out), "main.looks")
    expect(len(told) == 1 and told[0]["verdict"] == "growing" and told[0]["requests"]["over"] == 0, out)
    expect(told[0]["requests"]["routes"][0]["relation"] == "serves" and told[0]["ignores_context"] is None, told[0])


def only_who_is_over_its_deadline_is_shown(pid, fates):
    want = {goid for fate in fates.values() if fate["ended"] for goid in fate["goids"]}
    code, out, said = parkwatch("dump", "-p", pid, "--over-deadline", "-f", "jsonl")
    told = {g["goid"]: g["request"] for g in map(json.loads, out.splitlines())}
    expect(code == 0 and set(told) == want, f"{said} {want ^ set(told)}")
    limited = {goid for fate in fates.values() if fate["limited"] for goid in fate["goids"]}
    expect({goid for goid, q in told.items() if q["deadline_passed_s"]} == limited, out)
    text = parkwatch("dump", "-p", pid, "--over-deadline")[1]
    expect(len(re.findall(r"^\t# (?:serves|of) ", text, re.M)) == len(want) and "secret" not in text, text)


def received(requests):
    """Those that a server of the program got, and those that its clients sent."""
    return [q for q in requests if q["kind"] != "outgoing"], [q for q in requests if q["kind"] == "outgoing"]


def queries_and_paths_are_told_as_asked_for(pid, fates):
    detail = json.loads(parkwatch("requests", "-p", pid, "-f", "json", "--request-detail")[1])
    served = {q["served_by"]: q for q in detail["requests"]}
    for kind, fate in fates.items():
        for goid in fate["goids"] if fate["serve"] else []:
            q = served[goid]
            expect(q["path"].startswith(f"/{kind}/id-") and q["query"] == "token=secret", q)
    text = parkwatch("dump", "-p", pid, "--over-deadline", "--request-detail")[1]
    expect(re.search(r"^\t# serves GET /serving/id-\d+\?token=secret \(route /serving/\{id\}\)", text, re.M), text)
    usual = parkwatch("requests", "-p", pid, "-f", "json")[1]
    expect('"query"' not in usual and "secret" not in usual, usual)
    bare = parkwatch("requests", "-p", pid, "-f", "json", "--routes-only")[1]
    got, sent = received(json.loads(bare)["requests"])
    expect("/id-" not in bare and not any(q["host"] or q["peer"] for q in got), bare)
    expect({q["route"] for q in got} == {f["route"] for f in fates.values() if f["serve"]}, bare)
    expect(sent and all(q["host"].startswith("127.0.0.1:") for q in sent), bare)
    text = parkwatch("dump", "-p", pid, "--requests", "--routes-only")[1]
    expect(re.search(r"^\t# serves GET route /serving/\{id\}, .*deadline passed ", text, re.M) and "/id-" not in text, text)
    both = parkwatch("requests", "-p", pid, "--routes-only", "--request-detail")
    expect(both[0] == 2 and "a route has no query" in both[2], both)


def old_ones(pid, older):
    code, out, said = parkwatch("requests", "-p", pid, "-f", "json", "--older", older)
    expect(code == 0, said)
    report = json.loads(out)
    return report["requests"], report["over"]


def only_older_ones_are_listed(pid, fates):
    want = {goid for fate in fates.values() if fate["serve"] for goid in fate["goids"]}
    since = time.monotonic()
    while {q["served_by"] for q in received(old_ones(pid, "1s")[0])[0]} != want:
        expect(time.monotonic() - since < LIMIT, "they do not get older")
    under_way, over = old_ones(pid, "1s")
    expect(len(received(under_way)[1]) == len(want), "each client waits for its answer")
    expect(over and all(any(g["wait_ns"] >= 10**9 for g in q["goroutines"]) for q in under_way + over), under_way)
    expect(old_ones(pid, HOUR) == ([], []), "none is that old")
    routed = json.loads(parkwatch("requests", "-p", pid, "-f", "json", "--older", "1s", "--route", "/in-t*")[1])
    got, sent = received(routed["requests"])
    expect({q["route"] for q in got} == {fates["in-time"]["route"]} and not routed["over"], routed)
    expect(sent and all(q["path"].startswith("/in-time/") for q in sent), routed)


def requests_are_chosen_by_deadline_and_age():
    with overdue("leaks") as t:
        fates = json.loads(t.truth())
        only_who_is_over_its_deadline_is_shown(t.pid, fates)
        queries_and_paths_are_told_as_asked_for(t.pid, fates)
        only_older_ones_are_listed(t.pid, fates)


def cases():
    for minor, mode in BUILDS:
        yield f"overdue: leaks_say_of_which_requests [go1.{minor} {mode}]", lambda m=minor, o=mode: leaks_say_of_which_requests(m, o)
    yield "overdue: who_looks_at_its_context_ignores_none", who_looks_at_its_context_ignores_none
    yield "overdue: requests_are_chosen_by_deadline_and_age", requests_are_chosen_by_deadline_and_age
