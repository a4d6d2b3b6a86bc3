# SPDX-License-Identifier: BSD-2-Clause
"""replay: a recording (.pw) shows what the same run showed live, byte for byte; cut off, hostile or of another version it says so."""
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import browser
import build
from chans import knots
from dumpviews import Idle
from outputs import FLAMEGRAPH
from target import LIMIT, PARKWATCH, Target, expect, parkwatch, unlimited

HEAD = 16    # bytes before the first segment: user/facts/pw_file.h


def saved(folder, command, pid, suffix, *args):
    """The report of a run, and the recording that it wrote beside it."""
    live, pw = Path(folder, "live." + suffix), Path(folder, f"run{len(os.listdir(folder))}.pw")
    status, _, said = parkwatch(command, "-p", str(pid), "-o", str(live), "--save", str(pw), *args)
    expect(status in (0, 3 if command == "leaks" else 0), said)
    return live.read_bytes(), pw


def reported(pw, suffix, *args, out=None):
    out = out or pw.with_name("report." + suffix)
    status, text, said = parkwatch("report", str(pw), "-o", str(out), *args)
    expect(status == 0 and not text, f"exit code {status}: {said}")
    return out.read_bytes()


def same(live, replayed, what):
    expect(live and live == replayed, f"{what}: {len(live)} bytes live, {len(replayed)} of the recording")


def a_dump_is_shown_as_it_was(minor):
    """Each format, groups, filters, order, and what is asked of the recording only later."""
    with tempfile.TemporaryDirectory() as folder, Idle(minor) as t:
        for suffix in ("txt", "json", "jsonl", "folded", "html", "pb.gz"):
            for args in ((), ("--system", "--full", "--objects", "--labels", "--sort", "stack", "--root", "created-by")):
                live, pw = saved(folder, "dump", t.pid, suffix, *args)
                same(live, reported(pw, suffix), f"{suffix} {args}")
        for by, suffix in (("site", "txt"), ("stack", "json"), ("wait", "txt"), ("object", "json"), ("label", "txt")):
            live, pw = saved(folder, "dump", t.pid, suffix, "--group", by, "--top", "3")
            same(live, reported(pw, suffix), f"groups by {by} as {suffix}")
        live, pw = saved(folder, "dump", t.pid, "json", "--wait", "chan*", "--not", "func=^runtime")
        same(live, reported(pw, "json"), "filters")
        # All goroutines are in it, so another question has the answer that it had live.
        # Of what waits for a time it would say how much is left.
        live, pw = saved(folder, "dump", t.pid, "txt", "--wait", "chan*", "--full")
        other, _ = saved(folder, "dump", t.pid, "txt", "--wait", "chan*", "--full", "--objects")
        same(other, reported(pw, "txt", "--objects"), "a further option")


FORMATS = ("html", "json", "folded", "pb.gz", "txt")
EVENTS = ("blocked", "births", "exits", "sched", "alloc", "cpu")


def a_recording_is_shown_as_it_was(event):
    """Over all events each root is there in each format."""
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        for i, root in enumerate(("none", "goid", "created-by") + (("label", "state") if event != "alloc" else ("none", "goid"))):
            suffix = FORMATS[(i + EVENTS.index(event)) % len(FORMATS)]
            args = ("-e", event, "-d", "0.2", "--root", root) + (("-f", "text") if suffix == "txt" else ())
            live, pw = saved(folder, "record", t.pid, suffix, *args, *unlimited(args))
            same(live, reported(pw, suffix, *(("-f", "text") if suffix == "txt" else ())), f"{event} {root} as {suffix}")
        status, text, said = parkwatch("info", str(pw))
        expect(status == 0 and f"counted       {event}" in text and f"pid {t.pid} " in text, text + said)


def ancestors_are_shown_as_they_were():
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        for suffix in ("html", "json"):
            live, pw = saved(folder, "record", t.pid, suffix, "-e", "births", "-d", "0.3", "--async", "--full", "--max-overhead", "0")
            same(live, reported(pw, suffix), suffix)


