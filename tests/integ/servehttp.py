# SPDX-License-Identifier: BSD-2-Clause
"""servehttp: whom `parkwatch serve` answers: the token, a browser's form, pages of other sites, and what an attacker would try."""
import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from refusals import one_line
from serve import Daemon, alone, free_port, main, parsed, status, value
from target import Target, expect, parkwatch

TOKEN, OTHER = "correct+horse/battery=staple", "another-one-of-30-printable-bytes"
OPEN = ("/-/healthy", "/-/ready")
GUARDED = ("/", "/icon.svg", "/metrics", "/sd", "/api/v1/targets", "/api/v1/targets/none", "/api/v1/targets/none/leaks", "/api/v1/events", "/nothing")


@contextlib.contextmanager
def guarded(listen="0.0.0.0", token=TOKEN):
    """A daemon that other machines can ask, and its token's file, which only root may read."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "token")
        file.write_text(token + "\n")
        file.chmod(0o600)
        port = free_port()
        with Daemon("--listen", f"{listen}:{port}", "--token-file", str(file), address=f"127.0.0.1:{port}") as d:
            yield d, file


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def raw(d, *lines, body=b""):
    """(status, headers as a list, body) of a request as it is written here; status 0: the connection was closed."""
    host, port = d.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as s, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        s.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
        got = b""
        while piece := s.recv(65536):
            got += piece
        head, _, text = got.partition(b"\r\n\r\n")
        first, *headers = head.decode("latin-1").split("\r\n")
        return int(first.split()[1]), headers, text.decode()
    return 0, [], ""


def login(d, token, path="/", *headers):
    body = b"token=" + urllib.parse.quote_plus(token).encode()
    return raw(d, f"POST {path} HTTP/1.1", f"Host: {d.address}", "Accept: text/html", f"Content-Length: {len(body)}", *headers, body=body)


def header(headers, name):
    return [h.split(": ", 1)[1] for h in headers if h.lower().startswith(name.lower() + ": ")]


def all_but_two_paths_need_the_token():
    with guarded() as (d, _):
        for path in OPEN:
            expect(d.get(path)[0] == 200, path)
        for path in GUARDED:
            code, headers, text = d.get(path)
            expect(code == 401 and text.count("\n") == 1 and headers["WWW-Authenticate"] == "Bearer", f"{path}: {code}: {text}")
            expect(d.get(path, bearer(TOKEN))[0] in (200, 404), path)
        wrong = [{"Authorization": a} for a in ("", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer x{TOKEN}", f"Bearer {TOKEN} {TOKEN}",
                                                f"Basic {TOKEN}", f"Bearer {TOKEN.upper()}", "Bearer " + "x" * 30_000)]
        wrong += [{"Cookie": f"parkwatch={c}"} for c in ("", TOKEN, "0" * 32)] + [{"X-Forwarded-For": "127.0.0.1"}, {"X-Original-URL": "/-/healthy"}]
        for headers in wrong:
            expect(d.get("/metrics", headers)[0] == 401, f"{headers}")
        for path in (f"/metrics?token={TOKEN}", f"/?token={TOKEN}", f"/metrics?access_token={TOKEN}", "/-/healthy/../../metrics", "//-/healthy/x", "/-/ready?/metrics"):
            expect(d.get(path)[0] == (200 if path.startswith("/-/ready?") else 401), path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            expect(d.get("/api/v1/targets", method=method)[0] == 401 and d.get("/api/v1/targets", bearer(TOKEN), method)[0] == 405, method)
        refused = value(parsed(d.get("/metrics", bearer(TOKEN))), "parkwatch_http_refused_total", reason="token")
        expect(refused == len(GUARDED) + len(wrong) + 5 + 6, f"{refused} are counted")
        told = Path(f"/proc/{d.process.pid}/cmdline").read_text() + Path(f"/proc/{d.process.pid}/environ").read_text() + d.said()
        expect(TOKEN not in told, "the token is told")


def two_authorizations_are_none():
    with guarded() as (d, _):
        right, wrong = f"Authorization: Bearer {TOKEN}", "Authorization: Bearer " + "x" * 28
        get = ("GET /metrics HTTP/1.1", f"Host: {d.address}")
        expect(raw(d, *get, right)[0] == 200, "the right one")
        for both in ((right, wrong), (wrong, right), (right, right), (right, right.replace("Auth", "aUTH")), (right, "Authorization:")):
            expect(raw(d, *get, *both)[0] == 401, f"{both}")
        for much in (right + "x" * 100_000, "Authorization: Bearer " + "x" * 1_000_000, "\r\n".join([wrong] * 2000)):
            expect(raw(d, *get, much)[0] in (0, 401, 413, 431), "what is long")
        for odd in (f"Authorization: Bearer\r\n {TOKEN}x", f"Authorization : Bearer {TOKEN}", f"X: y\nAuthorization: Bearer {TOKEN[:-1]}"):
            expect(raw(d, *get, odd)[0] in (0, 400, 401), odd)
        expect(d.get("/metrics", bearer(TOKEN))[0] == 200 and d.process.poll() is None, "it goes on")


def a_browser_is_asked_once():
    with guarded() as (d, _):
        code, headers, page = d.get("/?target=a&view=leaks", {"Accept": "text/html,*/*"})
        expect(code == 401 and headers["Content-Type"].startswith("text/html") and '<form method="post">' in page and "<script" not in page, page)
        code, headers, page = login(d, OTHER)
        expect(code == 401 and "<form" in page and not header(headers, "Set-Cookie"), f"{code} {headers}")
        code, headers, _ = login(d, TOKEN, "/?target=a&view=leaks")
        (cookie,) = header(headers, "Set-Cookie")
        pair, *rest = cookie.split("; ")
        expect(code == 303 and header(headers, "Location") == ["/?target=a&view=leaks"], f"{code} {headers}")
        expect(sorted(rest) == ["HttpOnly", "Path=/", "SameSite=Strict"] and TOKEN not in urllib.parse.unquote(cookie), cookie)
        for path in ("/", "/icon.svg", "/metrics", "/api/v1/targets"):
            expect(d.get(path, {"Cookie": pair})[0] == 200 and d.get(path, {"Cookie": f"a=b; {pair}"})[0] == 200, path)
        expect(d.get("/metrics", {"Cookie": pair, **bearer(OTHER)})[0] == 401, "of a cookie and a wrong header the cookie counts")
        expect(d.get("/metrics", {"Cookie": pair[:-1]})[0] == 401, "a part of it is enough")
        for body in ("", "token", "token=", f"TOKEN={TOKEN}", f"x=1&token={TOKEN}", f"token={TOKEN}%00", "token=" + "x" * 2100, "token=" + "%" * 100, f"token={TOKEN}%"):
            got = raw(d, "POST / HTTP/1.1", f"Host: {d.address}", f"Content-Length: {len(body)}", body=body.encode())
            expect(got[0] == 401 and not header(got[1], "Set-Cookie"), f"{body}: {got}")
        expect(raw(d, "POST /metrics HTTP/1.1", f"Host: {d.address}", f"Content-Length: {len(TOKEN) + 6}", body=f"token={TOKEN}".encode())[0] == 401, "another path takes it")
        expect(TOKEN not in d.said(), "the token is told")


def the_way_back_is_no_header_and_no_other_machine():
    with guarded() as (d, _):
        for path in ("/?a=%0d%0aSet-Cookie:%20b=c", "/?%0d%0aX:y=%0a", "/?a=%00b", "/?//example.com", "/?a=%5c%5cexample.com", "/?a=\xff\x01", "/?" + "a=" + "%0a" * 3000):
            code, headers, _ = login(d, TOKEN, path)
            (back,) = header(headers, "Location")
            expect(code == 303 and len(header(headers, "Set-Cookie")) == 1 and re.fullmatch(r"/(\?[A-Za-z0-9%&=]*)?", back), f"{path}: {code} {headers}")
        for path in ("//example.com/", "/\\example.com", "http://example.com/"):
            code, headers, _ = login(d, TOKEN, path)
            expect(not header(headers, "Location") or header(headers, "Location") == ["/"], f"{path}: {headers}")


def pages_of_other_sites_get_nothing():
    """Of a loopback address without a token, which a page of elsewhere could ask in the browser of who works here; and with one, by a cookie."""
    fetch = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    with Daemon() as d, guarded() as (g, _):
        own = {"Cookie": header(login(g, TOKEN)[1], "Set-Cookie")[0].split(";")[0]}
        for it, who in ((d, {}), (g, own)):
            for path in ("/", "/metrics", "/api/v1/targets"):
                for headers in ({}, link, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": f"http://{it.address}"}):
                    code, answer, _ = it.get(path, {**who, **headers})
                    expect(code == 200 and answer["X-Frame-Options"] == "DENY" and answer["Cross-Origin-Resource-Policy"] == "same-origin" and
                           not answer["Access-Control-Allow-Origin"], f"{path} {headers}: {code} {answer}")
                for headers in (fetch, {**fetch, "Sec-Fetch-Site": "same-site"}, {**link, "Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://example.com"},
                                {"Origin": "null"}, {"Origin": f"http://{it.address}.example.com"}, {"Origin": "http://127.0.0.1:1"}):
                    expect(it.get(path, {**who, **headers})[0] == 403, f"{path} {headers}")
            expect(it.get("/api/v1/targets", {**who, **link}, "POST")[0] == 403, "a form of another site")
            expect(value(parsed(it.get("/metrics", who)), "parkwatch_http_refused_total", reason="site") == 25, "they are counted")
        expect(login(g, TOKEN, "/", "Origin: http://example.com")[0] == 403, "another site's form is taken")
        # a name that was bound to this address meanwhile (DNS rebinding): no cookie is sent for it
        expect(d.get("/metrics", {"Host": "rebound.example.com"})[0] == 403 and g.get("/metrics", {"Host": "rebound.example.com"})[0] == 401, "it is answered")
        expect(value(d.metrics(), "parkwatch_http_refused_total", reason="host") == 1, "it is counted")
    with guarded("127.0.0.1") as (d, _):
        expect(d.get("/metrics", {"Host": "example.com", **bearer(TOKEN)})[0] == 403 and d.get("/metrics", bearer(TOKEN))[0] == 200, "at a loopback address both hold")


def a_new_token_holds_at_sighup_and_a_wrong_one_changes_nothing():
    """The file is root's alone; who reads it has no rights by then."""
    with guarded() as (d, file), Target("idle"):
        cookie = {"Cookie": header(login(d, TOKEN)[1], "Set-Cookie")[0].split(";")[0]}
        expect(status(d.process.pid)["Uid"].split() == ["65534"] * 4 and d.get("/metrics", cookie)[0] == 200, "who answers has rights")

        def again(text, mode=0o600):
            file.write_text(text)
            file.chmod(mode)
            os.kill(d.process.pid, signal.SIGHUP)

        def failures():
            return value(parsed(d.get("/metrics", bearer(TOKEN))), "parkwatch_secret_reload_failures_total")
        for i, (text, mode, why) in enumerate((("short", 0o600, "is no token: it has 5 bytes"), (OTHER, 0o640, "'chmod 600' it"), ("two words, and more", 0o600, "a blank")), 1):
            again(text, mode)
            d.until(lambda n=i: failures() == n, "it is not counted")
            expect(why in d.said() and "the token of before stays" in d.said() and d.get("/metrics", cookie)[0] == 200, d.said())
        again(OTHER)
        d.until(lambda: d.get("/metrics", bearer(OTHER))[0] == 200, "the new one does not hold")
        expect(d.get("/metrics", bearer(TOKEN))[0] == 401 and d.get("/metrics", cookie)[0] == 401, "the old one holds")
        expect(TOKEN not in d.said() and OTHER not in d.said(), "tokens are told")
        expect(value(parsed(d.get("/metrics", bearer(OTHER))), "parkwatch_config_reload_failures_total") == 0, "a configuration that was never there is missed")


