# SPDX-License-Identifier: BSD-2-Clause
"""servesinks: where `parkwatch serve` sends what it sees: what arrives, and what happens while nothing can."""
import base64
import contextlib
import datetime
import http.server
import json
import re
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import build
from described import described
from protobuf import message, packed
from serve import WATCHED, Daemon, alone, free_port, main, parsed, value
from serverecord import LOST, OBJECT, program
from target import Target, expect


class Server:
    """Takes what is posted: [(path, headers, body)]. answer: the status, or seconds of silence as a float. unknown: a path that is not there."""

    def __init__(self, port=0, answer=200, unknown=None):
        outer = self
        self.got, self.answer = [], answer

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.path, dict(self.headers), body))
                if isinstance(outer.answer, float):
                    time.sleep(outer.answer)
                self.send_response(404 if self.path == unknown else outer.answer if isinstance(outer.answer, int) else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Rude:
    """Reads a request's head and body, then answers(connection, how many came before); at: when each came. context: TLS."""

    def __init__(self, answers, context=None):
        outer = self
        self.at = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                length = 0
                while (line := self.rfile.readline().strip()):
                    name, _, number = line.partition(b":")
                    length = int(number) if name.lower() == b"content-length" else length
                if len(self.rfile.read(length)) < length or not length:
                    return
                outer.at.append(time.monotonic())
                with contextlib.suppress(OSError):
                    answers(self.request, len(outer.at) - 1)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                return (context.wrap_socket(connection, server_side=True) if context else connection), address

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    __enter__, __exit__ = Server.__enter__, Server.__exit__


@contextlib.contextmanager
def daemon(level="metrics", detail=False, **urls):
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "parkwatch.yaml")
        sinks = "".join(f"  {kind}: {{url: '{url}'}}\n" for kind, url in urls.items())
        config.write_text(f"rules:\n- level: {level}\n" + f"sinks:\n{sinks}" * bool(sinks) + "requests: {detail: true}\n" * detail)
        with Daemon("--config", str(config), env={"no_proxy": "*"}) as d:
            yield d


def counted(d, kind, which):
    return value(parsed(d.get("/metrics")), f"parkwatch_sink_{which}", sink=kind)


def attributes(of):
    return {a["key"]: next(iter(a["value"].values())) for a in of["attributes"]}


def otlp_metrics_are_those_of_the_program():
    with Server() as s, daemon(otlp=f"http://127.0.0.1:{s.port}/") as d, Target("waits") as t:
        seen = d.looked_at(t.pid)
        mine = []
        d.until(lambda: mine.extend(r for path, _, body in s.got if path == "/v1/metrics" for r in json.loads(body)["resourceMetrics"]
                                    if attributes(r["resource"])["process.pid"] == str(t.pid)) or mine, "nothing arrives", 30)
        path, headers, _ = next(one for one in s.got if one[0] == "/v1/metrics")
        expect(path == "/v1/metrics" and headers["Content-Type"] == "application/json", f"{path} {headers}")
        states = {have["state"]: v for n, have, v in d.metrics() if n == "parkwatch_goroutines" and have["target"] == seen["id"]}
        t.go()
        truth = json.loads(t.truth())
        expect(counted(d, "otlp", "sent_total") >= 1 and counted(d, "otlp", "lost_total") == 0, d.said())
    of = attributes(mine[-1]["resource"])
    expect(of["process.executable.name"] == of["service.name"] and of["host.name"] == socket.gethostname(), f"{of}")
    expect(of["service.name"] == seen["exe"].rsplit("/", 1)[1] and of["process.runtime.version"] == seen["go"] and of["service.instance.id"] == seen["id"], f"{of}")
    metrics = {m["name"]: m for m in mine[-1]["scopeMetrics"][0]["metrics"]}
    points = metrics["go.goroutine.count"]["sum"]["dataPoints"]
    expect({attributes(p)["state"]: int(p["asInt"]) for p in points} == states, f"{points} {states}")
    expect(sum(int(p["asInt"]) for p in points) == truth["before"], f"{points}: the program counts {truth['before']}")
    expect(all(abs(int(p["timeUnixNano"]) / 1e9 - time.time()) < 120 for p in points), f"{points}")
    expect(metrics["parkwatch.goroutines.waiting"]["gauge"]["dataPoints"] and not metrics["go.goroutine.count"]["sum"]["isMonotonic"], f"{metrics}")


