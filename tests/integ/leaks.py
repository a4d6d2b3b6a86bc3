# SPDX-License-Identifier: BSD-2-Clause
"""leaks: what parkwatch leaks says of programs that leak on purpose, and of programs that only look so: on every Go and build mode.

LEAK_ROUNDS: how often all of them are watched (1). A wrong verdict may need luck to show: LEAK_ROUNDS=20 run.py --jobs 8 --only leaks:.every
"""
import collections
import concurrent.futures
import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import build
import harm
from target import LIMIT, PARKWATCH, Failed, Target, alive, delay_ns, expect

MODES = ["stripped", "pie", "cgo", "race"]
WATCH = 12    # seconds; the programs leak fast enough
MIN_AGE = 8   # seconds
ROUNDS = int(os.environ.get("LEAK_ROUNDS", "1"))
AT_ONCE = 20  # programs that are watched at the same time
A_FEW = 12    # kinds in one program that a slow machine can have
PROMISED = {"leak", "verdict", "proven", "pattern", "reason", "count", "count_start", "growth_per_min", "births", "exits", "age_s",
            "objects", "stack_bytes", "start", "created_by", "goids", "stack"}
WEAKER = {"growing": ["growing", "leaked"], "deadlock": ["deadlock", "leaked"], "stuck": ["stuck", "deadlock", "leaked"]}


@contextlib.contextmanager
def leaking(kinds, minor=build.MODES_MINOR, mode="static"):
    """(pid, truth) of a running program."""
    with Target(kinds, command=build.built(minor, mode, "leaks")) as t:
        yield t.pid, json.loads(t.truth())


def command(pid, *args, seconds=WATCH):
    """The proof may take the time that it takes: beside other tests the 10 s that it has else may be too few, and what is not proven is not told."""
    return [PARKWATCH, "leaks", "-p", str(pid), "-d", str(seconds), "--min-age", f"{MIN_AGE}s", "--proof-budget", "60s", *args]


