"""From evidence and policy to the verdict: closed to whatever is not surely good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks.bundle import from_mapping
from lockgate_checks.check import Check, Measured, check, failed, passed, skipped
from lockgate_checks.decide import decide, verdict_of
from lockgate_checks.errors import CheckError
from lockgate_checks.integrity import Subject
from lockgate_checks.policy import Policy, Threshold, load_policy, parse_policy, policy_digest, shipped_policy
from lockgate_checks.registry import BUILT_IN
from lockgate_checks.values import Decision, Finding, Limit, Mode, Outcome, Severity, Verdict

from tests.checks.complete_evidence import ARN, NOW, decided, evidence, first_version, found, put

DI = "bias/post_training_bias_metrics/facets/colour/0/metrics/1/value"
BIASED = 0.7
HEAD = "schema: 1\nname: own\n"
WAIVER = "{check: bias.post_training, reason: new data in May, owner: risk, expires: 2027-03-31"


def biased() -> dict[str, Any]:
    """Return evidence that fails the four-fifths rule and nothing else."""
    return put(evidence(), DI, BIASED)


def baseline_with(text: str) -> Policy:
    """Return an organization's policy on top of the baseline."""
    return parse_policy(f"{HEAD}include: baseline\n{text}\n")


def project_with(text: str) -> Policy:
    """Return a project's policy on top of an organization that chose the baseline's rules."""
    return parse_policy(f"{HEAD}{text}\n", organization=shipped_policy("baseline"))


def organization_with(text: str) -> Policy:
    """Return the baseline's rules and further ones in a single file."""
    own = parse_policy(f"{HEAD}{text}\n")
    return replace(shipped_policy("baseline"), waivers=own.waivers, name="organization")


def test_good_evidence_is_approved_with_all_that_the_decision_rests_on() -> None:
    """The decision names policy, evidence, time and model version, and holds a finding for every check."""
    decision = decided(evidence(), subject=Subject(ARN))
    assert decision.verdict is decision.recommendation is Verdict.APPROVE
    assert decision.policy_digest == policy_digest(shipped_policy("baseline"))
    assert decision.evidence_digests == from_mapping(evidence()).digests
    assert (decision.decided_at, decision.model_package_arn, decision.mode) == (NOW, ARN, Mode.ENFORCE)
    assert {finding.check for finding in decision.findings} == {check.id for check in BUILT_IN}


def test_a_first_version_is_approved_where_the_policy_says_so() -> None:
    """Comparisons are skipped, everything else is asked."""
    decision = decided(first_version())
    assert decision.verdict is Verdict.APPROVE
    skips = {f.check for f in decision.findings if f.outcome is Outcome.SKIP and "approved version" in f.reason}
    assert skips == {"champion.difference", "data.constraints", "data.drift", "explainability.ranking"}


@pytest.mark.parametrize(("rule", "verdict"), [("human", Verdict.HUMAN), ("reject", Verdict.REJECT)])
def test_a_first_version_goes_to_a_person_or_is_rejected_where_the_policy_says_so(rule: str, verdict: Verdict) -> None:
    """The strictest layer's rule holds."""
    policy = baseline_with(f"champion: {{first_version: {rule}}}")
    assert decided(first_version(), policy).verdict is verdict
    assert found(decided(first_version(), policy), "champion.difference").severity is Severity.BLOCK
    assert found(decided(first_version(), policy), "data.drift").severity is Severity.WARN


def test_a_first_version_with_an_approved_one_beside_it_is_not_believed() -> None:
    """Evidence that contradicts itself does not skip comparisons."""
    contradiction = evidence() | {"champion": first_version()["champion"]}
    assert decided(contradiction).verdict is Verdict.REJECT
    assert "interval" in found(decided(contradiction), "champion.difference").reason
    broken = first_version() | {"baseline_bias": "no JSON"}
    assert found(decided(broken), "champion.difference").outcome is Outcome.FAIL


def test_a_version_with_an_approved_one_before_it_is_compared() -> None:
    """Leaving out the approved version's documents does not make a first version of it."""
    alone = {name: document for name, document in evidence().items() if not name.startswith("baseline_")}
    assert decided(alone).verdict is Verdict.HUMAN
    assert "baseline_bias is missing" in found(decided(alone), "explainability.ranking").reason
    worse = {"champion": 0.8, "difference": -0.05, "interval": [-0.07, -0.03]}
    assert decided(alone | {"champion": alone["champion"] | worse}).verdict is Verdict.REJECT


def test_biased_evidence_is_rejected_with_number_limit_and_margin() -> None:
    """The failing finding says what was found, what is allowed and what it means."""
    decision = decided(biased())
    assert decision.verdict is decision.recommendation is Verdict.REJECT
    finding = found(decision, "bias.post_training", "DI@colour=Black")
    assert (finding.outcome, finding.severity, finding.blocks) == (Outcome.FAIL, Severity.BLOCK, True)
    assert (finding.value, finding.limit, finding.waived_by) == (BIASED, Limit(0.8, 1.25), None)
    assert finding.margin == pytest.approx(-0.1)
    assert finding.reason.startswith("DI@colour=Black is 0.7, not in [0.8, 1.25]. The model treats a group differently")


