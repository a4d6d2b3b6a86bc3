# SPDX-License-Identifier: BSD-2-Clause
"""figures: how the benchmarks say whether a figure is what is wanted: lines that begin with `holds` or `MISSED`."""

missed = []    # the words of each that is not


def verdict(held, words):
    print("holds " if held else "MISSED", words, flush=True)
    if not held:
        missed.append(words)
