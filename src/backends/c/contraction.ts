// Writes a contraction as C: packs sides where that pays, keeps tiles of sums in registers, and runs the epilogue over each finished tile.
import { flatAxes } from "../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel, Statement } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";
import { InternalError } from "../../graph/errors.ts";
import {
  type Axis,
  add,
  axisValue,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
} from "../../graph/scalar.ts";
import { asLoops, replaceAxes } from "../analysis/contraction.ts";
import { along, type Operand, tableOf } from "../analysis/operand.ts";
import { extentOf } from "../analysis/steps.ts";
import { type Epilogue, epilogueOf } from "./contractionEpilogue.ts";
import type { Finish } from "./contractionFinish.ts";
import { type OnePanel, onePanel, type Panels, packPhases, panelElements, usedBatch } from "./contractionPack.ts";
import { type Live, liveSteps, type StepOffsets } from "./contractionPadding.ts";
import { type Factor, type Plan, planContraction, roundUp, runAlong } from "./contractionPlan.ts";
import { dotsTile, type KSteps, lanesTile, type Tap, type TileType } from "./contractionTile.ts";
import { windowTiles } from "./contractionWindow.ts";
import { type EmitContext, type KernelCode, type Phase, phaseParameters } from "./emitter.ts";
import type { Expressions } from "./expressions.ts";
import { scalarType } from "./lanes.ts";
import { emitLoops } from "./loops.ts";

export function emitContraction(kernel: ContractionKernel, context: EmitContext): KernelCode {
  const { dtype } = kernel;
  const points = extentOf([...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k]);
  if (points === 0 || (dtype !== "float32" && dtype !== "float64")) return emitLoops(asLoops(kernel), context);
  return cheaperLoops(kernel, context) ?? { phases: new Contraction(context, dtype).emit(kernel) };
}

/** Sums of so few products are hardly a contraction. */
const fewProducts = 4;

/** Many products with a single row or column, and very short sums, as plain loops where those are cheaper. */
function cheaperLoops(kernel: ContractionKernel, context: EmitContext): KernelCode | undefined {
  const [m, n] = [extentOf(kernel.m), extentOf(kernel.n)];
  const single = Math.min(m, n) === 1 && extentOf(kernel.batch) > 1;
  if (!single && extentOf(kernel.k) > fewProducts) return undefined;
  const loops = emitLoops(asLoops(kernel), context);
  const cost = loops.phases.reduce((sum, phase) => sum + phase.cost, 0);
  return cost < planContraction(kernel, context.target, context.paddingOf).cycles * nanosecondsPerCycle
    ? loops
    : undefined;
}

/** Sums longer than this with few results are cut into parts, which threads can share. */
const longestSum = 2048;
const fewestResults = 32 * 1024;
const partLength = 2048;
const mostParts = 32;
/** A share of the products that is worth a tile of another size. */
const smallestRest = 0.02;
/** Rows and columns of a unit of work: what is read again and again stays in the second cache. */
const blockRows = 168;
const blockColumns = 128;
const alignment = 64;
const nanosecondsPerCycle = 0.27;

/** A side as the tiles read it. */
interface Side {
  readonly buffer: number;
  readonly offset: number;
  readonly batchStride: (axis: Axis) => number;
  /** The offset of a panel from the first. */
  readonly panelAt: (panel: string) => string;
  /** Where the rows or columns of a panel lie. */
  readonly outer: readonly number[];
  readonly k: KSteps;
  /** Offsets along k, where they are a table. */
  readonly kTable: readonly number[];
}

class Contraction {
  private readonly context: EmitContext;
  private readonly dtype: TileType;
  private readonly bytes: number;
  /** Bytes of shared scratch given out so far. */
  private used = 0;

  constructor(context: EmitContext, dtype: TileType) {
    this.context = context;
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
  }

