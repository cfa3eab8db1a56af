"""Makes small model packs: of version 2 by MedCAT itself, of version 1 in the form in which MedCAT 1.10 wrote them."""

from __future__ import annotations

import json
import pickle
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

CAPTIONS = ["A mass in the left lung. Pleural effusion.", "No pulmonary nodule", "", "Chest. Wall"]


class Name(NamedTuple):
    """A name of a concept: id of the concept, name, status (P: preferred), semantic type."""

    id: str
    name: str
    status: str = "P"
    type: str = "T023"


UMLS = (
    Name("C0024109", "lung"),
    Name("C0024109", "pulmonary", "A"),
    Name("C0032227", "pleural effusion", type="T046"),
    Name("C0027651", "mass", type="T191"),
    Name("C0205076", "chest wall"),
)
SNOMED = (
    Name("39607008", "lung", type="123037004"),
    Name("60046008", "pleural effusion", type="64572001"),
    Name("4147007", "mass", type="49755003"),
)


def version_2(folder: Path, names: Sequence[Name] = UMLS, filters: Any = None, spacy_model: str = "") -> Path:
    """Writes a pack of version 2; returns its folder, beside which is its zip.

    filters: the linking filter `cuis` as it is stored, also of a wrong type. spacy_model: name of a model that is not
    installed.
    """
    from roco.models.text.linking.medcat_pack import _import_medcat, quiet

    with quiet():
        cat_class = _import_medcat()
        import numpy as np
        import pandas as pd
        from medcat.config import Config
        from medcat.model_creation.cdb_maker import CDBMaker
        from medcat.vocab import Vocab

        config = Config()
        columns = ("cui", "name", "name_status", "type_ids")
        cdb = CDBMaker(config).prepare_csvs([pd.DataFrame([dict(zip(columns, one, strict=True)) for one in names])])
        vocab = Vocab()
        for at, word in enumerate(("the", "lung", "shows", "mass")):
            vocab.add_word(word, cnt=10, vec=np.eye(4)[at])
        vocab.init_cumsums()
        pack = cat_class(cdb, vocab, config)
        if filters is not None:
            config.components.linking.filters.cuis = filters
        if spacy_model:
            config.general.nlp.provider, config.general.nlp.modelname = "spacy", spacy_model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic warns of filters of a wrong type
            return Path(pack.save_model_pack(str(folder), "pack", add_hash_to_pack_name=False))


def version_1(folder: Path, names: Sequence[Name] = UMLS, cuis: Sequence[str] = (), spacy_model: bool = True) -> Path:
    """Writes a pack of version 1.10 as a folder, and its zip beside it.

    cuis: the linking filter. spacy_model: whether the pack contains its spaCy model, as packs of version 1 do.
    """
    pack = folder / "old_pack"
    pack.mkdir(parents=True)
    (pack / "cdb.dat").write_bytes(pickle.dumps({"cdb": _concepts(names)}))
    (pack / "vocab.dat").write_bytes(pickle.dumps({"vocab": {"lung": {"vec": None, "cnt": 1, "ind": 0}}}))
    (pack / "config.json").write_text(json.dumps(_configuration(cuis)), encoding="utf-8")
    if spacy_model:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import spacy

            spacy.blank("en").to_disk(pack / "en_small")
    shutil.make_archive(str(pack), "zip", root_dir=pack)
    return pack


def _concepts(names: Sequence[Name]) -> dict[str, Any]:
    """Returns the attributes of the concept database of MedCAT 1.10."""
    joined = {one: one.name.replace(" ", "~") for one in names}
    parts = {part for name in joined.values() for part in _beginnings(name)}
    ids = dict.fromkeys(one.id for one in names)
    of = {id: [one for one in names if one.id == id] for id in ids}
    return {
        "name2cuis": {joined[one]: [one.id] for one in names},
        "name2cuis2status": {joined[one]: {one.id: one.status} for one in names},
        "snames": parts,
        "cui2names": {id: {joined[one] for one in of[id]} for id in ids},
        "cui2snames": {id: {part for one in of[id] for part in _beginnings(joined[one])} for id in ids},
        "cui2context_vectors": {},
        "cui2count_train": {},
        "cui2info": {},
        "cui2tags": {},
        "cui2type_ids": {id: {one.type for one in of[id]} for id in ids},
        "cui2preferred_name": {id: of[id][0].name for id in ids},
        "cui2average_confidence": {},
        "name2count_train": {},
        "name_isupper": {},
        "addl_info": {"cui2original_names": {}, "type_id2name": {}, "type_id2cuis": {}},
        "vocab": {},
        "is_dirty": False,
    }


def _beginnings(name: str) -> list[str]:
    words = name.split("~")
    return ["~".join(words[:n]) for n in range(1, len(words) + 1)]


def _configuration(cuis: Sequence[str]) -> dict[str, Any]:
    """Returns config.json of MedCAT 1.10: what jsonpickle wrote of its classes, with the options that matter here."""
    filters = _pickled("LinkingFilters", cuis={"py/set": list(cuis)}, cuis_exclude={"py/set": []})
    return {
        "version": _pickled("VersionInfo", description="", id=None, ontology=None, history=[]),
        "cdb_maker": _pickled("CDBMaker", name_versions=["LOWER", "CLEAN"], multi_separator="|"),
        "annotation_output": _pickled("AnnotationOutput", doc_extended_info=False, context_left=-1, context_right=-1),
        "general": _pickled(
            "General", spacy_model="en_small", spacy_disabled_components=["ner", "parser"], separator="~",
            checkpoint=_pickled("CheckPoint", steps=None), spell_check=True,
        ),
        "preprocessing": _pickled(
            "Preprocessing", words_to_skip={"py/set": ["nos"]}, keep_punct={"py/set": [":", "."]},
            do_not_normalize={"py/set": ["VBG"]}, stopwords=None,
        ),
        "ner": _pickled("Ner", min_name_len=3, max_skip_tokens=2),
        "linking": _pickled("Linking", filters=filters, train=True, similarity_threshold=0.25),
        "word_skipper": {"py/object": "re.Pattern", "pattern": "^(nos)$"},
        "hash": None,
    }  # fmt: skip


def _pickled(name: str, **values: Any) -> dict[str, Any]:
    state = {"__dict__": values, "__fields_set__": {"py/set": []}, "__private_attribute_values__": {}}
    return {"py/object": f"medcat.config.{name}", "py/state": state}
