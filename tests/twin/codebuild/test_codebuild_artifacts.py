from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError
from lockgate_twin.services.codebuild import S3Location, sources
from lockgate_twin.services.codebuild.artifacts import collect
from lockgate_twin.services.codebuild.buildspec import ArtifactRule
from lockgate_twin.services.codebuild.errors import PhaseError
from lockgate_twin.services.codebuild.sources import unpack

from tests.twin.codebuild.conftest import Builds, archive_of, failure

OUT = {"Out": S3Location(bucket="artifacts", key="shop/Out/1")}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source folder with some files."""
    for name in ("a.txt", "deep/b.txt", "deep/er/c.bin", ".hidden"):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "src"


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (ArtifactRule(files=("a.txt",)), ["a.txt"]),
        (ArtifactRule(files=("**/*",)), [".hidden", "a.txt", "deep/b.txt", "deep/er/c.bin"]),
        (ArtifactRule(files=("deep/*",)), ["deep/b.txt"]),
        (ArtifactRule(files=("**/*",), base_directory="deep"), ["b.txt", "er/c.bin"]),
        (ArtifactRule(files=("**/*.txt",), discard_paths=True), ["a.txt", "b.txt"]),
        (ArtifactRule(files=("**/*",), exclude_paths=("deep/*", ".*")), ["a.txt"]),
        (ArtifactRule(files=("a.txt",), base_directory="."), ["a.txt"]),
    ],
)
def test_a_rule_chooses_files(tree: Path, rule: ArtifactRule, names: list[str]) -> None:
    """Globs, the base directory, discarded paths and exclusions work as in the buildspec reference."""
    assert [file.name for file in collect(rule, tree)] == names


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (ArtifactRule(files=("none*",)), "no matching artifact paths found"),
        (ArtifactRule(files=("*",), base_directory="none"), "no matching base directory path found for none"),
        (ArtifactRule(files=("../*",), base_directory="deep"), "leads out of the base directory"),
        (ArtifactRule(files=("/etc/hostname", "/etc/passwd")), "leads out of the base directory"),
    ],
)
def test_a_rule_that_finds_nothing_fails(tree: Path, rule: ArtifactRule, said: str) -> None:
    """Nothing to upload is a failure, and artifacts lie under the base directory."""
    with pytest.raises(PhaseError, match=said):
        collect(rule, tree)


def test_a_pipeline_gets_the_primary_artifact(builds: Builds, s3: Any) -> None:
    """The one output artifact holds the files that `artifacts` chooses, with their modes."""
    builds.project()
    spec = _spec(["mkdir out", "echo x > out/run.sh", "chmod +x out/run.sh"], {"files": ["*"], "base-directory": "out"})

    build = builds.run(spec, outputs=OUT)

    assert build["buildStatus"] == "SUCCEEDED"
    archive = zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket="artifacts", Key="shop/Out/1")["Body"].read()))
    assert archive.namelist() == ["run.sh"]
    assert archive.getinfo("run.sh").external_attr >> 16 & stat.S_IXUSR
    assert build["artifacts"]["location"] == "arn:aws:s3:::artifacts/shop/Out/1"


def test_a_pipeline_gets_secondary_artifacts_by_name(builds: Builds, s3: Any) -> None:
    """With several output artifacts each is the secondary artifact of the same name."""
    builds.project()
    names = ("One", "Two")
    outputs = {name: S3Location(bucket="artifacts", key=name) for name in names}
    secondary = {name: {"files": [f"{name}.txt"]} for name in names}
    spec = _spec(["touch One.txt Two.txt"], {"files": ["*"], "secondary-artifacts": secondary})

    builds.run(spec, outputs=outputs)

    for name in names:
        archive = zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket="artifacts", Key=name)["Body"].read()))
        assert archive.namelist() == [f"{name}.txt"]


def test_an_undeclared_artifact_fails_the_build(builds: Builds) -> None:
    """A pipeline's output artifact that the buildspec does not declare fails UPLOAD_ARTIFACTS."""
    builds.project()

    build = builds.commands("true", outputs=OUT)

    assert failure(build)[:2] == ("UPLOAD_ARTIFACTS", "CLIENT_ERROR")
    assert "expects the output artifact Out, but the buildspec has no artifacts" in failure(build)[2]


def test_other_inputs_have_folders_of_their_own(builds: Builds, s3: Any) -> None:
    """A second input artifact lies in CODEBUILD_SRC_DIR_<name>."""
    builds.project()
    s3.put_object(Bucket="artifacts", Key="other.zip", Body=archive_of({"x.txt": "from other"}))
    builds.inputs["Other"] = S3Location(bucket="artifacts", key="other.zip")

    build = builds.commands('cat "$CODEBUILD_SRC_DIR_Other/x.txt"')

    assert "from other" in builds.log(build)


