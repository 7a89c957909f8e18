// Writes a contraction as C: packs operands if that pays, keeps tiles of sums in registers, and runs the epilogue on each finished tile.

import type { ContractionKernel, LoopKernel } from "../../../compiler/kernel.ts";
import { at } from "../../../graph/at.ts";
import { byteSize, type ElementType } from "../../../graph/dtype.ts";
import type { Axis } from "../../../graph/scalar.ts";
import { along, type Operand, tableOf } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import { planContraction, planOuter } from "../../contraction/choose.ts";
import { asLoops, inParts } from "../../contraction/kernels.ts";
import type { Machine } from "../../contraction/machine.ts";
import type { DotPlan, OuterPlan, Plan, WindowPlan } from "../../contraction/plan.ts";
import { type Side, usedBatch } from "../../contraction/sides.ts";
import { type PaddingSkip, roundsOf, type Tap } from "../../contraction/skipPadding.ts";
import { inPanels, inPlace, layoutElements, Places, panelPlaces, type Source } from "../../contraction/sources.ts";
import { type Pieces, piecesOf, roundUp, unitsOf } from "../../contraction/tile.ts";
import { code } from "../code.ts";
import type { EmitContext, KernelCode, Phase } from "../emitter.ts";
import type { Expressions } from "../expressions.ts";
import { scalarType } from "../lanes.ts";
import { emitLoops } from "../loops.ts";
import { alongK, type ByteTile, byteDotPlan, byteTile, byteTypes, inBytes, isOfBytes } from "./byteDots.ts";
import { type Elements, elementsOf, type TileType } from "./elements.ts";
import { type Epilogue, epilogueOf } from "./epilogue.ts";
import type { FusedEpilogue } from "./fusedEpilogue.ts";
import { machines } from "./machine.ts";
import { onePanel, packPhases } from "./pack.ts";
import { inPairs } from "./pairs.ts";
import { dotTile, type KSteps, outerTile, type Words } from "./tile.ts";
import { windowTiles } from "./windowTile.ts";

export function emitContraction(kernel: ContractionKernel, context: EmitContext): KernelCode {
  const { dtype } = kernel;
  const points = extentOf([...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k]);
  if (points === 0 || (dtype !== "float32" && dtype !== "float64" && dtype !== "int32"))
    return emitLoops(asLoops(kernel), context);
  return cheaperLoops(kernel, context) ?? { phases: new Contraction(context, dtype).emit(kernel) };
}

/** Sums of at most this many products are better as plain loops. */
const fewProducts = 4;

/** Batched products with a single row or column, and very short sums, as plain loops if those are cheaper. */
function cheaperLoops(kernel: ContractionKernel, context: EmitContext): KernelCode | undefined {
  const [m, n] = [extentOf(kernel.m), extentOf(kernel.n)];
  const single = Math.min(m, n) === 1 && extentOf(kernel.batch) > 1;
  if (!single && extentOf(kernel.k) > fewProducts) return undefined;
  const loops = emitLoops(asLoops(kernel), context);
  const cost = loops.phases.reduce((sum, phase) => sum + phase.cost, 0);
  const machine = machines[context.target.vectors];
  const { cycles } = planContraction(kernel, machine, context.paddingOf);
  return cost < cycles * machine.costs.nanosecondsPerCycle ? loops : undefined;
}

/** The share of products that justifies a tile of another size. */
const smallestRest = 0.02;
const alignment = 64;

/** A source as C reads it. */
interface Reader {
  readonly source: Source;
  /** The offset of a panel from the first. */
  readonly panelAt: (panel: string) => string;
  /** Offsets of a panel's rows or columns. */
  readonly offsets: readonly number[];
  readonly k: KSteps;
  /** Offsets along k, if they are a table. */
  readonly kTable: readonly number[];
}

class Contraction {
  private readonly context: EmitContext;
  private readonly machine: Machine;
  private readonly dtype: TileType;
  private readonly bytes: number;
  private readonly shared: Places;

