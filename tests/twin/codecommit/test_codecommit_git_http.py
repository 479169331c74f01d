from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

import pytest


def _commit(git: Any, clone: Path, name: str, text: str) -> str:
    (clone / name).write_text(text)
    git("add", "-A", cwd=clone)
    git("commit", "-qm", f"add {name}", cwd=clone)
    return str(git("rev-parse", "HEAD", cwd=clone).stdout.strip())


def _clone(git: Any, name: str = "shop") -> Path:
    done = git("clone", "-q", git.url(name), name)
    assert done.returncode == 0, done.stderr
    return Path(git.folder / name)


def test_a_push_is_what_the_next_clone_gets(api: Any, git: Any) -> None:
    """What one git client pushes, another clones, and the API tells the same commit."""
    api("CreateRepository", repositoryName="shop")
    commit_id = _commit(git, _clone(git), "a.txt", "one")

    pushed = git("push", "-q", "origin", "HEAD:main", cwd=git.folder / "shop")

    assert pushed.returncode == 0, pushed.stderr
    again = git("clone", "-q", git.url("shop"), "again")
    assert again.returncode == 0, again.stderr
    assert (git.folder / "again" / "a.txt").read_text() == "one"
    assert api("GetBranch", repositoryName="shop", branchName="main")["branch"]["commitId"] == commit_id
    assert api("GetRepository", repositoryName="shop")["repositoryMetadata"]["defaultBranch"] == "main"


def test_a_large_push_in_chunks_arrives(api: Any, git: Any) -> None:
    """A pack above git's buffer is sent in chunks and arrives whole."""
    api("CreateRepository", repositoryName="shop")
    clone = _clone(git)
    (clone / "big.bin").write_bytes(bytes(i * 7919 % 251 for i in range(300_000)))
    _commit(git, clone, "a.txt", "one")

    pushed = git("-c", "http.postBuffer=65536", "push", "-q", "origin", "HEAD:main", cwd=clone)

    assert pushed.returncode == 0, pushed.stderr
    size = api("GetFile", repositoryName="shop", filePath="big.bin")["fileSize"]
    assert size == 300_000


def test_a_push_emits_the_documented_events(api: Any, git: Any, world: Any) -> None:
    """A first push, an update and a deletion each give one event with the members AWS documents."""
    repository_id = api("CreateRepository", repositoryName="shop")["repositoryMetadata"]["repositoryId"]
    clone = _clone(git)
    first = _commit(git, clone, "a.txt", "one")
    git("push", "-q", "origin", "HEAD:main", "HEAD:topic", cwd=clone)
    second = _commit(git, clone, "a.txt", "two")
    git("push", "-q", "origin", "HEAD:main", cwd=clone)
    git("push", "-q", "origin", ":topic", cwd=clone)

    common = {"repositoryName": "shop", "repositoryId": repository_id, "referenceType": "branch"}
    main = {"referenceName": "main", "referenceFullName": "refs/heads/main"}
    topic = {"referenceName": "topic", "referenceFullName": "refs/heads/topic"}
    caller = {"callerUserArn": "arn:aws:iam::111122223333:root"}
    assert [dict(e.detail) for e in world.events] == [
        {"event": "referenceCreated", **common, **main, "commitId": first, **caller},
        {"event": "referenceCreated", **common, **topic, "commitId": first, **caller},
        {"event": "referenceUpdated", **common, **main, "commitId": second, "oldCommitId": first, **caller},
        {"event": "referenceDeleted", **common, **topic, "oldCommitId": first, **caller},
    ]
    assert {(e.source, e.detail_type) for e in world.events} == {
        ("aws.codecommit", "CodeCommit Repository State Change")
    }
    assert world.events[0].resources == ("arn:aws:codecommit:us-east-1:111122223333:shop",)


def test_a_tag_is_announced_as_a_tag(api: Any, git: Any, world: Any) -> None:
    """Pushing a tag gives a referenceCreated event of type tag."""
    api("CreateRepository", repositoryName="shop")
    clone = _clone(git)
    _commit(git, clone, "a.txt", "one")
    git("tag", "v1", cwd=clone)
    git("push", "-q", "origin", "HEAD:main", "v1", cwd=clone)

    tags = [e.detail["referenceName"] for e in world.events if e.detail["referenceType"] == "tag"]
    assert tags == ["v1"]


