"""The report of a decision as text: what it says, what it never lets in, and what it does without evidence."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks.report import __main__ as command
from lockgate_checks.report import render, sample
from lockgate_checks.values import Decision, Finding, Limit, Mode, Outcome, Severity, Verdict, Waiver

HOSTILE = '</title></style><script>alert(1)</script><img src=x onerror=alert(2)>"\' onload="x'
VOID = {"meta", "br", "hr", "col"}
ANCHORS = ("checks", "quality", "champion", "bias", "importance", "data", "lineage", "policy", "evidence")


class Elements(HTMLParser):
    """The page's elements with their attributes; fails where tags are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes what was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what a person reads."""
        if self._open[-1:] != ["style"]:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.found if name == tag]


def decision(*findings: Finding, verdict: Verdict = Verdict.REJECT, **others: Any) -> Decision:
    """Return a decision about these findings."""
    return Decision(verdict, findings, "0" * 64, datetime(2026, 11, 20, 9, tzinfo=UTC), **others)


def finding(outcome: Outcome = Outcome.FAIL, **others: Any) -> Finding:
    """Return a finding about the model's area under the curve."""
    values: dict[str, Any] = {"subject": "auc", "value": 0.61, "limit": Limit(0.7, None), "reason": "It is too low."}
    fixed = {"check": "quality.auc", "family": "quality", "outcome": outcome, "severity": Severity.BLOCK}
    return Finding(**{**fixed, **values, **others})


def shown(page: str) -> str:
    """Return the text that a person reads, without layout."""
    return " ".join(" ".join(Elements(page).text).split())


@pytest.fixture(scope="module")
def page() -> str:
    """The sample page."""
    return render(sample.decision(), sample.bundle())


@pytest.mark.parametrize(
    ("verdict", "mode", "words"),
    [
        (Verdict.APPROVE, Mode.ENFORCE, "Approved"),
        (Verdict.REJECT, Mode.ENFORCE, "Rejected"),
        (Verdict.HUMAN, Mode.ENFORCE, "Needs a human"),
        (Verdict.HUMAN, Mode.RECOMMEND, "Needs a human"),
        (Verdict.APPROVE, Mode.RECOMMEND, "Needs a human"),
    ],
)
def test_the_verdict_is_the_first_heading_and_the_title(verdict: Verdict, mode: Mode, words: str) -> None:
    """A reader sees the verdict first, and a recommendation never reads like something carried out."""
    page = render(decision(finding(), verdict=verdict, mode=mode), {})
    assert re.search("<h[1-6][^>]*>(.*?)<", page)[1] == words  # type: ignore[index]
    assert f"<title>{words}: " in page


def test_the_head_says_what_was_decided_when_and_by_which_policy() -> None:
    """Model package, time in UTC and policy digest stand beside the verdict."""
    arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/group/7"
    text = shown(render(decision(finding(), model_package_arn=arn), {}))
    for part in (arn, "20 November 2026, 09:00:00 UTC", "0" * 64):
        assert part in text


def test_a_blocking_check_says_what_would_have_to_change() -> None:
    """By how much the value misses its limit, and which way it must move, is told with the reason."""
    text = shown(render(decision(finding()), {}))
    assert "1 of 1 check stands against this version." in text
    assert "It is too low. It must rise by 0.09 from 0.61." in text
    assert "must fall by 0.1 from 0.6" in shown(render(decision(finding(value=0.6, limit=Limit(0, 0.5))), {}))


@pytest.mark.parametrize(
    ("value", "limit", "words"),
    [
        (0.0603418, Limit(None, 0.05), "must fall by 0.011 from 0.06034"),
        (0.1025, Limit(None, 0.1), "must fall by 0.0025 from 0.1025"),
        (87, Limit(200, None), "must rise by 113 from 87"),
    ],
)
def test_a_change_by_what_is_told_is_enough(value: float, limit: Limit, words: str) -> None:
    """What a value misses its limit by is rounded up; a number of rows is told as it is."""
    assert words in shown(render(decision(finding(value=value, limit=limit)), {}))


