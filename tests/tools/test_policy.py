"""The policy: what runs, what is asked about, what never runs; as a table and against every sequence of approvals."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.tools import Effect, Grant, Rule, ServerConfig, ServerTool, Verdict
from app.tools.pins import identity_of
from app.tools.policy import Standing, decide, key_of, permission_of, verdict_of, with_verdict
from app.tools.registry import Tool, built_in

TOOLS = {tool.name: tool for tool in built_in()}
SERVER = Tool("echo", "Says it again.", {"type": "object"}, Effect.RUN, "server", asked_as="echo")
FALSE_FRIEND = Tool("calculator", "Not the built-in one.", {"type": "object"}, Effect.RUN, "server")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("granted").resolve()
    (made / "a.txt").write_text("a")
    return made


@pytest.mark.parametrize(
    ("tool", "verdict", "here", "always"),
    [
        ("calculator", Verdict.ALLOW, True, True),
        ("current_time", Verdict.ALLOW, True, True),
        ("search_chats", Verdict.ALLOW, True, True),
        ("open_link", Verdict.ASK, False, False),
    ],
)
def test_without_rules(tool: str, verdict: Verdict, here: bool, always: bool) -> None:
    decision = decide(TOOLS[tool], {}, Standing())
    assert (decision.verdict, decision.may_allow_here, decision.may_always) == (verdict, here, always)


def test_a_servers_tool_asks_and_is_never_allowed_for_good() -> None:
    decision = decide(SERVER, {}, Standing((Rule("echo", "server", verdict=Verdict.ALLOW),)))
    assert (decision.verdict, decision.may_allow_here, decision.may_always) == (Verdict.ASK, True, False)
    assert decide(SERVER, {}, Standing(allowed_here=frozenset({permission_of(SERVER)}))).verdict is Verdict.ALLOW


def test_a_servers_tool_does_not_pass_for_a_built_in_one() -> None:
    for standing in (
        Standing((Rule("calculator", verdict=Verdict.ALLOW),)),
        Standing(allowed_here=frozenset({key_of(TOOLS["calculator"]), "/calculator", "calculator"})),
    ):
        assert decide(FALSE_FRIEND, {}, standing).verdict is Verdict.ASK


def test_files_need_a_folder(folder: Path) -> None:
    read, write = TOOLS["read_file"], TOOLS["write_file"]
    reading, writing = Standing(grants=(Grant(str(folder)),)), Standing(grants=(Grant(str(folder), write=True),))
    inside, outside = {"path": "a.txt"}, {"path": "/etc/passwd"}
    assert decide(read, inside, Standing()).verdict is Verdict.DENY
    assert decide(read, inside, reading).verdict is Verdict.ALLOW
    assert decide(read, outside, reading).verdict is Verdict.DENY
    assert decide(write, inside, reading).verdict is Verdict.DENY
    assert decide(write, inside, writing).verdict is Verdict.ASK
    allowed = replace(writing, allowed_here=frozenset({key_of(write)}))
    assert decide(write, inside, allowed).verdict is Verdict.ALLOW
    assert decide(write, outside, allowed).verdict is Verdict.DENY


def test_a_denied_folder_inside_a_granted_one(folder: Path) -> None:
    (folder / "private").mkdir(exist_ok=True)
    rules = (Rule(folder=str(folder / "private"), verdict=Verdict.DENY),)
    standing = Standing(rules, frozenset({"/read_file"}), (Grant(str(folder)),))
    assert decide(TOOLS["read_file"], {"path": "private/x"}, standing).verdict is Verdict.DENY
    assert decide(TOOLS["read_file"], {"path": "a.txt"}, standing).verdict is Verdict.ALLOW


def test_a_denied_server(folder: Path) -> None:
    standing = Standing((Rule(server="server", verdict=Verdict.DENY),), frozenset({permission_of(SERVER)}))
    assert decide(SERVER, {}, standing).verdict is Verdict.DENY
    assert decide(TOOLS["calculator"], {}, standing).verdict is Verdict.ALLOW


def test_a_denial_is_of_the_tool_as_its_server_calls_it() -> None:
    denied = Standing((Rule("echo", "server", verdict=Verdict.DENY),))
    assert decide(replace(SERVER, name="server_echo"), {}, denied).verdict is Verdict.DENY
    other = replace(SERVER, name="echo", origin="other")
    assert decide(other, {}, denied).verdict is Verdict.ASK


def test_a_rule_without_a_server_is_of_the_built_in_tool_or_of_all() -> None:
    named = (Rule("calculator", verdict=Verdict.DENY),)
    assert decide(TOOLS["calculator"], {}, Standing(named)).verdict is Verdict.DENY
    assert decide(FALSE_FRIEND, {}, Standing(named)).verdict is Verdict.ASK
    for tool in ALL:
        assert decide(tool, {}, Standing((Rule(verdict=Verdict.DENY),))).verdict is Verdict.DENY


@pytest.mark.parametrize("tool", [TOOLS["calculator"], TOOLS["open_link"], SERVER, FALSE_FRIEND])
def test_the_panel_shows_what_holds(tool: Tool) -> None:
    for rules in (
        (),
        (Rule(server="server", verdict=Verdict.DENY),),
        (Rule(verdict=Verdict.ASK), Rule(tool.own_name, tool.origin, verdict=Verdict.DENY)),
        *(with_verdict((), tool, verdict) for verdict in Verdict),
    ):
        assert verdict_of(tool, rules) is decide(tool, {}, Standing(rules)).verdict


def test_a_new_verdict_leaves_the_rules_about_folders(folder: Path) -> None:
    tool, denied = TOOLS["read_file"], Rule("read_file", folder=str(folder), verdict=Verdict.DENY)
    rules: tuple[Rule, ...] = (denied,)
    for verdict in (Verdict.DENY, Verdict.ASK, Verdict.ALLOW):
        rules = with_verdict(rules, tool, verdict)
        assert denied in rules
    assert rules == (denied,)


def test_another_program_of_the_same_name_inherits_nothing() -> None:
    tool, changed = ServerTool("go", "Goes.", {}), ServerTool("go", "Goes elsewhere.", {})
    one, other = ServerConfig("files", ("one",)), ServerConfig("files", ("other",))
    known = replace(SERVER, origin="files", asked_as="go", identity=identity_of(one, tool))
    standing = Standing(allowed_here=frozenset({permission_of(known)}))
    assert decide(known, {}, standing).verdict is Verdict.ALLOW
    for identity in (identity_of(other, tool), identity_of(one, changed)):
        assert decide(replace(known, identity=identity), {}, standing).verdict is Verdict.ASK


def test_names_that_run_into_each_other_are_two() -> None:
    one = replace(SERVER, origin="a", asked_as="b/c")
    other = replace(SERVER, origin="a/b", asked_as="c")
    assert key_of(one) != key_of(other)
    assert permission_of(one) != permission_of(other)


def test_a_search_of_everything_stops_at_a_denied_folder(folder: Path) -> None:
    standing = Standing((Rule(folder=str(folder / "private"), verdict=Verdict.DENY),), grants=(Grant(str(folder)),))
    assert decide(TOOLS["search_files"], {"words": "x"}, standing).verdict is Verdict.DENY
    assert decide(TOOLS["search_files"], {"words": "x", "path": "a.txt"}, standing).verdict is Verdict.ALLOW


ALL = [*TOOLS.values(), SERVER, FALSE_FRIEND]
PATHS = st.sampled_from(["a.txt", "sub/new.txt", "../out", "/etc/passwd", "", "."])
_rule = st.builds(
    Rule,
    tool=st.sampled_from(["", *(tool.name for tool in ALL)]),
    server=st.sampled_from(["", "server", "other"]),
    verdict=st.sampled_from(list(Verdict)),
)
_step = st.one_of(
    st.tuples(st.just("rule"), _rule),
    st.tuples(st.just("forget"), st.just(None)),
    st.tuples(st.just("here"), st.sampled_from([permission_of(tool) for tool in ALL])),
    st.tuples(st.just("grant"), st.booleans()),
    st.tuples(st.just("take back"), st.just(None)),
)


def _denied(tool: Tool, path: str, standing: Standing, folder: Path) -> bool:
    """The same in other words: an own reading of what must never run."""
    for rule in standing.rules:
        named = rule.tool in ("", tool.name) and (rule.server in ("", tool.origin) or not rule.server)
        if rule.tool and rule.server != tool.origin:
            named = False
        if named and rule.verdict is Verdict.DENY:
            return True
    if not tool.path_argument:
        return False
    real = os.path.realpath(os.path.join(folder, path)) if path else ""
    inside = real == str(folder) or real.startswith(f"{folder}/")
    enough = any(grant.write or tool.effect is Effect.READ for grant in standing.grants)
    return not (inside and enough)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(_step, max_size=12), tool=st.sampled_from(ALL), path=PATHS)
def test_no_sequence_of_approvals_lets_a_denied_thing_run(
    folder: Path, steps: list[tuple[str, object]], tool: Tool, path: str
) -> None:
    standing = Standing()
    for kind, value in steps:
        if kind == "rule" and isinstance(value, Rule):
            standing = replace(standing, rules=(*standing.rules, value))
        elif kind == "forget":
            standing = replace(standing, rules=standing.rules[1:])
        elif kind == "here":
            standing = replace(standing, allowed_here=standing.allowed_here | {str(value)})
        elif kind == "grant":
            standing = replace(standing, grants=(Grant(str(folder), write=bool(value)),))
        else:
            standing = replace(standing, grants=())
        arguments = {tool.path_argument: path} if tool.path_argument else {}
        decision = decide(tool, arguments, standing)
        if _denied(tool, path, standing, folder):
            assert decision.verdict is Verdict.DENY
        else:
            assert decision.verdict is not Verdict.DENY
        if decision.verdict is Verdict.ALLOW and (tool.effect is not Effect.READ or tool.origin):
            assert permission_of(tool) in standing.allowed_here, "beyond reading, only what was allowed in this chat"
        if tool.effect is Effect.NETWORK:
            assert decision.verdict is not Verdict.ALLOW


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(list(TOOLS)),
    rules=st.lists(st.builds(Rule, tool=st.sampled_from(["", *TOOLS]), verdict=st.sampled_from(list(Verdict)))),
    write=st.booleans(),
)
def test_a_servers_tool_never_inherits_what_the_built_in_one_of_its_name_may(
    folder: Path, name: str, rules: list[Rule], write: bool
) -> None:
    built = TOOLS[name]
    allowed = frozenset(given for tool in TOOLS.values() for given in (permission_of(tool), key_of(tool), tool.name))
    standing = Standing(tuple(rules), allowed, (Grant(str(folder), write=write),))
    for asked_as in ("", name, f"/{name}"):
        for effect in Effect:
            false_friend = replace(built, origin="server", run=None, effect=effect, asked_as=asked_as)
            decision = decide(false_friend, {"path": "a.txt"}, standing)
            assert decision.verdict is not Verdict.ALLOW
            assert not decision.may_always
