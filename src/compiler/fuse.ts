// Groups realised nodes into kernels: a node joins the kernel of its latest input if their loops line up.
import { at } from "../graph/at.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import { loadElement, storedElement } from "../graph/halves.ts";
import { type Attributes, type ContractionRule, isOp, type Node, type Rule, type TileElement } from "../graph/node.ts";
import { type CheckAttributes, isCheck } from "../graph/ops/check.ts";
import { permuteOp, reshapeOp } from "../graph/ops/movement.ts";
import { type Axis, axisValue, localValue, newAxis, newLocal, type Scalar } from "../graph/scalar.ts";
import { mostElements, sameShape, sizeOf } from "../graph/shape.ts";
import { visitAncestors } from "../graph/walk.ts";
import type { CheckGroup } from "./checkKernel.ts";
import { ElementComposer } from "./composeElements.ts";
import type { BufferIds, ContractionGroup, Group, KernelGroup, LoopGroup } from "./groups.ts";
import { flatAxes, flatten, indexRange, trimIndices, unflatten } from "./indexing.ts";
import type { LoopKernel, Statement } from "./kernel.ts";
import { axesOf, copyKernel, nameOfNode } from "./lower.ts";
import { reductionIndex, reductionKey, reductionOf } from "./reduction.ts";
import type { Schedule } from "./schedule.ts";
import { type Stage, Stages } from "./stages.ts";

type TileRule = Extract<Rule<Attributes>, { kind: "tile" }>;

/** With fewer parallel rows, a reduction joins the loop that produces its input only if everything is small. */
const enoughRows = 64;
const smallSize = 1 << 14;
/** Most groups that a reduction is compared with. */
const mostCandidates = 256;
/** Elements that stay in the caches until a later kernel reads them. */
const cachedSize = 1 << 16;

export function fuse(schedule: Schedule, buffers: BufferIds): Group[] {
  return new Fuser(schedule, buffers).run();
}

class Fuser {
  readonly #groups: Group[] = [];
  readonly #groupOf = new Map<Node, number>();
  /** Indices of groups with reductions, in order, keyed by the dims their first reduction walks. */
  readonly #reducing = new Map<string, number[]>();
  readonly #schedule: Schedule;
  readonly #buffers: BufferIds;

  constructor(schedule: Schedule, buffers: BufferIds) {
    this.#schedule = schedule;
    this.#buffers = buffers;
  }

  run(): Group[] {
    for (const node of this.#schedule.order) {
      if (isCheck(node)) this.#groups.push(...this.#openCheck(node));
      if (!this.#schedule.realized.has(node)) continue;
      if (node.op.rule.kind === "result") {
        this.#openRepeat(node);
        continue;
      }
      const parts = this.#schedule.assembled.get(node);
      if (parts !== undefined) {
        if (parts.length === 0) continue;
        this.#groupOf.set(node, this.#groups.length);
        const kernels = parts.map((part) => {
          const to = { buffer: this.#bufferOf(node), start: part.start };
          return copyKernel(this.#bufferOf(part.node), to, node.dtype, axesOf(part.node.shape));
        });
        this.#groups.push({ kind: "kernels", kernels });
        continue;
      }
      trimIndices();
      const joined = this.#join(node);
      if (joined === undefined) this.#groups.push(this.#open(node));
      const place = joined ?? this.#groups.length - 1;
      this.#groupOf.set(node, place);
      if (node.op.rule.kind === "reduce") this.#noteReduction(node, place);
    }
    return this.#groups;
  }

  /** The first result encountered opens the loop for all of them. */
  #openRepeat(result: Node): void {
    if (this.#groupOf.has(result)) return;
    const node = result.inputs[0] as Node;
    const results = this.#schedule.order.filter(({ op, inputs }) => op.rule.kind === "result" && inputs[0] === node);
    for (const other of results) this.#groupOf.set(other, this.#groups.length);
    this.#groups.push({ kind: "repeat", node, results });
  }

  /** The group that takes the node, if any: that of the latest producer, or a later one with the same reduction. */
  #join(node: Node): number | undefined {
    const { kind } = node.op.rule;
    if (!this.#schedule.fuse) return undefined;
    if (kind !== "element" && kind !== "reduce") return undefined;
    const latest = this.#latestProducer(node);
    if (latest >= 0 && this.#tryJoin(node, this.#groups[latest] as Group)) return latest;
    if (kind !== "reduce") return undefined;
    return this.#laterReductions(node, latest).find((place) => {
      const group = this.#groups[place] as Group;
      return group.kind === "loops" && this.#readsTogether(node, group) && this.#tryJoin(node, group);
    });
  }

  /** Indices, after a given one, of groups that walk the same dims as the node and have room. */
  #laterReductions(node: Node, after: number): number[] {
    const places = this.#reducing.get(reductionKey(node)) ?? [];
    const found: number[] = [];
    for (let at = places.length - 1; at >= 0 && (places[at] as number) > after; at--) {
      const group = this.#groups[places[at] as number];
      if (group?.kind === "loops" && !group.stages.isFull) found.push(places[at] as number);
    }
    return found.reverse().slice(0, mostCandidates);
  }

  #noteReduction(node: Node, place: number): void {
    const group = this.#groups[place];
    // An earlier reduction has already registered the group.
    if (group?.kind !== "loops" || group.stages.all.filter(({ combine }) => combine !== undefined).length > 1) return;
    const key = reductionKey(node);
    const places = this.#reducing.get(key);
    if (places === undefined) this.#reducing.set(key, [place]);
    else places.splice(places.findLastIndex((other) => other < place) + 1, 0, place);
  }

