"""The core: what every service is constructed with."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from lockgate_twin import moto_patches
from lockgate_twin.authorization.access_log import AccessLog
from lockgate_twin.authorization.authorizer import Authorizer
from lockgate_twin.authorization.condition_keys import global_keys
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.s3_requests import check_condition
from lockgate_twin.credentials import CredentialTable
from lockgate_twin.durability import JournalTables
from lockgate_twin.errors import ApiError
from lockgate_twin.front import requests
from lockgate_twin.front.application import Front
from lockgate_twin.moto_host import MotoHost
from lockgate_twin.moto_state import MotoState
from lockgate_twin.ports import Call, Command, Event, Principal, Process, Session, Settings, Table
from lockgate_twin.processes import ProcessTable
from lockgate_twin.services.sts import Sts
from lockgate_twin.sessions import ActingSession, ClientFactory

_MOST_USED = (
    "s3",
    "iam",
    "lambda",
    "kms",
    "events",
    "sqs",
    "logs",
    "ssm",
    "sns",
    "codecommit",
    "codebuild",
    "codepipeline",
)
_ROLE_ARN = re.compile(r"arn:aws:iam::\d{12}:role/.+")


class Core:
    """What every service is constructed with (see `ports.Context`)."""

    def __init__(self, settings: Settings) -> None:
        # Logs, sources and the administrator's key lie there: nobody else on this machine may read them.
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self.tables = JournalTables(settings.state_dir / "tables")
        self.moto = MotoHost(settings.account)
        moto_patches.apply()
        self.moto.keep_in(MotoState(self.table, settings.state_dir / "s3"))
        self.log = AccessLog(settings.state_dir / "access.jsonl")
        self.credentials = CredentialTable(self.table("credentials"))
        accounts = (settings.account, *settings.accounts, *self.credentials.accounts())
        self.administrators = {account: self.credentials.add_administrator(account) for account in accounts}
        self.administrator = self.administrators[settings.account]
        self.authorizer = Authorizer(self.moto, self.log)
        self.front = Front(self.moto, self.authorizer, self.credentials)
        self.processes = ProcessTable()
        self.on_event: Callable[[Event], None] = lambda _: None
        for operation in ("PutObject", "CopyObject", "CompleteMultipartUpload"):
            self.front.check_before_moto("s3", operation, partial(check_condition, operation))
        self._clients = ClientFactory(self.front, settings)
        self.front.register(Sts(self.moto, self.authorizer, self.credentials))

    def table(self, name: str) -> Table:
        """Return the durable table of this name."""
        return self.tables.table(name)

    def administrator_of(self, account: str) -> Principal:
        """Return an account's administrator.

        Raises:
            ApiError: AccessDenied, the twin does not have this account.
        """
        if account not in self.administrators:
            message = f"The twin has no account {account}; start it with --account {account}."
            raise ApiError("AccessDenied", message, 403)
        return self.administrators[account].principal

    def session(self, call: Call) -> Session:
        """Act as the caller of a request."""
        return self.session_of(call.principal, call.region)

    def session_of(self, principal: Principal, region: str) -> Session:
        """Act as a principal whose credentials are known.

        Raises:
            ApiError: InvalidClientTokenId.
        """
        credentials = self.credentials.find(principal.access_key_id)
        if credentials is None:
            raise ApiError("InvalidClientTokenId", f"The credentials of {principal.arn} are gone.", 403)
        return self._session(credentials, region)

    def assume_role(
        self, role_arn: str, *, service: str, session_name: str, region: str, source_arn: str | None = None
    ) -> Session:
        """Assume a role as an AWS service, under the role's trust policy.

        Raises:
            ApiError: AccessDenied.
        """
        if not _ROLE_ARN.fullmatch(role_arn):
            raise ApiError("AccessDenied", f"{service} cannot assume '{role_arn}': it is not the ARN of a role.", 403)
        account = role_arn.split(":")[4]
        role = self.moto.role(account, role_arn)
        source = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]} if source_arn else {}
        # A service is nobody of the account: a trust in the account's root does not mean it.
        principal = Principal(arn=f"arn:aws:iam:::service/{service}", account=account, access_key_id="")
        keys = {**global_keys(principal, None, region), **source}
        del keys["aws:PrincipalArn"]
        context = RequestContext(principal.arn, "sts:AssumeRole", role_arn, keys)
        allowed = role is not None and self.authorizer.trusts(role, context, service=service)
        self.log.write(
            principal=service,
            inner=True,
            checks=[{"action": "sts:AssumeRole", "resource": role_arn, "allowed": allowed, "by": "trust policy"}],
        )
        if not allowed:
            because = "its trust policy does not allow it" if role else "it does not exist"
            message = f"{service} is not authorized to assume the role {role_arn}: {because}"
            raise ApiError("AccessDenied", f"{message} (aws:SourceArn {source_arn}).", 403)
        return self._session(self.credentials.issue(role_arn, session_name[:64]), region)

    def warm_up(self) -> None:
        """Read once, before the first stack waits for it, what calls of the services most used need."""
        self.moto.warm_up()
        session = self._session(self.administrator, self.settings.region)
        for service in _MOST_USED:
            session.client(service)
            requests.prepare(service)

    def emit(self, event: Event) -> None:
        """Put a service's event on the default bus."""
        self.on_event(event)

    def start_process(self, command: Command) -> Process:
        """Start a guarded child process; the key in its environment stays valid as long as it runs."""
        key = command.env.get("AWS_ACCESS_KEY_ID", "")
        self.credentials.hold(key)
        try:
            return self.processes.start(command, lambda: self.credentials.release(key))
        except BaseException:
            self.credentials.release(key)
            raise

    def in_background(self, name: str, work: Callable[[], None]) -> None:
        """Run work on a thread of its own; a defect is printed to the twin's log."""

        def run() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001 - the thread is the last to see it
                traceback.print_exc()

        threading.Thread(target=run, name=name, daemon=True).start()

    def _session(self, credentials: Any, region: str) -> Session:
        return ActingSession(
            credentials,
            region,
            clients=self._clients,
            authorizer=self.authorizer,
            moto=self.moto,
            endpoint_url=self.settings.endpoint_url,
        )
