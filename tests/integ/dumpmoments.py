# SPDX-License-Identifier: BSD-2-Clause
"""dumpmoments: dumps of a program that ends, becomes another, grows, stands still or never does while it is read."""
import collections
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import build
from dump import against_tracebacks, dump, frames, goroutines, report, word
from goroutines import Dumped, traceback
from harm import state_of, wait_until
from refusals import one_line, unused_pid
from target import LIMIT, PARKWATCH, Target, expect, parkwatch


def ended(code, out, said):
    """A dump that may have failed: it did so in one line, or what it wrote is whole. Returns the object of --format json."""
    expect(code in (0, 1), f"exit code {code}: {said[-500:]}")
    if code == 0:
        return json.loads(out)
    lines = said.splitlines()
    expect(len(lines) == 1 and lines[0].startswith("parkwatch: "), f"not one line: {said[-500:]!r}")
    expect(not out, f"exit code 1 and yet written: {out[:200]!r}")
    return None


def started(pid):
    return subprocess.Popen([PARKWATCH, "dump", "-p", str(pid), "--format", "json"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    try:
        out, said = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        expect(False, "dump does not end")
    return ended(process.returncode, out, said)


def interrupted(minor, interrupt):
    """Dumps of one program after another, each interrupted a little later, until one is over before that."""
    outcomes = collections.Counter()
    for delay in range(20):
        with Dumped("many:20000", minor) as t:
            process = started(t.pid)
            time.sleep(0.008 * delay)
            over = process.poll() is not None
            interrupt(t)
            whole = finished(process)
        outcomes["said that it ended" if whole is None else "whole"] += 1
        if whole:
            all_of_them = len(whole["goroutines"]) + whole["unsettled"] + whole["refused"]
            expect(all_of_them >= 20001 or not over, f"{all_of_them} of 20001 goroutines")
        if over:
            break
    expect(outcomes["said that it ended"], f"each of {sum(outcomes.values())} dumps was over before the program")


def a_program_that_ends_is_told_so(minor):
    interrupted(minor, lambda t: t.process.kill())


def a_program_that_exits_is_told_so(minor):
    interrupted(minor, lambda t: t.tell("exit"))


def a_program_that_becomes_another_is_told_so(minor):
    interrupted(minor, lambda t: t.tell("exec"))


def afterwards_it_is_no_go_program(minor):
    with Dumped("labels", minor) as t:
        t.tell("exec")
        wait_until(lambda: Path(f"/proc/{t.pid}/comm").read_text() == "sleep\n", "it does not become another program")
        one_line(parkwatch("dump", "-p", t.pid), "not a Go program|no Go")


def growing_from_10_to_200000_is_followed(minor):
    many = 200_000
    with Dumped("labels", minor) as t:
        there = set(goroutines(t.pid))
        t.tell(f"more {many}")
        over = threading.Event()
        reader = threading.Thread(target=lambda: (t.process.stdout.readline(), over.set()))
        reader.start()
        seen = []
        while not over.is_set():
            whole = finished(started(t.pid))
            expect(whole, "the program lives, and dump says no")
            goids = {g["goid"] for g in whole["goroutines"]}
            expect(len(goids) == len(whole["goroutines"]), "a goid is there twice")
            expect(len(there - goids) <= whole["unsettled"], f"lost: {there - goids}, {whole['unsettled']} unsettled")
            seen.append(len(goids))
        reader.join()
        for _ in range(100):    # at rest: a thread that the kernel took away in the middle of a step is back when it has a processor again
            whole = finished(started(t.pid))
            if not whole["unsettled"]:
                break
        truth = t.truth()
    expect(len(whole["goroutines"]) == truth["count"] >= many, f"{len(whole['goroutines'])}, the program has {truth['count']}")
    expect(not whole["unsettled"] and not whole["refused"], f"{whole['unsettled']} unsettled, {whole['refused']} refused")
    extras = sum(word(g) == "chan receive" and any(f.func == "main.extra" for f in frames(g)) for g in whole["goroutines"])
    expect(extras == many, f"{extras} of {many} stand where they do; sizes seen: {seen[:10]}")


def what_stands_still_is_right_while_all_else_moves(minor):
    """All threads at work, stacks that grow, births, ends and collections; 200 goroutines that do nothing of it."""
    with Dumped("churn:200", minor, env={"GOGC": "100"}) as t:
        place = None
        while sum(b.state == "chan receive" and b.frames[-1].func == "main.extra" for b in
                  traceback(t.ask("stack")).values()) < 200:
            pass
        for _ in range(25):
            whole = finished(started(t.pid))
            expect(whole, "the program lives, and dump says no")
            still = [g for g in whole["goroutines"] if g["start"] and g["start"]["func"] == "main.extra"]
            expect(200 - len(still) <= whole["unsettled"], f"{len(still)} of 200, {whole['unsettled']} unsettled")
            for g in still:
                own = [f for f in frames(g) if f.func.startswith("main.")]
                expect(word(g) == "chan receive" and len(own) == 1, f"goroutine {g['goid']}: {word(g)} {own}")
                place = place or own[0].line
                expect(own[0].line == place, f"goroutine {g['goid']} is at line {own[0].line}, others at {place}")
            for g in whole["goroutines"]:
                moving(g)


def moving(g):
    """What must hold of any goroutine at any moment."""
    if g["status"] == "running":
        expect(not g["stack"], f"goroutine {g['goid']} runs and has a stack")
    if g["status"] in ("waiting", "preempted", "runnable") and g["stack"] and not g.get("truncated"):
        last = frames(g)[-1].func
        expect(last == "runtime.goexit", f"goroutine {g['goid']} [{word(g)}] ends in {last}: {[f.func for f in frames(g)]}")


def a_stopped_program_is_read_like_any(minor):
    with Dumped("parked", minor) as t:
        blocks, truth = t.settled(), t.truth()
        while goroutines(t.pid)[truth["server"]]["status"] == "running":    # it still writes
            pass
        t.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: state_of(t.pid) == "T", "it does not stop")
            first, second = goroutines(t.pid), goroutines(t.pid)
        finally:
            t.process.send_signal(signal.SIGCONT)
    report(against_tracebacks(first, blocks, truth["server"]))
    for goid, g in first.items():
        for key in ("status", "reason", "stack", "labels"):
            expect(second[goid][key] == g[key], f"goroutine {goid}: {key} changed while all stands still")


def nothing_is_left_changed_in_it(minor):
    """No stop, no probe, no ptrace: the memory map, the threads and the tracer of the program are as before."""
    with Dumped("parked", minor) as t:
        t.settled()
        before = untouched(t.pid)
        dump(t.pid)
        expect(untouched(t.pid) == before, "the program is not as it was")


def untouched(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/status") as status:
        return maps.read(), re.findall(r"^(?:TracerPid|Sig(?:Cgt|Blk|Ign)):.*", status.read(), re.M)


def refusals_of_dump_are_one_line(minor):
    pid = unused_pid()
    one_line(parkwatch("dump", "-p", pid), str(pid), "no.*process|no such")
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        one_line(parkwatch("dump", "-p", sleeper.pid), "not a Go program|no Go")
    finally:
        sleeper.kill()
        dead = parkwatch("dump", "-p", sleeper.pid)    # nobody has waited for it yet
        sleeper.wait()
    one_line(dead, str(sleeper.pid))
    with Dumped("labels", minor) as t:
        tid = next(int(x) for x in os.listdir(f"/proc/{t.pid}/task") if int(x) != t.pid)
        one_line(parkwatch("dump", "-p", tid), "thread", str(t.pid))
        one_line(parkwatch("dump", "-p", t.pid, prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                                        "--inh-caps=-all"]), "CAP_|sudo|permi")
        one_line(parkwatch("dump", "-p", t.pid, "-o", "/nowhere/at/all/x.json"), "/nowhere/at/all", "no such")
        one_line(parkwatch("dump", "-p", t.pid, "-o", "/dev/full", "--format", "json"), "no space")
    with Target("idle", minor=14) as t:
        one_line(parkwatch("dump", "-p", t.pid), r"1\.14", r"1\.15")


def a_reader_that_goes_away_is_no_crash(minor):
    with Dumped("many:20000", minor) as t:
        process = started(t.pid)
        process.stdout.read(100)
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(LIMIT)
    expect(code in (0, 1, -signal.SIGPIPE) and len(said.splitlines()) <= 1, f"exit code {code}: {said[-300:]}")


def the_file_is_whole_or_not_there(minor):
    with tempfile.TemporaryDirectory() as d, Dumped("many:20000", minor) as t:
        path = os.path.join(d, "x.json")
        process = subprocess.Popen([PARKWATCH, "dump", "-p", str(t.pid), "-o", path], stderr=subprocess.DEVNULL)
        while process.poll() is None and not os.listdir(d):
            pass
        process.kill()
        process.wait()
        if os.path.exists(path):
            with open(path) as f:
                expect(len(json.load(f)["goroutines"]) == 20001, "not all are in the file of the one that was killed")
        dump(t.pid, "-o", path)
        with open(path) as f:
            expect(len(json.load(f)["goroutines"]) == t.truth()["count"], "not all are in the file")


def cases():
    for function in (
            a_program_that_ends_is_told_so, a_program_that_exits_is_told_so, a_program_that_becomes_another_is_told_so,
            afterwards_it_is_no_go_program, growing_from_10_to_200000_is_followed,
            what_stands_still_is_right_while_all_else_moves, a_stopped_program_is_read_like_any,
            nothing_is_left_changed_in_it, refusals_of_dump_are_one_line, a_reader_that_goes_away_is_no_crash,
            the_file_is_whole_or_not_there):
        for minor in (build.MODES_MINOR, 19):
            yield f"dump: {function.__name__} [go1.{minor}]", lambda f=function, m=minor: f(m)
