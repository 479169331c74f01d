"""CodePipeline with a real CodeCommit and CodeBuild, killed in the middle of their work and started again."""

from __future__ import annotations

import copy
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.durability import MemoryTables
from lockgate_twin.services.codebuild import CodeBuild
from lockgate_twin.services.codecommit import CodeCommit
from lockgate_twin.services.codepipeline import CodePipeline

from tests.twin.codecommit.fake_world import ACCOUNT, FakeWorld, make_world
from tests.twin.codepipeline.conftest import BUILDSPEC, Pipelines


@dataclass
class RestartingPipelines(Pipelines):
    """Calls the services of one folder; `kill` starts them anew from what was kept at that moment."""

    def kill(self) -> None:
        """Go on with new services in a world of their own; what the old ones still do is lost."""
        tables, files = copy.deepcopy(self.world.tables), self.world.settings.state_dir
        aside = files.with_name("aside")
        shutil.copytree(files, aside, symlinks=True, ignore_dangling_symlinks=True)
        self.close()
        shutil.rmtree(files)
        aside.rename(files)
        clients, self.world = self.world.clients, make_world(files)
        self.world.tables, self.world.clients = tables, clients
        self.services = services_of(self.world)

    def end(self) -> None:
        """End the services in order and start the next ones."""
        self.close()
        tables, self.world = self.world.tables, make_world(self.world.settings.state_dir)
        self.world.tables = tables
        self.services = services_of(self.world)

    def close(self) -> None:
        """End the services and what they run."""
        self.services["codepipeline"].close()
        self.services["codebuild"].close()
        self.world.processes.close()
        for thread in threading.enumerate():
            if thread.name.startswith("codebuild "):
                thread.join(60)

    def builds(self) -> list[dict[str, Any]]:
        """Describe all builds, the newest first."""
        ids = self.call("codebuild", "ListBuilds")["ids"]
        return list(self.call("codebuild", "BatchGetBuilds", ids=ids)["builds"]) if ids else []


def services_of(world: FakeWorld) -> dict[str, Any]:
    """Construct the services, and let them go on with what was under way."""
    codecommit, codebuild = CodeCommit(world), CodeBuild(world)
    codepipeline = CodePipeline(world, sources=codecommit.archives, builds=codebuild.pipeline_builds)
    codebuild.resume()
    codepipeline.resume()
    return {"codecommit": codecommit, "codebuild": codebuild, "codepipeline": codepipeline}


def make_pipelines(folder: Path, s3: Any) -> RestartingPipelines:
    """Make the services, with a repository and a build project named shop."""
    world = make_world(folder)
    world.tables = MemoryTables()
    made = RestartingPipelines(world, services_of(world), s3)
    made.call("codecommit", "CreateRepository", repositoryName="shop")
    made.commit("first", buildspec__yml=BUILDSPEC)
    made.call(
        "codebuild",
        "CreateProject",
        name="shop",
        source={"type": "CODEPIPELINE"},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "x:1", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/build",
    )
    return made