def channels_and_locks_are_shown_as_they_were(minor, kind):
    with tempfile.TemporaryDirectory() as folder, knots(kind, minor, "static") as (pid, _):
        for suffix in ("txt", "json"):
            for args in ((), ("--elements",), ("--wait", "sync*")):
                live, pw = saved(folder, "chans", pid, suffix, *args)
                same(live, reported(pw, suffix), f"{kind} as {suffix} {args}")
        # All goroutines and channels are in it, whatever was shown; what channels hold is not.
        # Of two moments only who waits is the same, not for how long.
        live, whole = saved(folder, "chans", pid, "json")
        goids = re.findall(b'"goid":[0-9]+', live)
        expect(len(goids) > 20 and goids == re.findall(b'"goid":[0-9]+', reported(pw, "json", "--wait", "*")), "another filter")
        said = json.loads(live)
        status, text, _ = parkwatch("info", str(whole))
        expect(status == 0 and re.search(f"^waited for    {len(said['channels'])} channels, [0-9]+ locks with [0-9]+ holders, {len(said['deadlocks'])} deadlocks$",
                                         text, re.M), text)
        status, text, said = parkwatch("report", str(pw), "--elements")
        expect(status == 2 and not text and "was recorded without --elements" in said, said)
        status, text, said = parkwatch("report", str(pw), "--view", "dump", "-f", "json")
        expect(status == 0 and '"goroutines"' in text, said)


def what_keeps_goroutines_is_shown_as_it_was(minor):
    with tempfile.TemporaryDirectory() as folder, Target("", command=build.built(minor, "static", "ways")) as t:
        for suffix in ("txt", "json"):
            for args in (("--state", "waiting"), ("--state", "waiting", "--top", "1"), ("--created-by", "main")):
                live, pw = saved(folder, "refs", t.pid, suffix, *args)
                same(live, reported(pw, suffix), f"{suffix} {args}")
        groups = json.loads(saved(folder, "refs", t.pid, "json", "--state", "waiting")[0])["groups"]
        _, pw = saved(folder, "refs", t.pid, "json", "--state", "waiting", "--top", "1")
        status, text, said = parkwatch("info", str(pw))
        expect(status == 0 and re.search(f"^paths         [1-9][0-9]*, of {len(groups)} groups of goroutines$", text, re.M), text + said)
        status, text, said = parkwatch("report", str(pw), "--view", "dump", "-f", "json")
        expect(status == 0 and len(json.loads(text)["goroutines"]) > 1, f"--top is of ways: {said}")
        at = next(g["object"]["addr"] for g in groups if g["object"] and g["paths"])
        live, pw = saved(folder, "refs", t.pid, "txt", "--addr", at)
        same(live, reported(pw, "txt"), f"the object at {at}")
        status, text, said = parkwatch("report", str(pw), "--state", "waiting")
        expect(status == 2 and not text and "--state cannot change it" in said, said)
        status, text, said = parkwatch("report", str(pw), "--view", "chans")
        expect(status == 1 and not text and "was written by 'refs'; try --view refs" in said, said)


# Of each of these something is told that others do not have: all words; proof, and variables that hold; causes; ends of connections.
LEAKY = ((15, "leaks", "all-leaks"), (15, "incidents", "recursive-rlock"), (22, "incidents", "limit"), (22, "peers", "handler-locks"),
         (26, "leaks", "all-leaks"), (26, "leaks", "all-controls"), (26, "incidents", "transactions-never-ended"),
         (26, "peers", "body-left-open"), (27, "incidents", "behind-a-ring"), (27, "leaks", "all-leaks"))
ASKED = (("txt", ()), ("json", ("--all", "--suspects")), ("folded", ("--suspects",)), ("html", ("--all",)), ("pb.gz", ("--all",)), ("txt", ("--all",)))


def a_watch_is_shown_as_it_was(minor, program, kind):
    """In each format, over all cases; and what is asked of the recording only later."""
    at = LEAKY.index((minor, program, kind))
    with tempfile.TemporaryDirectory() as folder, Target(kind, command=build.built(minor, "static", program)) as t:
        t.truth()
        for suffix, args in (ASKED[at % 2], ASKED[2 + at % 4]):
            live, pw = saved(folder, "leaks", t.pid, suffix, "-d", "4", "--min-age", "2s", *args)
            same(live, reported(pw, suffix), f"{suffix} {args}")
        expect(b'"verdict":"' in reported(pw, "json", "--all"), "all that was seen is in it")
        expect(reported(pw, "txt", "--view", "dump").startswith(b"goroutine 1 "), "so are the goroutines of the last look")
        status, text, said = parkwatch("info", str(pw))
        expect(status == 0 and "\nleaks         " in text and "\nlook 0 " in text, text + said)


