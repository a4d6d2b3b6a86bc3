# SPDX-License-Identifier: BSD-2-Clause
"""openapi: user/serve/openapi.json is what `parkwatch serve` answers. What takes long to come (leaks, profiles) is checked where it is waited for anyway: serve.py, servehistory.py."""
import contextlib
import json
import sys

import build
from described import described, document, resolved
from serve import LOOK, Daemon, alone, main
from servehttp import TOKEN, bearer, guarded
from target import Target, expect

ELSEWHERE = {"/api/v1/events/stream", "/api/v1/targets/{id}/leaks", "/api/v1/targets/{id}/profile", "/api/v1/targets/{id}/diff"}


def nodes(node, at="#"):
    yield at, node
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from nodes(child, f"{at}/{key}")


def it_is_whole():
    """References lead somewhere and all is referred to; every object says all its members, and every member what it is."""
    doc = document()
    expect(doc["openapi"].startswith("3.1.") and doc["info"]["title"] == "parkwatch", "it is no OpenAPI 3.1")
    used = set()
    for at, node in nodes(doc):
        if not isinstance(node, dict):
            continue
        if isinstance(node.get("$ref"), str):
            used.add(node["$ref"])
            resolved(doc, node)
        if node.get("type") == "object" and at != "#/paths/~1api~1v1~1openapi.json" and "properties" in node:
            expect(node["additionalProperties"] is False and set(node.get("required", ())) <= set(node["properties"]), f"{at}: members that are not known could come")
            for name, member in node["properties"].items():
                expect("$ref" in member or member.get("description") or "$ref" in member.get("items", {}), f"{at}: {name} is not described")
        if "in" in node and "schema" in node:
            expect(node["description"] and (node["in"] == "query" or node["required"]), at)
    for kind, members in doc["components"].items():
        for name in members:
            expect(kind == "securitySchemes" or f"#/components/{kind}/{name}" in used, f"{kind}/{name} is not used")
    ids = [op["operationId"] for path in doc["paths"].values() for op in path.values()]
    expect(len(ids) == len(set(ids)), f"{ids}")
    for path, methods in doc["paths"].items():
        expect(list(methods) == ["get"], path)
        names = {resolved(doc, p)["name"] for p in methods["get"].get("parameters", ())}
        expect(("{id}" in path) == ("id" in names), path)
        expect(("401" in methods["get"]["responses"]) == (not path.startswith("/-/")), path)


def answers_are_as_described():
    with contextlib.ExitStack() as stack:
        d = stack.enter_context(Daemon())
        knots = stack.enter_context(Target("deadlocks", command=build.built(26, "static", "knots")))
        waits = stack.enter_context(Target("waits"))
        web = stack.enter_context(Target("hang", command=build.built(26, "static", "requests")))
        answers = []

        def ask(path, *args):
            answers.append((path, d.get(path, *args)))
            return answers[-1][1]
        began, other, served = (f"/api/v1/targets/{d.looked_at(t.pid)['id']}" for t in (knots, waits, web))
        expect(json.loads(ask("/api/v1/openapi.json")[2]) == document(), "another one is served")
        for path in ("/metrics", "/sd", "/api/v1/targets", "/api/v1/targets?history=10m", "/api/v1/events", "/-/healthy", "/-/ready", began, f"{began}/goroutines",
                     f"{other}/goroutines?top=5&sort=age", f"{other}/history", f"{other}/history?span=48h", f"{served}/requests", f"{served}/goroutines"):
            expect(ask(path)[0] == 200, f"{answers[-1]}")
        expect(ask("/metrics", {"Accept": "application/openmetrics-text"})[0] == 200, "no OpenMetrics")
        for by in ("site", "stack", "wait", "object", "label"):
            expect(ask(f"{other}/goroutines?group={by}")[0] == 200 and ask(f"{began}/goroutines?group={by}&top=3")[0] == 200, by)
        wrong = {"/api/v1/targets/none": 404, "/metrics?target=none": 404, f"{other}/goroutines?older=soon": 400, f"{other}/history?span=3d": 400, "/api/v1/targets?history=3d": 400,
                 f"{other}/chans": 404, f"{other}/leaks": 404, f"{other}/profile?from=2&to=1": 400, f"{other}/profile?view=nothing&from=1&to=2": 404, f"{other}/profile?from=1&to=2": 404}
        pprof = f"target={other.rpartition('/')[2]}"
        expect(ask(f"/debug/pprof/goroutine?{pprof}&debug=1")[0] == 200, f"{answers[-1]}")
        wrong.update({f"{other}/requests": 404, f"{served}/requests?trace_id=x": 400})
        wrong.update({f"/debug/pprof/block?{pprof}&seconds=1": 403, f"/debug/pprof/mutex?{pprof}": 403, "/debug/pprof/goroutine": 400, f"/debug/pprof/block?{pprof}": 403})
        wrong.update({f"/api/v1/targets/none/{what}": 404 for what in ("leaks", "chans", "goroutines", "requests", "history", "profile")})
        for path, want in wrong.items():
            expect(ask(path)[0] == want, f"{path}: {answers[-1]}")
        for path in ("/api/v1/targets", "/metrics", "/-/healthy"):
            expect(ask(path, {"Host": "example.com"})[0] == 403 and ask(path, None, "POST")[0] == 405, path)
        d.until(lambda: d.get(f"{began}/chans")[0] == 200, "no locks", 6 * LOOK)
        locks = json.loads(ask(f"{began}/chans")[2])
        expect(locks["deadlocks"] and locks["locks"], "nothing to check")
        well = described(answers)
        left = set(document()["paths"]) - well - ELSEWHERE
        expect(not left, f"not asked for with success: {left}")


def so_is_what_a_token_guards():
    with guarded() as (d, _):
        paths = [path for path in document()["paths"] if "{" not in path and not path.endswith("/stream")]    # that one has no end: servelive
        answers = [(path, d.get(path, headers)) for path in paths for headers in ({}, {"Accept": "text/html"}, bearer(TOKEN + "x"), bearer(TOKEN))]
        answers += [(path, d.get(path)) for path in ("/api/v1/targets/none", "/api/v1/targets/none/goroutines")]
    described(answers)
    expect({a[0] for path, a in answers if not path.startswith("/-/")} == {200, 401}, f"{[(p, a[0]) for p, a in answers]}")


ALL = {f.__name__: f for f in (it_is_whole, answers_are_as_described, so_is_what_a_token_guards)}


def cases():
    for function in ALL.values():
        yield f"openapi: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