def test_a_refused_push_changes_and_announces_nothing(api: Any, git: Any, world: Any) -> None:
    """A push that is not a fast-forward is refused by git; no event tells of it."""
    api("CreateRepository", repositoryName="shop")
    clone = _clone(git)
    _commit(git, clone, "a.txt", "one")
    git("push", "-q", "origin", "HEAD:main", cwd=clone)
    git("commit", "-q", "--amend", "-m", "other", cwd=clone)
    before = len(world.events)

    pushed = git("push", "-q", "origin", "HEAD:main", cwd=clone)

    assert pushed.returncode != 0
    assert len(world.events) == before


def test_a_push_needs_git_push_and_a_clone_git_pull(api: Any, git: Any, world: Any) -> None:
    """Cloning asks for codecommit:GitPull, pushing for codecommit:GitPush, on the repository's ARN."""
    api("CreateRepository", repositoryName="shop")
    clone = _clone(git)
    assert {action for _, action, _ in world.required} == {"codecommit:GitPull"}
    _commit(git, clone, "a.txt", "one")
    world.denied.add("codecommit:GitPush")

    pushed = git("push", "origin", "HEAD:main", cwd=clone)

    assert pushed.returncode != 0
    assert "is not authorized to perform: codecommit:GitPush" in pushed.stderr
    assert world.required[-1][2] == ("arn:aws:codecommit:us-east-1:111122223333:shop",)
    assert world.events == []


@pytest.mark.parametrize(
    ("name", "credentials", "said"),
    [
        ("shop", "AKIATEST:wrong", "AKIATEST' is not known to the twin or its secret is wrong"),
        ("none", "AKIATEST:secret", "There is no repository 'none'"),
    ],
)
def test_git_shows_one_clear_line(api: Any, git: Any, name: str, credentials: str, said: str) -> None:
    """A wrong secret and an unknown repository are told in one line that git prints."""
    api("CreateRepository", repositoryName="shop")

    done = git("clone", git.url(name, credentials), "x")

    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize(
    "path",
    [
        "/v1/repos/../../etc/info/refs?service=git-upload-pack",
        "/v1/repos/..%2fshop/info/refs?service=git-upload-pack",
        "/v1/repos/%2e%2e/info/refs?service=git-upload-pack",
        "/v1/repos/shop/HEAD",
        "/v1/repos/shop/objects/info/packs",
        "/v1/repos/shop/../shop/info/refs?service=git-upload-pack",
    ],
)
def test_path_tricks_find_nothing(api: Any, port: int, path: str) -> None:
    """Only the three routes of the smart protocol exist, and only for repository names."""
    api("CreateRepository", repositoryName="shop")

    assert _status(port, path, "Basic QUtJQVRFU1Q6c2VjcmV0") == 404


def test_a_request_without_credentials_is_asked_for_them(api: Any, port: int) -> None:
    """Without basic authentication the answer is 401, with it and git's old protocol 403."""
    api("CreateRepository", repositoryName="shop")

    assert _status(port, "/v1/repos/shop/info/refs?service=git-upload-pack", None) == 401
    assert _status(port, "/v1/repos/shop/info/refs", "Basic QUtJQVRFU1Q6c2VjcmV0") == 403


@pytest.mark.parametrize("length", ["x", "-1"])
def test_a_malformed_length_is_refused(api: Any, port: int, length: str) -> None:
    """A push whose Content-Length is no number gets an answer, not a closed connection."""
    api("CreateRepository", repositoryName="shop")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/v1/repos/shop/git-receive-pack")
    connection.putheader("Authorization", "Basic QUtJQVRFU1Q6c2VjcmV0")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def _status(port: int, path: str, authorization: str | None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Authorization": authorization} if authorization else {})
    status = connection.getresponse().status
    connection.close()
    return status