  constructor(context: EmitContext, dtype: TileType, shared = new Places(byteSize(dtype))) {
    this.context = context;
    this.machine = machines[context.target.vectors];
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
    this.shared = shared;
  }

  emit(kernel: ContractionKernel): Phase[] {
    const { context, machine, dtype, shared } = this;
    const reserve = (elements: number): number => shared.reserve(elements);
    const parts = inParts(kernel, machine.parts, { buffer: context.sharedBuffer(dtype), reserve });
    const phases = this.multiply(parts?.first ?? kernel);
    if (parts !== undefined) phases.push(...emitLoops(parts.finish, context).phases);
    context.needShared(shared.bytes);
    return phases;
  }

  private multiply(kernel: ContractionKernel): Phase[] {
    const words = this.multiplyWords(kernel);
    if (words !== undefined) return words;
    if (isOfBytes(kernel, this.machine, this.context)) return this.multiplyBytes(kernel);
    const plan = planContraction(kernel, this.machine, this.context.paddingOf);
    switch (plan.kind) {
      case "outer":
        return this.outer(kernel, plan);
      case "dot":
        return [this.dot(kernel, plan)];
      case "window":
        return [this.window(kernel, plan)];
    }
  }

  private emitAll(copies: readonly LoopKernel[]): Phase[] {
    return copies.flatMap((loops) => [...emitLoops(loops, this.context).phases]);
  }

  /** Words of four neighbours along k if both sides are bytes, of two if they are bfloat16, given enough rows and columns. */
  private multiplyWords(kernel: ContractionKernel): Phase[] | undefined {
    const { context, machine, shared } = this;
    const room = {
      bufferOf: (dtype: ElementType) => context.sharedBuffer(dtype),
      reserve: (count: number) => shared.reserve(count),
      wordsOf: (buffer: number) => context.wordsOf(buffer),
    };
    const pairs = inPairs(kernel, context, { ...room, count: 2 });
    if (pairs !== undefined) {
      const product = new Contraction(context, "int32", shared);
      const plan = planOuter(pairs.kernel, machine);
      return [...this.emitAll(pairs.copies), ...product.outer(pairs.kernel, plan, "pairs")];
    }
    const words = inBytes(kernel, context, { ...room, count: 4 });
    if (words === undefined) return undefined;
    const plan = planOuter(words.kernel, machine);
    const unsigned = words.unsigned === plan.a.value ? "bytes_a" : "bytes_b";
    return [...this.emitAll(words.copies), ...this.outer(words.kernel, plan, unsigned)];
  }

  private multiplyBytes(kernel: ContractionKernel): Phase[] {
    const { context, machine, bytes, shared } = this;
    const { kernel: own, copies } = alongK(kernel, {
      bufferOf: (dtype) => context.sharedBuffer(dtype),
      reserve: (count) => shared.reserve(Math.ceil(count / bytes)) * bytes,
    });
    const plan = byteDotPlan(own, machine);
    return [...this.emitAll(copies), this.dot(own, plan, byteTypes(plan))];
  }

  private packed(kernel: ContractionKernel, plan: OuterPlan, side: Side, width: number, phases: Phase[]): Reader {
    const k = extentOf(kernel.k);
    const count = Math.ceil(side.group.merged.extent / width);
    const draft = { width, count, kc: k, blocks: 1, batch: usedBatch(side, plan.batch) };
    const layout = { ...draft, place: this.shared.reserve(layoutElements(draft)) };
    phases.push(...packPhases(this.context, this.machine, { kernel, side, layout }));
    return {
      source: inPanels(this.context.sharedBuffer(this.dtype), layout, kernel.k),
      panelAt: (panel) => `${panel} * ${width * k}`,
      offsets: Array.from({ length: width }, (_, at) => at),
      k: { kind: "stride", stride: width },
      kTable: [],
    };
  }

  private elements({ source }: Reader): Elements {
    return elementsOf(this.context, source.dtype, this.dtype);
  }

  // ---- tiles