def a_watch_keeps_its_first_look_and_its_last():
    """Of a program that says whom it has started: those it had when the watch began, and those it has in the end."""
    def among(pw, *args):
        funcs = [json.loads(line)["start"]["func"] for line in reported(pw, "jsonl", "--view", "dump", *args).splitlines()]
        return funcs.count("main.park"), funcs.count("main.lost")
    with tempfile.TemporaryDirectory() as folder, Target("-", command=build.built(build.MODES_MINOR, "static", "crowd")) as t:
        def tell(line):
            t.process.stdin.write(line + "\n")
            t.process.stdin.flush()
            expect(t.process.stdout.readline().startswith("{"), line)
        tell("more 20")
        pw = Path(folder, "x.pw")
        p = subprocess.Popen([PARKWATCH, "leaks", "-p", str(t.pid), "-d", "4", "-f", "json", "--save", str(pw)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        expect("watching" in p.stderr.readline(), "it does not begin")
        tell("leak 30")
        out, said = p.communicate(timeout=LIMIT)
        groups = {g["start"]["func"]: g for g in json.loads(out)["groups"]}
        expect(among(pw) == (20, 30) == among(pw, "--to", "1h"), f"in the end: {among(pw)}: {said}")
        # "watching" may be said before the first look
        expect(among(pw, "--to", "1ms") == (20, groups["main.lost"]["count_start"]), f"at the start: {among(pw, '--to', '1ms')}: {groups['main.lost']}")
        status, text, said = parkwatch("report", str(pw), "--view", "dump", "--from", "1ms")
        expect(status == 2 and not text and "--from and --to choose from events" in said, said)


def what_was_known_stays_known():
    """What the allow list and the baseline silenced is silent in the recording too; what was cut off within is no report."""
    with tempfile.TemporaryDirectory() as folder, Target("all-leaks", command=build.built(build.MODES_MINOR, "static", "leaks")) as t:
        t.truth()
        allow = Path(folder, "allow")
        allow.write_text("^main[.]\n")
        live, pw = saved(folder, "leaks", t.pid, "txt", "-d", "3", "--min-age", "1s", "--allow", str(allow), "--all")
        expect(b"(known)\n" in live, live.decode()[:2000])
        same(live, reported(pw, "txt"), "known")
        cut = pw.with_name("cut.pw")
        whole = pw.read_bytes()
        index = struct.unpack("<Q", whole[-16:-8])[0]
        cut.write_bytes(whole[:index])
        same(live, reported(cut, "txt"), "without an index")
    for other in ("dump", "record"):
        with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
            t.go()
            _, pw = saved(folder, other, t.pid, "json", *(("-d", "0.1") if other == "record" else ()))
            status, text, said = parkwatch("report", str(pw), "--view", "leaks")
            expect(status == 1 and not text and f"was written by '{other}'; try --view {other}" in said, said)


def each_recording_of_goroutines_is_a_dump_too():
    """Labels, and what descriptors are connected to; of chans all of it, of refs all but labels."""
    with tempfile.TemporaryDirectory() as folder, Idle() as t:
        for command, args, asked in (("chans", (), ("--objects", "--labels")), ("refs", ("--state", "waiting"), ("--objects",))):
            live = parkwatch("dump", "-p", str(t.pid), "--state", "waiting", "--wait", "IO wait", *asked)[1]
            _, pw = saved(folder, command, t.pid, "txt", *args)
            status, text, said = parkwatch("report", str(pw), "--view", "dump", "--state", "waiting", "--wait", "IO wait", *asked)
            expect(status == 0 and text == live and "tcp " in live, f"{command}: {said}{text}, and live {live}")


def a_recording_is_the_output_itself():
    """-o FILE.pw: no report beside it. It is for root alone, as other reports of root are."""
    with tempfile.TemporaryDirectory() as folder, Idle() as t:
        pw = Path(folder, "x.pw")
        status, _, said = parkwatch("dump", "-p", str(t.pid), "-o", str(pw))
        expect(status == 0 and pw.stat().st_mode & 0o777 == 0o600, said)
        live = parkwatch("dump", "-p", str(t.pid))[1]
        status, text, said = parkwatch("report", str(pw), "-f", "text")
        expect(text == live and status == 0, said)


def anybody_reads_it_anywhere():
    """No root, no process: only the file."""
    with tempfile.TemporaryDirectory() as folder:
        with Idle() as t:
            live, pw = saved(folder, "dump", t.pid, "txt")
        os.chmod(folder, 0o755)
        pw.chmod(0o644)
        exe = shutil.copy(PARKWATCH, folder)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", exe, "report", str(pw), "-f", "text"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, cwd="/")
        same(live, done.stdout, f"as nobody: {done.stderr}")


def what_is_whole_of_a_file_that_was_cut_off_is_shown():
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        live, pw = saved(folder, "record", t.pid, "folded", "-e", "births", "-d", "0.5", "--max-overhead", "0")
        whole = pw.read_bytes()
        cut = pw.with_name("cut.pw")
        cut.write_bytes(whole[:-1])
        status, text, said = parkwatch("report", str(cut), "-f", "folded")
        expect(status == 0 and text.encode() == live, said)
        for at in (0, HEAD - 1, HEAD, HEAD + 20, len(whole) // 2):
            cut.write_bytes(whole[:at])
            status, text, said = parkwatch("report", str(cut), "-f", "folded")
            expect(status == 1 and not text and "cut.pw'" in said and ("cut off" in said or "is no recording" in said), f"{at} bytes: {said}")


def what_is_no_recording_is_refused_with_its_name():
    with tempfile.TemporaryDirectory() as folder, Idle() as t:
        _, pw = saved(folder, "dump", t.pid, "txt")
        whole = bytearray(pw.read_bytes())
        bad = pw.with_name("bad.pw")
        for at, what, why in ((8, struct.pack("<H", 9), "it is of format 9, this parkwatch reads format 1"),
                              (0, b"\x7fELF", "it is no recording of parkwatch"),
                              (HEAD, b"xxxx", "segment 0 is damaged"),
                              (HEAD + 40, b"\0\0\0\0\0\0\0\0", "segment 0 is damaged")):
            bad.write_bytes(whole[:at] + what + whole[at + len(what):])
            for command in ("report", "info"):
                status, text, said = parkwatch(command, str(bad))
                expect(status == 1 and not text and said.count("\n") == 1 and "bad.pw'" in said and why in said, f"{command}: {said}")
        for path, why in (("/nowhere/x.pw", "No such file"), (folder, "")):
            status, text, said = parkwatch("report", path)
            expect(status == 1 and not text and path in said and why in said, said)
        status, _, said = parkwatch("report", str(pw), "--view", "record")
        expect(status == 1 and "was written by 'dump'; try --view dump" in said, said)


GOLDEN = Path(__file__).resolve().parent.parent / "golden"
# of the program that they were made of, demo/leaky.go then: its `go` statements
SITES = {"main.askAll": 87, "main.watchPrice": 97, "main.askWithTimeout": 72, "main.newStore": 34, "main.main": 137}


def a_recording_of_each_version_stays_readable():
    """A golden one of each format version: what it says is what the program's source says."""
    seen = set()
    for pw in sorted(GOLDEN.glob("*.pw")):
        status, text, said = parkwatch("info", str(pw))
        expect(status == 0 and not said and "/srv/demo/leaky" in text and "runtime       go1.26" in text, text + said)
        seen.add(re.search(r"format (\d+\.\d+),", text)[1])
    status, text, said = parkwatch("report", str(GOLDEN / "chans-1.0.pw"), "--view", "dump", "--group", "site")
    sites = dict(re.findall(r"created by (main\.\w+) at \./leaky\.go:(\d+)$", text, re.M))
    expect(status == 0 and not said and {name: int(line) for name, line in sites.items()} == SITES, text + said)
    status, text, said = parkwatch("report", str(GOLDEN / "births-1.0.pw"))
    expect(status == 0 and not said and {line.split(";")[0] for line in text.splitlines() if "main." in line.split(";")[0]} <=
           {f"created by {name}" for name in (*SITES, "main.serve")}, text + said)
    ranges = [json.loads(parkwatch("report", str(GOLDEN / "blocked-1.1.pw"), "-f", "json", *args)[1])["total"]
              for args in ((), ("--to", "100ms"), ("--from", "100ms", "--to", "0.3"), ("--from", "300ms"))]
    expect(ranges[0] == sum(ranges[1:]) > 10**9 and all(ranges), f"single events: {ranges}")
    end = re.match(r"0 s to (\S+) s of", json.loads(parkwatch("report", str(GOLDEN / "blocked-1.2.pw"), "-f", "json", "--to", "1")[1])["only"])[1]
    ranges = [json.loads(parkwatch("report", str(GOLDEN / "blocked-1.2.pw"), "-f", "json", *args)[1])["total"]
              for args in ((), ("--to", end), ("--from", end))]
    expect(ranges[0] == sum(ranges[1:]) > 10**9 and all(ranges), f"estimates: {ranges}")
    with tempfile.TemporaryDirectory() as folder:
        trace = json.loads(reported(Path(GOLDEN / "trace-1.3.pw"), "json", "-f", "trace", out=Path(folder, "t.json")))
    waits = {e["args"]["func"] for e in trace["traceEvents"] if e.get("cat") == "waiting" and "func" in e["args"]}
    expect({"main.askAll", "main.watchPrice"} & waits, f"a timeline: {waits}")
    expect(seen == {"1.0", "1.1", "1.2", "1.3"}, f"{seen}: a version has no golden recording")


def column(lines, of):
    """One number a stack, of lines `stack before after`: what a recording has alone."""
    return {stack: int(n) for stack, n in ((line.rsplit(" ", 2)[0], line.rsplit(" ", 2)[of]) for line in lines) if int(n)}


def alone(pw):
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in reported(pw, "folded").decode().splitlines()}


def as_folded(stack):
    return ";".join([*(reversed([f["func"] for f in stack["stack"]]) if stack["stack"] else ["[no stack]"]), f"[{stack['reason']}]"])


def a_difference_is_that_of_the_two_recordings():
    """Both columns are what each recording has alone; two of one program at rest differ in nothing."""
    with tempfile.TemporaryDirectory() as folder:
        with Idle() as t:
            before = saved(folder, "dump", t.pid, "txt")[1].rename(Path(folder, "before.pw"))
            same_again = saved(folder, "dump", t.pid, "txt")[1].rename(Path(folder, "again.pw"))
        with Target("busy") as t:
            t.go()
            after = saved(folder, "dump", t.pid, "txt")[1].rename(Path(folder, "after.pw"))
            births = saved(folder, "record", t.pid, "txt", "-e", "births", "-d", "0.2")[1].rename(Path(folder, "births.pw"))
        status, out, said = parkwatch("diff", str(before), str(after), "-f", "folded")
        lines = out.splitlines()
        expect(status == 0 and lines and all(FLAMEGRAPH.match(line) and FLAMEGRAPH.match(FLAMEGRAPH.match(line)[1]) for line in lines), out + said)
        expect(column(lines, 1) == alone(before) and column(lines, 2) == alone(after), f"{out}: {alone(before)}: {alone(after)}")
        told = json.loads(parkwatch("diff", str(before), str(after), "-f", "json")[1])
        both = {line.rsplit(" ", 2)[0]: tuple(map(int, line.rsplit(" ", 2)[1:])) for line in lines}
        changed = {stack: figures for stack, figures in both.items() if figures[0] != figures[1]}
        expect({as_folded(s): (s["before"], s["after"]) for s in told["stacks"]} == changed != {}, f"{set(map(as_folded, told['stacks'])) ^ set(changed)}")
        changes = [abs(s["change"]) for s in told["stacks"]]
        expect(changes == sorted(changes, reverse=True) and all(s["change"] == s["after"] - s["before"] for s in told["stacks"]), f"{changes}")
        expect((told["before"]["total"], told["after"]["total"]) == (sum(alone(before).values()), sum(alone(after).values())) and told["scale"] == 1, f"{told}")
        expect((told["event"], told["unit"], told["before"]["window_s"]) == ("goroutines", "goroutines", None), f"{told}")
        expect(json.loads(parkwatch("diff", str(before), str(same_again), "-f", "json")[1])["stacks"] == [], "two of one program at rest differ")
        status, out, said = parkwatch("diff", str(before), str(same_again))
        expect(status == 0 and out.endswith("\nnothing changed\n"), out + said)
        status, out, said = parkwatch("diff", str(before), str(births))
        expect(status == 1 and not out and "they cannot be compared: one has 'goroutines', the other 'births'" in said, out + said)
        page = Path(folder, "x.html")
        status, _, said = parkwatch("diff", str(before), str(after), "-o", str(page))
        expect(status == 0, said)
        facts = " · ".join((amounts(sum(alone(before).values()), sum(alone(after).values())), who("before", before), who("after", after)))
        for selector, wanted in (("#facts", [facts]), (".d3-flame-graph-label", ["all", next(iter(column(lines, 2))).split(";")[0]])):
            # A home for each browser: one that was killed leaves a lock in its own.
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
                browser.drawn(str(page), selector, wanted, home)    # fails where one of them never comes


def who(when, pw):
    text = parkwatch("info", str(pw))[1]
    pid, comm, go = re.search(r"pid (\d+) '(.*)',", text)[1], re.search(r"pid \d+ '(.*)',", text)[1], re.search(r"runtime +(go\S+)", text)[1]
    return f"{when}: {comm} (pid {pid}), {go}"


def amounts(a, b):
    return f"{goroutines_of(a)} before, {goroutines_of(b)} after: {'-' if b < a else '+'}{goroutines_of(abs(b - a))}"


def goroutines_of(n):
    return f"{n:,} goroutine{'' if n == 1 else 's'}"


def recordings_of_unequal_length_are_scaled_and_that_is_said():
    with tempfile.TemporaryDirectory() as folder, Target("busy") as t:
        t.go()
        one = saved(folder, "record", t.pid, "txt", "-d", "0.5", "--max-overhead", "0")[1].rename(Path(folder, "one.pw"))
        two = saved(folder, "record", t.pid, "txt", "-d", "1.5", "--max-overhead", "0")[1].rename(Path(folder, "two.pw"))
        status, out, said = parkwatch("diff", str(one), str(two), "-f", "folded")
        sums = [sum(column(out.splitlines(), of).values()) for of in (1, 2)]
        expect(status == 0 and re.search(r"is scaled to the length of .*: its figures are multiplied by 0\.3\d", said), said)
        expect(0.5 < sums[1] / sums[0] < 2, f"{sums}: three times as long, and not scaled")
        told = json.loads(parkwatch("diff", str(one), str(two), "-f", "json")[1])
        expect(0.3 < told["scale"] < 0.4 and abs(told["scale"] - told["before"]["window_s"] / told["after"]["window_s"]) < 0.001, f"{told}")
        expect("after is scaled to 0.5 s" in parkwatch("diff", str(one), str(two))[1], "the text does not say so")


def cases():
    for minor in (15, 20, 22, build.MODES_MINOR, 27):
        yield f"replay: a_dump_is_shown_as_it_was [go1.{minor}]", lambda m=minor: a_dump_is_shown_as_it_was(m)
    for event in EVENTS:
        yield f"replay: a_recording_is_shown_as_it_was [{event}]", lambda e=event: a_recording_is_shown_as_it_was(e)
    for minor, kind in ((15, "deadlocks"), (22, "deadlocks"), (27, "deadlocks"), (build.MODES_MINOR, "channels")):
        yield (f"replay: channels_and_locks_are_shown_as_they_were [go1.{minor} {kind}]",
               lambda m=minor, k=kind: channels_and_locks_are_shown_as_they_were(m, k))
    for minor in (15, 22, 27):
        yield f"replay: what_keeps_goroutines_is_shown_as_it_was [go1.{minor}]", lambda m=minor: what_keeps_goroutines_is_shown_as_it_was(m)
    for leaky in LEAKY:
        yield f"replay: a_watch_is_shown_as_it_was [go1.{leaky[0]} {leaky[1]} {leaky[2]}]", lambda of=leaky: a_watch_is_shown_as_it_was(*of)
    for function in (what_was_known_stays_known, a_watch_keeps_its_first_look_and_its_last, a_recording_of_each_version_stays_readable,
                     a_difference_is_that_of_the_two_recordings,
                     recordings_of_unequal_length_are_scaled_and_that_is_said,
                     ancestors_are_shown_as_they_were, each_recording_of_goroutines_is_a_dump_too, a_recording_is_the_output_itself, anybody_reads_it_anywhere,
                     what_is_whole_of_a_file_that_was_cut_off_is_shown, what_is_no_recording_is_refused_with_its_name):
        yield f"replay: {function.__name__}", function
