"""Makes statistics.json: normalisation, variance and std of float32 values that are equal, near each other and far from 0, or have outliers,
with PyTorch in float64; and how far its float32 is off, in units of 2^-23 of the largest number.

    python test/golden/statistics.py > test/golden/statistics.json

A value is offset + scale * u, rounded to float32, where u is a hash of its place (statistics.test.ts computes the same); those at the places of
"outliers" are multiplied by 1e6. Of each result at most 24 numbers are held, at even steps. The gradients are those of
the sum of output * w, w_i = (1 + i mod 13) * 0.07, rounded to float32.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
most = 24


def filled(spec):
    n = int(np.prod(spec["shape"]))
    h = np.arange(n, dtype=np.uint32) * np.uint32(0x9E3779B9)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    values = (spec["offset"] + spec["scale"] * (h.astype(np.float64) / 2**32)).astype(np.float32)
    for place in spec["outliers"]:
        values[place] *= np.float32(1e6)
    return torch.from_numpy(values).reshape(spec["shape"])


def sampled(t):
    values = t.detach().reshape(-1).tolist()
    step = max(1, len(values) // most)
    return [float(f"{v:.12g}") for v in values[::step][:most]]


def weights(n):
    return ((torch.arange(n) % 13 + 1).double() * 0.07).float()


calls = {
    "layerNorm": (lambda x: F.layer_norm(x, x.shape[-1:]), lambda s: s[-1]),
    "groupNorm": (lambda x: F.group_norm(x, 2), lambda s: s[1] * s[2] // 2),
    "instanceNorm": (F.instance_norm, lambda s: s[2]),
    "batchNorm": (lambda x: F.batch_norm(x, None, None, training=True), lambda s: s[0] * s[2]),
    "variance": (lambda x: x.var(-1), lambda s: s[-1]),
    "std": (lambda x: x.std(-1), lambda s: s[-1]),
}
cases = []
for shape in ([3, 4, 25], [2, 4, 768]):
    for offset, scale, outliers in (
        (1e6 + 0.1, 0, []), (-3e9, 0, []), (1e6, 0.5, []), (1e4, 0.02, []), (-1e8, 100, []), (0, 1, []), (1e-4, 1e-6, []),
        (0.5, 1, [0]), (0.5, 1, [0, shape[-1] - 1]), (0.5, 1, [7]), (1000, 1, [0]),
    ):
        spec = {"shape": shape, "offset": offset, "scale": scale, "outliers": outliers}
        for name, (function, terms) in calls.items():
            results = []
            for dtype in (torch.float64, torch.float32):
                x = filled(spec).to(dtype).requires_grad_()
                out = function(x)
                (out * weights(out.numel()).to(dtype).reshape(out.shape)).sum().backward()
                # Equal values have a deviation in float64 too, from rounding; the exact one is 0.
                exact = out * 0 if scale == 0 and dtype == torch.float64 else out
                results.append((sampled(exact), sampled(x.grad)))
            (out, grad), (out32, grad32) = results
            error = lambda a, b: float(f"{max(abs(p - q) for p, q in zip(a, b)) / max(1e-30, *map(abs, a)) * 2**23:.3g}")
            cases.append({"call": name, "input": spec, "terms": terms(shape), "output": out, "gradient": grad,
                          "float32": [error(out, out32), error(grad, grad32)]})
print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
