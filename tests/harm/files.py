#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""files: nobody can make a parkwatch that root starts write where root did not say, and nothing is left of what did not become whole."""
import os
import random
import re
import resource
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attack
import harm
from target import LIMIT, PARKWATCH, Target, expect, parkwatch

SOMEBODY = 65534
# What each command needs besides -p PID
COMMANDS = {"record": ["-d", "100ms", "--no-probes"], "dump": [], "chans": [], "leaks": ["-d", "1"], "refs": ["--wait", "chan*"]}
KILLS = 12


def done(command, code):
    return code == 0 or (command == "leaks" and code == 3)


def refused(code, said, *words):
    expect(code == 1, f"exit code {code}: {said}")
    for w in words:
        expect(w in said, f"no '{w}' in: {said}")
    expect("dumped core" not in said and len(said.splitlines()) <= 2, said)


def a_planted_link_makes_nothing_be_written():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        secret, public = Path(d, "secret"), Path(d, "public")
        public.mkdir()
        secret.write_text("before")
        secret.chmod(0o600)
        os.symlink(secret, public / "file")
        os.symlink(d, public / "folder")
        for link in ("file", "folder"):
            os.lchown(public / link, SOMEBODY, SOMEBODY)
        for mode in (0o1777, 0o777, 0o2775):
            public.chmod(mode)
            for command, args in COMMANDS.items():
                for path in (public / "file", public / "folder/secret", public / "folder/other"):
                    code, _, said = parkwatch(command, "-p", t.pid, *args, "-o", path)
                    refused(code, said, "somebody else (uid 65534)", path.relative_to(public).parts[0])
        expect(secret.read_text() == "before" and secret.stat().st_mode & 0o777 == 0o600, "the file behind the link was touched")
        expect(sorted(os.listdir(d)) == ["public", "secret"] and len(os.listdir(public)) == 2, f"{os.listdir(d)}")
        code, _, said = parkwatch("leaks", "-p", t.pid, "-d", "1", "--save-baseline", public / "file", "-o", "/dev/null")
        refused(code, said, "somebody else")


def a_report_of_root_is_for_root_alone():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        os.umask(0)
        try:
            for command, args in COMMANDS.items():
                path = Path(d, command)
                code, _, said = parkwatch(command, "-p", t.pid, *args, "-o", path)
                expect(done(command, code) and stat.S_IMODE(path.stat().st_mode) == 0o600, f"{command}: {path.stat().st_mode:o} {said}")
                os.chown(path, SOMEBODY, SOMEBODY)
                path.chmod(0o640)
                code, _, said = parkwatch(command, "-p", t.pid, *args, "-o", path)
                st = path.stat()
                expect(done(command, code) and stat.S_IMODE(st.st_mode) == 0o640 and st.st_uid == SOMEBODY, f"{command}: {st} {said}")
                code, _, said = parkwatch(command, "-p", t.pid, *args, "-o", path, "--mode", "604")
                expect(done(command, code) and stat.S_IMODE(path.stat().st_mode) == 0o604, f"{command}: {path.stat().st_mode:o} {said}")
        finally:
            os.umask(0o022)


def no_signal_leaves_anything():
    chance = random.Random()
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        for command, args in COMMANDS.items():
            for i in range(KILLS):
                p = subprocess.Popen([PARKWATCH, command, "-p", str(t.pid), *args, "-o", f"{d}/report"], stdin=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0, 0.04))    # while it starts, reads or writes: which, nothing tells
                p.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGQUIT, signal.SIGUSR1)[i % 6])
                p.wait()
                expect(set(os.listdir(d)) <= {"report", "core"}, f"{command}: left {os.listdir(d)}")


