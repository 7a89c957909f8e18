// Turns fused groups into kernels: decides which values are bound, where inner loops break, and what is stored.
import { computedIn, storedAs } from "../graph/dtype.ts";
import { loadElement, storedElement } from "../graph/halves.ts";
import type { Node } from "../graph/node.ts";
import { type Axis, add, int, type Local, load, localValue, newAxis, newLocal, type Scalar } from "../graph/scalar.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import type { Assembly } from "./assemble.ts";
import { type CheckGroup, describeCheck, lowerCheck } from "./checkKernel.ts";
import type { BufferIds, ContractionGroup, Group, LoopGroup, RepeatGroup } from "./groups.ts";
import { canonical, flatAxes, flatten, rewrite, visitScalar } from "./indexing.ts";
import type { IndexCheck, Instruction, Kernel, LoopKernel, Repeat, Statement } from "./kernel.ts";
import type { Stage } from "./stages.ts";

/** Kernels, and the checks of their check statements. */
export interface Lowered {
  readonly kernels: Instruction[];
  readonly checks: readonly IndexCheck[];
}

/** A loop, with the kernels around it. */
export interface LoweredRepeat extends Lowered {
  /** Buffers replaced by rows of the loop's own buffers. */
  readonly moved: ReadonlyMap<number, Place>;
}

/** Inputs of lowering besides the groups. */
export interface LowerContext {
  /** Lowers a loop whose checks are numbered from `firstSite`. */
  readonly lowerRepeat: (group: RepeatGroup, name: string, firstSite: number) => LoweredRepeat;
  readonly buffers: BufferIds;
  /** Nodes that must be in memory after their kernel, besides those that other kernels read. */
  readonly outputs: ReadonlySet<Node>;
  readonly windows: Assembly["windows"];
}

export function lower(groups: readonly Group[], context: LowerContext): Lowered {
  const { buffers, outputs, windows } = context;
  const moved = new Map<number, Place>();
  for (const [node, { whole, start }] of windows)
    moved.set(bufferOf(node, buffers), { buffer: bufferOf(whole, buffers), start });
  const checks: IndexCheck[] = [];
  const drafts: Instruction[] = [];
  for (const group of groups) {
    if (group.kind === "check") {
      drafts.push(lowerCheck(group, nameOfNode(group.node), checks.length));
      checks.push(describeCheck(group.node));
    } else if (group.kind === "repeat") {
      const whole = context.lowerRepeat(group, nameOfNode(group.node), checks.length);
      drafts.push(...whole.kernels);
      checks.push(...whole.checks);
      for (const [buffer, place] of whole.moved) moved.set(buffer, place);
    } else drafts.push(...[lowerGroup(group, buffers)].flat());
  }
  const placed = drafts.map((kernel) => moveBuffers(kernel, moved));
  const kept = new Set<number>();
  for (const node of outputs) kept.add(buffers.get(node) as number);
  for (const kernel of placed) for (const buffer of loadedBuffers(kernel)) kept.add(buffer);
  const kernels = placed
    .map((kernel) => (kernel.kind === "repeat" ? kernel : dropUnread(kernel, kept)))
    .filter((kernel) => kernel.kind === "repeat" || !isEmpty(kernel));
  return { kernels, checks };
}

function lowerGroup(group: Exclude<Group, CheckGroup | RepeatGroup>, buffers: BufferIds): Kernel | readonly Kernel[] {
  switch (group.kind) {
    case "loops":
      return lowerLoops(group, buffers);
    case "contraction":
      return lowerContraction(group, buffers);
    case "kernels":
      return group.kernels;
  }
}

const bufferOf = (node: Node, buffers: BufferIds): number => buffers.get(node) as number;

