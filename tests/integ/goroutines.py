# SPDX-License-Identifier: BSD-2-Clause
"""goroutines: the program dumped, what it says of its goroutines, and Go's own texts about them read."""
import collections
import json
import re
import subprocess
import tempfile

import build
from target import LIMIT, Target, expect

# One frame; offset is what follows the line ("+0x1d"), None where the text has none.
Frame = collections.namedtuple("Frame", "func file line inlined offset", defaults=[None])


class Block:
    """One goroutine of a traceback. elided: before this frame some are missing; None: all are there."""

    def __init__(self, goid, state, notes):
        self.goid, self.state, self.notes = goid, state, notes
        self.frames, self.elided, self.created, self.parent = [], None, None, 0


HEADER = re.compile(r"goroutine (\d+)[^\[\n]* \[([^\]]*)\]")    # what may stand between: gp=0x... m=0
SILENT = 95    # before Go 1.21 a traceback ends after 100 frames, hidden ones counted, and says nothing of it
PLACE = re.compile(r"\t(.*):(\d+)(?: (\+0x[0-9a-f]+))?(?: fp=.*)?$")


def traceback(text):
    """goid -> Block of runtime.Stack's text, debug=2, a traceback of SIGQUIT, or parkwatch's text."""
    blocks, block, func = {}, None, None
    for line in text.split("\n"):
        header, place = HEADER.match(line), PLACE.match(line)
        if header:
            state, *notes = header[2].split(", ")
            block = blocks[int(header[1])] = Block(int(header[1]), state, notes)
        elif not line or not block:
            block = None
        elif line.startswith("..."):
            block.elided = len(block.frames)
        elif place and func.startswith("created by "):
            m = re.fullmatch(r"created by (.*?)(?: in goroutine (\d+))?", func)
            block.created, block.parent = Frame(m[1], place[1], int(place[2]), False, place[3]), int(m[2] or 0)
        elif place:
            name, _, args = func.rpartition("(")
            block.frames.append(Frame(name, place[1], int(place[2]), args == "...)", place[3]))
        else:
            func = line
    for block in blocks.values():
        if block.elided is None and len(block.frames) >= SILENT:
            block.elided = len(block.frames)
    blocks.pop(0, None)    # the scheduler's own stack, of no goroutine
    return blocks


def hidden(func):
    """What a traceback of the usual level leaves out: runtime/traceback.go showfuncinfo."""
    if func in ("panic", "runtime.gopanic"):
        return False
    return "." not in func or re.match(r"runtime\.(\(\*?[a-z]\w*\)\.|[a-z])", func) is not None


def shown(frames):
    """The frames of a traceback of the usual level; where it would be empty, all."""
    return [f for f in frames if not hidden(f.func)] or list(frames)


class Dumped(Target):
    """`with Dumped("parked", 26) as t:`: it answers; the kinds and questions are in progs/dumped/main.go."""

    def __init__(self, kind, minor=build.MODES_MINOR, mode="static", env=None):
        super().__init__(kind, command=build.built(minor, mode, "dumped"), env={"GOGC": "off", **(env or {})})
        self.minor, self.mode = minor, mode
        self.said = tempfile.TemporaryFile("w+", errors="replace")

    def start(self):
        return subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True,
                                env=self.env)

    def tell(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()

    def ask(self, question):
        self.tell(question)
        lines = []
        for line in self.process.stdout:
            if line == "end\n":
                return "".join(lines)
            lines.append(line)
        self.said.seek(0)
        expect(False, f"the program ended: {self.said.read()[-500:]}")

    def truth(self):
        return json.loads(self.ask("truth"))

    def settled(self):
        """Go's own traceback once every goroutine but the one that answers has reached its place."""
        text, server = "", self.truth()["server"]
        for _ in range(500):
            before, text = text, self.ask("stack")
            blocks = traceback(text)
            moving = [b for b in blocks.values() if b.goid != server and b.state in ("runnable", "running")]
            if not moving and places(text) == places(before):
                return blocks
        expect(False, "the program does not settle: " + ", ".join(f"{b.goid} {b.state} {b.frames[:1]}" for b in moving))

    def quit(self):
        """The traceback that SIGQUIT makes it end with; with GOTRACEBACK=system, the runtime's frames and goroutines too."""
        self.process.send_signal(3)
        self.process.wait(LIMIT)
        self.said.seek(0)
        return self.said.read()


def places(text):
    return re.findall(r"^(?:goroutine|\t).*", text, re.M)
