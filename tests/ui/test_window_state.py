"""What the window keeps of itself."""

from __future__ import annotations

from pathlib import Path

from app.ui.window_state import RECENT, WindowState, encode_geometry, read_state, state_file, write_state


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = WindowState(encode_geometry(b"\x00\xffgeometry"), False, 300, ("/a.gguf",))
    write_state(tmp_path / "new folder", kept)
    assert read_state(tmp_path / "new folder") == kept
    assert kept.geometry_bytes == b"\x00\xffgeometry"


def test_a_file_that_cannot_be_read_gives_the_defaults(tmp_path: Path) -> None:
    assert read_state(tmp_path) == WindowState()
    state_file(tmp_path).write_bytes(b"\x00" * 40)
    assert read_state(tmp_path) == WindowState()
    assert WindowState(geometry="not base64 at all").geometry_bytes == b""


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    write_state(blocker / "below", WindowState())


def test_models_used_lately_come_first_and_once() -> None:
    state = WindowState()
    for number in range(RECENT + 3):
        state = state.with_recent(f"/{number}.gguf")
    state = state.with_recent("/5.gguf")
    assert state.recent_models[0] == "/5.gguf"
    assert len(state.recent_models) == len(set(state.recent_models)) == RECENT
