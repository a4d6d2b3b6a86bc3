# SPDX-License-Identifier: BSD-2-Clause
"""serveconfig: the configuration of `parkwatch serve`: which rule holds, what a new file changes, and that a wrong one changes nothing."""
import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import build
from refusals import one_line
from serve import Daemon, alone, free_port, main, status, value, workers
from target import Target, expect, parkwatch


@contextlib.contextmanager
def folder():
    """A folder and a file in it that only root may read, and two programs: alpha and beta."""
    with tempfile.TemporaryDirectory() as name:
        for program in ("alpha", "beta"):
            shutil.copy(build.built(build.MODES_MINOR)[0], Path(name, program))
        yield Path(name)


def write(path, text):
    """In the old one's place, as editors do it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    new.rename(path)


def rules_say_what_is_watched_and_a_new_file_holds_at_once():
    with folder() as f:
        config = f / "parkwatch.yaml"
        write(config, "rules:\n- match: {exe: alpha}\n  level: off\n- match: {cmdline: '*beta idle*', user: root}\n  level: full\n")
        with Daemon("--config", str(config)) as d, Target("idle", command=[str(f / "alpha")]) as alpha, Target("idle", command=[str(f / "beta")]) as beta:
            d.looked_at(beta.pid)
            d.until(lambda: d.target(alpha.pid), "it is not listed")
            off, full = d.target(alpha.pid), d.target(beta.pid)
            expect((off["level"], off["watched"], off["why_not"], off["goroutines"]) == ("off", False, "rule 1 says off", None), f"{off}")
            expect(alpha.pid not in workers(), "what is off has a worker")
            expect((full["level"], full["watched"], full["why_not"]) == ("full", True, None), f"{full}")

            write(config, "rules:\n- match: {exe: alpha}\n  level: metrics\n- match: {exe: beta}\n  level: off\n")
            expect(d.looked_at(alpha.pid)["level"] == "metrics", f"{d.target(alpha.pid)}")
            d.until(lambda: beta.pid not in workers(), "its worker goes on")
            off = d.target(beta.pid)
            expect((off["watched"], off["why_not"], off["goroutines"]) == (False, "rule 2 says off", None), f"{off}")

            worker = workers()[alpha.pid]
            write(config, "rules:\n- match: {exe: alpha}\n  level: profile\n")
            d.until(lambda: d.target(alpha.pid)["level"] == "profile", "the new level does not hold")
            expect(d.looked_at(beta.pid)["level"] == "leaks", "the default does not hold")
            expect(value(d.metrics(), "parkwatch_worker_restarts_total") == 0, "another level is counted as a death")
            expect(workers()[alpha.pid] == worker, "one that goes on to be watched needs no other worker")


def a_wrong_file_is_told_and_the_old_one_stays():
    with folder() as f:
        config = f / "parkwatch.yaml"
        write(config, "rules:\n- level: metrics\n")
        with Daemon("--config", str(config)) as d, Target("idle") as t:
            d.looked_at(t.pid)
            loaded = value(d.metrics(), "parkwatch_config_last_reload_success_timestamp_seconds")
            write(config, "rules:\n- match: {exe: a}\n  level: leak\n")
            line = f"parkwatch: {config}:3: unknown level 'leak'; use off, metrics, leaks, profile or full"
            d.until(lambda: line in d.said().splitlines(), "it is not told")
            expect(value(d.metrics(), "parkwatch_config_reload_failures_total") == 1, "it is not counted")
            config.unlink()
            os.kill(d.process.pid, signal.SIGHUP)
            d.until(lambda: f"cannot read '{config}': No such file or directory" in d.said(), "it is not told")
            samples = d.metrics()
            expect(value(samples, "parkwatch_config_reload_failures_total") == 2 and
                   value(samples, "parkwatch_config_last_reload_success_timestamp_seconds") == loaded, f"{samples}")
            expect(d.target(t.pid)["level"] == "metrics", "the old one does not stay")
            write(config, "rules:\n- level: full\n")
            d.until(lambda: d.target(t.pid)["level"] == "full", "a good file does not hold")
            expect(status(d.process.pid)["Uid"].split() == ["65534"] * 4, "who answers over HTTP has rights")


def a_wrong_file_at_the_start_is_refused():
    with folder() as f:
        config = f / "parkwatch.yaml"
        write(config, "listen: 127.0.0.1:1\nstate-dir: /tmp\n")
        one_line(parkwatch("serve", "--config", str(config)), f"{re.escape(str(config))}:2: unknown name 'state-dir'; use listen, state_dir")
        config.chmod(0o666)
        one_line(parkwatch("serve", "--config", str(config)), "written by everyone", "chmod o-w")
        one_line(parkwatch("serve", "--config", str(f / "none")), "cannot read", "none", "No such file")
        one_line(parkwatch("serve", "--config", str(f)), "it is no file")


def it_listens_where_the_file_says():
    with folder() as f:
        config, address = f / "parkwatch.yaml", f"127.0.0.1:{free_port()}"
        write(config, f"listen: {address}\n")
        with Daemon("--config", str(config), address=address) as d:
            expect(d.get("/-/healthy")[0] == 200, d.said())


ALL = {f.__name__: f for f in (rules_say_what_is_watched_and_a_new_file_holds_at_once, a_wrong_file_is_told_and_the_old_one_stays,
                               a_wrong_file_at_the_start_is_refused, it_listens_where_the_file_says)}


def cases():
    for function in ALL.values():
        yield f"serveconfig: {function.__name__}", lambda f=function: alone(f)


if __name__ == "__main__":
    sys.exit(main(ALL, *sys.argv[1:]))
