# SPDX-License-Identifier: BSD-2-Clause
"""musl: another C library, as Alpine has it: a root where there is no other, and Go programs with cgo that are linked against it.

Debian's packages of it are unpacked into the cache, not installed.
"""
import shutil
import subprocess
import tempfile
from pathlib import Path

import build
from roots import CACHE, Skipped
from target import expect

LOADER = "lib/ld-musl-x86_64.so.1"
LIBRARIES = "usr/lib/x86_64-linux-musl"
CALLS = """package main

// #include <stdlib.h>
import "C"

func init() {
	C.free(nil)
}
"""


def unpacked():
    """The folder in which the packages' files lie."""
    folder = CACHE / "musl"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as new:
            done = subprocess.run(["apt-get", "download", "-q", "musl", "musl-dev"], cwd=new, capture_output=True, text=True)
            if done.returncode:
                raise Skipped(f"Debian's packages musl and musl-dev: {done.stderr.strip()[-200:]}")
            for deb in Path(new).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", deb, Path(new, "tree")], check=True)
            # Debian has the library in /lib, where its own gcc looks; ours finds it beside the archive.
            Path(new, "tree", LIBRARIES, "libc.so").symlink_to(folder / "lib/x86_64-linux-musl/libc.so")
            Path(new, "tree").rename(folder)
    return folder


def compiler():
    """gcc, for that library: its own rules name the folders of an installed one."""
    folder = unpacked()
    specs = CACHE / "musl-gcc.specs"
    specs.write_text((folder / LIBRARIES / "musl-gcc.specs").read_text().replace("/usr/", f"{folder}/usr/"))
    return f"gcc -specs {specs}"


def program(name):
    """A test program, and a call of C in it: its loader is musl's."""
    cc, files = compiler(), build.go_files(build.HERE / "progs" / name, build.MODES_MINOR)

    def make(path):
        with tempfile.TemporaryDirectory() as folder:
            for file in files:
                shutil.copy(file, folder)
            Path(folder, "calls.go").write_text(CALLS)
            build.run_go(["build", "-ldflags=-linkmode=external", "-o", str(path), *(f.name for f in files), "calls.go"], build.TOOLCHAINS[build.MODES_MINOR], folder,
                         CGO_ENABLED="1", CC=cc)
        said = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
        expect(f"interpreter: /{LOADER}" in said, f"it has another loader: {said}")
    return build.build_once(f"musl-{name}", "", [*files, __file__], make)


def fill(root):
    """As an Alpine: busybox, and one C library."""
    (root / "lib").mkdir()
    (root / "etc").mkdir()
    shutil.copy(unpacked() / LOADER, root / LOADER)
    (root / "etc/alpine-release").write_text("3.20.0\n")
