# SPDX-License-Identifier: BSD-2-Clause
"""requesttruth: what is said of which request a goroutine works for, against programs in which every goroutine knows it.

A statement is wrong if any word of it is not so, and a goroutine that holds no request must have none. Nothing said is never wrong,
but of those that hang and hold a request at most one of twenty may be left out. The programs are in progs/requests and
progs/frameworks.
"""
import collections
import json
import re
import time
import urllib.parse

import build
from dump import dump
from target import LIMIT, Target, expect, parkwatch

VERSIONS = [17, 19, 22, 24, 26, 27]
MODES = ["static", "pie", "cgo", "race"]
BUILDS = [(minor, "stripped") for minor in VERSIONS] + [(build.MODES_MINOR, mode) for mode in MODES]
SHARE = 0.95          # of the goroutines that hang and hold a request must be told
LATE = 10             # seconds that a look may take
LOOKS = 6             # at least, at a program that works
LEAST = 300           # statements in them all
AFTERWARDS = 5 * 10**9    # ns in which what is over may still be in hand: who lets it go has no processor

# What package net/http makes for its clients: it has what they sent, and with it the context of a request that they sent it for.
OF_CLIENTS = re.compile(r"net/http\.\(\*(persistConn|Transport|http2\w+|wantConn)\)|net/http\.setRequestCancel|net/http/internal/http2\.|golang\.org/x/net/http2\.\(\*clientStream\)")


def plain_path(path):
    return urllib.parse.unquote(path) if path else path


class Truth:
    def __init__(self, line):
        told = json.loads(line)
        self.requests, self.helpers = told["requests"], told["helpers"] or {}
        self.outgoing = {o["path"]: o for o in told["outgoing"]}
        self.goroutines = {g["goid"]: g for g in told["goroutines"]}
        self.looked = 0    # when, seconds since 1970

    def live(self):
        return {path: q for path, q in self.requests.items() if not q["over"]}

    def holds(self, goid, start):
        """Requests that may be said of it as in its hands; of one that is not ours: those that it may have."""
        if goid in self.goroutines:
            return self.goroutines[goid]["holds"] or []
        if start and OF_CLIENTS.match(start):
            return [o["for"] for o in self.outgoing.values() if o["for"]]
        cases = [c for name, some in self.helpers.items() if start and start.startswith(name) for c in some]
        return [path for path in self.requests if path.split("/")[1] in cases]

    def wrong(self, goid, start, parent, said):
        """Why what is said is not so; None: it is so."""
        if said["kind"] == "outgoing":
            return self.wrong_outgoing(goid, start, said)
        if said["path"] is None:    # what is over may have left nothing but its context
            over = [h for h in self.holds(goid, start) if self.requests[h]["over"]]
            return None if said["over"] and said["relation"] == "of" and over else f"it holds {self.holds(goid, start)}"
        path = plain_path(said["path"])
        q, known = self.requests.get(path), self.goroutines.get(goid)
        if q is None:
            return "there is no such request"
        return self.wrong_request(q, known, said) or self.wrong_relation(path, goid, start, parent, said)

    def wrong_outgoing(self, goid, start, said):
        path = plain_path(said["path"])
        o, known, q = self.outgoing.get(path), self.goroutines.get(goid), self.requests.get(path)
        if o is None or said["method"] != o["method"]:
            return "no such request was sent"
        if q and (said["scheme"] != q["scheme"] or said["host"] != q["host"] and "proxied" not in path):    # a proxy keeps the client's Host
            return f"it was sent to {q['scheme']}://{q['host']}"
        if known is None:
            return None if start and OF_CLIENTS.match(start) else "it is no client's"
        if known["calls"] == o["path"] or o["for"] and o["for"] == known["serves"]:
            return None
        return f"it calls {known['calls'] or 'nobody'}"

    def wrong_request(self, q, known, said):
        trace, span = (known["trace_id"], known["span_id"]) if known else ("", "")
        for key, right in (("kind", [q["kind"]]), ("method", [q["method"]]), ("over", [q["over"]]),
                           ("route", [*q["routes"], *(f"{q['method']} {r}" for r in q["routes"])]),
                           ("trace_id", [trace or q["trace_id"], q["trace_id"]]),
                           ("span_id", [span or q["parent_span"]]), ("span", [known["span"] if known else ""])):
            if said.get(key) is not None and said[key] not in [r for r in right if r != ""]:
                return f"{key} is {right}"
        passed = said.get("deadline_passed_s")
        if passed is not None and known and (not known["deadline"] or abs(self.looked - known["deadline"] - passed) > LATE):
            return f"its deadline is {known['deadline'] - self.looked:.1f} s from then" if known["deadline"] else "it has no deadline"
        return None

    def wrong_relation(self, path, goid, start, parent, said):
        """The words: serves, of, made in, awaited by."""
        q, known, holds = self.requests[path], self.goroutines.get(goid), self.holds(goid, start)
        live = {h for h in holds if not self.requests[h]["over"]}
        if said.get("made_by_it") and parent != q["served_by"] and (not known or known["made_in"] != path):
            return f"it was made by goroutine {parent}"
        if said["relation"] == "serves":
            return None if q["served_by"] == goid and not q["over"] else "it does not serve it"
        if known and known["serves"] == path:
            return "it serves it"
        if said["relation"] == "of":
            if path not in holds:
                return f"it holds {holds or 'none'}"
            return None if not known or known["either"] or live <= {path} else f"it holds {sorted(live)}"
        if said["relation"] == "made in":
            if q["kind"] == "http" or q["over"]:
                return "who served it may have served others"
            if known:
                return None if known["made_in"] == path and live <= {path} else "it was not, or holds another"
            return None if parent == q["served_by"] else f"it was made by goroutine {parent}"
        if said["relation"] == "awaited by":
            return None if known and path in (known["awaited"] or []) and not live else "it is not, or holds one"
        return "no such relation"


