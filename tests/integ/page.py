# SPDX-License-Identifier: BSD-2-Clause
"""page: the web page of `parkwatch serve` in a real Chromium, driven by puppeteer-core: each view, of targets that leak, that hang and that are well.

What the page shows is compared with what the programs say, or with parkwatch's own commands where the daemon's answer is put in by the test.
Screenshots are left in build/screenshots.
"""
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import build
import serve
from serve import Daemon
from serverecord import program
from target import LIMIT, ROOT, Failed, Target, expect, parkwatch

HERE = build.HERE / "page"
SHOTS = ROOT / os.environ.get("BUILD", "build") / "screenshots"
ROWS = ".goroutines tbody tr"
EACH_RING = "((f) => Array.from(document.querySelectorAll('.ring'), f))"


def driver():
    """The folder with puppeteer-core, by its lock file."""
    def make(path):
        path.mkdir()
        for name in (".npmrc", "package.json", "package-lock.json"):
            shutil.copy(HERE / name, path)
        try:
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=path, capture_output=True, text=True)
        except FileNotFoundError:
            raise build.Missing("npm") from None
        if done.returncode:
            raise build.Missing(f"puppeteer-core: {done.stderr.strip()[-200:]}")
    return build.build_once("page-driver", "", [HERE / "package-lock.json"], make)


