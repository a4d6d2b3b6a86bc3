# SPDX-License-Identifier: BSD-2-Clause
"""image: the archive of `make image`: what is in it, the same bytes of another folder, and containerd runs it with the rights of a pod."""
import contextlib
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import leaks
from roots import CACHE, Skipped
from target import ROOT, expect

IMAGE = ROOT / "build/parkwatch-image-amd64.tar"
BOTH = ROOT / "build/parkwatch-image.tar"
MACHINES = {"amd64": 62, "arm64": 183}    # e_machine: EM_X86_64, EM_AARCH64
MOST = 15 << 20
RIGHTS = ("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")
PARTS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc")


def version():
    return subprocess.run([ROOT / "build/parkwatch-static-amd64", "version"], capture_output=True, text=True, check=True).stdout.split()[1]


def blobs(image):
    """{name: bytes}, each blob being what it is called."""
    with tarfile.open(image) as tar:
        found = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    for name, data in found.items():
        if name.startswith("blobs/"):
            expect(name == "blobs/sha256/" + hashlib.sha256(data).hexdigest(), name)
    expect(json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}, f"{found['oci-layout']}")
    return found


def blob(found, descriptor):
    data = found["blobs/" + descriptor["digest"].replace(":", "/")]
    expect(len(data) == descriptor["size"], f"{descriptor}")
    return data


def is_one_program(found, entry, arch):
    """Of the image that a manifest's descriptor names."""
    manifest = json.loads(blob(found, entry))
    config = json.loads(blob(found, manifest["config"]))
    (packed,) = manifest["layers"]
    root = gzip.decompress(blob(found, packed))
    expect(config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(root).hexdigest()], f"{config}")
    expect(config["architecture"] == arch and entry["platform"] == {"architecture": arch, "os": "linux"}, f"{config} {entry}")
    notes = manifest["annotations"]
    expect(notes["org.opencontainers.image.version"] == version() and notes["org.opencontainers.image.licenses"] == "BSD-2-Clause", f"{notes}")
    expect(re.fullmatch(r"[0-9a-f]{40}", notes["org.opencontainers.image.revision"]) and config["config"]["Labels"] == notes, f"{notes} {config}")
    with tarfile.open(fileobj=io.BytesIO(root)) as tar:
        entries = tar.getmembers()
        programs = {m.name: tar.extractfile(m).read(20) for m in entries if m.isfile() and (m.mode & 0o111 or tar.extractfile(m).read(4) == b"\x7fELF")}
        trusted = tar.extractfile("etc/ssl/certs/ca-certificates.crt").read()
    expect(list(programs) == ["bin/parkwatch"] and config["config"]["Entrypoint"] == ["/bin/parkwatch"], f"{programs}")
    expect(int.from_bytes(programs["bin/parkwatch"][18:20], "little") == MACHINES[arch], f"not for {arch}: {programs}")
    expect({(m.uid, m.gid) for m in entries} == {(0, 0)} and all(m.isfile() or m.isdir() for m in entries), "an owner, or no file")
    expect(trusted.count(b"BEGIN CERTIFICATE") > 50, "no certificates")


def is_named(entry):
    expect(entry["annotations"]["io.containerd.image.name"] == f"docker.io/library/parkwatch:{version()}", f"{entry}")


def it_is_an_oci_layout_of_one_program():
    expect(IMAGE.stat().st_size < MOST, f"{IMAGE.stat().st_size} bytes")
    found = blobs(IMAGE)
    (entry,) = json.loads(found["index.json"])["manifests"]
    is_named(entry)
    is_one_program(found, entry, "amd64")


def an_index_has_it_for_both_architectures():
    found = blobs(BOTH)
    (entry,) = json.loads(found["index.json"])["manifests"]
    is_named(entry)
    expect(entry["mediaType"] == "application/vnd.oci.image.index.v1+json", f"{entry}")
    images = {m["platform"]["architecture"]: m for m in json.loads(blob(found, entry))["manifests"]}
    expect(set(images) == set(MACHINES), f"{images}")
    for arch, manifest in images.items():
        is_one_program(found, manifest, arch)
    legacy = json.loads(found["manifest.json"])[0]
    expect(json.loads(found[legacy["Config"]])["architecture"] == "amd64", f"{legacy}")


