# SPDX-License-Identifier: BSD-2-Clause
"""serverecord: `parkwatch serve` records targets: /debug/pprof as Go's own tools read it, on demand and in regular turns."""
import base64
import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import build
import harm
import serve
from described import described
from serve import WATCHED, Daemon, workers
from target import Target, expect

BORN = 20                      # goroutines that `recorded` starts every 10 ms
STAY, LOST = 7, 30             # goroutines of it that wait for ever
OBJECT = 1024                  # bytes of what it allocates
WAITS = 120                    # seconds that an answer may take on a busy machine


def program(minor=build.MODES_MINOR):
    return Target(str(BORN), command=build.built(minor, "static", "recorded"))


def say(t, words):
    t.process.stdin.write(words + "\n")
    t.process.stdin.flush()
    return t.truth()


def count(t):
    return json.loads(say(t, "count"))


def own(t, name, debug=0):
    """The profile that the program itself has of that name."""
    return base64.b64decode(say(t, f"{name} {debug}"))


def get(d, path):
    """(status, headers, bytes)"""
    try:
        with urllib.request.urlopen(f"http://{d.address}{path}", timeout=WAITS) as r:
            return r.status, r.headers, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def page(d, t, name, query=""):
    return get(d, f"/debug/pprof/{name}?target={d.target(t.pid)['id']}{query}")