def shown(daemon, *steps, stubs=None):
    """The results of those steps that have one. Whatever the browser complains of, or asks of others, fails."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise build.Missing("chromium")
    told = subprocess.run(["node", HERE / "drive.mjs", driver(), chromium], capture_output=True, text=True, timeout=LIMIT,
                          input=json.dumps({"address": daemon.address, "steps": steps, "stubs": stubs or {}}))
    expect(told.returncode == 0, told.stderr)
    told = json.loads(told.stdout)
    expect("failed" not in told, f"{told}")
    expect(not told["complaints"] and not told["elsewhere"] and not told["dialogs"], f"{told}")
    return [r for r in told["results"] if r is not None]


def shot(name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    return ["shot", str(SHOTS / f"{name}.png")]


def told_by(command, pid, *args):
    code, out, said = parkwatch(command, "-p", pid, "-f", "json", *args)
    expect(out, f"exit code {code}: {said}")
    return json.loads(out)


def goroutines(daemon, seen, query=""):
    return [json.loads(line) for line in daemon.get(f"/api/v1/targets/{seen['id']}/goroutines{query}")[2].splitlines()]


def a_leaking_target_is_explained():
    with Daemon() as d, Target("first-of-three,missing-close,lost-cancel,no-cases", command=build.built(26, "static", "leaks")) as t, Target("idle") as other:
        seen = d.looked_at(t.pid)
        d.looked_at(other.pid)
        leaks = told_by("leaks", t.pid, "-d", "12")
        found = [g for g in leaks["groups"] if g["leak"]]
        expect(found, f"{leaks}")
        stubs = {"/leaks$": leaks, "/events$": {"events": [{"time": time.time(), "target": seen["id"], "kind": "leak", "text": found[0]["why"]}]},
                 "/targets[?]": {"targets": [{**d.target(other.pid), "leaking": 0}, {**d.target(t.pid), "leaking": sum(g["count"] for g in found)}]}}
        rows, at, cards, cures, whys, events, hidden = shown(
            d, ["go", "/"], ["wait", "[data-target]"], ["texts", "[data-target]"], shot("list"), ["key", "j"], ["key", "Enter"], ["wait", ".leak"], ["value", "location.search"],
            ["texts", ".leak[data-verdict] > summary"], ["texts", ".leak b.text"], ["texts", ".leak dd:first-of-type"], ["texts", ".events td"], shot("leaks"),
            ["value", "document.querySelectorAll('.leak:not([open])').length"], stubs=stubs)
    expect(len(rows) == 2 and "leaking" in rows[0] and str(t.pid) in rows[0] and "leaking" not in rows[1], f"the worst is not first: {rows}")
    expect(f"target={seen['id']}" in at, at)
    expect(len(cards) == len(leaks["groups"]) and all(str(g["count"]) in card.replace(",", "") for g, card in zip(found, cards)), f"{cards}: {found}")
    expect(cures[:len(found)] == [g["cure"] for g in found if g["cure"]] and whys[:len(found)] == [g["why"] for g in found], f"{cures} {whys}")
    expect("leak" in events and found[0]["why"] in events, f"{events}")
    expect(hidden >= len(found) - 3, "many leaks are not folded")


def a_deadlock_is_drawn():
    with Daemon() as d, Target("deadlocks", command=build.built(26, "static", "knots")) as t:
        truth = json.loads(t.truth())
        seen = d.looked_at(t.pid)
        path, chans = f"/?target={seen['id']}&view=locks", f"/api/v1/targets/{seen['id']}/chans"
        d.until(lambda: d.get(chans)[0] == 200, "its locks are not read", 6 * serve.LOOK)
        boxes, arrows, waited = shown(
            d, ["go", path], ["wait", ".ring"], ["value", "rings((ring) => Array.from(ring.querySelectorAll('rect + text'), (box) => box.textContent))".replace("rings", EACH_RING)],
            ["value", "rings((ring) => ring.querySelectorAll('.wait').length)".replace("rings", EACH_RING)], shot("deadlock"), ["texts", ".leak li"])
        [unknown] = shown(d, ["go", path], ["wait", ROWS], ["texts", "[data-nothing]"], shot("locks-not-known"), stubs={"/chans$": None})
    drawn = sorted(sorted(int(b.split()[1]) for b in ring) for ring in boxes)
    expect(drawn == sorted(sorted(ring) for ring in truth["deadlocks"]), f"{drawn}: {truth['deadlocks']}")
    expect(all(n >= 1 for n in arrows) and len(waited) == sum(map(len, drawn)), f"{arrows} {waited}")
    expect("No deadlock is known" in unknown[0], f"{unknown}")


def a_healthy_target_is_left_alone():
    with Daemon() as d, Target("pool", command=build.built(26, "static", "leaks")) as t:
        seen = d.looked_at(t.pid)
        stubs = {"/leaks$": told_by("leaks", t.pid, "-d", "10")}
        colour = ["value", "getComputedStyle(document.body).backgroundColor"]
        rows, well, back, light, dark, pressed, nothing = shown(
            d, ["go", "/"], ["wait", "[data-target]"], ["texts", "[data-target] td:first-child"], shot("healthy-list"), ["click", "[data-target] a"], ["wait", "section .ok"],
            ["texts", "section .ok"], shot("healthy"), ["key", "u"], ["wait", "[data-target]"], ["value", "location.pathname + location.search"],
            colour, ["dark"], colour, shot("dark"), ["key", "d"], colour, ["go", f"/?target={seen['id']}x"], ["wait", "main .facts p"], ["texts", "main .facts p"], stubs=stubs)
    expect(rows == [""] and well == ["No leak was found."] and back == "/", f"{rows} {well} {back}")
    expect(light == pressed != dark, f"{light} {dark} {pressed}")
    expect("has ended, or was never here" in nothing[0], f"{nothing}")


def a_pod_is_named_and_found_by_its_workload():
    """Its columns are there where one target has such; a search for a label finds it."""
    with Daemon() as d, Target("idle") as t, Target("waits") as other:
        d.looked_at(t.pid)
        d.looked_at(other.pid)
        digits = "0123456789ab" * 6
        pod = {"namespace": "shop", "pod": "api-7d9-x2x", "container": "main", "container_id": digits[:64], "workload_kind": "Deployment", "workload": "api",
               "labels": {"tier": "front", "version": "7"}, "image": "r.example/api:7", "node": "node-1"}
        named = {"/targets[?]": {"targets": [{**d.target(t.pid), **pod}, {**d.target(other.pid), "container": digits[:64], "container_id": digits[:64]}]}}
        cells, where, found, facts = shown(
            d, ["go", "/"], ["wait", "[data-workload]", "api"], ["texts", "[data-workload], [data-labels]"], ["texts", "[data-where]"], shot("pods"),
            ["type", "input[type=search]", "version=7"], ["wait", "main .list"], ["value", "document.querySelectorAll('[data-target]').length"],
            ["click", "[data-target] a"], ["wait", ".facts h2"], ["texts", ".facts p > span"], stubs=named)
        [heads] = shown(d, ["go", "/"], ["wait", "[data-target]"], ["texts", ".list th"])
    expect(sorted(cells) == sorted(["Deployment/api", "tier=front, version=7", "", ""]), f"{cells}")
    expect(sorted(where) == sorted(["shop/api-7d9-x2x · main", digits[:12]]), f"{where}")
    expect(found == 1 and {"workload Deployment/api", "pod shop/api-7d9-x2x", "image r.example/api:7", "node node-1"} <= set(facts), f"{found} {facts}")
    expect("workload" not in heads and "labels" not in heads, f"{heads}")


def one_that_grows_comes_before_many_that_are_larger():
    with Daemon() as d, Target("idle") as t:
        one = d.looked_at(t.pid)
        flat, grows = ({"step_seconds": 10, "goroutines": v, "blocked_seconds": [0] * len(v)} for v in ([1000] * 4, [20, 40, None, 90]))
        many = [{**one, "id": f"flat-{i}", "goroutines": 1000, "history": flat} for i in range(60)] + [{**one, "id": "grows", "goroutines": 90, "history": grows}]
        rows, sparks = shown(d, ["go", "/"], ["wait", "[data-target]"], ["texts", "[data-target] td:first-child"], ["value", "document.querySelectorAll('[data-target] svg').length"],
                             stubs={"/targets[?]": {"targets": many}})
    expect(rows == ["growing: 20 to 90"] + [""] * 60 and sparks == 2 * 61, f"{rows} {sparks}")


def goroutines_are_filtered_and_the_url_holds_it():
    with Daemon() as d, Target("waits") as t:
        seen = d.looked_at(t.pid)
        everybody = goroutines(d, seen)
        path = f"/?target={seen['id']}&view=goroutines"
        goids = "Array.from(document.querySelectorAll('.goroutines tbody tr.opens button'), (b) => Number(b.textContent))"
        every, focus, some, stack, refused, groups = shown(
            d, ["go", path], ["wait", ROWS], ["value", goids], shot("goroutines"), ["key", "/"], ["value", "document.activeElement.name"],
            ["go", path + "&wait=chan*"], ["wait", ROWS], ["value", goids], ["click", ROWS], ["wait", ".stack li"], ["texts", ".stack li"],
            ["type", "input[name=func]", "("], ["key", "Enter"], ["wait", "[data-refused]"], ["texts", "[data-refused]"],
            ["go", path + "&group=wait"], ["wait", ROWS], ["texts", ROWS + " td:first-child"])
    expect(sorted(every) == sorted(g["goid"] for g in everybody), f"{every}")
    expect(focus == "func", f"'/' goes to {focus}")
    expect(sorted(some) == sorted(g["goid"] for g in everybody if (g["reason"] or "").startswith("chan")), f"{some}")
    expect(stack and "bad regular expression" in refused[0], f"{stack} {refused}")
    expect(sum(map(int, groups)) == len(everybody), f"{groups}")


def history(now):
    """Ten minutes of it, in the words of the API."""
    cells = range(60)
    return {"span": "10m", "step_seconds": 10, "times": [now - 600 + 10 * i for i in cells], "goroutines": [700 + 20 * i for i in cells], "births": [None] * 5 + [400] * 55,
            "exits": [None] * 5 + [200] * 55, "blocked_seconds": [1000 + 50 * i for i in cells],
            "states": {"chan receive": [400 + 12 * i for i in cells], "select": [300 + 8 * i for i in cells]},
            "sites": [{"created_by": "main.serve", "blocked_at": "main.work", "reason": "chan receive", "goroutines": [400 + 12 * i for i in cells]}], "other": [300 + 8 * i for i in cells]}


def a_range_is_brushed_and_has_a_flame_graph():
    now = int(time.time()) // 10 * 10
    with Daemon() as d, Target("idle") as t:
        seen = d.looked_at(t.pid)
        path = f"/?target={seen['id']}&view="
        stubs = {"/history": history(now), "/profile.*from=1[0-9]{9}&": "main.main;main.wait;runtime.gopark 4000000000\nmain.main;<img src=x onerror=window.hurt=1> 1000000000\n",
                 "/diff.*base_from=1[0-9]{9}&": "main.main;main.wait;[chan receive] 3000000000 1000000000\nmain.main;<img src=x onerror=window.hurt=1> 0 5000000000\n"}
        charts, keys, values, search, labels, sums, diff = shown(
            d, ["go", path + "history"], ["wait", ".chart canvas"], ["value", "Array.from(document.querySelectorAll('.chart'), (c) => c.dataset.chart)"], ["texts", ".key li"],
            ["value", "Array.from(document.querySelectorAll('.key'), (k) => Array.from(k.querySelectorAll('b'), (b) => b.textContent))"], shot("history"),
            ["drag", ".chart .u-over", 0.25, 0.75], ["wait", ".brushed", "flame graph of it"], shot("history-brushed"), ["value", "location.search"],
            ["press", "button", "flame graph of it"], ["wait", "[data-flame] rect"], ["texts", "[data-flame] .d3-flame-graph-label"], shot("flame"),
            ["texts", "section p.soft"], ["go", f"{path}flame&of=blocked&from={now - 300}&to={now}&bfrom={now - 600}&bto={now - 300}"], ["wait", "[data-flame] rect"],
            ["texts", "section p.soft"], shot("flame-difference"), stubs=stubs)
        [words] = shown(d, ["go", path + "history"], ["wait", "section [data-nothing], section .chart canvas"], ["value", "document.querySelector('section').textContent"])
    expect(charts == ["Goroutines by state", "Goroutines by site", "Created and ended, a second", "Blocked at a time"], f"{charts}")
    expect(values[:2] == [["772", "1,108"], ["772", "1,108"]] and values[2:] == [["20", "40"], ["395"]], f"{values}")
    expect(any("main.serve" in key and "main.work" in key for key in keys), f"{keys}")
    brushed = [int(s) for s in re.findall(r"(?:from|to)=(\d+)", search)]
    expect(len(brushed) == 2 and math.isclose(brushed[0], now - 452, abs_tol=12) and math.isclose(brushed[1], now - 157, abs_tol=12), f"{search}: {now}")
    expect("main.wait" in labels and "<img src=x onerror=window.hurt=1>" in labels and "5 s in all" in sums[0], f"{labels} {sums}")
    expect("3 s before, 6 s after" in diff[0] and "scaled" in diff[0], f"{diff}")
    expect("History" in words or "by state" in words, words)


def a_restart_leads_to_the_past_of_the_one_before():
    """The list counts restarts; the flame graph of the one that has ended is what it did, and its differences too."""
    with Daemon() as d:
        with Target("waits") as first:
            before = d.looked_at(first.pid)
            past = f"/api/v1/targets/{before['id']}/profile?from={int(time.time()) - 60}&to={{}}"
            d.until(lambda: d.get(past.format(int(time.time()) + 1))[0] == 200, "nothing is on disk", 3 * serve.LOOK)
            stacks = d.get(past.format(int(time.time()) + 1))[2]
        d.until(lambda: d.target(first.pid) is None, "its end is not seen")
        with Target("waits") as second:
            after = d.looked_at(second.pid)
            now = int(time.time())
            flame = ["value", "Array.from(document.querySelectorAll('[data-flame] .d3-flame-graph-label'), (l) => l.textContent)"]
            rows, facts, search, frames, views, whole, typed, diff, none = shown(
                d, ["go", "/"], ["wait", "[data-target]"], ["texts", "[data-target] td:nth-child(2)"], shot("restart-list"), ["click", "[data-target] a"], ["wait", "[data-restart] a"],
                ["texts", "[data-restart]"], shot("restart"), ["click", "[data-restart] a"], ["wait", "[data-flame] rect"], ["value", "location.search"], flame, shot("ended"),
                ["texts", ".choice button"], ["texts", "section p.soft"],
                ["go", f"/?target={before['id']}&of=goroutines"], ["wait", "input[name=from]"],
                ["type", "input[name=from]", time.strftime("%H:%M:%S", time.localtime(now - 120))], ["key", "Enter"],
                ["type", "input[name=to]", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now + 60))], ["key", "Enter"],
                ["wait", ".brushed", "Range"], ["value", "location.search"],
                ["go", f"/?target={before['id']}&of=goroutines&from={now - 120}&to={now + 60}&bfrom={now - 121}&bto={now + 61}"], ["wait", "[data-flame] rect"], ["texts", "section p.soft"],
                ["go", f"/?target={before['id']}x"], ["wait", "section [data-nothing]"], ["texts", "[data-nothing]"])
    total = sum(int(line.rsplit(" ", 1)[1]) for line in stacks.splitlines())
    stored = {f for line in stacks.splitlines() for f in line.rsplit(" ", 1)[0].split(";")}
    expect(after["restart_of"] == before["id"] and "restart 1" in rows[0] and before["id"] in facts[0] and "restart number 1" in facts[0], f"{after} {rows} {facts}")
    expect(f"target={before['id']}" in search and "of=goroutines" in search, search)
    expect(f"{total} goroutines in all." in whole[0] and stored >= set(frames) - {"all"} != set(), f"{frames} {stacks}")
    expect("goroutines now" not in views and "blocked time" in views, f"{views}")
    expect(f"from={now - 120}&to={now + 60}" in typed, typed)
    expect(f"{total} goroutines before, {total} goroutines after" in diff[0] and "scaled" not in diff[0], f"{diff}")
    expect("not known yet" in none[0] and "no such target" in none[0], f"{none}")


def flame_graphs_are_of_what_was_recorded():
    """Of a time that is typed or brushed: who starts goroutines, who allocates, who waits; and two times beside each other. No stub."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "parkwatch.yaml")
        config.write_text("rules:\n- level: profile\n")
        with Daemon("--config", str(config)) as d, program() as t:
            seen = d.looked_at(t.pid)
            began = int(time.time()) - 60

            def past(view):
                return d.get(f"/api/v1/targets/{seen['id']}/profile?view={view}&from={began}&to={int(time.time()) + 1}")
            d.until(lambda: all(past(view)[0] == 200 for view in ("births", "alloc", "blocked")), "nothing is recorded", serve.WATCHED)
            now = int(time.time()) + 1
            path, labels = f"/?target={seen['id']}&view=flame&from={began}&to={now}", ["texts", "[data-flame] .d3-flame-graph-label"]
            steps = [step for view in ("births", "alloc", "blocked") for step in
                     (["go", f"{path}&of={view}"], ["wait", "[data-flame] rect"], labels, ["texts", "section p.soft"], shot(f"flame-{view}"))]
            for view in ("births", "alloc", "blocked"):
                steps += [["go", f"{path}&of={view}&bfrom={began - 1}&bto={now + 1}"], ["wait", "[data-flame] rect"], ["texts", "section p.soft"]]
            told = shown(d, *steps)
            totals = {view: sum(int(line.rsplit(" ", 1)[1]) for line in past(view)[2].splitlines()) for view in ("births",)}
    names, sums, both = told[0:6:2], told[1:6:2], told[6:]
    for function, labels in zip(("main.bear", "main.allocate", "main.lost"), names, strict=True):
        expect(function in labels, f"{function}: {labels}")
    exact = [re.sub(r" ± [\d.,]+ \w+", "", s[0]) for s in sums]    # where probes were out for a while, the sum has an interval
    expect(f"{totals['births']:,} goroutines in all." in exact[0] and "MiB in all." in exact[1] and "min in all." in exact[2], f"{sums} {totals}")
    expect(all(" before, " in b[0] and "scaled" in b[0] and b[0].split(" before, ")[0] == b[0].split(" before, ")[1].split(" after")[0] for b in both), f"{both}")


