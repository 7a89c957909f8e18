// Packing: copies a side of a contraction into panels as wide as a tile, k by k, so that tiles read memory sequentially.

import type { ContractionKernel } from "../../../compiler/kernel.ts";
import { byteSize } from "../../../graph/dtype.ts";
import { InternalError } from "../../../graph/errors.ts";
import { type Operand, tableOf } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import type { Machine } from "../../contraction/machine.ts";
import { type Packing, packLoops } from "../../contraction/packLoops.ts";
import { canCopyPack, canTransposePack, evenK, kSteps, outerSteps, type Side } from "../../contraction/sides.ts";
import type { PanelLayout } from "../../contraction/sources.ts";
import { code } from "../code.ts";
import type { EmitContext, Phase } from "../emitter.ts";
import { needLanes, scalarType, vectorType } from "../lanes.ts";
import { emitLoops } from "../loops.ts";
import { type Elements, elementsOf, type TileType } from "./elements.ts";

export function packPhases(context: EmitContext, machine: Machine, packing: Packing): Phase[] {
  const { kernel, side } = packing;
  if (canCopyPack(side, kernel)) return [copiedRows(context, packing)];
  return machine.transposes !== undefined && canTransposePack(side, kernel, machine.longestTable)
    ? [transposed(context, packing)]
    : packLoops(packing, context.sharedBuffer(kernel.dtype), "zeros").flatMap((loops) => [
        ...emitLoops(loops, context).phases,
      ]);
}

/** Rows to prefetch before they are copied. */
const rowsAhead = 32;
/** Steps of k, and panels, per work unit. Each step reads memory in order, and each panel is a separate write stream. */
const rowBlock = 128;
const panelGroup = 16;

/** Packs rows of a plain load. Vectors may overrun into the next row of the panel, which is written afterwards. */
function copiedRows(context: EmitContext, { kernel, side, layout }: Packing): Phase {
  const { operand } = side;
  if (operand === undefined) throw new InternalError("only a plain load is copied in rows");
  const { width, count } = layout;
  const bytes = byteSize(kernel.dtype);
  const lanes = context.target.vectorBytes / bytes;
  needLanes(context, lanes);
  const [T, V] = [scalarType(kernel.dtype), vectorType(kernel.dtype, lanes)];
  const elements = elementsOf(context, operand.dtype, tileType(kernel));
  const k = extentOf(kernel.k);
  const extent = extentOf(side.group.inner);
  const stride = kSteps(side, kernel)[0]?.stride ?? 0;
  const name = context.phaseName(`${kernel.name}_rows`);
  const [blocks, groups] = [Math.ceil(k / rowBlock), Math.ceil(count / panelGroup)];
  const batch = batchPlaces(layout, operand, `unit / ${blocks * groups}`);
  const vectors = Math.ceil(width / lanes);
  const each = (text: (at: number) => string): string =>
    Array.from({ length: vectors }, (_, i) => text(i * lanes)).join("");
  // The last rows of a block are stored exactly: another thread may already have written what follows them.
  const row = (load: (at: number) => string, exact: boolean): string =>
    each((at) =>
      exact && at + lanes > width
        ? `${V}_storem(q + ${at}, ${load(at)}, I${lanes}_first(${width - at}));`
        : `${V}_store(q + ${at}, ${load(at)});`,
    );
  const over = vectors * lanes - width;
  const next = `panel++, p += ${width}, q += ${width * k}`;
  const whole = (exact: boolean): string =>
    `for (; panel < whole; ${next}) { ${row((at) => elements.load(lanes, `p + ${at}`), exact)} }`;
  const body = code`  const ${elements.type} *const from = (const ${elements.type} *)(${context.address(operand.buffer, operand.offset)});
  ${T} *const to = (${T} *)(${context.address(context.sharedBuffer(kernel.dtype), layout.place)});
  for (int unit = low; unit < high; unit++) {
    const long first = unit % ${groups} * ${panelGroup}, start = unit / ${groups} % ${blocks} * ${rowBlock};
${batch.decode}    const ${elements.type} *const source = from + (${batch.offset}) + first * ${width};
    ${T} *const panels = to + ((long)(unit / ${blocks * groups}) * ${count} + first) * ${width * k};
    const long end = start + ${rowBlock} < ${k} ? start + ${rowBlock} : ${k};
    const long last = first + ${panelGroup} < ${count} ? first + ${panelGroup} : ${count};
    const long whole = last < ${Math.floor((extent - over) / width)} ? last : ${Math.floor((extent - over) / width)};
    for (long k = start; k < end; k++) {
      const ${elements.type} *p = source + k * ${stride};
      ${T} *q = panels + k * ${width};
      long panel = first;
      ${
        over === 0
          ? whole(false)
          : `if ((end - k) * ${width} >= ${vectors * lanes}) ${whole(false)}
      else ${whole(true)}`
      }
      for (; panel < last; ${next}) {
        const long have = ${extent} - panel * ${width};
        ${row((at) => elements.load(lanes, `p + ${at}`, `I${lanes}_first(have - ${at})`), true)}
      }
    }
  }
`;
  const units = extentOf(layout.batch) * blocks * groups;
  return { name, units, cost: units * Math.min(count, panelGroup) * width * Math.min(k, rowBlock) * 0.1, body };
}