  /** Large inputs are better read now, while they are in the caches, than later in an unrelated kernel. */
  #readsTogether(node: Node, group: LoopGroup): boolean {
    const input = node.inputs[0] as Node;
    if (sizeOf(input.shape) <= cachedSize) return true;
    const read = this.#storedInputs(input);
    return group.stages.all.some(
      (stage) => stage.combine !== undefined && meet(read, this.#storedInputs(stage.node.inputs[0] as Node)),
    );
  }

  /** The large stored values that a node's element reads. */
  #storedInputs(node: Node): Set<Node> {
    const stored = new Set<Node>();
    visitAncestors([node], (next) => {
      if (next.op.rule.kind !== "source" && !this.#schedule.realized.has(next)) return true;
      if (sizeOf(next.shape) > cachedSize) stored.add(next);
      return false;
    });
    return stored;
  }

  #latestProducer(node: Node): number {
    let latest = -1;
    visitAncestors(node.inputs, (input) => {
      const group = this.#groupOf.get(input);
      if (group !== undefined) latest = Math.max(latest, group);
      return group === undefined;
    });
    return latest;
  }

  #tryJoin(node: Node, group: Group): boolean {
    if ("stages" in group && group.stages.isFull) return false;
    switch (group.kind) {
      case "loops":
        return node.op.rule.kind === "reduce" ? this.#joinReduction(node, group) : this.#joinElement(node, group);
      case "contraction":
        return this.#joinEpilogue(node, group);
      case "check":
      case "kernels":
      case "repeat":
        return false;
    }
  }

  #joinElement(node: Node, group: LoopGroup): boolean {
    const size = sizeOf(node.shape);
    const outer = group.axes.slice(0, group.outerCount);
    const fullSize = extentOf(group.axes);
    const level = size === fullSize && group.rowMajor ? "full" : size === extentOf(outer) ? "row" : undefined;
    if (level === undefined) return false;
    const serial = group.outerCount < group.axes.length && extentOf(outer) < enoughRows;
    if (level === "full" && serial && size > smallSize) return false;
    const index = unflatten(flatAxes(level === "full" ? group.axes : outer), node.shape);
    const value = this.#lower(node, index, group);
    if (value === undefined) return false;
    return this.#add(group, { node, local: newLocal(node.dtype), level, index, value });
  }

  #joinReduction(node: Node, group: LoopGroup): boolean {
    const { input, kept, reduced, rowMajor, combine } = reductionOf(node);
    const keptSize = sizeOf(kept.map((axis) => at(input.shape, axis)));
    const reducedSize = sizeOf(reduced.map((axis) => at(input.shape, axis)));
    const plain = group.outerCount === group.axes.length;
    let outerCount = group.outerCount;
    if (plain) {
      if (!rowMajor || !group.rowMajor || keptSize * reducedSize !== extentOf(group.axes) || reducedSize === 1)
        return false;
      if (keptSize < enoughRows && keptSize * reducedSize > smallSize) return false;
      outerCount = prefixOf(group.axes, keptSize);
      if (outerCount < 0) return false;
    }
    const outer = group.axes.slice(0, outerCount);
    const inner = group.axes.slice(outerCount);
    if (extentOf(outer) !== keptSize || extentOf(inner) !== reducedSize || group.rowMajor !== rowMajor) return false;
    if ((!rowMajor && !sharesReduction(node, group)) || reducedSize > mostElements) return false;
    const before = group.outerCount;
    group.outerCount = outerCount;
    const index = reductionIndex(input, kept, reduced, flatAxes(outer), flatAxes(inner));
    const value = this.read(input, index, group);
    const local = newLocal(node.dtype);
    const place = unflatten(flatAxes(outer), node.shape);
    const joined =
      value !== undefined && this.#add(group, { node, local, level: "row", index: place, value, combine }, reducedSize);
    if (!joined) group.outerCount = before;
    return joined;
  }

  #joinEpilogue(node: Node, group: ContractionGroup): boolean {
    if (node.op.rule.kind !== "element" || sizeOf(node.shape) !== sizeOf(group.node.shape)) return false;
    for (const index of this.#epilogueOrders(node, group)) {
      const value = this.#lower(node, index, group);
      if (value === undefined) continue;
      return this.#add(group, { node, local: newLocal(node.dtype), level: "full", index, value });
    }
    return false;
  }

  /**
   * Index orders in which a node can be computed along with a contraction: that of a stage of the same shape, flat order, or the order
   * in which the node's own rule reads the product (for example through a permute).
   */
  *#epilogueOrders(node: Node, group: ContractionGroup): Generator<readonly Scalar[]> {
    const tried = new Set<readonly Scalar[]>();
    for (const { node: other, index } of group.stages.all) {
      if (tried.has(index) || !sameShape(other.shape, node.shape)) continue;
      tried.add(index);
      yield index;
    }
    yield unflatten(group.place, node.shape);
    const axes = this.#finestShape(node).map(newAxis);
    const read = new ElementComposer(this.#schedule, this.#buffers, undefined).placeOf(
      group.node,
      node,
      unflatten(flatAxes(axes), node.shape),
    );
    if (read === undefined) return;
    const product = (group.stages.all[0] as Stage).index;
    const walked = axes.map((axis) => product[read.findIndex((part) => part.kind === "axis" && part.axis === axis)]);
    if (!walked.every((part) => part !== undefined)) return;
    yield unflatten(
      flatten(
        walked as Scalar[],
        axes.map((axis) => axis.extent),
      ),
      node.shape,
    );
  }

  /**
   * The extents to loop over for a node: its own, or those of a reshape inside its expression that splits the same elements, in
   * the same order, into more dims. The reshape then needs no division.
   */
  #finestShape(node: Node): number[] {
    const size = sizeOf(node.shape);
    let finest = node.shape.filter((extent) => extent !== 1);
    const seen = new Set<Node>([node]);
    const stack = [node];
    while (stack.length > 0) {
      const next = stack.pop() as Node;
      for (const input of next.inputs) {
        // The element order is preserved only along a chain of nodes of one size, up to the first permute.
        if (isOp(next, reshapeOp) && sizeOf(input.shape) === size) {
          const shape = input.shape.filter((extent) => extent !== 1);
          if (shape.length > finest.length && refines(shape, finest)) finest = shape;
        }
        if (seen.has(input) || isOp(next, permuteOp) || sizeOf(input.shape) !== size) continue;
        seen.add(input);
        if (!this.#schedule.realized.has(input) && input.op.rule.kind === "element") stack.push(input);
      }
    }
    return finest;
  }

  #open(node: Node): Group {
    const { rule } = node.op;
    switch (rule.kind) {
      case "source":
      case "check":
      case "loop":
      case "result":
        throw new InternalError(`a ${rule.kind} is never realised`);
      case "collective":
        throw new HebbError(
          "call collectives in compiled functions or on tensors with values; they cannot be exported",
        );
      case "element": {
        const axes = this.#finestShape(node).map(newAxis);
        const group: LoopGroup = { kind: "loops", axes, outerCount: axes.length, rowMajor: true, stages: new Stages() };
        if (!this.#joinElement(node, group)) throw new InternalError(`${node.op.name} does not fit its own loop`);
        return group;
      }
      case "reduce": {
        const { input, kept, reduced, rowMajor } = reductionOf(node);
        const outer = kept.map((axis) => newAxis(at(input.shape, axis)));
        const inner = reduced.map((axis) => newAxis(at(input.shape, axis)));
        const group: LoopGroup = {
          kind: "loops",
          axes: [...outer, ...inner],
          outerCount: outer.length,
          rowMajor,
          stages: new Stages(),
        };
        const read = reductionIndex(input, kept, reduced, flatAxes(outer), flatAxes(inner));
        const value = this.read(input, read, group) as Scalar;
        const index = unflatten(flatAxes(outer), node.shape);
        const { combine } = rule;
        this.#add(group, { node, local: newLocal(node.dtype), level: "row", index, value, combine }, extentOf(inner));
        return group;
      }
      case "contract":
        return this.#openContraction(node, rule.contract(node.attributes, node.inputs));
      case "scan": {
        const scanned = rule.axis(node.attributes);
        const axes = node.shape.map(newAxis);
        const index = axes.map(axisValue);
        const scan: Statement = {
          kind: "scan",
          combine: rule.combine,
          axis: axes[scanned] as Axis,
          value: this.read(node.inputs[0] as Node, index, undefined) as Scalar,
          buffer: this.#bufferOf(node),
          index: flatten(index, node.shape),
        };
        return alone(node, [{ axes: axes.filter((_, axis) => axis !== scanned), body: [scan] }]);
      }
      case "tile":
        return this.#openTile(node, rule);
    }
  }

  #openContraction(node: Node, rule: ContractionRule): ContractionGroup {
    const batch = rule.batch.map(newAxis);
    const m = rule.m.map(newAxis);
    const n = rule.n.map(newAxis);
    const k = rule.k.map(newAxis);
    const [bi, mi, ni, ki] = [batch.map(axisValue), m.map(axisValue), n.map(axisValue), k.map(axisValue)];
    const local = newLocal(node.dtype);
    const index = rule.output(bi, mi, ni);
    const group: ContractionGroup = {
      kind: "contraction",
      node,
      batch,
      m,
      n,
      k,
      a: this.read(node.inputs[0] as Node, rule.a(bi, mi, ki), undefined) as Scalar,
      b: this.read(node.inputs[1] as Node, rule.b(bi, ki, ni), undefined) as Scalar,
      place: flatten(index, node.shape),
      stages: new Stages(),
    };
    this.#add(group, { node, local, level: "full", index, value: localValue(local) });
    return group;
  }

  #add(group: LoopGroup | ContractionGroup, stage: Stage, reduced = 1): boolean {
    return group.stages.add(stage, reduced, this.#schedule.windows.get(stage.node)?.whole);
  }

  /** Empty if the index is known to be in range. */
  #openCheck(node: Node<CheckAttributes>): CheckGroup[] {
    const loop = (): CheckGroup["search"] => {
      const axes = this.#finestShape(node).map(newAxis);
      const place = flatAxes(axes);
      return {
        axes,
        place,
        value: this.read(node.inputs[0] as Node, unflatten(place, node.shape), undefined) as Scalar,
      };
    };
    const { axes, value } = loop();
    const { min, max } = indexRange(value);
    return min >= 0 && max < node.attributes.extent ? [] : [{ kind: "check", node, axes, value, search: loop() }];
  }

  #bufferOf = (node: Node): number => this.#buffers.get(node) as number;

  /** The tile's changes need the complete copy, so they are a second kernel. */
  #openTile(node: Node, rule: TileRule): KernelGroup {
    const { attributes, inputs, shape, dtype } = node;
    const buffer = this.#bufferOf(node);
    const input = (k: number, index: readonly Scalar[]): Scalar => this.read(at(inputs, k), index, undefined) as Scalar;
    const store = ({ index, value, adds }: TileElement): Statement => ({
      kind: "store",
      buffer,
      index: flatten(index, shape),
      value: storedElement(value, dtype),
      ...(adds && { accumulate: adds }),
    });
    const axes = rule.points(attributes, inputs).map(newAxis);
    const body: Statement[] = [];
    const elements = rule.elements({
      attributes,
      type: node,
      inputTypes: inputs,
      point: axes.map(axisValue),
      input,
      own: (index) => loadElement(buffer, flatten(index, shape), dtype),
      share(value) {
        const local = newLocal(value.dtype);
        body.push({ kind: "let", local, value });
        return localValue(local);
      },
    });
    body.push(...elements.map(store));
    const serialAxes = rule.serialAxes?.(attributes, inputs) ?? [];
    const [parallel, serial] = [false, true].map((isSerial) =>
      axes.filter(({ extent }, place) => extent !== 1 && serialAxes.includes(place) === isSerial),
    ) as [Axis[], Axis[]];
    const points = {
      axes: parallel,
      body: serial.length === 0 ? body : [{ kind: "for", axes: serial, order: "sequential", body } as const],
    };
    if (!rule.startsAsCopy) return alone(node, [points]);
    const copied = at(inputs, 0).shape.map(newAxis);
    const index = copied.map(axisValue);
    return alone(node, [{ axes: copied, body: [store({ index, value: input(0, index) })] }, points]);
  }

  /** The element of `node` itself, whether or not it is realised. Undefined if a value of the same kernel is read at another index. */
  #lower(node: Node, index: readonly Scalar[], group: Group | undefined): Scalar | undefined {
    return new ElementComposer(this.#schedule, this.#buffers, group).element(node, index);
  }

  private read(node: Node, index: readonly Scalar[], group: Group | undefined): Scalar | undefined {
    return new ElementComposer(this.#schedule, this.#buffers, group).read(node, index);
  }
}

