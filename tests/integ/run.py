#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run: the integration tests: build/parkwatch (or $PARKWATCH) on real Go programs, as root.

    tests/integ/run.py [--only PATTERN] [--list] [--jobs N]

Lines `ok NAME`, `FAIL NAME: why`, `skip NAME: what is missing`; then how long the slowest took, and each module in all; the last line
`N passed, N failed, N skipped`; exit 1 if any failed. What a case says may depend on who else has the processors: one that fails
beside others is told as `again NAME: why`, and is run once more when nothing else runs; what it says then counts.
PATTERN is a regular expression over names. The cases are in truths.py and allocs.py (programs that print what they did),
tracer.py (against Go's execution tracer), dump.py (against Go's own tracebacks) and the other modules; the scripts of symbols, jobs,
census, holds, reach and arm64code run too.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import threading
import time
import traceback

import allocs
import backends
import build
import called
import charge
import chans
import chanwatch
import contended
import cpu
import cycles
import dump
import dumpmoments
import dumpviews
import ended
import harm
import holder
import incidents
import keptrequests
import launch
import leaks
import moments
import openapi
import outputs
import overdue
import page
import pagerequests
import peers
import processes
import prometheus
import ps
import refs
import refusals
import replay
import requesttruth
import routes
import sampling
import secretmem
import serve
import servearound
import serveconfig
import serveharm
import servehistory
import servehttp
import servelarge
import servelive
import servepods
import serverecord
import serverequests
import serverestarts
import servesinks
import servespans
import serveunit
import serveview
import stacks
import surroundings
import systemstacks
import target
import timeline
import top
import tracer
import truths
import wakes
import wall
import wanted

# What they say depends on time, or they use a processor for themselves: --jobs of their cases run at a time.
MEASURE = (
    refusals,
    processes,
    replay,
    moments,
    charge,
    harm,
    holder,
    outputs,
    surroundings,
    truths,
    allocs,
    cpu,
    contended,
    wall,
    tracer,
    wakes,
    timeline,
    dump,
    dumpviews,
    dumpmoments,
    chans,
    chanwatch,
    refs,
    secretmem,
    stacks,
    servelarge,
    serveview,
    sampling,
    systemstacks,
    launch,
    wanted,
    requesttruth,
    routes,
)

# What they do is wait, 12 s for each watch (a fifth of a processor) or for what a daemon does next, and what they say is no time:
# --jobs of their cases run beside --jobs of the others.
WAIT = (
    ps,
    called,
    cycles,
    leaks,
    incidents,
    overdue,
    peers,
    serve,
    page,
    pagerequests,
    serveunit,
    serveconfig,
    serveharm,
    servehistory,
    servehttp,
    servelive,
    openapi,
    servearound,
    servepods,
    serverecord,
    serverequests,
    ended,
    keptrequests,
    serverestarts,
    servesinks,
    servespans,
    top,
    prometheus,
    backends,
)

# Scripts of their own, each over a program of the build.
SCRIPTS = {"symbols.py": "pwsym", "census.py": "pwcensus", "holds.py": "pwholds", "arm64code.py": "pwa64", "reach.py": "pwreach", "jobs.py": "pwjobs"}
PROGRAMS = target.ROOT / os.environ.get("BUILD", "build") / "tests"
AGAIN = 8    # cases at most that are run again; where more fail it is not for want of a processor
printing = threading.Lock()
took = {}    # seconds, by name
tally = collections.Counter()
again = []   # (name, why, what runs it once more)


def say(verdict, name, why=""):
    with printing:
        tally[verdict] += 1
        print(verdict, f"{name}: {' / '.join(why.splitlines())}" if why else name, flush=True)


def failed(name, why, repeat):
    """The last of them has no repeat: it was alone."""
    if repeat is None:
        return say("FAIL", name, why)
    again.append((name, why, repeat))
    say("again", name, why)


def run_again():
    """Nothing runs beside them."""
    for name, why, repeat in again:
        if len(again) > AGAIN:
            say("FAIL", name, why)
        else:
            timed(name, repeat)


