// Named sizes: the dims that may vary, and the traces that show how everything else depends on them.
import { at } from "../../../graph/at.ts";
import { HebbError } from "../../../graph/errors.ts";
import { describe } from "../../../graph/kinds.ts";
import { formatShape } from "../../../graph/shape.ts";
import { type NamedDim, samplesOf } from "./sizes.ts";
import { DifferentTraces, type Forward, type InputType, Traces, traceAt } from "./traces.ts";

/** Names of dims, by input and axis. */
export type DynamicDims = Readonly<Record<string, Readonly<Record<number, string>>>>;

interface Place {
  readonly input: string;
  readonly dim: number;
}
/** A name, and all dims that have it. */
export interface AskedDim {
  readonly name: string;
  readonly places: readonly Place[];
  readonly size: number;
}

const mostDims = 4;

export function namedDims(dynamic: DynamicDims, inputs: readonly InputType[]): AskedDim[] {
  const found = new Map<string, AskedDim>();
  for (const [input, dims] of Object.entries(dynamic)) {
    const type = inputs.find(({ name }) => name === input);
    if (type === undefined)
      throw new HebbError(
        `exportOnnx: dynamic names the input ${JSON.stringify(input)}; the inputs are ${inputs.map(({ name }) => name).join(", ")}`,
      );
    for (const [key, name] of Object.entries(dims)) {
      const dim = Number(key);
      if (typeof name !== "string" || name === "")
        throw new HebbError(
          `exportOnnx: dynamic gives dim ${key} of ${input} the name ${describe(name)}; use a string`,
        );
      const size = type.shape[dim];
      if (size === undefined)
        throw new HebbError(`exportOnnx: ${input} is ${formatShape(type.shape)} and has no dim ${key}`);
      const before = found.get(name);
      if (before !== undefined && before.size !== size)
        throw new HebbError(
          `exportOnnx: "${name}" is ${before.size} for ${at(before.places, 0).input} and ${size} for ${input}; give both the same size, or another name`,
        );
      found.set(name, { name, size, places: [...(before?.places ?? []), { input, dim }] });
    }
  }
  const all = [...found.values()];
  if (all.length > mostDims)
    throw new HebbError(`exportOnnx: ${all.length} sizes have names, and at most ${mostDims} may`);
  return all;
}

/** Offsets of the traced sizes. The later ones help if a coincidence with a fixed size made the traces differ. */
const beginnings: readonly number[] = [0, 11, 29];

interface Plan {
  readonly least: readonly number[];
  readonly apart: number;
}

/** First tries any sizes, then only multiples of the given ones, for functions that fail on others. */
function plansOf(asked: readonly AskedDim[]): readonly Plan[] {
  const given = asked.map(({ size }) => Math.max(2, size));
  const any = beginnings.map((more): Plan => ({ least: given.map((size) => size + more), apart: 1 }));
  return [...any, { least: given, apart: Math.max(...given) }];
}

export interface DimTraces {
  readonly traces: Traces;
  readonly dims: readonly NamedDim[];
  /** All sizes must be multiples of this; 1 means no restriction. */
  readonly multipleOf: number;
}

/** Traces the function at several sizes of the named dims; once if there are none. */
export function traceDims(fn: Forward, inputs: readonly InputType[], asked: readonly AskedDim[]): DimTraces {
  if (asked.length === 0) return { traces: new Traces([traceAt(fn, inputs)]), dims: [], multipleOf: 1 };
  let failure: unknown;
  for (const { least, apart } of plansOf(asked)) {
    // Operations that differ between sizes also differ between multiples.
    if (apart > 1 && failure instanceof DifferentTraces) break;
    const samples = samplesOf(least, apart);
    try {
      const traces = new Traces(
        samples.map((sizes) =>
          traceAt(
            fn,
            inputs.map((type) => resized(type, asked, sizes)),
          ),
        ),
      );
      const dims = asked.map(({ name, places }, place): NamedDim => {
        const { input, dim } = at(places, 0);
        return { name, input, dim, samples: samples.map((sizes) => at(sizes, place)) };
      });
      return { traces, dims, multipleOf: apart };
    } catch (error) {
      failure ??= error;
    }
  }
  const names = asked.map(({ name }) => name).join(" and ");
  if (failure instanceof DifferentTraces)
    throw new HebbError(
      `exportOnnx: for other sizes of ${names} the function computes other operations, from ${failure.message} on, and a file has one list of operations for all; export it with fixed sizes`,
    );
  if (failure instanceof HebbError)
    throw new HebbError(`exportOnnx: with other sizes of ${names} the function fails: ${failure.message}`, {
      cause: failure,
    });
  throw failure;
}

function resized(type: InputType, asked: readonly AskedDim[], sizes: readonly number[]): InputType {
  const shape = [...type.shape];
  asked.forEach(({ places }, place) => {
    for (const { input, dim } of places) if (input === type.name) shape[dim] = at(sizes, place);
  });
  return { ...type, shape };
}