  emit(kernel: ContractionKernel): Phase[] {
    const parts = partsOf(kernel);
    const phases = parts === undefined ? this.multiply(kernel) : this.inParts(kernel, parts.axis, parts.count);
    this.context.needShared(this.used);
    return phases;
  }

  /** A place in the shared scratch, in elements. */
  private reserve(elements: number): number {
    const place = this.used / this.bytes;
    this.used += roundUp(elements * this.bytes, alignment);
    return place;
  }

  /** Sums over parts of an axis first, then of the parts. */
  private inParts(kernel: ContractionKernel, axis: Axis, count: number): Phase[] {
    const { context } = this;
    const [part, within, from] = [newAxis(count), newAxis(axis.extent / count), newAxis(count)];
    const by = new Map([[axis.id, add(mul(axisValue(part), int(within.extent)), axisValue(within))]]);
    const results = [...kernel.batch, ...kernel.m, ...kernel.n];
    const place = this.reserve(count * extentOf(results));
    const buffer = context.sharedBuffer(this.dtype);
    const index = (at: Axis): Scalar =>
      add(add(mul(axisValue(at), int(extentOf(results))), flatAxes(results)), int(place));
    const partial = newLocal(kernel.dtype);
    const phases = this.multiply({
      ...kernel,
      batch: [part, ...kernel.batch],
      k: kernel.k.map((other) => (other === axis ? within : other)),
      a: replaceAxes(kernel.a, by),
      b: replaceAxes(kernel.b, by),
      result: partial,
      epilogue: [{ kind: "store", buffer, index: index(part), value: localValue(partial) }],
    });
    const sum: Statement = {
      kind: "reduce",
      local: kernel.result,
      combine: "sum",
      axes: [from],
      value: load(buffer, index(from), this.dtype),
      parts: true,
    };
    const loops: LoopKernel = {
      kind: "loops",
      name: `${kernel.name}, sum of parts`,
      axes: results,
      body: [sum, ...kernel.epilogue],
    };
    return [...phases, ...emitLoops(loops, context).phases];
  }

  private multiply(kernel: ContractionKernel): Phase[] {
    const plan = planContraction(kernel, this.context.target, this.context.paddingOf);
    const phases: Phase[] = [];
    if (plan.kind === "dots") {
      phases.push(this.dots(kernel, plan));
      return phases;
    }
    if (plan.kind === "windows") return [this.windows(kernel, plan)];
    const rows = this.side(kernel, plan, plan.rows, plan.packRows ? plan.height : undefined, phases);
    const panel = plan.ownColumns ? onePanel(this.context, kernel, plan.columns, plan.width) : undefined;
    const packed = plan.packColumns && !plan.ownColumns ? plan.width : undefined;
    phases.push(this.lanes(kernel, plan, rows, this.side(kernel, plan, plan.columns, packed, phases), panel));
    return phases;
  }