/** A panel that is packed where it is used, one at a time. */
interface OnePanel {
  /** Declarations that `fill` needs. */
  readonly statics: string;
  /** Fills `panel` with `count` steps of k, starting at `k0`, from the `have` columns at `from`. */
  fill(from: string, k0: string, count: string, have: string): string;
}

export function onePanel(context: EmitContext, kernel: ContractionKernel, side: Side, width: number): OnePanel {
  const { operand } = side;
  if (operand === undefined) throw new InternalError("a panel of its own is packed from a plain load");
  const steps = kSteps(side, kernel);
  const elements = elementsOf(context, operand.dtype, tileType(kernel));
  const bytes = byteSize(kernel.dtype);
  const lanes = Math.min(width, context.target.vectorBytes / bytes);
  const [T, V] = [scalarType(kernel.dtype), vectorType(kernel.dtype, lanes)];
  if (canCopyPack(side, kernel)) {
    const name = `panel_${V}_${width}${elements.suffix}`;
    needLanes(context, lanes);
    context.helper(name, () => {
      const each = (text: (at: number) => string): string =>
        Array.from({ length: width / lanes }, (_, i) => text(i * lanes)).join(" ");
      return `static __attribute__((noinline)) void ${name}(const ${elements.type} *p, long stride, long n, long have, ${T} *q) {
  if (have >= ${width}) for (long k = 0; k < n; k++, p += stride, q += ${width}) {
    ${each((at) => `__builtin_prefetch(p + ${rowsAhead} * stride + ${at}, 0, 2); ${V}_store(q + ${at}, ${elements.load(lanes, `p + ${at}`)});`)}
  } else for (long k = 0; k < n; k++, p += stride, q += ${width}) {
    ${each((at) => `${V}_store(q + ${at}, ${elements.load(lanes, `p + ${at}`, `I${lanes}_first(have - ${at})`)});`)}
  }
}
`;
    });
    const stride = steps[0]?.stride ?? 0;
    return {
      statics: "",
      fill: (from, k0, count, have) => `${name}(${from} + ${k0} * ${stride}, ${stride}, ${count}, ${have}, panel);`,
    };
  }
  const stride = outerSteps(side)[0]?.stride ?? 0;
  // Integers are transposed as floats with the same bits.
  const turned = elementsOf(context, operand.dtype, "float32");
  const name = `panelTurned_${width}${turned.suffix}`;
  const turn = needTurn(context, turned);
  context.helper(
    name,
    () => `static __attribute__((noinline)) void ${name}(const ${turned.type} *p, long stride, long n, long have, float *q) {
  for (long k = 0; k < n; k += 16)
    for (long r = 0; r < ${width}; r += 16)
      ${turn}(p + r * stride + k, stride, have - r < 0 ? 0 : have - r < 16 ? have - r : 16, n - k, q + k * ${width} + r, ${width}, 16);
}
`,
  );
  const [run, outer] = [evenK(side, kernel), tableOf(steps.slice(0, -1))];
  const one = outer.length === 1;
  const isInt = kernel.dtype === "int32";
  return {
    statics: one ? "" : `  static const int runs[] = {${outer.join(", ")}};\n`,
    fill: (from, k0, count, have) => {
      const at = one ? k0 : `runs[${k0} / ${run}] + ${k0} % ${run}`;
      const [source, target] = isInt
        ? [`(const float *)(${from} + ${at})`, "(float *)panel"]
        : [`${from} + ${at}`, "panel"];
      return `${name}(${source}, ${stride}, ${count}, ${have}, ${target});`;
    },
  };
}

