# SPDX-License-Identifier: BSD-2-Clause
"""called: which line of the main module leads to goroutines that a library makes: in modules, vendored, trimmed and built from GOPATH."""
import concurrent.futures
import json
import re
import subprocess
import tempfile
from pathlib import Path

import build
from target import LIMIT, PARKWATCH, Target, expect

SOURCES = build.HERE / "progs/called"
APP, LIB = "example.com/team/my.app", "example.com/team/lib.v2"
WATCH = 12    # seconds
PARENTS = 21  # the first Go whose goroutines know who made them

# How it is built -> go build flags, variables
WAYS = {
    "module": ([], {}),
    "stripped": (["-ldflags=-s -w"], {}),
    "trimpath": (["-trimpath"], {}),
    "vendor": (["-mod=vendor", "-trimpath"], {}),
    "gopath": ([], {"GO111MODULE": "off"}),
    "gopath-trimpath": (["-trimpath"], {"GO111MODULE": "off"}),
    "gopath-vendor": ([], {"GO111MODULE": "off"}),
}


def lay_out(top, way):
    """The sources as this way of building wants them; the folder of package main."""
    app = top / "src" / APP
    lib = app / "vendor" / LIB if way == "gopath-vendor" else top / "src" / LIB
    for source, to in [(SOURCES / "app", app), (SOURCES / "lib", lib)]:
        for path in source.rglob("*.go"):
            target = to / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text().replace('"APP/', f'"{APP}/').replace('"LIB"', f'"{LIB}"'))
    (lib / "go.mod").write_text(f"module {LIB}\n\ngo 1.15\n")
    (app / "go.mod").write_text(f"module {APP}\n\ngo 1.15\n\nrequire {LIB} v0.0.0\n\nreplace {LIB} => {lib}\n")
    return app


def built(minor, way):
    flags, env = WAYS[way]
    files = sorted(SOURCES.rglob("*.go")) + [Path(__file__)]

    def make(path):
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            app = lay_out(top, way)
            if way == "vendor":
                build.run_go(["mod", "vendor"], build.TOOLCHAINS[minor], app)
            # Without modules the go command does not choose a toolchain: this one is asked for itself.
            go = build.run_go(["env", "GOROOT"], build.TOOLCHAINS[minor], top).strip() + "/bin/go"
            done = subprocess.run([go, "build", *flags, "-o", str(path), "."], cwd=app, text=True, capture_output=True,
                                  env=build.go_env(GOPATH=str(top), CGO_ENABLED="0", **env))
            expect(done.returncode == 0, f"{go} build: {done.stderr}")
    return [str(build.build_once(f"called-{way}-{build.TOOLCHAINS[minor]}", "", files, make))]


def line_of(mark):
    """FILE:LINE where the sources have this remark."""
    for path in SOURCES.rglob("*.go"):
        for number, line in enumerate(path.read_text().split("\n"), 1):
            if line.endswith("// " + mark):
                return f"{path.name}:{number}"
    raise KeyError(mark)