def cases():
    """(name, function, whether it mostly waits)"""
    for modules, waits in ((MEASURE, False), (WAIT, True)):
        for module in modules:
            yield from ((name, function, waits) for name, function in module.cases())


def timed(name, function):
    began = time.monotonic()
    function()
    took[name] = time.monotonic() - began


def say_times(most=20):
    """Where the time of a run goes: of two cases at a time, each has what it waits for the other."""
    modules = collections.Counter()
    for name, seconds in took.items():
        modules[name.partition(":")[0]] += seconds
    for what, times in (("case", took), ("module", modules)):
        for name, seconds in sorted(times.items(), key=lambda one: -one[1])[:most]:
            if seconds >= 1:
                print(f"time {seconds:6.1f} s  {what} {name}")


def run_case(name, function, alone=False):
    repeat = None if alone else lambda: run_case(name, function, alone=True)
    try:
        missing_here()
        function()
    except build.Missing as e:
        say("skip", name, str(e))
    except target.Failed as e:
        failed(name, str(e), repeat)
    except Exception:    # a broken test is a failure too, told with its place
        failed(name, traceback.format_exc(limit=-3), repeat)
    else:
        say("ok", name)


def missing_here():
    if os.geteuid() != 0:
        raise build.Missing("root")
    if not os.access(target.PARKWATCH, os.X_OK):
        raise build.Missing(f"{target.PARKWATCH}; run make")


def run_script(script, program, only=None):
    """only: the one case of it, alone."""
    name = script.removesuffix(".py")
    try:
        missing_here()
        build.go_command()
    except build.Missing as e:
        return say("skip", name, str(e))
    process = subprocess.Popen([build.HERE / script, PROGRAMS / program, *([only] if only else [])], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=target.ROOT)
    last, told = "", False
    for line in process.stdout:
        m = re.match(r"(ok|FAIL|skip) ((?:jobs: )?[^:\n]+)(?:: (.*))?", line)
        last = line.strip() or last
        if not m or only not in (None, m[2]):    # those whose names begin so run with it
            continue
        told |= m[1] == "FAIL"
        case = m[2] if m[2].startswith(name) else f"{name}: {m[2]}"
        if m[1] == "FAIL":
            failed(case, m[3] or "", None if only else lambda one=m[2]: run_script(script, program, one))
        else:
            say(m[1], case, m[3] or "")
    if process.wait() and not told:
        say("FAIL", name, f"exit code {process.returncode}: {last}")


def run_all(measure, wait, beside=False):
    """Cases that measure first, then those that wait; beside others that measure: those that wait. Several do so at the same time."""
    while measure or (wait and not beside):
        queue = wait if beside or not measure else measure
        try:
            name, function, _ = queue.popleft()
        except IndexError:    # somebody else took the last
            if beside:
                return
            continue
        timed(name, function)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", metavar="PATTERN", help="only cases whose name matches")
    parser.add_argument("--list", action="store_true", help="print the names and do nothing")
    parser.add_argument("--jobs", type=int, default=2, choices=[1, 2], help="cases at a time (default 2)")
    args = parser.parse_args()
    # The scripts first: each is long, and at the end one alone would be waited for.
    work = [(s, lambda s=s, p=p: run_script(s, p), False) for s, p in SCRIPTS.items()]
    work += [(n, lambda n=n, f=f: run_case(n, f), waits) for n, f, waits in cases()]
    work = [one for one in work if re.search(args.only, one[0])]
    if args.list:
        print(*(n for n, _, _ in work), sep="\n")
        return 0
    measure, wait = (collections.deque(one for one in work if one[2] == waits) for waits in (False, True))
    with concurrent.futures.ThreadPoolExecutor(2 * args.jobs) as pool:
        workers = [pool.submit(run_all, measure, wait) for _ in range(args.jobs)]
        if args.jobs > 1:
            workers += [pool.submit(run_all, measure, wait, beside=True) for _ in range(args.jobs)]
        for worker in workers:
            worker.result()
    run_again()
    say_times()
    print(f"{tally['ok']} passed, {tally['FAIL']} failed, {tally['skip']} skipped")
    return 1 if tally["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
