// The two networks and a matmul as ONNX files, written by hand: protobuf is length-prefixed fields.
const varint = (value) => {
  const out = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Buffer.from(out);
};
const bytes = (field, payload) => {
  const body = typeof payload === "string" ? Buffer.from(payload) : payload;
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body]);
};
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
const join = (...parts) => Buffer.concat(parts.flat());

const [FLOAT, INT, INTS] = [1, 2, 7]; // TensorProto.FLOAT, AttributeProto.INT, AttributeProto.INTS

const attribute = (name, value) =>
  Array.isArray(value)
    ? join(
        bytes(1, name),
        value.map((v) => number(8, v)),
        number(20, INTS),
      )
    : join(bytes(1, name), number(3, value), number(20, INT));
const node = (op, inputs, output, attributes = {}) =>
  bytes(
    1,
    join(
      inputs.map((name) => bytes(1, name)),
      bytes(2, output),
      bytes(4, op),
      Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
    ),
  );
const initializer = (name, { shape, data }) =>
  bytes(
    5,
    join(
      shape.map((size) => number(1, size)),
      number(2, FLOAT),
      bytes(8, name),
      bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
    ),
  );
const port = (field, name, shape) => {
  const dims = shape.map((size) => bytes(1, typeof size === "number" ? number(1, size) : bytes(2, size)));
  return bytes(field, join(bytes(1, name), bytes(2, bytes(1, join(number(1, FLOAT), bytes(2, join(dims)))))));
};
const model = (nodes, weights, inputs, output) =>
  join(
    number(1, 8),
    bytes(
      7,
      join(
        nodes,
        bytes(2, "bench"),
        Object.entries(weights).map(([name, value]) => initializer(name, value)),
        inputs.map(([name, shape]) => port(11, name, shape)),
        port(12, output[0], output[1]),
      ),
    ),
    bytes(8, join(bytes(1, ""), number(2, 13))),
  );

const pick = (arrays, keys) => Object.fromEntries(keys.map((key) => [key, arrays[key]]));
const gemm = (x, layer, out) => node("Gemm", [x, `w${layer}`, `b${layer}`], out, { transB: 1 });

export const mlpFile = (arrays) =>
  model(
    [
      gemm("x", 1, "z1"),
      node("Relu", ["z1"], "h1"),
      gemm("h1", 2, "z2"),
      node("Relu", ["z2"], "h2"),
      gemm("h2", 3, "y"),
    ],
    pick(arrays, ["w1", "b1", "w2", "b2", "w3", "b3"]),
    [["x", [1, 784]]],
    ["y", [1, 10]],
  );

const conv = (x, w, b, out) => node("Conv", [x, w, b], out, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
const pool = (x, out) => node("MaxPool", [x], out, { kernel_shape: [2, 2], strides: [2, 2] });

export const cnnFile = (arrays) =>
  model(
    [
      conv("x", "c1", "cb1", "z1"),
      node("Relu", ["z1"], "r1"),
      pool("r1", "h1"),
      conv("h1", "c2", "cb2", "z2"),
      node("Relu", ["z2"], "r2"),
      pool("r2", "h2"),
      node("Flatten", ["h2"], "f"),
      gemm("f", 1, "z3"),
      node("Relu", ["z3"], "h3"),
      gemm("h3", 2, "y"),
    ],
    pick(arrays, ["c1", "cb1", "c2", "cb2", "w1", "b1", "w2", "b2"]),
    [["x", [1, 1, 28, 28]]],
    ["y", [1, 10]],
  );

/** layout: nn (a·b), tn (aᵀ·b) or nt (a·bᵀ). */
export const matmulFile = (n, layout) =>
  model(
    layout === "nn"
      ? [node("MatMul", ["a", "b"], "y")]
      : [node("Gemm", ["a", "b"], "y", layout === "tn" ? { transA: 1 } : { transB: 1 })],
    {},
    [
      ["a", [n, n]],
      ["b", [n, n]],
    ],
    ["y", [n, n]],
  );
