"""PyTorch's times for what bench/linalg.ts measures, in milliseconds, as JSON. Both use all cores and take the shortest run of half a second."""
import json
import time

import torch

torch.manual_seed(0)


def best(fn):
    fn()
    least, end = float("inf"), time.perf_counter() + 0.5
    while time.perf_counter() < end:
        start = time.perf_counter()
        fn()
        least = min(least, time.perf_counter() - start)
    return least * 1e3


L = torch.linalg
times = {}
with torch.no_grad():
    for n in (8, 64, 512):
        a, b = torch.randn(n, n), torch.randn(n, n)
        positive = a @ a.T / n + torch.eye(n)
        times[f"inv {n}"] = best(lambda: L.inv(a))
        times[f"solve {n}"] = best(lambda: L.solve(a, b))
        times[f"solveTriangular {n}"] = best(lambda: L.solve_triangular(positive, b, upper=False))
        times[f"slogdet {n}"] = best(lambda: L.slogdet(a))
        times[f"cholesky {n}"] = best(lambda: L.cholesky(positive))
        times[f"qr {n}"] = best(lambda: L.qr(a))
        times[f"eigh {n}"] = best(lambda: L.eigh(positive))
        times[f"svd {n}"] = best(lambda: L.svd(a))
    for power in (8, 10, 12, 14, 16, 18, 20):
        x = torch.randn(2**power, dtype=torch.complex64)
        y = torch.randn(2**power)
        times[f"fft 2^{power}"] = best(lambda: torch.fft.fft(x))
        times[f"rfft 2^{power}"] = best(lambda: torch.fft.rfft(y))
    z = torch.randn(1000003, dtype=torch.complex64)
    times["fft 1000003, a prime"] = best(lambda: torch.fft.fft(z))
print(json.dumps(times))
