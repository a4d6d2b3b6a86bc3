# SPDX-License-Identifier: BSD-2-Clause
"""attack: what the scripts of this folder share: each prints `ok NAME`, `FAIL NAME: why`, `skip NAME: what is missing`."""
import os
import signal
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integ"))

import build  # noqa: E402
import target  # noqa: E402


def run(room, cases):
    """Runs the functions; the exit status."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)    # nohup make check: else what is started here would ignore it
    failed = False
    for case in cases:
        name = f"harm: {room}: {case.__name__}"
        try:
            if os.geteuid() != 0:
                raise build.Missing("root")
            case()
        except build.Missing as e:
            print(f"skip {name}: {e}")
        except target.Failed as e:
            print(f"FAIL {name}: {' / '.join(str(e).splitlines())}")
            failed = True
        except Exception:    # a broken test is a failure too, told with its place
            print(f"FAIL {name}: {' / '.join(traceback.format_exc(limit=-3).splitlines())}")
            failed = True
        else:
            print(f"ok {name}")
        sys.stdout.flush()
    return 1 if failed else 0
