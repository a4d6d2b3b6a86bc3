# SPDX-License-Identifier: BSD-2-Clause
"""servearound: `parkwatch serve` where its surroundings lack something: a kernel that attaches no probe, or takes no BPF program; a pod that cannot tell whose
programs it sees. The log and /-/ready say what is missing, and what helps; it does what it still can.

The kernel is this one: a seccomp filter refuses what an old one, or SELinux, refuses.
"""
import ctypes
import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import build
import serve
from serve import WATCHED, Daemon, alone, value
from servepods import pod_of
from target import Target, expect

HERE = Path(__file__).resolve()
BPF, LINK_CREATE = 321, 28    # the system call of x86-64, its command
WITHOUT = "leaks are watched by looks, without probes: "
# {name: (the command that is refused, or all; the error)}
REFUSED = {"links": (LINK_CREATE, errno.EINVAL), "programs": (None, errno.EPERM)}


def refuse(name, *command):
    """Becomes that command, which bpf() refuses so: linux/filter.h, linux/seccomp.h."""
    only, error = REFUSED[name]
    load, equal, give = 0x20, 0x15, 0x06
    that = [(load, 0, 0, 16), (equal, 0, 1, only)] if only else []    # the low half of its first argument
    program = [(load, 0, 0, 0), (equal, 0, len(that) + 1, BPF), *that, (give, 0, 0, 0x00050000 | error), (give, 0, 0, 0x7fff0000)]
    filters = b"".join(struct.pack("HBBI", *op) for op in program)
    text = ctypes.create_string_buffer(filters)
    fprog = struct.pack("HxxxxxxP", len(program), ctypes.addressof(text))
    if ctypes.CDLL(None, use_errno=True).prctl(22, 2, fprog, 0, 0):    # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise build.Missing(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)


def refused(name, *command):
    return (sys.executable, str(HERE), "refuse", name, *command)


def ready(d):
    status, _, text = d.get("/-/ready")
    expect(status == 200, f"{status}: {text}")
    return text


def without_links_of_uprobes_a_leak_is_seen_by_looks():
    """As on Linux before 6.6, in a pod without CAP_SYS_ADMIN; with it, as the overlay old-kernel has it, there are probes."""
    without_admin = ("setpriv", "--bounding-set", "-cap_21")
    with Daemon(before=refused("links", *without_admin)) as d, Target("early-return", command=build.built(build.MODES_MINOR, "static", "leaks")) as t:
        d.looked_at(t.pid)
        said, text = d.said(), ready(d)
        expect(value(d.metrics(), "parkwatch_probes_usable") == 0, "probes are said to be usable")
        d.until(lambda: d.target(t.pid)["leaking"], "the leak is not seen", WATCHED)
    for where in (said, text):
        expect(where.count(WITHOUT + "Linux before 6.6 attaches probes with CAP_SYS_ADMIN only") == 1 and "overlays/old-kernel" in where, where)
    expect("rights are missing" not in text, text)
    with Daemon(before=refused("links")) as d:
        expect(WITHOUT not in d.said() + ready(d) and value(d.metrics(), "parkwatch_probes_usable") == 1, d.said())


def where_no_bpf_program_is_taken_that_is_said():
    """As SELinux does to a container."""
    with Daemon(before=refused("programs")) as d, Target("idle") as t:
        seen = d.looked_at(t.pid)
        said, text = d.said(), ready(d)
    for where in (said, text):
        expect(where.count(WITHOUT + "the kernel refuses BPF programs in spite of CAP_BPF") == 1 and "overlays/selinux" in where, where)
    expect(seen["goroutines"] > 0 and seen["watched"], f"{seen}")


def in_a_pod_what_hides_other_pods_is_said():
    """No links of logs, no id of a container in any control group. Once there are such, nothing is said."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/var/log"], check=True)    # in this namespace only
    pod = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    names, ids = "names of pods are not known: cannot read /var/log/containers: No such file or directory", "it is not known which programs are in pods: "
    with Target("idle") as t:
        with Daemon(env=pod) as d:
            seen = d.looked_at(t.pid)
            said, text = d.said(), ready(d)
        for where in (said, text):
            expect(where.count(names) == 1 and "mount it from the node" in where and where.count(ids) == 1, where)
        expect(seen["goroutines"] > 0 and seen["watched"] and seen["pod"] is None, f"{seen}")
        os.mkdir("/var/log/containers")
        with pod_of(t.pid) as (uid, container), Daemon(env=pod) as d:
            seen = d.looked_at(t.pid)
            expect(names not in ready(d) and ids not in ready(d) and names not in d.said() and ids not in d.said(), ready(d))
            expect((seen["pod"], seen["container"]) == (uid, container), f"{seen}")
    with Daemon() as d:
        expect("pods" not in ready(d), ready(d))


ALL = {f.__name__: f for f in (without_links_of_uprobes_a_leak_is_seen_by_looks, where_no_bpf_program_is_taken_that_is_said, in_a_pod_what_hides_other_pods_is_said)}


def cases():
    for f in ALL.values():
        yield f"servearound: {f.__name__}", lambda f=f: alone(f)


if __name__ == "__main__":
    if sys.argv[1] == "refuse":
        refuse(*sys.argv[2:])
    sys.exit(serve.main(ALL, *sys.argv[1:]))
