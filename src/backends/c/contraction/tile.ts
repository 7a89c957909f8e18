// The innermost loops of contractions: a tile of sums in registers. One C function per tile shape and layout of the sides.
import { byteSize } from "../../../graph/dtype.ts";
import type { Tap } from "../../contraction/skipPadding.ts";
import type { EmitContext } from "../emitter.ts";
import { needReduction } from "../horizontal.ts";
import { laneLetter, needLanes, scalarType } from "../lanes.ts";
import { needBytesDot } from "./byteDots.ts";
import type { Elements, TileType } from "./elements.ts";
import { needPairsDot } from "./pairs.ts";

/** How a tile steps along k on one side: by a stride, or by a table of offsets passed as an operand. */
export type KSteps = { readonly kind: "stride"; readonly stride: number } | { readonly kind: "table" };

/** Four bytes, unsigned on one side; or two bfloat16, whose sums are the bits of a float32. */
export type Words = "bytes_a" | "bytes_b" | "pairs";

interface OuterTile {
  readonly dtype: TileType;
  readonly lanes: number;
  readonly height: number;
  readonly vectors: number;
  /** Lanes of the last vector that are columns. If at most half are, half a vector is enough. */
  readonly lastLanes: number;
  /** Whether memory past the last column is readable; its values are not used. */
  readonly padded: boolean;
  /** Offsets of the rows. */
  readonly rows: readonly number[];
  readonly aSteps: KSteps;
  readonly bSteps: KSteps;
  readonly aElements: Elements;
  readonly bElements: Elements;
  /** The word type, if both sides consist of words. */
  readonly words?: Words | undefined;
  /**
   * Steps of k taken together, with the rows that take part in each; default: one step, with all rows. With taps, `ka` is a round of such
   * steps, whatever the sides' own steps are: the count, the offset of the next round on either side, and the offset of each step on either side.
   */
  readonly taps?: readonly Tap[] | undefined;
  /** Elements from one row of the tile to the next. */
  readonly tileWidth: number;
  /** Consumes the sums instead of storing them to `tile`; only for sums that a single call completes. */
  readonly finish: ((sums: TileSums) => string) | undefined;
  /** Cache lines that each step along k prefetches for the epilogue; 0: none. */
  readonly ahead: number;
}

/** The sums of a tile, in variables. */
export interface TileSums {
  readonly lanes: number;
  readonly height: number;
  readonly vectors: number;
  /** Whether the last vector has lanes beyond the columns; `mask` selects the valid ones. */
  readonly mask: boolean;
  lanesOf(vector: number): number;
  sum(row: number, vector: number): string;
}

/** Rows of memory that the epilogue will touch: the address, the stride in bytes, and the count. The last entry of a list is endless. */
const aheadStruct = "struct ahead { const char *at; long step, count; };\n";
/** Steps along k of at least this many bytes are prefetched this many steps ahead. */
const farBytes = 256;
const farSteps = 24;
/** Larger than any k. */
export const endless = 2 ** 40;

const stepsName = (steps: KSteps, { suffix }: Elements): string =>
  (steps.kind === "table" ? "t" : `${steps.stride}`.replace("-", "m")) + suffix;

/** A uniform stride, or all offsets. */
function rowsName(rows: readonly number[]): string {
  const stride = rows[1] ?? 0;
  const even = rows.every((place, row) => place === row * stride);
  return (even ? `${stride}` : rows.join("_")).replaceAll("-", "m");
}

/**
 * The name of `void f(const T *a, const T *b, T *tile, long k, int first, const int *ka, const int *kb)`: tile = (first ? 0 :
 * tile) + Σ a bᵀ over k steps. `ahead` adds an operand that lists the memory to prefetch: the epilogue reads and writes short pieces
 * far apart, which the hardware prefetcher does not predict. With `finish`, the sums bypass the tile and go through the epilogue
 * to its places: `void f(const T *a, const T *b, char *const *places, long k, const int *ka, const int *kb)`.
 */
