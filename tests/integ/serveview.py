# SPDX-License-Identifier: BSD-2-Clause
"""serveview: what `parkwatch serve` records because somebody asks: any event of `record` by /api/v1/targets/ID/profile?seconds=N, and Go's
own CPU profile of a program that need not have one by /debug/pprof/profile."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import build
import chanwatch
import cpu
import serve
from allocs import raw_profile
from described import described
from serve import Daemon
from serverecord import WAITS, get, page, pprof, program, recording_workers, types
from target import Target, expect, folded

POINTS = 5    # a share of 1,000 samples is off by 1.6 points by chance at most (a standard deviation)


def burner(kind, own, minor=build.MODES_MINOR):
    """From one go() to the next."""
    command = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh", *build.built(minor, "static", "burner"), own, cpu.HZ, "0"]
    return Target(kind, command=command)


def seconds_of(profile):
    return float(re.search(r"^Duration: ([\d.]+)", pprof(profile, "-raw"), re.M)[1])


def fetched(d, t, path, *query):
    """What `go tool pprof` gets when it is given the daemon's URL, as a file."""
    url = f"http://{d.address}/debug/pprof/profile?" + "&".join((f"target={d.target(t.pid)['id']}", *query))
    done = subprocess.run([build.go_command(), "tool", "pprof", "-proto", "-timeout", str(WAITS), "-output", path, url], capture_output=True, text=True,
                          env=build.go_env(PPROF_TMPDIR=os.path.dirname(path)))
    expect(done.returncode == 0, done.stdout + done.stderr)


def what_runs_is_gos_own_profile(minor):
    """Of some seconds of the same work, which is the same all the time."""
    with tempfile.TemporaryDirectory() as folder, Daemon("--allow-jobs") as d, burner("mixed", f"{folder}/own.pb.gz", minor) as t:
        d.looked_at(t.pid)
        t.go()
        began = time.monotonic()
        fetched(d, t, f"{folder}/ours.pb.gz", "seconds=6")
        t.go()
        rate = json.loads(t.truth())["cpu_s"] / (time.monotonic() - began)
        ours, own = (Path(folder, name).read_bytes() for name in ("ours.pb.gz", "own.pb.gz"))
        both = zip(("flat", "cumulative"), *(cpu.shares(f"{folder}/{name}.pb.gz", minor, False) for name in ("own", "ours")), strict=True)
        used_s = sum(values[1] for values, _, _ in raw_profile(f"{folder}/ours.pb.gz")[1]) / 1e9
    expect(types(ours) == types(own) == ["samples/count", "cpu/nanoseconds"], f"{types(ours)}, {types(own)}")
    expect(abs(seconds_of(ours) - 6) < 0.5 and 0.5 < used_s / seconds_of(ours) / rate < 2, f"{used_s} s of CPU time in {seconds_of(ours)} s, {rate} a second in all")
    for what, truth, seen in both:
        for f in sorted(truth, key=truth.get, reverse=True)[:10]:
            expect(abs(seen.get(f, 0) - truth[f]) < POINTS, f"{what} {f}: {seen.get(f, 0):.1f} %, Go's own profile has {truth[f]:.1f} %")


def it_has_the_labels_of_goroutines():
    """Three burn the same, two of them with a label. In other formats the stacks of all three are one."""
    with tempfile.TemporaryDirectory() as folder, Daemon("--allow-jobs") as d, burner("labelled", "-") as t:
        d.looked_at(t.pid)
        t.go()
        status, _, profile = page(d, t, "profile", "&seconds=5&debug=1")
        path = f"/api/v1/targets/{d.target(t.pid)['id']}/profile?view=cpu&seconds=3&format="
        as_text, as_pprof = get(d, path + "folded"), get(d, path + "pprof")
        Path(folder, "cpu.pb.gz").write_bytes(profile)
        roles, total = Counter(), 0
        for values, functions, labels in raw_profile(f"{folder}/cpu.pb.gz")[1]:
            if "main.(*role).burn" in functions:
                roles[" ".join(labels)] += values[0]
                total += values[0]
    expect(status == 200 and set(roles) == {"role:[reader]", "role:[writer]", ""}, f"{status} {roles}")
    for role, n in roles.items():
        expect(abs(100 * n / total - 100 / 3) < 2 * POINTS, f"{role}: {n} of {total}")
    lines = folded(as_text[2].decode())
    expect(as_text[0] == 200 and all("role=" not in frames[0] and frames[0] != "no labels" for frames, _ in lines), f"{as_text}"[:2000])
    expect(len({";".join(frames) for frames, _ in lines}) == len(lines), "a stack is there twice")
    expect(as_pprof[0] == 200 and "role:[reader]" in pprof(as_pprof[2], "-raw"), f"{as_pprof[0]}")


