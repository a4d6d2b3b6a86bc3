# SPDX-License-Identifier: BSD-2-Clause
"""servespans: long waits of goroutines that are in a trace, as spans that `parkwatch serve` sends: whose children they are, the program knows."""
import collections
import contextlib
import json
import sys
import tempfile
from pathlib import Path

import build
from requesttruth import Truth
from serve import LOOK, WATCHED, Daemon, alone, main
from servesinks import Server, attributes, profile_of
from target import Target, expect, parkwatch

PROGRAMS = {"hang": "of the header traceparent, --spans", "routers": "of OpenTelemetry's library, spans: true"}
LEAST = 20    # spans


@contextlib.contextmanager
def sending(kind, port, spans=True):
    """A daemon that only looks and sends there, as its configuration or its command line says, the program, and its truth. It collects
    often, so that Go notes when waits began."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        config, url = Path(folder, "parkwatch.yaml"), f"http://127.0.0.1:{port}"
        sinks = f"sinks:\n  otlp: {{url: '{url}'{', spans: true' if spans else ''}}}\n" if kind == "routers" else ""
        args = () if sinks else ("--otlp", url, *(["--spans"] if spans else []))
        config.write_text(f"rules:\n- level: metrics\n{sinks}")
        command = build.built_with_modules("frameworks") if kind == "routers" else build.built(build.MODES_MINOR, "stripped", "requests")
        t = stack.enter_context(Target(kind, command=command, env={"GOGC": "1"}))
        truth = Truth(t.truth())
        yield stack.enter_context(Daemon("--config", str(config), *args, env={"no_proxy": "*"})), t, truth


def parents_of(truth, goid):
    """(trace, span) of what it may have in hand; of one that is not ours: of any."""
    known = truth.goroutines.get(goid)
    if known and known["span_id"]:
        return {(known["trace_id"], known["span_id"])}
    if known:
        of = [truth.requests[path] for path in {*(known["holds"] or []), known["serves"]} if path in truth.requests]
        return {(q["trace_id"], q["parent_span"]) for q in of}
    return {(g["trace_id"], g["span_id"]) for g in truth.goroutines.values()} | {(q["trace_id"], q["parent_span"]) for q in truth.requests.values()}


def are_true(spans, truth):
    """How many of them are of goroutines that know their span, or serve a request with one."""
    expect(len({s["spanId"] for s in spans}) == len(spans), f"{len(spans)} spans, some of them twice")
    ours = 0
    for s in spans:
        have, goid = attributes(s), int(attributes(s)["parkwatch.goroutine.id"])
        expect((s["traceId"], s["parentSpanId"]) in parents_of(truth, goid), f"{s}: {parents_of(truth, goid)}")
        expect(int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"]) >= 10**9 and s["name"] == have["parkwatch.wait.reason"] and have["code.function.name"], f"{s}")
        ours += goid in truth.goroutines
    return ours


def posted(server, pid):
    return [s for path, _, body in server.got if path == "/v1/traces" for r in json.loads(body)["resourceSpans"] if attributes(r["resource"])["process.pid"] == str(pid)
            for s in r["scopeSpans"][0]["spans"]]


def a_long_wait_is_a_span_once_and_its_parent_is_in_hand(kind):
    with Server() as s, sending(kind, s.port) as (d, t, truth):
        target = f"/api/v1/targets/{d.looked_at(t.pid)['id']}"
        looks = set()

        def looked():
            looks.add(json.loads(d.get(target + "/requests")[2])["taken_unix_ns"])
            return len(looks) == 3 and posted(s, t.pid)
        d.until(looked, "no spans", 12 * LOOK)
        spans = posted(s, t.pid)
    ours = are_true(spans, truth)
    expect(ours >= LEAST, f"{len(spans)} spans, {ours} of goroutines that know theirs")


def of_any(truth):
    return parents_of(truth, None)


def in_spans(truth):
    """How many goroutines know that they are in that span, and look so."""
    return collections.Counter((g["trace_id"], g["span_id"]) for g in truth.goroutines.values() if g["span_id"])


def goroutines_in_a_span_are_linked_to_it(kind):
    """In OTLP's profiles; no attribute says it again, and those that are in none have no link."""
    with Server() as s, sending(kind, s.port, spans=False) as (d, t, truth):
        d.looked_at(t.pid)
        mine = []
        d.until(lambda: mine.extend(profile_of(body)[3] for path, _, body in s.got if path == "/v1development/profiles" and profile_of(body)[0]["process.pid"] == t.pid) or mine,
                "no profile", WATCHED)
    linked, told = collections.Counter(), [dict(told) for _, told in mine[0]]
    for (_, labels), n in mine[0].items():
        linked[dict(labels).get("link")] += n
    none = linked.pop(None)
    expect(set(linked) <= of_any(truth), f"these are no spans of it: {set(linked) - of_any(truth)}")
    expect(none and sum(linked.values()) >= LEAST, f"{sum(linked.values())} goroutines are linked, {none} are not")
    know = in_spans(truth)
    expect(all(linked[span] <= n for span, n in know.items() if span not in {(q["trace_id"], q["parent_span"]) for q in truth.requests.values()}), f"{linked} {know}")
    expect(not any("span_id" in one or "link" in one and "trace_id" in one for one in told) and any("route" in one for one in told), f"{told}")


