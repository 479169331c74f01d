"""Whether a resource's properties conform to its schema; values are converted to the types it declares.

CloudFormation takes "true" for a boolean and 30 for a string; values not known yet pass unseen.
Source: "Resource type schema" of the CloudFormation CLI user guide; the texts are those of stack events
(repost.aws: "How do I resolve Model Validation Failed errors in CloudFormation?").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.cloudformation.intrinsics import Unknown, text_of, unknowns
from lockgate_twin.cloudformation.schemas import ResourceSchema

_MISMATCH = object()
_NAMES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "object": "JSONObject",
    "array": "JSONArray",
}
_DYNAMIC = "{{resolve:"


@dataclass
class _Findings:
    problems: list[str] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        self.problems.append(f"#{path}: {text}")

    def constraint(self, path: str, keyword: str) -> None:
        self.add(path, f"failed validation constraint for keyword [{keyword}]")


def conform(properties: Mapping[str, Any], schema: ResourceSchema) -> tuple[dict[str, Any], list[str]]:
    """Convert properties to the declared types. Return them with all violations, in CloudFormation's words."""
    findings = _Findings()
    given_read_only = sorted(schema.read_only & properties.keys())
    if given_read_only:
        findings.problems.append(f"Encountered read-only properties in properties {given_read_only}")
    top = {**schema.document, "type": "object"}
    converted = _Conformer(schema.document, findings).value(dict(properties), top, "")
    return (converted if isinstance(converted, dict) else dict(properties)), findings.problems


@dataclass(frozen=True)
class _Conformer:
    document: Mapping[str, Any]
    findings: _Findings

    def value(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        if isinstance(value, Unknown) or (isinstance(value, str) and _DYNAMIC in value):
            return value
        schema = self._dereferenced(schema)
        value = self._converted(value, schema, path)
        value = self._alternatives(value, schema, path)
        if isinstance(value, dict):
            return self._object(value, schema, path)
        if isinstance(value, list):
            return self._array(value, schema, path)
        self._scalar(value, schema, path)
        return value

    def _dereferenced(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = {**{k: v for k, v in schema.items() if k != "$ref"}, **found}
        return schema

    def _converted(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        declared = schema.get("type")
        if declared is None:
            return value
        types = declared if isinstance(declared, list) else [declared]
        for candidate in (_convert(value, name) for name in types):
            if candidate is not _MISMATCH:
                return candidate
        self.findings.add(path, f"expected type: {_NAMES.get(types[0], types[0])}, found: {_type_name(value)}")
        return value

    def _alternatives(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        for keyword in ("oneOf", "anyOf"):
            if keyword not in schema or isinstance(value, str):
                continue
            results = [self._trial(value, alternative, path) for alternative in schema[keyword]]
            fitting = [result for result, problems in results if not problems]
            if not fitting:
                self.findings.add(path, "0 subschemas matched instead of one")
                return value
            value = fitting[0]
        return value

    def _trial(self, value: Any, schema: Mapping[str, Any], path: str) -> tuple[Any, list[str]]:
        findings = _Findings()
        result = _Conformer(self.document, findings).value(value, schema, path)
        return result, findings.problems

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        self._required(value, schema, path)
        declared = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        result: dict[str, Any] = {}
        for name, member in value.items():
            found = declared.get(name) or _by_pattern(patterns, name)
            if found is None and schema.get("additionalProperties", True) is False:
                self.findings.add(path, f"extraneous key [{name}] is not permitted")
                continue
            result[name] = self.value(member, found or {}, f"{path}/{name}")
        return result

    def _required(self, value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> None:
        for name in schema.get("required", []):
            if name not in value:
                self.findings.add(path, f"required key [{name}] not found")
        exactly_one, at_least_one = schema.get("requiredXor", []), schema.get("requiredOr", [])
        if exactly_one and sum(name in value for name in exactly_one) != 1:
            self.findings.add(path, f"exactly one of [{', '.join(exactly_one)}] is required")
        if at_least_one and not any(name in value for name in at_least_one):
            self.findings.add(path, f"at least one of [{', '.join(at_least_one)}] is required")
        for name, others in schema.get("dependentExcluded", {}).items():
            if name in value and any(other in value for other in others):
                self.findings.add(path, f"[{name}] must not be used with [{', '.join(others)}]")

    def _array(self, value: list[Any], schema: Mapping[str, Any], path: str) -> list[Any]:
        if len(value) < schema.get("minItems", 0):
            self.findings.constraint(path, "minItems")
        if len(value) > schema.get("maxItems", len(value)):
            self.findings.constraint(path, "maxItems")
        items = schema.get("items", {})
        result = [self.value(item, items, f"{path}/{index}") for index, item in enumerate(value)]
        if schema.get("uniqueItems") and not _unique(result):
            self.findings.add(path, "array items are not unique")
        return result

    def _scalar(self, value: Any, schema: Mapping[str, Any], path: str) -> None:
        for keyword in _broken_constraints(value, schema):
            self.findings.constraint(path, keyword)


def _broken_constraints(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield "enum"
    if "const" in schema and value != schema["const"]:
        yield "const"
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield "minLength"
        if len(value) > schema.get("maxLength", len(value)):
            yield "maxLength"
        if not _matches(schema.get("pattern"), value):
            yield "pattern"
    elif not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield "minimum"
        if value > schema.get("maximum", value):
            yield "maximum"


def _matches(pattern: str | None, text: str) -> bool:
    r"""Unicode classes (\\p{L}) are not Python's: those patterns are left to the service's own API."""
    return pattern is None or "\\p{" in pattern or re.search(pattern, text) is not None


def _by_pattern(patterns: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((schema for pattern, schema in patterns.items() if _matches(pattern, name)), None)


def _unique(values: list[Any]) -> bool:
    texts = [json.dumps(value, sort_keys=True) for value in values if not unknowns(value)]
    return len(texts) == len(set(texts))


def _convert(value: Any, declared: str) -> Any:
    if declared == "string":
        return (
            value if isinstance(value, str) else text_of(value) if isinstance(value, bool | int | float) else _MISMATCH
        )
    if declared == "boolean":
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower(), _MISMATCH)
    if declared == "integer":
        return _integer(value)
    if declared == "number":
        return _number(value)
    return value if isinstance(value, dict if declared == "object" else list) else _MISMATCH


def _integer(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else _MISMATCH


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return float(value) if re.search(r"[.eE]", value) else int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _MISMATCH


def _type_name(value: Any) -> str:
    for kind, name in ((bool, "Boolean"), (int, "Integer"), (float, "Number"), (str, "String"), (list, "JSONArray")):
        if isinstance(value, kind):
            return name
    return "JSONObject"
