"""Where model files lie on a machine: our own folder, and those of other programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.core.paths import DataPaths, resources

OURS, OLLAMA = "Cabochon", "Ollama"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with model files, and the program whose folder it is."""

    source: str
    folder: Path


def places(paths: DataPaths, environment: Mapping[str, str], home: Path) -> list[Place]:
    """The folders that can be seen, ours first. Each program's own variables go before its usual place."""

    def named(variable: str, *below: str) -> list[Path]:
        value = environment.get(variable, "")
        return [Path(value).joinpath(*below)] if value else []

    data = (named("XDG_DATA_HOME") or [home / ".local" / "share"])[0]
    config = (named("XDG_CONFIG_HOME") or [home / ".config"])[0]
    cache = (named("XDG_CACHE_HOME") or [home / ".cache"])[0]
    support = home / "Library" / "Application Support"
    wanted: list[tuple[str, list[Path]]] = [
        (OURS, [paths.models, resources() / "models"]),
        ("LM Studio", _of_studio(home / ".lmstudio") + _of_studio(cache / "lm-studio")),
        (OLLAMA, named("OLLAMA_MODELS") or [home / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]),
        ("Jan", [one / "Jan" / "data" / "llamacpp" / "models" for one in (data, config, support)]),
        ("GPT4All", [data / "nomic.ai" / "GPT4All", support / "nomic.ai" / "GPT4All"]),
        ("llama.cpp", named("LLAMA_CACHE") or [cache / "llama.cpp", home / "Library" / "Caches" / "llama.cpp"]),
        ("Hugging Face", named("HF_HUB_CACHE") or named("HF_HOME", "hub") or [cache / "huggingface" / "hub"]),
    ]
    return [Place(source, folder) for source, folders in wanted for folder in folders if os.path.isdir(folder)]


class _StudioSettings(msgspec.Struct):
    downloadsFolder: str = ""


def _of_studio(own: Path) -> list[Path]:
    """The folder of models that LM Studio's settings name, and the one that it begins with."""
    try:
        told = msgspec.json.decode((own / "settings.json").read_bytes(), type=_StudioSettings).downloadsFolder
    except (OSError, msgspec.DecodeError):
        told = ""
    named = [Path(told)] if os.path.isabs(told) and "\0" not in told else []
    return [*named, own / "models"]
