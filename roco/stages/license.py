"""Keeps figures whose licence and standing allow handing the image on unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError, nearest
from roco.base.licenses import DEFAULT_LICENSES, LICENSES
from roco.core.stage import Decision, drop


@dataclass(frozen=True, kw_only=True)
class License(Decision):
    """Drops figures of articles that are retracted or whose licence is none of the allowed ones.

    The paper lets CC BY and CC BY-NC in. It kept 38 retracted articles (Table S1): `retracted = true` does so.
    `weak = false` also drops licences that only the words of the article name, with no link, attribute or index. What
    the source says is not in the open access subset leaves whatever its licence.
    """

    needs = ("extract",)
    reads = ("license", "license_trust", "open_access", "retracted")
    reasons = ("retracted", "license")

    allow: tuple[str, ...] = DEFAULT_LICENSES
    retracted: bool = False
    weak: bool = True

    def __post_init__(self) -> None:
        if not self.allow:
            raise RecipeError("license allows nothing", 'name licences: allow = ["CC-BY", "CC-BY-NC"]')
        for name in self.allow:
            if name not in LICENSES:
                raise RecipeError(f"there is no licence '{name}'", nearest(name, LICENSES))

    def __call__(self, batch: pa.Table) -> pa.Table:
        if not self.retracted:
            batch = drop(batch, batch["retracted"], "retracted")
        batch = drop(batch, pc.invert(batch["open_access"]), "license", "not in the open access subset")
        found = pc.fill_null(batch["license"], "NONE")
        batch = drop(batch, pc.invert(pc.is_in(found, pa.array(self.allow, pa.string()))), "license", found)
        if not self.weak:
            batch = drop(batch, pc.equal(batch["license_trust"], "weak"), "license", "words only")
        return batch
