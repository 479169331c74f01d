"""What a publish says: its plan, its progress and its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console

from catalog.instructions import Instruction
from catalog.observed import Account


class Display:
    """Prints to a console; `clock` returns seconds."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock

    def account(self, account: Account) -> None:
        """Say where the publish goes and as whom."""
        self._print(f"account {account.id}, region {account.region}, as {account.caller_arn}")

    def plan(self, instructions: Sequence[Instruction]) -> None:
        """Print what would be done."""
        for instruction in instructions:
            self._print(f"  would {instruction}")
        self._print(f"{_changes(len(instructions))} planned; nothing was done.")

    def perform(self, instruction: Instruction, work: Callable[[], None]) -> None:
        """Do the work of an instruction; print the instruction, and how long it took once it is done."""
        started = self._clock()
        self._console.print(f"  {instruction}", highlight=False, markup=False, soft_wrap=True, end="")
        try:
            work()
        except BaseException:
            self._print(" ... failed")
            raise
        self._print(f" ... done ({self._clock() - started:.1f} s)")

    def published(self, version: str, product: str, changes: int) -> None:
        """Say what is in effect now."""
        done = f"{_changes(changes)} made." if changes else "Nothing to change."
        self._print(f"{done} Version {version} of the product '{product}' is published.")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _changes(number: int) -> str:
    return "1 change" if number == 1 else f"{number} changes"
