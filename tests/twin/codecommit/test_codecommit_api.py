from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from lockgate_twin.errors import ApiError
from lockgate_twin.services.codecommit import CodeCommit

ARN = "arn:aws:codecommit:us-east-1:111122223333:shop"


def _put(api: Any, parent: str | None = None, branch: str = "main", **files: bytes) -> str:
    entries = [{"filePath": name.replace("__", "/"), "fileContent": content} for name, content in files.items()]
    given = {"parentCommitId": parent} if parent else {}
    answer = api("CreateCommit", repositoryName="shop", branchName=branch, putFiles=entries, **given)
    return str(answer["commitId"])


def _code(api: Any, operation: str, **parameters: Any) -> str:
    with pytest.raises(ApiError) as caught:
        api(operation, **parameters)
    return caught.value.code


@pytest.fixture
def shop(api: Any) -> dict[str, Any]:
    """An empty repository named shop."""
    return dict(api("CreateRepository", repositoryName="shop", tags={"team": "a"})["repositoryMetadata"])


def test_a_new_repository_has_aws_names(shop: dict[str, Any]) -> None:
    """The clone URL, the ARN and the ids have AWS's form; there is no default branch yet."""
    assert shop["cloneUrlHttp"] == "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/shop"
    assert shop["cloneUrlSsh"] == "ssh://git-codecommit.us-east-1.amazonaws.com/v1/repos/shop"
    assert shop["Arn"] == ARN
    assert shop["accountId"] == "111122223333"
    assert "defaultBranch" not in shop


@pytest.mark.parametrize("name", ["a/b", "a b", "shop.git", "ünder", ""])
def test_names_that_aws_refuses_are_refused(api: Any, name: str) -> None:
    """A repository name has AWS's characters and does not end in .git."""
    assert _code(api, "CreateRepository", repositoryName=name) == "InvalidRepositoryNameException"


@pytest.mark.usefixtures("shop")
def test_a_name_is_taken_once(api: Any) -> None:
    """A second repository of the same name is refused."""
    assert _code(api, "CreateRepository", repositoryName="shop") == "RepositoryNameExistsException"


def test_repositories_are_listed_and_described(api: Any, shop: dict[str, Any]) -> None:
    """Listing sorts by name; describing several names those that do not exist."""
    api("CreateRepository", repositoryName="art")

    assert [r["repositoryName"] for r in api("ListRepositories")["repositories"]] == ["art", "shop"]
    batch = api("BatchGetRepositories", repositoryNames=["shop", "none"])
    assert [r["repositoryId"] for r in batch["repositories"]] == [shop["repositoryId"]]
    assert batch["repositoriesNotFound"] == ["none"]
    assert batch["errors"][0]["errorCode"] == "RepositoryDoesNotExistException"


def test_deleting_twice_is_no_error(api: Any, shop: dict[str, Any]) -> None:
    """The first deletion returns the repository's id, the second nothing; then it is gone."""
    assert api("DeleteRepository", repositoryName="shop") == {"repositoryId": shop["repositoryId"]}
    assert api("DeleteRepository", repositoryName="shop") == {}
    assert _code(api, "GetRepository", repositoryName="shop") == "RepositoryDoesNotExistException"


def test_a_repository_can_be_renamed_and_described(api: Any, shop: dict[str, Any]) -> None:
    """A rename keeps id and content; the new name must be free and valid; a description can be removed again."""
    tip = _put(api, a=b"1")
    api("CreateRepository", repositoryName="art")
    assert _code(api, "UpdateRepositoryName", oldName="shop", newName="art") == "RepositoryNameExistsException"
    assert _code(api, "UpdateRepositoryName", oldName="shop", newName="a/b") == "InvalidRepositoryNameException"

    api("UpdateRepositoryName", oldName="shop", newName="store")
    api("UpdateRepositoryDescription", repositoryName="store", repositoryDescription="things")
    api("UpdateRepositoryEncryptionKey", repositoryName="store", kmsKeyId="alias/x")

    found = api("GetRepository", repositoryName="store")["repositoryMetadata"]
    assert (found["repositoryId"], found["Arn"]) == (shop["repositoryId"], ARN.replace("shop", "store"))
    assert (found["repositoryDescription"], found["kmsKeyId"]) == ("things", "alias/x")
    assert api("GetBranch", repositoryName="store", branchName="main")["branch"]["commitId"] == tip
    assert _code(api, "GetRepository", repositoryName="shop") == "RepositoryDoesNotExistException"
    api("UpdateRepositoryDescription", repositoryName="store", repositoryDescription="")
    assert "repositoryDescription" not in api("GetRepository", repositoryName="store")["repositoryMetadata"]


