// Byte products with int32 sums, which are exact in any order: each lane of a sum takes four neighbours along k at once.
import { flatAxes } from "../../../compiler/indexing.ts";
import type { ContractionKernel, LoopKernel } from "../../../compiler/kernel.ts";
import type { ElementType } from "../../../graph/dtype.ts";
import { InternalError } from "../../../graph/errors.ts";
import { type Axis, add, cast, int, load, type Scalar } from "../../../graph/scalar.ts";
import { axesIn } from "../../analysis/axes.ts";
import { extentOf } from "../../analysis/steps.ts";
import { cheapestEpilogue } from "../../contraction/cost.ts";
import type { Machine } from "../../contraction/machine.ts";
import type { DotPlan } from "../../contraction/plan.ts";
import { bothPacked, contiguousK, sidesOf } from "../../contraction/sides.ts";
import { share } from "../../contraction/tile.ts";
import { inWords, type WordProduct, type WordRoom } from "../../contraction/words.ts";
import { type EmitContext, elementType } from "../emitter.ts";
import { needReduction } from "../horizontal.ts";
import { needLanes } from "../lanes.ts";
import { storedOperandOf } from "./elements.ts";

type ByteType = "int8" | "uint8";

const isByte = (dtype: string | undefined): dtype is ByteType => dtype === "int8" || dtype === "uint8";

/** Shorter sums are as fast one by one. */
const shortestSum = 16;
/** Sums per tile. They leave registers for the sums that correct the signs. */
const sums = { wide: 20, narrow: 6 } as const;

/** The byte type of a side, if it has one. */
const bytesOf = (value: Scalar): ByteType | undefined => {
  const dtype = storedOperandOf(value)?.dtype;
  return isByte(dtype) ? dtype : undefined;
};

/** Whether both sides are bytes and the processor has instructions for their products. */
export const isOfBytes = (
  { dtype, a, b, m, n, k }: ContractionKernel,
  { longestTable }: Machine,
  { target }: EmitContext,
): boolean =>
  dtype === "int32" &&
  Math.max(extentOf(m), extentOf(n)) <= longestTable &&
  (target.vectors === "avx512" || target.vectors === "avx2") &&
  extentOf(k) >= shortestSum &&
  bytesOf(a) !== undefined &&
  bytesOf(b) !== undefined;

/** Memory for rearranged bytes: a buffer of each type over the same memory, and an allocator. */
interface ByteRoom {
  bufferOf(dtype: ElementType): number;
  reserve(bytes: number): number;
}

/** The kernel with both sides contiguous along k, and the loops that copy a side that is not. */
export function alongK(
  kernel: ContractionKernel,
  room: ByteRoom,
): { readonly kernel: ContractionKernel; readonly copies: readonly LoopKernel[] } {
  const copies: LoopKernel[] = [];
  const side = (value: Scalar, own: readonly Axis[]): Scalar => {
    const [operand, dtype] = [storedOperandOf(value), bytesOf(value)];
    if (operand === undefined || dtype === undefined || contiguousK(kernel, operand, operand) === extentOf(kernel.k))
      return value;
    const used = axesIn(value);
    const axes = [...[...kernel.batch, ...own].filter(({ id }) => used.has(id)), ...kernel.k];
    const [buffer, index] = [room.bufferOf(dtype), add(flatAxes(axes), int(room.reserve(extentOf(axes))))];
    const body = [{ kind: "store", buffer, index, value: value.kind === "cast" ? value.x : value } as const];
    copies.push({ kind: "loops", name: `${kernel.name}, along k`, axes, body });
    return cast(load(buffer, index, dtype), "int32");
  };
  const [a, b] = [side(kernel.a, kernel.m), side(kernel.b, kernel.n)];
  return { kernel: { ...kernel, a, b }, copies };
}

/** Products with fewer rows or columns read their bytes in place. */
const fewestForWords = 16;