function lowerLoops(group: LoopGroup, buffers: BufferIds): LoopKernel {
  const outer = group.axes.slice(0, group.outerCount);
  const inner = group.axes.slice(group.outerCount);
  const fullPlace = flatAxes(group.axes);
  const rowPlace = flatAxes(outer);
  const body: Statement[] = [];
  const rowStores: Statement[] = [];
  let run: Stage[] = [];

  /** A full-level value bound in another inner loop is reloaded from its buffer. */
  const outside = (value: Scalar, here: ReadonlySet<Local>): Scalar =>
    inner.length === 0
      ? value
      : rewrite(value, (scalar) => {
          if (scalar.kind !== "local" || here.has(scalar.local)) return undefined;
          const stage = group.stages.all.find((other) => other.local === scalar.local);
          return stage?.level === "full"
            ? loadElement(bufferOf(stage.node, buffers), fullPlace, stage.node.dtype)
            : undefined;
        });

  const closeRun = (): void => {
    if (run.length === 0) return;
    const here = new Set(run.map((stage) => stage.local));
    const lets: Statement[] = run.map((stage) => ({
      kind: "let",
      local: stage.local,
      value: outside(stage.value, here),
    }));
    const stores: Statement[] = run.map((stage) => storeOf(stage, fullPlace, buffers));
    if (inner.length === 0) body.push(...lets, ...stores);
    else body.push({ kind: "for", axes: inner, order: "parallel", body: [...lets, ...stores] });
    run = [];
  };

  for (const stage of group.stages.all) {
    if (stage.level === "full") {
      run.push(stage);
      continue;
    }
    if (inner.length > 0) closeRun();
    const value = outside(stage.value, new Set());
    body.push(
      stage.combine === undefined
        ? { kind: "let", local: stage.local, value }
        : { kind: "reduce", local: stage.local, combine: stage.combine, axes: inner, value },
    );
    rowStores.push(storeOf(stage, rowPlace, buffers));
  }
  closeRun();
  return { kind: "loops", name: nameOf(group.stages.all), axes: outer, body: [...body, ...rowStores] };
}

const storeOf = (stage: Stage, place: Scalar, buffers: BufferIds): Statement => ({
  kind: "store",
  buffer: bufferOf(stage.node, buffers),
  index: place,
  value: storedElement(localValue(stage.local), stage.node.dtype),
});

function lowerContraction(group: ContractionGroup, buffers: BufferIds): Kernel {
  const [first, ...rest] = group.stages.all as [Stage, ...Stage[]];
  return {
    kind: "contraction",
    name: nameOf(group.stages.all),
    dtype: computedIn(group.node.dtype),
    batch: group.batch,
    m: group.m,
    n: group.n,
    k: group.k,
    a: group.a,
    b: group.b,
    result: first.local,
    epilogue: [
      ...rest.map((stage): Statement => ({ kind: "let", local: stage.local, value: stage.value })),
      ...group.stages.all.map((stage) => storeOf(stage, flatten(stage.index, stage.node.shape), buffers)),
    ],
  };
}

/** A kernel that copies one buffer to another of the same dtype and length. */
export function copyKernel(from: number, to: Place, dtype: Node["dtype"], axes: LoopKernel["axes"]): LoopKernel {
  const held = storedAs(dtype);
  const local = newLocal(held);
  const place = flatAxes(axes);
  return {
    kind: "loops",
    name: "copy",
    axes,
    body: [
      { kind: "let", local, value: load(from, place, held) },
      { kind: "store", buffer: to.buffer, index: add(place, int(to.start)), value: localValue(local) },
    ],
  };
}

/** Loops over the elements of a shape. */
export const axesOf = (shape: Shape): Axis[] => shape.filter((extent) => extent !== 1).map(newAxis);

const longestName = 48;

function nameOf(stages: readonly Stage[]): string {
  const scope = stages.map((stage) => stage.node.scope).find((path) => path !== "");
  const ops = stages.map((stage) => stage.node.op.name).join("+");
  const name = scope === undefined ? ops : `${scope}.${ops}`;
  return name.length <= longestName ? name : `${name.slice(0, longestName - 1)}…`;
}

export const nameOfNode = (node: Node): string => (node.scope === "" ? node.op.name : `${node.scope}.${node.op.name}`);

/** Calls `visit` for every distinct expression in the kernel. */
export function visitKernel(kernel: Kernel, visit: (scalar: Scalar) => void): void {
  const seen = new Set<Scalar>();
  const scalar = (value: Scalar): void => visitScalar(value, visit, seen);
  if (kernel.kind === "contraction") {
    scalar(kernel.a);
    scalar(kernel.b);
    visitStatements(kernel.epilogue, scalar);
  } else {
    visitStatements(kernel.body, scalar);
  }
}

