"""Modified fields, against the command and by known values."""

from fractions import Fraction

import pytest
import sympy

import bea

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
    assert str(caught.value) == expected
    assert isinstance(caught.value, ValueError)


def test_the_place_of_a_fault_is_underlined():
    with pytest.raises(bea.Error, match=r"╰── not defined in this optimizer"):
        bea.optimizer("optimizer a {\n  theta' = theta + x\n}")


def test_huge_orders_are_refused_with_a_number():
    with pytest.raises(bea.Error, match="order 40 needs all trees"):
        bea.optimizer("gradient_descent").derive(order=40).to_dict()
