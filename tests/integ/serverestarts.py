# SPDX-License-Identifier: BSD-2-Clause
"""serverestarts: a target that is an earlier one, started again, is told as that; two that live at the same time are two."""
import contextlib
import json
import sys
import tempfile
import time

from serve import LOOK, Daemon, alone, main
from servehistory import events
from target import Target, expect, parkwatch


def found(d, t):
    d.until(lambda: d.target(t.pid), "it is not found")
    return d.target(t.pid)


def profile(d, target, began, ended):
    return d.get(f"/api/v1/targets/{target}/profile?from={began}&to={ended}")


def a_program_that_starts_again_is_linked_to_the_one_before():
    """Also by the next daemon; what the earlier one did, and its last look, stay readable by its own id."""
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory())
        other = stack.enter_context(Target("idle"))  # the same program, beside it all the time
        with Daemon(state_dir=state) as d:
            began = int(time.time()) - 1
            with Target("waits") as first:
                before = d.looked_at(first.pid)
                d.until(lambda: profile(d, before["id"], began, int(time.time()) + 1)[0] == 200, "nothing is on disk", 3 * LOOK)
                ended = int(time.time()) + 1
            d.until(lambda: d.target(first.pid) is None, "its end is not seen")
            second = stack.enter_context(Target("waits"))
            after = found(d, second)
            told = events(d, kind="restart")
            url = f"http://{d.address}"
            rows = {p["pid"]: p for p in json.loads(parkwatch("ps", "-f", "json", "--daemon", url)[1])["processes"]}
            text = parkwatch("ps", "--daemon", url)[1]
            status, _, stacks = profile(d, before["id"], began, ended)
            gone = [d.get(f"/api/v1/targets/{before['id']}{what}")[0] for what in ("", "/goroutines", "/nothing")]
        with Daemon(state_dir=state) as again:
            later = [found(again, t) for t in (second, other)]
            new = events(again, kind="restart")
            late = profile(again, before["id"], began, ended)
    expect(before["restart_of"] is None and before["restarts"] == 0, f"{before}")
    expect(after["restart_of"] == before["id"] and after["restarts"] == 1, f"{before} {after}")
    (event,) = told
    expect(event["target"] == after["id"] and before["id"] in event["text"], f"{event}")
    expect(rows[second.pid]["restarts"] == 1 and rows[other.pid]["restarts"] == 0, f"{rows}")
    expect(text.splitlines()[0].split()[7] == "RESTARTS", text)
    expect(status == 200 and "main." in stacks and gone == [404, 200, 404], f"{status}: {stacks} {gone}")
    expect([(t["restart_of"], t["restarts"]) for t in later] == [(before["id"], 1), (None, 0)] and not new, f"{later} {new}")
    expect(late[0] == 200 and late[2] == stacks, f"{late}")


def who_lives_at_the_same_time_is_no_restart():
    """Nor is anybody where two have ended and nobody can tell them apart."""
    with Daemon() as d:
        with Target("waits") as a, Target("waits") as b:
            both = [found(d, t) for t in (a, b)]
        d.until(lambda: not d.target(a.pid) and not d.target(b.pid), "their end is not seen")
        with Target("waits") as c, Target("idle") as e:
            seen = [found(d, t) for t in (c, e)]
        told = events(d, kind="restart")
    expect(all(t["restart_of"] is None and t["restarts"] == 0 for t in both + seen) and not told, f"{both} {seen} {told}")


ALL = {f.__name__: f for f in (a_program_that_starts_again_is_linked_to_the_one_before, who_lives_at_the_same_time_is_no_restart)}


def cases():
    for function in ALL.values():
        yield f"serverestarts: {function.__name__}", lambda f=function: alone(f, script=__file__)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
