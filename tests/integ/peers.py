# SPDX-License-Identifier: BSD-2-Clause
"""peers: clients and servers in one process: who leaks is told first, and who hangs on it at the other end of the connection behind it."""
import json

import build
from leaks import brief, leaks, start_of, together
from target import Target, expect

VERSIONS = [(21, "static"), (26, "stripped"), (27, "static")]
OLDER = [(15, "static"), (17, "static")]    # nobody tells the end of a context there

LOOPS = {"net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"}
SERVER = {"net/http.(*conn).serve"}

# kind: (start of the culprit, part of its words, starts of all others that are told)
TRUTH = {
    "body-left-open": ("net/http.(*persistConn).readLoop", "HTTP body not closed", LOOPS),
    "body-unread": ("net/http.(*persistConn).readLoop", "HTTP body not closed", LOOPS | SERVER),
    "clients-apart": ("net/http.(*persistConn).readLoop", "idle HTTP connections never closed", LOOPS),
    "handler-sends": ("net/http.(*conn).serve", "blocked send", LOOPS | {"main.fetch"}),
    "silent-line-server": ("main.fetch", "request waits for a silent server", LOOPS | {"main.serveLines"}),
    "handler-locks": ("net/http.(*conn).serve", "lock never released", LOOPS | {"main.fetch"}),
    "listeners": ("main.listen", "read without deadline", {"main.serveLines"}),
}
CONTEXTS = {
    "silent-handler": ("main.fetch", "request waits for a silent server", LOOPS | SERVER),
    "events-unread": ("net/http.(*persistConn).readLoop", "HTTP body not closed", LOOPS | SERVER),
}

# A handler that still writes on a busy machine does not grow yet.
MAY_BE_MISSING = {"body-unread": SERVER}


def report_of(kind, minor, mode, *args):
    with Target(kind, command=build.built(minor, mode, "peers")) as t:
        t.truth()
        return leaks(t.pid, *args)


def one_kind(kind, minor, mode):
    culprit, words, joined = (TRUTH | CONTEXTS)[kind]
    # Before Go 1.17 only the probes see who ran; on a busy machine they may be taken down.
    probes = ["--max-overhead", "0"] if minor < 17 else []
    status, out, said = report_of(kind, minor, mode, "--format", "json", *probes)
    expect(status == 3, f"{kind}: exit {status}: {said}")
    groups = json.loads(out)["groups"]
    told = [brief(g) for g in groups]
    root = groups[0]
    expect(start_of(root) == culprit and root["root"] is True and root["incident"], f"{kind}: {told}")
    expect(words in (root["pattern"] or ""), f"{kind}: {told}")
    expect(root["behind"]["count"] >= root["count"] - 2 and not root["behind"]["ring"], f"{kind}: {root['behind']}")
    missing = joined - {culprit} - {start_of(g) for g in groups[1:]}
    expect(missing <= MAY_BE_MISSING.get(kind, set()) and {start_of(g) for g in groups[1:]} <= joined, f"{kind}: {told}")
    for g in groups[1:]:
        expect(g["incident"] == root["incident"] and g["root"] is False, f"{kind}: {brief(g)}: {g['behind']}")
        expect(g["pattern"] == root["pattern"] and g["cure"] == root["cure"], f"{kind}: {told}")


def the_culprit_is_first(kinds, minor, mode):
    together(one_kind, [(kind, minor, mode) for kind in kinds])


def the_text_has_one_entry():
    def one(kind, wants):
        status, text, said = report_of(kind, 26, "static")
        expect(status == 3, f"exit {status}: {said}")
        for want in wants:
            expect(want in text, f"no {want!r} in {text}")
        expect(text.count("  because ") == 1, text)
    together(one, [("silent-handler", ["1 leak: ", "[chan receive] at main.sayNothing ", ", at the other end of the connection\n"]),
                   ("handler-sends", ["1 leak: ", "[select] at net/http.(*persistConn).roundTrip ", ", in main.fetch "])])


def what_is_busy_is_nothing():
    status, out, said = report_of("busy", 26, "static", "--format", "json", "--all")
    expect(status == 0, f"exit {status}: {out}{said}")
    expect(not [g for g in json.loads(out)["groups"] if g["leak"] or g["incident"]], out)


def cases():
    for minor, mode in VERSIONS:
        yield f"peers: the_culprit_is_first [go1.{minor} {mode}]", lambda m=minor, how=mode: the_culprit_is_first(TRUTH | CONTEXTS, m, how)
    for minor, mode in OLDER:
        kinds = [k for k in TRUTH if minor >= 17 or k != "clients-apart"]    # who reads counts as busy there
        yield f"peers: the_culprit_is_first [go1.{minor} {mode}]", lambda m=minor, how=mode, ks=kinds: the_culprit_is_first(ks, m, how)
    for function in (the_text_has_one_entry, what_is_busy_is_nothing):
        yield f"peers: {function.__name__}", function
