"""Compares derivatives that `bea loss --format json` prints with SymPy's of the same formula.

Reads the JSON from standard input, differentiates the printed loss with SymPy, and evaluates both at random
points with 40 digits. Prints how many derivatives agree to 30 digits; ends with an error at the first that does not.
"""

import json
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


def define(known):
    """`known` with the formula's own definitions."""
    for definition in loss["let"]:
        known[definition["name"]] = eval(python(definition["expression"]), known)
    return known


symbolic = names(
    sympy,
    sympy.Rational,
    lambda condition, yes, no: sympy.Piecewise((yes, condition), (no, True)),
)
variables = [sympy.Symbol(python(name), real=True) for name in loss["variables"]]
symbolic |= {v.name: v for v in variables}
define(symbolic)

entries = {tuple(entry["along"]): entry["expression"] for entry in loss["derivatives"]}
by_name = dict(zip(loss["variables"], variables))
exact = {(): eval(python(entries[()]), symbolic)}
for along in sorted(entries, key=len):
    if along:
        exact[along] = sympy.diff(exact[along[:-1]], by_name[along[-1]])
functions = sympy.lambdify(variables, [exact[along] for along in entries], "mpmath", cse=True)

random.seed(1)
start = loss["start"] or [0.5] * len(variables)
for _ in range(2):
    point = [mpmath.mpf(x) + mpmath.mpf(random.randint(-300, 300)) / 999 for x in start]
    numeric = names(mpmath, mpmath.mpf, lambda condition, yes, no: yes if condition else no)
    numeric |= {v.name: x for v, x in zip(variables, point)}
    define(numeric)
    for along, expected in zip(entries, functions(*point)):
        found = eval(python(entries[along]), numeric)
        if abs(found - expected) > mpmath.mpf(10) ** -30 * (1 + abs(expected)):
            sys.exit(f"{along} is {found} as printed, {expected} by SymPy, at {point}")

print(len(entries))
