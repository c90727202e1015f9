"""For a person without root: a tarball, and the same as one file that unpacks and installs itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from bootstrap_report import Report, SetupError
from package_bundle import ROOT, Bundle, settle
from package_deb import add_model

SCRIPTS = ("install.sh", "uninstall.sh")


def stage_home(bundle: Bundle, share: Path, model: Path, target: Path, epoch: int) -> None:
    """The folder that is unpacked: the program, what a desktop reads, and the scripts that install and remove."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(bundle.folder, target / "cabochon", symlinks=True)
    add_model(target / "cabochon", model)
    shutil.copytree(share, target / "share")
    for name in SCRIPTS:
        text = (ROOT / "packaging" / "linux" / name).read_text(encoding="utf-8")
        (target / name).write_text(text.replace("@DEPENDS@", " ".join(first_names(bundle.depends))), encoding="utf-8")
        (target / name).chmod(0o755)
    settle(target, epoch)


def first_names(depends: tuple[str, ...]) -> list[str]:
    """The packages' names as apt-get takes them: without versions, the first of alternatives."""
    return [re.split(r"[ |]", each, maxsplit=1)[0] for each in depends]


def build_tarball(tree: Path, file: Path, environment: Mapping[str, str], report: Report) -> None:
    """`tree` as a .tar.gz, the same twice. Raises SetupError."""
    command = ["tar", "--create", "--directory", str(tree.parent), *same_twice(environment), tree.name]
    compressed = ["sh", "-c", 'out=$1; shift; "$@" | gzip -9n >"$out"', "sh", str(file), *command]
    if report.run(compressed, environment=environment):
        raise SetupError(f"The tarball was not made. What went wrong stands in the log: {report.log}")


def build_run(tree: Path, version: str, file: Path, environment: Mapping[str, str], report: Report) -> None:
    """`tree` as a self-extracting file. gzip, because a bare Debian has no xz. Raises SetupError."""
    options = ["--gzip", "--complevel", "9", "--sha256", "--nox11", "--nowait", "--tar-quietly", "--quiet"]
    options += ["--tar-extra", " ".join(same_twice(environment)), "--packaging-date", environment["SOURCE_DATE_EPOCH"]]
    # through sh, so that a /tmp that starts no programs does no harm
    start = ["sh", "./install.sh"]
    packing = ["makeself", *options, str(tree), str(file), f"Cabochon {version}", *start]
    if report.run(packing, environment={**environment, "GZIP": "-n"}):  # without the time of now, for the same bytes
        raise SetupError(f"The self-extracting file was not made. What went wrong stands in the log: {report.log}")


def same_twice(environment: Mapping[str, str]) -> list[str]:
    """tar's options for the same bytes whoever packs."""
    owner = ["--owner=0", "--group=0", "--numeric-owner"]
    return ["--sort=name", f"--mtime=@{environment['SOURCE_DATE_EPOCH']}", "--format=gnu", *owner]
