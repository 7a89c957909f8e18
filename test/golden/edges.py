"""Makes edges.json: what tensor and nn functions give, and their slopes, at edges (ties, kinks, NaN, infinities, empty and 0-d
tensors, odd scales), computed with PyTorch in float64.

    python test/golden/edges.py > test/golden/edges.json

A case says how we call it: ".sum" is a method of the first input, other names are functions; "$0" in the arguments stands for an
input. It holds the outputs and the gradient of sum(output * w), w_i = cos(i + 1), for each float input; or, where PyTorch
refuses, "error".
"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(12)
torch.set_default_dtype(torch.float64)
inf, nan = float("inf"), float("nan")
cases = []


def number(x):
    x = float(x)
    return x if x == x and abs(x) != inf else {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(x)]


def numbers(t):
    return [number(float(f"{float(x):.17g}")) for x in t.detach().reshape(-1).tolist()]


def data(t):
    dtype = "float64" if t.dtype.is_floating_point else "bool" if t.dtype == torch.bool else "int32"
    return {"shape": list(t.shape), "dtype": dtype, "data": numbers(t)}


def argument(a):
    if isinstance(a, float) and (a != a or abs(a) == inf):
        return number(a)
    if isinstance(a, (list, tuple)):
        return [argument(x) for x in a]
    if isinstance(a, dict):
        return {k: argument(v) for k, v in a.items()}
    return a


def tensors_in(out):
    return [out] if isinstance(out, torch.Tensor) else [t for part in out for t in tensors_in(part)]


def case(name, call, args, inputs, function, slopes=True):
    """`call(*args)` in our words is `function(*inputs)` in PyTorch's. Without `slopes` only values are held."""
    inputs = [torch.as_tensor(x) for x in inputs]
    held = {"name": name, "call": call, "args": argument(args), "inputs": [data(x) for x in inputs]}
    cases.append(held)
    leaves = [x.clone().requires_grad_() if x.dtype.is_floating_point else x for x in inputs]
    try:
        outs = tensors_in(function(*leaves))
    except (RuntimeError, ValueError, IndexError) as error:
        held["error"] = str(error).split("\n")[0]
        return
    held["outputs"] = [data(out) for out in outs]
    total = None
    for out in outs:
        if not out.requires_grad:
            continue
        w = torch.cos(torch.arange(1, out.numel() + 1)).reshape(out.shape)
        total = (out * w).sum() if total is None else total + (out * w).sum()
    held["gradients"] = [None] * len(inputs)
    if total is None or not slopes:
        return
    floats = [x for x in leaves if x.dtype.is_floating_point]
    found = iter(torch.autograd.grad(total, floats, allow_unused=True))
    for place, x in enumerate(leaves):
        if x.dtype.is_floating_point:
            g = next(found)
            held["gradients"][place] = None if g is None else numbers(g)


def r(*shape):
    """Two decimals keep the file small and are exact on both sides."""
    return torch.round(torch.randn(*shape) * 100) / 100


# ── interpolate ──────────────────────────────────────────────────────────────────────────────────────────────────────

def resize(x, **options):
    ours = {{"scale_factor": "scaleFactor", "align_corners": "alignCorners",
             "recompute_scale_factor": "recomputeScaleFactor"}.get(k, k): v for k, v in options.items()}
    text = ", ".join(f"{k}: {v}" for k, v in ours.items())
    case(f"interpolate {list(x.shape)} {text}", "interpolate", ["$0", ours], [x], lambda x: F.interpolate(x, **options),
         # PyTorch's slope is then that of the identity, its value is not.
         slopes=not (options.get("mode") == "nearest" and options.get("scale_factor") == 1.1))


resize(torch.arange(5.).reshape(1, 1, 5), scale_factor=1.5, mode="linear")
row, image = r(2, 1, 5), r(1, 2, 5, 4)
for mode in ["nearest", "nearest-exact", "linear", "area"]:
    corners = [{"align_corners": c} for c in (False, True)] if mode == "linear" else [{}]
    for more in corners:
        for factor in [1.5, 2.6, 1.1, 0.7, 0.45, 2, 3, 1]:
            resize(row, scale_factor=factor, mode=mode, **more)
        for size in [1, 3, 5, 8, 10]:
            resize(row, size=size, mode=mode, **more)
    resize(row, scale_factor=1.7, mode=mode, recompute_scale_factor=True)
for mode in ["nearest", "nearest-exact", "bilinear", "bicubic", "area"]:
    corners = [{"align_corners": c} for c in (False, True)] if mode in ("bilinear", "bicubic") else [{}]
    for more in corners:
        for factor in [1.5, (0.6, 2.3), (1.25, 0.5), 2, 1]:
            resize(image, scale_factor=factor, mode=mode, **more)
        for size in [(7, 3), (1, 1), (5, 4), 9]:
            resize(image, size=size, mode=mode, **more)
    resize(image, scale_factor=(1.3, 0.8), mode=mode, recompute_scale_factor=True)
for factor in [1.5, 2.6, 1.1, 0.7]:
    resize(torch.arange(20).reshape(1, 1, 20).float().double(), scale_factor=factor, mode="nearest")

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
