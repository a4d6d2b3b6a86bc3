# SPDX-License-Identifier: BSD-2-Clause
"""replay: a recording (.pw) shows what the same run showed live, byte for byte; cut off, hostile or of another version it says so."""
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import build
from dumpviews import Idle
from target import LIMIT, PARKWATCH, Target, expect, parkwatch, unlimited

HEAD = 16    # bytes before the first segment: user/facts/pw_file.h


def saved(folder, command, pid, suffix, *args):
    """The report of a run, and the recording that it wrote beside it."""
    live, pw = Path(folder, "live." + suffix), Path(folder, "run.pw")
    status, _, said = parkwatch(command, "-p", str(pid), "-o", str(live), "--save", str(pw), *args)
    expect(status == 0, said)
    return live.read_bytes(), pw


def reported(pw, suffix, *args):
    out = pw.with_name("report." + suffix)
    status, text, said = parkwatch("report", str(pw), "-o", str(out), *args)
    expect(status == 0 and not text, f"exit code {status}: {said}")
    return out.read_bytes()


def same(live, replayed, what):
    expect(live and live == replayed, f"{what}: {len(live)} bytes live, {len(replayed)} of the recording")


def a_dump_is_shown_as_it_was(minor):
    """Each format, groups, filters, order, and what is asked of the recording only later."""
    with tempfile.TemporaryDirectory() as folder, Idle(minor) as t:
        for suffix in ("txt", "json", "jsonl", "folded", "html", "pb.gz"):
            for args in ((), ("--system", "--full", "--objects", "--labels", "--sort", "stack", "--root", "created-by")):
                live, pw = saved(folder, "dump", t.pid, suffix, *args)
                same(live, reported(pw, suffix), f"{suffix} {args}")
        for by, suffix in (("site", "txt"), ("stack", "json"), ("wait", "txt"), ("object", "json"), ("label", "txt")):
            live, pw = saved(folder, "dump", t.pid, suffix, "--group", by, "--top", "3")
            same(live, reported(pw, suffix), f"groups by {by} as {suffix}")
        live, pw = saved(folder, "dump", t.pid, "json", "--wait", "chan*", "--not", "func=^runtime")
        same(live, reported(pw, "json"), "filters")
        # All goroutines are in it, so another question has the answer that it had live.
        live, pw = saved(folder, "dump", t.pid, "txt", "--state", "waiting", "--full")
        other, _ = saved(folder, "dump", t.pid, "txt", "--state", "waiting", "--full", "--objects")
        same(other, reported(pw, "txt", "--objects"), "a further option")


FORMATS = ("html", "json", "folded", "pb.gz", "txt")
EVENTS = ("blocked", "births", "exits", "sched", "alloc")


def a_recording_is_shown_as_it_was(event):
    """Over all events each root is there in each format."""
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        for i, root in enumerate(("none", "goid", "created-by") + (("label", "state") if event != "alloc" else ())):
            suffix = FORMATS[(i + EVENTS.index(event)) % len(FORMATS)]
            args = ("-e", event, "-d", "0.2", "--root", root) + (("-f", "text") if suffix == "txt" else ())
            live, pw = saved(folder, "record", t.pid, suffix, *args, *unlimited(args))
            same(live, reported(pw, suffix, *(("-f", "text") if suffix == "txt" else ())), f"{event} {root} as {suffix}")
        status, text, said = parkwatch("info", str(pw))
        expect(status == 0 and f"counted       {event}" in text and f"pid {t.pid} " in text, text + said)


def ancestors_are_shown_as_they_were():
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        for suffix in ("html", "json"):
            live, pw = saved(folder, "record", t.pid, suffix, "-e", "births", "-d", "0.3", "--async", "--full", "--max-overhead", "0")
            same(live, reported(pw, suffix), suffix)


def a_recording_is_the_output_itself():
    """-o FILE.pw: no report beside it. It is for root alone, as other reports of root are."""
    with tempfile.TemporaryDirectory() as folder, Idle() as t:
        pw = Path(folder, "x.pw")
        status, _, said = parkwatch("dump", "-p", str(t.pid), "-o", str(pw))
        expect(status == 0 and pw.stat().st_mode & 0o777 == 0o600, said)
        live = parkwatch("dump", "-p", str(t.pid))[1]
        status, text, said = parkwatch("report", str(pw), "-f", "text")
        expect(text == live and status == 0, said)


def anybody_reads_it_anywhere():
    """No root, no process: only the file."""
    with tempfile.TemporaryDirectory() as folder:
        with Idle() as t:
            live, pw = saved(folder, "dump", t.pid, "txt")
        os.chmod(folder, 0o755)
        pw.chmod(0o644)
        exe = shutil.copy(PARKWATCH, folder)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", exe, "report", str(pw), "-f", "text"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, cwd="/")
        same(live, done.stdout, f"as nobody: {done.stderr}")


def what_is_whole_of_a_file_that_was_cut_off_is_shown():
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        live, pw = saved(folder, "record", t.pid, "folded", "-e", "births", "-d", "0.5", "--max-overhead", "0")
        whole = pw.read_bytes()
        cut = pw.with_name("cut.pw")
        cut.write_bytes(whole[:-1])
        status, text, said = parkwatch("report", str(cut), "-f", "folded")
        expect(status == 0 and text.encode() == live, said)
        for at in (0, HEAD - 1, HEAD, HEAD + 20, len(whole) // 2):
            cut.write_bytes(whole[:at])
            status, text, said = parkwatch("report", str(cut), "-f", "folded")
            expect(status == 1 and not text and "cut.pw'" in said and ("cut off" in said or "is no recording" in said), f"{at} bytes: {said}")


def what_is_no_recording_is_refused_with_its_name():
    with tempfile.TemporaryDirectory() as folder, Idle() as t:
        _, pw = saved(folder, "dump", t.pid, "txt")
        whole = bytearray(pw.read_bytes())
        bad = pw.with_name("bad.pw")
        for at, what, why in ((8, struct.pack("<H", 9), "it is of format 9, this parkwatch reads format 1"),
                              (0, b"\x7fELF", "it is no recording of parkwatch"),
                              (HEAD, b"xxxx", "segment 0 is damaged"),
                              (HEAD + 40, b"\0\0\0\0\0\0\0\0", "segment 0 is damaged")):
            bad.write_bytes(whole[:at] + what + whole[at + len(what):])
            for command in ("report", "info"):
                status, text, said = parkwatch(command, str(bad))
                expect(status == 1 and not text and said.count("\n") == 1 and "bad.pw'" in said and why in said, f"{command}: {said}")
        for path, why in (("/nowhere/x.pw", "No such file"), (folder, "")):
            status, text, said = parkwatch("report", path)
            expect(status == 1 and not text and path in said and why in said, said)
        status, _, said = parkwatch("report", str(pw), "--view", "record")
        expect(status == 1 and "was written by 'dump'; try --view dump" in said, said)


def cases():
    for minor in (15, 20, 22, build.MODES_MINOR, 27):
        yield f"replay: a_dump_is_shown_as_it_was [go1.{minor}]", lambda m=minor: a_dump_is_shown_as_it_was(m)
    for event in EVENTS:
        yield f"replay: a_recording_is_shown_as_it_was [{event}]", lambda e=event: a_recording_is_shown_as_it_was(e)
    for function in (ancestors_are_shown_as_they_were, a_recording_is_the_output_itself, anybody_reads_it_anywhere,
                     what_is_whole_of_a_file_that_was_cut_off_is_shown, what_is_no_recording_is_refused_with_its_name):
        yield f"replay: {function.__name__}", function
