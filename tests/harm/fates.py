#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fates: a target that ends or becomes another program while parkwatch begins: that is said; and what right is missing."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import attack
import build
from target import LIMIT, PARKWATCH, Target, expect

COMMANDS = {"record": ["-d", "300ms"], "dump": [], "chans": [], "leaks": ["-d", "1"], "refs": ["--wait", "chan*"], "doctor": []}
TURNS = 10
# It ended, or became another program, before, while or after it was looked at; or there was nothing to tell of it.
TRUE = re.compile(r"ended while|has ended|it has ended|started another program|no process|the program ended")


def told(command, target, what, kill):
    """One run; the target meets its fate at some moment of it."""
    p = subprocess.Popen([PARKWATCH, command, "-p", str(target.pid), *COMMANDS[command]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    time.sleep(random.uniform(0, 0.12))    # which moment of a run of some 100 ms that is, nothing tells
    kill()
    out, said = p.communicate(timeout=LIMIT)
    expect(p.returncode in (0, 1) or (command == "leaks" and p.returncode == 3), f"{command}, {what}: {p.returncode} {said}")
    if p.returncode == 1:
        expect(TRUE.search(said), f"{command}, {what}: {said}")
        expect("CAP_" not in said and "sudo" not in said, f"{command}, {what}: {said}")
    return p.returncode


def a_target_that_ends_is_said_to():
    failed = 0
    for command in COMMANDS:
        for _ in range(TURNS):
            with Target("idle") as t:
                failed += told(command, t, "killed", lambda t=t: (t.process.kill(), t.process.wait())) == 1
    expect(failed, "no target ended in time")


def a_target_that_becomes_another_is_said_to():
    for command in COMMANDS:
        for _ in range(TURNS):
            with Target("restart") as t:
                told(command, t, "restarted", t.go)


def a_file_that_may_not_be_read_names_the_right():
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        ours, theirs = f"{d}/parkwatch", f"{d}/theirs"
        shutil.copy(PARKWATCH, ours)
        os.mkdir(theirs)
        shutil.copy(build.built(build.MODES_MINOR)[0], f"{theirs}/program")
        os.chmod(f"{theirs}/program", 0o700)
        os.chmod(theirs, 0o700)
        with Target("idle", command=[f"{theirs}/program"]) as t:
            for more, fails in (("", True), (",+dac_read_search", False)):
                caps = "-all,+bpf,+perfmon,+sys_ptrace" + more
                for command, args in COMMANDS.items():
                    run = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={caps}",
                                          f"--ambient-caps={caps}", ours, command, "-p", str(t.pid), *args], stdin=subprocess.DEVNULL,
                                         capture_output=True, text=True, timeout=LIMIT, check=False)
                    expect(("needs CAP_DAC_READ_SEARCH" in run.stderr) == fails, f"{command}{more}: {run.returncode} {run.stderr}")
                    expect(run.returncode == 1 if fails else command in ("record", "doctor", "leaks") or run.returncode == 0, f"{command}{more}: {run.stderr}")


if __name__ == "__main__":
    sys.exit(attack.run("fates", [a_target_that_ends_is_said_to, a_target_that_becomes_another_is_said_to,
                                  a_file_that_may_not_be_read_names_the_right]))
