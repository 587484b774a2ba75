"""Compares derivatives that `bea loss --format json` prints with SymPy's of the same formula.

Reads the JSON from standard input, differentiates the printed loss with SymPy, and evaluates both at random
points with 40 digits. Prints how many derivatives agree to 30 digits; ends with an error at the first that does not.

SymPy takes minutes for a sum over hundreds of examples. With the arguments TABLE RIDGE TARGET [scaled], the
reference is therefore logistic regression on TABLE: SymPy differentiates the cross-entropy of one example in its
score, and the chain rule and the sum are taken here. TARGET is the class with the label 1; `scaled` divides every
column by its largest value.
"""

import csv
import json
import math
import random
import re
import sys

import mpmath
import sympy

mpmath.mp.dps = 40
sys.setrecursionlimit(100_000)

loss = json.load(sys.stdin)


def python(text):
    """A formula of the loss language as one of Python; entries of arrays become plain names."""
    text = re.sub(r"([A-Za-z_]\w*)\[([\d,]+)\]", lambda m: m[1] + "__" + m[2].replace(",", "_"), text)
    text = re.sub(r"where\(", "choose(", text)
    text = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?(?:e[+-]?\d+)?)", r"number('\1')", text)
    return text.replace("^", "**")


def names(module, number, choose):
    """The language's functions in SymPy or mpmath, by their definitions."""
    exp, log, sqrt, erf = module.exp, module.log, module.sqrt, module.erf
    plain = ["exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "pi"]
    known = {name: getattr(module, name) for name in plain}
    half = number("1") / 2
    known["normal_cdf"] = lambda x: half * (1 + erf(x / sqrt(number("2"))))
    return known | {
        "number": number,
        "choose": choose,
        "abs": lambda x: choose(x < 0, -x, x),
        "relu": lambda x: choose(x > 0, x, 0 * x),
        "elu": lambda x: choose(x > 0, x, exp(x) - 1),
        "sigmoid": lambda x: 1 / (1 + exp(-x)),
        "softplus": lambda x: log(1 + exp(x)),
        "gelu": lambda x: x * known["normal_cdf"](x),
    }


class Scope(dict):
    """Names and their values; the formula's own definitions are looked into when they are needed."""

    definitions = {d["name"]: d["expression"] for d in loss["let"]}

    def __missing__(self, name):
        self[name] = self.value(self.definitions[name])
        return self[name]

    def value(self, text):
        """The value of a formula."""
        return eval(python(text), {}, self)


symbolic = names(
    sympy,
    sympy.Rational,
    lambda condition, yes, no: sympy.Piecewise((yes, condition), (no, True)),
)
random.seed(1)


def near(x):
    """A random number near x."""
    return sympy.Rational(x) + sympy.Rational(random.randint(-300, 300), 999)


start = dict(zip(loss["variables"], loss["start"] or [sympy.Rational(1, 2)] * len(loss["variables"])))
symbols = {name: sympy.Symbol(python(name)) for name in start}
symbolic = Scope(symbolic | {symbol.name: symbol for symbol in symbols.values()})

entries = {tuple(entry["along"]): entry["expression"] for entry in loss["derivatives"]}


def differentiated():
    """The derivatives of the printed loss, as a function of the point."""
    exact = {(): symbolic.value(entries[()])}
    for along in sorted(entries, key=len):
        if along:
            exact[along] = sympy.diff(exact[along[:-1]], symbols[along[-1]])
    return sympy.lambdify(list(symbols.values()), [exact[along] for along in entries], "mpmath")


def logistic(table, ridge, target, scaled):
    """The derivatives of ridge/2 |w|² and the mean of the cross-entropies of all rows, as a function of w and b."""
    with open(table, newline="") as file:
        rows = [[mpmath.mpf(x) for x in row] for row in list(csv.reader(file))[1:]]
    labels = [row.pop() == target for row in rows]
    if scaled:
        largest = [max(column) for column in zip(*rows)]
        rows = [[x / most for x, most in zip(row, largest)] for row in rows]
    rows = [[*row, mpmath.mpf(1)] for row in rows]
    z = sympy.Symbol("z")
    probability = 1 / (1 + sympy.exp(-z))
    orders = range(max(map(len, entries)) + 1)
    of_one = {
        label: [sympy.lambdify(z, sympy.diff(-sympy.log(p), z, k), "mpmath") for k in orders]
        for label, p in [(True, probability), (False, 1 - probability)]
    }
    place = {name: i for i, name in enumerate(loss["variables"])}

    def values(*point):
        scores = [mpmath.fdot(row, point) for row in rows]
        slopes = [[of_one[label][k](s) for label, s in zip(labels, scores)] for k in orders]
        for along in entries:
            indices = [place[name] for name in along]
            mean = mpmath.fsum(
                slope * math.prod(row[i] for i in indices) for slope, row in zip(slopes[len(along)], rows)
            ) / len(rows)
            weights = point[:-1]
            if len(along) == 0:
                mean += ridge / 2 * mpmath.fsum(w**2 for w in weights)
            elif indices[0] < len(weights) and (len(along) == 1 or indices == 2 * indices[:1]):
                mean += ridge * (weights[indices[0]] if len(along) == 1 else 1)
            yield mean

    return values


if sys.argv[1:]:
    table, ridge, target, *rest = sys.argv[1:]
    ridge = sympy.Rational(ridge)
    functions = logistic(table, mpmath.mpf(ridge.p) / ridge.q, mpmath.mpf(target), rest == ["scaled"])
else:
    functions = differentiated()

for _ in range(2):
    point = {name: near(x) for name, x in start.items()}
    point = {name: mpmath.mpf(x.p) / x.q for name, x in point.items()}
    numeric = names(mpmath, mpmath.mpf, lambda condition, yes, no: yes if condition else no)
    numeric = Scope(numeric | {python(name): x for name, x in point.items()})
    for along, expected in zip(entries, functions(*point.values())):
        found = numeric.value(entries[along])
        if abs(found - expected) > mpmath.mpf(10) ** -30 * (1 + abs(expected)):
            sys.exit(f"{along} is {found} as printed, {expected} by SymPy, at {point}")

print(len(entries))
