# SPDX-License-Identifier: BSD-2-Clause
"""backends: what `parkwatch serve` sends, at programs that others wrote: the OpenTelemetry Collector, Jaeger, Pyroscope's API, VictoriaMetrics.

They are built from tests/backends, which takes minutes of CPU time: by `make check-backends`. Elsewhere a case is skipped unless its
backend is there already.
"""
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import build
import serverecord
import servespans
from dump import plain
from dumpviews import Idle, own, same_counts
from routes import Worked
from serve import WATCHED, Daemon, alone, free_port, main
from servesinks import attributes, daemon
from target import ROOT, Target, expect

SOURCES = ROOT / "tests/backends"
# What is built in each folder.
PACKAGES = {"otelcol": ".", "pyroscope": ".", "victoriametrics": "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics",
            "jaeger": "github.com/jaegertracing/jaeger/cmd/jaeger"}
SIGNALS = ("metrics", "logs", "traces", "profiles")
FRAMES = 20    # of a stack, innermost first, that are compared: Go's text has no more of deep ones


def program(name):
    folder = SOURCES / name

    def make(path):
        if not os.environ.get("PARKWATCH_BACKENDS"):
            raise build.Missing(f"the backend {name}, which is not built here; `make check-backends` builds it")
        build.run_go(["build", "-trimpath", "-ldflags=-s -w", "-o", str(path), PACKAGES[name]], build.TOOLCHAINS[build.MODES_MINOR], folder)
    return build.build_once(f"backend-{name}", "", sorted(p for p in folder.iterdir() if p.is_file()), make)


def asked(url, body=None, kind="application/json"):
    """The answer; None: nobody is there yet, or it is not ready."""
    try:
        request = urllib.request.Request(url, body, {"Content-Type": kind})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as r:
            return r.read().decode(errors="replace")
    except OSError:
        return None


