# SPDX-License-Identifier: BSD-2-Clause
"""roots: root directories that packages are tried in: an empty one, busybox alone, and fresh Debians of mmdebstrap.

A Debian is made once, by the machine's own mirror, and kept as an archive: in $PARKWATCH_ROOTS (~/.cache/parkwatch-packages).
"""
import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("PARKWATCH_ROOTS", Path.home() / ".cache/parkwatch-packages"))
RELEASES = {"Debian 12": "bookworm", "Debian 13": "trixie"}


class Skipped(Exception):
    """What is missing here."""


def command(name):
    if not shutil.which(name):
        raise Skipped(name)
    return name


def mirror():
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], capture_output=True, text=True)
    found = [line for line in done.stdout.split() if line.rstrip("/").endswith("/debian")]
    if not found:
        raise Skipped("a Debian mirror in the apt sources")
    return found[0]


def archive(suite):
    tar = CACHE / f"debian-{suite}.tar"
    if not tar.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        made = tar.with_suffix(".new.tar")
        done = subprocess.run([command("mmdebstrap"), "--quiet", "--variant=apt", "--aptopt=APT::Sandbox::User \"root\"", suite, made, mirror()],
                              capture_output=True, text=True)
        if done.returncode:
            raise Skipped(f"mmdebstrap could not make {suite}: {done.stderr.strip()[-300:]}")
        made.rename(tar)
    return tar


@contextlib.contextmanager
def mounted(root):
    """With /proc and /sys of the machine: parkwatch looks at its processes from in there."""
    try:
        for name in ("proc", "sys"):
            (root / name).mkdir(exist_ok=True)
            subprocess.run(["mount", "--rbind", f"/{name}", root / name], check=True)
        yield root
    finally:
        for name in ("proc", "sys"):
            subprocess.run(["umount", "-R", "-l", root / name], check=True)


@contextlib.contextmanager
def root_of(kind):
    """A fresh one: "empty", "busybox", "Debian 12", "Debian 13"."""
    with tempfile.TemporaryDirectory(prefix="parkwatch-root-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        if kind == "busybox":
            (root / "bin").mkdir()
            shutil.copy(shutil.which("busybox") or command("busybox"), root / "bin/busybox")
            (root / "bin/sh").symlink_to("busybox")
        elif kind in RELEASES:
            subprocess.run(["tar", "-C", root, "-xf", archive(RELEASES[kind]), "--exclude=./dev/*"], check=True)
            shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        (root / "dev").mkdir(exist_ok=True)
        if kind != "empty":
            for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
                os.mknod(root / "dev" / name, 0o20666, os.makedev(1, minor))
        with mounted(root):
            yield root
