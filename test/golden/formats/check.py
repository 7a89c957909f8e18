"""Reads files that hebb wrote with the official packages and compares them with their sources: python check.py FOLDER

FOLDER holds all.safetensors, all.pt and all.npz, written by write.ts of this folder from figures.json.
"""
import json, sys
import numpy as np, torch
from safetensors.torch import load_file

figures = json.load(open("figures.json"))["all"]
folder = sys.argv[1]

def raw(t):
    flat = t.contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""

def same(name, dtype, shape, data):
    want = figures[name]
    assert list(shape) == want["shape"] and data.hex() == want["hex"], (name, dtype, shape)

for what, tensors in {
    "safetensors": load_file(f"{folder}/all.safetensors"),
    "torch.load(weights_only=True)": torch.load(f"{folder}/all.pt", weights_only=True),
    "torch.load(mmap=True)": torch.load(f"{folder}/all.pt", weights_only=True, mmap=True),
}.items():
    for name, t in tensors.items():
        same(name, t.dtype, t.shape, raw(t))
    assert len(tensors) == len(figures), (what, len(tensors))
    print(f"{what}: {len(tensors)} tensors, every bit")
archive = np.load(f"{folder}/all.npz")
for name in archive.files:
    a = archive[name]
    assert a.flags["C_CONTIGUOUS"]
    same(name, a.dtype, a.shape, a.tobytes())
print(f"numpy: {len(archive.files)} arrays, every bit")
