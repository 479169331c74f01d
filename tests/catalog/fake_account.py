"""An AWS account in memory, as far as publishing calls it; requests are held against botocore's own models."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from catalog.clients import Clients

ACCOUNT, REGION = "111122223333", "us-east-1"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/SageMakerPlatformEngineer/pat"
OUTPUTS = {
    "HubBucketName": f"sagemaker-lockgate-hub-{ACCOUNT}-{REGION}",
    "HubBucketDomainName": f"sagemaker-lockgate-hub-{ACCOUNT}-{REGION}.s3.{REGION}.amazonaws.com",
    "LogBucketName": f"sagemaker-lockgate-logs-{ACCOUNT}-{REGION}",
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f9a4b0e-6f0a-4c38-9b6a-2f4d6c1b7e55",
    "LaunchRoleArn": f"arn:aws:iam::{ACCOUNT}:role/lockgate/sagemaker-lockgate-launch",
    "ProjectBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/lockgate/sagemaker-lockgate-project-boundary",
}


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def client_error(operation: str, code: str, message: str) -> ClientError:
    """The error botocore raises for this answer."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class Journal:
    """Every operation that was called, in order, as `service:Operation`."""

    calls: list[str] = field(default_factory=list)

    def note(self, service: str, operation: str, request: dict[str, Any]) -> None:
        """Hold a request against the service's model and write its operation down."""
        shape = _model(service).operation_model(operation).input_shape
        # What botocore fills in by itself (idempotency tokens) may be missing.
        generated = {
            name: "generated" for name, member in shape.members.items() if member.metadata.get("idempotencyToken")
        }
        report = ParamValidator().validate({**generated, **request}, shape)
        assert not report.has_errors(), f"{service}:{operation}: {report.generate_report()}"
        self.calls.append(f"{service}:{operation}")

    def writes(self) -> list[str]:
        """The operations that change something."""
        reading = ("Describe", "List", "Get", "Head", "Search")
        return [call for call in self.calls if not call.split(":")[1].startswith(reading)]


class FakeSts:
    """Says who calls."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def get_caller_identity(self) -> dict[str, str]:
        """The platform engineer."""
        self._journal.note("sts", "GetCallerIdentity", {})
        return {"Account": ACCOUNT, "Arn": CALLER, "UserId": "AROA:pat"}


class FakeCloudFormation:
    """One stack. Creating and updating end in `outcome`, which a test may set to a failed status with its events."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.stack: dict[str, Any] | None = None
        self.template = ""
        self.outcome: str | None = None
        self.events: list[dict[str, Any]] = []
        self.outputs = dict(OUTPUTS)

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        """The stack; an operation under way ends with the next look."""
        self._journal.note("cloudformation", "DescribeStacks", request)
        known = {self.stack["StackName"], self.stack["StackId"]} if self.stack else set()
        if self.stack is None or request["StackName"] not in known:
            message = f"Stack with id {request['StackName']} does not exist"
            raise client_error("DescribeStacks", "ValidationError", message)
        seen = dict(self.stack)
        if (status := seen["StackStatus"]).endswith("_IN_PROGRESS"):
            self.stack["StackStatus"] = self.outcome or status.replace("IN_PROGRESS", "COMPLETE")
            if self.stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
                self.stack["Outputs"] = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [seen]}

    def get_template(self, **request: Any) -> dict[str, Any]:
        """The template as it was given."""
        self._journal.note("cloudformation", "GetTemplate", request)
        return {"TemplateBody": self.template}

    def create_stack(self, **request: Any) -> dict[str, str]:
        """Begin to create the stack."""
        self._journal.note("cloudformation", "CreateStack", request)
        return self._begin("CREATE_IN_PROGRESS", request)

    def update_stack(self, **request: Any) -> dict[str, str]:
        """Begin to update the stack."""
        self._journal.note("cloudformation", "UpdateStack", request)
        return self._begin("UPDATE_IN_PROGRESS", request)

    def delete_stack(self, **request: Any) -> None:
        """Delete the stack, which CloudFormation goes on describing by its id."""
        self._journal.note("cloudformation", "DeleteStack", request)
        assert self.stack is not None
        self.stack["StackStatus"] = "DELETE_COMPLETE"

    def get_paginator(self, name: str) -> FakeCloudFormation:
        """A paginator of the only paginated call there is."""
        assert name == "describe_stack_events"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        """The events, newest first."""
        self._journal.note("cloudformation", "DescribeStackEvents", request)
        yield {"StackEvents": self.events}

    def _begin(self, status: str, request: dict[str, Any]) -> dict[str, str]:
        stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{request['StackName']}/1"
        self.template = request["TemplateBody"]
        self.stack = {**(self.stack or {}), "StackName": request["StackName"], "StackId": stack_id}
        self.stack["StackStatus"] = status
        return {"StackId": stack_id}