/** The point of the batch of a unit: its coordinates, and the offset of its side. */
function batchPlaces({ batch }: PanelLayout, operand: Operand, unit: string): { decode: string; offset: string } {
  let [decode, offset, rest] = ["", "0", unit];
  [...batch].reverse().forEach((axis, place) => {
    decode += `    const long n${place} = ${rest} % ${axis.extent};\n`;
    rest = `${rest} / ${axis.extent}`;
    offset += ` + n${place} * ${operand.strideOf(axis)}`;
  });
  return { decode, offset };
}

/** Packs a side that is contiguous along the last axis of k: blocks of 16 × 16 elements are transposed in registers. */
function transposed(context: EmitContext, { kernel, side, layout }: Packing): Phase {
  const { operand } = side;
  if (operand === undefined) throw new InternalError("only a plain load is turned");
  const k = extentOf(kernel.k);
  const steps = kSteps(side, kernel);
  const run = steps.at(-1)?.extent ?? 1;
  const outer = extentOf(side.group.inner);
  const stride = outerSteps(side)[0]?.stride ?? 0;
  const elements = elementsOf(context, operand.dtype, "float32");
  const turn = needTurn(context, elements);
  const { width, count } = layout;
  const name = context.phaseName(`${kernel.name}_turned`);
  const { decode, offset } = batchPlaces(layout, operand, `unit / ${count}`);
  const shared = context.address(context.sharedBuffer("float32"), layout.place);
  // The last block of a row may overrun into the next row, whose first block is written afterwards.
  const blocks = `for (long k = 0; k < ${run}; k += 16)
      for (long r = ${Math.floor((width - 1) / 16) * 16}; r >= 0; r -= 16) {
        const long have = rows - r < 0 ? 0 : rows - r < 16 ? rows - r : 16;
        const long room = ${width} - r < 16 ? ${width} - r : 16;
        ${turn}(p + r * ${stride} + k, ${stride}, have, ${run} - k, q + k * ${width} + r, ${width}, room);
      }`;
  const whole = steps.length <= 1;
  const body = code`${whole ? "" : `  static const int runs[] = {${tableOf(steps.slice(0, -1)).join(", ")}};\n`}  const ${elements.type} *const from = (const ${elements.type} *)(${context.address(operand.buffer, operand.offset)});
  float *const to = (float *)(${shared});
  for (int unit = low; unit < high; unit++) {
    const long panel = unit % ${count};
${decode}    const ${elements.type} *const first = from + (${offset}) + panel * ${width} * ${stride};
    const long rows = ${outer} - panel * ${width} < ${width} ? ${outer} - panel * ${width} : ${width};
    for (long run = 0; run < ${k / run}; run++) {
      const ${elements.type} *const p = first${whole ? "" : " + runs[run]"};
      float *const q = to + (long)unit * ${width * k} + run * ${width * run};
      ${blocks}
    }
  }
`;
  const units = extentOf(layout.batch) * count;
  return { name, units, cost: units * width * k * 0.12, body };
}

const tileType = ({ dtype }: ContractionKernel): TileType =>
  dtype === "float64" || dtype === "int32" ? dtype : "float32";

/** Emits the transposition of such elements and returns its name. */
export function needTurn(context: EmitContext, elements: Elements = elementsOf(context, "float32", "float32")): string {
  needLanes(context, 16);
  const { type, suffix } = elements;
  const name = `turn16${suffix}`;
  context.helper("turn_four", () => turnFour);
  context.helper(name, () => `${quarters(elements)}${turn16(name, type, suffix)}`);
  return name;
}