  private outer(kernel: ContractionKernel, plan: OuterPlan, words?: Words): Phase[] {
    const { context, dtype } = this;
    const { m, n, mr, nr, lanes, packA, packB, kc, skip } = plan;
    const phases: Phase[] = [];
    const a = packA ? this.packed(kernel, plan, plan.a, mr, phases) : readInPlace(kernel, plan.a, mr);
    /** Each unit packs its own columns, one panel and one block of k at a time. */
    const panel = packB === "inUnit" ? onePanel(context, kernel, plan.b, nr) : undefined;
    const b = packB === "ahead" ? this.packed(kernel, plan, plan.b, nr, phases) : readInPlace(kernel, plan.b, nr);
    const k = extentOf(kernel.k);
    const blocks = Math.ceil(k / kc);
    const epilogue = epilogueOf(context, kernel, plan, nr);
    const { ahead } = epilogue;
    const fused = blocks === 1 ? epilogue.fused : undefined;
    // A packed side is padded with zeros. A smaller last tile is worth compiling only if it saves many products with zeros.
    const pieces = (extent: number, size: number, isPacked: boolean): Pieces => {
      const { count, last } = piecesOf(extent, size);
      const isWhole = isPacked && fused === undefined && size - last < extent * smallestRest;
      return { count, last: isWhole ? size : last };
    };
    const [rows, columns] = [pieces(m.extent, mr, packA), pieces(n.extent, nr, packB !== "no")];
    const bSteps: KSteps = panel === undefined ? b.k : { kind: "stride", stride: nr };
    /** The tile with this many rows: the variant for the last panel of columns, or the usual one. */
    const pick = (high: number, taps?: readonly Tap[]): string =>
      byPanel("c", columns, nr, (wide) =>
        outerTile(context, {
          dtype,
          lanes,
          height: high,
          vectors: Math.ceil(wide / lanes),
          lastLanes: wide % lanes === 0 ? lanes : wide % lanes,
          padded: packB !== "no",
          rows: a.offsets,
          aSteps: a.k,
          bSteps,
          aElements: this.elements(a),
          bElements: panel === undefined ? this.elements(b) : elementsOf(context, undefined, dtype),
          words,
          taps,
          tileWidth: nr,
          finish: fused?.text,
          ahead: ahead?.lines ?? 0,
        }),
      );
    const asked =
      ahead === undefined ? "" : blocks === 1 ? ", ahead" : `, k0 + ${kc} >= ${k} ? ahead : ahead + ${ahead.streams}`;
    const first = fused !== undefined ? "" : blocks === 1 ? ", 1" : ", k0 == 0";
    const length = blocks === 1 ? `${k}` : `(${k} - k0 < ${kc} ? ${k} - k0 : ${kc})`;
    const k0 = blocks === 1 ? "0" : "k0";
    const at = (steps: KSteps, name: string): string =>
      steps.kind === "table" || steps.stride === 0 ? name : `${name} + ${k0} * ${steps.stride}`;
    const kTable = (steps: KSteps, name: string): string => (steps.kind === "table" ? `${name} + ${k0}` : "0");
    let statics = [table("ka", a.kTable), panel?.statics ?? table("kb", b.kTable)].join("");
    let multiply: (to: string) => string;
    if (skip === undefined) {
      const chosen = byPanel("r", rows, mr, (high) => pick(high));
      const factor = panel === undefined ? at(b.k, "q") : "panel";
      multiply = (to) =>
        `${chosen}(${at(a.k, "p")}, ${factor}, ${to}, ${length}${first}, ${kTable(a.k, "ka")}, ${panel === undefined ? kTable(b.k, "kb") : "0"}${asked});`;
    } else {
      // If k is one round, the offset of the next round lies past the last step and is never used.
      const offsets = {
        a: (step: number) => offsetAt(a, step),
        b: (step: number) => (panel === undefined ? offsetAt(b, step) : step * nr),
      };
      const kinds = roundsOf(skip, offsets);
      const tiles = kinds
        .map(({ height, taps }) => pick(height, taps))
        .reduceRight((rest, own, kind) => (rest === own ? own : `kind == ${kind} ? ${own} : ${rest}`));
      const rounds = (length: string): string => `${length} / ${skip.round}`;
      const from = (name: string, step: number): string => (blocks === 1 ? name : `${name} + ${rounds(k0)} * ${step}`);
      statics = `${skipTables(skip, kinds)}${panel?.statics ?? ""}`;
      multiply = (to) =>
        `const int kind = kinds[${panelPlace(skip, rows.count, epilogue.e)}], *const round = rounds[kind];
(${tiles})(${from("p", offsets.a(skip.round))}, ${panel === undefined ? from("q", offsets.b(skip.round)) : "panel"}, ${to}, ${rounds(length)} * round[0]${first}, round, 0${asked});`;
    }
    const tiles = this.tiles(kernel, plan, {
      epilogue,
      readers: [a, b],
      statics,
      tileWidth: nr,
      blocks: { count: blocks, kc, k },
      fused,
      multiply,
      panel: panel && { elements: kc * nr, fill: panel.fill("q", k0, length, `${n.extent} - c * ${nr}`) },
    });
    return [...phases, tiles];
  }

