"""Makes the cases of bench/precision.ts: random calls in float32, the float64 results for the same inputs, and the error of PyTorch's float32.

    python -P bench/precision.py 1200 > FILE        # how many of each kind
    node --import tsx bench/precision.ts FILE

The calls are those of the golden figures (test/golden/randomCalls.py, parity.py, linear.py), with inputs that are float32 numbers, and larger
ones. A case holds, for each output and each gradient of sum(output * cos(i + 1)), the float64 numbers and the largest error of PyTorch's float32
relative to the largest of them.
"""
import json
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "test" / "golden"))
import linear
import parity
import randomCalls

count = int(sys.argv[1])
torch.manual_seed(3)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def arg(k):
    return {"$": k}


def large():
    """Calls with long sums, which the random ones do not have."""
    n, m, k = (int(v) for v in torch.randint(2, 200, (3,)))
    return [
        ("x.sum", [], [normal(n * m)], lambda x: x.sum()),
        ("x.mean", [0], [normal(n, m)], lambda x: x.mean(0)),
        ("x.variance", [1], [normal(n, m) + 3], lambda x: x.var(1)),
        ("x.cumsum", [1], [normal(3, n)], lambda x: x.cumsum(1)),
        ("x.logsumexp", [1], [normal(n, m)], lambda x: x.logsumexp(1)),
        ("x.softmax", [1], [4 * normal(n, m)], lambda x: x.softmax(1)),
        ("x.logSoftmax", [1], [4 * normal(n, m)], lambda x: x.log_softmax(1)),
        ("x.matmul", [arg(1)], [normal(n, k), normal(k, m)], lambda x, y: x @ y),
        ("F.linear", [arg(0), arg(1), arg(2)], [normal(n, k), normal(m, k), normal(m)], F.linear),
        ("F.conv2d", [arg(0), arg(1), arg(2), {"padding": 1}], [normal(2, 8, 12, 12), normal(6, 8, 3, 3), normal(6)], lambda x, w, b: F.conv2d(x, w, b, padding=1)),
        ("F.layerNorm", [arg(0), [m]], [normal(n, m) + 2], lambda x: F.layer_norm(x, [m])),
        ("F.gelu", [arg(0)], [3 * normal(n, m)], F.gelu),
        ("F.silu", [arg(0)], [3 * normal(n, m)], F.silu),
        ("F.scaledDotProductAttention", [arg(0), arg(1), arg(2)], [normal(2, 30, 16), normal(2, 40, 16), normal(2, 40, 16)], F.scaled_dot_product_attention),
        ("F.mseLoss", [arg(0), arg(1)], [normal(n, m), normal(n, m)], F.mse_loss),
        ("linalg.solve", [arg(0), arg(1)], [normal(40, 40) + 12 * torch.eye(40, dtype=torch.float64), normal(40, 3)], torch.linalg.solve),
        ("linalg.inv", [arg(0)], [normal(30, 30) + 12 * torch.eye(30, dtype=torch.float64)], torch.linalg.inv),
        ("linalg.svdvals", [arg(0)], [normal(30, 20)], torch.linalg.svdvals),
    ]


def weighted(t):
    return (t * torch.cos(torch.arange(1, t.numel() + 1, dtype=torch.float64)).to(t.dtype).reshape(t.shape)).sum()


def evaluate(fn, inputs, dtype):
    held = [x.detach().clone().to(dtype).requires_grad_() if x.is_floating_point() else x for x in inputs]
    out = fn(*held)
    outputs = list(out) if isinstance(out, (list, tuple)) else [out]
    parts = [weighted(o) for o in outputs if o.is_floating_point() and o.requires_grad]
    leaves = [x for x in held if x.is_floating_point()]
    gradients = torch.autograd.grad(sum(parts), leaves, allow_unused=True) if parts else []
    return [o.detach() for o in outputs], [None if g is None else g.detach() for g in gradients]


def written(t):
    def one(x):
        return "NaN" if x != x else "Infinity" if x == math.inf else "-Infinity" if x == -math.inf else x
    return [one(x) for x in (t.int() if t.dtype in (torch.bool, torch.int64) else t).reshape(-1).tolist()]


def data(t):
    return {"shape": list(t.shape), "dtype": "float64" if t.is_floating_point() else "bool" if t.dtype == torch.bool else "int32", "data": written(t)}


def figure(exact, theirs):
    """None if there is nothing to compare: no numbers, or numbers without an error."""
    if exact is None or theirs is None or exact.numel() == 0 or not exact.is_floating_point() or not bool(exact.isfinite().all()):
        return None
    largest = float(exact.abs().max())
    error = float((exact - theirs.double()).abs().max())
    return {"values": written(exact), "theirs": error / largest} if largest > 0 and math.isfinite(error) else None


def is_contradicted(x, exact):
    """Interpolation is linear, so slope · x is the loss. PyTorch's slopes of "nearest" ignore a scale that does not divide the size."""
    (output,), (slope,) = exact
    return not math.isclose(float((slope * x).sum()), float(weighted(output)), rel_tol=1e-9, abs_tol=1e-9)


def case_of(call, args, inputs, fn):
    inputs = [x.detach().float().double() if x.is_floating_point() else x for x in inputs]
    exact, rounded = evaluate(fn, inputs, torch.float64), evaluate(fn, inputs, torch.float32)
    outputs, gradients = ([figure(a, b) for a, b in zip(left, right)] for left, right in zip(exact, rounded))
    if call == "F.interpolate" and is_contradicted(inputs[0], exact):
        gradients = [None for _ in gradients]
    return {"call": call, "args": args, "inputs": [data(x) for x in inputs], "outputs": outputs, "gradients": gradients}


cases = []
for source in (randomCalls, parity, linear):
    for k in range(count):
        cases.append(case_of(*source.makers[k % len(source.makers)]()))
for _ in range(max(1, count // 60)):
    cases += [case_of(*each) for each in large()]
print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
