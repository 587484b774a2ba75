"""A script that runs where NumPy is the only other package: `bea` is imported quickly, and works."""

import importlib.util
import subprocess
import sys
import time

for name in ("scipy", "sympy", "pandas", "matplotlib", "torch", "jax", "tqdm"):
    assert importlib.util.find_spec(name) is None, f"{name} is installed"


def best(statement):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


seconds = best("import bea") - best("pass")
print(f"import bea takes {1000 * seconds:.0f} ms")

import bea  # noqa: E402

assert "numpy" not in sys.modules, "numpy takes longer to import than all of bea"

import numpy as np  # noqa: E402

field = bea.optimizer("heavy_ball").derive(order=1)
assert field.coefficient("[[]]") == "-(1+m)/(2*(1-m)^3)", field.coefficient("[[]]")
assert field.sympy_code().startswith('"""heavy_ball(m): modified field to order 1.')
for call, package in [(field.sympy, "sympy"), (bea.flow("x^2", start=1, lr=0.1).plot, "matplotlib"),
                      (bea.flow("x^2", start=1, lr=0.1).to_pandas, "pandas")]:
    try:
        call()
    except ImportError as error:
        assert f"pip install {package}" in str(error), error
    else:
        raise AssertionError(f"works without {package}")
a = np.diag([3.0, 1.0])
bowl = bea.objective(lambda x: (x @ a @ x / 2, a @ x), hvp=lambda x, v: a @ v, start=[1.0, 1.0])
hessian = bowl.hessian()
assert (hessian @ np.array([1.0, 2.0])).tolist() == [3.0, 2.0] and (hessian @ np.eye(2)).tolist() == a.tolist()
assert abs(bea.lanczos(hessian, k=1, progress=True).eigenvalues[0] - 3) < 1e-3
try:
    bea.torch
except AttributeError as error:
    assert "PyTorch" in str(error), error
else:
    raise AssertionError("bea.torch without PyTorch")
assert not hasattr(bea, "torch") and "torch" not in dir(bea)
exec("from bea import *", {})
try:
    import bea.torch  # noqa: F401
except ImportError as error:
    assert "PyTorch" in str(error), error
else:
    raise AssertionError("import bea.torch without PyTorch")
print("bea works with NumPy alone")