def what_runs_and_who_wakes_is_recorded_when_somebody_asks():
    """Where that is not allowed, the page says what would allow it."""
    steps, labels = [], ["texts", "[data-flame] .d3-flame-graph-label"]
    with Daemon("--allow-jobs") as d, Daemon() as other, Target("", command=build.built(build.MODES_MINOR, "static", "wakes"), env={"FOREVER": "1"}) as t:
        path = f"/?target={d.looked_at(t.pid)['id']}&view=flame&of="
        t.go()
        for view in ("cpu", "wakeups", "wall", "block"):
            steps += [["go", path + view], ["wait", "section button", "record 10 s now"], ["press", "section button", "record 10 s now"], ["wait", "[data-recorded]"], labels,
                      ["texts", "section p.soft"], shot(f"flame-{view}")]
        cpu, sums, wakeups, _, wall, _, block, _ = shown(d, *steps)
        other.looked_at(t.pid)
        [refused] = shown(other, ["go", path + "wakeups"], ["wait", "section button", "record 10 s now"], ["press", "section button", "record 10 s now"], ["wait", "[data-nothing]"],
                          ["texts", "[data-nothing]"])
    expect("main.worker" in cpu and re.search(r"~\d+\.?\d* s ± \d+\.?\d* m?s in all", " ".join(sums)), f"an estimate, and its interval: {cpu} {sums}")
    expect({"main.worker", "main.pong", "--"} <= set(wakeups), f"{wakeups}")
    expect({"[running]", "[waiting]", "main.worker", "main.pong"} <= set(wall), f"{wall}")
    expect({"main.pong", "runtime.chanrecv1"} <= set(block) and not any(label.startswith("time.Sleep") for label in block), f"{block}")
    expect("--allow-jobs" in refused[0], f"{refused}")


