"""The Debian package: a folder as it will lie on the system, and dpkg-deb, the same byte for byte each time."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from bootstrap_report import Report, SetupError
from package_bundle import ROOT, Bundle, settle
from package_desktop import releases
from package_licences import LINE
from package_parts import LICENCES

NAME = "cabochon"
MAINTAINER = "The Cabochon project <packages@cabochon.org>"
PLACE = Path("usr/lib") / NAME  # not /opt: what lies there is the administrator's own
RECOMMENDS = ("xdg-utils",)  # opens links and folders
SUGGESTS = "mesa-vulkan-drivers"
DESCRIPTION = """\
Description: chat with a language model on your own computer
 Cabochon chats with a language model that runs on your own laptop: text,
 pictures and documents in, the answer word by word. It is made for Gemma 3
 and runs other models in the GGUF format too. Conversations stay in your home
 folder, and nothing goes over the network unless you ask for it."""
AFTER_REMOVAL = """\
#!/bin/sh
set -e
if [ "$1" = remove ]; then
    echo "Conversations, settings and models are kept in .local/share/cabochon of each person's home folder."
fi
"""
# Why lintian is answered and not obeyed: the program brings its own Python and Qt, so that it is the same everywhere.
OVERRIDES = """\
# The program is a bundle: its libraries are its own, tested with it, and found relative to its executables.
cabochon: embedded-library
cabochon: package-installs-python-bytecode
cabochon: custom-library-search-path
cabochon: library-not-linked-against-libc
cabochon: shared-library-lacks-prerequisites
cabochon: shared-library-lacks-version
cabochon: unstripped-binary-or-object
cabochon: hardening-no-pie
cabochon: hardening-no-relro
cabochon: hardening-no-fortify-functions
cabochon: package-contains-documentation-outside-usr-share-doc
# It is not part of Debian, so there is no bug that asks for it.
cabochon: initial-upload-closes-no-bugs
"""


def control(version: str, bundle: Bundle, kilobytes: int) -> str:
    """The control file; `kilobytes` is what the package takes when installed."""
    lines = [
        f"Package: {NAME}",
        f"Version: {version}",
        "Architecture: amd64",
        f"Maintainer: {MAINTAINER}",
        f"Installed-Size: {kilobytes}",
        f"Depends: {', '.join(bundle.depends)}",
        f"Recommends: {', '.join((*bundle.recommends, *RECOMMENDS))}",
        f"Suggests: {SUGGESTS}",
        "Section: misc",
        "Priority: optional",
        "Homepage: https://cabochon.org",
        DESCRIPTION,
    ]
    return "\n".join(lines) + "\n"


def debian_changelog(text: str, epoch: int) -> str:
    """CHANGELOG.md in Debian's form."""
    lines = []
    for release in releases(text):
        day = datetime.fromisoformat(release.date) if release.date else datetime.fromtimestamp(epoch, UTC)
        lines += [f"{NAME} ({release.version}) unstable; urgency=medium", ""]
        for note in release.notes:
            lines += textwrap.wrap(note, 76, initial_indent="  * ", subsequent_indent="    ")
        lines += ["", f" -- {MAINTAINER}  {format_datetime(day.replace(tzinfo=UTC))}", ""]
    return "\n".join(lines)


def copyright_file(licences: str) -> str:
    """Debian's copyright file: what the package is and the list of its parts; their texts are with the program."""
    head = "Copyright 2026 The Cabochon project, under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0.\n"
    listed = licences.partition(LINE)[0].replace("follow in full", f"are in full in /{PLACE}/_internal/{LICENCES}")
    return f"{head}\n{listed.rstrip()}\n"


def stage(bundle: Bundle, share: Path, model: Path | None, target: Path, epoch: int) -> None:
    """The folder as it will lie on a system."""
    shutil.rmtree(target, ignore_errors=True)
    place = target / PLACE
    shutil.copytree(bundle.folder, place, symlinks=True)
    add_model(place, model)
    shutil.copytree(share, target / "usr" / "share")
    (target / "usr" / "bin").mkdir()
    (target / "usr" / "bin" / NAME).symlink_to(Path("../lib") / NAME / NAME)
    documents = target / "usr" / "share" / "doc" / NAME
    documents.mkdir(parents=True)
    licences = (bundle.internal / LICENCES).read_text(encoding="utf-8")
    (documents / "copyright").write_text(copyright_file(licences), encoding="utf-8")
    changes = debian_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), epoch)
    (documents / "changelog.gz").write_bytes(gzip.compress(changes.encode(), mtime=0))
    overrides = target / "usr" / "share" / "lintian" / "overrides"
    overrides.mkdir(parents=True)
    (overrides / NAME).write_text(OVERRIDES, encoding="utf-8")


def add_model(place: Path, model: Path | None) -> None:
    """Put the demo model where the program looks for it, or none."""
    if model is not None:
        models = place / "_internal" / "resources" / "models"
        models.mkdir()
        shutil.copy2(model, models / model.name)
        (models / model.name).chmod(0o644)


def build_deb(
    tree: Path, bundle: Bundle, version: str, file: Path, environment: Mapping[str, str], report: Report
) -> None:
    """Pack the staged folder. Raises SetupError."""
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    meta = tree / "DEBIAN"
    shutil.rmtree(meta, ignore_errors=True)
    files = [path for path in files if meta not in path.parents]
    meta.mkdir()
    kilobytes = sum((path.stat().st_size + 1023) // 1024 for path in files)
    (meta / "control").write_text(control(version, bundle, kilobytes), encoding="utf-8")
    (meta / "postrm").write_text(AFTER_REMOVAL, encoding="utf-8")
    (meta / "postrm").chmod(0o755)
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files]
    (meta / "md5sums").write_text("".join(sums), encoding="utf-8")
    settle(tree, int(environment["SOURCE_DATE_EPOCH"]))
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", "--threads-max=1", "--build", str(tree), str(file)]
    # read again, because a package that was cut short may not be noticed before somebody installs it
    if report.run(command, environment=environment) or report.run(["dpkg-deb", "--contents", str(file)]):
        raise SetupError(f"dpkg-deb failed. What went wrong stands in the log: {report.log}")