  private dot(kernel: ContractionKernel, plan: DotPlan, bytes?: ByteTile["types"]): Phase {
    const { context, dtype } = this;
    const { m, n, mr, nr, lanes, contiguous } = plan;
    let left = contiguous;
    const outer: Axis[] = [...kernel.k];
    while (left > 1) left /= outer.pop()?.extent ?? 1;
    const offsets = (operand: Operand, axes: readonly Axis[]): number[] =>
      tableOf(
        axes.filter((axis) => axis.extent > 1).map((axis) => ({ extent: axis.extent, stride: operand.strideOf(axis) })),
      );
    const tileWidth = roundUp(nr, lanes);
    const [a, b] = plan.operands;
    const elements = [elementsOf(context, a.dtype, dtype), elementsOf(context, b.dtype, dtype)] as const;
    const chosen = byPanel("r", piecesOf(m.extent, mr), mr, (height) =>
      byPanel("c", piecesOf(n.extent, nr), nr, (width) => {
        const tile = { height, width, run: contiguous, tileWidth };
        return bytes === undefined
          ? dotTile(context, { ...tile, dtype, lanes, elements })
          : byteTile(context, { ...tile, types: bytes });
      }),
    );
    const [ka, kb] = [offsets(a, outer), offsets(b, outer)];
    return this.tiles(kernel, plan, {
      epilogue: epilogueOf(context, kernel, plan, tileWidth),
      readers: [plainReader(a), plainReader(b)],
      statics: [
        table("ka", ka),
        table("kb", kb),
        table("rowsAt", offsets(a, plan.a.group.inner)),
        table("columnsAt", offsets(b, plan.b.group.inner)),
      ].join(""),
      tileWidth,
      multiply: (to) => `${chosen}(p, q, ${to}, rowsAt + r * ${mr}, columnsAt + c * ${nr}, ${ka.length}, ka, kb);`,
    });
  }

  private window(kernel: ContractionKernel, plan: WindowPlan): Phase {
    const { context, dtype } = this;
    const { m, n, mr, nr } = plan;
    const { image, weights, row } = plan.windows;
    const epilogue = epilogueOf(context, kernel, plan, nr);
    const { fused } = epilogue;
    const tile = windowTiles(context, plan, dtype, fused?.text);
    const chosen = byPanel("r", piecesOf(m.extent, mr), mr, (high) =>
      byPanel("c", piecesOf(n.extent, nr), nr, (wide) => tile(high, wide)),
    );
    return this.tiles(kernel, plan, {
      epilogue: { ...epilogue, ahead: undefined },
      readers: [plainReader(weights), { ...plainReader(image), panelAt: (panel) => `${panel} * ${nr}` }],
      statics: "",
      tileWidth: nr,
      fused,
      multiply: (to) => `${chosen}(p, q + r * ${mr * image.strideOf(row)}, ${to});`,
    });
  }

