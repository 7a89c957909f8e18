// Loads and saves weights in Hugging Face's layout by the family's table, and lists everything that does not fit.
import type { HostArray, NamedArrays } from "../formats/index.ts";
import { at } from "../graph/at.ts";
import { allocate } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { init } from "../nn/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { valuesNow } from "../tensor/reading.ts";
import type { HeadName, PretrainedModule } from "./architecture.ts";
import type { Family } from "./family.ts";
import { requiredName, type Stored, storedName } from "./names.ts";

export interface Loaded {
  /** Weights missing from the files and initialised at random. */
  readonly initialized: readonly string[];
  /** Entries of the files that this model does not use: other heads, other parts. */
  readonly unused: readonly string[];
}

/** The name of a model's parameter or buffer in files. */
export function storedNameOf(family: Family, head: HeadName, adapted: string): Stored {
  // In an adapted layer, the original layer is named base.
  const path = adapted.replace(/\.base\.(weight|bias)$/, ".$1");
  const headNames = family.heads[head]?.names ?? {};
  if (path === "head" || path.startsWith("head.")) return requiredName(headNames, path, family.type);
  if (!path.startsWith("body.")) return requiredName(family.names, path, family.type);
  const stored = requiredName(family.names, path.slice("body.".length), family.type);
  return { ...stored, name: `${family.prefix}${stored.name}` };
}

/** The possible names of a weight: that in files first, then that in memory in transformers. */
export function storedNames(family: Family, head: HeadName, path: string): readonly string[] {
  const { name } = storedNameOf(family, head, path);
  const inBody = path.startsWith("body.");
  const plain = (inBody ? path.slice("body.".length) : path).replace(/\.base\.(weight|bias)$/, ".$1");
  const other = storedName(family.inMemory ?? {}, plain)?.name;
  return other === undefined ? [name] : [name, `${inBody ? family.prefix : ""}${other}`];
}

/** Older files name the two weights of a norm differently. */
const spelled = (name: string): string => name.replace(/\.gamma$/, ".weight").replace(/\.beta$/, ".bias");

const listed = (names: readonly string[]): string =>
  [...names.slice(0, 8), ...(names.length > 8 ? [`and ${names.length - 8} more`] : [])].join(", ");

/** Loads a model from the arrays of files. `fresh` tells which weights may be missing or differ in shape. */
export function loadWeights(
  model: PretrainedModule,
  arrays: NamedArrays,
  { family, head, fresh }: { readonly family: Family; readonly head: HeadName; readonly fresh: boolean },
): Loaded {
  const given = new Map(Object.entries(arrays).map(([name, array]) => [spelled(name), array]));
  const used = new Set<string>();
  const [missing, initialized, wrong]: [string[], string[], string[]] = [[], [], []];
  const freshPaths = new Set<string>();
  const values: Record<string, HostArray> = Object.create(null);
  for (const [path, current] of Object.entries(model.stateDict())) {
    if (/\.lora_[ab]$/.test(path)) continue;
    const stored = storedNameOf(family, head, path);
    const isFresh = fresh && (path === "head" || path.startsWith("head.") || /(^|\.)pooler\./.test(path));
    const name = storedNames(family, head, path)
      .flatMap((one) => [one, ...otherNames(one, family.prefix)])
      .find((one) => given.has(one));
    const array = name === undefined ? undefined : given.get(name);
    if (name === undefined || array === undefined) {
      // Some files lack the batch counts, which only averages without momentum use.
      if (/(^|\.)num_batches_tracked$/.test(path)) continue;
      if (isFresh) freshPaths.add(path);
      (isFresh ? initialized : missing).push(stored.name);
      continue;
    }
    used.add(name);
    const value = arranged(array, stored, current.shape);
    if (value !== undefined) values[path] = value;
    else if (isFresh) {
      freshPaths.add(path);
      initialized.push(stored.name);
    } else
      wrong.push(
        `${name} is ${formatShape(array.shape)} and must be ${formatShape(storedShape(stored, current.shape))}`,
      );
  }
  const rest = [...given.keys()].filter((name) => !used.has(name) && !family.idle.some((idle) => idle.test(name)));
  const unused = rest.filter((name) => family.elsewhere.some((other) => other.test(name)));
  const unknown = rest.filter((name) => !unused.includes(name));
  const problems = [
    ...(missing.length > 0 ? [`missing ${listed(missing)}`] : []),
    ...(unknown.length > 0 ? [`unknown ${listed(unknown)}`] : []),
    ...(wrong.length > 0 ? [`shapes differ: ${listed(wrong)}`] : []),
  ];
  if (problems.length > 0)
    throw new HebbError(
      `the weights do not fit a model of the family ${family.type} with head "${head}": ${problems.join("; ")}; are config.json and the weights of one model?`,
    );
  model.loadStateDict(values, { strict: false });
  initialize(model, freshPaths);
  return { initialized, unused };
}

