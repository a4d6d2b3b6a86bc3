# SPDX-License-Identifier: BSD-2-Clause
"""servehttp: whom `parkwatch serve` answers: the token, a browser's form, pages of other sites, and what an attacker would try."""
import contextlib
import os
import re
import signal
import socket
import sys
import tempfile
import urllib.parse
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


ALL = {f.__name__: f for f in (all_but_two_paths_need_the_token, two_authorizations_are_none, a_browser_is_asked_once, the_way_back_is_no_header_and_no_other_machine,
                               pages_of_other_sites_get_nothing, a_new_token_holds_at_sighup_and_a_wrong_one_changes_nothing,
                               without_a_good_token_it_does_not_listen_elsewhere)}


def cases():
    for function in ALL.values():
        yield f"servehttp: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
