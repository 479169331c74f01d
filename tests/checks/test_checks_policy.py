"""Policy files: strict, all mistakes together with their places, layers that tighten only."""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_checks.errors import PolicyError
from lockgate_checks.policy import (
    FirstVersion,
    Recompute,
    Threshold,
    Unsure,
    load_policy,
    parse_policy,
    policy_digest,
    policy_document,
    shipped_policy,
)
from lockgate_checks.policy.layers import (
    champion_metric_of,
    first_version_of,
    matches,
    mode_of,
    recompute_of,
    threshold_for,
)
from lockgate_checks.values import Limit, Mode, Severity, Waiver

HEAD = "schema: 1\nname: own\n"
ORGANIZATION = parse_policy(
    """
schema: 1
name: organization
mode: enforce
packs: {quality: block, bias: block, data: warn}
checks: {bias.pre_training: warn}
limits:
  auc: {minimum: 0.7, confidence: 0.95, severity: block}
  DI: {minimum: 0.8, maximum: 1.25}
  "DI@colour=*": {minimum: 0.85}
  DPPL: {maximum: 0.1, confidence: 0.9, unsure: human}
  AD: {maximum: 0.1, severity: warn}
champion: {metric: auc, first_version: human}
waivers:
  - {check: bias.post_training, subject: "DI@age=*", reason: known, owner: risk, expires: 2027-01-31}
  - {check: data.drift, reason: known, owner: risk, expires: 2027-01-31}
"""
)


def mistakes(text: str, organization: object = None) -> list[tuple[int, str, str]]:
    """Return line, path and text of every mistake of a policy."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "own.yaml", organization)  # type: ignore[arg-type]
    assert all(mistake.source == "own.yaml" for mistake in caught.value.mistakes)
    return [(mistake.line, mistake.path, mistake.text) for mistake in caught.value.mistakes]


def test_a_policy_is_read_with_all_that_it_says() -> None:
    """Each key of the file is found in the model."""
    policy = parse_policy(
        """
schema: 1
name: own
mode: recommend
packs: {quality: block, data: warn}
checks: {quality.rows: disabled, quality.segments: warn}
limits:
  auc: {minimum: 0.7, confidence: 0.9, unsure: human, severity: warn}
  "DI@colour=Black": {minimum: 0.8, maximum: 1.25}
champion: {metric: auc, first_version: reject}
waivers:
  - check: bias.post_training
    subject: DI@colour=Black
    model: "*credit*"
    limit: {minimum: 0.7}
    reason: known
    owner: risk
    expires: 2027-03-31
"""
    )
    assert (policy.name, policy.mode, policy.base) == ("own", Mode.RECOMMEND, None)
    assert policy.packs == {"quality": Severity.BLOCK, "data": Severity.WARN}
    assert policy.checks == {"quality.rows": None, "quality.segments": Severity.WARN}
    assert policy.limits == {
        "auc": Threshold(Limit(0.7), 0.9, Unsure.HUMAN, Severity.WARN),
        "DI@colour=Black": Threshold(Limit(0.8, 1.25)),
    }
    assert (policy.champion_metric, policy.first_version) == ("auc", FirstVersion.REJECT)
    waiver = Waiver("bias.post_training", "known", "risk", date(2027, 3, 31), "DI@colour=Black", "*credit*", Limit(0.7))
    assert policy.waivers == (waiver,)


def test_all_mistakes_are_reported_together_with_line_and_path() -> None:
    """One reading finds everything that has to be corrected, in the order of the file."""
    keys = "schema, name, include, mode, recompute, packs, checks, limits, champion, waivers"
    found = mistakes(
        """schema: 2
mode: sometimes
pack: {quality: block}
packs: {bias: loud}
limits:
  auc: {minimum: 0.9, maximum: 0.1}
  DI: {lowest: 0.8}
  f1: {minimum: "0.5"}
waivers:
  - {check: a.b, owner: me, expires: tomorrow}