/** The standard deviation of new weights in all of these families. */
const spread = 0.02;

/** Initialises parameters as these models do: weights from a normal distribution, biases to zero; norms keep their ones. */
function initialize(model: PretrainedModule, paths: ReadonlySet<string>): void {
  for (const [path, parameter] of model.namedParameters()) {
    if (!paths.has(path)) continue;
    if (parameter.rank > 1) init.normal(parameter, 0, spread);
    else if (path.endsWith("bias")) init.zeros(parameter);
  }
}

/** A body saved alone has no prefix; one saved with a head has. */
function otherNames(name: string, prefix: string): readonly string[] {
  if (prefix === "") return [];
  return [name.startsWith(prefix) ? name.slice(prefix.length) : `${prefix}${name}`];
}

/** The array in the model's layout; undefined if the sizes differ. */
function arranged(array: HostArray, stored: Stored, shape: readonly number[]): HostArray | undefined {
  if (!sameShape(array.shape, storedShape(stored, shape)))
    return array.dtype !== "bool" && sameShape(squeezed(array.shape), squeezed(shape)) && stored.transposed !== true
      ? { ...array, shape }
      : undefined;
  return stored.transposed === true ? flipped(array) : { ...array, shape };
}

const squeezed = (shape: readonly number[]): readonly number[] => shape.filter((extent) => extent !== 1);

const storedShape = ({ transposed, leading = 0 }: Stored, shape: readonly number[]): readonly number[] => [
  ...Array.from({ length: leading }, () => 1),
  ...(transposed === true ? [...shape].reverse() : shape),
];

/** The transpose of a matrix. */
function flipped({ dtype, shape, data }: HostArray): HostArray {
  const [rows, columns] = [at(shape, 0), at(shape, 1)];
  const out = allocate(dtype, data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column] as number;
  return { dtype, shape: [columns, rows], data: out };
}

/** The weights of a model, with the names and layout of the files. */
export function storedWeights(model: PretrainedModule, family: Family, head: HeadName): Record<string, HostArray> {
  const out: Record<string, HostArray> = Object.create(null);
  for (const [path, value] of Object.entries(model.stateDict())) {
    if (/\.lora_[ab]$/.test(path))
      throw new HebbError(
        "the model is adapted by LoRA; call lora.merge().remove() before it is saved whole, or save adapterFiles(lora)",
      );
    const stored = storedNameOf(family, head, path);
    out[stored.name] = toStored(value, stored);
  }
  return out;
}

/** One weight in the layout of the files. */
export function toStored(value: Tensor, stored: Stored): HostArray {
  const array: HostArray = { dtype: value.dtype, shape: value.shape, data: valuesNow("saving weights", value) };
  const flat = stored.transposed === true ? flipped(array) : array;
  return { ...flat, shape: storedShape({ ...stored, transposed: false }, flat.shape) };
}
