#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""arm64: the cross build of parkwatch in Debian's arm64 kernels under QEMU, against the same truths as on amd64: what programs say of
themselves (tests/kernel/guest), their own tracebacks, and the integration tests, which are the same files. And recordings of one machine
read on the other.

usage: tests/kernel/arm64.py [--quick] [--integ MODULE=REGEX]... [KERNEL...]      default: 6.1, 6.12, and the newest that Debian has, which with pages of 16 KiB too (7.3-16k)

--quick: one kernel, in some minutes, what .ci/run has. --integ: only these cases of the integration tests, of whatever is built for them: PROGRAMS.
PARKWATCH_ARM64: binary under test (build/arm64/parkwatch); PARKWATCH: what reads its recordings here. REPORT: where each kernel has its row
(docs/kernels.md, but of a part of the cases). Prints `ok NAME`, `FAIL NAME: why`, and `N passed, N failed, N skipped`.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["PARKWATCH_TEST_GOARCH"] = "arm64"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/integ"))

import build  # noqa: E402
import crossread  # noqa: E402
import dump  # noqa: E402
import reach  # noqa: E402
from goroutines import traceback  # noqa: E402
from target import Failed, expect  # noqa: E402

OURS = Path(os.environ.get("PARKWATCH_ARM64", ROOT / "build/arm64/parkwatch"))
LIBRARIES = Path("/usr/lib/aarch64-linux-gnu")
LOADER = "ld-linux-aarch64.so.1"
PYTHON = "python3.11"
PYTHON_OF_DEBIAN = ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libexpat1"]
SCRIPTS = ["reach"]    # they run build/tests/pwNAME
# (minor, mode): the stack ABI, the register ABI, a new layout of frames, the newest; what has no symbols, and what lies anywhere
DUMPED = [(17, "static"), (19, "static"), (22, "static"), (27, "static"), (build.MODES_MINOR, "stripped"), (build.MODES_MINOR, "pie")]
WORK = [21, 24, 27]
# Programs of tests/kernel/guest: its folder -> (program, minors)
GUEST = {"allocs": ("allocs", [22, 27]), "burners": ("burner", [22, 27]), "wakes": ("wakes", [27]), "wanted": ("wanted", [27]), "walled": ("walled", [27])}
# What the integration tests below run: program -> (minor, mode)
PROGRAMS = {
    "reached": [(17, "static"), (19, "static"), (22, "static"), (27, "static"), (build.MODES_MINOR, "static"), (build.MODES_MINOR, "stripped")],
    "ways": [(22, "static"), (build.MODES_MINOR, "static"), (27, "static")],
    "tickers": [(build.MODES_MINOR, "static")],
    "leaks": [(19, "static"), (27, "static"), (build.MODES_MINOR, "static")],
    "requests": [(17, "stripped"), (22, "stripped"), (27, "stripped")],
    "knots": [(17, "static"), (22, "static"), (27, "static")],
    "work": [(build.MODES_MINOR, "static")],
    "sampled": [(17, "static"), (27, "static")],
}
INTEG = [
    r"reach=^reach: (kinds-1\.(17|19|22|27)|many-1\.(22|27)|proof-1\.27)$",
    r"refs=every_way_is_told \[go1\.(19|22|26) static|every_way_is_told \[go1\.26 stripped|an_interface_points_to_is_told \[go1\.26 static|of_a_select_is_told \[go1\.26 static"
    r"|where_a_ticker_was_made \[go1\.26 static",
    r"chans=(deadlocks|channels) \[go1\.(17|22|27)\]",
    r"leaks=a_few_kinds_at_a_time \[go1\.(19|27)\]",
    r"requesttruth=all_that_is_said_is_true \[go1\.(17|22|27) stripped",
    r"sampling=births_are_as_many_as_goids \[go1\.(17|27)\]",
    r"harm=doctor_names_left_probes_and_repairs|a_repair_takes_no_probe",
]
QUICK_PROGRAMS = {"reached": [(27, "static"), (build.MODES_MINOR, "static")], "leaks": [(27, "static")], "requests": [(27, "stripped")], "work": [(build.MODES_MINOR, "static")]}
QUICK = [r"reach=^reach: kinds-1\.27$", r"refs=every_way_is_told \[go1\.27 static", r"leaks=a_few_kinds \[go1\.27\]",
         r"requesttruth=all_that_is_said_is_true \[go1\.27 stripped", r"harm=doctor_names_left_probes_and_repairs"]
LIMIT_S = 6000
LEFT_PROBES = "proc_mem.force_override=always"    # tests leave probes by /proc/PID/mem, which newer kernels allow debuggers alone


