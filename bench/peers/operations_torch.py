# The PyTorch side of bench/operations.ts, eager.   usage: python operations_torch.py THREADS
import math
import sys

import numpy as np
import torch
from serve import Repeat, serve

torch.set_num_threads(int(sys.argv[1]))


def numbers(shape, salt):
    """The same numbers in [-0.5, 0.5) in every peer."""
    h = np.arange(math.prod(shape), dtype=np.uint32) + np.uint32(salt * 0x9E3779B9 % 2**32)
    h = h * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h = h ^ (h >> np.uint32(16))
    return (h / 2**32 - 0.5).astype(np.float32).reshape(shape)


def fill(shape, salt):
    return torch.from_numpy(numbers(shape, salt))


def places(shape, salt, below):
    return ((fill(shape, salt) + 0.5) * below).floor().clamp(0, below - 1).long()


def positive(x):
    return x @ x.mT + torch.eye(x.shape[-1])


def made(d):
    """The function to run, and its inputs."""
    name, shape = d["name"], d["shapes"][0]
    other = d["shapes"][1] if len(d["shapes"]) > 1 else None
    x, L = fill(shape, 1), torch.linalg
    if name == "fft" or name == "fft2":
        z = torch.view_as_complex(x)
        return (lambda: torch.fft.fft(z)) if name == "fft" else lambda: torch.fft.fft2(z)
    if name == "solveTriangular":
        p, b = positive(x), fill(other, 2)
        return lambda: L.solve_triangular(p, b, upper=False)
    if name in ("solve", "cholesky", "eigh"):
        b, p, s = fill(other or [1], 2), positive(x), x + x.mT
        return {"solve": lambda: L.solve(x, b), "cholesky": lambda: L.cholesky(p), "eigh": lambda: L.eigh(s)}[name]
    if name == "svd":
        return lambda: (lambda u, s, v: (s, u, v))(*L.svd(x))
    if name in ("unique", "bincount"):
        i = places(shape, 1, 1000)
        return (lambda: torch.unique(i)) if name == "unique" else lambda: torch.bincount(i, minlength=1000)
    if name == "searchsorted":
        s, v = x.sort(-1).values, fill(other, 2)
        return lambda: torch.searchsorted(s, v)
    if name in ("gather", "scatterAdd"):
        i, v = places(other, 2, shape[1]), fill(other, 3)
        return (lambda: x.gather(1, i)) if name == "gather" else lambda: x.scatter_add(1, i, v)
    if name == "take rows":
        i = places(other, 2, shape[0])
        return lambda: x.index_select(0, i)
    if name == "indexAdd of rows":
        i, v = places(other[:1], 2, shape[0]), fill(other, 3)
        return lambda: x.index_add(0, i, v)
    if name == "indexPut of rows":
        i, v = torch.arange(other[0]) * 7919 % shape[0], fill(other, 3)
        return lambda: x.index_put((i,), v)
    return {
        "inv": lambda: L.inv(x),
        "slogdet": lambda: (lambda s, l: (l, s))(*L.slogdet(x)),
        "qr": lambda: L.qr(x),
        "rfft": lambda: torch.fft.rfft(x),
        "cumsum": lambda: x.cumsum(-1),
        "cumsum of columns": lambda: x.cumsum(0),
        "cumprod": lambda: x.cumprod(-1),
        "cummax": lambda: x.cummax(-1),
        "logcumsumexp": lambda: x.logcumsumexp(-1),
        "sort": lambda: x.sort(-1),
        "argsort": lambda: x.argsort(-1),
        "topk 10": lambda: x.topk(10),
        "median": lambda: x.median(-1),
        "quantile 0.9": lambda: x.quantile(0.9, -1),
        "kthvalue 100": lambda: x.kthvalue(100),
        "index by a mask": lambda: x[x > 0],
    }[name]


class Call(Repeat):
    def __init__(self, d):
        self.run = made(d)

    def step(self, _):
        with torch.no_grad():
            self.last = self.run()

    def check(self):
        self.step(0)
        first = self.last if isinstance(self.last, torch.Tensor) else self.last[0]
        flat = torch.view_as_real(first) if first.is_complex() else first
        return flat.double().abs().mean().item()


serve(Call, torch.__version__)
