# python bench/distributed.py: step W5 of bench/distributed.ts in PyTorch, one process, and two with DistributedDataParallel over gloo, each with one
# thread.
import os
import statistics
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

ROWS, BATCH = 2048, 256


def measure(rank, ranks, told):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    if ranks > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29533")
        dist.init_process_group("gloo", rank=rank, world_size=ranks)
    model = nn.Sequential(nn.Linear(1024, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 1000))
    net = DistributedDataParallel(model, gradient_as_bucket_view=True) if ranks > 1 else model
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    features, targets = torch.randn(ROWS, 1024), torch.randint(1000, (ROWS,))
    share = BATCH // ranks
    times = []
    for step in range(45):
        start = (step * BATCH + rank * share) % ROWS
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(features[start : start + share]), targets[start : start + share])
        loss.backward()
        optimizer.step()
        loss.item()
        if step >= 5:
            times.append(1000 * (time.perf_counter() - began))
    if rank == 0:
        told.put(statistics.median(times))
    if ranks > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    found = {}
    for ranks in (1, 2):
        told = mp.get_context("spawn").SimpleQueue()
        mp.spawn(measure, args=(ranks, told), nprocs=ranks)
        found[ranks] = told.get()
        print(f"W5 wide MLP, PyTorch {torch.__version__}, {ranks} x 1 thread: {found[ranks]:.1f} ms, {found[1] / found[ranks]:.2f} x")