/** The product over words of four bytes, unsigned on one side and signed on the other, and which side is unsigned. */
export function inBytes(
  kernel: ContractionKernel,
  { target }: EmitContext,
  room: WordRoom,
): (WordProduct & { readonly unsigned: Scalar }) | undefined {
  if (kernel.dtype !== "int32" || (target.vectors !== "avx512" && target.vectors !== "avx2")) return undefined;
  const [left, right] = [bytesOf(kernel.a), bytesOf(kernel.b)];
  if (left === right || left === undefined || right === undefined) return undefined;
  if (Math.min(extentOf(kernel.m), extentOf(kernel.n)) < fewestForWords) return undefined;
  const words = inWords(kernel, room);
  return words && { ...words, unsigned: left === "uint8" ? words.kernel.a : words.kernel.b };
}

/** Cycles per step of four products in each lane. */
const cyclesOfStep = 0.6;

/** The plan of a product of bytes that are contiguous along k on both sides. */
export function byteDotPlan(kernel: ContractionKernel, machine: Machine): DotPlan {
  const sides = sidesOf(kernel, machine, false, bothPacked);
  const [a, b] = [sides.a.operand, sides.b.operand];
  if (a === undefined || b === undefined) throw new InternalError("a product of bytes reads them in place");
  const [m, n, k] = [sides.a.group.merged, sides.b.group.merged, extentOf(kernel.k)];
  const mr = share(m.extent, machine.dot.tallest, true);
  const nr = share(n.extent, Math.floor((machine.vectorBytes === 64 ? sums.wide : sums.narrow) / mr), true);
  const { epilogueLanes, perResult } = cheapestEpilogue({ ...sides, m, n, mr }, "int32", machine);
  const results = extentOf([...sides.batch, m, n]);
  const steps = Math.ceil(k / machine.vectorBytes) * cyclesOfStep + machine.costs.acrossLanes;
  return {
    kind: "dot",
    ...sides,
    m,
    n,
    mr,
    nr,
    kc: k,
    lanes: machine.vectorBytes / 4,
    operands: [a, b],
    contiguous: k,
    epilogueLanes,
    cycles: results * (steps + perResult),
  };
}

export interface ByteTile {
  readonly types: readonly [a: ByteType, b: ByteType];
  readonly height: number;
  readonly width: number;
  /** Bytes along k. */
  readonly run: number;
  readonly tileWidth: number;
}

/** The types of both operands, if they are bytes. */
export function byteTypes({ operands: [a, b] }: DotPlan): ByteTile["types"] | undefined {
  return isByte(a.dtype) && isByte(b.dtype) ? [a.dtype, b.dtype] : undefined;
}

/**
 * The name of `void f(const A *a, const B *b, int *tile, const int *rows, const int *columns, …)`, named like a `dotTile`. The instruction
 * multiplies unsigned bytes by signed ones. If both sides are signed, it multiplies a + 128 by b and 128 Σ b is subtracted. If both
 * are unsigned, it multiplies b - 128 by a and 128 Σ a is added. int32 wraps, so the result is exact.
 */
