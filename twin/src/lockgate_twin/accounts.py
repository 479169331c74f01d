"""The accounts of one twin: a default one, and further ones so that hub, staging and production can be apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from lockgate_twin.errors import StartError

_ACCOUNT = re.compile(r"[0-9]{12}")


def further_accounts(given: Sequence[str], default: str) -> tuple[str, ...]:
    """Return the ids of the accounts besides the default one, checked.

    Raises:
        StartError: naming every mistake.
    """
    mistakes = list(_mistakes(given, default))
    if mistakes:
        raise StartError(f"These accounts cannot be made: {'; '.join(mistakes)}. Correct them and start again.")
    return tuple(given)


def _mistakes(given: Sequence[str], default: str) -> Iterable[str]:
    for account, times in Counter(given).items():
        if not _ACCOUNT.fullmatch(account):
            yield f"'{account}' is no account id, which has 12 digits"
        elif account == default:
            yield f"{account} is the default account, which is there anyway"
        if times > 1:
            yield f"'{account}' is given {times} times"
