# SPDX-License-Identifier: BSD-2-Clause
"""top: `parkwatch top`: as text against what the program says of itself, and in a real terminal (tmux): keys, sizes, hostile names, ends.

Each case has a PID namespace of its own: only its own processes are listed.
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import build
import harm
from refusals import one_line
from serve import alone, main
from servehistory import crowd, line_of, tell
from target import LIMIT, PARKWATCH, Target, expect, parkwatch

WAIT = 20    # seconds: what is waited for takes two at most; the rest is for a machine with other work
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
PARK, STAY = ("main.more " + line_of("more.go"), "main.park " + line_of("park.stop")), ("main.other " + line_of("other.go"), "main.stay " + line_of("stay.never"))


# --- as text ---

class Batch:
    """`top -b`, whose looks come one by one."""

    def __init__(self, *args):
        self.process = subprocess.Popen([PARKWATCH, "top", "-b", *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def look(self):
        """(titles, rows): of the next look, up to its empty line or the end."""
        lines = []
        for line in self.process.stdout:
            if line == "\n":
                break
            lines.append(line.rstrip("\n"))
        head = next(i for i, line in enumerate(lines) if re.match(r" *(GROWTH/MIN|PID)", line))
        return lines[:head], lines[head + 1:]

    def end(self):
        self.process.stdout.read()
        return self.process.wait(LIMIT)


def sites(rows):
    """{(created by, at): its numbers}"""
    found = {}
    for row in rows:
        growth, count, new, blocked, made, state, _, stands = re.split(r"\s{2,}", row.strip())
        found[made, stands] = {"growth": growth, "count": int(count), "new": int(new), "blocked": blocked, "state": state}
    return found


def seconds(age):
    """"1h2m", "3.5s" """
    return sum(float(n) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[unit] for n, unit in re.findall(r"([\d.]+)([dhms])", age))


def the_sites_are_those_of_the_program(minor):
    """Between two looks the program does something; what the first look after it shows, the program says."""
    with Target("-", command=build.built(minor, "static", "crowd")) as t:
        tell(t, "more 300", "other 20")
        top = Batch("-p", t.pid, "-n", 6, "-d", 1)
        first, began = top.look(), time.monotonic()
        truth = tell(t, "more 50", "less 100")
        for _ in range(5):
            titles, rows = top.look()
        took, code = time.monotonic() - began, top.end()
    before, after = sites(first[1]), sites(rows)
    expect(code == 0 and before[PARK]["count"] == 300 and before[PARK]["growth"] == "-" and before[PARK]["new"] == 0, f"{before}")
    now = truth["started"] - truth["ended"]
    expect(after[PARK]["count"] == now - 20 == 250 and after[PARK]["state"] == "chan receive", f"{after}")
    expect(after[PARK]["new"] <= 50 and float(after[PARK]["growth"]) < 0, f"{after[PARK]}")
    expect(after[STAY] == {**before[STAY], "growth": "0", "blocked": after[STAY]["blocked"]}, f"{before[STAY]}: {after[STAY]}")
    expect(20 * 4 <= seconds(after[STAY]["blocked"]) <= 20 * (took + 1), f"20 wait for {took} s: {after[STAY]}")
    counted = re.search(r"^(\d+) goroutines, .*; (\d+) made and (\d+) ended since the first look; 6 looks$", titles[1])
    expect(counted and int(counted[1]) == now + 1, f"{titles}: {now} and main")
    # The runtime may make some of its own meanwhile.
    expect(50 <= int(counted[2]) <= 70 and 100 <= int(counted[3]) <= 120, f"{titles}")
    expect(str(t.pid) in titles[0] and "go" + build.TOOLCHAINS[minor] in titles[0], f"{titles}")


def the_processes_are_there_and_who_grows_is_first():
    with crowd() as t, Target("300", command=build.built(build.MODES_MINOR, "static", "many")) as many:
        top = Batch("-n", 3, "-d", 1)
        top.look()
        truth = tell(t, "more 60")
        top.look()
        titles, rows = top.look()
        code = top.end()
        sizes = Batch("-n", 1, "--sort", "goroutines").look()[1]
    cells = {int(row.split()[0]): row.split() for row in rows}
    expect(code == 0 and set(cells) == {t.pid, many.pid} and titles[0].startswith("2 Go processes"), f"{titles} {rows}")
    expect(cells[t.pid][3] == str(1 + truth["started"]) and cells[t.pid][2].startswith("+") and cells[many.pid][2] == "0", f"{rows}")
    expect(rows[0].split()[0] == str(t.pid) and sizes[0].split()[0] == str(many.pid), f"{rows} {sizes}")


def who_ends_is_told_and_what_is_not_there_is_refused():
    with Target("idle") as t:
        top = Batch("-p", t.pid, "-d", "200ms")
        top.look()
        t.process.kill()
        expect(top.end() == 0, "its end is no error")
        one_line(parkwatch("top", "-p", t.pid, prefix=["env", "TERM=xterm"]), "no terminal", "top -b")
    with Target("idle") as t:
        one_line(parkwatch("top", "-b", "-n", 1, "-p", t.pid, prefix=NOBODY), str(t.pid), "CAP_SYS_PTRACE")
    one_line(parkwatch("top", "-b", "-p", 2**22), "no process", str(2**22))
    one_line(parkwatch("top", "-b", "-p", os.getpid()), str(os.getpid()), "Go")


# --- in a terminal ---

class Terminal:
    """A terminal with a shell in it, of tmux. All that the shell's programs write is kept."""

    def __init__(self, env=None, width=100, height=24):
        self.env, self.size = {"LC_ALL": "C.UTF-8", **(env or {})}, (width, height)

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.socket, self.written = Path(self.folder.name, "socket"), Path(self.folder.name, "written")
        width, height = map(str, self.size)
        environment = {**{k: v for k, v in os.environ.items() if k not in ("TMUX", "TERM")}, **self.env}
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "bash --norc --noprofile"],
                       env=environment, check=True)
        self.tmux("pipe-pane", f"cat > {self.written}")
        self.until(lambda: "#" in self.screen() and self.written.exists(), "no shell, or nobody writes down what it says")
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)
        self.folder.cleanup()

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, *map(str, args)], capture_output=True, text=True, check=True).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def is_taken(self):
        """A program has it for itself (the alternate screen)."""
        return self.tmux("display", "-p", "#{alternate_on}") == "1\n"

    def until(self, true, why):
        end = time.monotonic() + WAIT
        while not true():
            expect(time.monotonic() < end, f"{why}:\n{self.screen()}")
            time.sleep(0.05)

    def shows(self, *texts):
        self.until(lambda: all(re.search(text, self.screen()) for text in texts), f"not shown: {texts}")
        return self.screen()

    def start(self, *args, prefix=()):
        """Says its exit status at the end, and whether the terminal's settings are as before."""
        words = " ".join(map(str, (*prefix, PARKWATCH, "top", *args)))
        self.keys("-l", f"clear; was=$(stty -g); {words}; echo status=$? $([ \"$was\" = \"$(stty -g)\" ] && echo as before)\n")

    def ended(self, status=0):
        screen = self.shows(r"(?m)^status=\d+")
        expect(f"\nstatus={status} as before" in "\n" + screen and not self.is_taken(), screen)
        return screen


