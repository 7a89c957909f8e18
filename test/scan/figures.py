"""Makes figures.json: what PyTorch gives in float64 for every call and input of the scan, or that it refuses.

    node --import tsx test/scan/list.ts | python test/scan/figures.py > test/scan/figures.json

The gradient is that of sum(output * w), w_i = cos(i + 1), for each float input.
"""
import json
import math
import sys
import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
dtypes = {"float64": torch.float64, "int32": torch.int32, "uint8": torch.uint8, "bool": torch.bool}


def run(module, x):
    """The layer with parameters that count up as ours do."""
    module, place = module.double(), 0
    with torch.no_grad():
        for _, p in module.named_parameters():
            values = [math.cos(place + k + 1) / 2 for k in range(p.numel())]
            place += p.numel()
            p.copy_(torch.tensor(values, dtype=torch.float64).reshape(p.shape))
    return module(x)


def numeral(x):
    if isinstance(x, bool):
        return int(x)
    if x != x:
        return "NaN"
    if x in (math.inf, -math.inf):
        return "Infinity" if x > 0 else "-Infinity"
    return x if isinstance(x, int) else float(f"{x:.6g}")


def numbers(t):
    return [numeral(x) for x in t.detach().reshape(-1).tolist()]


def tensors_in(out):
    if isinstance(out, torch.Tensor):
        return [out]
    return [t for part in out or () for t in tensors_in(part)]


def figure(expression, inputs):
    made = []
    for each in inputs:
        t = torch.tensor([float(v) for v in each["data"]], dtype=torch.float64).to(dtypes[each["dtype"]]).reshape(each["shape"])
        made.append(t.requires_grad_() if t.is_floating_point() else t)
    names = dict(zip("xyz", made)) | {"torch": torch, "F": F, "nn": nn, "run": run}
    try:
        out = tensors_in(eval(expression, names))
        if expression.startswith("run("):
            out = out[:1]
        found = {"outputs": [{"shape": list(t.shape), "data": numbers(t)} for t in out]}
        total = sum((t * torch.cos(torch.arange(1, t.numel() + 1, dtype=torch.float64)).reshape(t.shape)).sum() for t in out if t.is_floating_point())
        if isinstance(total, torch.Tensor) and total.requires_grad:
            total.backward()
            found["gradients"] = [numbers(t.grad) if t.is_floating_point() and t.grad is not None else None for t in made]
        return found
    except Exception as error:
        return {"refused": str(error).split("\n")[0][:90]}


rows = json.load(sys.stdin)
print(json.dumps({"torch": torch.__version__, "rows": [
    {"name": row["name"], "torch": row["torch"], "figures": {t["kind"]: figure(row["torch"], t["inputs"]) for t in row["trials"]}} for row in rows
]}, separators=(",", ":")))