def pprof(profile, *args):
    """What `go tool pprof` says of a profile."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile.pb.gz"
        path.write_bytes(profile)
        done = subprocess.run([build.go_command(), "tool", "pprof", *args, path], capture_output=True, text=True, env=build.go_env(PPROF_TMPDIR=folder))
    expect(done.returncode == 0, f"go tool pprof {args}: {done.stderr}")
    return done.stdout


def types(profile):
    return re.search(r"Samples:\n(.*)\n", pprof(profile, "-raw"))[1].replace("[dflt]", "").split()


def sums(profile, sample):
    """{function: (flat, cumulative)} of -top."""
    text = pprof(profile, "-top", "-nodecount=10000", "-nodefraction=0", f"-sample_index={sample}")
    rows = [line.split(None, 5) for line in text.partition("cum%\n")[2].splitlines()]
    number = re.compile(r"[0-9.]+")
    units = {"": 1, "B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "mins": 60e9, "hrs": 3600e9}

    def value(word):
        digits = number.match(word)[0]
        return float(digits) * units[word[len(digits):]]
    return {row[5].removesuffix(" (inline)").removesuffix(" (partial-inline)"): (value(row[0]), value(row[3])) for row in rows}


def recording_workers():
    return workers(b"recording-worker")


def goroutines_are_those_that_the_program_tells(minor):
    with Daemon() as d, program(minor) as t:
        d.looked_at(t.pid)
        status, headers, ours = page(d, t, "goroutine")
        texts = [page(d, t, "goroutine", f"&debug={debug}")[2].decode() for debug in (1, 2)]
        theirs, told = own(t, "goroutine"), own(t, "goroutine", 1).decode()
    expect(status == 200 and headers["Content-Type"] == "application/octet-stream", f"{status}")
    expect(types(ours) == types(theirs) == ["goroutine/count"], f"{types(ours)}, {types(theirs)}")
    seen, truth = sums(ours, "goroutine"), sums(theirs, "goroutine")
    for function in ("main.lost", "main.stay", "runtime.block"):
        expect(seen[function] == truth[function], f"{function}: {seen[function]}, the program says {truth[function]}")
    expect(seen["runtime.gopark"][0] in (STAY + LOST + n for n in (1, 2, 3)) and "runtime.goexit" not in seen, f"{seen}")
    for kind in ("lost", "stay"):
        line = next(line for line in told.splitlines() if f"\tmain.{kind}+" in line)
        expect(line.split() in [line.split() for line in texts[0].splitlines()], f"{line} is not in {texts[0]}")
    expect(re.match(r"goroutine profile: total \d+\n30 @ 0x", texts[0]), texts[0])
    expect(len(re.findall(r"^goroutine \d+ \[", texts[1], re.M)) == int(texts[0].split()[3]) and texts[1].count("\nmain.lost(...)\n\t") == LOST, texts[1])


def recordings_on_demand_are_true_and_run_as_pprof():
    """Two at once share one recording. How much one that waits for ever waits is known; of the rest there is not more than the program has done meanwhile."""
    seconds = 5
    with tempfile.TemporaryDirectory() as folder, Daemon("--allow-jobs") as d, program() as t, concurrent.futures.ThreadPoolExecutor() as pool:
        d.looked_at(t.pid)
        before, began = count(t), time.monotonic()
        asked = [pool.submit(page, d, t, name, f"&seconds={seconds}") for name in ("block", "mutex", "allocs")]
        most = 0
        while not all(a.done() for a in asked):
            expect(get(d, "/-/healthy")[0] == 200, "others wait for it")
            most = max(most, sum(1 for pid in recording_workers() if pid == t.pid))
            time.sleep(0.05)
        (block_status, _, block), (mutex_status, _, mutex), (allocs_status, _, allocs) = [a.result() for a in asked]
        after, took = count(t), time.monotonic() - began
        text, unlocks = (page(d, t, name, "&seconds=1&debug=1")[2].decode() for name in ("block", "mutex"))
        live = subprocess.run([build.go_command(), "tool", "pprof", "-top", "-timeout", str(WAITS), f"http://{d.address}/debug/pprof/allocs?target={d.target(t.pid)['id']}&seconds=1"],
                              capture_output=True, text=True, env=build.go_env(PPROF_TMPDIR=folder))
        lives = t.process.poll() is None and harm.probes_are_out(t.pid)
    done = {what: after[what] - before[what] for what in after}
    expect(block_status == mutex_status == allocs_status == 200 and most == 1 and lives, f"{block_status} {block} {mutex_status} {mutex} {allocs_status} {allocs} {most}")
    expect(types(block) == types(mutex) == ["contentions/count", "delay/nanoseconds"] and types(allocs) == ["alloc_objects/count", "alloc_space/bytes"], f"{types(block)} {types(allocs)}")
    delay, charged, objects = sums(block, "delay"), sums(mutex, "delay"), sums(allocs, "alloc_objects")
    expect(delay.get("main.lost", (0, 0))[1] / 1e9 < 1.1 * seconds * LOST, f"waits that do not end are in no exact part of it: {delay.get('main.lost')}")
    expect("main.stay" not in delay and "time.Sleep" not in delay, f"Go's block profile has neither: {delay}")
    expect(delay["sync.(*Mutex).Lock"][1] > 0 and delay["sync.(*Mutex).Lock"][1] / 1e9 < 1.1 * seconds, f"{delay['sync.(*Mutex).Lock']}")
    expect(0 < charged["sync.(*Mutex).Unlock"][0] / 1e9 < 1.1 * seconds and "sync.(*Mutex).Lock" not in charged, f"{charged}")
    expect(0.5 * done["allocs"] * seconds / took < objects["main.allocate"][0] < 1.1 * done["allocs"], f"{objects['main.allocate']}: the program made {done} in {took} s")
    expect(abs(sums(allocs, "alloc_space")["main.allocate"][0] / objects["main.allocate"][0] / OBJECT - 1) < 0.01, f"objects of {OBJECT} bytes")
    expect(text.startswith("--- contention:\ncycles/second=1000000000\n") and "\tsync.(*Mutex).Lock+0x" in text, text)
    expect(unlocks.startswith("--- mutex:\ncycles/second=1000000000\nsampling period=1\n") and "\tsync.(*Mutex).Unlock+0x" in unlocks, unlocks)
    expect(live.returncode == 0 and "main.allocate" in live.stdout, live.stdout + live.stderr)


def what_may_not_be_asked_is_refused():
    with Daemon() as d, program() as t:
        target = d.looked_at(t.pid)["id"]
        paths = {f"block?target={target}&seconds=1": (403, "--allow-jobs"), f"allocs?target={target}&seconds=1": (403, "--allow-jobs"), f"allocs?target={target}": (404, "seconds=N"),
                 f"block?target={target}": (403, "--allow-jobs"), f"mutex?target={target}": (403, "--allow-jobs"),
                 f"mutex?target={target}&seconds=1": (403, "--allow-jobs"), f"goroutineleak?target={target}": (404, "no watch"), f"goroutine?target={target}&seconds=1": (400, "seconds"),
                 f"block?target={target}&seconds=61": (400, "60"), f"block?target={target}&seconds=x": (400, "60"), f"goroutine?target={target}&debug=3": (400, "debug"),
                 "goroutine": (400, "target=ID"), "goroutine?target=none": (404, "/api/v1/targets"), f"heap?target={target}": (404, "allocs"), "": (404, "allocs")}
        for path, (want, word) in paths.items():
            status, headers, text = get(d, "/debug/pprof/" + path)
            expect(status == want and text.count(b"\n") == 1 and word in text.decode() and headers["X-Go-Pprof"] == "1" and headers["Content-Type"].startswith("text/plain"),
                   f"{path}: {status} {text}")
        expect(not recording_workers(), "something is recorded")


def a_recording_that_is_killed_and_a_client_that_goes_away_harm_nobody():
    with Daemon("--allow-jobs") as d, program() as t, concurrent.futures.ThreadPoolExecutor() as pool:
        target = d.looked_at(t.pid)["id"]
        with socket.create_connection(d.address.rsplit(":", 1)) as gone:
            gone.sendall(f"GET /debug/pprof/block?target={target}&seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            d.until(lambda: t.pid in recording_workers() and harm.text_changed(t.pid), "no recording begins", WAITS)
        looks = workers()
        asked = pool.submit(page, d, t, "allocs", "&seconds=60")    # waits for the other one
        first = recording_workers()[t.pid]
        os.kill(first, signal.SIGKILL)
        expect(harm.probes_are_out(t.pid), "probes are left in the code")
        # a child of it that measures what a hit costs has its name, too; it is gone when probes are attached
        d.until(lambda: recording_workers().get(t.pid, first) != first and harm.text_changed(t.pid), "the next one does not begin", WAITS)
        os.kill(recording_workers()[t.pid], signal.SIGKILL)
        status, _, text = asked.result()
        after = page(d, t, "block", "&seconds=1")[0]
        expect(status == 503 and text.count(b"\n") == 1 and after == 200, f"{status} {text}, then {after}")
        expect(workers() == looks and d.target(t.pid)["worker_restarts"] == 0 and t.process.poll() is None, f"{looks}: {workers()}")
        asked = pool.submit(page, d, t, "block", "&seconds=60")
        d.until(lambda: t.pid in recording_workers(), "no recording begins", WAITS)
        t.process.kill()
        expect(asked.result()[0] == 503, "the target ended")


def leaking_goroutines_are_told_as_by_go():
    """Go's own: Go 1.26 net/http/pprof, goroutineleak."""
    with Daemon() as d, program() as t:
        d.looked_at(t.pid)
        d.until(lambda: page(d, t, "goroutineleak")[0] == 200, "no watch for leaks ends", WATCHED)
        profile, text = page(d, t, "goroutineleak")[2], page(d, t, "goroutineleak", "&debug=1")[2].decode()
        everybody = page(d, t, "goroutineleak", "&debug=2")[2].decode()
    seen = sums(profile, "goroutineleak")
    expect(types(profile) == ["goroutineleak/count"] and seen["main.lost"] == (0, LOST) and "main.receive" not in seen, f"{types(profile)} {seen}")
    expect(re.match(r"goroutineleak profile: total \d+\n30 @ 0x", text) and "\nmain.receive(...)\n" in everybody, text)


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def past_of(d, target, view, **query):
    words = "".join(f"&{k}={v}" for k, v in query.items())
    return get(d, f"/api/v1/targets/{target}/profile?view={view}&from={int(time.time()) - 600}&to={int(time.time()) + 600}{words}")