"""
    )
    assert found == [
        (1, "", "'name' is missing."),
        (1, "schema", "this library reads schema 1; write `schema: 1`."),
        (2, "mode", "'sometimes' is none of enforce, recommend."),
        (3, "pack", f"there is no 'pack' here; possible are {keys}."),
        (4, "packs.bias", "'loud' is none of block, warn."),
        (6, "limits.auc", "the minimum 0.9 is greater than the maximum 0.1."),
        (7, "limits.DI", "a limit needs `minimum`, `maximum` or both."),
        (
            7,
            "limits.DI.lowest",
            "there is no 'lowest' here; possible are minimum, maximum, confidence, unsure, severity.",
        ),
        (8, "limits.f1.minimum", "'0.5' is no finite number."),
        (10, "waivers[0]", "'reason' is missing."),
        (10, "waivers[0].expires", "'tomorrow' is no day; write it as 2027-03-31."),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits: {auc: {minimum: .nan}}", "no finite number"),
        ("limits: {auc: {minimum: .inf}}", "no finite number"),
        ("limits: {auc: {minimum: true}}", "no finite number"),
        ("limits: {auc: {minimum: [1]}}", "a list is no finite number"),
        (f"limits: {{auc: {{minimum: 1{'0' * 400}}}}}", "no finite number"),
        ("limits: {auc: 0.7}", "here belongs an object"),
        ("limits: [auc]", "here belongs an object"),
        ('limits: {"1auc": {minimum: 0}}', "neither a metric's name"),
        ('limits: {"auc@": {minimum: 0}}', "neither a metric's name"),
        ("limits: {auc: {minimum: 0, confidence: 1}}", "no level of confidence"),
        ("limits: {auc: {minimum: 0, confidence: 0.49}}", "no level of confidence"),
        ("limits: {auc: {minimum: 0, unsure: human}}", "without `confidence` nothing is unsure"),
        ("limits: {auc: {minimum: 0, confidence: 0.9, unsure: approve}}", "none of reject, human"),
        ("limits: {auc: {minimum: 0}, auc: {minimum: 1}}", "'auc' is given twice"),
        ("checks: {quality.rows: off}", "False is none of block, warn, disabled"),
        ("champion: {metric: '  '}", "here belongs text"),
        ("champion: {first_version: always}", "none of approve, human, reject"),
        ("waivers: {check: a.b}", "here belongs a list"),
        ("waivers: [{check: a.b, reason: r, owner: o, expires: 2027-02-30}]", "no such date"),
        ("waivers: [{check: a.b, reason: r, owner: o, expires: 2027-02-03 10:00:00}]", "is no day"),
        ("waivers: [{check: a.b, reason: r, owner: ' ', expires: 2027-02-03}]", "here belongs text"),
        ("waivers: [{check: a.b, reason: r, owner: o, expires: 2027-02-03, limit: {}}]", "a limit needs"),
        ("1: 2", "a key must be text"),
        ("name2: &a x\nmode: *a", "aliases"),
        ("mode: !!python/name:os.system", "the tag"),
        ("mode: !x enforce", "the tag"),
        ("mode: {", "this is not YAML"),
        ("include: nothing", "no shipped policy 'nothing'"),
        ("include: [baseline]", "here belongs text"),
    ],
)
def test_a_policy_that_is_not_strictly_right_is_refused(text: str, said: str) -> None:
    """No mistake is read as something else."""
    with pytest.raises(PolicyError, match=said):
        parse_policy(HEAD + text)


def test_bounds_of_confidence_and_limits_are_read_as_allowed() -> None:
    """A confidence of one half and a limit of a single point are lawful."""
    policy = parse_policy(HEAD + "limits: {auc: {minimum: 1, maximum: 1, confidence: 0.5}}")
    assert policy.limits["auc"] == Threshold(Limit(1, 1), 0.5)


@given(st.text())
def test_any_text_is_a_policy_or_has_mistakes(text: str) -> None:
    """Nothing but PolicyError ever comes of a file."""
    for candidate in (text, HEAD + text):
        try:
            assert parse_policy(candidate).name
        except PolicyError as error:
            assert error.mistakes  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 5_000, "x" * 600_000, "- " * 3_000])
def test_a_file_made_to_exhaust_the_reader_is_refused(text: str) -> None:
    """Depth and size are bounded."""
    with pytest.raises(PolicyError):
        parse_policy(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits: {auc: {minimum: 0.69}}", "the minimum 0.69 is below 0.7 of organization"),
        ("limits: {DI: {maximum: 1.3}}", "the maximum 1.3 is above 1.25 of organization"),
        ('limits: {"DI@colour=Black": {minimum: 0.84}}', "below 0.85"),
        ('limits: {"DI@sex=f": {minimum: 0.79}}', "below 0.8"),
        ("limits: {auc: {minimum: 0.7, confidence: 0.9}}", "the confidence 0.9 is less than 0.95"),
        ("limits: {auc: {minimum: 0.7, severity: warn}}", "organization blocks on it"),
        ("limits: {auc: {minimum: 0.7, confidence: 0.95, unsure: human}}", "rejects what is unsure"),
        ("packs: {quality: warn}", "organization blocks on it"),
        ("checks: {quality.rows: warn}", "asks for it with block"),
        ("checks: {bias.pre_training: disabled}", "asks for it with warn"),
        ("champion: {first_version: approve}", "says human"),
        ("champion: {metric: f1}", "compares by auc"),
    ],
)
def test_a_policy_on_top_may_not_loosen(text: str, said: str) -> None:
    """Each looser rule is a mistake that names the policy under it, with its line."""
    ((line, path, reason),) = mistakes(HEAD + text, ORGANIZATION)
    assert said in reason
    assert "without a waiver in organization" in reason
    assert line == 3
    assert path.split(".")[0] == text.partition(":")[0]


@pytest.mark.parametrize(
    "text",
    [
        "limits: {auc: {minimum: 0.7, confidence: 0.95}}",
        "limits: {auc: {minimum: 0.71}}",
        "limits: {auc: {maximum: 0.99}}",
        "limits: {DI: {maximum: 1.25}}",
        "limits: {f1: {minimum: 0.1}}",
        "packs: {quality: block, data: block, lineage: warn}",
        "checks: {bias.pre_training: block, lineage.complete: disabled}",
        "champion: {metric: auc, first_version: reject}",
        "mode: recommend",
        "limits: {DPPL: {minimum: -0.1}}",
        "limits: {DPPL: {maximum: 0.1, confidence: 0.95, unsure: human}}",
        "limits: {DI: {minimum: 0.8, confidence: 0.5, unsure: human}}",
        "limits: {AD: {maximum: 0.1, severity: block}}",
        "limits: {AD: {maximum: 0.1, severity: warn}}",
        "limits: {DI: {minimum: 0.8, severity: warn}}",
        "champion: {first_version: human}",
        "packs: {bias: block}",
        "checks: {quality.rows: block, bias.pre_training: warn}",
        'limits: {"DI@age=old": {minimum: 0.6}}',
    ],
)
def test_a_policy_on_top_may_tighten_add_or_use_a_waiver(text: str) -> None:
    """Stricter and new rules are lawful, and looser ones where the organization waived it."""
    assert parse_policy(HEAD + text, organization=ORGANIZATION).base is ORGANIZATION


def test_every_policy_under_a_file_binds_it() -> None:
    """Not only the lowest, and not only the next."""
    between = parse_policy("schema: 1\nname: between\nlimits: {f1: {minimum: 0.5}}", organization=ORGANIZATION)
    found = mistakes(HEAD + "limits: {f1: {minimum: 0.4}, auc: {minimum: 0.4}}", between)
    assert [text.partition(";")[0] for _, _, text in found] == [
        "the minimum 0.4 is below 0.7 of organization",
        "the minimum 0.4 is below 0.5 of between",
    ]
    assert found[0][2].endswith(
        "; a policy on top can tighten only; without a waiver in organization, write nothing looser than it."
    )


def test_an_organization_that_only_recommends_is_not_enforced_by_a_project() -> None:
    """Recommend is the stricter mode, since a person decides."""
    careful = parse_policy("schema: 1\nname: careful\nmode: recommend\n")
    ((_, path, reason),) = mistakes(HEAD + "mode: enforce", careful)
    assert (path, reason.split(";")[0]) == ("mode", "careful says recommend")
    assert mode_of(parse_policy(HEAD, organization=careful)) is Mode.RECOMMEND
    assert mode_of(parse_policy(HEAD + "mode: recommend", organization=ORGANIZATION)) is Mode.RECOMMEND
    assert mode_of(ORGANIZATION) is Mode.ENFORCE


def test_the_strictest_rule_for_first_versions_holds() -> None:
    """Where nobody says anything, a person decides."""
    assert first_version_of(parse_policy(HEAD)) is FirstVersion.HUMAN
    assert first_version_of(parse_policy(HEAD + "champion: {first_version: approve}")) is FirstVersion.APPROVE
    strict = parse_policy(HEAD + "champion: {first_version: reject}", organization=ORGANIZATION)
    assert first_version_of(strict) is FirstVersion.REJECT
    assert champion_metric_of(parse_policy(HEAD)) is None
    assert champion_metric_of(strict) == "auc"
    silent = parse_policy("schema: 1\nname: silent")
    on_top = parse_policy(HEAD + "champion: {metric: f1, first_version: approve}", organization=silent)
    assert champion_metric_of(on_top) == "f1"
    assert first_version_of(on_top) is FirstVersion.APPROVE
    assert first_version_of(parse_policy(HEAD, organization=on_top)) is FirstVersion.APPROVE


def test_the_most_specific_limit_of_a_subject_holds() -> None:
    """Its own goes before a pattern, a longer pattern before a shorter one, any of them before the metric's."""
    policy = parse_policy(
        HEAD
        + """
limits:
  DI: {minimum: 0.1}
  "DI@*": {minimum: 0.2}
  "DI@colour=*": {minimum: 0.3}
  "DI@colour=Black": {minimum: 0.4}
  "AD@colour=*": {minimum: 0.5}
"""
    )
    chosen = {
        subject: threshold.limit.minimum if (threshold := threshold_for(policy, subject)) else None
        for subject in (
            "DI@colour=Black",
            "DI@colour=White",
            "DI@sex=f",
            "DI",
            "AD@colour=Black",
            "AD@sex=f",
            "AD",
            "D",
        )
    }
    assert chosen == {
        "DI@colour=Black": 0.4,
        "DI@colour=White": 0.3,
        "DI@sex=f": 0.2,
        "DI": 0.1,
        "AD@colour=Black": 0.5,
        "AD@sex=f": None,
        "AD": None,
        "D": None,
    }


