# SPDX-License-Identifier: BSD-2-Clause
"""surroundings: targets in namespaces of their own, and executables that are no longer where they were."""
import os
import shutil
import stat
import tempfile
from pathlib import Path

import build
from target import check


def in_a_container(name, kind, events):
    """Own mount, PID and network-less root: the executable's path means nothing, or something else, outside."""
    program = build.built(build.MODES_MINOR)[0]
    with tempfile.TemporaryDirectory() as d:
        # In a tmpfs that only the container has mounted: there is no path to it from outside but /proc/PID/root.
        script = (f"mount -t tmpfs none {d} && mkdir {d}/proc {d}/tmp && cp {program} {d}/sleep && "
                  f"mount -t proc proc {d}/proc && exec chroot {d} /sleep $0")
        check(name, kind, ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
              "-events=" + events)


def a_container_counts_like_any_other(name):
    in_a_container(name, "lives", "births,exits")


def a_container_waits_like_any_other(name):
    in_a_container(name, "waits", "blocked")


def from_file_that_goes(name, after):
    """The program runs from a file that is unlinked before it starts; `after` says what stands at its path then."""
    program = build.built(build.MODES_MINOR)[0]
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "work"
        script = f"cp {program} {path} && exec 4<{path} && rm {path} && {after.format(path=path)} exec /proc/self/fd/4 $0"
        check(name, "lives", ["sh", "-c", script], "-events=births,exits")


def a_deleted_executable_is_read_all_the_same(name):
    from_file_that_goes(name, "")


def a_replaced_executable_is_not_mistaken_for_the_new_one(name):
    from_file_that_goes(name, "cp /bin/true {path} &&")


def a_path_with_blanks_and_newlines(name):
    program = build.built(build.MODES_MINOR)[0]
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "a b\n;(deleted)"
        shutil.copy(program, path)
        os.chmod(path, stat.S_IRWXU)
        check(name, "lives", [str(path)], "-events=births,exits")


def cases():
    for function in (a_container_counts_like_any_other, a_container_waits_like_any_other,
                     a_deleted_executable_is_read_all_the_same, a_replaced_executable_is_not_mistaken_for_the_new_one,
                     a_path_with_blanks_and_newlines):
        yield function.__name__, lambda function=function: function(function.__name__)
