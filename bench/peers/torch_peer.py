# The PyTorch side, eager: one repetition at a time on request (JSON lines on stdin/stdout).
# usage: python3 torch_peer.py INPUTS_DIR WORKLOAD THREADS   (THREADS "gpu": on the graphics card, "gpu-compiled": by torch.compile)
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from serve import serve
from torch import nn


inputs, workload, threads = sys.argv[1], sys.argv[2], sys.argv[3]
gpu = threads.startswith("gpu")
device = torch.device("cuda" if gpu else "cpu")
if gpu:
    # Plain float32, without TF32.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
else:
    torch.set_num_threads(int(threads))
transformers = {
    "gpt": dict(layers=4, width=128, heads=4, context=64, vocabulary=65),
    "gpt2": dict(layers=12, width=768, heads=12, context=512, vocabulary=50257),
}


def load(name):
    manifest = json.load(open(f"{inputs}/{name}.json"))
    raw = open(f"{inputs}/{name}.bin", "rb").read()
    arrays = {}
    for key, entry in manifest.items():
        length = int(np.prod(entry["shape"]))
        values = np.frombuffer(raw, entry["dtype"], length, entry["offset"]).reshape(entry["shape"])
        arrays[key] = torch.from_numpy(values.copy())
    return arrays


def linear(weight, bias=None):
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def conv(weight, bias):
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def mlp(d, activation):
    l1, l2, l3 = (linear(d[f"w{i}"], d[f"b{i}"]) for i in (1, 2, 3))
    return nn.Sequential(l1, activation(), l2, activation(), l3)


def cnn(d):
    return nn.Sequential(
        conv(d["c1"], d["cb1"]), nn.ReLU(), nn.MaxPool2d(2),
        conv(d["c2"], d["cb2"]), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        linear(d["w1"], d["b1"]), nn.ReLU(), linear(d["w2"], d["b2"]),
    )


class Block(nn.Module):
    def __init__(self, d, layer, sizes):
        super().__init__()
        of = lambda name: d[f"l{layer}.{name}"]
        width, context = sizes["width"], sizes["context"]
        self.heads = sizes["heads"]
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = linear(of("qkv.w"), of("qkv.b")), linear(of("proj.w"), of("proj.b"))
        self.up, self.down = linear(of("up.w"), of("up.b")), linear(of("down.w"), of("down.b"))
        self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1))

    def forward(self, x):
        batch, time_, width = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(batch, time_, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + self.mask, -1)
        x = x + self.proj((scores @ v).transpose(1, 2).reshape(batch, time_, width))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, d, sizes):
        super().__init__()
        self.wte, self.wpe = nn.Parameter(d["wte"].clone()), nn.Parameter(d["wpe"].clone())
        self.blocks = nn.Sequential(*[Block(d, layer, sizes) for layer in range(sizes["layers"])])
        self.norm, self.head = nn.LayerNorm(sizes["width"]), linear(d["head.w"])

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(F.embedding(tokens, self.wte) + self.wpe)))


def settle():
    if gpu:
        torch.cuda.synchronize()


class Training:
    def __init__(self, make, optimizer, loss, batches):
        self.make, self.make_optimizer, self.loss = make, optimizer, loss
        self.batches = [(x.to(device), y.to(device)) for x, y in batches]

    def reset(self):
        self.model = self.make().to(device)
        if threads == "gpu-compiled":
            self.model.compile()
        self.optimizer = self.make_optimizer(self.model.parameters())

    def step(self, i):
        x, y = self.batches[i % len(self.batches)]
        self.optimizer.zero_grad(set_to_none=True)
        self.last = self.loss(self.model(x), y)
        self.last.backward()
        self.optimizer.step()
        if i % 100 == 99:
            self.last.item()

    def finish(self):
        settle()

    def check(self):
        self.reset()
        for i in range(10):
            self.step(i)
        return self.last.item()


class Repeat:
    """A function without inputs, repeated; its checked value is check(result)."""

    def __init__(self, run, check):
        self.run, self.value = run, check

    def reset(self):
        pass

    def step(self, _):
        with torch.no_grad():
            self.last = self.run()

    def finish(self):
        settle()

    def check(self):
        self.step(0)
        return self.value(self.last)


def make():
    if workload.startswith("matmul"):
        _, size, layout = workload.split("-")
        n = int(size)
        index = np.arange(n * n)
        of = lambda salt: torch.from_numpy((((index * 7919 + salt) % 1009 - 504) / 1009).astype(np.float32).reshape(n, n)).to(device)
        a, b = of(1), of(17)
        a, b = (a.t() if layout == "tn" else a), (b.t() if layout == "nt" else b)
        return Repeat(lambda: torch.mm(a, b), lambda c: c.reshape(-1)[n + 1].item())
    if workload == "chain":
        n = 4 * 1024 * 1024
        x = torch.from_numpy((-4 + 8 * np.arange(n) / (n - 1)).astype(np.float32))
        return Repeat(lambda: (torch.tanh(x * 1.5 + 0.25) * torch.sigmoid(x)).sum().item(), lambda y: y)
    if workload.startswith("infer"):
        d = load("mlp" if workload == "infer-mlp" else "cnn")
        model = (mlp(d, nn.ReLU) if workload == "infer-mlp" else cnn(d)).eval()
        x = d["x"][0][:1].contiguous()
        with torch.no_grad():
            frozen = torch.jit.freeze(torch.jit.trace(model, x))
        return Repeat(lambda: frozen(x).numpy(), lambda y: float(np.abs(y).sum()))
    d = load(workload)
    adam = lambda p: torch.optim.Adam(p, lr=1e-3)
    pairs = lambda: [(x, y.long()) for x, y in zip(d["x"], d["y"])]
    if workload == "tiny":
        sgd = lambda p: torch.optim.SGD(p, lr=0.1)
        return Training(lambda: mlp(d, nn.Tanh), sgd, F.binary_cross_entropy_with_logits, [(d["x"], d["y"])])
    if workload == "mlp":
        return Training(lambda: mlp(d, nn.ReLU), adam, F.cross_entropy, pairs())
    if workload == "cnn":
        return Training(lambda: cnn(d), adam, F.cross_entropy, pairs())
    if workload == "wide":
        sgd = lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)
        return Training(lambda: mlp(d, nn.ReLU), sgd, F.cross_entropy, pairs())
    batches = [(t[:, :-1].long().contiguous(), t[:, 1:].long().contiguous()) for t in d["tokens"]]
    adamw = lambda p: torch.optim.AdamW(p, lr=3e-4, weight_decay=0.01)
    sizes = transformers[workload]
    loss = lambda out, y: F.cross_entropy(out.reshape(-1, sizes["vocabulary"]), y.reshape(-1))
    return Training(lambda: GPT(d, sizes), adamw, loss, batches)


serve(lambda _: make(), torch.__version__)
