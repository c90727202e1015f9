"""A bare Debian 12 to try packages in: made once with debootstrap, copied for each run, entered without network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

USER = 1000
HOME = Path("/home/Zoë Müller 日本")  # neither Latin letters alone nor without spaces
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What changes by itself, or belongs to the package manager.
NOT_COMPARED = ("proc", "run", "tmp", "dev", "sys", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/log", "home")


class Failed(Exception):
    """A step did not do what it should: what was seen."""


def command(words: Sequence[str | Path], environment: Mapping[str, str] | None = None, seconds: float = 600) -> str:
    """Run it and return what it printed. Raises Failed with that when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, env=environment, check=False)
    if done.returncode:
        raise Failed(
            f"{' '.join(map(str, words[:12]))} ended with {done.returncode}: {done.stdout}{done.stderr}"[-3000:]
        )
    return done.stdout


class Root:
    """The system below `folder`; what is mounted there is unmounted by `close`."""

    def __init__(self, folder: Path, base: Path) -> None:
        """`base` is made by debootstrap where it is not there yet; needs the network then."""
        self.folder = folder
        self._mounted: list[Path] = []
        self._base = base

    def make(self) -> None:
        """A fresh copy of the base with one ordinary user. Root's rights are needed."""
        if not (self._base / "etc" / "debian_version").exists():
            self._base.parent.mkdir(parents=True, exist_ok=True)
            command(["debootstrap", "--variant=minbase", "bookworm", self._base], seconds=1800)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        command(["cp", "-a", self._base, self.folder])
        for name in ("resolv.conf", "hosts"):
            shutil.copy(Path("/etc") / name, self.folder / "etc" / name)
        self.mount("proc", "proc", kind="proc")
        self.inside(["useradd", "--create-home", "--uid", str(USER), "--home-dir", str(HOME), "person"], root=True)

    def mount(self, source: str | Path, target: str, *, kind: str = "", options: str = "") -> None:
        """Mount something below the root; a file is mounted on a file."""
        place = self.folder / target.lstrip("/")
        if Path(source).is_file() or Path(source).is_socket():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        else:
            place.mkdir(parents=True, exist_ok=True)
        what = ["-t", kind] if kind else ["--bind"]
        command(["mount", *what, *(["-o", options] if options else []), source, place])
        self._mounted.append(place)

    def unmount(self, target: str) -> None:
        """Undo one mount."""
        place = self.folder / target.lstrip("/")
        command(["umount", "-l", place])
        self._mounted.remove(place)

    def close(self) -> None:
        """Unmount everything."""
        for place in reversed(self._mounted):
            subprocess.run(["umount", "-l", place], check=False)
        self._mounted = []

    def entering(
        self,
        words: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        root: bool = False,
        network: bool = False,
        user: int = USER,
    ) -> list[str]:
        """The command line that runs this inside, with nothing of our environment and without network."""
        home = "/root" if root else str(HOME)
        given = {"PATH": PATH, "HOME": home, "LANG": "C.UTF-8", "USER": "root" if root else "person", **environment}
        who = [] if root else [f"--userspec={user}:{user}", "--groups="]
        before = [] if network else ["unshare", "-n"]
        variables = [f"{name}={value}" for name, value in given.items()]
        return [*before, "chroot", *who, str(self.folder), "/usr/bin/env", "-i", *variables, *map(str, words)]

    def inside(
        self,
        words: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        *,
        root: bool = False,
        network: bool = False,
        seconds: float = 600,
        user: int = USER,
    ) -> str:
        """Run it inside, as the ordinary user and without network unless told otherwise; what it printed."""
        line = self.entering(words, environment or {}, root=root, network=network, user=user)
        return command(line, seconds=seconds)

    def launch(self, entry: str, files: Sequence[Path], environment: Mapping[str, str]) -> None:
        """A menu entry, started as a desktop does it. What it starts keeps our outputs, so they are not read."""
        line = self.entering(["gio", "launch", entry, *files], environment)
        nothing = subprocess.DEVNULL
        if code := subprocess.run(
            line, stdin=nothing, stdout=nothing, stderr=nothing, timeout=60, check=False
        ).returncode:
            raise Failed(f"gio launch {entry} ended with {code}")

    def apt(self, arguments: Sequence[str], *, network: bool) -> str:
        """apt-get inside."""
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        line = ["apt-get", "-q", "-y", "--no-install-recommends", *arguments]
        return self.inside(line, quiet, root=True, network=network, seconds=1800)

    def files(self) -> set[str]:
        """Every file of the system, without what changes by itself."""
        found = set()
        for place, folders, names in os.walk(self.folder):
            below = os.path.relpath(place, self.folder)
            folders[:] = [name for name in folders if os.path.normpath(f"{below}/{name}") not in NOT_COMPARED]
            found |= {os.path.normpath(f"{below}/{name}") for name in (*folders, *names)}
        return found

    def home_files(self) -> set[str]:
        """Every file of the ordinary user's home."""
        home = self.folder / str(HOME).lstrip("/")
        return {str(path.relative_to(home)) for path in home.rglob("*")}

    def programs(self, name: str = "cabochon") -> list[int]:
        """The processes that run an executable of this name from below the root."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    runs = os.readlink(entry / "exe").removesuffix(" (deleted)")
                except OSError:
                    continue
                if runs.startswith(str(self.folder)) and Path(runs).name == name:
                    found.append(int(entry.name))
        return found
