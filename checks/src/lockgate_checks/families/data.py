"""Are the data whole, of the expected types, and distributed as the approved version's were?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate_checks.check import Answer, Measured, check, failed, number, passed
from lockgate_checks.compute.constraints import constraint_violations
from lockgate_checks.compute.drift import drift as feature_drifts
from lockgate_checks.families.reading import items, mapping, part


@check(id="data.completeness", question="Do enough cells of every column have a value?", measures=("completeness",))
def completeness(data_quality: Mapping[str, Any]) -> Iterator[Measured]:
    """A column lacks values: find out where they were lost, and prepare the data again."""
    for feature in items(data_quality.get("features"), "features"):
        name = str(mapping(feature, "features").get("name"))
        kind = "string_statistics" if "string_statistics" in feature else "numerical_statistics"
        common = part(feature, kind, "common")
        present, missing = (number(common.get(key)) for key in ("num_present", "num_missing"))
        yield Measured("completeness", _share(present, missing), name)


def _share(present: float | None, missing: float | None) -> float | str:
    if present is None or missing is None or min(present, missing) < 0 or present + missing == 0:
        return "unknown, as its counts are no numbers of cells"
    return present / (present + missing)


@check(id="data.rows", question="Are there enough rows of data?", measures=("data_rows",))
def rows(data_quality: Mapping[str, Any]) -> Measured:
    """There are too few rows of data to train or compare on: provide more."""
    return Measured("data_rows", part(data_quality, "dataset").get("item_count"))


@check(id="data.constraints", question="Do the data meet the constraints of the approved version's data?")
def constraints(data_quality: Any, baseline_data_constraints: Any) -> Iterator[Answer]:
    """The data break a constraint that the approved version's data met: correct the data, or waive with a reason."""
    violations = constraint_violations(baseline_data_constraints, data_quality)["violations"]
    for violation in violations:
        yield failed(f"{violation['constraint_check_type']}: {violation['description']}", violation["feature_name"])
    if not violations:
        yield passed("no constraint is broken")


@check(
    id="data.drift",
    question="Are the columns distributed as in the approved version's data?",
    measures=("drift", "drift_simple", "drift_psi"),
)
def drift(data_quality: Any, baseline_data_quality: Any) -> Iterator[Measured]:
    """A column is not distributed as in the approved version's data: ask whether the world or a source changed."""
    for column in feature_drifts(baseline_data_quality, data_quality):
        of, lacking = column.feature, column.reason or None
        yield Measured("drift", lacking if column.robust is None else column.robust, of)
        yield Measured("drift_simple", lacking if column.simple is None else column.simple, of)
        index = column.population_stability_index
        yield Measured("drift_psi", lacking if index is None else index, of)
