// A program cut at its collectives: its parts run one after the other, and between them the ranks exchange values.
import { compileGraph } from "../compiler/compile.ts";
import type { Output } from "../compiler/compiled.ts";
import { at } from "../graph/at.ts";
import { InternalError } from "../graph/errors.ts";
import {
  Argument,
  BoundProgram,
  type Cell,
  type Communicator,
  type CutOptions,
  type CutProgram,
  type Storage,
  type Togetherness,
} from "../runtime/index.ts";
import { type Cut, cutAtCollectives } from "./cutting.ts";
import { carryOutCollective, Exchange } from "./together.ts";

class PartedProgram implements CutProgram {
  readonly parts: readonly BoundProgram[];
  readonly memory: CutOptions["memory"];
  readonly cells: readonly Cell[];
  readonly #world: Communicator;
  readonly #cut: Cut;
  readonly #exchanges: readonly Exchange[];
  readonly #argumentCount: number;
  /** Places of values that nothing reads once a part has run and its collectives are carried out. */
  readonly #spent: readonly (readonly number[])[];

  constructor(
    world: Communicator,
    name: string,
    outputs: readonly Output[],
    { checks, argumentCount, memory }: CutOptions,
  ) {
    this.#cut = cutAtCollectives(outputs, checks, argumentCount);
    this.#argumentCount = argumentCount;
    this.#world = world;
    this.memory = memory;
    this.parts = this.#cut.parts.map((part, k) => {
      const compiled = compileGraph(`${name}, part ${k + 1}`, part.outputs, { checks: part.checks });
      return new BoundProgram(memory, compiled, part.outputs, true);
    });
    this.cells = [...new Set(this.parts.flatMap(({ cells }) => cells))];
    const kept = new Set(this.#cut.results.map((place) => argumentCount + place));
    this.#exchanges = this.#cut.parts.map(({ collectives }) => {
      const at = argumentCount;
      return new Exchange(
        collectives.map(({ node, place, input }) => ({ node, place: at + place, input: at + input })),
        { ranks: world.size, kept },
      );
    });
    this.#spent = this.#spentBehind(kept);
  }

  #spentBehind(kept: ReadonlySet<number>): number[][] {
    const lastRead = new Map<number, number>();
    this.#cut.parts.forEach(({ results, collectives }, k) => {
      // What is made in vain is read by nobody.
      for (const place of results) lastRead.set(this.#argumentCount + place, k);
      for (const { place } of collectives) lastRead.set(this.#argumentCount + place, k);
      for (const slot of (this.parts[k] as BoundProgram).compiled.slots)
        if (slot.kind === "source" && slot.source instanceof Argument) lastRead.set(slot.source.place, k);
      for (const { input } of collectives) lastRead.set(this.#argumentCount + input, k);
    });
    const spent: number[][] = this.parts.map(() => []);
    for (const [place, k] of lastRead) if (place >= this.#argumentCount && !kept.has(place)) at(spent, k).push(place);
    return spent;
  }

  run(args: readonly Storage[]): Storage[] {
    const values: (Storage | undefined)[] = [...args];
    const behind = this.#argumentCount;
    this.#cut.parts.forEach(({ results }, k) => {
      // A part reads only what earlier ones gave.
      const made = (this.parts[k] as BoundProgram).run(values as readonly Storage[]);
      results.forEach((place, result) => {
        values[behind + place] = made[result];
      });
      this.#exchanges[k]?.carryOut(this.#world, values);
      // At once, not when garbage is collected: they are as large as the weights.
      for (const place of at(this.#spent, k)) {
        const value = values[place];
        if (value !== undefined) this.memory.discard(value);
        values[place] = undefined;
      }
    });
    return this.#cut.results.map((place) => {
      const value = values[behind + place];
      if (value === undefined) throw new InternalError("a result of a cut program was not made");
      return value;
    });
  }

  release(): void {
    for (const part of this.parts) part.release();
  }
}

/** How collectives on tensors are carried out, for the ranks to bring along. */
export const together: Togetherness = {
  cut: (world, name, outputs, options) => new PartedProgram(world, name, outputs, options),
  value: carryOutCollective,
};