@pytest.mark.parametrize("name", ["model_quality", "bias", "champion", "lineage"])
@pytest.mark.parametrize(
    "document", [None, "", "{", "[]", "{}", '{"a": NaN}', '{"a": 1, "a": 2}', b"\xff", math.nan, "[" * 100_000, 7]
)
def test_a_document_that_is_missing_or_unreadable_is_never_approved(name: str, document: Any) -> None:
    """Each document that a blocking check asks for is needed, and must be a strict JSON object."""
    documents = evidence()
    del documents[name]
    if document is not None:
        documents[name] = document
    decision = decided(documents)
    assert decision.verdict is Verdict.REJECT
    assert any(name in finding.reason for finding in decision.findings if finding.blocks) or document == "{}"


def test_an_unreadable_document_blocks_even_where_no_check_asks_for_it() -> None:
    """Whatever is in the bundle can be read."""
    decision = decided(evidence() | {"transcripts": "{"})
    assert decision.verdict is Verdict.REJECT
    assert found(decision, "evidence.readable", "transcripts").blocks


@pytest.mark.parametrize("value", [None, True, "0.9", "NaN", 1e308 * 10, [0.9], 10**400])
@pytest.mark.parametrize(
    "path",
    [DI, "model_quality/binary_classification_metrics/auc/value", "model_quality/dataset/item_count"],
)
def test_a_required_number_that_is_none_is_never_approved(path: str, value: Any) -> None:
    """Text, booleans, nothing and infinities are not values within limits."""
    assert decided(put(evidence(), path, value)).verdict is Verdict.REJECT


def test_a_limited_metric_that_the_evidence_lacks_is_rejected() -> None:
    """The limit's own key is named, also for a facet value or a pattern that nobody measured."""
    documents = evidence()
    del documents["bias"]["post_training_bias_metrics"]["facets"]["colour"][0]["metrics"][1]
    finding = found(decided(documents), "bias.post_training", "DI")
    assert finding.blocks
    assert finding.reason.startswith("The policy limits DI, but the evidence does not hold it.")
    for key in ("DI@colour=White", "DI@sex=*"):
        decision = decided(evidence(), baseline_with(f'limits: {{"{key}": {{minimum: 0.9}}}}'))
        assert found(decision, "bias.post_training", key).blocks
    assert decided(evidence(), baseline_with('limits: {"DI@colour=*": {minimum: 0.9}}')).verdict is Verdict.APPROVE


def test_what_only_warns_goes_to_a_person_where_it_is_not_known() -> None:
    """A bad number would only warn; none at all is never approved."""
    for documents in (
        put(evidence(), "data_quality/features/0/numerical_statistics/common/num_present", "NaN"),
        {name: document for name, document in evidence().items() if name != "data_quality"},
        {name: document for name, document in evidence().items() if name != "baseline_bias"},
        put(evidence(), "bias/pre_training_bias_metrics/facets/colour/0/metrics/1/name", "TVD"),
    ):
        decision = decided(documents)
        assert decision.verdict is Verdict.HUMAN
        assert any(f.outcome is Outcome.SKIP and f.severity is Severity.BLOCK for f in decision.findings)


def test_a_missing_metric_has_the_severity_of_its_limit() -> None:
    """One of a limit that only warns is for a person, one of a limit that blocks rejects."""
    decision = decided(evidence(), baseline_with("limits: {TE: {minimum: 0, severity: warn}, RD: {minimum: -1}}"))
    assert found(decision, "bias.post_training", "TE").outcome is Outcome.SKIP
    assert [f.subject for f in decision.findings if f.blocks] == ["RD"]


@pytest.mark.parametrize(
    ("text", "check_id", "subject"),
    [
        ("limits: {acu: {minimum: 0.7}}", "policy.limits", "acu"),
        ('limits: {"acu@x=*": {minimum: 0.7}}', "policy.limits", "acu@x=*"),
        ("packs: {qualitty: warn}", "policy.checks", "qualitty"),
        ("checks: {quality.rowss: block}", "policy.checks", "quality.rowss"),
        ("waivers: [{check: a.b, reason: r, owner: o, expires: 2099-01-01}]", "policy.checks", "a.b"),
    ],
)
def test_a_name_that_nobody_knows_blocks(text: str, check_id: str, subject: str) -> None:
    """A mistyped name would otherwise check nothing."""
    decision = decided(evidence(), baseline_with(text))
    assert decision.verdict is Verdict.REJECT
    assert found(decision, check_id, subject).blocks


def test_a_limit_of_a_check_that_nobody_asks_for_blocks() -> None:
    """A limit without its pack would never be looked at."""
    decision = decided(evidence(), HEAD + "packs: {quality: block}\nlimits: {auc: {minimum: 0.7}, DI: {minimum: 0.8}}")
    assert found(decision, "policy.limits", "DI").blocks
    assert not [f for f in decision.findings if f.check == "policy.limits" and f.subject == "auc"]


