// The random numbers of all shares together are those of the whole batch.
import { describe, expect, it } from "vitest";
import type { BatchShare } from "../runtime/index.ts";
import { bernoulli, compile, full, multinomial, rand, randint, randn, seed, type Tensor, zeros } from "./index.ts";
import { drawShare } from "./shareDraws.ts";

const whole = 7;
const shares: readonly BatchShare[] = [
  { first: 0, count: 3, whole },
  { first: 3, count: 4, whole },
];

/** The draws of a function of rows [n, 2] for the whole batch, and for each share. */
function drawn(make: (rows: Tensor) => Tensor): { all: Tensor; parts: Tensor[] } {
  const of = (rows: number): Tensor => zeros([rows, 2]);
  const from = (body: () => Tensor): Tensor => {
    seed(5);
    return compile(body)();
  };
  return {
    all: from(() => make(of(whole))),
    parts: shares.map((share) =>
      from(() =>
        drawShare(
          share,
          () => make(of(whole)),
          () => make(of(share.count)),
        ),
      ),
    ),
  };
}

const rowsOf = ({ shape: [rows = 0] }: Tensor): number => rows;

describe("draws of a share", () => {
  it.each<[string, number, (rows: Tensor) => Tensor]>([
    ["uniform", 0, (rows) => rand(rows.shape)],
    ["uniform in float64", 0, (rows) => rand(rows.shape, { dtype: "float64" })],
    [
      "normal, the second draw",
      0,
      (rows) =>
        randn([3])
          .sum()
          .mul(0)
          .add(randn([rowsOf(rows), 5])),
    ],
    ["whole numbers", 0, (rows) => randint(0, 1000, [rowsOf(rows)])],
    ["events", 0, (rows) => bernoulli(rows.add(0.5))],
    ["places", 0, (rows) => multinomial(full([rowsOf(rows), 9], 1), 4)],
    ["places, again and again", 0, (rows) => multinomial(full([rowsOf(rows), 9], 1), 4, { replacement: true })],
    ["rows in the second dim", 1, (rows) => rand([4, rowsOf(rows), 3])],
    ["three values a row in the first dim", 0, (rows) => rand([3 * rowsOf(rows), 2])],
  ])("have the numbers of the whole batch: %s", (_, dim, make) => {
    const { all, parts } = drawn(make);
    const perRow = (all.shape[dim] ?? 0) / whole;
    for (const [k, { first, count }] of shares.entries())
      expect(parts[k]?.toArraySync()).toEqual(all.narrow(dim, first * perRow, count * perRow).toArraySync());
  });

  it("are the same for all shares if they are not per row, or are per pair of rows", () => {
    for (const make of [
      () => randn([4, 7]),
      (rows: Tensor) =>
        rand([rowsOf(rows), rowsOf(rows)])
          .flatten()
          .narrow(0, 0, 9),
    ]) {
      const [first, second] = drawn(make).parts.map((part) => part.toArraySync());
      expect(first).toEqual(second);
    }
    expect(drawn(() => randn([4, 7])).parts[0]?.toArraySync()).toEqual(drawn(() => randn([4, 7])).all.toArraySync());
  });

  it("are refused if they do not grow with the rows", () => {
    // 5 numbers for 3 or 4 rows, 10 for 7 rows.
    expect(() => drawn((rows) => rand([5 * Math.ceil(rowsOf(rows) / 5)]))).toThrow(
      "random numbers of shape [5] are drawn for the 3 rows of this rank, and of shape [10] for all 7 rows of the batch",
    );
    expect(() => drawn((rows) => rand([rowsOf(rows) + 1]))).toThrow("draw the same number for each row");
    expect(() => drawn((rows) => rand(rowsOf(rows) > 3 ? [rowsOf(rows), 1] : [rowsOf(rows)]))).toThrow(
      "not known which",
    );
  });
});
