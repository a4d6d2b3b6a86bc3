# SPDX-License-Identifier: BSD-2-Clause
"""serverequests: `parkwatch serve` tells of the requests of its targets, as programs know them in which every goroutine knows its own."""
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import build
from requesttruth import Truth, judged, listed, plain_path
from serve import Daemon, alone, main, value
from target import LIMIT, Target, expect, parkwatch

ROUTES = 20    # of a target, at most


@contextlib.contextmanager
def serving(detail=False, kind="hang", program="requests", still=False):
    """A daemon that only looks, a program that hangs with its requests, the truth of that, and its path in the API. still: it was stopped, so
    each look says the same."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        config = Path(folder, "parkwatch.yaml")
        config.write_text("rules:\n- level: metrics\n" + ("requests: {detail: true}\n" if detail else ""))
        t = stack.enter_context(Target(kind, command=build.built(build.MODES_MINOR, "stripped", program)))
        truth = Truth(t.truth())
        if still:
            os.kill(t.pid, signal.SIGSTOP)
        d = stack.enter_context(Daemon("--config", str(config)))
        yield d, t, truth, f"/api/v1/targets/{d.looked_at(t.pid)['id']}"


def asked(d, path):
    status, _, text = d.get(path)
    expect(status == 200, f"{path}: {status}: {text[:300]}")
    return json.loads(text)


def goroutines_of(d, path):
    return {g["goid"]: g for g in map(json.loads, d.get(path)[2].splitlines())}


def metrics_of(d, target):
    return [(name, labels, v) for name, labels, v in d.metrics() if labels.get("target") == target and name.startswith(("parkwatch_requests", "parkwatch_oldest_request"))]


def they_are_told_as_the_program_knows_them():
    """Each statement of the API; the metrics are the sums of it."""
    with serving(detail=True) as (d, t, truth, target):
        report = asked(d, target + "/requests")
        goroutines = goroutines_of(d, target + "/goroutines")
        samples = metrics_of(d, target.rpartition("/")[2])
    truth.looked = report["taken_unix_ns"] / 1e9
    v = judged(truth, goroutines)
    left_out = listed(truth, report, goroutines, v)
    v.check()
    expect(not left_out and v.said["serves"] and v.said["of"], f"{left_out} {v.said}")
    served = [q for q in report["requests"] if q["kind"] != "outgoing"]
    by_route = [(labels["route"], labels["method"]) for name, labels, _ in samples if name == "parkwatch_requests"]
    routes = {route for route, _ in by_route} - {"other"}
    expect(len(by_route) == len(set(by_route)) <= ROUTES + 1, f"{by_route}")
    expect(routes <= {q["route"] or "unknown" for q in served} and len(by_route) == ROUTES + 1, f"more than {ROUTES} are not one: {by_route}")
    expect(sum(n for name, _, n in samples if name == "parkwatch_requests") == len(served), f"{samples}")
    past = sum(q["deadline_s"] is not None and q["deadline_s"] < 0 for q in served)
    expect(past and sum(n for name, _, n in samples if name == "parkwatch_requests_past_deadline") == past, f"{past}: {samples}")
    expect(value(samples, "parkwatch_requests_over") == len([q for q in report["over"] if q["kind"] != "outgoing"]), f"{samples}")
    for name, labels, n in samples:
        route = labels.get("route")
        if name == "parkwatch_requests" and route != "other":
            same = [q for q in served if (q["route"] or "unknown") == route and q["method"] == labels["method"]]
            expect(n == len(same), f"{labels}: {n}: {len(same)}")


def by_default_what_clients_say_is_cut_to_routes():
    with serving() as (d, t, truth, target):
        report = asked(d, target + "/requests")
        texts = [d.get(path)[2] for path in (target + "/requests", target + "/goroutines", "/metrics")]
    expect(any(q["route"] for q in report["requests"]), "no route is told")
    for q in report["requests"] + report["over"]:
        expect(q["path"] is None and q["peer"] is None and (q["kind"] == "outgoing" or q["host"] is None), f"{q}")
    for path in truth.requests:
        expect(not any(path in text for text in texts), f"{path} is told")


def they_are_filtered():
    with serving(detail=True) as (d, t, truth, target):
        path = target + "/requests"
        everybody = asked(d, path)["requests"]
        one = next(q["route"] for q in everybody if q["route"])
        some = asked(d, f"{path}?route={one}")["requests"]
        expect([q["path"] for q in some] == [q["path"] for q in everybody if q["route"] == one], f"{some}")
        goid = everybody[0]["served_by"]
        only = asked(d, f"{path}?goid={goid}")["requests"]    # and what it calls meanwhile
        expect(only and all([g["goid"] for g in q["goroutines"]] == [goid] for q in only), f"{only}")
        expect(asked(d, path + "?older=1000h")["requests"] == [], "none is so old")
        traced = next(q for q in everybody if q["trace_id"])
        expect(truth.requests[plain_path(traced["path"])]["trace_id"] == traced["trace_id"], f"{traced}")
        for digits in (traced["trace_id"], traced["trace_id"].upper()[:30]):
            only = asked(d, f"{path}?trace_id={digits}")["requests"]
            expect([q["path"] for q in only if q["kind"] != "outgoing"] == [traced["path"]], f"{traced}: {only}")
            of = goroutines_of(d, f"{target}/goroutines?trace_id={digits}")
            expect(of.keys() == {g["goid"] for g in only[0]["goroutines"]} and all(g["request"]["trace_id"] == traced["trace_id"] for g in of.values()), f"{traced}: {of}")
        nobody = "?trace_id=" + "0123456789abcdef" * 2
        expect(asked(d, path + nobody)["requests"] == [] and d.get(target + "/goroutines" + nobody)[2] == "", "that trace is nobody's")
        for query in ("trace_id=", "trace_id=" + "g" * 32, "trace_id=" + "0" * 33, "older=soon", "nothing=1", "func=("):
            for page in (path, target + "/goroutines"):
                status, _, text = d.get(f"{page}?{query}")
                expect(status == 400 and text, f"{page}?{query}: {status}: {text[:300]}")


def a_program_without_a_server_has_none():
    with Daemon() as d, Target("waits") as t:
        target = d.looked_at(t.pid)["id"]
        status, _, text = d.get(f"/api/v1/targets/{target}/requests")
        expect(status == 404 and "no server" in json.loads(text)["error"], f"{status}: {text}")
        expect(not metrics_of(d, target), f"{metrics_of(d, target)}")
        expect(all("request" not in g for g in goroutines_of(d, f"/api/v1/targets/{target}/goroutines").values()), "its goroutines work for none")


def deadlines_pass_where_nothing_runs():
    """The program stands: it is not read again, and its deadlines pass all the same. When a look read them, they say themselves."""
    with serving(detail=True) as (d, t, truth, target):
        os.kill(t.pid, signal.SIGSTOP)    # its processor time stays as it is
        looks = {}    # when it was taken -> what it says, when it was seen

        def later():
            report = asked(d, target + "/requests")
            looks.setdefault(report["taken_unix_ns"] / 1e9, (report, time.time()))
            return len(looks) == 3    # one before it stood, one that read it then, and one that did not
        d.until(later, "no other look", LIMIT)
        os.kill(t.pid, signal.SIGCONT)
    deadlines = {h: g["deadline"] for g in truth.goroutines.values() if g["deadline"] for h in g["holds"] or []}
    for taken, (report, seen) in looks.items():
        read = [deadlines[q["path"]] - q["deadline_s"] for q in report["requests"] if q["deadline_s"] is not None and q["path"] in deadlines]
        expect(read and all(taken - 0.1 < at < seen + 0.1 for at in read), f"taken at {taken:.1f}, seen at {seen:.1f}, read at {read}")


def they_are_on_disk_when_the_program_has_ended():
    with serving() as (d, t, truth, target):
        living = asked(d, target + "/requests")
        t.process.kill()
        t.process.wait()
        d.until(lambda: d.target(t.pid) is None, "its end is not seen")
        for query in ("", f"?at={int(time.time()) + 1}"):
            past = asked(d, target + "/requests" + query)
            same = [sorted((q["method"], q["route"] or "", q["served_by"] or 0) for q in r["requests"]) for r in (living, past)]
            expect(same[0] == same[1] and same[0], f"{same}")
        code, text, said = parkwatch("report", "--state-dir", d.own_dir.name, "--target", target.rpartition("/")[2], "--view", "requests", "-f", "json")
        expect(code == 0 and [(q["route"], q["served_by"]) for q in json.loads(text)["requests"]] == [(q["route"], q["served_by"]) for q in past["requests"]], f"{code}: {said}")


ALL = {f.__name__: f for f in (they_are_told_as_the_program_knows_them, by_default_what_clients_say_is_cut_to_routes, they_are_filtered, a_program_without_a_server_has_none,
                               deadlines_pass_where_nothing_runs, they_are_on_disk_when_the_program_has_ended)}


def cases():
    for function in ALL.values():
        yield f"serverequests: {function.__name__}", lambda f=function: alone(f, script=__file__)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
