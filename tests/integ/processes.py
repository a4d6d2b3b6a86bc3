# SPDX-License-Identifier: BSD-2-Clause
"""processes: `parkwatch ps`: every Go process here, with as many goroutines as runtime.NumGoroutine counts, and no other process."""
import json
import os
import subprocess
import tempfile

import build
import harm
from refusals import renamed
from target import Target, expect, parkwatch


def listed(*args, **how):
    """{pid: row}, and what was said."""
    code, out, said = parkwatch("ps", "-f", "json", *args, **how)
    expect(code == 0, f"exit code {code}: {said}")
    return {p["pid"]: p for p in json.loads(out)["processes"]}, said


def go_processes_are_listed_with_as_many_goroutines(minor, mode):
    with Target("waits", minor, mode) as t:
        row = listed()[0].get(t.pid)
        t.go()
        truth = json.loads(t.truth())
        expect(row and row["goroutines"] == truth["before"], f"{row}: the program counts {truth['before']}")
        expect(row["go"] == "go" + build.TOOLCHAINS[minor] and row["why_not"] is None and not row["at_least"], f"{row}")
        expect(row["exe"] == os.readlink(f"/proc/{t.pid}/exe") and row["uid"] == os.getuid() and 0 <= row["age_s"] < 60, f"{row}")


def what_is_not_go_is_not_listed():
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        rows = listed()[0]
        expect(sleeper.pid not in rows and os.getpid() not in rows and 1 not in rows, f"{rows}")
    finally:
        sleeper.kill()
        sleeper.wait()


def the_text_has_the_most_goroutines_first():
    with Target("300", command=build.built(build.MODES_MINOR, "static", "many")) as many, Target("idle") as few:
        code, out, said = parkwatch("ps")
        expect(code == 0 and not said.count("error"), said)
        head, *rows = out.splitlines()
        expect(head.split()[:3] == ["PID", "GO", "GOROUTINES"], head)
        pids = [r.split()[0] for r in rows]
        expect(pids.index(str(many.pid)) < pids.index(str(few.pid)), out)
        counts = [int(r.split()[2]) for r in rows if r.split()[2].isdigit()]
        expect(counts == sorted(counts, reverse=True), out)


def what_cannot_be_watched_is_listed_with_the_reason():
    with Target("idle", minor=14) as old, tempfile.TemporaryDirectory() as d, \
            Target("idle", command=renamed("stripped", build.MODES_MINOR, "go1.99", d)) as new:
        rows = listed()[0]
        text = parkwatch("ps")[1]
    for pid, version in ((old.pid, "1.14"), (new.pid, "1.99")):
        expect(version in rows[pid]["why_not"] and rows[pid]["goroutines"] is None, f"{rows[pid]}")
        expect(f"cannot be watched: {rows[pid]['why_not']}" in text, text)


def one_that_nobody_can_read_does_not_hold_up_the_others():
    """Its list of goroutines lies on a page that nobody answers for: who reads it hangs."""
    command = build.built(build.MODES_MINOR, "static", "many")
    with Target("100", command=command) as mute, Target("idle") as other:
        harm.list_on_a_page_nobody_answers(mute, command)
        rows = listed()[0]
        expect("did not come to an end" in rows[mute.pid]["why_not"], f"{rows[mute.pid]}")
        expect(rows[other.pid]["why_not"] is None and rows[other.pid]["goroutines"] > 0, f"{rows[other.pid]}")
        expect(mute.process.poll() is None, "the target died")


def who_may_not_read_others_is_told_so():
    with Target("idle") as t:
        rows, said = listed(prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"])
        expect(t.pid not in rows and "no right to read them; run with sudo" in said, said)


def cases():
    for minor, mode in ((15, "static"), (17, "stripped"), (22, "pie"), (26, "static"), (27, "stripped")):
        yield f"processes: go_processes_are_listed_with_as_many_goroutines [go1.{minor} {mode}]", \
            lambda m=minor, d=mode: go_processes_are_listed_with_as_many_goroutines(m, d)
    for function in (what_is_not_go_is_not_listed, the_text_has_the_most_goroutines_first, what_cannot_be_watched_is_listed_with_the_reason,
                     one_that_nobody_can_read_does_not_hold_up_the_others, who_may_not_read_others_is_told_so):
        yield f"processes: {function.__name__}", function
