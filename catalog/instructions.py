"""What a publish may do, as values: each instruction is one change of the account and says what it is in its text."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.configuration import Portfolio, Product
from catalog.release import StoredObject, Version

HUB_STACK = "sagemaker-lockgate-hub"


@dataclass(frozen=True, kw_only=True)
class HubInstruction:
    """A change of the hub stack, after which the account must be looked at again."""


@dataclass(frozen=True, kw_only=True)
class DeleteFailedStack:
    """Remove what is left of a stack whose creation was rolled back."""

    stack: str

    def __str__(self) -> str:
        return f"delete the failed stack {self.stack}"


@dataclass(frozen=True, kw_only=True)
class CreateStack:
    """Create a stack."""

    stack: str
    template: str

    def __str__(self) -> str:
        return f"create the stack {self.stack}"


@dataclass(frozen=True, kw_only=True)
class UpdateStack:
    """Update a stack to another template."""

    stack: str
    template: str

    def __str__(self) -> str:
        return f"update the stack {self.stack}"


@dataclass(frozen=True, kw_only=True)
class DeleteFailedHub(DeleteFailedStack, HubInstruction):
    """Remove what is left of the hub stack."""

    stack: str = HUB_STACK


@dataclass(frozen=True, kw_only=True)
class CreateHub(CreateStack, HubInstruction):
    """Create the hub stack."""

    stack: str = HUB_STACK


@dataclass(frozen=True, kw_only=True)
class UpdateHub(UpdateStack, HubInstruction):
    """Update the hub stack."""

    stack: str = HUB_STACK


class DeleteFailedPart(DeleteFailedStack):
    """Remove what is left of a stack beside the hub's."""


class CreatePart(CreateStack):
    """Create a stack beside the hub's."""


class UpdatePart(UpdateStack):
    """Update a stack beside the hub's."""


@dataclass(frozen=True, kw_only=True)
class PutObject:
    """Put an object into the hub bucket."""

    bucket: str
    object: StoredObject

    def __str__(self) -> str:
        return f"put s3://{self.bucket}/{self.object.key}"


@dataclass(frozen=True, kw_only=True)
class TagObject:
    """Give an object of the hub bucket its tags again."""

    bucket: str
    key: str
    tags: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        return f"tag s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, kw_only=True)
class CreatePortfolio:
    """Create the portfolio."""

    portfolio: Portfolio

    def __str__(self) -> str:
        return f"create the portfolio '{self.portfolio.name}'"


@dataclass(frozen=True, kw_only=True)
class UpdatePortfolio:
    """Change the portfolio's provider or description."""

    portfolio: Portfolio

    def __str__(self) -> str:
        return f"update the portfolio '{self.portfolio.name}'"


@dataclass(frozen=True, kw_only=True)
class CreateProduct:
    """Create the product with its first version and its tags."""

    product: Product
    version: Version
    tags: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        return f"create the product '{self.product.name}' with version {self.version.name}"


@dataclass(frozen=True, kw_only=True)
class UpdateProduct:
    """Change the product's owner or description, or add tags."""

    product: Product
    add_tags: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        tags = "".join(f", tag it {key}={value}" for key, value in sorted(self.add_tags))
        return f"update the product '{self.product.name}'{tags}"


@dataclass(frozen=True, kw_only=True)
class CreateVersion:
    """Add a version to the product; older ones stay."""

    version: Version

    def __str__(self) -> str:
        return f"add version {self.version.name}"


@dataclass(frozen=True, kw_only=True)
class AddProductToPortfolio:
    """Associate the product with the portfolio."""

    def __str__(self) -> str:
        return "put the product into the portfolio"


@dataclass(frozen=True, kw_only=True)
class CreateLaunchConstraint:
    """Have the product launched with the launch role instead of its users' own permissions."""

    role_arn: str

    def __str__(self) -> str:
        return f"launch the product with {self.role_arn}"


@dataclass(frozen=True, kw_only=True)
class UpdateLaunchConstraint:
    """Have the product launched with another role than until now."""

    constraint_id: str
    role_arn: str

    def __str__(self) -> str:
        return f"launch the product from now on with {self.role_arn}"


@dataclass(frozen=True, kw_only=True)
class AllowPrincipal:
    """Let a principal launch the portfolio's products."""

    arn: str
    type: str

    def __str__(self) -> str:
        return f"let {self.arn} create projects"


@dataclass(frozen=True, kw_only=True)
class RemovePrincipal:
    """Let a principal no longer launch the portfolio's products."""

    arn: str
    type: str

    def __str__(self) -> str:
        return f"let {self.arn} no longer create projects"


Instruction = (
    DeleteFailedHub
    | CreateHub
    | UpdateHub
    | DeleteFailedPart
    | CreatePart
    | UpdatePart
    | PutObject
    | TagObject
    | CreatePortfolio
    | UpdatePortfolio
    | CreateProduct
    | UpdateProduct
    | CreateVersion
    | AddProductToPortfolio
    | CreateLaunchConstraint
    | UpdateLaunchConstraint
    | AllowPrincipal
    | RemovePrincipal
)