def it_is_half_a_minute_if_nobody_says():
    """As net/http/pprof does, so `go tool pprof URL` is enough."""
    with tempfile.TemporaryDirectory() as folder, Daemon("--allow-jobs") as d, program() as t:
        d.looked_at(t.pid)
        fetched(d, t, f"{folder}/cpu.pb.gz")
        expect(abs(seconds_of(Path(folder, "cpu.pb.gz").read_bytes()) - 30) < 1, "Go's own takes 30 s")


# functions of progs/recorded that each has
VIEWS = {"blocked": "main.lost", "births": "main.bear", "exits": "main.bear", "alloc": "main.allocate", "sched": "main.receive", "wakeups": "main.receive",
         "block": "main.receive", "wall": "main.lost", "cpu": None}


def each_event_is_recorded_for_who_asks():
    """All at once: those for which there is room share a recording, and the others the next one. JSON is as the OpenAPI file says, and other formats have the same."""
    seconds = 3
    with Daemon("--allow-jobs") as d, program() as t, concurrent.futures.ThreadPoolExecutor(16) as pool:
        path = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/profile?seconds={seconds}"
        asked = {view: pool.submit(get, d, f"{path}&view={view}&format=json") for view in VIEWS}
        most = 0
        while not all(a.done() for a in asked.values()):
            most = max(most, sum(1 for pid in recording_workers() if pid == t.pid))
            time.sleep(0.05)
        answers = {view: a.result() for view, a in asked.items()}
        forms = {form: get(d, f"{path}&view=wakeups&format={form}") for form in ("folded", "pprof", "html")}
        lives = t.process.poll() is None
    expect(most == 1 and lives and all(a[0] == 200 for a in (*answers.values(), *forms.values())), f"{most} {answers} {forms}"[:3000])
    described([(f"{path}&view={view}", (status, headers, body.decode())) for view, (status, headers, body) in answers.items()])
    described([(f"{path}&view=wakeups", (status, headers, body.decode("latin1"))) for status, headers, body in forms.values()])
    for view, function in VIEWS.items():
        told = json.loads(answers[view][2])
        names = {f["func"] for row in told["stacks"] for f in row["stack"]}
        expect(told["event"] == view and told["target"]["pid"] == t.pid and abs(told["window_s"] - seconds) < 0.5, f"{view}: {told}"[:500])
        expect(told["total"] and function in names if function else told["estimated"], f"{view}: {names}")
    lost = sum(row["value"] for row in json.loads(answers["blocked"][2])["stacks"] if any(f["func"] == "main.lost" for f in row["stack"])) / 1e9
    expect(0.9 * 30 * seconds < lost < 1.1 * 30 * seconds, f"30 wait for {seconds} s: {lost}")
    expect(any("--" in frames for frames, _ in folded(forms["folded"][2].decode())) and b"main.receive" in forms["html"][2], "who wakes is not there")
    expect(types(forms["pprof"][2]) == ["contentions/count", "delay/nanoseconds"], types(forms["pprof"][2]))


def who_wakes_whom_is_told():
    """Two goroutines that take turns for ever; one does nothing but wait for the other, who works."""
    with Daemon("--allow-jobs") as d, Target("", command=build.built(build.MODES_MINOR, "static", "wakes"), env={"FOREVER": "1"}) as t:
        path = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/profile?seconds=6&format=json"
        t.go()
        status, _, body = get(d, path + "&view=wakeups")
    told = json.loads(body)
    pairs = {(p["waiter"]["func"], p["waker"]["func"]): p for p in told["pairs"] if p["waker"]}
    expect(status == 200 and all(pairs[key]["waker_kind"] == "goroutine" for key in (("main.worker", "main.pong"), ("main.pong", "main.worker"))), f"{status} {pairs}")
    waits = sum(p["blocked_ns"] for p in told["pairs"] if p["waiter"]["func"] == "main.pong") / told["window_s"] / 1e9
    expect(abs(waits - 0.97) < 0.15, f"pong waits {waits:.2f} of the time: {told['pairs']}")


