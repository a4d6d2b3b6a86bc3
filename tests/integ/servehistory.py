# SPDX-License-Identifier: BSD-2-Clause
"""servehistory: what `parkwatch serve` remembers: series of figures of each target, and events."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import build
import serve
from described import described
from refusals import one_line
from serve import LOOK, Daemon, value, workers
from servesinks import Server, attributes, daemon
from target import Target, expect, parkwatch


def crowd():
    return Target("-", command=build.built(build.MODES_MINOR, "static", "crowd"))


def tell(t, *words):
    """What the program has started and ended, once it has done that."""
    for line in words:
        t.process.stdin.write(line + "\n")
        t.process.stdin.flush()
        truth = json.loads(t.truth())
    return truth


def line_of(mark):
    source = (build.HERE / "progs/crowd/main.go").read_text().splitlines()
    return next(f"main.go:{i}" for i, line in enumerate(source, 1) if line.endswith("// " + mark))


def history(d, target, span="10m"):
    status, _, text = d.get(f"/api/v1/targets/{target}/history?span={span}")
    expect(status == 200, f"{status}: {text}")
    h = json.loads(text)
    lists = [v for v in h.values() if isinstance(v, list) and v is not h["sites"]] + list(h["states"].values()) + [s["goroutines"] for s in h["sites"]]
    expect(len({len(v) for v in lists}) == 1, f"series of different lengths: {text}")
    return h


def events(d, **which):
    return [e for e in json.loads(d.get("/api/v1/events")[2])["events"] if which.items() <= e.items()]


def series_are_those_of_the_program():
    with contextlib.ExitStack() as stack:
        t = stack.enter_context(crowd())
        tell(t, "more 300", "other 20")
        d = stack.enter_context(Daemon())
        target = d.looked_at(t.pid)["id"]
        before = time.time()
        truth = tell(t, "more 50", "less 100")
        d.until(lambda: history(d, target)["goroutines"][-1] == 1 + truth["started"] - truth["ended"], "no look of that", 3 * LOOK)
        listed = next(one for one in json.loads(d.get("/api/v1/targets?history=2h")[2])["targets"] if one["id"] == target)["history"]
        found = [history(d, target, span) for span in ("10m", "2h", "48h", "30s")]
        bad = [d.get(f"/api/v1/targets/{target}/history?span={span}") for span in ("", "3d", "49h", "-1m", "99999999999999999999h")]
        none = d.get("/api/v1/targets/none/history")[0]
    expect([h["step_seconds"] for h in found] == [10, 60, 3600, 10], "steps")
    expect(len(listed["goroutines"]) in (len(found[1]["times"]), len(found[1]["times"]) - 1) and
           {k: v[:-1] for k, v in listed.items() if k != "step_seconds"} == {k: found[1][k][:len(listed[k]) - 1] for k in ("goroutines", "blocked_seconds")}, f"{listed}: {found[1]}")
    for h in found:
        # 320 were there at the first look; of the 50 that came later none was among the 100 that went, or some were
        expect(sum(filter(None, h["births"])) <= 50 and sum(filter(None, h["exits"])) >= 50, f"{h}")
        expect(sum(filter(None, h["births"])) - sum(filter(None, h["exits"])) == 50 - 100, f"{h}")
        expect(h["times"] == sorted(h["times"]) and abs(h["times"][-1] - before) < 3600 + 2 * LOOK, f"{h['times']} {before}")
    last = found[0]
    expect(abs(last["times"][-1] - time.time()) < 4 * LOOK, f"{last['times']}")
    rows = {(s["created_by"], s["blocked_at"], s["reason"]): s["goroutines"][-1] for s in last["sites"]}
    expect(rows[f"main.more {line_of('more.go')}", f"main.park {line_of('park.stop')}", "chan receive"] == 250, f"{rows}")
    expect(rows[f"main.other {line_of('other.go')}", f"main.stay {line_of('stay.never')}", "chan receive"] == 20, f"{rows}")
    expect(sum(rows.values()) + last["other"][-1] == last["goroutines"][-1], f"{last}")
    expect(sum(s[-1] for s in last["states"].values()) == last["goroutines"][-1], f"{last['states']}")
    expect(last["blocked_seconds"][-1] > 250 * 5, f"250 wait for {LOOK} s: {last['blocked_seconds']}")
    expect(all(status == 400 and "error" in json.loads(text) for status, _, text in bad), f"{bad}")
    expect(none == 404, f"{none}")


def what_happened_is_told():
    with Daemon() as d:
        with crowd() as t:
            target = d.looked_at(t.pid)["id"]
            os.kill(workers()[t.pid], signal.SIGKILL)
            d.until(lambda: events(d, kind="worker_restart", target=target), "the restart is not told")
        d.until(lambda: events(d, kind="target_ended", target=target), "its end is not told")
        found = events(d, target=target)
    expect([e["kind"] for e in found] == ["target_found", "worker_restart", "target_ended"], f"{found}")
    expect(all(abs(e["time"] - time.time()) < 120 and e["text"] for e in found), f"{found}")


def past(d, target, view, at=None):
    return d.get(f"/api/v1/targets/{target}/{view}{'' if at is None else f'?at={at}'}")


def goroutines_of_the_past_are_those_of_that_time():
    """At the first look there were 300; before the end 400: while it lives, and when it has ended."""
    with Daemon() as d:
        with crowd() as t:
            tell(t, "more 300")
            target = d.looked_at(t.pid)["id"]
            first = int(time.time()) + 1
            tell(t, "more 100")
            d.until(lambda: d.target(t.pid)["goroutines"] == 401, "no look of that", 3 * LOOK)
            lives = past(d, target, "goroutines", first)
            now = past(d, target, "goroutines")
        d.until(lambda: events(d, kind="target_ended", target=target), "its end is not told")
        ended, then, early = (past(d, target, "goroutines", at) for at in (None, first, 1))
        wrong = [past(d, target, "goroutines", at) for at in ("", "now", "-1", "99999999999999999999")]
        others = {view: past(d, target, view) for view in ("leaks", "chans")}
        none = past(d, "none", "goroutines", first)
    counts = [(status, sum("main.more" in line for line in text.splitlines())) for status, _, text in (lives, now, ended, then)]
    expect(counts == [(200, 300), (200, 400), (200, 400), (200, 300)], f"{counts}")
    expect(early[0] == 404 and "of that time" in early[2], f"{early}")
    expect(all(status == 400 and "at=UNIX" in text for status, _, text in wrong), f"{wrong}")
    expect([status for status, _, _ in (*others.values(), none)] == [404, 404, 404], f"{others} {none}")
    described([("/api/v1/targets/ID/goroutines", answer) for answer in (lives, now, ended, then, early, *wrong)] +
              [(f"/api/v1/targets/ID/{view}", answer) for view, answer in others.items()])


def a_storm_is_told():
    with Server() as hook, Server() as collector, crowd() as t, \
            daemon("metrics", webhook=f"http://127.0.0.1:{hook.port}/", otlp=f"http://127.0.0.1:{collector.port}") as d:
        target = d.looked_at(t.pid)["id"]
        # a storm is one beside the minute before (model/storm.h): 50 s of looks, and a time is that of a step of 10 s
        d.until(lambda: (times := history(d, target)["times"])[-1] - times[0] >= 60, "no looks over a minute", 9 * LOOK)
        expect(not events(d, kind="storm"), f"{events(d)}")
        tell(t, "more 6000")
        d.until(lambda: events(d, kind="storm", target=target), "it is not told", 3 * LOOK)
        found = events(d, kind="storm")
        logs = []
        d.until(lambda: hook.got and logs.extend(body for path, _, body in collector.got if path == "/v1/logs") or logs, "the sinks hear nothing")
    (told,) = (json.loads(body) for _, _, body in hook.got)
    expect((told["kind"], told["target"]["pid"], told["text"]) == ("storm", t.pid, found[0]["text"]), f"{told}")
    expect(told["figures"]["births"] == 6000 and told["figures"]["alive"] == 6001, f"{told}")
    (record,) = json.loads(logs[0])["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    expect(record["eventName"] == "parkwatch.storm" and attributes(record)["parkwatch.storm.births"] == "6000", f"{record}")
    expect(len(found) == 1 and "6000 goroutines" in found[0]["text"] and "6001 are alive" in found[0]["text"], f"{found}")


def folded(text):
    return {frames: int(n) for frames, n in (line.rsplit(" ", 1) for line in text.splitlines())}


def report(folder, target, *args):
    return parkwatch("report", "--state-dir", folder, "--target", target, *args)


def waiting_at(stacks, where):
    return sum(n for frames, n in stacks.items() if where in frames and frames.endswith("[chan receive]"))


def check_diff(both, each):
    """Two figures a stack: those of the two times, each by itself; 300 were there at first, and then 100 more."""
    base, later = map(folded, each)
    told = {stack: (int(a), int(b)) for stack, a, b in (line.rsplit(" ", 2) for line in both[""][2].splitlines())}
    expect(told == {stack: (base.get(stack, 0), later.get(stack, 0)) for stack in {*base, *later}}, f"{told}: {each}")
    changed = {tuple(reversed([f["func"] for f in s["stack"]])): (s["before"], s["after"]) for s in json.loads(both["&format=json"][2])["stacks"]}
    expect(set(changed.values()) == {figures for figures in told.values() if figures[0] != figures[1]}, f"{changed} {told}")
    more = next(figures for stack, figures in told.items() if "main.more" in stack)
    expect(more[0] == 300 and 300 < more[1] <= 400, f"{more}")
    expect("main.more" in both["&format=text"][2] and both["&format=html"][2].startswith("<!"), f"{both}")
    waited = {stack: (int(a), int(b)) for stack, a, b in (line.rsplit(" ", 2) for line in both["&view=blocked"][2].splitlines())}
    expect(any(a == 300 * 90 * 10**9 and b > a for a, b in waited.values()), f"{waited}")


def what_was_stored_is_read_while_it_runs_and_after_a_kill(how):
    with tempfile.TemporaryDirectory() as folder, crowd() as t:
        tell(t, "more 300", "other 20")
        with Daemon(state_dir=folder) as d:
            target = d.looked_at(t.pid)["id"]
            began = time.time()
            d.until(lambda: report(folder, target)[0] == 0, "nothing is stored")
            tell(t, "more 100")
            first = report(folder, target, "--view", "goroutines", "-f", "folded")
            later = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(began + 30))
            d.until(lambda: report(folder, target, "--from", later)[0] == 0, "no second minute is stored", 90)
            second = report(folder, target, "--from", later, "-f", "folded")
            past = [d.get(f"/api/v1/targets/{target}/profile?view={view}&from={int(began) - 60}&to={int(began) + 540}")
                    for view in ("goroutines", "blocked", "alloc")]
            pprof = d.get(f"/api/v1/targets/{target}/profile?view=goroutines&from=1&to=2&format=pprof")[0]
            half = int(began) + 30
            times = ("base_from=%d&base_to=%d" % (int(began) - 60, half), "from=%d&to=%d" % (half, int(began) + 540))
            both = {form: d.get(f"/api/v1/targets/{target}/diff?{'&'.join(times)}{form}") for form in ("", "&format=text", "&format=html", "&view=blocked", "&format=json")}
            each = [d.get(f"/api/v1/targets/{target}/profile?{time.removeprefix('base_').replace('base_', '')}")[2] for time in times]
            queries = [*times, f"{times[0]}&from=2&to=1", f"{times[0]}&from=1&to=2", *("&".join((*times, more)) for more in ("format=pprof", "view=blocked&format=html", "view=alloc"))]
            wrong = [d.get(f"/api/v1/targets/{target}/diff?{query}") for query in queries]
            bad = [d.get(f"/api/v1/targets/{target}/profile?{query}")[0] for query in ("", "from=2&to=1", "from=1&to=x", "from=1&to=2&format=x")]
            if how == "kill":
                os.kill(d.process.pid, signal.SIGKILL)
                d.process.wait(10)
            else:
                d.process.terminate()
        described([("/api/v1/targets/ID/profile", answer) for answer in past] + [("/api/v1/targets/ID/diff", answer) for answer in (*both.values(), *wrong)])
        expect([answer[0] for answer in both.values()] == [200] * 5 and [answer[0] for answer in wrong] == [400, 400, 400, 404, 400, 400, 404], f"{both} {wrong}")
        check_diff(both, each)
        mean = report(folder, target, "--from", "10m", "-f", "folded")
        dump = report(folder, target, "--view", "dump", "-f", "jsonl")
        filtered = report(folder, target, "--view", "dump", "--func", "^main.stay$", "-f", "jsonl")
        before = report(folder, target, "--to", "2020-01-01 00:00")
        other = report(folder, "none-1-1")
        births, refs = (report(folder, target, "--view", view) for view in ("births", "refs"))
        private = [oct(p.stat().st_mode & 0o777) for p in (Path(folder) / "history", Path(folder) / "history/segments")]
    for code, _, said in (first, second, mean, dump, filtered):
        expect(code == 0, said)
    expect(waiting_at(folded(first[1]), "main.park") == 300 and waiting_at(folded(first[1]), "main.stay") == 20, first[1])
    expect(waiting_at(folded(second[1]), "main.park") == 400, second[1])
    expect(waiting_at(folded(mean[1]), "main.park") == 350 and waiting_at(folded(mean[1]), "main.stay") == 20, mean[1])
    expect(len(dump[1].splitlines()) == 321 and len(filtered[1].splitlines()) == 20, f"{len(dump[1].splitlines())} {len(filtered[1].splitlines())}")
    expect([p[0] for p in past] == [200, 200, 404] and "error" in json.loads(past[2][2]), f"{past}")
    expect(folded(past[0][2]) == folded(mean[1]), f"{past[0][2]} {mean[1]}")
    expect(waiting_at(folded(past[1][2]), "main.stay") == 20 * 600 * 10 ** 9, past[1][2])
    expect(pprof == 404 and bad == [400] * 4, f"{pprof} {bad}")
    one_line(before, "nothing of")
    one_line(other, "nothing of 'none-1-1'", target)
    one_line(births, "nothing of", "profile or full")
    one_line(refs, "'refs'", "goroutines, dump, requests, leaks", code=2)
    expect(private == ["0o700", "0o700"], f"{private}")


def reports_of_leaks_are_stored():
    with tempfile.TemporaryDirectory() as folder, crowd() as t:
        tell(t, "leak 30", "other 20")
        with Daemon(state_dir=folder) as d:
            target = d.looked_at(t.pid)["id"]
            d.until(lambda: report(folder, target, "--view", "leaks")[0] == 0, "no report is stored", 120)
            told = events(d, kind="leak", target=target)
            now = json.loads(d.get(f"/api/v1/targets/{target}/leaks")[2])
        code, out, said = report(folder, target, "--from", "10m", "--view", "leaks", "-f", "json")
    expect(code == 0, said)
    expect(json.loads(out) == now, f"another report: {out}\n{now}")
    found = [g for g in json.loads(out)["groups"] if g["verdict"] == "leaked"]
    expect(len(found) == 1 and found[0]["count"] == 30, f"{found}")
    expect(len(told) == 1 and "30 goroutines leak" in told[0]["text"] and "main.lost" in told[0]["text"], f"{told}")


def a_folder_that_cannot_be_used_costs_history_only(why):
    with tempfile.TemporaryDirectory() as folder:
        if why == "unwritable":
            path = "/proc/nothing/here"
        elif why == "file":
            path = folder + "/file"
            Path(path).write_text("")
        else:
            path = folder
            os.symlink("/tmp", folder + "/history")
        with Daemon(state_dir=path) as d, crowd() as t:
            target = d.looked_at(t.pid)["id"]
            lines = [line for line in d.said().splitlines() if "no history is on disk" in line]
            expect(history(d, target)["goroutines"], "it has no history in memory")
            expect(value(d.metrics(), "parkwatch_store_kept_total") == 0 and value(d.metrics(), "parkwatch_store_usable") == 0, "it stores")
            ready = d.get("/-/ready")
    expect(len(lines) == 1 and path in lines[0] and "--state-dir" in lines[0], f"{lines}")
    expect(ready[0] == 200 and lines[0].partition("no history")[2] in ready[2], f"{ready}: {lines}")


def a_full_disk_costs_history_only():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True)
        if done.returncode:
            raise build.Missing(f"mount: {done.stderr}")
        try:
            os.makedirs(folder + "/history", 0o700)
            full = Path(folder) / "full"
            with contextlib.suppress(OSError), full.open("wb") as f:
                f.write(bytes(1 << 20))
            with Daemon(state_dir=folder) as d, crowd() as t:
                target = d.looked_at(t.pid)["id"]
                d.until(lambda: value(d.metrics(), "parkwatch_store_lost_total") > 0, "nothing is lost")
                expect(value(d.metrics(), "parkwatch_store_usable") == 0, "it is not told")
                lines = [line for line in d.said().splitlines() if "history is lost on disk" in line]
                expect(history(d, target)["goroutines"], "it has no history in memory")
                expect("history is lost on disk: No space left on device" in d.get("/-/ready")[2], f"{d.get('/-/ready')}")
                full.unlink()
                d.until(lambda: report(folder, target)[0] == 0, "it does not go on", 90)    # stacks are kept each minute
                expect(value(d.metrics(), "parkwatch_store_kept_total") > 0 and value(d.metrics(), "parkwatch_store_usable") == 1, "what is kept is not counted")
                expect("history" not in d.get("/-/ready")[2], f"{d.get('/-/ready')}")
        finally:
            subprocess.run(["umount", folder], check=True)
    expect(len(lines) == 1 and "No space left" in lines[0], f"{lines}")


ALL = {f.__name__: f for f in (series_are_those_of_the_program, what_happened_is_told, goroutines_of_the_past_are_those_of_that_time, a_storm_is_told,
                                what_was_stored_is_read_while_it_runs_and_after_a_kill, reports_of_leaks_are_stored,
                                a_folder_that_cannot_be_used_costs_history_only, a_full_disk_costs_history_only)}
ARGUMENTS = {what_was_stored_is_read_while_it_runs_and_after_a_kill: ["kill", "end"],
             a_folder_that_cannot_be_used_costs_history_only: ["unwritable", "file", "link"]}


def cases():
    for function in ALL.values():
        for arg in ARGUMENTS.get(function, [None]):
            args = [arg] if arg else []
            yield " ".join(["servehistory:", function.__name__, *(f"[{a}]" for a in args)]), lambda f=function, a=args: serve.alone(f, *a, script=__file__)


if __name__ == "__main__":
    sys.exit(serve.main(ALL, *sys.argv[1:]))