/** Loads four elements from each of four rows, under a mask. */
function quarters({ type, suffix, bytes }: Elements): string {
  const head = `static inline __m512 turn_load${suffix}`;
  if (suffix === "")
    return `${head}(const float *a, const float *b, const float *c, const float *d, __m128i mask) {
  __m512 v = _mm512_castps128_ps512(_mm_maskz_loadu_ps(_mm_movepi32_mask(mask), a));
  v = _mm512_insertf32x4(v, _mm_maskz_loadu_ps(_mm_movepi32_mask(mask), b), 1);
  v = _mm512_insertf32x4(v, _mm_maskz_loadu_ps(_mm_movepi32_mask(mask), c), 2);
  return _mm512_insertf32x4(v, _mm_maskz_loadu_ps(_mm_movepi32_mask(mask), d), 3);
}
`;
  const isByte = bytes === 1;
  const row = (at: string): string => `_mm_maskz_loadu_epi${isByte ? 8 : 16}(_mm_movepi32_mask(mask), ${at})`;
  const two = (low: string, high: string): string => `_mm_unpacklo_epi${isByte ? 32 : 64}(${row(low)}, ${row(high)})`;
  const [low, high] = [two("a", "b"), two("c", "d")];
  const bits = isByte ? `_mm_unpacklo_epi64(${low}, ${high})` : `_mm256_set_m128i(${high}, ${low})`;
  const rows = ["a", "b", "c", "d"].map((at) => `const ${type} *${at}`).join(", ");
  return `${head}(${rows}, __m128i mask) { return ${quarterValue(suffix, bits)}; }
`;
}

/** The intrinsic that widens narrower integers to int32, by the suffix of their elements. */
const widened: ReadonlyMap<string, string> = new Map([
  ["_int8", "cvtepi8_epi32"],
  ["_uint8", "cvtepu8_epi32"],
  ["_bool", "cvtepu8_epi32"],
  ["_int16", "cvtepi16_epi32"],
]);

/** Sixteen floats from the bits of narrower elements. */
function quarterValue(suffix: string, bits: string): string {
  if (suffix === "_float16") return `_mm512_cvtph_ps(${bits})`;
  if (suffix === "_bfloat16") return `_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(${bits}), 16))`;
  const widen = widened.get(suffix);
  if (widen === undefined) throw new InternalError(`elements${suffix} cannot be turned`);
  return `_mm512_cvtepi32_ps(_mm512_${widen}(${bits}))`;
}

/**
 * dst[k][row] = src[row][k] for AVX-512. Rows beyond `have` get arbitrary values but cause no faults; steps of k beyond `steps` are not
 * touched. Quarters of four rows are combined while loading, which needs no shuffles; sixteen at a time are then transposed in fours.
 */
const turn16 = (
  name: string,
  type: string,
  suffix: string,
): string => `static __attribute__((noinline)) void ${name}(const ${type} *src, long stride, long have, long steps, float *dst, long width, long room) {
  F16 v[16];
  const __m128i all = _mm_set1_epi32(-1);
  if (have >= 16 && steps >= 16) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      __m512 z[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        const ${type} *p = src + i * stride + 4 * q;
        z[i] = turn_load${suffix}(p, p + 4 * stride, p + 8 * stride, p + 12 * stride, all);
      }
      turn_four(z, v + 4 * q);
    }
  } else {
    const ${type} *rows[16];
    for (int i = 0; i < 16; i++) rows[i] = src + (i < have ? i : have > 0 ? have - 1 : 0) * stride;
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      const int left = have <= 0 ? 0 : (int)steps - 4 * q;
      const __m128i mask = _mm_cmpgt_epi32(_mm_set1_epi32(left), _mm_set_epi32(3, 2, 1, 0));
      __m512 z[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) z[i] = turn_load${suffix}(rows[i] + 4 * q, rows[i + 4] + 4 * q, rows[i + 8] + 4 * q, rows[i + 12] + 4 * q, mask);
      turn_four(z, v + 4 * q);
    }
  }
  if (room >= 16 && steps >= 16) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) F16_store(dst + i * width, v[i]);
  } else {
    /* A store may reach into what the next stores overwrite, but not past the last one. */
    const int last = steps < 16 ? (int)steps - 1 : 15;
    const I16 part = I16_first(room < 16 ? room : 16);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
      if (i <= last) {
        if (room >= 16 || (last - i) * width + room >= 16) F16_store(dst + i * width, v[i]);
        else F16_storem(dst + i * width, v[i], part);
      }
  }
}
`;

const turnFour = `static inline void turn_four(const __m512 *z, F16 *v) {
  const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(z[0], z[1])), b = _mm512_castps_pd(_mm512_unpackhi_ps(z[0], z[1]));
  const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(z[2], z[3])), d = _mm512_castps_pd(_mm512_unpackhi_ps(z[2], z[3]));
  v[0] = (F16)_mm512_unpacklo_pd(a, c);
  v[1] = (F16)_mm512_unpackhi_pd(a, c);
  v[2] = (F16)_mm512_unpacklo_pd(b, d);
  v[3] = (F16)_mm512_unpackhi_pd(b, d);
}
`;
