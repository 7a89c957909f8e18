"""Makes linear.json: random calls of torch.linalg and torch.fft with random attributes, in float64, as parity.py makes its cases.

    python -P test/golden/linear.py > test/golden/linear.json        (-P: statistics.py of this folder is not that of Python)

Complex tensors are written with their parts in a last dim of 2. Factors are made unique before they are compared: singular vectors are turned so that the
first row of U is positive, and of eigenvectors the squares are compared.
"""
import json
import math
import random

import torch

rng = random.Random(61)
torch.manual_seed(61)
f64 = torch.float64


def size(low=1, high=4):
    return rng.randint(low, high)


def batch():
    return rng.choice([[], [], [2], [2, 1]])


def r(*s):
    return torch.round(torch.empty(s, dtype=f64).uniform_(-2, 2) * 200) / 200 + 0.0025


def arg(k):
    return {"$": k}


def options(**given):
    return [{k: v for k, v in given.items() if v is not None}] if any(v is not None for v in given.values()) else []


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


complexes = torch.view_as_complex
parts = torch.view_as_real


def one_dim():
    name = rng.choice(["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
    s = [rng.choice([1, 2, 3, 4, 5, 6, 8, 9]) for _ in range(size(1, 3))]
    if name in ("irfft", "hfft"):
        s = [max(2, k) for k in s]
    n = rng.choice([None, None, 1, 2, 3, 4, 7, 8])
    dim = rng.choice([None, rng.randrange(-len(s), len(s))])
    norm = rng.choice([None, "ortho", "forward", "backward"])
    fn = getattr(torch.fft, name)
    into, out = name not in ("rfft", "ihfft"), name not in ("irfft", "hfft")

    def call(x):
        y = fn(complexes(x) if into else x, n=n, dim=-1 if dim is None else dim, norm=norm)
        return parts(y.resolve_conj()) if out else y

    return f"fft.{name}", [arg(0), *options(n=n, dim=dim, norm=norm)], [r(*s, 2) if into else r(*s)], call


def several_dims():
    name = rng.choice(["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn", "hfft2", "ihfft2", "hfftn", "ihfftn"])
    rank = size(2, 3)
    s = [rng.choice([2, 3, 4, 5]) for _ in range(rank)]
    norm = rng.choice([None, "ortho", "forward", "backward"])
    dim = None
    lengths = None
    if rng.random() < 0.5:
        dim = rng.sample(range(rank), 2)
        if rng.random() < 0.5:
            dim = [d - rank for d in dim]
        if rng.random() < 0.5:
            lengths = [rng.choice([2, 3, 4, 6]) for _ in dim]
    fn = getattr(torch.fft, name)
    into, out = "rfft" not in name.replace("irfft", "") and not name.startswith("ihfft"), "irfft" not in name and not name.startswith("hfft")
    given = {k: v for k, v in {"s": lengths, "dim": dim, "norm": norm}.items() if v is not None}

    def call(x):
        y = fn(complexes(x) if into else x, **given)
        return parts(y.resolve_conj()) if out else y

    return f"fft.{name}", [arg(0), *options(s=lengths, dim=dim, norm=norm)], [r(*s, 2) if into else r(*s)], call


def around():
    kind = rng.choice(["fftfreq", "rfftfreq", "fftshift", "ifftshift"])
    if kind in ("fftfreq", "rfftfreq"):
        n, d = size(1, 9), rng.choice([1, 0.5, 2])
        return f"fft.{kind}", [n, d, {"dtype": "float64"}], [], lambda: getattr(torch.fft, kind)(n, d, dtype=f64)
    s = [size(1, 5) for _ in range(size(1, 3))]
    dim = rng.choice([None, rng.randrange(-len(s), len(s))])
    return f"fft.{kind}", [arg(0)] + ([] if dim is None else [dim]), [r(*s)], lambda x: getattr(torch.fft, kind)(x, dim)


def well(*s):
    """Square matrices far from singular."""
    return r(*s) + 3 * torch.eye(s[-1], dtype=f64)


def positive(*s):
    x = r(*s)
    return x @ x.mT + torch.eye(s[-1], dtype=f64)


L = torch.linalg


def square_ones():
    name = rng.choice(["inv", "det", "slogdet", "matrixPower", "cholesky", "cholesky"])
    b, n = batch(), rng.choice([0, 1, 2, 3, 4, 5])
    x = well(*b, n, n)
    if name == "matrixPower":
        k = rng.randint(-3, 4)
        return "linalg.matrixPower", [arg(0), k], [x], lambda x: L.matrix_power(x if k >= 0 else L.inv(x), abs(k))
    if name == "cholesky":
        upper = rng.random() < 0.5
        # With a symmetric parameter, because the gradient of one triangle alone is not unique.
        return "own.cholesky", [arg(0), upper], [positive(*b, n, n)], lambda x: L.cholesky((x + x.mT) / 2, upper=upper)
    if name == "slogdet":
        # Without the sign, which has no gradient.
        return "linalg.slogdet", [arg(0)], [x], lambda x: [L.slogdet(x)[0].detach(), L.slogdet(x)[1]]
    return f"linalg.{name}", [arg(0)], [x], getattr(L, name)


def solutions():
    b, n, k = batch(), size(1, 5), size(0, 3)
    kind = rng.choice(["solve", "vector", "left", "triangular", "triangular", "lstsq", "gels", "broadcast"])
    if kind == "vector":
        return "linalg.solve", [arg(0), arg(1)], [well(*b, n, n), r(*b, n)], L.solve
    if kind == "left":
        return "linalg.solve", [arg(0), arg(1), {"left": False}], [well(*b, n, n), r(*b, k, n)], lambda x, y: L.solve(x, y, left=False)
    if kind == "broadcast":
        return "linalg.solve", [arg(0), arg(1)], [well(n, n), r(2, 3, n, k)], L.solve
    if kind == "triangular":
        o = {"upper": rng.random() < 0.5, "left": rng.random() < 0.5, "unitriangular": rng.random() < 0.5}
        right = r(*b, n, k) if o["left"] else r(*b, k, n)
        return "linalg.solveTriangular", [arg(0), arg(1), o], [well(*b, n, n), right], lambda x, y: L.solve_triangular(x, y, **o)
    if kind in ("lstsq", "gels"):
        m = n + size(0, 2)
        wide = rng.random() < 0.4
        driver = "gels" if kind == "gels" else "gelsy"
        x = r(*b, n, m) if wide else r(*b, m, n)
        return "own.lstsq", [arg(0), arg(1), driver], [x, r(*b, n if wide else m, k + 1)], lambda x, y: L.lstsq(x, y, driver=driver).solution
    return "linalg.solve", [arg(0), arg(1)], [well(*b, n, n), r(*b, n, k)], L.solve


def spectra():
    kind = rng.choice(["qr", "qr", "eigh", "eigvalsh", "svd", "svd", "svdvals", "pinv", "pinvh"])
    b, m, n = batch(), size(1, 4), size(1, 4)
    if kind == "qr":
        mode = rng.choice(["reduced", "reduced", "complete"])
        if mode == "complete" and m > n:
            m = n
        return "linalg.qr", [arg(0), mode], [r(*b, m, n)], lambda x: list(L.qr(x, mode))
    if kind in ("eigh", "eigvalsh"):
        uplo = rng.choice(["L", "U"])
        fn = (lambda x: L.eigvalsh((x + x.mT) / 2, uplo)) if kind == "eigvalsh" else lambda x: [L.eigh((x + x.mT) / 2, uplo)[0], L.eigh((x + x.mT) / 2, uplo)[1].square()]
        return f"own.{kind}", [arg(0), uplo], [r(*b, n, n)], fn
    if kind == "svd":
        full = rng.random() < 0.3 and m == n
        return "own.svd", [arg(0), full], [r(*b, m, n)], lambda x: signed(L.svd(x, full_matrices=full))
    if kind == "pinvh":
        return "own.pinvh", [arg(0)], [r(*b, n, n)], lambda x: L.pinv(x + x.mT, hermitian=True)
    return f"linalg.{kind}", [arg(0)], [r(*b, m, n)], getattr(L, kind)


def signed(found):
    """U, S, Vh with the first row of U positive."""
    u, s, vh = found
    signs = torch.where(u[..., :1, :] < 0, -1.0, 1.0).to(f64)
    return [u * signs, s, vh * signs.mT]


def sizes_of():
    kind = rng.choice(["vectorNorm", "matrixNorm", "norm", "cond", "matrixRank"])
    s = [size(1, 3) for _ in range(size(2, 3))]
    keep = rng.random() < 0.5
    if kind == "vectorNorm":
        p, dim = rng.choice([0, 1, 2, 3, 0.5, -1]), rng.choice([None, 0, -1, [0, 1]])
        return "linalg.vectorNorm", [arg(0), p, *options(dim=dim, keepdim=keep)], [r(*s)], lambda x: L.vector_norm(x, p, dim=dim, keepdim=keep)
    if kind == "matrixNorm":
        p, dim = rng.choice(["fro", "nuc", 1, -1, 2, -2]), rng.choice([[-2, -1], [0, 1], [-1, 0]])
        return "linalg.matrixNorm", [arg(0), p, {"dim": dim, "keepdim": keep}], [r(*s)], lambda x: L.matrix_norm(x, p, dim=dim, keepdim=keep)
    if kind == "norm":
        p, dim = rng.choice([(None, None), (None, 0), (1, 0), (3, -1), ("fro", [0, 1]), (2, [-2, -1]), (-1, [-1, -2])])
        return "linalg.norm", [arg(0), p, *options(dim=dim, keepdim=keep)], [r(*s)], lambda x: L.norm(x, p, dim=dim, keepdim=keep)
    if kind == "cond":
        n, p = size(1, 4), rng.choice([None, 2, -2, "fro", "nuc", 1, -1])
        return "linalg.cond", [arg(0), p], [well(n, n)], lambda x: L.cond(x, p) if p in (None, 2, -2) else L.matrix_norm(x, p) * L.matrix_norm(L.inv(x), p)
    n = size(1, 4)
    x = r(n, 1) @ r(1, n) if rng.random() < 0.5 else r(n, size(1, 4))
    return "linalg.matrixRank", [arg(0)], [x], lambda x: L.matrix_rank(x.detach()).int()


def several():
    kind = rng.choice(["multiDot", "cross", "vecdot", "diagonal", "vander", "tensorinv", "tensorsolve"])
    if kind == "multiDot":
        ends = [size() for _ in range(size(3, 5))]
        mats = [r(a, b) for a, b in zip(ends, ends[1:])]
        if rng.random() < 0.3:
            mats[0] = r(ends[1])
        return "linalg.multiDot", [[arg(k) for k in range(len(mats))]], mats, lambda *xs: L.multi_dot(xs)
    if kind == "cross":
        return "linalg.cross", [arg(0), arg(1), {"dim": 0}], [r(3, 2), r(3, 2)], lambda x, y: L.cross(x, y, dim=0)
    if kind == "vecdot":
        d = rng.choice([0, -1])
        return "linalg.vecdot", [arg(0), arg(1), {"dim": d}], [r(2, 3), r(2, 3)], lambda x, y: L.vecdot(x, y, dim=d)
    if kind == "diagonal":
        o = rng.choice([0, 1, -1])
        return "linalg.diagonal", [arg(0), {"offset": o}], [r(2, 3, 4)], lambda x: L.diagonal(x, offset=o)
    if kind == "vander":
        n = rng.choice([None, 2, 4])
        return "linalg.vander", [arg(0), *options(n=n)], [r(2, 3)], lambda x: L.vander(x, N=n)
    if kind == "tensorinv":
        return "linalg.tensorinv", [arg(0)], [well(6, 6).reshape(2, 3, 6)], lambda x: L.tensorinv(x, 2)
    return "linalg.tensorsolve", [arg(0), arg(1)], [well(6, 6).reshape(2, 3, 6), r(2, 3)], L.tensorsolve


makers = [one_dim, one_dim, several_dims, around, square_ones, square_ones, solutions, solutions, spectra, spectra, spectra, sizes_of, several]


def numbers(t):
    def one(x):
        return x if isinstance(x, int) else "NaN" if x != x else "Infinity" if x == math.inf else "-Infinity" if x == -math.inf else float(f"{x:.10g}")
    return [one(x) for x in (t.int() if t.dtype in (torch.bool, torch.int64) else t).detach().reshape(-1).tolist()]


def data(t):
    kind = "float64" if t.is_floating_point() else "bool" if t.dtype == torch.bool else "int32"
    return {"shape": list(t.shape), "dtype": kind, "data": numbers(t)}


def weighted(t, by):
    return (t * by(torch.arange(1, t.numel() + 1, dtype=t.dtype)).reshape(t.shape)).sum()


def case_of(call, args, inputs, fn):
    held = [torch.tensor([float(v) for v in numbers(x)], dtype=f64).reshape(x.shape).requires_grad_() for x in inputs]
    out = fn(*held)
    outputs = list(out) if isinstance(out, (list, tuple)) else [out]
    case = {"call": call, "args": args, "inputs": [data(x) for x in held], "outputs": [data(o) for o in outputs]}
    weighing = [weighted(o, torch.cos) for o in outputs if o.is_floating_point() and o.requires_grad]
    if weighing:
        first = torch.autograd.grad(sum(weighing), held, create_graph=True, allow_unused=True)
        case["gradients"] = [None if g is None else numbers(g + 0) for g in first]
        again = [weighted(g, torch.sin) for g in first if g is not None and g.requires_grad]
        if again:
            second = torch.autograd.grad(sum(again), held, allow_unused=True)
            case["second"] = [None if g is None else numbers(g + 0) for g in second]
    return case


if __name__ == "__main__":
    cases = [case_of(*makers[k % len(makers)]()) for k in range(len(makers) * 60)]
    print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