def test_a_policy_that_asks_for_nothing_approves_nothing() -> None:
    """No checks is a mistake; checks without an answer are for a person."""
    decision = decided(evidence(), HEAD)
    assert decision.verdict is Verdict.REJECT
    assert found(decision, "policy.checks", "own").reason == "The policy asks for no check; choose packs."
    assert found(decision, "policy.checks", "own").family == "policy"
    silent = decided(evidence(), HEAD + "packs: {quality: block}")
    assert silent.verdict is Verdict.HUMAN
    said = "The policy sets no limit for anything that this check measures."
    assert found(silent, "quality.rows").reason == said


def test_only_checks_of_the_policy_are_asked() -> None:
    """A check switched off in its own layer is not run; other layers can still ask for it."""
    own = parse_policy(
        HEAD + "packs: {quality: block}\nchecks: {quality.segments: disabled}\nlimits: {auc: {minimum: 0}}"
    )
    assert {f.check for f in decided(evidence(), own).findings} == {"quality.metrics", "quality.rows"}
    on_top = parse_policy(HEAD + "checks: {quality.segments: warn}", organization=own)
    assert "quality.segments" in {f.check for f in decided(evidence(), on_top).findings}


def test_a_check_that_only_warns_does_not_reject() -> None:
    """It is reported as failed all the same."""
    warning = put(
        evidence(), "data_quality/features/0/numerical_statistics/common", {"num_present": 9, "num_missing": 91}
    )
    decision = decided(warning)
    finding = found(decision, "data.completeness", "completeness@age")
    assert (finding.outcome, finding.severity, finding.value) == (Outcome.FAIL, Severity.WARN, 0.09)
    assert decision.verdict is Verdict.APPROVE
    assert decided(warning, baseline_with("packs: {data: block}")).verdict is Verdict.REJECT


def test_what_is_unsure_goes_to_a_person() -> None:
    """The comparison's value lies within its limit, its interval does not."""
    unsure = put(evidence(), "champion/interval", [-0.05, 0.07])
    decision = decided(unsure)
    assert decision.verdict is Verdict.HUMAN
    assert found(decision, "champion.difference", "champion_difference").outcome is Outcome.SKIP


def test_a_recommended_decision_is_always_for_a_person() -> None:
    """The verdict alone is safe to act on; what the checks say stands beside it."""
    policy = baseline_with("mode: recommend")
    for documents, said in ((evidence(), Verdict.APPROVE), (biased(), Verdict.REJECT)):
        decision = decided(documents, policy)
        assert (decision.verdict, decision.recommendation, decision.mode) == (Verdict.HUMAN, said, Mode.RECOMMEND)


def test_altered_evidence_is_rejected() -> None:
    """A document must have the digest that was registered for it, and be there."""
    digests = dict(from_mapping(evidence()).digests)
    assert decided(evidence(), subject=Subject(ARN, digests)).verdict is Verdict.APPROVE
    altered = put(evidence(), "champion/n", 1301)
    decision = decided(altered, subject=Subject(ARN, digests))
    assert decision.verdict is Verdict.REJECT
    assert [(f.subject, f.family) for f in decision.findings if f.blocks] == [("champion", "evidence")]
    assert {f.family for f in decision.findings if f.check == "evidence.unaltered"} == {"evidence"}
    missing = decided(evidence(), subject=Subject(ARN, digests | {"transcripts": "0" * 64}))
    assert "is missing" in found(missing, "evidence.unaltered", "transcripts").reason


def test_evidence_about_another_model_is_rejected() -> None:
    """The lineage must say what the registry says, and cannot be silent about it."""
    registered = {"model_digest": "b" * 64, "commit": "a" * 40}
    assert decided(evidence(), subject=Subject(ARN, lineage=registered)).verdict is Verdict.APPROVE
    for facts in ({"model_digest": "0" * 64}, {"approver": "me"}):
        decision = decided(evidence(), subject=Subject(ARN, lineage=facts))
        assert [f.check for f in decision.findings if f.blocks] == ["evidence.same_model"]
    without = {name: document for name, document in evidence().items() if name != "lineage"}
    decision = decided(without, HEAD + "packs: {quality: block}", subject=Subject(ARN, lineage=registered))
    assert found(decision, "evidence.same_model", "commit").blocks


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody knows on which day it is."""
    with pytest.raises(CheckError, match="time zone"):
        decide(from_mapping(evidence()), shipped_policy("baseline"), datetime(2027, 3, 1))  # noqa: DTZ001


# Waivers


def test_a_waiver_excepts_the_failure_that_it_names() -> None:
    """The finding stays a failure with its number, and names who answers for the exception."""
    policy = organization_with(f'waivers: [{WAIVER}, subject: "DI@colour=*"}}]')
    decision = decided(biased(), policy)
    finding = found(decision, "bias.post_training", "DI@colour=Black")
    assert decision.verdict is Verdict.APPROVE
    assert (finding.outcome, finding.waived_by, finding.value) == (Outcome.FAIL, "risk", BIASED)
    assert finding.reason.endswith("Waived by risk until 2027-03-31: new data in May")
    assert decision.waivers == policy.waivers


@pytest.mark.parametrize(
    "waiver",
    [
        WAIVER + ', subject: "AD*"}',
        WAIVER.replace("bias.post_training", "bias.pre_training") + "}",
        WAIVER + ', model: "*:model-package/other-*"}',
        WAIVER + ", limit: {minimum: 0.75}}",
    ],
)
def test_a_waiver_excepts_nothing_else(waiver: str) -> None:
    """Another subject, another check, another model, and a value beyond the waiver's own limit are not excepted."""
    decision = decided(biased(), organization_with(f"waivers: [{waiver}]"), subject=Subject(ARN))
    assert decision.verdict is Verdict.REJECT


