"""The running side of an endpoint: one model server process per production variant of one configuration."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.jobs import archives, serving, staging
from lockgate_twin.jobs.errors import JobError
from lockgate_twin.jobs.running import Launcher, role_variables
from lockgate_twin.jobs.workspace import Workspace
from lockgate_twin.ports import Context, Session
from lockgate_twin.services.sagemaker.endpoint_configs import EndpointConfig
from lockgate_twin.services.sagemaker.models import Model
from lockgate_twin.services.sagemaker.names import Place, random_id

MODEL = "model"
NO_MODELS: Mapping[str, Model] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant that serves."""

    name: str
    image: str
    weight: float
    instances: int
    server: serving.ModelServer
    session: Session
    log: Path

    def note(self, what: str) -> None:
        """Add a line to the variant's log."""
        with self.log.open("a") as out:
            out.write(f"lockgate twin: {what}\n")


class Fleet:
    """All variants of one configuration. `start` returns a fleet of which every variant is healthy.

    `ended` is set once the fleet is to serve no more.
    """

    def __init__(self, config: EndpointConfig, variants: Sequence[Variant], models: Mapping[str, Model]) -> None:
        self.config = config
        self.models = models
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._variants = {variant.name: variant for variant in variants}

    @property
    def variants(self) -> list[Variant]:
        """Return the variants in the configuration's order."""
        return list(self._variants.values())

    def choose(self, target: str | None) -> Variant | None:
        """Return the target variant (None if there is none of that name), or one by weight."""
        if target is not None:
            return self._variants.get(target)
        weights = [variant.weight for variant in self.variants]
        return random.choices(self.variants, weights if any(weights) else None)[0]  # noqa: S311  # traffic split

    def replace(self, variant: Variant) -> bool:
        """Serve a variant by another server from now on; False if the fleet has ended meanwhile."""
        with self._lock:
            if not self.ended.is_set():
                self._variants[variant.name] = variant
            return not self.ended.is_set()

    def drain(self) -> None:
        """Finish the requests under way, then stop."""
        for variant in self._end():
            variant.server.drain()

    def stop(self, grace: float) -> None:
        """Stop at once."""
        for variant in self._end():
            variant.server.stop(grace)

    def _end(self) -> list[Variant]:
        with self._lock:
            self.ended.set()
            return self.variants


@dataclass(frozen=True, kw_only=True)
class FleetStarter:
    """Starts fleets: fetch the archive with the model's role, extract it safely, start the server, wait for /ping."""

    context: Context
    launcher: Launcher
    models: Callable[[Place, str], Model]

    def start(self, endpoint: str, config: EndpointConfig, known: Mapping[str, Model] = NO_MODELS) -> Fleet:
        """Start every variant of a configuration; `known` are models that served it before, by name.

        Raises:
            JobError: a variant cannot be served; the others are stopped.
            NotImplementedByTwin: a model's image has no stand-in.
        """
        started: list[Variant] = []
        models: dict[str, Model] = {}
        try:
            for variant in config.variants:
                name = variant["ModelName"]
                model = models[name] = known.get(name) or self.models(config.key.place, name)
                started.append(self._launch(endpoint, variant, model))
            for one in started:
                one.server.wait_healthy(one.log)
        except Exception as error:
            for one in started:
                one.server.stop(grace=1.0)
            if not isinstance(error, JobError | ApiError):
                raise
            raise JobError(_why(config, str(error))) from error
        return Fleet(config, started, models)

    def again(self, endpoint: str, fleet: Fleet, dead: Variant) -> Variant:
        """Start a variant of a fleet again, in the place of one whose server has ended.

        Raises:
            JobError: it cannot be started, or the fleet has ended meanwhile.
            ApiError: the model's role cannot be assumed any more.
        """
        dead.server.stop(grace=1.0)
        described = next(v for v in fleet.config.variants if v["VariantName"] == dead.name)
        variant = self._launch(endpoint, described, fleet.models[described["ModelName"]])
        try:
            variant.server.wait_healthy(variant.log)
            if not fleet.replace(variant):
                raise JobError("the endpoint serves another fleet")
        except JobError:
            variant.server.stop(grace=1.0)
            raise
        return variant

    def tidy(self, endpoint: str) -> None:
        """Remove the workspaces that a twin which was killed has left; the logs stay."""
        for left in self._root(endpoint).glob("*/"):
            shutil.rmtree(left, ignore_errors=True)

    def _root(self, endpoint: str) -> Path:
        return self.context.settings.state_dir / "sagemaker" / "endpoints" / endpoint

    def _launch(self, endpoint: str, variant: Mapping[str, Any], model: Model) -> Variant:
        framework = model.container.framework
        session = model.session(self.context)
        root = self._root(endpoint)
        log = root / f"{variant['VariantName']}.log"
        workspace = Workspace(root / f"{variant['VariantName']}-{random_id(6)}", [MODEL])
        try:
            self._fetch(session, model.container.model_data_url, workspace)
        except JobError:
            shutil.rmtree(workspace.root)
            raise
        serve = serving.Serve(
            name=f"endpoint {endpoint}/{variant['VariantName']}",
            workspace=workspace,
            framework=framework,
            env={**role_variables(session.environment(), isolated=model.isolated), **model.container.environment},
            log=log,
        )
        return Variant(
            name=variant["VariantName"],
            image=model.container.image,
            weight=variant["InitialVariantWeight"],
            instances=variant.get("InitialInstanceCount", 1),
            server=serving.start(self.launcher, serve),
            session=session,
            log=log,
        )

    def _fetch(self, session: Session, uri: str, workspace: Workspace) -> None:
        where = staging.parse(uri)
        try:
            packed = session.read_object(where.bucket, where.key)
        except ApiError as error:
            raise JobError(f"Failed to download model data from {uri}: {error}") from error
        archives.unpack(packed, workspace.box.ml / MODEL, uri)


def _why(config: EndpointConfig, reason: str) -> str:
    names = ", ".join(variant["VariantName"] for variant in config.variants)
    return (
        f"The primary container for production variant {names} of {config.key.name} did not pass the ping health "
        f"check. {reason}"
    )