def leaks(pid, *args):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(command(pid, *args), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


def together(function, arguments, most=AT_ONCE):
    """What the function returns for each tuple of arguments, all at the same time: a watch is mostly waiting."""
    with concurrent.futures.ThreadPoolExecutor(most) as pool:
        return [one.result() for one in [pool.submit(function, *args) for args in arguments]]


def read(pid, *args):
    status, out, said = leaks(pid, "--format", "json", *args)
    expect(status in (0, 3), f"exit {status}: {said}")
    report = json.loads(out)
    expect(status == (3 if any(g["leak"] for g in report["groups"]) else 0), f"exit {status}: {out[:500]}")
    return report


def read_undisturbed(pid, *args):
    """The report of a watch in which the program had the processors: where one of its threads waits for one all the time it neither leaks nor
    goes on as it would. Whatever the report says: nothing is tried again because of it. The third counts in any case."""
    for _ in range(3):
        before = delay_ns(pid)
        report = read(pid, *args)
        if delay_ns(pid) - before < WATCH * 10**9:
            break
    return report


def start_of(group):
    return group["start"]["func"] if group["start"] else None


def brief(group):
    return f"{group['verdict']} {group['count']} x {start_of(group)} [{group['reason']}] '{group['pattern']}': {group['why']} {group['counts']}"


def same_leaks(report, truth, suspects=False):
    """Each leak is told, with the right words; nothing else is. suspects: they were asked for, to say why one is not told."""
    told, suspect = collections.defaultdict(list), collections.defaultdict(list)
    for g in report["groups"]:
        expect(g["leak"] and (suspects or g["verdict"] != "suspect"), f"not a leak, and not asked for: {brief(g)}")
        (suspect if g["verdict"] == "suspect" else told)[start_of(g)].append(g)
    for want in truth["leaks"]:
        said = told.get(want["start"], [])
        right = [g for g in said if g["reason"] == want["reason"] and want["pattern"] in g["pattern"] and
                 g["verdict"] in WEAKER[want["verdict"]]]
        expect(right, f"{want}: told is {[brief(g) for g in said]}, suspect {[brief(g) for g in suspect[want['start']]]}")
    starts = {want["start"] for want in truth["leaks"]}
    wrong = [brief(g) for groups in told.values() for g in groups if start_of(g) not in starts]
    expect(not wrong, f"no leak, but told: {wrong}")


def every_leak_is_told(minor, mode):
    # Before Go 1.17 only the probes see who ran; on a machine that is busy with other tests they may be taken down.
    probes = ["--max-overhead", "0"] if minor < 17 else []
    with leaking("all-leaks", minor, mode) as (pid, truth):
        report = read_undisturbed(pid, "--suspects", *probes)
        same_leaks(report, truth, suspects=True)
        for g in report["groups"]:
            expect(PROMISED <= set(g), f"without {PROMISED - set(g)}")
            expect(g["count"] >= len(g["goids"]) > 0 and g["stack"], brief(g))
        expect(report["window_s"] >= WATCH - 0.1 and report["goroutines"]["end"] > report["goroutines"]["start"], report["goroutines"])


def nothing_harmless_is_told(minor, mode):
    with leaking("all-controls", minor, mode) as (pid, _):
        report = read(pid)
        expect(not report["groups"], [brief(g) for g in report["groups"]])


def every_leak_is_told_and_nothing_else(minor, mode):
    together(lambda told: told(minor, mode), [(every_leak_is_told,), (nothing_harmless_is_told,)])


def the_runtime_says_the_same():
    """What its own profile calls leaked is; what we call proven is in the profile."""
    with Target("all-leaks,all-controls", command=build.built(27, "static", "leaks")) as t:
        t.truth()
        report = read(t.pid)
        t.process.stdin.write("profile\n")
        t.process.stdin.flush()
        text = json.loads(t.truth())
    own = {}    # goid -> its outermost function
    for trace in text.split("\n\n"):
        head = re.match(r"goroutine (\d+) [^\n]*\(leaked\)", trace)
        if head:
            own[int(head[1])] = [line for line in trace.split("\n") if line.endswith(")") and not line.startswith(("\t", "created by"))][-1].rpartition("(")[0]
    expect(own, "the runtime has found nothing: " + text[:300])
    proven = [g for g in report["groups"] if g["verdict"] == "leaked"]
    for g in proven:
        wrong = [i for i in g["goids"] if i not in own]    # a group leaks as one: those that came last may not be proven yet
        expect(len(wrong) <= g["count"] - g["proven"], f"{brief(g)}: the runtime reaches {wrong}")
    told = {start_of(g) for g in proven}
    missed = set(own.values()) - told
    expect(not missed, f"the runtime has found {missed}, told is {told}")


def each_kind_alone():
    """As the only thing that the program does, and without probes."""
    program = build.built(build.MODES_MINOR, "static", "leaks")
    kinds = subprocess.run(program + ["list"], capture_output=True, text=True, check=True).stdout.split()

    def one(kind):
        with leaking(kind) as (pid, truth):
            report = read(pid, "--no-probes")
            try:
                same_leaks(report, truth)
            except Exception as e:
                return f"{kind}: {e}"
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [why for why in pool.map(one, kinds) if why]
    expect(not wrong, "\n".join(wrong))


def a_few_kinds_at_a_time(minor, most=None):
    """On a machine that is too slow for all of them. most: kinds."""
    program = build.built(minor, "static", "leaks")
    kinds = subprocess.run(program + ["list"], capture_output=True, text=True, check=True).stdout.split()[:most]
    wrong = []
    for at in range(0, len(kinds), A_FEW):
        with leaking(",".join(kinds[at:at + A_FEW]), minor) as (pid, truth):
            try:
                same_leaks(read(pid, "--suspects"), truth, suspects=True)
            except Failed as e:
                wrong.append(str(e))
    expect(not wrong, "\n".join(wrong))


def one_in_five_seconds_is_found_within_a_minute():
    with leaking("slowest,slowest-subscription") as (pid, truth):
        done = subprocess.run(command(pid, "--format", "json", seconds=58), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=2 * LIMIT)
        expect(done.returncode == 3, f"exit {done.returncode}: {done.stderr}")
        same_leaks(json.loads(done.stdout), truth)


def probes_count_births_and_exits():
    with leaking("one-of-ten") as (pid, _):
        g = read(pid, "--max-overhead", "0")["groups"][0]
        expect(not g["births_estimated"], "no probes")
        expect(g["exits"] >= 5 * g["count"] and abs(g["births"] - g["exits"] - (g["count"] - g["count_start"])) <= 2, brief(g) + str(g))


def loops_that_spin_grow(minor=build.MODES_MINOR):
    with leaking("spinning,spinning-and-allocating,spinning-on-a-flag", minor) as (pid, truth):
        (status, text, _), (_, out, _) = together(leaks, [(pid,), (pid, "--format", "json")])
        report = json.loads(out)
        same_leaks(report, truth)
        cpu = [g["cpu"] for g in report["groups"]]
        expect(all(g["blocked_at"] is None for g in report["groups"]), "nothing is blocked")
        expect(sum(c["s"] for c in cpu) > 1 and 0 < sum(c["seen"] for c in cpu) <= cpu[0]["seen_of"], str(cpu))
        expect(status == 3 and "?:0" not in text and "blocked at" not in text and re.search(r"^  cpu +~\d+\.\d s of the ", text, re.M), text)


def work_that_computes_and_ends_does_not_spin():
    with leaking("rising-computation") as (pid, _):
        expect(not read(pid, "--suspects")["groups"], "computations that end are told")


def loops_that_spin_grow_before_go_1_17():
    loops_that_spin_grow(16)


def bodies_left_open_before_the_watch_are_suspect(minor=build.MODES_MINOR):
    def one(kinds, want):
        with leaking(kinds, minor) as (pid, _):
            told = [g for g in read(pid, "--suspects")["groups"]
                    if start_of(g) == "net/http.(*persistConn).readLoop" and g["pattern"] != "idle HTTP connections never closed"]
            expect([(g["verdict"], g["count"], g["pattern"]) for g in told] == [("suspect", 20, "HTTP body not closed")] * want,
                   f"{kinds}: {[brief(g) for g in told]}")
    # Beside them idle connections that grow: the loops that write belong to both
    together(one, [("old-bodies", True), ("streams", False), ("old-bodies,http-client-per-request", True)])


def bodies_left_open_are_suspect_on_an_older_go():
    bodies_left_open_before_the_watch_are_suspect(19)


def more_clients_that_are_there_are_no_leak():
    with leaking("silent-clients") as (pid, _):
        told = read(pid, "--suspects")["groups"]
        expect([(g["verdict"], start_of(g), g["pattern"]) for g in told] == [("suspect", "main.serveSilent", "more connections")],
               str([brief(g) for g in told]))


def what_belongs_to_clients_is_load(minor=build.MODES_MINOR):
    """Who writes to a client, its handler: as many as there are clients, and no leak. Who stays when they leave, or hangs, is one."""
    def told(kind):
        with leaking(kind, minor) as (pid, truth):
            return read(pid, "--suspects", "--max-overhead", "0")["groups"], truth
    load = {"clients-with-a-writer": "main.(*peer).writeAll", "clients-with-a-pump": "main.(*peer).write", "subscribers": "net/http.(*conn).serve"}
    worse = ["writers-of-clients-that-left", "handlers-that-hang"]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for kind, (groups, truth) in zip([*load, *worse], pool.map(told, [*load, *worse])):
            if kind in load:
                expect(all((g["verdict"], g["pattern"]) == ("suspect", "more connections") for g in groups) and
                       load[kind] in {start_of(g) for g in groups}, f"{kind}: {[brief(g) for g in groups]}")
                continue
            same = [g for g in groups if start_of(g) == truth["leaks"][0]["start"] and truth["leaks"][0]["pattern"] in g["pattern"]]
            expect([g["verdict"] for g in same] == ["growing"], f"{kind}: {[brief(g) for g in groups]}")


def what_belongs_to_clients_is_load_on_an_older_go():
    what_belongs_to_clients_is_load(19)


def work_that_a_deadline_will_end_is_no_leak(minor=build.MODES_MINOR):
    """A deadline of a context, or a delayed call, as its timer in the runtime says; not one that is far, or is put off again and again."""
    def one(kind, verdict, waits):
        with leaking(kind, minor) as (pid, _):
            told = [g for g in read(pid, "--suspects")["groups"] if g["blocked_at"] and g["blocked_at"]["func"] == waits]
            # A pass may miss one whose timer was moved meanwhile: that is told instead
            why = "a timer will soon end them|one search found nothing" if verdict == "suspect" else "the number rose"
            expect([g["verdict"] for g in told] == [verdict] and re.search(why, told[0]["why"]), f"{kind}: {[brief(g) for g in told]}")
    together(one, [("deadlines", "suspect", "main.untilDeadline"), ("delayed-calls", "suspect", "main.untilClosed"),
                   ("far-deadlines", "growing", "main.untilDeadline"), ("watchdogs", "growing", "main.untilPutOff")])


def work_that_a_deadline_will_end_on_older_gos():
    for minor in (16, 22):
        work_that_a_deadline_will_end_is_no_leak(minor)


def what_main_sets_up(which, minor):
    """The group of it; main itself must make them, so there is no kind of that name."""
    with Target(which, command=build.built(minor, "static", "leaks") + ["ramp"]) as t:
        t.truth()
        done = subprocess.run(command(t.pid, "--suspects", "--format", "json", seconds=20), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=LIMIT)
        return json.loads(done.stdout)["groups"]


def a_start_up_ramp_is_no_leak():
    starts = {"served": "main.(*cache).serve", "waiting": "main.(*cache).wait", "swept": "main.(*cache).sweep"}
    which = [(w, minor) for minor in (build.MODES_MINOR, 19) for w in starts]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for (w, _), told in zip(which, pool.map(lambda a: what_main_sets_up(*a), which)):
            expect([(g["verdict"], start_of(g), g["pattern"]) for g in told] == [("suspect", starts[w], "still being set up")],
                   f"{w}: {[brief(g) for g in told]}")


def loops_on_a_ticker_that_nobody_can_end_are_suspect(minor=build.MODES_MINOR):
    with leaking("endless-tickers,rare-tickers,stoppable-tickers,tickers-of-a-context,tickers-in-pairs", minor) as (pid, _):
        report = read(pid, "--suspects")
        told = {(g["verdict"], start_of(g), "nobody else refers to what would end them" in g["why"]) for g in report["groups"]}
        expect(told == {("suspect", "main.loopEndless", True), ("suspect", "main.loopRarely", True)}, str([brief(g) for g in report["groups"]]))


def loops_on_a_ticker_of_an_older_go():
    loops_on_a_ticker_that_nobody_can_end_are_suspect(19)


def iterators_that_nobody_can_go_on_with_are_proven(minor=build.MODES_MINOR, mode="static"):
    with leaking("dropped-iterators,iterators-never-begun,kept-iterators,nested-iterators", minor, mode) as (pid, truth):
        report = read(pid, "--no-probes", "--all")
        told = [g for g in report["groups"] if g["reason"] == "coroutine"]
        proven = sum(g["proven"] for g in told)
        expect(proven == 40 + 5, f"proven {proven}: {[brief(g) for g in told]}")
        for g in told:
            held = g["searched"]["held_by_global"] + g["searched"]["held_by_goroutine"] + g["searched"]["held_otherwise"]
            expect((g["verdict"] == "leaked") == (g["blocked_at"]["func"] not in ("main.countKept", "main.nestedCount")), brief(g))
            expect(held + g["searched"]["unreached"] == g["searched"]["count"] == g["count"], f"{brief(g)}: {g['searched']}")


def iterators_of_every_go_and_mode_are_proven():
    together(iterators_that_nobody_can_go_on_with_are_proven, [(23, "static"), (27, "static"), (26, "race")])


def what_is_no_leak_is_shown_with_all():
    with leaking("pool,sleepers,signals,web-server,lock-held-for-long") as (pid, _):
        said = {(g["verdict"], start_of(g)) for g in read(pid, "--all")["groups"]}
        for want in [("pool", "main.poolWorker"), ("sleeping", "main.sleepLong"), ("suspect", "main.waitBriefly"), ("idle", "os/signal.loop"),
                     ("idle", "net/http.(*conn).serve")]:
            expect(want in said, f"{want} is not in {sorted(map(str, said))}")
        expect(any(v == "runtime" for v, _ in said), "the runtime's own are missing")


def known_leaks_are_silent():
    with leaking("early-return,deadlock") as (pid, truth), tempfile.TemporaryDirectory() as d:
        base, allow = Path(d) / "base", Path(d) / "allow"
        status, out, said = leaks(pid, "--save-baseline", str(base))
        expect(status == 3 and "main.answer" in out, f"exit {status}: {said}")
        expect("main.answer" in base.read_text() and "main.lockBoth" in base.read_text(), base.read_text())
        allow.write_text("# known\n^main\\.lockBoth$\n")
        (status, out, said), (_, told, _) = together(leaks, [(pid, "--baseline", str(base)), (pid, "--format", "json", "--allow", str(allow))])
        expect(status == 0 and "no leak found; " in out, f"exit {status}: {out}{said}")
        groups = json.loads(told)["groups"]
        expect([start_of(g) for g in groups] == ["main.answer"], [brief(g) for g in groups])
        allow.write_text("main.(\n")
        status, _, said = leaks(pid, "--allow", str(allow))
        expect(status == 1 and "line 1 of" in said, f"exit {status}: {said}")


def text_and_stacks_tell_the_same():
    with leaking("timeout") as (pid, _):
        (status, text, _), (status_of_stacks, folded, _) = together(leaks, [(pid,), (pid, "--format", "folded")])
        expect(status == 3, f"exit {status}")
        for want in [r"^LEAKED +\d+ goroutines \[chan send\]: blocked send after early return or timeout$", r"blocked at +main\.answerAfterTimeout .*channels\.go:\d+$",
                     r"^  made at +main\.", r"^  because +proof: (all |[\d,]+ of the )?[\d,]+ checked (is|are) unreachable: no live goroutine or variable can wake (it|them)$", r"^  cure "]:
            expect(re.search(want, text, re.M), f"no {want} in {text}")
        expect(status_of_stacks == 3 and re.fullmatch(r"(main\.answerAfterTimeout;.*\[chan send\] \d+\n)+", folded), folded)


def the_variable_that_holds_them_is_named():
    def one(mode, says):
        with leaking("sessions-that-expire", mode=mode) as (pid, _):
            _, text, _ = leaks(pid, "--suspects")
        expect(f" by variables of the program; for example {says}" in text, text)
    together(one, [("static", "the variable main.sessions"), ("stripped", "the variable at 0x")])


def ctrl_c_ends_it_early():
    with leaking("early-return") as (pid, _):
        watch = subprocess.Popen([PARKWATCH, "leaks", "-p", str(pid), "-d", "600", "--format", "json"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while "watching" not in (line := watch.stderr.readline()):
            expect(line, "parkwatch ended")
        harm.each_turns([watch.pid], 5)    # the first look, and waiting
        watch.send_signal(2)
        out, said = watch.communicate(timeout=LIMIT)
        expect(watch.returncode in (0, 3), f"exit {watch.returncode}: {said}")
        expect(json.loads(out)["looks"] == 2, out[:300])


def the_end_of_the_program_is_the_end_of_the_watch():
    with leaking("nil-receive") as (pid, _):
        watch = subprocess.Popen(command(pid), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while "watching" not in (line := watch.stderr.readline()):
            expect(line, "parkwatch ended")
        time.sleep(4)    # it looks every second, and needs two looks; when, nothing tells
        subprocess.run(["kill", "-9", str(pid)], check=True)
        out, said = watch.communicate(timeout=LIMIT)
        expect(watch.returncode == 3 and "LEAKED" in out, f"exit {watch.returncode}: {out}{said}")
        expect("ended while it was watched" in said, said)


def the_state_says_what_is_wrong():
    """What stands on the stack is the same for a mistake and another; each has a cure of its own, none an impossible one."""
    cures = {"silent-server": "http.Client.Timeout", "grandchild": "WaitDelay", "ticker-with-close": "call main.(*poller).Close",
             "double-lock-in-a-call": "do not lock", "stopped-ticker": "done channel"}

    def one(kind, minor):
        with leaking(kind, minor) as (pid, truth):
            report = read(pid)
            want = truth["leaks"][0]
            right = [g for g in report["groups"] if start_of(g) == want["start"] and g["reason"] == want["reason"] and
                     want["pattern"] in g["pattern"] and cures[kind] in g["cure"]]
            expect(right, f"{kind} go1.{minor}: told is {[(brief(g), g['cure']) for g in report['groups']]}")
            if kind == "silent-server":    # the connections are not idle
                expect({g["pattern"] for g in report["groups"]} == {want["pattern"]}, [brief(g) for g in report["groups"]])
    each = [(kind, 26) for kind in cures] + [("silent-server", 17), ("silent-server", 22), ("grandchild", 19), ("grandchild", 22),
                                             ("ticker-with-close", 22), ("double-lock-in-a-call", 22), ("stopped-ticker", 27)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda e: one(*e), each))


def requests_over_http2_are_told_apart():
    """Go 1.27 has moved its code to net/http/internal/http2."""
    def one(kind, minor):
        with leaking(kind, minor) as (pid, truth):
            groups = [g for g in read(pid)["groups"] if start_of(g).endswith("lientStream).doRequest")]
            expect([g["pattern"] for g in groups] == [truth["leaks"][0]["pattern"]] and ("Timeout" in groups[0]["cure"] or "close it" in groups[0]["cure"]),
                   f"{kind} go1.{minor}: {[brief(g) for g in groups]}")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda e: one(*e), [(k, m) for k in ("silent-server-over-http2", "bodies-over-http2") for m in (19, 26, 27)]))


def the_c_function_is_named():
    with Target("", command=build.built(26, "cgo", "leaksinc")) as t:
        t.truth()
        groups = read(t.pid)["groups"]
        expect([(start_of(g), g["reason"], g["pattern"]) for g in groups] ==
               [("main.ask", "syscall", "call into C that does not return: wait_for_device()")], [brief(g) for g in groups])
        expect(groups[0]["blocked_at"]["func"] == "main.ask" and "a timeout" in groups[0]["cure"], groups[0])


def a_goroutine_of_a_package_stands_in_it():
    """All its frames are of Go's own packages."""
    def one(minor):
        with leaking("foreign-context", minor) as (pid, _):
            groups = read(pid)["groups"]
            expect(len(groups) == 1 and re.match(r"context\.(\(\*cancelCtx\)\.)?propagateCancel", groups[0]["blocked_at"]["func"]) and
                   "context never cancelled" in groups[0]["pattern"], [(brief(g), g["blocked_at"]) for g in groups])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, [15, 19, 22, 26]))


