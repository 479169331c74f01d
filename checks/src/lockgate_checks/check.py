"""What a check is: an id, a family, a question, the evidence it asks for by parameter name, and an answer.

A check is a function. The names of its parameters are the names of documents in the evidence bundle; a parameter
with the default None is evidence that may be missing. The first paragraph of its docstring is what a person reads
when the check fails. It returns or yields answers of two forms:

- `Measured`: a number by name, of which the policy says what is allowed;
- `passed`, `failed`, `skipped`: the answer to a question of yes or no, with a reason.

A check does not judge numbers and knows no limits: those are policy.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, TypeVar

from lockgate_checks.errors import CheckError
from lockgate_checks.values import Outcome

CHAMPION_METRIC = "champion_metric"  # what the policy says, for a check that asks for it as for a document
_ID = re.compile(r"([a-z][a-z0-9_]*)\.[a-z][a-z0-9_]*")
_METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_LONGEST_REASON = 600


@dataclass(frozen=True)
class Confidence:
    """A confidence interval: its bounds and its level (0.95 = 95 %), as the evidence states them."""

    lower: Any
    upper: Any
    level: Any


@dataclass(frozen=True)
class Measured:
    """A number found in the evidence: its metric's name, and of what (a facet value, a column, a segment).

    `value` is as the document holds it; whether it is a finite number is judged with the policy's limit.
    `confidence` is its confidence interval, where the evidence has one.
    """

    metric: str
    value: Any
    of: str = ""
    confidence: Confidence | None = None

    @property
    def subject(self) -> str:
        """Return the name by which limits and waivers find it: `metric`, or `metric@of`."""
        return f"{self.metric}@{self.of}" if self.of else self.metric


@dataclass(frozen=True)
class Answer:
    """The answer to a question of yes or no about `of` (a document, a column), with its reason."""

    outcome: Outcome
    reason: str
    of: str = ""

    @property
    def subject(self) -> str:
        """Return the name by which waivers find it."""
        return self.of


Result = Measured | Answer
Function = TypeVar("Function", bound=Callable[..., Any])


def passed(reason: str, of: str = "") -> Answer:
    """Answer yes."""
    return Answer(Outcome.PASS, reason, of)


def failed(reason: str, of: str = "") -> Answer:
    """Answer no."""
    return Answer(Outcome.FAIL, reason, of)


def skipped(reason: str, of: str = "") -> Answer:
    """Say that the question does not arise, and why."""
    return Answer(Outcome.SKIP, reason, of)


def label(text: Any, longest: int = 120) -> str:
    """Return text of a document fit to be shown as a name: printable and short."""
    shown = "".join(character if character.isprintable() else "?" for character in str(text)[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def number(value: Any) -> float | None:
    """Return a finite number as a float; None for anything else: text, booleans, NaN, infinities."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        converted = float(value)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


@dataclass(frozen=True)
class Check:
    """A check as it is registered; `measures` are the names of the metrics that it can find."""

    id: str
    family: str
    question: str
    failure: str
    evidence: tuple[str, ...]
    optional: frozenset[str]
    measures: frozenset[str]
    function: Callable[..., Any]

    def run(self, evidence: Mapping[str, Any]) -> tuple[Result, ...]:
        """Ask the question of this evidence.

        Raises:
            CheckError: the function answered with something else than results.
            Exception: whatever the function raises.
        """
        answer = self.function(**{name: evidence.get(name) for name in self.evidence})
        results = (answer,) if isinstance(answer, Measured | Answer) else tuple(_iterable(answer))
        if not results:
            raise CheckError("it answered nothing instead of a result")
        return tuple(map(_lawful, results))


def check(id: str, question: str, measures: Iterable[str] = ()) -> Callable[[Function], Function]:  # noqa: A002
    """Make a check of a function; its family is the part of its id before the dot.

    The check stands at the function as its attribute `check`, and the function itself stays callable for tests.

    Raises:
        CheckError: the id is not `family.name`, the docstring is missing, or a parameter cannot be given.
    """

    def register(function: Function) -> Function:
        function.check = _check(id, question, frozenset(measures), function)  # type: ignore[attr-defined]
        return function

    return register


def _check(name: str, question: str, measures: frozenset[str], function: Callable[..., Any]) -> Check:
    family = _ID.fullmatch(name)
    if family is None:
        raise CheckError(f"The check's id {name!r} is not of the form family.name, in lower case.")
    unlawful = sorted(metric for metric in measures if not _METRIC.fullmatch(metric))
    if unlawful:
        raise CheckError(f"The check {name} measures {unlawful[0]!r}; a metric's name has letters, digits, _ and dots.")
    failure = " ".join(inspect.getdoc(function).split("\n\n")[0].split()) if inspect.getdoc(function) else ""  # type: ignore[union-attr]
    if not failure:
        raise CheckError(f"The check {name} has no docstring; write what its failure means and what to do.")
    parameters = inspect.signature(function).parameters.values()
    strange = [p.name for p in parameters if p.kind not in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
    if strange or not parameters:
        raise CheckError(f"The check {name} must name each document it asks for as a parameter of its own.")
    optional = frozenset(p.name for p in parameters if p.default is None)
    evidence = tuple(p.name for p in parameters)
    return Check(name, family[1], question, failure, evidence, optional, measures, function)


def _lawful(result: Any) -> Result:
    """Return a result with names fit to be shown; refuse what is none."""
    if isinstance(result, Measured) and isinstance(result.metric, str) and _METRIC.fullmatch(result.metric):
        return replace(result, of=label(result.of))
    if isinstance(result, Answer) and isinstance(result.outcome, Outcome):
        return replace(result, of=label(result.of), reason=label(result.reason, _LONGEST_REASON))
    raise CheckError(f"it answered {label(repr(result))} instead of a result")


def _iterable(answer: Any) -> Iterable[Any]:
    if isinstance(answer, Iterable) and not isinstance(answer, str | bytes | Mapping):
        return answer
    raise CheckError(f"it answered {label(repr(answer))} instead of a result")