/** The kernels of one node; all but the last get names of preparation steps. */
const alone = (node: Node, kernels: readonly Pick<LoopKernel, "axes" | "body">[]): KernelGroup => ({
  kind: "kernels",
  kernels: kernels.map((kernel, place) => ({
    kind: "loops",
    name: `${nameOfNode(node)}${place < kernels.length - 1 ? ".base" : ""}`,
    ...kernel,
  })),
});

/** Whether `fine` splits dims of `coarse` without crossing their boundaries. */
function refines(fine: readonly number[], coarse: readonly number[]): boolean {
  let place = 0;
  for (const extent of coarse) {
    let product = 1;
    while (product < extent && place < fine.length) product *= fine[place++] as number;
    if (product !== extent) return false;
  }
  return true;
}

const extentOf = (axes: readonly Axis[]): number => sizeOf(axes.map((axis) => axis.extent));

/** The number of leading axes with exactly `size` points, or -1. */
function prefixOf(axes: readonly Axis[], size: number): number {
  let product = 1;
  for (let count = 0; count <= axes.length; count++) {
    if (product === size) return count;
    product *= axes[count]?.extent ?? 1;
  }
  return -1;
}

const meet = (a: ReadonlySet<Node>, b: ReadonlySet<Node>): boolean => [...a].some((node) => b.has(node));

/** Whether a reduction walks the same input dims as the group's first reduction. */
function sharesReduction(node: Node, group: LoopGroup): boolean {
  const first = group.stages.all.find((stage) => stage.combine !== undefined);
  return first !== undefined && reductionKey(first.node) === reductionKey(node);
}