@pytest.mark.usefixtures("shop")
def test_tags_can_be_changed(api: Any) -> None:
    """Tags are added, removed and listed; those of AWS are reserved."""
    api("TagResource", resourceArn=ARN, tags={"stage": "x"})
    api("UntagResource", resourceArn=ARN, tagKeys=["team", "unknown"])

    assert api("ListTagsForResource", resourceArn=ARN)["tags"] == {"stage": "x"}
    assert _code(api, "TagResource", resourceArn=ARN, tags={"aws:x": "y"}) == "InvalidSystemTagUsageException"
    assert _code(api, "ListTagsForResource", resourceArn="nonsense") == "InvalidResourceArnException"


@pytest.mark.usefixtures("shop")
def test_a_first_commit_makes_the_default_branch(api: Any, world: Any) -> None:
    """The first CreateCommit needs no parent, makes the branch and announces it."""
    answer = api(
        "CreateCommit",
        repositoryName="shop",
        branchName="main",
        authorName="Ann",
        email="ann@example.com",
        commitMessage="start",
        putFiles=[
            {"filePath": "run.sh", "fileContent": b"#!/bin/sh\n", "fileMode": "EXECUTABLE"},
            {"filePath": "src/a b.py", "fileContent": b"x = 1\n"},
        ],
    )

    commit = api("GetCommit", repositoryName="shop", commitId=answer["commitId"])["commit"]
    assert (commit["message"], commit["parents"], commit["treeId"]) == ("start", [], answer["treeId"])
    assert (commit["author"]["name"], commit["author"]["email"]) == ("Ann", "ann@example.com")
    assert [f["absolutePath"] for f in answer["filesAdded"]] == ["run.sh", "src/a b.py"]
    assert api("GetFile", repositoryName="shop", filePath="run.sh")["fileMode"] == "EXECUTABLE"
    assert api("GetFile", repositoryName="shop", filePath="src/a b.py")["fileContent"] == b"x = 1\n"
    assert api("GetRepository", repositoryName="shop")["repositoryMetadata"]["defaultBranch"] == "main"
    assert [e.detail["event"] for e in world.events] == ["referenceCreated"]
    assert world.events[0].detail["commitId"] == answer["commitId"]


@pytest.mark.usefixtures("shop")
def test_a_later_commit_puts_deletes_moves_and_changes_modes(api: Any, world: Any) -> None:
    """One commit can put, delete, move and change the mode of files; the event names both commits."""
    first = _put(api, a=b"1", b=b"2", c=b"3", d=b"4")

    answer = api(
        "CreateCommit",
        repositoryName="shop",
        branchName="main",
        parentCommitId=first,
        putFiles=[
            {"filePath": "a", "fileContent": b"changed"},
            {"filePath": "moved", "sourceFile": {"filePath": "c", "isMove": True}},
        ],
        deleteFiles=[{"filePath": "b"}],
        setFileModes=[{"filePath": "d", "fileMode": "EXECUTABLE"}],
    )

    assert [f["absolutePath"] for f in answer["filesUpdated"]] == ["a", "d"]
    assert [f["absolutePath"] for f in answer["filesAdded"]] == ["moved"]
    assert [f["absolutePath"] for f in answer["filesDeleted"]] == ["b", "c"]
    files = api("GetFolder", repositoryName="shop", folderPath="/")["files"]
    assert [(f["relativePath"], f["fileMode"]) for f in files] == [
        ("a", "NORMAL"),
        ("d", "EXECUTABLE"),
        ("moved", "NORMAL"),
    ]
    assert dict(world.events[-1].detail)["oldCommitId"] == first


@pytest.mark.usefixtures("shop")
def test_the_parent_must_be_the_tip(api: Any) -> None:
    """Without a parent, with an unknown one or an old one nothing is committed."""
    first = _put(api, a=b"1")
    second = _put(api, parent=first, a=b"2")
    common = {
        "repositoryName": "shop",
        "branchName": "main",
        "putFiles": [{"filePath": "a", "fileContent": b"3"}],
    }

    assert _code(api, "CreateCommit", **common) == "ParentCommitIdRequiredException"
    assert _code(api, "CreateCommit", **common, parentCommitId="abc") == "InvalidParentCommitIdException"
    assert _code(api, "CreateCommit", **common, parentCommitId="0" * 40) == "ParentCommitDoesNotExistException"
    assert _code(api, "CreateCommit", **common, parentCommitId=first) == "ParentCommitIdOutdatedException"
    assert api("GetBranch", repositoryName="shop", branchName="main")["branch"]["commitId"] == second


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "FileEntryRequiredException"),
        ({"putFiles": [{"filePath": "a", "fileContent": b"1"}]}, "NoChangeException"),
        ({"putFiles": [{"filePath": "a/b", "fileContent": b"1"}]}, "FileNameConflictsWithDirectoryNameException"),
        ({"putFiles": [{"filePath": "../x", "fileContent": b"1"}]}, "InvalidPathException"),
        ({"putFiles": [{"filePath": ".git/hooks/x", "fileContent": b"1"}]}, "InvalidPathException"),
        ({"putFiles": [{"filePath": "/x", "fileContent": b"1"}]}, "InvalidPathException"),
        ({"putFiles": [{"filePath": "x"}]}, "SourceFileOrContentRequiredException"),
        (
            {"putFiles": [{"filePath": "x", "fileContent": b"", "sourceFile": {"filePath": "a"}}]},
            "FileContentAndSourceFileSpecifiedException",
        ),
        ({"deleteFiles": [{"filePath": "none"}]}, "FileDoesNotExistException"),
        (
            {"putFiles": [{"filePath": "a", "fileContent": b"2"}], "deleteFiles": [{"filePath": "a"}]},
            "SamePathRequestException",
        ),
    ],
)
@pytest.mark.usefixtures("shop")
def test_changes_that_make_no_sense_are_refused(api: Any, request_: dict[str, Any], code: str) -> None:
    """Each kind of invalid change has AWS's error, and the branch stays where it is."""
    tip = _put(api, a=b"1")

    refused = _code(api, "CreateCommit", repositoryName="shop", branchName="main", parentCommitId=tip, **request_)

    assert refused == code
    assert api("GetBranch", repositoryName="shop", branchName="main")["branch"]["commitId"] == tip