def without_a_good_token_it_does_not_listen_elsewhere():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "token")
        for listen in (f":{free_port()}", f"0.0.0.0:{free_port()}", f"[::]:{free_port()}"):
            one_line(parkwatch("serve", "--state-dir", folder, "--listen", listen), re.escape(listen), "--token-file")
        for text, mode, why in (("x" * 15, 0o600, "15 bytes"), ("x" * 513, 0o600, "513 bytes"), ("", 0o600, "0 bytes"), (TOKEN, 0o644, "chmod 600"), (TOKEN, 0o602, "chmod 600"),
                                (TOKEN + "\n\n", 0o600, "a blank")):
            file.write_text(text)
            file.chmod(mode)
            one_line(parkwatch("serve", "--state-dir", folder, "--listen", f"127.0.0.1:{free_port()}", "--token-file", str(file)), re.escape(str(file)), why)
        one_line(parkwatch("serve", "--state-dir", folder, "--token-file", folder), "it is no file")
        one_line(parkwatch("serve", "--state-dir", folder, "--token-file", str(file) + "x"), "cannot read", "No such file")
        config = Path(folder, "c.yaml")
        config.write_text(f"listen: ':{free_port()}'\ntoken_file: {file}\n")
        one_line(parkwatch("serve", "--state-dir", folder, "--config", str(config)), re.escape(str(file)), "a blank")
        file.write_text(TOKEN)
        port = free_port()
        config.write_text(f"listen: ':{port}'\ntoken_file: {file}\n")
        with Daemon("--config", str(config), address=f"127.0.0.1:{port}") as d:
            expect(d.get("/metrics")[0] == 401 and d.get("/metrics", bearer(TOKEN))[0] == 200, "the configuration's token does not hold")


