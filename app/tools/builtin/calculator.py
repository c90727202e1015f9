"""Arithmetic, exact where it can be: whole numbers and fractions as they are, everything else to 15 digits."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from app.tools.registry import ToolError

Number = Fraction | float

_MOST_CHARACTERS = 500
_MOST_BITS = 20_000  # of a number on the way; some 6,000 digits
_MOST_DIGITS = 3_000  # of an answer in full
_MOST_PLACES = 40  # after the point, of an answer that ends there
_LARGEST_FACTORIAL = 1_500
_FLOATS = (Fraction(1, 10**300), Fraction(10**300))  # sizes that a float has 15 digits for
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "∶": "/", "−": "-", "–": "-", "^": "**", "²": "**2", "³": "**3"})
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[, '\u00a0\u202f]\d{3})+(?![\d,])")
_PERCENT = re.compile(r"(\d(?:[\d.]*\d)?)\s*%(?!\s*[\d(a-z])", re.IGNORECASE)


def calculator(expression: str) -> str:
    """Calculates an arithmetic expression exactly.

    expression: The arithmetic expression, for example 12 * 7
    """
    if len(expression) > _MOST_CHARACTERS:
        raise ToolError("The expression is too long.")
    try:
        text = _plain(expression)
        return _written(_value(ast.parse(text, mode="eval").body, text))
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, ValueError) and str(error).startswith("math"):
            raise ToolError("This has no value among the real numbers.") from error
        raise ToolError("This is no arithmetic expression.") from error
    except ZeroDivisionError as error:
        raise ToolError("This divides by zero.") from error
    except OverflowError as error:
        raise ToolError("The result is too large.") from error


def _plain(expression: str) -> str:
    text = expression.strip().removesuffix("=")
    if not re.search(r"[A-Za-z]\w*\s*\(", text):  # inside a function a comma stands between numbers
        text = _THOUSANDS.sub(lambda found: re.sub(r"[^\d]", "", found[0]), text)
    text = _PERCENT.sub(r"(\1/100)", text.translate(_SIGNS))
    text = re.sub(r"√\s*(\d+(?:\.\d+)?)", r"sqrt(\1)", text).replace("√", "sqrt").replace("π", "pi")
    text = re.sub(r"(\d+)!", r"factorial(\1)", text)
    # as on paper: a number before a bracket or a name multiplies it, and zeros may lead a number
    text = re.sub(r"(?<![\w.])0+(?=\d)", "", text)
    return re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(?=\(|pi\b|sqrt)", r"\1*", text).strip()


def _value(node: ast.expr, text: str) -> Number:
    if isinstance(node, ast.Constant):
        return _constant(node, text)
    if isinstance(node, ast.Name) and node.id.lower() in _NAMES:
        return _NAMES[node.id.lower()]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        value = _value(node.operand, text)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _bounded(_OPERATORS[type(node.op)](_value(node.left, text), _value(node.right, text)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = _FUNCTIONS.get(node.func.id.lower())
        if function is not None and node.args:
            return _bounded(function(*(_value(one, text) for one in node.args)))
    raise ToolError("Only numbers, + - * / // % ** , brackets and the usual functions can be calculated.")


def _constant(node: ast.Constant, text: str) -> Number:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise ToolError("Only numbers can be calculated.")
    if isinstance(node.value, int):
        return _bounded(Fraction(node.value))
    if not math.isfinite(node.value):
        raise OverflowError
    written = ast.get_source_segment(text, node) or repr(node.value)
    if node.value == 0:  # its exponent may be anything
        if written.lower().partition("e")[0].strip("0_."):
            raise ToolError("A number here is too small to calculate with.")
        return Fraction(0)
    return _bounded(Fraction(written))  # as it is written: 0.1 is a tenth, and a float has 17 digits only


def _bounded(value: Number) -> Number:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OverflowError
        return value
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise OverflowError
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(base) not in (0, 1) and bits * abs(exponent.numerator) > _MOST_BITS:
            raise OverflowError
        return base**exponent.numerator
    if base < 0 and exponent != int(exponent):
        raise ToolError("This has no value among the real numbers.")
    return _root(base, exponent)


def _root(base: Number, exponent: Number) -> Number:
    """A power that is no whole one: exact where it is a square root that comes out."""
    if isinstance(base, Fraction) and exponent == Fraction(1, 2):
        above, below = math.isqrt(base.numerator), math.isqrt(base.denominator)
        if above * above == base.numerator and below * below == base.denominator:
            return Fraction(above, below)
    return math.pow(float(base), float(exponent))


def _divide(left: Number, right: Number) -> Number:
    return left / right


def _sqrt(value: Number) -> Number:
    if value < 0:
        raise ToolError("This has no value among the real numbers.")
    return _root(value, Fraction(1, 2))


def _factorial(value: Number) -> Number:
    if value < 0 or value != int(value):
        raise ToolError("Only whole numbers from 0 have a factorial.")
    if value > _LARGEST_FACTORIAL:
        raise OverflowError
    return Fraction(math.factorial(int(value)))


def _round(value: Number, places: Number = Fraction(0)) -> Number:
    if not -_MOST_PLACES <= places <= _MOST_PLACES or places != int(places):
        raise ToolError("Round to a whole number of places.")
    return Fraction(round(Fraction(value), int(places)))


def _log(value: Number, base: Number = Fraction(10)) -> Number:
    if base == 10:
        return math.log10(_whole(value))
    return math.log(_whole(value)) / math.log(_whole(base))


def _whole(value: Number) -> Number | int:
    """A whole number as int: of these a logarithm may be taken whatever their size."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def _real(function: Callable[[float], float]) -> Callable[..., Number]:
    return lambda value: function(float(value))


_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: _divide,
    ast.FloorDiv: lambda left, right: Fraction(left // right),
    ast.Mod: lambda left, right: left % right,
    ast.Pow: _power,
}
_NAMES: dict[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "sqrt": _sqrt,
    "abs": lambda value: abs(value),
    "round": _round,
    "min": min,
    "max": max,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "factorial": _factorial,
    "log": _log,
    "log10": lambda value: _log(value),
    "log2": lambda value: math.log2(_whole(value)),
    "ln": lambda value: math.log(_whole(value)),
    **{name: _real(getattr(math, name)) for name in ("exp", "sin", "cos", "tan", "asin", "acos", "atan")},
}


def _written(value: Number) -> str:
    if isinstance(value, float):
        return _floated(value)
    if abs(value) >= 10**_MOST_DIGITS:  # Python itself writes no more than 4,300
        return _rounded(value)
    if value.denominator == 1:
        return str(value.numerator)
    places = _places(value.denominator)
    if places is not None:
        whole = abs(value.numerator) * 10**places // value.denominator
        digits = str(whole).zfill(places + 1)
        return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
    return f"about {_floated(float(value))}" if _FLOATS[0] < abs(value) < _FLOATS[1] else _rounded(value)


def _rounded(value: Fraction) -> str:
    return f"about {Decimal(value.numerator) / Decimal(value.denominator):.14e}"


def _places(denominator: int) -> int | None:
    """How many places after the point a fraction with this denominator has; None where it does not end soon."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    places = max(twos, fives)
    return places if denominator == 1 and places <= _MOST_PLACES else None


def _floated(value: float) -> str:
    rounded = float(f"{value:.15g}")
    return str(int(rounded)) if rounded == int(rounded) and abs(rounded) < 1e15 else f"{value:.15g}"
