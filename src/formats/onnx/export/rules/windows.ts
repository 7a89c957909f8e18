// Sliding windows and their transpose, by lookups along one dim at a time.
import { at } from "../../../../graph/at.ts";
import type { Node } from "../../../../graph/node.ts";
import { type Emitter, plain } from "../emitter.ts";
import { sameSizes } from "../sizes.ts";
import { range } from "./movement.ts";
import type { Rule, RuleTable } from "./rule.ts";

interface Spatial {
  readonly rank: number;
  readonly lead: number;
  readonly kernel: readonly number[];
}

function spatialOf(node: Node, out: Emitter): Spatial {
  const rank = (node.attributes.stride as readonly number[]).length;
  const lead = node.shape.length - 2 * rank;
  const kernel = out
    .shape(node)
    .slice(lead + rank)
    .map((size) => out.fixed(size, node, "the size of a window"));
  return { rank, lead, kernel };
}

/** The original input, if the input is its expansion over the window dims. */
function repeatedOf(node: Node, out: Emitter, { rank, lead }: Spatial): Node | undefined {
  const input = plain(node.inputs[0] as Node);
  if (input.op.name !== "expand") return undefined;
  const column = plain(input.inputs[0] as Node);
  if (column.op.name !== "reshape") return undefined;
  const x = column.inputs[0] as Node;
  const fits =
    sameSizes(out.shape(x), out.shape(input).slice(0, lead + rank)) &&
    column.shape.slice(lead + rank).every((e) => e === 1);
  return fits ? x : undefined;
}

const window: Rule = (node, out) => {
  const spatial = spatialOf(node, out);
  const { rank, lead, kernel } = spatial;
  const { stride, dilation } = node.attributes as Record<string, readonly number[]>;
  const counts = out
    .shape(node)
    .slice(lead, lead + rank)
    .map((size) => out.fixed(size, node, "the number of windows"));
  const x = repeatedOf(node, out, spatial);
  if (x !== undefined) {
    // Last dim first, so that the other axes keep their index: [.., h, w] → [.., h, y, u] → …
    const found = range(0, rank).reduceRight((name, dim) => {
      const [count, extent] = [at(counts, dim), at(kernel, dim)];
      const places = range(0, count * extent).map(
        (place) => Math.floor(place / extent) * at(stride ?? [], dim) + (place % extent) * at(dilation ?? [], dim),
      );
      return out.op("Gather", [name, out.constant(places, [count, extent], "int32")], { axis: lead + dim });
    }, out.value(x));
    // [lead, y₀, u₀, y₁, u₁] → [lead, y₀, y₁, u₀, u₁]
    return out.permute(found, [
      ...range(0, lead),
      ...range(0, rank).map((dim) => lead + 2 * dim),
      ...range(0, rank).map((dim) => lead + 2 * dim + 1),
    ]);
  }
  const extents = out.shape(node.inputs[0] as Node).slice(lead, lead + rank);
  return range(0, rank).reduce(
    (name, dim) => {
      const extent = out.fixed(at(extents as readonly number[], dim), node, "the size that windows move over");
      const place = (y: number, u: number): number => y * at(stride ?? [], dim) + u * at(dilation ?? [], dim);
      return lookedUp(node, out, { name, spatial, dim, from: extent, to: at(counts, dim), place });
    },
    out.value(node.inputs[0] as Node),
  );
};

const spread: Rule = (node, out) => {
  const spatial = spatialOf(node, out);
  const { rank, lead } = spatial;
  const { stride, dilation } = node.attributes as Record<string, readonly number[]>;
  const [before, after] = [out.shape(node.inputs[0] as Node), out.shape(node)].map((shape) =>
    shape.slice(lead, lead + rank).map((size) => out.fixed(size, node, "the number of windows")),
  ) as [number[], number[]];
  return range(0, rank).reduce(
    (name, dim) => {
      const count = at(before, dim);
      // Adds a window of zeros for elements that no window covers.
      const amounts = node.shape.map((_, axis) => (axis === lead + dim ? 1 : 0));
      const zeros = out.writer.ints([...amounts.map(() => 0), ...amounts]);
      const padded = out.op("Pad", [name, zeros, out.number(0, node.dtype)], { mode: "constant" });
      const place = (h: number, u: number): number => {
        const offset = h - u * at(dilation ?? [], dim);
        const y = offset / at(stride ?? [], dim);
        return Number.isInteger(y) && y >= 0 && y < count ? y : count;
      };
      return lookedUp(node, out, { name: padded, spatial, dim, from: count + 1, to: at(after, dim), place });
    },
    out.value(node.inputs[0] as Node),
  );
};

interface Lookup {
  readonly name: string;
  readonly spatial: Spatial;
  readonly dim: number;
  readonly from: number;
  readonly to: number;
  /** The source index along the dim for element (y, u) of the result. */
  place(y: number, u: number): number;
}

/** [.., from, .., u, ..] → [.., to, .., u, ..], with an individual source index for each element along the dim. */
function lookedUp(node: Node, out: Emitter, { name, spatial, dim, from, to, place }: Lookup): string {
  const { rank, lead, kernel } = spatial;
  const total = node.shape.length;
  const [y, u] = [lead + dim, lead + rank + dim];
  const order = [...range(0, total).filter((axis) => axis !== y && axis !== u), y, u];
  const last = out.permute(name, order);
  const extent = at(kernel, dim);
  const flat = out.op("Reshape", [last, out.writer.ints([...new Array<number>(total - 2).fill(0), from * extent])]);
  const places = range(0, to * extent).map((k) => place(Math.floor(k / extent), k % extent) * extent + (k % extent));
  const found = out.op("Gather", [flat, out.constant(places, [to, extent], "int32")], { axis: total - 2 });
  const back = range(0, total).map((axis) => order.indexOf(axis));
  return out.permute(found, back);
}

export const windows: RuleTable = { window, spread };
