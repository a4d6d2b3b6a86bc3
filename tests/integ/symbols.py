#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""symbols: names for pcs, ours against the program's own runtime.CallersFrames.

    symbols.py PWSYM [PATTERN]

PWSYM is the program made of pwsym.c. progs/symbols says what its runtime makes of some 45,000 pcs all over its text (each
function's first two, and one every few bytes) and of a hundred stacks; parkwatch must say the same of every one.
One line a case: ok NAME, FAIL NAME: why, skip NAME: what is missing. PATTERN, a regular expression, chooses cases.
"""
import json
import re
import shutil
import subprocess
import sys

import build
from build import HERE, Missing

SOURCES = HERE / "progs/symbols"
MODES = {    # name: (tags, flags of go build, CGO_ENABLED)
    "default": ("", [], "0"),
    "stripped": ("", ["-ldflags=-s -w"], "0"),
    "pie": ("", ["-buildmode=pie"], "0"),
    "pie-stripped": ("", ["-buildmode=pie", "-ldflags=-s -w"], "0"),
    "cgo-internal": ("withnet", [], "1"),
    "cgo-external": ("withcgo", ["-ldflags=-linkmode=external"], "1"),
    "external-pie-stripped": ("withcgo", ["-buildmode=pie", "-ldflags=-linkmode=external -s -w"], "1"),
    "lld-pie": ("withcgo", ["-buildmode=pie", "-ldflags=-linkmode=external -extldflags=-fuse-ld=lld"], "1"),
    "race": ("", ["-race"], "1"),
    "c-shared": ("cshared", ["-buildmode=c-shared"], "1"),
    "plugin": ("plugged", ["-buildmode=plugin"], "1"),
}
# Every version in the plain mode; every mode with the first and last version of each shape of tables.
MODES_MINORS = [15, 17, 19, 22, 25, 26, 27]
CASES = [(minor, "default") for minor in sorted(build.TOOLCHAINS) if minor >= 15] + \
        [(minor, mode) for minor in MODES_MINORS for mode in MODES if mode != "default"]
SHOWN = 3    # differences that a FAIL shows


def built(minor, mode):
    tags, flags, cgo = MODES[mode]
    toolchain = build.TOOLCHAINS[minor]
    if mode == "lld-pie" and not shutil.which("ld.lld"):
        raise Missing("no ld.lld")
    suffix = ".so" if mode in ("c-shared", "plugin") else ""
    path = build.build_once(f"symbols-{mode}-{toolchain}", suffix, sorted(SOURCES.iterdir()), lambda part: build.run_go(
        ["build", *flags, "-tags=" + tags, "-o", str(part), "."], toolchain, SOURCES, CGO_ENABLED=cgo))
    if mode == "c-shared":
        return [str(build.c_host()), str(path), ""]
    if mode == "plugin":
        return [str(build.plugin_host(minor)), str(path), ""]
    return [str(path)]


def elide(name):
    """What tracebacks print for an instance of a generic function; Frame.Function says so from Go 1.21 on."""
    first, last = name.find("["), name.rfind("]")
    return name[:first] + "[...]" + name[last + 1:] if 0 <= first < last else name


def ask(pwsym, pid, pcs):
    """{pc: [(function, file, line, wrapper)]} by parkwatch."""
    done = subprocess.run([pwsym, str(pid), "frames"], input="".join(f"{pc:x}\n" for pc in pcs), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise AssertionError(f"pwsym: {done.stderr.strip() or done.returncode}")
    answers, lines = {}, iter(done.stdout.split("\n"))
    for line in lines:
        if line:
            pc, nr = line.split()
            answers[int(pc, 16)] = [parse(next(lines)) for _ in range(max(0, int(nr)))]
    return answers


def parse(line):
    function, file, number, wrapper = line.split("\t")
    return [function, file, int(number)], wrapper == "1"


def expected_of_pc(answer, expands):
    """Before Go 1.23 CallersFrames gives the innermost frame alone; from then on all but wrappers."""
    if not expands:
        return [answer[0][0]]
    return [answer[0][0]] + [frame for frame, wrapper in answer[1:] if not wrapper]


def expected_of_stack(answers, pcs):
    """runtime.Callers lists inlined frames as pcs of their own and leaves out wrappers."""
    frames = []
    while len(frames) < len(pcs):
        own = [frame for frame, wrapper in answers[pcs[len(frames)]] if not wrapper]
        if not own:
            raise AssertionError(f"pc {pcs[len(frames)]:x} is unknown to us")
        frames += own
    return frames


def compare(minor, truths, answers):
    wrong = []
    for kind, pcs, frames in truths:
        frames = [[elide(function), file, line] for function, file, line in frames]
        if kind == "stack":
            ours = expected_of_stack(answers, pcs)
        else:
            ours = expected_of_pc(answers[pcs[0]], minor >= 23) if answers[pcs[0]] else []
        if ours != frames:
            wrong.append(f"{kind} {pcs[0]:x}: {frames} is {ours} to us")
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(truths)} differ: " + "; ".join(wrong[:SHOWN]))


def check(pwsym, minor, mode):
    program = subprocess.Popen(built(minor, mode), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        truths = []
        for line in program.stdout:
            if line == "ready\n":
                break
            truths.append(json.loads(line))
        else:
            raise AssertionError("the program ended early")
        if len(truths) < 10000:
            raise AssertionError(f"the program knows only {len(truths)} pcs")
        answers = ask(pwsym, program.pid, {pc for _, pcs, _ in truths for pc in pcs})
        compare(minor, truths, answers)
        return len(truths)
    finally:
        program.stdin.close()
        program.wait()
        program.stdout.close()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: symbols.py PWSYM [PATTERN]")
    failed = False
    for minor, mode in CASES:
        name = f"symbols/1.{minor}-{mode}"
        if len(sys.argv) == 3 and not re.search(sys.argv[2], name):
            continue
        try:
            check(sys.argv[1], minor, mode)
            print(f"ok {name}", flush=True)
        except Missing as missing:
            print(f"skip {name}: {missing}", flush=True)
        except (AssertionError, RuntimeError) as why:
            failed = True
            print(f"FAIL {name}: {why}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