SAID = {"service.name": "shop", "service.version": "1.2,3", "team": "a b"}
ENVIRONMENT = {"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,service.version=1.2%2C3,team=a b,process.pid=1"}


def what_the_program_says_of_itself_is_its_resource():
    """In metrics and profiles, and in what the API tells of its requests. Of its process what is seen counts."""
    hang = build.built(build.MODES_MINOR, "stripped", "requests")
    with Server() as s, daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("hang", command=hang, env=ENVIRONMENT) as t:
        t.truth()
        seen = d.looked_at(t.pid)
        found, read = {}, 0

        def came():
            nonlocal read
            for path, _, body in s.got[read:]:
                read += 1
                for of in [attributes(r["resource"]) for r in json.loads(body)["resourceMetrics"]] if path == "/v1/metrics" else \
                        [profile_of(body)[0]] if path == "/v1development/profiles" else []:
                    if int(of["process.pid"]) == t.pid:
                        found[path] = of
            return len(found) == 2
        d.until(came, "nothing arrives", WATCHED)
        status, _, text = d.get(f"/api/v1/targets/{seen['id']}/requests")
    for path, of in found.items():
        expect({key: of.get(key) for key in SAID} == SAID and of["service.instance.id"] == seen["id"], f"{path}: {of}")
    expect(status == 200 and json.loads(text)["resource"] == {**SAID, "process.pid": "1"}, text[:500])


def pyroscope_gets_the_goroutines_of_the_program():
    with Server() as s, daemon(pyroscope=f"http://127.0.0.1:{s.port}") as d, Target("waits") as t, tempfile.TemporaryDirectory() as folder:
        seen = d.looked_at(t.pid)
        d.until(lambda: s.got, "nothing arrives", 40)
        path, headers, body = s.got[0]
        t.go()
        truth = json.loads(t.truth())
        (series,) = json.loads(body)["series"]
        labels = {label["name"]: label["value"] for label in series["labels"]}
        expect(path == "/push.v1.PusherService/Push" and headers["Content-Type"] == "application/json", f"{path} {headers}")
        expect((labels["__name__"], labels["target"], labels["pid"], labels["go_version"]) == ("goroutine", seen["id"], str(t.pid), seen["go"]) and
               labels["service_name"] == seen["exe"].rsplit("/", 1)[1] and all(labels.values()), f"{labels}")
        profile = Path(folder, "x.pb.gz")
        profile.write_bytes(base64.b64decode(series["samples"][0]["rawProfile"], validate=True))
        raw = build.run_go(["tool", "pprof", "-raw", str(profile)], build.TOOLCHAINS[build.MODES_MINOR], folder)
    expect("goroutine/count" in raw, raw[:300])
    counts = [int(n) for n in re.findall(r"^ +(\d+): ", raw.split("Samples:")[1].split("Locations")[0], re.M)]
    expect(sum(counts) == truth["before"], f"{sum(counts)}: the program counts {truth['before']}")


