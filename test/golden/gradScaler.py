"""Makes gradScaler.json: torch.amp.GradScaler around SGD with momentum, whose gradients overflow at given steps.

    python -P test/golden/gradScaler.py > test/golden/gradScaler.json
"""
import json

import torch

overflows = [0, 1, 5, 6, 12]
w = torch.nn.Parameter(torch.tensor([0.5, -1.25, 2.0]))
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=3)
steps = []
for step in range(16):
    optimizer.zero_grad()
    loss = (w * w).sum() * (float("inf") if step in overflows else 1.0)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    steps.append({"scale": scaler.get_scale(), "weights": w.tolist()})
print(json.dumps({"torch": torch.__version__, "overflows": overflows, "steps": steps}))
