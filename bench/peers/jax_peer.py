# The JAX side: the whole training step jitted, with its state donated; one repetition per request (JSON lines on
# stdin/stdout). It uses as many threads as its CPU affinity allows.   usage: taskset -c 0 python3 jax_peer.py INPUTS_DIR WORKLOAD
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from serve import serve

inputs, workload = sys.argv[1], sys.argv[2]


def load(name):
    manifest = json.load(open(f"{inputs}/{name}.json"))
    raw = open(f"{inputs}/{name}.bin", "rb").read()
    return {
        key: jnp.asarray(np.frombuffer(raw, e["dtype"], int(np.prod(e["shape"])), e["offset"]).reshape(e["shape"]).copy())
        for key, e in manifest.items()
    }


def weights(d):
    return {key: value for key, value in d.items() if key not in ("x", "y", "tokens")}


def cross_entropy(logits, y):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1))


def dense(p, x, w, b):
    return x @ p[w].T + p[b]


def mlp(p, x, activation):
    h = activation(dense(p, x, "w1", "b1"))
    return dense(p, activation(dense(p, h, "w2", "b2")), "w3", "b3")


def cnn(p, x):
    dims = ("NCHW", "OIHW", "NCHW")
    conv = lambda x, w, b: lax.conv_general_dilated(x, p[w], (1, 1), "SAME", dimension_numbers=dims) + p[b][:, None, None]
    pool = lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = pool(jax.nn.relu(conv(x, "c1", "cb1")))
    x = pool(jax.nn.relu(conv(x, "c2", "cb2")))
    return dense(p, jax.nn.relu(dense(p, x.reshape(x.shape[0], -1), "w1", "b1")), "w2", "b2")


def norm(x, g, b):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * g + b


def gpt(p, tokens):
    x = p["wte"][tokens] + p["wpe"]
    mask = jnp.triu(jnp.full((64, 64), -jnp.inf), 1)
    for layer in range(4):
        of = lambda name: p[f"l{layer}.{name}"]
        h = norm(x, of("ln1.w"), of("ln1.b")) @ of("qkv.w").T + of("qkv.b")
        q, k, v = h.reshape(16, 64, 3, 4, 32).transpose(2, 0, 3, 1, 4)
        a = jax.nn.softmax(q @ k.swapaxes(-1, -2) * 32**-0.5 + mask, -1) @ v
        x = x + a.transpose(0, 2, 1, 3).reshape(16, 64, 128) @ of("proj.w").T + of("proj.b")
        h = jax.nn.gelu(norm(x, of("ln2.w"), of("ln2.b")) @ of("up.w").T + of("up.b"), approximate=True)
        x = x + h @ of("down.w").T + of("down.b")
    return norm(x, p["norm.w"], p["norm.b"]) @ p["head.w"].T


def sgd(rate, momentum=0.0):
    def update(p, g, slots, t):
        if momentum == 0:
            return jax.tree.map(lambda w, d: w - rate * d, p, g), slots
        slots = jax.tree.map(lambda m, d: momentum * m + d, slots, g)
        return jax.tree.map(lambda w, m: w - rate * m, p, slots), slots

    return (lambda p: jax.tree.map(jnp.zeros_like, p)), update


def adam(rate, decay=0.0):
    def update(p, g, slots, t):
        m = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, slots[0], g)
        v = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, slots[1], g)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        new = lambda w, m, v: w * (1 - rate * decay) - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8)
        return jax.tree.map(new, p, m, v), (m, v)

    zeros = lambda p: jax.tree.map(jnp.zeros_like, p)
    return (lambda p: (zeros(p), zeros(p))), update


class Training:
    def __init__(self, parameters, optimizer, loss, batches):
        self.parameters, (self.init, update), self.batches = parameters, optimizer, batches

        def step(p, slots, t, x, y):
            value, gradient = jax.value_and_grad(loss)(p, x, y)
            p, slots = update(p, gradient, slots, t + 1)
            return p, slots, t + 1, value

        self.run = jax.jit(step, donate_argnums=(0, 1, 2))

    def reset(self):
        p = jax.tree.map(jnp.array, self.parameters)
        self.state = (p, self.init(p), jnp.float32(0))
        jax.block_until_ready(self.state)

    def step(self, i):
        *self.state, self.last = self.run(*self.state, *self.batches[i % len(self.batches)])
        if i % 100 == 99:
            float(self.last)

    def finish(self):
        jax.block_until_ready(self.state)

    def check(self):
        self.reset()
        for i in range(10):
            self.step(i)
        return float(self.last)


class Repeat:
    def __init__(self, run, check):
        self.run, self.value = run, check

    def reset(self):
        pass

    def step(self, _):
        self.last = self.run()

    def finish(self):
        jax.block_until_ready(self.last)

    def check(self):
        self.step(0)
        return self.value(self.last)


def make():
    if workload.startswith("matmul"):
        _, size, layout = workload.split("-")
        n = int(size)
        index = np.arange(n * n)
        of = lambda salt: jnp.asarray((((index * 7919 + salt) % 1009 - 504) / 1009).astype(np.float32).reshape(n, n))
        a, b = of(1), of(17)
        product = jax.jit(lambda a, b: (a.T if layout == "tn" else a) @ (b.T if layout == "nt" else b))
        return Repeat(lambda: product(a, b).block_until_ready(), lambda c: float(c.reshape(-1)[n + 1]))
    if workload == "chain":
        n = 4 * 1024 * 1024
        x = jnp.asarray((-4 + 8 * np.arange(n) / (n - 1)).astype(np.float32))
        chain = jax.jit(lambda x: (jnp.tanh(x * 1.5 + 0.25) * jax.nn.sigmoid(x)).sum())
        return Repeat(lambda: float(chain(x)), lambda y: y)
    if workload.startswith("infer"):
        d = load("mlp" if workload == "infer-mlp" else "cnn")
        p, x = weights(d), d["x"][0][:1]
        network = (lambda p, x: mlp(p, x, jax.nn.relu)) if workload == "infer-mlp" else cnn
        forward = jax.jit(network)
        return Repeat(lambda: np.asarray(forward(p, x)), lambda y: float(np.abs(y).sum()))
    d = load(workload)
    p = weights(d)
    if workload == "tiny":

        def bce(p, x, y):
            z = mlp(p, x, jnp.tanh)
            return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

        return Training(p, sgd(0.1), bce, [(d["x"], d["y"])])
    pairs = [] if workload == "gpt" else list(zip(d["x"], d["y"]))
    classes = lambda net: lambda p, x, y: cross_entropy(net(p, x), y)
    if workload == "mlp":
        return Training(p, adam(1e-3), classes(lambda p, x: mlp(p, x, jax.nn.relu)), pairs)
    if workload == "cnn":
        return Training(p, adam(1e-3), classes(cnn), pairs)
    if workload == "wide":
        return Training(p, sgd(0.01, 0.9), classes(lambda p, x: mlp(p, x, jax.nn.relu)), pairs)
    for name in [f"l{layer}.ln{k}" for layer in range(4) for k in (1, 2)] + ["norm"]:
        p[f"{name}.w"], p[f"{name}.b"] = jnp.ones(128), jnp.zeros(128)
    batches = [(t[:, :-1], t[:, 1:].reshape(-1)) for t in d["tokens"]]
    return Training(p, adam(3e-4, 0.01), lambda p, x, y: cross_entropy(gpt(p, x).reshape(-1, 65), y), batches)


serve(lambda _: make(), jax.__version__)
