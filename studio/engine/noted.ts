// The gradients that a compiled step hands to its optimizer, which vanish with it, kept to be shown.
import { type Parameter, State } from "../../src/index.ts";
import type { makeOptimizer } from "./network.ts";

/** Has each step of an optimizer write down the gradients that it takes; tells those of the latest step. Before the first step. */
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
