# SPDX-License-Identifier: BSD-2-Clause
"""holder: the probe holder is this program file, run anew, wherever that is and whoever may run it. What becomes of the probes is in harm and charge."""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import build
from charge import PTRACE_DETACH, busy, freezer
from harm import holder_of, probes_are_out, wait_until
from target import PARKWATCH, Recording, Target, attach_ways, expect, folded, parkwatch, text_changed

PTRACE_TRACEME = 0
CAPS = "-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search"
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"


def records_as(script, *args, attach="auto"):
    """The script's $0 is the program file, "$@" its arguments, $D a folder that all may read."""
    with tempfile.TemporaryDirectory() as d, Target("busy") as t:
        os.chmod(d, 0o755)
        t.go()
        r = Recording(t.pid, "-d", "500ms", "--attach", attach, *args, prefix=["sh", "-c", f"D={d}; {script}"])
        expect(r.recording, "".join(r.said))
        holder_of(r.process.pid)
        code, out, said = r.wait()
        expect(code == 0 and folded(out), f"{script}: exit code {code}: {said}")
        expect(text_changed(t.pid) == 0, f"{script}: probes are left in the code")


def its_file_may_be_gone():
    """And another is where it was."""
    for way in attach_ways():
        records_as('cp "$0" $D/pw && exec 4<$D/pw && rm $D/pw && cp /bin/false $D/pw && exec /proc/self/fd/4 "$@"', attach=way)


def its_file_may_be_in_a_mount_namespace():
    records_as('exec unshare --mount sh -c "mount -t tmpfs none $D && cp $0 $D/pw && exec $D/pw \\"\\$@\\"" "$0" "$@"')


def capabilities_of_the_file_are_its_own_too():
    if "uprobe-multi" not in attach_ways():
        raise build.Missing("uprobe_multi (Linux 6.6)")
    caps = ",".join("cap_" + c[1:] for c in CAPS.split(",")[1:])
    records_as(f'cp "$0" $D/pw && setcap {caps}+ep $D/pw && exec {NOBODY} --inh-caps=-all $D/pw "$@"')


def without_new_privileges_it_has_what_was_given():
    if "uprobe-multi" not in attach_ways():
        raise build.Missing("uprobe_multi (Linux 6.6)")
    for who in (f"{NOBODY} --inh-caps={CAPS} --ambient-caps={CAPS}", "setpriv"):
        records_as(f'cp "$0" $D/pw && exec {who} --no-new-privs $D/pw "$@"')


def who_may_not_run_it_is_told_in_one_line():
    """It is made so that nobody may run the file any more, after it was run once."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    with tempfile.TemporaryDirectory() as d, Target("busy") as t:
        path = Path(d) / "pw"
        shutil.copy(PARKWATCH, path)
        p = subprocess.Popen([path, "record", "-p", str(t.pid), "-d", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, preexec_fn=lambda: ptrace(PTRACE_TRACEME, 0, None, None))
        os.waitpid(p.pid, os.WUNTRACED)
        path.chmod(0)
        ptrace(PTRACE_DETACH, p.pid, None, None)
        out, said = p.communicate(timeout=60)
    expect(p.returncode == 1 and not out, f"exit code {p.returncode}: {out}")
    expect(re.fullmatch(r"parkwatch: cannot start the probe holder: .*/proc/self/exe.*: Permission denied\n", said), said)


def nobody_else_starts_it():
    code, out, said = parkwatch("holder")
    expect(code == 2 and not out and said.count("\n") == 1 and "started by parkwatch alone" in said, f"exit code {code}: {out} {said}")
    for args in (["help"], ["help", "--man"], ["help", "--completion"], ["help", "--completion", "zsh"]):
        expect(not re.search(r"^\s*holder\b|\bholder\|", parkwatch(*args)[1], re.M), f"{args}: it is shown")


def one_that_does_not_answer_ends_the_recording():
    """It is frozen, so nobody is told that it is stopped: a request's time limit says so."""
    with busy("-d", "60", "--max-overhead", "6") as (t, r):
        with contextlib.ExitStack() as frozen:
            frozen.enter_context(freezer(holder_of(r.process.pid)))
            wait_until(lambda: any("probe holder" in line for line in r.said), "nobody misses the probe holder")
            frozen.close()
        code, out, said = r.wait()
        expect("killed or stopped the probe holder" in said and folded(out), f"exit code {code}: {said}")
        expect(probes_are_out(t.pid), "probes are left in the code")


def killed_in_a_watch_for_leaks_it_takes_no_report_along():
    """All sets of probes go with it: the looks go on."""
    with Target("busy") as t:
        t.go()
        p = subprocess.Popen([PARKWATCH, "leaks", "-p", str(t.pid), "-d", "2", "--max-overhead", "0"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: text_changed(t.pid) > 0, "it has no probes")
        os.kill(holder_of(p.pid), signal.SIGKILL)
        out, said = p.communicate(timeout=60)
        expect(p.returncode in (0, 3) and out and "killed or stopped the probe holder" in said, f"exit code {p.returncode}: {out} {said}")
        expect(probes_are_out(t.pid), "probes are left in the code")


def one_is_there_for_all_sets_and_has_what_it_is_given():
    """A watch for leaks has three sets of probes: one child, started by exec, with nothing of parkwatch; and what a hit costs is measured once."""
    with Target("busy") as t, tempfile.NamedTemporaryFile() as secret:
        t.go()
        p = subprocess.Popen([PARKWATCH, "leaks", "-v", "-p", str(t.pid), "-d", "3", "--max-overhead", "0", "-o", f"{secret.name}.json"],
                             stdin=secret, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: text_changed(t.pid) > 0, "it has no probes")
        holder = Path(f"/proc/{holder_of(p.pid)}")
        children = Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()
        expect(children == [holder.name], f"{len(children)} children")
        mine = re.search(r"^PPid:\t(\d+)", Path(holder, "status").read_text(), re.M)[1]
        expect(int(mine) == p.pid and os.readlink(holder / "exe") == os.readlink(f"/proc/{p.pid}/exe"), f"{holder}: {mine}")
        expect(Path(holder, "cmdline").read_bytes().split(b"\0")[1] == b"holder", Path(holder, "cmdline").read_text())
        held = []
        for fd in Path(holder, "fd").iterdir():
            with contextlib.suppress(OSError):    # a window's, that was closed
                held.append(os.readlink(fd))
        strange = [of for of in held if not re.match(r"socket:|anon_inode:|/memfd:|/dev/null|pipe:|/proc/\d+/stat$", of)]
        expect(not strange, f"it holds {strange}")
        said = p.communicate(timeout=60)[1]
        Path(f"{secret.name}.json").unlink(missing_ok=True)
        expect(said.count("what hits cost was measured in") == 1, said)


def cases():
    for function in (one_is_there_for_all_sets_and_has_what_it_is_given, its_file_may_be_gone, its_file_may_be_in_a_mount_namespace, capabilities_of_the_file_are_its_own_too,
                     without_new_privileges_it_has_what_was_given, who_may_not_run_it_is_told_in_one_line, nobody_else_starts_it,
                     one_that_does_not_answer_ends_the_recording, killed_in_a_watch_for_leaks_it_takes_no_report_along):
        yield f"holder: {function.__name__}", function
