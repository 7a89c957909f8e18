// Our side of bench/operations.ts, through the public API only.   usage: operations-hebb.mjs   (HEBB_BACKEND, HEBB_THREADS)
import { compile, eye, fft, linalg, State, searchsorted, type Tensor, tensor, zeros } from "../../src/index.ts";
import type { Operation } from "../operationTable.ts";
import { serve, type Work } from "./serve.mjs";

/** The same numbers in [−0.5, 0.5) in every peer. */
function fill(shape: readonly number[], salt: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, (_, i) => {
    let hash = Math.imul(i + Math.imul(salt, 0x9e3779b9), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 - 0.5;
  });
  return tensor(values).reshape([...shape]);
}

/** Whole numbers from 0 below `below`. */
const places = (shape: readonly number[], salt: number, below: number): Tensor =>
  fill(shape, salt)
    .add(0.5)
    .mul(below)
    .floor()
    .clamp(0, below - 1)
    .to("int32");

const positive = (x: Tensor): Tensor => x.matmul(x.mT).add(eye(x.shape.at(-1) ?? 1));

interface Made {
  readonly inputs: readonly Tensor[];
  readonly run: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
}

function made({ name, shapes }: Operation): Made {
  const [shape = [], other = []] = shapes;
  const x = fill(shape, 1);
  const only = (run: (x: Tensor) => Tensor | readonly Tensor[]): Made => ({
    inputs: [x],
    run: (a) => run(a as Tensor),
  });
  const pair = (y: Tensor, run: (x: Tensor, y: Tensor) => Tensor): Made => ({
    inputs: [x, y],
    run: (a, b) => run(a as Tensor, b as Tensor),
  });
  const rows = shape[0] ?? 1;
  switch (name) {
    case "inv":
      return only((a) => linalg.inv(a));
    case "solve":
      return pair(fill(other, 2), (a, b) => linalg.solve(a, b));
    case "solveTriangular":
      return {
        ...pair(fill(other, 2), (a, b) => linalg.solveTriangular(a, b, { upper: false })),
        inputs: [positive(x), fill(other, 2)],
      };
    case "slogdet":
      return only((a) => Object.values(linalg.slogdet(a)).reverse());
    case "cholesky":
      return { ...only((a) => linalg.cholesky(a)), inputs: [positive(x)] };
    case "qr":
      return only((a) => Object.values(linalg.qr(a)));
    case "eigh":
      return { ...only((a) => Object.values(linalg.eigh(a))), inputs: [x.add(x.mT)] };
    case "svd":
      return only((a) => {
        const { U, S, Vh } = linalg.svd(a);
        return [S, U, Vh];
      });
    case "fft":
      return only((a) => fft.fft(a));
    case "rfft":
      return only((a) => fft.rfft(a));
    case "fft2":
      return only((a) => fft.fft2(a));
    case "cumsum":
      return only((a) => a.cumsum(-1));
    case "cumsum of columns":
      return only((a) => a.cumsum(0));
    case "cumprod":
      return only((a) => a.cumprod(-1));
    case "cummax":
      return only((a) => Object.values(a.cummax(-1)));
    case "logcumsumexp":
      return only((a) => a.logcumsumexp(-1));
    case "sort":
      return only((a) => Object.values(a.sort(-1)));
    case "argsort":
      return only((a) => a.argsort(-1));
    case "topk 10":
      return only((a) => Object.values(a.topk(10)));
    case "median":
      return only((a) => Object.values(a.median(-1)));
    case "quantile 0.9":
      return only((a) => a.quantile(0.9, { dim: -1 }));
    case "kthvalue 100":
      return only((a) => Object.values(a.kthvalue(100)));
    case "searchsorted":
      return { ...pair(fill(other, 2), (a, b) => searchsorted(a, b)), inputs: [x.sort(-1).values, fill(other, 2)] };
    case "gather":
      return pair(places(other, 2, shape[1] ?? 1), (a, b) => a.gather(1, b));
    case "take rows":
      return pair(places(other, 2, rows), (a, b) => a.indexSelect(0, b));
    case "scatterAdd": {
      const where = places(other, 2, shape[1] ?? 1);
      return {
        inputs: [x, where, fill(other, 3)],
        run: (a, b, c) => (a as Tensor).scatterAdd(1, b as Tensor, c as Tensor),
      };
    }
    case "indexAdd of rows": {
      const where = places([other[0] ?? 1], 2, rows);
      return {
        inputs: [x, where, fill(other, 3)],
        run: (a, b, c) => (a as Tensor).indexAdd(0, b as Tensor, c as Tensor),
      };
    }
    case "indexPut of rows": {
      const where = tensor(Int32Array.from({ length: other[0] ?? 1 }, (_, i) => (i * 7919) % rows));
      return {
        inputs: [x, where, fill(other, 3)],
        run: (a, b, c) => (a as Tensor).indexPut([b as Tensor], c as Tensor),
      };
    }
    default:
      throw new Error(`hebb has no ${name}`);
  }
}

/** Operations whose result size depends on the values: they read synchronously. */
function read({ name, shapes }: Operation): (() => ArrayLike<number>) | undefined {
  const [shape = []] = shapes;
  if (name === "unique") {
    const x = places(shape, 1, 1000);
    return () => x.uniqueSync().values.dataSync();
  }
  if (name === "bincount") {
    const x = places(shape, 1, 1000);
    return () => x.bincountSync({ minlength: 1000 }).dataSync();
  }
  if (name === "index by a mask") {
    const x = fill(shape, 1);
    return () => x.maskedSelectSync(x.gt(0)).dataSync();
  }
  return undefined;
}

const magnitude = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + Math.abs(value), 0) / values.length;

function workOf(operation: Operation): Work {
  const eager = read(operation);
  if (eager !== undefined) return { step: () => void eager(), check: () => magnitude(eager()) };
  const { inputs, run } = made(operation);
  for (const input of inputs) input.dataSync();
  const list = (given: readonly Tensor[]): readonly Tensor[] => {
    const results = run(...given);
    return "shape" in results ? [results] : results;
  };
  // Results go to cells, as in a training step, so that no memory is allocated for them.
  const cells = list(inputs).map(({ shape, dtype }) => new State(zeros(shape, { dtype })));
  const step = compile((...given: Tensor[]) => {
    for (const [k, result] of list(given).entries()) cells[k]?.assign(result);
  });
  return {
    step: () => step(...inputs),
    check() {
      step(...inputs);
      return magnitude(cells[0]?.dataSync() ?? []);
    },
  };
}

await serve((asked) => workOf(asked as Operation), { version: "source" });