def test_a_waiver_reaches_as_far_as_its_own_limit() -> None:
    """The bound itself is still excepted."""
    policy = organization_with(f"waivers: [{WAIVER}, limit: {{minimum: {BIASED}}}}}]")
    assert decided(biased(), policy).verdict is Verdict.APPROVE
    finding = found(decided(put(evidence(), DI, 0.69), policy), "bias.post_training", "DI@colour=Black")
    assert finding.reason.endswith("The waiver of risk goes no further than >= 0.7.")


@pytest.mark.parametrize(
    ("moment", "verdict"),
    [
        (datetime(2027, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC), Verdict.APPROVE),
        (datetime(2027, 4, 1, tzinfo=UTC), Verdict.REJECT),
        (datetime(2027, 4, 1, 1, tzinfo=timezone(timedelta(hours=2))), Verdict.APPROVE),
        (datetime(2027, 3, 31, 23, tzinfo=timezone(-timedelta(hours=2))), Verdict.REJECT),
    ],
)
def test_a_waiver_holds_through_its_last_day_in_utc(moment: datetime, verdict: Verdict) -> None:
    """The first instant of the next day is too late, whatever the clock's own zone."""
    decision = decided(biased(), organization_with(f"waivers: [{WAIVER}}}]"), now=moment)
    assert decision.verdict is verdict
    assert len(decision.waivers) == (verdict is Verdict.APPROVE)
    if verdict is Verdict.REJECT:
        finding = found(decision, "bias.post_training", "DI@colour=Black")
        assert finding.reason.endswith("The waiver of risk expired on 2027-03-31.")


def test_an_expired_waiver_that_nothing_needs_goes_to_a_person() -> None:
    """Nobody is approved on a policy that has to be looked at; an expired waiver for other models does not matter."""
    late = datetime(2027, 4, 1, tzinfo=UTC)
    decision = decided(evidence(), organization_with(f"waivers: [{WAIVER}}}]"), now=late)
    assert decision.verdict is Verdict.HUMAN
    finding = found(decision, "policy.waivers", "bias.post_training *")
    assert (finding.outcome, finding.severity, finding.family) == (Outcome.SKIP, Severity.BLOCK, "policy")
    other = organization_with(f'waivers: [{WAIVER}, model: "*other*"}}]')
    assert decided(evidence(), other, now=late, subject=Subject(ARN)).verdict is Verdict.APPROVE


def test_a_waiver_that_holds_and_is_not_needed_changes_nothing() -> None:
    """It neither holds a version up nor is it reported as expired; an expired one that is needed is said once."""
    policy = organization_with(f"waivers: [{WAIVER}}}]")
    decision = decided(evidence(), policy)
    assert decision.verdict is Verdict.APPROVE
    assert not [f for f in decision.findings if f.check == "policy.waivers"]
    late = decided(biased(), policy, now=datetime(2027, 4, 1, tzinfo=UTC))
    assert not [f for f in late.findings if f.check == "policy.waivers"]


def test_several_useless_waivers_are_all_explained() -> None:
    """Each says why it does not help."""
    waivers = f"{WAIVER}, limit: {{minimum: 0.75}}}}, {WAIVER.replace('2027-03-31', '2027-01-31')}}}"
    finding = found(
        decided(biased(), organization_with(f"waivers: [{waivers}]")), "bias.post_training", "DI@colour=Black"
    )
    assert finding.reason.endswith("further than >= 0.75. The waiver of risk expired on 2027-01-31.")


def test_a_waiver_with_a_limit_does_not_except_an_answer_without_a_number() -> None:
    """There is nothing that could lie within its limit."""
    waiver = "{check: lineage.held_out, limit: {minimum: 0}, reason: r, owner: risk, expires: 2027-03-31}"
    leaking = put(evidence(), "lineage/evaluation_data_digest", "c" * 64)
    assert decided(leaking, organization_with(f"waivers: [{waiver}]")).verdict is Verdict.REJECT


