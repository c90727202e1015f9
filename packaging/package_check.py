"""Tries the packages as people use them: in a bare Debian 12 without Python, compiler or network.

    sudo .venv/bin/python packaging/package_check.py [--dist DIR] [--work DIR] [only STEP…]

Needs root, debootstrap, Xvfb and the virtual desktop tool (CABOCHON_DESK names it). One line a step goes to the
terminal and to `dist/package-check.log`; the exit status is 1 when a step failed. The bare system is made once and kept
in the work folder, so that a second run needs no network at all.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from package_bundle import ROOT, version
from package_parts import IDENTIFIER
from package_root import HOME, USER, Failed, Root, command

SHARED = Path("/run/cabochon-check")  # the desktop's sockets and the files that are dropped: the same path inside
PICTURE = SHARED / "files" / "A picture, größer.png"
INSTALLED = f"/usr/share/applications/{IDENTIFIER}.desktop"
OWN = f"{HOME}/.local/share/applications/{IDENTIFIER}.desktop"
DATA = f"{HOME}/.local/share/cabochon"
KEPT = (".local/share/cabochon", ".cache")  # the person's data, and what the system's font library remembers
LICENCE_LINK = "ai.google.dev/gemma/terms"  # a page of the window that is opened in the person's browser
ANSWER_SECONDS = 180
STARTS = 7
MOST_LATER_MS = 300


class Desk:
    """The virtual desktop, as the ordinary user of the bare system."""

    def __init__(self, tool: Path, state: Path, user: int = USER) -> None:
        self._tool = tool
        self._user = user
        self._environment = {**os.environ, "DESK_STATE": str(state), "HOME": str(state)}
        self.variables: dict[str, str] = {}

    def start(self) -> None:
        """Start it; `variables` is then what a session gives its programs."""
        said = self("start", "--size", "1320x900")
        self.variables = dict(re.findall(r"^export (\w+)='(.*)'$", said, re.MULTILINE))
        del self.variables["QT_QPA_PLATFORM"]

    def __call__(self, *words: str, seconds: float = 60) -> str:
        who = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups"]
        return command([*who, str(self._tool), *words], self._environment, seconds + 20)

    def wait(self, name: str, *words: str, seconds: int = 60) -> None:
        """Until a widget shows."""
        self("wait", name, "--timeout", str(seconds), *words, seconds=seconds)

    @property
    def bus(self) -> Path:
        """The socket of the session's bus."""
        found = re.search(r"unix:path=([^,]+)", self.variables["DBUS_SESSION_BUS_ADDRESS"])
        assert found is not None
        return Path(found[1])