@contextlib.contextmanager
def shown(*args, **how):
    with Terminal(**how) as term:
        term.start("-d", "500ms", *args)
        term.until(term.is_taken, "it does not start")
        yield term


def one_goes_from_processes_to_a_stack_and_back():
    with crowd() as t, Target("idle") as other:
        tell(t, "more 300", "other 20")
        with shown() as term:
            term.shows("2 Go processes", rf"\b{t.pid}\b", rf"\b{other.pid}\b")
            term.keys("/", "crowd", "Enter")
            term.until(lambda: not re.search(rf"\b{other.pid}\b", term.screen()), "the filter takes all")
            term.keys("Enter")
            screen = term.shows(rf"pid {t.pid} ", r"321 goroutines", r" 300 .*main\.more", r" 20 .*main\.other")
            tell(t, "more 7")
            term.shows(r"328 goroutines", r" 307 +7 .*main\.more")
            term.keys("G")
            screen = term.shows("GOROUTINESv")
            rows = [line for line in screen.splitlines() if "main.go" in line]
            expect("main.more" in rows[0] and "main.other" in rows[1], screen)
            term.keys("R", "Home")    # the fewest first
            term.until(lambda: "GOROUTINES^" in term.screen(), "not reversed")
            term.keys("R", "Home", "j", "k", "Enter")
            term.shows("STACK", r"main\.park", r"main\.go:" + PARK[1].split(":")[1], r"created by main\.more")
            term.keys("h")
            term.shows("KEYS", "sort by BLOCKED")
            term.keys("h", "Escape")
            term.shows("CREATED BY")
            term.keys("Escape")
            term.shows("1 Go processes|2 Go processes", "only rows with 'crowd'")
            term.keys("q")
            term.ended()
        expect(t.process.poll() is None, "the target died")


