# SPDX-License-Identifier: BSD-2-Clause
"""launch: `record -- CMD` records a program (progs/started) from its first goroutine, with whose rights, and ends as it does;
--attach-by finds a process by its name."""
import contextlib
import fcntl
import json
import os
import pwd
import re
import resource
import secrets
import shutil
import signal
import subprocess
import tempfile
import termios
import time
from pathlib import Path

import build
from refusals import one_line
from target import LIMIT, PARKWATCH, Target, expect, parkwatch, text_changed

BORN = 200
CGROUPS = Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup")    # version 1, version 2


def program(minor=build.MODES_MINOR, mode="static"):
    return build.built(minor, mode, "started")


def run(directory, *args, env=None):
    """(exit code as subprocess has it, what the program said, standard error, the recording)"""
    path = Path(directory) / "out.json"
    done = subprocess.run([PARKWATCH, "record", "--max-overhead", "0", "-o", path, *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=LIMIT, env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout, done.stderr, json.loads(path.read_text()) if path.exists() else None


def born_in(recording, func):
    return sum(row["count"] for row in recording["stacks"] if any(f["func"] == func for f in row["stack"]))


def it_is_recorded_from_its_first_goroutine(minor, mode):
    with tempfile.TemporaryDirectory() as d:
        code, out, said, recording = run(d, "-e", "births", "--", *program(minor, mode), "born", str(BORN))
    expect(code == 7, f"exit code {code}: {said}")
    expect(out == f"born {BORN}\n", out)
    expect(born_in(recording, "main.bear") == BORN, f"{born_in(recording, 'main.bear')} births, want {BORN}: {said}")
    early = [row for row in recording["stacks"] if any(re.match(r"main\.init", f["func"]) for f in row["stack"])]
    expect(sum(row["count"] for row in early) == 1, f"the goroutine of init is not there: {recording}")


def its_allocations_and_waits_are_there_too():
    with tempfile.TemporaryDirectory() as d:
        for args, func in ((["-e", "blocked", "--func", "main.bear"], "main.bear"), (["-e", "alloc", "--alloc", "exact"], "main.main"),
                           (["-e", "exits", "--created-by", "main.bear"], "main.bear")):
            code, _, said, recording = run(d, *args, "--", *program(), "born", str(BORN))
            expect(code == 7, f"exit code {code}: {said}")
            expect(born_in(recording, func) > 0, f"{args}: {recording}")


def a_shell_may_call_exec_for_it():
    with tempfile.TemporaryDirectory() as d:
        code, out, said, recording = run(d, "-e", "births", "--", "/bin/sh", "-c", "echo first; exec \"$0\" born 20", *program())
        expect(code == 7 and out == "first\nborn 20\n", f"{code} {out} {said}")
        expect(born_in(recording, "main.bear") == 20, f"{recording}")


def a_signal_that_ends_it_ends_parkwatch():
    with tempfile.TemporaryDirectory() as d:
        code, _, said, recording = run(d, "--", *program(), "kill")
    expect(code == -signal.SIGTERM, f"exit code {code}: {said}")
    expect(recording, "there is no report")


def it_is_ended_when_the_duration_is_over():
    with tempfile.TemporaryDirectory() as d:
        code, out, said, recording = run(d, "-d", "300ms", "--", *program(), "serve")
    expect(code == 0 and out == "ready\nbye\n", f"{code} {out} {said}")
    expect(recording["window_s"] >= 0.3, recording)


def a_signal_to_parkwatch_goes_on_to_it():
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "out.json"
        with subprocess.Popen([PARKWATCH, "record", "-o", path, "--", *program(), "serve"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
            expect(p.stdout.readline() == "ready\n", "it does not run")
            p.send_signal(signal.SIGTERM)
            out, said = p.communicate(timeout=LIMIT)
        expect(p.returncode == 3 and out == "bye\n", f"{p.returncode} {out} {said}")
        expect(json.loads(path.read_text())["stacks"], "there is no report")


def ctrl_c_reaches_both():
    master, slave = os.openpty()
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "out.json"
        with subprocess.Popen([PARKWATCH, "record", "-o", path, "--", *program(), "serve"], stdin=slave, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, start_new_session=True,
                              preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) as p:
            expect(p.stdout.readline() == "ready\n", "it does not run")
            os.write(master, b"\x03")
            out, said = p.communicate(timeout=LIMIT)
        expect(p.returncode == -signal.SIGINT and not out, f"{p.returncode} {out} {said}")
        expect("gets SIGTERM" not in said, said)
        expect(json.loads(path.read_text())["stacks"], "there is no report")
    os.close(master)
    os.close(slave)


def it_has_the_rights_of_who_called_sudo():
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        copy = shutil.copy(program()[0], d)
        sudo = {"SUDO_UID": str(nobody.pw_uid), "SUDO_GID": str(nobody.pw_gid), "SUDO_USER": "nobody"}
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        for args, env, want in (([], sudo, nobody), (["--user", "nobody"], {}, nobody), (["--user", "root"], sudo, pwd.getpwuid(0))):
            code, out, said, _ = run(d, *args, "--", copy, "who", env=env)
            expect(code == 0, f"exit code {code}: {said}")
            uid, gid, _, home, user, files = out.split()
            expect((int(uid), int(gid), home, user) == (want.pw_uid, want.pw_gid, want.pw_dir, want.pw_name), f"{args} {env}: {out}")
            expect(int(files) == most, f"it may open {files} files, want {most}")


def those_of(path):
    """PIDs of processes whose arguments name the file: the program, and who is about to start it."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if path.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and int(pid) != os.getpid():
                yield int(pid)


def stands(pid):
    """It does not run, for it is traced, or waits to be; or probes are still in its code."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        if re.search(r"State:\tZ", status):
            return False
        return bool(re.search(r"State:\t[tT]|TracerPid:\t[1-9]", status)) or os.readlink(f"/proc/{pid}/exe") == str(Path(PARKWATCH).resolve()) \
            or text_changed(pid) > 0
    except OSError:
        return False


def one_that_is_killed_at_any_moment_leaves_no_program_that_stands():
    """The moments lie from before the program is there until after it has begun."""
    with tempfile.TemporaryDirectory() as d:
        copy = shutil.copy(program()[0], f"{d}/pw-killed")
        for ms in range(5, 500, 45):
            p = subprocess.Popen([PARKWATCH, "record", "-q", "-o", d + "/out.json", "--", copy, "serve"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(ms / 1000)
            p.kill()
            p.wait()
            end = time.monotonic() + LIMIT
            while any(stands(pid) for pid in those_of(copy)):
                expect(time.monotonic() < end, f"{ms} ms: a program stands")
                time.sleep(0.01)
            for pid in those_of(copy):
                os.kill(pid, signal.SIGKILL)


def what_cannot_be_started_is_said():
    with tempfile.TemporaryDirectory() as d:
        result = run(d, "--", d + "/nothing")[:3]
        one_line(result, "cannot start", "nothing", "No such file")
        one_line(run(d, "--", "/bin/false")[:3], "/bin/false", "exit status 1", "no Go program")
        one_line(run(d, "--user", "nosuchuser", "--", *program(), "who")[:3], "no user 'nosuchuser'")
        expect(not os.listdir(d), "a file is left")


def wrong_use_is_said():
    one_line(parkwatch("record", "--", "ls"), "standard output", "-o FILE", code=2)
    one_line(parkwatch("record", "-p", "1", "-o", "/dev/null", "--", "ls"), "--pid does not go with", "'ls'", code=2)
    one_line(parkwatch("record", "--attach-by", "x", "-o", "/dev/null", "--", "ls"), "--attach-by does not go with", code=2)
    one_line(parkwatch("record", "-o", "/dev/null", "ls"), "what is meant by 'ls'", "after --", code=2)
    one_line(parkwatch("record", "-p", "1", "--state", "running"), "-e blocked", "waiting", code=2)
    one_line(parkwatch("record", "-p", "1", "--func", "("), "regular expression", code=2)
    one_line(parkwatch("record", "-p", "1", "--p", "x"), "bad p", code=2)
    one_line(parkwatch("record", "-p", "1", "--p", "1", "--no-probes"), "--p does not go with --no-probes", code=2)
    one_line(parkwatch("dump", "--attach-by", "x", "-p", "1"), "--attach-by does not go with --pid", code=2)
    one_line(parkwatch("dump", "--attach-by", "pod=x"), "NAME, exe=PATH or container=NAME", code=2)


def a_process_is_found_by_its_name_and_its_file():
    me = os.getpid()
    with tempfile.TemporaryDirectory() as d:
        one, two = shutil.copy(program()[0], f"{d}/pw-one-{me}"), shutil.copy(program()[0], f"{d}/pw-two-{me}")
        with Target("serve", command=[one]) as a, Target("serve", command=[two]), Target("serve", command=[two]) as c:
            for by in (f"pw-one-{me}", f"pw-on?-{me}", "exe=" + one, f"exe=*/pw-one-{me}"):
                code, out, said = parkwatch("dump", "-f", "jsonl", "--attach-by", by)
                expect(code == 0 and out, f"{by}: {code} {said}")
            code, out, said = parkwatch("record", "-d", "100ms", "-f", "json", "--attach-by", f"pw-one-{me}")
            expect(code == 0 and json.loads(out)["target"]["pid"] == a.pid, f"{code} {said}")
            one_line(parkwatch("leaks", "-d", "1", "--attach-by", f"pw-two-{me}"), "which of 2 Go programs", f"{c.pid} .{two}")
            one_line(parkwatch("chans", "--attach-by", "exe=/no/such"), "no Go program has that file", "parkwatch ps")


def a_process_is_found_by_its_container():
    """By the beginning of the id that its control group names, as Docker and containerd do."""
    root = next((f for f in CGROUPS if (f / "cgroup.procs").exists()), None)
    if not root:
        raise build.Missing("control groups")
    name = secrets.token_hex(32)
    group = root / f"docker-{name}.scope"
    group.mkdir()
    try:
        with Target("serve", command=program()) as t, Target("serve", command=program()):
            (group / "cgroup.procs").write_text(str(t.pid))
            code, out, said = parkwatch("record", "-d", "100ms", "-f", "json", "--attach-by", f"container={name[:12]}")
            expect(code == 0 and json.loads(out)["target"]["pid"] == t.pid, f"{code} {said}")
            one_line(parkwatch("dump", "--attach-by", f"container={'0' if name[0] != '0' else '1'}{name[1:12]}"), "is in that container", "parkwatch ps")
    finally:
        group.rmdir()


def several_are_recorded_at_once_each_for_itself():
    with tempfile.TemporaryDirectory() as d, Target("1", command=build.built(build.MODES_MINOR, "static", "wanted")) as a, \
            Target("2", command=build.built(build.MODES_MINOR, "static", "wanted")) as b:
        with subprocess.Popen([PARKWATCH, "record", "-p", f"{a.pid},{b.pid}", "--max-overhead", "0", "--func", r"main\.left", "-o",
                               d + "/out.json", "--save", d + "/all.pw"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
            said = p.stderr.readline()
            expect(f"recording pids {a.pid}, {b.pid}" in said, said)
            truths = []
            for t in (a, b):
                t.go()
                truths.append(json.loads(t.truth()))
            a.process.kill()    # it has ended before the other one is done
            p.send_signal(signal.SIGINT)
            _, said = p.communicate(timeout=LIMIT)
        expect(p.returncode == 0, f"{p.returncode} {said}")
        expect(sorted(os.listdir(d)) == sorted(f"{n}-{t.pid}.{s}" for t in (a, b) for n, s in (("out", "json"), ("all", "pw"))), os.listdir(d))
        for t, truth in zip((a, b), truths):
            recording = json.loads(Path(f"{d}/out-{t.pid}.json").read_text())
            want = sum(c["left"] for c in truth)
            expect(recording["target"]["pid"] == t.pid and born_in(recording, "main.left") == want, f"want {want}: {recording}")
            code, out, said = parkwatch("report", f"{d}/all-{t.pid}.pw", "-f", "json")
            expect(code == 0 and born_in(json.loads(out), "main.left") == want, said)


def several_begin_or_none_does():
    with tempfile.TemporaryDirectory() as d, Target("serve", command=program()) as a:
        one_line(parkwatch("record", "-p", f"{a.pid},2", "-d", "1", "-o", d + "/x.pb.gz"), "2")
        expect(not os.listdir(d), os.listdir(d))
    one_line(parkwatch("record", "-p", "1", "-p", "2", "-d", "1"), "a file of its own", "-o FILE", code=2)
    one_line(parkwatch("record", "-p", "1,1"), "bad --pid '1,1'", "each once", code=2)
    one_line(parkwatch("record", "-p", "1,2,3,4,5,6,7,8,9"), "bad --pid", code=2)
    one_line(parkwatch("dump", "-p", "1,2"), "bad --pid", code=2)


def cases():
    for minor, mode in [(m, "static") for m in (16, build.MODES_MINOR, 27)] + \
            [(build.MODES_MINOR, m) for m in build.MODES if m not in ("static", "c-shared", "plugin")]:
        yield (f"it_is_recorded_from_its_first_goroutine [go1.{minor} {mode}]",
               lambda m=minor, b=mode: it_is_recorded_from_its_first_goroutine(m, b))
    for f in (its_allocations_and_waits_are_there_too, a_shell_may_call_exec_for_it, a_signal_that_ends_it_ends_parkwatch,
              it_is_ended_when_the_duration_is_over, a_signal_to_parkwatch_goes_on_to_it, ctrl_c_reaches_both, it_has_the_rights_of_who_called_sudo,
              one_that_is_killed_at_any_moment_leaves_no_program_that_stands, what_cannot_be_started_is_said,
              wrong_use_is_said, a_process_is_found_by_its_name_and_its_file, a_process_is_found_by_its_container,
              several_are_recorded_at_once_each_for_itself, several_begin_or_none_does):
        yield f.__name__, f