def channels_are_watched_for_who_asks():
    """One that 12 send to all the time, one that nobody sends to: what the program knows of both."""
    with Daemon("--allow-jobs") as d, chanwatch.Flows("crowd") as t:
        path = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/chans?seconds=4"
        status, headers, body = get(d, path)
        truth = t.truth()["Flows"]
    described([(path, (status, headers, body.decode()))])
    told = json.loads(body)
    crowd, never = (chanwatch.of_flow(told, truth[name])["watched"] for name in ("crowd", "never"))
    expect(abs(told["watch"]["duration_s"] - 4) < 0.5 and told["watch"]["looks"] > 4 and told["target"]["pid"] == t.pid, f"{told['watch']}")
    expect(crowd["contended"] and 11 <= crowd["senders_max"] <= 12 and crowd["senders_ratio"] > 0.9 and crowd["fill_max"] == 16, f"{crowd}")
    expect(never["fill_mean"] is None and never["receivers_max"] == 6 and never["receivers_ratio"] == 1 and not never["contended"], f"{never}")


def what_may_not_be_asked_is_refused():
    with Daemon() as d, program() as t:
        path = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/profile?"
        wrong = {"view=cpu&seconds=1": (403, "--allow-jobs"), "view=wakeups&seconds=5&format=json": (403, "level profile"), "view=cpu&seconds=61": (400, "60"),
                 "view=cpu&seconds=0": (400, "60"), "view=cpu&seconds=x": (400, "60"), "view=cpu&seconds=1&format=x": (400, "json"), "view=goroutines&seconds=1": (404, "cpu"),
                 "seconds=1": (404, "cpu"),
                 "view=cpu&seconds=1&from=1&to=2": (400, "or from"), "view=wakeups&from=1&to=2": (404, "stored")}
        answers = [(path + query, d.get(path + query)) for query in wrong]
        for (query, (want, word)), (_, (status, _, text)) in zip(wrong.items(), answers, strict=True):
            expect(status == want and word in json.loads(text)["error"], f"{query}: {status} {text}")
        chans = path.replace("profile?", "chans?")
        answers += [(chans, d.get(chans + query)) for query in ("seconds=1", "seconds=61", "seconds=1&at=1")]
        expect([a[0] for _, a in answers[-3:]] == [403, 400, 400], f"{answers[-3:]}")
        status, _, text = get(d, f"/debug/pprof/profile?target={d.target(t.pid)['id']}")
        expect(status == 403 and b"--allow-jobs" in text and not recording_workers(), f"{status} {text}")
        gone = d.target(t.pid)["id"]
        t.process.kill()
        d.until(lambda: d.target(t.pid) is None, "its end is not seen")
        answers.append((path, d.get(f"/api/v1/targets/{gone}/profile?view=cpu&seconds=1")))
        expect(answers[-1][1][0] == 404, f"{answers[-1]}")
    described(answers)


ALL = {f.__name__: f for f in (what_runs_is_gos_own_profile, it_has_the_labels_of_goroutines, it_is_half_a_minute_if_nobody_says, each_event_is_recorded_for_who_asks,
                               who_wakes_whom_is_told, channels_are_watched_for_who_asks, what_may_not_be_asked_is_refused)}
ARGUMENTS = {what_runs_is_gos_own_profile: ["19", "26"]}


def cases():
    for function in ALL.values():
        for arg in ARGUMENTS.get(function, [None]):
            args = [arg] if arg else []
            yield " ".join(["serveview:", function.__name__, *(f"[{a}]" for a in args)]), lambda f=function, a=args: serve.alone(f, *a, script=__file__)


if __name__ == "__main__":
    sys.exit(serve.main(ALL, *sys.argv[1:]))
