# SPDX-License-Identifier: BSD-2-Clause
"""refs: what parkwatch refs says keeps what goroutines wait for, and what heap parkwatch leaks says that only leaks keep: on
programs that know."""
import contextlib
import json
import re

import build
import reach
from target import Target, expect, parkwatch

MINORS = [15, 19, 21, 22, 24, 26, 27]
MODES = ["stripped", "pie", "cgo"]
EVERYWHERE = [(minor, "static") for minor in MINORS] + [(build.MODES_MINOR, mode) for mode in MODES] + [(22, "cgo"), (27, "cgo")]
ROUNDED = 1.126    # a size class is at most so much larger than what lies in it, but for the smallest
LEAST = 0.9      # an old word in a stack of C or the runtime may hold one of ten for in use
EACH = 700         # bytes of a leaked goroutine besides: its channel, its sudog, its closure; and a map's own


def refs(pid, *args):
    status, out, said = parkwatch("refs", "-p", pid, "--format", "json", *args)
    expect(status == 0, f"refs {args}: exit {status}: {said}")
    return json.loads(out)


def of_goroutine(pid, goid):
    groups = refs(pid, "--goid", str(goid))["groups"]
    expect(len(groups) == 1 and groups[0]["count"] == 1 and groups[0]["goid"] == goid, groups)
    return groups[0]


def brief(group):
    return json.dumps({k: group[k] for k in ("goid", "reason", "object", "verdicts", "kept_by", "paths")})[:1500]


def way_of(pid, kind, goid):
    """The steps to what it waits for."""
    g = of_goroutine(pid, goid)
    paths = [p for p in g["paths"] if p["steps"]]    # of a select one for each case
    expect(g["verdicts"]["held"] == 1 and (len(paths) == 1 or g["reason"] == "select" and paths), f"{kind} is held: {brief(g)}")
    steps = paths[0]["steps"]
    for step in steps[1:]:
        expect(step["kind"] in ("object", "goroutine") or step["kind"] == "global" and not step["name"], f"{kind}: {brief(g)}")
        expect(step["kind"] != "object" or int(step["addr"], 16) and step["size"] > 0, f"{kind}: {brief(g)}")
    return g, steps


# Kind of the program reached -> the field of main.global, and what the types on the way must name
VARIABLES = {"global": (".c", "chan int"), "server": (".servers", "main.server"), "map": (".m", None), "slice": (".any", None),
             "closure": (".f", "closure main.heldClosure"), "bound": (".f", None), "inside": (".inside", None), "buffered": (".any", "chan"),
             "tiny": (None, None)}


def variables(pid, held, named):
    for kind, (field, word) in VARIABLES.items():
        g, steps = way_of(pid, kind, held[kind][0])
        root = steps[0]
        expect(root["kind"] == "global" and root["section"], f"{kind}: {brief(g)}")
        if named:
            expect(root["name"] == "main.global" and (not field or root["field"] == field), f"{kind}: {brief(g)}")
            expect(root["type"].startswith("struct {") and root["offset"] < root["size"], f"{kind}: {brief(g)}")
        if word and (named or word.startswith(("closure", "chan"))):
            expect(any(word in (s.get("type") or "") for s in steps[1:]), f"{kind}: no {word}: {brief(g)}")
        if kind != "tiny" and g["reason"] != "select":
            expect(steps[-1]["addr"] == g["object"]["addr"] or steps[-1]["awaited_offset"] > 0, f"{kind}: {brief(g)}")


def goroutines(pid, held):
    for kind, func in {"sleeper": "main.heldSleeper.func", "array": "main.", "panicking": "main.heldPanicking"}.items():
        g, steps = way_of(pid, kind, held[kind][0])
        expect(steps[0]["kind"] == "stack" and steps[0]["state"] == "sleep", f"{kind}: {brief(g)}")
        expect(steps[0]["frame"] and steps[0]["frame"]["func"].startswith(func) and steps[0]["frame"]["line"], f"{kind}: {brief(g)}")
    kinds = {way_of(pid, "chained", goid)[1][1 if i else 0]["kind"] for i, goid in enumerate(held["chained"][:3])}
    expect("stack" in kinds, f"chained: {kinds}")
    _, steps = way_of(pid, "chained", held["chained"][2])
    expect(sum(s["kind"] == "goroutine" for s in steps) >= 2, f"chained: {steps}")
    for goid in held["finalizer"]:
        g, steps = way_of(pid, "finalizer", goid)
        expect(steps[0]["kind"] in ("special", "global"), f"finalizer: {brief(g)}")
    expect(any(way_of(pid, "finalizer", goid)[1][0]["kind"] == "special" for goid in held["finalizer"]), "no finalizer is told")