  private side(kernel: ContractionKernel, plan: Plan, factor: Factor, pack: number | undefined, phases: Phase[]): Side {
    const { operand, group } = factor;
    const k = extentOf(kernel.k);
    if (pack === undefined && operand !== undefined) {
      const size = factor === plan.rows ? plan.height : plan.width;
      const { inner } = group;
      let first = inner.length;
      for (let left = factor.together; left > 1; first--) left /= inner[first - 1]?.extent ?? 1;
      const within = along(operand, inner.slice(first));
      const apart = first > 0 ? operand.strideOf(inner[first - 1] as Axis) : 0;
      const stride = within[0]?.stride ?? 0;
      const panels = factor.together / size;
      const panelAt = (panel: string): string =>
        first === 0
          ? `${panel} * ${stride * size}`
          : panels === 1
            ? `${panel} * ${apart}`
            : `${panel} / ${panels} * ${apart} + ${panel} % ${panels} * ${stride * size}`;
      if (within.length > 1 && factor.together !== size) throw new InternalError("uneven rows are those of one tile");
      const outer = within.length > 1 ? tableOf(within) : Array.from({ length: size }, (_, at) => at * stride);
      const steps = along(operand, kernel.k);
      const even = steps.length <= 1;
      return {
        buffer: operand.buffer,
        offset: operand.offset,
        batchStride: (axis) => operand.strideOf(axis),
        panelAt,
        outer,
        k: even ? { kind: "stride", stride: steps[0]?.stride ?? 0 } : { kind: "table" },
        kTable: even ? [] : tableOf(steps),
      };
    }
    const width = pack ?? 1;
    const count = Math.ceil(group.merged.extent / width);
    const batch = usedBatch(factor, plan.batch);
    const draft = { width, count, batch, place: 0 };
    const panels: Panels = { ...draft, place: this.reserve(panelElements(draft, k)) };
    phases.push(...packPhases(this.context, kernel, factor, panels));
    const strides = new Map<number, number>();
    let stride = count * width * k;
    for (const axis of [...batch].reverse()) {
      strides.set(axis.id, stride);
      stride *= axis.extent;
    }
    return {
      buffer: this.context.sharedBuffer(this.dtype),
      offset: panels.place,
      batchStride: (axis) => strides.get(axis.id) ?? 0,
      panelAt: (panel) => `${panel} * ${width * k}`,
      outer: Array.from({ length: width }, (_, at) => at),
      k: { kind: "stride", stride: width },
      kTable: [],
    };
  }

  // ---- tiles

