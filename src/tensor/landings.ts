// Gathered values that only become states are written into the states as they arrive, which avoids memory for all of them at once.
import { at } from "../graph/at.ts";
import { isOp, type Node, type Source } from "../graph/node.ts";
import { stopGradientOp } from "../graph/ops/elementwise.ts";
import { reshapeOp, sliceOp } from "../graph/ops/movement.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { Argument, Cell } from "../runtime/index.ts";
import type { Cut, Part } from "./cutting.ts";
import type { Bucket } from "./together.ts";

/** The plan of a part before the last. */
export interface PlannedPart {
  readonly buckets: readonly Bucket[];
  /** The last stage that reads each state. */
  readonly cellReads: ReadonlyMap<Source, number>;
}

export interface Landings {
  /** For each bucket that lands as a whole, the states of its members. */
  readonly cells: ReadonlyMap<Bucket, readonly Cell[]>;
  /** The last part, without the outputs that land. */
  readonly rest: Part;
}

/** `planned`: all parts but the last. Only the last writes states from gathered values. */
export function landingsOf(cut: Cut, planned: readonly PlannedPart[], argumentCount: number): Landings {
  const last = at(cut.parts, planned.length);
  const wanted = new Map<number, Cell>();
  for (const { node, updates } of last.outputs) {
    const place = gatheredPlace(node);
    if (place !== undefined && updates instanceof Cell && !wanted.has(place)) wanted.set(place, updates);
  }
  const isWanted = ({ node, updates }: Part["outputs"][number]): boolean =>
    updates !== undefined && wanted.get(gatheredPlace(node) ?? -1) === updates;
  const reads = cut.parts.map((part) =>
    sourcesOf(
      part.outputs.filter((output) => !isWanted(output)),
      part.checks,
    ),
  );
  const results = new Set(cut.results.map((place) => argumentCount + place));
  const lands = (place: number, part: number, stage: number): boolean => {
    const cell = wanted.get(place);
    return (
      cell !== undefined &&
      !results.has(place) &&
      !reads.some(({ places }) => places.has(place)) &&
      !reads.some(({ sources }, k) => k > part && sources.has(cell)) &&
      (at(planned, part).cellReads.get(cell) ?? -1) <= stage
    );
  };
  const cells = new Map<Bucket, readonly Cell[]>();
  planned.forEach(({ buckets }, part) => {
    // A failed check must leave the states unchanged.
    if (cut.parts.some(({ checks }, k) => k >= part && checks.length > 0)) return;
    buckets.forEach((bucket, stage) => {
      if (bucket.kind === "allGather" && bucket.members.every(({ place }) => lands(place, part, stage)))
        cells.set(
          bucket,
          bucket.members.flatMap(({ place }) => wanted.get(place) ?? []),
        );
    });
  });
  const landed = new Set([...cells.values()].flat());
  const outputs = last.outputs.filter(
    (output) => !(isWanted(output) && output.updates instanceof Cell && landed.has(output.updates)),
  );
  return { cells, rest: { ...last, outputs } };
}

/** The place of the value whose first elements, in their order, form the node. */
function gatheredPlace(node: Node): number | undefined {
  if (node.source instanceof Argument) return node.source.place;
  const [input] = node.inputs;
  if (input === undefined) return undefined;
  const first =
    isOp(node, sliceOp) &&
    input.shape.length === 1 &&
    node.attributes.starts[0] === 0 &&
    (node.attributes.steps[0] === 1 || node.shape[0] === 1);
  return first || isOp(node, reshapeOp) || isOp(node, stopGradientOp) ? gatheredPlace(input) : undefined;
}

function sourcesOf(outputs: Part["outputs"], checks: readonly Node[]) {
  const sources = new Set<Source>();
  const places = new Set<number>();
  for (const { source } of topologicalOrder([...outputs.map(({ node }) => node), ...checks])) {
    if (source !== undefined) sources.add(source);
    if (source instanceof Argument) places.add(source.place);
  }
  return { sources, places };
}