def a_limit_of_file_size_is_an_error_and_leaves_nothing():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        for command, args in COMMANDS.items():
            run = subprocess.run([PARKWATCH, command, "-p", str(t.pid), *args, "-f", "json", "-o", f"{d}/report"], text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
            refused(run.returncode, run.stderr, "File too large", "ulimit -f", "report")
            expect(os.listdir(d) == [], f"{command}: left {os.listdir(d)}")


def no_space_names_the_file_and_what_helps():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", d], check=True)
        try:
            with open(f"{d}/ballast", "wb") as f:
                try:
                    f.write(b"x" * (1 << 20))
                except OSError:
                    pass
            for command, args in COMMANDS.items():
                for how in (["-o", f"{d}/report"], ["-o", f"{d}/report", "-f", "json"]):
                    code, _, said = parkwatch(command, "-p", t.pid, *args, *how)
                    refused(code, said.splitlines()[-1], f"cannot write '{d}/report': No space left on device; free some space there")
                    expect(os.listdir(d) == ["ballast"], f"{command}: left {os.listdir(d)}")
        finally:
            subprocess.run(["umount", d], check=True)


def closed_descriptors_put_no_words_into_a_report():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        for command, args in COMMANDS.items():
            line = f"exec {PARKWATCH} {command} -p {t.pid} {shlex.join(args)} -o {d}/report"
            for closed in ("2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&- 2>&-"):
                code = subprocess.run(["sh", "-c", f"{line} {closed}"], timeout=60, check=False).returncode
                report = Path(d, "report").read_text()
                expect(done(command, code) and report and "parkwatch:" not in report, f"{command} {closed}: {code} {report[:200]!r}")
            run = subprocess.run(["sh", "-c", f"{line.rpartition(' -o')[0]} >&-"], timeout=60, capture_output=True, text=True, check=False)
            refused(run.returncode, run.stderr.splitlines()[-1], "standard output", "Bad file descriptor")


def what_cannot_be_printed_is_an_error():
    with Target("idle") as t:
        for args in (["--version"], ["version"], ["help"], ["--help"], ["record", "--help"], ["help", "leaks"], ["help", "--man"], ["help", "--reference"],
                     ["help", "--completion", "zsh"], ["doctor"], ["doctor", "-p", str(t.pid)], ["dump", "-p", str(t.pid)]):
            with open("/dev/full", "w") as full:
                run = subprocess.run([PARKWATCH, *args], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
                                     timeout=60, check=False)
            refused(run.returncode, run.stderr.splitlines()[-1], "standard output", "No space left on device")


def nohup_keeps_its_meaning():
    """Who ignores SIGHUP goes on, and ends by SIGINT; who does not ends and writes."""
    with Target("idle") as t:
        for ignored in (True, False):
            for command, args in (("record", ["--no-probes"]), ("leaks", [])):
                p = subprocess.Popen([PARKWATCH, command, "-p", str(t.pid), *args, "-d", "600"], stdin=subprocess.DEVNULL, text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     preexec_fn=lambda how=ignored: signal.signal(signal.SIGHUP, signal.SIG_IGN if how else signal.SIG_DFL))
                p.stderr.readline()
                ignores = int(re.search(r"^SigIgn:\s*(\w+)", Path(f"/proc/{p.pid}/status").read_text(), re.M)[1], 16)
                expect(bool(ignores & 1 << (signal.SIGHUP - 1)) == ignored, f"{command}: it ignores {ignores:x}")
                p.send_signal(signal.SIGHUP)
                if ignored:
                    harm.each_turns([p.pid], 5)
                    expect(p.poll() is None, f"{command}: ended by a hangup that it was to ignore")
                    p.send_signal(signal.SIGINT)
                out, said = p.communicate(timeout=LIMIT)
                expect(done(command, p.returncode) and out, f"{command}: {p.returncode} {said}")


def a_pipe_that_nobody_reads_is_waited_for():
    """Its reader may come later, as of any pipe with a name; a signal ends it, with words."""
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        os.mkfifo(f"{d}/fifo")
        command = [PARKWATCH, "record", "-p", str(t.pid), *COMMANDS["record"], "-o", f"{d}/fifo"]
        early, late = (subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2))
        time.sleep(13)    # what does not answer when it is read is given up after 10 s
        expect(early.poll() is None and late.poll() is None, "it was not waited for")
        early.send_signal(signal.SIGINT)
        refused(early.wait(timeout=LIMIT), early.stderr.read(), f"cannot write '{d}/fifo': nobody has begun to read from this pipe")
        report = Path(d, "fifo").read_text()
        said = late.communicate(timeout=LIMIT)[1]
        expect(late.returncode == 0 and report, f"exit code {late.returncode}: {said} {report!r}")


def known_leaks_are_read_of_regular_files_of_bounded_size_only():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        os.mkfifo(f"{d}/fifo")
        with open(f"{d}/large", "wb") as f:
            f.truncate(1 << 32)
        for option in ("--allow", "--baseline"):
            for path, words in ((f"{d}/fifo", "regular"), ("/dev/zero", "regular"), (d, "regular"), (f"{d}/large", "larger")):
                code, _, said = parkwatch("leaks", "-p", t.pid, "-d", "1", option, path)
                refused(code, said, words, path)
        for text in ("(((a{1,255}){1,255}){1,255}){1,255}\n", "a{1,1000}\n" * 60000):    # a C library writes it out
            path = Path(d, "bomb")
            path.write_text(text)
            code, _, said = parkwatch("leaks", "-p", t.pid, "-d", "1", "--allow", path)
            refused(code, said, "cannot use line", str(path))
        code, _, said = parkwatch("dump", "-p", t.pid, "--func", "((a{1,255}){1,255}){1,255}")
        expect(code == 2 and "bad regular expression" in said, f"exit code {code}: {said}")


if __name__ == "__main__":
    sys.exit(attack.run("files", [a_planted_link_makes_nothing_be_written, a_report_of_root_is_for_root_alone, no_signal_leaves_anything,
                                  a_limit_of_file_size_is_an_error_and_leaves_nothing,
                                  no_space_names_the_file_and_what_helps, closed_descriptors_put_no_words_into_a_report,
                                  what_cannot_be_printed_is_an_error, nohup_keeps_its_meaning, a_pipe_that_nobody_reads_is_waited_for,
                                  known_leaks_are_read_of_regular_files_of_bounded_size_only]))