def test_a_project_cannot_waive_what_its_organization_demands() -> None:
    """A waiver excepts from the rules of its own file and those on top, never from those under it."""
    project = project_with(f"waivers: [{WAIVER}}}]")
    decision = decided(biased(), project)
    assert decision.verdict is Verdict.REJECT
    finding = found(decision, "bias.post_training", "DI@colour=Black")
    assert finding.reason.endswith(
        "The waiver of risk is in a policy on top of the one that demands this: ask that one's owner."
    )


def test_an_organization_can_waive_what_it_took_over_from_a_shipped_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Including the baseline makes its rules the organization's own; a project on top of it cannot waive them."""
    organization = baseline_with(f"waivers: [{WAIVER}}}]")
    assert decided(biased(), organization).verdict is Verdict.APPROVE
    monkeypatch.chdir(tmp_path)
    for name in ("organization.yaml", "baseline.yaml"):
        Path(name).write_text(HEAD + "include: baseline\n")
        Path("project.yaml").write_text(HEAD + f"include: {name}\nwaivers: [{WAIVER}}}]\n")
        assert decided(biased(), load_policy(Path("project.yaml"))).verdict is Verdict.REJECT
    bare = tmp_path / "organization.yaml"
    project = tmp_path / "project.yaml"
    project.write_text(HEAD + f"include: baseline\nwaivers: [{WAIVER}}}]\n")
    assert decided(biased(), load_policy(project, load_policy(bare))).verdict is Verdict.REJECT
    assert decided(biased(), load_policy(project, shipped_policy("baseline"))).verdict is Verdict.REJECT


def test_a_project_can_waive_its_own_stricter_limit() -> None:
    """What passes the organization's limit is the project's own affair."""
    project = project_with(f"limits: {{DI: {{minimum: 0.97}}}}\nwaivers: [{WAIVER}}}]")
    decision = decided(evidence(), project)
    assert decision.verdict is Verdict.APPROVE
    assert found(decision, "bias.post_training", "DI@colour=Black").limit == Limit(0.97)
    assert decided(biased(), project).verdict is Verdict.REJECT


def test_an_organizations_waiver_covers_the_layers_on_top() -> None:
    """It excepts from a project's stricter limit too."""
    organization = organization_with(f"waivers: [{WAIVER}}}]")
    project = parse_policy(HEAD + "limits: {DI: {minimum: 0.97}}", organization=organization)
    assert decided(biased(), project).verdict is Verdict.APPROVE


@pytest.mark.parametrize("value", ["NaN", None])
def test_a_waiver_cannot_except_what_is_no_number(value: Any) -> None:
    """Missing evidence is nobody's to waive."""
    policy = organization_with(f"waivers: [{WAIVER}}}]")
    assert decided(put(evidence(), DI, value), policy).verdict is Verdict.REJECT
    assert decided({**evidence(), "bias": "{"}, policy).verdict is Verdict.REJECT
    no_metric = put(evidence(), DI.removesuffix("/value"), {"name": "TE", "value": 0})
    assert decided(no_metric, policy).verdict is Verdict.REJECT


def test_a_waiver_excepts_from_an_answer_of_no() -> None:
    """Questions of yes or no can be waived like numbers, by the layer that asks for them."""
    leaking = put(evidence(), "lineage/evaluation_data_digest", "c" * 64)
    waiver = "waivers: [{check: lineage.held_out, reason: r, owner: risk, expires: 2027-03-31}]"
    assert decided(leaking).verdict is Verdict.REJECT
    assert decided(leaking, organization_with(waiver)).verdict is Verdict.APPROVE
    assert decided(leaking, project_with(waiver)).verdict is Verdict.REJECT


# Layers


def test_every_layers_limit_holds_and_the_nearest_is_shown() -> None:
    """A project's stricter limit decides; the organization's looser one does not hide it."""
    project = baseline_with("limits: {DI: {minimum: 0.97}}")
    finding = found(decided(evidence(), project), "bias.post_training", "DI@colour=Black")
    assert (finding.outcome, finding.limit) == (Outcome.FAIL, Limit(0.97))
    finding = found(
        decided(evidence(), baseline_with("limits: {DI: {minimum: 0.9}}")), "bias.post_training", "DI@colour=Black"
    )
    assert (finding.outcome, finding.limit) == (Outcome.PASS, Limit(0.9))


def test_a_warning_of_one_layer_does_not_hide_a_persons_question_of_another() -> None:
    """What needs a person goes before what only warns."""
    organization = parse_policy(
        HEAD + "packs: {quality: block}\nlimits: {auc: {minimum: 0.8, severity: warn}, rows: {minimum: 1}}"
    )
    project = parse_policy(
        HEAD + "limits: {auc: {minimum: 0.81, confidence: 0.95, severity: warn}}", organization=organization
    )
    assert decided(evidence(), project).verdict is Verdict.APPROVE
    unsure = parse_policy(
        "schema: 1\nname: o\npacks: {quality: block}\nlimits: {auc: {minimum: 0.73, confidence: 0.95, unsure: human}}"
    )
    both = replace(unsure, base=organization)
    assert decided(evidence(), both).verdict is Verdict.HUMAN