def test_a_waived_failure_does_not_count_as_blocking_and_names_its_owner() -> None:
    """What is excepted is shown with who answers for it, and the waiver with its reason and last day."""
    waiver = Waiver("quality.auc", "the champion is worse", "ana@example.com", date(2027, 1, 31))
    excepted = decision(finding(waived_by="ana@example.com"), verdict=Verdict.APPROVE, waivers=(waiver,))
    text = shown(render(excepted, {}))
    assert "What would have to change" not in text
    assert "Waived by ana@example.com." in text
    assert "every one every one \u2013 the champion is worse ana@example.com 2027-01-31" in text


def test_what_is_only_recommended_is_said_beside_the_verdict() -> None:
    """A person decides; what the checks recommend and which questions stayed open helps them."""
    open_question = finding(Outcome.SKIP, value=None, reason="The interval reaches below the limit.")
    asked = decision(open_question, verdict=Verdict.HUMAN, mode=Mode.RECOMMEND, recommendation=Verdict.REJECT)
    text = shown(render(asked, {}))
    assert "Recommended: reject. None of 1 check stands against this version. 1 question" in text
    assert "What stayed open quality.auc auc: The interval reaches below the limit." in text


def test_every_finding_is_in_the_table_with_value_limit_margin_and_severity(page: str) -> None:
    """Nothing that was judged is left out, and what blocks comes first in its family."""
    for found in sample.decision().findings:
        assert f">{found.subject}</span>" in page or found.subject == found.check
    bias = page[page.index("<caption>Bias:") :]
    assert bias.index(">✕ fail<") < bias.index(">✓ pass<")
    assert re.search(r'0\.08208</td><td class="number">\u22120\.08 to 0\.08</td>.*?\u22120\.0021</span>.*?block<', bias)


def test_a_margin_bar_stays_within_its_rail() -> None:
    """However far a value is from its limit, inside or outside, the bar is at most as long as half its rail."""
    for value, side in ((1e6, (48, 48)), (-1e6, (0, 48)), (0.7, (48, 1.5)), (1.05, (48, 24))):
        page = render(decision(finding(value=value)), {})
        bar = next(a for a in Elements(page).all("rect") if str(a.get("class")).startswith("fill-"))
        assert (float(bar["x"] or 0), float(bar["width"] or 0)) == pytest.approx(side)


def test_the_page_is_one_file_that_loads_and_runs_nothing(page: str) -> None:
    """No script, no handler, no address to fetch; the security policy allows this one style sheet and nothing else."""
    elements = Elements(page)
    assert not {"script", "link", "iframe", "object", "img", "base", "form"} & {tag for tag, _ in elements.found}
    for _, attributes in elements.found:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "src"}]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page
    assert "@import" not in page
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)[1]  # type: ignore[index]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [meta["content"] for meta in elements.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]


def test_the_page_can_be_read_without_seeing_it(page: str) -> None:
    """Headings nest, ids are unique, every plot has a name and a description, and tables have headings."""
    elements = Elements(page)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for drawing in elements.all("svg"):
        named = [name for name in (drawing.get("aria-labelledby") or "").split() if name in ids]
        assert drawing.get("aria-hidden") == "true" or drawing.get("aria-label") or len(named) == 2
    assert len(elements.all("caption")) == len(elements.all("table"))
    assert all(heading.get("scope") in {"row", "col"} for heading in elements.all("th"))
    assert elements.all("html") == [{"lang": "en"}]


def test_the_same_input_gives_the_same_bytes() -> None:
    """The page is stored beside the evidence under its digest, so it must not vary."""
    again = json.loads(json.dumps(sample.bundle()))
    frozen = MappingProxyType({name: MappingProxyType(document) for name, document in again.items()})
    assert render(sample.decision(), sample.bundle()) == render(sample.decision(), frozen)


def test_without_any_evidence_every_section_says_what_is_missing() -> None:
    """No section vanishes and none breaks; each names the document that it would have shown."""
    page = render(decision(), {})
    assert [attributes["id"] for attributes in Elements(page).all("section")] == list(ANCHORS)
    text = shown(page)
    assert "No check was made" in text
    for name in ("model_quality", "champion", "bias", "data_quality", "lineage"):
        assert re.search(rf"Not shown\. [^.]*{name}", text), name


