"""The project operations of SageMaker.

Source: botocore (CreateProject, DescribeProject, UpdateProject, DeleteProject, ListProjects) and the SageMaker
Developer Guide, "MLOps Automation With SageMaker Projects". A deleted project stays visible as DeleteCompleted
(hashicorp/terraform-provider-aws looks for that).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, Session, utc_now
from lockgate_twin.services.paging import page
from lockgate_twin.services.sagemaker_projects.catalog_projects import CatalogPort, CatalogProjects
from lockgate_twin.services.sagemaker_projects.model import Operation, Project, State, new_project_id
from lockgate_twin.services.sagemaker_projects.refusals import validation
from lockgate_twin.services.sagemaker_projects.store import ProjectStore
from lockgate_twin.services.sagemaker_projects.template_projects import TemplateProjects
from lockgate_twin.services.sagemaker_projects.views import description, summary, who

Tags = Sequence[Mapping[str, str]]


class TagPort(Protocol):
    """Where SageMaker keeps the tags of its resources."""

    def register_for(self, session: Session, arn: str, tags: Tags) -> None:
        """Make a new resource taggable, with the tags of its Create request."""
        ...

    def forget(self, arn: str) -> None:
        """A deleted resource has no tags."""
        ...


class Projects:
    """The projects of all accounts and regions. Without `tags`, ListTags does not know them."""

    name = "sagemaker"

    def __init__(self, context: Context, servicecatalog: CatalogPort, tags: TagPort | None = None) -> None:
        self._context = context
        self._tags = tags
        self._store = ProjectStore(context.table("sagemaker.projects"))
        self._work = context.table("sagemaker.projects.work")
        self._catalog = CatalogProjects(context, servicecatalog, self._end)
        self._templates = TemplateProjects(context, self._end)

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateProject": self.create_project,
            "DescribeProject": self.describe_project,
            "ListProjects": self.list_projects,
            "UpdateProject": self.update_project,
            "DeleteProject": self.delete_project,
        }

    def create_project(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start the provisioning of a project; nothing is kept of one that is refused."""
        details, providers = parameters.get("ServiceCatalogProvisioningDetails"), parameters.get("TemplateProviders")
        if bool(details) == bool(providers):
            raise validation("Give exactly one of ServiceCatalogProvisioningDetails and TemplateProviders.")
        tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags") or ()}
        with self._store.lock:
            project = self._new(parameters, call)
            self._store.require_free(project.key)
            self._make_taggable(project, parameters.get("Tags") or (), call)
            try:
                project = self._provision(project, providers, tags, call)
            except BaseException:
                self._forget_tags(project)
                raise
        return {"ProjectArn": project.arn, "ProjectId": project.id}

    def describe_project(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a project."""
        return description(self._store.get(parameters["ProjectName"], call))

    def list_projects(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List projects, deleted ones too, by time of creation unless asked for names."""
        found = [p for p in self._store.of(call) if _is_asked(p, parameters)]
        if parameters.get("SortBy") == "Name":
            found.sort(key=lambda p: p.name)
        if parameters.get("SortOrder") == "Descending":
            found.reverse()
        size = int(parameters.get("MaxResults") or 10)
        listed, more = page(found, parameters.get("NextToken"), size=size, error="ValidationException")
        following = {"NextToken": more["nextToken"]} if more else {}
        return {"ProjectSummaryList": [summary(p) for p in listed], **following}

    def update_project(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change the description, or start an update of what is provisioned."""
        with self._store.lock:
            project = self._existing(parameters["ProjectName"], call)
            changed = replace(
                project,
                description=parameters.get("ProjectDescription", project.description),
                modified=utc_now(),
                modified_by=who(call.principal),
            )
            self._update(changed, parameters, call)
        return {"ProjectArn": project.arn}

    def delete_project(self, parameters: dict[str, Any], call: Call) -> None:
        """Start the deletion of what was provisioned; repositories' contents, pipelines and so on are the stack's."""
        with self._store.lock:
            project = _at_work(self._existing(parameters["ProjectName"], call), "Delete")
            if project.stack is not None:
                self._templates.delete(project, call)
                self._store.put(project)
                self._follow(project, None, call)
                return
            record = self._catalog.delete(project, call)
            self._store.put(project)
        if record is None:
            self._end(project, "Completed", "")
        else:
            self._follow(project, record, call)

    def resume(self) -> None:
        """Follow the operations that an earlier twin had under way to their ends."""
        work = dict(self._work.items())
        for project in self._store.under_way():
            if project.id in work:
                self._follow(project, *work[project.id])
            else:
                self._end(project, "Failed", "The twin ended before this began.")

    def _follow(self, project: Project, record: str | None, call: Call) -> None:
        """Note the end of the operation when that of the record, or of the project's stack, comes."""
        self._work.put(project.id, (record, call))
        if record is None:
            self._templates.follow(project, call)
        else:
            self._catalog.follow(project, record)

    def _new(self, parameters: Mapping[str, Any], call: Call) -> Project:
        return Project(
            key=(call.account, call.region, parameters["ProjectName"]),
            id=new_project_id(),
            description=parameters.get("ProjectDescription", ""),
            created=utc_now(),
            created_by=who(call.principal),
            details=parameters.get("ServiceCatalogProvisioningDetails") or {},
        )

    def _provision(
        self, project: Project, providers: Sequence[Any] | None, tags: Mapping[str, str], call: Call
    ) -> Project:
        if providers:
            made = self._templates.create(project, _cfn(providers), tags, call)
            self._store.put(made)
            self._follow(made, None, call)
            return made
        made, record = self._catalog.create(project, tags, call)
        self._store.put(made)
        self._follow(made, record, call)
        return made

    def _update(self, project: Project, parameters: Mapping[str, Any], call: Call) -> None:
        details = parameters.get("ServiceCatalogProvisioningUpdateDetails")
        providers = parameters.get("TemplateProvidersToUpdate")
        if not (details or providers or parameters.get("Tags")):
            self._store.put(project)
        elif project.stack is not None:
            self._update_stack(project, details, providers, call)
        else:
            if providers:
                raise validation(f"Project {project.name} was made from a Service Catalog product.")
            changed, record = self._catalog.update(_at_work(project, "Update"), parameters, call)
            self._store.put(changed)
            self._follow(changed, record, call)

    def _update_stack(self, project: Project, details: Any, providers: Sequence[Any] | None, call: Call) -> None:
        if details:
            raise validation(f"Project {project.name} was made from a template in S3.")
        if not providers:
            raise NotImplementedByTwin("Updating the tags of a project made from a template in S3")
        changed = self._templates.update(_at_work(project, "Update"), _cfn(providers), call)
        self._store.put(changed)
        self._follow(changed, None, call)

    def _existing(self, name: str, call: Call) -> Project:
        project = self._store.get(name, call)
        if project.deleted:
            raise validation(f"Project {name} does not exist.")
        self._store.require_still(project)
        return project

    def _end(self, project: Project, state: State, message: str) -> None:
        self._store.end(project, state, message)
        self._work.remove(project.id)
        if project.operation == "Delete" and state == "Completed":
            self._forget_tags(project)

    def _make_taggable(self, project: Project, tags: Tags, call: Call) -> None:
        if self._tags is not None:
            self._tags.register_for(self._context.session(call), project.arn, tags)

    def _forget_tags(self, project: Project) -> None:
        if self._tags is not None:
            self._tags.forget(project.arn)


def _at_work(project: Project, operation: Operation) -> Project:
    return replace(project, operation=operation, state="InProgress", message="")


def _cfn(providers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    provider = providers[0].get("CfnTemplateProvider")
    if not provider:
        raise validation("The template provider must be a CfnTemplateProvider.")
    found: Mapping[str, Any] = provider
    return found


def _is_asked(project: Project, parameters: Mapping[str, Any]) -> bool:
    before, after = parameters.get("CreationTimeBefore"), parameters.get("CreationTimeAfter")
    return (
        str(parameters.get("NameContains", "")).lower() in project.name.lower()
        and (before is None or project.created < before)
        and (after is None or project.created > after)
    )
