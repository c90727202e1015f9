"""From JSON Schema to a grammar (GBNF) of llama.cpp: whatever is written by it has the right names, types and values.

What a grammar cannot say (`pattern`, `multipleOf`, `uniqueItems`, `not`, conditions) is left out here, and looked at
once the call is written. No schema fails: what is not understood allows any value. How values are spelled is the
`Dialect`'s: where it has a token for the quote, a string begins with that very token. It ends with the text of it:
llama.cpp ends the process over a token that is asked for behind a text that the token begins with (`<`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from app.prompt import ranges
from app.prompt.dialect import JSON, Dialect
from app.prompt.schemas import all_of, decimal, implied, listed, looked_up

_MOST_CHARACTERS = 500  # a length limit above it is left to the check
_MOST_ITEMS = 64
_MOST_RULES = 4000
_DEEPEST = 40
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"')
_BESIDE = frozenset(
    ("properties", "required", "enum", "const", "type", "minimum", "maximum", "items", "anyOf", "oneOf", "allOf")
)

_JSON_WORDS = r"""
space ::= | " " | "\n" [ \t]{0,20}
key ::= string
char ::= [^"\\\x00-\x1F\x7F\uD800-\uDFFF\U00110000-\U003FFFFF] | "\\" (["\\/bfnrt] | "u" code)
code ::= [0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}
string ::= "\"" char* "\""
"""
# `text…` is added: what may stand in a string, with the quote that ends it
_TOKEN_WORDS = r"""
space ::= ""
key ::= [^\x00-\x20\x7F:,{}\[\]<|"]{1,64}
"""
# what no string has: control characters, and what llama.cpp takes for a character and nobody else does
_CONTROLS = r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F\uD800-\uDFFF\U00110000-\U003FFFFF"
_VALUES = r"""
boolean ::= "true" | "false"
null ::= "null"
integer ::= "-"? ("0" | [1-9] [0-9]{0,14})
number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?
value ::= object | array | string | number | boolean | null
object ::= "{" space (key space ":" space value space ("," space key space ":" space value space)*)? "}"
array ::= "[" space (value space ("," space value space)*)? "]"
"""
_TYPES = ("string", "boolean", "null", "integer", "number", "object", "array")


class Grammar:
    """Rules that are made as schemas are added. `rule` answers with an expression to stand in another rule."""

    def __init__(self, dialect: Dialect = JSON) -> None:
        self._dialect = dialect
        self._counted: dict[str, str] = {}  # rules of strings of limited length
        self._rules: dict[str, str] = {}
        self._references: dict[int, dict[str, str]] = {}
        self._depth = 0

    def text(self, root: str) -> str:
        """The whole grammar, `root` the expression of what is written."""
        self._break_circles()
        rules = {**self._rules, **self._counted}
        made = "\n".join(f"{name} ::= {body}" for name, body in rules.items())
        return f"root ::= {root}\n{made}{self._words()}{_VALUES}"

    def rule(self, schema: object, name: str, document: Mapping[str, Any]) -> str:
        """The name of a rule for what this schema allows; "" where it allows nothing.

        `document` is where its references (`#/…`) are looked up.
        """
        body = self._expression(schema, name, document)
        return self._named(name, body) if body else ""

    def literal(self, text: str) -> str:
        """An expression for exactly this text; strings of the dialect in it begin with its token."""
        quote = self._dialect.quote
        if not quote:
            return _quoted(text)
        before, *strings = text.split(quote)
        ends = (
            f" {quote} {_quoted(part + quote)}" if not n % 2 else f" {_quoted(part)}" for n, part in enumerate(strings)
        )
        return _quoted(before) + "".join(ends)

    def _named(self, name: str, body: str) -> str:
        if body.replace("-", "").isalnum():
            return body  # a rule already
        base = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)[:40].strip("-")
        made = f"r{len(self._rules)}-{base}" if base else f"r{len(self._rules)}"
        self._rules[made] = body
        return made

    def _break_circles(self) -> None:
        """A rule that only ever leads back to itself allows any value: llama.cpp ends the process over it."""
        names = {name: [one.strip() for one in self._bare(body).split("|")] for name, body in self._rules.items()}
        leads = {name: [one for one in parts if one in names] for name, parts in names.items()}
        seen: dict[str, int] = {}  # 1: on the way, 2: done
        for start in leads:
            path = [(start, iter(leads[start]))] if start not in seen else []
            seen.setdefault(start, 1)
            while path:
                name, rest = path[-1]
                following = next(rest, None)
                if following is None:
                    seen[name] = 2
                    path.pop()
                elif seen.get(following) == 1:
                    self._rules[name] = "value"
                elif following not in seen:
                    seen[following] = 1
                    path.append((following, iter(leads[following])))

    def _bare(self, body: str) -> str:
        """A rule without the texts in it."""
        quote = self._dialect.quote
        return _LITERAL.sub('""', body.replace(quote, '""') if quote else body)

    def _expression(self, schema: object, name: str, document: Mapping[str, Any]) -> str:
        if schema is False:
            return ""
        if not isinstance(schema, Mapping) or len(self._rules) > _MOST_RULES or self._depth > _DEEPEST:
            return "value"
        self._depth += 1
        try:
            return self._expressed(schema, name, document)
        finally:
            self._depth -= 1

    def _expressed(self, schema: Mapping[str, Any], name: str, document: Mapping[str, Any]) -> str:
        if isinstance(reference := schema.get("$ref"), str):
            if set(schema) & _BESIDE:  # what stands beside a reference holds too
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                return self._expression({"allOf": [looked_up(reference, document), rest]}, name, document)
            return self._referred(reference, document)
        if "const" in schema:
            return self._one_of([schema["const"]])
        if isinstance(values := schema.get("enum"), Sequence) and not isinstance(values, str):
            return self._one_of(values)
        for several in ("anyOf", "oneOf"):
            if isinstance(choices := schema.get(several), Sequence) and choices:
                return self._either([_merged(schema, choice, several) for choice in choices], name, document)
        if isinstance(parts := schema.get("allOf"), Sequence) and parts:
            return self._expression(all_of(schema, parts, document), name, document)
        kind = schema.get("type")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            return self._either([{**schema, "type": one} for one in kind], name, document)
        return self._typed(schema, kind if isinstance(kind, str) else implied(schema), name, document)

    def _typed(self, schema: Mapping[str, Any], kind: str, name: str, document: Mapping[str, Any]) -> str:
        if kind == "object":
            return self._object(schema, name, document)
        if kind == "array":
            return self._array(schema, name, document)
        if kind == "string":
            return self._string(schema)
        if kind == "integer":
            return _integer(schema)
        if kind == "number":
            return _number(schema)
        return kind if kind in _TYPES else "value"

    def _one_of(self, values: Sequence[object]) -> str:
        """These values, those left out that cannot be spelled."""
        found = []
        for value in values:
            with suppress(ValueError):
                found.append(self.literal(self._dialect.written(value)))
        return " | ".join(found)

    def _either(self, schemas: Sequence[object], name: str, document: Mapping[str, Any]) -> str:
        found = [self.rule(schema, f"{name}-{place}", document) for place, schema in enumerate(schemas)]
        return " | ".join(dict.fromkeys(one for one in found if one))

    def _referred(self, reference: str, document: Mapping[str, Any]) -> str:
        known = self._references.setdefault(id(document), {})
        if reference not in known:
            target = looked_up(reference, document)
            made = f"ref{len(self._references)}-{len(known)}"
            known[reference] = made  # before its body: it may speak of itself
            self._rules[made] = self._expression(target, made, document) or "value"
        return known[reference]

    def _object(self, schema: Mapping[str, Any], name: str, document: Mapping[str, Any]) -> str:
        declared = schema.get("properties")
        properties: dict[str, object] = dict(declared) if isinstance(declared, Mapping) else {}
        required = [key for key in listed(schema.get("required")) if isinstance(key, str)]
        properties |= {key: True for key in required if key not in properties}
        if not properties:
            return self._free_object(schema, name, document)
        entries: list[tuple[str, bool]] = []
        for key, each in properties.items():
            value, spelled = self.rule(each, f"{name}-{key}", document), self._key(key)
            if not (value and spelled) and key in required:
                return ""
            if value and spelled:
                entries.append((f'{spelled} space ":" space {value} space', key in required))
        return f'"{{" space {self._entries(entries, name)} "}}"'

    def _key(self, name: str) -> str:
        """The literal of a key, "" where it cannot be spelled."""
        with suppress(ValueError):
            return self.literal(self._dialect.key(name))
        return ""

    def _entries(self, entries: Sequence[tuple[str, bool]], name: str) -> str:
        """Entries in their order, those that are not required left out or not, with commas between them only."""
        later = first = '""'
        for entry, needed in reversed(entries):
            following = later
            entry = self._named(f"{name}-entry", entry)
            with_comma = f'"," space {entry}'
            later = self._named(name, f"{with_comma} {following}" if needed else f"({with_comma})? {following}")
            first = self._named(name, f"{entry} {following}" if needed else f"{entry} {following} | {first}")
        return first

    def _free_object(self, schema: Mapping[str, Any], name: str, document: Mapping[str, Any]) -> str:
        others = schema.get("additionalProperties", True)
        value = self.rule(others, f"{name}-value", document)
        if not value:
            return '"{" space "}"'
        entry = self._named(f"{name}-entry", f'key space ":" space {value} space')
        return f'"{{" space ({entry} ("," space {entry})*)? "}}"'

    def _array(self, schema: Mapping[str, Any], name: str, document: Mapping[str, Any]) -> str:
        least, most = _count(schema.get("minItems")) or 0, _count(schema.get("maxItems"))
        places = [self.rule(each, f"{name}-{n}", document) for n, each in enumerate(listed(schema.get("prefixItems")))]
        item = self.rule(schema.get("items", True), f"{name}-item", document)
        if "" in places or (least > len(places) and not item) or (most is not None and most < least):
            return ""
        if least > _MOST_ITEMS:
            least, most = 1, None
        sequence = [*places, *[item] * max(0, least - len(places))]
        if most is not None and most <= len(sequence):
            sequence, item = sequence[:most], ""
        fixed = ' "," space '.join(f"{each} space" for each in sequence)
        if not item:
            return f'"[" space {fixed} "]"' if fixed else '"[" space "]"'
        more = "*" if most is None or most > _MOST_ITEMS else f"{{0,{most - len(sequence) - (not fixed)}}}"
        if fixed:
            return f'"[" space {fixed} ("," space {item} space){more} "]"'
        return f'"[" space ({item} space ("," space {item} space){more})? "]"'

    def _string(self, schema: Mapping[str, Any]) -> str:
        least, most = _count(schema.get("minLength")) or 0, _count(schema.get("maxLength"))
        if most is not None and most < least:
            return ""
        if least > _MOST_CHARACTERS:
            least = 1
        if most is not None and most > _MOST_CHARACTERS:
            most = None
        if not least and most is None:
            return "string"
        if quote := self._dialect.quote:
            return f"{quote} {self._counted_text(least, most)}"
        return f'"\\"" char{{{least},{most if most is not None else ""}}} "\\""'

    def _counted_text(self, least: int, most: int | None) -> str:
        """From `least` to `most` characters and the quote that ends them, none of them beginning it.

        Grammars cannot count and look out for the whole quote at once without five rules for each length: here its
        first two characters do not follow each other.
        """
        quote = self._dialect.quote
        name = f"short-0-{least}-{most}"
        steps = [(least - gone if gone < least else 0, most and most - gone) for gone in range((most or least) + 1)]
        for need, room in steps:
            after = f"{max(0, need - 1)}-{None if room is None else room - 1}"
            for seen in (0, 1):
                ways = [] if room == 0 else _steps(quote[:2], seen, f"short-{{}}-{after}".format)
                if not need:
                    ways.append(_quoted(quote))
                self._counted[f"short-{seen}-{need}-{room}"] = " | ".join(ways)
        return name

    def _words(self) -> str:
        """The rules that the dialects differ in."""
        if not (quote := self._dialect.quote):
            return _JSON_WORDS
        states = range(len(quote))
        rules = [f"text{seen} ::= {' | '.join(_steps(quote, seen, 'text{}'.format))}" for seen in states]
        return f"{_TOKEN_WORDS}string ::= {quote} text0\n" + "\n".join(rules) + f' | "{quote[-1]}"'


def _integer(schema: Mapping[str, Any]) -> str:
    least, open_least, most, open_most = _limits(schema)
    if least is None and most is None:
        return "integer"
    low = None if least is None else int(least.to_integral_value("ROUND_CEILING"))
    high = None if most is None else int(most.to_integral_value("ROUND_FLOOR"))
    if low is not None and open_least and low == least:
        low += 1
    if high is not None and open_most and high == most:
        high -= 1
    return ranges.whole(low, high)


def _number(schema: Mapping[str, Any]) -> str:
    least, open_least, most, open_most = _limits(schema)
    if least is None and most is None:
        return "number"
    return ranges.decimal(least, most, open_least=open_least, open_most=open_most)


def _limits(schema: Mapping[str, Any]) -> tuple[Decimal | None, bool, Decimal | None, bool]:
    """The least and the most, each with whether it is itself left out."""
    low, high = decimal(schema.get("minimum")), decimal(schema.get("maximum"))
    above, below = decimal(schema.get("exclusiveMinimum")), decimal(schema.get("exclusiveMaximum"))
    open_low = open_high = False
    if above is not None and (low is None or above >= low):
        low, open_low = above, True
    if below is not None and (high is None or below <= high):
        high, open_high = below, True
    return low, open_low, high, open_high


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _merged(schema: Mapping[str, Any], choice: object, left_out: str) -> object:
    """One of several choices, with what stands beside them."""
    if not isinstance(choice, Mapping):
        return choice
    beside = {key: value for key, value in schema.items() if key not in (left_out, "description", "title", "default")}
    return {"allOf": [beside, choice]} if beside else choice


def _steps(word: str, seen: int, rule: Callable[[int], str]) -> list[str]:
    """What may come after the first `seen` characters of a word that must not be completed, with the rule after it.

    `rule` names the one for a number of characters seen. The first character stands nowhere else in the word.
    """
    first, following = word[0], word[seen]
    found = [
        f"[^{_CONTROLS}{''.join(map(_in_class, dict.fromkeys((first, following))))}] {rule(0)}",
        f'"{_escaped(first)}" {rule(1)}',
    ]
    if seen and seen + 1 < len(word):
        found.append(f'"{_escaped(following)}" {rule(seen + 1)}')
    return found


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _in_class(letter: str) -> str:
    return f"\\{letter}" if letter in '[]^-\\"' else letter


def _escaped(letter: str) -> str:
    code = ord(letter)
    if letter in '"\\':
        return "\\" + letter
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02X}"
    return letter
