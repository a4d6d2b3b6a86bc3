# SPDX-License-Identifier: BSD-2-Clause
"""incidents: leaks with one cause are one entry, the culprit first."""
import concurrent.futures
import json

import build
from leaks import brief, leaks, start_of
from target import Target, expect

VERSIONS = [21, 26]

# kind: (start of the culprit, part of its words, goroutines behind it, starts of all that are joined to it)
TRUTH = {
    "request-with-lock": ("main.load", "", 140, {"main.look", "main.count"}),
    "double-lock": ("main.clean", "double lock", 1, {"main.look"}),
    "recursive-rlock": ("main.outer", "recursive RLock with a writer in between", 200, {"main.write", "main.read"}),
    "chain": ("main.waitFor", "blocked receive", 31, {"main.behind", "main.last"}),
    "wait-group": ("main.part", "blocked send", 5, {"main.waitAll"}),
    "behind-a-ring": ("main.lockBoth", "each holds what the other wants", 20, {"main.lockBoth", "main.last"}),
}


def report_of(kind, minor, *args):
    with Target(kind, command=build.built(minor, "static", "incidents")) as t:
        t.truth()
        return leaks(t.pid, *args)


def one_incident(kind, minor):
    culprit, words, behind, joined = TRUTH[kind]
    status, out, said = report_of(kind, minor, "--format", "json")
    expect(status == 3, f"exit {status}: {said}")
    groups = json.loads(out)["groups"]
    root = groups[0]
    told = [brief(g) for g in groups]
    expect(start_of(root) == culprit and root["root"] is True and root["incident"], f"{kind}: {told}")
    expect(words in (root["pattern"] or ""), f"{kind}: {told}")
    expect(root["behind"]["count"] == behind and  root["behind"]["goid"] in root["goids"], f"{kind}: {root['behind']}")
    expect(root["behind"]["age_s"] >= 10, f"{kind}: {root['behind']}")
    rest = groups[1:]
    expect({start_of(g) for g in rest} == joined, f"{kind}: {told}")
    for g in rest:
        expect(g["incident"] == root["incident"] and g["behind"]["goid"] == root["behind"]["goid"], f"{kind}: {g['behind']}")
        expect(g["pattern"] == root["pattern"] and g["cure"] == root["cure"], f"{kind}: {told}")
        expect(g["root"] is (start_of(g) in ("main.write", "main.lockBoth")), f"{kind}: {told}")


def the_culprit_is_first(minor):
    with concurrent.futures.ThreadPoolExecutor(len(TRUTH)) as pool:
        for one in [pool.submit(one_incident, kind, minor) for kind in TRUTH]:
            one.result()


def the_text_has_one_entry():
    status, text, said = report_of("request-with-lock", 26)
    expect(status == 3, f"exit {status}: {said}")
    for want in ["1 leak: 141 goroutines", " must go on first; it has been here for ", "140 goroutines wait for it",
                 "130 [sync.Mutex.Lock] at main.look ", "10 [sync.Mutex.Lock] at main.count "]:
        expect(want in text, f"no {want!r} in {text}")
    expect(text.count("  because ") == 1, text)


def what_is_busy_is_no_incident():
    for kind in ("busy-lock", "busy-group"):
        status, out, said = report_of(kind, 26, "--format", "json", "--all")
        expect(status == 0, f"exit {status}: {out}{said}")
        expect(not [g for g in json.loads(out)["groups"] if g["leak"] or g["incident"]], out)


def cases():
    for minor in VERSIONS:
        yield f"incidents: the_culprit_is_first [go1.{minor} static]", lambda m=minor: the_culprit_is_first(m)
    for function in (the_text_has_one_entry, what_is_busy_is_no_incident):
        yield f"incidents: {function.__name__}", function
