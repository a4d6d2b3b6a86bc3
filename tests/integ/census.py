#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""census: what our census says of a Go program against what the program says of itself, on every Go and build mode.

    census.py PWCENSUS [NAME...]

PWCENSUS is the program made of pwcensus.c. One line a case: ok NAME, FAIL NAME: why, skip NAME: what is missing.
Needs the right to read other processes; the cases in namespaces need root.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import build
import script
from build import Missing

DIRECTORY = build.HERE / "progs/census"
PARKED_MIN = 25     # goroutines that the kind "parked" leaves, at least


def built(minor, mode="static"):
    """The command that starts the program census, built with Go 1.minor in this mode."""
    flags, extra, cgo, suffix = build.MODES[mode]
    coroutine = "coroutine.go" if minor >= 23 else "nocoroutine.go"
    files = [DIRECTORY / f for f in ["main.go", coroutine, *extra]]
    toolchain = build.TOOLCHAINS[minor]
    path = build.build_once(f"census-{mode}-{toolchain}", suffix, files, lambda path: build.run_go(
        ["build", *flags, "-o", str(path), *(f.name for f in files)], toolchain, DIRECTORY, CGO_ENABLED=cgo))
    host = {"c-shared": build.c_host, "plugin": lambda: build.plugin_host(minor)}.get(mode)
    return [*([str(host())] if host else []), str(path)]


