# SPDX-License-Identifier: BSD-2-Clause
"""incidents: leaks with one cause are one entry, the culprit first."""
import json
import re
import subprocess
import time

import build
from leaks import MIN_AGE, WATCH, brief, leaks, start_of, together
from target import LIMIT, PARKWATCH, Target, expect, parkwatch

VERSIONS = [21, 26]
AT_ONCE = 10    # programs that are watched at the same time
LED = [(17, "static"), (22, "static"), (26, "stripped"), (27, "static")]    # versions and builds that LEADERS are tried on

# kind: (start of the culprit, part of its words, goroutines behind it (None: more and more), starts of all that are joined to it)
TRUTH = {
    "request-with-lock": ("main.load", "", 140, {"main.look", "main.count"}),
    "double-lock": ("main.clean", "double lock", 1, {"main.look"}),
    "recursive-rlock": ("main.outer", "recursive RLock with a writer in between", 200, {"main.write", "main.read"}),
    "chain": ("main.waitFor", "blocked receive", 31, {"main.behind", "main.last"}),
    "part-hangs": ("main.fetch", "", None, {"main.waitAll"}),
    "last-part-hangs": ("main.fetchAll.func2", "", None, {"main.fetchAll"}),
    "transactions-never-ended": ("database/sql.(*Tx).awaitDone", "transaction never ended", None, {"main.order"}),
    "rows-never-closed": ("database/sql.(*Rows).awaitDone", "sql.Rows never closed", None, {"main.list"}),
    "wait-with-lock": ("main.need", "those who should call Done for the waiter", 9, {"main.finish", "main.last"}),
    "wait-group": ("main.part", "blocked send", 5, {"main.waitAll"}),
    "limit": ("main.limited", "request waits for a silent server", None, {"main.limited"}),
    "limit-of-its-own": ("main.(*gate).pass", "request waits for a silent server", None, {"main.(*gate).pass"}),
    "limit-for-children": ("main.startSome.func1", "request waits for a silent server", None, {"main.startSome"}),
    "answers": ("main.(*answer).call", "request waits for a silent server", None, {"main.wantAnswer"}),
    "answers-or-end": ("main.(*answer).call", "request waits for a silent server", None, {"main.wantAnswerOrEnd"}),
    "made-ready": ("main.makeReady", "request waits for a silent server", None, {"main.useWhenReady"}),
    "made-ready-in-the-end": ("main.makeReadyInTheEnd", "request waits for a silent server", None, {"main.useWhenReady"}),
    "one-result-each": ("main.giveResult", "request waits for a silent server", None,
                        {"main.takeResult", "net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"}),
    "behind-a-ring": ("main.lockBoth", "each holds what the other wants", 20, {"main.lockBoth", "main.last"}),
}

# The same for those that many wait for who want its result too, or that it ends.
LEADERS = {
    "single-flight": ("main.ask", "request waits for a silent server", None, {"main.demand"}),
    "flight-that-stands": ("main.ask", "request waits for a silent server", 60, {"main.demandStanding"}),
    "plain-flight": ("main.askPlainly", "request waits for a silent server", None, {"main.demandPlainly"}),
    "once": ("main.configure", "request waits for a silent server", None, {"main.useConfig"}),
    "done-within-done": ("main.report", "request waits for a silent server", None, {"main.waitAll"}),
    "error-group": ("main.(*group).goDo.func1", "request waits for a silent server", None, {"main.waitGroup"}),
}


POOLS = {"transactions-never-ended", "rows-never-closed"}    # whoever gives back is enough: told is who stands there for longest
MANY_CULPRITS = {"last-part-hangs"}    # each with its own followers, more and more: told is one that hangs


def stands(pid, culprit):
    """Until a goroutine of the culprit's waits, and did so a moment ago: the machine may be slow, and then the program is."""
    before, end = set(), time.monotonic() + LIMIT
    while True:
        code, out, said = parkwatch("dump", "-p", pid, "-f", "json")
        expect(code == 0, said)
        now = {g["goid"] for g in json.loads(out)["goroutines"] if g["status"] == "waiting" and g["start"]["func"] == culprit}
        if before & now:
            return
        expect(time.monotonic() < end, f"no {culprit} waits: {out[:2000]}")
        before = now
        time.sleep(0.1)


def report_of(kind, minor, *args, mode="static"):
    with Target(kind, command=build.built(minor, mode, "incidents")) as t:
        t.truth()
        if kind in TRUTH | LEADERS:
            stands(t.pid, (TRUTH | LEADERS)[kind][0])
        return leaks(t.pid, *args)


def one_incident(kind, minor, mode="static"):
    culprit, words, behind, joined = (TRUTH | LEADERS)[kind]
    status, out, said = report_of(kind, minor, "--format", "json", mode=mode)
    expect(status == 3, f"exit {status}: {said}")
    groups = json.loads(out)["groups"]
    root = groups[0]
    told = [brief(g) for g in groups]
    expect(start_of(root) == culprit and root["root"] is True and root["incident"], f"{kind}: {told}: {said}")
    expect(words in (root["pattern"] or ""), f"{kind}: {told}")
    expect((root["behind"]["count"] == behind or behind is None and root["behind"]["count"] > 10) and root["behind"]["goid"] in root["goids"], f"{kind}: {root['behind']}")
    expect(root["behind"]["age_s"] >= (MIN_AGE if kind in MANY_CULPRITS else WATCH), f"{kind}: {root['behind']}")
    expect(kind not in POOLS or root["behind"]["age_s"] == root["age_s"]["max"], f"{kind}: {root['behind']} of {root['age_s']}")
    rest = groups[1:]
    expect({start_of(g) for g in rest} == joined, f"{kind}: {told}")
    for g in rest:
        expect(g["incident"] == root["incident"] and g["behind"]["goid"] == root["behind"]["goid"], f"{kind}: {g['behind']}")
        expect(g["pattern"] == root["pattern"] and g["cure"] == root["cure"], f"{kind}: {told}")
        expect(g["root"] is (start_of(g) in ("main.write", "main.lockBoth", "main.finish")), f"{kind}: {told}")