  /** Units of tiles: a block of rows and columns at one point of the batch. */
  private tiles(
    kernel: ContractionKernel,
    plan: Plan,
    parts: {
      readonly epilogue: Epilogue;
      readonly readers: readonly [a: Reader, b: Reader];
      readonly statics: string;
      readonly tileWidth: number;
      readonly blocks?: { readonly count: number; readonly kc: number; readonly k: number };
      readonly fused?: FusedEpilogue | undefined;
      /** Memory for one panel of columns, and the statement that fills it from the columns at `q`. */
      readonly panel?: { readonly elements: number; readonly fill: string } | undefined;
      multiply(to: string): string;
    },
  ): Phase {
    const { context, machine, dtype, bytes } = this;
    const { m, n, mr, nr, batch } = plan;
    const { epilogue, readers, blocks, panel, fused } = parts;
    const [a, b] = readers;
    const interrupted = blocks !== undefined && blocks.count > 1;
    const T = scalarType(dtype);
    const tileElements = mr * parts.tileWidth;
    const [rowPanels, columnPanels] = [Math.ceil(m.extent / mr), Math.ceil(n.extent / nr)];
    const points = extentOf(batch);
    const cost = plan.cycles * machine.costs.nanosecondsPerCycle;
    const units = unitsOf(
      { points, rowPanels, columnPanels, mr, nr, allRows: panel !== undefined, nanoseconds: cost },
      machine.units,
    );
    // Along the rows, the epilogue takes all tiles of a column together, so that it accesses whole vectors of contiguous memory.
    const gathered = plan.epilogueLanes === "m";
    const kept = interrupted ? units.rows * units.columns : gathered ? units.rows : 1;
    const tilesElements = roundUp(tileElements * kept, alignment / bytes);
    // The transposition reads whole 16 × 16 squares.
    const beyond = 16 * parts.tileWidth;
    context.needScratch((tilesElements + beyond + (panel?.elements ?? 0)) * bytes + 256);
    const { e } = epilogue;
    const { out } = e;
    out.block("for (int unit = low; unit < high; unit++)", () => {
      const whole = units.rowUnits * units.columnUnits;
      const c0 = out.define("long", "u", `(long)(unit % ${units.columnUnits}) * ${units.columns}`);
      const r0 = out.define("long", "u", `(long)(unit / ${units.columnUnits} % ${units.rowUnits}) * ${units.rows}`);
      let place = `(unit / ${whole})`;
      for (const axis of [...batch].reverse()) {
        e.bindAxis(axis, out.define("long", "u", `${place} % ${axis.extent}`));
        place = `(${place} / ${axis.extent})`;
      }
      const pointer = ({ source }: Reader): string => {
        const terms = batch
          .map((axis) => ({ atom: e.values.axis(axis), coefficient: source.batchStride(axis) }))
          .filter(({ coefficient }) => coefficient !== 0);
        return ["0", ...terms.map((term) => e.index({ terms: [term], constant: 0, min: 0, max: 0 }))].join(" + ");
      };
      const begin = (name: string, reader: Reader): void => {
        const { buffer, offset } = reader.source;
        const { type } = this.elements(reader);
        out.line(
          code`const ${type} *const ${name} = (const ${type} *)(${context.address(buffer, offset)}) + ${pointer(reader)};`,
        );
      };
      begin("pa", a);
      begin("qb", b);
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
        over("c", c0, units.columns, columnPanels, () => {
          out.line(`const ${this.elements(b).type} *const q = qb + ${b.panelAt("c")};`);
          if (panel !== undefined) {
            out.line(`${T} *const panel = (${T} *)scratch + ${tilesElements};`);
            out.line(panel.fill);
          }
          const column = interrupted ? `(c - ${c0}) * ${units.rows}` : "0";
          const tileAt = (row: string): string =>
            `${T} *const tile = (${T} *)scratch + (${kept > 1 ? `${column} + ${row}` : "0"}) * ${tileElements};`;
          const write = (firstRow: string, rows: number): void => {
            const text = (): void => e.scope(() => epilogue.write(firstRow, rows));
            if (interrupted) out.block(`if (k0 + ${blocks.kc} >= ${blocks.k})`, text);
            else if (fused === undefined) text();
          };
          over("r", r0, units.rows, rowPanels, () =>
            e.scope(() => {
              out.line(`const ${this.elements(a).type} *const p = pa + ${a.panelAt("r")};`);
              out.line(fused?.places() ?? tileAt(`(r - ${r0})`));
              if (epilogue.ahead !== undefined) out.line(epilogue.ahead.list("p"));
              out.line(parts.multiply(fused === undefined ? "tile" : "places"));
              if (!gathered) write(`r * ${mr}`, mr);
            }),
          );
          if (gathered) {
            out.line(tileAt("0"));
            write(`${r0} * ${mr}`, units.rows * mr);
          }
        });
      };
      if (interrupted) out.block(`for (long k0 = 0; k0 < ${blocks.k}; k0 += ${blocks.kc})`, tiles);
      else tiles();
    });
    const name = context.phaseName(kernel.name);
    return { name, units: units.count, cost, body: code`${parts.statics}${e.body()}\n` };
  }
}

