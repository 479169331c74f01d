"""Where a model version comes from, and rows it had seen before it was examined."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lockgate_checks import EvidenceError
from lockgate_checks.compute.lineage import (
    CHUNK,
    Lineage,
    differences,
    digest_of_file,
    digest_of_stream,
    overlap,
    read_lineage,
)

GOOD = {
    "commit": "1f" * 20,
    "model_digest": "a" * 64,
    "data_digest": "b" * 64,
    "evaluation_data_digest": "c" * 64,
    "image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    "seed_version": "1.4.0",
}

cells = st.text("01.x\\u\x1f", max_size=3) | st.integers(-9, 99) | st.floats(-9, 9) | st.none()


def rows_of(count: int, seed: int, values: int = 10**6) -> list[tuple[int, ...]]:
    """Return rows of three cells, each one of so many values."""
    drawn = np.random.default_rng(seed).integers(0, values, (count, 3))
    return [tuple(row) for row in drawn.tolist()]


def test_a_digest_is_the_sha256_of_all_bytes(tmp_path: Path) -> None:
    """Files and streams longer than one piece have the digest that sha256sum prints."""
    content = bytes(range(256)) * (CHUNK // 256) + b"rest"
    (tmp_path / "model.tar.gz").write_bytes(content)
    assert digest_of_file(tmp_path / "model.tar.gz") == hashlib.sha256(content).hexdigest()
    assert digest_of_stream(io.BytesIO(b"abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of_stream(io.BytesIO()) == hashlib.sha256().hexdigest()


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """No file, no digest; the message says which."""
    with pytest.raises(EvidenceError, match=r"model\.tar\.gz cannot be read"):
        digest_of_file(tmp_path / "model.tar.gz")


def test_a_lineage_is_read_back_as_written() -> None:
    """lineage.json holds the six parts; more parts do not disturb."""
    assert Lineage(**GOOD).document() == GOOD
    assert read_lineage({**GOOD, "note": 1}) == Lineage(**GOOD)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("commit", "main"),
        ("commit", "1f" * 19),
        ("commit", "1F" * 20),
        ("commit", "1f" * 20 + "\n"),
        ("model_digest", "A" * 64),
        ("model_digest", "a" * 63),
        ("data_digest", ""),
        ("evaluation_data_digest", None),
        ("image", ""),
        ("image", "two words"),
        ("seed_version", 3),
    ],
)
def test_a_part_without_its_form_is_refused_by_name(part: str, value: Any) -> None:
    """A branch is no commit, and half a digest no digest."""
    with pytest.raises(EvidenceError, match=rf"lineage\.json: {part} is "):
        read_lineage({**GOOD, part: value})


def test_all_mistakes_are_named_together() -> None:
    """Nobody has to correct a file one mistake at a time."""
    with pytest.raises(EvidenceError) as caught:
        read_lineage({**GOOD, "commit": "main", "image": None})
    assert "commit is 'main'" in str(caught.value)
    assert "image is None" in str(caught.value)
    with pytest.raises(EvidenceError, match="not an object"):
        read_lineage(["commit"])


def test_a_lineage_that_is_true_has_no_differences() -> None:
    """What was found equals what was declared; parts nobody looked at are not judged."""
    assert differences(Lineage(**GOOD), {"model_digest": "a" * 64, "commit": "1f" * 20}) == ()


def test_evidence_about_another_model_is_found_out() -> None:
    """The digest of the registered archive is not the declared one: other predictions were measured."""
    (found,) = differences(Lineage(**GOOD), {"model_digest": "d" * 64, "data_digest": "b" * 64})
    assert found.startswith(f"model_digest is declared as {'a' * 64}, but {'d' * 64} was found")
    assert "another model" in found
    (altered,) = differences(Lineage(**GOOD), {"evaluation_data_digest": "d" * 64})
    assert "altered" in altered


def test_what_is_no_part_of_a_lineage_cannot_be_compared() -> None:
    """A misspelled part is a mistake, not a success."""
    with pytest.raises(EvidenceError, match="modeldigest is no part"):
        differences(Lineage(**GOOD), {"modeldigest": "a" * 64})


def test_copied_rows_are_counted() -> None:
    """Ten of a hundred evaluation rows stand in the training data."""
    training, evaluation = rows_of(1000, 1), rows_of(90, 2)
    found = overlap(training, evaluation + training[:10])
    assert (found.shared_rows, found.shared_share, found.expected_share) == (10, 0.1, 0.0)
    document = found.document()
    assert document["leaked_share"] == pytest.approx(0.1)
    assert 0 < document["leaked_share_lower"] < 0.1


def test_separate_rows_share_nothing() -> None:
    """An honest split of fine-grained data has no overlap."""
    document = overlap(rows_of(1000, 1), rows_of(100, 2)).document()
    assert (document["shared_rows"], document["leaked_share_lower"]) == (0, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_coarse_data_that_repeat_themselves_are_no_leak(seed: int) -> None:
    """Rows of few values have twins in an honest split too; chance explains them, and copies show above it."""
    training, evaluation = rows_of(1000, seed, values=12), rows_of(400, seed + 100, values=12)
    honest = overlap(training, evaluation).document()
    assert honest["shared_rows"] > 100
    assert honest["leaked_share_lower"] == 0.0
    copied = overlap(training, evaluation[:200] + training[:200]).document()
    assert copied["leaked_share"] == pytest.approx(0.5, abs=0.1)
    assert copied["leaked_share_lower"] > 0.2


def test_training_data_repeated_throughout_hide_nothing() -> None:
    """Where nearly every row has a twin, whether rows were copied is unknown rather than denied."""
    training = rows_of(200, 1) * 2
    found = overlap(training, training[:50]).document()
    assert found["shared_share"] == 1.0
    assert found["leaked_share"] is None
    assert found["leaked_share_lower"] is None


def test_repeated_evaluation_rows_are_counted() -> None:
    """Three copies of a row are two rows too many."""
    assert overlap(rows_of(10, 1), [(1, 2, 3), (1, 2, 3), (1, 2, 3), (4, 5, 6)]).repeated_rows == 2


def test_numbers_are_equal_however_they_are_written() -> None:
    """A copy cannot hide behind another number format, nor behind text instead of numbers."""
    text = io.StringIO("1,2.50,x\n")
    assert overlap(csv.reader(text), [(1.0, np.float32(2.5), "x")]).shared_rows == 1
    assert overlap([("1e3",)], [("1000",), ("1001",)]).shared_rows == 1
    assert overlap([("", "0")], [(None, -0.0)]).shared_rows == 1


def test_a_cell_cannot_imitate_the_escape_of_another() -> None:
    """The separator inside a cell and the text of its escape are two different cells."""
    assert overlap([("\x1f",)], [("\\u",), ("\x1f",)]).shared_rows == 1
    assert overlap([("a", "b\x1fc")], [("a\x1fb", "c")]).shared_rows == 0


def test_long_identifiers_stay_different() -> None:
    """Integers that no float tells apart are still two rows."""
    assert overlap([(2**53,)], [(2**53 + 1,), (2**53,)]).shared_rows == 1


@given(st.lists(cells, min_size=2, max_size=2), st.lists(cells, min_size=2, max_size=2))
@settings(deadline=None)
def test_different_cells_make_different_rows(one: list[Any], other: list[Any]) -> None:
    """Cells do not run into each other: rows are shared if and only if their cells are the same."""

    def plain(cell: Any) -> Any:
        try:
            return float(cell)
        except ValueError:
            return cell
        except TypeError:
            return ""

    expected = [plain(cell) for cell in one] == [plain(cell) for cell in other]
    assert overlap([one], [other]).shared_rows == int(expected)


@given(st.permutations(rows_of(30, 1, values=3)), st.permutations(rows_of(20, 2, values=3)))
@settings(deadline=None)
def test_the_order_of_rows_changes_no_count(training: Any, evaluation: Any) -> None:
    """Overlap is a property of the sets of rows."""
    assert overlap(training, evaluation) == overlap(rows_of(30, 1, values=3), rows_of(20, 2, values=3))


@pytest.mark.parametrize(
    ("training", "evaluation", "message"),
    [
        ([], [(1,)], "have no rows"),
        ([(1,)], [], "have no rows"),
        ([(1, 2)], [(1,)], "Training rows have 2 cells, evaluation rows 1"),
        ([(1, 2), (1,)], [(1, 2)], "Row 1 has 1 cells, rows before it 2"),
    ],
)
def test_data_that_cannot_be_compared_are_refused(training: Any, evaluation: Any, message: str) -> None:
    """No rows or other columns are no proof of separate data."""
    with pytest.raises(EvidenceError, match=message):
        overlap(training, evaluation)
