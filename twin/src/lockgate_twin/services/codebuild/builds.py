"""All builds of the twin, with the numbers and the idempotency tokens that were given out; kept as they change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lockgate_twin.ports import Table
from lockgate_twin.services.codebuild.build import Build, BuildState
from lockgate_twin.services.codebuild.order import BuildOrder


class Builds:
    """Builds by id, the oldest first. Hold `lock` to look and add in one step."""

    def __init__(self, table: Table) -> None:
        self.lock = threading.RLock()
        self._table = table
        self._closed = False
        self._builds: dict[str, Build] = {}
        self._numbers: dict[str, int] = {}
        self._tokens: dict[tuple[str, str], Build] = {}
        for state in (record for _, record in table.items()):
            self._know(Build(state, self._save))

    def start(self, project_arn: str, make: Callable[[int], BuildOrder], root: Path, token: str = "") -> Build:
        """Add the project's next build; its files go under `root`."""
        with self.lock:
            order = make(self._numbers.get(project_arn, 0) + 1)
            log = root / order.project / order.uuid / "build.log"
            state = BuildState(order=order, log=log, token=token)
            self._save(state)
            build = Build(state, self._save)
            self._know(build)
            return build

    def started_by(self, project_arn: str, token: str) -> Build | None:
        """Return the build of a project that an idempotency token started, or None."""
        with self.lock:
            return self._tokens.get((project_arn, token)) if token else None

    def get(self, build_id: str) -> Build | None:
        """Return a build, or None."""
        with self.lock:
            return self._builds.get(build_id)

    def all(self) -> list[Build]:
        """Return every build."""
        with self.lock:
            return list(self._builds.values())

    def close(self) -> None:
        """Keep nothing more: builds that end from now on end because the twin does."""
        for build in self.all():
            build.leave()
        self._closed = True

    def _know(self, build: Build) -> None:
        order = build.order
        self._builds[order.build_id] = build
        self._numbers[order.project_arn] = max(order.number, self._numbers.get(order.project_arn, 0))
        if build.token:
            self._tokens[order.project_arn, build.token] = build

    def _save(self, state: BuildState) -> None:
        if not self._closed:
            self._table.put(state.order.build_id, state)