/** The C expression that selects the tile of a panel: the last panel may have its own size. */
function byPanel(index: "r" | "c", { count, last }: Pieces, size: number, tile: (size: number) => string): string {
  const [usual, own] = [tile(count === 1 ? last : size), tile(last)];
  return usual === own ? usual : `(${index} == ${count - 1} ? ${own} : ${usual})`;
}

/** The index of a panel of rows among those with known padding. */
const panelPlace = ({ moving }: PaddingSkip, panels: number, e: Expressions): string =>
  moving.length === 0
    ? "r"
    : `${moving.map((axis) => e.axisName(axis)).reduce((place, name, i) => `(${place} * ${moving[i]?.extent} + ${name})`)} * ${panels} + r`;

/** The table `kinds` of the panels of rows, and for each kind the steps of a `round`, as a tile with taps takes them. */
function skipTables({ kindOf }: PaddingSkip, kinds: ReturnType<typeof roundsOf>): string {
  const longest = Math.max(...kinds.map(({ steps }) => steps.length));
  return `  static const unsigned char kinds[] = {${kindOf.join(", ")}};
  static const int rounds[][${longest}] = {${kinds.map(({ steps }) => `{${steps.join(", ")}}`).join(", ")}};
`;
}

/** A side whose panels the tiles locate themselves. */
const plainReader = (operand: Operand): Reader => ({
  source: {
    buffer: operand.buffer,
    dtype: operand.dtype,
    offset: operand.offset,
    batchStride: (axis) => operand.strideOf(axis),
    outer: [],
    kStride: () => 0,
    block: 0,
  },
  panelAt: () => "0",
  offsets: [],
  k: { kind: "stride", stride: 0 },
  kTable: [],
});

function readInPlace(kernel: ContractionKernel, side: Side, width: number): Reader {
  const source = inPlace(side, kernel, 0);
  const { within, stride, apart, offsets } = panelPlaces(side, width);
  const steps = side.operand === undefined ? [] : along(side.operand, kernel.k);
  const even = steps.length <= 1;
  return {
    source,
    panelAt: (panel) =>
      within === Number.POSITIVE_INFINITY
        ? `${panel} * ${stride}`
        : within === 1
          ? `${panel} * ${apart}`
          : `${panel} / ${within} * ${apart} + ${panel} % ${within} * ${stride}`,
    offsets,
    k: even ? { kind: "stride", stride: steps[0]?.stride ?? 0 } : { kind: "table" },
    kTable: even ? [] : tableOf(steps),
  };
}

/** The offset of an element from the first, by its step along k. Past the last step it is 0 and never used. */
const offsetAt = ({ k, kTable }: Reader, step: number): number => {
  if (k.kind === "stride") return step * k.stride;
  return step < kTable.length ? at(kTable, step) : 0;
};

const table = (name: string, offsets: readonly number[]): string =>
  offsets.length === 0 ? "" : `  static const int ${name}[] = {${offsets.join(", ")}};\n`;