def test_a_complete_bundle_misses_nothing(page: str) -> None:
    """The notes about missing evidence stand only where evidence is missing."""
    assert "Not shown." not in page


@pytest.mark.parametrize("name", sorted(sample.bundle()))
def test_one_missing_document_leaves_the_other_sections_whole(name: str) -> None:
    """The page says less, and all else is as it was."""
    documents = sample.bundle()
    del documents[name]
    elements = Elements(render(sample.decision(), documents))
    plots = {drawing["id"] for drawing in elements.all("svg") if drawing.get("class") == "plot"}
    gone = {"model_quality": "roc", "bias": "bias", "champion": "champion", "data_quality": "drift"}.get(
        name, "nothing"
    )
    assert not [plot for plot in plots if f"plot-{gone}" in str(plot)]
    assert len(plots) >= 5


def hostile(value: Any) -> Any:
    """Return the document with an attack behind every name and text in it."""
    if isinstance(value, dict):
        kept = {"version", "features", "facets", "lockgate", "dataset", "explanations", "kernel_shap", "label0"}
        return {
            k if k in kept or (k.isidentifier() and len(k) > 3) else k + HOSTILE: hostile(v) for k, v in value.items()
        }
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_a_hostile_name_cannot_inject() -> None:
    """Whatever columns, facets, reasons, owners and digests are called, they are shown as text."""
    attacks = [
        replace(f, subject=f.subject + HOSTILE, check=HOSTILE, family=HOSTILE, reason=HOSTILE, waived_by=HOSTILE)
        for f in sample.decision().findings
    ]
    waiver = Waiver(HOSTILE, HOSTILE, HOSTILE, date(2027, 1, 1), HOSTILE)
    documents = hostile(sample.bundle()) | {"policy": {HOSTILE: HOSTILE}}
    attacked = replace(
        sample.decision(),
        findings=tuple(attacks),
        waivers=(waiver,),
        policy_digest=HOSTILE,
        model_package_arn=HOSTILE,
        evidence_digests={HOSTILE: HOSTILE},
    )
    page = render(attacked, documents)
    elements = Elements(page)
    assert {tag for tag, _ in elements.found} == {tag for tag, _ in Elements(page.replace(HOSTILE, "")).found}
    assert not {"script", "img"} & {tag for tag, _ in elements.found}
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert HOSTILE in "".join(elements.text)


def test_characters_that_deceive_the_reader_are_made_visible() -> None:
    """Marks that reorder text, control characters and half surrogates do not reach the page."""
    page = render(decision(finding(subject="a\u202eb\x00c\ud800d\u2066e")), {})
    page.encode("utf-8")
    assert "a\ufffdb\ufffdc\ufffdd\ufffde" in page


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e308, -0.0, 5e-324])
def test_a_value_that_is_no_measurement_is_shown_and_breaks_nothing(value: float) -> None:
    """Findings carry whatever was measured, also what has no place on an axis."""
    for limit in (Limit(), Limit(-1e308, 1e308), Limit(0, 0), Limit(None, float("inf"))):
        documents = sample.bundle()
        found = finding(subject="AD@colour=Black", value=value, limit=limit)
        page = render(decision(found, finding(family="drift", value=value, limit=limit, subject="year")), documents)
        assert not re.search(r'="[^"]*\b(nan|inf)\b', page)


def test_a_regression_shows_its_residuals() -> None:
    """Residuals take the place of the curves of a classifier."""
    metrics = {name: {"value": 0.5, "standard_deviation": "NaN"} for name in ("mae", "mse", "rmse", "r2")}
    drawn = {"residuals": {"predicted": [1.0, 2.0, 3.0], "residual": [0.1, -0.2, 0.3]}}
    document = {"version": 0.0, "dataset": {"item_count": 3}, "regression_metrics": metrics}
    page = render(decision(), {"model_quality": document | {"lockgate": drawn}})
    assert 'id="plot-residuals"' in page
    assert "half are off by at most 0.2" in page
    assert "no residuals" in render(decision(), {"model_quality": document})