  /** `panel`: each unit packs the columns it takes by itself, panel by panel and for one block of k at a time. */
  private lanes(kernel: ContractionKernel, plan: Plan, rows: Side, columns: Side, panel: OnePanel | undefined): Phase {
    const { context, dtype } = this;
    const { height, width, lanes, packRows, packColumns, depth, live } = plan;
    const [m, n, k] = [plan.rows.group.merged.extent, plan.columns.group.merged.extent, extentOf(kernel.k)];
    const [rowPanels, columnPanels] = [Math.ceil(m / height), Math.ceil(n / width)];
    const blocks = Math.ceil(k / depth);
    const epilogue = epilogueOf(context, kernel, plan, width);
    const { ahead } = epilogue;
    const finish = blocks === 1 ? epilogue.finish : undefined;
    // The rest of a packed side is zeros: a tile of its own is worth its compilation where many of them would be computed.
    const rest = (extent: number, size: number, packed: boolean): number => {
      const last = extent - (Math.ceil(extent / size) - 1) * size;
      return packed && finish === undefined && size - last < extent * smallestRest ? size : last;
    };
    const [lastHigh, lastWide] = [rest(m, height, packRows), rest(n, width, packColumns)];
    const columnSteps: KSteps = panel === undefined ? columns.k : { kind: "stride", stride: width };
    const tile = (high: number, last: boolean, taps?: readonly Tap[]): string => {
      const wide = last ? lastWide : width;
      return lanesTile(context, {
        dtype,
        lanes,
        height: high,
        vectors: Math.ceil(wide / lanes),
        lastLanes: wide % lanes === 0 ? lanes : wide % lanes,
        padded: packColumns,
        rows: rows.outer,
        rowSteps: rows.k,
        columnSteps,
        taps,
        tileWidth: width,
        finish: finish?.text,
        ahead: ahead?.lines ?? 0,
      });
    };
    /** The tile of a panel of rows, for the last panel of columns or any other. */
    const pick = (high: number, taps?: readonly Tap[]): string => {
      const [usual, last] = [tile(high, columnPanels === 1, taps), tile(high, true, taps)];
      return usual === last ? usual : `(c == ${columnPanels - 1} ? ${last} : ${usual})`;
    };
    const asked =
      ahead === undefined
        ? ""
        : blocks === 1
          ? ", ahead"
          : `, k0 + ${depth} >= ${k} ? ahead : ahead + ${ahead.streams}`;
    const first = finish !== undefined ? "" : blocks === 1 ? ", 1" : ", k0 == 0";
    const length = blocks === 1 ? `${k}` : `(${k} - k0 < ${depth} ? ${k} - k0 : ${depth})`;
    const k0 = blocks === 1 ? "0" : "k0";
    const at = (steps: KSteps, name: string): string =>
      steps.kind === "table" || steps.stride === 0 ? name : `${name} + ${k0} * ${steps.stride}`;
    const kTable = (steps: KSteps, name: string): string => (steps.kind === "table" ? `${name} + ${k0}` : "0");
    let statics = [table("ka", rows.kTable), panel?.statics ?? table("kb", columns.kTable)].join("");
    let multiply: (to: string) => string;
    if (live === undefined) {
      const [usual, last] = [pick(rowPanels === 1 ? lastHigh : height), pick(lastHigh)];
      const chosen = usual === last ? usual : `(r == ${rowPanels - 1} ? ${last} : ${usual})`;
      const factor = panel === undefined ? at(columns.k, "q") : "panel";
      multiply = (to) =>
        `${chosen}(${at(rows.k, "p")}, ${factor}, ${to}, ${length}${first}, ${kTable(rows.k, "ka")}, ${panel === undefined ? kTable(columns.k, "kb") : "0"}${asked});`;
    } else {
      const offsets: StepOffsets = {
        // If k is one round, nothing lies beyond the last step, and it is never visited.
        row: (step) => offsetAt(rows.k, rows.kTable, step),
        column: (step) => (panel === undefined ? offsetAt(columns.k, columns.kTable, step) : step * width),
      };
      const left = liveSteps(live, offsets);
      const chosen = left.tiles.map(({ height, taps }) => pick(height, taps));
      const tiles = chosen.reduceRight((rest, own, kind) =>
        rest === own ? own : `kind == ${kind} ? ${own} : ${rest}`,
      );
      const rounds = (length: string): string => `${length} / ${live.round}`;
      const from = (name: string, step: number): string => (blocks === 1 ? name : `${name} + ${rounds(k0)} * ${step}`);
      statics = `${left.statics}${panel?.statics ?? ""}`;
      multiply = (to) =>
        `const int kind = kinds[${panelPlace(live, rowPanels, epilogue.e)}], *const round = rounds[kind];
(${tiles})(${from("p", offsets.row(live.round))}, ${panel === undefined ? from("q", offsets.column(live.round)) : "panel"}, ${to}, ${rounds(length)} * round[0]${first}, round, 0${asked});`;
    }
    return this.tilePhase(kernel, plan, epilogue, {
      sides: [rows, columns],
      statics,
      depth: blocks,
      finish,
      multiply,
      step: depth,
      k,
      panel:
        panel === undefined
          ? undefined
          : {
              elements: depth * width,
              fill: panel.fill("q", k0, length, `${n} - c * ${width}`),
            },
    });
  }

