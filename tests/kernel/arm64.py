#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""arm64: the cross build of parkwatch in Debian's arm64 kernels under QEMU: dump against the programs' own tracebacks, births, exits
and blocked time as exact as on amd64.

usage: tests/kernel/arm64.py [KERNEL...]      default: 6.1 6.12 and the newest that Debian has

PARKWATCH: binary under test (build/arm64/parkwatch). Prints `ok NAME`, `FAIL NAME: why`, and `N passed, N failed, N skipped`.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/integ"))

import build  # noqa: E402
import dump  # noqa: E402
from goroutines import traceback  # noqa: E402
from target import Failed  # noqa: E402

PARKWATCH = Path(os.environ.get("PARKWATCH", ROOT / "build/arm64/parkwatch"))
LIBRARIES = Path("/usr/lib/aarch64-linux-gnu")
LOADER = "ld-linux-aarch64.so.1"
# (minor, mode): the stack ABI, the register ABI, a new layout of frames, the newest; what has no symbols, and what lies anywhere
DUMPED = [(17, "static"), (19, "static"), (22, "static"), (27, "static"), (build.MODES_MINOR, "stripped"), (build.MODES_MINOR, "pie")]
WORK = [21, 24, 27]
LIMIT_S = 3000


def needed(path, found):
    """The shared libraries of a program, and of those."""
    text = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
        if name not in found and name != LOADER:
            found[name] = LIBRARIES / name
            needed(found[name], found)
    return found


def make_tree(tree):
    """What lies at / of the guest."""
    for folder in ("bin", "lib", "targets", "dumped"):
        (tree / folder).mkdir(parents=True)
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/aarch64-linux-gnu").symlink_to("../../lib")
    (tree / "lib/aarch64-linux-gnu").symlink_to(".")
    for name, path in needed(PARKWATCH, {}).items():
        shutil.copy(path, tree / "lib" / name)
    shutil.copy(LIBRARIES / LOADER, tree / "lib" / LOADER)
    shutil.copy(PARKWATCH, tree / "bin/parkwatch")
    shutil.copy(build.built_check("arm64"), tree / "bin/check")
    for script in ("guest", "guest-dumped"):
        shutil.copy(HERE / script, tree / "bin")
    for minor in WORK:
        shutil.copy(build.built(minor, "static", "work", "arm64")[0], tree / f"targets/go1.{minor}")
    for minor, mode in DUMPED:
        shutil.copy(build.built(minor, mode, "dumped", "arm64")[0], tree / f"dumped/{minor}-{mode}")


def against_itself(minor, out):
    """What a dump in the guest says wrong."""
    said = {what: Path(f"{out}.{what}").read_text() for what in
            ("stack", "truth", "jsonl", "clock", "text", "system", "full", "last")}
    blocks, truth = traceback(said["stack"]), json.loads(said["truth"])
    ours, system = ({g["goid"]: g for g in map(json.loads, said[what].splitlines())} for what in ("jsonl", "system"))
    began, ended = map(int, said["clock"].split())
    server = truth["server"]
    yield from dump.against_tracebacks(ours, blocks, server)
    yield from dump.against_truth(ours, truth, minor, began, ended)
    yield from dump.against_text(said["text"], ours, blocks, server)
    yield from dump.against_the_last(system, traceback(said["full"]), traceback(said["last"]), blocks, server)


def dumps(out):
    """Lines of the programs that were dumped."""
    for minor, mode in DUMPED:
        name = f"dump go1.{minor} {mode}"
        try:
            dump.report(against_itself(minor, out / f"{minor}-{mode}"))
            yield f"ok {name}"
        except (Failed, OSError, ValueError, KeyError) as e:
            yield f"FAIL {name}: {e}"


def boot(kernel, tree, work):
    """The lines of one kernel."""
    out = work / f"out-{kernel}"
    done = subprocess.run([HERE / "kboot", "-a", "arm64", "-t", str(LIMIT_S), "-m", "2048", "-e", "TRANSPORTS=ring", "-d", tree, "-o", out, kernel, "--",
                           "sh", "-c", "guest; guest-dumped"], capture_output=True, text=True)
    yield from done.stdout.splitlines()
    if done.returncode:
        yield f"{'skip' if done.returncode == 125 else 'FAIL'} kboot: {done.returncode}: {done.stderr.strip()[-400:]}"
    else:
        yield from dumps(out)


def kernels():
    listed = subprocess.run([HERE / "kboot", "-a", "arm64", "--list"], check=True, capture_output=True, text=True).stdout.split("\n")
    newest = max((line.split()[0] for line in listed if line), key=lambda v: [int(n) for n in v.split(".")])
    return ["6.1", "6.12", newest]


def main():
    tally = {"ok": 0, "FAIL": 0, "skip": 0}
    with tempfile.TemporaryDirectory(prefix="parkwatch-arm64.") as folder:
        tree = Path(folder) / "tree"
        make_tree(tree)
        for kernel in sys.argv[1:] or kernels():
            for line in boot(kernel, tree, Path(folder)):
                verdict, _, rest = line.partition(" ")
                if verdict in tally:
                    tally[verdict] += 1
                    print(verdict, kernel, rest, flush=True)
    print("{ok} passed, {FAIL} failed, {skip} skipped".format(**tally))
    return 1 if tally["FAIL"] or not tally["ok"] else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
