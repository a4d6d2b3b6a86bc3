# SPDX-License-Identifier: BSD-2-Clause
"""harm: whatever becomes of parkwatch or of the program while it is recorded, the program runs on as it was, and what was seen
is told.

KILLS: how many recordings are killed at a moment of chance (12); each has some ten windows a second.
"""
import os
import platform
import random
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import build
from target import LIMIT, PARKWATCH, Failed, Recording, Target, attach_ways, expect, folded, heard, parkwatch, text_changed

KILLS = int(os.environ.get("KILLS", "12"))
WINDOWS = ["--max-overhead", "6"]    # of a program that is busy, exact for some hundredths of a second
BREAKPOINT = {"x86_64": b"\xcc", "aarch64": b"\xa0\x00\x20\xd4"}    # the kernel's for a uprobe: int3, brk #5
FREEZERS = Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup")    # version 1, version 2


def probes_are_out(pid):
    """The kernel takes them out when the last descriptor is gone: soon, but nobody tells when. 10 s are for a machine with other work."""
    end = time.monotonic() + 10
    while text_changed(pid) != 0:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def kill_9_leaves_the_target_as_it_was():
    for attach in attach_ways():
        with Target("busy") as t:
            expect(text_changed(t.pid) == 0, "the code differs before anything is attached")
            r = Recording(t.pid, "--attach", attach)
            expect(r.recording, "".join(r.said))
            t.go()
            expect(text_changed(t.pid) > 0, f"{attach}: no code is changed while it records: the test sees nothing")
            r.process.kill()
            r.wait()
            expect(probes_are_out(t.pid), f"{attach}: probes are left in the code")
            expect(t.process.poll() is None, f"{attach}: the target died")


def a_program_that_starts_another_has_ended():
    with Target("execute") as t:
        r = Recording(t.pid, "-d", "30", "--root", "goid")
        t.go()
        code, out, said = r.wait()
    expect(code == 0 and "the program ended after" in said, f"exit code {code}: {said}")
    for frames, ns in folded(out):
        expect(ns < 10e9, f"{frames} counts on in another program: {ns} ns")


def every_way_out_takes_the_probes_out():
    for how in ("duration", "SIGINT", "SIGTERM"):
        with Target("busy") as t:
            t.go()
            r = Recording(t.pid, *(["-d", "300ms"] if how == "duration" else []))
            expect(r.recording, "".join(r.said))
            if how != "duration":
                r.process.send_signal(2 if how == "SIGINT" else 15)
            code, _, said = r.wait()
            expect(code == 0, f"{how}: exit code {code}: {said}")
            expect(text_changed(t.pid) == 0, f"{how}: probes are left in the code")
            expect(t.process.poll() is None, f"{how}: the target died")


def kill_9_in_windows_leaves_the_target_as_it_was():
    """At any moment: while the probes are made, are there, are taken down, or are not there."""
    chance = random.Random()
    with Target("busy") as t:
        t.go()
        for i in range(KILLS):
            r = Recording(t.pid, *WINDOWS)
            expect(r.recording, "".join(r.said))
            time.sleep(chance.uniform(0.05, 0.6))    # which of these moments it is, nothing tells
            r.process.kill()
            r.wait()
            expect(probes_are_out(t.pid), f"after {i + 1} kills: probes are left in the code")
            expect(t.process.poll() is None, f"after {i + 1} kills: the target died")


def holders_of(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(c) for c in children if Path(f"/proc/{c}/comm").read_text() == "pw-holder\n"]


def holder_of(pid):
    wait_until(lambda: holders_of(pid), f"{pid} has no probe holder")
    return holders_of(pid)[0]


def sleeps(pid):
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def each_turns(pids, times):
    """Until each has slept so many times: its loop has gone round."""
    before = {pid: sleeps(pid) for pid in pids}
    wait_until(lambda: all(sleeps(pid) >= n + times for pid, n in before.items()), f"one of {pids} does not go on")


