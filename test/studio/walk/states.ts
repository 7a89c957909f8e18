// Random states of the Studio, by seed, drawn from every field of a state; and the smallest one that still fails.
import { Random } from "../../../src/data/random.ts";
import { featureNames } from "../../../studio/shared/features.ts";
import {
  activationNames,
  type DataName,
  initNames,
  isPlane,
  lossNames,
  optimizerNames,
} from "../../../studio/shared/names.ts";
import {
  type Edit,
  keys,
  type Layer,
  printHash,
  rates,
  type StudioState,
  startState,
} from "../../../studio/shared/state.ts";

/** All except own data: an address does not hold the file. */
const drawnData: readonly DataName[] = [
  ...([
    "loans",
    "moons",
    "circles",
    "spirals",
    "blobs",
    "curve",
    "iris",
    "digits",
    "digits",
    "words",
    "painted",
  ] as const),
  ...(["and", "or", "xor"] as const),
];

class Draw {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed, 0x57);
  }

  below(limit: number): number {
    return this.#random.integer(limit);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  pick<T>(choices: readonly T[]): T {
    const found = choices[this.below(choices.length)];
    if (found === undefined) throw new Error("nothing to pick from");
    return found;
  }

  /** True once in `times` calls, on average. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }
}

function layersOf(draw: Draw, name: DataName): Layer[] {
  const layer = (kind: Layer["kind"]): Layer => ({
    kind,
    units: draw.between(1, kind === "conv" ? 4 : 9),
    activation: draw.pick(activationNames),
  });
  const convs = name === "digits" ? draw.below(4) : draw.once(12) ? 1 : 0;
  return [
    ...Array.from({ length: convs }, () => layer("conv")),
    ...Array.from({ length: draw.below(4) }, () => layer("dense")),
  ];
}

function editsOf(draw: Draw, step: number): Edit[] {
  const edit = (): Edit => ({
    step: draw.below(step + 2),
    parameter: `${draw.below(5)}.${draw.pick(["weight", "bias"])}`,
    index: draw.below(6),
    value: draw.between(-30, 30) / 8,
  });
  return draw.once(4) ? [edit(), edit()] : [];
}

/** The state of a seed: its description can be pasted as an address. */
export function randomState(seed: number): StudioState {
  const draw = new Draw(seed);
  const name = draw.pick(drawnData);
  const batchNorm = draw.once(3);
  const batch = draw.pick([1, 2, 3, 8, 16, 17, 37, 64, 100, 256, 511, 512, draw.between(1, 512)]);
  const step = draw.pick([0, 1, draw.below(12), draw.below(12), draw.below(40)]);
  return {
    ...startState,
    data: name,
    count: name === "digits" ? draw.between(20, 120) : draw.pick([4, 9, 60, 200, 240, draw.between(4, 600)]),
    noise: draw.pick([0, 0.1, 0.15, 0.5, 2]),
    features: isPlane(name) && draw.once(3) ? featureNames.filter(() => draw.once(2)) : [],
    test: draw.pick([0, 0.1, 0.25, 0.5, 0.9]),
    dataSeed: draw.below(1000),
    points:
      name === "painted"
        ? Array.from(
            { length: draw.below(30) },
            () => [draw.between(-100, 100) / 100, draw.between(-100, 100) / 100, draw.below(2)] as const,
          )
        : [],
    layers: layersOf(draw, name),
    ensemble: draw.once(12)
      ? { members: draw.between(1, 4), bins: draw.between(2, 8), embedding: draw.between(1, 4) }
      : undefined,
    init: draw.pick(initNames),
    dropout: draw.pick([0, 0, 0.1, 0.5, 0.9]),
    batchNorm: batchNorm && batch > 1,
    // A loss that does not fit the task is replaced by the one that fits best.
    loss: draw.pick(lossNames),
    optimizer: draw.pick(optimizerNames),
    lr: draw.pick(rates.slice(2, draw.once(4) ? undefined : 10)),
    decay: draw.pick([0, 0, 0.001, 0.01, 0.3]),
    batch,
    seed: draw.below(10000),
    edits: editsOf(draw, step),
    step,
    axes: [draw.below(5), draw.below(5)],
    selected: `${draw.between(1, 3)}.${draw.below(3)}`,
  };
}

/** Simpler values of some fields; for the others the initial ones. */
function simpler(state: StudioState): Partial<StudioState>[] {
  const { layers, step, batch, count, points, edits } = state;
  return [
    ...keys.filter((key) => key !== "surface").map((key) => ({ [key]: startState[key] })),
    ...layers.map((_, place) => ({ layers: layers.filter((_, other) => other !== place) })),
    ...layers.map((layer, place) => ({
      layers: layers.map((one, other) => (other === place ? { ...layer, units: 1 } : one)),
    })),
    ...edits.map((_, place) => ({ edits: edits.filter((_, other) => other !== place) })),
    { points: points.slice(0, Math.floor(points.length / 2)) },
    ...[0, 1, Math.floor(step / 2), step - 1].map((less) => ({ step: less })),
    ...[1, 2, Math.floor(batch / 2)].map((less) => ({ batch: less })),
    ...[4, Math.floor(count / 2)].map((less) => ({ count: less })),
  ].filter((patch) => {
    const made = { ...state, ...patch };
    return made.step >= 0 && made.batch > 0 && made.count >= 4 && printHash(made).length < printHash(state).length;
  });
}

/** The state without everything that does not matter for its failure. */
export async function smallest(
  state: StudioState,
  fails: (state: StudioState) => Promise<boolean>,
  tries = 120,
): Promise<StudioState> {
  let left = tries;
  for (let now = state; ; ) {
    let next: StudioState | undefined;
    for (const patch of simpler(now)) {
      if (left-- <= 0) return now;
      const made = { ...now, ...patch };
      if (await fails(made)) {
        next = made;
        break;
      }
    }
    if (next === undefined) return now;
    now = next;
  }
}
