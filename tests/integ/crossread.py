# SPDX-License-Identifier: BSD-2-Clause
"""crossread: a recording of one machine read on another: what two programs show of the same file is the same, byte for byte.

    crossread.py FOLDER      makes some recordings there, and shown.json: what $PARKWATCH shows of them, and of those that are stored
"""
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import build
import reach
from target import PARKWATCH, ROOT, expect, parkwatch

STORED = sorted((ROOT / "tests/golden").glob("*.pw"))
SHOWN = [["info"], *(["report", "-f", form] for form in ("text", "json", "jsonl", "folded", "html", "pprof")), ["report", "--view", "dump", "-f", "json"],
         ["report", "--group", "site"]]
LEAST = 3     # of SHOWN, that each recording can be shown as


def shown(program, pw):
    """[exit status, digest of what it prints] of each of SHOWN."""
    result = []
    for command, *args in SHOWN:
        done = subprocess.run([*program, command, pw.name, *args], cwd=pw.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        result.append([done.returncode, hashlib.sha256(done.stdout).hexdigest()])
    return result


def against(theirs, pw, program=PARKWATCH):
    """theirs: what another program has shown of this recording."""
    ours = shown([program], pw)
    expect(sum(status == 0 for status, _ in ours) >= LEAST, f"{pw.name}: {ours}")
    different = [args for args, one, other in zip(SHOWN, ours, theirs) if one != other]
    expect(len(theirs) == len(SHOWN) and not different, f"{pw.name}: not the same: {different}")


def same(one, other):
    """Two programs show the same of the recordings that are stored, all of amd64. one: with what runs it."""
    for pw in STORED:
        against(shown(one, pw), pw, other)


def record(pid, pw, command, *args):
    status, _, said = parkwatch(command, "-p", pid, "-o", "/dev/null", "--save", pw, *args)
    expect(status in (0, 3) and pw.exists(), f"{command}: exit {status}: {said}")


def recorded(folder):
    with reach.target(build.MODES_MINOR, "static", "2", "restless") as (process, _):
        for command, args in {"dump": (), "chans": (), "refs": ("--state", "waiting", "--top", "5"), "leaks": ("-d", "3")}.items():
            record(process.pid, folder / f"{command}.pw", command, *args)
        for event in ("blocked", "births"):
            record(process.pid, folder / f"{event}.pw", "record", "-e", event, "-d", "1")
    return sorted(folder.glob("*.pw"))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    (folder / "shown.json").write_text(json.dumps({pw.name: shown([PARKWATCH], pw) for pw in [*STORED, *recorded(folder)]}))


if __name__ == "__main__":
    main()
