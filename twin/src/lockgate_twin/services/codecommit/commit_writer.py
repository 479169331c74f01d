"""Writing a planned commit with one `git fast-import` process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from lockgate_twin.services.codecommit.commit_plan import CommitPlan
from lockgate_twin.services.codecommit.git import BRANCHES, GitRepository


@dataclass(frozen=True, kw_only=True)
class CommitText:
    """Who commits what onto which branch; `parent` is None for the first commit."""

    branch: str
    author: str
    email: str
    message: str
    parent: str | None


def write_commit(git: GitRepository, text: CommitText, plan: CommitPlan) -> str:
    """Write the commit, move the branch to it and return its id.

    Raises:
        GitError: git refused it.
    """
    stream = b"".join(_stream(text, plan))
    answer = git.run("fast-import", "--quiet", "--date-format=raw", stdin=stream)
    return answer.decode().strip()


def _stream(text: CommitText, plan: CommitPlan) -> Iterator[bytes]:
    who = f"{_name(text.author)} <{_name(text.email)}> {int(time.time())} +0000"
    yield f"commit {BRANCHES}{text.branch}\nmark :1\nauthor {who}\ncommitter {who}\n".encode()
    yield _data(text.message.encode())
    if text.parent:
        yield f"from {text.parent}\n".encode()
    for path in plan.deletes:
        yield b"D " + _quoted(path) + b"\n"
    for put in plan.puts:
        if put.content is None:
            yield f"M {put.mode} {put.object_id} ".encode() + _quoted(put.path) + b"\n"
        else:
            yield f"M {put.mode} inline ".encode() + _quoted(put.path) + b"\n" + _data(put.content)
    yield b"get-mark :1\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode(errors="surrogateescape")


def _name(text: str) -> str:
    return "".join(c for c in text if c not in "<>\n\r\0").strip()
