// Every public function on special inputs: PyTorch's number, or an error message. A function without a row fails.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { useBackend } from "../../src/runtime/index.ts";
import * as tensors from "../../src/tensor/index.ts";
import { methodNames } from "../arguments/subjects.ts";
import { type Figure, outcomeOf } from "./compare.ts";
import { onPurpose, withoutRows } from "./exceptions.ts";
import { trials } from "./inputs.ts";
import { rows } from "./rows.ts";

const golden = JSON.parse(readFileSync(new URL("figures.json", import.meta.url), "utf8")) as {
  readonly torch: string;
  readonly rows: readonly { readonly name: string; readonly torch: string; readonly figures: Record<string, Figure> }[];
};

const isFunction = ([, value]: readonly [string, unknown]): boolean => typeof value === "function";
const named = (prefix: string, values: object): string[] =>
  Object.entries(values)
    .filter(isFunction)
    .map(([name]) => `${prefix}${name}`);

/** The public names of the rooms tensor and nn. */
function publicNames(): string[] {
  return [...methodNames(), ...named("", tensors), ...named("F.", nn.functional), ...named("nn.", nn)];
}

it("has a row for every public function, or says why not", () => {
  const known = new Set([...rows.map(({ name }) => name), ...Object.keys(withoutRows)]);
  expect(publicNames().filter((name) => !known.has(name))).toEqual([]);
});

it("has figures for every row; test/scan/list.ts says how they are made", () => {
  expect(golden.rows.map(({ name, torch }) => `${name}: ${torch}`)).toEqual(
    rows.map(({ name, torch }) => `${name}: ${torch}`),
  );
});

/** Whether PyTorch's message is only about a dtype, which we may support. */
const refusesDtype = (text: string): boolean =>
  /not implemented for|dtype|support|scalar type|result type|unsigned|uint8_t|Integ|[Bb]ool|floating/.test(text);

describe(`against PyTorch ${golden.torch}`, () => {
  beforeAll(() => {
    useBackend({ backend: "reference" });
  });
  it.each(rows.map((row, place) => [`${row.name}: ${row.torch}`, row, place] as const))("%s", (_, row, place) => {
    const figures = golden.rows[place]?.figures ?? {};
    const excused = onPurpose.filter(({ names }) => names.includes(row.name));
    const wrong = trials(row.inputs).flatMap(({ kind, inputs }) => {
      const figure = figures[kind];
      if (figure === undefined) return [`${kind}: no figure`];
      const outcome = outcomeOf(row, inputs, figure);
      if (excused.some(({ kinds }) => kinds.test(kind))) return [];
      if (outcome.kind === "wrong") return [`${kind}: ${outcome.text}`];
      if (outcome.kind === "more" && !refusesDtype(figure.refused ?? ""))
        return [`${kind}: a number where PyTorch says "${figure.refused}"`];
      return [];
    });
    expect(wrong).toEqual([]);
  });
});
