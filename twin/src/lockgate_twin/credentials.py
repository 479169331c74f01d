"""Access keys and whom they stand for: the administrator's and those of role sessions."""

from __future__ import annotations

import datetime as dt
import secrets
import string
import threading
from dataclasses import dataclass

from lockgate_twin.ports import Principal, utc_now

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
    """All valid credentials of this twin."""

    def __init__(self) -> None:
        self._by_key: dict[str, Credentials] = {}
        self._lock = threading.Lock()

    def add_administrator(self, account: str) -> Credentials:
        """Create the long-term key of the account's administrator."""
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

    def _add(self, credentials: Credentials) -> Credentials:
        with self._lock:
            self._by_key[credentials.access_key_id] = credentials
        return credentials

    def _forget_expired(self) -> None:
        # An hour's grace lets a late caller still hear "expired" instead of "unknown".
        limit = utc_now() - dt.timedelta(hours=1)
        with self._lock:
            old = [k for k, c in self._by_key.items() if c.expires_at and c.expires_at < limit]
            for key in old:
                del self._by_key[key]


def _key_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))