def sizes_and_delays_change():
    with crowd() as t, shown("-p", t.pid) as term:
        tell(t, "other 20")
        term.shows("main.other")
        for width, height in ((20, 5), (1, 1), (40, 2), (200, 50)):
            term.tmux("resize-window", "-x", width, "-y", height)
            if width > 10 and height > 4:
                term.until(lambda w=width: re.search(r"\d", term.screen()) and all(len(line) <= w for line in term.screen().splitlines()), "not drawn")
        term.shows(r" 20 .*main\.other", "q quit")
        term.keys("s", "nonsense", "Enter")
        term.shows("'nonsense' is no time from 0.1s to 1h")
        term.keys("d", "0.2s", "Enter", "Space", "<", ">", "x", "PageDown", "End")
        looks = int(re.search(r"(\d+) looks", term.screen())[1])
        term.until(lambda: int(re.search(r"(\d+) looks", term.screen())[1]) > looks + 5, "it does not look on")
        term.keys("C-c")
        term.ended()


def the_terminal_is_restored(how):
    with Target("idle") as t, shown("-p", t.pid) as term:
        term.shows(rf"pid {t.pid} ")
        if how == "Ctrl-Z":
            term.keys("C-z")
            term.until(lambda: not term.is_taken() and "Stopped" in term.screen(), "it is not stopped")
            term.keys("-l", "fg\n")
            term.until(term.is_taken, "it does not come back")
            term.shows(rf"pid {t.pid} ", "q quit")
            term.keys("q")
            term.until(lambda: not term.is_taken(), "the terminal is not restored")
        elif how == "end":
            t.process.kill()
            t.process.wait()
            term.shows(rf"pid {t.pid} has ended")
            term.keys("j", "Enter", "Escape", "q")
            term.ended()
        else:
            top = next(int(p.parent.name) for p in Path("/proc").glob("[0-9]*/cmdline") if p.read_bytes().split(b"\0")[1:3] == [b"top", b"-d"])
            os.kill(top, how)
            term.ended()


def what_cannot_be_shown_is_said_in_one_line():
    with Target("idle") as t:
        for env, args, prefix, says in (
                ({}, ("-p", t.pid), ("env", "TERM="), "TERM does not say .*top -b"),
                ({}, ("-p", t.pid), ("env", "TERM=nonesuch"), ".*'nonesuch' .*top -b"),
                ({}, ("-p", t.pid), ("env", "TERM=dumb"), ".*'dumb' .*top -b"),
                ({}, ("-p", t.pid, "|", "cat"), (), "this is no terminal: .*top -b"),
                ({}, ("-p", t.pid), NOBODY, ".*CAP_SYS_PTRACE"),
                ({}, ("-p", 2**22), (), "no process")):
            with Terminal(env, width=200) as term:
                term.start(*args, prefix=prefix)
                screen = term.shows("parkwatch: " + says, r"(?m)^status=\d .*as before")
                expect(screen.count("parkwatch:") == 1 and b"\x1b[?1049h" not in term.written.read_bytes(), f"{args} {prefix}: {screen}")