def profiles_of(body):
    """[(attributes of the resource, type, unit, {(functions of a stack, the root first; attributes): count}, seconds)], by the published numbers of fields."""
    request = message(body)
    tables = message(request[2][0])
    texts = [t.decode() for t in tables[5]]
    expect(texts[0] == "" and not any(tables[n][0] for n in (1, 2, 3, 4, 6, 7)), "the first of each table has no value")

    def any_value(data):
        have = message(data)
        return have[1][0].decode() if 1 in have else have[3][0]

    def keyed(data):
        have = message(data)
        return have[1][0] if isinstance(have[1][0], int) else have[1][0].decode(), any_value(have[2][0])

    def function(line):
        return texts[message(tables[3][message(line)[1][0]])[1][0]]

    def stack(index):
        places = packed(message(tables[7][index])[1][0])
        return tuple(function(line) for place in reversed(places) for line in reversed(message(tables[2][place])[3]))
    (of_resource,) = request[1]
    resource = message(of_resource)
    of, found = dict(keyed(a) for a in message(resource[1][0])[1]), []
    for have in map(message, message(resource[2][0])[2]):
        kind, samples = message(have[1][0]), {}
        for sample in have[2]:
            s = message(sample)
            link = message(tables[4][s[3][0]]) if 3 in s else {}
            told = tuple(sorted([*((texts[key], v) for key, v in (keyed(tables[6][i]) for i in packed(s.get(2, [b""])[0]))),
                                 *(("link", (link[1][0].hex(), link[2][0].hex())) for _ in link and [1])]))
            (count,) = packed(s[4][0])
            samples[stack(s[1][0]), told] = samples.get((stack(s[1][0]), told), 0) + count
        found.append((of, texts[kind[1][0]], texts[kind[2][0]], samples, have.get(4, [0])[0] / 1e9))
    return found


def profile_of(body):
    (profile,) = profiles_of(body)
    return profile


def otlp_profiles_are_those_of_the_program():
    with Server() as s, daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("waits") as t:
        seen = d.looked_at(t.pid)
        mine = []
        d.until(lambda: mine.extend(profile_of(body) for path, headers, body in s.got if path == "/v1development/profiles" and
                                    headers["Content-Type"] == "application/x-protobuf" and profile_of(body)[0]["process.pid"] == t.pid) or mine,
                "nothing arrives", 40)
        t.go()
        truth = json.loads(t.truth())
    of, kind, unit, samples, seconds = mine[0]
    expect((of["service.name"], of["process.runtime.version"]) == (seen["exe"].rsplit("/", 1)[1], seen["go"]) and (kind, unit, seconds) == ("goroutine", "count", 0), f"{of} {kind}")
    expect(sum(samples.values()) == truth["before"], f"{samples}: the program counts {truth['before']}")
    expect(any("main." in stack[0] or stack[0] == "runtime.main" for stack, _ in samples) and all(dict(told)["state"] for _, told in samples), f"{samples}")


def otlp_profiles_of_recordings_are_those_of_the_program():
    """Go's sample types. Who waits for ever waits all the time; an object has the bytes that the program says."""
    with Server() as s, daemon("profile", otlp=f"http://127.0.0.1:{s.port}") as d, program() as t:
        seen = d.looked_at(t.pid)
        mine, read = {}, 0

        def came():
            nonlocal read
            for path, _, body in s.got[read:]:
                read += 1
                if path == "/v1development/profiles":
                    mine.update(((kind, unit), (of, samples, seconds)) for of, kind, unit, samples, seconds in profiles_of(body) if of["process.pid"] == t.pid)
            return {("goroutine", "count"), ("contentions", "count"), ("delay", "nanoseconds"), ("alloc_objects", "count"), ("alloc_space", "bytes"),
                    ("samples", "count"), ("cpu", "nanoseconds")} <= set(mine)
        d.until(came, "not all of them arrive", WATCHED)
    expect(len(mine) == 7 and all(of["service.instance.id"] == seen["id"] for of, _, _ in mine.values()), f"{set(mine)}")

    def sum_of(kind, unit, function):
        return sum(n for (stack, _), n in mine[kind, unit][1].items() if function in stack)
    seconds = mine["delay", "nanoseconds"][2]
    samples, ns = (sum(mine[of][1].values()) for of in (("samples", "count"), ("cpu", "nanoseconds")))
    expect(samples and 0.99 < ns / samples / 1e9 * 99 < 20, f"{samples} samples, {ns} ns: each stands for the 99th part of a second, or for more where they cost too much")
    expect(5 < seconds < 20 and mine["contentions", "count"][2] == seconds and mine["goroutine", "count"][2] == 0, f"{seconds}")
    expect(abs(sum_of("delay", "nanoseconds", "main.lost") / 1e9 / (LOST * seconds) - 1) < 0.1, f"{LOST} wait for {seconds} s")
    expect(sum_of("contentions", "count", "main.lost") >= LOST, f"{LOST} wait: {sum_of('contentions', 'count', 'main.lost')}")
    expect(not sum_of("delay", "nanoseconds", "main.stay"), "Go's block profile has no sleep")
    objects = sum_of("alloc_objects", "count", "main.allocate")
    expect(objects > 0 and abs(sum_of("alloc_space", "bytes", "main.allocate") / objects / OBJECT - 1) < 0.01, f"{objects} objects of {OBJECT} bytes")


