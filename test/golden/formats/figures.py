"""Small files of arrays made by the official packages, with their contents: files/ and figures.json.

Needs torch, numpy, safetensors, gguf, ml_dtypes, h5py. Run it in this folder: python figures.py
"""
import hashlib, io, json, os, struct, sys, zipfile
import h5py, ml_dtypes, numpy as np, torch
from gguf import GGMLQuantizationType as Q, GGUFWriter, quants
from safetensors.torch import save_file
import gguf

os.makedirs("files/sharded", exist_ok=True)
rng = np.random.default_rng(7)
shapes = {"scalar": [], "empty": [0, 3], "one": [1], "matrix": [2, 3], "five": [1, 2, 1, 3, 2]}
dtypes = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz, "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U64": torch.uint64, "U32": torch.uint32, "U16": torch.uint16, "U8": torch.uint8,
    "BOOL": torch.bool, "C64": torch.complex64,
}

def raw(t):
    flat = t.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""

def random(name, shape):
    dt = dtypes[name]
    n = int(np.prod(shape, dtype=int))
    size = torch.zeros(1, dtype=dt).element_size()
    data = rng.integers(0, 2 if name == "BOOL" else 256, n * size, dtype=np.uint8)
    return torch.from_numpy(data.copy()).view(dt).reshape(shape) if n else torch.zeros(shape, dtype=dt)

def told(dtype, shape, data):
    return {"dtype": dtype, "shape": list(shape), "hex": data.hex()}

figures = {}
tensors = {f"{d}.{s}": random(d, shape) for d in dtypes for s, shape in shapes.items()}
figures["all"] = {k: told(k.split(".")[0], v.shape, raw(v)) for k, v in tensors.items()}
save_file(tensors, "files/all.safetensors", metadata={"note": "größe"})
torch.save(tensors, "files/all.pt")
names = list(tensors)
parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
for part, keys in parts.items():
    save_file({k: tensors[k] for k in keys[:8]}, f"files/sharded/{part}")
json.dump({"metadata": {"total_size": 1}, "weight_map": {k: p for p, keys in parts.items() for k in keys[:8]}},
          open("files/sharded/model.safetensors.index.json", "w"))

# NumPy: every kind of number, byte orders, memory orders, versions of the header.
numpy_types = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
               "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "b1", "C64": "c8"}
arrays, expected = {}, {}
for d, letter in numpy_types.items():
    for s, shape in shapes.items():
        data = raw(tensors[f"{d}.{s}"])
        a = np.frombuffer(data, dtype="<" + letter).reshape(shape)
        for order in "CF":
            for end in "<>":
                key = f"{d}.{s}.{order}.{'big' if end == '>' else 'little'}"
                arrays[key] = np.array(a.astype(end + letter), order=order)
                expected[key] = f"{d}.{s}"
def exact(a, b):
    return a.astype(b.dtype).tobytes() == b.tobytes()
np.savez_compressed("files/all.npz", **arrays)
figures["npz"] = expected
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(f"files/version{version[0]}.npy", "wb") as f:
        np.lib.format.write_array(f, np.asfortranarray(np.arange(24, dtype=">i2").reshape(2, 3, 4)), version=version)
for name, value in {"text": np.array(["a", "bc"]), "bytes": np.array([b"a"]), "objects": np.array([{}], dtype=object),
                    "complex128": np.zeros(2, "c16"), "dates": np.zeros(2, "M8[D]"), "records": np.zeros(2, [("a", "f4")])}.items():
    np.save(f"files/refused-{name}.npy", value, allow_pickle=True)

# PyTorch: windows, shared storages, parameters, nested dicts, both forms of the file.
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
torch.manual_seed(1)
for p in model.parameters():
    torch.nn.init.normal_(p)
odd = {
    "transposed": base.t(), "window": base[1:3, 2:5], "steps": base[::2, ::3], "row": base[2], "tied": base, "tied2": base,
    "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 4), "permuted": torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1),
    "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])), "size": torch.Size([2, 3]),
    "nested": {"list": [torch.tensor(3, dtype=torch.int64), {"deep": torch.tensor(True)}], "epoch": 7, "lr": 0.5, "name": "x", "none": None, "yes": True, "big": 2**70, 3: torch.zeros(1)},
    "model": model.state_dict(),
}
torch.save(odd, "files/odd.pt")
torch.save(odd, "files/legacy.pt", _use_new_zipfile_serialization=False)
for protocol in [3, 4, 5]:
    torch.save({"a": base, "b": "text"}, f"files/protocol{protocol}.pt", pickle_protocol=protocol)
torch.serialization.set_crc32_options(False)
torch.save({"a": base, "b": "text"}, "files/unchecked.pt")
torch.serialization.set_crc32_options(True)
def flat(value, name=""):
    if isinstance(value, torch.Tensor):
        short = {v: k for k, v in dtypes.items()}[value.dtype]
        return {name: told(short, value.shape, raw(value))}
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return {}
    return {k: t for key, v in items for k, t in flat(v, f"{name}.{key}" if name else str(key)).items()}
figures["odd"] = flat(odd)

# GGUF: every type that hebb reads, of random blocks with finite scales.
writer = GGUFWriter("files/all.gguf", "llama")
writer.add_name("größe")
writer.add_uint32("some.count", 7)
writer.add_float32("some.rate", 0.5)
writer.add_bool("some.flag", True)
writer.add_array("some.words", [f"w{i}" for i in range(40)])
writer.add_array("some.numbers", [1, 2, 3])
halves = {Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q8_0: [0], Q.Q2_K: [80, 82], Q.Q3_K: [108],
          Q.Q4_K: [0, 2], Q.Q5_K: [0, 2], Q.Q6_K: [208]}
