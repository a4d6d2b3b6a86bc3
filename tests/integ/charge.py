# SPDX-License-Identifier: BSD-2-Clause
"""charge: probes are in the target only while somebody is in charge of them, and a recording goes on when he is back."""
import concurrent.futures
import contextlib
import ctypes
import gzip
import json
import os
import pty
import random
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import build
from harm import FREEZERS, allgs_of, cpu_s, each_turns, frozen, holder_of, holders_of, probes_are_out, state_of, told_in_the_end, \
    told_when_stopped, wait_until, write_words
from target import LIMIT, PARKWATCH, Recording, Target, expect, folded, parkwatch, text_changed

PTRACE_ATTACH, PTRACE_DETACH = 16, 17    # Linux include/uapi/linux/ptrace.h
GAP = r"\d+\.\d s within are left out: parkwatch was stopped or held up"
RUNTIMES_OWN = 40    # goroutines that the runtime may make or end by itself meanwhile: to collect garbage, for timers
SEES_NOTHING = "no code is changed while it records: the test sees nothing"


@contextlib.contextmanager
def busy(*args, **more):
    with Target("busy") as t:
        t.go()
        r = Recording(t.pid, *args, **more)
        try:
            expect(r.recording, "".join(r.said))
            wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
            yield t, r
            expect(probes_are_out(t.pid), "probes are left in the code")
            expect(t.process.poll() is None, "the target died")
        finally:
            r.process.kill()


def ctrl_z_takes_the_probes_out_before_it_stops():
    for how in (signal.SIGTSTP, signal.SIGTTOU):
        with busy() as (t, r):
            os.kill(r.process.pid, how)
            wait_until(lambda: state_of(r.process.pid) == "T", f"{how.name}: it does not stop")
            expect(text_changed(t.pid) == 0, f"{how.name}: it is stopped, and its probes are in")
            os.kill(r.process.pid, signal.SIGCONT)
            wait_until(lambda: text_changed(t.pid) > 0, f"{how.name}: it does not go on")
            told_when_stopped(r, "parkwatch was stopped for ")


@contextlib.contextmanager
def absent(t, r):
    """Stopped within it, and its probes back after it; what is there then is how long it was stopped at least (s)."""
    os.kill(r.process.pid, signal.SIGSTOP)
    wait_until(lambda: state_of(r.process.pid) == "T" and text_changed(t.pid) == 0, "probes stay in while nobody is in charge")
    began, gap = time.monotonic(), []
    yield gap
    gap.append(time.monotonic() - began)
    os.kill(r.process.pid, signal.SIGCONT)
    wait_until(lambda: text_changed(t.pid) > 0, "it does not go on")


def a_report_tells_the_gap():
    for form in ("json", "text"):
        began = time.monotonic()
        with busy("-f", form) as (t, r):
            with absent(t, r) as gap:
                time.sleep(0.5)    # to be told apart from none
            code, out, said = r.stop()
            ran = time.monotonic() - began
            expect(code == 0, said)
            if form == "json":
                report = json.loads(out)
                expect(report["gap_s"] > gap[0] - 0.01 and "gap_waits" in report, f"{gap}: {out[:300]}")
                expect(report["gap_s"] + report["window_s"] < ran, f"{ran}: {out[:300]}")
            else:
                expect(re.search("; " + GAP, out), out[:300])


def works_for(t, seconds):
    """Until the target has used so much of a processor."""
    begin = cpu_s(t.pid)
    wait_until(lambda: cpu_s(t.pid) > begin + seconds, "the target does not work")


def what_the_target_used_in_a_gap_does_not_count():
    """Where all is recorded, and where it is estimated from windows: the gap is found some time after it has ended."""
    for limit in ("0", "1"):
        with busy("--max-overhead", limit) as (t, r):
            begin = cpu_s(t.pid)
            works_for(t, 0.5)
            stop = cpu_s(t.pid)
            os.kill(r.process.pid, signal.SIGSTOP)
            works_for(t, 2)
            gap = cpu_s(t.pid) - stop
            os.kill(r.process.pid, signal.SIGCONT)
            wait_until(lambda: text_changed(t.pid) > 0, "it does not go on")
            _, _, said = r.stop()
            told = re.search(r"of the target's CPU time .* s of ([0-9.]+) s", said)
            used = cpu_s(t.pid) - begin - gap
            expect(told and float(told[1]) < used + 0.7, f"--max-overhead {limit}: it used {used} s, and {gap} s within the gap: {said}")


