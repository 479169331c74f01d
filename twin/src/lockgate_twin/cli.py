"""The command line: `up`, `down`, `status`, `audit`, and `serve`, which `up` and the demo run."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from lockgate_twin import control
from lockgate_twin.accounts import further_accounts
from lockgate_twin.errors import TwinError
from lockgate_twin.ports import Settings

OK, FAILED, USAGE = 0, 1, 2
DEFAULT_ACCOUNT = Settings.account


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status: 0 done, 1 failed (one sentence on stderr), 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except TwinError as error:
        if options.debug:
            traceback.print_exc()
        print(f"lockgate: {error}", file=sys.stderr)
        return FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lockgate", description="A twin of AWS on this machine.")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    up = _verb(verbs, "up", "start a twin and print the shell variables to use it", _up)
    _where_to_listen(up)
    up.add_argument(
        "--as", dest="person", default="administrator", help="who the variables are for: NAME or NAME@ACCOUNT"
    )
    up.add_argument(
        "--fault",
        dest="faults",
        metavar="NAME=VALUE,...",
        action="append",
        default=[],
        help="let event deliveries go wrong: duplicate=3, reorder=4, delay=2, drop=0.1, rule=PATTERN, seed=N; or 'off'",
    )
    serve = _verb(verbs, "serve", "run a twin in the foreground", _serve)
    _where_to_listen(serve)
    serve.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input closes")
    down = _verb(verbs, "down", "stop the twin; its state stays for the next 'up'", _down)
    down.add_argument("--discard", action="store_true", help="delete what it keeps, too")
    _verb(verbs, "status", "tell what the twin runs", _status)
    fire = _verb(verbs, "fire", "let a schedule call its target now, out of turn", _fire)
    fire.add_argument("schedule", metavar="[group/]name", help="the schedule; its group is 'default' unless named")
    audit = _verb(verbs, "audit", "tell what each role used in this run, and what it never did", _audit)
    audit.add_argument("--role", help="only roles whose name contains this")
    audit.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, run: object
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text)
    verb.add_argument("--state", type=Path, default=Path(".lockgate"), help="the twin's folder (default .lockgate)")
    verb.add_argument("--debug", action="store_true", help="show tracebacks")
    verb.set_defaults(run=run)
    return verb


def _where_to_listen(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--port", type=int, default=4599, help="port on 127.0.0.1 (0: any free one; default 4599)")
    verb.add_argument(
        "--fresh", action="store_true", help="start empty: delete what an earlier twin kept in the folder"
    )
    verb.add_argument("--people", type=Path, help="folder of policy documents, one role for each")
    verb.add_argument(
        "--account",
        dest="accounts",
        metavar="ID",
        action="append",
        default=[],
        help=f"a further account besides {DEFAULT_ACCOUNT}; may be given several times",
    )


def _up(options: argparse.Namespace) -> int:
    accounts = further_accounts(options.accounts, DEFAULT_ACCOUNT)
    state = control.up(options.state.resolve(), options.port, options.people, accounts, fresh=options.fresh)
    if options.faults:
        control.switch_faults(options.state.resolve(), options.faults)
    print(control.shell_variables(state, options.person))
    print(f"# The twin is up at {state.endpoint_url}; its state and logs are in {state.state_dir}.", file=sys.stderr)
    if state.restored:
        print(f"# {state.restored}", file=sys.stderr)
    people = ", ".join(["administrator", *state.people, "approver"])
    if state.accounts:
        print(f"# Accounts: {', '.join([state.account, *state.accounts])} (--as NAME@ACCOUNT)", file=sys.stderr)
    print(f'# In a shell: eval "$(./lockgate up)"   As somebody else (--as): {people}', file=sys.stderr)
    return OK


def _serve(options: argparse.Namespace) -> int:
    from lockgate_twin.serve import Options, serve

    accounts = further_accounts(options.accounts, DEFAULT_ACCOUNT)
    run = Options(
        state_dir=options.state.resolve(),
        port=options.port,
        people=options.people,
        accounts=accounts,
        fresh=options.fresh,
    )
    return serve(run, stop_with_stdin=options.stop_with_stdin)


def _down(options: argparse.Namespace) -> int:
    print(control.down(options.state.resolve(), discard=options.discard))
    return OK


def _status(options: argparse.Namespace) -> int:
    from lockgate_twin.status import show

    show(control.status(options.state.resolve()))
    return OK


def _fire(options: argparse.Namespace) -> int:
    group, _, name = options.schedule.rpartition("/")
    fired = control.fire(options.state.resolve(), group or "default", name)
    print(f"Fired {fired['schedule']} as execution {fired['executionId']}, scheduled for {fired['scheduledTime']}.")
    return OK


def _audit(options: argparse.Namespace) -> int:
    from lockgate_twin.audit.verb import audit

    audit(options.state.resolve(), options.role, as_json=options.json)
    return OK