def hangs(pid):
    """A thread of it waits in the kernel for a page, and cannot be woken but by SIGKILL."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "stat").read_text().rpartition(")")[2].split()[0] == "D":
            return True
    return False


def cpu_s(pid):
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def state_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]


def the_probe_holder_has_no_descriptors_but_its_own():
    """Its socket, its master's state and the links that it made: no file of ours, no memory of the target, no terminal."""
    own = re.compile(r"/dev/null|socket:.*|/proc/\d+/stat|anon_inode:.*(bpf_link|perf_event).*")
    with Target("busy") as t:
        t.go()
        for way in attach_ways():
            r = Recording(t.pid, "--attach", way)
            fds = Path(f"/proc/{holder_of(r.process.pid)}/fd")
            links = {int(f.name): os.readlink(f) for f in fds.iterdir()}
            expect(all(own.fullmatch(link) for link in links.values()), f"{way}: {links}")
            expect(all(link == "/dev/null" for fd, link in links.items() if fd < 3), f"{way}: {links}")
            expect(sum(link.startswith("socket:") for link in links.values()) == 1, f"{way}: {links}")
            before = cpu_s(t.pid)
            wait_until(lambda: cpu_s(t.pid) > before + 0.05, "the target does not run")
            code, out, said = r.stop()
            expect(code == 0 and folded(out), f"{way}: {code} {said}")


def without_its_probe_holder_it_says_so():
    for how in (signal.SIGKILL, signal.SIGSTOP):
        for limit in ("0", "1"):
            with Target("busy") as t:
                t.go()
                r = Recording(t.pid, "-d", "600", "--max-overhead", limit)
                wait_until(lambda: (text_changed(t.pid) > 0) == (limit == "0"), "all is still exact")    # else in windows
                os.kill(holder_of(r.process.pid), how)
                began = time.monotonic()
                told_in_the_end(r, "killed or stopped the probe holder")
                # 2 s without a sign of it, the report, and what other tests take of the processors
                expect(time.monotonic() - began < 10, f"{how.name}: it went on without its probe holder")
                expect(probes_are_out(t.pid), f"{how.name}: probes are left in the code")


def while_it_is_stopped_no_probe_is_in():
    """Ctrl-Z and SIGSTOP, of the process and of its group; on SIGCONT it tells the gap."""
    for how, limit in ((signal.SIGSTOP, "0"), (signal.SIGTSTP, "0"), (signal.SIGSTOP, "6")):
        with Target("busy") as t:
            t.go()
            r = Recording(t.pid, "--max-overhead", limit)
            expect(r.recording, "".join(r.said))
            wait_until(lambda: text_changed(t.pid) > 0, "no code is changed while it records: the test sees nothing")
            os.kill(r.process.pid, how)
            wait_until(lambda: state_of(r.process.pid) == "T" and text_changed(t.pid) == 0, f"{how.name}: probes stay in while nobody is in charge")
            each_turns(holders_of(r.process.pid), 10)    # at each of which it looks whether somebody is in charge
            expect(text_changed(t.pid) == 0, f"{how.name}: probes come back while it is stopped")
            os.kill(r.process.pid, signal.SIGCONT)
            wait_until(lambda: text_changed(t.pid) > 0, f"{how.name}: it does not go on")
            told_when_stopped(r, "parkwatch was stopped for ")
            expect(text_changed(t.pid) == 0, f"{how.name}: probes are left in the code")
            expect(t.process.poll() is None, f"{how.name}: the target died")


def probed_place(pid, point):
    """Where parkwatch would probe, as doctor says it."""
    code, out, said = parkwatch("doctor", "-p", pid)
    found = re.search(rf"^  {point} .* at 0x([0-9a-f]+):", out, re.M)
    if code or not found:
        raise Failed(f"exit code {code}: {out} {said}")
    return int(found[1], 16)


