// Compiles graphs and runs them on a device with given inputs, for the suites, the golden tests and the fuzzer.
import type { Block, Device, Executable, FailedRun, SynchronousDevice } from "../../src/backends/backend.ts";
import { describeFailure } from "../../src/compiler/checks.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import type { Compiled } from "../../src/compiler/compiled.ts";
import {
  allocate,
  type DType,
  type IntDType,
  rangeOf,
  storedAs,
  type TypedArray,
  wrapped,
} from "../../src/graph/dtype.ts";
import { numbersOf, storedNumbers } from "../../src/graph/halves.ts";
import { type Node, type Source, sourceNode } from "../../src/graph/node.ts";
import { type Shape, sizeOf } from "../../src/graph/shape.ts";

/** A dense value: row-major numbers and their shape. */
export interface Value {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: readonly number[];
}

/** The value as the dtype stores it: rounded, wrapped, or 0 and 1. */
export function valueOf(dtype: DType, shape: Shape, data: readonly number[]): Value {
  if (data.length !== sizeOf(shape)) throw new Error(`${data.length} numbers for shape [${shape.join(", ")}]`);
  const held = dtype === "bool" ? data.map((x) => (x !== 0 ? 1 : 0)) : data;
  return { shape, dtype, data: [...toArray(dtype, held)] };
}

/** Numbers from the whole range; every fifth is the least or the greatest. */
export const drawnIntegers = (dtype: IntDType, shape: Shape, salt: number): Value =>
  valueOf(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => {
      const mixed = Math.imul(i + salt * 7919, 0x9e3779b1);
      return i % 5 === 0 ? (rangeOf(dtype)[i & 1] as number) : wrapped(mixed >> 3, dtype);
    }),
  );

function toArray(dtype: DType, data: readonly number[]): TypedArray {
  const array = allocate(dtype, data.length);
  array.set(data);
  return array;
}

class Input implements Source {
  readonly sourceKind = "argument";
}

/** A leaf for a value that is given when the graph runs. */
export function inputNode(value: { readonly shape: Shape; readonly dtype: DType }): Node {
  return sourceNode({ shape: value.shape, dtype: value.dtype }, new Input());
}

/** A compiled graph on one device, for many runs. */
export class Runner<D extends Device = SynchronousDevice> {
  readonly compiled: Compiled;
  readonly #device: D;
  readonly #executable: Executable;
  readonly #outputs: readonly Node[];
  readonly #sources: ReadonlyMap<Source, number>;
  readonly #blocks: readonly Block[];

  constructor(device: D, inputs: readonly Node[], outputs: readonly Node[], options: { optimize?: boolean } = {}) {
    this.#device = device;
    this.#outputs = outputs;
    this.#sources = new Map(inputs.flatMap((node, place) => (node.source ? [[node.source, place]] : [])));
    this.compiled = compileGraph(
      "test",
      outputs.map((node) => ({ node })),
      options,
    );
    this.#executable = device.compile(this.compiled.program);
    this.#blocks = this.compiled.slots.map((slot) => {
      const node = slot.kind === "output" ? outputs[slot.output] : inputs[this.#sources.get(slot.source) ?? -1];
      if (node === undefined) throw new Error("the graph reads a source that is not among the inputs");
      return device.allocate(Math.max(8, sizeOf(node.shape) * 8));
    });
  }

  run(this: Runner<SynchronousDevice>, values: readonly Value[]): Value[] {
    this.#carryOut(values);
    return this.#outputs.map((node, output) =>
      valueIn(node, this.#device.read(this.#blockOf(output), storedAs(node.dtype), sizeOf(node.shape))),
    );
  }

  /** The same on any device. */
  async runLater(values: readonly Value[]): Promise<Value[]> {
    const { asynchronous } = this.#device;
    this.#carryOut(values);
    const read = this.#outputs.map(async (node, output) =>
      valueIn(node, await this.#device.read(this.#blockOf(output), storedAs(node.dtype), sizeOf(node.shape))),
    );
    const failed: FailedRun | undefined = asynchronous ? await this.#device.settle() : undefined;
    if (failed !== undefined) throw new Error(describeFailure(this.compiled.program, failed.check));
    return Promise.all(read);
  }

  #carryOut(values: readonly Value[]): void {
    this.compiled.slots.forEach((slot, place) => {
      const block = this.#blocks[place];
      if (block === undefined || slot.kind !== "source") return;
      const value = values[this.#sources.get(slot.source) ?? -1];
      if (value === undefined) throw new Error("a value is missing");
      this.#device.write(block, storedNumbers(value.dtype, toArray(value.dtype, value.data)));
    });
    const failure = this.#executable.run(this.#blocks);
    if (failure) throw new Error(describeFailure(this.compiled.program, failure));
  }

  #blockOf(output: number): Block {
    const slot = this.compiled.slots.findIndex(
      (candidate) => candidate.kind === "output" && candidate.output === output,
    );
    const block = this.#blocks[slot];
    if (block === undefined) throw new Error(`output ${output} has no slot`);
    return block;
  }

  release(): void {
    this.#executable.release();
    for (const block of this.#blocks) this.#device.free(block);
  }
}

const valueIn = ({ shape, dtype }: Node, data: TypedArray): Value => ({
  shape,
  dtype,
  data: [...numbersOf(dtype, data)],
});

/** Builds a graph over the values, runs it once, and returns its outputs. */
export function evaluate(
  device: SynchronousDevice,
  values: readonly Value[],
  build: (inputs: readonly Node[]) => readonly Node[],
  options: { optimize?: boolean } = {},
): Value[] {
  const inputs = values.map(inputNode);
  const runner = new Runner(device, inputs, build(inputs), options);
  try {
    return runner.run(values);
  } finally {
    runner.release();
  }
}
