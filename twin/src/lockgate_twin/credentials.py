"""Access keys and whom they stand for: the administrator's and those of role sessions."""

from __future__ import annotations

import datetime as dt
import secrets
import string
import threading
from collections import Counter
from dataclasses import dataclass

from lockgate_twin.durability.memory import MemoryTables
from lockgate_twin.ports import Principal, Table, utc_now

_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a client signs with. `expires_at` is None for the administrator's long-term key."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None
    expires_at: dt.datetime | None
    principal: Principal


class CredentialTable:
    """All valid credentials of this twin; those in `kept` are an earlier twin's, whose shells go on."""

    def __init__(self, kept: Table | None = None) -> None:
        self._kept: Table = kept if kept is not None else MemoryTables().table("credentials")
        self._by_key: dict[str, Credentials] = dict(self._kept.items())
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add_administrator(self, account: str) -> Credentials:
        """Return the long-term key of the account's administrator, which lasts as long as the twin's folder."""
        if known := self._administrator(account):
            return known
        key = _key_id("AKIA")
        principal = Principal(arn=f"arn:aws:iam::{account}:user/administrator", account=account, access_key_id=key)
        return self._add(
            Credentials(
                access_key_id=key,
                secret_access_key=secrets.token_urlsafe(30),
                session_token=None,
                expires_at=None,
                principal=principal,
            )
        )

    def issue(self, role_arn: str, session_name: str, *, seconds: int = 3600, policy: str | None = None) -> Credentials:
        """Create the temporary credentials of a role session."""
        self._forget_expired()
        account = role_arn.split(":")[4]
        key = _key_id("ASIA")
        name = role_arn.rpartition("/")[2]
        principal = Principal(
            arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
            account=account,
            access_key_id=key,
            role_arn=role_arn,
            session_policy=policy,
        )
        return self._add(
            Credentials(
                access_key_id=key,
                secret_access_key=secrets.token_urlsafe(30),
                session_token=secrets.token_urlsafe(60),
                expires_at=utc_now() + dt.timedelta(seconds=seconds),
                principal=principal,
            )
        )

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key, expired ones too, or None."""
        return self._by_key.get(access_key_id)

    def hold(self, access_key_id: str) -> None:
        """Keep a key valid while a process that was given it runs, until as many calls of `release`.

        On AWS builds, jobs, endpoints and functions fetch fresh credentials of their role from their container's
        credential provider; here the keys they started with last as long as they do.
        """
        with self._lock:
            self._held[access_key_id] += 1

    def release(self, access_key_id: str) -> None:
        """Let a key expire at its own time again."""
        with self._lock:
            self._held[access_key_id] -= 1
            if self._held[access_key_id] <= 0:
                del self._held[access_key_id]

    def expired(self, credentials: Credentials) -> bool:
        """Tell whether credentials are past their time and no running process holds them."""
        late = credentials.expires_at is not None and credentials.expires_at < utc_now()
        return late and credentials.access_key_id not in self._held

    def accounts(self) -> list[str]:
        """Return the accounts that have an administrator, an earlier twin's in this folder too."""
        return list(dict.fromkeys(c.principal.account for c in self._by_key.values() if c.expires_at is None))

    def _administrator(self, account: str) -> Credentials | None:
        lasting = (c for c in self._by_key.values() if c.expires_at is None)
        return next((c for c in lasting if c.principal.account == account), None)

    def _add(self, credentials: Credentials) -> Credentials:
        with self._lock:
            self._kept.put(credentials.access_key_id, credentials)
            self._by_key[credentials.access_key_id] = credentials
        return credentials

    def _forget_expired(self) -> None:
        # An hour's grace lets a late caller still hear "expired" instead of "unknown".
        limit = utc_now() - dt.timedelta(hours=1)
        with self._lock:
            ended = (k for k, c in self._by_key.items() if c.expires_at and c.expires_at < limit)
            old = [key for key in ended if key not in self._held]
            for key in old:
                self._kept.remove(key)
                del self._by_key[key]


def _key_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))
