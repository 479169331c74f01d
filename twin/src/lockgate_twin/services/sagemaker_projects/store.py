"""The projects of all accounts and regions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Table
from lockgate_twin.services.sagemaker_projects.model import Key, Project, State
from lockgate_twin.services.sagemaker_projects.refusals import validation


class ProjectStore:
    """Projects by key. Deleted ones stay, as on AWS, until their name is used again."""

    def __init__(self, table: Table) -> None:
        self.lock = threading.RLock()
        self._table = table
        self._projects: dict[Key, Project] = {project.key: project for _, project in table.items()}

    def get(self, name: str, call: Call) -> Project:
        """Return a project.

        Raises:
            ApiError: ValidationException ("... does not exist", the text that clients look for).
        """
        found = self._projects.get((call.account, call.region, name))
        if found is None:
            raise validation(f"Project {name} does not exist.")
        return found

    def require_free(self, key: Key) -> None:
        """Check that a name is free; names that differ in case alone would share an ARN.

        Raises:
            ApiError: ValidationException.
        """
        lowered = (*key[:2], key[2].lower())
        for (account, region, name), project in self._projects.items():
            if (account, region, name.lower()) == lowered and not project.deleted:
                raise validation(f"Project with name {key[2]} already exists.")

    def put(self, project: Project) -> None:
        """Add or replace a project."""
        with self.lock:
            self._table.put("/".join(project.key), project)
            self._projects[project.key] = project

    def change(self, project: Project, change: Callable[[Project], Project]) -> None:
        """Replace a project by `change(project)`, unless its name has a new owner by now."""
        with self.lock:
            current = self._projects.get(project.key)
            if current is not None and current.id == project.id:
                self.put(change(current))

    def end(self, project: Project, state: State, message: str) -> None:
        """Note the end of the operation under way."""
        self.change(project, lambda p: replace(p, state=state, message=message))

    def require_still(self, project: Project) -> None:
        """Check that no operation is under way.

        Raises:
            ApiError: ConflictException.
        """
        if project.state == "InProgress":
            message = f"Project {project.name} is in status {project.status}; wait until that has ended."
            raise ApiError("ConflictException", message)

    def under_way(self) -> list[Project]:
        """Return the projects on which an operation works."""
        return [p for p in self._projects.values() if p.state == "InProgress"]

    def of(self, call: Call) -> list[Project]:
        """Return the projects of the caller's account and region, oldest first."""
        mine = [p for p in list(self._projects.values()) if p.key[:2] == (call.account, call.region)]
        return sorted(mine, key=lambda p: p.created)