class Verdicts:
    """What is to be found wrong of one look."""

    def __init__(self, truth):
        self.truth, self.wrong, self.said = truth, [], collections.Counter()
        self.missing = {"requests": [], "calls": [], "awaited": []}    # cases that must be told, and are not

    def add(self, g, said):
        goid, start = g["goid"], start_of(g)
        why = self.truth.wrong(goid, start, g["parent_goid"], said)
        self.said[said["kind"] if said["kind"] == "outgoing" else said["relation"]] += 1
        if why:
            known = self.truth.goroutines.get(goid)
            words = {k: v for k, v in said.items() if k != "goroutines"}
            self.wrong.append(f"goroutine {goid} ({known['case'] if known else start}) is said to be of {json.dumps(words)}: {why}")

    def miss(self, known, g):
        if known["must"] and not g["request"]:
            self.missing["requests"].append(known["case"])
        if known["calls"] and not g["calls"] and "/writing/" not in known["calls"]:    # that answer has begun
            self.missing["calls"].append(known["case"])
        if known["awaited"] and not g["request"]:
            self.missing["awaited"].append(known["case"])

    def check_share(self):
        gs = self.truth.goroutines.values()
        for what, must in (("requests", "must"), ("calls", "calls"), ("awaited", "awaited")):
            wanted, missing = sum(bool(g[must]) for g in gs), self.missing[what]
            expect(wanted - len(missing) >= SHARE * wanted, f"{what}: {wanted - len(missing)} of {wanted} are told; not these: {collections.Counter(missing)}")

    def check(self):
        expect(not self.wrong, f"{len(self.wrong)} statements of {sum(self.said.values())} are wrong: " + "; ".join(self.wrong[:5]))


def start_of(g):
    return g["start"]["func"] if g["start"] else None


def looked(truth, pid):
    """goid -> object of a dump with requests."""
    out, _ = dump(pid, "--requests", "--format", "jsonl")
    truth.looked = time.time()
    expect("secret" not in out, "the query is told")
    return {g["goid"]: g for g in map(json.loads, out.splitlines())}


def judged(truth, goroutines):
    v = Verdicts(truth)
    for goid, g in goroutines.items():
        known = truth.goroutines.get(goid)
        if g["request"]:
            v.add(g, g["request"])
        if g["calls"]:
            v.add(g, g["calls"])
        if known:
            v.miss(known, g)
        if not g["request"] and "trace_id" in g:
            said = tuple(g[key] for key in ("trace_id", "span_id", "span"))
            right = tuple(known[key] for key in ("trace_id", "span_id", "span")) if known else None
            v.said["traced"] += 1
            if said != right:
                v.wrong.append(f"goroutine {goid} ({known['case'] if known else start_of(g)}) is said to be in {said}, and is in {right}")
        if known and not g["request"] and g.get("requests_in_hand"):
            most = len(set(known["holds"] or [])) + bool(known["calls"])
            if g["requests_in_hand"] > most:
                v.wrong.append(f"goroutine {goid} ({known['case']}) is said to hold {g['requests_in_hand']} requests, and holds {known['holds']}")
    return v


