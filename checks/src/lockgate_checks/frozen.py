"""JSON values that cannot be changed, yet are dicts and lists to whoever reads or writes them."""

from __future__ import annotations

from typing import Any, NoReturn


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("evidence cannot be changed; work on a copy")


class FrozenDict(dict[str, Any]):
    """A dict that refuses every change."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class FrozenList(list[Any]):
    """A list that refuses every change."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


def frozen(value: Any) -> Any:
    """Return a read-only copy of a JSON value.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, dict):
        return FrozenDict((key, frozen(item)) for key, item in value.items())
    return FrozenList(map(frozen, value)) if isinstance(value, list) else value
