// One rank of the test of collectives: compares each with its definition and prints the differences. --large: also with 16 Mi values, which
// takes 3.4 GB a rank. By hand: npx esbuild test/distributed/collectives.rank.ts --bundle --platform=node --format=esm --packages=external
// --outfile=node_modules/.cache/collectives.mjs, then mpirun -n 2 node node_modules/.cache/collectives.mjs --large
import { init } from "../../src/distributed/index.ts";
import { allocate, type DType, dtypes, isFloat, type TypedArray } from "../../src/graph/dtype.ts";
import type { Combining } from "../../src/runtime/index.ts";

const world = init();
const { rank, size } = world;
const wrong: string[] = [];

/** The values of a rank: whole numbers that float32 represents exactly, or fractions. */
function valuesOf(dtype: DType, length: number, from: number): TypedArray {
  const values = allocate(dtype, length);
  const whole = dtype === "bool" ? 2 : isFloat(dtype) ? undefined : 251;
  for (let i = 0; i < length; i++)
    values[i] = whole === undefined ? ((i % 8191) + 0.1) / (from + 3) : (i * 37 + from * 101) % whole;
  return values;
}

/** Rank 0's ∘ rank 1's ∘ …, in float64, rounded once. */
function combined(dtype: DType, length: number, combine: Combining): TypedArray {
  const total = Float64Array.from(valuesOf(dtype, length, 0));
  for (let from = 1; from < size; from++) {
    const next = valuesOf(dtype, length, from);
    for (let i = 0; i < length; i++) {
      const a = total[i] as number;
      const b = next[i] as number;
      total[i] = combine === "sum" ? a + b : combine === "max" ? Math.max(a, b) : Math.min(a, b);
    }
  }
  const out = allocate(dtype, length);
  out.set(total);
  return out;
}

const same = (a: TypedArray, b: TypedArray): boolean =>
  a.length === b.length &&
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

function expectSame(what: string, found: TypedArray, wanted: TypedArray): void {
  compared++;
  if (!same(found, wanted)) wrong.push(`rank ${rank}: ${what}`);
}

const combinings = ["sum", "max", "min"] as const;
const large = process.argv.includes("--large");
const sizes = [0, 1, 2, 7, 1023, 1024, 100_003, ...(large ? [16 * 2 ** 20] : [])];
let compared = 0;
for (const dtype of dtypes)
  for (const length of sizes) {
    const what = `${dtype} of ${length}`;
    const own = (): TypedArray => valuesOf(dtype, length, rank);
    for (const combine of combinings) {
      const wanted = combined(dtype, length, combine);
      expectSame(`allReduce ${combine} ${what}`, world.allReduce(own(), { combine }), wanted);
      const there = own();
      world.allReduce(there, { combine, into: there });
      expectSame(`allReduce ${combine} ${what} in place`, there, wanted);
    }
    for (const root of [0, size - 1]) {
      expectSame(`broadcast ${what}`, world.broadcast(own(), { root }), valuesOf(dtype, length, root));
      const there = own();
      world.broadcast(there, { root, into: there });
      expectSame(`broadcast ${what} in place`, there, valuesOf(dtype, length, root));
    }
    const all = allocate(dtype, size * length);
    for (let from = 0; from < size; from++) all.set(valuesOf(dtype, length, from), from * length);
    expectSame(`allGather ${what}`, world.allGather(own()), all);
    const there = allocate(dtype, size * length);
    const mine = there.subarray(rank * length, (rank + 1) * length);
    mine.set(own());
    world.allGather(mine, { into: there });
    expectSame(`allGather ${what} in place`, there, all);
    for (const combine of combinings) {
      const wide = valuesOf(dtype, size * length, rank);
      const part = combined(dtype, size * length, combine).subarray(rank * length, (rank + 1) * length);
      expectSame(`reduceScatter ${combine} ${what}`, world.reduceScatter(wide, { combine }), part);
      const first = wide.subarray(0, length);
      world.reduceScatter(wide, { combine, into: first });
      expectSame(`reduceScatter ${combine} ${what} in place`, first, part);
    }
    world.barrier();
  }

// Several at once, awaited in another order than they end.
const begun = [3, 40_000, 5, 70_001].map((length) => ({
  length,
  pending: world.beginAllReduce(valuesOf("float32", length, rank)),
}));
for (const { length, pending } of begun)
  expectSame(`begun allReduce of ${length}`, pending.wait(), combined("float32", length, "sum"));

// In the ranks' own memory, which is reused. Each rank makes progress meanwhile, as often as it likes.
for (const round of [0, 1])
  for (const dtype of ["float32", "float64", "int32"] as const) {
    const lengths = [3, 2048, 100_003, 1_500_000];
    const lent = lengths.map((length) => {
      const values = world.borrow(allocate(dtype, 0), length);
      values.set(valuesOf(dtype, length, rank));
      const pending = world.beginAllReduce(values, { into: values });
      for (let k = 0; k < rank; k++) world.progress();
      return { length, values, pending };
    });
    for (const { length, values, pending } of lent) {
      expectSame(`${dtype} of ${length} lent, round ${round}`, pending.wait(), combined(dtype, length, "sum"));
      world.giveBack(values);
    }
    const length = 70_001;
    const wide = world.borrow(allocate(dtype, 0), size * length);
    wide.set(valuesOf(dtype, size * length, rank));
    const share = world.beginReduceScatter(wide).wait();
    const wanted = combined(dtype, size * length, "sum").subarray(rank * length, (rank + 1) * length);
    expectSame(`reduceScatter of lent ${dtype}`, share, wanted);
    const place = wide.subarray(rank * length, (rank + 1) * length);
    place.set(valuesOf(dtype, length, rank));
    const gathered = world.beginAllGather(place, { into: wide }).wait();
    for (let from = 0; from < size; from++)
      expectSame(
        `allGather of lent ${dtype}`,
        gathered.slice(from * length, (from + 1) * length),
        valuesOf(dtype, length, from),
      );
    world.giveBack(wide);
    for (const own of [valuesOf(dtype, length, rank), world.borrow(allocate(dtype, 0), length)]) {
      own.set(valuesOf(dtype, length, rank));
      const all = allocate(dtype, size * length);
      world.beginAllGatherInto(own, (piece, start) => all.set(piece, start)).wait();
      for (let from = 0; from < size; from++)
        expectSame(
          `allGather of ${dtype} in pieces`,
          all.slice(from * length, (from + 1) * length),
          valuesOf(dtype, length, from),
        );
      world.giveBack(own);
    }
  }

const told = world.allReduce(Float64Array.of(wrong.length));
for (const line of wrong) console.log(line);
world.barrier();
if (rank === 0) console.log(`${size} ranks, ${world.description}, ${compared} comparisons each: ${told[0]} wrong`);
if (large && rank === 0)
  console.log(`largest memory of rank 0: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