  private dots(kernel: ContractionKernel, plan: Plan): Phase {
    const { context, dtype } = this;
    const [a, b] = [plan.rows.operand, plan.columns.operand];
    if (a === undefined || b === undefined) throw new Error("dots read plain loads");
    const { height, width, lanes } = plan;
    const run = runAlong(kernel, a, b);
    let left = run;
    const outer: Axis[] = [...kernel.k];
    while (left > 1) left /= outer.pop()?.extent ?? 1;
    const offsets = (operand: Operand, axes: readonly Axis[]): number[] =>
      tableOf(
        axes.filter((axis) => axis.extent > 1).map((axis) => ({ extent: axis.extent, stride: operand.strideOf(axis) })),
      );
    const [m, n] = [plan.rows.group.merged.extent, plan.columns.group.merged.extent];
    const [rowPanels, columnPanels] = [Math.ceil(m / height), Math.ceil(n / width)];
    const [lastHigh, lastWide] = [m - (rowPanels - 1) * height, n - (columnPanels - 1) * width];
    const tile = (high: number, wide: number): string =>
      dotsTile(context, { dtype, lanes, height: high, width: wide, run, tileWidth: roundUp(width, lanes) });
    const column = (high: number): string => {
      const [usual, last] = [columnPanels > 1 ? tile(high, width) : tile(high, lastWide), tile(high, lastWide)];
      return usual === last ? usual : `(c == ${columnPanels - 1} ? ${last} : ${usual})`;
    };
    const [usual, last] = [rowPanels > 1 ? column(height) : column(lastHigh), column(lastHigh)];
    const chosen = usual === last ? usual : `(r == ${rowPanels - 1} ? ${last} : ${usual})`;
    const kOffsets = [offsets(a, outer), offsets(b, outer)];
    const [rowOffsets, columnOffsets] = [offsets(a, plan.rows.group.inner), offsets(b, plan.columns.group.inner)];
    return this.tilePhase(kernel, plan, epilogueOf(context, kernel, plan, roundUp(width, lanes)), {
      sides: [plainSide(a), plainSide(b)],
      statics: [
        table("ka", kOffsets[0] ?? []),
        table("kb", kOffsets[1] ?? []),
        table("rowsAt", rowOffsets),
        table("columnsAt", columnOffsets),
      ].join(""),
      depth: 1,
      finish: undefined,
      multiply: (to) =>
        `${chosen}(p, q, ${to}, rowsAt + r * ${height}, columnsAt + c * ${width}, ${kOffsets[0]?.length ?? 1}, ka, kb);`,
      step: 1,
      k: 1,
    });
  }

  private windows(kernel: ContractionKernel, plan: Plan): Phase {
    const { context, dtype } = this;
    const { height, width } = plan;
    const epilogue = epilogueOf(context, kernel, plan, width);
    const { finish } = epilogue;
    const windows = windowTiles(context, kernel, plan, dtype, finish?.text);
    if (windows === undefined) throw new InternalError("windows are planned where there are some");
    const { image, weights, rowStep, tile } = windows;
    const [m, n] = [plan.rows.group.merged.extent, plan.columns.group.merged.extent];
    const [rowPanels, columnPanels] = [Math.ceil(m / height), Math.ceil(n / width)];
    const pick = (high: number): string => {
      const [usual, last] = [tile(high, Math.min(n, width)), tile(high, n - (columnPanels - 1) * width)];
      return usual === last ? usual : `(c == ${columnPanels - 1} ? ${last} : ${usual})`;
    };
    const [usual, last] = [pick(Math.min(m, height)), pick(m - (rowPanels - 1) * height)];
    const chosen = usual === last ? usual : `(r == ${rowPanels - 1} ? ${last} : ${usual})`;
    return this.tilePhase(
      kernel,
      plan,
      { ...epilogue, ahead: undefined },
      {
        sides: [plainSide(weights), { ...plainSide(image), panelAt: (panel) => `${panel} * ${width}` }],
        statics: "",
        depth: 1,
        finish,
        multiply: (to) => `${chosen}(p, q + r * ${height * rowStep}, ${to});`,
        step: 1,
        k: 1,
      },
    );
  }

