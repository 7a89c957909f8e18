"""Makes joining.json: grids, stacks, products of lists and places in sorted rows, with PyTorch in float64.

    python -P test/golden/joining.py > test/golden/joining.json
"""
import json
import torch

torch.set_default_dtype(torch.float64)
t = torch.tensor
a, b, m, n = t([1.0, 2, 3]), t([4.0, 5]), t([[1.0, 2], [3, 4]]), t([[5.0], [6]])
nan, inf = float("nan"), float("inf")
rows = t([[1.0, 3, 3, 7], [0, 2, 4, 6]])
asked = t([[3.0, -1, 8, nan], [2, 3, 6, inf]])
figures = {
    "meshgrid ij": torch.meshgrid(a, b, t(9.0), indexing="ij"),
    "meshgrid xy": torch.meshgrid(a, b, indexing="xy"),
    "vstack": torch.vstack([a, t([[7.0, 8, 9], [0, 1, 2]])]),
    "hstack": torch.hstack([a, b, t(6.0)]),
    "hstack of matrices": torch.hstack([m, n]),
    "dstack": torch.dstack([a, a * 2]),
    "dstack of matrices": torch.dstack([m, m * 2]),
    "columnStack": torch.column_stack([b, m, t([8.0, 9])]),
    "blockDiag": torch.block_diag(m, a, t(9.0), n),
    "cartesianProd": torch.cartesian_prod(a, b, b * 2),
    "cartesianProd of one": torch.cartesian_prod(a),
    "combinations": torch.combinations(a),
    "combinations of three": torch.combinations(t([1.0, 2, 3, 4]), r=3),
    "combinations with replacement": torch.combinations(a, with_replacement=True),
    "combinations of too few": torch.combinations(b, r=3),
    "broadcastTensors": torch.broadcast_tensors(a, n),
    "searchsorted": torch.searchsorted(rows, asked),
    "searchsorted right": torch.searchsorted(rows, asked, right=True),
    "searchsorted one row": torch.searchsorted(rows[0], asked),
    "searchsorted a number": torch.searchsorted(rows[0], 3.0, right=True),
    "bucketize": torch.bucketize(asked, rows[1]),
    "bucketize right": torch.bucketize(asked, rows[1], right=True),
    "isin": torch.isin(m, t([2.0, 4, 9])).double(),
    "isin inverted": torch.isin(m, t([2.0, 4, 9]), invert=True).double(),
    "atleast": [torch.atleast_1d(t(3.0)), torch.atleast_2d(a), torch.atleast_3d(a), torch.atleast_3d(m), torch.atleast_2d(t(3.0))],
}
data = lambda x: {"shape": list(x.shape), "data": x.reshape(-1).tolist()}
print(json.dumps({name: [data(x) for x in ([value] if isinstance(value, torch.Tensor) else value)] for name, value in figures.items()}))
