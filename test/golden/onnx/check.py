"""Checks exported ONNX files with onnx's checker (types and shapes inferred and compared) and loads each in onnxruntime.

    python test/golden/onnx/check.py FOLDER

HEBB_ONNX_OUT=FOLDER makes the tests in test/onnx write their exports there. Needs onnx and onnxruntime.
"""

import pathlib
import sys

import onnx
import onnxruntime


def main(folder: str) -> int:
    files = sorted(pathlib.Path(folder).rglob("*.onnx"))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    wrong = 0
    unchecked = 0
    for path in files:
        try:
            onnx.checker.check_model(str(path), full_check=True)
        except Exception as error:  # noqa: BLE001
            wrong += 1
            print(f"{path.name}: checker: {str(error)[:300]}")
            continue
        opset = onnx.load(str(path), load_external_data=False).opset_import[0].version
        if opset > 26:
            unchecked += 1
            continue
        try:
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001
            wrong += 1
            print(f"{path.name}: onnxruntime: {str(error)[:300]}")
    print(
        f"{len(files)} files, {wrong} wrong, {unchecked} of opsets that onnxruntime does not know "
        f"(onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__})"
    )
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