def every_format_tells_the_gap():
    """The header of the page, a comment of the pprof profile; folded has none: standard error tells it, of the others too."""
    with tempfile.TemporaryDirectory() as d, Target("busy") as t:
        t.go()
        for form in ("html", "pprof", "folded"):
            path = Path(d) / form
            r = Recording(t.pid, "-f", form, "-o", str(path))
            wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
            with absent(t, r):
                pass
            code, _, said = r.stop()
            expect(code == 0 and re.search(r"parkwatch was stopped for \d+\.\d s: ", said), f"{form}: exit code {code}: {said}")
            held = path.read_bytes()
            told = re.search(GAP.encode(), gzip.decompress(held) if form == "pprof" else held)
            expect(bool(told) == (form != "folded"), f"{form}: {held[-1500:]}")


def signals_while_the_reader_waits_break_no_report():
    """The report is larger than the pipe, and who reads it comes late: `| less`."""
    with Target("3000", command=build.built(build.MODES_MINOR, "static", "many")) as t:
        p = subprocess.Popen([PARKWATCH, "record", "-p", str(t.pid), "-d", "300ms", "--root", "goid", "-f", "json", "--no-probes"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wchan = f"/proc/{p.pid}/wchan"
        wait_until(lambda: "pipe_write" in open(wchan).read(), f"it does not wait for its reader: {open(wchan).read()}")
        os.kill(p.pid, signal.SIGINT)    # the second one would end it
        time.sleep(4)    # longer than putting a report together may take after it
        os.kill(p.pid, signal.SIGTSTP)
        wait_until(lambda: state_of(p.pid) == "T", "it does not stop")
        os.kill(p.pid, signal.SIGCONT)
        wait_until(lambda: state_of(p.pid) != "T", "it does not go on")
        out, said = p.communicate(timeout=LIMIT)
        expect(p.returncode == 0 and len(json.loads(out)["stacks"]) > 2000, f"exit code {p.returncode}: {said}")


def an_ignored_ctrl_z_stays_ignored():
    with busy(prefix=["sh", "-c", 'trap "" TSTP; exec "$@"', "sh"]) as (t, r):
        os.kill(r.process.pid, signal.SIGTSTP)
        each_turns([r.process.pid], 5)
        code, _, said = r.stop()
        expect(code == 0 and "stopped" not in said, f"exit code {code}: {said}")


def after_a_stop_every_event_counts_again():
    """What happens after SIGCONT is in the result as if nobody had stopped it: births to the last one, exits, waits."""
    for event, key in (("births", "births"), ("exits", "exits"), ("blocked", None)):
        with Target("lives" if key else "waits") as t:
            r = Recording(t.pid, "-e", event, "-v")
            for again in (1, 2):
                wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
                with absent(t, r):
                    pass
                wait_until(lambda: "".join(r.said).count("recording goes on") == again, "not all of its probes are back")
            t.go()
            truth = json.loads(t.truth())
            code, out, said = r.stop()
        expect(code == 0 and " 0 lost; cost " in said and "was stopped for" in said, f"{event}: exit code {code}: {said}")
        expect("estimated" not in said, f"{event}: {said}")
        if key:
            seen = sum(n for frames, n in folded(out) if not frames[-1].startswith("[go runtime.") or "corostart" in frames[-1])
            wanted = sum(site["count"] for site in truth[key])
            expect(seen == wanted, f"{event}: {seen}, not {wanted}: {said}")
        else:
            for site in truth["waits"]:
                own = sum(ns for frames, ns in folded(out) if frames[-1] in site["leaf"].split("|"))
                expect(own >= 0.9 * site.get("ns", 0), f"{own} ns of {site}")


def at_the_same_time(function, minors):
    with concurrent.futures.ThreadPoolExecutor(len(minors)) as pool:
        for one in [pool.submit(function, minor) for minor in minors]:
            one.result()


def what_a_gap_hides_is_counted(minor):
    """All that the program does is within the gap: its births and exits are known by their number."""
    for event in ("births", "exits"):
        with Target("lives", minor) as t:
            r = Recording(t.pid, "-e", event, "-f", "json")
            wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
            with absent(t, r):
                t.go()
                truth = sum(site["count"] for site in json.loads(t.truth())[event])
            code, out, said = r.stop()
        report = json.loads(out)
        expect(code == 0 and not report["total"] and report["gap_missing"] is not None, f"{event}: exit code {code}: {out[:300]} {said}")
        expect(truth <= report["gap_missing"] <= truth + RUNTIMES_OWN, f"{event}: {report['gap_missing']} are missing, truly {truth}: {said}")
        expect(f"up to {report['gap_missing']} {event} happened meanwhile, which are missing" in said, said)


def allocations_of_a_gap_do_not_count():
    with Target("busy") as t:
        t.go()
        seen = {}
        for stopped in (False, True):
            r = Recording(t.pid, "-e", "alloc")
            expect(r.recording, "".join(r.said))
            works_for(t, 0.5)
            if stopped:
                with absent(t, r):
                    works_for(t, 2.5)
            works_for(t, 2)
            code, out, said = r.stop()
            expect(code == 0, said)
            used = re.search(r"of the target's CPU time .* s of ([0-9.]+) s", said)
            expect(used, said)
            seen[stopped] = sum(n for _, n in folded(out)) / float(used[1])
        # for each second that it had a processor, which others may want
        expect(0.6 < seen[True] / seen[False] < 1.5, f"{seen}: a gap as long as the recording is in it, or the recording is not")

def a_watch_for_leaks_goes_on_without_what_its_probes_saw():
    """Births and exits are what the looks tell; what is allocated is counted in windows, and the time in between is left out."""
    with Target("busy") as t:
        t.go()
        p = subprocess.Popen([PARKWATCH, "leaks", "-p", str(t.pid), "-d", "600", "--max-overhead", "0", "-f", "json"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
        [holder] = holders_of(p.pid)    # for births and exits, for parks and for allocations
        time.sleep(1.0)    # a window of allocations, in which it allocates: nothing tells from outside that one is open
        os.kill(p.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(p.pid) == "T" and text_changed(t.pid) == 0, "probes stay in while nobody is in charge")
        each_turns([holder], 2)
        time.sleep(0.3)    # the gap that is asked for below
        os.kill(p.pid, signal.SIGCONT)
        wait_until(lambda: text_changed(t.pid) > 0, "it does not go on")
        p.send_signal(signal.SIGINT)
        out, said = p.communicate(timeout=LIMIT)
        expect(p.returncode in (0, 3) and "was stopped meanwhile" in said, f"exit code {p.returncode}: {out} {said}")
        allocated = json.loads(out)["allocated"]
        expect(allocated and allocated["seen"] and allocated["gap_s"] >= 0.3, f"{allocated}: {said}")
        expect(text_changed(t.pid) == 0, "probes are left in the code")


def a_terminal_that_is_halted_is_no_reason_to_leave_them_in():
    """Ctrl-S: parkwatch hangs in writing its progress. Ctrl-Q: it goes on."""
    with Target("busy") as t:
        t.go()
        master, slave = pty.openpty()
        p = subprocess.Popen([PARKWATCH, "record", "-p", str(t.pid), "--max-overhead", "0"], stdin=slave, stdout=subprocess.DEVNULL,
                             stderr=slave)
        said = b""
        try:
            while b"recording" not in said:
                said += os.read(master, 4096)
            wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
            os.write(master, b"\x13")
            wait_until(lambda: text_changed(t.pid) == 0, "it hangs, and its probes are in")
            expect(state_of(p.pid) == "S", f"it does not hang in write(): {state_of(p.pid)}")
            os.write(master, b"\x11")
            wait_until(lambda: text_changed(t.pid) > 0, "it does not go on")
            p.send_signal(signal.SIGINT)
            while b"lost; cost" not in said:
                said += os.read(master, 4096)
            expect(p.wait(timeout=LIMIT) == 0 and b"parkwatch was held up for" in said, said.decode())
            expect(text_changed(t.pid) == 0, "probes are left in the code")
        finally:
            p.kill()
            p.wait()
            os.close(master)
            os.close(slave)


def a_page_that_nobody_answers_is_no_reason_to_leave_them_in():
    command = build.built(build.MODES_MINOR, "static", "many")
    for args in (["record", "--max-overhead", "0"], ["leaks", "-d", "30"]):    # which looks every 2.5 s
        with Target("100", command=command) as t:
            t.go()
            mute = t.truth().strip()
            if not mute.isdigit():
                raise build.Missing(mute)
            p = subprocess.Popen([PARKWATCH, *args, "-p", str(t.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: text_changed(t.pid) > 0, SEES_NOTHING)
                if args[0] == "record":    # nothing reads there until it is stopped, and all goroutines are read again
                    os.kill(p.pid, signal.SIGSTOP)
                    wait_until(lambda: text_changed(t.pid) == 0, "probes stay in while nobody is in charge")
                write_words(t.pid, allgs_of(command, t.pid), int(mute))
                os.kill(p.pid, signal.SIGCONT)
                wait_until(lambda: state_of(p.pid) == "D", f"{args}: it does not hang")
                wait_until(lambda: text_changed(t.pid) == 0, f"{args}: it hangs, and its probes are in")
                expect(state_of(p.pid) == "D", f"{args}: its probes are out when it hangs no more")
            finally:
                p.kill()
                p.wait()
            expect(probes_are_out(t.pid), f"{args}: probes are left in the code")


def long_work_is_no_reason_to_take_them_out():
    """The first census, and a watch's looks, of many goroutines: seconds of our own CPU time with probes in."""
    with Target("200000", command=build.built(build.MODES_MINOR, "static", "many")) as t:
        for args in (["record", "-e", "births", "--async", "--max-overhead", "0", "-d", "1"], ["leaks", "-d", "2", "--proof-budget", "1s"]):
            code, out, said = parkwatch(*args, "-p", t.pid)
            expect(code in (0, 3) and "held up" not in said and "held up" not in out, f"{args}: exit code {code}: {said}")


@contextlib.contextmanager
def freezer(*pids):
    """Both ways: a context in which these processes are frozen."""
    root = next((f for f in FREEZERS if (f / "cgroup.procs").exists()), None)
    if not root:
        raise build.Missing("a freezer (cgroups)")
    group = Path(tempfile.mkdtemp(prefix="parkwatch-charge-", dir=root))
    try:
        for pid in pids:
            (group / "cgroup.procs").write_text(str(pid))
        frozen(group, True)
        try:
            yield
        finally:
            frozen(group, False)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, OSError):
                    (root / "cgroup.procs").write_text(str(pid))
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), "the group does not become empty")
        group.rmdir()


def how_long_it_may_be_silent_is_told():
    with Target("busy") as t:
        t.go()
        code, _, said = parkwatch("record", "-p", t.pid, "-d", "100ms", "-v")
    late = re.search(r"probes go out when parkwatch has given no sign of life for (\d+) ms", said)
    expect(code == 0 and late and 100 <= int(late[1]) <= 1000, f"exit code {code}: {said}")


def what_hits_cost_is_measured_once_for_a_process():
    """A watch for leaks has three sets of probes: all of them are counted at what the one measuring found."""
    with Target("busy") as t:
        t.go()
        code, out, said = parkwatch("leaks", "-p", t.pid, "-d", "1", "--max-overhead", "0", "-v")
    expect(code in (0, 3) and said.count("what hits cost was measured in ") == 1 and "not measured" not in said, f"exit code {code}: {said}")
    expect(re.search(r"cost [0-9.]+ % of the target's CPU time \([1-9]", said), said)


def frozen_is_as_stopped():
    with busy() as (t, r):
        with freezer(r.process.pid):
            wait_until(lambda: text_changed(t.pid) == 0, "it is frozen, and its probes are in")
        wait_until(lambda: text_changed(t.pid) > 0, "it does not go on")
        told_when_stopped(r, "parkwatch was held up for ")


def frozen_together_with_its_probe_holder_it_records_no_more():
    """Nobody can take the probes out; but what they cost is a trap, and that time is told and left out."""
    with busy("-v", "-e", "births") as (t, r):
        with freezer(r.process.pid, holder_of(r.process.pid)):
            began = time.monotonic()
            time.sleep(4)    # more than the 2 s after which the programs record no more
            least = time.monotonic() - began
        wait_until(lambda: "recording goes on" in "".join(r.said), "it does not go on")
        most = time.monotonic() - began
        code, out, said = r.stop()
        gap = re.search(r"parkwatch was held up for ([0-9.]+) s", said)
        expect(code == 0 and folded(out) and gap and least - 3 < float(gap[1]) < most - 0.5 and "lost; cost" in said,
               f"{least} to {most}: exit code {code}: {said}")


def stopped_by_a_debugger_is_stopped():
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    with busy() as (t, r):
        if ptrace(PTRACE_ATTACH, r.process.pid, None, None):
            raise build.Missing("ptrace")
        try:
            wait_until(lambda: text_changed(t.pid) == 0, "a debugger stopped it, and its probes are in")
        finally:
            os.waitpid(r.process.pid, os.WUNTRACED)
            ptrace(PTRACE_DETACH, r.process.pid, None, None)
        wait_until(lambda: text_changed(t.pid) > 0, "it does not go on")
        told_when_stopped(r, "parkwatch was stopped for ")


def a_probe_holder_that_a_debugger_stops_ends_the_recording():
    """Nobody can take its probes out before the debugger lets it go; they record nothing meanwhile, and parkwatch does not wait for it for ever."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    for limit in ("0", "1"):
        with busy("-d", "600", "--max-overhead", limit) as (t, r):
            holder = holder_of(r.process.pid)
            if ptrace(PTRACE_ATTACH, holder, None, None):
                raise build.Missing("ptrace")
            began = time.monotonic()
            try:
                code, out, said = r.wait()
                left = text_changed(t.pid) > 0    # in windows it may have had none
            finally:
                took = time.monotonic() - began
                os.waitpid(holder, os.WUNTRACED)
                ptrace(PTRACE_DETACH, holder, None, None)
            ended = re.search(r"killed or stopped the probe holder \(pw-holder\): recording ended after ([0-9.]+) s", said)
            # 2 s without an answer, and what other tests take of the processors; then 2 s more for an end in order, and the report
            expect(ended and float(ended[1]) < 5 and took < 9 and folded(out), f"{took} s; --max-overhead {limit}: exit code {code}: {said}")
            expect(code == left and left == ("still differ from the file: a probe was left there" in said), f"exit code {code}, {left}: {said}")
            expect(left or limit != "0", f"--max-overhead {limit}: the test sees nothing: {said}")


def a_probe_holder_that_is_killed_takes_no_report_along():
    """At any moment: while it makes a window's probes, too."""
    chance = random.Random()
    for _ in range(6):
        with Target("busy") as t:
            t.go()
            r = Recording(t.pid, "--max-overhead", "30")
            time.sleep(chance.uniform(0.3, 0.8))
            os.kill(holder_of(r.process.pid), signal.SIGKILL)
            told_in_the_end(r, "killed or stopped the probe holder")
            expect(probes_are_out(t.pid), "probes are left in the code")


def killed_together_with_its_probe_holder_the_next_start_repairs():
    with Target("busy") as t:
        t.go()
        for i in range(6):
            r = Recording(t.pid, "--max-overhead", "6")
            time.sleep(0.1 + 0.07 * i)    # in one window or between two: which, nothing tells, so there are six moments
            both = r.process.pid, holder_of(r.process.pid)
            for pid in both:
                os.kill(pid, signal.SIGKILL)
            r.wait()
        code, _, said = parkwatch("record", "-p", t.pid, "-d", "300ms", "-v", "-v")
        expect(code == 0 and "text restored" in said, f"exit code {code}: {said}")
        expect(text_changed(t.pid) == 0, "probes are left in the code")
        expect(t.process.poll() is None, "the target died")


def cases():
    for some in (build.MATRIX[::2], build.MATRIX[1::2]):
        yield f"charge: what_a_gap_hides_is_counted [{', '.join(f'go1.{minor}' for minor in some)}]", lambda s=some: at_the_same_time(what_a_gap_hides_is_counted, s)
    for function in (
            ctrl_z_takes_the_probes_out_before_it_stops, a_report_tells_the_gap, what_the_target_used_in_a_gap_does_not_count, every_format_tells_the_gap,
            signals_while_the_reader_waits_break_no_report, an_ignored_ctrl_z_stays_ignored, after_a_stop_every_event_counts_again,
            allocations_of_a_gap_do_not_count,
            a_watch_for_leaks_goes_on_without_what_its_probes_saw, a_terminal_that_is_halted_is_no_reason_to_leave_them_in,
            a_page_that_nobody_answers_is_no_reason_to_leave_them_in, long_work_is_no_reason_to_take_them_out, how_long_it_may_be_silent_is_told,
            what_hits_cost_is_measured_once_for_a_process, frozen_is_as_stopped,
            frozen_together_with_its_probe_holder_it_records_no_more, stopped_by_a_debugger_is_stopped,
            a_probe_holder_that_a_debugger_stops_ends_the_recording, a_probe_holder_that_is_killed_takes_no_report_along, killed_together_with_its_probe_holder_the_next_start_repairs):
        yield f"charge: {function.__name__}", function
