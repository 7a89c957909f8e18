// The operations of bench/operations.ts: a name that every peer knows, and the shapes of its inputs.

export interface Operation {
  readonly id: string;
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
}

const shown = (shape: readonly number[]): string => shape.map(String).join("×");
const of = (name: string, ...shapes: readonly (readonly number[])[]): Operation => ({
  id: `${name} ${shown(shapes[0] ?? [])}`,
  name,
  shapes,
});

const million = 2 ** 20;
const square = [1024, 1024];

export const operations: readonly Operation[] = [
  ...[8, 64, 512].flatMap((n) => [
    of("inv", [n, n]),
    of("solve", [n, n], [n, n]),
    of("solveTriangular", [n, n], [n, n]),
    of("slogdet", [n, n]),
    of("cholesky", [n, n]),
    of("qr", [n, n]),
    of("eigh", [n, n]),
    of("svd", [n, n]),
  ]),
  of("inv", [1000, 8, 8]),
  of("solve", [1000, 8, 8], [1000, 8, 1]),
  ...[8, 10, 12, 14, 16, 18, 20].flatMap((power) => [of("fft", [2 ** power, 2]), of("rfft", [2 ** power])]),
  of("fft", [1000003, 2]),
  of("fft2", [512, 512, 2]),
  ...[square, [million]].flatMap((shape) => [
    of("cumsum", shape),
    of("cumprod", shape),
    of("cummax", shape),
    of("logcumsumexp", shape),
  ]),
  of("cumsum of columns", square),
  ...[square, [million]].flatMap((shape) => [
    of("sort", shape),
    of("argsort", shape),
    of("topk 10", shape),
    of("median", shape),
  ]),
  of("quantile 0.9", square),
  of("kthvalue 100", square),
  of("unique", [million]),
  of("searchsorted", [million], [100_000]),
  of("bincount", [million]),
  of("gather", square, square),
  of("take rows", [100_000, 64], [16_384]),
  of("index by a mask", [million]),
  of("scatterAdd", square, square),
  of("indexAdd of rows", [100_000, 64], [16_384, 64]),
  of("indexPut of rows", [100_000, 64], [16_384, 64]),
];
