"""The form of a call's arguments: a field for each, and out of it exactly what stands in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from app.core.tools import Arguments, Schema
from app.ui.calls.form import ArgumentForm, ChoiceField, LongField, loads, one_line, pretty
from app.ui.look import Look
from app.ui.transcript.style import Style
from tests.ui.calls.making import flush, schema

LONG = "A sentence that goes on and on, and is longer than one line may be."
EVERY = schema(
    name={"type": "string", "description": "What it is called"},
    text={"type": "string"},
    count={"type": "integer"},
    share={"type": "number"},
    sure={"type": "boolean"},
    mode={"enum": ["write", "append", 3]},
    where={"type": "object"},
    later={"type": "string"},
    more={"type": "integer"},
    maybe={"type": "boolean"},
    kind={"enum": ["a", "b"]},
)
GIVEN: Arguments = {
    "name": "a", "text": "one\ntwo", "count": 3, "share": 1.0, "sure": False, "mode": "append",
    "where": {"x": [1, None, "ü"]}, "beside": [True],
}  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
Make = Callable[[Schema, Arguments], ArgumentForm]


@pytest.fixture
def make(holder: QWidget, style: Style) -> Make:
    """A form on the screen."""

    def made(about: Schema, arguments: Arguments) -> ArgumentForm:
        form = ArgumentForm(holder, style, about, arguments)
        form.setGeometry(0, 0, 600, form.arrange(600))
        form.show()
        return form

    return made


def field(form: ArgumentForm, name: str) -> Any:
    """The editor with this label."""
    (found,) = [each for each in form.widgets() if each.accessibleName() == name]
    return found


def write(form: ArgumentForm, name: str, text: str) -> None:
    """Write something else into a field."""
    editor = field(form, name)
    if isinstance(editor, LongField):
        editor.setPlainText(text)
    else:
        editor.setText(text)


def same(one: object, other: object) -> bool:
    """Equal and of the same types all through: 1, 1.0 and true are three things."""
    return repr(one) == repr(other)


def choose(form: ArgumentForm, name: str, at: int) -> list[str]:
    """Choose from a field's menu; returns what is in it."""
    editor = field(form, name)
    editor.click()
    menu = editor.findChild(QMenu)
    assert isinstance(menu, QMenu)
    offered = [action.text() for action in menu.actions()]
    menu.actions()[at].trigger()
    menu.close()
    flush()
    return offered


def test_each_kind_of_argument_has_its_field(make: Make) -> None:
    form = make(EVERY, GIVEN | {"name": LONG})
    kinds = {each.accessibleName(): type(each) for each in form.widgets()}
    assert kinds == {
        "Name": LongField, "Text": LongField, "Count": QLineEdit, "Share": QLineEdit, "Sure": ChoiceField,
        "Mode": ChoiceField, "Where": QLineEdit, "Later": QLineEdit, "More": QLineEdit, "Maybe": ChoiceField,
        "Kind": ChoiceField, "Beside": QLineEdit,
    }  # fmt: skip
    assert field(form, "Name").accessibleDescription() == "What it is called"
    assert field(form, "Later").placeholderText() == "not given"
    assert field(form, "Maybe").text() == "not given"


def test_untouched_it_says_what_was_given(make: Make) -> None:
    found = make(EVERY, GIVEN).arguments()
    assert found == GIVEN
    assert all(same(found[name], GIVEN[name]) for name in GIVEN)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_whatever_a_model_wrote_comes_back(make: Make, arguments: Arguments) -> None:
    form = make(schema(a={"type": "string"}), arguments)
    found = form.arguments()
    form.deleteLater()
    assert found == arguments
    assert all(same(found[name], arguments[name]) for name in arguments)


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("Name", "⟦U+202E⟧", "name", "\u202e"),
        ("Name", "⟦U+27E6⟧U+202E⟧", "name", "⟦U+202E⟧"),
        ("Name", "", "name", ""),
        ("Name", " 5 ", "name", " 5 "),
        ("Text", "a\n\n\tb", "text", "a\n\n\tb"),
        ("Count", "-12", "count", -12),
        ("Count", "2.0", "count", 2.0),
        ("Count", "null", "count", None),
        ("Share", "1e-3", "share", 0.001),
        ("Where", '{"y": {"z": []}}', "where", {"y": {"z": []}}),
        ("Beside", '"a"', "beside", "a"),
        ("Later", "tomorrow", "later", "tomorrow"),
        ("Later", "5", "later", "5"),
        ("More", "5", "more", 5),
    ],
)
def test_edits_are_told_exactly(make: Make, name: str, text: str, key: str, value: object) -> None:
    form = make(EVERY, GIVEN)
    write(form, name, text)
    found = form.arguments()
    assert same(found[key], value)
    assert {each: found[each] for each in found if each != key} == {each: GIVEN[each] for each in GIVEN if each != key}


