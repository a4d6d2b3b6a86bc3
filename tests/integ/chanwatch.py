# SPDX-License-Identifier: BSD-2-Clause
"""chanwatch: what parkwatch chans -d says of channels over time against what the program's own clock says of them."""
import bisect
import json
import os
import re
import subprocess
import tempfile
import time

import build
from target import LIMIT, PARKWATCH, Target, expect, parkwatch

WATCH = 6       # seconds
LATE = 0.25     # seconds that a look or the program may be late on a busy machine


class Flows(Target):
    def __init__(self, kind, minor=build.MODES_MINOR):
        super().__init__(kind, command=build.built(minor, program="flows"))

    def truth(self):
        self.go()
        return json.loads(super().truth())


def watch(t, *args, seconds=WATCH):
    """(JSON, standard error, when it began by CLOCK_MONOTONIC, at least and at most)"""
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    done = subprocess.run([PARKWATCH, "chans", "-p", str(t.pid), "-d", f"{seconds}s", "-f", "json", *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LIMIT)
    after = time.clock_gettime(time.CLOCK_MONOTONIC)
    expect(done.returncode == 0, done.stderr)
    said = json.loads(done.stdout)
    return said, done.stderr, before, after - said["watch"]["duration_s"]


def of_flow(said, flow):
    found = [c for c in said["channels"] if c["addr"] == flow["Addr"] and c["watched"] and not c["watched"]["ended"]]
    expect(len(found) == 1, f"{len(found)} of {flow['Addr']}: {[c['addr'] for c in said['channels']]}")
    return found[0]


def shares(flow, begin, end):
    """What the program says of the time from begin to end: mean fill, full, empty; and what is full, as [(from, to)]."""
    cap, steps = flow["Cap"], [(s["At"], s["Len"]) for s in flow["Steps"]]
    at = bisect.bisect_right([s[0] for s in steps], begin) - 1
    expect(at >= 0, "the program knows nothing of that time")
    fill = full = empty = 0
    runs = []
    for i in range(at, len(steps)):
        from_, to = max(steps[i][0], begin), min(steps[i + 1][0] if i + 1 < len(steps) else end, end)
        if to <= from_:
            continue
        fill += (to - from_) * steps[i][1] / cap
        full += (to - from_) * (steps[i][1] == cap)
        empty += (to - from_) * (not steps[i][1])
        if steps[i][1] == cap:
            if runs and runs[-1][1] == from_:
                runs[-1][1] = to
            else:
                runs.append([from_, to])
    return fill / (end - begin), full / (end - begin), empty / (end - begin), runs


def within(what, interval, truth, slack):
    expect(interval[0] - slack <= truth <= interval[1] + slack, f"{what}: {interval}, the program says {truth:.4f}")


def figures_are_the_programs(minor):
    """Intervals hold what is true, but for the time that the program takes to fill a channel and for when exactly it began."""
    with Flows("flows", minor) as t:
        said, _, begin, most = watch(t)
        truth = t.truth()["Flows"]
    expect(said["watch"]["looks"] > WATCH, f"{said['watch']}")
    for name, flow in truth.items():
        w, cap = of_flow(said, flow)["watched"], flow["Cap"]
        fill, full, empty, _ = shares(flow, most, most + said["watch"]["duration_s"])
        slack = 0.01 + LATE / WATCH + (most - begin) / WATCH
        within(f"{name}: fill", w["fill_mean_interval"], fill, slack)
        within(f"{name}: full", w["full_ratio_interval"], full, slack)
        within(f"{name}: empty", w["empty_ratio_interval"], empty, slack)
        lens = [s["Len"] for s in flow["Steps"]]
        expect(w["fill_max"] <= cap and (name in ("quick", "bursts") or w["fill_max"] == max(lens)), f"{name}: {w['fill_max']} of {cap}, {max(lens)} at most")
        expect(w["looks"] >= 0.9 * said["watch"]["looks"], f"{name}: {w['looks']} looks")
        for ratio in ("fill_mean", "full_ratio", "empty_ratio", "senders_ratio", "receivers_ratio"):
            low, high = w[ratio + "_interval"]
            expect(0 <= low <= w[ratio] <= high <= 1 and high > low, f"{name}: {ratio} {w[ratio]} {low} {high}")
        expect(w["senders_max"] == w["receivers_max"] == 0 and not w["contended"], f"{name}: {w}")
    expect(of_flow(said, truth["full"])["watched"]["full_ratio"] == 1 and of_flow(said, truth["idle"])["watched"]["empty_ratio"] == 1, "what never changes")
    expect(of_flow(said, truth["half"])["elem"]["type"] == "*main.job", f"{of_flow(said, truth['half'])['elem']}")


def bursts_begin_and_last_as_the_program_says(minor):
    with Flows("flows", minor) as t:
        for _ in range(5):    # a watch that had no processor for its looks cannot tell
            said, _, begin, most = watch(t)
            if said["watch"]["looks"] >= 15 * WATCH:
                break
        flow = t.truth()["Flows"]["bursts"]
    w = of_flow(said, flow)["watched"]
    _, _, _, runs = shares(flow, most, most + said["watch"]["duration_s"])
    what = f"{w['bursts']}; the program: {[(a - most, b - most) for a, b in runs]}"
    runs = [(from_, to) for from_, to in runs if to - from_ > 0.3]    # a part of one at an end may be too short for three looks
    bursts = [b for b in w["bursts"] if any(b["at_s"] < to - most and b["at_s"] + b["for_s"] > from_ - most for from_, to in runs)]
    expect(len(runs) >= 3 and len(bursts) == len(runs) and len(w["bursts"]) <= len(runs) + 2, what)
    for burst, (from_, to) in zip(bursts, runs):
        slack = LATE / 5 + most - begin
        within("burst at", burst["at_s_interval"], from_ - most, slack)
        within("burst for", burst["for_s_interval"], to - from_, slack)
    within("longest", w["full_longest_s_interval"], max(to - from_ for from_, to in runs), 0.05 + most - begin)
    expect(set(w["bursts"][0]) >= {"at_s", "for_s"}, f"{w['bursts'][0]}")
    strip = [cell for cell in w["strip"] if cell is not None]
    expect(len(w["strip"]) == 120 and max(strip) == 1 and min(strip) < 0.2, f"{w['strip']}")


def many_that_send_to_one_are_told(minor):
    with Flows("crowd", minor) as t, tempfile.TemporaryDirectory() as d:
        said, talk, _, _ = watch(t, "--save", f"{d}/crowd.pw", seconds=3)
        truth = t.truth()["Flows"]
        text = parkwatch("chans", "-p", t.pid, "-d", "1s")[1]
        page = parkwatch("report", f"{d}/crowd.pw", "-f", "html")
        again = json.loads(parkwatch("report", f"{d}/crowd.pw", "-f", "json")[1])
        alone = parkwatch("chans", "-p", t.pid, "-f", "html")
    crowd, never = of_flow(said, truth["crowd"]), of_flow(said, truth["never"])
    w = crowd["watched"]
    expect(w["contended"] and 11 <= w["senders_max"] <= 12 and w["senders_ratio"] > 0.9 and w["fill_max"] == 16, f"{w}")
    send = [s for s in w["sites"] if s["dir"] == "send"]
    expect([s["func"] for s in send] == ["main.produce"] and 11 <= send[0]["most"] <= 12 and send[0]["created_by"]["func"] == "main.crowd", f"{w['sites']}")
    expect(crowd["cap"] == 16 and len(crowd["senders"]) >= 11, f"{crowd}")
    w = never["watched"]
    expect(w["fill_mean"] is None and w["full_ratio_interval"] is None and w["receivers_max"] == 6 and w["receivers_ratio"] == 1 and not w["contended"], f"{w}")
    expect(again == said, "the recording says something else")
    expect(re.search(r"^  contended  many send to it: ", text, re.M) and re.search(r"^  senders    1[12] at most at main\.produce ", text, re.M), text)
    expect(re.search(r"watched for \d[\d.e+]* s: \d+ looks and \d+ searches took ", talk), talk)
    expect(page[0] == 0 and "<svg" in page[1] and "contended" in page[1] and "<script" not in page[1], page[1][:300] + page[2])
    expect(alone[0] == 2 and alone[2] == "parkwatch: html shows channels over some time: give -d TIME\n", f"{alone}")


def one_at_the_address_of_another_is_not_the_same(minor):
    """The program says when it made which channel. While one is watched no other is made there, but for the time to the next look."""
    with Flows("reuse", minor) as t:
        said, _, begin, most = watch(t)
        made = t.truth()["Made"]
    expect(max(map(len, made.values())) >= 3, f"no address came again: {made}")
    seen = 0
    for c in said["channels"]:
        w = c["watched"]
        if c["addr"] not in made or c["cap"] != 4:
            continue
        seen += 1
        for at in made[c["addr"]]:
            at -= most
            expect(at <= w["from_s"] + LATE or at >= w["to_s"] - 2 * said["watch"]["period_s"] - LATE - (most - begin),
                   f"{c['addr']} is one channel from {w['from_s']} to {w['to_s']} s, but another was made there at {at:.3f} s")
    expect(seen >= 3, f"{seen} were seen: {[(c['addr'], c['cap']) for c in said['channels']]}")


def one_that_stays_is_the_same_whatever_is_collected(minor):
    with Flows("collect", minor) as t:
        said, _, begin, most = watch(t)
        flow = t.truth()["Flows"]["kept"]
    w = of_flow(said, flow)["watched"]
    expect([c["addr"] for c in said["channels"]].count(flow["Addr"]) == 1, "it is told as several")
    expect(w["looks"] >= 0.8 * said["watch"]["looks"] and w["from_s"] == 0, f"{w}")
    fill, full, _, _ = shares(flow, most, most + said["watch"]["duration_s"])
    within("fill", w["fill_mean_interval"], fill, 0.02 + LATE / WATCH + (most - begin) / WATCH)
    within("full", w["full_ratio_interval"], full, 0.02 + LATE / WATCH + (most - begin) / WATCH)


def spent(pid, *args):
    """(looks and searches that the watch told, CPU seconds of ours in all, its last lines)"""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen([PARKWATCH, "chans", "-p", str(pid), "-f", "json", *args], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        out.seek(0)
        err.seek(0)
        child.returncode, talk = os.waitstatus_to_exitcode(status), err.read()
        expect(child.returncode == 0, talk)
        return json.load(out)["watch"], used.ru_utime + used.ru_stime, talk


def cost_keeps_to_its_limit(minor):
    """All that it used but what it begins and ends with, which a watch of 0.1 s has too, is at most a tenth of a processor; what it says
    that was taken is at most the limit, and the searches that there are anyhow."""
    with Flows("many", minor) as t:
        _, base, _ = spent(t.pid, "-d", "100ms")
        much, cpu, talk = spent(t.pid, "-d", f"{WATCH}s", "--max-overhead", "1")
        few, less, _ = spent(t.pid, "-d", f"{WATCH}s", "--max-overhead", "0.01")
    expect(cpu - base < 0.1 * WATCH * 1.5, f"{cpu:.2f} s of CPU time, {base:.2f} s to begin and end; {talk}")
    expect(less - base < 0.1 * WATCH * 1.5, f"a limit of 0.01 %: {less:.2f} s of CPU time, {base:.2f} s to begin and end")
    expect(few["looks"] >= 1 and much["looks"] >= 1, f"{few} {much}")


def it_ends_early_and_tells_all_the_same():
    with Flows("flows") as t:
        process = subprocess.Popen([PARKWATCH, "chans", "-p", str(t.pid), "-d", "10m", "-f", "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        used = 0
        while used < 3:    # ticks of CPU time: it looks
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as f:
                used = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
            time.sleep(0.01)
        process.send_signal(2)
        out, err = process.communicate(timeout=LIMIT)
    expect(process.returncode == 0 and json.loads(out)["watch"]["duration_s"] < 300, f"{process.returncode}: {err}")


def the_end_of_the_process_is_told():
    with Flows("flows") as t:
        process = subprocess.Popen([PARKWATCH, "chans", "-p", str(t.pid), "-d", "10m"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        t.process.kill()
        out, err = process.communicate(timeout=LIMIT)
    expect(process.returncode == 1 and not out and err.count("\n") == 1, f"{process.returncode}: {err}")


ALL = [minor for minor in sorted(build.TOOLCHAINS) if minor != 14]
SOME = [15, 19, 22, build.MODES_MINOR, 27]
CASES = [(figures_are_the_programs, ALL), (bursts_begin_and_last_as_the_program_says, SOME), (many_that_send_to_one_are_told, SOME),
         (one_at_the_address_of_another_is_not_the_same, SOME), (one_that_stays_is_the_same_whatever_is_collected, SOME),
         (cost_keeps_to_its_limit, [build.MODES_MINOR])]


def cases():
    for function, minors in CASES:
        for minor in minors:
            yield f"chanwatch: {function.__name__} [go1.{minor}]", lambda f=function, m=minor: f(m)
    for function in (it_ends_early_and_tells_all_the_same, the_end_of_the_process_is_told):
        yield f"chanwatch: {function.__name__}", function
