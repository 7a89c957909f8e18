// Keeps the gradients that a compiled step passes to its optimizer, to show them.
import { type Parameter, State } from "../../src/index.ts";
import type { makeOptimizer } from "./network.ts";

/** Makes each step of an optimizer record its gradients; returns a reader of the latest step's. Call it before the first step. */
export function noteGradients(
  optimizer: ReturnType<typeof makeOptimizer>,
  parameters: readonly Parameter[],
): (parameter: Parameter) => Float32Array {
  const cells = new Map(parameters.map((parameter) => [parameter, new State(0, { shape: parameter.shape })]));
  const take = optimizer.step.bind(optimizer);
  optimizer.step = () => {
    for (const [parameter, cell] of cells) cell.assign(parameter.grad?.detach() ?? parameter.detach().mul(0));
    take();
  };
  return (parameter) => Float32Array.from(cells.get(parameter)?.dataSync() ?? []);
}
