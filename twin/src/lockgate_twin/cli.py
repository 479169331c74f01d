"""The command line: `up`, `down`, `status`, `audit`, and `serve`, which `up` and the demo run."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from lockgate_twin import control
from lockgate_twin.errors import TwinError

OK, FAILED, USAGE = 0, 1, 2


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
    up.add_argument("--as", dest="person", default="administrator", help="who the variables are for")
    serve = _verb(verbs, "serve", "run a twin in the foreground", _serve)
    _where_to_listen(serve)
    serve.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input closes")
    _verb(verbs, "down", "stop the twin", _down)
    _verb(verbs, "status", "tell what the twin runs", _status)
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
    verb.add_argument("--people", type=Path, help="folder of policy documents, one role for each")


def _up(options: argparse.Namespace) -> int:
    state = control.up(options.state.resolve(), options.port, options.people)
    print(control.shell_variables(state, options.person))
    print(f"# The twin is up at {state.endpoint_url}; its logs are in {state.state_dir}.", file=sys.stderr)
    people = ", ".join(["administrator", *state.people, "approver"])
    print(f'# In a shell: eval "$(./lockgate up)"   As somebody else (--as): {people}', file=sys.stderr)
    return OK


def _serve(options: argparse.Namespace) -> int:
    from lockgate_twin.serve import serve

    return serve(options.state.resolve(), options.port, options.people, stop_with_stdin=options.stop_with_stdin)


def _down(options: argparse.Namespace) -> int:
    print(control.down(options.state.resolve()))
    return OK


def _status(options: argparse.Namespace) -> int:
    from lockgate_twin.status import show

    show(control.status(options.state.resolve()))
    return OK


def _audit(options: argparse.Namespace) -> int:
    from lockgate_twin.audit.verb import audit

    audit(options.state.resolve(), options.role, as_json=options.json)
    return OK
