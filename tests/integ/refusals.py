# SPDX-License-Identifier: BSD-2-Clause
"""refusals: what parkwatch cannot do it says in one line with object, cause and next step; exit code 1, 2 for usage."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import build
from target import Recording, Target, attach_ways, expect, folded, parkwatch


def one_line(result, *patterns, code=1):
    """Exit code, and one line of error that has all the patterns in it."""
    got, _, said = result
    expect(got == code, f"exit code {got}, not {code}: {said}")
    errors = [line for line in said.splitlines() if "recording" not in line]
    expect(len(errors) == 1 and errors[0].startswith("parkwatch: "), f"not one line: {said!r}")
    for p in patterns:
        expect(re.search(p, said, re.I), f"nothing like '{p}' in: {said}")


def unused_pid():
    return next(pid for pid in range(400000, 0, -1) if not Path(f"/proc/{pid}").exists())


# What each command needs besides -p PID
COMMANDS = {"record": ["-d", "1"], "dump": [], "chans": [], "leaks": ["-d", "1"], "refs": ["--goid", "1"]}


def each_refuses(pid, *patterns, **how):
    for command, args in COMMANDS.items():
        one_line(parkwatch(command, "-p", pid, *args, **how), *patterns)


def no_such_process():
    pid = unused_pid()
    each_refuses(pid, str(pid), "no.*process|no such")
    code, _, said = parkwatch("doctor", "-p", pid)
    expect(code == 1 and str(pid) in said, f"exit code {code}: {said}")


def not_a_go_program():
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        each_refuses(sleeper.pid, "not a Go program|no Go", "sleep|" + str(sleeper.pid))
    finally:
        sleeper.kill()
        sleeper.wait()


def a_kernel_thread():
    each_refuses(2, "2")


def a_thread_id_is_named_with_its_process():
    with Target("idle") as t:
        tids = [int(x) for x in os.listdir(f"/proc/{t.pid}/task") if int(x) != t.pid]
        one_line(parkwatch("record", "-p", tids[0], "-d", "1"), "thread", str(t.pid))


def go_too_old():
    with Target("idle", minor=14) as t:
        each_refuses(t.pid, r"1\.14", r"1\.15")


def renamed(mode, minor, to, directory):
    """A program of a Go that does not exist: one that does, with another version in its build information."""
    source = Path(build.built(minor, mode)[0])
    version = "go" + build.TOOLCHAINS[minor]
    path = Path(directory) / "future"
    path.write_bytes(source.read_bytes().replace(version.encode(), (to + version[len(to):]).encode()))
    path.chmod(0o755)
    return [str(path)]


def go_too_new_is_refused_where_nothing_tells_its_offsets():
    with tempfile.TemporaryDirectory() as d, \
            Target("idle", command=renamed("stripped", build.MODES_MINOR, "go1.99", d)) as t:
        one_line(parkwatch("record", "-p", t.pid, "-d", "1"), r"go1\.99", r"1\.27", "debug information|DWARF")


def go_too_new_is_read_by_its_debug_information():
    with tempfile.TemporaryDirectory() as d, Target("idle", command=renamed("static", 27, "go1.99", d)) as t:
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms")
        expect(code == 0 and "[select (no cases)]" in out, f"exit code {code}: {said}")


def a_32_bit_program():
    command = build.built(build.MODES_MINOR, goarch="386")
    try:
        target = Target("idle", command=command).__enter__()
    except OSError as e:
        raise build.Missing(f"a kernel that runs 32-bit programs: {e}") from None
    try:
        one_line(parkwatch("record", "-p", target.pid, "-d", "1"), "32.bit|386|amd64")
    finally:
        target.__exit__()


def no_privilege_names_the_capability():
    with Target("idle") as t:
        each_refuses(t.pid, "CAP_|sudo", prefix=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
        each_refuses(t.pid, "CAP_|sudo|permi", prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                                       "--inh-caps=-all"])


def few_capabilities_are_enough_where_uprobe_multi_is():
    if "uprobe-multi" not in attach_ways():
        raise build.Missing("uprobe_multi (Linux 6.6)")
    caps = "-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search"
    with Target("idle") as t:
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms",
                                    prefix=["setpriv", "--bounding-set=" + caps, "--inh-caps=-all"])
    expect(code == 0 and folded(out), f"exit code {code}: {said}")


def an_exit_while_attached_still_writes_what_was_seen():
    for kind in ("idle", "busy"):
        with Target(kind) as t:
            r = Recording(t.pid)
            expect(r.recording, "".join(r.said))
            t.go()
            with Target("rate") as clock:    # let it run for a while, without a sleep of our own
                clock.go()
                clock.truth()
            t.process.kill()
            t.process.wait()
            code, out, said = r.wait()
        expect(code in (0, 1) and "ended" in said, f"{kind}: exit code {code}: {said}")
        expect(folded(out), f"{kind}: nothing was written: {said}")


def a_full_disk_leaves_no_file():
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", d], check=True)
        try:
            with open(os.path.join(d, "ballast"), "wb") as f:
                try:
                    f.write(b"x" * (1 << 20))
                except OSError:
                    pass
            before = sorted(os.listdir(d))
            with Target("idle") as t:
                one_line(parkwatch("record", "-p", t.pid, "-d", "200ms", "-o", os.path.join(d, "x.folded")),
                         "no space", "x.folded")
            expect(sorted(os.listdir(d)) == before, f"left behind: {sorted(os.listdir(d))}")
        finally:
            subprocess.run(["umount", d], check=True)


def a_folder_that_is_not_there():
    with Target("idle") as t:
        one_line(parkwatch("record", "-p", t.pid, "-d", "1", "-o", "/nowhere/at/all/x.folded"), "/nowhere/at/all",
                 "no such")


def a_killed_recording_leaves_no_file_under_the_final_name():
    with tempfile.TemporaryDirectory() as d, Target("idle") as t:
        path = os.path.join(d, "x.folded")
        r = Recording(t.pid, "-o", path)
        expect(r.recording, "".join(r.said))
        r.process.kill()
        r.wait()
        expect(not os.path.exists(path), "a file stands under the final name")


def a_truncated_executable():
    """The file was cut after the start (or is being replaced): the section headers and more are gone."""
    source = Path(build.built(build.MODES_MINOR)[0])
    for keep in (1, 2, 4):    # kept: all but the last 64 KiB; half; a quarter
        with tempfile.TemporaryDirectory() as d:
            path = Path(d) / "cut"
            shutil.copy(source, path)
            size = path.stat().st_size
            with Target("idle", command=["sh", "-c", f"exec 4<{path}; exec /proc/self/fd/4 $0"]) as t:
                target_is_its_own_file(path, t, size // keep if keep > 1 else size - 65536)


def target_is_its_own_file(path, t, size):
    done = subprocess.run(["truncate", "-s", str(size), path], capture_output=True, text=True)
    if done.returncode:    # "Text file busy": cut a copy and put it in its place
        cut = path.with_suffix(".new")
        shutil.copy(path, cut)
        os.truncate(cut, size)
        cut.rename(path)
    code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms")
    expect(code in (0, 1), f"exit code {code} with {size} bytes left: {said}")
    expect(folded(out) if code == 0 else len(said.strip().splitlines()) == 1, f"{size} bytes left: {said}")


def usage_errors_are_2():
    for args in ([], ["nonsense"], ["record"], ["record", "-p"], ["record", "-p", "x"], ["record", "-p", "-1"],
                 ["record", "-p", "1", "-e", "nothing"], ["record", "-p", "1", "-d", "soon"],
                 ["record", "-p", "1", "-f", "tiff"], ["record", "-p", "1", "--root", "x"],
                 ["record", "-p", "1", "--depth", "0"], ["record", "-p", "1", "--ring-size", "5000"],
                 ["record", "-p", "1", "--goid", "1,x"], ["record", "-p", "1", "--nonsense"], ["record", "-p", "1", "2"],
                 *(["record", "-p", "1", "-e", "alloc", *no] for no in (["--alloc=exact", "--max-overhead", "1"], ["--no-probes"], ["--async"],
                                                                       ["--min-wait", "1ms"], ["--root", "label"])),
                 ["record", "-p", "1", "-F", "99"],
                 *(["record", "-p", "1", "-e", "cpu", *no] for no in (["-F", "0"], ["-F", "10001"], ["--no-probes"], ["--async"],
                                                                     ["--min-wait", "1ms"]))):
        code, out, said = parkwatch(*args)
        expect(code == 2 and not out and len(said.strip().splitlines()) == 1, f"{args}: exit code {code}, {out} {said!r}")


def cases():
    for function in (
            no_such_process, not_a_go_program, a_kernel_thread, a_thread_id_is_named_with_its_process, go_too_old,
            go_too_new_is_refused_where_nothing_tells_its_offsets, go_too_new_is_read_by_its_debug_information,
            a_32_bit_program, no_privilege_names_the_capability, few_capabilities_are_enough_where_uprobe_multi_is,
            an_exit_while_attached_still_writes_what_was_seen, a_full_disk_leaves_no_file, a_folder_that_is_not_there,
            a_killed_recording_leaves_no_file_under_the_final_name, a_truncated_executable, usage_errors_are_2):
        yield function.__name__, function
