"""Arguments against the schema of a stranger: every look at a schema is counted, and nothing outside it is looked at.

Pure. What a schema says beyond that is for its server, which looks at the arguments too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.core.tools import Arguments, Schema

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_MOST = 500_000  # steps, of less than a microsecond as a rule
_CHARACTERS = 200  # of schema and arguments that may be compared or quoted in a step
_REFERENCES = ("$ref", "$dynamicRef")
# a regular expression can keep Python busy for years; the others compare or follow references without a count
_LEFT_OUT = ("pattern", "patternProperties", "uniqueItems", "unevaluatedItems", "unevaluatedProperties")
_WITH_PATTERNS = (*_LEFT_OUT, "additionalProperties")  # what it allows is not known without the patterns

_Schema = bool | Mapping[str, Any]
_Keywords = Iterable[tuple[str, Any]]


class UncheckedError(Exception):
    """The schema leads outside itself, or to more work than a check may be."""


def first_fault(schema: Schema, arguments: Arguments) -> ValidationError | None:
    """Where the arguments are first not what the schema says; None where they are.

    Raises UncheckedError, and anything else where the schema is none.
    """
    from jsonschema.validators import Draft202012Validator, create, validator_for
    from referencing import Registry

    kind = validator_for(schema, default=Draft202012Validator)
    checked = {name: value for name, value in schema.items() if name != "$schema"}
    if _names_a_dialect(checked):
        raise UncheckedError
    counted: Any = create(
        kind.META_SCHEMA,
        kind.VALIDATORS,
        type_checker=kind.TYPE_CHECKER,
        id_of=lambda _: "",  # references are pointers from the root: other ones are found by searching all of it
        applicable_validators=_counting(checked, arguments, ref_alone="dependencies" in kind.VALIDATORS),
    )
    found: ValidationError | None = next(counted(checked, registry=Registry()).iter_errors(arguments), None)
    return found


def _counting(document: Schema, arguments: Arguments, *, ref_alone: bool) -> Callable[[_Schema], _Keywords]:
    """What is asked of a schema each time that it is looked at. Raises UncheckedError."""
    each = 1 + (len(json.dumps(document)) + len(json.dumps(arguments))) // _CHARACTERS
    left = _MOST

    def keywords(schema: _Schema) -> _Keywords:
        nonlocal left
        if not isinstance(schema, Mapping):
            raise UncheckedError
        left -= each + len(schema)
        left -= sum(len(value) for value in schema.values() if isinstance(value, Mapping | list))
        references = [schema[name] for name in _REFERENCES if name in schema]
        left -= sum(map(len, references))
        if left < 0 or not all(one == "#" or one.startswith("#/") for one in references):
            raise UncheckedError
        if ref_alone and "$ref" in schema:
            return [("$ref", schema["$ref"])]
        left_out = _WITH_PATTERNS if "patternProperties" in schema else _LEFT_OUT
        return [(name, value) for name, value in schema.items() if name not in left_out]

    return keywords


def _names_a_dialect(schema: Schema) -> bool:
    """Whether a part of it is to be read by other rules: those are not counted."""
    waiting: list[object] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if isinstance(one.get("$schema"), str):
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False
