"""Templates come with files from anywhere: they end in time, in memory and in words."""

from __future__ import annotations

import resource
import time

import pytest

from app.core.errors import EngineError
from app.prompt.sandbox import Template

HOSTILE = {
    "endless": "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}",  # noqa: E501
    "endless_macro": "{% macro f(n) %}{% for i in range(9999) %}{{ f(n) }}{% endfor %}{% endmacro %}{{ f(1) }}",
    "huge": "{{ 'x' * 10000000000 }}",
    "huge_list": "{{ [0] * 10000000000 }}",
    "huge_power": "{{ 9 ** (9 ** 9) }}",
    "huge_power_of_names": "{% set n = 9 %}{{ n ** (n ** n) }}",
    "huge_product": "{% set n = namespace(v=3) %}{% for i in range(60) %}{% set n.v = n.v*n.v %}{% endfor %}{{ n.v }}",
    "doubling": "{% set n = namespace(t='x') %}{% for a in range(60) %}{% set n.t = n.t ~ n.t %}{% endfor %}{{ n.t }}",
    "format": "{{ '%9999999999d' | format(1) }}",
    "class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ messages.append.__globals__ }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}{{ os }}",
    "extends": "{% extends 'x' %}",
    "recursion": "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    "syntax": "{% for message in messages %}",
    "filter": "{{ messages | no_such_filter }}",
    "undefined": "{{ nothing.at.all }}",
    "refusing": "{{ raise_exception('no') }}",
    "range": "{{ range(10**12) | list }}",
    "division": "{{ 1 / 0 }}",
    "mutation": "{{ messages.clear() }}",
}


HARMLESS = (
    "{{ messages | attr('__class__') }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{{ messages['__class__'] }}",
)


@pytest.mark.parametrize("source", HARMLESS)
def test_an_attempt_at_pythons_insides_shows_nothing(source: str) -> None:
    assert "class" not in _shown(source)


def _shown(source: str) -> str:
    return Template(source).render(messages=[{"role": "user", "content": "x"}], add_generation_prompt=True)


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_is_refused_in_words(source: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    began = time.monotonic()
    with pytest.raises(EngineError) as refusal:
        _shown(source)
    assert time.monotonic() - began < 15
    assert refusal.value.code == "template"
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_the_next_template_works_as_before() -> None:
    with pytest.raises(EngineError):
        Template(HOSTILE["endless"]).render(messages=[], add_generation_prompt=True)
    assert Template("{{ messages | length }}").render(messages=[1, 2], add_generation_prompt=True) == "2"


def test_what_templates_of_real_files_use_is_there() -> None:
    source = (
        "{%- set ns = namespace(first=true) -%}{%- for m in messages -%}{%- if loop.first -%}{{ m.role }}{%- endif -%}"
        "{{ m['content'] | trim | tojson }}{%- if not loop.last %},{% endif -%}{%- endfor -%}"
        "{%- if strftime_now is defined %}{{ strftime_now('%Y') | length }}{% endif -%}"
        "{%- for m in messages -%}{%- if m.content is string -%}s{%- continue -%}{%- endif -%}{%- endfor -%}"
    )
    messages = [{"role": "user", "content": " a "}, {"role": "assistant", "content": "b"}]
    shown = Template(source).render(messages=messages, add_generation_prompt=True)
    assert shown.startswith('user"a","b"')
    assert shown.endswith("ss")
