"""What the tools of servers are called, in every order in which the servers start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.tools import ServerTool, Verdict
from app.tools.frames import AnyHostEvent, ServerFailed, ServerStarted, ToolsChanged
from app.tools.policy import Standing, decide, key_of, with_verdict
from app.tools.toolbox import LIMIT, Toolbox, cut

Servers = dict[str, list[str]]
_names = st.sampled_from(["echo", "B_echo", "A_echo", "A_B_echo", "echo_2", "B_echo_2", "calculator", "B_calculator"])
_servers = st.dictionaries(st.sampled_from(["A", "B", "A_B", "é"]), st.lists(_names, max_size=4), min_size=1)


def _tools(names: Iterable[str]) -> tuple[ServerTool, ...]:
    return tuple(ServerTool(name, "", {"type": "object"}) for name in names)


def _toolbox(servers: Servers, order: Sequence[str]) -> Toolbox:
    """With servers that have started in this order."""
    toolbox = Toolbox(lambda _: None, Path("/nowhere"))
    for server in order:
        toolbox.take(ServerStarted(server, "", "", _tools(servers[server])))
    return toolbox


@settings(max_examples=200, deadline=None)
@given(servers=_servers, data=st.data())
def test_what_is_denied_stays_denied_in_every_order_of_starts(servers: Servers, data: st.DataObject) -> None:
    toolbox = _toolbox(servers, data.draw(st.permutations(list(servers))))
    denied = data.draw(st.sampled_from([tool for tool in toolbox.tools if tool.origin] or list(toolbox.tools)))
    standing = Standing(with_verdict((), denied, Verdict.DENY))
    later = data.draw(st.permutations(list(servers)))
    for started in range(len(later) + 1):
        for tool in _toolbox(servers, later[:started]).tools:
            verdict = decide(tool, {}, standing).verdict
            assert (verdict is Verdict.DENY) == (key_of(tool) == key_of(denied) or bool(tool.path_argument))


@settings(max_examples=100, deadline=None)
@given(servers=_servers, data=st.data())
def test_no_two_have_one_name_and_each_keeps_its_own(servers: Servers, data: st.DataObject) -> None:
    toolbox = _toolbox(servers, [])
    known: dict[str, str] = {}
    for server in data.draw(st.lists(st.sampled_from(list(servers)), max_size=8)):
        events: list[AnyHostEvent] = [
            ServerStarted(server, "", "", _tools(servers[server])),
            ToolsChanged(server, _tools(reversed(servers[server]))),
            ServerFailed(server, "It has ended."),
        ]
        toolbox.take(data.draw(st.sampled_from(events)))
        for tool in toolbox.tools:
            assert known.setdefault(tool.name, key_of(tool)) == key_of(tool)
            assert toolbox.find(tool.name) == tool
            assert toolbox.find_of(tool.origin, tool.own_name) == tool


def test_a_server_that_thinks_of_new_names_without_end_takes_no_memory_without_end() -> None:
    toolbox = _toolbox({"A": ["echo"], "B": ["echo"]}, "AB")
    for number in range(30):
        toolbox.take(ToolsChanged("B", _tools(["echo", *(f"{number}_{one}" for one in range(499))])))
    assert [tool.name for tool in toolbox.tools if tool.own_name == "echo"] == ["echo", "B_echo"]
    assert len(toolbox._names) == 10_000


def test_a_result_is_text_that_can_be_stored() -> None:
    assert cut("a\udcffb\ud800") == "a\ufffdb\ufffd"
    assert cut("x" * (LIMIT + 1)).endswith(f"[cut: {LIMIT:,} of {LIMIT + 1:,} characters]")
