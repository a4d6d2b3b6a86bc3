# SPDX-License-Identifier: BSD-2-Clause
"""build: Go toolchains, and the test programs built with them.

Toolchains other than the installed one come by GOTOOLCHAIN, as Go itself fetches them. What is built is kept under
$PARKWATCH_TEST_CACHE (default ~/.cache/parkwatch-test), keyed by the sources, the version and the build mode. It is for this machine's
architecture, or for $PARKWATCH_TEST_GOARCH.
"""
import fcntl
import functools
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NATIVE = "arm64" if platform.machine() == "aarch64" else "amd64"
GOARCH = os.environ.get("PARKWATCH_TEST_GOARCH", NATIVE)
CACHE = Path(os.environ.get("PARKWATCH_TEST_CACHE", Path.home() / ".cache/parkwatch-test"))

# The one list of Go versions under test: minor release -> toolchain.
TOOLCHAINS = {
    15: "1.15.15", 16: "1.16.15", 17: "1.17.13", 18: "1.18.10", 19: "1.19.13", 20: "1.20.14", 21: "1.21.13",
    22: "1.22.12", 23: "1.23.12", 24: "1.24.13", 25: "1.25.12", 26: "1.26.8", 27: "1.27.2",
}
MATRIX = [15, 17, 19, 21, 22, 23, 24, 25, 26, 27]
MODES_MINOR = 26    # the version that is tried in each build mode
TOOLCHAINS[14] = "1.14.15"    # too old: refused, with a reason

# Build mode -> (go build flags, source files besides the usual, cgo, suffix)
MODES = {
    "static": ([], [], "0", ""),
    "stripped": (["-ldflags=-s -w"], [], "0", ""),
    "pie": (["-buildmode=pie"], [], "0", ""),
    "cgo": ([], [], "1", ""),
    "external": (["-ldflags=-linkmode=external"], ["withcgo.go"], "1", ""),
    "external-pie-stripped": (["-buildmode=pie", "-ldflags=-linkmode=external -s -w"], ["withcgo.go"], "1", ""),
    "race": (["-race"], [], "1", ""),
    "c-shared": (["-buildmode=c-shared"], ["shared.go"], "1", ".so"),
    "plugin": (["-buildmode=plugin"], ["plugged.go"], "1", ".so"),
}


class Missing(Exception):
    """Something that this machine lacks: the case is skipped and says what."""


@functools.lru_cache(maxsize=None)
def go_download_settings():
    """Where the user's go command takes toolchains from: the only settings of theirs that are kept."""
    names = ["GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"]
    values = subprocess.run([go_command(), "env", *names], text=True, stdout=subprocess.PIPE).stdout.split("\n")
    return dict(zip(names, values))


def go_env(toolchain=None, **more):
    """An environment for the go command without the user's settings."""
    env = {k: v for k, v in os.environ.items() if k not in ("GOFLAGS", "GOEXPERIMENT", "GOARCH", "GOOS", "GODEBUG")}
    env.update(go_download_settings(), GOENV="off", GOFLAGS="", GO111MODULE="on")
    env.update(GOTOOLCHAIN="go" + toolchain if toolchain else "local", GOARCH=GOARCH)
    if GOARCH != NATIVE:
        env["CC"] = {"arm64": "aarch64-linux-gnu-gcc", "amd64": "x86_64-linux-gnu-gcc"}[GOARCH]
    env.update(more)
    return env


def go_command():
    for path in [os.environ.get("GO"), "/usr/local/go/bin/go", *(d + "/go" for d in os.environ["PATH"].split(":")),
                 "/usr/lib/go/bin/go"]:
        if path and os.access(path, os.X_OK):
            return path
    raise Missing("no go command; tools/setup test installs one")


