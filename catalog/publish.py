"""Publish: bring the hub stack, then the product, to the wanted state; what already holds is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from catalog.apply import Target, perform
from catalog.clients import Clients
from catalog.display import Display
from catalog.errors import HubError
from catalog.instructions import HUB_STACK, HubInstruction, Instruction
from catalog.observe import observe
from catalog.observed import Observed
from catalog.plan import plan
from catalog.polling import Polling
from catalog.release import make_release
from catalog.sources import Sources


def show_plan(sources: Sources, clients: Clients, display: Display) -> None:
    """Print what a publish would do; nothing is changed.

    Raises:
        CatalogError: the account's state does not allow a publish.
    """
    observed = observe(clients, sources)
    instructions = plan(sources, observed)
    display.account(observed.account)
    if instructions:
        display.plan(instructions)
    else:
        _report(sources, observed, display, 0)


def publish(sources: Sources, clients: Clients, display: Display, polling: Polling) -> None:
    """Change the account until it holds the wanted state.

    Raises:
        CatalogError: the account's state does not allow it, or AWS did not do what it was asked for.
        botocore.exceptions.ClientError: AWS refused a request.
    """
    observed = observe(clients, sources)
    instructions = plan(sources, observed)
    display.account(observed.account)
    done = 0
    if hub := [i for i in instructions if isinstance(i, HubInstruction)]:
        _perform(hub, Target.of(clients, observed, polling), display)
        # Everything else depends on the stack's outputs, so the account is looked at again.
        done, observed = len(hub), observe(clients, sources)
        instructions = plan(sources, observed)
        if any(isinstance(i, HubInstruction) for i in instructions):
            raise HubError(f"The stack {HUB_STACK} was changed by somebody else meanwhile: publish again.")
    _perform(instructions, Target.of(clients, observed, polling), display)
    _report(sources, observed, display, done + len(instructions))


def _perform(instructions: Sequence[Instruction], target: Target, display: Display) -> None:
    for instruction in instructions:
        display.perform(instruction, partial(perform, instruction, target))


def _report(sources: Sources, observed: Observed, display: Display, changes: int) -> None:
    release = make_release(sources, observed.hub.outputs if observed.hub else None)
    display.published(release.version.name, sources.catalog.product.name, changes)