def leave_a_probe(pid, addr):
    """What the kernel leaves when who holds a probe is killed while it takes it out."""
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
        mem.seek(addr)
        mem.write(BREAKPOINT[platform.machine()])


def left_probes_are_taken_out_by_the_next_start():
    for command in (["record", "-d", "300ms"], ["record", "-d", "300ms", "-e", "births"], ["leaks", "-d", "1"]):
        with Target("idle") as t:
            for point in ("birth", "exit"):    # nothing is born here: nothing runs into them
                leave_a_probe(t.pid, probed_place(t.pid, point))
            expect(text_changed(t.pid) > 0, "nothing was left: the test sees nothing")
            code, _, said = parkwatch(*command, "-p", t.pid)
            expect(code in (0, 3) and "took out 2 probes that a killed program had left" in said, f"{command}: exit code {code}: {said}")
            expect(text_changed(t.pid) == 0, f"{command}: probes are left in the code")


def doctor_names_left_probes_and_repairs():
    with Target("idle") as t:
        addr = probed_place(t.pid, "exit")
        expect("no probe is in it" in parkwatch("doctor", "-p", t.pid)[1], "it names a probe that is not there")
        leave_a_probe(t.pid, addr)
        out = parkwatch("doctor", "-p", t.pid)[1]
        expect("has 1 probes: of a tool that runs now, or left" in out and f"0x{addr:x} runtime." in out, out)
        expect(text_changed(t.pid) > 0, "it repaired what it was only to name")
        code, out, said = parkwatch("doctor", "-p", t.pid, "--repair")
        expect(code == 0 and "took out 1 of 1 probes" in out, f"exit code {code}: {out} {said}")
        expect(text_changed(t.pid) == 0, "probes are left in the code")


def a_repair_takes_no_probe_from_who_uses_it():
    with Target("busy") as t:
        t.go()
        r = Recording(t.pid)
        expect(r.recording, "".join(r.said))
        wait_until(lambda: text_changed(t.pid) > 0, "no code is changed while it records: the test sees nothing")
        out = parkwatch("doctor", "-p", t.pid, "--repair")[1]
        expect("probes that somebody uses" in out and text_changed(t.pid) > 0, f"probes that are used were taken out: {out}")
        told_when_stopped(r, "lost; cost")
        expect(text_changed(t.pid) == 0, "probes are left in the code")


def verbose_says_that_the_code_is_restored():
    with Target("busy") as t:
        t.go()
        code, _, said = parkwatch("record", "-p", t.pid, "-d", "300ms", "-v", "-v")
        expect(code == 0 and "text restored" in said, f"exit code {code}: {said}")


def counters_that_cannot_be_read_are_an_error():
    with Target("busy") as t:
        t.go()
        hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys && exec "$@"', "sh"]
        code, out, said = parkwatch("record", "-p", t.pid, "-d", "300ms", prefix=hidden)
        expect(code == 1 and not out and "/sys/devices/system/cpu/possible" in said and "mount /sys" in said,
               f"exit code {code}: {out} {said}")
        expect(text_changed(t.pid) == 0, "probes are left in the code")


def it_goes_before_the_target_for_want_of_memory():
    with Target("busy") as t:
        t.go()
        Path(f"/proc/{t.pid}/oom_score_adj").write_text("300")
        r = Recording(t.pid)
        expect(r.recording, "".join(r.said))
        adj = int(Path(f"/proc/{r.process.pid}/oom_score_adj").read_text())
        limits = Path(f"/proc/{r.process.pid}/limits").read_text()
        r.stop()
        expect(adj > 300, f"oom_score_adj is {adj}, the target's 300")
        bound = re.search(r"^Max address space +(\d+) ", limits, re.M)
        expect(bound and 2 << 30 <= int(bound[1]) < 3 << 30, limits)
        code, _, said = parkwatch("dump", "-p", t.pid, "--max-memory", "128M")
        expect(code in (0, 1) and (code == 0 or "memory" in said), f"exit code {code}: {said}")