class Check:
    """The steps, in the order that `STEPS` has; each raises Failed."""

    def __init__(self, dist: Path, work: Path) -> None:
        number = version()
        self._deb = dist / f"cabochon_{number}_amd64.deb"
        self._run = dist / f"cabochon-{number}-linux-x86_64.run"
        self._archives = work / "archives"
        self.root = Root(work / "root", work / "base")
        self._tool = tool = Path(os.environ.get("CABOCHON_DESK") or ROOT.parent / "shared" / "tools" / "desk")
        self.desk = Desk(tool, SHARED / "desk")
        self._before: set[str] = set()
        self._home_before: set[str] = set()

    # the system

    def bare_system(self) -> str:
        """A Debian without Python and compiler."""
        shutil.rmtree(SHARED, ignore_errors=True)
        PICTURE.parent.mkdir(parents=True)
        (SHARED / "desk").mkdir()
        shutil.copy(ROOT / "packaging" / "screenshots" / "main-light.png", PICTURE)
        for path in (SHARED, *SHARED.rglob("*")):
            os.chown(path, USER, USER)
        self.root.make()
        self._archives.mkdir(exist_ok=True)
        self.root.mount(self._archives, "var/cache/apt/archives")
        found = [name for name in ("python3", "gcc", "cc") if (self.root.folder / "usr" / "bin" / name).exists()]
        if found:
            raise Failed(f"the bare system has {found}")
        return (self.root.folder / "etc" / "debian_version").read_text(encoding="utf-8").strip()

    def dependencies(self) -> str:
        """What the .deb depends on, and gio for the test, fetched and installed; the .deb itself is not."""
        shutil.copy(self._deb, self.root.folder / "root" / self._deb.name)
        self.root.apt(["update"], network=True)
        wanted = command(["dpkg-deb", "--field", self._deb, "Depends"])
        names = [re.split(r"[ |]", each.strip(), maxsplit=1)[0] for each in wanted.split(",")]
        self.root.apt(["install", *names, "libglib2.0-bin"], network=True)
        self._before = self.root.files()
        count = len(self.root.inside(["dpkg-query", "-W"]).splitlines())
        return f"{count} packages; python: {(self.root.folder / 'usr/bin/python3').exists()}"

    def desktop(self) -> str:
        """Xvfb, a session bus and a window manager outside, their sockets inside."""
        self.desk.start()
        self.root.mount("/tmp/.X11-unix", "tmp/.X11-unix")
        self.root.mount(self.desk.bus, str(self.desk.bus))
        self.root.mount(SHARED, str(SHARED))
        return self.desk.variables["DISPLAY"]

    # the .deb

    def install_deb(self) -> str:
        """The .deb, without network."""
        said = self.root.apt(["install", f"/root/{self._deb.name}"], network=False)
        return re.sub(r"\s+", " ", said)[-60:]

    def open_installed(self) -> str:
        """Start by the menu entry."""
        return self._open(INSTALLED)

    def chat(self) -> str:
        """The first window without network: the demo model answers."""
        with suppress(Failed):
            self.desk.wait("Start with the demo model", seconds=15)
            self.desk("press", "Start with the demo model")
        self.desk.wait("Message")
        return self._ask("Say hello, and name one thing that you can help me with.")

    def drop(self) -> str:
        """A picture dropped on the window: the demo model says why it cannot see it."""
        self.desk("key", "ctrl+n")
        self.desk("drop", str(PICTURE))
        self.desk.wait(f"Picture {PICTURE.name}")
        self.desk.wait("cannot see pictures")
        return "the reason is shown"

    def self_check(self) -> str:
        """doctor --check in the same system."""
        said = self.root.inside(["cabochon", "doctor", "--check"])
        right, wrong = said.count("\nright "), said.count("\nWRONG ")
        if wrong or right < 8 or "Problem" in said:
            raise Failed(said[-1500:])
        return f"{right} right, nothing is wrong"

    def open_with(self) -> str:
        """Open with, from a file manager: the running window gets the file."""
        self.desk("key", "ctrl+n")
        if self._shows(f"Remove {PICTURE.name}"):
            self.desk("press", f"Remove {PICTURE.name}")
        windows = self.root.programs()
        self.root.launch(self._entry, [PICTURE], self.desk.variables)
        self.desk.wait(f"Picture {PICTURE.name}")
        self._until(lambda: len(self.root.programs()) == 1, "the second start did not end")
        if self.root.programs() != windows:
            raise Failed("another process has the window")
        self.desk("press", f"Remove {PICTURE.name}")  # the draft would keep it, and the demo model takes none
        return "one window, with the picture"

    def person_environment(self) -> str:
        """What the window starts has the person's own library path (xdg-open is a script that writes it down)."""
        place = self.root.folder / "usr" / "local" / "bin" / "xdg-open"
        told = SHARED / "files" / "environment"
        place.write_text(f"#!/bin/sh\nenv > {told}\n", encoding="utf-8")
        place.chmod(0o755)
        self.quit()
        self._open(self._entry, {"LD_LIBRARY_PATH": "/opt/mine/lib"})
        self.desk.wait("Message")
        self.desk("key", "ctrl+m")
        self.desk.wait(LICENCE_LINK)
        self.desk("press", LICENCE_LINK)
        self._until(told.exists, "nothing was started")
        time.sleep(0.5)
        place.unlink()
        found = dict(line.partition("=")[::2] for line in told.read_text(encoding="utf-8").splitlines())
        strange = [name for name in found if name.startswith("_PYI_") or "/usr/lib/cabochon" in found[name]]
        if found.get("LD_LIBRARY_PATH") != "/opt/mine/lib" or strange:
            raise Failed(f"LD_LIBRARY_PATH={found.get('LD_LIBRARY_PATH')}, {strange}")
        self.desk("press", "Back to the chat")
        return "LD_LIBRARY_PATH=/opt/mine/lib, nothing of the bundle"

    def upgrade_running(self) -> str:
        """The package installed again under the open window while an answer is written: nothing is lost."""
        self.desk("key", "ctrl+n")
        self.desk.wait("Message")
        self.desk("type", "--into", "Message", "Tell me a long story about a lighthouse.")
        self.desk("press", "Send")
        self.desk.wait("Stop", seconds=ANSWER_SECONDS)
        self.root.apt(["install", "--reinstall", f"/root/{self._deb.name}"], network=False)
        with suppress(Failed):  # it may have come to its end meanwhile
            self.desk("press", "Stop")
        self.desk.wait("Send", seconds=ANSWER_SECONDS)
        said = self._ask("Thank you.")
        self.quit()
        kept = json.loads(self.root.inside(["cabochon", "conversations", "show", "last", "--json"]))["messages"]
        if [message["role"] for message in kept] != ["user", "assistant"] * 2 or len(kept[1]["text"]) < 100:
            raise Failed(str(kept)[-800:])
        return f"{len(kept[1]['text'])} letters of the answer are kept, and the next came: {said[:40]}"

    def two_users(self) -> str:
        """Another person of the same computer has chats of their own."""
        self.root.inside(["useradd", "--create-home", "--uid", "1001", "other"], root=True)
        mine = self.root.inside(["cabochon", "conversations", "list", "--json"])
        home = {"HOME": "/home/other", "USER": "other"}
        theirs = self.root.inside(["cabochon", "conversations", "list", "--json"], home, user=1001)
        self.root.inside(["cabochon", "ask", "--max-tokens", "8", "--model", self._demo, "Hello"], home, user=1001)
        if "lighthouse" not in mine or "lighthouse" in theirs:
            raise Failed(f"{mine} {theirs}")
        self.root.inside(["userdel", "--remove", "other"], root=True)
        return "each sees their own"

    def quit(self) -> str:
        """Ctrl+Q ends everything."""
        if self.root.programs():
            self.desk("key", "ctrl+q")
        self._until(lambda: not self._running, "the window did not end")
        return "no process is left"

    def remove_deb(self) -> str:
        """Purged: the data is kept, the system is as it was."""
        said = self.root.apt(["purge", "cabochon"], network=False)
        left = self.root.files() - self._before
        (self.root.folder / "root" / self._deb.name).unlink()
        left.discard(f"root/{self._deb.name}")
        left = {name for name in left if not name.startswith(("etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"))}
        if left or not (self.root.folder / f"{DATA}/cabochon.db".lstrip("/")).is_file():
            raise Failed(f"left behind: {sorted(left)[:20]}")
        if ".local/share/cabochon" not in said:
            raise Failed("it does not say where the data is")
        return "nothing left but the chats, and it says where they are"

    def start_time(self) -> str:
        """From the start to the visible window: the installed program beside the source tree, in turns."""
        desk = Desk(self._tool, SHARED / "measured", user=0)
        desk.start()
        installed = f"{self.root.folder}/usr/lib/cabochon/cabochon"
        took: dict[str, list[int]] = {str(ROOT / ".venv/bin/cabochon"): [], installed: []}
        try:
            for _ in range(STARTS):
                for number, (program, times) in enumerate(took.items()):
                    times.append(self._mapped(desk, program, str(SHARED / "measured" / f"data-{number}")))
        finally:
            desk("stop")
        source, frozen = (statistics.median(times) for times in took.values())
        if frozen - source > MOST_LATER_MS:
            raise Failed(f"{took}")
        return f"medians of {STARTS}: source {source:.0f} ms, installed {frozen:.0f} ms"

    def _mapped(self, desk: Desk, program: str, data: str) -> int:
        found = re.search(r"pid (\d+) .* mapped_ms (\d+)", desk("run", "--", program, "--data-dir", data))
        assert found is not None
        desk.wait("Settings")
        desk("key", "ctrl+q")
        self._until(lambda: not Path(f"/proc/{found[1]}").exists(), "the window did not end")
        return int(found[2])

    # the .run

    def install_run(self) -> str:
        """As an ordinary user, without network, with a /tmp where no program may be started."""
        self._home_before = self.root.home_files()
        self.root.mount("tmpfs", "mnt", kind="tmpfs", options="noexec,size=1g,mode=1777")
        shutil.copy(self._run, SHARED / "files" / "cabochon.run")
        said = self.root.inside(["sh", SHARED / "files" / "cabochon.run"], {"TMPDIR": "/mnt"})
        self.root.unmount("mnt")
        if f"Cabochon is installed in {HOME}/.local/lib/cabochon." not in said or "administrator" in said:
            raise Failed(said)
        return said.strip().splitlines()[-2]

    def open_own(self) -> str:
        """Start by the menu entry of the home folder: the chats of before are there."""
        return self._open(OWN)

    def chats_are_there(self) -> str:
        """What was written with the .deb is in the window of the .run."""
        self.desk.wait("Conversations")
        said = self.desk("text", "Conversations")
        if "lighthouse" not in said:
            raise Failed(said)
        return self._ask("Hello again.")

    def uninstall_run(self) -> str:
        """The script that came along: the data is kept, the home folder is as it was."""
        said = self.root.inside(["sh", f"{HOME}/.local/lib/cabochon/uninstall.sh"])
        new = self.root.home_files() - self._home_before
        left = {name for name in new if not name.startswith(KEPT) and name not in (".local", ".local/share")}
        if left or f"are kept in {DATA}." not in said:
            raise Failed(f"{said} left behind: {sorted(left)[:20]}")
        return said.strip().splitlines()[-1]

    def read_only_home(self) -> str:
        """A home folder that cannot be written to: one sentence, from the installer and from the program."""
        home = str(HOME)
        self.root.mount(self.root.folder / home.lstrip("/"), home)
        command(["mount", "-o", "remount,bind,ro", self.root.folder / home.lstrip("/")])
        line = self.root.entering(["sh", SHARED / "files" / "cabochon.run", "--quiet"], {}, root=False, network=False)
        done = subprocess.run(line, capture_output=True, text=True, timeout=600, check=False)
        self.root.unmount(home)
        said = done.stderr.strip().splitlines()[-1:]
        if done.returncode == 0 or "cannot be written to" not in "".join(said):
            raise Failed(f"{done.returncode} {done.stdout} {done.stderr}")
        return said[0]

    # parts of steps

    @property
    def _entry(self) -> str:
        return INSTALLED if (self.root.folder / INSTALLED.lstrip("/")).exists() else OWN

    @property
    def _demo(self) -> str:
        return "/usr/lib/cabochon/_internal/resources/models/SmolLM2-135M-Instruct.Q4_1.gguf"

    @property
    def _running(self) -> list[int]:
        return [*self.root.programs(), *self.root.programs("cabochon-worker")]

    def _open(self, entry: str, more: dict[str, str] | None = None) -> str:
        begun = time.monotonic()
        self.root.launch(entry, [], {**self.desk.variables, **(more or {})})
        self.desk.wait("Cabochon")
        return f"the window is there ({time.monotonic() - begun:.1f} s)"

    def _ask(self, prompt: str) -> str:
        """Send it in the window; the whole answer, as another process finds it in the store."""
        self.desk("type", "--into", "Message", prompt)
        self.desk("press", "Send")
        self._until(lambda: self._answer(prompt), f"no answer to “{prompt}”", ANSWER_SECONDS)
        return " ".join(self._answer(prompt).split())[:120]

    def _answer(self, prompt: str) -> str:
        program = "/usr/bin/cabochon" if self._entry == INSTALLED else f"{HOME}/.local/bin/cabochon"
        said = json.loads(self.root.inside([program, "conversations", "show", "last", "--json"]))
        asked, *answers = said["messages"][-2:]
        complete = answers and answers[0]["state"] == "complete" and asked["text"] == prompt
        return str(answers[0]["text"]) if complete else ""

    def _shows(self, name: str) -> bool:
        return f"'{name}'" in self.desk("tree")

    def _until(self, there: Callable[[], object], why: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not there():
            if time.monotonic() > end:
                raise Failed(why)
            time.sleep(0.1)

    def close(self) -> None:
        """End what this started."""
        for process in self._running:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self.desk.variables:
            self.desk("stop")
        self.root.close()
        shutil.rmtree(SHARED, ignore_errors=True)


STEPS = (
    *("bare_system", "dependencies", "desktop", "install_deb", "open_installed", "chat", "drop", "self_check"),
    *("open_with", "person_environment", "upgrade_running", "two_users", "quit", "start_time", "remove_deb"),
    *("install_run", "open_own", "chats_are_there", "open_with", "quit", "uninstall_run", "read_only_home"),
)


def main(arguments: list[str]) -> int:
    """Runs the steps; stops at the first that fails."""
    parser = argparse.ArgumentParser(prog="package_check.py")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "package-check")
    found = parser.parse_args(arguments)
    found.work.mkdir(parents=True, exist_ok=True)
    check = Check(found.dist.resolve(), found.work.resolve())
    status = 0
    with (found.dist / "package-check.log").open("w", encoding="utf-8") as log:
        try:
            for name in STEPS:
                begun = time.monotonic()
                try:
                    said, status = getattr(check, name)(), 0
                except (Failed, subprocess.SubprocessError, OSError) as error:
                    said, status = f"{type(error).__name__}: {error}", 1
                line = f"{'ok    ' if status == 0 else 'FAILED'} {time.monotonic() - begun:6.1f} s  {name}: {said}"
                for stream in (sys.stdout, log):
                    stream.write(line + "\n")
                    stream.flush()
                if status:
                    break
        finally:
            check.close()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