class FakeS3:
    """Objects with their tags."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.bodies: dict[str, bytes] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def head_object(self, **request: Any) -> dict[str, Any]:
        """Answer 404 without a body, as S3 does, for what is not there."""
        self._journal.note("s3", "HeadObject", request)
        if request["Key"] not in self.bodies:
            raise client_error("HeadObject", "404", "Not Found")
        return {"ContentLength": len(self.bodies[request["Key"]])}

    def get_object_tagging(self, **request: Any) -> dict[str, Any]:
        """The tags of an object."""
        self._journal.note("s3", "GetObjectTagging", request)
        return {"TagSet": [{"Key": k, "Value": v} for k, v in self.tags[request["Key"]].items()]}

    def put_object(self, **request: Any) -> dict[str, Any]:
        """Keep an object and the tags of its header."""
        self._journal.note("s3", "PutObject", request)
        self.bodies[request["Key"]] = request["Body"]
        self.tags[request["Key"]] = dict(parse_qsl(request["Tagging"]))
        return {}

    def put_object_tagging(self, **request: Any) -> dict[str, Any]:
        """Replace an object's tags."""
        self._journal.note("s3", "PutObjectTagging", request)
        self.tags[request["Key"]] = {tag["Key"]: tag["Value"] for tag in request["Tagging"]["TagSet"]}
        return {}


