// State shared by a program's kernels during emission, and the view that kernels of one form have of it.
import type { BufferInfo, Program } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import { type Base, baseOf, type TableSlots, tableSlots } from "../analysis/arguments.ts";
import type { KernelForm } from "../analysis/kernelForms.ts";
import { type EmitContext, phaseParams, tableParam } from "./emitter.ts";
import type { FunctionBuilder, ModuleBuilder, ValueType } from "./module.ts";

/** The buffers, followed by the shared scratch as a buffer of each requested dtype. */
class Buffers {
  readonly #known: BufferInfo[];
  readonly #own: number;
  readonly #sharedSlot: number;

  constructor(buffers: readonly BufferInfo[], sharedSlot: number) {
    this.#known = [...buffers];
    this.#own = buffers.length;
    this.#sharedSlot = sharedSlot;
  }

  at(id: number): BufferInfo {
    const info = this.#known[id];
    if (info === undefined) throw new InternalError(`there is no buffer ${id}`);
    return info;
  }

  shared(dtype: ElementType): number {
    const known = this.#known.findIndex((buffer, id) => id >= this.#own && buffer.dtype === dtype);
    if (known >= 0) return known;
    const id = this.#known.length;
    const placement = { kind: "argument", slot: this.#sharedSlot } as const;
    this.#known.push({ id, name: "shared scratch", dtype, length: 2 ** 30, placement });
    return id;
  }
}

export class ProgramContext implements EmitContext {
  readonly module: ModuleBuilder;
  readonly slots: TableSlots;
  scratchBytes = 0;
  sharedBytes = 0;
  readonly #buffers: Buffers;
  readonly #helpers = new Map<string, FunctionBuilder>();

  constructor(module: ModuleBuilder, program: Program) {
    this.module = module;
    this.slots = tableSlots(program);
    this.#buffers = new Buffers(program.buffers, this.slots.shared);
  }

  buffer(id: number): BufferInfo {
    return this.#buffers.at(id);
  }

  sharedBuffer(dtype: ElementType): number {
    return this.#buffers.shared(dtype);
  }

  baseOf(buffer: number): Base {
    return baseOf(this.buffer(buffer).placement, this.slots);
  }

  pushSlot(f: FunctionBuilder, slot: number): void {
    f.get(tableParam).memory("i32.load", 4 * slot);
  }

  phase(name: string, operands: readonly ValueType[] = []): FunctionBuilder {
    return this.module.function(`${this.module.functions.length}:${name}`, [...phaseParams, ...operands]);
  }

  needScratch(bytes: number): void {
    this.scratchBytes = Math.max(this.scratchBytes, bytes);
  }

  needShared(bytes: number): void {
    this.sharedBytes = Math.max(this.sharedBytes, bytes);
  }

  helper(name: string, make: () => FunctionBuilder): FunctionBuilder {
    const known = this.#helpers.get(name);
    if (known) return known;
    const made = make();
    this.#helpers.set(name, made);
    return made;
  }
}

/** Functions shared by many kernels. Each kernel passes the addresses of its buffers as parameters. */
export class FormContext implements EmitContext {
  readonly module: ModuleBuilder;
  readonly #program: ProgramContext;
  readonly #buffers: Buffers;
  readonly #operands: readonly ValueType[];

  constructor(program: ProgramContext, { buffers }: KernelForm) {
    this.module = program.module;
    this.#program = program;
    this.#operands = buffers.map(() => "i32");
    this.#buffers = new Buffers(buffers, buffers.length);
  }

  buffer(id: number): BufferInfo {
    return this.#buffers.at(id);
  }

  sharedBuffer(dtype: ElementType): number {
    return this.#buffers.shared(dtype);
  }

  /** Parameters: the buffers in order, then the shared scratch. */
  baseOf(buffer: number): Base {
    return { slot: Math.min(buffer, this.#operands.length), byteOffset: 0 };
  }

  pushSlot(f: FunctionBuilder, slot: number): void {
    if (slot < this.#operands.length) f.get(phaseParams.length + slot);
    else this.#program.pushSlot(f, this.#program.slots.shared);
  }

  phase(name: string): FunctionBuilder {
    return this.#program.phase(name, this.#operands);
  }

  needScratch(bytes: number): void {
    this.#program.needScratch(bytes);
  }

  needShared(bytes: number): void {
    this.#program.needShared(bytes);
  }

  helper(name: string, make: () => FunctionBuilder): FunctionBuilder {
    return this.#program.helper(name, make);
  }
}