def nothing(pid, leaked):
    alone = of_goroutine(pid, leaked["send"][0])
    expect(alone["verdicts"]["unreached"] == 1 and not alone["paths"], f"send: {brief(alone)}")
    expect(alone["kept_by"]["goids"] == [], f"send: {brief(alone)}")
    one, two = leaked["pair"]
    pair = of_goroutine(pid, one)
    expect(pair["verdicts"]["unreached"] == 1 and pair["kept_by"]["goids"] == [two], f"pair: {brief(pair)}")
    nil = of_goroutine(pid, leaked["nil"][0])
    expect(nil["verdicts"]["unreached"] == 1 and not nil["object"]["addr"], f"nil: {brief(nil)}")


def address(pid, held):
    """The same by the address of the channel."""
    g, steps = way_of(pid, "map", held["map"][0])
    report = refs(pid, "--addr", g["object"]["addr"])
    by_addr = report["groups"][0]["paths"][0]["steps"]
    expect([s.get("addr") for s in by_addr] == [s.get("addr") for s in steps], f"{by_addr} and {steps}")
    expect(report["groups"][0]["object"]["type"] == "chan int", report["groups"])


def every_way_is_told(minor, mode):
    with reach.target(minor, mode, "1") as (process, truth):
        pid = process.pid
        variables(pid, truth["held"], mode != "stripped")
        goroutines(pid, truth["held"])
        nothing(pid, truth["leaked"])
        address(pid, truth["held"])
        if "memory of C" in truth["held"]:
            roots = {way_of(pid, "memory of C", i)[1][0]["kind"] for i in truth["held"]["memory of C"]}
            expect(roots & {"c", "global"}, f"memory of C: {roots}")


def the_stack_of_one_that_runs_is_a_root(minor):
    with reach.target(minor, "static", "1", "restless") as (process, truth):
        for _ in range(200):    # while it is at a call its frame is told
            _, steps = way_of(process.pid, "spin", truth["held"]["spin on the stack"][0])
            expect(steps[0]["kind"] == "stack", steps)
            if steps[0]["state"] in ("running", "runnable"):
                return
        expect(False, f"never seen to run: {steps}")


def groups_are_told_once_and_what_is_left_out():
    with reach.target(build.MODES_MINOR, "static", "30") as (process, _):
        status, text, said = parkwatch("refs", "-p", process.pid, "--func", r"^main\.held(Global|Slice)\.", "--top", "2")
        expect(status == 0, said)
        expect(re.search(r"^30 goroutines \[chan receive\]\n  blocked at  main\.heldGlobal", text, re.M), text)
        expect("  28 more paths are left out; --top shows more\n" in text, text)
        expect(re.search(r"^    variable main\.global\.c \(\.bss 0x[0-9a-f]+, ", text, re.M), text)
        status, text, said = parkwatch("refs", "-p", process.pid, "--func", r"^main\.leakSend\.")
        expect(status == 0 and "  unreached   30 of 30: nothing that can still run refers to what it waits for\n" in text, text + said)


def variables_without_a_name_are_told_by_what_leads_to_them():
    """What var x = &T{} points to is made at compile time, and has no symbol."""
    with reach.target(build.MODES_MINOR, "static", "1") as (process, truth):
        g, steps = way_of(process.pid, "static", truth["held"]["static"][0])
        expect([s["kind"] for s in steps] == ["global", "global", "global", "object"], brief(g))
        expect([s["name"] for s in steps[:3]] == ["main.fixed", None, None], brief(g))
        expect([s["field"] for s in steps[1:3]] == [".inner", ".c[1]"] and steps[2]["type"] == "main.fixedInner", brief(g))


@contextlib.contextmanager
def ways(minor, mode):
    with Target("", command=build.built(minor, mode, "ways")) as t:
        yield t.pid, json.loads(t.truth())


def what_an_interface_points_to_is_told(minor, mode):
    """Its type word says the type, also where there is no symbol: net/http.DefaultTransport is such a one."""
    with ways(minor, mode) as (pid, goid):
        _, steps = way_of(pid, "interface", goid["interface"])
        if mode != "stripped":
            expect(steps[0]["name"] == "main.defaultTransport" and steps[0]["offset"] == 8, steps)
            steps = steps[1:]
        at = steps[0]
        expect(at["kind"] == "global" and at["type"] == "main.transport" and at["field"] == ".idle" and at["size"] == 24, steps)
        expect(at["offset"] == 8 and steps[1]["type"] == "chan string" and len(steps) == 2, steps)
        _, steps = way_of(pid, "any", goid["any"])
        expect(mode == "stripped" or steps[0]["name"] == "main.anyOne", steps)
        expect([(s["type"], s["field"]) for s in steps[1:2]] == [("main.transport", ".idle")], steps)


