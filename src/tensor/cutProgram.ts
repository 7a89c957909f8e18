// A program cut at its collectives: its parts run one after the other, in stages, while the ranks communicate.
import { compileGraph } from "../compiler/compile.ts";
import type { Output } from "../compiler/compiled.ts";
import { at } from "../graph/at.ts";
import { InternalError } from "../graph/errors.ts";
import {
  type Cell,
  type Communicator,
  type CutOptions,
  type CutProgram,
  StagedProgram,
  type Storage,
  type Togetherness,
} from "../runtime/index.ts";
import { cutAtCollectives } from "./cutting.ts";
import { type PartPlan, planParts } from "./partPlan.ts";
import { drawShare } from "./shareDraws.ts";
import { type Bucket, carryOutCollective, hostValue, Travel } from "./together.ts";

class PartedProgram implements CutProgram {
  readonly parts: readonly StagedProgram[];
  readonly memory: CutOptions["memory"];
  readonly cells: readonly Cell[];
  readonly #world: Communicator;
  readonly #ranks: number;
  readonly #plans: readonly PartPlan[];
  readonly #results: readonly number[];
  /** Values read only by the bucket that they are written to. */
  readonly #givenAway: ReadonlySet<number>;

  constructor(
    world: Communicator,
    name: string,
    outputs: readonly Output[],
    { checks, argumentCount, memory }: CutOptions,
  ) {
    const cut = cutAtCollectives(outputs, checks, argumentCount);
    this.#plans = planParts(cut, { argumentCount, ranks: world.size });
    this.#results = cut.results.map((place) => argumentCount + place);
    this.#world = world;
    this.#ranks = world.size;
    this.memory = memory;
    this.parts = this.#plans.map((plan, k) => {
      const compiled = compileGraph(`${name}, part ${k + 1}`, plan.outputs, { checks: plan.checks });
      return new StagedProgram(memory, compiled, plan.outputs);
    });
    const landing = this.#plans.flatMap(({ buckets }) => buckets.flatMap(({ lands = [] }) => lands));
    this.cells = [...new Set([...this.parts.flatMap(({ cells }) => cells), ...landing])];
    this.#givenAway = this.#readOnce();
  }

  #readOnce(): Set<number> {
    const reads = new Map<number, number>();
    const read = (place: number): void => void reads.set(place, (reads.get(place) ?? 0) + 1);
    for (const place of this.#results) read(place);
    this.#plans.forEach(({ buckets }, k) => {
      for (const { members } of buckets) for (const { input } of members) read(input);
      const program = at(this.parts, k);
      for (let stage = 0; stage < program.stages; stage++) for (const place of program.readsFirst(stage)) read(place);
    });
    const given = this.#plans.flatMap(({ buckets }) =>
      buckets.flatMap(({ members }) => members.map(({ input }) => input)),
    );
    return new Set(given.filter((place) => reads.get(place) === 1));
  }

  run(args: readonly Storage[]): Storage[] {
    if (this.#world.size !== this.#ranks)
      throw new InternalError("a step runs among other ranks than it was traced for");
    const run = new Run(this.#world, this.memory, args);
    this.#plans.forEach((plan, k) => {
      this.#runPart(at(this.parts, k), plan, run);
    });
    const results = this.#results.map((place) => run.own(place));
    run.end();
    return results;
  }

  #runPart(program: StagedProgram, plan: PartPlan, run: Run): void {
    const { results, buckets } = plan;
    for (let stage = 0; stage < plan.stages; stage++) {
      for (const place of program.readsFirst(stage)) run.need(place);
      const bucket = buckets[stage];
      const travel = bucket === undefined ? undefined : run.open(bucket);
      if (stage === 0 || program.pauses) {
        program.runStage(run.values, stage, (result) => {
          const place = at(results, result);
          return travel !== undefined && this.#givenAway.has(place) ? run.into(travel, place) : undefined;
        });
        run.progress();
      }
      if (travel !== undefined) {
        for (const { input } of travel.bucket.members) {
          const result = results.indexOf(input);
          if (result >= 0) run.values[input] = program.resultOf(result);
        }
        run.send(travel);
      }
      for (const number of at(plan.spent, stage)) run.close(number);
    }
    results.forEach((place, result) => {
      if (!this.#givenAway.has(place)) run.values[place] = program.resultOf(result);
    });
    program.finish();
    for (const place of plan.discarded) run.discard(place);
  }

  release(): void {
    for (const part of this.parts) part.release();
  }
}

