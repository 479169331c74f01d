"""Git's own plumbing over one bare repository. Every call is one short git process."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lockgate_twin.errors import TwinError

COMMIT_ID = re.compile(r"[0-9a-f]{40}")
# Nobody's personal git configuration changes what a repository of the twin does.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "LC_ALL": "C.UTF-8",
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"


class GitError(TwinError):
    """A git process failed; the message is what git said."""


@dataclass(frozen=True, kw_only=True)
class TreeEntry:
    """One entry of a commit's tree: git's mode ("100644"), kind ("blob", "tree", "commit") and object id."""

    mode: str
    kind: str
    object_id: str


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who wrote or committed, and when: `date` is "<seconds since 1970> <offset from UTC>"."""

    name: str
    email: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit object."""

    commit_id: str
    tree_id: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


class GitRepository:
    """A bare repository in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run one git command in the repository and return its standard output.

        Raises:
            GitError: git exited with a status other than 0.
        """
        argv = ["git", f"--git-dir={self.path}", *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, env=ENVIRONMENT, check=False)
        if done.returncode != 0:
            raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def create(self) -> None:
        """Make the repository: empty, bare, never packing itself in the background."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        argv = ["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(self.path)]
        done = subprocess.run(argv, capture_output=True, env=ENVIRONMENT, check=False)
        if done.returncode != 0:
            raise GitError(done.stderr.decode(errors="replace").strip())
        with (self.path / "config").open("a", encoding="utf-8") as config:
            config.write("[http]\n\treceivepack = true\n[gc]\n\tauto = 0\n[receive]\n\tautogc = false\n")

    def references(self) -> dict[str, str]:
        """Return the object ids by full reference name, e.g. "refs/heads/main"."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)").decode().splitlines()
        return {name: object_id for object_id, name in (line.split(" ", 1) for line in lines)}

    def commit(self, commit_id: str) -> Commit | None:
        """Return a commit by its full id, or None if there is none."""
        try:
            raw = self.run("cat-file", "commit", commit_id).decode(errors="replace")
        except GitError:
            return None
        return _commit(commit_id, raw)

    def tree(self, commit_id: str) -> dict[str, TreeEntry]:
        """Return every file of a commit by its path."""
        return _entries(self.run("ls-tree", "-r", "-z", "--full-tree", commit_id))

    def folder(self, commit_id: str, path: str) -> dict[str, TreeEntry]:
        """Return what lies directly in a folder, by name; raises GitError if there is no such folder."""
        return _entries(self.run("ls-tree", "-z", f"{commit_id}:{path}"))

    def blob(self, object_id: str) -> bytes:
        """Return the content of a file by its object id."""
        return self.run("cat-file", "blob", object_id)

    def archive(self, commit_id: str) -> bytes:
        """Return a commit's files as a zip archive."""
        return self.run("archive", "--format=zip", "-1", commit_id)

    def move_reference(self, name: str, new: str, old: str) -> None:
        """Point a reference to another object if it still points to `old` (all zeros: does not exist)."""
        self.run("update-ref", name, new, old)

    def drop_reference(self, name: str, old: str) -> None:
        """Delete a reference if it still points to `old`."""
        self.run("update-ref", "-d", name, old)

    def point_head(self, branch: str) -> None:
        """Make a branch the one that a clone checks out."""
        self.run("symbolic-ref", "HEAD", BRANCHES + branch)

    def allows_branch(self, branch: str) -> bool:
        """Tell whether git allows this name for a branch."""
        try:
            self.run("check-ref-format", BRANCHES + branch)
        except GitError:
            return False
        return not branch.startswith("-")


def resolve(references: Mapping[str, str], specifier: str, default_branch: str | None) -> str | None:
    """Return the commit id that a branch, tag, full reference, "HEAD" or full commit id names, else None."""
    if COMMIT_ID.fullmatch(specifier):
        return specifier
    if specifier == "HEAD":
        return references.get(f"{BRANCHES}{default_branch}")
    candidates = (specifier, BRANCHES + specifier, TAGS + specifier)
    return next((references[name] for name in candidates if name in references), None)


def _entries(output: bytes) -> dict[str, TreeEntry]:
    entries = {}
    for line in output.decode(errors="surrogateescape").split("\0"):
        if line:
            facts, path = line.split("\t", 1)
            mode, kind, object_id = facts.split(" ")
            entries[path] = TreeEntry(mode=mode, kind=kind, object_id=object_id)
    return entries


def _commit(commit_id: str, raw: str) -> Commit:
    head, _, message = raw.partition("\n\n")
    # Folded header lines (signatures) start with a space and belong to nothing we read.
    headers = [line.split(" ", 1) for line in head.splitlines() if line and line[0] != " "]
    values = {name: value for name, value in headers if name != "parent"}
    return Commit(
        commit_id=commit_id,
        tree_id=values["tree"],
        parents=tuple(value for name, value in headers if name == "parent"),
        author=_signature(values["author"]),
        committer=_signature(values["committer"]),
        message=message,
    )


def _signature(text: str) -> Signature:
    name, _, rest = text.partition("<")
    email, _, date = rest.partition(">")
    return Signature(name=name.strip(), email=email, date=date.strip())