def a_wait_is_told_once_while_the_program_collects():
    """Go's collector notes since when goroutines wait, and what it notes is all that is known: it runs ten times a second."""
    with Server() as s, Server() as elsewhere, Daemon("--otlp", f"http://127.0.0.1:{s.port}", "--spans", env={"no_proxy": "*"}) as d, \
            Target("quotes", command=build.built_with_modules("traced"), env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{elsewhere.port}", "OTEL_SERVICE_NAME": "shop"}) as t:
        places = {place["goid"]: place for place in json.loads(t.truth())}
        target, looks = f"/api/v1/targets/{d.looked_at(t.pid)['id']}", {}

        def told():
            spans = [(int(attributes(span)["parkwatch.goroutine.id"]), span) for span in posted(s, t.pid)]
            have = [goid for goid, _ in spans if goid in places]
            lines = [json.loads(line) for line in d.get(target + "/goroutines")[2].splitlines()]
            waits = {g["goid"]: g["wait_ns"] for g in lines if g["goid"] in places}
            if set(places) <= set(have):
                looks.setdefault(tuple(sorted(waits.items())), (have, spans))
            return len(looks) == 3
        d.until(told, "they are not told", WATCHED)
        services = {attributes(r["resource"])["service.name"] for path, _, body in s.got if path == "/v1/traces" for r in json.loads(body)["resourceSpans"]}
    expect(services == {"shop"}, f"{services}: the program says that it is shop")
    for have, spans in looks.values():
        expect(sorted(have) == sorted(places), f"{len(have)} spans of {len(places)} waits: {spans}")
        for goid, span in spans:
            place = places.get(goid)
            expect(not place or (span["traceId"], span["parentSpanId"], span["name"], attributes(span)["code.function.name"]) ==
                   tuple(place[key] for key in ("trace_id", "span_id", "wait", "func")), f"{span} {place}")
    waits = [dict(look) for look in looks]
    expect(all(one[goid] < other[goid] for one, other in zip(waits, waits[1:]) for goid in places), f"who waits on waits longer: {waits}")


def nobody_gets_spans_who_does_not_ask():
    with Server() as s, sending("hang", s.port, spans=False) as (d, t, truth):
        d.looked_at(t.pid)
        d.until(lambda: any(path == "/v1development/profiles" for path, _, _ in s.got), "no profile", 3 * LOOK)
        expect(not posted(s, t.pid), "spans are sent")


def spans_without_a_place_to_go_are_refused():
    for args, words in ((["--spans"], "give --otlp URL"), (["--otlp", "collector:4318"], "is no URL")):
        with tempfile.NamedTemporaryFile() as empty:
            code, out, said = parkwatch("serve", "--config", empty.name, *args)
        expect(code == 1 and not out and len(said.splitlines()) == 1 and words in said, f"{code}: {said}")


ALL = {f.__name__: f for f in (a_long_wait_is_a_span_once_and_its_parent_is_in_hand, goroutines_in_a_span_are_linked_to_it,
                               a_wait_is_told_once_while_the_program_collects, nobody_gets_spans_who_does_not_ask,
                               spans_without_a_place_to_go_are_refused)}


def cases():
    for kind, what in PROGRAMS.items():
        for name in ("a_long_wait_is_a_span_once_and_its_parent_is_in_hand", "goroutines_in_a_span_are_linked_to_it"):
            yield f"servespans: {name} [{what}]", lambda k=kind, n=name: alone(ALL[n], k, script=__file__)
    yield "servespans: a_wait_is_told_once_while_the_program_collects", lambda: alone(a_wait_is_told_once_while_the_program_collects, script=__file__)
    yield "servespans: nobody_gets_spans_who_does_not_ask", lambda: alone(nobody_gets_spans_who_does_not_ask, script=__file__)
    yield "servespans: spans_without_a_place_to_go_are_refused", spans_without_a_place_to_go_are_refused


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
