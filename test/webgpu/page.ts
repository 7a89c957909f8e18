// The work of a page on webgpu: cases of the conformance suite, one training next to WebAssembly, and a lost card.
import { createWebgpuDevice } from "../../src/backends/webgpu/index.ts";
import { backendInfo, compile, nn, optim, seed, type Tensor, tensor, useBackend } from "../../src/index.ts";
import { defaultDevice, moveToHost } from "../../src/runtime/index.ts";
import { contractionCases } from "../conformance/cases/contractions.ts";
import { elementwiseCases } from "../conformance/cases/elementwise.ts";
import { indexingCases } from "../conformance/cases/indexing.ts";
import { loopCases } from "../conformance/cases/loops.ts";
import { movementCases } from "../conformance/cases/movement.ts";
import { reductionCases } from "../conformance/cases/reductions.ts";
import { windowCases } from "../conformance/cases/windows.ts";
import { gives, wrongValues } from "../conformance/wrongValues.ts";
import { openedCard } from "./openedCard.ts";

export interface Found {
  readonly description: string;
  readonly cases: number;
  /** Cases and elements with wrong values. */
  readonly wrong: readonly string[];
  readonly losses: { readonly wasm: readonly number[]; readonly webgpu: readonly number[] };
  readonly lost: string;
}

/** The first float32 case of every second op, except those that return float64, which the card lacks. */
function core() {
  const seen = new Set<string>();
  return [
    ...elementwiseCases,
    ...movementCases,
    ...reductionCases,
    ...indexingCases,
    ...contractionCases,
    ...windowCases,
    ...loopCases,
  ]
    .flatMap((entry) => (entry.kind === "forward" && entry.dtypes.includes("float32") ? [entry] : []))
    .filter((entry) => gives(entry, "float32") !== "float64")
    .filter(({ op }) => !seen.has(op) && seen.add(op))
    .filter((_, place) => place % 2 === 0);
}

async function losses(backend: "wasm" | "webgpu"): Promise<number[]> {
  useBackend(backend === "wasm" ? { backend, threads: 1 } : { backend });
  await defaultDevice.ready();
  seed(7);
  const model = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 3));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 });
  const points = Array.from({ length: 48 }, (_, i) => [Math.cos(i) * (1 + (i % 3)), Math.sin(i * 1.7)]);
  const x = tensor(points);
  const y = tensor(Int32Array.from(points, (_, i) => i % 3));
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = nn.functional.crossEntropy(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const found: number[] = [];
  for (let i = 0; i < 40; i++) found.push(await step(x, y).item());
  await moveToHost();
  return found;
}

/** The message when the card is lost. */
async function loseCard(): Promise<string> {
  const { doomed, card } = await openedCard(GPUAdapter);
  const block = doomed.allocate(8);
  card.destroy();
  await card.lost;
  const answer = await doomed.read(block, "float32", 2).then(String, (error: Error) => error.message);
  doomed.close();
  return answer;
}

export async function computeOnCard(): Promise<Found> {
  const device = createWebgpuDevice();
  await device.started;
  const wrong: string[] = [];
  const cases = core();
  for (const entry of cases) {
    const found = await wrongValues(device, entry, "float32").catch((error) => [String(error)]);
    wrong.push(...found.map((text) => `${entry.op}: ${entry.name}: ${text}`));
  }
  device.close();
  const lost = await loseCard();
  const found = { wasm: await losses("wasm"), webgpu: await losses("webgpu") };
  return { description: backendInfo().description, cases: cases.length, wrong, losses: found, lost };
}
