# SPDX-License-Identifier: BSD-2-Clause
"""secretmem: nothing that Go's runtime/secret protects is shown, and all else is."""
import json

import build
from target import Target, expect, parkwatch

WORDS = ["5ec2e75ec2e7", "sesame", "knock"]


def built(minor, mode):
    flags, _, cgo, suffix = build.MODES[mode]
    directory, toolchain = build.HERE / "progs/secret", build.TOOLCHAINS[minor]
    return [str(build.build_once(f"secret-{mode}-{toolchain}", suffix, [directory / "main.go", directory / "rest.go"], lambda path: build.run_go(
        ["build", *flags, "-o", str(path), "main.go", "rest.go"], toolchain, directory, CGO_ENABLED=cgo, GOEXPERIMENT="runtimesecret")))]


def said_of(pid, *args):
    status, out, said = parkwatch(*args[:1], "-p", pid, *args[1:])
    expect(status == 0, f"{args}: exit {status}: {said}")
    for word in WORDS:
        expect(word not in out and word not in said, f"{args}: {word} is told: {out}")
    return out


def what_is_secret_is_not_shown(minor, mode):
    with Target("", command=built(minor, mode)) as t:
        goid = json.loads(t.truth())
        channels = {c["senders"][0]["goid"]: c for c in json.loads(said_of(t.pid, "chans", "--elements", "-f", "json"))["channels"]
                    if c["senders"]}
        for name, first in (("open", "0xbadcafe11111111"), ("mixed", "0xbadcafe22222222")):
            c = channels[goid[name]]
            expect(c["elements"] == [[first], [first]] and not c["secret"], c)
        for name in ("hidden", "keys"):
            c = channels[goid[name]]
            expect(c["elements"] == [] and c["secret"] and c["len"] == 2, c)
        text = said_of(t.pid, "chans", "--elements")
        expect(text.count("  elements: kept secret by the program (runtime/secret)\n") == 2, text)
        labels = {g["goid"]: g["labels"] for g in json.loads(said_of(t.pid, "dump", "-f", "json"))["goroutines"]}
        expect(labels[goid["labels"]] == {"plain": "publicpublic", "pass": "(secret)"}, labels)
        expect(not any("knock" in v for v in labels[goid["inside"]].values()), labels)
        for args in (["dump", "--labels"], ["dump", "--group", "label"], ["dump", "-f", "jsonl"], ["dump", "--label", "pass"],
                     ["refs", "--goid", str(goid["hidden"])], ["refs", "--goid", str(goid["keys"]), "-f", "json"],
                     ["refs", "--goid", str(goid["inside"])]):
            said_of(t.pid, *args)
        out = said_of(t.pid, "leaks", "-d", "2s", "--no-probes", "--all", "-f", "json")
        expect({"plain": "publicpublic", "pass": "(secret)"} in [g["labels"] for g in json.loads(out)["groups"]], out)
        for how in (["--no-probes"], ["--max-overhead", "0"], ["--max-overhead", "0", "--async"]):
            out = said_of(t.pid, "record", "--root", "label", "-d", "400ms", *how)
            expect("plain=publicpublic" in out and "pass=(secret)" in out, f"{how}: {out}")


def cases():
    for minor, mode in ((26, "static"), (26, "stripped"), (26, "pie"), (27, "static")):
        yield f"secrets: what_is_secret_is_not_shown [go1.{minor} {mode}]", lambda m=minor, o=mode: what_is_secret_is_not_shown(m, o)
