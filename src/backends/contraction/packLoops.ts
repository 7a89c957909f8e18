// Packing as loops, for sides that are not a matrix in memory: evaluates the expression of each element of the panels.
import { canonical, flatAxes, unflatten } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  cast,
  constant,
  int,
  mul,
  newAxis,
  type Scalar,
  select,
} from "../../graph/scalar.ts";
import { replaceAxes } from "../analysis/axes.ts";
import { extentOf } from "../analysis/steps.ts";
import type { Side } from "./sides.ts";
import { type PanelLayout, panelElements } from "./sources.ts";

/** A side to pack. */
export interface Packing {
  readonly kernel: ContractionKernel;
  readonly side: Side;
  readonly layout: PanelLayout;
}

/** `count` items, starting at `first`. */
interface Range {
  readonly first: number;
  readonly count: number;
}

/**
 * `rest`: the content of the last panel beyond the last row or column. "zeros" are written by the same loops. "anything" is unwritten
 * memory: partial panels have separate loops, without a condition.
 */
export function packLoops(packing: Packing, buffer: number, rest: "zeros" | "anything"): LoopKernel[] {
  const { kernel, side, layout } = packing;
  const { width, count, kc, blocks } = layout;
  const [outer, k] = [extentOf(side.group.inner), extentOf(kernel.k)];
  const full = rest === "zeros" ? count : Math.floor(outer / width);
  const panels = [
    { first: 0, count: full, lanes: width },
    { first: full, count: count - full, lanes: outer - full * width },
  ];
  const whole = Math.floor(k / kc);
  const inBlocks = [
    { first: 0, count: whole, steps: kc },
    { first: whole, count: blocks - whole, steps: k - whole * kc },
  ];
  return inBlocks.flatMap(({ steps, ...block }) =>
    panels.flatMap(({ lanes, ...panel }) =>
      panel.count * block.count === 0 ? [] : [packPiece(packing, buffer, { panel, lanes, block, steps })],
    ),
  );
}

/** The loops over some panels and blocks of k. */
function packPiece(
  { kernel, side, layout }: Packing,
  buffer: number,
  piece: { readonly panel: Range; readonly lanes: number; readonly block: Range; readonly steps: number },
): LoopKernel {
  const { width, count, kc, batch, place, blocks } = layout;
  const [panel, lane, block] = [newAxis(piece.panel.count), newAxis(piece.lanes), newAxis(piece.block.count)];
  const panelAt = add(axisValue(panel), int(piece.panel.first));
  const blockAt = add(axisValue(block), int(piece.block.first));
  const by = new Map<number, Scalar>();
  const spread = (axes: readonly Axis[], flat: Scalar): void =>
    unflatten(
      flat,
      axes.map(({ extent }) => extent),
    ).forEach((part, dim) => {
      by.set(at(axes, dim).id, part);
    });
  const outer = add(mul(panelAt, int(width)), axisValue(lane));
  const extent = extentOf(side.group.inner);
  spread(side.group.inner, outer);
  // A single block uses the steps of k themselves.
  const steps = blocks === 1 ? kernel.k.filter(({ extent }) => extent !== 1) : [newAxis(piece.steps)];
  if (blocks > 1) spread(kernel.k, add(mul(blockAt, int(kc)), flatAxes(steps)));
  const index = [
    mul(flatAxes(batch), int(panelElements(layout))),
    mul(blockAt, int(count * kc * width)),
    mul(panelAt, int(kc * width)),
    mul(flatAxes(steps), int(width)),
    axisValue(lane),
  ].reduce(add, int(place));
  const value = cast(replaceAxes(side.value, by), kernel.dtype);
  const isFull = (piece.panel.first + piece.panel.count - 1) * width + piece.lanes <= extent;
  const filled = isFull ? value : select(binary("lt", outer, int(extent)), value, constant(0, kernel.dtype));
  return {
    kind: "loops",
    name: `${kernel.name}, packed`,
    axes: [...batch, ...(blocks === 1 ? [] : [block]), panel, ...steps, lane],
    body: [{ kind: "store", buffer, index: canonical(index), value: filled }],
  };
}
