"""Modified fields, against the command and by known values."""

import sys
from decimal import Decimal
import json
from fractions import Fraction

import numpy as np
import pytest
import sympy
from conftest import interrupted

import bea
from bea._command import exact, in_python
from bea._exact import coefficient

MINE = """optimizer mine(m) {
  state v
  v' = m*v + h*f(theta + m*v)
  theta' = theta + v'
}"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gradient_descent", {}),
        ("heavy_ball", {}),
        ("heavy_ball", {"m": "9/10"}),
        ("nesterov", {"m": 0.25}),
        ("alternating_gda", {}),
        ("adam", {}),
        ("adam_inside", {"beta1": "9/10", "beta2": 0.999, "eps": 1e-8}),
        ("lion", {}),
        (MINE, {}),
    ],
)
def test_the_same_json(command, name, words):
    exact = {"9/10": "9/10", 0.25: "1/4", 0.999: "999/1000", 1e-8: "1/100000000"}
    values = [word for key, value in words.items() for word in ("--set", f"{key}={exact[value]}")]
    expected = command.json("derive", name, "--order", "2", "--format", "json", *values)
    assert bea.optimizer(name, **words).derive(order=2).to_dict() == expected


def test_coefficients_are_fractions():
    field = bea.optimizer("gradient_descent").derive(order=3)
    found = {(str(term.tree).replace(" ", ""), term.coefficient) for term in field.terms if term.coefficient}
    assert found == {
        ("[]", Fraction(1)),
        ("[[]]", Fraction(-1, 2)),
        ("[[[]]]", Fraction(1, 3)),
        ("[[],[]]", Fraction(1, 12)),
        ("[[[[]]]]", Fraction(-1, 4)),
        ("[[[],[]]]", Fraction(-1, 12)),
        ("[[[]],[]]", Fraction(-1, 12)),
    }
    assert all(type(term.coefficient) is Fraction for term in field.terms)
    assert field.coefficient("[[[],[]],[],[[[]],[]]]") == Fraction(1, 560)
    # (-1)ⁿ/(n+1) of chains
    chain = lambda n: "[" * (n + 1) + "]" * (n + 1)
    assert [field.coefficient(chain(n)) for n in range(6)] == [Fraction((-1) ** n, n + 1) for n in range(6)]


def test_coefficients_of_a_start_are_not_those_of_the_field():
    sympy = pytest.importorskip("sympy")
    m = sympy.Symbol("m")
    start = bea.optimizer("heavy_ball").derive(order=1, start="rest")
    assert sympy.simplify(start.coefficient("[]") + m / (1 - m) ** 2) == 0


def test_coefficients_are_those_of_the_field():
    for words in ({}, {"start": "rest"}):
        field = bea.optimizer("heavy_ball", m="9/10").derive(order=2, **words)
        trees = [json.dumps(term.tree) for term in field.terms]
        assert trees and [field.coefficient(tree) for tree in trees] == [term.coefficient for term in field.terms]
    assert bea.optimizer("heavy_ball", m="9/10").coefficient("[[]]", start="rest") == 26100


def test_symbolic_coefficients_are_of_sympy():
    m, h = sympy.symbols("m h")
    field = bea.optimizer("heavy_ball").derive(order=1)
    assert sympy.simplify(field.coefficient("[[]]") + (1 + m) / (2 * (1 - m) ** 3)) == 0
    f, ff = sympy.Symbol("f", commutative=False), sympy.Symbol("f'f", commutative=False)
    expected = f / (1 - m) - h * (1 + m) / (2 * (1 - m) ** 3) * ff
    assert sympy.simplify(sympy.expand(field.sympy() - expected)) == 0


def test_nonlinear_coefficients():
    # Cattaneo, Klusowski, Shigida, at β = 0: sign descent smoothed by eps.
    field = bea.optimizer("adam", beta1=0, beta2=0, eps="1/4").derive(order=0)
    (term,) = field.terms
    assert (term.coefficient, term.h, term.coordinate) == (-1, 0, "theta")
    assert bea.optimizer("adam").derive(order=1).to_dict()["linear"] is False


def test_formats_are_those_of_the_command(command):
    field = bea.optimizer("heavy_ball").derive(order=2)
    words = ["derive", "heavy_ball", "--order", "2"]
    assert field.latex() == command.text(*words, "--format", "latex")
    assert field.latex("gradient") == command.text(*words, "--format", "latex", "--as", "gradient")
    assert field.sympy_code() == command.text(*words, "--format", "sympy")
    assert str(field) + "\n" == command.text(*words)
    assert field._repr_latex_().startswith("\\begin{align*}") and field._repr_latex_() in field.latex()
    assert bea.optimizer("heavy_ball").modified_loss(order=1) == command.text(*words[:3], "1", "--modified-loss")


def test_a_definition_may_come_from_a_file(command, tmp_path):
    (tmp_path / "mine.bea").write_text(MINE)
    field = bea.optimizer("mine.bea").derive(order=2)
    assert field.to_dict() == bea.optimizer(MINE).derive(order=2).to_dict()


@pytest.mark.parametrize(
    ("name", "words", "values"),
    [
        ("heavy_bal", [], {}),
        ("none.bea", [], {}),
        ("optimizer a {\n  theta' = theta + x\n}", [], {}),
        ("optimizer a {\n  theta' = = theta\n}", [], {}),
        ("heavy_ball", ["--set", "q=1"], {"q": 1}),
        ("heavy_ball", ["--set", "m=1"], {"m": 1}),
    ],
)
def test_errors_are_those_of_the_command(command, name, words, values):
    with pytest.raises(bea.Error) as caught:
        bea.optimizer(name, **values)
    expected = command.error("derive", name, "--order=0", "--format=json", *words)
    assert str(caught.value) == in_python(expected) and "--" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_the_place_of_a_fault_is_underlined():
    with pytest.raises(bea.Error, match=r"╰── not defined in this optimizer"):
        bea.optimizer("optimizer a {\n  theta' = theta + x\n}")


def test_huge_orders_are_refused_with_a_number():
    with pytest.raises(bea.Error, match="order 40 needs all trees"):
        bea.optimizer("gradient_descent").derive(order=40).to_dict()


@pytest.mark.parametrize("name", ["adamw", "lion", "lars", "lamb", "decoupled"])
def test_parameters_may_be_keywords(name):
    if name == "decoupled":
        name = "optimizer decoupled(lambda, is) {\n  theta' = theta + h*f(theta) - h*lambda*is*theta\n}"
    optimizer = bea.optimizer(name)
    assert "lambda" in optimizer.parameters
    symbol = sympy.Symbol("lambda")
    terms = optimizer.derive(order=1).terms
    assert any(symbol in term.coefficient.free_symbols for term in terms if hasattr(term.coefficient, "free_symbols"))
    given = bea.optimizer(name, lambda_="1/10")
    assert given.parameters == [p for p in optimizer.parameters if p != "lambda"]
    assert given.derive(order=1).to_dict() == bea.optimizer(name, **{"lambda": 0.1}).derive(order=1).to_dict()


def test_coefficients_are_read():
    m, n = sympy.symbols("m n")
    for text in ["-m^2/3 + 2*(1-m)^3*n/(4*(1+n)^2) - 7", "1/(1-m)", "-(1+m)/(2*(1-m)^3)", "2^3*m^-2"]:
        assert coefficient(text, ["m", "n"]) == eval(text.replace("^", "**").replace("/3", "/sympy.Integer(3)"))
    assert coefficient("-2^2/3 + 1/6", []) == Fraction(-7, 6)
    # As long as those of fields in many parameters, and longer than Python's own parser takes.
    terms = [f"{k}*m^{k % 7}" for k in range(1, 5001)]
    expected = sum(k * m ** (k % 7) for k in range(1, 15)).subs(m, 2)
    assert coefficient("+".join(terms[:14]), ["m"]).subs(m, 2) == expected
    found = coefficient("(" + "-".join(terms) + ")/(1-m)", ["m"])
    assert found.subs(m, 2) == -(2 - sum(k * 2 ** (k % 7) for k in range(2, 5001)))
    for wrong in ["m*", "(m", "m n", "q", "m^n", ""]:
        with pytest.raises(ValueError, match="no coefficient"):
            coefficient(wrong, ["m", "n"])


def test_numbers_are_exact():
    assert exact(Decimal("1.10")) == "1.10" and exact(Decimal("1e-30")) == "0." + 29 * "0" + "1"
    assert exact(np.float32(0.1)) == "0.1" and exact(np.int64(3)) == "3" and exact(sympy.Rational(1, 3)) == "1/3"
    assert bea.optimizer("heavy_ball", m=Decimal("0.9")).coefficient("[[]]") == -950
    with pytest.raises(bea.Error, match="a number is wanted, or its text, \"9/10\" say, not None"):
        bea.optimizer("heavy_ball", m=None)


def test_starts_and_parts_are_those_of_the_command(command):
    momentum = bea.optimizer("heavy_ball", m="9/10")
    words = ["derive", "heavy_ball", "--set", "m=9/10", "--order", "2"]
    for arguments, more in [
        ({"start": "rest"}, ["--start", "rest"]),
        ({"only": "principal"}, ["--only", "principal"]),
        ({"only": "non-principal", "notation": "dots"}, ["--only", "non-principal", "--notation", "dots"]),
    ]:
        field = momentum.derive(order=2, **arguments)
        assert field.to_dict() == command.json(*words, *more, "--format", "json")
        assert str(field) + "\n" == command.text(*words, *more)
    with pytest.raises(bea.Error, match="invalid value 'rset' for `start`"):
        momentum.derive(start="rset").to_dict()


def test_options_are_no_optimizers():
    with pytest.raises(bea.Error, match="there is no optimizer `--help`"):
        bea.optimizer("--help")
    with pytest.raises(bea.Error, match="an optimizer is a name, a file or a definition, as text, not 3"):
        bea.optimizer(3)


def test_advice_is_for_python():
    for text, expected in [
        ("give it a value: --set m=9/10, say", 'give it a value: `m="9/10"`, say'),
        ("bad --set m=x", 'bad value `m="x"`'),
        ("lower --order, or give parameters values with --set", "lower `order`, or give parameters values by keyword arguments"),
        ("`--set train.steps=50`", '`set={"train.steps": 50}`'),
        ("--resume goes on, --force replaces it, --out takes another folder",
         "`resume=True` goes on, `force=True` replaces it, `out` takes another folder"),
        ("error: invalid value 'f16' for '--dtype <TYPE>'\n  [possible values: f32, f64]\n\nFor more information, try '--help'.",
         "invalid value 'f16' for `dtype`\n  [possible values: f32, f64]"),
        ("`bea optimizers` lists them", "`bea.optimizers()` lists them"),
        ("--as gradient needs a single vector field", '`form="gradient"` needs a single vector field'),
        ("--flows-from start begins at the start", '`flows_from="start"` begins at the start'),
        ("leave --at-step out", "leave `at_step` out"),
        ("`cargo build --release --features cuda` makes one with it; --device cpu", "`cargo build --release --features cuda` makes one with it; `device` cpu"),
        ("invalid value 'm=NaN' for '--set <NAME=VALUE>': not an exact number", 'bad value `m="NaN"`: not an exact number'),
        ("error: the following are missing:\n  <FIGURE>\n\nUsage: bea reproduce --out <DIR> <FIGURE>...\n\nFor more", "the following are missing:\n  <FIGURE>"),
    ]:
        assert in_python(text) == expected


def test_sympy_is_asked_for(monkeypatch):
    field = bea.optimizer("gradient_descent").derive(order=1)
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match="pip install sympy"):
        field.sympy()
    assert "def modified_field" in field.sympy_code()


def test_terms_of_a_game_belong_to_its_players():
    field = bea.optimizer("alternating_gda").derive(order=1)
    assert [(term.notation, term.coordinate) for term in field.terms][:3] == [("fx", "x"), ("fy", "y"), ("fx'fx", "x")]
    parts = field.sympy()
    assert list(parts) == ["x", "y"]
    h, f, g = sympy.Symbol("h"), sympy.Symbol("fx", commutative=False), sympy.Symbol("fy", commutative=False)
    named = lambda text: sympy.Symbol(text, commutative=False)
    # x sees the old y and y the new x: Rosca et al. (2021), section 3.
    assert sympy.expand(parts["x"] - (f - h / 2 * named("fx'fx") - h / 2 * named("fx'fy"))) == 0
    assert sympy.expand(parts["y"] - (g + h / 2 * named("fy'fx") - h / 2 * named("fy'fy"))) == 0
    # Several fields of one variable are no game.
    assert {term.coordinate for term in bea.optimizer("minibatch2").derive(order=1).terms} == {"theta"}


def test_terms_are_objects():
    field = bea.optimizer("gradient_descent").derive(order=1)
    assert len(set(field.terms)) == 2 and field.terms[0] == field.terms[0] != field.terms[1]


@pytest.mark.parametrize(
    ("name", "order"), [("heavy_ball", 12), ("gradient_descent", 18), ("adam", 6), ("lamb", 3)]
)
def test_ctrl_c_stops_a_derivation(name, order):
    optimizer = bea.optimizer(name)
    assert interrupted(lambda: optimizer.derive(order=order, force=True).to_dict(), 0.3) < 1
    assert bea.optimizer("gradient_descent").coefficient("[[]]") == Fraction(-1, 2)
