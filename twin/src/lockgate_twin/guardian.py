"""The guardian: ends the processes that a dead twin leaves behind. Run as a program; stdlib only."""

from __future__ import annotations

import os
import signal
import sys
import time


def family(pid: int) -> dict[int, str]:
    """Return a process and its descendants with the time of each one's birth; those that left its group are of it.

    Source: proc(5), /proc/pid/task/tid/children and the 22nd field of /proc/pid/stat. Empty where there is no /proc.
    """
    found: dict[int, str] = {}
    left = [pid]
    while left:
        member = left.pop()
        born = _born(member)
        if born and member not in found:
            found[member] = born
            left += _children(member)
    return found


def end_family(members: dict[int, str]) -> None:
    """Kill those members of a family that still run; an id that another process has got meanwhile is left alone."""
    for member, born in members.items():
        if _born(member) == born:
            try:
                os.kill(member, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _born(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123 - starts fast
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - starts fast
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:  # noqa: PTH123
                found += map(int, children.read().split())
    except OSError:
        return found
    return found


def _end(groups: set[int]) -> None:
    families = [family(group) for group in groups]
    for number, pause in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 0.0)):
        for group in groups:
            try:
                os.killpg(group, number)
            except (ProcessLookupError, PermissionError):
                continue
        # Only a twin that died with work under way gets here with groups left.
        time.sleep(pause if groups else 0.0)
    for members in families:
        end_family(members)


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