figures["gguf"] = {}
for q, places in halves.items():
    values, size = gguf.GGML_QUANT_SIZES[q]
    data = rng.integers(0, 256, (3, 2, size), dtype=np.uint8)
    for at in places:
        data[:, :, at:at + 2] = rng.normal(0, 0.1, (3, 2)).astype(np.float16).reshape(3, 2, 1).view(np.uint8)
    data = data.reshape(3, 2 * size)
    writer.add_tensor(q.name, data, raw_dtype=q)
    out = quants.dequantize(data, q).astype(np.float32)
    figures["gguf"][q.name] = {"shape": list(out.shape), "sha256": hashlib.sha256(out.tobytes()).hexdigest(),
                               "first": [float(x) for x in out.reshape(-1)[:4]]}
plain = {"F32": np.float32, "F16": np.float16, "F64": np.float64, "I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64}
for name, dt in plain.items():
    data = np.arange(12).reshape(3, 4).astype(dt)
    writer.add_tensor(name, data)
    figures["gguf"][name] = {"shape": [3, 4], "sha256": hashlib.sha256(data.tobytes()).hexdigest()}
bf = np.arange(12, dtype=np.float32).reshape(3, 4).astype(ml_dtypes.bfloat16)
writer.add_tensor("BF16", bf.view(np.uint8).reshape(3, 8), raw_dtype=Q.BF16)
figures["gguf"]["BF16"] = {"shape": [3, 4], "sha256": hashlib.sha256(bf.tobytes()).hexdigest()}
writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()

# HDF5 with the layouts of Keras 3 and Keras 2.
def layers(f, root):
    f[f"{root}dense/vars/0"] = np.arange(6, dtype=np.float32).reshape(2, 3)
    f[f"{root}dense/vars/1"] = np.arange(3, dtype=np.float16)
    f.create_dataset(f"{root}dense_1/vars/0", data=np.arange(600, dtype=np.float32).reshape(30, 20), chunks=(10, 20), compression="gzip")
    f[f"{root}count/vars/0"] = np.int64(2**40)
buffer = io.BytesIO()
with h5py.File(buffer, "w") as f:
    layers(f, "layers/")
open("files/model.weights.h5", "wb").write(buffer.getvalue())
with zipfile.ZipFile("files/model.keras", "w") as z:
    z.writestr("metadata.json", json.dumps({"keras_version": "3.8.0"}))
    z.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"name": "m"}}))
    z.writestr("model.weights.h5", buffer.getvalue())

# Small floats: all patterns to float32, and float32 back. The numbers are stored as a digest; NaN is the quiet one.
kinds = {"F16": (np.float16, 16), "BF16": (ml_dtypes.bfloat16, 16), "F8_E4M3": (ml_dtypes.float8_e4m3fn, 8), "F8_E5M2": (ml_dtypes.float8_e5m2, 8),
         "F8_E4M3FNUZ": (ml_dtypes.float8_e4m3fnuz, 8), "F8_E5M2FNUZ": (ml_dtypes.float8_e5m2fnuz, 8),
         "F6_E2M3": (ml_dtypes.float6_e2m3fn, 6), "F6_E3M2": (ml_dtypes.float6_e3m2fn, 6), "F4": (ml_dtypes.float4_e2m1fn, 4),
         "F8_E8M0": (ml_dtypes.float8_e8m0fnu, 8)}
digest = lambda a: hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()
figures["floats"] = {}
for name, (dt, bits) in kinds.items():
    codes = np.arange(2**bits, dtype=np.uint16 if bits == 16 else np.uint8)
    values = codes.view(dt).astype(np.float32)
    values = np.where(np.isnan(values), np.float32("nan"), values).astype(np.float32)
    figures["floats"][name] = {"decode": digest(values)}
    if name == "F8_E8M0":
        continue
    # Every value, the midpoint to its neighbour, the neighbours of the midpoint, and numbers beyond the largest.
    finite = np.unique(np.abs(values[np.isfinite(values)])).astype(np.float64)
    middles = (finite[:-1] + finite[1:]) / 2
    top = finite[-1]
    beyond = np.array([top + (finite[-1] - finite[-2]) * k for k in (0.25, 0.5, 0.75, 1, 4)] + [np.inf])
    with np.errstate(over="ignore"):
        probes = np.concatenate([finite, middles, beyond]).astype(np.float32)
        probes = np.concatenate([probes, np.nextafter(probes, np.float32(0)), np.nextafter(probes, np.float32("inf"))])
    probes = np.concatenate([probes, -probes])
    probes = probes[~np.isnan(probes)]
    codes = probes.astype(dt).view(codes.dtype)
    if name in ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "BF16", "F16"):
        by_torch = torch.from_numpy(probes).to(dtypes[name]).view(torch.uint8 if bits == 8 else torch.int16).numpy().view(codes.dtype)
        if not np.array_equal(codes, by_torch):
            bad = np.flatnonzero(codes != by_torch)
            print(name, "torch and ml_dtypes differ:", [(probes[i], hex(codes[i]), hex(by_torch[i])) for i in bad[:4]], len(bad))
        codes = by_torch
    figures["floats"][name]["encode"] = digest(codes)
    figures["floats"][name]["probes"] = len(probes)
json.dump(figures, open("figures.json", "w"), separators=(",", ":"))
print(sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk("files") for f in fs) + os.path.getsize("figures.json"), "bytes")