class Https(Daemon):
    """A daemon that speaks TLS: cert.pem and key.pem of a folder."""

    def __init__(self, folder, *args):
        self.folder = folder
        super().__init__("--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"), *args)
        self.address = self.args[1]

    def get(self, path, headers=None, method="GET", raw=False):
        """As a client that trusts no other certificate."""
        trust = ssl.create_default_context(cafile=self.folder / "trusted.pem")
        request = urllib.request.Request(f"https://{self.address}{path}", headers=headers or {}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust)).open(request, timeout=10) as r:
                return r.status, r.headers, r.read() if raw else r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()
        except (urllib.error.URLError, OSError):
            return 0, {}, ""

    def certificate(self):
        with socket.create_connection(self.peer(), timeout=10) as s, ssl._create_unverified_context().wrap_socket(s) as tls:
            return tls.getpeercert(True)

    def peer(self):
        host, port = self.address.rsplit(":", 1)
        return host, int(port)


def make_certificate(folder, name=""):
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=parkwatch test",
                           "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / f"{name}key.pem", "-out", folder / f"{name}cert.pem"], capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr)


def trust(folder, *names):
    (folder / "trusted.pem").write_text("".join((folder / f"{name}cert.pem").read_text() for name in names))


@contextlib.contextmanager
def certified():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_certificate(folder)
        make_certificate(folder, "other-")
        trust(folder, "")
        yield folder