def paths_of(pid, goid):
    g = of_goroutine(pid, goid)
    expect(g["verdicts"]["held"] == 1 and g["paths_left_out"] == 0, brief(g))
    for path in g["paths"]:
        for step in path["steps"]:
            expect((step.get("type") or "") != "runtime.p" and not (step.get("name") or "").startswith("runtime."), brief(g))
    return g["paths"]


def types_go_on_through_maps(minor, mode):
    """Small ones, which lie in one group from Go 1.24 on, and large ones; pointers and values in them."""
    with ways(minor, mode) as (pid, goid):
        for name, root, last in (("behind", "main.alsoTransport", ("main.conn", ".closed")), ("crowd", "main.crowd", ("main.conn", ".closed")),
                                 ("value", "main.byName", None)):
            _, steps = way_of(pid, name, goid[name])
            if mode == "stripped":
                continue
            expect(steps[0]["name"] == root and steps[-1]["type"] == "chan int", f"{name}: {steps}")
            expect(last is None or (steps[-2]["type"], steps[-2]["field"]) == last, f"{name}: {steps}")
            expect(last or steps[-2]["field"].endswith(".closed"), f"{name}: {steps}")


def timers_are_told_and_no_way_goes_through_the_runtime(minor, mode):
    with ways(minor, mode) as (pid, goid):
        for name in ("ticker", "tick"):
            path, = paths_of(pid, goid[name])
            expect(path["fed_by"]["kind"] == "ticker" and path["fed_by"]["period_ns"] == 10**9 and not path["fed_by"]["held_in"], path)
            expect(path["steps"] == [] and not path["undecided"], path)
        path, = paths_of(pid, goid["timer"])
        expect(path["fed_by"]["kind"] == "timer" and 3500e9 < path["fed_by"]["fires_in_ns"] <= 3600e9, path)
        path, = paths_of(pid, goid["called"])
        expect(path["steps"][0]["kind"] == "timer" and path["steps"][0]["fires"] == "once" and not path["fed_by"], path)
        expect(any("closure main.tickers" in (s.get("type") or "") for s in path["steps"]), path)
        by_addr = refs(pid, "--addr", of_goroutine(pid, goid["timer"])["object"]["addr"])["groups"][0]["paths"][0]["steps"]
        expect(by_addr[0]["kind"] in ("timer", "stack", "goroutine") and len(by_addr) < 4, by_addr)
        stopped = of_goroutine(pid, goid["stopped"])
        expect(not any(p["fed_by"] for p in stopped["paths"]), brief(stopped))
        tick, = [p for p in paths_of(pid, goid["poller"]) if p["object"]["type"] == "chan time.Time"]
        expect(tick["fed_by"]["kind"] == "ticker", tick)
        if mode != "stripped":
            expect(tick["fed_by"]["held_in"] == "main.poller.tick" and tick["steps"][0]["name"] == "main.plainPoller", tick)
        status, text, said = parkwatch("refs", "-p", pid, "--goid", str(goid["ticker"]))
        expect(status == 0 and "\n  fed by      a running ticker made at main.rangeTicker " in text and " (every 1 s)\n"
               "  held by     only the goroutine itself, of all that can still run\n" in text, text + said)


