"""Whether a call may run: allowed, asked about or denied. Pure; a denial wins over everything else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.tools import Arguments, Effect, Grant, Rule, Verdict
from app.tools.folders import granted
from app.tools.registry import Tool, ToolError

_ASKED_EVERY_TIME = (Effect.NETWORK,)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that decides: the program's rules, the tools allowed in this chat, the folders granted to it."""

    rules: tuple[Rule, ...] = ()
    allowed_here: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, why in one sentence, and how far an approval may reach beyond this one call."""

    verdict: Verdict
    why: str = ""
    may_allow_here: bool = False
    may_always: bool = False


def key_of(tool: Tool) -> str:
    """A tool's name together with where it comes from: a server's tool never passes for a built-in one."""
    return json.dumps([tool.origin, tool.own_name]) if tool.origin else f"/{tool.name}"


def permission_of(tool: Tool) -> str:
    """What an approval for a chat is given to: of a server's tool this very program, saying this very thing."""
    return json.dumps([tool.origin, tool.own_name, tool.identity]) if tool.origin else key_of(tool)


def may_always(tool: Tool) -> bool:
    """Whether it may be allowed for good: what reads and is Cabochon's own."""
    return not tool.origin and tool.effect is Effect.READ


def may_allow_here(tool: Tool) -> bool:
    """Whether it may be allowed in a chat."""
    return tool.effect not in _ASKED_EVERY_TIME


def verdict_of(tool: Tool, rules: Sequence[Rule]) -> Verdict:
    """What the rules say of a tool wherever none of a folder speaks."""
    said = {rule.verdict for rule in rules if not rule.folder and _is_about(rule, tool)}
    if Verdict.DENY in said:
        return Verdict.DENY
    return Verdict.ASK if Verdict.ASK in said or not may_always(tool) else Verdict.ALLOW


def with_verdict(rules: Sequence[Rule], tool: Tool, verdict: Verdict) -> tuple[Rule, ...]:
    """The rules with this one about a tool in the place of what they said of it; those about its folders stay."""
    kept = tuple(rule for rule in rules if (rule.tool, rule.server, rule.folder) != (tool.own_name, tool.origin, ""))
    if verdict in (Verdict.ALLOW, verdict_of(tool, ())):
        return kept
    return (*kept, Rule(tool.own_name, tool.origin, verdict=verdict))


def decide(tool: Tool, arguments: Arguments, standing: Standing) -> Decision:
    """What becomes of a call with these arguments."""
    place, refusal = _place(tool, arguments, standing.grants)
    rules = [rule for rule in standing.rules if _speaks_of(rule, tool, place, standing.grants)]
    if any(rule.verdict is Verdict.DENY for rule in rules):
        return Decision(Verdict.DENY, f"You have denied {tool.name}.")
    if refusal:
        return Decision(Verdict.DENY, refusal)
    always, here = may_always(tool), may_allow_here(tool)
    if here and permission_of(tool) in standing.allowed_here:
        verdict = Verdict.ALLOW
    elif any(rule.verdict is Verdict.ASK for rule in rules):
        verdict = Verdict.ASK
    else:
        verdict = Verdict.ALLOW if always else Verdict.ASK
    return Decision(verdict, "", here, always)


def _place(tool: Tool, arguments: Arguments, grants: Sequence[Grant]) -> tuple[Path | None, str]:
    """The file or folder that a call is about, or why it may not be: only granted folders are open."""
    if not tool.path_argument or tool.origin:
        return None, ""
    path = arguments.get(tool.path_argument)
    if path is None and tool.path_argument not in tool.parameters.get("required", ()):
        return None, "" if grants else "No folder is open to this chat."
    try:
        return granted(str(path), grants, write=tool.effect is Effect.WRITE), ""
    except ToolError as error:
        return None, str(error)


def _speaks_of(rule: Rule, tool: Tool, place: Path | None, grants: Sequence[Grant]) -> bool:
    if rule.folder and not _concerns(Path(rule.folder), rule.verdict, place, grants if tool.path_argument else ()):
        return False
    return _is_about(rule, tool)


def _is_about(rule: Rule, tool: Tool) -> bool:
    if rule.tool:
        return (rule.server, rule.tool) == (tool.origin, tool.own_name)
    return rule.server in ("", tool.origin)


def _concerns(folder: Path, verdict: Verdict, place: Path | None, grants: Sequence[Grant]) -> bool:
    """Whether a rule about a folder speaks of this place; a denial also where the place holds the folder."""
    places = [place] if place is not None else [Path(grant.folder) for grant in grants]
    inside = any(one.is_relative_to(folder) for one in places) if place is not None else False
    return inside or (verdict is Verdict.DENY and any(folder.is_relative_to(one) for one in places))