def needed(path, found, besides=LIBRARIES):
    """The shared libraries of a program, and of those; some may be in another folder."""
    text = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
        if name not in found and name != LOADER:
            found[name] = next((f / name for f in (besides, LIBRARIES) if (f / name).exists()), LIBRARIES / name)
            needed(found[name], found, besides)
    return found


def python():
    """Debian's, for arm64, unpacked."""
    kept = build.CACHE / f"{PYTHON}-arm64"
    if not kept.exists():
        part = build.CACHE / f"part-{kept.name}"
        shutil.rmtree(part, ignore_errors=True)
        subprocess.run([HERE / "kboot", "-a", "arm64", "--sysroot", part, *PYTHON_OF_DEBIAN], check=True)
        part.rename(kept)
    return kept


def put_python(tree):
    root = python()
    shutil.copytree(root / f"usr/lib/{PYTHON}", tree / f"usr/lib/{PYTHON}", symlinks=True)
    shutil.copy(root / f"usr/bin/{PYTHON}", tree / "bin/python3")
    for name, path in needed(tree / "bin/python3", {}, root / "lib/aarch64-linux-gnu").items():
        shutil.copy(path, tree / "lib" / name)


def built(program, minor, mode):
    return Path(reach.built(minor, mode) if program == "reached" else build.built(minor, mode, program)[0])


