import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.quant.expression.fault import ExpressionFault
from tasks.quant.expression.grammar import DEPTH_MAX, LENGTH_MAX, NODES_MAX, read
from tasks.quant.expression.tree import Name, Number


def written(node):
    """The tree as a fully bracketed text."""
    if isinstance(node, Number):
        return f"{node.value:g}"
    if isinstance(node, Name):
        return node.text
    return f"{node.operator}({','.join(map(written, node.arguments))})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a+b*c", "+(a,*(b,c))"),
        ("a-b-c", "-(-(a,b),c)"),
        ("a/b/c", "/(/(a,b),c)"),
        ("a^b^c", "^(a,^(b,c))"),
        ("-a^2", "-x(^(a,2))"),
        ("2^-a", "^(2,-x(a))"),
        ("-a*b", "*(-x(a),b)"),
        ("a*-b", "*(a,-x(b))"),
        ("--a", "-x(-x(a))"),
        ("+a", "a"),
        ("a<b+1", "<(a,+(b,1))"),
        ("not a<b and c or d", "or(and(not(<(a,b)),c),d)"),
        ("a or b and c", "or(a,and(b,c))"),
        ("(a+b)*c", "*(+(a,b),c)"),
        ("f(a, g(b,1.5e2), 2)", "f(a,g(b,150),2)"),
        (" a ", "a"),
        (".5", "0.5"),
        ("f()", "f()"),
    ],
)
def test_binds_as_written_in_the_table(text, tree):
    assert written(read(text)) == tree


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "the end"),
        ("a +", 4, "the end"),
        ("a b", 3, "'b'"),
        ("(a", 3, "')'"),
        ("a)", 2, "')'"),
        ("f(a,)", 5, "')'"),
        ("f(,a)", 3, "','"),
        ("a**b", 3, "write ^"),
        ("a & b", 3, "write and"),
        ("a = b", 3, "write =="),
        ("!a", 1, "write not"),
        ("a < b < c", 7, "don't chain"),
        ("a ? b", 3, "where(condition"),
        ("3x", 2, "digits"),
        ("1e999", 1, "too large"),
        ("and", 1, "'and'"),
        ("a.b", 2, "'.'"),
        ("a['b']", 2, "'['"),
        ("__import__('os')", 12, '"\'"'),
        ("é", 1, "'é'"),
        ("f(a,b,c,d,e,f,g,h,i)", 19, "more than 8"),
    ],
)
def test_points_at_the_character(text, column, says):
    with pytest.raises(ExpressionFault) as found:
        read(text)
    assert found.value.at == column - 1
    message, shown, caret = str(found.value).split("\n")
    assert message.startswith(f"col {column}: ")
    assert says in message
    assert shown == text
    assert caret == " " * (column - 1) + "^"


def test_shows_what_is_around_the_character_in_a_long_text():
    with pytest.raises(ExpressionFault) as found:
        read("close+" * 30 + "$" + "+close" * 30)
    _, shown, caret = str(found.value).split("\n")
    assert shown[caret.index("^")] == "$"
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 80


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "-" * 3000 + "a",
        "not " * 900 + "a",
        "^".join("a" * 1000),
        "+".join("a" * 1000),
        "f(" * 1000 + "a" + ")" * 1000,
        "a" * (LENGTH_MAX + 1),
        "(" * (DEPTH_MAX + 1) + "a" + ")" * (DEPTH_MAX + 1),
        "f(" + ",".join(["g(" + ",".join(["a+a+a+a+a+a+a"] * 8) + ")"] * 8) + ")",
    ],
)
def test_what_is_too_large_is_refused_and_no_stack_overflows(text):
    with pytest.raises(ExpressionFault, match=r"most|more than|deep"):
        read(text)


@given(st.text(alphabet="ab1.+-*/^()<>=!,& \tandotrf", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_within_itself(text):
    root, at = None, 0
    try:
        root = read(text)
    except ExpressionFault as fault:
        at = fault.at
    assert 0 <= at <= len(text)
    assert root is None or root.depth <= DEPTH_MAX
    assert not isinstance(root, Number) or math.isfinite(root.value)


def test_the_limits_leave_room_for_real_factors():
    assert NODES_MAX >= 200
    read("+".join(["rank(delta(close,5)/std(returns,20))"] * 20))