def test_a_project_can_build_without_a_pipeline(builds: Builds, s3: Any) -> None:
    """StartBuild takes the source from S3 and puts the named archive there."""
    s3.put_object(
        Bucket="artifacts", Key="source.zip", Body=archive_of(_spec(["echo x > x"], {"files": ["x"], "name": "n-$A"}))
    )
    artifacts = {"type": "S3", "location": "artifacts", "path": "out", "packaging": "ZIP", "overrideArtifactName": True}
    builds.project(source={"type": "S3", "location": "artifacts/source.zip"}, artifacts=artifacts)
    request = {
        "projectName": "shop",
        "environmentVariablesOverride": [{"name": "A", "value": "1"}],
        "idempotencyToken": "t",
    }

    build_id = builds.api("StartBuild", **request)["build"]["id"]
    builds.codebuild.pipeline_builds.wait(build_id)

    assert builds.describe(build_id)["buildStatus"] == "SUCCEEDED"
    assert s3.get_object(Bucket="artifacts", Key="out/n-1")["ContentLength"] > 0
    assert builds.api("StartBuild", **request)["build"]["id"] == build_id
    assert builds.api("ListBuildsForProject", projectName="shop")["ids"] == [build_id]


def test_a_build_can_be_run_again(builds: Builds, s3: Any) -> None:
    """RetryBuild makes a new build with the settings of one that has ended; a pipeline's build is refused by name.

    Source: CodeBuild API Reference, RetryBuild.
    """
    body = archive_of(_spec(["echo x > x"], {"files": ["x"], "name": "n-$A"}))
    s3.put_object(Bucket="artifacts", Key="source.zip", Body=body)
    artifacts = {"type": "S3", "location": "artifacts", "path": "out", "packaging": "ZIP", "overrideArtifactName": True}
    builds.project(source={"type": "S3", "location": "artifacts/source.zip"}, artifacts=artifacts)
    given = [{"name": "A", "value": "7"}]
    first = builds.api("StartBuild", projectName="shop", environmentVariablesOverride=given)["build"]
    builds.codebuild.pipeline_builds.wait(first["id"])
    s3.delete_object(Bucket="artifacts", Key="out/n-7")
    again = builds.api("RetryBuild", id=first["id"])["build"]
    builds.codebuild.pipeline_builds.wait(again["id"])
    assert (again["id"] != first["id"], again["buildNumber"]) == (True, first["buildNumber"] + 1)
    assert builds.describe(again["id"])["buildStatus"] == "SUCCEEDED"
    assert s3.get_object(Bucket="artifacts", Key="out/n-7")["ContentLength"] > 0


def test_a_pipelines_build_is_not_run_again_alone(builds: Builds) -> None:
    """A build that a pipeline asked for is retried with its stage; an unknown one does not exist."""
    builds.project()
    build = builds.commands("true")
    with pytest.raises(ApiError, match="retry the pipeline's stage"):
        builds.api("RetryBuild", id=build["id"])
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        builds.api("RetryBuild", id="shop:none")


@pytest.mark.parametrize("name", ["../evil", "/abs/evil", "a/../../evil"])
def test_an_archive_cannot_write_outside(tmp_path: Path, name: str) -> None:
    """Entries that would end up outside the source folder are refused."""
    with pytest.raises(PhaseError, match="unsafe path"):
        unpack(archive_of({name: "x"}), tmp_path / "src")
    assert not (tmp_path / "evil").exists()


def test_an_absolute_pattern_may_name_the_source(tree: Path) -> None:
    """Buildspecs write $CODEBUILD_SRC_DIR/...; the artifact's names are relative all the same."""
    assert [file.name for file in collect(ArtifactRule(files=(f"{tree}/deep/*",)), tree)] == ["deep/b.txt"]


def test_an_archive_that_cannot_be_unpacked_fails_the_phase(tmp_path: Path) -> None:
    """Encrypted, broken and contradictory archives are the source's fault, not a defect of the twin."""
    whole = bytearray(archive_of({"a.txt": "a" * 100}))
    whole[6] |= 1  # "encrypted", in the local header
    whole[whole.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    with pytest.raises(PhaseError, match="not a zip archive that can be unpacked"):
        unpack(bytes(whole), tmp_path / "encrypted")
    with pytest.raises(PhaseError, match="not a zip archive that can be unpacked"):
        unpack(archive_of({"a": "file", "a/b": "a file beneath a file"}), tmp_path / "contradictory")


def test_an_archive_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large is refused before a byte is written."""
    monkeypatch.setattr(sources, "_MOST_BYTES", 10)
    with pytest.raises(PhaseError, match="more than 10 bytes"):
        unpack(archive_of({"a.txt": "a" * 11}), tmp_path / "bomb")
    assert list((tmp_path / "bomb").iterdir()) == []


def test_an_archive_cannot_link_outside(tmp_path: Path) -> None:
    """A symbolic link inside is kept, one that leads outside is refused."""
    inside, outside = _link("link", "a.txt"), _link("link", "../../etc/passwd")

    unpack(inside, tmp_path / "good")

    assert (tmp_path / "good" / "link").is_symlink()
    with pytest.raises(PhaseError, match="leads outside"):
        unpack(outside, tmp_path / "bad")


def _link(name: str, target: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
        archive.writestr("a.txt", "x")
    return buffer.getvalue()


def _spec(commands: list[str], artifacts: dict[str, Any]) -> dict[str, str]:
    spec = {"version": "0.2", "phases": {"build": {"commands": commands}}, "artifacts": artifacts}
    return {"buildspec.yml": json.dumps(spec, indent=1)}
