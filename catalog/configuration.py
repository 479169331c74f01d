"""The platform team's choices (catalog.toml), parsed strictly into frozen values."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import ConfigurationError

SEEDS = ("build", "deploy")
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}")
_IAM_ARN = re.compile(r"arn:[a-z-]+:iam::(\d{12})?:(role|user|group)/\S{1,512}")


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """The Service Catalog portfolio: what its users see."""

    name: str
    provider: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Product:
    """The Service Catalog product and the version of the project template to publish."""

    name: str
    owner: str
    description: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Everything the platform team decides. `launchers` are role names or ARNs; `answers` are per seed."""

    portfolio: Portfolio
    product: Product
    launchers: tuple[str, ...]
    answers: Mapping[str, Mapping[str, str]]
    approval_by_code: bool = True


@dataclass(frozen=True)
class _Text:
    """What a text may be; lengths are in characters (limits of Service Catalog's API)."""

    longest: int
    pattern: str = r"\S.*"
    meaning: str = "a text that is not empty"


_FIELDS: Mapping[str, Mapping[str, _Text]] = {
    "portfolio": {"name": _Text(100), "provider": _Text(50), "description": _Text(2000)},
    "product": {
        "name": _Text(100),
        "owner": _Text(100),
        "description": _Text(2000),
        "version": _Text(20, r"\d+\.\d+\.\d+", "a version such as 0.1.0"),
    },
}


def parse_catalog(text: str, name: str = "catalog.toml") -> Catalog:
    """Parse the text of a catalog file; `name` is what messages call it.

    Raises:
        ConfigurationError: the text is not TOML, or has unknown, missing or impossible values (all are named).
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{name} is not TOML: {error}."]) from error
    mistakes = [
        f"{name}: {mistake}."
        for mistake in (
            *_unknown(data, {*_FIELDS, "access", "approval", "seeds"}, ""),
            *(m for table, fields in _FIELDS.items() for m in _text_mistakes(data, table, fields)),
            *_launcher_mistakes(data),
            *_approval_mistakes(data),
            *_answer_mistakes(data),
        )
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
    return Catalog(
        portfolio=Portfolio(**data["portfolio"]),
        product=Product(**data["product"]),
        launchers=tuple(data["access"]["launchers"]),
        approval_by_code=data.get("approval", {}).get("enabled", True),
        answers={seed: dict(data["seeds"].get(seed, {})) for seed in SEEDS},
    )


def _unknown(table: Mapping[str, Any], known: set[str], prefix: str) -> list[str]:
    return [f"'{prefix}{key}' is no setting; known are {', '.join(sorted(known))}" for key in table if key not in known]


def _table(data: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], list[str]]:
    if name not in data:
        return {}, [f"the table [{name}] is missing"]
    if not isinstance(data[name], dict):
        return {}, [f"'{name}' must be a table"]
    return data[name], []


def _text_mistakes(data: Mapping[str, Any], name: str, fields: Mapping[str, _Text]) -> list[str]:
    table, mistakes = _table(data, name)
    if mistakes:
        return mistakes
    mistakes = _unknown(table, set(fields), f"{name}.")
    for key, rule in fields.items():
        value = table.get(key)
        if value is None:
            mistakes.append(f"{name}.{key} is missing")
        elif not isinstance(value, str) or not re.fullmatch(rule.pattern, value):
            mistakes.append(f"{name}.{key} must be {rule.meaning}, not {value!r}")
        elif len(value) > rule.longest:
            mistakes.append(f"{name}.{key} has {len(value)} characters; at most {rule.longest} are allowed")
    return mistakes


def _launcher_mistakes(data: Mapping[str, Any]) -> list[str]:
    table, mistakes = _table(data, "access")
    if mistakes:
        return mistakes
    mistakes = _unknown(table, {"launchers"}, "access.")
    launchers = table.get("launchers")
    if not isinstance(launchers, list) or not launchers:
        return [*mistakes, "access.launchers must list at least one role that may create projects"]
    for launcher in launchers:
        text = str(launcher)
        if not isinstance(launcher, str) or not (_ROLE_NAME.fullmatch(text) or _IAM_ARN.fullmatch(text)):
            mistakes.append(f"access.launchers: {launcher!r} is neither a role's name nor an IAM ARN")
    if len({str(launcher) for launcher in launchers}) < len(launchers):
        mistakes.append("access.launchers names a role more than once")
    return mistakes


def _approval_mistakes(data: Mapping[str, Any]) -> list[str]:
    table = data.get("approval", {})
    if not isinstance(table, dict):
        return ["'approval' must be a table"]
    wrong = [] if isinstance(table.get("enabled", True), bool) else ["approval.enabled must be true or false"]
    return [*_unknown(table, {"enabled"}, "approval."), *wrong]


def _answer_mistakes(data: Mapping[str, Any]) -> list[str]:
    table, mistakes = _table(data, "seeds")
    mistakes = [*mistakes, *_unknown(table, set(SEEDS), "seeds.")]
    for seed in SEEDS:
        answers = table.get(seed, {})
        if not isinstance(answers, dict):
            mistakes.append(f"seeds.{seed} must be a table of answers")
            continue
        mistakes += [
            f"seeds.{seed}.{key} must be a text, not {value!r}"
            for key, value in answers.items()
            if not isinstance(value, str)
        ]
    return mistakes
