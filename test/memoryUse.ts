// Measures the memory in use after everything unreachable is freed, with a training step that uses memory.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { memoryInfo } from "../src/runtime/index.ts";
import { seed, type Tensor, tensor } from "../src/tensor/index.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

export interface Used {
  readonly heap: number;
  readonly external: number;
  /** Device memory that holds values. */
  readonly device: number;
  /** Device memory obtained. */
  readonly reserved: number;
  readonly programs: number;
}

/** The memory in use after everything unreachable is freed. Finalizers run between turns of the event loop, and late on a busy machine. */
export async function used(): Promise<Used> {
  let heap = Number.POSITIVE_INFINITY;
  let device = Number.POSITIVE_INFINITY;
  for (let turn = 0, still = 0; turn < 60 && still < 4; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const now = { heap: process.memoryUsage().heapUsed, device: memoryInfo().liveBytes };
    still = now.heap > heap - (32 << 10) && now.device >= device ? still + 1 : 0;
    heap = now.heap;
    device = now.device;
  }
  const { heapUsed, external } = process.memoryUsage();
  const { liveBytes, reservedBytes, programs } = memoryInfo();
  return { heap: heapUsed, external, device: liveBytes, reserved: reservedBytes, programs };
}

/** A training step on a batch, and batches of new values as data loaders yield them. */
export function training(): { step(x: Tensor, y: Tensor): Tensor; batch(): [Tensor, Tensor] } {
  seed(0);
  const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(16, 2));
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  let batches = 0;
  return {
    step(x, y) {
      const loss = nn.functional.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    },
    batch() {
      const first = batches++;
      const x = Float32Array.from({ length: 32 * 8 }, (_, place) => Math.sin(first + place));
      return [tensor(x, { shape: [32, 8] }), tensor(Int32Array.from({ length: 32 }, (_, row) => row % 2))];
    },
  };
}
