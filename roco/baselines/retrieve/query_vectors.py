"""The vectors of a query, by the encoders of an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, MissingExtra, UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.neighbours.embed import samples
from roco.baselines.retrieve.encoders.encoder import ImageEncoder, Stated, TextEncoder
from roco.baselines.retrieve.encoders.open import stated_of, stored_image_encoder, stored_text_encoder
from roco.baselines.retrieve.folder import AGAIN
from roco.models.images.decode import Decoded

WORDS, DENSE, HYBRID = "words", "dense", "hybrid"
BY = (WORDS, DENSE, HYBRID)
"""How words are searched: by their letters (BM25), by vectors, or by both."""

OF_IMAGE, OF_TEXT, OF_CAPTION = "image", "text", "caption"
"""The methods that compare vectors: an image with images, words with images, words with captions."""


_WITHOUT = "or search without encoders: --by words"


class QueryVectors:
    """The encoders of an index, each opened when it is first needed. index: its folder."""

    def __init__(self, index: Path, manifest: Mapping[str, Any]) -> None:
        self._index = index
        self._of_images: Mapping[str, Any] = manifest["encoder"]
        self._of_texts: Mapping[str, Any] | None = manifest.get("text_encoder")
        self._images: dict[str | None, ImageEncoder] = {}
        self._texts: dict[str | None, TextEncoder] = {}

    @property
    def encoders(self) -> dict[str, Stated]:
        """Returns the encoder of each method that compares vectors, as the index states it."""
        of_images = stated_of(self._index, self._of_images)
        found = {OF_IMAGE: of_images}
        if of_images.texts:
            found[OF_TEXT] = of_images
        if self._of_texts is not None:
            found[OF_CAPTION] = stated_of(self._index, self._of_texts)
        return found

    def by(self, by: str | None) -> str:
        """Returns how words are searched; raises UsageError for vectors that the index does not have."""
        is_dense = OF_TEXT in self.encoders or OF_CAPTION in self.encoders
        if by is None:
            return HYBRID if is_dense else WORDS
        if by not in BY:
            raise UsageError(f"unknown search '{excerpt(by)}' (--by)", nearest(by, BY))
        if by != WORDS and not is_dense:
            name = excerpt(self.encoders[OF_IMAGE].name)
            what = f"{self._index} has no vectors for words: its encoder, {name}, reads no texts (--by {by})"
            hint = "make it with --encoder FOLDER, a network with a text tower, or with --text-encoder FOLDER"
            raise UsageError(what, hint)
        return by

    def image(self, image: Decoded, moved: str | Path | None) -> NDArray[np.float16]:
        """Returns the vector of an image, 1 x width. moved: where the encoder is, if not where it was."""
        encoder = self._image_encoder(moved)
        return encoder.embed([samples(image, encoder)])

    def words(
        self, words: str, moved: str | Path | None, moved_texts: str | Path | None
    ) -> dict[str, NDArray[np.float32]]:
        """Returns the vector of words, 1 x width, for each method that compares words with vectors."""
        methods = [method for method in (OF_TEXT, OF_CAPTION) if method in self.encoders]
        try:
            return {method: self.texts([words], method, moved, moved_texts) for method in methods}
        except MissingExtra as err:
            raise UsageError(err.message, f"{err.hint}; {_WITHOUT}") from err
        except DataError as err:
            raise DataError(err.message, f"{err.hint}; {_WITHOUT}") from err

    def texts(
        self, texts: Sequence[str], method: str, moved: str | Path | None = None, moved_texts: str | Path | None = None
    ) -> NDArray[np.float32]:
        """Returns the vectors of texts as queries, n x width, by the encoder of one method."""
        if method == OF_CAPTION:
            return self._text_encoder(moved_texts).texts(texts, queries=True)
        vectors = self._image_encoder(moved).texts(texts, queries=True)
        if vectors is None:
            raise DataError(f"the encoder of {self._index} reads no texts", AGAIN)
        return vectors

    def _image_encoder(self, moved: str | Path | None) -> ImageEncoder:
        key = None if moved is None else str(moved)
        if key not in self._images:
            self._images[key] = stored_image_encoder(self._index, self._of_images, moved)
        return self._images[key]

    def _text_encoder(self, moved: str | Path | None) -> TextEncoder:
        key = None if moved is None else str(moved)
        if key not in self._texts:
            self._texts[key] = stored_text_encoder(self._index, self._of_texts or {}, moved)
        return self._texts[key]