def logged_as_reported(bodies, groups, pid):
    """One record of OTLP logs for each place, with the evidence of the report."""
    ((of_target,),) = (json.loads(body)["resourceLogs"] for body in bodies)
    (scope,) = of_target["scopeLogs"]
    records = [(r, attributes(r)) for r in scope["logRecords"]]
    expect(attributes(of_target["resource"])["process.pid"] == str(pid) and len(records) == len(groups), f"{records}")
    for g in groups:
        (record, have), = ((r, a) for r, a in records if a["code.function.name"] == g["blocked_at"]["func"])
        expect(record["eventName"] == "parkwatch.leak" and record["severityText"] == "WARN" and g["verdict"] in record["body"]["stringValue"], f"{record}")
        expect((have["parkwatch.leak.verdict"], have["parkwatch.leak.reason"], int(have["parkwatch.leak.count"]), have["parkwatch.leak.why"], have["parkwatch.leak.cure"],
                have["code.file.path"], int(have["code.line.number"]), have["parkwatch.created_by.function.name"], int(have["parkwatch.created_by.line.number"])) ==
               (g["verdict"], g["reason"], g["count"], g["why"], g["cure"],
                g["blocked_at"]["file"], g["blocked_at"]["line"], g["created_by"]["func"], g["created_by"]["line"]), f"{have} {g}")
        since = datetime.datetime.fromisoformat(have["parkwatch.leak.since"].replace("Z", "+00:00")).timestamp()
        expect(0 <= time.time() - since - g["age_s"]["max"] < 300, f"{have} {g['age_s']}")


def the_webhook_gets_a_report_of_each_new_leak():
    command = build.built(build.MODES_MINOR, "static", "leaks")
    with Server() as s, Server() as collector, Target("early-return", command=command) as t, Target("pool", command=command) as healthy, \
            daemon(level="leaks", webhook=f"http://127.0.0.1:{s.port}/hook?key=1", otlp=f"http://127.0.0.1:{collector.port}") as d:
        want = json.loads(t.truth())["leaks"][0]
        seen = d.looked_at(t.pid)
        d.until(lambda: s.got, "nothing arrives", 120)
        d.until(lambda: (d.target(healthy.pid) or {}).get("leaking") is not None, "the other one is not watched", 120)
        report = d.get(f"/api/v1/targets/{seen['id']}/leaks")[2]
        d.until(lambda: any(path == "/v1/logs" for path, _, _ in collector.got), "nothing is logged")
        (path, headers, body), = s.got
    told = json.loads(body)
    logged_as_reported([body for path, _, body in collector.got if path == "/v1/logs"], told["report"]["groups"], t.pid)
    expect(path == "/hook?key=1" and headers["Content-Type"] == "application/json" and told["kind"] == "leak", f"{path} {headers}")
    expect(told["target"]["id"] == seen["id"] and told["target"]["pid"] == t.pid and abs(datetime.datetime.fromisoformat(
        told["time"].replace("Z", "+00:00")).timestamp() - time.time()) < 200, f"{told['target']} {told['time']}")
    expect(told["report"] == json.loads(report) and told["report"]["groups"][0]["start"]["func"] == want["start"], f"{told['report']} {want}")


