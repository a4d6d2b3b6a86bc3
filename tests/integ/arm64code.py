#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""arm64code: what the code of Go programs for arm64 is said to do, against what executes it: on any machine.

    arm64code.py PWA64 [NAME...]

PWA64 is the program made of pwa64.c; pwheld64 stands beside it. One line a case: ok NAME, FAIL NAME: why, skip NAME: what is missing. A register, a flag, a byte
or a branch that is claimed to be known and is not so is a failure; so is knowing little.
"""
import subprocess
import sys

import build
import holds
import script

MINORS = (15, 17, 18, 22, 27)


def built(minor):
    files, toolchain = holds.sources("locks", minor), build.TOOLCHAINS[minor]
    return build.build_once(f"locks-arm64-{toolchain}", "", files, lambda path: build.run_go(
        ["build", "-o", str(path), *(f.name for f in files)], toolchain, files[0].parent, CGO_ENABLED="0", GOARCH="arm64"))


def check_executed(pwa64, minor):
    done = subprocess.run([pwa64, built(minor), str(minor)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.strip().split("\n")[0] or done.returncode
    sums = {name: int(n) for name, n in (line.split() for line in done.stdout.splitlines())}
    assert sums["pieces"] > 10000 and sums["atomic"] > 500, sums
    # Calls change the link register, which nobody asks for; and vectors are not followed.
    assert sums["known"] > 0.7 * sums["changed"], sums
    assert sums["seen_writes"] > 0.98 * sums["writes"], sums
    assert sums["decided"] > 0.95 * sums["branches"], sums
    return f"{sums['instructions']} instructions, {sums['atomic']} atomic"


def check_held(pwa64, minor):
    done = subprocess.run([pwa64.replace("pwa64", "pwheld64"), built(minor), str(minor)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    wrong = [line for line in done.stdout.splitlines() if not line.startswith("ok ")]
    assert done.returncode == 0 and not wrong, "; ".join(wrong[:4]) or done.stderr.strip()
    locks = [int(line.split()[2]) for line in done.stdout.splitlines()]
    assert sum(locks) > 40 and locks.count(0) > 25, f"only {sum(locks)} locks"
    return f"{sum(locks)} locks of {len(locks)} functions"


def cases():
    for minor in MINORS:
        yield f"executed-1.{minor}", check_executed, (minor,)
        yield f"held-1.{minor}", check_held, (minor,)


if __name__ == "__main__":
    sys.exit(script.main(cases()))
