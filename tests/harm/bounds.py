#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bounds: whatever the target makes of it, each command ends: by itself in a time that is ours, and within a second of the first Ctrl-C."""
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

import attack
import build
import harm
import hungfs
from target import PARKWATCH, Target, expect, heard

COMMANDS = (["dump"], ["chans"], ["chans", "-d", "60"], ["refs", "--wait", "chan*"], ["leaks", "-d", "60"], ["doctor"], ["record", "--no-probes"], ["record"])
# These have nothing to tell before they are done: the signal itself ends them.
AT_ONCE = (["dump"], ["chans"], ["refs", "--wait", "chan*"], ["doctor"])
ANSWER = 15    # seconds: 10 without an answer; the rest is for opening, for eight commands at the same time and for other tests
SECOND = 1.3    # from the signal to the end, but for the time in which others had the processors; 0.3 is for what tells that


def started(args, pid, *more, prefix=()):
    return subprocess.Popen([*prefix, PARKWATCH, *args, "-p", str(pid), *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def many(n="100"):
    return Target(n, command=build.built(build.MODES_MINOR, "static", "many"))


def say(t, word):
    t.process.stdin.write(word + "\n")
    t.process.stdin.flush()


def mute(t, how="go"):
    """The program's list of goroutines lies where nobody answers."""
    say(t, how)
    page = t.truth().strip()
    if not page.isdigit():
        raise build.Missing(page)
    harm.write_words(t.pid, harm.allgs_of(t.command, t.pid), int(page))
    return int(page)


def a_page_that_nobody_answers_ends_each_command():
    with many() as t:
        page = mute(t)
        began = time.monotonic()
        runs = [(args, started(args, t.pid)) for args in COMMANDS]
        for args, p in runs:
            _, said, _ = heard(p)
            took = time.monotonic() - began
            expect(p.returncode == 1 and f"the page of pid {t.pid} at 0x{page:x} was not answered for 10 s" in said.splitlines()[-1],
                   f"{args}: {p.returncode} {said}")
            expect(took < ANSWER, f"{args}: it took {took:.1f} s")
        expect(t.process.poll() is None, "the target died")


def a_signal_ends_each_command_on_such_a_page():
    deaf = ["env", "--ignore-signal=INT", "--ignore-signal=TERM"]    # as a script's background jobs begin
    with many() as t, many() as teaser, tempfile.TemporaryDirectory() as d:
        mute(t)
        mute(teaser, "tease")
        for one, sig, prefix in ((t, signal.SIGINT, ()), (t, signal.SIGINT, deaf), (t, signal.SIGTERM, deaf), (t, signal.SIGHUP, ()),
                               (teaser, signal.SIGINT, ())):
            runs = [(args, started(args, one.pid, *([] if args[0] == "doctor" else ["-o", f"{d}/{i}.json"]), prefix=prefix))
                    for i, args in enumerate(COMMANDS)]
            for args, p in runs:
                harm.wait_until(lambda p=p: harm.hangs(p.pid), f"{args}: it does not come to the page")
            for args, p in runs:
                p.send_signal(sig)
                _, said, took = heard(p)
                want = -sig if args in AT_ONCE else 1
                expect(p.returncode == want, f"{args}: {sig.name}: {p.returncode} {said}")
                expect(took < SECOND, f"{args}: {sig.name}: it took {took:.2f} s")
            expect(not os.listdir(d), f"{sig.name}: {os.listdir(d)} is left")


def made_up(t, nr):
    """The list is the program's own goroutines, again and again."""
    say(t, "nothing")
    fake, at = int(t.truth()), harm.allgs_of(t.command, t.pid)
    with open(f"/proc/{t.pid}/mem", "r+b", buffering=0) as mem:
        mem.seek(at)
        real, length, _ = struct.unpack("<3Q", mem.read(24))
        mem.seek(real)
        gs = mem.read(8 * length)
        rest = memoryview((gs * (nr // length + 1))[:8 * nr])
        mem.seek(fake)
        while rest:
            rest = rest[mem.write(rest[:1 << 20]):]
    harm.write_words(t.pid, at, fake, nr, nr)


def to_the_signal(args, pid, after):
    """(how long it took until it had ended, what it said) of a command that gets one after so many seconds."""
    p = started(args, pid)
    time.sleep(after)    # what it does then depends on the machine, and any of it must end
    if p.poll() is not None:
        return 0, p.communicate()[1]
    p.send_signal(signal.SIGINT)
    _, said, took = heard(p)
    want = (-signal.SIGINT, 0) if args in AT_ONCE else (0, 1, 3)
    expect(p.returncode in want and (p.returncode != 1 or said), f"{args} after {after} s: {p.returncode} {said}")
    return took, said


def a_signal_ends_each_command_on_a_million_that_are_made_up():
    with many("1000") as t:
        made_up(t, 1000000)
        for args in COMMANDS:
            for after in (0.3, 2):
                took, said = to_the_signal(args, t.pid, after)
                expect(took < SECOND, f"{args} after {after} s: it took {took:.2f} s: {said}")
        expect(t.process.poll() is None, "the target died")


def a_proof_that_has_no_time_says_so():
    with many("20000") as t:
        p = started(["leaks", "-d", "1", "--proof-budget", "2ms", "--no-probes"], t.pid)
        out, said, _ = heard(p)
        expect(p.returncode == 0 and "LEAKED" not in out, f"{p.returncode} {out} {said}")
        expect("nothing that it left open is told as proven: the budget was used up after" in said, said)


def a_heap_of_8_gb_is_searched_as_long_as_it_may():
    leaks = ["leaks", "-d", "2", "--no-probes", "--proof-budget", "1s"]
    refs = ["refs", "--wait", "chan*", "--proof-budget", "1s"]
    with many() as t:
        say(t, "heap")
        if not t.truth():
            raise build.Missing("8 GB of address space")
        # s: two looks 2 s apart or none, the budget of 1 s, and a search asks for the time only every so often in 8 GB
        for args, most in ((leaks, 8), (refs, 6)):
            p = started(args, t.pid)
            out, said, took = heard(p)
            expect(p.returncode == 0 and took < most and "the budget was used up after" in out + said, f"{args}: {p.returncode} {took:.1f} {out} {said}")
        p = started([*leaks[:-1], "60s"], t.pid)
        time.sleep(2)    # it searches
        p.send_signal(signal.SIGINT)
        out, said, took = heard(p)
        expect(p.returncode == 0 and took < SECOND and "no leak" in out, f"{p.returncode} {took:.1f} {out} {said}")


def a_program_on_a_file_system_that_hangs_ends_each_command():
    """Whoever reads a page that the program did not need waits, perhaps the program too."""
    with open(build.built(build.MODES_MINOR)[0], "rb") as f:
        program = f.read()
    with hungfs.HungFile(program) as file:
        with Target("idle", command=[file.path]) as t:
            file.hang()
            began = time.monotonic()
            runs = [(args, started(args, t.pid)) for args in COMMANDS]
            for args, p in runs:
                _, said, _ = heard(p, file.server)
                took = time.monotonic() - began
                expect(p.returncode == 1 and "was not answered for 10 s" in said.splitlines()[-1], f"{args}: {p.returncode} {said}")
                expect(took < ANSWER, f"{args}: it took {took:.1f} s")
            runs = [(args, started(args, t.pid)) for args in COMMANDS]
            for args, p in runs:
                harm.wait_until(lambda p=p: harm.hangs(p.pid), f"{args}: it does not come to the file")
            for args, p in runs:
                p.send_signal(signal.SIGINT)
                _, said, took = heard(p, file.server)
                expect(p.returncode == (-signal.SIGINT if args in AT_ONCE else 1), f"{args}: {p.returncode} {said}")
                expect(took < SECOND, f"{args}: it took {took:.2f} s")


if __name__ == "__main__":
    sys.exit(attack.run("bounds", [a_page_that_nobody_answers_ends_each_command, a_signal_ends_each_command_on_such_a_page,
                                   a_signal_ends_each_command_on_a_million_that_are_made_up,
                                   a_proof_that_has_no_time_says_so, a_heap_of_8_gb_is_searched_as_long_as_it_may,
                                   a_program_on_a_file_system_that_hangs_ends_each_command]))