def watch(pid, *args):
    done = subprocess.run([PARKWATCH, "leaks", "-p", str(pid), "-d", str(WATCH), "--min-age", "8s", "--suspects", *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    expect(done.returncode in (0, 3), done.stderr)
    return done.stdout


def told(report):
    """Function with the go statement -> called_from, and FILE:LINE of it."""
    ret = {}
    for g in report["groups"]:
        made, c = g["created_by"], g["called_from"]
        name = made["func"].split("/")[-1].replace(APP.split("/")[-1], "app") if made else None
        ret[name] = (c and c["how"], c and c["func"], c and c["file"] and f"{c['file'].split('/')[-1]}:{c['line']}")
    return ret


def wanted(minor, way):
    new = minor >= PARENTS
    svc = f"{APP}/svc.Connect"
    here = ("stands", "main.main", line_of("main.main"))
    return {
        "sql.OpenDB": ("birth", "main.connectStore", line_of("main.connectStore")),
        "lib%2ev2.Open": ("birth", svc, line_of("svc.Connect")),
        "lib%2ev2.Early": here if new else ("not seen", None, None),
        "lib%2ev2.Gone": ("not seen", None, None),
        "lib%2ev2.Serve": ("creator", "main.serve", line_of("main.serve")),
        "lib%2ev2.fill": here if new else ("libraries", None, None),
    }


def the_line_of_the_main_module_is_told(builds):
    """At the same time: watches mostly wait."""
    with concurrent.futures.ThreadPoolExecutor(len(builds)) as pool:
        for one in [pool.submit(the_line_is_told, minor, way) for minor, way in builds]:
            one.result()


def the_line_is_told(minor, way):
    with Target("", command=built(minor, way)) as t:
        report = json.loads(watch(t.pid, "--format", "json", "--max-overhead", "0"))
    got = told(report)
    for made, want in wanted(minor, way).items():
        expect(got.get(made) == want, f"{made}: {got.get(made)}, not {want}; all: {got}")


def what_a_library_left_running_is_called_by_the_call_that_began_it(minor):
    """The program cannot change the library: it can close what it has opened. Who is still in the call, or made by one call, is not told so."""
    with Target("", command=built(minor, "module")) as t:
        groups = json.loads(watch(t.pid, "--format", "json", "--max-overhead", "0"))["groups"]
    new = "example.com/team/lib%2ev2.New"
    for start, words in [("tick", f"timer or ticker never stopped: {new} started it"), ("wait", f"never closed: {new} started it")]:
        g = [g for g in groups if g["start"]["func"].endswith("(*watcher)." + start)][0]
        expect((g["pattern"], g["cure"]) == (words, f"close, stop or cancel what {new} started when it is no longer needed, or share one"), f"{start}: {g}")
        expect(g["called_from"]["func"] == "main.watch", str(g))
    g = [g for g in groups if g["start"]["func"].endswith("(*watcher).tell")][0]
    expect(g["pattern"].startswith("blocked send") and g["cure"].startswith(f"receive all that comes from what {new} started"), str(g))
    for g in groups:
        if g["created_by"]["func"].endswith(("Serve", "fill")):
            expect("started" not in g["pattern"] + (g["cure"] or ""), str(g))
        if g["created_by"]["func"].endswith(("Serve", "fill", "Early", "Gone")):
            expect(g["cure"] is None, f"a change of a library that a folder of this machine stands for: {g}")


def the_text_says_the_same():
    with Target("", command=built(build.MODES_MINOR, "module")) as t:
        text = watch(t.pid, "--max-overhead", "0")
    for says in [f"called from main.connectStore \\S*/{line_of('main.connectStore')}\n",
                 f"called from main.serve \\S*/{line_of('main.serve')}, where goroutine \\d+ still is\n",
                 f"called from not seen: by goroutine 1, which is at main.main \\S*/{line_of('main.main')}\n",
                 "called from not seen: it was made before watching\n"]:
        expect(re.search("made at .*\n  " + says, text), f"no '{says}' in: {text}")
    # One call has made both: one entry.
    both = re.findall(r"^  (?:blocked at |with it    ) .*\(\*watcher\)\.(?:tick|wait) .*", text, re.M)
    expect(len(both) == 2 and sum("with it" in line for line in both) == 1, f"{both} in: {text}")


def nothing_is_said_of_what_is_made_by_the_program_itself():
    with Target("early-return", command=build.built(build.MODES_MINOR, "static", "leaks")) as t:
        report = json.loads(watch(t.pid, "--format", "json", "--all"))
    own = [g for g in report["groups"] if g["created_by"] and g["created_by"]["func"].startswith("main.")]
    expect(own, f"none: {report['groups']}")
    expect(all(g["called_from"] is None for g in own), f"{[g['called_from'] for g in own]}")


def ask(*args):
    done = subprocess.run([PARKWATCH, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    expect(done.returncode == 0, done.stderr)
    return done.stdout


def of_made(things, name):
    """called_from of the things with this creation site: all the same."""
    said = {json.dumps(t["called_from"]) for t in things if t["created_by"] and t["created_by"]["func"].endswith(name)}
    expect(len(said) == 1, f"{name}: {said}")
    c = json.loads(said.pop())
    return c["how"], c["func"], c["file"] and f"{c['file'].split('/')[-1]}:{c['line']}"


def one_census_tells_it_too(minor):
    """dump, chans and refs see no birth: the creators that are there."""
    want = wanted(minor, "module")
    with Target("", command=built(minor, "module")) as t:
        dump = json.loads(ask("dump", "-p", t.pid, "-f", "json"))["goroutines"]
        chans = [w for o in json.loads(ask("chans", "-p", t.pid, "-f", "json"))["channels"] for w in o["receivers"]]
        refs = json.loads(ask("refs", "-p", t.pid, "--func", "lib", "-f", "json"))["groups"]
        texts = {"dump": ask("dump", "-p", t.pid, "--objects"), "dump --group site": ask("dump", "-p", t.pid, "--group", "site"),
                 "chans": ask("chans", "-p", t.pid), "refs": ask("refs", "-p", t.pid, "--func", "lib")}
    for made in ["lib%2ev2.Early", "lib%2ev2.Gone", "lib%2ev2.Serve"]:
        for what, things in [("dump", dump), ("chans", chans), ("refs", refs)]:
            expect(of_made(things, made) == want[made], f"{what} {made}: {of_made(things, made)}, not {want[made]}")
    for what, text in texts.items():
        expect(re.search(f"called from main.serve \\S*/{line_of('main.serve')}", text), f"{what}: {text}")


def roots_of(folded):
    """Function after "created by" -> what stands before it."""
    ret = {}
    for line in folded.splitlines():
        m = re.match(r"(?:(called from [^;]*);)?created by ([^;]*);", line)
        expect(m, f"no creation site: {line}")
        ret.setdefault(m[2].split("/")[-1].replace(APP.split("/")[-1], "app"), set()).add(m[1])
    return ret


def root_of(how, func, line):
    return {"birth": f"called from {func} {line}", "creator": f"called from {func} {line}", "libraries": "called from libraries alone",
            "stands": f"called from ?, by a goroutine that is at {func} {line}", "not seen": "called from ?, not seen"}[how]


def expect_roots(got, want, what):
    for made, root in want.items():
        expect(got.get(made) == {root}, f"{what}: {made}: {got.get(made)}, not {root}; all: {got}")


def a_recording_by_creation_site_tells_it_too(minor, way):
    """Folded stacks: the line of the main module stands before the creation site."""
    want = {made: root_of(*w) for made, w in wanted(minor, way).items()}
    want["main.main"] = None
    born = {made: want[made] for made in ["sql.OpenDB", "lib%2ev2.Open"]}
    stands = root_of("stands", "main.main", line_of("main.main")) if minor >= PARENTS else root_of("not seen", None, None)
    unseen = {**want, "sql.OpenDB": stands, "lib%2ev2.Open": stands}
    if minor < PARENTS:
        unseen["lib%2ev2.fill"] = stands
    with Target("", command=built(minor, way)) as t:
        record = ["record", "-p", t.pid, "-d", 2, "-q", "--root", "created-by", "-f"]
        expect_roots(roots_of(ask(*record, "folded", "--max-overhead", 0)), want, "record")
        expect_roots(roots_of(ask(*record, "folded", "--max-overhead", 0, "-e", "births")), born, "record -e births")
        expect_roots(roots_of(ask(*record, "folded", "--max-overhead", 0, "--async")), {**born, "main.main": None}, "record --async")
        expect_roots(roots_of(ask(*record, "folded", "--no-probes")), unseen, "record --no-probes")
        expect_roots(roots_of(ask("dump", "-p", t.pid, "--root", "created-by", "-f", "folded")), unseen, "dump")
        stacks = json.loads(ask(*record, "json", "--max-overhead", 0))["stacks"]
    for made, line in [("sql.OpenDB", "main.connectStore"), ("main.main", None)]:
        called = [s["called_from"] for s in stacks if s["root"].endswith(made)]
        expect(called and all((c and c["func"]) == line and (not c or c["how"] == "birth") for c in called), f"{made}: {called}")


def cases():
    for minor, way in [(17, "module"), (22, "module"), (27, "module"), (build.MODES_MINOR, "stripped"), (build.MODES_MINOR, "trimpath")]:
        yield f"called: a_recording_by_creation_site_tells_it_too [go1.{minor} {way}]", \
            lambda m=minor, w=way: a_recording_by_creation_site_tells_it_too(m, w)
    for minor in [17, build.MODES_MINOR]:
        yield f"called: one_census_tells_it_too [go1.{minor}]", lambda m=minor: one_census_tells_it_too(m)
    for minor in [17, build.MODES_MINOR]:
        yield f"called: what_a_library_left_running_is_called_by_the_call_that_began_it [go1.{minor}]", \
            lambda m=minor: what_a_library_left_running_is_called_by_the_call_that_began_it(m)
    yield "called: the_text_says_the_same", the_text_says_the_same
    yield "called: nothing_is_said_of_what_is_made_by_the_program_itself", nothing_is_said_of_what_is_made_by_the_program_itself
    builds = [(minor, "module") for minor in build.MATRIX] + [(build.MODES_MINOR, way) for way in WAYS if way != "module"] + \
        [(15, "gopath"), (17, "gopath-trimpath"), (15, "vendor")]
    for some in (builds[i:i + 4] for i in range(0, len(builds), 4)):
        yield f"called: the_line_of_the_main_module_is_told [{', '.join(f'go1.{minor} {way}' for minor, way in some)}]", \
            lambda some=some: the_line_of_the_main_module_is_told(some)
