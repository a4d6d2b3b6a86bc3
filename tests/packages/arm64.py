# SPDX-License-Identifier: BSD-2-Clause
"""arm64: what a cross build makes for arm64, as far as a machine of amd64 can tell: the static file and the package under QEMU's user
emulation, the index of images. `make check-packages-arm64`. What probes do there is tests/kernel/arm64.py's.
"""
import json
import re
import subprocess
import tempfile
from pathlib import Path

import build
import crossread
import image
from roots import Skipped, command
from target import ROOT, expect

STATIC = ROOT / "build/arm64/parkwatch-static-arm64"
HERE = str(ROOT / "build/parkwatch")
EMULATOR = "qemu-aarch64-static"


def emulated(program, *args):
    """(exit status, standard output, standard error)"""
    done = subprocess.run([command(EMULATOR), program, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    return done.returncode, done.stdout, done.stderr


def package(arch):
    (found,) = ROOT.glob(f"build/{'arm64/' if arch == 'arm64' else ''}parkwatch_*_{arch}.deb")
    return found


def the_static_file_needs_no_library():
    said = subprocess.run(["readelf", "-hdlW", STATIC], capture_output=True, text=True, check=True).stdout
    expect("AArch64" in said and "NEEDED" not in said and "INTERP" not in said and "Dynamic section" in said, said)


def the_static_file_says_what_it_is():
    notes = subprocess.run(["readelf", "-n", STATIC], capture_output=True, text=True, check=True).stdout
    status, out, said = emulated(STATIC, "version", "-f", "json")
    told = json.loads(out)
    expect(status == 0 and told["build_id"] == re.search(r"Build ID: (\w+)", notes)[1], f"{told}: {notes}{said}")
    expect(told["linked"] == "static" and all(f["there"] for f in told["features"].values()), f"{told}")


def the_static_file_reads_recordings_of_amd64():
    """Byte for byte as amd64's program shows them."""
    crossread.same([command(EMULATOR), str(STATIC)], HERE)


def field(deb, name):
    return subprocess.run(["dpkg-deb", "-f", deb, name], capture_output=True, text=True, check=True).stdout.strip()


def the_package_has_what_that_of_amd64_has():
    debs = [package("arm64"), package("amd64")]
    if any(not d.exists() for d in debs):
        raise Skipped("make deb")
    expect([field(d, "Architecture") for d in debs] == ["arm64", "amd64"], f"{debs}")
    files = [subprocess.run(["dpkg-deb", "-c", d], capture_output=True, text=True, check=True).stdout for d in debs]
    names = [sorted(line.split()[5] for line in f.splitlines()) for f in files]
    expect(names[0] == names[1], f"{set(names[0]) ^ set(names[1])}")
    depends = [{d.split()[0] for d in field(d, "Depends").split(", ")} for d in debs]
    expect(depends[0] == depends[1], f"{depends}")


def the_package_works():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", package("arm64"), folder], check=True)
        program = Path(folder, "usr/bin/parkwatch")
        status, out, said = emulated(program, "version", "-f", "json")
        expect(status == 0 and json.loads(out)["linked"] == "dynamic", out + said)
        expect(json.loads(out)["version"] == field(package("arm64"), "Version"), out)
        crossread.same([command(EMULATOR), str(program)], HERE)


def cases():
    for function in (the_static_file_needs_no_library, the_static_file_says_what_it_is, the_static_file_reads_recordings_of_amd64,
                     the_package_has_what_that_of_amd64_has, the_package_works, *image.cases_of_both()):
        yield f"arm64: {function.__name__}", lambda f=function: where_it_is_built(f)


def where_it_is_built(function):
    if not STATIC.exists():
        raise build.Missing(f"{STATIC}; make check-packages-arm64")
    function()
