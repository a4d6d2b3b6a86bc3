# SPDX-License-Identifier: BSD-2-Clause
"""ps: what a daemon adds to `parkwatch ps`, and that whoever answers in its place neither holds it up nor gets a word onto the terminal."""
import contextlib
import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import build
from serve import LOOK, Daemon, alone, free_port, main
from servehistory import crowd, tell
from servehttp import OTHER, TOKEN, bearer, guarded
from target import Target, expect, parkwatch

TOLD = ("trend_per_min", "leaking", "level", "watched", "overhead_pct", "restarts")


def ps(url):
    """({pid: row}, the URL of the daemon that told or None, what was said), as JSON; and the same as text."""
    code, out, said = parkwatch("ps", "-f", "json", "--daemon", url)
    expect(code == 0, f"exit code {code}: {said}")
    all_of_it = json.loads(out)
    return {p["pid"]: p for p in all_of_it["processes"]}, all_of_it["daemon"], said, parkwatch("ps", "--daemon", url)[1]


def a_daemon_tells_the_trend_and_how_each_is_watched():
    """Another 100 after each look: over no time can they be fewer than 0 or more than 100 in each 10 s."""
    with tempfile.TemporaryDirectory() as folder:
        off, config = Path(folder, "alpha"), Path(folder, "parkwatch.yaml")
        shutil.copy(build.built(build.MODES_MINOR)[0], off)
        config.write_text("rules:\n- match: {exe: alpha}\n  level: off\n- match: {exe: 'crowd*'}\n  level: metrics\n")
        config.chmod(0o600)
        with Daemon("--config", str(config)) as d, crowd() as t, Target("idle") as idle, Target("idle", command=[str(off)]) as unwatched:
            for pid in (t.pid, idle.pid):
                d.looked_at(pid)
            for _ in range(2):
                before = d.target(t.pid)["goroutines"]
                truth = tell(t, "more 100")
                d.until(lambda n=before: d.target(t.pid)["goroutines"] > n, "no look of that", 3 * LOOK)
            d.until(lambda: d.target(idle.pid)["trend_per_min"] is not None and d.target(unwatched.pid), "no trend", 3 * LOOK)
            rows, daemon, said, text = ps(f"http://{d.address}/")
    expect(daemon == f"http://{d.address}/" and "daemon" not in said, f"{daemon}: {said}")
    grows, still, out = rows[t.pid], rows[idle.pid], rows[unwatched.pid]
    expect(truth["started"] == 200 and 0 < grows["trend_per_min"] <= 6 * 100, f"{grows}")
    expect(still["trend_per_min"] == 0 and still["watched"] and still["level"] == "leaks" and still["overhead_pct"] == 0, f"{still}")
    expect(grows["level"] == "metrics" and grows["watched"] and grows["leaking"] is None, f"{grows}")
    expect(out["level"] == "off" and out["watched"] is False and out["goroutines"] > 0 and out["why_not"] is None, f"{out}")
    head, *lines = text.splitlines()
    expect(head.split()[3:7] == ["TREND", "LEAKS", "WATCHED", "COST"], head)
    cells = {int(line.split()[0]): line.split()[3:7] for line in lines}
    expect(cells[t.pid][0].startswith("+") and cells[t.pid][0].endswith("/min") and cells[t.pid][2] == "metrics", text)
    expect(cells[idle.pid][0] == "0" and cells[idle.pid][2:] == ["leaks", "0.00%"] and cells[unwatched.pid][2] == "off", text)


