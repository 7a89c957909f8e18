// Compiled programs bound to a device: filling the argument slots, running, returning results.
import { argumentBytes } from "../backends/analysis/arguments.ts";
import type { Block, Executable } from "../backends/backend.ts";
import { describeFailure, type FailedCheck } from "../compiler/checks.ts";
import type { Compiled, Output } from "../compiler/compiled.ts";
import { storedAs } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import type { Source } from "../graph/node.ts";
import type { DeviceMemory } from "./deviceMemory.ts";
import type { Loaded } from "./programs.ts";
import { Cell, Storage } from "./storage.ts";

/** A result this small is copied to the host immediately, so that a scalar loss needs no device memory and no finaliser. */
const smallResultBytes = 1024;

/** Heap bytes of a program's description per buffer, measured over the networks of the tests. */
const bytesPerBuffer = 512;
const bytesPerKernel = 4096;

/** Replaces a block that a program must not keep alive. */
export const noBlock: Block = { address: 0, bytes: 0 };

/** A placeholder for the i-th argument of a traced function or cached program. */
export class Argument implements Source {
  readonly sourceKind = "argument";
  readonly place: number;
  constructor(place: number) {
    this.place = place;
  }
}

type Binding =
  | { readonly kind: "argument"; readonly place: number }
  | { readonly kind: "cell"; readonly cell: Cell }
  | { readonly kind: "value"; readonly storage: Storage }
  /** A small result: it has device memory of its own and is read back after each run. */
  | {
      readonly kind: "small";
      readonly block: Block;
      readonly dtype: Storage["dtype"];
      readonly shape: Storage["shape"];
      readonly length: number;
    }
  | { readonly kind: "large"; readonly dtype: Storage["dtype"]; readonly shape: Storage["shape"] };

/** A compiled program with its bindings, ready to run repeatedly. */
export class BoundProgram {
  readonly compiled: Compiled;
  readonly executable: Executable;
  readonly #loaded: Loaded;
  readonly memory: DeviceMemory;
  protected readonly bindings: readonly Binding[];
  protected readonly blocks: Block[];
  /** Slots whose blocks belong to the arguments and results of a single run. */
  readonly #passing: readonly number[];
  /** The state cells that it reads or writes. */
  readonly cells: readonly Cell[];
  protected readonly written: readonly Cell[];
  protected readonly results: readonly number[];
  /** Makes the error for a failed check. */
  protected readonly failed: (check: FailedCheck) => HebbError;

  /** `lasting`: it will run many times, so that a slow compiler pays off. */
  constructor(memory: DeviceMemory, compiled: Compiled, outputs: readonly Output[], lasting: boolean) {
    this.memory = memory;
    this.compiled = compiled;
    this.executable = memory.device.compile(compiled.program, { lasting });
    this.bindings = compiled.slots.map((slot): Binding => {
      if (slot.kind === "source") return bindSource(slot.source);
      const { dtype, shape } = (outputs[slot.output] as Output).node;
      const probe = new Storage(dtype, shape, undefined);
      return probe.bytes <= smallResultBytes && !memory.device.asynchronous
        ? { kind: "small", block: memory.device.allocate(Math.max(probe.bytes, 8)), dtype, shape, length: probe.length }
        : { kind: "large", dtype, shape };
    });
    const resultSlots: number[] = [];
    outputs.forEach((output, place) => {
      if (output.updates !== undefined) return;
      resultSlots.push(compiled.slots.findIndex((slot) => slot.kind === "output" && slot.output === place));
    });
    this.results = resultSlots;
    this.written = outputs.flatMap(({ updates }) => (updates instanceof Cell ? [updates] : []));
    this.cells = this.bindings.flatMap((binding) => (binding.kind === "cell" ? [binding.cell] : []));
    this.blocks = new Array<Block>(this.bindings.length).fill(noBlock);
    this.#passing = this.bindings.flatMap(({ kind }, slot) => (kind === "argument" || kind === "large" ? [slot] : []));
    this.#loaded = {
      executable: this.executable,
      blocks: this.bindings.flatMap((binding) => (binding.kind === "small" ? [binding.block] : [])),
    };
    memory.programs.own(this, this.#loaded);
    const { program } = compiled;
    const kept =
      this.written.length === 0 ? "" : "; what this step assigns (weights, running statistics) is as it was before";
    this.failed = (check) => new HebbError(`${describeFailure(program, check)}${kept}`);
    memory.reserve(argumentBytes(compiled.program).reduce((sum, bytes) => sum + bytes, 0));
  }