def a_leak_is_logged_with_the_traces_of_its_requests():
    """Those that the clients sent, and no path."""
    with Server() as s, daemon("leaks", otlp=f"http://127.0.0.1:{s.port}") as d, Target("leaks", command=build.built(build.MODES_MINOR, "stripped", "overdue")) as t:
        fates = json.loads(t.truth())
        leaks = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/leaks"
        d.until(lambda: d.get(leaks)[0] == 200 and any(path == "/v1/logs" for path, _, _ in s.got), "no log record", WATCHED)
        answer = d.get(leaks)
        described([(leaks, answer)])
    bodies = [body.decode() for path, _, body in s.got if path == "/v1/logs"]
    records = [attributes(r) for body in bodies for of in json.loads(body)["resourceLogs"] for r in of["scopeLogs"][0]["logRecords"]]
    told = [({v["stringValue"] for v in have["parkwatch.leak.trace_ids"]["values"]}, int(have["parkwatch.leak.requests"]), int(have["parkwatch.leak.requests_over"]))
            for have in records if "parkwatch.leak.trace_ids" in have]
    expect(told and "/id-" not in "".join(bodies) + answer[2], f"{records}")
    for traces, of, over in told:
        fits = [f for f in fates.values() if traces <= set(f["traces"])]
        expect(len(fits) == 1 and of == fits[0]["count"] and over == (0 if fits[0]["serve"] else of), f"{traces} {of} {over}: {fits}")
    groups = [g["requests"] for g in json.loads(answer[2])["groups"] if g["leak"] and g["requests"] and g["requests"]["trace_ids"]]
    expect(all((set(q["trace_ids"]), q["of"], q["over"]) in told for q in groups), f"{groups}: {told}")


def paths_of_what_leaks_are_told_if_the_configuration_says_so():
    """As of all requests; queries never are."""
    with daemon("leaks", detail=True) as d, Target("leaks", command=build.built(build.MODES_MINOR, "stripped", "overdue")) as t:
        fates = json.loads(t.truth())
        leaks = f"/api/v1/targets/{d.looked_at(t.pid)['id']}/leaks"
        d.until(lambda: d.get(leaks)[0] == 200, "no report", WATCHED)
        answer = d.get(leaks)
        described([(leaks, answer)])
    paths = {r["path"] for g in json.loads(answer[2])["groups"] if g["requests"] for r in g["requests"]["routes"]} - {None}
    expect(paths >= {f"/{kind}" for kind, f in fates.items() if f["leaks"] and f["named"]} and "secret" not in answer[2], f"{paths}")


def what_cannot_be_sent_is_tried_again():
    port = free_port()
    with daemon(otlp=f"http://127.0.0.1:{port}") as d, Target("idle") as t:
        d.looked_at(t.pid)
        d.until(lambda: counted(d, "otlp", "failed_total") >= 2, "it is not tried again", 40)
        expect(counted(d, "otlp", "waiting") >= 1 and counted(d, "otlp", "sent_total") == counted(d, "otlp", "lost_total") == 0, f"{d.metrics()}")
        expect(d.said().count("nothing arrives at the sink otlp") == 1, d.said())
        with Server(port, 503) as s:
            d.until(lambda: s.got, "it is not tried again", 40)
            failed = counted(d, "otlp", "failed_total")
            d.until(lambda: counted(d, "otlp", "failed_total") > failed or len(s.got) > 1, "an answer 503 is taken for good", 40)
            s.answer = 200
            d.until(lambda: counted(d, "otlp", "waiting") == 0, "it does not arrive", 90)
            expect(counted(d, "otlp", "sent_total") >= 1 and counted(d, "otlp", "lost_total") == 0, f"{d.metrics()}")


def what_is_refused_is_lost_and_counted():
    with Server(answer=400) as s, daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("idle") as t:
        d.looked_at(t.pid)
        d.until(lambda: counted(d, "otlp", "lost_total") >= 1, "it is not counted", 30)
        expect(counted(d, "otlp", "sent_total") == 0 and "refuses" in d.said(), d.said())