@pytest.mark.parametrize("turned", [False, True])
def test_the_gravest_layer_decides(turned: bool) -> None:  # noqa: FBT001 - the order of the layers
    """What rejects goes before a person's question, that before a warning, that before a waived failure or a pass."""
    ranked = [
        ("{minimum: 0.9}", Outcome.FAIL, Severity.BLOCK),
        ("{minimum: 0.73, confidence: 0.95, unsure: human}", Outcome.SKIP, Severity.BLOCK),
        ("{minimum: 0.95, severity: warn}", Outcome.FAIL, Severity.WARN),
        ("{minimum: 0.74}", Outcome.PASS, Severity.BLOCK),
        ("{minimum: 0.7}", Outcome.PASS, Severity.BLOCK),
    ]
    for place, (graver, outcome, severity) in enumerate(ranked):
        for milder, *_ in ranked[place + 1 :]:
            texts = (milder, graver) if turned else (graver, milder)
            layers = [parse_policy(f"{HEAD}packs: {{quality: block}}\nlimits: {{auc: {text}}}") for text in texts]
            finding = found(decided(evidence(), replace(layers[1], base=layers[0])), "quality.metrics", "auc")
            assert (finding.outcome, finding.severity) == (outcome, severity), texts
            assert finding.limit == layers[0 if graver is texts[0] else 1].limits["auc"].limit


def test_a_waived_failure_goes_before_a_pass_and_behind_a_warning() -> None:
    """A person sees what was excepted."""
    waived = organization_with(f"waivers: [{WAIVER}}}]")
    easy = parse_policy(HEAD + "limits: {DI: {maximum: 1.2}}", organization=waived)
    assert found(decided(biased(), easy), "bias.post_training", "DI@colour=Black").waived_by == "risk"
    below = parse_policy(HEAD + "packs: {bias: block}\nlimits: {DI: {minimum: 0.9, severity: warn}}")
    finding = found(decided(biased(), replace(waived, base=below)), "bias.post_training", "DI@colour=Black")
    assert (finding.waived_by, finding.severity, finding.limit) == (None, Severity.WARN, Limit(0.9))


# Verdicts


def finding_of(outcome: Outcome, severity: Severity, waived_by: str | None, family: str) -> Finding:
    """Return a finding of this kind."""
    return Finding(f"{family}.x", family, "x", outcome, severity, waived_by=waived_by)


FINDINGS = st.lists(
    st.builds(
        finding_of,
        st.sampled_from(Outcome),
        st.sampled_from(Severity),
        st.sampled_from([None, "risk"]),
        st.sampled_from(["quality", "evidence", "policy"]),
    ),
    max_size=4,
)


@given(FINDINGS)
def test_the_verdict_follows_from_the_findings(findings: list[Finding]) -> None:
    """Reject: a failure blocks. Approve: else, a check of the model passed and no blocking question is open."""
    blocked = [f for f in findings if f.outcome == "fail" and f.severity == "block" and f.waived_by is None]
    unanswered = [f for f in findings if f.outcome == "skip" and f.severity == "block"]
    good = [f for f in findings if f.outcome == "pass" and f.family == "quality"]
    expected = "reject" if blocked else "approve" if good and not unanswered else "human"
    assert verdict_of(findings) == expected


@given(FINDINGS, FINDINGS)
def test_a_further_failure_never_makes_a_verdict_better(findings: list[Finding], more: list[Finding]) -> None:
    """Whatever is found besides, a rejected version stays rejected."""
    if verdict_of(findings) is Verdict.REJECT:
        assert verdict_of([*findings, *more]) is Verdict.REJECT


# Organizations' own checks


def own_check(function: Callable[..., Any], measures: tuple[str, ...] = ()) -> Check:
    """Make a check `own.check` of a function of the model-quality report."""

    def asked(model_quality: Any) -> Any:
        """It failed."""
        return function(model_quality)

    made: Check = check(id="own.check", question="Own?", measures=measures)(asked).check  # type: ignore[attr-defined]
    return made


def decided_with(own: Check, text: str = "packs: {own: block}") -> Decision:
    """Decide good evidence by the baseline and an own check."""
    return decided(evidence(), baseline_with(text), checks=(*BUILT_IN, own))


def change(document: Any) -> Any:
    """Try to change the evidence."""
    document["dataset"]["item_count"] = 10**9