def the_same_sources_give_the_same_bytes():
    """In another folder, at another time, by another umask: compiled anew, linked with the same archives."""
    with tempfile.TemporaryDirectory(prefix="parkwatch-again-") as folder:
        again = Path(folder, "tree of another name".replace(" ", "-"))
        subprocess.run(["git", "worktree", "add", "-q", "--detach", again], cwd=ROOT, check=True)
        try:
            changed = subprocess.run(["git", "diff", "HEAD", "--binary"], cwd=ROOT, capture_output=True, check=True).stdout
            if changed:
                subprocess.run(["git", "apply"], input=changed, cwd=again, check=True)
            done = subprocess.run(["make", f"-j{os.cpu_count()}", "image", f"ARCHIVES={ROOT}/build/libs"], cwd=again, capture_output=True, text=True, umask=0o077,
                                  env={**{k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
            expect(done.returncode == 0, done.stderr[-800:])
            for name in (IMAGE.name, "parkwatch-static-amd64"):
                expect((again / "build" / name).read_bytes() == (ROOT / "build" / name).read_bytes(), f"{name} is another one")
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", again], cwd=ROOT, check=True)


def containerd_of_debian():
    """Its programs, unpacked and not installed: no service of theirs is started."""
    kept = CACHE / "containerd"
    if not all((kept / p).exists() for p in PARTS):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "containerd", "runc"], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise Skipped(f"containerd: {done.stderr[-300:]}")
            for deb in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
            kept.mkdir(parents=True, exist_ok=True)
            for part in PARTS:
                found = next(p for p in (Path(folder, "usr/bin", part), Path(folder, "usr/sbin", part)) if p.exists())
                shutil.copy(found, kept / part)
    return kept


@contextlib.contextmanager
def containerd():
    """ctr, as a list of words, of a containerd of its own."""
    programs = containerd_of_debian()
    with tempfile.TemporaryDirectory(prefix="pw-ctr-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(f"""version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/socket"
""")
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        log = (folder / "log").open("w+")
        daemon = subprocess.Popen([programs / "containerd", "--config", folder / "config.toml"], env=env, stdout=log, stderr=log)
        ctr = ["env", f"PATH={env['PATH']}", str(programs / "ctr"), "--address", str(folder / "socket"), "--namespace", "parkwatch-test"]
        try:
            end = time.monotonic() + 30
            while subprocess.run([*ctr, "version"], capture_output=True).returncode:
                expect(daemon.poll() is None and time.monotonic() < end, "containerd does not answer: " + (folder / "log").read_text()[-500:])
                time.sleep(0.05)
            yield ctr
        finally:
            daemon.terminate()
            daemon.wait(20)
            for mount in re.findall(rf" ({re.escape(name)}\S*) ", Path("/proc/self/mountinfo").read_text()):
                subprocess.run(["umount", "-l", mount], check=True)


def containerd_takes_of_the_index_what_this_machine_runs():
    with containerd() as ctr:
        done = subprocess.run([*ctr, "images", "import", BOTH], capture_output=True, text=True)
        expect(done.returncode == 0, done.stderr)
        done = subprocess.run([*ctr, "run", "--rm", f"docker.io/library/parkwatch:{version()}", "pw", "/bin/parkwatch", "version"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180)
        expect(done.returncode == 0 and done.stdout.startswith(f"parkwatch {version()}\n"), f"exit {done.returncode}: {done.stdout}{done.stderr}")


def containerd_runs_it_with_the_rights_of_a_pod():
    with containerd() as ctr, leaks.leaking("all-leaks") as (pid, truth):
        done = subprocess.run([*ctr, "images", "import", IMAGE], capture_output=True, text=True)
        expect(done.returncode == 0, done.stderr)
        name = f"docker.io/library/parkwatch:{version()}"
        expect(name in subprocess.run([*ctr, "images", "ls", "-q"], capture_output=True, text=True).stdout.split(), f"no {name}")
        rights = [word for cap in RIGHTS for word in ("--cap-add", cap)]
        usual = subprocess.run([*ctr, "run", "--help"], capture_output=True, text=True).stdout
        expect("--cap-drop" in usual, usual)
        drop = [word for cap in ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
                                         "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE") for word in ("--cap-drop", cap)]
        done = subprocess.run([*ctr, "run", "--rm", "--read-only", "--seccomp", "--with-ns", f"pid:/proc/{os.getpid()}/ns/pid", *drop, *rights, name, "pw", "/bin/parkwatch",
                               *leaks.command(pid, "--format", "json")[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
        expect(done.returncode == 3 and re.search(r"\([1-9]\d* hits", done.stderr), f"exit {done.returncode}: {done.stderr}")
        leaks.same_leaks(json.loads(done.stdout), truth)


def cases_of_both():
    return (an_index_has_it_for_both_architectures, containerd_takes_of_the_index_what_this_machine_runs)


def cases():
    for function in (it_is_an_oci_layout_of_one_program, containerd_runs_it_with_the_rights_of_a_pod, the_same_sources_give_the_same_bytes):
        yield f"image: {function.__name__}", function