def compared(d, target, view, form):
    """What was recorded, beside what was recorded in as good as the same time."""
    now = int(time.time())
    return d.get(f"/api/v1/targets/{target}/diff?view={view}&base_from={now - 600}&base_to={now + 600}&from={now - 601}&to={now + 601}&format={form}")


def what_was_recorded_in_regular_turns_is_there_later(level):
    """What a recording of N s saw is what the program does in N s, by its own count of the whole time: it does the same all the time, as far as the machine lets it."""
    kept = {"births": "births", "alloc": "allocs"}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "parkwatch.yaml"
        config.write_text(f'rules:\n- match: {{exe: "recorded*"}}\n  level: {level}\n')
        with program() as t, Daemon("--config", str(config), state_dir=folder) as d:
            before, began, used = count(t), time.monotonic(), cpu_s(t.pid)
            target = d.looked_at(t.pid)["id"]
            d.until(lambda: all(past_of(d, target, view)[0] == 200 for view in ("births", "alloc", "cpu")), "nothing is recorded", WATCHED + WAITS)
            after, took, used = count(t), time.monotonic() - began, cpu_s(t.pid) - used
            rate = {view: (after[what] - before[what]) / took for view, what in kept.items()}
            status, _, profile = past_of(d, target, "alloc", format="pprof")
            newest = page(d, t, "allocs")
            both = {(view, form): compared(d, target, view, form) for view in (*kept, "blocked", "cpu") for form in ("json", "folded")}
            folded = {view: past_of(d, target, view)[2].decode() for view in (*kept, "blocked", "cpu")}
            ran = json.loads(past_of(d, target, "cpu", format="json")[2])
            waits = past_of(d, target, "blocked", format="pprof")
            exits = past_of(d, target, "exits")[0]
            none = past_of(d, target, "sched")[0]
            later = page(d, t, "block", "&seconds=1") if level == "profile" else None
            recorded = serve.value(d.metrics(), "parkwatch_recordings_total", target=target)
            failed = serve.value(d.metrics(), "parkwatch_recordings_failed_total", target=target)
        done = {view: subprocess.run([serve.PARKWATCH, "report", "--state-dir", folder, "--target", target, "--view", view, "-f", "json"], capture_output=True, text=True) for view in kept}
    seen = {}
    for view, run in done.items():
        expect(run.returncode == 0, run.stderr)
        told = json.loads(run.stdout)
        expect(re.search(r"what \d+ recordings? of \d+ s in all saw", run.stdout), run.stdout[:1000])
        seen[view] = sum(row["value"] for row in told["stacks"] if {"main.bear", "main.allocate"} & {f["func"] for f in row["stack"][:1]})
    described([("/api/v1/targets/ID/diff", answer) for answer in both.values()])
    for view, alone in folded.items():
        told, lines = json.loads(both[view, "json"][2]), dict(line.rsplit(" ", 1) for line in alone.splitlines())
        expect(told["before"]["total"] == told["after"]["total"] > 0 and told["before"]["window_s"] > 5 and told["scale"] == 1 and not told["stacks"], f"{view}: {told}"[:1000])
        expect({line.rsplit(" ", 2)[0]: line.rsplit(" ", 2)[1:] for line in both[view, "folded"][2].splitlines()} == {stack: [n, n] for stack, n in lines.items() if n != "0"}, view)
    seconds = int(re.search(r"of (\d+) s in all", done["births"].stdout)[1])
    expect(0.5 * rate["births"] < seen["births"] / seconds < 2 * rate["births"], f"births in {seconds} s: {seen}, the program: {rate} a second")
    expect(abs(ran["total"] - 1e9 * used / took * seconds) < 3 * ran["total_error"] + 0.5 * ran["total"], f"{ran['total']} ns, the kernel: {used} s in {took} s")
    expect(ran["total"] == sum(int(line.rsplit(" ", 1)[1]) for line in folded["cpu"].splitlines()) and "labels" not in folded["cpu"], f"{folded['cpu']}"[:1000])
    bytes_a_second = sums(profile, "alloc_space")["main.allocate"][0] / seconds
    expect(status == 200 and 0.5 * rate["alloc"] < bytes_a_second / OBJECT < 2 * rate["alloc"], f"{bytes_a_second} bytes a second, the program: {rate['alloc']} objects")
    expect(newest[0] == 200 and types(newest[2]) == ["alloc_objects/count", "alloc_space/bytes"], f"{newest}")
    expect(waits[0] == 200 and sums(waits[2], "delay")["main.lost"][1] / 1e9 > 0.5 * LOST * seconds, f"{waits}")
    expect(exits == (200 if level == "full" else 404) and none == 404 and recorded >= 1 and failed == 0, f"{exits} {none} {recorded} {failed}")
    expect(not later or later[0] == 200, f"{later}")


ALL = {f.__name__: f for f in (goroutines_are_those_that_the_program_tells, recordings_on_demand_are_true_and_run_as_pprof, what_may_not_be_asked_is_refused,
                                a_recording_that_is_killed_and_a_client_that_goes_away_harm_nobody, leaking_goroutines_are_told_as_by_go,
                                what_was_recorded_in_regular_turns_is_there_later)}
ARGUMENTS = {goroutines_are_those_that_the_program_tells: ["21", "26"], what_was_recorded_in_regular_turns_is_there_later: ["profile", "full"]}


def cases():
    for function in ALL.values():
        for arg in ARGUMENTS.get(function, [None]):
            args = [arg] if arg else []
            yield " ".join(["serverecord:", function.__name__, *(f"[{a}]" for a in args)]), lambda f=function, a=args: serve.alone(f, *a, script=__file__)


if __name__ == "__main__":
    sys.exit(serve.main(ALL, *sys.argv[1:]))
