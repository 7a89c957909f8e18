// What a page reports about its backend, before and after it computes, under any policy.
import { type BackendInfo, backendInfo, ones, useBackend } from "../../src/index.ts";

export interface Learned {
  readonly before: BackendInfo;
  readonly after: BackendInfo;
  /** 1 + 1 + … as a product of two matrices of ones, large enough to be shared between threads. */
  readonly product: number;
  readonly size: number;
  /** The result of asking for wasm by name: a description, or the name and message of an error. */
  readonly wasm: string;
}

const turns = 200;

export async function learn(): Promise<Learned> {
  const before = useBackend({ threads: 2 });
  const size = before.backend === "reference" ? 24 : 384;
  let product = 0;
  let after = before;
  // Workers start, or are refused, between tasks.
  for (let turn = 0; turn < turns; turn++) {
    [[product = 0] = []] = ones([size, size])
      .matmul(ones([size, size]))
      .toArraySync() as number[][];
    after = backendInfo();
    if (!after.description.includes("so far")) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { before, after, product, size, wasm: describeWasm() };
}

function describeWasm(): string {
  try {
    return useBackend({ backend: "wasm", threads: 1 }).description;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