/** Calls `expression` for each top-level expression of the statements, including nested statements. */
export function visitStatements(body: readonly Statement[], expression: (value: Scalar) => void): void {
  for (const statement of body) {
    switch (statement.kind) {
      case "let":
      case "reduce":
        expression(statement.value);
        break;
      case "for":
        visitStatements(statement.body, expression);
        break;
      case "store":
      case "scan":
        expression(statement.index);
        expression(statement.value);
        break;
      case "check":
        expression(statement.holds);
        expression(statement.index);
        expression(statement.place);
        break;
    }
  }
}

function dropUnread(kernel: Kernel, kept: ReadonlySet<number>): Kernel {
  // Every binding is stored.
  if ([...storedBuffers(kernel)].every((buffer) => kept.has(buffer))) return kernel;
  const keepStores = (body: readonly Statement[]): Statement[] =>
    body.flatMap((statement): Statement[] => {
      if (statement.kind === "for") {
        const inside = keepStores(statement.body);
        return inside.length === 0 ? [] : [{ ...statement, body: inside }];
      }
      return statement.kind === "store" && !kept.has(statement.buffer) ? [] : [statement];
    });
  if (kernel.kind === "contraction") return { ...kernel, epilogue: dropUnusedLets(keepStores(kernel.epilogue)) };
  return { ...kernel, body: dropUnusedLets(keepStores(kernel.body)) };
}

/** Removes unused bindings, last first, so that unused chains are removed too. */
function dropUnusedLets(body: readonly Statement[]): Statement[] {
  const used = new Set<Local>();
  const seen = new Set<Scalar>();
  const mark = (value: Scalar): void =>
    visitScalar(
      value,
      (scalar) => {
        if (scalar.kind === "local") used.add(scalar.local);
      },
      seen,
    );
  const sweep = (statements: readonly Statement[]): Statement[] => {
    const result: Statement[] = [];
    for (let place = statements.length - 1; place >= 0; place--) {
      const statement = statements[place] as Statement;
      if ((statement.kind === "let" || statement.kind === "reduce") && !used.has(statement.local)) continue;
      if (statement.kind === "for") {
        const inside = sweep(statement.body);
        if (inside.length > 0) result.push({ ...statement, body: inside });
        continue;
      }
      visitStatements([statement], mark);
      result.push(statement);
    }
    return result.reverse();
  };
  return sweep(body);
}

const isEmpty = (kernel: Kernel): boolean =>
  (kernel.kind === "contraction" ? kernel.epilogue : kernel.body).length === 0;

/** A buffer, and an offset in elements. */
export interface Place {
  readonly buffer: number;
  readonly start: number;
}

const shifted = (index: Scalar, start: number): Scalar => (start === 0 ? index : canonical(add(index, int(start))));

/** The kernel or loop with some of its buffers replaced by other buffers, or by offsets inside them. */
export function moveBuffers(kernel: Kernel, moved: ReadonlyMap<number, Place>): Kernel;
export function moveBuffers(kernel: Instruction, moved: ReadonlyMap<number, Place>): Instruction;
export function moveBuffers(kernel: Instruction, moved: ReadonlyMap<number, Place>): Instruction {
  if (![...loadedBuffers(kernel), ...storedBuffers(kernel)].some((buffer) => moved.has(buffer))) return kernel;
  if (kernel.kind === "repeat") {
    const windows = kernel.windows.map((window) => {
      const to = moved.get(window.whole);
      return to === undefined ? window : { ...window, whole: to.buffer, start: window.start + to.start };
    });
    return { ...kernel, windows, body: kernel.body.map((inner) => moveBuffers(inner, moved)) };
  }
  const done = new Map<Scalar, Scalar>();
  const scalar = (value: Scalar): Scalar =>
    rewrite(
      value,
      (part) => {
        const to = part.kind === "load" ? moved.get(part.buffer) : undefined;
        return part.kind === "load" && to !== undefined
          ? load(to.buffer, shifted(scalar(part.index), to.start), part.dtype)
          : undefined;
      },
      done,
    );
  const statement = (item: Statement): Statement => {
    switch (item.kind) {
      case "let":
      case "reduce":
        return { ...item, value: scalar(item.value) };
      case "for":
        return { ...item, body: item.body.map(statement) };
      case "store":
      case "scan": {
        const { buffer, start } = moved.get(item.buffer) ?? { buffer: item.buffer, start: 0 };
        return { ...item, buffer, index: shifted(scalar(item.index), start), value: scalar(item.value) };
      }
      case "check":
        return { ...item, holds: scalar(item.holds), index: scalar(item.index), place: scalar(item.place) };
    }
  };
  if (kernel.kind === "contraction") {
    return { ...kernel, a: scalar(kernel.a), b: scalar(kernel.b), epilogue: kernel.epilogue.map(statement) };
  }
  return { ...kernel, body: kernel.body.map(statement) };
}

