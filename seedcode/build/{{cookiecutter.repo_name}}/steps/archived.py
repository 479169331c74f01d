"""A model archive used exactly as an endpoint will use it: by the inference code inside the archive."""

from __future__ import annotations

import csv
import importlib.util
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ARCHIVE = "model.tar.gz"
INFERENCE_CODE = "code/inference.py"
MAX_FILES = 1_000
MAX_BYTES = 2 * 1024**3

Rows = Sequence[Sequence[str]]


class EvaluationError(Exception):
    """The model cannot be evaluated; the text says why."""


@dataclass(frozen=True)
class Archived:
    """An extracted archive: its inference code, and the model that this code loaded."""

    code: ModuleType
    model: Any

    def score(self, rows: Rows) -> list[float]:
        """Serve the rows in this process: text in, text out, as over HTTP."""
        body = io.StringIO()
        csv.writer(body, lineterminator="\n").writerows(rows)
        with blamed():
            answer = self.code.predict_fn(self.code.input_fn(body.getvalue(), "text/csv"), self.model)
            if not isinstance(answer, list) or len(answer) != len(rows):
                raise EvaluationError(f"The model answered {answer!r} instead of {len(rows)} scores.")
            return [float(line) for line in self.code.output_fn(answer, "text/csv")[0].split()]

    def encode(self, rows: Rows) -> tuple[np.ndarray, list[str]]:
        """The rows as the booster sees them, and the name of the feature that each column is of."""
        with blamed():
            matrix = self.code.encode(rows, self.model.encoder)
            return np.asarray(matrix), self.code.encoded_columns(self.model.encoder)


@contextmanager
def blamed() -> Iterator[None]:
    """Turn whatever the archive's own code raises into one sentence that says so."""
    try:
        yield
    except EvaluationError:
        raise
    except Exception as error:
        raise EvaluationError(f"{INFERENCE_CODE} failed: {type(error).__name__}: {error}") from error


@contextmanager
def opened(archive: Path) -> Iterator[Archived]:
    """Extract an archive, and load its model with its own code.

    Raises:
        EvaluationError: it is missing, cannot be trusted, or its code fails.
    """
    with tempfile.TemporaryDirectory() as name:
        extract_all(archive, Path(name))
        with blamed():
            code = load_inference(Path(name))
            model = code.model_fn(name)
        yield Archived(code, model)


def extract_all(archive: Path, folder: Path) -> None:
    """Extract a model archive that holds nothing but plain files of bearable size.

    Raises:
        EvaluationError: it is missing or no archive, leaves its folder, links, or is too large.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = tar.getmembers()
            strange = [member.name for member in members if not (member.isfile() or member.isdir())]
            if strange:
                raise EvaluationError(
                    f"{ARCHIVE} holds {strange[0]!r}, which is neither a file nor a folder."
                )
            if len(members) > MAX_FILES or sum(member.size for member in members) > MAX_BYTES:
                raise EvaluationError(f"{ARCHIVE} holds more than {MAX_FILES} files or {MAX_BYTES} bytes.")
            for member in members:
                extract(tar, member, folder)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise EvaluationError(f"{ARCHIVE} cannot be opened: {error}") from error


def extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one plain file or folder; tarfile's own filters came only with Python 3.11.4.

    Raises:
        EvaluationError: its name would leave the folder.
    """
    target = (folder / member.name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise EvaluationError(f"{ARCHIVE} holds {member.name!r}, which would leave its folder.")
    if (content := tar.extractfile(member)) is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def load_inference(folder: Path) -> ModuleType:
    """The archive's own inference code as a module."""
    spec = importlib.util.spec_from_file_location("archived_inference", folder / INFERENCE_CODE)
    if spec is None or spec.loader is None or not (folder / INFERENCE_CODE).is_file():
        raise EvaluationError(f"{ARCHIVE} lacks {INFERENCE_CODE}, so no endpoint could serve it.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
