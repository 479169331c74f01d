"""The entries of stages: one execution at a time is in a stage, the others wait in order of their arrival.

Source: "How pipeline executions work" (CodePipeline User Guide): with QUEUED, waiting executions form a queue at each
locked stage; with SUPERSEDED, a newer execution that arrives takes the place of the one that waits; with PARALLEL,
executions do not know of one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lockgate_twin.ports import utc_now


@dataclass(frozen=True, kw_only=True)
class Transition:
    """Whether executions may enter a stage, who changed that last and why."""

    enabled: bool = True
    changed_by: str = ""
    changed_at: datetime = field(default_factory=utc_now)
    reason: str = ""


@dataclass
class Gate:
    """The entry of one stage. Guarded by its pipeline's lock."""

    occupant: str | None = None
    waiting: list[str] = field(default_factory=list)
    transition: Transition = field(default_factory=Transition)
    shared: bool = False

    def arrive(self, execution_id: str, mode: str) -> list[str]:
        """Line up, and return the executions that are superseded by this one."""
        self.shared = mode == "PARALLEL"
        superseded = list(self.waiting) if mode == "SUPERSEDED" else []
        self.waiting = [other for other in self.waiting if other not in superseded]
        self.waiting.append(execution_id)
        return superseded

    def return_to(self, execution_id: str, mode: str, *, inside: bool) -> None:
        """Take the place, in the stage or in the line, that an earlier twin had given out."""
        self.shared = mode == "PARALLEL"
        self.waiting.append(execution_id)
        if inside:
            self.enter(execution_id)

    def admits(self, execution_id: str) -> bool:
        """Tell whether it is this execution's turn."""
        if self.shared:
            return self.transition.enabled
        return self.occupant is None and self.transition.enabled and self.waiting[:1] == [execution_id]

    def enter(self, execution_id: str) -> None:
        """Occupy the stage."""
        self.waiting.remove(execution_id)
        self.occupant = None if self.shared else execution_id

    def leave(self, execution_id: str) -> None:
        """Free the stage, or the place in the line."""
        self.waiting = [other for other in self.waiting if other != execution_id]
        if self.occupant == execution_id:
            self.occupant = None
