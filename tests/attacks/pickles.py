"""Files that create a folder when their objects are unpickled, or their code is run: pickles in many containers.

Each payload has a reader that is not safe, with which a test shows that the payload works.
"""

from __future__ import annotations

import gzip
import io
import json
import marshal
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from tests.attacks import Trap

_EXTENSION_NAME, _EXTENSION_DATA = b"ARROW:extension:name", b"ARROW:extension:metadata"
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # how torch's files began before they were zips


class Harm:
    """Creates a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.trace),)


class Payload(NamedTuple):
    """make: the bytes of a file that creates the given folder; run: reads them as code that is not safe would."""

    make: Callable[[Path], bytes]
    run: Callable[[bytes], object]


def with_pickled_type(table: pa.Table, trace: Path) -> pa.Table:
    """Returns the table with a first column of the type that old versions of Arrow stored as a pickle."""
    kind = {_EXTENSION_NAME: b"arrow.py_extension_type", _EXTENSION_DATA: pickle.dumps(Harm(trace))}
    return table.set_column(0, table.schema.field(0).with_metadata(kind), table.column(0))


def _objects(trace: Path) -> np.ndarray[Any, Any]:
    return np.array([Harm(trace)], object)


def _array(trace: Path) -> bytes:
    file = io.BytesIO()
    np.save(file, _objects(trace), allow_pickle=True)
    return file.getvalue()


def _arrays(trace: Path) -> bytes:
    file = io.BytesIO()
    # Under the names that models, vectors and rankings have.
    names = ("weights", "bias", "format", "gram", "ids", "images", "texts", "vectors")
    np.savez(file, **dict.fromkeys(names, _objects(trace)))
    return file.getvalue()


def _run_arrays(data: bytes) -> object:
    with np.load(io.BytesIO(data), allow_pickle=True) as arrays:
        return arrays["weights"]


def _checkpoint(trace: Path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Harm(trace), 2))
        archive.writestr("archive/byteorder", sys.byteorder)
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def _old_checkpoint(trace: Path) -> bytes:
    return b"".join(pickle.dumps(value, 2) for value in (_TORCH_MAGIC, 1001, {}, Harm(trace)))


def _run_all(data: bytes) -> object:
    file = io.BytesIO(data)
    return [pickle.load(file) for _ in range(4)]


def _tensors(trace: Path) -> bytes:
    pickled = pickle.dumps(Harm(trace))
    tensor = {"dtype": "U8", "shape": [len(pickled)], "data_offsets": [0, len(pickled)]}
    head = json.dumps({"__metadata__": {"format": "pickle"}, "weight": tensor}).encode()
    return struct.pack("<Q", len(head)) + head + pickled


def _run_tensors(data: bytes) -> object:
    (length,) = struct.unpack("<Q", data[:8])
    return pickle.loads(data[8 + length :])


def _parquet(trace: Path) -> bytes:
    file = io.BytesIO()
    pq.write_table(with_pickled_type(pa.table({"id": ["x"], "label": ["y"]}), trace), file)
    return file.getvalue()


def _arrow(trace: Path) -> bytes:
    table = with_pickled_type(pa.table({"id": ["x"]}), trace)
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def _run_type(schema: pa.Schema) -> object:
    return pickle.loads(schema.field(0).metadata[_EXTENSION_DATA])


def _code(trace: Path) -> str:
    return f"__import__('os').mkdir({str(trace)!r})"


def _yaml(data: bytes) -> object:
    import yaml

    return yaml.unsafe_load(data)


PAYLOADS = {
    "a pickle": Payload(lambda trace: pickle.dumps(Harm(trace)), pickle.loads),
    "a pickle in letters": Payload(lambda trace: pickle.dumps(Harm(trace), 0), pickle.loads),
    "a compressed pickle": Payload(
        lambda trace: gzip.compress(pickle.dumps(Harm(trace))), lambda data: pickle.loads(gzip.decompress(data))
    ),
    "an array of objects": Payload(_array, lambda data: np.load(io.BytesIO(data), allow_pickle=True)),
    "arrays of objects": Payload(_arrays, _run_arrays),
    "a checkpoint": Payload(
        _checkpoint, lambda data: pickle.loads(zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl"))
    ),
    "an old checkpoint": Payload(_old_checkpoint, _run_all),
    "a pickle as a tensor": Payload(_tensors, _run_tensors),
    "a Parquet file with a pickled type": Payload(
        _parquet, lambda data: _run_type(pq.ParquetFile(io.BytesIO(data)).schema_arrow)
    ),
    "an Arrow file with a pickled type": Payload(_arrow, lambda data: _run_type(pa.ipc.open_file(data).schema)),
    "a YAML that calls a function": Payload(
        lambda trace: f"!!python/object/apply:os.mkdir [{str(trace)!r}]\n".encode(), _yaml
    ),
    "an expression": Payload(lambda trace: _code(trace).encode(), lambda data: eval(data)),
    "compiled code": Payload(
        lambda trace: marshal.dumps(compile(_code(trace), "x", "exec")), lambda data: exec(marshal.loads(data))
    ),
}


def in_place(name: str) -> Callable[[Trap], bytes]:
    """Returns a maker of a payload that creates a folder beside the files of a trap."""
    return lambda trap: PAYLOADS[name].make(trap.text.with_name("trace"))