def names_do_nothing_to_the_terminal():
    """Of a program, and of a function in it that no Go source can have."""
    func, evil = b"replaced_by_the_name_of_no_go_function_", b"\x1b]0;owned\x07\x1b[31m\x1b[2J\xc2\x9b31m\xe2\x80\xae\n\r\x1bc"
    with tempfile.TemporaryDirectory() as folder:
        exe = os.path.join(os.fsencode(folder), b"a\x1b]0;owned\x07\x1b[2J\n\xff\xc2\x9b")
        with open(build.built(26, "static", "hostile")[0], "rb") as f, open(exe, "wb") as to:
            code = f.read()
            expect(func in code, "the function is not there")
            to.write(code.replace(func, evil.ljust(len(func), b"x")))
        os.chmod(exe, 0o755)
        with Target("-", command=[exe]) as t:
            raw = b""
            for width, locale in ((80, "C.UTF-8"), (250, "C")):
                with shown(width=width, env={"LC_ALL": locale}) as term:
                    term.shows(r"owned", rf"\b{t.pid}\b")
                    term.keys("Enter")
                    term.shows(r"\b8 .*main\.main .*owned" if width > 200 else r"\b8 .*main\.main")
                    term.keys("G", "Enter")
                    term.shows(r"\]0;owned\?", "created by")
                    expect(term.tmux("display", "-p", "#{pane_title}").strip() != "owned", "the title is changed")
                    term.keys("q")
                    term.ended()
                    raw += term.written.read_bytes()
            text = b"".join(subprocess.run([PARKWATCH, "top", "-b", "-n", "1", *args], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
                            for args in ((), ("-p", str(t.pid))))
    for what in (b"\x1b]0;owned", b"\x1b[31m", b"\x1bc", b"\xc2\x9b", b"\xe2\x80\xae"):
        expect(what not in raw and what not in text, f"{what} reaches the terminal")
    expect(not re.search(rb"[^\x20-\x7e\n]", text) and b"owned" in text, f"{text}")


def one_that_nobody_can_read_holds_up_no_key():
    command = build.built(build.MODES_MINOR, "static", "many")
    with Target("100", command=command) as mute, Target("idle") as other:
        harm.list_on_a_page_nobody_answers(mute, command)
        with shown() as term:
            term.shows(rf"\b{mute.pid} .* -  many", rf"\b{other.pid}\b")
            term.keys("P")
            rows = sorted((mute.pid, other.pid), reverse=True)
            term.until(lambda: "PIDv" in term.screen(), "not sorted")
            term.keys("Home", *(["j"] if rows[1] == mute.pid else []), "Enter")
            term.shows(f"pid {mute.pid} no look yet")
            term.keys("h")
            term.shows("KEYS")
            term.keys("h", "Escape")
            term.shows(rf"\b{other.pid}\b", "Go processes")
            term.keys("q")
            term.ended()
        expect(mute.process.poll() is None and other.process.poll() is None, "a target died")


ALL = {f.__name__: f for f in (
    the_sites_are_those_of_the_program, the_processes_are_there_and_who_grows_is_first, who_ends_is_told_and_what_is_not_there_is_refused,
    one_goes_from_processes_to_a_stack_and_back, sizes_and_delays_change, the_terminal_is_restored, what_cannot_be_shown_is_said_in_one_line,
    names_do_nothing_to_the_terminal, one_that_nobody_can_read_holds_up_no_key)}
ARGUMENTS = {the_sites_are_those_of_the_program: ["15", "27"],
             the_terminal_is_restored: [str(int(signal.SIGINT)), str(int(signal.SIGTERM)), str(int(signal.SIGHUP)), "Ctrl-Z", "end"]}


def cases():
    for function in ALL.values():
        for arg in ARGUMENTS.get(function, [None]):
            args = [arg] if arg else []
            name = " ".join(["top:", function.__name__, *(f"[{signal.Signals(int(a)).name if function is the_terminal_is_restored and a.isdigit() else a}]" for a in args)])
            yield name, lambda f=function, a=args: in_terminal(f, *a)


def in_terminal(function, *args):
    if not shutil.which("tmux"):
        raise build.Missing("tmux")
    alone(function, *args, script=__file__)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
