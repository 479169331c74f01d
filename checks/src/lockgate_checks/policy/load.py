"""From policy files to one policy: the file, and under it the policies that it includes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from lockgate_checks.errors import Mistake, PolicyError
from lockgate_checks.policy.model import Policy
from lockgate_checks.policy.nodes import Node, tree
from lockgate_checks.policy.reading import Reading
from lockgate_checks.policy.schema import read
from lockgate_checks.policy.tightening import loosened

SHIPPED = ("baseline",)
MOST_LAYERS = 5

Include = Callable[[str], Policy]


def load_policy(path: Path, organization: Policy | None = None) -> Policy:
    """Read a policy file and what it includes: the name of a shipped policy, or a path from the file's own folder.

    With `organization` the file stands on that policy whatever it includes itself, so that the author of a project's
    policy cannot choose what it stands on.

    Raises:
        PolicyError: the files have mistakes; all of them are reported together.
    """
    return _load(path, organization, ())


def parse_policy(text: str, source: str = "policy", organization: Policy | None = None) -> Policy:
    """Read a policy from text; it may include shipped policies only.

    Raises:
        PolicyError: it has mistakes; all of them are reported together.
    """
    return _parse(text, source, lambda name: organization or _shipped(name), organization)


def shipped_policy(name: str) -> Policy:
    """Return a policy that comes with the library: `baseline`.

    Raises:
        PolicyError: there is none of that name.
    """
    return _shipped(name)


def _load(path: Path, organization: Policy | None, above: tuple[Path, ...]) -> Policy:
    place = path.resolve()
    if place in above or len(above) >= MOST_LAYERS:
        raise PolicyError([Mistake(str(path), 1, "include", "policies include one another without an end.")])
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise PolicyError([Mistake(str(path), 1, "", f"the file cannot be read: {reason}.")]) from None

    def include(name: str) -> Policy:
        if name in SHIPPED:
            return _shipped(name)
        return _load(path.parent / name, None, (*above, place))

    return _parse(text, str(path), include, organization)


def _parse(text: str, source: str, include: Include, organization: Policy | None) -> Policy:
    root, reading = tree(text, source), Reading()
    own = read(root, reading)
    base, mistakes = _base(root, reading, include, organization)
    adopts = base is not None and organization is None and any(base is _shipped(name) for name in SHIPPED)
    policy = replace(own, base=base, adopts_base=adopts)
    found = [*reading.mistakes, *mistakes, *loosened(policy, root)]
    if found:
        raise PolicyError(found)
    return policy


def _base(
    root: Node, reading: Reading, include: Include, organization: Policy | None
) -> tuple[Policy | None, tuple[Mistake, ...]]:
    """Return the policy under this one, with the mistakes that it has itself."""
    if organization is not None:
        return organization, ()
    members = root.value if isinstance(root.value, dict) else {}
    name = reading.text(members.get("include"))
    if name is None:
        return None, ()
    try:
        return include(name), ()
    except PolicyError as error:
        return None, error.mistakes


@cache
def _shipped(name: str) -> Policy:
    if name not in SHIPPED:
        text = f"there is no shipped policy {name!r}; there is {', '.join(SHIPPED)}."
        raise PolicyError([Mistake(name, 1, "include", text)])
    resource = files("lockgate_checks") / "policies" / f"{name}.yaml"
    return _parse(resource.read_text(encoding="utf-8"), f"{name}.yaml", _shipped, None)