  /** Approximate bytes it occupies: its code and its description. */
  get bytes(): number {
    const { buffers, kernels } = this.compiled.program;
    return this.executable.bytes + bytesPerBuffer * buffers.length + bytesPerKernel * kernels.length;
  }

  /** Runs once. Returns the values of the outputs that update no cell, in order. */
  run(args: readonly Storage[]): Storage[] {
    try {
      const fresh = this.#carryOut(args);
      const values: Storage[] = [];
      for (const slot of this.results) values.push(this.valueOf(slot, fresh));
      return values;
    } finally {
      this.letGo();
    }
  }

  /** Nanoseconds in each kernel, during a run with these arguments. The run updates state cells like any other. */
  profile(args: readonly Storage[]): readonly number[] {
    try {
      this.#carryOut(args);
      return this.executable.profile(this.blocks);
    } finally {
      this.letGo();
    }
  }

  /** The same on any device. */
  async profileLater(args: readonly Storage[]): Promise<readonly number[]> {
    const { executable } = this;
    if (executable.profileLater === undefined) return this.profile(args);
    try {
      this.#carryOut(args);
      return await executable.profileLater(this.blocks);
    } finally {
      this.letGo();
    }
  }

  /** Runs once. Returns, by slot, the results with memory of their own. */
  #carryOut(args: readonly Storage[]): readonly (Storage | undefined)[] {
    const { memory, bindings, blocks, executable } = this;
    for (const cell of this.written) memory.beforeWrite(cell);
    const fresh: (Storage | undefined)[] = [];
    for (let slot = 0; slot < bindings.length; slot++) this.bind(slot, args, fresh);
    const failure = executable.run(blocks);
    if (failure !== undefined) throw this.failed(failure);
    memory.runs?.submitted(
      executable,
      this.failed,
      fresh.flatMap((storage) => (storage === undefined ? [] : [storage.place])),
    );
    return fresh;
  }

  /** Sets the block of a slot, and records the value of a result that is about to be computed. */
  protected bind(
    slot: number,
    args: readonly (Storage | undefined)[],
    fresh: (Storage | undefined)[],
    into?: (result: number) => Storage | undefined,
  ): void {
    const { memory, blocks, executable } = this;
    const binding = this.bindings[slot] as Binding;
    switch (binding.kind) {
      case "argument":
        blocks[slot] = memory.blockOf(args[binding.place] as Storage, executable);
        break;
      case "cell":
        blocks[slot] = memory.cellBlock(binding.cell);
        break;
      case "value":
        blocks[slot] = memory.blockOf(binding.storage, executable);
        break;
      case "small":
        blocks[slot] = binding.block;
        break;
      case "large": {
        const given = executable.takesHostBlocks ? into?.(this.results.indexOf(slot)) : undefined;
        const storage = given ?? new Storage(binding.dtype, binding.shape, undefined);
        fresh[slot] = storage;
        blocks[slot] = given?.place.block ?? memory.resultBlock(storage, executable);
        break;
      }
    }
  }

  protected valueOf(slot: number, fresh: readonly (Storage | undefined)[]): Storage {
    const storage = fresh[slot];
    if (storage !== undefined) return storage;
    const { device } = this.memory;
    const binding = this.bindings[slot] as Binding;
    if (binding.kind !== "small" || device.asynchronous) throw new InternalError("a result has no memory");
    return new Storage(
      binding.dtype,
      binding.shape,
      device.read(binding.block, storedAs(binding.dtype), binding.length),
    );
  }

  /** Drops references to the run's blocks: a host block keeps its value alive, which may be garbage by the next run. */
  protected letGo(): void {
    for (const slot of this.#passing) this.blocks[slot] = noBlock;
  }

  release(): void {
    this.memory.programs.release(this.#loaded);
  }
}

function bindSource(source: Source): Binding {
  if (source instanceof Argument) return { kind: "argument", place: source.place };
  if (source instanceof Cell) return { kind: "cell", cell: source };
  if (source instanceof Storage) return { kind: "value", storage: source };
  throw new InternalError(`a ${source.sourceKind} source cannot be bound`);
}
