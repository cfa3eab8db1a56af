"""Compares the linker `dictionary` with MedCAT, spaCy and flashtext on one vocabulary and the same captions.

`python -m benchmarks.dictionary` prints its section of docs/benchmarks.md. It needs the captions and terminologies of
ROCO_SHARED, and the packages that are compared, which are in the extra `bench`; those that are not installed are left
out.
"""

from __future__ import annotations

import gzip
import importlib.util
import logging
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rights import SHARED, captions
from roco.models.text.concepts.choose import Candidate, Chooser
from roco.models.text.concepts.rules import load as load_rules
from roco.models.text.linking.dictionary import Dictionary
from roco.models.text.linking.linker import Mention
from roco.models.text.vocabulary.table import Concept, Vocabulary, load, save

NAMES = 500_000
CAPTIONS = 80_000
COMPARED = 1_000
"""Captions for the comparison; MedCAT takes a second for them."""
LONGEST = 100  # characters of a name


def real_names() -> Iterator[tuple[str, ...]]:
    """Yields the names of concepts: of the shipped vocabulary, MeSH and HPO."""
    for concept in load().concepts:
        yield concept.names
    folder = SHARED / "data" / "terminology"
    with gzip.open(folder / "mesh" / "mesh_descriptors_labels_synonyms_trees.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            _, name, synonyms, *_ = line.rstrip("\n").split("\t")
            yield (name, *filter(None, synonyms.split("|")))
    names: list[str] = []
    with gzip.open(folder / "obo" / "hp.obo.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("name: "):
                if names:
                    yield tuple(names)
                names = [line[6:].strip()]
            elif line.startswith('synonym: "') and names:
                names.append(line.split('"')[1])


def vocabulary(size: int = NAMES) -> Vocabulary:
    """Returns a vocabulary with so many names: real ones, then pairs of short ones; the same one each time."""
    concepts: list[Concept] = []
    known = set[str]()
    short: list[str] = []

    def add(names: Sequence[str]) -> None:
        new = [name for name in dict.fromkeys(names) if name.lower() not in known and len(name) <= LONGEST]
        new = [name for name in new if "|" not in name][: size - len(known)]
        if new:
            known.update(name.lower() for name in new)
            concepts.append(Concept(f"C{len(concepts):07}", new[0], tuple(new[1:])))

    for names in real_names():
        add(names)
        short += [name for name in names if len(name.split()) < 3 and "," not in name]
    chance = random.Random(0)
    while len(known) < size:
        add([f"{chance.choice(short)} {chance.choice(short)}" for _ in range(chance.randint(1, 6))])
    return Vocabulary(tuple(concepts))


def texts(size: int) -> list[str]:
    """Returns captions: those of the sample, then the same ones with every tenth word exchanged for one of another."""
    real = [caption.text for caption in captions() if caption.kind == "radiology"]
    made = real[:size]
    words = [word for text in real for word in text.split()]
    chance = random.Random(0)
    while len(made) < size:
        text = real[len(made) % len(real)]
        made.append(" ".join(chance.choice(words) if chance.random() < 0.1 else word for word in text.split()))
    return made


Link = Callable[[Sequence[str]], int]
"""Links captions and returns the number of mentions."""


def ours(known: Vocabulary) -> Link:
    linker = Dictionary(known)
    return lambda batch: sum(map(len, linker.link(batch)))


def flashtext(known: Vocabulary) -> Link:
    from flashtext import KeywordProcessor

    processor = KeywordProcessor(case_sensitive=False)
    for concept in known.concepts:
        for name in concept.names:
            processor.add_keyword(name, concept.cui)
    return lambda batch: sum(len(processor.extract_keywords(text, span_info=True)) for text in batch)


def phrase_matcher(known: Vocabulary) -> Link:
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    for concept in known.concepts:
        matcher.add(concept.cui, [nlp.make_doc(name) for name in concept.names])
    return lambda batch: sum(len(spacy.util.filter_spans(matcher(doc, as_spans=True))) for doc in nlp.pipe(batch))


def medcat(known: Vocabulary) -> Link:
    logging.getLogger("medcat").setLevel(logging.CRITICAL)
    from medcat.cat import CAT
    from medcat.config import Config
    from medcat.model_creation.cdb_maker import CDBMaker
    from medcat.vocab import Vocab

    config = Config()
    config.general.nlp.provider = "regex"
    config.components.linking.train = False
    maker = CDBMaker(config)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.csv"
        with path.open("w", encoding="utf-8") as fh:
            fh.write("cui,name,ontologies,name_status,type_ids\n")
            for concept in known.concepts:
                for number, name in enumerate(concept.names):
                    quoted = name.replace('"', '""')
                    fh.write(f'{concept.cui},"{quoted}",X,{"A" if number else "P"},T047\n')
        maker.prepare_csvs([str(path)], full_build=False)
    words = Vocab()
    for at, word in enumerate(("the", "lung", "shows", "mass")):
        words.add_word(word, cnt=10, vec=np.eye(4)[at])
    words.init_cumsums()
    cat = CAT(maker.cdb, words, config)
    return lambda batch: sum(len(cat.get_entities(text)["entities"]) for text in batch)


PEERS: dict[str, tuple[str, Callable[[Vocabulary], Link]]] = {
    "flashtext 2.7": ("flashtext", flashtext),
    "spaCy PhraseMatcher": ("spacy", phrase_matcher),
    "MedCAT 2.9, regex": ("medcat", medcat),
}


def dictionary(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    known = vocabulary()
    batch = texts(COMPARED)
    lines = [
        *("", "## Linking of concepts", ""),
        f"A vocabulary of {NAMES:,} names of {len(known.concepts):,} concepts: those of the shipped one, MeSH and HPO,",
        "then pairs of them. Each linker finds its names in the same captions; only `dictionary` reads abbreviations,",
        "forms of words and negation. One process, seconds of CPU time; medians, the linkers in turn.",
        "",
        "| linker | build, s | captions/s | mentions per caption | ratio |",
        "|---|---|---|---|---|",
    ]
    linkers: dict[str, Link] = {}
    built: dict[str, float] = {}
    for name, (package, make) in ({"`dictionary`": ("roco", ours)} | PEERS).items():
        if importlib.util.find_spec(package):
            start = time.process_time()
            linkers[name] = make(known)
            built[name] = time.process_time() - start
            linkers[name](batch[:100])
    seconds: dict[str, list[float]] = {name: [] for name in linkers}
    mentions: dict[str, int] = {}
    for _ in range(repeats):
        for name, link in linkers.items():
            start = time.process_time()
            mentions[name] = link(batch)
            seconds[name].append(time.process_time() - start)
    for name in linkers:
        median = statistics.median(seconds[name])
        ratio = statistics.median(b / a for a, b in zip(seconds["`dictionary`"], seconds[name], strict=True))
        cells = f"{built[name]:.1f} | {len(batch) / median:,.0f} | {mentions[name] / len(batch):.2f} | {ratio:.1f}"
        lines.append(f"| {name} | {cells} |")
    lines += [f"| {name} | not installed | | | |" for name in PEERS if name not in linkers]
    linkers.clear()
    return [*lines, "", *end_to_end(known, repeats)]


def end_to_end(known: Vocabulary, repeats: int) -> list[str]:
    """Returns lines on loading the vocabulary from a file, and on linking by two processes."""
    global _LINKER
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.csv"
        save(known, path)
        reading, building = [], []
        for _ in range(repeats):
            start = time.process_time()
            read = load(path)
            reading.append(time.process_time() - start)
            start = time.process_time()
            _LINKER = Dictionary(read)
            building.append(time.process_time() - start)
    batch = texts(CAPTIONS)
    parts = [batch[at : at + 1000] for at in range(0, len(batch), 1000)]
    walls: list[float] = []
    cpu: list[float] = []
    for _ in range(repeats):
        # Processes start with the index, as after `prepare` of a stage.
        with multiprocessing.get_context("fork").Pool(2) as pool:
            start = time.perf_counter()
            counts = pool.map(_count, parts, chunksize=1)
            walls.append(time.perf_counter() - start)
        cpu.append(sum(seconds for _, seconds in counts) / 2)
    found = sum(n for n, _ in counts)
    _LINKER = None
    wall = statistics.median(walls)
    return [
        (
            f"The vocabulary is read from CSV in {statistics.median(reading):.1f} s and indexed in"
            f" {statistics.median(building):.1f} s. Two processes link {CAPTIONS:,} captions and apply the rules for"
            f" concepts in {wall:.1f} s, {statistics.median(cpu):.1f} s of CPU time each. {_real():,} of the captions"
            " are real, the others have every tenth word exchanged; they have"
            f" {found / CAPTIONS:.2f} mentions on average."
        ),
    ]


_LINKER: Any = None
_RULES = Chooser(load_rules())


def _count(batch: Sequence[str]) -> tuple[int, float]:
    """Links captions and applies the rules; returns the number of mentions, and the seconds of CPU time."""
    start = time.process_time()
    linked = _LINKER.link(batch)
    for mentions in linked:
        _RULES.automatic([_candidate(mention) for mention in mentions], "DRCT")
    return sum(map(len, linked)), time.process_time() - start


def _candidate(mention: Mention) -> Candidate:
    tuis = "|".join(_LINKER.describe(mention.cui).tuis)
    return Candidate(mention.cui, mention.text, tuis, mention.negated, mention.uncertain)


def _real() -> int:
    return sum(caption.kind == "radiology" for caption in captions())


if __name__ == "__main__":
    print("\n".join(dictionary(int(os.environ.get("ROCO_BENCH_REPEATS", "3")))))
