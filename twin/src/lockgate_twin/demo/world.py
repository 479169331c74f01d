"""What the stages of the demo share, and what they hand on to one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate_twin.control import State
from lockgate_twin.demo.following import Follower
from lockgate_twin.demo.person import Person


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known so far; each stage returns a fuller copy."""

    project_id: str = ""
    project_arn: str = ""
    versions: tuple[dict[str, Any], ...] = ()
    decisions: tuple[dict[str, Any], ...] = ()
    build_executions: tuple[str, ...] = ()
    deploy_execution: str = ""
    endpoints: tuple[str, ...] = ()
    predictions: tuple[dict[str, Any], ...] = ()
    retraining: str = ""


@dataclass(kw_only=True)
class World:
    """The checkout, the twin, the people, and a voice."""

    root: Path
    output: Path
    project: str
    state: State
    say: Callable[[str], None]
    _people: dict[str, Person] = field(default_factory=dict)
    followers: dict[str, Follower] = field(default_factory=dict)

    def person(self, name: str) -> Person:
        """Return a person, acting with fresh credentials of their own role."""
        if name not in self._people:
            self._people[name] = Person(name, self.state, self.output / "demo.log")
        return self._people[name]

    @property
    def twin_log(self) -> str:
        """Return the path of the twin's own log."""
        return str(Path(self.state.state_dir) / "twin.log")
