// The network in double precision, to compare the step's slopes with finite differences; single precision is too coarse for them.
import { compile, Generator, noGrad, type Parameter, tensor, withGenerator } from "../../src/index.ts";
import { buildNetwork } from "./network.ts";
import type { Session } from "./session.ts";

/** The most weights compared with differences, because each takes two runs of the network. Of more a sample is compared. */
const mostCompared = 4000;
/** Multiplications of a weight and a value that all comparisons together may take. */
const mostProducts = 2e8;

const doubles = (values: ArrayLike<number>): Float64Array => Float64Array.from(values);

export interface Compared {
  /** (loss(w + h) − loss(w − h)) / 2h for each. */
  readonly differences: Float64Array;
  /** For each: 1 equal, 2 at a kink of the loss, 0 not equal, 3 not compared. */
  readonly ticks: Uint8Array;
}

const near = (a: number, b: number, tolerance: number): boolean =>
  Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));

/** Compares every `every`-th slope; where the two sides differ, the loss has a kink. */
function compare(parameter: Parameter, slopes: ArrayLike<number>, every: number, loss: () => number): Compared {
  const values = doubles(parameter.dataSync());
  const differences = new Float64Array(values.length);
  const ticks = new Uint8Array(values.length).fill(3);
  const here = loss();
  for (let k = 0; k < values.length; k += every) {
    const value = values[k] ?? 0;
    const slope = slopes[k] ?? 0;
    // With many rows one may have a kink nearby, which a smaller h avoids.
    for (const share of [1e-5, 1e-6, 1e-7]) {
      const h = share * Math.max(1, Math.abs(value));
      const at = (shift: number): number => {
        const moved = values.slice();
        moved[k] = value + shift;
        parameter.assign(moved);
        return loss();
      };
      const [above, below] = [at(h), at(-h)];
      const both = (above - below) / (2 * h);
      const [right, left] = [(above - here) / h, (here - below) / h];
      differences[k] = both;
      // Where several units have a kink at once, the chain rule need not give a slope between the two sides.
      ticks[k] = near(both, slope, 1e-6) ? 1 : near(left, right, 1e-6) ? 0 : 2;
      if (ticks[k] === 1) break;
    }
  }
  parameter.assign(values);
  return { differences, ticks };
}

export interface Batch {
  readonly rows: number;
  readonly x: ReturnType<typeof tensor>;
  readonly y: ReturnType<typeof tensor>;
}

/** The comparisons of every parameter, with other values for the edited ones. */
export function comparedSlopes(
  session: Session,
  { rows, x, y }: Batch,
  edited: ReadonlyMap<string, ArrayLike<number>>,
  slopes: ReadonlyMap<string, ArrayLike<number>>,
): ReadonlyMap<string, Compared> {
  const { state, prepared, network } = session;
  const generator = new Generator(state.seed);
  const draw = <T>(body: () => T): T => {
    generator.setState(session.random);
    return withGenerator(generator, body);
  };
  const { model } = draw(() => buildNetwork(state, prepared.info, "float64"));
  const own = new Map(network.model.namedParameters());
  const parameters = model.namedParameters();
  for (const [path, parameter] of parameters)
    parameter.assign(doubles(edited.get(path) ?? own.get(path)?.dataSync() ?? []));
  const features = tensor(doubles(x.dataSync()), { shape: [...x.shape] });
  const targets = y.dtype === "float32" ? tensor(doubles(y.dataSync()), { shape: [...y.shape] }) : y;
  const lossNow = () => session.loss(model.forward(features), targets);
  const measured = compile(() => noGrad(lossNow));
  draw(lossNow).backward();
  const products = network.stages.slice(1).reduce((sum, { shape }, place) => {
    const [, height = 1, width = 1] = shape;
    return sum + (network.layers[place]?.weight.size ?? 0) * height * width;
  }, 0);
  const count = parameters.reduce((sum, [, { size }]) => sum + size, 0);
  const most = Math.min(mostCompared, Math.floor(mostProducts / (2 * rows * products)));
  const every = Math.ceil(count / Math.max(1, most));
  return new Map(
    parameters.map(([path, parameter]) => {
      const exact = parameter.grad?.dataSync() ?? new Float64Array(parameter.size);
      const found = compare(parameter, exact, every, () => draw(measured).itemSync());
      // Displayed values are in single precision: 1e-5 is about a hundred of its units at 1.
      const shown = slopes.get(path) ?? [];
      for (let k = 0; k < exact.length; k++)
        if (found.ticks[k] !== 3 && !near(shown[k] ?? Number.NaN, exact[k] ?? 0, 1e-5)) found.ticks[k] = 0;
      return [path, found];
    }),
  );
}
