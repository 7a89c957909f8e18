# python bench/peers/quantization.py DIR: the models written by bench/quantization.ts, run by onnxruntime in float32 and int8 on one thread.
import os
import statistics
import sys
import time

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

folder = sys.argv[1]


class Batches(CalibrationDataReader):
    def __init__(self, name, x):
        self.rows = iter([{name: x[k : k + 16]} for k in range(0, len(x), 16)])

    def get_next(self):
        return next(self.rows, None)


def session(file):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


print(f"onnxruntime {ort.__version__}, 1 thread, load {os.getloadavg()[0]:.2f}")
for model, batches in (("cnn", (1, 64)), ("gpt", (1, 16))):
    path = lambda name: os.path.join(folder, f"{model}{name}")
    x, y, calibration = (np.load(path(f"-{name}.npy")) for name in ("x", "y", "calibration"))
    name = session(path(".onnx")).get_inputs()[0].name
    quant_pre_process(path(".onnx"), path("-ready.onnx"))
    quantize_dynamic(path("-ready.onnx"), path("-dynamic.onnx"), weight_type=QuantType.QInt8, per_channel=True)
    quantize_static(
        path("-ready.onnx"),
        path("-static.onnx"),
        Batches(name, calibration),
        quant_format=QuantFormat.QOperator if model == "cnn" else QuantFormat.QDQ,
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    runs = []
    for kind, file in (("float32", ".onnx"), ("int8, dynamic", "-dynamic.onnx"), ("int8, static", "-static.onnx")):
        try:
            run = session(path(file))
            hits = np.mean(run.run(None, {name: x})[0].argmax(-1) == y)
            runs.append((kind, file, run, hits, {batch: [] for batch in batches}))
        except Exception as error:
            print(f"{model}  {kind:14} {str(error).splitlines()[0][:120]}")
    for _ in range(41):
        for _, _, run, _, times in runs:
            for batch, spent in times.items():
                rows = {name: x[:batch]}
                began = time.perf_counter()
                run.run(None, rows)
                spent.append(1000 * (time.perf_counter() - began))
    for kind, file, _, hits, times in runs:
        spent = ", ".join(f"batch {batch} {statistics.median(each):.3f} ms" for batch, each in times.items())
        print(f"{model}  {kind:14} {os.path.getsize(path(file)):8} bytes  accuracy {100 * hits:.2f} %  {spent}")
