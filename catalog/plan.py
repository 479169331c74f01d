"""Compare what is wanted with what an account holds. Pure: equal arguments give equal plans, and nothing is called."""

from __future__ import annotations

from catalog.errors import HubError
from catalog.instructions import (
    HUB_STACK,
    AddProductToPortfolio,
    AllowPrincipal,
    CreateHub,
    CreateLaunchConstraint,
    CreatePart,
    CreatePortfolio,
    CreateProduct,
    CreateVersion,
    DeleteFailedHub,
    DeleteFailedPart,
    Instruction,
    PutObject,
    RemovePrincipal,
    TagObject,
    UpdateHub,
    UpdateLaunchConstraint,
    UpdatePart,
    UpdatePortfolio,
    UpdateProduct,
)
from catalog.observed import Account, FoundPortfolio, FoundProduct, FoundStack, HubStack, Observed
from catalog.release import STUDIO_VISIBILITY, UNKNOWN, Release, make_release
from catalog.sources import Sources

_PRODUCT_TAGS = frozenset({STUDIO_VISIBILITY})
_STEADY = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}


def plan(sources: Sources, observed: Observed) -> tuple[Instruction, ...]:
    """Return what to do, in order; nothing when the account already holds the wanted state.

    Raises:
        HubError: the hub stack is in a state that a publish cannot change.
    """
    outputs = observed.hub.outputs if observed.hub else None
    release = make_release(sources, outputs)
    _check_switched_off(release, observed)
    return (
        *_hub(sources.hub_template, observed.hub),
        *_objects(release, outputs.hub_bucket_name if outputs else UNKNOWN, observed),
        *(step for stack, text in release.parts.items() for step in _part(stack, text, observed.parts.get(stack))),
        *_portfolio(sources, observed.portfolio),
        *_product(sources, release, observed.product),
        *_launch(outputs.launch_role_arn if outputs else UNKNOWN, observed.product),
        *_principals(sources.catalog.launchers, observed.account, observed.portfolio),
    )


def _check_switched_off(release: Release, observed: Observed) -> None:
    """Refuse to say that code does not decide while stacks that a publish never deletes go on deciding.

    Raises:
        HubError: there are such stacks.
    """
    if left := sorted(observed.parts.keys() - release.parts.keys(), reverse=True):
        raise HubError(
            f"approval.enabled is false, but the stacks {' and '.join(left)} are there and go on deciding: "
            "delete them in CloudFormation in this order, or set approval.enabled to true, then publish again."
        )


def _hub(template: str, hub: HubStack | None) -> tuple[Instruction, ...]:
    if hub is None:
        return (CreateHub(template=template),)
    if hub.status == "ROLLBACK_COMPLETE":
        return (DeleteFailedHub(), CreateHub(template=template))
    _check_changeable(HUB_STACK, hub.status)
    return () if hub.template.strip() == template.strip() else (UpdateHub(template=template),)


def _part(stack: str, template: str, found: FoundStack | None) -> tuple[Instruction, ...]:
    """These stacks come after the objects of the hub bucket, which hold their code."""
    if found is None:
        return (CreatePart(stack=stack, template=template),)
    if found.status == "ROLLBACK_COMPLETE":
        return (DeleteFailedPart(stack=stack), CreatePart(stack=stack, template=template))
    _check_changeable(stack, found.status)
    unchanged = found.template.strip() == template.strip()
    return () if unchanged else (UpdatePart(stack=stack, template=template),)


def _check_changeable(stack: str, status: str) -> None:
    if status.endswith("_IN_PROGRESS"):
        raise HubError(f"The stack {stack} is {status}: publish again when that has ended.")
    if status not in _STEADY:
        raise HubError(
            f"The stack {stack} is {status}, which a publish cannot change: "
            "continue its rollback or delete it in CloudFormation, then publish again."
        )


def _objects(release: Release, bucket: str, observed: Observed) -> tuple[Instruction, ...]:
    instructions: list[Instruction] = []
    for wanted in release.objects:
        tags = observed.objects.get(wanted.key)
        if tags is None:
            instructions.append(PutObject(bucket=bucket, object=wanted))
        elif tags != wanted.tags:
            instructions.append(TagObject(bucket=bucket, key=wanted.key, tags=wanted.tags))
    return tuple(instructions)


def _portfolio(sources: Sources, found: FoundPortfolio | None) -> tuple[Instruction, ...]:
    wanted = sources.catalog.portfolio
    if found is None:
        return (CreatePortfolio(portfolio=wanted),)
    if (found.provider, found.description) != (wanted.provider, wanted.description):
        return (UpdatePortfolio(portfolio=wanted),)
    return ()


def _product(sources: Sources, release: Release, found: FoundProduct | None) -> tuple[Instruction, ...]:
    wanted = sources.catalog.product
    if found is None:
        create = CreateProduct(product=wanted, version=release.version, tags=_PRODUCT_TAGS)
        return (create, AddProductToPortfolio())
    instructions: list[Instruction] = []
    missing = _PRODUCT_TAGS - found.tags
    if missing or (found.owner, found.description) != (wanted.owner, wanted.description):
        instructions.append(UpdateProduct(product=wanted, add_tags=missing))
    if release.version.name not in found.versions:
        instructions.append(CreateVersion(version=release.version))
    if not found.in_portfolio:
        instructions.append(AddProductToPortfolio())
    return tuple(instructions)


def _launch(role_arn: str, found: FoundProduct | None) -> tuple[Instruction, ...]:
    constraint = found.launch_constraint if found else None
    if constraint is None:
        return (CreateLaunchConstraint(role_arn=role_arn),)
    if constraint.role_arn != role_arn:
        return (UpdateLaunchConstraint(constraint_id=constraint.id, role_arn=role_arn),)
    return ()


def _principals(launchers: tuple[str, ...], account: Account, found: FoundPortfolio | None) -> tuple[Instruction, ...]:
    wanted = {_principal(launcher, account) for launcher in launchers}
    present = found.principals if found else frozenset()
    return (
        *(AllowPrincipal(arn=arn, type=kind) for arn, kind in sorted(wanted - present)),
        *(RemovePrincipal(arn=arn, type=kind) for arn, kind in sorted(present - wanted)),
    )


def _principal(launcher: str, account: Account) -> tuple[str, str]:
    """A launcher as AssociatePrincipalWithPortfolio takes it: an ARN without account id is a pattern."""
    arn = launcher if launcher.startswith("arn:") else f"arn:{account.partition}:iam::{account.id}:role/{launcher}"
    return arn, "IAM_PATTERN" if arn.split(":")[4] == "" else "IAM"