def what_a_server_does_not_know_is_not_sent_again():
    """As a Collector without profiles: metrics go on."""
    with Server(unknown="/v1development/profiles") as s, daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("idle") as t:
        d.looked_at(t.pid)
        d.until(lambda: counted(d, "otlp", "lost_total") == 1, "it is not counted", 30)
        with Target("idle") as other:
            d.until(lambda: any(path == "/v1/metrics" and f'"intValue":"{other.pid}"'.encode() in body for path, _, body in s.got), "no metrics of the other one", 40)
            d.looked_at(t.pid)
        profiles = [path for path, _, _ in s.got if "profiles" in path]
        expect(len(profiles) == 1 and counted(d, "otlp", "lost_total") == 1, f"{profiles} {d.said()}")
        expect(d.said().count("does not take profiles: status 404") == 1 == d.said().count("the sink otlp"), d.said())


def a_server_that_says_nothing_holds_up_nobody():
    with Server(answer=60.0) as s, daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("idle") as t:
        d.looked_at(t.pid)
        d.until(lambda: s.got, "nothing is sent", 30)
        slowest = 0
        for _ in range(20):
            began = time.monotonic()
            expect(d.get("/metrics")[0] == 200, "no answer")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
        expect(slowest < 1, f"{slowest:.2f} s")
        d.until(lambda: counted(d, "otlp", "failed_total") >= 1, "it waits for ever", 40)


def a_server_that_answers_badly_loses_nothing():
    """It closes in the middle, then asks for time, then never ends its answer: that it took it is known by then."""
    sent = []

    def answers(connection, before):
        if before == 0:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        elif before == 1:
            connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            sent.append(0)
            for _ in range(10 << 10):    # 10 GB, if somebody takes it
                connection.sendall(b"x" * (1 << 20))
                sent[-1] += 1 << 20

    with Rude(answers) as s, daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("idle") as t:
        d.looked_at(t.pid)
        d.until(lambda: counted(d, "otlp", "sent_total") >= 1, "it does not arrive", 60)
        expect(counted(d, "otlp", "failed_total") == 2 and counted(d, "otlp", "lost_total") == 0, d.said())
        expect(s.at[2] - s.at[1] >= 5, f"tried again after {s.at[2] - s.at[1]} s")
        expect(sent[0] <= 16 << 20, f"{sent[0]} bytes of an answer were read")
        expect(d.said().count("the sink otlp") == 1, d.said())


def a_redirect_is_not_followed():
    with Server() as elsewhere, Rude(lambda c, _: c.sendall(
            f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())) as s, \
            daemon(otlp=f"http://127.0.0.1:{s.port}") as d, Target("idle") as t:
        d.looked_at(t.pid)
        d.until(lambda: counted(d, "otlp", "lost_total") >= 2, "it is not counted", 40)
        expect(not elsewhere.got and counted(d, "otlp", "sent_total") == 0, f"{elsewhere.got}")
        expect(d.said().count("status 307, which is to go elsewhere") == 1 == d.said().count("the sink otlp"), d.said())


def a_wrong_certificate_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{name}.pem" for name in ("certificate", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        with Rude(lambda c, _: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), context) as s, \
                daemon(otlp=f"https://localhost:{s.port}") as d, Target("idle") as t:
            d.looked_at(t.pid)
            d.until(lambda: counted(d, "otlp", "failed_total") >= 2, "it is not tried", 40)
            expect(not s.at and counted(d, "otlp", "sent_total") == 0, f"{s.at}")
            expect("certificate" in d.said() and d.said().count("the sink otlp") == 1, d.said())


ALL = {f.__name__: f for f in (
    pyroscope_gets_the_goroutines_of_the_program, the_webhook_gets_a_report_of_each_new_leak, a_leak_is_logged_with_the_traces_of_its_requests,
    paths_of_what_leaks_are_told_if_the_configuration_says_so,
    otlp_metrics_are_those_of_the_program, what_the_program_says_of_itself_is_its_resource,
    otlp_profiles_are_those_of_the_program, otlp_profiles_of_recordings_are_those_of_the_program, what_cannot_be_sent_is_tried_again, what_is_refused_is_lost_and_counted,
    what_a_server_does_not_know_is_not_sent_again, a_server_that_says_nothing_holds_up_nobody,
    a_server_that_answers_badly_loses_nothing, a_redirect_is_not_followed, a_wrong_certificate_is_refused)}


def cases():
    for function in ALL.values():
        yield f"servesinks: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
