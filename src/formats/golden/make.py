"""Makes reference.safetensors, reference.npz and column_major.npy with the Python packages: python make.py (numpy, safetensors)."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

here = Path(__file__).parent
arrays = {
    "weight": np.array([[0.5, -1.25], [3e-8, 1e30]], dtype=np.float32),
    "wide": np.array([np.pi, -0.0, np.inf], dtype=np.float64),
    "count": np.array(7, dtype=np.int32),
    "long": np.array([[-1, 2**31 - 1]], dtype=np.int64),
    "half": np.array([1.5, -0.000060975552, 65504], dtype=np.float16),
    "small": np.array([-128, 127], dtype=np.int8),
    "bytes": np.array([0, 255], dtype=np.uint8),
    "flags": np.array([True, False, True]),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "__proto__": np.array([1], dtype=np.float32),
}
save_file(arrays, here / "reference.safetensors", metadata={"format": "np", "note": "größe"})
np.savez_compressed(here / "reference.npz", **{k: v for k, v in arrays.items() if k != "half"})
np.save(here / "column_major.npy", np.asfortranarray(np.arange(24, dtype=">i4").reshape(2, 3, 4)))

# Every type that .npy files of numbers have, both byte orders, both memory orders.
kinds = {}
for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
    values = np.array([[0, 1, 2], [3, 100, 127]]) if code[0] != "f" else np.array([[0, -0.5, 1e-7], [np.inf, -np.inf, 65504]])
    for order in "<>":
        kinds[f"{order}{code}"] = values.astype(order + code)
    kinds[f"F{code}"] = np.asfortranarray(values.astype("<" + code))
kinds["?"] = np.array([[True, False, True], [False, True, True]])
np.savez(here / "kinds.npz", **kinds)