def test_many_classes_are_counted_rather_than_drawn() -> None:
    """A confusion matrix that nobody can read is named, a small one is shown with shares of each label."""
    small = {"a": {"a": 3, "b": 1}, "b": {"a": 0, "b": 4}}
    large = {str(i): {str(i): 1} for i in range(40)}
    for matrix, said in ((small, "answered b"), (large, "40 classes, too many to read")):
        metrics = {"confusion_matrix": matrix, "accuracy": {"value": 0.9}}
        assert said in render(decision(), {"model_quality": {"multiclass_classification_metrics": metrics}})


def test_calibration_that_does_not_apply_says_why() -> None:
    """Scores that are no probabilities have no calibration, and the page gives the report's reason."""
    document = sample.bundle()["model_quality"]
    document["lockgate"]["calibration"] = {"error": "Scores lie outside 0..1."}
    assert "Scores lie outside 0..1." in render(decision(), {"model_quality": document})


def test_a_feature_that_moved_up_is_named_with_both_ranks() -> None:
    """The order of importance is set against the baseline's."""

    def explained(**values: float) -> dict[str, Any]:
        return {"explanations": {"kernel_shap": {"label0": {"global_shap_values": values}}}}

    page = render(decision(), {"bias": explained(age=0.5, sex=0.2, new=0.1), "baseline_bias": explained(sex=3, age=1)})
    assert all(words in page for words in ("rank 2 → 1", "rank 1 → 2", ">new</text>"))


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NUMERIC = next(i for i, f in enumerate(sample.bundle()["data_quality"]["features"]) if "numerical_statistics" in f)
PLACES = sorted(
    {(name, *path) for name, document in sample.bundle().items() for path in [(), *((key,) for key in document)]}
    | {
        ("model_quality", "binary_classification_metrics", "auc"),
        ("model_quality", "binary_classification_metrics", "confusion_matrix"),
        ("model_quality", "binary_classification_metrics", "precision_recall_curve"),
        ("model_quality", "lockgate", "calibration", "bins"),
        ("model_quality", "lockgate", "segments"),
        ("bias", "post_training_bias_metrics", "facets"),
        ("bias", "post_training_bias_metrics", "facets", "colour"),
        ("bias", "explanations", "kernel_shap", "label0"),
        ("data_quality", "features"),
        ("data_quality", "features", NUMERIC, "numerical_statistics"),
        ("data_quality", "features", NUMERIC, "numerical_statistics", "distribution", "kll", "buckets"),
    },
    key=str,
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PLACES), SCRAPS)
def test_no_document_of_whatever_form_breaks_the_page(place: tuple[Any, ...], scrap: Any) -> None:
    """Any value in any place of the evidence is shown or named as not shown; the page stays whole."""
    documents: Any = sample.bundle()
    here = documents
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = scrap
    Elements(render(sample.decision(), documents)).all("section")


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb. Source: W3C, WCAG 2.2, "relative luminance"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(page: str, scheme: int) -> None:
    """Text reaches 4.5 : 1 on its ground (WCAG 2.2, success criterion 1.4.3), the marks of plots 3 : 1 (1.4.11)."""
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", page, re.DOTALL)[scheme]))
    texts = [(ink, ground) for ink in ("ink", "muted") for ground in ("paper", "panel")]
    texts += [(tone, f"{tone}-soft") for tone in ("good", "bad", "warn")] + [("model", "paper")]
    marks = [(mark, "paper") for mark in ("good", "bad", "warn", "model", "baseline")] + [("good", "good-soft")]
    for pairs, least in ((texts, 4.5), (marks, 3.0)):
        for front, ground in pairs:
            low, high = sorted((luminance(colours[front]), luminance(colours[ground])))
            assert (high + 0.05) / (low + 0.05) >= least, (front, ground)


def test_the_command_writes_a_sample_page(tmp_path: Path, capsys: pytest.CaptureFixture[str], page: str) -> None:
    """`python -m lockgate_checks.report sample OUT.html` leaves the page, or says why it could not."""
    out = tmp_path / "sample.html"
    assert command.main(["sample", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == page
    assert command.main(["sample", str(tmp_path / "nowhere" / "sample.html")]) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