def leave(_: Any) -> Any:
    """Try to end the process."""
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda _: 1 / 0, "the check itself broke: ZeroDivisionError"),
        (lambda _: (item for item in [passed("good"), 1 / 0]), "the check itself broke"),
        (change, "evidence cannot be changed"),
        (lambda document: document["binary_classification_metrics"].update(auc=1), "evidence cannot be changed"),
        (leave, "the check itself broke: SystemExit"),
        (lambda document: document["nowhere"], "KeyError"),
        (lambda _: None, "it answered None instead of a result"),
        (lambda _: True, "it answered True instead of a result"),
        (lambda _: "pass", "it answered 'pass' instead of a result"),
        (lambda _: [], "it answered nothing"),
        (lambda _: [True], "it answered True"),
        (lambda _: {}, "instead of a result"),
        (lambda _: Measured(7, 1.0), "instead of a result"),  # type: ignore[arg-type]
        (lambda _: Measured("a@b", 1.0), "instead of a result"),
    ],
)
def test_an_own_check_that_breaks_fails_with_its_reason(function: Callable[..., Any], said: str) -> None:
    """Neither a crash nor a strange answer ends the decision, and neither approves."""
    decision = decided_with(own_check(function))
    assert decision.verdict is Verdict.REJECT
    finding = found(decision, "own.check")
    assert finding.blocks
    assert said in finding.reason


def test_evidence_that_may_be_missing_is_none() -> None:
    """A check that can do without a document is asked all the same; one that cannot says what all it lacks."""

    def asked(model_quality: Any, transcripts: Any = None, champion: Any = None) -> Any:  # noqa: ARG001 - asks by name
        """It failed."""
        return passed(f"transcripts {transcripts}, champion {champion is not None}")

    made: Check = check(id="own.check", question="Own?")(asked).check  # type: ignore[attr-defined]
    decision = decided_with(made)
    assert found(decision, "own.check").reason == "transcripts None, champion True"
    first = decided(first_version(), baseline_with("packs: {own: block}"), checks=(*BUILT_IN, made))
    assert found(first, "own.check").outcome is Outcome.PASS
    drift = {name: document for name, document in evidence().items() if "data_quality" not in name}
    said = "the evidence data_quality is missing; the evidence baseline_data_quality is missing."
    assert found(decided(drift), "data.drift").reason.endswith(said)
    broken = found(
        decided(evidence() | {"transcripts": "{"}, baseline_with("packs: {own: block}"), checks=(*BUILT_IN, made)),
        "own.check",
    )
    assert "transcripts cannot be read: it is no JSON" in broken.reason


def test_an_own_checks_answers_count() -> None:
    """Pass, fail and skip are what it says; a question that does not arise holds nothing up."""
    assert decided_with(own_check(lambda _: passed("good"))).verdict is Verdict.APPROVE
    assert decided_with(own_check(lambda _: [passed("good"), failed("bad", "b")])).verdict is Verdict.REJECT
    assert decided_with(own_check(lambda _: skipped("none here"))).verdict is Verdict.APPROVE
    assert decided_with(own_check(lambda _: failed("bad")), "packs: {own: warn}").verdict is Verdict.APPROVE


def test_an_own_checks_numbers_are_limited_by_name() -> None:
    """Its metric is known to the policy by the name that the check gives it."""
    own = own_check(lambda _: Measured("toxicity", 0.25, "prompts"), ("toxicity",))
    text = "packs: {own: block}\nlimits: {toxicity: {maximum: %s}}"
    assert decided_with(own, text % 0.25).verdict is Verdict.APPROVE
    assert decided_with(own, text % 0.24).verdict is Verdict.REJECT
    only_said = own_check(lambda _: passed("fine", "toxicity"), ("toxicity",))
    assert decided_with(only_said, text % 0.25).verdict is Verdict.REJECT
    undeclared = own_check(lambda _: Measured("toxicity", 0.25))
    assert decided_with(undeclared, text % 0.25).verdict is Verdict.APPROVE


def test_names_from_evidence_are_shown_without_control_characters() -> None:
    """A report cannot write to a person's terminal, nor fill it."""
    finding = found(decided_with(own_check(lambda _: failed("bad\x1b[2J", "x\n" * 500))), "own.check", "x?" * 59 + "x…")
    assert "\x1b" not in finding.reason


# Properties


def value_at(documents: Any, *path: Any) -> Any:
    """Return what stands at the path, or None."""
    for step in path:
        try:
            documents = documents[step]
        except (KeyError, IndexError, TypeError):
            return None
    return documents


COUNTS = [(f"{kind}_statistics", "common", "num_present") for kind in ("numerical", "string")]


def within(value: Any, low: float, high: float = math.inf) -> bool:
    """Say whether the value is a finite number from low to high."""
    return type(value) in (int, float) and math.isfinite(value) and low <= value <= high


