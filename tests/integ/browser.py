# SPDX-License-Identifier: BSD-2-Clause
"""browser: Chromium without a screen, asked by its own protocol over a pipe: what a page says when a fact is there, not after a time."""
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading

import build
from target import LIMIT, Failed

# Resolves with the texts of all that matches the selector as soon as every wanted one is among them.
DRAWN = """new Promise((done) => {
	const wanted = %s;
	const look = () => {
		const texts = Array.from(document.querySelectorAll(%s), (one) => one.textContent);
		if (wanted.every((text) => texts.includes(text))) done(texts);
	};
	new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
	look();
})"""


# Chrome reads descriptor 3 and writes 4. Either may be one of the two that are to be put there, or be over 9, which a shell does not know.
BECOME = """import fcntl, os, sys
hears, says = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(hears, 3)
os.dup2(says, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Pipe:
    """Messages of Chrome's DevTools protocol: JSON that ends with a NUL, read from one pipe, written to the other."""
    def __init__(self, reader, writer):
        self.reader, self.writer, self.ids, self.rest = reader, writer, itertools.count(1), b""

    def heard(self):
        while b"\0" not in self.rest:
            part = os.read(self.reader, 1 << 16)
            if not part:
                raise Failed(f"the browser ended before it answered, or had not after {LIMIT} s")
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def ask(self, method, session=None, **params):
        message = {"id": next(self.ids), "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while (answer := self.heard()).get("id") != message["id"]:
            pass    # events
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']}")
        return answer["result"]


@contextlib.contextmanager
def opened(home):
    """A browser; LIMIT seconds later it is killed, and who asks it then fails."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        raise build.Missing("chromium")
    hears, tells = os.pipe()
    told, says = os.pipe()
    run = [sys.executable, "-c", BECOME, str(hears), str(says), program, "--headless=new", "--no-sandbox", "--disable-gpu",
           f"--user-data-dir={home}", "--remote-debugging-pipe", "about:blank"]
    with open(os.path.join(home, "said"), "w+b") as said, \
            subprocess.Popen(run, pass_fds=(hears, says), stdin=subprocess.DEVNULL, stdout=said, stderr=said) as p:
        os.close(hears)
        os.close(says)
        late = threading.Timer(LIMIT, p.kill)
        late.start()
        try:
            yield Pipe(told, tells)
        finally:
            late.cancel()
            p.kill()
            os.close(told)
            os.close(tells)


def drawn(path, selector, wanted, home):
    """The texts of all that matches the selector in this page, once all the wanted are there."""
    with opened(home) as browser:
        page = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        session = browser.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        browser.ask("Page.enable", session)
        browser.ask("Page.navigate", session, url="file://" + path)    # answered when this page has taken the place of any other
        try:
            told = browser.ask("Runtime.evaluate", session, expression=DRAWN % (json.dumps(wanted), json.dumps(selector)),
                               awaitPromise=True, returnByValue=True)
        except Failed as e:
            raise Failed(f"{e}: not all is drawn of {wanted}") from e
    return told["result"]["value"]