def the_program_is_not_harmed():
    with leaking("churn,early-return") as (pid, _):
        read(pid)
        expect(alive(pid), "it died")


EVERYWHERE = [(minor, "static") for minor in build.MATRIX] + [(build.MODES_MINOR, mode) for mode in MODES]
ONCE = [
    each_kind_alone,
    one_in_five_seconds_is_found_within_a_minute,
    the_runtime_says_the_same,
    probes_count_births_and_exits,
    loops_that_spin_grow,
    loops_that_spin_grow_before_go_1_17,
    work_that_computes_and_ends_does_not_spin,
    bodies_left_open_before_the_watch_are_suspect,
    bodies_left_open_are_suspect_on_an_older_go,
    work_that_a_deadline_will_end_is_no_leak,
    work_that_a_deadline_will_end_on_older_gos,
    iterators_that_nobody_can_go_on_with_are_proven,
    iterators_of_every_go_and_mode_are_proven,
    what_is_no_leak_is_shown_with_all,
    known_leaks_are_silent,
    text_and_stacks_tell_the_same,
    the_variable_that_holds_them_is_named,
    ctrl_c_ends_it_early,
    the_end_of_the_program_is_the_end_of_the_watch,
    the_program_is_not_harmed,
    a_goroutine_of_a_package_stands_in_it,
    more_clients_that_are_there_are_no_leak,
    what_belongs_to_clients_is_load,
    what_belongs_to_clients_is_load_on_an_older_go,
    a_start_up_ramp_is_no_leak,
    loops_on_a_ticker_that_nobody_can_end_are_suspect,
    loops_on_a_ticker_of_an_older_go,
    the_state_says_what_is_wrong,
    requests_over_http2_are_told_apart,
    the_c_function_is_named,
]


def cases_of_a_slow_machine():
    """What an emulator has the time for."""
    for minor in build.MATRIX:
        yield f"leaks: a_few_kinds_at_a_time [go1.{minor}]", lambda m=minor: a_few_kinds_at_a_time(m)
        yield f"leaks: a_few_kinds [go1.{minor}]", lambda m=minor: a_few_kinds_at_a_time(m, A_FEW)


def cases():
    for function in ONCE: # the longest of all is the first of them
        yield f"leaks: {function.__name__}", function
    for minor, mode in ROUNDS * EVERYWHERE:
        yield f"leaks: every_leak_is_told_and_nothing_else [go1.{minor} {mode}]", lambda m=minor, o=mode: every_leak_is_told_and_nothing_else(m, o)
