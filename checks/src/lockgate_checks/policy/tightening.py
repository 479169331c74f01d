"""Where a policy would loosen the one it includes. Its own looser value would have no effect: that is a mistake."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate_checks.errors import Mistake
from lockgate_checks.policy.layers import FIRST_VERSIONS, matches, strictest, threshold_for
from lockgate_checks.policy.model import Policy, Recompute, Threshold, Unsure
from lockgate_checks.policy.nodes import Node
from lockgate_checks.values import Mode, Severity

_ADVICE = "a policy on top can tighten only; without a waiver in {0}, write nothing looser than it"


def loosened(policy: Policy, root: Node) -> Iterator[Mistake]:
    """Return a mistake for every rule of the file `root` that is looser than one of the policies under it."""
    for base in policy.layers[:-1]:
        advice = _ADVICE.format(base.name)
        yield from (node.mistake(f"{text}; {advice}.") for node, text in _against(policy, base, root.value))


def _against(policy: Policy, base: Policy, members: dict[str, Node]) -> Iterator[tuple[Node, str]]:
    if base.mode is Mode.RECOMMEND and policy.mode is Mode.ENFORCE:
        yield members["mode"], f"{base.name} says recommend"
    if policy.recompute is Recompute.DECLARED and not _leaves_scores(policy, base):
        yield members["recompute"], f"{base.name} does not take declared scores"
    for name, severity in policy.packs.items():
        if severity is Severity.WARN and base.packs.get(name) is Severity.BLOCK:
            yield members["packs"].value[name], f"{base.name} blocks on it"
    for name, chosen in policy.checks.items():
        required = _required(base, name)
        if strictest((chosen, required)) is not chosen:
            yield members["checks"].value[name], f"{base.name} asks for it with {required}"
    for subject, threshold in policy.limits.items():
        for text in _limits(subject, threshold, base):
            yield members["limits"].value[subject], text
    yield from _champion(policy, base, members)


def _leaves_scores(policy: Policy, base: Policy) -> bool:
    """Say whether the base takes declared scores, or is a shipped policy that says nothing about them."""
    return base.recompute is Recompute.DECLARED or (policy.adopts_base and base.recompute is None)


def _required(base: Policy, check: str) -> Severity | None:
    return base.checks[check] if check in base.checks else base.packs.get(check.partition(".")[0])


def _limits(subject: str, threshold: Threshold, base: Policy) -> Iterator[str]:
    below = threshold_for(base, subject)
    if below is None or any(waiver.subject != "*" and matches(waiver.subject, subject) for waiver in base.waivers):
        return
    minimum, maximum = threshold.limit.minimum, threshold.limit.maximum
    if minimum is not None and below.limit.minimum is not None and minimum < below.limit.minimum:
        yield f"the minimum {minimum:g} is below {below.limit.minimum:g} of {base.name}"
    if maximum is not None and below.limit.maximum is not None and maximum > below.limit.maximum:
        yield f"the maximum {maximum:g} is above {below.limit.maximum:g} of {base.name}"
    if threshold.confidence is not None and below.confidence is not None and threshold.confidence < below.confidence:
        yield f"the confidence {threshold.confidence:g} is less than {below.confidence:g} of {base.name}"
    if threshold.severity is Severity.WARN and below.severity is Severity.BLOCK:
        yield f"{base.name} blocks on it"
    if threshold.unsure is Unsure.HUMAN and below.confidence is not None and below.unsure is Unsure.REJECT:
        yield f"{base.name} rejects what is unsure"


def _champion(policy: Policy, base: Policy, members: dict[str, Node]) -> Iterator[tuple[Node, str]]:
    mine, theirs = policy.first_version, base.first_version
    if mine is not None and theirs is not None and FIRST_VERSIONS.index(mine) < FIRST_VERSIONS.index(theirs):
        yield members["champion"].value["first_version"], f"{base.name} says {theirs}"
    if policy.champion_metric and base.champion_metric and policy.champion_metric != base.champion_metric:
        yield members["champion"].value["metric"], f"{base.name} compares by {base.champion_metric}"
