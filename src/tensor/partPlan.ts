// The stages of the parts of a cut program: after each stage a bucket can be sent; before each, the buckets it reads must have arrived.
import type { Output } from "../compiler/compiled.ts";
import { at } from "../graph/at.ts";
import type { Node, Source } from "../graph/node.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { Argument } from "../runtime/index.ts";
import type { Cut, Part } from "./cutting.ts";
import { type Landings, landingsOf, type PlannedPart } from "./landings.ts";
import { type Bucket, bucketsOf } from "./together.ts";

export interface PartPlan {
  readonly outputs: readonly Output[];
  readonly checks: readonly Node[];
  readonly stages: number;
  /** Places of the part's results among the values, in order. */
  readonly results: readonly number[];
  /** The bucket sent after each stage. A part without collectives has none. */
  readonly buckets: readonly Bucket[];
  /** After each stage: the numbers of the buckets, of all parts, whose memory is no longer read. */
  readonly spent: readonly (readonly number[])[];
  /** Places of values that belong to no bucket and that nothing reads after this part. */
  readonly discarded: readonly number[];
}

export interface PlanOptions {
  readonly argumentCount: number;
  readonly ranks: number;
}

/** The plan follows from the graph alone, not from how a rank compiles it, so that all ranks borrow memory, begin and end in the same order. */
export function planParts(cut: Cut, { argumentCount, ranks }: PlanOptions): PartPlan[] {
  /** The bucket that brings a value, by its place. */
  const bucketOf = new Map<number, number>();
  /** The last reader of each value. */
  const lastRead = new Map<number, { readonly part: number; readonly stage: number }>();
  let count = 0;
  const first: number[] = [];
  const planned: PlannedPart[] = [];
  let landings: Landings | undefined;
  const staged = cut.parts.map((given, k) => {
    if (k > 0 && k === cut.parts.length - 1) landings = landingsOf(cut, planned, argumentCount);
    const part = k === planned.length && landings !== undefined ? landings.rest : given;
    const made = part.collectives.map((each) => ({
      ...each,
      place: argumentCount + each.place,
      input: argumentCount + each.input,
    }));
    const buckets = bucketsOf(made, ranks);
    const results = part.results.map((place) => argumentCount + place);
    const stages = stagesOf(part, { buckets, results, bucketOf });
    for (const place of results) lastRead.set(place, { part: k, stage: stages.count - 1 });
    for (const [place, stage] of stages.lastReads) lastRead.set(place, { part: k, stage });
    first.push(count);
    buckets.forEach(({ members }, b) => {
      for (const { input, place } of members) {
        const known = lastRead.get(input);
        lastRead.set(input, { part: k, stage: known?.part === k ? Math.max(known.stage, b) : b });
        // An unused result is never read.
        lastRead.set(place, { part: k, stage: stages.count - 1 });
        bucketOf.set(place, count);
      }
      count++;
    });
    planned.push({ buckets, cellReads: stages.cellReads });
    return { part, buckets, results, stages };
  });
  const landing = landings?.cells;
  const kept = new Set(cut.results.map((place) => argumentCount + place));
  const spent = staged.map(({ stages }) => Array.from({ length: stages.count }, (): number[] => []));
  staged.forEach(({ buckets }, k) => {
    buckets.forEach(({ members }, b) => {
      let end = { part: k, stage: 0 };
      for (const { place } of members) {
        const read = lastRead.get(place) ?? end;
        if (read.part > end.part || (read.part === end.part && read.stage > end.stage)) end = read;
      }
      // Results for the caller are copied after all parts have run.
      if (members.every(({ place }) => !kept.has(place))) at(at(spent, end.part), end.stage).push(at(first, k) + b);
    });
  });
  return staged.map(({ part, buckets, results, stages }, k): PartPlan => {
    const discarded = [...lastRead].flatMap(([place, read]) =>
      read.part === k && !bucketOf.has(place) && !kept.has(place) && place >= argumentCount ? [place] : [],
    );
    return {
      outputs: part.outputs.map((output, place) => ({ ...output, stage: at(stages.ofOutputs, place) })),
      checks: part.checks,
      stages: stages.count,
      results,
      buckets: buckets.map((bucket): Bucket => ({ ...bucket, lands: landing?.get(bucket) })),
      spent: at(spent, k),
      discarded,
    };
  });
}

interface Stages {
  readonly count: number;
  readonly ofOutputs: readonly number[];
  /** The last stage that reads a value of an earlier part, by its place. */
  readonly lastReads: ReadonlyMap<number, number>;
  /** The last stage that reads a state. */
  readonly cellReads: ReadonlyMap<Source, number>;
}

function stagesOf(
  { outputs, checks }: Part,
  {
    buckets,
    results,
    bucketOf,
  }: {
    readonly buckets: readonly Bucket[];
    readonly results: readonly number[];
    readonly bucketOf: ReadonlyMap<number, number>;
  },
): Stages {
  const order = topologicalOrder([...outputs.map(({ node }) => node), ...checks]);
  /** The last bucket of earlier parts that a node depends on; −1 for none. */
  const needs = new Map<Node, number>();
  for (const node of order) {
    const own = node.source instanceof Argument ? (bucketOf.get(node.source.place) ?? -1) : -1;
    needs.set(
      node,
      node.inputs.reduce((most, input) => Math.max(most, needs.get(input) ?? -1), own),
    );
  }
  const needOf = ({ node }: Output): number => needs.get(node) ?? -1;
  let result = 0;
  const placeOf = outputs.map(({ updates }) => (updates === undefined ? results[result++] : undefined));
  const bucketWith = (place: number | undefined): number =>
    place === undefined ? -1 : buckets.findIndex(({ members }) => members.some(({ input }) => input === place));
  const levels = [...new Set(outputs.map(needOf))].sort((a, b) => a - b);
  const count = Math.max(1, buckets.length > 0 ? buckets.length : levels.length);
  /** The latest bucket that each bucket depends on. */
  const neededBy = buckets.map(() => -1);
  outputs.forEach((output, k) => {
    const bucket = bucketWith(placeOf[k]);
    if (bucket >= 0) neededBy[bucket] = Math.max(at(neededBy, bucket), needOf(output));
  });
  const ofOutputs = outputs.map((output, k) => {
    const need = needOf(output);
    if (buckets.length === 0) return need < 0 ? count - 1 : levels.indexOf(need);
    const own = bucketWith(placeOf[k]);
    if (own >= 0) return own;
    const bucket = output.updates === undefined || need < 0 ? -1 : neededBy.findIndex((needed) => needed >= need);
    return bucket < 0 ? count - 1 : bucket;
  });
  const late = new Map<Node, number>();
  const ask = (node: Node, stage: number): void => {
    late.set(node, Math.max(late.get(node) ?? 0, stage));
  };
  outputs.forEach(({ node }, k) => {
    ask(node, at(ofOutputs, k));
  });
  const lastReads = new Map<number, number>();
  const cellReads = new Map<Source, number>();
  for (const node of [...order].reverse()) {
    const stage = late.get(node) ?? 0;
    for (const input of node.inputs) ask(input, stage);
    const { source } = node;
    if (source instanceof Argument) lastReads.set(source.place, Math.max(lastReads.get(source.place) ?? 0, stage));
    else if (source !== undefined) cellReads.set(source, Math.max(cellReads.get(source) ?? 0, stage));
  }
  return { count, ofOutputs, lastReads, cellReads };
}
