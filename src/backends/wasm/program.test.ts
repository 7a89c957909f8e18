// Long programs, which emit each kernel form only once, compute the same as their parts.
import { afterEach, describe, expect, it } from "vitest";
import { backendInfo, compile, nn, rand, type Tensor, tensor, useBackend } from "../../index.ts";

const { backend } = backendInfo();
afterEach(() => {
  useBackend({ backend });
});

const conv = new nn.Conv2d(4, 4, 3, { padding: 1 });
const norm = new nn.LayerNorm([6]);
const linear = new nn.Linear(6, 6);
const table = rand([5, 6]);

/** Windows with padding, sums, products, an epilogue, a checked lookup, a scan, and an alternating pattern. */
function block(x: Tensor, rows: Tensor): Tensor {
  const images = nn.functional.gelu(norm.forward(conv.forward(x)));
  const products = linear.forward(images).add(table.indexSelect(0, rows)).softmax(-1);
  return products.cumsum(1).sub(products.flip(-1)).add(x.mul(0.5)).tanh();
}

const blocks = 160;

function deep(x: Tensor, rows: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < blocks; i++) y = block(y, rows);
  return y;
}

describe("a program of more than a thousand kernels", () => {
  const x = rand([2, 4, 5, 6]);
  const rows = tensor([0, 4, 2, 2, 1], { dtype: "int32" });

  it.each([1, 2])("gives the same bits as its parts, with %i threads", (threads) => {
    useBackend({ backend: "wasm", threads });
    const whole = compile(deep);
    const part = compile(block);
    let expected = x;
    for (let i = 0; i < blocks; i++) expected = part(expected, rows);
    expect(whole(x, rows).toArraySync()).toEqual(expected.toArraySync());
    expect(whole.explain()).toMatch(/1\d\d\d kernels/);
  });

  it("names the invalid row of a lookup", () => {
    useBackend({ backend: "wasm", threads: 1 });
    const whole = compile(deep);
    const wrong = tensor([0, 4, 2, 5, 1], { dtype: "int32" });
    expect(() => whole(x, wrong).toArraySync()).toThrow(/5/);
  });
});
