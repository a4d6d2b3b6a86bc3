# SPDX-License-Identifier: BSD-2-Clause
"""static: the file of `make static` where nothing is, or another distribution: it finds the same leaks, and serves."""
import contextlib
import json
import os
import re
import shutil
import socketserver
import ssl
import subprocess
import threading
from pathlib import Path

import build
import leaks
import musl
import servehttp
import servesinks
import top
from roots import root_of
from serve import Daemon
from target import ROOT, Target, expect

STATIC = ROOT / "build/parkwatch-static-amd64"
PLACES = ("empty", "busybox", "Debian 12", "Debian 13")
HOST, NAMESERVER = "sink.test", "127.0.0.77"


@contextlib.contextmanager
def place(kind):
    with root_of(kind) as root:
        shutil.copy(STATIC, root / "parkwatch")
        yield root


def run(root, *args):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(["chroot", root, "/parkwatch", *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    return done.returncode, done.stdout, done.stderr


def it_needs_no_library():
    dynamic = subprocess.run(["readelf", "-dlW", STATIC], capture_output=True, text=True, check=True).stdout
    expect("NEEDED" not in dynamic and "INTERP" not in dynamic and "Dynamic section" in dynamic, dynamic)


def version_says_what_it_is():
    notes = subprocess.run(["readelf", "-n", STATIC], capture_output=True, text=True, check=True).stdout
    said = json.loads(subprocess.run([STATIC, "version", "-f", "json"], capture_output=True, text=True, check=True).stdout)
    expect(said["build_id"] == re.search(r"Build ID: (\w+)", notes)[1], f"{said}: {notes}")
    expect(said["linked"] == "static" and all(f["there"] for f in said["features"].values()), f"{said}")
    expect("GnuTLS" in said["features"]["sinks"]["what"], f"{said}")


def it_finds_the_leaks(kind):
    """By probes too: whoever holds them is /proc/self/exe once more."""
    with place(kind) as root, leaks.leaking("all-leaks") as (pid, truth):
        status, out, said = run(root, *leaks.command(pid, "--format", "json")[1:])
        expect(status == 3, f"exit {status}: {said}")
        leaks.same_leaks(json.loads(out), truth)
        expect(re.search(r"\([1-9]\d* hits", said), f"no probe was hit: {said}")
        status, out, said = run(root, "leaks", "-p", pid, "-d", 3)
        expect(status in (0, 3) and f"pid {pid} " in out, f"{out}{said}")


def it_finds_the_leaks_of_a_program_with_another_c_library():
    """Both in a root as Alpine's: busybox, and musl alone."""
    leaky = musl.program("leaks")
    with place("busybox") as root:
        musl.fill(root)
        shutil.copy(leaky, root / "leaky")
        with Target("all-leaks", command=["chroot", str(root), "/leaky"]) as t:
            truth = json.loads(t.truth())
            maps = Path(f"/proc/{t.pid}/maps").read_text()
            expect("ld-musl" in maps and "libc.so.6" not in maps, maps)
            status, out, said = run(root, *leaks.command(t.pid, "--format", "json")[1:])
        expect(status == 3, f"exit {status}: {said}")
        leaks.same_leaks(json.loads(out), truth)
        expect(re.search(r"\([1-9]\d* hits", said), f"no probe was hit: {said}")


def it_shows_a_terminal_without_a_terminfo():
    with place("empty") as root, Target("idle") as t, top.Terminal(env={"LC_ALL": "de_DE.ISO-8859-1"}) as term:
        term.start("-d", "500ms", "-p", t.pid, prefix=("chroot", root))
        term.until(term.is_taken, "it does not start")
        term.shows(rf"pid {t.pid} ")
        term.keys("q")
        term.ended()


@contextlib.contextmanager
def nameserver():
    """Knows one name."""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            query, to = self.request
            end = query.index(b"\0", 12) + 5
            known = query[12:end - 4] == b"\4sink\4test\0" and query[end - 4:end - 2] == b"\0\1"
            head = query[:2] + (b"\x85\x80" if known else b"\x85\x83") + b"\0\1" + (b"\0\1" if known else b"\0\0") + b"\0\0\0\0"
            to.sendto(head + query[12:end] + (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if known else b""), self.client_address)

    with socketserver.ThreadingUDPServer((NAMESERVER, 53), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=sink",
                    "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], capture_output=True, check=True)


def accept(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    connection.close()


def prepare(root, kind, port):
    """Names of another C library, if there is one; certificates where Alpine has them."""
    etc = root / "etc"
    (etc / "ssl").mkdir(parents=True, exist_ok=True)
    certificate(root)
    (root / "key.pem").chmod(0o600)
    shutil.copy(root / "cert.pem", root / "trusted.pem")
    shutil.copy(root / "cert.pem", etc / "ssl/cert.pem")
    (etc / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n")
    (etc / "nsswitch.conf").write_text("passwd: compat hesiod files\nhosts: compat hesiod dns\n")
    if kind == "empty":
        (etc / "passwd").write_text("root:x:0:0::/:\n")
    (root / "parkwatch.yaml").write_text(f"rules:\n- match: {{exe: '{Path(build.built(build.MODES_MINOR)[0]).name}', user: root}}\n  level: leaks\n- level: 'off'\n"
                                         f"sinks:\n  otlp: {{url: 'https://{HOST}:{port}/'}}\n")


class Rooted(servehttp.Https):
    """The daemon over TLS, in a root."""

    def __init__(self, root):
        super().__init__(root)
        Daemon.__init__(self, "--config", "/parkwatch.yaml", "--tls-cert", "/cert.pem", "--tls-key", "/key.pem", before=("env", "-u", "SSL_CERT_FILE", "chroot", root),
                        state_dir="/state", env={"no_proxy": "*"})
        self.address = self.args[1]


def mapped_in(root):
    """What the processes in a root have in their memory."""
    maps = ""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):    # it ended
            if os.readlink(path / "root") == str(root):
                maps += (path / "maps").read_text()
    return maps


def it_serves_and_sends(kind):
    """Workers are /proc/self/exe once more; a name of DNS; TLS in both directions; nothing of the machine's C library."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with place(kind) as root:
        certificate(root)
        context.load_cert_chain(root / "cert.pem", root / "key.pem")
        with servesinks.Rude(accept, context) as sink, nameserver(), Target("idle") as t:
            prepare(root, kind, sink.port)
            context.load_cert_chain(root / "cert.pem", root / "key.pem")
            with Rooted(root) as d:
                seen = d.looked_at(t.pid)
                expect(seen["goroutines"] >= 1, f"{seen}")
                d.until(lambda: sink.at, "nothing arrives", 60)
                mapped = mapped_in(root)
                expect("/parkwatch" in mapped and ".so" not in mapped, mapped)


def cases():
    yield "static: it_needs_no_library", it_needs_no_library
    yield "static: version_says_what_it_is", version_says_what_it_is
    for kind in PLACES:
        yield f"static: it_finds_the_leaks [{kind}]", lambda kind=kind: it_finds_the_leaks(kind)
    yield "static: it_finds_the_leaks_of_a_program_with_another_c_library", it_finds_the_leaks_of_a_program_with_another_c_library
    yield "static: it_shows_a_terminal_without_a_terminfo", it_shows_a_terminal_without_a_terminfo
    for kind in ("empty", "Debian 13"):
        yield f"static: it_serves_and_sends [{kind}]", lambda kind=kind: it_serves_and_sends(kind)
