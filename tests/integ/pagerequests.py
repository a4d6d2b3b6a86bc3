# SPDX-License-Identifier: BSD-2-Clause
"""pagerequests: the view of requests on the page of `parkwatch serve`, in a real Chromium: of a program that hangs with some hundred of them."""
import sys

from page import goroutines, shot, shown
from serve import alone, main
from serverequests import asked, serving
from target import expect

EVIL = "<img src=x onerror=window.hurt=1>'\"&<b>"
ROWS = ["value", "Array.from(document.querySelectorAll('[data-request]'), (row) => row.dataset.request)"]
FALL = ["value", """Array.from(document.querySelectorAll('[data-goroutine]'), (row) => [Number(row.dataset.goroutine), Number(row.dataset.depth),
    Array.from(row.querySelectorAll('[data-held-by]'), (by) => Number(by.dataset.heldBy)), row.querySelectorAll('.bar rect').length, row.querySelectorAll('.bar line').length])"""]
UNHURT = ["value", "[window.hurt ?? null, document.querySelectorAll('#app img, #app script, #app b b').length, document.documentElement.scrollWidth <= innerWidth]"]


FIRST = 200    # requests of a kind


def name_of(q):
    return f"{'sent-' if q['kind'] == 'outgoing' else ''}{q['goroutines'][0]['goid']}"


def of_case(report, case):
    return next(q for q in report["requests"] if (q["path"] or "").startswith(f"/{case}/"))


def each_is_there_and_who_waits_for_whom():
    with serving(detail=True, still=True) as (d, t, truth, target):
        report = asked(d, target + "/requests")
        seen = {"id": target.rpartition("/")[2]}
        parents = {g["goid"]: g["parent_goid"] for g in goroutines(d, seen)}
        path = f"/?target={seen['id']}&view="
        spawning, locked, late = of_case(report, "spawning"), of_case(report, "locked"), next(q for q in report["requests"] if (q["deadline_s"] or 0) < 0)
        waits, holds = [g["goid"] for g in spawning["goroutines"] if parents[g["goid"]] == spawning["served_by"]][:2]
        lock = {"addr": "0xc000123456", "kind": "mutex", "state": None, "waiters": [{"goid": waits}], "holders": [{"goid": holds}, {"goid": locked["served_by"]}]}
        chans = {"channels": [], "deadlocks": [], "locks": [lock]}
        button = f"document.querySelector('[data-request=\"{name_of(spawning)}\"] button')"
        rows, at, fall, light, dark, again, held, passed, some, pressed = shown(
            d, ["go", path + "requests"], ["wait", "[data-request]"], ROWS, ["value", f"({button}.focus(), null)"], ["key", "Enter"], ["wait", ".waterfall summary"],
            ["wait", "[data-held-by]"],
            ["value", "location.search"], FALL, shot("requests"), ["value", "getComputedStyle(document.body).backgroundColor"], ["dark"],
            ["value", "getComputedStyle(document.body).backgroundColor"], shot("requests-dark"),
            ["go", f"{path}requests&request={name_of(spawning)}"], ["wait", ".waterfall summary"], ["wait", "[data-held-by]"], FALL,
            ["texts", f"[data-goroutine='{waits}'] td:nth-child(5)"],
            ["go", f"{path}requests&request={name_of(late)}"], ["wait", ".waterfall summary"], FALL,
            ["go", f"{path}requests&route=/spawning/*"], ["wait", "[data-request]"], ROWS,
            ["go", path + "leaks"], ["wait", "nav"], ["key", "6"], ["wait", "[data-request]"], ["value", "location.search"], stubs={"/chans$": chans})
    served, sent = ([name_of(q) for q in report["requests"] if (q["kind"] == "outgoing") == out] for out in (False, True))
    expect(rows == [*served[:FIRST], *sent[:FIRST], *map(name_of, report["over"][:FIRST])], f"{rows}: {served} {sent}")
    expect(f"request={name_of(spawning)}" in at and again == fall and light != dark, f"{at} {again} {fall} {light} {dark}")
    expect(sorted(row[0] for row in fall) == sorted(g["goid"] for g in spawning["goroutines"]) and fall[0][:2] == [spawning["served_by"], 0], f"{fall}: {spawning}")
    depths, order = depths_of(fall), [row[0] for row in fall]
    for goid, depth in depths.items():
        above = waits if goid == holds else parents[goid]
        expect(goid == spawning["served_by"] or (depth == depths[above] + 1 if above in depths else depth == 0), f"goroutine {goid}: {fall}")
    expect(order.index(holds) == order.index(waits) + 1 and [row[2] for row in fall if row[2]] == [[holds, locked["served_by"]]], f"{waits} waits for {holds}: {fall}")
    expect(f"held by goroutine {holds}" in held[0] and f"held by goroutine {locked['served_by']} of {locked['method']} {locked['path']}" in held[0], f"{held}")
    expect(any(row[4] for row in passed) or not any(g["wait_ns"] and g["wait_ns"] > -1e9 * late["deadline_s"] for g in late["goroutines"]), f"{passed}: {late}")
    wanted = {name_of(q) for q in report["requests"] + report["over"] if "spawning" in (q["route"] or q["path"] or "")}
    expect(name_of(spawning) in some and set(some) <= wanted, f"{some}: {wanted}")
    expect("view=requests" in pressed, pressed)


