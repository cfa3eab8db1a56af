"""Keeps figures whose licence allows redistribution of the unchanged image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError, nearest
from roco.base.guarantees import LICENSE, RETRACTION
from roco.base.licenses import DEFAULT_LICENSES, LICENSES, NO_REDISTRIBUTION
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop


@dataclass(frozen=True, kw_only=True)
class License(Decision):
    """Drops figures of articles that are retracted or do not have one of the allowed licences.

    The paper allows CC BY and CC BY-NC. It kept 38 retracted articles (Table S1), which `retracted = true` reproduces.
    `weak = false` also drops licences that only the text of the article names, without a link, attribute or index
    entry. Articles that the source excludes from the open access subset are dropped whatever their licence.
    """

    needs = ("extract",)
    reads = ("license", "license_trust", "open_access", "retracted")
    reasons = {
        "retracted": Reason("the article is retracted"),
        "license": Reason("the licence does not allow redistribution of the unchanged image"),
    }

    allow: tuple[str, ...] = DEFAULT_LICENSES
    retracted: bool = False
    weak: bool = True

    def __post_init__(self) -> None:
        if not self.allow:
            raise RecipeError(
                "no licence is allowed (license)", 'list the allowed licences: allow = ["CC-BY", "CC-BY-NC"]'
            )
        for name in self.allow:
            if name not in LICENSES:
                raise RecipeError(f"unknown licence '{name}' (license)", nearest(name, LICENSES))

    @property
    def contract(self) -> Contract:
        ensures = []
        if not set(self.allow) & set(NO_REDISTRIBUTION):
            ensures.append(LICENSE)
        if not self.retracted:
            ensures.append(RETRACTION)
        return replace(super().contract, ensures=tuple(ensures))

    def __call__(self, batch: pa.Table) -> pa.Table:
        if not self.retracted:
            batch = drop(batch, batch["retracted"], "retracted")
        batch = drop(batch, pc.invert(batch["open_access"]), "license", "not in the open access subset")
        license = pc.fill_null(batch["license"], "NONE")
        allowed = pc.is_in(license, pa.array(self.allow, pa.string()))
        batch = drop(batch, pc.invert(allowed), "license", license)
        if not self.weak:
            batch = drop(batch, pc.equal(batch["license_trust"], "weak"), "license", "named in the text only")
        return batch