def listed(truth, report, goroutines, v):
    """The verdicts on `requests`, and the requests that it has not."""
    began = set()
    for over, key in ((False, "requests"), (True, "over")):
        for q in report[key]:
            if q["kind"] == "outgoing":
                for g in q["goroutines"]:
                    expect(g["relation"] == "calls", f"of a request that was sent: {g}")
                    v.add(goroutines[g["goid"]], q)
                continue
            path = plain_path(q["path"])
            if path in began and not over:
                v.wrong.append(f"{path} is listed twice")
            began |= set() if over else {path}
            if q.get("age_s") is not None:
                span_began = truth.goroutines[q["served_by"]]["began"]
                if not truth.began_to_look - 0.001 <= span_began + q["age_s"] <= truth.looked + 0.001:
                    v.wrong.append(f"{path} is said to be {q['age_s']} s old, and its span began {truth.looked - span_began} s ago")
            if q.get("served_by") and not over:
                v.add(goroutines[q["served_by"]], {**q, "relation": "serves", "over": False})
            deadlines = [g["deadline"] - truth.looked for g in truth.goroutines.values() if path in (g["holds"] or []) and g["deadline"]]
            if q.get("deadline_s") is not None and not any(abs(d - q["deadline_s"]) < LATE for d in deadlines):
                v.wrong.append(f"the deadline of {path} is said to be {q['deadline_s']} s from then, and is {deadlines}")
            for g in q["goroutines"]:
                own = {key: g[key] for key in ("trace_id", "span_id", "span")}
                v.add(goroutines[g["goid"]], {**q, **own, "relation": g["relation"], "over": over})
    return truth.live().keys() - began


def unsaid_spans(truth, goroutines):
    """Goroutines whose innermost span is not told, though a variable of theirs leads to it: who waits for Done has none any more."""
    unsaid = []
    for goid, known in truth.goroutines.items():
        said = goroutines[goid]["request"] or goroutines[goid]
        if known["span"] and (known["must"] or not known["holds"]) and not known["case"].endswith("-done") and said.get("span_id") != known["span_id"]:
            unsaid.append(known["case"])
    return unsaid


def unsaid_of_frameworks(truth, goroutines):
    """Clients of gRPC and of x/net whose call is not told, and goroutines that have nothing in hand, made by who serves one request, of which that is not."""
    unsaid = []
    for goid, known in truth.goroutines.items():
        g, kind = goroutines[goid], truth.requests[known["made_in"]]["kind"] if known["made_in"] else None
        if known["case"] in ("grpc-client", "x-net-client") and not g["calls"]:
            unsaid.append(known["case"])
        if known["case"].endswith("-made") and kind in ("grpc", "http2") and (g["request"] or {}).get("relation") != "made in":
            unsaid.append(known["case"])
    return unsaid


def what_frameworks_know_is_said(kind, command):
    """Each span, each route, each call of theirs, and who made what has nothing in hand."""
    with Target(kind, command=command) as t:
        truth = Truth(t.truth())
        goroutines = looked(truth, t.pid)
        code, out, said = parkwatch("requests", "-p", t.pid, "-f", "json")
    expect(code == 0, f"requests: exit {code}: {said}")
    spans = sum(bool(g["span"]) for g in truth.goroutines.values())
    expect(spans, "nobody is in a span")
    expect({"calls": "grpc-client", "routers": "x-net-client"}.get(kind, "client") in {g["case"] for g in truth.goroutines.values()}, "there is no such client")
    nothing = unsaid_of_frameworks(truth, goroutines)
    expect(not nothing, f"of these nothing is said: {collections.Counter(nothing)}")
    unsaid = unsaid_spans(truth, goroutines)
    expect(not unsaid, f"of {spans} spans these are not said: {collections.Counter(unsaid)}")
    routeless = [g["request"]["path"] for g in goroutines.values() if g["request"] and not g["request"]["over"] and not g["request"]["route"]]
    expect(not routeless, f"requests without a route: {sorted(set(routeless))}")
    ageless = [q["path"] for q in json.loads(out)["requests"] if q["served_by"] and truth.goroutines[q["served_by"]]["began"] and q["age_s"] is None]
    expect(not ageless, f"requests of which a span began, and no age is said: {ageless}")


def untold_headers(truth, goroutines):
    """Requests that came with a traceparent, and are said to be served, and to be in no trace."""
    return [path for path, q in truth.live().items() if q["trace_id"] and (goroutines[q["served_by"]]["request"] or {"trace_id": "?"})["trace_id"] is None]