  /** Units of tiles: a block of rows and columns of one point of the batch. */
  private tilePhase(
    kernel: ContractionKernel,
    plan: Plan,
    epilogue: Epilogue,
    parts: {
      readonly sides: readonly [Side, Side];
      readonly statics: string;
      /** How many blocks of k. */
      readonly depth: number;
      readonly step: number;
      readonly k: number;
      readonly finish: Finish | undefined;
      /** Room for one panel of columns, and what fills it from the columns at `q`. */
      readonly panel?: { readonly elements: number; readonly fill: string } | undefined;
      multiply(to: string): string;
    },
  ): Phase {
    const { context, dtype, bytes } = this;
    const { height, width, batch } = plan;
    const { sides, depth, panel } = parts;
    const T = scalarType(dtype);
    const tileWidth = plan.kind === "dots" ? roundUp(width, plan.lanes) : width;
    const tileElements = height * tileWidth;
    const [m, n] = [plan.rows.group.merged.extent, plan.columns.group.merged.extent];
    const [rowPanels, columnPanels] = [Math.ceil(m / height), Math.ceil(n / width)];
    const points = extentOf(batch);
    // Small work is one unit; larger work is cut so that threads can share it, but not into crumbs.
    const wanted = Math.min(64, Math.max(1, (plan.cycles * nanosecondsPerCycle) / 4000));
    let [rowBlock, columnBlock] = [
      panel === undefined ? Math.min(rowPanels, Math.max(1, Math.floor(blockRows / height))) : rowPanels,
      Math.min(columnPanels, Math.max(1, Math.floor(blockColumns / width))),
    ];
    const count = (): number => points * Math.ceil(rowPanels / rowBlock) * Math.ceil(columnPanels / columnBlock);
    while (count() < wanted && ((rowBlock > 1 && panel === undefined) || columnBlock > 1)) {
      if (panel !== undefined) columnBlock = Math.ceil(columnBlock / 2);
      else if (columnBlock * width >= rowBlock * height && columnBlock > 1) columnBlock = Math.ceil(columnBlock / 2);
      else if (rowBlock > 1) rowBlock = Math.ceil(rowBlock / 2);
      else columnBlock = Math.ceil(columnBlock / 2);
    }
    const [rowBlocks, columnBlocks] = [Math.ceil(rowPanels / rowBlock), Math.ceil(columnPanels / columnBlock)];
    // Along the rows the epilogue takes all tiles of a column together: whole vectors of neighbours in memory.
    const gathered = plan.epilogueAlong === "rows";
    const kept = depth > 1 ? rowBlock * columnBlock : gathered ? rowBlock : 1;
    const tilesElements = roundUp(tileElements * kept, alignment / bytes);
    // What turns a tile reads whole squares of it.
    const beyond = 16 * tileWidth;
    context.needScratch((tilesElements + beyond + (panel?.elements ?? 0)) * bytes + 256);
    const { e } = epilogue;
    const { out } = e;
    out.block("for (int unit = low; unit < high; unit++)", () => {
      const whole = rowBlocks * columnBlocks;
      const c0 = out.define("long", "u", `(long)(unit % ${columnBlocks}) * ${columnBlock}`);
      const r0 = out.define("long", "u", `(long)(unit / ${columnBlocks} % ${rowBlocks}) * ${rowBlock}`);
      let place = `(unit / ${whole})`;
      for (const axis of [...batch].reverse()) {
        e.bindAxis(axis, out.define("long", "u", `${place} % ${axis.extent}`));
        place = `(${place} / ${axis.extent})`;
      }
      const pointer = (side: Side): string => {
        const terms = batch
          .filter((axis) => side.batchStride(axis) !== 0)
          .map(
            (axis) =>
              `${e.index({ terms: [{ atom: e.values.axis(axis), coefficient: side.batchStride(axis) }], constant: 0, min: 0, max: 0 })}`,
          );
        return ["0", ...terms].join(" + ");
      };
      out.line(
        `const ${T} *const pa = (const ${T} *)(${context.address(sides[0].buffer, sides[0].offset)}) + ${pointer(sides[0])};`,
      );
      out.line(
        `const ${T} *const qb = (const ${T} *)(${context.address(sides[1].buffer, sides[1].offset)}) + ${pointer(sides[1])};`,
      );
      const tiles = (): void => {
        const over = (name: string, first: string, block: number, panels: number, body: () => void): void => {
          if (panels === 1)
            out.block("", () => {
              out.line(`const long ${name} = 0;`);
              body();
            });
          else
            out.block(
              `for (long ${name} = ${first}; ${name} < ${panels} && ${name} < ${first} + ${block}; ${name}++)`,
              body,
            );
        };
        over("c", c0, columnBlock, columnPanels, () => {
          const [a, b] = sides;
          out.line(`const ${T} *const q = qb + ${b.panelAt("c")};`);
          if (panel !== undefined) {
            out.line(`${T} *const panel = (${T} *)scratch + ${tilesElements};`);
            out.line(panel.fill);
          }
          const column = depth > 1 ? `(c - ${c0}) * ${rowBlock}` : "0";
          const place = (row: string): string =>
            `${T} *const tile = (${T} *)scratch + (${kept > 1 ? `${column} + ${row}` : "0"}) * ${tileElements};`;
          const write = (firstRow: string, rows: number): void => {
            const text = (): void => e.scope(() => epilogue.write(firstRow, rows));
            if (depth > 1) out.block(`if (k0 + ${parts.step} >= ${parts.k})`, text);
            else if (parts.finish === undefined) text();
          };
          over("r", r0, rowBlock, rowPanels, () =>
            e.scope(() => {
              out.line(`const ${T} *const p = pa + ${a.panelAt("r")};`);
              out.line(parts.finish?.places() ?? place(`(r - ${r0})`));
              if (epilogue.ahead !== undefined) out.line(epilogue.ahead.list("p"));
              out.line(parts.multiply(parts.finish === undefined ? "tile" : "places"));
              if (!gathered) write(`r * ${height}`, height);
            }),
          );
          if (gathered) {
            out.line(place("0"));
            write(`${r0} * ${height}`, rowBlock * height);
          }
        });
      };
      if (depth > 1) out.block(`for (long k0 = 0; k0 < ${parts.k}; k0 += ${parts.step})`, tiles);
      else tiles();
    });
    const name = context.phaseName(kernel.name);
    const source = `static void ${name}(${phaseParameters}) {\n${parts.statics}${e.body()}\n}\n`;
    return { name, units: points * rowBlocks * columnBlocks, cost: plan.cycles * nanosecondsPerCycle, source };
  }
}