def wait_until(holds, otherwise, seconds=LIMIT):
    """Nothing is asserted of how long it takes: who waits in vain says so in the end."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Failed(otherwise)
        time.sleep(0.02)


def told_in_the_end(r, words):
    was_told(r.wait(), words)


def told_when_stopped(r, words):
    was_told(r.stop(), words)


def was_told(ended, words):
    code, out, said = ended
    expect(code == 0 and folded(out) and words in said, f"exit code {code}: {said}")
    expect(" lost; cost " in said.splitlines()[-1], said)


def a_program_that_ends_in_windows():
    for after in (0.3, 0.5, 0.7):    # in a window or between two: which, nothing tells
        with Target("busy") as t:
            t.go()
            r = Recording(t.pid, *WINDOWS)
            time.sleep(after)
            t.process.kill()
            told_in_the_end(r, "the program ended after")


def a_program_that_starts_another_in_windows():
    with Target("restart") as t:
        r = Recording(t.pid, *WINDOWS)
        wait_until(lambda: text_changed(t.pid) == 0, "all is still exact")
        t.go()
        told_in_the_end(r, "the program ended after")


def a_program_that_is_stopped_in_windows():
    with Target("busy") as t:
        t.go()
        r = Recording(t.pid, *WINDOWS)
        wait_until(lambda: text_changed(t.pid) == 0, "all is still exact")
        os.kill(t.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(t.pid) == "T", "the program is not stopped")
        each_turns([r.process.pid], 40)    # windows and looks of a program that is stopped
        told_when_stopped(r, "the program is stopped")
        expect(text_changed(t.pid) == 0, "probes are left in the code")
        os.kill(t.pid, signal.SIGCONT)
        expect(t.process.poll() is None, "the target died")


def frozen(group, freeze):
    """Whether cgroup `group` is, or thaws."""
    if (group / "freezer.state").exists():
        (group / "freezer.state").write_text("FROZEN" if freeze else "THAWED")
    else:
        (group / "cgroup.freeze").write_text("1" if freeze else "0")


def a_program_that_is_frozen_in_windows():
    root = next((f for f in FREEZERS if (f / "cgroup.procs").exists()), None)
    if not root:
        raise build.Missing("a freezer (cgroups)")
    group = root / f"parkwatch-test-{os.getpid()}"
    group.mkdir()
    try:
        with Target("busy") as t:
            (group / "cgroup.procs").write_text(str(t.pid))
            t.go()
            r = Recording(t.pid, *WINDOWS)
            wait_until(lambda: text_changed(t.pid) == 0, "all is still exact")
            frozen(group, True)
            each_turns([r.process.pid], 40)    # windows and looks of a program that is frozen
            try:
                told_when_stopped(r, "estimated from")
                expect(text_changed(t.pid) == 0, "probes are left in the code")
            finally:
                frozen(group, False)
            expect(t.process.poll() is None, "the target died")
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "the group does not become empty")
        group.rmdir()


def allgs_of(command, pid):
    """The address of the runtime's list of goroutines; the program is at its fixed address."""
    symbols = subprocess.run(["nm", command[0]], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"^([0-9a-f]+) \w runtime\.allgs$", symbols, re.M)[1], 16)


def write_words(pid, addr, *words):
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as mem:
        mem.seek(addr)
        mem.write(b"".join(w.to_bytes(8, "little") for w in words))


def list_on_a_page_nobody_answers(target, command):
    """Of a program `many`, that made such a page: who reads its list of goroutines hangs. Where the list was."""
    target.go()
    page = target.truth().strip()
    if not page.isdigit():
        raise build.Missing(page)
    at = allgs_of(command, target.pid)
    with open(f"/proc/{target.pid}/mem", "rb", buffering=0) as mem:
        mem.seek(at)
        was = int.from_bytes(mem.read(8), "little")
    write_words(target.pid, at, int(page))
    return at, was


