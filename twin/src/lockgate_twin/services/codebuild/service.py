"""CodeBuild as the twin serves it: projects are kept, builds really run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.codebuild.build import Build
from lockgate_twin.services.codebuild.builds import Builds
from lockgate_twin.services.codebuild.description import describe
from lockgate_twin.services.codebuild.image import BuildImage
from lockgate_twin.services.codebuild.order import BuildOrder, project_arn, retried
from lockgate_twin.services.codebuild.pipeline_builds import PipelineBuilds
from lockgate_twin.services.codebuild.projects import ProjectData, Projects
from lockgate_twin.services.codebuild.report_operations import ReportOperations
from lockgate_twin.services.codebuild.reports import Reports
from lockgate_twin.services.codebuild.runner import BuildRunner
from lockgate_twin.services.codebuild.start import PipelineBuild, direct_order, pipeline_order
from lockgate_twin.services.paging import page

_PAGE = 100
_SORT = {"NAME": "name", "CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}


class CodeBuild:
    """Build projects and their builds."""

    name = "codebuild"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._root = context.settings.state_dir / "codebuild"
        self._projects = Projects(context.table("codebuild.projects"))
        self._builds = Builds(context.table("codebuild.builds"))
        self._reports = Reports(context.table("codebuild.report-groups"), context.table("codebuild.reports"))
        image = BuildImage(context.settings.python, self._root / "image")
        self._runner = BuildRunner(context, image, self._reports)
        self.pipeline_builds = PipelineBuilds(self._start_for_pipeline, self._build)

    def resume(self) -> None:
        """End the builds that ran when an earlier twin ended; their processes ended with it."""
        for build in self._builds.all():
            if build.outcome is None:
                self._runner.give_up(build)
        self._reports.give_up()

    def close(self) -> None:
        """Leave the builds that run to the next twin, which tells how they ended; their processes end with this one."""
        self._builds.close()

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateProject": self.create_project,
            "UpdateProject": self.update_project,
            "BatchGetProjects": self.batch_get_projects,
            "ListProjects": self.list_projects,
            "DeleteProject": self.delete_project,
            "StartBuild": self.start_build,
            "BatchGetBuilds": self.batch_get_builds,
            "StopBuild": self.stop_build,
            "RetryBuild": self.retry_build,
            "ListBuilds": self.list_builds,
            "ListBuildsForProject": self.list_builds_for_project,
            **ReportOperations(self._reports).operations(),
        }

    def create_project(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make a project; like AWS, refuse a service role that CodeBuild may not assume."""
        self._check_role(parameters, call)
        return {"project": self._projects.create(parameters, call)}

    def update_project(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a project."""
        self._check_role(parameters, call)
        return {"project": self._projects.update(parameters, call)}

    def batch_get_projects(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe projects and name those that do not exist."""
        found = {name: self._projects.find(name, call.account, call.region) for name in parameters["names"]}
        return {
            "projects": [project for project in found.values() if project is not None],
            "projectsNotFound": [name for name, project in found.items() if project is None],
        }

    def list_projects(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name the projects."""
        key = _SORT[parameters.get("sortBy", "NAME")]
        found = sorted(self._projects.of(call.account, call.region), key=lambda project: project[key])
        if parameters.get("sortOrder") == "DESCENDING":
            found.reverse()
        shown, more = _page([project["name"] for project in found], parameters)
        return {"projects": shown, **more}

    def delete_project(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete a project; one that does not exist is no error (API Reference). Its builds stay."""
        self._projects.delete(parameters["name"], call)

    def start_build(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start a build; the same idempotency token returns the build it started before."""
        project = self._projects.get(parameters["projectName"], call.account, call.region)
        token = parameters.get("idempotencyToken", "")
        with self._builds.lock:
            if known := self._builds.started_by(project["arn"], token):
                return {"build": describe(known)}
            initiator = call.principal.arn.rpartition(":")[2].removeprefix("assumed-role/")
            build = self._start(project, lambda number: direct_order(project, parameters, initiator, number), token)
        return {"build": describe(build)}

    def batch_get_builds(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe builds and name those that do not exist."""
        found = {name: self._find(name, call) for name in parameters["ids"]}
        return {
            "builds": [describe(build) for build in found.values() if build is not None],
            "buildsNotFound": [name for name, build in found.items() if build is None],
        }

    def stop_build(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Ask a build to stop; it ends with status STOPPED a moment later. An ended build stays as it is."""
        build = self._find(parameters["id"], call)
        if build is None:
            raise ApiError("ResourceNotFoundException", f"Build cannot be found: {parameters['id']}")
        self._context.in_background(f"stop {build.order.build_id}", lambda: build.interrupt("STOPPED"))
        return {"build": describe(build)}

    def retry_build(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a build that has ended again, with the settings it had (API Reference, RetryBuild).

        Raises:
            ApiError: there is no such build, or it has not ended.
            NotImplementedByTwin: a build of a pipeline, which is retried with its stage.
        """
        build = self._find(parameters["id"], call)
        if build is None:
            raise ApiError("ResourceNotFoundException", f"Build cannot be found: {parameters['id']}")
        if build.outcome is None:
            raise ApiError("InvalidInputException", f"Build {parameters['id']} has not ended yet.")
        if build.order.source["type"] == "CODEPIPELINE":
            raise NotImplementedByTwin("codebuild:RetryBuild of a pipeline's build (retry the pipeline's stage)")
        project = self._projects.get(build.order.project, call.account, call.region)
        token = parameters.get("idempotencyToken", "")
        with self._builds.lock:
            known = self._builds.started_by(project["arn"], token)
            again = known or self._start(project, lambda number: retried(build.order, number), token)
        return {"build": describe(again)}

    def list_builds(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name all builds, the newest first unless asked otherwise."""
        return self._listed(parameters, lambda order: (order.account, order.region) == (call.account, call.region))

    def list_builds_for_project(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Name the builds of one project, the newest first unless asked otherwise."""
        project = self._projects.get(parameters["projectName"], call.account, call.region)
        return self._listed(parameters, lambda order: order.project_arn == project["arn"])

    def _listed(self, parameters: Mapping[str, Any], wanted: Callable[[BuildOrder], bool]) -> dict[str, Any]:
        ids = [build.order.build_id for build in self._builds.all() if wanted(build.order)]
        if parameters.get("sortOrder", "DESCENDING") == "DESCENDING":
            ids.reverse()
        shown, more = _page(ids, parameters)
        return {"ids": shown, **more}

    def _start_for_pipeline(self, wanted: PipelineBuild) -> Build:
        project = self._projects.get(wanted.project, wanted.account, wanted.region)
        return self._start(project, lambda number: pipeline_order(project, wanted, number))

    def _start(self, project: ProjectData, make_order: Callable[[int], BuildOrder], token: str = "") -> Build:
        build = self._builds.start(project["arn"], make_order, self._root, token)
        self._context.in_background(f"codebuild {build.order.build_id}", lambda: self._runner.run(build))
        return build

    def _find(self, name: str, call: Call) -> Build | None:
        """Return a build of the caller's account and region by its id or ARN."""
        short = name.partition(":build/")[2] if name.startswith("arn:") else name
        build = self._builds.get(short)
        own = build is not None and (build.order.account, build.order.region) == (call.account, call.region)
        return build if own else None

    def _build(self, build_id: str) -> Build:
        build = self._builds.get(build_id)
        if build is None:
            raise ApiError("ResourceNotFoundException", f"Build cannot be found: {build_id}")
        return build

    def _check_role(self, parameters: Mapping[str, Any], call: Call) -> None:
        role = parameters.get("serviceRole")
        if role is None:
            return
        try:
            self._context.assume_role(
                role,
                service="codebuild.amazonaws.com",
                session_name="AWSCodeBuild-check",
                region=call.region,
                source_arn=project_arn(call.account, call.region, parameters["name"]),
            )
        except ApiError as error:
            message = f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}"
            raise ApiError("InvalidInputException", message) from error


def _page(names: list[str], parameters: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    return page(names, parameters.get("nextToken"), size=_PAGE, error="InvalidInputException")