/** Buckets in flight before the program waits for the first of them. */
const mostSent = 2;
/** Their total bytes: with larger buckets, one is in flight while the next is computed. */
const mostSentBytes = 16 * 2 ** 20;

/** The values of one run, by place, and the buckets in flight. */
class Run {
  readonly values: (Storage | undefined)[];
  readonly #world: Communicator;
  readonly #memory: CutOptions["memory"];
  /** By number, in the order in which they begin. */
  readonly #travels: (Travel | undefined)[] = [];
  /** Buckets in flight whose values have not been needed yet. */
  readonly #coming = new Map<number, Travel>();
  /** The buckets sent last. */
  readonly #sent: Travel[] = [];

  constructor(world: Communicator, memory: CutOptions["memory"], args: readonly Storage[]) {
    this.#world = world;
    this.#memory = memory;
    this.values = [...args];
  }

  open(bucket: Bucket): Travel {
    const travel = new Travel(this.#world, bucket);
    this.#travels.push(travel);
    return travel;
  }

  /** The place in a bucket's memory that a program may write a value to. */
  into(travel: Travel, place: number): Storage | undefined {
    const member = travel.bucket.members.find(({ input }) => input === place);
    const memory = member === undefined ? undefined : travel.placeOf(member);
    const input = member?.node.inputs[0];
    if (memory === undefined || input === undefined) return undefined;
    const storage = this.#memory.over(input.dtype, input.shape, memory);
    return storage.place.block === undefined ? undefined : storage;
  }

  send(travel: Travel): void {
    for (const member of travel.bucket.members) {
      const value = this.values[member.input];
      if (value === undefined) throw new InternalError("a collective comes before its input");
      const host = hostValue(value);
      const there = travel.placeOf(member);
      if (there === undefined || there.buffer !== host.buffer || there.byteOffset !== host.byteOffset)
        travel.put(member, host);
      if (travel.bucket.lands === undefined) this.#coming.set(member.place, travel);
    }
    travel.begin();
    // Gradients, and new weights, are as large as the network's weights. So sent memory is released as soon as the sums or the states hold the data.
    this.#sent.push(travel);
    const sentBytes = (): number => this.#sent.reduce((sum, { memory }) => sum + memory.byteLength, 0);
    while (this.#sent.length > mostSent || (this.#sent.length > 1 && sentBytes() > mostSentBytes))
      this.#sent.shift()?.settle();
  }

  progress(): void {
    this.#world.progress();
  }

  /** Waits for a value that a bucket brings. */
  need(place: number): void {
    const travel = this.#coming.get(place);
    if (travel === undefined) return;
    for (const member of travel.bucket.members) {
      const { node } = member;
      this.values[member.place] = this.#memory.over(node.dtype, node.shape, travel.take(member));
      this.#coming.delete(member.place);
    }
  }

  /** The value of a place, as memory that outlives the run. */
  own(place: number): Storage {
    this.need(place);
    const value = this.values[place];
    if (value === undefined) throw new InternalError("a result of a cut program was not made");
    const travels = this.#travels.some((travel) => travel?.bucket.members.some((member) => member.place === place));
    return travels ? this.#memory.detached(value) : value;
  }

  close(number: number): void {
    const travel = this.#travels[number];
    if (travel === undefined) return;
    for (const { place } of travel.bucket.members) {
      this.#coming.delete(place);
      this.discard(place);
    }
    travel.end();
    this.#travels[number] = undefined;
  }

  /** At once rather than at garbage collection: these values are as large as the weights. */
  discard(place: number): void {
    const value = this.values[place];
    if (value !== undefined) this.#memory.discard(value);
    this.values[place] = undefined;
  }

  end(): void {
    this.#travels.forEach((_, number) => {
      this.close(number);
    });
  }
}

/** The implementation of collectives on tensors, which the ranks plug in. */
export const together: Togetherness = {
  cut: (world, name, outputs, options) => new PartedProgram(world, name, outputs, options),
  value: carryOutCollective,
  drawShare,
};