def it_is_told_where_a_ticker_was_made(minor, mode):
    """By whoever waits and has made it; else by its period, where no other call can have made it."""
    with ways(minor, mode) as (pid, goid):
        fed = [p["fed_by"] for g in refs(pid, "--func", "loops")["groups"] for p in g["paths"] if p["fed_by"]]
        expect(fed and all(f["made_at"]["func"] == "main.tickers" and f["made_at"]["file"].endswith("/ways/main.go") for f in fed), fed)
        for name, func in (("ticker", "main.rangeTicker"), ("tick", "main.rangeTick")):
            fed = paths_of(pid, goid[name])[0]["fed_by"]
            expect(fed["made_at"]["func"] == func and not fed["may_be_made_at"] and not fed["or_elsewhere"], f"{name}: {fed}")
        fed, = [p["fed_by"] for p in paths_of(pid, goid["poller"]) if p["fed_by"]]    # four calls have its period
        expect(not fed["made_at"] and not fed["may_be_made_at"], fed)
    with Target("", command=build.built(minor, mode, "tickers")) as t:
        truth = json.loads(t.truth())
        fed = {name: next(p["fed_by"] for p in paths_of(t.pid, at["goid"]) if p["fed_by"]) for name, at in truth.items()}
        for name in ("ranged", "tick", "stopped", "after", "every"):
            made = fed[name]["made_at"]
            expect(made and made["func"] == truth[name]["func"] and made["line"] == truth[name]["line"], f"{name}: {fed[name]}, not {truth[name]}")
        every = (truth["every"]["func"], truth["every"]["line"])
        for name, most in (("poller", 2), ("one of two", 3), ("given", 2)):    # every may be told any period
            places = [(p["func"], p["line"]) for p in fed[name]["may_be_made_at"]]
            expect(not fed[name]["made_at"] and len(places) == most and places[-1] == every, f"{name}: {fed[name]}")
            expect((truth[name]["func"], truth[name]["line"]) in places and not fed[name]["or_elsewhere"], f"{name}: {fed[name]}")
        expect(fed["after"]["kind"] == "timer" and fed["tick"]["kind"] == "ticker", fed)
        status, text, said = parkwatch("refs", "-p", t.pid, "--goid", truth["tick"]["goid"])
        expect(status == 0 and re.search(rf"\n  fed by      a running ticker made at main\.rangeTick /\S+/main\.go:{truth['tick']['line']} \(every 2400 s\)\n", text), text + said)
        status, text, said = parkwatch("refs", "-p", t.pid, "--goid", truth["poller"]["goid"])
        expect(status == 0 and re.search(r" \(every 3000 s\); made at main\.startPoller \S+ or at main\.every \S+", text), text + said)


def each_case_of_a_select_is_told(minor, mode):
    with ways(minor, mode) as (pid, goid):
        cases = paths_of(pid, goid["select"])
        expect(len(cases) == 3 and sorted(c["object"]["type"] for c in cases) == ["chan int", "chan int", "chan string"], cases)
        for c in cases:
            steps = c["steps"]
            if c["object"]["type"] == "chan string":
                expect(not steps and not c["undecided"], c)
            else:
                expect(steps[-1]["addr"] == c["object"]["addr"] and steps[0]["kind"] == "global", c)
        if mode != "stripped":
            names = sorted(c["steps"][0]["name"] for c in cases if c["steps"])
            expect(names == ["main.pools", "main.wanted"], names)
        poller = paths_of(pid, goid["poller"])
        expect(len(poller) == 2 and all(c["steps"] for c in poller), poller)
        group, = refs(pid, "--func", "loops", "--top", "3")["groups"]
        of = [(c["goid"], c["object"]["type"], bool(c["fed_by"])) for c in group["paths"]]
        expect(group["count"] == 20 and len(of) == 6 and len({g for g, _, _ in of}) == 3, of)    # three of them with all of their cases
        expect(sum(fed for _, _, fed in of) == 3 and of == sorted(of, key=lambda c: c[0]), of)
        status, text, said = parkwatch("refs", "-p", pid, "--goid", str(goid["select"]))
        expect(status == 0 and text.count("\n  of its cases: chan ") == 3, text + said)


def the_word_in_the_frame_is_told(minor, mode):
    """Whose frame it is, and where in it; and it is there."""
    with ways(minor, mode) as (pid, goid):
        path, = paths_of(pid, goid["reply"])
        root = path["steps"][0]
        expect(root["kind"] == "stack" and root["goid"] == goid["holder"] and root["frame"]["func"] == "main.keepForAnHour", path)
        expect(root["frame_offset"] is not None and root["frame_offset"] % 8 == 0 and root["frame_offset"] < 0x200, path)
        # The array of list has no name of its own: nothing in the program has
        names = {"reply": {"reply"}, "done": {"s.done", "done"}, "listed": {None, "a", "b"},
                 "kept": {"kept", "outer"}}
        for name, wanted in names.items():
            root = paths_of(pid, goid[name])[0]["steps"][0]
            expect(root["kind"] == "stack" and root["variable"] in (wanted if mode != "stripped" else {None}), f"{name}: {root}")
        status, text, said = parkwatch("refs", "-p", pid, "--goid", str(goid["reply"]))
        expect(status == 0 and re.search(r"\] in main\.keepForAnHour .*main\.go:\d+, (a variable|an argument|variable reply) at sp\+0x[0-9a-f]+\n", text), text + said)


