# The JAX side of bench/contractions.ts: products and convolutions, jitted. It uses as many threads as its CPU affinity allows.
# usage: taskset -c 0 python3 shapes_jax.py
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from serve import Repeat, serve


def fill(shape, salt):
    index = np.arange(math.prod(shape), dtype=np.int64)
    return jnp.asarray((((index * 7919 + salt) % 1009 - 504) / 1009).astype(np.float32).reshape(shape))


class Call(Repeat):
    def __init__(self, fn, *arguments):
        self.fn, self.arguments = jax.jit(fn), arguments

    def step(self, _):
        self.last = self.fn(*self.arguments).block_until_ready()

    def check(self):
        self.step(0)
        return float(np.abs(np.asarray(self.last, np.float64)).mean())


def product(d):
    lead = [d["batch"]] if d["batch"] > 1 else []
    (m, k, n), (first, second) = (d["m"], d["k"], d["n"]), d["layout"]
    scale, sums = (254, jnp.int32) if d["dtype"] == "int8" else (1, None)
    a = (fill(lead + ([k, m] if first == "t" else [m, k]), 1) * scale).astype(d["dtype"])
    b = (fill(lead + ([n, k] if second == "t" else [k, n]), 17) * scale).astype(d["dtype"])
    of = lambda x, t: jnp.swapaxes(x, -1, -2) if t == "t" else x
    return Call(lambda a, b: jnp.matmul(of(a, first), of(b, second), preferred_element_type=sums), a, b)


def convolution(d):
    x, w = fill(d["x"], 1), fill(d["w"], 17)

    def forward(x, w):
        return lax.conv_general_dilated(
            x, w, [d["stride"]] * 2, [[d["padding"]] * 2] * 2, rhs_dilation=[d["dilation"]] * 2,
            dimension_numbers=("NCHW", "OIHW", "NCHW"), feature_group_count=d["groups"],
        )

    if d["part"] == "forward":
        return Call(forward, x, w)
    grad, place = fill(jax.eval_shape(forward, x, w).shape, 29), 0 if d["part"] == "input gradient" else 1
    return Call(lambda x, w, grad: jax.vjp(forward, x, w)[1](grad)[place], x, w, grad)


def make(d):
    if d["kind"] == "network":
        raise NotImplementedError("networks are compared with PyTorch")
    return (product if d["kind"] == "product" else convolution)(d)


serve(make, jax.__version__)