def depths_of(fall):
    return {row[0]: row[1] for row in fall}


def requests_and_goroutines_lead_to_each_other():
    """A trace to its goroutines; a request to those that it waits for, and to what it sends; that to whom it is for."""
    with serving(detail=True, still=True) as (d, t, truth, target):
        report = asked(d, target + "/requests")
        id, served = target.rpartition("/")[2], [q for q in report["requests"] if q["kind"] != "outgoing"]
        traced = next(q for q in served if q["trace_id"])
        sent = next(q for q in report["requests"] if q["kind"] == "outgoing" and any(name_of(q) == f"sent-{r['served_by']}" for r in served))
        calls = next(q for q in served if name_of(sent) == f"sent-{q['served_by']}")
        awaits = next(q for q in served if any(g["relation"] == "awaited by" for g in q["goroutines"]) and q["served_by"])
        in_trace = {g["goid"] for g in goroutines(d, {"id": id}, f"?trace_id={traced['trace_id']}")}
        path = f"/?target={id}&view=requests&request="
        other, OTHERS = f"[data-goroutine='{calls['served_by']}'] [data-other]", ["value", "Array.from(document.querySelectorAll('[data-other]'), (a) => a.dataset.other)"]
        at, goids, out, back, home, fall = shown(
            d, ["go", path + name_of(traced)], ["wait", "[data-trace]"], ["click", f"[data-request='{name_of(traced)}'] [data-trace]"], ["wait", ".goroutines .opens"],
            ["value", "location.search"], ["value", "Array.from(document.querySelectorAll('.goroutines .opens td:first-child'), (td) => Number(td.textContent))"],
            ["go", path + name_of(calls)], ["wait", other], ["click", other], ["wait", f"[data-waterfall='{name_of(sent)}'] summary"], ["value", "location.search"], OTHERS, shot("sent"),
            ["click", "[data-other]"], ["wait", f"[data-waterfall='{name_of(calls)}'] summary"], ["value", "location.search"],
            ["go", path + name_of(awaits)], ["wait", ".waterfall summary"], FALL, shot("awaited"))
    expect(f"trace_id={traced['trace_id']}" in at and set(goids) == in_trace and in_trace >= {g["goid"] for g in traced["goroutines"] if g["trace_id"] == traced["trace_id"]},
           f"{at} {goids} {in_trace}")
    expect(f"request={name_of(sent)}" in out and name_of(calls) in back and f"request={name_of(calls)}" in home, f"{out} {back} {home}: {sent} {calls}")
    depths = depths_of(fall)
    for g in awaits["goroutines"]:
        expect(g["relation"] != "awaited by" or depths[g["goid"]] >= depths[awaits["served_by"]] + 1 == 1, f"{fall} {awaits}")


