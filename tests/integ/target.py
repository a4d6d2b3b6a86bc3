# SPDX-License-Identifier: BSD-2-Clause
"""target: test programs that run, and parkwatch watching them."""
import concurrent.futures
import contextlib
import os
import queue
import subprocess
import threading
import time
from pathlib import Path

import build

ROOT = build.HERE.parent.parent
PARKWATCH = os.environ.get("PARKWATCH", str(ROOT / "build/parkwatch"))
LIMIT = 180    # seconds after which what is waited for hangs: the longest of all takes a third of them where nobody else is at work


class Failed(Exception):
    """What was seen is not what must be."""


def expect(truth, why):
    if not truth:
        raise Failed(why)


class Target:
    """A test program: `with Target("idle") as t:`. Killed at the end, if it still lives."""

    def __init__(self, kind, minor=build.MODES_MINOR, mode="static", command=None, env=None):
        self.command = (command or build.built(minor, mode)) + [kind]
        self.env = dict(os.environ, **(env or {}))

    def start(self):
        return subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.env)

    def __enter__(self):
        self.process = self.start()
        self.pid = self.process.pid
        expect(self.process.stdout.readline() == "ready\n", f"{self.command} did not start")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def truth(self):
        return self.process.stdout.readline()


def unlimited(args):
    """What says that every event counts, where the arguments say nothing else."""
    return () if {"--max-overhead", "--no-probes", "alloc"} & set(args) else ("--max-overhead", "0")


class Recording:
    """parkwatch record on a PID, started: returns once it says that it records, or has ended. Exact, unless args say otherwise."""

    def __init__(self, pid, *args, prefix=()):
        self.process = subprocess.Popen([*prefix, PARKWATCH, "record", "-p", str(pid), *unlimited(args), *args],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said, self.out = [], []
        started = queue.Queue()

        def listen():
            for line in self.process.stderr:
                self.said.append(line)
                if "recording" in line:
                    started.put(True)
            started.put(False)
        self.threads = [threading.Thread(target=listen, daemon=True),
                        threading.Thread(target=lambda: self.out.append(self.process.stdout.read()), daemon=True)]
        for t in self.threads:
            t.start()
        try:
            self.recording = started.get(timeout=LIMIT)
        except queue.Empty:
            self.process.kill()
            raise Failed("parkwatch neither records nor ends") from None

    def wait(self):
        """(exit code, standard output, standard error)"""
        try:
            code = self.process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("parkwatch does not end: " + "".join(self.said)) from None
        for t in self.threads:
            t.join()
        return code, "".join(self.out), "".join(self.said)

    def stop(self):
        self.process.send_signal(2)
        return self.wait()


def parkwatch(*args, prefix=()):
    """(exit code, standard output, standard error) of one run."""
    done = subprocess.run([*prefix, PARKWATCH, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


def recorded(target, *args):
    """The folded lines of one recording of all that the target does after "go": [(frames, value)]."""
    r = Recording(target.pid, *args)
    expect(r.recording, "parkwatch does not record: " + "".join(r.said))
    target.go()
    target.truth()
    code, out, said = r.stop()
    expect(code == 0, f"exit code {code}: {said}")
    return folded(out)


def folded(text):
    lines = []
    for line in text.splitlines():
        stack, _, value = line.rpartition(" ")
        expect(stack and value.isdigit(), f"not a folded line: {line!r}")
        lines.append((stack.split(";"), int(value)))
    return lines


def check(name, kind, program, *flags, env=None):
    """Runs the checker; raises Failed with its reason."""
    done = subprocess.run([str(build.built_check()), "-name", name, "-parkwatch", PARKWATCH, *flags, kind, *program],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, env=dict(os.environ, **(env or {})),
                          timeout=5 * LIMIT)
    if done.returncode:
        why = done.stdout.strip().removeprefix(f"FAIL {name}: ")
        raise Failed((why + " " + done.stderr.strip()).strip()[:1500] or f"check: exit code {done.returncode}")


def delay_ns(*pids):
    """How long the threads of processes were ready and had no processor: the kernel's run queue had others, or the hypervisor had it."""
    with open("/proc/stat") as f:
        ns = int(f.readline().split()[8]) * 10**9 // os.sysconf("SC_CLK_TCK")
    for pid in pids:
        with contextlib.suppress(OSError):    # it ended
            for tid in os.listdir(f"/proc/{pid}/task"):
                ns += int(Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()[1])
    return ns


def heard(process, *others, limit=LIMIT):
    """(standard output, standard error, seconds until it had ended) of a process: without those in which it, its keepers, this test or
    others that it needs had no processor. What the kernel says of that is read until it has ended, and once more before nobody knows it any more."""
    began = time.monotonic()
    pids = [process.pid, os.getpid(), *others, *Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    before, waited, ended = delay_ns(*pids), 0, False
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = [pool.submit(stream.read) for stream in (process.stdout, process.stderr)]
        while not ended:
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            waited = max(waited, delay_ns(*pids) - before)
            took = time.monotonic() - began
            if took > limit:
                process.kill()
                raise Failed(f"it hangs: {process.args}")
            time.sleep(0 if ended else 0.01)
        process.wait()
        return *(stream.result() for stream in said), took - waited / 1e9


def attach_ways():
    """The ways to attach that this kernel has; every one is tried where it is there."""
    release = tuple(int(x) for x in os.uname().release.split("-")[0].split(".")[:2])
    return ["perf-ioctl"] + (["perf-link"] if release >= (5, 15) else []) + (["uprobe-multi"] if release >= (6, 6) else [])


def text_changed(pid):
    """How many pages of the executable's code differ between the running process and its file."""
    changed = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as mem, open(f"/proc/{pid}/exe", "rb") as exe:
        path = os.readlink(f"/proc/{pid}/exe")
        for line in maps:
            fields = line.split()
            if len(fields) < 6 or "x" not in fields[1] or fields[5] != path:
                continue
            start, end = (int(x, 16) for x in fields[0].split("-"))
            mem.seek(start)
            exe.seek(int(fields[2], 16))
            memory, file = mem.read(end - start), exe.read(end - start)
            changed += sum(memory[i:i + 4096] != file[i:i + 4096] for i in range(0, len(file), 4096))
    return changed


def alive(pid):
    return Path(f"/proc/{pid}/exe").exists()
