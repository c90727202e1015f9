"""`cabochon models scan`: the model files that are on this machine already."""

from __future__ import annotations

import os
from pathlib import Path

from app.cli.commands import ModelsScan
from app.cli.opening import with_models_folder
from app.cli.output import Output, one_line
from app.core.errors import ExitCode, UsageError
from app.core.paths import DataPaths
from app.gguf.header import in_words
from app.models.library import Library, LibraryFile
from app.models.places import Place, places


def run_scan(command: ModelsScan, paths: DataPaths, output: Output) -> ExitCode:
    """Print what is found in the named folders, or in ours and those of other programs. Raises UsageError."""
    for folder in command.folders:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {one_line(str(folder))}.", "usage")
    found = [Place("", folder.absolute()) for folder in command.folders]
    if not found:
        found = places(with_models_folder(paths), os.environ, Path.home())
    files = Library(paths.library).scan(found)
    models = [file for file in files if not file.facts.error]
    broken = [file for file in files if file.facts.error]
    if command.json:
        output.record(
            {
                "models": [_record(file) for file in models],
                "unreadable": [{"path": str(file.path), "why": file.facts.error} for file in broken],
            }
        )
        return ExitCode.DONE
    for file in models:
        _print(file, output)
    for file in broken:
        output.line(one_line(file.trouble))
    if not files:
        output.line("No model file was found.")
    return ExitCode.DONE


def _record(file: LibraryFile) -> dict[str, object]:
    return {
        "name": file.name,
        "path": str(file.path),
        "source": file.source,
        "bytes": file.size,
        "architecture": file.facts.architecture,
        "quantisation": file.facts.quantisation,
        "parameters": file.facts.parameters,
        "context": file.facts.context,
        "licence": file.facts.licence,
        "has_template": file.facts.has_template,
        "projector": None if file.projector is None else str(file.projector),
    }


def _print(file: LibraryFile, output: Output) -> None:
    facts = file.facts
    what = [file.source, facts.architecture, facts.quantisation, in_words(file.size)]
    if facts.context:
        what.append(f"context {facts.context:,}")
    if file.projector is not None:
        what.append("sees pictures")
    output.line(f"{one_line(file.name)}  ({one_line(', '.join(filter(None, what)))})")
    output.line(f"  {one_line(str(file.path))}")