def a_token_is_shown_to_the_daemon_that_asks_for_it():
    """ps and top say what to give where it is missing; nobody but the daemon that was named gets it."""
    with guarded() as (d, file), Target("idle") as t, tempfile.TemporaryDirectory() as folder:
        d.until(lambda: any(s["pid"] == t.pid and s["goroutines"] for s in json.loads(d.get("/api/v1/targets", bearer(TOKEN))[2])["targets"]), "no look")
        wrong, open_to_all = Path(folder, "wrong"), Path(folder, "open")
        for path, text, mode in ((wrong, OTHER, 0o600), (open_to_all, TOKEN, 0o644)):
            path.write_text(text)
            path.chmod(mode)
        asked = ("--daemon", f"http://{d.address}")
        said = {}
        for command in (("ps",), ("top", "-b", "-n", "1")):
            for name, more in (("none", ()), ("wrong", ("--token-file", wrong)), ("right", ("--token-file", file)), ("open", ("--token-file", open_to_all)),
                               ("missing", ("--token-file", Path(folder, "missing")))):
                said[command[0], name] = parkwatch(*command, *asked, *more)
        heard = []
        with server(lambda c: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://" + d.address.encode() + b"/api/v1/targets\r\nContent-Length: 0\r\n\r\n"), heard) as url:
            strayed = parkwatch("ps", "--daemon", url, "--token-file", file)
        told = d.said()
    for command in ("ps", "top"):
        for name, words in (("none", "asks for a token: give --token-file FILE"), ("wrong", "another token than that of --token-file")):
            code, out, err = said[command, name]
            expect(code == 0 and (out + err).count(words) == 1 and str(t.pid) in out, f"{command} {name}: {code} {out} {err}")
        code, out, err = said[command, "right"]
        expect(code == 0 and "token" not in out + err and str(t.pid) in out, f"{command}: {out} {err}")
        for name, words in (("open", "chmod 600"), ("missing", "No such file")):
            code, out, err = said[command, name]
            expect(code == 1 and not out and words in err and err.count("\n") == 1, f"{command} {name}: {code} {out} {err}")
    expect("leaks" in next(line for line in said["ps", "right"][1].splitlines() if str(t.pid) in line), said["ps", "right"][1])
    expect(f"Authorization: Bearer {TOKEN}\r\n".encode() in heard[0] and len(heard) == 1 and "HTTP status 302" in strayed[2], f"{heard} {strayed}")
    expect(all(TOKEN not in out + err and OTHER not in out + err for _, out, err in said.values()) and TOKEN not in told, "a token is told")


@contextlib.contextmanager
def server(answer, heard=None):
    """Its URL. answer(socket) is called for each connection, after its request came."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        held = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    c = s.accept()[0]
                    held.append(c)
                    threading.Thread(target=talk, args=(c,), daemon=True).start()

        def talk(c):
            with contextlib.suppress(OSError):
                got = c.recv(4096)
                if heard is not None:
                    heard.append(got)
                answer(c)
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield "http://{}:{}".format(*s.getsockname())
        finally:
            s.shutdown(socket.SHUT_RDWR)
            for c in held:
                c.close()


def drip(c):
    while True:
        c.sendall(b" ")
        time.sleep(0.01)


def flood(c):
    c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        c.sendall(b"[" * 65536)


def page(body, status=b"200 OK"):
    def answer(c):
        c.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
    return answer


HOSTILE = {
    "silent": lambda c: time.sleep(60), "closes": lambda c: c.close(), "drips": drip, "flood": flood, "no JSON": page(b"\x1b[2Jhello"),
    "no targets": page(b'{"error":"\\u001b[2J"}'), "another server": page(b"not here", b"404 Not Found"),
    "leads to a file": lambda c: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"),
}


def who_answers_in_its_place_holds_up_nobody():
    """A second is the bound; the rest is for what looks at the processes, and for a machine with other work."""
    with Target("idle") as t:
        began = time.monotonic()
        ps(f"http://127.0.0.1:{free_port()}")
        alone_s = time.monotonic() - began
        for what, answer in HOSTILE.items():
            with server(answer) as url:
                began = time.monotonic()
                rows, daemon, said, text = ps(url)
                took = time.monotonic() - began
            expect(took < 3 * alone_s + 10, f"{what}: {took:.1f} s, {alone_s:.1f} s without")
            expect(daemon is None and rows[t.pid]["goroutines"] > 0 and all(rows[t.pid][k] is None for k in TOLD), f"{what}: {rows[t.pid]}")
            expect(said.count("trends and leaks are left out") == 1 and url in said and "\x1b" not in said + text, f"{what}: {said!r}")
            expect("TREND" not in text and str(t.pid) in text, f"{what}: {text}")


def what_it_says_of_others_is_not_believed():
    """Of a process that has another id here, and of none at all; no word of it reaches the terminal."""
    lie = {"id": "idle-1-0000", "pid": 1, "leaking": 7, "trend_per_min": 1e308, "level": "\x1b[2J", "watched": True}
    with Target("idle") as t:
        answer = {"targets": [lie, {**lie, "pid": t.pid, "id": f"x-{t.pid}-0000"}, {**lie, "pid": t.pid, "id": "\x1b]0;owned\x07"}]}
        with server(page(json.dumps(answer).encode())) as url:
            rows, daemon, said, text = ps(url)
    expect(daemon == url and "\x1b" not in text + said, f"{said!r} {text!r}")
    expect(all(rows[t.pid][k] is None for k in TOLD), f"{rows[t.pid]}")


ALL = {f.__name__: f for f in (a_daemon_tells_the_trend_and_how_each_is_watched, a_token_is_shown_to_the_daemon_that_asks_for_it,
                               who_answers_in_its_place_holds_up_nobody, what_it_says_of_others_is_not_believed)}


def cases():
    for function in ALL.values():
        yield f"ps: {function.__name__}", lambda f=function: alone(f, script=__file__)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