def hostile_names_do_nothing():
    name, evil = b"replaced_by_the_name_of_no_go_function_", b"<img src=x onerror=window.hurt=1>'\"&<b>"
    expect(len(name) == len(evil), f"{len(name)} {len(evil)}")
    with tempfile.TemporaryDirectory() as folder:
        exe = os.path.join(folder, "<img src=x onerror=window.hurt=1>'\"&\n" + "n" * 180)
        with open(build.built(26, "static", "hostile")[0], "rb") as f, open(exe, "wb") as to:
            to.write(f.read().replace(name, evil))
        os.chmod(exe, 0o755)
        with Daemon() as d, Target("x", command=[exe]) as t:
            seen = d.looked_at(t.pid)
            all_of_them = goroutines(d, seen)
            path = f"/?target={seen['id']}&view="
            stubs = {"/leaks$": told_by("leaks", t.pid, "-d", "10", "--suspects"), "/chans$": told_by("chans", t.pid)}
            state = "[window.hurt ?? null, document.querySelectorAll('#app img, #app script, #app b b, #app iframe').length, document.documentElement.scrollWidth <= innerWidth]"
            views = {"": "[data-target]", path + "leaks": "section p", path + "goroutines": ROWS, path + "goroutines&group=label": ROWS,
                     path + "flame": "[data-flame] rect", path + "locks": "section h3", path + "goroutines&func=%3Cscript%3Ewindow.hurt=1%3C/script%3E": "[data-shown]",
                     path + "%3Cscript%3E&of=%3Cscript%3E": "section p"}
            steps = [step for at, there in views.items() for step in (["go", at or "/"], ["wait", there], ["value", state])]
            told = shown(d, *steps, ["go", path + "goroutines"], ["wait", ROWS], ["value", "(document.querySelectorAll('.opens').forEach((r) => r.click()), 1)"], ["wait", ".stack"],
                         ["texts", ROWS], ["value", state], shot("hostile"), stubs=stubs)
            expect(t.process.poll() is None, "it died")
    expect(any(evil.decode() in f["func"] for g in all_of_them for f in g["stack"]), "the program does not have that name")
    expect(any("<script>window.hurt=1</script>" in g["labels"].values() for g in all_of_them), f"{all_of_them}"[:2000])
    states = [s for s in told if isinstance(s, list) and len(s) == 3 and s[0] is None]
    rows = next(r for r in told if isinstance(r, list) and r and isinstance(r[0], str))
    expect(len(states) == len(views) + 1 and all(s == [None, 0, True] for s in states), f"{told}"[:3000])
    expect(any("<script>window.hurt=1</script>" in r for r in rows) and any(evil.decode() in r for r in rows), "they are not shown as text")


ALL = {f.__name__: f for f in (a_leaking_target_is_explained, a_deadlock_is_drawn, a_healthy_target_is_left_alone, a_pod_is_named_and_found_by_its_workload,
                               one_that_grows_comes_before_many_that_are_larger, goroutines_are_filtered_and_the_url_holds_it,
                               a_range_is_brushed_and_has_a_flame_graph, a_restart_leads_to_the_past_of_the_one_before, flame_graphs_are_of_what_was_recorded,
                               what_runs_and_who_wakes_is_recorded_when_somebody_asks, hostile_names_do_nothing)}


def no_html_is_made_of_text():
    for path in sorted((ROOT / "user/serve/page").glob("*.js*")):
        made = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text())
        if made:
            raise Failed(f"{path.name}: {made}")


def cases():
    yield "page: no_html_is_made_of_text", no_html_is_made_of_text
    for function in ALL.values():
        yield f"page: {function.__name__}", lambda f=function: serve.alone(f, script=__file__)


if __name__ == "__main__":
    sys.exit(serve.main(ALL, *sys.argv[1:]))