def chans_tells_the_ring(minor):
    """Who waits for a WaitGroup with a lock that those who should call Done need: a deadlock."""
    with Target("wait-with-lock", command=build.built(minor, "static", "incidents")) as t:
        t.truth()
        out = subprocess.run([PARKWATCH, "chans", "-p", str(t.pid)], capture_output=True, text=True).stdout
    for want in ["1 deadlock", "waits for waitgroup ", " would call Done at main.need", " holds it and would unlock it at main.finish",
                 "behind them: 9 more goroutines"]:
        expect(want in out, f"no {want!r} in {out}")


def the_culprit_is_first(kinds, minor, mode="static"):
    together(one_incident, [(kind, minor, mode) for kind in kinds], AT_ONCE)


def chans_tells_the_leader(minor, mode):
    """Who would end what many wait for, and where it stands."""
    for kind, want in [("single-flight", r"  goroutine \d+ would call Done at main\.\(\*flights\)\.doCall\.func1 [^;]*; it is at "),
                       ("error-group", r"  goroutine \d+ would call Done at main\.\(\*group\)\.[^;]*; it is at "),
                       ("once", r"  held by goroutine \d+, which would unlock it at main\.configure [^;]*; it is at ")]:
        with Target(kind, command=build.built(minor, mode, "incidents")) as t:
            t.truth()
            out, told = (subprocess.run([PARKWATCH, "chans", "-p", str(t.pid), "-f", how], capture_output=True, text=True).stdout
                         for how in ("text", "json"))
        expect(re.search(want + r"net/http\.", out), out)
        holders = [h for lock in json.loads(told)["locks"] for h in lock["holders"]]
        expect([h["at"]["state"] for h in holders] == ["select"] and holders[0]["at"]["func"].startswith("net/http."), str(holders))


def the_text_has_one_entry():
    status, text, said = report_of("request-with-lock", 26)
    expect(status == 3, f"exit {status}: {said}")
    for want in ["1 leak: 141 goroutines", " must go on first; it has been here for ", "140 goroutines wait for it",
                 "130 [sync.Mutex.Lock] at main.look ", "10 [sync.Mutex.Lock] at main.count "]:
        expect(want in text, f"no {want!r} in {text}")
    expect(text.count("  because ") == 1, text)


def the_own_line_is_told_of_who_hangs_in_a_library():
    status, text, said = report_of("part-hangs", 26)
    expect(status == 3, f"exit {status}: {said}")
    entry = [e for e in text.split("\n\n") if " net/http.(*persistConn).roundTrip " in e][0]
    expect("\n  own line    main.get " in entry, text)
    expect(text.count("  own line ") == text.count("  own line    main.get "), text)


def nobody_is_blamed_who_only_has_the_channel():
    """They would send, or close it, some day; but they serve in a loop, or wait for the end of something that lasts."""
    kinds = {"hub": "main.listenTo", "feeder": "main.workOn", "end-of-context": "main.untilStopped", "end-of-connection": "main.untilStopped"}
    reports = together(report_of, [(kind, 26, "--format", "json", "--all") for kind in kinds])
    for (kind, start), (status, out, said) in zip(kinds.items(), reports):
        groups = json.loads(out)["groups"]
        expect(status == 3, f"{kind}: exit {status}: {said}")
        expect({start_of(g) for g in groups if g["leak"]} == {start}, f"{kind}: {[brief(g) for g in groups if g['leak']]}")
        expect(not [g for g in groups if g["incident"]], f"{kind}: {[brief(g) for g in groups if g['incident']]}")


def what_is_busy_is_no_incident():
    def one(kind):
        status, out, said = report_of(kind, 26, "--format", "json", "--all")
        expect(status == 0, f"{kind}: exit {status}: {out}{said}")
        # Who stands at a barrier is known to wait for somebody, and rightly so
        expect(not [g for g in json.loads(out)["groups"] if g["leak"] or g["incident"] and kind != "barrier"], f"{kind}: {out}")
    kinds = ("busy-lock", "busy-group", "busy-flight", "busy-pool", "busy-once", "busy-database", "busy-limit", "busy-answers", "barrier")
    together(one, [(kind,) for kind in kinds], 4)


def cases():
    for minor in VERSIONS:
        yield f"incidents: the_culprit_is_first [go1.{minor} static]", lambda m=minor: the_culprit_is_first(TRUTH, m)
        yield f"incidents: chans_tells_the_ring [go1.{minor} static]", lambda m=minor: chans_tells_the_ring(m)
    for minor, mode in LED:
        yield f"incidents: the_leader_is_first [go1.{minor} {mode}]", lambda m=minor, how=mode: the_culprit_is_first(LEADERS, m, how)
        yield f"incidents: chans_tells_the_leader [go1.{minor} {mode}]", lambda m=minor, how=mode: chans_tells_the_leader(m, how)
    for function in (the_text_has_one_entry, the_own_line_is_told_of_who_hangs_in_a_library, nobody_is_blamed_who_only_has_the_channel, what_is_busy_is_no_incident):
        yield f"incidents: {function.__name__}", function
