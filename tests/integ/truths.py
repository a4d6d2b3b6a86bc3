# SPDX-License-Identifier: BSD-2-Clause
"""truths: programs print what they did, and parkwatch must say the same. On each Go version, each build mode, each way to attach."""
import build
from target import attach_ways, check

VERSIONS = [(minor, "static", "") for minor in build.MATRIX]
BUILDS = [(build.MODES_MINOR, mode, "") for mode in build.MODES if mode != "static"]
WAYS = [(build.MODES_MINOR, "static", f"--transport={transport} --attach={attach}")
        for transport in ("ring", "perf") for attach in attach_ways()]
# What must be exact is tried on all of these.
EVERYWHERE = VERSIONS + BUILDS + WAYS


def births_minus_exits_is_the_change_of_numgoroutine(name, program, how):
    check(name, "lives", program, "-events=births,exits", "-args=" + how)


def blocked_time_is_what_the_programs_clock_saw(name, program, how):
    check(name, "waits", program, "-events=blocked", "-args=" + how)


def a_burst_on_all_threads_is_counted_exactly(name, program, how):
    check(name, "burst", program, "-events=births,exits,blocked", "-args=" + how, env={"GOMAXPROCS": "8"})


def a_burst_on_one_thread_is_counted_exactly(name, program, how):
    check(name, "burst", program, "-events=births,exits,blocked", "-args=" + how, env={"GOMAXPROCS": "1"})


def growing_stacks_under_gc_are_counted_exactly(name, program, how):
    check(name, "grow", program, "-events=births,exits,blocked", "-args=" + how)


def threads_that_come_and_go_lose_nothing(name, program, how):
    check(name, "threads", program, "-events=births,exits,blocked", "-args=" + how)


def nothing_is_lost_at_100000_events_a_second(name, program, how):
    check(name, "rate", program, "-events=blocked", "-args=" + how)


def what_a_tiny_ring_loses_is_counted(name, program, how):
    check(name, "flood", program, "-events=births", "-expect=seen+lost", "-args=--ring-size=4096 " + how)


def labels_are_the_root_frame(name, program, how):
    check(name, "labels", program, "-events=blocked", "-args=--root=label " + how)


def async_puts_the_chain_of_creators_above(name, program, how):
    check(name, "chains", program, "-events=blocked", "-args=--async " + how)


CASES = [
    (births_minus_exits_is_the_change_of_numgoroutine, EVERYWHERE),
    (blocked_time_is_what_the_programs_clock_saw, EVERYWHERE),
    (a_burst_on_all_threads_is_counted_exactly, VERSIONS + BUILDS),
    (a_burst_on_one_thread_is_counted_exactly, VERSIONS),
    (growing_stacks_under_gc_are_counted_exactly, EVERYWHERE),
    (threads_that_come_and_go_lose_nothing, [v for v in VERSIONS if v[0] in (15, 19, 27)]),
    (nothing_is_lost_at_100000_events_a_second, EVERYWHERE),
    (what_a_tiny_ring_loses_is_counted, EVERYWHERE),
    (labels_are_the_root_frame, VERSIONS),
    (async_puts_the_chain_of_creators_above, VERSIONS),
]


def cases():
    for function, matrix in CASES:
        for minor, mode, how in matrix:
            where = " ".join(filter(None, [f"go1.{minor}", mode, how.replace("--transport=", "").replace("--attach=", "")]))
            name = f"{function.__name__} [{where}]"

            def run(function=function, name=name, minor=minor, mode=mode, how=how):
                function(name, build.built(minor, mode), how)
            yield name, run