@pytest.mark.usefixtures("shop")
def test_branches_are_made_listed_and_deleted(api: Any, world: Any) -> None:
    """A branch is made at a commit; the default branch cannot be deleted, others can, twice."""
    tip = _put(api, a=b"1")
    api("CreateBranch", repositoryName="shop", branchName="topic", commitId=tip)

    assert api("ListBranches", repositoryName="shop")["branches"] == ["main", "topic"]
    taken = {"repositoryName": "shop", "branchName": "topic", "commitId": tip}
    assert _code(api, "CreateBranch", **taken) == "BranchNameExistsException"
    refused = _code(api, "DeleteBranch", repositoryName="shop", branchName="main")
    assert refused == "DefaultBranchCannotBeDeletedException"
    deleted = api("DeleteBranch", repositoryName="shop", branchName="topic")
    assert deleted == {"deletedBranch": {"branchName": "topic", "commitId": tip}}
    assert api("DeleteBranch", repositoryName="shop", branchName="topic") == {}
    assert [e.detail["event"] for e in world.events] == ["referenceCreated", "referenceCreated", "referenceDeleted"]


@pytest.mark.usefixtures("shop")
def test_branches_that_cannot_be_are_refused(api: Any) -> None:
    """A branch needs a valid name and an existing commit; reading a missing one says so."""
    tip = _put(api, a=b"1")
    branch = {"repositoryName": "shop", "branchName": "topic"}

    assert _code(api, "CreateBranch", **branch, commitId="0" * 40) == "CommitDoesNotExistException"
    assert _code(api, "CreateBranch", **branch, commitId="main") == "InvalidCommitIdException"
    bad = _code(api, "CreateBranch", repositoryName="shop", branchName="a..b", commitId=tip)
    assert bad == "InvalidBranchNameException"
    assert _code(api, "GetBranch", **branch) == "BranchDoesNotExistException"
    missing = _code(api, "UpdateDefaultBranch", repositoryName="shop", defaultBranchName="topic")
    assert missing == "BranchDoesNotExistException"


@pytest.mark.usefixtures("shop")
def test_the_default_branch_can_be_changed(api: Any) -> None:
    """UpdateDefaultBranch decides what a file is read from when no commit is named."""
    tip = _put(api, a=b"1")
    api("CreateBranch", repositoryName="shop", branchName="topic", commitId=tip)
    _put(api, parent=tip, branch="topic", a=b"2")

    api("UpdateDefaultBranch", repositoryName="shop", defaultBranchName="topic")

    assert api("GetFile", repositoryName="shop", filePath="a")["fileContent"] == b"2"
    older = api("GetFile", repositoryName="shop", filePath="a", commitSpecifier="main")
    assert older["fileContent"] == b"1"


@pytest.mark.usefixtures("shop")
def test_an_archive_is_of_the_pinned_revision(api: Any, codecommit: CodeCommit) -> None:
    """Another service gets the files of exactly the commit it names, with their modes."""
    first = _put(api, a=b"1", src__b=b"x")
    _put(api, parent=first, a=b"2")

    revision = codecommit.archives.revision("111122223333", "us-east-1", "shop", first)
    archive = zipfile.ZipFile(io.BytesIO(codecommit.archives.archive(revision)))

    assert archive.read("a") == b"1"
    assert "src/b" in archive.namelist()
    tip = codecommit.archives.tip("111122223333", "us-east-1", "shop", "main")
    assert tip.commit.parents == (first,)
    with pytest.raises(ApiError, match="does not exist in shop"):
        codecommit.archives.revision("111122223333", "us-east-1", "shop", "--output=x")