def what_cannot_be_told_is_said():
    with reach.target(build.MODES_MINOR, "static", "1") as (process, truth):
        pid = process.pid
        for args, status, words in [
                (["--goid", "999999"], 1, "no goroutine of .* dump -p"),
                (["--addr", "0x10"], 1, "0x10 is not in the Go heap"),
                (["--addr", "channel"], 2, "bad --addr"),
                (["--addr", "0xc000000000", "--goid", "1"], 2, "give one of them"),
                ([], 2, "of which goroutines"),
                (["--goid", "1", "--format", "html"], 2, "refs has no format"),
                (["--func", "("], 2, "func")]:
            code, out, said = parkwatch("refs", "-p", pid, *args)
            expect(code == status and not out and said.count("\n") == 1 and re.search(words, said), f"{args}: exit {code}: {said}")
        everybody = json.loads(parkwatch("dump", "-p", pid, "--system", "-f", "json")[1])["goroutines"]
        own = next(g["goid"] for g in everybody if g["start"] and g["start"]["func"] == "runtime.forcegchelper")
        for args, words in ((["--goid", "1"], r"goroutine 1 \[.*\] is the main goroutine, which is always in use"),
                            (["--goid", own], rf"goroutine {own} \[.*\] is the Go runtime's own"),
                            (["--goid", f"1,{own}"], "none of these 2 goroutines is blocked")):
            code, out, said = parkwatch("refs", "-p", pid, *args, "-f", "json")
            groups = json.loads(out)["groups"]
            expect(code == 0 and re.search(words, said) and all(g["verdicts"]["no object"] == 1 for g in groups) and groups,
                   f"{args}: exit {code}: {said} {out}")
        code, text, _ = parkwatch("refs", "-p", pid, "--goid", truth["held"]["map"][0], "--proof-budget", "1us")
        expect(code == 0 and "not all could be decided: the budget" in text, text)


def the_heap_that_leaks_keep_is_told(minor, mode):
    with Target("all", command=build.built(minor, mode, "kept")) as t:
        truth = json.loads(t.truth())
        status, out, said = parkwatch("leaks", "-p", t.pid, "-d", "4", "--format", "json", "--no-probes")
        expect(status == 3, f"exit {status}: {said}")
        groups = json.loads(out)["groups"]
        told = {}
        for g in groups:
            expect(g["heap_bytes"] is not None, g)
            told[g["start"]["func"]] = told.get(g["start"]["func"], 0) + g["heap_bytes"]
        for want in truth:
            bytes = told.get(want["start"], -1) + told.get(want["with"], 0)
            most = want["bytes"] * ROUNDED + want["count"] * EACH * (8 if want["start"] == "main.holdMap" else 2)
            expect(LEAST * want["bytes"] <= bytes <= most, f"{want}: {told}")
        costs = [g["stack_bytes"] + g["heap_bytes"] for g in groups]
        expect(costs == sorted(costs, reverse=True), f"not by what they cost: {costs}")
        status, text, said = parkwatch("leaks", "-p", t.pid, "-d", "4", "--no-probes", "--proof-budget", "0")
        expect("of heap that only they keep" not in text, text)


def cases():
    for function in (every_way_is_told, the_heap_that_leaks_keep_is_told):
        for minor, mode in EVERYWHERE:
            yield f"refs: {function.__name__} [go1.{minor} {mode}]", lambda f=function, m=minor, o=mode: f(m, o)
    for minor, mode in EVERYWHERE:
        yield f"refs: what_an_interface_points_to_is_told [go1.{minor} {mode}]", lambda m=minor, o=mode: what_an_interface_points_to_is_told(m, o)
        for function in (timers_are_told_and_no_way_goes_through_the_runtime, it_is_told_where_a_ticker_was_made,
                         each_case_of_a_select_is_told, types_go_on_through_maps, the_word_in_the_frame_is_told):
            yield f"refs: {function.__name__} [go1.{minor} {mode}]", lambda f=function, m=minor, o=mode: f(m, o)
    for minor in (15, 19, 22, 27):
        yield f"refs: the_stack_of_one_that_runs_is_a_root [go1.{minor}]", lambda m=minor: the_stack_of_one_that_runs_is_a_root(m)
    for function in (variables_without_a_name_are_told_by_what_leads_to_them, groups_are_told_once_and_what_is_left_out, what_cannot_be_told_is_said):
        yield f"refs: {function.__name__}", function
