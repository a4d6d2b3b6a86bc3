# SPDX-License-Identifier: BSD-2-Clause
"""overdue: which requests leaking goroutines are of, and which ignore that their context has ended; requests by age, and their privacy.

progs/overdue knows it of each of its goroutines.
"""
import json
import re
import time

import build
from target import LIMIT, Target, expect, parkwatch

HOUR = "1h"


def overdue(kind, minor=build.MODES_MINOR, mode="stripped"):
    return Target(kind, command=build.built(minor, mode, "overdue"))


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
    expect("\t# serves GET route /serving/{id}, deadline passed" in text and "/id-" not in text, text)
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
    yield "overdue: requests_are_chosen_by_deadline_and_age", requests_are_chosen_by_deadline_and_age
