#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""budget: what lies under the run directory, and what limits there are, ends no recording, and nobody is believed there."""
import resource
import subprocess
import sys

import attack
from target import LIMIT, PARKWATCH, Target, expect, text_changed

# In a mount namespace of its own: a /run that nobody else sees, prepared by the lines that come first.
ALONE = 'mount -t tmpfs none /run && mkdir -m 700 /run/parkwatch && cd /run/parkwatch && {0} && cd / && "$@"; code=$?; {1}; exit $code'


def recorded(pid, before, after="true", limit=None):
    """(exit code, standard error) of a recording with this run directory."""
    run = subprocess.run(["unshare", "-m", "sh", "-c", ALONE.format(before, after), "sh", PARKWATCH, "record", "-p", str(pid), "-d", "300ms", "-v"],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
                         preexec_fn=lambda: limit is None or resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    return run.returncode, run.stderr


def expect_recorded(pid, what, *args, **more):
    code, said = recorded(pid, *args, **more)
    expect(code == 0 and " lost; cost " in said, f"{what}: exit code {code}: {said}")
    return said


def a_limit_of_file_size_or_no_room_is_no_reason_to_refuse():
    with Target("busy") as t:
        t.go()
        for limit in (0, 8):
            expect_recorded(t.pid, f"ulimit of {limit} bytes", "true", limit=limit)
        full = "mount -t tmpfs -o size=4k none /run/parkwatch && cd /run/parkwatch && dd if=/dev/zero of=ballast bs=4k count=1 2>/dev/null"
        expect_recorded(t.pid, "no space", full)
        expect_recorded(t.pid, "read-only", "mount -o remount,ro /run")
        expect(text_changed(t.pid) == 0, "probes are left in the code")


def what_others_could_open_is_replaced():
    """Who may read the file may hold locks of it: all slots, so that nobody can record."""
    alone = '[ "$(stat -c "%a %u %F" /run/parkwatch/recorders)" = "600 0 regular file" ] || code=99'
    with Target("busy") as t:
        t.go()
        for what in ("echo x > recorders; chmod 644 recorders", "echo x > recorders; chown 65534 recorders; chmod 600 recorders",
                     "mkfifo recorders", "echo before > /run/secret; ln -s /run/secret recorders"):
            expect_recorded(t.pid, what, f"{{ {what}; }}", alone)
        expect_recorded(t.pid, "a link", "echo before > /run/secret && ln -s /run/secret recorders",
                        '[ "$(cat /run/secret)" = before ] || code=99')
        expect_recorded(t.pid, "garbage", "head -c 100000 /dev/urandom > recorders && chmod 600 recorders")


def a_place_that_others_may_write_is_not_used():
    with Target("busy") as t:
        t.go()
        for what in ("chmod 777 /run/parkwatch", "chown 65534 /run/parkwatch",
                     "rmdir /run/parkwatch && mkdir -m 777 /run/theirs && ln -s /run/theirs /run/parkwatch"):
            said = expect_recorded(t.pid, what, what, "[ -z \"$(ls /run/parkwatch/)\" ] || code=99")
            expect("who else records is not known" in said, f"{what}: {said}")


if __name__ == "__main__":
    sys.exit(attack.run("budget", [a_limit_of_file_size_or_no_room_is_no_reason_to_refuse, what_others_could_open_is_replaced,
                                   a_place_that_others_may_write_is_not_used]))
