#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""limits: little stack and few descriptors end nothing without words, and no wrong words are said."""
import resource
import subprocess
import sys

import attack
from target import LIMIT, PARKWATCH, Target, expect

COMMANDS = {"record": ["-d", "200ms"], "dump": ["-f", "html"], "chans": [], "leaks": ["-d", "1"], "refs": ["--wait", "chan*"], "doctor": []}
WORDS = "too few file descriptors: only"


def limited(which, limit, *args):
    run = subprocess.run([PARKWATCH, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
                         preexec_fn=lambda: resource.setrlimit(which, (limit, limit)))
    return run.returncode, run.stdout, run.stderr


def done(command, code):
    return code == 0 or (command == "leaks" and code == 3)


def too_few_descriptors_are_said_as_such():
    refused = 0
    with Target("idle") as t:
        for limit in (4, 5, 6, 7, 8, 10, 12, 16, 20, 32):
            for command, args in COMMANDS.items():
                code, out, said = limited(resource.RLIMIT_NOFILE, limit, command, "-p", str(t.pid), *args)
                if done(command, code) and WORDS not in out:
                    continue
                refused += 1
                expect(f"{WORDS} {limit} are allowed" in said + out, f"{command} with {limit}: {code} {said}")
                expect("CAP_" not in said and "ermission" not in said and "ended" not in said, f"{command} with {limit}: {said}")
    expect(refused >= 18, f"only {refused} had too few")


def a_small_stack_is_enough():
    with Target("idle") as t:
        for kilobytes in (64, 128, 256):
            for command, args in COMMANDS.items():
                code, _, said = limited(resource.RLIMIT_STACK, kilobytes << 10, command, "-p", str(t.pid), *args)
                expect(done(command, code), f"{command} with {kilobytes} kB: {code} {said}")
            for args in (["--version"], ["help"], ["help", "--man"], ["record"], ["nonsense"]):
                code, _, said = limited(resource.RLIMIT_STACK, kilobytes << 10, *args)
                expect(code in (0, 2), f"{args} with {kilobytes} kB: {code} {said}")


if __name__ == "__main__":
    sys.exit(attack.run("limits", [too_few_descriptors_are_said_as_such, a_small_stack_is_enough]))