def tls_is_what_curl_and_python_speak():
    with certified() as folder, Target("idle") as t:
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        with Https(folder, "--token-file", str(folder / "token")) as d:
            expect(f"serving https://{d.address}/" in d.said(), d.said())
            d.until(lambda: d.get("/sd", bearer(TOKEN))[2].count("__scheme__") == 1, f"{t.pid} is not found")
            expect('"__scheme__":"https"' in d.get("/sd", bearer(TOKEN))[2].replace(" ", ""), "Prometheus would ask without TLS")
            curl = ["curl", "-sS", "-m", "10", "--cacert", str(folder / "cert.pem"), "-H", f"Authorization: Bearer {TOKEN}", f"https://{d.address}/api/v1/targets"]
            done = subprocess.run(curl, capture_output=True, text=True)
            expect(done.returncode == 0 and '"targets"' in done.stdout, f"{done}")
            expect(subprocess.run([*curl, "--cacert", str(folder / "other-cert.pem")], capture_output=True).returncode == 60, "any certificate is trusted")
            expect(subprocess.run([*curl[:-1], f"http://{d.address}/api/v1/targets"], capture_output=True).returncode != 0, "it is answered without TLS")
            code, headers, _ = d.get("/", {"Accept": "text/html"})
            expect(code == 401, "no form")
            form = subprocess.run([*curl[:6], "-i", "--data-urlencode", f"token={TOKEN}", f"https://{d.address}/"], capture_output=True, text=True)
            expect(re.search(r"(?im)^set-cookie: parkwatch=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict; Secure\r?$", form.stdout), form.stdout + form.stderr)
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            with contextlib.suppress(OSError), socket.create_connection(d.peer(), timeout=10) as s, old.wrap_socket(s):
                expect(False, "TLS 1.1 is spoken")
            expect(TOKEN not in d.said() and "PRIVATE" not in d.said(), "secrets are told")