def in_trace(truth, digits):
    """Goroutines that must be told to be in a trace whose id begins so, and those that may: by themselves, or by a request."""
    must, may = set(), set()
    for goid, g in truth.goroutines.items():
        own = g["trace_id"].startswith(digits)
        if own or any(truth.requests[path]["trace_id"].startswith(digits) for path in (*(g["holds"] or []), g["serves"], g["made_in"]) if path):
            may.add(goid)
        if own and g["must"] and not g["case"].endswith("-done"):
            must.add(goid)
    return must, may


def only_what_is_in_a_trace_is_shown():
    """By the id of a span's trace, and of a header's; whole, and as it begins."""
    with Target("routers", command=build.built_with_modules("frameworks")) as t:
        truth = Truth(t.truth())
        traces = {g["trace_id"] for g in truth.goroutines.values()} - {""}
        shown = {}
        for trace in (min(traces), max(traces)):    # a header's has many zeros
            for digits in (trace, trace[:31].upper()):
                out, _ = dump(t.pid, "--requests", "--trace", digits, "--format", "jsonl")
                goroutines = [json.loads(line) for line in out.splitlines()]
                shown[digits] = {g["goid"] for g in goroutines}
                code, out, said = parkwatch("requests", "-p", t.pid, "--trace", digits, "-f", "json")
                expect(code == 0, f"requests: exit {code}: {said}")
                listed = {g["goid"] for key in ("requests", "over") for q in json.loads(out)[key] for g in q["goroutines"]}
                of_requests = {g["goid"] for g in goroutines if g["request"]}
                expect(listed == of_requests, f"requests --trace {digits} lists {listed}, dump {of_requests}")
        none, _ = dump(t.pid, "--requests", "--trace", "f" * 32, "--format", "jsonl")
    expect(not none, "goroutines in a trace that there is not")
    for digits, goids in shown.items():
        must, may = in_trace(truth, digits.lower())
        expect(goids and must <= goids <= may, f"--trace {digits} shows {sorted(goids)}, and not {sorted(must)} to {sorted(may)}")


def what_the_process_says_that_it_is_is_told():
    """By its environment; what it publishes wins."""
    env = {"OTEL_SERVICE_NAME": "by its environment", "OTEL_RESOURCE_ATTRIBUTES": "service.name=nobody, service.namespace = shop%20one ,bad,=worse"}
    for published, name in (("", "by its environment"), ("by itself", "by itself")):
        with Target("calls", command=build.built_with_modules("frameworks"), env={**env, "PUBLISHED_NAME": published}) as t:
            t.truth()
            code, out, said = parkwatch("requests", "-p", t.pid, "-f", "json")
            _, text, _ = parkwatch("requests", "-p", t.pid)
        expect(code == 0, f"requests: exit {code}: {said}")
        right = {"service.name": name, "service.namespace": "shop one", **({"service.instance.id": "instance 1"} if published else {})}
        expect(json.loads(out)["resource"] == right, f"it is {right}, and is said to be {json.loads(out)['resource']}")
        expect(f"service '{name}'" in text.splitlines()[0], f"the first line is {text.splitlines()[0]}")


def all_that_is_said_is_true(kind, command):
    with Target(kind, command=command) as t:
        truth = Truth(t.truth())
        goroutines = looked(truth, t.pid)
        v = judged(truth, goroutines)
        truth.began_to_look = time.time()
        code, out, said = parkwatch("requests", "-p", t.pid, "-f", "json")
        truth.looked = time.time()
    expect(code == 0, f"requests: exit {code}: {said}")
    expect("secret" not in out, "the query is told")
    v.check()
    v.check_share()
    left_out = listed(truth, json.loads(out), goroutines, v)
    v.check()
    untraced = untold_headers(truth, goroutines)
    expect(not untraced, f"requests that have a traceparent, and no trace is said: {untraced[:10]}")
    expect(not left_out, f"requests that are served and not listed: {sorted(left_out)[:10]}")