class Target:
    """A running census program; pid is the program's, whatever started it."""

    def __init__(self, command, kind, wrapper=(), **popen):
        self.popen = subprocess.Popen([*wrapper, *command, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, start_new_session=True, **popen)
        line = self.popen.stdout.readline()
        if line != "ready\n":
            self.close()
            raise RuntimeError(f"the target said {line!r}")
        self.pid = self.popen.pid

    def dump(self):
        self.popen.stdin.write("dump\n")
        self.popen.stdin.flush()
        return "".join(iter(self.popen.stdout.readline, "end\n"))

    def settled(self):
        """The dump once every goroutine but the one that writes it has reached its place."""
        goroutines = {}
        for _ in range(500):
            before, goroutines = goroutines, parse_dump(self.dump())
            others = list(goroutines.values())[1:]
            if goroutines == before and not any(state in ("runnable", "running") for state, _, _ in others):
                return goroutines
        raise AssertionError("the target does not settle")

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


HEADER = re.compile(r"goroutine (\d+) [^\[]*\[([^\]]*)\]")    # labels and more may stand between


def parse_dump(text):
    """goid -> (state, frames, created by) of runtime.Stack's text, the goroutine that wrote it first."""
    goroutines = {}
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        header = HEADER.match(lines[0])
        if not header:
            continue
        frames, creator = [], ""
        for func, place in zip(lines[1::2], lines[2::2]):
            place = re.sub(r" \+0x[0-9a-f]+$", "", place.strip())
            if func.startswith("created by "):
                creator = re.sub(r" in goroutine \d+$", "", func[len("created by "):])
            else:
                frames.append(func[:func.rindex("(")] + " " + place)
        goroutines[int(header[1])] = (header[2].split(",")[0], frames, creator)
    return goroutines


def own_frames(frames):
    """Tracebacks hide most of the runtime's frames, and cgo's without a package: so both sides lose them."""
    return [f for f in frames if not f.startswith("runtime.") and "." in f.split()[0]]


def is_system(g):
    return g["start"].startswith("runtime.") and g["start"] not in ("runtime.main", "runtime.corostart")


def census(pwcensus, pid):
    done = subprocess.run([pwcensus, str(pid)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise AssertionError(f"pwcensus: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


def compare(goroutines, runtime, all_of_them=True):
    """What the two disagree about, in words."""
    if runtime["proof"]:
        yield runtime["why"]
    if all_of_them and runtime["unsettled"]:
        yield f"{runtime['unsettled']} unsettled"
    ours = {g["goid"]: g for g in runtime["gs"]}
    if len(ours) != len(runtime["gs"]):
        yield "a goid is there twice"
    if all_of_them:
        missing = set(goroutines) - set(ours)
        extra = {i for i, g in ours.items() if not is_system(g) and g["start"]} - set(goroutines)
        if missing or extra:
            yield f"missing {sorted(missing)}, extra {sorted(extra)}"
    dumper = next(iter(goroutines))
    for goid, (state, frames, creator) in goroutines.items():
        g = ours.get(goid)
        if not g or goid == dumper:
            continue
        if state != (g["reason"] or g["status"]):
            yield f"goroutine {goid}: {g['reason'] or g['status']!r}, want {state!r}"
        if g["status"] != "running" and own_frames(g["frames"]) != own_frames(frames):
            yield f"goroutine {goid}: {own_frames(g['frames'])}, want {own_frames(frames)}"
        if g["status"] != "running" and (g["truncated"] or g["frames"][-1].split()[0] != "runtime.goexit"):
            yield f"goroutine {goid}: the walk ended at {g['frames'][-1]}"
        if creator and creator != g["created_by"] and goid != 1:
            yield f"goroutine {goid}: created by {g['created_by']}, want {creator}"


def census_at_rest(pwcensus, pid):
    """A program whose goroutines all wait: a thread that the kernel took away in the middle of a step is back when it has a processor again."""
    for _ in range(100):
        runtimes = census(pwcensus, pid)
        if not any(r["unsettled"] for r in runtimes):
            break
    return runtimes


def agree(pwcensus, target, modules=1, at_least=PARKED_MIN):
    truth = target.settled()
    assert len(truth) >= at_least, f"the target has {len(truth)} goroutines only"
    runtimes = census_at_rest(pwcensus, target.pid)
    assert len(runtimes) == 1, f"{len(runtimes)} runtimes"
    assert runtimes[0]["modules"] == modules, f"{runtimes[0]['modules']} modules"
    wrong = list(compare(truth, runtimes[0]))
    assert not wrong, "; ".join(wrong[:4]) + f" ({len(wrong)} in all)"


def check_kind(pwcensus, minor, kind, mode="static", at_least=PARKED_MIN):
    with Target(built(minor, mode), kind) as target:
        agree(pwcensus, target, 2 if mode == "plugin" else 1, at_least)


def check_churn(pwcensus, minor):
    """All threads at work: what stands still is told right, what moves is told or counted, and the proof holds."""
    with Target(built(minor), "churn:500") as target:
        while True:
            truth = parse_dump(target.dump())
            if sum(g[0] == "chan receive" for g in truth.values()) >= 500:
                break
        still = {i: g for i, g in truth.items() if g[0] in ("chan receive", "select", "sleep", "IO wait") and
                 any("main.receive" in f or "Long" in f or "select" in f for f in g[1])}
        assert len(still) >= 500, f"only {len(still)} stand still"
        still = {next(iter(truth)): truth[next(iter(truth))], **still}
        for _ in range(10):
            runtime = census(pwcensus, target.pid)[0]
            wrong = list(compare(still, runtime, all_of_them=False))
            found = {g["goid"] for g in runtime["gs"]}
            lost = set(still) - found
            assert len(lost) <= runtime["unsettled"], f"{len(lost)} lost, {runtime['unsettled']} unsettled"
            assert not wrong, "; ".join(wrong[:4]) + f" ({len(wrong)} in all)"


def check_end(pwcensus, minor):
    """The target ends while it is read: no crash, and the words for it."""
    for delay in range(20):
        with Target(built(minor), "many:20000") as target:
            ours = subprocess.Popen([pwcensus, "--time", str(target.pid), "32", "1000"], text=True,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(0.005 * delay)    # a moment of the reading: which one, nothing tells, so there are 20
            target.close()
            words = ours.communicate()[1]
            assert ours.returncode == 1 and re.search("ended|no process", words), f"{ours.returncode}: {words}"
        if delay == 4:
            break


def check_wrong_layout(pwcensus, minor):
    """No layout with one offset wrong by 8 passes, but for fields that nothing proves (see census/census.h).

    What a proof sees is a moment of a busy program, and once in a thousand times it has little to go by; or a whole program has: the
    byte at the wrong place is the same in all goroutines, and may be right. A layout passes that passes in three programs.
    """
    weak = ("g_syscallsp", "g_waitsince", "g_labels", "g_lockedm", "m_p")
    held = None
    for _ in range(3):
        with Target(built(minor), "churn:500") as target:
            done = subprocess.run([pwcensus, "--wrong", str(target.pid)], text=True, stdout=subprocess.PIPE, check=True)
        rows = [line.split() for line in done.stdout.splitlines()]
        passed = {row[0] for row in rows if row[1] == "held" and not row[0].startswith(weak)}
        held = passed if held is None else held & passed
        if not held:
            return
    raise AssertionError("held: " + " ".join(sorted(held)))


def check_deleted(pwcensus, minor, replace):
    with tempfile.TemporaryDirectory() as tmp:
        copy = Path(tmp) / "program"
        shutil.copy(built(minor)[0], copy)
        with Target([str(copy)], "parked") as target:
            copy.unlink()
            if replace:
                shutil.copy("/bin/sleep", copy)
            agree(pwcensus, target)


def check_deleted_library(pwcensus, minor):
    with tempfile.TemporaryDirectory() as tmp:
        host, library = built(minor, "c-shared")
        copy = Path(tmp) / "library.so"
        shutil.copy(library, copy)
        with Target([host, str(copy)], "parked") as target:
            copy.unlink()
            agree(pwcensus, target)


def check_namespaces(pwcensus, minor):
    """Own PID and mount namespace, and a root where the program's path means nothing outside."""
    if os.geteuid():
        raise Missing("root")
    with tempfile.TemporaryDirectory() as tmp:
        shutil.copy(built(minor)[0], Path(tmp) / "inside")
        wrapper = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--root={tmp}"]
        with Target(["/inside"], "parked", wrapper) as target:
            children = Path(f"/proc/{target.pid}/task/{target.pid}/children").read_text().split()
            target.pid = int(children[0])
            agree(pwcensus, target)


def check_not_go(pwcensus, _minor):
    sleep = subprocess.Popen(["sleep", "100"])
    try:
        done = subprocess.run([pwcensus, str(sleep.pid)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 1 and "is not a Go program" in done.stderr, done.stderr
    finally:
        sleep.kill()
        sleep.wait()


def check_many(pwcensus, minor, n):
    with Target(built(minor), f"many:{n}") as target:
        done = subprocess.run([pwcensus, "--time", str(target.pid), "32", "5"], text=True, stdout=subprocess.PIPE,
                              check=True)
    rows = [[int(x) for x in line.split()] for line in done.stdout.splitlines()]
    assert len(rows) == 5 and all(row[0] + row[2] >= n for row in rows), rows
    assert min(row[2] for row in rows) == 0, rows


def cases():
    for minor in sorted(set(build.TOOLCHAINS) - {14}):
        for kind in ("parked", "goexit", "locked"):
            yield f"{kind}-1.{minor}", check_kind, (minor, kind)
        yield f"single-1.{minor}", check_kind, (minor, "single", "static", 1)
        yield f"churn-1.{minor}", check_churn, (minor,)
        yield f"wrong-layout-1.{minor}", check_wrong_layout, (minor,)
        for mode in build.MODES:
            if mode != "static" and (minor in (15, 17, 21, 24) or minor == build.MODES_MINOR):
                yield f"parked-1.{minor}-{mode}", check_kind, (minor, "parked", mode)
    for minor in (17, build.MODES_MINOR):
        yield f"end-1.{minor}", check_end, (minor,)
        yield f"deleted-1.{minor}", check_deleted, (minor, False)
        yield f"replaced-1.{minor}", check_deleted, (minor, True)
        yield f"deleted-library-1.{minor}", check_deleted_library, (minor,)
        yield f"namespaces-1.{minor}", check_namespaces, (minor,)
    yield "not-go", check_not_go, (0,)
    yield "many-100000", check_many, (build.MODES_MINOR, 100000)


if __name__ == "__main__":
    sys.exit(script.main(cases()))