def put_integ(tree, programs):
    """The tests, and what they run where they look for it."""
    put_python(tree)
    for folder in ("integ", "golden"):
        shutil.copytree(ROOT / "tests" / folder, tree / "tests" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("cache", "build/tests"):
        (tree / folder).mkdir(parents=True)
    for program, of in programs.items():
        for minor, mode in of:
            path = built(program, minor, mode)
            shutil.copy(path, tree / "cache" / path.name)
    for script in SCRIPTS:
        shutil.copy(ROOT / f"build/arm64/tests/pw{script}", tree / "build/tests")


def make_tree(tree, o):
    """What lies at / of the guest."""
    for folder in ("bin", "lib", "targets", "dumped"):
        (tree / folder).mkdir(parents=True)
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/aarch64-linux-gnu").symlink_to("../../lib")
    (tree / "lib/aarch64-linux-gnu").symlink_to(".")
    for name, path in needed(OURS, {}).items():
        shutil.copy(path, tree / "lib" / name)
    shutil.copy(LIBRARIES / LOADER, tree / "lib" / LOADER)
    shutil.copy(OURS, tree / "bin/parkwatch")
    put_integ(tree, QUICK_PROGRAMS if o.quick else PROGRAMS)
    for script in ("guest", "guest-dumped", "guest-integ"):
        shutil.copy(HERE / script, tree / "bin")
    if o.integ:
        return
    shutil.copy(build.built_check(), tree / "bin/check")
    for minor in WORK[-1:] if o.quick else WORK:
        shutil.copy(build.built(minor)[0], tree / f"targets/go1.{minor}")
    for minor, mode in dumped(o):
        shutil.copy(build.built(minor, mode, "dumped")[0], tree / f"dumped/{minor}-{mode}")
    for folder, (program, minors) in GUEST.items():
        (tree / folder).mkdir()
        for minor in minors if not o.quick else minors[-1:] if folder == "burners" else []:
            shutil.copy(build.built(minor, "static", program)[0], tree / folder / f"go1.{minor}")


def dumped(o):
    return DUMPED[:4:3] if o.quick else DUMPED


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


def verdict(name, check):
    """The line of what is compared here."""
    try:
        check()
        return f"ok {name}"
    except (Failed, OSError, ValueError, KeyError) as e:
        return f"FAIL {name}: {e}"


def compared(out, o):
    """Lines of what came back of the guest: programs that were dumped; recordings of there shown here, and recordings of here shown there."""
    for minor, mode in [] if o.integ else dumped(o):
        yield verdict(f"dump go1.{minor} {mode}", lambda m=minor, how=mode: dump.report(against_itself(m, out / f"{m}-{how}")))
    for what, pws in (("recorded on arm64", sorted(out.glob("*.pw"))), ("recorded on amd64", crossread.STORED)):
        yield verdict(f"read {what}: found", lambda p=pws: expect(p, "no recording"))
        for pw in pws:
            yield verdict(f"read {what}: {pw.name}", lambda p=pw: crossread.against(json.loads((out / "shown.json").read_text())[p.name], p))


def command(o):
    parts = [] if o.integ else ["guest", "guest-dumped"]
    cases = o.integ or (QUICK if o.quick else INTEG)
    return "; ".join([*parts, "python3 /bin/guest-integ " + " ".join(f"'{c}'" for c in cases), "python3 /tests/integ/crossread.py /out"])


def boot(kernel, tree, work, o):
    """The lines of one kernel."""
    out = work / f"out-{kernel}"
    envs = {"TRANSPORTS": "ring", "PARKWATCH": "/bin/parkwatch", "PARKWATCH_TEST_CACHE": "/cache", "PYTHONDONTWRITEBYTECODE": "1", **({"WAYS": "uprobe-multi"} if o.quick else {})}
    with (work / "said").open("w+") as said:
        run = subprocess.Popen([HERE / "kboot", "-a", "arm64", "-t", str(LIMIT_S), "-m", "3072", "-K", LEFT_PROBES, *(word for name in envs for word in ("-e", f"{name}={envs[name]}")),
                                "-d", tree, "-o", out, kernel, "--", "sh", "-c", command(o)], stdout=subprocess.PIPE, stderr=said, text=True)
        for line in run.stdout:
            yield line.rstrip("\n")
        status = run.wait()
        said.seek(0)
        if status:
            yield f"{'skip' if status == 125 else 'FAIL'} kboot: {status}: {said.read().strip()[-400:]}"
            return
    yield from compared(out, o)


def kernels(o):
    if o.quick or o.integ:
        return ["6.12"]
    listed = subprocess.run([HERE / "kboot", "-a", "arm64", "--list"], check=True, capture_output=True, text=True).stdout.split("\n")
    newest = max((line.split()[0] for line in listed if line), key=lambda v: [int(n) for n in v.split(".")])
    return ["6.1", "6.12", newest, f"{newest}-16k"]


# What is told of a kernel: a column's head -> the first words of its cases
COLUMNS = {
    "births, exits, waits": r"(perf-|uprobe-)",
    "alloc": r"alloc-",
    "cpu, wall": r"(cpu|wall)",
    "wakeups, block, mutex, trace, filters": r"(wakeups|block|mutex|trace|filters) ",
    "dump": r"dump ",
    "refs, chans": r"(reach|refs|chans):",
    "leaks": r"leaks:",
    "requests": r"requests:",
    "doctor": r"harm:",
    "recordings": r"read ",
}
HEAD = f"""## arm64

What `make check-arm64` found when it last ran on each: Debian's kernels for arm64 under QEMU, programs of Go 1.17 to 1.27. How many cases held, of how
many; what did not is told. dump: equal to Go's own tracebacks and to what the program says of itself; recordings: read on amd64, and those of amd64 there; the
rest are the integration tests' own cases. No suite of Debian has a kernel for arm64 with pages of 64 KiB (its flavours are arm64, arm64-16k, cloud-arm64 and
rt-arm64): 16 KiB are the largest that were seen.

| kernel | pages | {" | ".join(COLUMNS)} | not |
|---|---|{"---|" * len(COLUMNS)}---|
"""


def row(lines):
    """What the lines of one kernel come to, if it booted."""
    booted = [line.split() for line in lines if line.startswith("kernel ")]
    told = [line.partition(" ")[::2] for line in lines if line.startswith(("ok ", "FAIL ", "skip "))]
    if not booted:
        return None
    cells = []
    for first in COLUMNS.values():
        held = [verdict == "ok" for verdict, name in told if re.match(first, name)]
        cells.append(f"{sum(held)} of {len(held)}" if held else "")
    wrong = "; ".join(name.replace("|", "/") for verdict, name in told if verdict != "ok")
    return f"| {booted[0][1]} | {' '.join(booted[0][4:])} | {' | '.join(cells)} | {wrong} |"


def report(path, rows):
    """Each in the place of the one that the kernel had."""
    text = path.read_text()
    others, _, ours = text.partition("## arm64")
    names = {r.split()[1]: r for r in re.findall(r"^\| [0-9]\S+ \|.*$", ours, re.M) + rows}
    newest_last = sorted(names, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    path.write_text(others.rstrip("\n") + "\n\n" + HEAD + "".join(names[name] + "\n" for name in newest_last))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--integ", action="append", default=[], metavar="MODULE=REGEX")
    parser.add_argument("kernels", nargs="*")
    o = parser.parse_args()
    tally = {"ok": 0, "FAIL": 0, "skip": 0}
    with tempfile.TemporaryDirectory(prefix="parkwatch-arm64.") as folder:
        tree = Path(folder) / "tree"
        make_tree(tree, o)
        rows = []
        for kernel in o.kernels or kernels(o):
            lines = []
            for line in boot(kernel, tree, Path(folder), o):
                lines.append(line)
                verdict_, _, rest = line.partition(" ")
                if verdict_ in tally:
                    tally[verdict_] += 1
                    print(verdict_, kernel, rest, flush=True)
            rows += filter(None, [row(lines)])
    if not (o.quick or o.integ):
        report(Path(os.environ.get("REPORT", ROOT / "docs/kernels.md")), rows)
    print("{ok} passed, {FAIL} failed, {skip} skipped".format(**tally))
    return 1 if tally["FAIL"] or not tally["ok"] else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
