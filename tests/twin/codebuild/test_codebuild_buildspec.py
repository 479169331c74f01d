from __future__ import annotations

import pytest
from lockgate_twin.services.codebuild.buildspec import BuildspecError, parse_buildspec

_WHOLE = """
version: 0.2
env:
  shell: bash
  variables:
    NUMBER: 1.10
    YES: yes
  parameter-store:
    P: /a/b
  secrets-manager:
    S: name:key
  exported-variables: [OUT]
phases:
  install:
    runtime-versions:
      python: 3.13
  build:
    on-failure: ABORT
    commands:
      - echo one
      - |
        echo two
        echo three
    finally:
      - echo last
artifacts:
  files:
    - '**/*'
  base-directory: out
  discard-paths: no
  name: x
  secondary-artifacts:
    Other:
      files: [a.txt]
cache:
  paths: [x]
"""


def test_a_whole_buildspec_is_read() -> None:
    """Every part of a buildspec arrives, and values stay as they are written."""
    spec = parse_buildspec(_WHOLE)

    install, pre_build, build, post_build = spec.phases
    assert (install.commands, pre_build.commands, post_build.commands) == ((), (), ())
    assert build.commands == ("echo one", "echo two\necho three\n")
    assert build.finally_commands == ("echo last",)
    assert build.on_failure.rule == "ABORT"
    assert spec.runtime_versions == {"python": "3.13"}
    assert spec.variables.plaintext == {"NUMBER": "1.10", "YES": "yes"}
    assert spec.variables.parameter_store == {"P": "/a/b"}
    assert spec.variables.secrets_manager == {"S": "name:key"}
    assert spec.variables.exported == ("OUT",)
    assert spec.artifacts is not None
    assert (spec.artifacts.files, spec.artifacts.base_directory) == (("**/*",), "out")
    assert spec.secondary_artifacts["Other"].files == ("a.txt",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "wrong number of container tags, expected 1"),
        ("version: 0.2\nphases:\n\tbuild:", "found character '\\t' that cannot start any token at line 3"),
        (
            "version: 0.2\nphases:\n  build:\n    commands:\n      - a\n      - b: c\n",
            "Expected Commands[1] to be of string type: found subkeys instead at line 6, value of the key tag",
        ),
        ("version: 0.1\nphases:\n  build:\n    commands: [a]", "version must be 0.2, not '0.1'"),
        ("version: 0.2", "phases is required"),
        ("version: 0.2\nphases:\n  test:\n    commands: [a]", "unknown key 'test' in phases at line 4"),
        ("version: 0.2\nphases:\n  build: {}", "phases.build.commands is required"),
        ("version: 0.2\nphases:\n  build:\n    commands: [a]\nbatch: {}", "batch in the buildspec is not impl"),
        ("version: 0.2\nphases:\n  build:\n    on-failure: AGAIN\n    commands: [a]", "'AGAIN' must be ABORT"),
        ("version: 0.2\nphases:\n  build:\n    commands: [a]\nartifacts:\n  name: x", "artifacts.files is required"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    """Each mistake is told with its place; what the twin cannot do is refused."""
    with pytest.raises(BuildspecError) as caught:
        parse_buildspec(text)
    assert said in str(caught.value)


def test_all_mistakes_are_told_together() -> None:
    """Two mistakes in one buildspec are both named."""
    with pytest.raises(BuildspecError) as caught:
        parse_buildspec("version: 1\nphases:\n  bild:\n    commands: [a]\n")
    assert "version must be 0.2" in str(caught.value)
    assert "unknown key 'bild'" in str(caught.value)
