"""Compiled policies by document, so that a policy is read once and applied to every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.authorization.statements import Policy, compiled

_MOST = 2048


class PolicyCache:
    """Remembers the compiled form of documents that nobody changes in place.

    A document is known by its identity and kept alive while it is remembered, so that another can never be taken for
    it. A changed policy is a new document (moto keeps texts, `moto_host` parses each text once): nothing can be stale.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Mapping[str, Any], Policy]] = {}

    def compiled(self, document: Mapping[str, Any]) -> Policy:
        """Return a document's compiled form."""
        found = self._known.get(id(document))
        if found is not None and found[0] is document:
            return found[1]
        policy = compiled(document)
        if len(self._known) >= _MOST:
            self._known = {}
        self._known[id(document)] = (document, policy)
        return policy
