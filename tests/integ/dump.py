# SPDX-License-Identifier: BSD-2-Clause
"""dump: what parkwatch dump says of a program against what the program, its own tracebacks and its last one say. On each Go
version and build mode."""
import collections
import json
import os
import re
import subprocess
import time

import build
from goroutines import Dumped, Frame, shown, traceback
from target import LIMIT, PARKWATCH, expect

VERSIONS = [(minor, "static") for minor in sorted(set(build.TOOLCHAINS) - {14})]
BUILDS = [(minor, mode) for minor in (build.MODES_MINOR, 19) for mode in build.MODES if mode != "static"]
PROMISED = ["goid", "status", "reason", "wait_ns", "parent_goid", "labels", "start", "created_by", "waits_for", "stack"]


def dump(pid, *args):
    """(standard output, standard error) of one dump that must go well.

    Taken again where a goroutine is unsettled: in a program at rest that is a thread which the kernel took away in the
    middle of a step, and it is back when it has a processor again.
    """
    for _ in range(100):
        done = subprocess.run([PARKWATCH, "dump", "-p", str(pid), *map(str, args)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT)
        expect(done.returncode == 0,
               f"dump {' '.join(map(str, args))}: exit code {done.returncode}: {done.stderr.strip()}")
        if "; 0 unsettled;" in done.stderr:
            break
    return done.stdout, done.stderr


def goroutines(pid, *args):
    """goid -> object of a dump as jsonl."""
    lines = [json.loads(line) for line in dump(pid, "--format", "jsonl", *args)[0].splitlines()]
    expect(len({g["goid"] for g in lines}) == len(lines), "a goid is there twice")
    return {g["goid"]: g for g in lines}


def frames(g):
    return [Frame(plain(f["func"]), f["file"], f["line"], f.get("inlined", False)) for f in g["stack"]]


def place(p):
    return f"{p['func']} {p['file']}:{p['line']}" if p else ""


def plain(func):
    return "panic" if func == "runtime.gopanic" else func


def word(g):
    """The state as a traceback's header has it."""
    return g["reason"] if g["status"] == "waiting" else g["status"]


def same_frames(want, elided, got, columns=slice(4)):
    """Are the frames wanted, some of which a traceback leaves out at `elided`, those that were got?"""
    want, got = [f[columns] for f in want], [f[columns] for f in got]
    if elided is None:
        return want == got
    head, tail = want[:elided], want[elided:]
    return len(got) > len(want) and got[:len(head)] == head and (not tail or got[-len(tail):] == tail)


def first_difference(want, got):
    for i, (w, g) in enumerate(zip(want, got)):
        if w != g:
            return f"frame {i} is {g}, want {w}"
    return f"{len(got)} frames, want {len(want)}: {(got or want)[min(len(want), len(got)):][:2]}"


def report(wrong):
    """Raises Failed with one finding of each sort, if there are any. wrong: (sort, words)."""
    sorts = collections.OrderedDict()
    for sort, words in wrong:
        sorts.setdefault(sort, []).append(words)
    expect(not sorts, "; ".join(f"{sort} ({len(all_)}): {all_[0]}" for sort, all_ in sorts.items()))


def against_tracebacks(ours, blocks, server):
    """The dump against runtime.Stack's text, which is debug=2 of pprof."""
    if set(ours) != set(blocks):
        yield "goroutines", f"missing {sorted(set(blocks) - set(ours))}, besides {sorted(set(ours) - set(blocks))}"
    for goid in set(ours) & set(blocks):
        g, block = ours[goid], blocks[goid]
        missing = [key for key in PROMISED if key not in g]
        if missing:
            yield "members", f"goroutine {goid} has no {missing}"
            continue
        if bool(g.get("locked_to_thread")) != ("locked to thread" in block.notes):
            yield "locked", f"goroutine {goid}: {g.get('locked_to_thread')}"
        if block.created:
            made = "{} {}:{}".format(*block.created)
            if place(g["created_by"]) != made:
                yield "created by", f"goroutine {goid}: {place(g['created_by'])}, want {made}"
            if (g["parent_goid"] or 0) != block.parent:
                yield "parent", f"goroutine {goid}: {g['parent_goid']}, want {block.parent}"
        if goid == server:
            if g["status"] != "syscall" or not any(f.func.endswith("serve") for f in frames(g)):
                yield "server", f"goroutine {goid}: {g['status']} {frames(g)}"
            continue
        if block.state != "semacquire" and word(g) != block.state:
            yield "state", f"goroutine {goid}: {word(g)}, want {block.state}"
        if g.get("truncated") or not same_frames(shown(block.frames), block.elided, shown(frames(g))):
            yield "stack", f"goroutine {goid}: {first_difference(shown(block.frames), shown(frames(g)))}"


def against_truth(ours, truth, minor, began, ended):
    """The dump against what the program says of itself. began, ended: the clock around the dump."""
    for want in truth["goroutines"]:
        goid = want["goid"]
        g = ours.get(goid)
        if not g:
            yield "goroutines", f"no {goid}"
            continue
        if (g["status"], g["reason"] or "") != (want["status"], want["reason"]):
            yield "reason", f"goroutine {goid}: {g['status']} {g['reason']!r}, want {want['status']} {want['reason']!r}"
        if g["labels"] != want["labels"]:
            yield "labels", f"goroutine {goid}: {g['labels']}, want {want['labels']}"
        creator = place(g["created_by"])
        if want["creator"] and not creator.endswith(" " + want["creator"]):
            yield "creator", f"goroutine {goid}: {creator}, want {want['creator']}"
        if minor >= 21 and want["parent"] and g["parent_goid"] != want["parent"]:
            yield "parent", f"goroutine {goid}: {g['parent_goid']}, want {want['parent']}"
        if minor < 21 and g["parent_goid"]:
            yield "parent", f"goroutine {goid}: {g['parent_goid']}, which Go 1.{minor} does not know"
        if want["frames"]:
            own = [f"{f.func} {f.file}:{f.line}" for f in frames(g) if f.func != "panic" and not f.func.startswith("runtime.")]
            if own[-len(want["frames"]):] != want["frames"] or len(own) < want["deep"]:
                yield "frames", f"goroutine {goid}: {first_difference(want['frames'], own[-len(want['frames']):])}"
        if want["status"] == "waiting":
            yield from against_objects(g, want, began, ended)


def against_objects(g, want, began, ended):
    """What it waits for."""
    got = g["waits_for"]
    if want["waits"] and want["waits"][0]["kind"] in ("fd", "timer"):
        check = fd_wrong if want["waits"][0]["kind"] == "fd" else timer_wrong
        if len(got) != 1 or check(got[0], want["waits"][0], began, ended):
            yield want["waits"][0]["kind"], f"goroutine {g['goid']}: {got}, want {want['waits']}"
        return
    if want["waits"] and want["waits"][0]["kind"] == "coroutine":    # of what address, no program can tell
        if [o["kind"] for o in got] != ["coroutine"] or not int(got[0]["addr"], 16):
            yield "coroutine", f"goroutine {g['goid']}: {got}"
        return
    objects = {(o["kind"], int(o["addr"], 16), o.get("dir", "")) for o in want["waits"]}
    said = {(o["kind"], int(o["addr"], 16) if "addr" in o else 0, o.get("dir", "")) for o in got}
    known = g["reason"] in ("chan receive", "chan send")    # of a select's cases, where it can be known
    if not all(any(alike(w, s, known) for s in said) for w in objects) or not all(
            any(alike(w, s, known) for w in objects) for s in said):
        yield "waits for", f"goroutine {g['goid']} [{g['reason']}]: {got}, want {want['waits']}"


def alike(want, got, must_have_dir):
    return got[0] in want[0].split("|") and got[1] == want[1] and (got[2] == want[2] or not (got[2] or must_have_dir))


def fd_wrong(got, want, _began, _ended):
    return (got["kind"], got.get("fd"), got.get("mode")) != ("fd", want["fd"], want["mode"]) or \
        not re.sub("^(tcp|udp)6 ", r"\1 ", got.get("peer") or "").startswith(want["peer"])


def timer_wrong(got, want, began, ended):
    second = 10 ** 9    # between the program's clock and its Sleep
    return got["kind"] != "timer" or not want["when"] - ended - second <= got.get("when_ns", 0) <= want["when"] - began + second


def against_text(text, ours, blocks, server):
    """The text against runtime.Stack's, to the offsets, but for the arguments, which it does not know."""
    said = traceback(text)
    if set(said) != set(ours):
        yield "text: goroutines", f"missing {sorted(set(ours) - set(said))}, besides {sorted(set(said) - set(ours))}"
    for goid in set(said) & set(blocks):
        got, want = said[goid], blocks[goid]
        if got.state != word(ours[goid]):
            yield "text: state", f"goroutine {goid}: {got.state}, want {word(ours[goid])}"
        if ("locked to thread" in got.notes) != ("locked to thread" in want.notes) or any("minutes" in n for n in got.notes):
            yield "text: notes", f"goroutine {goid}: {got.notes}, want {want.notes}"
        if (got.created, got.parent) != (want.created, want.parent):
            yield "text: created by", f"goroutine {goid}: {got.created} in {got.parent}, want {want.created} in {want.parent}"
        elided = want.elided if got.elided is None else min(got.elided, want.elided or got.elided)
        if goid != server and not (got.frames and textual(got.frames) == textual(want.frames) or
                                   elided is not None and same_text(shown(want.frames), elided, got.frames) or
                                   got.elided is not None and same_text(got.frames, elided, shown(want.frames))):
            yield "text: stack", f"goroutine {goid}: {first_difference(textual(shown(want.frames)), textual(got.frames))}"


def textual(frames_):
    """What a text says of frames but for their arguments. One that is inlined has no offset."""
    return [(f.func, f.file, f.line, f.offset) for f in frames_]


def same_text(want, elided, got):
    return same_frames(textual(want), elided, textual(got))


def against_the_last(ours, said, last, blocks, server):
    """All frames and the runtime's own goroutines against the traceback of SIGQUIT at GOTRACEBACK=system; `said`: text --full.

    That shows wrappers too: a frame that is neither the runtime's nor in the usual traceback is one.
    """
    if set(ours) != set(last):
        yield "system: goroutines", f"missing {sorted(set(last) - set(ours))}, besides {sorted(set(ours) - set(last))}"
    for goid in set(ours) & set(last):
        if bool(ours[goid].get("system")) != (goid not in blocks):
            yield "system: said", f"goroutine {goid}: {ours[goid].get('system')}"
        if goid == server or last[goid].elided is not None or ours[goid]["status"] not in ("waiting", "syscall"):
            continue
        usual = blocks[goid].frames if goid in blocks else None
        for sort, got in (("all frames", frames(ours[goid])), ("text --full", said[goid].frames if goid in said else None)):
            if got is not None and not same_but_wrappers(last[goid].frames, usual, got):
                yield sort, f"goroutine {goid}: {[f[:3] for f in got]}, want {[f[:3] for f in last[goid].frames]}"


# Wrappers in package runtime: made for a go or defer statement, and what calls deferred functions
# (cmd/internal/objabi/funcid.go).
RUNTIME_WRAPPER = re.compile(r"runtime\..*\.(gowrap|deferwrap|func)\d+|"
                             r"runtime\.(call\d+|reflectcallSave|deferCallSave|runOpenDeferFrame|deferreturn)")


def same_but_wrappers(all_frames, usual, got):
    """Do all_frames without their wrappers give those that were got? usual: of the same goroutine in a usual traceback."""
    got, usual = [f[:3] for f in got], usual and {f[:3] for f in usual}
    for f in all_frames:
        if got and f[:3] == got[0]:
            got.pop(0)
        elif not (f.file == "<autogenerated>" or RUNTIME_WRAPPER.fullmatch(f.func) or
                  shown_alone(f) and usual is not None and f[:3] not in usual):
            return False
    return not got


def shown_alone(frame):
    return shown([frame, Frame("main.main", "", 0, False)])[0] == frame


def everything_is_as_the_program_says(minor, mode):
    """Nothing is collected before: nobody knows how long they wait."""
    with Dumped("parked", minor, mode, env={"GOTRACEBACK": "system"}) as t:
        blocks, truth = t.settled(), t.truth()
        server = truth["server"]
        began = time.monotonic_ns()
        ours = goroutines(t.pid)
        ended = time.monotonic_ns()
        wrong = [*against_tracebacks(ours, blocks, server), *against_truth(ours, truth, minor, began, ended),
                 *against_text(dump(t.pid)[0], ours, blocks, server)]
        wrong += [("wait_ns", f"goroutine {i}: {g['wait_ns']} before a collection") for i, g in ours.items()
                  if g["wait_ns"] is not None]
        if mode != "c-shared":    # there, SIGQUIT is the host's
            all_of_them, full = goroutines(t.pid, "--system"), traceback(dump(t.pid, "--full")[0])
            wrong += against_the_last(all_of_them, full, traceback(t.quit()), blocks, server)
        report(wrong)


def each_is_said_to_run_what_was_asked_for(minor, mode):
    """Not the wrapper that the compiler makes for a go statement, nor one for a method; also where it was chosen at run time."""
    with Dumped("parked", minor, mode) as t:
        t.settled()
        truth, ours = t.truth(), goroutines(t.pid)
    wrong = []
    for want in truth["goroutines"]:
        start = place(ours[want["goid"]]["start"])
        if want["start"].startswith(("runtime.", "_cgo")):    # a C thread: nothing of the program's own
            continue
        if not start.startswith(want["start"] + " "):
            wrong.append(("start", f"goroutine {want['goid']}: {start}, want {want['start']}"))
        elif want["start_line"] and not start.endswith(f":{want['start_line']}"):
            wrong.append(("line", f"goroutine {want['goid']}: {start}, want {want['start_line']}"))
    report(wrong)


def labels_are_right_to_the_last_byte(minor, mode):
    with Dumped("labels", minor, mode) as t:
        truth, ours = t.truth(), goroutines(t.pid)
    for want in truth["goroutines"]:
        expect(ours[want["goid"]]["labels"] == want["labels"], f"{ours[want['goid']]['labels']}, want {want['labels']}")


def how_long_is_never_more_than_it_was(minor, mode):
    """What the runtime notes of a goroutine is when the collection *before* the one that found it waiting was at its end, 0 in
    the first (runtime/mgcmark.go markroot, work.tstart): it may have begun to wait after that."""
    with Dumped("parked", minor, mode) as t:
        t.settled()
        truth = t.truth()
        for _ in range(3):
            _, collected = map(int, t.ask("gc").split())
        while time.monotonic_ns() < collected + 200_000_000:    # it is the time itself that is needed: it tells the two ages apart
            time.sleep(0.01)
        asked = time.monotonic_ns()
        t.ask("more 5")    # these wait from here on
        t.settled()
        t.ask("gc")
        began = time.monotonic_ns()
        ours = goroutines(t.pid)
        ended = time.monotonic_ns()
    since = {g["goid"]: g["since"] for g in truth["goroutines"]}
    since.update({i: asked for i, g in ours.items() if place(g["start"]).startswith(truth["package"] + "extra ")})
    expect(len(since) == len(truth["goroutines"]) + 5, "not all are there")
    findings = [wait_wrong(ours[i], ended - at, began - collected if at < collected else 0) for i, at in since.items()]
    report(filter(None, findings))


def wait_wrong(g, at_most, at_least):
    if g["wait_ns"] is None:
        return at_least and g["status"] == "waiting" and ("no wait_ns", f"goroutine {g['goid']} [{word(g)}]")
    return not at_least <= g["wait_ns"] <= at_most and (
        "wait_ns", f"goroutine {g['goid']} [{word(g)}]: {g['wait_ns']}, not between {at_least} and {at_most}")


def the_one_that_answers_blocks_in_read(minor, _mode):
    """A goroutine in a system call has its stack."""
    with Dumped("labels", minor) as t:
        truth = t.truth()
        server = goroutines(t.pid)[truth["server"]]
    funcs = [f.func for f in frames(server)]
    expect(server["status"] == "syscall" and funcs[0].startswith(("syscall.", "runtime/internal/", "internal/runtime/")),
           f"{server['status']}: {funcs}")
    expect(funcs[-5:-1] == ["main.serve", "main.run", "main.main", "runtime.main"], f"{funcs}")
    expect(server["start"]["func"] in ("runtime.main", "main.main"), f"start {server['start']}")


def a_finalizer_that_blocks_is_shown(minor, _mode):
    with Dumped("finalizer", minor) as t:
        truth = t.truth()
        goid = truth["goroutines"][0]["goid"]
        blocks, ours = t.settled(), goroutines(t.pid)
    expect(goid in blocks, "the runtime does not show it itself")
    expect(set(ours) == set(blocks), f"missing {sorted(set(blocks) - set(ours))}, besides {sorted(set(ours) - set(blocks))}")
    report(against_tracebacks(ours, blocks, truth["server"]))


SPINNERS = ("main.spin", "main.spinDeep")


def the_running_have_no_stack_and_the_stopped_have_theirs(minor, _mode):
    """More goroutines that only run than processors: each is running, with no stack, or runnable, with all of it."""
    seen = collections.Counter()
    with Dumped("busy", minor) as t:
        truth = t.truth()
        parked = {g["goid"]: g for g in truth["goroutines"]}
        for _ in range(500):    # until all that there is was seen
            ours = goroutines(t.pid)
            expect(len(ours) == truth["count"], f"{len(ours)} goroutines, the program has {truth['count']}")
            for g in ours.values():
                seen.update(busy_state(g, t.pid, parked.get(g["goid"])))
            if {"running", "main.spin", "main.spinDeep"} <= set(seen):
                break
    expect({"running", "main.spin", "main.spinDeep"} <= set(seen), f"seen only {dict(seen)}")


def busy_state(g, pid, parked):
    """What was seen, in a word; and it is right."""
    funcs = [f.func for f in frames(g) if not f.func.startswith("runtime.")]
    if parked:
        expect(word(g) == (parked["reason"] or "syscall"), f"goroutine {g['goid']}: {word(g)}, want {parked['reason']}")
    elif g["status"] == "running":
        expect(not g["stack"], f"goroutine {g['goid']} runs and has a stack: {funcs}")
        if not g.get("m"):    # it changed too fast
            return []
        expect(g["m"]["tid"] in threads(pid), f"goroutine {g['goid']} runs on {g['m']}, the threads are {threads(pid)}")
        expect(g["p"] in (0, 1), f"goroutine {g['goid']} runs on processor {g.get('p')}")
        return ["running"]
    elif g["status"] == "runnable" and g["start"]["func"] in SPINNERS:
        wanted = ["main.spin"] + ["main.spinDeep"] * 21 if g["start"]["func"] == "main.spinDeep" else ["main.spin"]
        expect(funcs == wanted, f"goroutine {g['goid']}: {funcs}, want {wanted}")
        expect(frames(g)[-1].func == "runtime.goexit", f"goroutine {g['goid']} ends in {frames(g)[-1]}")
        return [g["start"]["func"]]
    return []


def threads(pid):
    return {int(tid) for tid in os.listdir(f"/proc/{pid}/task")}


CASES = [
    (everything_is_as_the_program_says, VERSIONS + BUILDS),
    (each_is_said_to_run_what_was_asked_for, VERSIONS + BUILDS),
    (labels_are_right_to_the_last_byte, VERSIONS),
    (how_long_is_never_more_than_it_was, VERSIONS),
    (the_one_that_answers_blocks_in_read, VERSIONS),
    (a_finalizer_that_blocks_is_shown, VERSIONS),
    (the_running_have_no_stack_and_the_stopped_have_theirs, VERSIONS),
]


def cases():
    for function, matrix in CASES:
        for minor, mode in matrix:
            where = " ".join(filter(None, [f"go1.{minor}", mode if mode != "static" else ""]))
            yield f"dump: {function.__name__} [{where}]", lambda f=function, a=(minor, mode): f(*a)
