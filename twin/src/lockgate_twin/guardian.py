"""The guardian: ends the process groups that a dead twin leaves behind. Run as a program; stdlib only."""

from __future__ import annotations

import os
import signal
import sys
import time


def _end(groups: set[int]) -> None:
    for number, pause in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 0.0)):
        for group in groups:
            try:
                os.killpg(group, number)
            except (ProcessLookupError, PermissionError):
                continue
        # Only a twin that died with work under way gets here with groups left.
        time.sleep(pause if groups else 0.0)


def main() -> None:
    """Read `+group` and `-group` lines until the twin's end of the pipe closes, then end what is left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line[0] == "+":
            groups.add(number)
        else:
            groups.discard(number)
    _end(groups)


if __name__ == "__main__":
    main()
