"""The packages: one bundle, and of it two .deb (with and without the demo model), a .run and a tarball.

    .venv/bin/python packaging/package.py package [--engine DIR] [--out DIR]
    .venv/bin/python packaging/package.py release VERSION [--engine DIR] [--out DIR]

`--engine` names the folder of the package llama_cpp to use; without it packaging/engine.py builds it. The files come to
`dist/` with their checksums in SHA256SUMS. `release` writes VERSION and today into pyproject.toml and CHANGELOG.md
first, and builds everything twice: the .deb must be the same. bootstrap.py starts it with what it needs in place.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bootstrap_models import DEMO
from bootstrap_report import Report, SetupError
from package_bundle import ROOT, Bundle, make_bundle, reproducible, version
from package_deb import build_deb, stage
from package_desktop import write_share
from package_run import build_run, build_tarball, stage_home

WORK = ROOT / ".cache" / "package"
LARGEST = 10  # parts that are named


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `release` is "" for packages of the version that stands in pyproject.toml."""

    release: str
    engine: Path | None
    out: Path


def parse(arguments: list[str]) -> Wish:
    """The command line; exits with 2 for a wrong one."""
    parser = argparse.ArgumentParser(prog="bootstrap.py package", allow_abbrev=False)
    parser.add_argument("command", choices=("package", "release"))
    parser.add_argument("version", nargs="?", default="", help="of a release, such as 0.2.0")
    parser.add_argument("--engine", type=Path, metavar="DIR", help="the folder llama_cpp to use; else it is built")
    parser.add_argument("--out", type=Path, metavar="DIR", default=ROOT / "dist", help="where the files go (dist)")
    found = parser.parse_args(arguments)
    if (found.command == "release") != bool(re.fullmatch(r"\d+\.\d+\.\d+", found.version)):
        parser.error("a release needs a version such as 0.2.0, and package takes none")
    return Wish(found.version, found.engine and found.engine.resolve(), found.out.resolve())


def main(arguments: list[str]) -> int:
    """Builds what is asked for; 0, or 1 with one sentence."""
    wish = parse(arguments)
    try:
        with Report(ROOT / ".cache" / "package.log") as report:
            if wish.release:
                begin_release(ROOT, wish.release, datetime.now(UTC).date().isoformat())
            engine = wish.engine or _engine(report)
            files = build(wish, engine, report)
            if wish.release:
                _compare(files, build(wish, engine, report), report)
                report.say(f"Now: git commit -am 'Cabochon {wish.release}' && git tag v{wish.release}")
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def begin_release(root: Path, number: str, today: str) -> None:
    """Write the version and its day into the files that have them. Raises SetupError before anything is written."""
    project, changelog = root / "pyproject.toml", root / "CHANGELOG.md"
    changes = changelog.read_text(encoding="utf-8")
    begun = re.search(rf"^## {re.escape(number)}, [\d-]+$", changes, re.MULTILINE)  # by a release that failed
    heading = re.search(r"^## (\S+), not released$", changes, re.MULTILINE) or begun
    if heading is None:
        raise SetupError("CHANGELOG.md has no section that is “not released”, so there is nothing to release.")
    changelog.write_text(changes.replace(heading[0], f"## {number}, {today}", 1), encoding="utf-8")
    text = project.read_text(encoding="utf-8")
    project.write_text(
        re.sub(r'^version = ".*"$', f'version = "{number}"', text, count=1, flags=re.M), encoding="utf-8"
    )


def _engine(report: Report) -> Path:
    folder = WORK / "engine"
    report.progress("Engine: built for every processor, with Vulkan")  # or taken from its cache
    command = [sys.executable, str(ROOT / "packaging" / "engine.py"), "build", "--out", str(folder)]
    if report.run(command):
        raise SetupError(f"The engine was not built. What went wrong stands in the log: {report.log}")
    return folder / "llama_cpp"


def build(wish: Wish, engine: Path, report: Report) -> dict[Path, str]:
    """Everything, from nothing; the files with their SHA-256."""
    epoch = int(subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=ROOT, text=True))
    environment = reproducible(epoch)
    number, built = version(), datetime.fromtimestamp(epoch, UTC).date().isoformat()
    bundle = make_bundle(WORK / "bundle", engine, environment, report)
    share = WORK / "share"
    shutil.rmtree(share, ignore_errors=True)
    write_share(share, number, built, environment)
    wish.out.mkdir(parents=True, exist_ok=True)
    stem, model = f"cabochon_{number}_amd64", ROOT / DEMO.path
    files = []
    for name, brought in ((f"{stem}.deb", model), (f"{stem}_without-model.deb", None)):
        report.progress(f"Packing {name}")
        tree = WORK / "deb"
        stage(bundle, share, brought, tree, epoch)
        build_deb(tree, bundle, number, wish.out / name, environment, report)
        files.append(wish.out / name)
    tree = WORK / f"cabochon-{number}"
    stage_home(bundle, share, model, tree, epoch)
    for name, pack in ((f"{tree.name}-linux-x86_64.tar.gz", _tarball), (f"{tree.name}-linux-x86_64.run", _run)):
        report.progress(f"Packing {name}")
        pack(tree, number, wish.out / name, environment, report)
        files.append(wish.out / name)
    sums = {file: _sha256(file) for file in files}
    lines = [f"{found}  {file.name}\n" for file, found in sums.items()]
    (wish.out / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    _tell(bundle, tree, files, report)
    return sums


def _tarball(tree: Path, _number: str, file: Path, environment: dict[str, str], report: Report) -> None:
    build_tarball(tree, file, environment, report)


def _run(tree: Path, number: str, file: Path, environment: dict[str, str], report: Report) -> None:
    build_run(tree, number, file, environment, report)


def _compare(first: dict[Path, str], second: dict[Path, str], report: Report) -> None:
    different = [file.name for file in first if first[file] != second[file]]
    if different:
        raise SetupError(f"Built twice, these are not the same: {', '.join(different)}.")
    report.say(f"Built twice, the same byte for byte: {', '.join(file.name for file in first)}.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parts(folder: Path) -> Iterator[tuple[int, str]]:
    """Bytes and name of each part: a library, or a folder of the bundle without its largest libraries."""
    for path in (folder, folder / "_internal"):
        for entry in os.scandir(path):
            if entry.name != "_internal" and not entry.is_symlink():
                files = [Path(entry.path)] if entry.is_file() else [each for each in Path(entry.path).rglob("*")]
                yield sum(each.lstat().st_size for each in files if not each.is_dir()), entry.name


def _tell(bundle: Bundle, tree: Path, files: list[Path], report: Report) -> None:
    for file in files:
        report.say(f"{file.stat().st_size / 1e6:7.1f} MB  {file.name}")
    largest = sorted(parts(tree / "cabochon"), reverse=True)[:LARGEST]
    named = ", ".join(f"{name} {size / 1e6:.0f}" for size, name in largest)
    report.say(f"Unpacked, the largest parts in MB: {named}. Needs: {', '.join(bundle.depends)}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