class FakeServiceCatalog:
    """Portfolios, products, versions, constraints and principals; lists answer one item a page."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._numbers = itertools.count(1)
        self.portfolios: dict[str, dict[str, Any]] = {}
        self.products: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, list[dict[str, str]]] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.associations: set[tuple[str, str]] = set()
        self.constraints: dict[str, dict[str, Any]] = {}
        self.principals: set[tuple[str, str, str]] = set()
        self.version_status = "AVAILABLE"

    def _note(self, operation: str, request: dict[str, Any]) -> None:
        self._journal.note("servicecatalog", operation, request)

    def _page(self, member: str, items: list[Any], request: dict[str, Any]) -> dict[str, Any]:
        start = int(request.get("PageToken", "0"))
        more = {"NextPageToken": str(start + 1)} if start + 1 < len(items) else {}
        return {member: items[start : start + 1], **more}

    def list_portfolios(self, **request: Any) -> dict[str, Any]:
        """All portfolios."""
        self._note("ListPortfolios", request)
        return self._page("PortfolioDetails", list(self.portfolios.values()), request)

    def create_portfolio(self, **request: Any) -> dict[str, Any]:
        """A portfolio."""
        self._note("CreatePortfolio", request)
        detail = {"Id": f"port-{next(self._numbers)}", **request}
        self.portfolios[detail["Id"]] = detail
        return {"PortfolioDetail": detail}

    def update_portfolio(self, **request: Any) -> dict[str, Any]:
        """Other texts for a portfolio."""
        self._note("UpdatePortfolio", request)
        self.portfolios[request["Id"]] = request
        return {"PortfolioDetail": request}

    def list_principals_for_portfolio(self, **request: Any) -> dict[str, Any]:
        """Who may launch."""
        self._note("ListPrincipalsForPortfolio", request)
        found = sorted((arn, kind) for portfolio, arn, kind in self.principals if portfolio == request["PortfolioId"])
        return self._page("Principals", [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in found], request)

    def search_products_as_admin(self, **request: Any) -> dict[str, Any]:
        """All products."""
        self._note("SearchProductsAsAdmin", request)
        views = [{"ProductViewSummary": summary} for summary in self.products.values()]
        return self._page("ProductViewDetails", views, request)

    def describe_product_as_admin(self, **request: Any) -> dict[str, Any]:
        """A product with its tags."""
        self._note("DescribeProductAsAdmin", request)
        return {"Tags": self.tags[request["Id"]]}

    def list_provisioning_artifacts(self, **request: Any) -> dict[str, Any]:
        """A product's versions."""
        self._note("ListProvisioningArtifacts", request)
        return {"ProvisioningArtifactDetails": self.versions[request["ProductId"]]}

    def describe_provisioning_artifact(self, **request: Any) -> dict[str, Any]:
        """A version's status."""
        self._note("DescribeProvisioningArtifact", request)
        return {"Status": self.version_status}

    def list_portfolios_for_product(self, **request: Any) -> dict[str, Any]:
        """Where a product is."""
        self._note("ListPortfoliosForProduct", request)
        ids = [portfolio for product, portfolio in sorted(self.associations) if product == request["ProductId"]]
        return self._page("PortfolioDetails", [self.portfolios[i] for i in ids], request)

    def list_constraints_for_portfolio(self, **request: Any) -> dict[str, Any]:
        """A product's constraints in a portfolio."""
        self._note("ListConstraintsForPortfolio", request)
        return self._page("ConstraintDetails", list(self.constraints.values()), request)

    def describe_constraint(self, **request: Any) -> dict[str, Any]:
        """A constraint's parameters."""
        self._note("DescribeConstraint", request)
        return {"ConstraintParameters": self.constraints[request["Id"]]["Parameters"]}

    def create_product(self, **request: Any) -> dict[str, Any]:
        """A product with its first version."""
        self._note("CreateProduct", request)
        product = f"prod-{next(self._numbers)}"
        self.products[product] = {
            "ProductId": product,
            "Name": request["Name"],
            "Owner": request["Owner"],
            "ShortDescription": request["Description"],
        }
        self.tags[product] = request["Tags"]
        self.versions[product] = [self._version(request["ProvisioningArtifactParameters"])]
        return {
            "ProductViewDetail": {"ProductViewSummary": self.products[product]},
            "ProvisioningArtifactDetail": self.versions[product][0],
        }

    def update_product(self, **request: Any) -> dict[str, Any]:
        """Other texts and more tags for a product."""
        self._note("UpdateProduct", request)
        summary = self.products[request["Id"]]
        summary |= {"Owner": request["Owner"], "ShortDescription": request["Description"]}
        self.tags[request["Id"]] = [*self.tags[request["Id"]], *request.get("AddTags", [])]
        return {}

    def create_provisioning_artifact(self, **request: Any) -> dict[str, Any]:
        """Another version."""
        self._note("CreateProvisioningArtifact", request)
        version = self._version(request["Parameters"])
        self.versions[request["ProductId"]].append(version)
        return {"ProvisioningArtifactDetail": version}

    def associate_product_with_portfolio(self, **request: Any) -> dict[str, Any]:
        """Put a product into a portfolio."""
        self._note("AssociateProductWithPortfolio", request)
        self.associations.add((request["ProductId"], request["PortfolioId"]))
        return {}

    def create_constraint(self, **request: Any) -> dict[str, Any]:
        """A constraint, which needs the association (CreateConstraint)."""
        self._note("CreateConstraint", request)
        assert (request["ProductId"], request["PortfolioId"]) in self.associations
        constraint = f"cons-{next(self._numbers)}"
        self.constraints[constraint] = {**request, "ConstraintId": constraint}
        return {}

    def update_constraint(self, **request: Any) -> dict[str, Any]:
        """Other parameters for a constraint."""
        self._note("UpdateConstraint", request)
        self.constraints[request["Id"]]["Parameters"] = request["Parameters"]
        return {}

    def associate_principal_with_portfolio(self, **request: Any) -> dict[str, Any]:
        """Let a principal launch."""
        self._note("AssociatePrincipalWithPortfolio", request)
        self.principals.add((request["PortfolioId"], request["PrincipalARN"], request["PrincipalType"]))
        return {}

    def disassociate_principal_from_portfolio(self, **request: Any) -> dict[str, Any]:
        """Let a principal launch no longer."""
        self._note("DisassociatePrincipalFromPortfolio", request)
        self.principals.remove((request["PortfolioId"], request["PrincipalARN"], request["PrincipalType"]))
        return {}

    def _version(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"Id": f"pa-{next(self._numbers)}", **parameters}


class FakeAccount:
    """The account with its services and the journal of calls."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.cloudformation = FakeCloudFormation(self.journal)
        self.s3 = FakeS3(self.journal)
        self.servicecatalog = FakeServiceCatalog(self.journal)
        self.sts = FakeSts(self.journal)

    @property
    def clients(self) -> Clients:
        """The account as a publish sees it."""
        return Clients(
            region=REGION,
            partition="aws",
            sts=self.sts,
            cloudformation=self.cloudformation,
            s3=self.s3,
            servicecatalog=self.servicecatalog,
        )