const storesOf = new WeakMap<Instruction, ReadonlySet<number>>();
const loadsOf = new WeakMap<Instruction, ReadonlySet<number>>();

/** Buffers that a kernel stores to. For a loop: the buffers behind its windows, and its working buffer. */
export function storedBuffers(kernel: Instruction): ReadonlySet<number> {
  const known = storesOf.get(kernel);
  if (known !== undefined) return known;
  const stored = new Set<number>();
  if (kernel.kind === "repeat") {
    for (const buffer of seenFromOutside(kernel, storedBuffers)) stored.add(buffer);
    stored.add(kernel.inside.within);
  } else visitStores(kernel, ({ buffer }) => stored.add(buffer));
  storesOf.set(kernel, stored);
  return stored;
}

/** The buffers outside a loop that its body touches. */
function seenFromOutside(
  { windows, body, inside }: Repeat,
  touched: (kernel: Instruction) => ReadonlySet<number>,
): number[] {
  const wholes = new Map(windows.map(({ buffer, whole }) => [buffer, whole]));
  return body
    .flatMap((kernel) => [...touched(kernel)])
    .filter((buffer) => !inside.buffers.has(buffer))
    .map((buffer) => wholes.get(buffer) ?? buffer);
}

/** Calls `visit` for every statement of the kernel that writes memory. */
export function visitStores(kernel: Kernel, visit: (statement: Extract<Statement, { buffer: number }>) => void): void {
  const walk = (body: readonly Statement[]): void => {
    for (const statement of body) {
      if (statement.kind === "for") walk(statement.body);
      else if (statement.kind === "store" || statement.kind === "scan") visit(statement);
    }
  };
  walk(kernel.kind === "contraction" ? kernel.epilogue : kernel.body);
}

/** Buffers that a kernel loads from, like `storedBuffers`. */
export function loadedBuffers(kernel: Instruction): ReadonlySet<number> {
  const known = loadsOf.get(kernel);
  if (known !== undefined) return known;
  const loaded = new Set<number>();
  if (kernel.kind === "repeat") for (const buffer of seenFromOutside(kernel, loadedBuffers)) loaded.add(buffer);
  else
    visitKernel(kernel, (scalar) => {
      if (scalar.kind === "load") loaded.add(scalar.buffer);
    });
  loadsOf.set(kernel, loaded);
  return loaded;
}

/** The kernels in order, with those of loops inlined. */
export const plainKernels = (instructions: readonly Instruction[]): Kernel[] =>
  instructions.flatMap((one) => (one.kind === "repeat" ? plainKernels(one.body) : [one]));

/** Points a kernel visits, for reports: outer × inner. */
export function pointsOf(kernel: Instruction): number {
  if (kernel.kind === "repeat")
    return kernel.steps * kernel.body.reduce((points, inner) => points + pointsOf(inner), 0);
  const extents = (axes: LoopKernel["axes"]): number => sizeOf(axes.map((axis) => axis.extent));
  if (kernel.kind === "contraction") return extents([...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k]);
  let inner = 0;
  const walk = (body: readonly Statement[], factor: number): void => {
    for (const statement of body) {
      if (statement.kind === "for") walk(statement.body, factor * extents(statement.axes));
      else if (statement.kind === "reduce") inner += factor * extents(statement.axes);
      else if (statement.kind === "scan") inner += factor * statement.axis.extent;
      else if (statement.kind === "store") inner += factor;
    }
  };
  walk(kernel.body, extents(kernel.axes));
  return inner;
}
