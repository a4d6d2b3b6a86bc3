#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""slow: a target whose memory comes page by page, each after a while: each command ends at its own limit, and tells what it has."""
import json
import os
import re
import struct
import sys
import tempfile
import time

import attack
import build
import harm
from bounds import many, say, started
from target import expect, parkwatch

PAGES = 8192
LIMITS = {("dump", "--system", "-f", "json"): 60, ("dump", "--system"): 60, ("dump", "--system", "-f", "json", "--diff", "OLD"): 60,
          ("chans",): 60, ("chans", "-d", "1"): 60, ("refs", "--wait", "chan*"): 70, ("leaks", "-d", "1"): 30}
SLOWER = ("dump", "of one that is slower")
MOST = 120    # that a command may take, whatever asks for its time too rarely
AROUND = 20    # that opening, and other tests, take


def slow_pages(t, ms):
    """Its goroutines are those that it has, and a copy of the runtime's second one in each of many pages that come after so many ms."""
    say(t, f"slow {ms}")
    told = t.truth().split()
    if len(told) != 2 or not told[0].isdigit():
        raise build.Missing(" ".join(told))
    fake, page, at = int(told[0]), int(told[1]), harm.allgs_of(t.command, t.pid)
    with open(f"/proc/{t.pid}/mem", "r+b", buffering=0) as mem:
        mem.seek(at)
        real, length, _ = struct.unpack("<3Q", mem.read(24))
        mem.seek(real)
        gs = struct.unpack(f"<{length}Q", mem.read(8 * length))
        mem.seek(gs[1])
        g = mem.read(1024)
        mem.seek(page)
        mem.write(g)
        mem.seek(fake)
        mem.write(struct.pack(f"<{length}Q", *gs))
    harm.write_words(t.pid, at, fake, PAGES, PAGES)


def ends(runs):
    """(arguments, exit code, seconds, errors) of each, as they end."""
    while runs:
        for run in [r for r in runs if r[2].poll() is not None]:
            args, began, p = run
            yield args, p.returncode, time.monotonic() - began, p.communicate()[1]
            runs.remove(run)
        time.sleep(0.1)


def as_told(path, said, is_json):
    """How many were read, and of how many nothing is known."""
    told = re.search(r"was cut short: (\d+) goroutines were read; of (\d+) more, ended ones among them, nothing is known", said)
    expect(told, said)
    read, rest = int(told[1]), int(told[2])
    expect(0 < read < PAGES and read + rest == PAGES, said)
    if is_json:
        with open(path) as f:
            report = json.load(f)
        expect(len(report["goroutines"]) == read and report["not_read"] == rest, f"{len(report['goroutines'])}, {report['not_read']}: {said}")


def each_command_ends_at_its_limit():
    with many() as t, many() as slower, tempfile.TemporaryDirectory() as d:
        old = os.path.join(d, "old.json")
        code, _, said = parkwatch("dump", "-p", t.pid, "-o", old)
        expect(code == 0, said)
        slow_pages(t, 20)
        slow_pages(slower, 500)
        paths = {args: os.path.join(d, str(i)) for i, args in enumerate([*LIMITS, SLOWER])}
        runs = [(args, time.monotonic(), started([old if a == "OLD" else a for a in args], t.pid, "-o", paths[args])) for args in LIMITS]
        runs.append((SLOWER, time.monotonic(), started(["dump"], slower.pid, "-o", paths[SLOWER])))
        for args, code, took, said in ends(runs):
            limit = LIMITS.get(args, MOST)
            expect(took < limit + AROUND, f"{args}: it took {took:.1f} s: {said}")
            if args == SLOWER:
                expect(code == 1 and f"was looked at for {MOST} s, that is the most" in said, f"{args}: {code} {said}")
            elif args[0] != "dump":
                expect(code == 1 and f"it was not done within {limit} s, and was cut short" in said, f"{args}: {code} {said}")
            elif "--diff" in args:
                expect(code == 1 and "there is nothing to compare" in said, f"{args}: {code} {said}")
            else:
                expect(code == 0, f"{args}: {code} {said}")
                as_told(paths[args], said, "json" in args)
            expect(code == 0 or not os.path.exists(paths[args]), f"{args}: {code}, and there is a report")
        expect(t.process.poll() is None and slower.process.poll() is None, "a target died")


if __name__ == "__main__":
    sys.exit(attack.run("slow", [each_command_ends_at_its_limit]))