def a_page_that_nobody_answers_does_not_hold_it():
    """Whoever reads it hangs in the kernel, deaf to all signals but SIGKILL: a second after the first Ctrl-C it is over."""
    command = build.built(build.MODES_MINOR, "static", "many")
    for args in (["record", "--no-probes", "-d", "30"], ["leaks", "-d", "30"], ["record", "-d", "30", "-e", "births", "--no-probes"]):
        with Target("100", command=command) as t, tempfile.TemporaryDirectory() as d:
            p = subprocess.Popen([PARKWATCH, *args, "-p", str(t.pid), "-o", d + "/out.json"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            line = p.stderr.readline()
            expect("watching" in line or "recording" in line, line)
            t.go()
            mute = t.truth().strip()
            if not mute.isdigit():
                p.kill()
                raise build.Missing(mute)
            write_words(t.pid, allgs_of(command, t.pid), int(mute))
            wait_until(lambda p=p: hangs(p.pid), f"{args}: it does not come to the page")    # a watch for leaks looks every 2.5 s
            p.send_signal(signal.SIGINT)
            _, said, took = heard(p)
            expect(p.returncode == 1 and "does not answer" in said.splitlines()[-1], f"{args}: exit code {p.returncode}: {said}")
            expect(took < 1.3, f"{args}: it took {took:.2f} s")
            expect(not os.listdir(d), f"{args}: it leaves {os.listdir(d)}")
            expect(probes_are_out(t.pid), f"{args}: probes are left in the code")
            expect(t.process.poll() is None, "the target died")


def a_list_of_goroutines_that_lies_does_not_hold_it():
    """Four million that are none: not beyond 5 s after the duration, and no longer than a second after Ctrl-C."""
    command = build.built(build.MODES_MINOR, "static", "many")
    for how, args, stop in (("nothing", [], True), ("nothing", ["-e", "births"], True), ("page", [], False)):
        with Target("100", command=command) as t:
            p = subprocess.Popen([PARKWATCH, "record", "--no-probes", *args, "-p", str(t.pid), "-d", "30" if stop else "3", "-f", "json"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            line = p.stderr.readline()
            expect("recording" in line, line)
            t.process.stdin.write(how + "\n")
            t.process.stdin.flush()
            write_words(t.pid, allgs_of(command, t.pid), int(t.truth()), 4000000, 4000000)
            if stop:
                before = cpu_s(p.pid)
                wait_until(lambda: cpu_s(p.pid) > before + 1, "it does not read them")
                p.send_signal(signal.SIGINT)
            out, said, took = heard(p)
            expect(took < (1.5 if stop else 3 + 5), f"{how} {args}: it took {took:.2f} s: {said}")
            expect(p.returncode == 0 and out, f"{how} {args}: {p.returncode}: {said}")


def cases():
    for function in (
            kill_9_leaves_the_target_as_it_was, every_way_out_takes_the_probes_out, a_program_that_starts_another_has_ended,
            kill_9_in_windows_leaves_the_target_as_it_was, the_probe_holder_has_no_descriptors_but_its_own,
            without_its_probe_holder_it_says_so, while_it_is_stopped_no_probe_is_in,
            left_probes_are_taken_out_by_the_next_start, doctor_names_left_probes_and_repairs,
            a_repair_takes_no_probe_from_who_uses_it, counters_that_cannot_be_read_are_an_error,
            it_goes_before_the_target_for_want_of_memory, verbose_says_that_the_code_is_restored,
            a_program_that_ends_in_windows,
            a_program_that_starts_another_in_windows,
            a_program_that_is_stopped_in_windows, a_program_that_is_frozen_in_windows,
            a_page_that_nobody_answers_does_not_hold_it, a_list_of_goroutines_that_lies_does_not_hold_it):
        yield f"harm: {function.__name__}", function