export function byteTile(context: EmitContext, { types: [a, b], height, width, run, tileWidth }: ByteTile): string {
  const lanes = context.target.vectorBytes / 4;
  const bytes = 4 * lanes;
  const [V, p] = [`__m${8 * bytes}i`, bytes === 64 ? "_mm512" : "_mm256"];
  const name = `bytes_${a}_${b}_${height}x${width}_${run}_${tileWidth}`;
  needLanes(context, lanes);
  needReduction(context, "sum", "int32", lanes);
  const dot = needBytesDot(context, lanes);
  context.helper("bytesFirst", () => bytesFirst(bytes));
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join("");
  const both = a === b ? a : undefined;
  const sum = (row: number, column: number): string => `c${row * width + column}`;
  const product = (row: number, column: number): string =>
    both === undefined && a === "int8"
      ? `${dot}(${sum(row, column)}, v${column}, u${row})`
      : `${dot}(${sum(row, column)}, u${row}, v${column})`;
  const flipped = (isFlipped: boolean, load: string): string =>
    isFlipped ? `${p}_xor_si${8 * bytes}(${load}, flip)` : load;
  const step = (load: (pointer: string) => string): string =>
    `${each(width, (i) => `      const ${V} v${i} = ${flipped(both === "uint8", load(`b${i}`))};${both === "int8" ? ` s${i} = ${dot}(s${i}, flip, v${i});` : ""}\n`)}${each(
      height,
      (row) =>
        `      const ${V} u${row} = ${flipped(both === "int8", load(`a${row}`))};${both === "uint8" ? ` s${row} = ${dot}(s${row}, u${row}, flip);` : ""}${each(width, (column) => ` ${sum(row, column)} = ${product(row, column)};`)}\n`,
    )}`;
  const rest = run % bytes;
  const corrections = both === "int8" ? width : both === "uint8" ? height : 0;
  const corrected = (row: number, column: number): string =>
    corrections === 0 ? sum(row, column) : `${sum(row, column)} - s${both === "int8" ? column : row}`;
  context.helper(
    name,
    () => `static __attribute__((noinline)) void ${name}(const ${elementType[a]} *a, const ${elementType[b]} *b, int *tile, const int *rows, const int *columns, long n, const int *ka, const int *kb) {
  const ${V} flip = ${p}_set1_epi8((char)128);
  I${lanes} ${[...Array.from({ length: height * width }, (_, i) => `c${i} = {0}`), ...Array.from({ length: corrections }, (_, i) => `s${i} = {0}`)].join(", ")};
${each(height, (row) => `  const ${elementType[a]} *const a${row} = a + rows[${row}];\n`)}${each(width, (column) => `  const ${elementType[b]} *const b${column} = b + columns[${column}];\n`)}${
  run >= bytes
    ? `  for (long k = 0; k + ${bytes} <= ${run}; k += ${bytes}) {\n${step((pointer) => `${p}_loadu_si${8 * bytes}((const ${V} *)(${pointer} + k))`)}  }\n`
    : ""
}${rest > 0 ? `  {\n${step((pointer) => `bytesFirst(${pointer} + ${run - rest}, ${rest})`)}  }\n` : ""}${each(height, (row) => each(width, (column) => `  tile[${row * tileWidth + column}] = sum_I${lanes}(${corrected(row, column)});\n`))}}
`,
  );
  return name;
}

/** The name of `sums + four products of unsigned by signed bytes in each lane`: the instruction if there is one, else 16-bit products. */
export function needBytesDot(context: EmitContext, lanes: number): string {
  const name = `bytesDot${lanes}`;
  needLanes(context, lanes);
  context.helper(name, () => {
    const bits = 32 * lanes;
    const [V, p, si] = [`__m${bits}i`, bits === 128 ? "_mm" : `_mm${bits}`, `si${bits}`];
    const odd = (x: string): string => `${p}_srai_epi16(${x}, 8)`;
    return `/* sums += four products of unsigned by signed bytes in each lane */
static inline I${lanes} ${name}(I${lanes} sums, ${V} u, ${V} v) {
#if ${bits === 512 ? "defined(__AVX512VNNI__)" : "defined(__AVX512VNNI__) && defined(__AVX512VL__)"}
  return (I${lanes})${p}_dpbusd_epi32((${V})sums, u, v);
#else
  const ${V} even = ${p}_madd_epi16(${p}_and_${si}(u, ${p}_set1_epi16(255)), ${odd(`${p}_slli_epi16(v, 8)`)});
  return sums + (I${lanes})even + (I${lanes})${p}_madd_epi16(${p}_srli_epi16(u, 8), ${odd("v")});
#endif
}
`;
  });
  return name;
}

/** The first `bytes` bytes of a vector, then zeros. */
function bytesFirst(bytes: number): string {
  const [V, text] =
    bytes === 64
      ? ["__m512i", "return _mm512_maskz_loadu_epi8(~0ull >> (64 - count), p);"]
      : [
          "__m256i",
          "char part[32] = {0}; __builtin_memcpy(part, p, count); return _mm256_loadu_si256((const __m256i *)part);",
        ];
  return `static inline ${V} bytesFirst(const void *p, int count) { ${text} }
`;
}