export function outerTile(context: EmitContext, tile: OuterTile): string {
  const { dtype, lanes, height, vectors, lastLanes, padded, rows, aSteps, bSteps, tileWidth, finish, ahead } = tile;
  const { aElements, bElements } = tile;
  const taps = tile.taps ?? [{ a: 0, b: 0, first: 0, end: height }];
  const letter = laneLetter(dtype);
  const V = `${letter}${lanes}`;
  // CPUs with half-width units compute a half vector in half the time; others lose nothing.
  const halved = lanes * byteSize(dtype) === 64 && lastLanes <= lanes / 2;
  const lanesOf = (vector: number): number => (halved && vector === vectors - 1 ? lanes / 2 : lanes);
  const typeOf = (vector: number): string => `${letter}${lanesOf(vector)}`;
  const partial = lastLanes < lanesOf(vectors - 1);
  const masked = !padded && partial;
  const withMask = masked || (finish !== undefined && partial);
  const name = `tile_${V}_${height}x${vectors}${halved ? "half" : ""}${masked ? `_${lastLanes}` : ""}_r${rowsName(rows.slice(0, height))}_a${stepsName(aSteps, aElements)}_b${stepsName(bSteps, bElements)}_${finish === undefined ? tileWidth : "finished"}${tile.words === undefined ? "" : `_${tile.words}`}${ahead > 0 ? `_ahead${ahead}` : ""}${tile.taps === undefined ? "" : `_taps${taps.map(({ first, end }) => `_${first}to${end}`).join("")}`}`;
  if (ahead > 0) context.helper("ahead", () => aheadStruct);
  needLanes(context, lanes);
  if (halved) needLanes(context, lanes / 2);
  const text = (): string => {
    const T = scalarType(dtype);
    const each = (count: number, text: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => text(i)).join("");
    const sums = (text: (row: number, vector: number) => string): string =>
      each(height, (row) => each(vectors, (vector) => text(row, vector)));
    const load = (vector: number, right: number): string => {
      const at = `q + ${right + vector * lanes}`;
      return bElements.load(lanesOf(vector), at, masked && vector === vectors - 1 ? "mask" : undefined);
    };
    const sum = (row: number, vector: number): string => `c${row * vectors + vector}`;
    const held = (row: number, vector: number): string => `tile + ${row * tileWidth + vector * lanes}`;
    const again =
      finish !== undefined
        ? ""
        : `  if (!first) {
${sums((row, vector) => `    ${sum(row, vector)} = ${typeOf(vector)}_load(${held(row, vector)});\n`)}  }
`;
    const end =
      finish?.({ lanes, height, vectors, mask: partial, lanesOf, sum }) ??
      sums((row, vector) => `  ${typeOf(vector)}_store(${held(row, vector)}, ${sum(row, vector)});\n`);
    const to = finish === undefined ? `${T} *tile, long n, int first` : "char *const *places, long n";
    const pointer = (side: string, steps: KSteps): string =>
      steps.kind === "table" ? `${side} + k${side}[k]` : `${side}`;
    const advance = (side: string, steps: KSteps): string =>
      steps.kind === "table" ? "" : `    ${side} += ${steps.stride};\n`;
    // With such large steps, each access is on a new page before the hardware prefetcher detects a pattern.
    const prefetch = (at: string, steps: KSteps, lines: number, { bytes }: Elements): string =>
      steps.kind === "stride" && Math.abs(steps.stride) * bytes >= farBytes
        ? each(lines, (line) => `    __builtin_prefetch(${at} + ${steps.stride * farSteps + line * lanes});\n`)
        : "";
    const products = (row: number, at: string): string =>
      `    { const ${V} x = ${aElements.splat(lanes, at)};${each(vectors, (vector) => {
        const [type, to] = [typeOf(vector), sum(row, vector)];
        const x = type === V ? "x" : aElements.splat(lanesOf(vector), at);
        if (tile.words === undefined) return ` ${to} = ${type}_fma(${x}, b${vector}, ${to});`;
        if (tile.words === "pairs")
          return ` ${to} = ${needPairsDot(context, lanesOf(vector))}(${to}, ${x}, b${vector});`;
        const bytes = [x, `b${vector}`].map((words) => `(__m${32 * lanesOf(vector)}i)${words}`);
        const [u, v] = tile.words === "bytes_a" ? bytes : bytes.toReversed();
        return ` ${to} = ${needBytesDot(context, lanesOf(vector))}(${to}, ${u}, ${v});`;
      })} }\n`;
    const tapped = taps
      .filter(({ first, end }) => first < end)
      .map(
        ({ a: down, b: right, first, end }) =>
          `    {\n${each(vectors, (vector) => `    ${typeOf(vector)} b${vector} = ${load(vector, right)};${kept(context, `b${vector}`)}\n`)}${each(
            end - first,
            (at) => products(first + at, `p[${(rows[first + at] ?? 0) + down}]`),
          )}    }\n`,
      )
      .join(reread);
    const step =
      tile.taps === undefined
        ? `    const ${aElements.type} *const p = ${pointer("a", aSteps)};
    const ${bElements.type} *const q = ${pointer("b", bSteps)};
${tapped}${prefetch("p", aSteps, 1, aElements)}${prefetch("q", bSteps, vectors, bElements)}${advance("a", aSteps)}${advance("b", bSteps)}`
        : `    const ${aElements.type} *const p = a + ka[3 + 2 * j];
    const ${bElements.type} *const q = b + ka[4 + 2 * j];
${tapped}    if (++j == ka[0]) j = 0, a += ka[1], b += ka[2];
`;
    const loop =
      ahead === 0
        ? `  for (long k = 0; k < n; k++) {\n${step}  }\n`
        : `  for (long k = 0; k < n; s++) {
    const char *at = s->at;
    const long next = s->step, end = n - k < s->count ? n : k + s->count;
    for (; k < end; k++) {
${step}${each(ahead, (line) => `    __builtin_prefetch(at + ${64 * line}, 0, 2);\n`)}    at += next;
    }
  }
`;
    return `(const ${aElements.type} *a, const ${bElements.type} *b, ${to}, const int *ka, const int *kb${ahead > 0 ? ", const struct ahead *s" : ""}) {
${withMask ? `  const I${lanesOf(vectors - 1)} mask = I${lanesOf(vectors - 1)}_first(${lastLanes});\n` : ""}${sums((row, vector) => `  ${typeOf(vector)} ${sum(row, vector)} = {0};\n`)}${again}${tile.taps === undefined ? "" : "  long j = 0;\n"}${loop}${end}}
`;
  };
  return context.function(name, text());
}

