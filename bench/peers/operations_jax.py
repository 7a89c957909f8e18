# The JAX side of bench/operations.ts, jitted.   usage: python operations_jax.py
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from serve import Repeat, serve


def fill(shape, salt):
    """The same numbers in [-0.5, 0.5) in every peer."""
    h = np.arange(math.prod(shape), dtype=np.uint32) + np.uint32(salt * 0x9E3779B9 % 2**32)
    h = h * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h = h ^ (h >> np.uint32(16))
    return jnp.asarray((h / 2**32 - 0.5).astype(np.float32).reshape(shape))


def places(shape, salt, below):
    return jnp.clip(jnp.floor((fill(shape, salt) + 0.5) * below), 0, below - 1).astype(jnp.int32)


def positive(x):
    return x @ jnp.swapaxes(x, -1, -2) + jnp.eye(x.shape[-1])


def cummax(x):
    take = lambda a, b: jax.tree.map(lambda p, q: jnp.where(b[0] >= a[0], q, p), a, b)
    return lax.associative_scan(take, (x, lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)), axis=-1)


def made(d):
    """The function to run, and its inputs."""
    name, shape = d["name"], d["shapes"][0]
    other = d["shapes"][1] if len(d["shapes"]) > 1 else None
    x, L = fill(shape, 1), jnp.linalg
    if name in ("fft", "fft2"):
        z = x[..., 0] + 1j * x[..., 1]
        return (jnp.fft.fft if name == "fft" else jnp.fft.fft2), [z]
    if name in ("solve", "solveTriangular"):
        triangular = lambda p, b: jax.scipy.linalg.solve_triangular(p, b, lower=True)
        return (L.solve, [x, fill(other, 2)]) if name == "solve" else (triangular, [positive(x), fill(other, 2)])
    if name == "eigh":
        return L.eigh, [x + jnp.swapaxes(x, -1, -2)]
    if name == "cholesky":
        return L.cholesky, [positive(x)]
    if name == "bincount":
        return lambda i: jnp.bincount(i, length=1000), [places(shape, 1, 1000)]
    if name == "searchsorted":
        return jnp.searchsorted, [jnp.sort(x), fill(other, 2)]
    if name == "gather":
        return lambda x, i: jnp.take_along_axis(x, i, 1), [x, places(other, 2, shape[1])]
    if name == "scatterAdd":
        rows = jnp.arange(shape[0])[:, None]
        return lambda x, i, v: x.at[rows, i].add(v), [x, places(other, 2, shape[1]), fill(other, 3)]
    if name == "take rows":
        return lambda x, i: x[i], [x, places(other, 2, shape[0])]
    if name == "indexAdd of rows":
        return lambda x, i, v: x.at[i].add(v), [x, places(other[:1], 2, shape[0]), fill(other, 3)]
    if name == "indexPut of rows":
        return lambda x, i, v: x.at[i].set(v), [x, jnp.arange(other[0]) * 7919 % shape[0], fill(other, 3)]
    functions = {
        "inv": L.inv,
        "slogdet": lambda x: L.slogdet(x)[::-1],
        "qr": L.qr,
        "svd": lambda x: (lambda u, s, v: (s, u, v))(*L.svd(x)),
        "rfft": jnp.fft.rfft,
        "cumsum": lambda x: jnp.cumsum(x, -1),
        "cumsum of columns": lambda x: jnp.cumsum(x, 0),
        "cumprod": lambda x: jnp.cumprod(x, -1),
        "cummax": cummax,
        "logcumsumexp": lambda x: lax.cumlogsumexp(x, x.ndim - 1),
        "sort": lambda x: (lambda i: (jnp.take_along_axis(x, i, -1), i))(jnp.argsort(x, -1)),
        "argsort": lambda x: jnp.argsort(x, -1),
        "topk 10": lambda x: lax.top_k(x, 10),
        "quantile 0.9": lambda x: jnp.quantile(x, 0.9, -1),
    }
    if name not in functions:
        raise NotImplementedError(f"JAX has no {name} that can be compiled")
    return functions[name], [x]


class Call(Repeat):
    def __init__(self, d):
        fn, self.inputs = made(d)
        self.fn = jax.jit(fn)

    def step(self, _):
        self.last = jax.block_until_ready(self.fn(*self.inputs))

    def check(self):
        self.step(0)
        first = np.asarray(jax.tree.leaves(self.last)[0])
        flat = np.stack([first.real, first.imag]) if np.iscomplexobj(first) else first
        return float(np.abs(flat.astype(np.float64)).mean())


serve(Call, jax.__version__)