def those_that_dawdle_in_a_handshake_keep_nobody_out():
    with certified() as folder, Https(folder) as d, contextlib.ExitStack() as stack:
        for i in range(300):
            s = stack.enter_context(socket.create_connection(d.peer(), timeout=10))
            s.sendall((b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01" + b"\xff" * 5000)[i % 4])
        expect(all(d.get("/-/healthy")[0] == 200 for _ in range(20)) and d.process.poll() is None, "others are kept out")


def another_certificate_holds_at_sighup():
    """What was begun with the old one is answered, and ends; a wrong one changes nothing."""
    with certified() as folder, Https(folder) as d:
        descriptors, before = len(os.listdir(f"/proc/{d.process.pid}/fd")), d.certificate()
        context = ssl.create_default_context(cafile=folder / "cert.pem")
        with socket.create_connection(d.peer(), timeout=10) as s, context.wrap_socket(s, server_hostname="127.0.0.1") as tls:
            tls.sendall(b"GET /-/healthy HTTP/1.1\r\n")
            (folder / "other-key.pem").rename(folder / "key.pem")
            os.kill(d.process.pid, signal.SIGHUP)
            d.until(lambda: "the certificate of before stays" in d.said(), "a key of another certificate is taken")
            expect(value(d.metrics(), "parkwatch_secret_reload_failures_total") == 1 and d.certificate() == before, "it is not counted")
            (folder / "cert.pem").rename(folder / "old-cert.pem")
            (folder / "other-cert.pem").rename(folder / "cert.pem")
            trust(folder, "")
            os.kill(d.process.pid, signal.SIGHUP)
            d.until(lambda: d.certificate() != before, "the new one does not hold")
            tls.sendall(f"Host: {d.address}\r\nConnection: close\r\n\r\n".encode())
            expect(tls.recv(4096).startswith(b"HTTP/1.1 200"), "what was begun is cut off")
        expect(d.get("/-/healthy")[0] == 200, "who trusts the new one is not answered")
        for _ in range(5):
            os.kill(d.process.pid, signal.SIGHUP)
            time.sleep(0.2)
        d.until(lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) <= descriptors, "descriptors are left")
        expect(d.get("/-/healthy")[0] == 200 and value(d.metrics(), "parkwatch_secret_reload_failures_total") == 1, d.said())


def without_a_good_certificate_it_does_not_start():
    with certified() as folder:
        cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
        usual = ("serve", "--state-dir", str(folder), "--listen", f"127.0.0.1:{free_port()}")
        one_line(parkwatch(*usual, "--tls-cert", cert), "--tls-key FILE")
        one_line(parkwatch(*usual, "--tls-key", key), "--tls-cert FILE")
        one_line(parkwatch(*usual, "--tls-cert", cert, "--tls-key", str(folder / "other-key.pem")), "no TLS", "do not belong together")
        one_line(parkwatch(*usual, "--tls-cert", key, "--tls-key", key), "no TLS", "no PEM")
        one_line(parkwatch(*usual, "--tls-cert", cert, "--tls-key", key + "x"), "cannot read", "No such file")
        Path(key).chmod(0o640)
        one_line(parkwatch(*usual, "--tls-cert", cert, "--tls-key", key), re.escape(key), "chmod 600")
        Path(key).chmod(0o600)
        Path(cert).chmod(0o666)
        one_line(parkwatch(*usual, "--tls-cert", cert, "--tls-key", key), re.escape(cert), "chmod o-w")


ALL = {f.__name__: f for f in (all_but_two_paths_need_the_token, two_authorizations_are_none, a_browser_is_asked_once, the_way_back_is_no_header_and_no_other_machine,
                               pages_of_other_sites_get_nothing, a_new_token_holds_at_sighup_and_a_wrong_one_changes_nothing,
                               without_a_good_token_it_does_not_listen_elsewhere, tls_is_what_curl_and_python_speak,
                               those_that_dawdle_in_a_handshake_keep_nobody_out, another_certificate_holds_at_sighup, without_a_good_certificate_it_does_not_start)}


def cases():
    for function in ALL.values():
        yield f"servehttp: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
