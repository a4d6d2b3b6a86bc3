#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""words: whatever a program calls itself, its functions, files and labels: a terminal, a log or a page only shows it."""
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import attack
import build
from target import LIMIT, PARKWATCH, expect

# ESC c and ESC ], an 8-bit CSI and the same as UTF-8, right-to-left override and isolate, BEL, DEL, a byte that is no UTF-8. As long as what they replace.
# No brackets in names of functions: Go itself would read them as type arguments.
NAMES = {
    b"main.receive": b"main.\x1bc\x07\x08\xc2\x9b\xff",
    b"oddLabels": b"\xe2\x80\xae\xe2\x81\xa6\x1b\x9b\x7f",
    b"labelled": b"\xe2\x80\xab\xe2\x80\xa8\x08\x85",
    b"shapes.go": b"sh\x1b]0\x07.go",
    b'/a?b="c"&d=\\e': b"/\xe2\x80\xae\x1b[2J\xc2\x9b\xff\x07d",
}
EXE = b"w\x1b[2J\xc2\x9b\xe2\x80\xae\xff\xc2\x85"
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
RAW = re.compile(rb"\x1b[c\[\]]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xc2[\x80-\x9f]|\x07|\x08|\x7f")


class Hostile:
    """`with Hostile() as h:` h.pid is a program that lies about all its names."""

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        with open(build.built(build.MODES_MINOR, program="dumped")[0], "rb") as f:
            code = f.read()
        for name, lie in NAMES.items():
            assert len(name) == len(lie), name
            expect(name in code, f"no {name} in the program")
            code = code.replace(name, lie)
        self.exe = os.path.join(self.dir.name.encode(), EXE)
        with open(self.exe, "wb") as f:
            f.write(code)
        os.chmod(self.exe, 0o755)
        self.process = subprocess.Popen([self.exe, b"labels"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=dict(os.environ, GOGC="off"))
        self.pid = self.process.pid
        expect(self.process.stdout.readline() == b"ready\n", "the program did not start")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.dir.cleanup()


def ran(*args):
    """(exit code, bytes of standard output, bytes of standard error)"""
    done = subprocess.run([PARKWATCH, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False)
    return done.returncode, done.stdout, done.stderr


def only_shown(what, text):
    try:
        text = text.decode()
    except UnicodeDecodeError as e:
        expect(False, f"{what}: no UTF-8: {text[max(0, e.start - 40):e.start + 10]!r}")
    m = ODD.search(text)
    expect(not m, f"{what}: {m and text[max(0, m.start() - 40):m.start() + 10]!r}")


def each_report(pid):
    yield from (("dump", "-f", f, "--root", r) for f in ("folded", "pprof", "html") for r in ("none", "label", "created-by"))
    yield from (("dump", *a) for a in (["--labels", "--objects"], ["--full", "--system"], ["-f", "json"], ["-f", "jsonl"]))
    yield from (("dump", "--group", g, *f) for g in ("site", "stack", "wait", "object", "label") for f in ([], ["-f", "json"]))
    yield from (("chans", "--elements", "-f", f) for f in ("text", "json"))
    yield from (("chans", "-d", "200ms", "-f", f) for f in ("text", "json", "html"))
    yield from (("refs", "--wait", "chan*", "-f", f) for f in ("text", "json"))
    yield from (("leaks", "-d", "1", "--all", "--suspects", "-f", f) for f in ("text", "json", "html", "folded"))
    yield from (("record", "-d", "200ms", "-e", e, "-f", f) for e in ("blocked", "alloc") for f in ("text", "json", "folded", "pprof", "otlp", "html"))
    yield ("record", "-d", "200ms", "--root", "label", "--no-probes", "-v")
    yield ("doctor", "-v")


def every_report_only_shows_what_the_target_says():
    with Hostile() as h:
        seen = 0
        for command, *args in each_report(h.pid):
            what = " ".join([command, *args])
            code, out, said = ran(command, "-p", h.pid, *args)
            expect(code == 0 or (command == "leaks" and code == 3), f"{what}: {code} {said!r}")
            only_shown(what + ": standard error", said)
            if {"pprof", "otlp", "html"} & set(args):
                out = gzip.decompress(out) if "pprof" in args else out if "otlp" in args else out[out.index(b"<body"):] if b"<body" in out else out
                for name in NAMES.values():
                    expect(name not in out, f"{what}: {name} as it is")
                m = RAW.search(out) if "html" in args else re.search(rb"\x1b[c\[\]]|\xe2\x80\xae|\xc2\x9b", out)
                expect(not m, f"{what}: {m and out[max(0, m.start() - 40):m.start() + 10]!r}")
            else:
                only_shown(what, out)
            if "json" in args:
                json.loads(out)
            seen += b"main.?c????" in out
        expect(seen > 20, f"the name that lies is in {seen} reports only")


def every_error_only_shows_what_the_target_says():
    with tempfile.TemporaryDirectory() as d:
        exe = os.path.join(d.encode(), EXE)
        shutil.copy("/bin/sleep", exe)
        sleeper = subprocess.Popen([exe, b"60"])
        try:
            for command, *args in (["record"], ["dump"], ["chans"], ["leaks"], ["refs", "--goid", "1"], ["doctor"]):
                code, out, said = ran(command, "-p", sleeper.pid, *args)
                expect(code == 1 and said, f"{command}: {code}")
                only_shown(command, out)
                only_shown(command, said)
        finally:
            sleeper.kill()
            sleeper.wait()


def an_old_dump_that_lies_is_only_shown():
    with Hostile() as h, tempfile.TemporaryDirectory() as d:
        _, out, _ = ran("dump", "-p", h.pid, "-f", "json")
        dump = json.loads(out)
        for i, g in enumerate(dump["goroutines"]):
            g["goid"] += 100000 if i % 2 else 0
            for key in ("start", "created_by"):
                if g.get(key):
                    g[key]["func"] = "main.\x1b[2J\u009b\u202e\x07\n"
        with open(f"{d}/old.json", "w") as f:
            json.dump(dump, f, ensure_ascii=False)
        for form in ("text", "json"):
            code, out, said = ran("dump", "-p", h.pid, "--diff", f"{d}/old.json", "-f", form)
            expect(code == 0, f"{code} {said}")
            only_shown(form, out)


if __name__ == "__main__":
    sys.exit(attack.run("words", [every_report_only_shows_what_the_target_says, every_error_only_shows_what_the_target_says,
                                  an_old_dump_that_lies_is_only_shown]))