/** The number of a panel of rows among those whose padding is known. */
const panelPlace = ({ moving }: Live, panels: number, e: Expressions): string =>
  moving.length === 0
    ? "r"
    : `${moving.map((axis) => e.axisName(axis)).reduce((place, name, i) => `(${place} * ${moving[i]?.extent} + ${name})`)} * ${panels} + r`;

/** A side whose panels are found by the tiles themselves. */
const plainSide = (operand: Operand): Side => ({
  buffer: operand.buffer,
  offset: operand.offset,
  batchStride: (axis) => operand.strideOf(axis),
  panelAt: () => "0",
  outer: [],
  k: { kind: "stride", stride: 0 },
  kTable: [],
});

/** The offset of an element from the first, given its step along k. */
const offsetAt = (steps: KSteps, table: readonly number[], step: number): number =>
  steps.kind === "table" ? (table[step] ?? 0) : step * steps.stride;

const table = (name: string, offsets: readonly number[]): string =>
  offsets.length === 0 ? "" : `  static const int ${name}[] = {${offsets.join(", ")}};\n`;

/** The axis of k to cut and into how many parts, where there are few results and the sums are long. */
function partsOf(kernel: ContractionKernel): { readonly axis: Axis; readonly count: number } | undefined {
  const k = extentOf(kernel.k);
  const results = extentOf([...kernel.batch, ...kernel.m, ...kernel.n]);
  if (k < longestSum || results > fewestResults) return undefined;
  const target = Math.min(mostParts, k / partLength);
  // The outermost axis alone: parts are then apart in memory.
  const axis = kernel.k.find((one) => one.extent > 1);
  if (axis === undefined) return undefined;
  let best = 1;
  for (let count = 2; count <= Math.min(axis.extent, mostParts); count++) {
    if (axis.extent % count === 0 && Math.abs(Math.log(count / target)) < Math.abs(Math.log(best / target)))
      best = count;
  }
  return best > 1 ? { axis, count: best } : undefined;
}
