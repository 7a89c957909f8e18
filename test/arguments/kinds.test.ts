// Passes a value of the wrong kind for every argument of every public function. The call works or throws a HebbError with the reason, never a raw
// TypeError.
import { beforeAll, expect, it } from "vitest";
import { HebbError, Tensor, useBackend } from "../../src/index.ts";
import { type Subject, subjects } from "./subjects.ts";

beforeAll(() => useBackend({ backend: "reference" }));

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a string", "x"],
  ["a number", 3],
  ["a negative number", -7],
  ["a fraction", 0.5],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["true", true],
  ["a bigint", 2n],
  ["an array", [1, 2]],
  ["an empty array", []],
  ["nested arrays", [[1, "x"]]],
  ["an object", {}],
  ["a function", () => undefined],
  ["a typed array", Float32Array.of(1, 2)],
  ["a date", new Date(0)],
];

/** Reads the values, so that errors at compile time and at run time show too. */
async function settle(output: unknown, depth = 0): Promise<void> {
  if (output instanceof Tensor) output.dataSync();
  else if (output instanceof Promise) await settle(await output, depth + 1);
  else if (Array.isArray(output) && depth < 3) for (const part of output) await settle(part, depth + 1);
}

/**
 * Functions that store their arguments without checking them. nn.Transformer is here because its defaults, 44 million weights, are too large for the
 * reference backend; options.test.ts tests its options.
 */
const keep = new Set(["Tensor", "nn.Transformer", "nn.Transformer.forward"]);

it.each(subjects.filter(({ name }) => !keep.has(name)).map((subject) => [subject.name, subject] as const))(
  "%s",
  async (_, subject: Subject) => {
    await settle(subject.call(subject.args()));
    const raw: string[] = [];
    const attempt = async (what: string, args: readonly unknown[]): Promise<void> => {
      try {
        await settle(subject.call(args));
      } catch (error) {
        if (!(error instanceof HebbError)) raw.push(`${what}: ${String(error)}`);
      }
    };
    for (let place = 0; place < subject.args().length; place++) {
      for (const [what, value] of wrong) {
        const args = [...subject.args()];
        args[place] = value;
        await attempt(`argument ${place} is ${what}`, args);
      }
    }
    await attempt("no arguments", []);
    expect(raw).toEqual([]);
  },
);
