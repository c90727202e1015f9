"""`cabochon models list`, `verify`, `remove` and `token`: the models that Cabochon brought, and how it gets at more."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from threading import Event

from app.cli.commands import ModelsList, ModelsRemove, ModelsToken, ModelsVerify
from app.cli.opening import with_models_folder
from app.cli.output import Output, one_line
from app.core.errors import ExitCode, ModelError, UsageError
from app.core.paths import DataPaths
from app.gguf.header import in_words
from app.models.away import away, check_there
from app.models.catalogue import catalogue, known_model
from app.models.downloads import Downloads
from app.models.library import Library, LibraryFile
from app.models.places import OURS, Place
from app.models.token import keep_token


def run_list(command: ModelsList, paths: DataPaths, output: Output) -> ExitCode:
    """Print the models of our folder, what has come in part, and what can be fetched."""
    paths = with_models_folder(paths)
    files, parts = _ours(paths), Downloads(paths.models).parts()
    if command.json:
        output.record(
            {
                "models": [_record(file) for file in files],
                "partly": [{"path": str(part), "bytes": part.stat().st_size} for part in parts],
                "known": [
                    {"id": model.id, "name": model.name, "quantisations": _quantisations(model.id)}
                    for model in catalogue()
                ],
            }
        )
        return ExitCode.DONE
    for file in files:
        sees = ", sees pictures" if file.projector is not None else ""
        output.line(f"{one_line(file.name)}  ({file.facts.quantisation}, {in_words(file.size)}{sees})")
        output.line(f"  {one_line(str(file.path))}")
    for part in parts:
        output.line(f"{one_line(part.stem)}  (partly fetched, {in_words(part.stat().st_size)})")
    if said := away(paths):
        output.line(one_line(said))
    elif not files and not parts:
        output.line("No model was fetched yet.")
    output.line("Can be fetched with `cabochon models get`:")
    for model in catalogue():
        if known := _quantisations(model.id):
            output.line(f"  {model.id:<14} {model.name}: {', '.join(known)}")
    return ExitCode.DONE


def run_verify(command: ModelsVerify, paths: DataPaths, output: Output) -> ExitCode:
    """Read the files again and compare their bytes with those that came. Exit code 3 where one is damaged."""
    paths = with_models_folder(paths)
    check_there(away(paths))
    downloads = Downloads(paths.models)
    named = (
        [_named(command.model, paths)]
        if command.model
        else [downloads.folder / one.path for one in downloads.records()]
    )
    results: list[dict[str, object]] = []
    for path in named:
        name = one_line(path.name)

        def tell(read: int, size: int, name: str = name) -> None:
            output.status(f"Reading {name}: {read / max(1, size):.0%}")

        right = downloads.verify(path, tell, Event())
        results.append({"path": str(path), "right": right})
        said = {True: "is whole", False: "is DAMAGED; fetch it again", None: "is not one that Cabochon fetched"}[right]
        if not command.json:
            output.line(f"{name} {said}.")
    if command.json:
        output.record({"files": results})
    elif not named:
        output.line("No model was fetched yet.")
    return ExitCode.MODEL if any(result["right"] is False for result in results) else ExitCode.DONE


def run_remove(command: ModelsRemove, paths: DataPaths, output: Output) -> ExitCode:
    """Delete a file that Cabochon brought, after the person said so."""
    paths = with_models_folder(paths)
    path = _named(command.model, paths)
    downloads = Downloads(paths.models)
    if not downloads.owns(path):
        raise UsageError(f"{path} was not brought by Cabochon, so it is left where it is.", "not_ours")
    if not command.yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{path} is deleted with --yes only.", "not_sure")
        named = [f"{one_line(str(gone))} ({in_words(gone.stat().st_size)})" for gone in downloads.going(path)]
        sys.stderr.write(f"Delete {' and '.join(named)}? Type yes: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise UsageError("Nothing was deleted.", "not_sure")
    downloads.remove(path)
    output.sentence(f"{path.name} was deleted.")
    return ExitCode.DONE


def run_token(command: ModelsToken, output: Output) -> ExitCode:
    """Keep the token of a person's account in the system's keyring, or forget it."""
    if command.forget:
        keep_token("")
        output.sentence("The token is forgotten.")
        return ExitCode.DONE
    if sys.stdin.isatty():
        token = getpass.getpass("Token of your Hugging Face account: ", sys.stderr).strip()
    else:
        token = sys.stdin.readline().strip()
    if not token:
        raise UsageError("No token was given.", "token")
    keep_token(token)
    output.sentence("The token is kept in the keyring.")
    return ExitCode.DONE


def _ours(paths: DataPaths) -> list[LibraryFile]:
    found = Library(paths.library).scan([Place(OURS, paths.models)]) if paths.models.is_dir() else []
    return [file for file in found if not file.facts.error]


def _named(name: str, paths: DataPaths) -> Path:
    """A file by its path, or by the name of a model in our folder. Raises ModelError."""
    if Path(name).is_file():
        return Path(name).absolute()
    known = known_model(name)
    place = Downloads(paths.models).place(known[0]) if known else None
    for file in _ours(paths):
        if name in (file.name, file.path.name) or (known and file.path.parent == place and known[1] in ("", _of(file))):
            return file.path
    for part in Downloads(paths.models).parts():
        if name in (part.stem, part.name) or part.parent == place:
            return part
    raise ModelError(f"There is no model {one_line(name)} in {paths.models}.", "no_model")


def _of(file: LibraryFile) -> str:
    return file.facts.quantisation


def _quantisations(model: str) -> list[str]:
    found = next(one for one in catalogue() if one.id == model)
    return list(dict.fromkeys(file.quantisation.partition("+")[0] for file in found.files if file.kind == "model"))


def _record(file: LibraryFile) -> dict[str, object]:
    return {
        "name": file.name,
        "path": str(file.path),
        "bytes": file.size,
        "quantisation": file.facts.quantisation,
        "vision": file.projector is not None,
    }
