# PyTorch's side of bench/attention.ts.   usage: python3 attention_torch.py HEADS LENGTH WIDTH CAUSAL SECONDS
import json
import sys
import time

import torch
import torch.nn.functional as F

heads, length, width = (int(x) for x in sys.argv[1:4])
causal, seconds = sys.argv[4] == "1", float(sys.argv[5])
torch.set_num_threads(1)
torch.manual_seed(1)
q, k, v = (torch.randn(1, heads, length, width, requires_grad=True) for _ in range(3))
slope = torch.randn(1, heads, length, width)


def forward():
    with torch.no_grad():
        F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def both():
    torch.autograd.grad(F.scaled_dot_product_attention(q, k, v, is_causal=causal), (q, k, v), slope)


def least_time(run):
    least, until, rounds = float("inf"), time.perf_counter() + seconds, 0
    while rounds < 3 or time.perf_counter() < until:
        before = time.process_time()
        run()
        if rounds > 0:
            least = min(least, time.process_time() - before)
        rounds += 1
    return 1000 * least


print(json.dumps({"forward": least_time(forward), "both": least_time(both)}))
