# SPDX-License-Identifier: BSD-2-Clause
"""tracer: Go's own execution tracer as an oracle: blocked time by wait reason, of the same goroutines in the same run."""
import collections
import json
import os
import re
import tempfile

import build
from target import Recording, Target, delay_ns, expect, folded

# Our words -> the tracer's. It has one word for all that waits on a semaphore.
TRACER_WORD = {
    "chan receive": "chan receive", "chan send": "chan send", "select": "select", "sleep": "sleep", "IO wait": "network",
    "sync.Cond.Wait": "sync.(*Cond).Wait", "sync.Mutex.Lock": "sync", "sync.RWMutex.RLock": "sync",
    "sync.RWMutex.Lock": "sync", "sync.WaitGroup.Wait": "sync", "semacquire": "sync",
}
# Events of the format before Go 1.22.
OLD_EVENT = {
    "GoBlockRecv": "chan receive", "GoBlockSend": "chan send", "GoBlockSelect": "select", "GoSleep": "sleep",
    "GoBlockNet": "network", "GoBlockCond": "sync.(*Cond).Wait", "GoBlockSync": "sync",
}
OLD = re.compile(r"^(\d+) (\w+) p=\S+ g=(\d+) off=\d+(?: g=(\d+))?")
NEW = re.compile(r'StateTransition Time=(\d+) .*GoID=(\d+)')
NEW_STATES = re.compile(r"(\w+)->(\w+)")
NEW_REASON = re.compile(r'Reason="([^"]*)"')


def old_waits(lines):
    """(goid, reason, begin, end) of every wait in the text of `go tool trace -d`, Go 1.21 and before."""
    parked = {}
    for line in lines:
        m = OLD.match(line)
        if not m:
            continue
        when, event, current, other = int(m[1]), m[2], int(m[3]), m[4]
        if event in OLD_EVENT:
            parked[current] = (OLD_EVENT[event], when)
        elif event in ("GoStart", "GoStartLabel") and other and int(other) in parked:
            reason, begin = parked.pop(int(other))
            yield int(other), reason, begin, when


def new_waits(lines):
    """The same, Go 1.22 and later."""
    parked = {}
    for line in lines:
        m = NEW.search(line)
        if not m:
            continue
        when, goid = int(m[1]), int(m[2])
        states = NEW_STATES.search(line)
        if states[1] == "Running" and states[2] == "Waiting":    # Waiting->Waiting: said again, in each part of a trace
            parked[goid] = (NEW_REASON.search(line)[1], when)
        elif states[2] == "Running" and goid in parked:
            reason, begin = parked.pop(goid)
            yield goid, reason, begin, when


def traced_waits(minor, path):
    flag = "-d" if minor < 22 else "-d=1" if minor < 24 else "-d=parsed"
    text = build.run_go(["tool", "trace", flag, path], build.TOOLCHAINS[minor], build.HERE)
    return (old_waits if minor < 22 else new_waits)(text.splitlines())


def blocked_time_by_reason_agrees_with_the_execution_tracer(minor, mode):
    """A thread may lose its processor between the tracer's look at the clock and ours: that is the bound beside 2 %."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "trace")
        with Target("traced", minor, mode, env={"WORK_TRACE": path}) as t:
            r = Recording(t.pid, "-e", "blocked", "--root", "goid")
            expect(r.recording, "parkwatch does not record: " + "".join(r.said))
            delayed = delay_ns(t.pid)
            t.go()
            goids = set(json.loads(t.truth())["goids"])
            delayed = delay_ns(t.pid) - delayed
            code, out, said = r.stop()
            expect(code == 0, f"exit code {code}: {said}")
        theirs, ours = collections.Counter(), collections.Counter()
        for goid, reason, begin, end in traced_waits(minor, path):
            if goid in goids:
                theirs[reason] += end - begin
    for frames, ns in folded(out):
        if int(frames[0].split()[1]) in goids:
            word = frames[-1].strip("[]")
            ours[TRACER_WORD.get(word, word)] += ns
    for word in sorted(set(TRACER_WORD.values())):
        expect(theirs[word] > 0, f"the tracer saw no wait of '{word}': {dict(theirs)}")
        expect(abs(ours[word] - theirs[word]) <= 0.02 * theirs[word] + delayed,
               f"{word}: {ours[word] / 1e6:.3f} ms, the tracer says {theirs[word] / 1e6:.3f} ms, and {delayed / 1e6:.3f} ms without a processor")


def cases():
    programs = [(minor, "static") for minor in build.MATRIX]
    programs += [(build.MODES_MINOR, mode) for mode in build.MODES if mode != "static"]
    for minor, mode in programs:
        yield (f"{blocked_time_by_reason_agrees_with_the_execution_tracer.__name__} [go1.{minor} {mode}]",
               lambda minor=minor, mode=mode: blocked_time_by_reason_agrees_with_the_execution_tracer(minor, mode))