def test_a_star_stands_for_any_text_and_nothing_else_is_special() -> None:
    """Matching agrees with the definition, tried over every way to take the star, for all short patterns and texts."""

    def follows(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(follows(pattern[1:], text[start:]) for start in range(len(text) + 1))
        return text[:1] == pattern[0] and follows(pattern[1:], text[1:])

    texts = ["".join(letters) for length in range(6) for letters in product("ab", repeat=length)]
    patterns = ["".join(letters) for length in range(6) for letters in product("ab*", repeat=length)]
    wrong = [(p, t) for p in patterns for t in texts if matches(p, t) is not follows(p, t)]
    assert not wrong
    assert matches("[a]?.(*)", "[a]?.(x)")
    assert not matches("a?", "ab")


def test_a_file_includes_another_from_its_own_folder(tmp_path: Path) -> None:
    """Included policies stand under the file, and their mistakes are reported with its own."""
    (tmp_path / "organization.yaml").write_text(HEAD.replace("own", "organization") + "include: baseline\n")
    project = tmp_path / "project.yaml"
    project.write_text(HEAD + "include: organization.yaml\n")
    assert [layer.name for layer in load_policy(project).layers] == ["baseline", "organization", "own"]

    (tmp_path / "organization.yaml").write_text("schema: 1\n")
    project.write_text("name: own\ninclude: organization.yaml\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(project)
    assert [Path(mistake.source).name for mistake in caught.value.mistakes] == ["organization.yaml", "project.yaml"]
    assert str(caught.value).splitlines()[1].endswith("project.yaml, line 1: 'schema' is missing.")


def test_what_cannot_be_included_is_a_mistake(tmp_path: Path) -> None:
    """A missing file, one that is not text, and a circle end in one sentence."""
    project = tmp_path / "project.yaml"
    for name, said in (
        ("missing.yaml", "No such file"),
        ("bytes.yaml", "not UTF-8"),
        ("project.yaml", "without an end"),
    ):
        (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
        project.write_text(HEAD + f"include: {name}\n")
        with pytest.raises(PolicyError, match=said):
            load_policy(project)


def test_policies_include_one_another_five_deep_at_most(tmp_path: Path) -> None:
    """A longer chain is taken for a mistake."""
    for number in range(1, 7):
        following = "" if number == 6 else f"include: {number + 1}.yaml\n"
        (tmp_path / f"{number}.yaml").write_text(HEAD + following)
    assert len(load_policy(tmp_path / "2.yaml").layers) == 5
    with pytest.raises(PolicyError, match="without an end"):
        load_policy(tmp_path / "1.yaml")


def test_a_project_cannot_choose_what_it_stands_on(tmp_path: Path) -> None:
    """With the organization's policy given, the project's own include has no effect."""
    project = tmp_path / "project.yaml"
    project.write_text(HEAD + "include: baseline\n")
    assert load_policy(project, ORGANIZATION).base is ORGANIZATION
    assert parse_policy(HEAD + "include: nowhere", organization=ORGANIZATION).base is ORGANIZATION


def test_the_digest_is_of_what_a_policy_says() -> None:
    """Comments, order and file names do not change it; every rule does, also one of the policy under it."""
    text = HEAD + "packs: {quality: block, bias: warn}\nlimits: {auc: {minimum: 0.7}}\n"
    same = "# why\nname: own\nschema: 1\nlimits:\n  auc:\n    minimum: 0.70\npacks: {bias: warn, quality: block}\n"
    digest = policy_digest(parse_policy(text))
    assert digest == policy_digest(parse_policy(same, "another.yaml"))
    assert len(digest) == 64
    others = [
        parse_policy(text.replace("0.7", "0.71")),
        parse_policy(text.replace("warn", "block")),
        parse_policy(text + "mode: enforce"),
        parse_policy(text + "champion: {first_version: human}"),
        parse_policy(text + "waivers: [{check: a.b, reason: r, owner: o, expires: 2027-01-01}]"),
        parse_policy(text.replace("warn", "block"), organization=ORGANIZATION),
        parse_policy(text.replace("warn", "block"), organization=shipped_policy("baseline")),
    ]
    assert len({digest, *map(policy_digest, others)}) == len(others) + 1


def test_the_document_of_a_policy_holds_every_layer() -> None:
    """The canonical form starts with the organization's own layer."""
    document = policy_document(parse_policy(HEAD, organization=ORGANIZATION))
    assert [layer["name"] for layer in document["layers"]] == ["organization", "own"]
    assert document["layers"][0]["waivers"][0]["expires"] == "2027-01-31"


def test_a_shipped_policy_is_asked_for_by_name() -> None:
    """The baseline blocks on the confidence bound of the AUC, the four-fifths rule and DPPL."""
    baseline = shipped_policy("baseline")
    assert baseline.limits["auc"] == Threshold(Limit(0.68), 0.95)
    assert baseline.limits["DI"] == Threshold(Limit(0.8, 1.25))
    assert baseline.limits["DPPL"] == Threshold(Limit(-0.1, 0.1))
    with pytest.raises(PolicyError, match="there is baseline"):
        shipped_policy("other")


def test_the_documented_policy_is_lawful() -> None:
    """The page's example is read without a mistake, and uses every key that there is."""
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]
    policy = parse_policy(text)
    assert [layer.name for layer in policy.layers] == ["baseline", "acme"]
    assert all(
        f"\n{key}:" in f"\n{text}" for key in ("schema", "mode", "packs", "checks", "limits", "champion", "waivers")
    )
    assert policy.waivers[0].limit == Limit(0.75)


def test_a_project_cannot_have_its_own_scores_believed() -> None:
    """The organization may take declared scores; a policy on top of one that does not may not say so."""
    organization = parse_policy("schema: 1\nname: acme\ninclude: baseline\nrecompute: declared\n")
    assert recompute_of(organization) is Recompute.DECLARED
    strict = parse_policy("schema: 1\nname: acme\ninclude: baseline\n")
    assert recompute_of(strict) is Recompute.REQUIRED
    with pytest.raises(PolicyError, match="does not take declared scores"):
        parse_policy("schema: 1\nname: mine\nrecompute: declared\n", organization=strict)
    tighter = parse_policy("schema: 1\nname: mine\nrecompute: required\n", organization=organization)
    assert recompute_of(tighter) is Recompute.REQUIRED
