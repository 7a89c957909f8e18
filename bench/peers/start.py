# A fresh process: import PyTorch, build a network, do one training step, print STEP.   usage: start.py tiny|mlp
import sys

import torch
import torch.nn.functional as F
from torch import nn

if sys.argv[1] == "tiny":
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = F.binary_cross_entropy_with_logits(model(torch.rand(32, 2)), torch.ones(32, 1))
else:
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss = F.cross_entropy(model(torch.rand(64, 784)), torch.zeros(64, dtype=torch.long))
loss.backward()
optimizer.step()
loss.item()
print("STEP", flush=True)