def run_go(args, toolchain, cwd, **env):
    """What it prints; on its standard error it may say first which toolchain it downloads."""
    done = subprocess.run([go_command(), *args], cwd=cwd, env=go_env(toolchain, **env), text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        text = (done.stdout + done.stderr).strip()
        if "go: download " in text or "toolchain not available" in text or "invalid toolchain" in text:
            raise Missing(f"no Go toolchain {toolchain}: {text.splitlines()[-1]}")
        raise RuntimeError(f"go {' '.join(args)} with {toolchain}: {text[-2000:]}")
    return done.stdout


def build_once(stem, suffix, sources, make):
    """The file CACHE/stem-KEYsuffix, made by make(path) unless it is there; two runs at once do not collide."""
    stem = stem if GOARCH == "amd64" else f"{GOARCH}-{stem}"
    key = hashlib.sha256(b"".join(Path(s).read_bytes() for s in sources)).hexdigest()[:12]
    path = CACHE / f"{stem}-{key}{suffix}"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / (stem + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            part = CACHE / ("part-" + path.name)
            make(part)
            part.rename(path)
    return path


# Files of programs that an older Go cannot build, by their name -> the first that can.
SINCE = {"causes.go": 20, "detached.go": 21, "latecauses.go": 21, "patterns.go": 22, "coroutines.go": 23, "unencrypted.go": 24}


def go_files(directory, minor, extra=()):
    coroutines = "coroutines.go" if minor >= 23 else "nocoroutines.go"
    generics = "generics.go" if minor >= 18 else "nogenerics.go"
    names = {"started": ["main.go"],
             "work": ["main.go", "lives.go", "waits.go", coroutines],
             "dumped": ["main.go", "waits.go", "shapes.go", "busy.go", coroutines, generics]}
    found = sorted(p.name for p in directory.glob("*.go") if minor >= SINCE.get(p.name, 0))
    return [directory / f for f in names.get(directory.name, found)] + \
           [directory / f for f in extra]


def built(minor, mode="static", program="work", goarch=GOARCH):
    """The command that starts the program, built with Go 1.minor in this mode."""
    flags, extra, cgo, suffix = MODES[mode]
    toolchain, directory = TOOLCHAINS[minor], HERE / "progs" / program
    files = go_files(directory, minor, extra)

    def make(path):
        env = {"CGO_ENABLED": cgo, "GOARCH": goarch}
        run_go(["build", *flags, "-o", str(path), *(f.name for f in files)], toolchain, directory, **env)
    arch = "" if goarch == GOARCH else goarch + "-"
    path = build_once(f"{program}-{arch}{mode}-{toolchain}", suffix, files, make)
    if mode == "c-shared":
        return [str(c_host()), str(path)]
    if mode == "plugin":
        return [str(plugin_host(minor)), str(path)]
    return [str(path)]


def built_with_modules(program, minor=MODES_MINOR):
    """The same of a program with a go.mod, stripped: its modules come as Go itself fetches them, a minute where none is there."""
    toolchain, directory = TOOLCHAINS[minor], HERE / "progs" / program

    def make(path):
        try:
            run_go(["mod", "download"], toolchain, directory)
        except RuntimeError as e:
            raise Missing(f"the Go modules of {program}: {str(e).splitlines()[-1]}") from None
        run_go(["build", "-trimpath", "-ldflags=-s -w", "-tags=nomsgpack", "-o", str(path), "."], toolchain, directory, CGO_ENABLED="0")
    sources = sorted(p for p in directory.iterdir() if p.suffix in (".go", ".mod", ".sum"))
    return [str(build_once(f"{program}-{toolchain}", "", sources, make))]


def c_host():
    source = HERE / "progs/host/host.c"
    return build_once("host-c", "", [source],
                      lambda path: subprocess.run(["cc", "-O1", "-o", path, source, "-ldl"], check=True))


def plugin_host(minor):
    """A plugin opens only in a host that was built with the same toolchain."""
    source, toolchain = HERE / "progs/host/main.go", TOOLCHAINS[minor]
    return build_once(f"host-{toolchain}", "", [source], lambda path: run_go(
        ["build", "-o", str(path), "main.go"], toolchain, source.parent, CGO_ENABLED="1"))


def built_check():
    """The checker: one static program, built with the installed Go."""
    directory = HERE / "check"
    files = sorted(directory.glob("*.go"))
    return build_once("check", "", files, lambda path: run_go(["build", "-o", str(path), *(f.name for f in files)], None, directory, CGO_ENABLED="0"))


def main():
    """build.py check | MINOR [MODE]: builds the checker, or the test program; prints its path. For tests/kernel/run."""
    if sys.argv[1] == "check":
        print(built_check())
    else:
        print(*built(int(sys.argv[1]), *sys.argv[2:]))


if __name__ == "__main__":
    try:
        main()
    except Missing as e:
        sys.exit(str(e))
