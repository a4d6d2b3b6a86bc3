# SPDX-License-Identifier: BSD-2-Clause
"""script: the frame of the test scripts that run a program made of ours: SCRIPT PROGRAM [NAME...], one line a case."""
import sys

from build import Missing


def main(cases):
    """cases yields (name, check, args); check(PROGRAM, *args) raises, or returns a note or nothing. The exit status."""
    program, wanted = sys.argv[1], sys.argv[2:]
    failed = 0
    for name, check, args in cases:
        if wanted and not any(name.startswith(w) for w in wanted):
            continue
        try:
            note = check(program, *args)
            print(f"ok {name}" + (f" ({note})" if note else ""), flush=True)
        except Missing as missing:
            print(f"skip {name}: {missing}", flush=True)
        except Exception as e:  # a case must not keep the others from running
            failed += 1
            print(f"FAIL {name}: {e}", flush=True)
    return 1 if failed else 0