class Log:
    """What a program that works wrote down: who had which request from when to when, in ns since 1970."""

    def __init__(self, line):
        told = json.loads(line)
        self.requests, self.rate = told["requests"], len(told["requests"]) / told["seconds"]
        self.goroutines = collections.defaultdict(list)
        for goid, *hold in told["holds"]:
            self.goroutines[goid].append(hold)

    def wrong(self, goid, start, said, began, ended):
        """Why it was not so at any moment between those two."""
        m = re.fullmatch(r"/load/(\d+)", said["path"])
        if not m or int(m[1]) >= len(self.requests):
            return "there is no such request"
        n = int(m[1])
        sent, left, done = self.requests[n]
        if said["kind"] == "outgoing":
            of_client = any(h[0] == n and h[1] == "calls" for h in self.goroutines[goid]) or start and OF_CLIENTS.match(start)
            return None if of_client and sent <= ended and done + AFTERWARDS >= began else "it did not send it then"
        if said["over"] and left > ended or not said["over"] and left + AFTERWARDS < began:
            return f"over is not {said['over']}"
        if said.get("method") not in (None, "GET") or said.get("route") not in (None, "/load/{id}", "/load/"):
            return "there is no such route"
        if said["trace_id"] not in (None, f"{n + 1:032x}"):
            return "it is in another trace"
        if said["relation"] == "serves" and not said["over"]:
            return self.had(goid, n, "serves", began, ended)
        return self.had(goid, n, "of", began, ended)

    def had(self, goid, n, relation, began, ended):
        """It may have it since the client sent it, and until it told that it had the next."""
        holds = self.goroutines[goid]
        for i, (m, word, _, left) in enumerate(holds):
            until = min(left + AFTERWARDS, holds[i + 1][2] if i + 1 < len(holds) else left + AFTERWARDS)    # left 0: it still had it when this was told
            if m == n and word == relation and self.requests[n][0] <= ended and (until >= began or not left):
                return None
        return f"it had {[(m, word) for m, word, at, left in holds if at <= ended and left >= began]}"


def look_at_work(pid):
    """(when it began, statements, when it had ended)"""
    began = time.time_ns()
    code, out, said = parkwatch("dump", "-p", pid, "--requests", "-f", "jsonl")
    expect(code == 0, f"dump: exit {code}: {said}")
    gs = [json.loads(line) for line in out.splitlines()]
    return began, [(g["goid"], start_of(g), g[key]) for g in gs for key in ("request", "calls") if g[key]], time.time_ns()


def while_it_works(command, least):
    """(statements, what is wrong of them, requests a second)"""
    began = time.monotonic()
    with Target("load", command=command) as t:
        looks, count = [], 0
        while len(looks) < LOOKS or count < least:    # a look takes long, and most is over before its end, where others have the processors
            looks.append(look_at_work(t.pid))
            count += len(looks[-1][1])
            expect(time.monotonic() - began < LIMIT, f"{count} statements in {len(looks)} looks of {LIMIT} s")
        t.process.stdin.write("\n")
        t.process.stdin.flush()
        log = Log(t.truth())
    expect(any(said.get("trace_id") for _, statements, _ in looks for _, _, said in statements), "no trace is said, and each request came with one")
    return count, [f"goroutine {goid} ({start}) is said to be of {json.dumps(said)}: {why}" for since, statements, until in looks
                   for goid, start, said in statements for why in [log.wrong(goid, start, said, since, until)] if why], log.rate


def what_is_said_while_it_works_was_so_then(minor):
    """5,000 requests a second, where there is a processor for them."""
    count, wrong, rate = while_it_works(build.built(minor, "stripped", "requests"), LEAST)
    expect(not wrong, f"{len(wrong)} statements of {count} are wrong, at {rate:.0f} requests a second: " + "; ".join(wrong[:5]))


def cases():
    for minor, mode in BUILDS:
        yield f"requests: all_that_is_said_is_true [go1.{minor} {mode}]", lambda m=minor, o=mode: all_that_is_said_is_true("hang", build.built(m, o, "requests"))
    for program, kind in (("frameworks", "routers"), ("frameworks", "calls"), ("datadog", "traced")):
        yield (f"requests: all_that_is_said_is_true [{kind}]",
               lambda p=program, k=kind: all_that_is_said_is_true(k, build.built_with_modules(p)))
        yield f"requests: what_frameworks_know_is_said [{kind}]", lambda p=program, k=kind: what_frameworks_know_is_said(k, build.built_with_modules(p))
    yield "requests: only_what_is_in_a_trace_is_shown", only_what_is_in_a_trace_is_shown
    yield "requests: what_the_process_says_that_it_is_is_told", what_the_process_says_that_it_is_is_told
    for minor in (19, 27):
        name = f"requests: what_is_said_while_it_works_was_so_then [go1.{minor}]"
        yield name, lambda m=minor: what_is_said_while_it_works_was_so_then(m)
