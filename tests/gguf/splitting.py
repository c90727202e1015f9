"""A model file in several, as llama.cpp's own tool splits it, and one with its image part inside, as Ollama's are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

_OWN = ("GGUF.", "general.architecture")  # what the writer writes by itself


def split(source: Path, folder: Path, count: int, *, bare_first: bool = False) -> list[Path]:
    """The files `part-00001-of-…`; with `bare_first` the first has no tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    tensors = [list(one) for one in np.array_split(np.arange(len(reader.tensors)), count - bare_first)]
    made = []
    for number, numbers in enumerate([[], *tensors] if bare_first else tensors):
        path = folder / f"part-{number + 1:05}-of-{count:05}.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        if number == 0:
            _copy_values(reader, writer)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", count)
        writer.add_int32("split.tensors.count", len(reader.tensors))
        _finish(writer, [reader.tensors[place] for place in numbers])
        made.append(path)
    return made


def with_image_inside(model: Path, projector: Path, to: Path) -> Path:
    """The model's values, and the tensors of both."""
    reader = gguf.GGUFReader(model)
    writer = gguf.GGUFWriter(to, reader.fields["general.architecture"].contents())
    _copy_values(reader, writer)
    _finish(writer, [*reader.tensors, *gguf.GGUFReader(projector).tensors])
    return to


def without_last(model: Path, to: Path) -> Path:
    """The model without its last tensor."""
    reader = gguf.GGUFReader(model)
    writer = gguf.GGUFWriter(to, reader.fields["general.architecture"].contents())
    _copy_values(reader, writer)
    _finish(writer, reader.tensors[:-1])
    return to


def _copy_values(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    for name, field in reader.fields.items():
        if not name.startswith(_OWN):
            kind = field.types[0]
            inner = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), kind, inner)


def _finish(writer: gguf.GGUFWriter, tensors: Sequence[gguf.ReaderTensor]) -> None:
    for tensor in tensors:
        writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