def until(true, why, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        expect(time.monotonic() < end, why)
        time.sleep(0.05)


@contextlib.contextmanager
def running(name, folder, *args):
    with open(Path(folder, "log"), "w+") as log:
        p = subprocess.Popen([program(name), *args], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield lambda: (p.poll(), Path(folder, "log").read_text()[-2000:])
        finally:
            p.kill()
            p.wait()


def lines(folder, signal):
    """What the Collector has got so far; its last line may be half written."""
    path = Path(folder, signal)
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def of_target(requests, kind, pid):
    """[(attributes of the resource, its scopes)] of one process. The Collector moves texts of profiles into their dictionary."""
    found = []
    for request in requests:
        texts = request.get("dictionary", {}).get("stringTable", [])
        for of in request[f"resource{kind}"]:
            have = {}
            for a in of["resource"]["attributes"]:
                key = a.get("key") or texts[a["keyStrindex"]]
                v = a["value"]
                have[key] = texts[v["stringValueStrindex"]] if "stringValueStrindex" in v else next(iter(v.values()))
            if have["process.pid"] == str(pid):
                found.append((have, of[f"scope{kind}"], request.get("dictionary")))
    return found


def stacks(profile, tables, name="goroutine", unit="count", labels=("state",)):
    """{functions, innermost first: goroutines, or what name says}. The Collector checks no index: this does."""
    texts, found = tables["stringTable"], collections.Counter()
    expect(texts[0] == "" and all(tables[t][0] in ({}, {"value": {}}) for t in tables if t != "stringTable"), "the first of each table has no value")
    kind = profile["sampleType"]
    expect((texts[kind["typeStrindex"]], texts[kind["unitStrindex"]]) == (name, unit), f"{kind}")
    for s in profile["samples"]:
        names = [texts[tables["functionTable"][line["functionIndex"]]["nameStrindex"]]
                 for place in tables["stackTable"][s["stackIndex"]]["locationIndices"] for line in tables["locationTable"][place]["lines"]]
        told = [tables["attributeTable"][i] for i in s.get("attributeIndices", [])]
        expect([texts[a["keyStrindex"]] for a in told] == list(labels), f"{told}")
        (count,) = s["values"]
        found[tuple(own(names))[:FRAMES]] += int(count)
    return found


def stacks_of_go(text):
    """The same of pprof's own text (debug=1), and how many goroutines there are."""
    found = collections.Counter()
    for block in text.split("\n\n"):
        m = re.match(r"(?:goroutine profile: total \d+\n)?(\d+) @", block)
        if m:
            names = [plain(f) for f in re.findall(r"^#\t0x[0-9a-f]+\t(\S+)\+0x[0-9a-f]+", block, re.M)]
            found[tuple(own(names))[:FRAMES]] += int(m[1])
    return found, int(re.search(r"total (\d+)", text)[1])


def without_server(counts):
    """The goroutine that answers us does something else each time."""
    return collections.Counter({stack: n for stack, n in counts.items() if not any(f.endswith(".serve") for f in stack)})


@contextlib.contextmanager
def said_and_watched(**sinks):
    """A program, what it said of its goroutines before anybody looked, and a daemon: no look sees it answer."""
    with Idle() as t:
        text = t.ask("debug1")
        with daemon(**sinks) as d:
            yield t, text, d, d.looked_at(t.pid)


def collector(folder, port):
    """The Collector as deploy/opentelemetry has it; what it gets is in files."""
    Path(folder, "config").write_text(json.dumps({
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {f"file/{s}": {"path": s, "flush_interval": "100ms"} for s in SIGNALS},
        "service": {"telemetry": {"metrics": {"level": "none"}},
                    "pipelines": {s: {"receivers": ["otlp"], "exporters": ["debug", f"file/{s}"]} for s in SIGNALS}}}))
    return running("otelcol", folder, f"--config=file:{ROOT / 'deploy/opentelemetry/collector.yaml'}", "--config=file:config", "--feature-gates=+service.profilesSupport")


def the_collector_gets_blocked_time():
    """As Go's block profile: who waits for ever waits as long as the Collector says that the profile lasted."""
    port, found = free_port(), {}
    with tempfile.TemporaryDirectory() as folder, collector(folder, port) as state, serverecord.program() as t, daemon("profile", otlp=f"http://127.0.0.1:{port}") as d:
        d.looked_at(t.pid)

        def came():
            expect(state()[0] is None, f"the Collector ended: {state()}")
            for _, scopes, tables in of_target(lines(folder, "profiles"), "Profiles", t.pid):
                for profile in scopes[0]["profiles"]:
                    kind = [tables["stringTable"][profile["sampleType"][part]] for part in ("typeStrindex", "unitStrindex")]
                    found["/".join(kind)] = profile, tables
            return {"delay/nanoseconds", "contentions/count", "alloc_space/bytes"} <= set(found)
        d.until(came, "no blocked time", WATCHED)
    profile, tables = found["delay/nanoseconds"]
    lost = sum(n for functions, n in stacks(profile, tables, "delay", "nanoseconds", ["wait_reason"]).items() if "main.lost" in functions)
    seconds = int(profile["durationNano"]) / 1e9
    expect(5 < seconds < 20 and abs(lost / 1e9 / (serverecord.LOST * seconds) - 1) < 0.1, f"{serverecord.LOST} wait for {seconds} s: {lost}")


def the_collector_gets_what_the_programs_say():
    leaks = build.built(build.MODES_MINOR, "static", "leaks")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with collector(folder, port) as state, \
                Target("early-return", command=leaks) as leaking, \
                said_and_watched(level="leaks", otlp=f"http://127.0.0.1:{port}") as (t, text, d, seen):
            want = json.loads(leaking.truth())["leaks"][0]

            def got(signal, kind, pid):
                expect(state()[0] is None, f"the Collector ended: {state()}")
                return of_target(lines(folder, signal), kind, pid)
            d.until(lambda: got("metrics", "Metrics", t.pid) and got("profiles", "Profiles", t.pid), "no metrics or no profile", 60)
            d.until(lambda: got("logs", "Logs", leaking.pid), "no log record", 120)
            metrics, profiles, logs = got("metrics", "Metrics", t.pid)[0], got("profiles", "Profiles", t.pid)[0], got("logs", "Logs", leaking.pid)
    counts, total = stacks_of_go(text)
    for of, scopes, _ in (metrics, profiles):
        expect((of["service.name"], of["service.instance.id"], of["process.runtime.version"]) ==
               (seen["exe"].rsplit("/", 1)[1], seen["id"], seen["go"]) and scopes[0]["scope"]["name"] == "parkwatch", f"{of}")
    (metric,) = [m for m in metrics[1][0]["metrics"] if m["name"] == "go.goroutine.count"]
    expect(sum(int(p["asInt"]) for p in metric["sum"]["dataPoints"]) == total, f"{metric}: the program counts {total}")
    (profile,) = profiles[1][0]["profiles"]
    got_stacks = stacks(profile, profiles[2])
    expect(sum(got_stacks.values()) == total, f"{got_stacks}: the program counts {total}")
    same_counts(without_server(got_stacks), without_server(counts), "profile")
    (_, scopes, _), = logs
    (record,) = scopes[0]["logRecords"]
    have = attributes(record)
    expect((record["eventName"], have["code.function.name"], have["parkwatch.leak.reason"]) == ("parkwatch.leak", want["start"], want["reason"]), f"{record} {want}")
    expect(have["parkwatch.leak.verdict"] in ("leaked", "growing") and want["pattern"] in have["parkwatch.leak.pattern"], f"{record} {want}")


def links(profile, tables):
    """{(trace, span)} of its samples."""
    return {(link["traceId"], link["spanId"]) for link in (tables["linkTable"][s["linkIndex"]] for s in profile["samples"] if s.get("linkIndex"))}


def the_collector_gets_long_waits_as_children_of_the_programs_spans():
    """And who waits linked to the span that it is in."""
    port, found, linked = free_port(), [], set()
    with tempfile.TemporaryDirectory() as folder, collector(folder, port) as state, servespans.sending("routers", port) as (d, t, truth):
        def came():
            expect(state()[0] is None, f"the Collector ended: {state()}")
            found[:] = of_target(lines(folder, "traces"), "Spans", t.pid)
            for _, scopes, tables in of_target(lines(folder, "profiles"), "Profiles", t.pid):
                linked.update(links(scopes[0]["profiles"][0], tables))
            return found and linked
        d.until(came, "no spans, or no links", WATCHED)
    expect(len(linked) > 5 and linked <= servespans.of_any(truth), f"{linked}")
    (_, scopes, _) = found[0]
    expect(scopes[0]["scope"]["name"] == "parkwatch" and all(s["kind"] == 1 for s in scopes[0]["spans"]), f"{scopes}")
    expect(servespans.are_true(scopes[0]["spans"], truth), "none is of a goroutine that knows its span")


def the_collector_takes_a_recording_as_it_is_written():
    """`record -f otlp`: posted as a file. Who serves is linked to the client's span, by the header."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, collector(folder, port) as state:
        path = Path(folder, "x.otlp")
        w = Worked("waits", build.MODES_MINOR, "stripped", "-o", path, env={"OTEL_SERVICE_NAME": "shop"})
        url, body = f"http://127.0.0.1:{port}/v1development/profiles", path.read_bytes()
        until(lambda: asked(url, body, "application/x-protobuf") is not None, f"the Collector does not take it: {state()}")
        until(lambda: lines(folder, "profiles"), "it does not come out of the Collector")
        ((of, scopes, tables),) = of_target(lines(folder, "profiles"), "Profiles", w.pid)
    expect(of["service.name"] == "shop" and of["process.executable.name"].startswith("routes"), f"{of}")
    for profile in scopes[0]["profiles"]:
        linked = links(profile, tables)
        expect(len(linked) > 5 and all(trace[0] in "ab" and 0 < int(span, 16) < 10000 for trace, span in linked), f"{linked}")


@contextlib.contextmanager
def jaeger(folder):
    """Jaeger with its store in memory: (where OTLP goes, what answers to a path of its API, the state of its process)."""
    otlp, api, grpc = (f"127.0.0.1:{free_port()}" for _ in range(3))
    Path(folder, "config").write_text(json.dumps({
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": otlp}}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
        "extensions": {"jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": 1000}}}},
                       "jaeger_query": {"storage": {"traces": "memory"}, "enable_tracing": False, "http": {"endpoint": api}, "grpc": {"endpoint": grpc}}},
        "service": {"telemetry": {"metrics": {"level": "none"}}, "extensions": ["jaeger_storage", "jaeger_query"],
                    "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}}}}))
    with running("jaeger", folder, "--config=file:config") as state:
        yield f"http://{otlp}", lambda path: json.loads(asked(f"http://{api}{path}") or '{"data":[]}')["data"], state


class InTrace:
    """A span as Jaeger's API has it; times in us."""

    def __init__(self, span):
        self.id, self.name, self.warnings = span["spanID"], span["operationName"], span["warnings"]
        self.begins, self.ends = span["startTime"], span["startTime"] + span["duration"]
        self.tags = {t["key"]: t["value"] for t in span["tags"]}
        self.parents = [(r["refType"], r["traceID"], r["spanID"]) for r in span["references"]]
        self.ours = self.tags.get("otel.scope.name") == "parkwatch"


def spans_of(answer, trace):
    """{id: span} of one trace."""
    (found,) = answer(f"/api/traces/{trace}") or [{"spans": [], "processes": {}}]
    spans = [InTrace(s) for s in found["spans"]]
    services = {p["serviceName"] for p in found["processes"].values()}
    expect(services <= {"shop"}, f"{services}: the program says that it is shop")
    expect(len({s.id for s in spans}) == len(spans), f"{trace}: {len(spans)} spans, some of them twice")
    return {s.id: s for s in spans}


def one_below_the_other(trace, spans, places):
    """All of one trace is a tree, ours below those of the program, as it says itself: {goid: place}."""
    ours = [s for s in spans.values() if s.ours]
    expect([s.name for s in spans.values() if not s.parents] == ["HTTP GET"], f"{trace}: {[vars(s) for s in spans.values()]}")
    for s in spans.values():
        expect(not s.warnings and all(of == trace and parent in spans for _, of, parent in s.parents), f"{vars(s)}")
    for s in ours:
        ((how, _, parent),) = s.parents
        above, place = spans[parent], places.get(s.tags["parkwatch.goroutine.id"])
        expect(how == "CHILD_OF" and not above.ours and above.begins <= s.begins and s.begins + 10**6 <= s.ends <= above.ends, f"{vars(s)} {vars(above)}")
        if place:
            expect((parent, above.name, s.name) == (place["span_id"], place["span"], place["wait"]), f"{vars(s)}: {place}")
        else:    # who asked, and the client's own goroutines
            expect(above.tags["span.kind"] == "client", f"{vars(s)} {vars(above)}")
    told = [s.tags["parkwatch.goroutine.id"] for s in ours]
    expect(len(set(told)) == len(told) and set(places) <= set(told), f"{trace}: {told} {set(places)}")


def jaeger_shows_long_waits_below_the_programs_own_spans():
    """The program exports its own, when they end: each trace is whole then, and nothing in it warns of anything."""
    traced = build.built_with_modules("traced")
    with tempfile.TemporaryDirectory() as folder, jaeger(folder) as (otlp, answer, state), \
            Daemon("--otlp", otlp, "--spans", env={"no_proxy": "*"}) as d, \
            Target("quotes", command=traced, env={"OTEL_EXPORTER_OTLP_ENDPOINT": otlp, "OTEL_SERVICE_NAME": "shop"}) as t:
        traces = collections.defaultdict(dict)
        for place in json.loads(t.truth()):
            traces[place["trace_id"]][place["goid"]] = place

        def came():
            expect(state()[0] is None, f"Jaeger ended: {state()}")
            return all(set(places) <= {s.tags["parkwatch.goroutine.id"] for s in spans_of(answer, trace).values() if s.ours} for trace, places in traces.items())
        d.until(came, "no spans of ours", WATCHED)
        t.go()
        expect(t.truth() == "done\n", "the program does not end its spans")
        d.until(lambda: all(sum(not s.ours for s in spans_of(answer, trace).values()) == 4 for trace in traces), "the program's spans do not come")
        expect(len(traces) == 3 and "shop" in answer("/api/services"), f"{traces.keys()} {answer('/api/services')}")
        for trace, places in traces.items():
            one_below_the_other(trace, spans_of(answer, trace), places)


def pyroscope_gives_back_the_goroutines_of_the_program():
    """As often as they were pushed until it is asked."""
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder, running("pyroscope", folder, address) as state, \
            said_and_watched(pyroscope=f"http://{address}") as (_, text, d, seen):
        query = {"profileTypeID": "goroutine:goroutine:count:goroutine:count", "start": "0", "end": "9999999999999",
                 "labelSelector": f'{{service_name="{seen["exe"].rsplit("/", 1)[1]}", target="{seen["id"]}"}}'}
        answer = {}

        def found():
            expect(state()[0] is None, f"it ended: {state()}")
            text = asked(f"http://{address}/querier.v1.QuerierService/SelectMergeProfile", json.dumps(query).encode())
            answer.update(json.loads(text or "{}"))
            return answer.get("sample")
        d.until(found, "nothing arrives", 60)
    texts = answer["stringTable"]
    functions = {f["id"]: texts[int(f["name"])] for f in answer["function"]}
    places = {p["id"]: [functions[line["functionId"]] for line in p["line"]] for p in answer["location"]}
    got = collections.Counter()
    for s in answer["sample"]:
        got[tuple(own([f for place in s["locationId"] for f in places[place]]))[:FRAMES]] += int(s["value"][0])
    want, total = stacks_of_go(text)
    times = sum(got.values()) // total
    expect(times >= 1 and sum(got.values()) == times * total, f"{sum(got.values())}: the program counts {total}")
    same_counts(without_server(got), collections.Counter({k: times * n for k, n in without_server(want).items()}), "profile")


def victoriametrics_scrapes_the_goroutines_of_the_program():
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder, said_and_watched() as (_, text, d, seen):
        Path(folder, "scrape").write_text(json.dumps({"scrape_configs": [
            {"job_name": "parkwatch", "scrape_interval": "1s", "http_sd_configs": [{"url": f"http://{d.address}/sd"}]}]}))
        with running("victoriametrics", folder, f"-httpListenAddr={address}", "-storageDataPath=data", "-search.latencyOffset=0s",
                     "-promscrape.config=scrape", "-promscrape.httpSDCheckInterval=1s") as state:
            result = []

            def found():
                expect(state()[0] is None, f"it ended: {state()}")
                query = urllib.parse.quote(f'sum(parkwatch_goroutines{{target="{seen["id"]}"}})')
                result[:] = json.loads(asked(f"http://{address}/api/v1/query?nocache=1&query={query}") or '{"data":{"result":[]}}')["data"]["result"]
                return result
            d.until(found, "it scrapes nothing", 60)
    total = stacks_of_go(text)[1]
    expect(int(result[0]["value"][1]) == total, f"{result}: the program counts {total}")


# Each with its backend, which is built before the case's time begins.
BACKENDS = {the_collector_gets_what_the_programs_say: "otelcol", the_collector_gets_blocked_time: "otelcol",
            the_collector_gets_long_waits_as_children_of_the_programs_spans: "otelcol",
            the_collector_takes_a_recording_as_it_is_written: "otelcol",
            jaeger_shows_long_waits_below_the_programs_own_spans: "jaeger",
            pyroscope_gives_back_the_goroutines_of_the_program: "pyroscope",
            victoriametrics_scrapes_the_goroutines_of_the_program: "victoriametrics"}
ALL = {f.__name__: f for f in BACKENDS}


def cases():
    for function, name in BACKENDS.items():
        yield f"backends: {function.__name__}", lambda f=function, n=name: (program(n), alone(f))


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