def of_many_those_that_wait_longest_are_there_and_the_one_that_is_asked_for():
    """The daemon's answer is put in: a thousand requests, of which the youngest has a crowd of goroutines."""
    with serving(detail=True) as (d, t, truth, target):
        report = asked(d, target + "/requests")
        q = report["requests"][0]
        g = q["goroutines"][0]
        crowd = [{**q, "served_by": 10**6 + 1000 * i, "path": f"/many/{i}", "goroutines": [{**g, "goid": 10**6 + 1000 * i + k, "wait_ns": 10**10 - i} for k in range(150 if i == 999 else 2)]}
                 for i in range(1000)]
        last, path = crowd[-1], f"/?target={target.rpartition('/')[2]}&view=requests&request="
        rows, words, inside, falls, bounds, unhurt = shown(
            d, ["go", path + name_of(last)], ["wait", "[data-waterfall]"], ROWS, ["texts", "[data-cut]"],
            ["value", f"(({{ top, bottom }}) => [top > -1, bottom < innerHeight / 2])(document.querySelector('[data-request=\"{name_of(last)}\"]').getBoundingClientRect())"], FALL,
            ["texts", "[data-waterfall] + p"], UNHURT, shot("many-requests"), stubs={"/requests($|[?])": {**report, "requests": crowd, "over": []}})
    expect(rows == [name_of(one) for one in [*crowd[:FIRST], last]] and f"{FIRST} of 1,000" in words[0] and inside == [True, True], f"{inside} {words} {rows}")
    expect(len(falls) == 100 and "100 of 150" in bounds[0] and unhurt == [None, 0, True], f"{len(falls)} {bounds} {unhurt}")


def a_trace_leads_to_its_goroutines_and_text_is_text():
    with serving(detail=True) as (d, t, truth, target):
        report = asked(d, target + "/requests")
        q, trace = report["requests"][0], "0af7651916cd43dd8448eb211c80319c"
        for word in ("method", "path", "route", "host", "peer"):
            q[word] = EVIL
        q.update(trace_id=trace, span=EVIL, deadline_s=-31.5, age_s=None)
        for g in q["goroutines"]:
            g["where"] = {"func": EVIL, "file": EVIL, "line": 7}
        path = f"/?target={target.rpartition('/')[2]}&view="
        of = {"relation": "of", "made_by_it": True, "kind": "http", "method": EVIL, "path": EVIL, "route": EVIL, "over": False, "served_by": q["served_by"], "deadline_passed_s": 31.5,
              "cancelled": False, "trace_id": trace}
        lines = [{**g, "request": of} for g in goroutines(d, {"id": target.rpartition("/")[2]}, f"?goid={name_of(q)}")]
        stubs = {"/requests($|[?])": {**report, "requests": [q], "over": []}, f"/goroutines[?]trace_id={trace}": lines}
        texts, state, at, shown_of, back, unhurt = shown(
            d, ["go", f"{path}requests&request={name_of(q)}"], ["wait", "[data-waterfall]"], ["texts", "[data-request] td"], UNHURT, ["click", "[data-trace]"],
            ["wait", ".goroutines .opens"],
            ["value", "location.search"], ["click", ".goroutines .opens"], ["wait", ".goroutines p a"], ["texts", ".goroutines p"], shot("trace"), ["click", ".goroutines p a"],
            ["wait", "[data-request]"], ["value", "location.search"], UNHURT, stubs=stubs)
    expect(texts.count(EVIL) == 3 and any("31 s ago" in text for text in texts), f"{texts}")
    expect(state == unhurt == [None, 0, True], f"{state} {unhurt}")
    expect("view=goroutines" in at and f"trace_id={trace}" in at and "view=requests" in back and f"trace_id={trace}" in back, f"{at} {back}")
    expect(EVIL in shown_of[0] and "31 s ago" in shown_of[0], f"{shown_of}")


def where_none_are_known_it_says_why():
    with serving(kind="hang") as (d, t, truth, target):
        [words] = shown(d, ["go", f"/?target={target.rpartition('/')[2]}&view=requests"], ["wait", "[data-nothing]"], ["texts", "[data-nothing]"], stubs={"/requests($|[?])": None})
    expect(words == ["No requests: not yet."], f"{words}")


ALL = {f.__name__: f for f in (each_is_there_and_who_waits_for_whom, requests_and_goroutines_lead_to_each_other,
                               of_many_those_that_wait_longest_are_there_and_the_one_that_is_asked_for, a_trace_leads_to_its_goroutines_and_text_is_text, where_none_are_known_it_says_why)}


def cases():
    for function in ALL.values():
        yield f"pagerequests: {function.__name__}", lambda f=function: alone(f, script=__file__)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