def surely_good(documents: dict[str, Any]) -> bool:
    """Say, from the documents alone, whether everything that the baseline policy blocks on is there and within."""
    quality = documents.get("model_quality", {})
    interval = value_at(quality, "lockgate", "intervals", "auc") or {}
    auc = value_at(quality, "binary_classification_metrics", "auc", "value")
    facets = value_at(documents, "bias", "post_training_bias_metrics", "facets")
    ranges = {"DI": (0.8, 1.25), "DPPL": (-0.1, 0.1), "AD": (-0.1, 0.1)}
    entries = [entry for values in facets.values() for entry in values] if isinstance(facets, dict) else []
    metrics = [{m["name"]: m.get("value") for m in entry["metrics"]} for entry in entries]
    champion, lineage = documents.get("champion", {}), documents.get("lineage", {})
    importances = value_at(documents, "bias", "explanations", "kernel_shap", "label0", "global_shap_values")
    present = [value_at(feature, *way) for feature in documents["data_quality"]["features"] for way in COUNTS]
    return (
        documents.keys() >= evidence().keys() - {"data_constraints"}
        and all(within(value, -1e9) for value in (importances or {"": None}).values())
        and all(within(count, 0) for count in present if count is not None)
        and bool(present)
        and within(auc, 0.68)
        and within(interval.get("lower"), 0.68)
        and within(interval.get("level"), 0.95, 1)
        and within(value_at(quality, "dataset", "item_count"), 200)
        and bool(metrics)
        and all(within(found[name], *limit) for found in metrics for name, limit in ranges.items() if name in found)
        and all(any(name in found for found in metrics) for name in ranges)
        and champion.get("metric") == "auc"
        and within(champion.get("difference"), -0.02)
        and within(value_at(champion, "interval", 0), -0.02)
        and all(isinstance(lineage.get(name), str) for name in ("commit", "model_digest", "data_digest", "image"))
        and lineage["data_digest"] != lineage.get("evaluation_data_digest")
    )


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in steps for found in [(*way, key), *places(item, (*way, key))]]


PLACES = places(evidence())
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(["NaN", "", "0.9", "auc", "a" * 40, "c" * 64, [], {}, [1], 10**400, -1, 0, 1, math.nan, math.inf]),
    st.floats(-2, 2),
    st.recursive(
        st.integers() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
)
REMOVE = object()


@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK | st.just(REMOVE)), min_size=1, max_size=3))
def test_no_mutation_of_evidence_is_approved_unless_all_that_is_required_is_there_and_within(
    mutations: list[tuple[tuple[Any, ...], Any]],
) -> None:
    """Whatever is removed or replaced, nothing raises, and approval means that the numbers are good."""
    documents = evidence()
    for path, junk in mutations:
        *way, last = path
        place = value_at(documents, *way)
        if value_at(documents, *path) is None:
            continue
        if junk is REMOVE:
            del place[last]
        else:
            place[last] = junk
    if decided(documents).verdict is Verdict.APPROVE:
        assert surely_good(documents)


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(sorted(evidence())),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_documents_of_any_form_are_never_approved(documents: dict[str, Any]) -> None:
    """Documents that are not reports end in a rejection, and none in an exception."""
    assert decided(documents).verdict is Verdict.REJECT


@given(
    st.floats(0.3, 2),
    st.sampled_from(["DI", "DPPL", "auc", "rows", "completeness", "TE", "nothing"]),
    st.floats(-2, 2),
    st.floats(-2, 2),
)
def test_a_further_limit_never_makes_a_verdict_better(di: float, metric: str, one: float, two: float) -> None:
    """Adding a blocking limit on top leaves a rejected version rejected, and what goes to a person unapproved."""
    documents = put(evidence(), DI, di)
    before = decided(documents)
    extra = Policy("extra", limits={metric: Threshold(Limit(min(one, two), max(one, two)), severity=Severity.BLOCK)})
    after = decided(documents, replace(extra, base=shipped_policy("baseline")))
    order = [Verdict.APPROVE, Verdict.HUMAN, Verdict.REJECT]
    assert order.index(after.verdict) >= order.index(before.verdict)


@given(st.permutations(BUILT_IN))
def test_the_decision_does_not_depend_on_the_order_of_checks(checks: list[Check]) -> None:
    """Findings come in one order."""
    assert decided(evidence(), checks=checks) == decided(evidence())


def test_hundreds_of_checks_and_limits_are_all_decided() -> None:
    """Five hundred own checks with a limit each give five hundred findings, and the one bad number rejects."""

    def numbered(number: int) -> Check:
        def asked(model_quality: Any) -> Measured:  # noqa: ARG001 - asks for evidence by name
            """It failed."""
            return Measured(f"metric_{number}", 1.0, "part")

        made: Check = check(id=f"own.check_{number}", question="?", measures=(f"metric_{number}",))(asked).check  # type: ignore[attr-defined]
        return made

    checks = [numbered(number) for number in range(500)]
    limits = {f"metric_{number}": Threshold(Limit(0, 1)) for number in range(500)}
    policy = Policy("own", packs={"own": Severity.BLOCK}, limits=limits)
    decision = decided(evidence(), policy, checks=checks)
    assert (decision.verdict, len(decision.findings)) == (Verdict.APPROVE, 500)
    bad = replace(policy, limits=limits | {"metric_250": Threshold(Limit(2))})
    decision = decided(evidence(), bad, checks=checks)
    assert [f.check for f in decision.findings if f.blocks] == ["own.check_250"]
    assert date(2027, 3, 1) == decision.decided_at.date()
