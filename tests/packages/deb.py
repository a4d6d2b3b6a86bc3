# SPDX-License-Identifier: BSD-2-Clause
"""deb: the package of `make deb`: without lint, installed and purged in fresh Debians that have nothing but their own mirror."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import leaks
from roots import RELEASES, Skipped, command, root_of
from serve import Daemon
from target import ROOT, Target, expect

CONFIG, STATE = "etc/parkwatch/parkwatch.yaml", "var/lib/private/parkwatch/kept"
KERNELS = {"Debian 12": "6.1", "Debian 13": "6.12"}    # their own


def package():
    (found,) = ROOT.glob("build/parkwatch_*_amd64.deb")
    return found


def inside(root, *args, env=None):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(["chroot", root, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "SHELL": "/bin/sh", **(env or {})})
    return done.returncode, done.stdout, done.stderr


def apt(root, *args):
    status, out, said = inside(root, "apt-get", "-q", "-y", "-o", "APT::Sandbox::User=root", *args)
    expect(status == 0, f"apt-get {args}: {out[-800:]}{said[-800:]}")
    return out


@contextlib.contextmanager
def installed(kind, *others):
    with root_of(kind) as root:
        status, _, said = inside(root, "apt-get", "-q", "update", "-o", "APT::Sandbox::User=root")
        if status:
            raise Skipped(f"the mirror of {kind}: {said[-300:]}")
        shutil.copy(package(), root / "tmp/parkwatch.deb")
        apt(root, "install", "--no-install-recommends", "/tmp/parkwatch.deb", *others)
        yield root


def named(root):
    """Whatever is called after parkwatch, but what the test itself brought there, and /run, which systemd clears."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in [str(root / kept) for kept in ("proc", "sys", "tmp", "run")]]
        found += [os.path.relpath(os.path.join(folder, f), root) for f in folders + files if "parkwatch" in f]
    return sorted(found)


def it_has_no_lint():
    done = subprocess.run([command("lintian"), "--allow-root", "--no-cfg", "--tag-display-limit", "0", "--display-info", "--pedantic", "--fail-on", "error,warning,info",
                           package()], capture_output=True, text=True)
    expect(done.returncode == 0 and not re.search(r"(?m)^[EWI]: ", done.stdout), done.stdout + done.stderr)


def it_is_installed_works_and_is_purged(kind):
    with installed(kind) as root:
        status, out, said = inside(root, "parkwatch", "version", "-f", "json")
        told = json.loads(out)
        expect(inside(root, "dpkg-query", "-W", "-f", "${Version}", "parkwatch")[1] == told["version"] and told["linked"] == "dynamic", f"{told}{said}")
        expect(not list((root / "etc/systemd").rglob("parkwatch*")), "the service is enabled")
        expect(CONFIG in inside(root, "dpkg-query", "-W", "-f", "${Conffiles}", "parkwatch")[1], "no conffile")
        for page in ("man8/parkwatch.8.gz", "man5/parkwatch.yaml.5.gz"):
            expect(page in inside(root, "dpkg", "-L", "parkwatch")[1], f"no {page}")
        with leaks.leaking("all-leaks") as (pid, truth):
            status, out, said = inside(root, "parkwatch", *leaks.command(pid, "--format", "json")[1:])
            expect(status == 3 and re.search(r"\([1-9]\d* hits", said), f"exit {status}: {said}")
            leaks.same_leaks(json.loads(out), truth)
        with (root / CONFIG).open("a") as f:
            f.write("rules:\n- level: metrics\n")
        (root / "parkwatch").symlink_to("usr/bin/parkwatch")
        with Daemon(before=("chroot", root), state_dir="/tmp/state") as d, Target("idle") as t:
            expect(d.looked_at(t.pid)["goroutines"] >= 1, d.said())
        (root / "parkwatch").unlink()
        (root / STATE).parent.mkdir(parents=True)
        (root / STATE).touch()
        apt(root, "purge", "parkwatch")
        left = named(root)
        expect(not left, f"left after the purge: {left}")


def its_service_runs_under_systemd(kind):
    """That release's, with its kernel, in a virtual machine: tests/kernel/service says how each of its questions was answered."""
    with installed(kind, "systemd") as root, tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "root.tar")
        (root / "tmp/parkwatch.deb").unlink()
        subprocess.run(["tar", "-C", root, "-cf", archive, "--one-file-system", *(f"--exclude=./{d}/*" for d in ("proc", "sys", "dev", "var/cache/apt", "var/lib/apt/lists")),
                        "."], check=True)
        done = subprocess.run([ROOT / "tests/kernel/service", KERNELS[kind]], env={**os.environ, "ROOT": str(archive)}, capture_output=True, text=True)
    if done.stdout.startswith("skip "):
        raise Skipped(done.stdout[5:])
    expect(done.returncode == 0 and done.stdout.count("ok ") == 10, done.stdout + done.stderr)


def an_own_configuration_outlives_a_new_package():
    with installed("Debian 13") as root:
        (root / CONFIG).write_text("listen: 127.0.0.1:7071\n")
        apt(root, "install", "--reinstall", "/tmp/parkwatch.deb")
        expect((root / CONFIG).read_text() == "listen: 127.0.0.1:7071\n", "it was overwritten")
        apt(root, "remove", "parkwatch")
        expect((root / CONFIG).exists(), "it went with the package")


def shells_complete():
    with installed("Debian 13", "zsh", "fish", "bash-completion") as root:
        bash = "source /usr/share/bash-completion/completions/parkwatch; COMP_WORDS=(parkwatch {}); COMP_CWORD={}; _parkwatch; echo ${{COMPREPLY[@]}}"
        for words, want in (("rec", "record"), ("record --ev", "--event"), ("record --event sc", "sched")):
            out = inside(root, "bash", "-c", bash.format(words, len(words.split())))[1]
            expect(out.split() == [want], f"bash: {words}: {out}")
            _, out, said = inside(root, "fish", "-c", f"complete -C 'parkwatch {words}'", env={"HOME": "/root"})
            expect(out.split("\t")[0].strip() == want, f"fish: {words}: {out}{said}")
        # zsh completes for a terminal alone: what it would say is seen at the function that it calls for that.
        spied = "autoload -Uz compinit; compinit -u; autoload +X _parkwatch; _describe() { print -l $commands }; _arguments() { print -l -- $@ }; "
        for words, want in (("''", "record:record where"), ("record ''", "--event=[what to record]:EVENT:(blocked births exits sched alloc wakeups cpu "), ("report ''", "--view=[")):
            count = 2 if words == "''" else 3
            _, out, said = inside(root, "zsh", "-fc", f"{spied} words=(parkwatch {words}); CURRENT={count}; _parkwatch")
            expect(want in out and not said, f"zsh: {words}: {out}{said}")
        registered = inside(root, "zsh", "-fc", "autoload -Uz compinit; compinit -u; print $_comps[parkwatch]")[1]
        expect(registered == "_parkwatch\n", f"zsh does not find it: {registered}")


def cases():
    yield "deb: it_has_no_lint", it_has_no_lint
    for kind in RELEASES:
        yield f"deb: it_is_installed_works_and_is_purged [{kind}]", lambda kind=kind: it_is_installed_works_and_is_purged(kind)
    for kind in RELEASES:
        yield f"deb: its_service_runs_under_systemd [{kind}]", lambda kind=kind: its_service_runs_under_systemd(kind)
    yield "deb: an_own_configuration_outlives_a_new_package", an_own_configuration_outlives_a_new_package
    yield "deb: shells_complete", shells_complete
