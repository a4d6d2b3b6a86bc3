# SPDX-License-Identifier: BSD-2-Clause
"""ended: who has ended the context that a goroutine has in hand, against a program in which each knows it.

A wrong word is wrong, and so is silence where the chain of contexts proves it. progs/ended has contexts that end by a deadline of their own,
of one above them, by their cancel function, that of one above, with their request, with their client, and with causes.
"""
import json
import re

import build
from target import Target, expect, parkwatch

BUILDS = [(minor, "stripped") for minor in (17, 20, 22, 27)]
DEADLINES = {"own deadline": "its context's own deadline passed ", "parent's deadline": "its parent context's deadline passed "}
CANCELS = {"own cancel": "its context is cancelled by its own cancel function", "parent's cancel": "its context is cancelled with its parent",
           "program's cancel": "its context is cancelled by the program itself", "request's cancel": "its context is cancelled with the request's own",
           "connection": "its context is cancelled with the request's own: its client went away, or the "}


def said_of(pid, *args):
    """goid -> what is said of the request of each goroutine."""
    code, out, said = parkwatch("dump", "-p", pid, "--requests", "-f", "jsonl", *args)
    expect(code == 0, f"dump: exit {code}: {said}")
    return {g["goid"]: g["request"] for g in map(json.loads, out.splitlines())}, out


def members_are_those_of(fates, said, detailed):
    for f in fates:
        q = said[f["goid"]]
        expect(q is not None, f"{f}: nothing is said")
        expect((q["over"], q["cancelled"]) == (f["over"], f["ended"]), f"{f}: {q}")
        expect(q["ended_by"] == (f["by"] or None) and q["cause_type"] == (f["cause_type"] or None), f"{f}: {q}")
        expect(q.get("cause") == (f["cause"] if detailed and f["cause"] else None), f"{f}: {q}")
        passed = f["by"].endswith("deadline")
        expect((q["deadline_passed_s"] is not None) == passed or f["case"] == "below-another", f"{f}: {q}")


def text_says_the_same(fates, text):
    lines = dict(re.findall(r"^goroutine (\d+) .*\n\t# (.*)$", text, re.M))
    for f in fates:
        line = lines[str(f["goid"])]
        words = DEADLINES.get(f["by"]) or ("" if f["over"] and f["by"] == "request's cancel" else CANCELS.get(f["by"], ""))
        expect(words in line, f"{f}: {words} is not in {line}")
        expect(f["by"] or not any(w in line for w in [*DEADLINES.values(), *CANCELS.values()]), f"{f}: {line}")
        cause = f["cause_type"] and f"cause {f['cause_type']}" + (f" \"{f['cause']}\"" if f["cause"] else "")
        expect(cause in line and ("cause" in line.split(", ", 1)[-1]) == bool(cause), f"{f}: {line}")


def requests_say_whose_client_has_left(fates, pid):
    left = {f["goid"] for f in fates if f["left"]}
    code, out, said = parkwatch("requests", "-p", pid, "-f", "json")
    report = json.loads(out)
    expect(code == 0 and left, said)
    for q in report["requests"] + report["over"]:
        if q["kind"] == "outgoing":
            continue
        goids = {g["goid"] for g in q["goroutines"]}
        expect(q["client_left"] == bool(left & goids), q)
        for g in q["goroutines"]:
            known = [f for f in fates if f["goid"] == g["goid"]]
            expect(all(g["ended_by"] == (f["by"] or None) and g["cancelled"] == f["ended"] for f in known), f"{known}: {g}")
        left -= goids
    expect(not left, f"these are not listed: {left}")
    text = parkwatch("requests", "-p", pid)[1]
    expect(len(re.findall(r", cancelled: its client went away, or the connection failed", text)) == 2, text)
    expect(len(re.findall(r", cancelled: its client went away, or the stream was closed", text)) == 2, text)


def who_ended_a_context_is_said(minor, mode):
    with Target("all", command=build.built(minor, mode, "ended")) as t:
        fates = json.loads(t.truth())
        usual, out = said_of(t.pid)
        detailed, _ = said_of(t.pid, "--request-detail")
        text = parkwatch("dump", "-p", t.pid, "--requests", "--request-detail")[1]
        requests_say_whose_client_has_left(fates, t.pid)
    expect("shutting down" not in out, "the text of a cause is told")
    members_are_those_of(fates, usual, False)
    members_are_those_of(fates, detailed, True)
    text_says_the_same(fates, text)


def cases():
    for minor, mode in BUILDS:
        yield f"ended: who_ended_a_context_is_said [go1.{minor} {mode}]", lambda m=minor, o=mode: who_ended_a_context_is_said(m, o)
