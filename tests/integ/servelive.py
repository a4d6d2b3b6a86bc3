# SPDX-License-Identifier: BSD-2-Clause
"""servelive: the stream of events of `parkwatch serve`: what comes, that it goes on, and that it is guarded and bounded."""
import contextlib
import json
import sys
import time
import urllib.request

from serve import LOOK, Daemon, alone, main, value
from servehttp import TOKEN, bearer, guarded
from target import Target, expect

PATH, CLIENTS = "/api/v1/events/stream", 32    # serve/live.h


def opened(d, headers=None):
    return urllib.request.urlopen(urllib.request.Request(f"http://{d.address}{PATH}", headers=headers or {}), timeout=3 * LOOK)


def told(stream):
    """(name, value) of all that comes; ("", None): a comment."""
    name, data = "", []
    for line in stream:
        key, _, rest = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = rest
        elif key == "data":
            data.append(rest)
        elif not key and rest:
            yield "", None
        elif data:
            yield name, json.loads("\n".join(data))
            name, data = "", []


def what_happens_is_told_as_it_happens():
    with Daemon() as d, opened(d) as stream, Target("idle") as t:
        expect(stream.headers["Content-Type"] == "text/event-stream", f"{stream.headers}")
        end, got, beats, seen = time.monotonic() + 60, [], 0, None
        for name, what in told(stream):
            beats += not name
            got += [what] if name == "event" else []
            if name == "target" and what["pid"] == t.pid:
                seen = what
            if seen and beats > 2:
                break
            expect(time.monotonic() < end, f"{beats} beats, {got}")
        listed = d.target(t.pid)
        expect(seen["id"] == listed["id"] and set(seen) == set(listed) and seen["goroutines"] == listed["goroutines"], f"{seen}, {listed}")
        events = json.loads(d.get("/api/v1/events")[2])["events"]
        expect([e for e in events if e["target"] == seen["id"]][0] in got, f"{got}: {events}")


def clients_are_bounded():
    with contextlib.ExitStack() as stack:
        d = stack.enter_context(Daemon())
        streams = [stack.enter_context(opened(d)) for _ in range(CLIENTS)]
        code, headers, text = d.get(PATH)
        expect(code == 503 and int(headers["Retry-After"]) > 0 and json.loads(text)["error"], f"{code}: {text}")
        expect(value(d.metrics(), "parkwatch_live_clients") == CLIENTS and value(d.metrics(), "parkwatch_live_refused_total") == 1, "they are not counted")
        for s in streams:
            s.close()
        d.until(lambda: value(d.metrics(), "parkwatch_live_clients") == 0, "they are not forgotten")
        opened(d).close()


def a_token_guards_it():
    with guarded() as (d, _):
        expect(d.get(PATH)[0] == 401 and d.get(PATH, bearer(TOKEN + "x"))[0] == 401, "anybody may take it")
        with opened(d, bearer(TOKEN)) as stream:
            expect(stream.status == 200 and stream.readline(), "who has the token may not")


ALL = {f.__name__: f for f in (what_happens_is_told_as_it_happens, clients_are_bounded, a_token_guards_it)}


def cases():
    for function in ALL.values():
        yield f"servelive: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