@pytest.mark.parametrize("name", ["Count", "Where", "Beside"])
@pytest.mark.parametrize("text", ["", "{", "yes", "NaN", "-Infinity", "[1,]", "'a'", "1e999", "[" * 100_000])
def test_no_value_of_json_is_said_in_a_sentence(make: Make, name: str, text: str) -> None:
    form = make(EVERY, GIVEN)
    write(form, name, text)
    with pytest.raises(ValueError, match=f"^“{name}” is no value of JSON.$"):
        form.arguments()


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[1, -Infinity]", "1e999", "[" * 100_000, "1" * 5000 + "."])
def test_what_no_other_program_takes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        loads(text)


def test_choices(make: Make) -> None:
    form = make(EVERY, GIVEN)
    assert choose(form, "Mode", 2) == ["write", "append", "3"]
    assert choose(form, "Sure", 0) == ["true", "false"]
    assert choose(form, "Kind", 2) == ["not given", "a", "b"]
    assert choose(form, "Maybe", 2) == ["not given", "true", "false"]
    assert form.arguments() == GIVEN | {"mode": 3, "sure": True, "kind": "b", "maybe": False}
    choose(form, "Kind", 0)
    choose(form, "Maybe", 0)
    assert form.arguments() == GIVEN | {"mode": 3, "sure": True}


def test_a_value_that_is_no_choice_stays_until_another_is_chosen(make: Make) -> None:
    form = make(EVERY, {"mode": "burn & bury"})
    assert field(form, "Mode").text() == "burn & bury"
    assert form.arguments() == {"mode": "burn & bury"}
    choose(form, "Mode", 0)
    assert form.arguments() == {"mode": "write"}


@pytest.mark.parametrize(("at", "value"), [(0, 0), (1, False), (2, 1), (3, True), (4, 1.0)])
def test_of_choices_that_are_equal_in_python_the_chosen_one_is_taken(make: Make, at: int, value: object) -> None:
    form = make(schema(level={"enum": [0, False, 1, True, 1.0]}), {"level": "x"})
    choose(form, "Level", at)
    assert same(form.arguments()["level"], value)


@pytest.mark.parametrize(
    ("about", "text", "value"),
    [
        ({"type": ["string", "null"]}, "Berlin", "Berlin"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, "5", 5),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, "5", "5"),
        ({"type": "integer"}, "5", 5),
        ({}, "5", "5"),
    ],
    ids=["string-or-null", "integer-or-null", "any-string-or-null", "integer", "untold"],
)
def test_an_argument_that_was_left_out_becomes_what_the_schema_says(
    make: Make, about: dict[str, Any], text: str, value: object
) -> None:
    """As servers made with pydantic write `int | None = None`."""
    form = make(schema(zone=about), {})
    write(form, "Zone", text)
    assert same(form.arguments(), {"zone": value})


@pytest.mark.parametrize("about", [{}, {"properties": []}, {"properties": {"a": True}}, {"properties": {"a": None}}])
def test_a_schema_that_says_little_shows_what_was_given(make: Make, about: Schema) -> None:
    assert make(about, {"a": "x", "b": 2}).arguments() == {"a": "x", "b": 2}


def test_a_form_without_arguments_takes_no_room(make: Make) -> None:
    form = make({}, {})
    assert form.arrange(600) == 0
    assert form.arguments() == {}


def test_a_name_is_a_label(make: Make) -> None:
    form = make({}, {"first_line": 1, "": 2, "__": 3, "a\u202eb": 4})
    assert [each.accessibleName() for each in form.widgets()] == ["First line", '""', '""', "A⟦U+202E⟧b"]


def test_tab_goes_on_from_a_long_text(make: Make, holder: QWidget) -> None:
    form = make(EVERY, GIVEN)
    field(form, "Text").setFocus()
    QTest.keyClick(field(form, "Text"), Qt.Key.Key_Tab)
    assert holder.focusWidget() is field(form, "Count")


def test_fields_stand_below_one_another_beside_their_labels(face: Look, make: Make) -> None:
    """Labels at the start: left, or right from right to left."""
    form = make(EVERY, GIVEN)
    spots = [QRect(each.mapTo(form, QPoint(0, 0)), each.size()) for each in form.widgets()]
    assert all(above.bottom() < below.top() for above, below in pairwise(spots))
    assert all(form.rect().contains(spot) for spot in spots)
    labels = 600 // 3
    leftmost, rightmost = min(spot.left() for spot in spots), max(spot.right() for spot in spots)
    if form.layoutDirection() == Qt.LayoutDirection.LeftToRight:
        assert 40 < leftmost <= labels
        assert rightmost == 599
    else:
        assert leftmost == 0
        assert 600 - labels <= rightmost < 560
    assert not form.grab().isNull()


def test_more_lines_make_a_long_text_higher_up_to_ten(make: Make) -> None:
    form = make(EVERY, GIVEN)
    editor = field(form, "Text")
    heights = []
    for lines in (1, 4, 8, 10, 30):
        editor.setPlainText("\n".join(["x"] * lines))
        heights.append(editor.wanted_height())
    assert heights[0] == heights[1] < heights[2] < heights[3] == heights[4]


def test_arguments_as_words() -> None:
    assert one_line({}) == ""
    assert one_line({"a": " x\n y\u202e"}) == "x y⟦U+202E⟧"
    assert one_line({"a": [1, "ü"], "b": True}) == 'a: [1, "ü"], b: true'
    assert pretty({"a": "ü\u200b"}) == '{\n  "a": "ü⟦U+200B⟧"\n}'