/** Otherwise the compiler keeps values that the next step reads too, and runs out of registers. */
export const reread = '    __asm__("" ::: "memory");\n';

/** Otherwise the compiler may fold the load into each product and reload the vector every time. */
export function kept({ target }: EmitContext, name: string): string {
  return target.vectors === "avx512" || target.vectors === "avx2" ? ` __asm__("" : "+v"(${name}));` : "";
}

interface DotTile {
  readonly dtype: TileType;
  readonly lanes: number;
  readonly height: number;
  readonly width: number;
  /** Contiguous elements along k: the innermost loop. */
  readonly run: number;
  readonly tileWidth: number;
  readonly elements: readonly [a: Elements, b: Elements];
}

/**
 * The name of `void f(const T *a, const T *b, T *tile, const int *rows, const int *columns, long n, const int *ka, const int *kb)`:
 * each sum has lanes along k; `n` runs of k begin at the offsets ka and kb.
 */
export function dotTile(context: EmitContext, tile: DotTile): string {
  const { dtype, lanes, height, width, run, tileWidth } = tile;
  const [a, b] = tile.elements;
  const V = `${laneLetter(dtype)}${lanes}`;
  const name = `dots_${V}_${height}x${width}_${run}_${tileWidth}${a.suffix === b.suffix ? a.suffix : `_a${a.suffix}_b${b.suffix}`}`;
  needLanes(context, lanes);
  needReduction(context, "sum", dtype, lanes);
  context.helper(name, () => {
    const T = scalarType(dtype);
    const each = (count: number, text: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => text(i)).join("");
    const rest = run % lanes;
    const step = (at: string, mask: boolean): string => {
      const load = (elements: Elements, pointer: string): string =>
        elements.load(lanes, `${pointer} + ${at}`, mask ? "mask" : undefined);
      return `${each(width, (column) => `      ${V} v${column} = ${load(b, `b${column} + y`)};${kept(context, `v${column}`)}\n`)}${each(
        height,
        (row) =>
          `      { const ${V} u = ${load(a, `a${row} + x`)};${each(width, (column) => {
            const sum = `c${row * width + column}`;
            return ` ${sum} = ${V}_fma(u, v${column}, ${sum});`;
          })} }\n`,
      )}`;
    };
    return `static __attribute__((noinline)) void ${name}(const ${a.type} *a, const ${b.type} *b, ${T} *tile, const int *rows, const int *columns, long n, const int *ka, const int *kb) {
${rest > 0 ? `  const I${lanes} mask = I${lanes}_first(${rest});\n` : ""}  ${V} ${Array.from({ length: height * width }, (_, i) => `c${i} = {0}`).join(", ")};
${each(height, (row) => `  const ${a.type} *const a${row} = a + rows[${row}];\n`)}${each(width, (column) => `  const ${b.type} *const b${column} = b + columns[${column}];\n`)}  for (long o = 0; o < n; o++) {
    const long x = ka[o], y = kb[o];
${
  run >= lanes ? `    for (long k = 0; k + ${lanes} <= ${run}; k += ${lanes}) {\n${step("k", false)}    }\n` : ""
}${rest > 0 ? `    {\n${step(`${run - rest}`, true)}    }\n` : ""}  }
${each(height, (row) => each(width, (column) => `  tile[${row * tileWidth + column}] = sum_${V}(c${row * width + column});\n`))}}
`;
  });
  return name;
}
