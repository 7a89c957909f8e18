// A program that runs in stages: arguments may arrive late, and the results of a stage are available before the next begins.
import type { Block } from "../backends/backend.ts";
import type { Compiled, Output } from "../compiler/compiled.ts";
import type { Program } from "../compiler/kernel.ts";
import { loadedBuffers, storedBuffers } from "../compiler/lower.ts";
import { at } from "../graph/at.ts";
import type { DeviceMemory } from "./deviceMemory.ts";
import { BoundProgram, noBlock } from "./execution.ts";
import type { Storage } from "./storage.ts";

export class StagedProgram extends BoundProgram {
  /** For each stage, the slots that it is the first to touch. */
  readonly #slotsOf: readonly (readonly number[])[];
  /** The results of the stages that have run, by slot. */
  #fresh: (Storage | undefined)[] = [];

  constructor(memory: DeviceMemory, compiled: Compiled, outputs: readonly Output[]) {
    super(memory, compiled, outputs, true);
    this.#slotsOf = slotsByStage(compiled.program, this.executable.runStage !== undefined);
  }

  /** The number of stages. A device without stages runs everything in the first. */
  get stages(): number {
    return this.compiled.program.stageEnds?.length ?? 1;
  }

  /** Whether it can pause between stages. */
  get pauses(): boolean {
    return this.executable.runStage !== undefined;
  }

  /** Indices of the arguments that a stage is the first to read. */
  readsFirst(stage: number): number[] {
    return at(this.#slotsOf, stage).flatMap((slot) => {
      const binding = at(this.bindings, slot);
      return binding.kind === "argument" ? [binding.place] : [];
    });
  }

  /**
   * Runs one stage; stages run in order. `args` must hold the arguments of this and earlier stages. `into`: the storage for a result, by its
   * index; undefined: new memory.
   */
  runStage(args: readonly (Storage | undefined)[], stage: number, into: (result: number) => Storage | undefined): void {
    const { executable, memory } = this;
    if (stage === 0) {
      for (const cell of this.written) memory.beforeWrite(cell);
      this.#fresh = [];
    }
    const blocks: (Block | undefined)[] = this.blocks.map((block) => (block === noBlock ? undefined : block));
    for (const slot of at(this.#slotsOf, stage)) {
      this.bind(slot, args, this.#fresh, into);
      blocks[slot] = this.blocks[slot];
    }
    const failure =
      executable.runStage === undefined ? executable.run(this.blocks) : executable.runStage(blocks, stage);
    if (failure !== undefined) {
      this.letGo();
      throw this.failed(failure);
    }
  }

  /** The value of a result, once its stage has run. */
  resultOf(result: number): Storage {
    return this.valueOf(at(this.results, result), this.#fresh);
  }

  /** Call it after the last stage. */
  finish(): void {
    this.letGo();
  }
}

function slotsByStage({ kernels, buffers, argumentCount, stageEnds }: Program, pauses: boolean): number[][] {
  const slots = Array.from({ length: argumentCount }, (_, slot) => slot);
  if (stageEnds === undefined) return [slots];
  const found = stageEnds.map((): number[] => []);
  const left = new Set(slots);
  stageEnds.forEach((end, stage) => {
    const own = pauses ? kernels.slice(at([0, ...stageEnds], stage), end) : stage === 0 ? kernels : [];
    for (const buffer of own.flatMap((kernel) => [...loadedBuffers(kernel), ...storedBuffers(kernel)])) {
      const placement = buffers[buffer]?.placement;
      if (placement?.kind === "argument" && left.delete(placement.slot)) at(found, stage).push(placement.slot);
    }
  });
  // Slots that no kernel touches.
  at(found, 0).push(...left);
  return found;
}
