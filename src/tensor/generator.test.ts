// Generators: independent of each other, the same numbers whether passed or current, compiled or not, saved and restored.
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import {
  bernoulli,
  compile,
  currentGenerator,
  defaultGenerator,
  full,
  Generator,
  multinomial,
  ones,
  rand,
  randint,
  randn,
  randperm,
  seed,
  type Tensor,
  withGenerator,
} from "./index.ts";

afterAll(() => seed(0));

/** Every function that draws, with a generator of its own or without. */
const draws: Readonly<Record<string, (options?: { generator: Generator }) => Tensor>> = {
  rand: (options) => rand([4], options),
  randn: (options) => randn([4], options),
  randint: (options) => randint(0, 1000, [4], options),
  randperm: (options) => randperm(8, options),
  bernoulli: (options) => bernoulli(full([64], 0.5), options),
  multinomial: (options) => multinomial(ones([50]), 4, options),
};

describe.each(Object.entries(draws))("%s", (_, draw) => {
  it("draws the same numbers from a generator that is passed, from the current one, and after seed", () => {
    seed(7);
    const [first, second] = [draw().toArraySync(), draw().toArraySync()];
    expect(second).not.toEqual(first);
    const named = new Generator(7);
    expect([draw({ generator: named }).toArraySync(), draw({ generator: named }).toArraySync()]).toEqual([
      first,
      second,
    ]);
    const scoped = new Generator(7);
    expect(withGenerator(scoped, () => [draw().toArraySync(), draw().toArraySync()])).toEqual([first, second]);
    expect(named.getState()).toEqual(scoped.getState());
  });

  it("leaves the other generators alone", () => {
    seed(3);
    const before = defaultGenerator.getState();
    draw({ generator: new Generator(1) }).toArraySync();
    withGenerator(new Generator(1), () => draw().toArraySync());
    expect(defaultGenerator.getState()).toEqual(before);
  });

  it("continues from a saved state, and a clone is independent", () => {
    const generator = new Generator(5);
    draw({ generator }).toArraySync();
    const saved = JSON.parse(JSON.stringify(generator.getState())) as ReturnType<Generator["getState"]>;
    const clone = generator.cloneState();
    const next = draw({ generator }).toArraySync();
    expect(draw({ generator: clone }).toArraySync()).toEqual(next);
    expect(draw({ generator: new Generator(9).setState(saved) }).toArraySync()).toEqual(next);
  });

  it("draws from the generator of each call when compiled", () => {
    const step = compile(() => draw().mul(1));
    const [a, b] = [new Generator(11), new Generator(12)];
    const compiled = [a, b, a].map((generator) => withGenerator(generator, () => step().toArraySync()));
    const [c, d] = [new Generator(11), new Generator(12)];
    expect([c, d, c].map((generator) => draw({ generator }).toArraySync())).toEqual(compiled);
    expect(step.signatures()).toBe(2);
    const inside = new Generator(11);
    const closed = compile(() => draw({ generator: inside }).mul(1));
    expect([closed().toArraySync(), closed().toArraySync()]).toEqual([compiled[0], compiled[2]]);
  });
});

it("the default generator is current again after the body ends or throws", () => {
  const generator = new Generator();
  expect(withGenerator(generator, () => currentGenerator())).toBe(generator);
  expect(() =>
    withGenerator(generator, () => {
      throw new Error("stop");
    }),
  ).toThrow("stop");
  expect(currentGenerator()).toBe(defaultGenerator);
});

it("reports mistakes", () => {
  expect(() => new Generator(-1)).toThrow(/Generator: takes a whole number from 0/);
  expect(() => new Generator().manualSeed(0.5)).toThrow(/manualSeed: takes a whole number from 0/);
  expect(() => rand([2], { generator: 3 as never })).toThrow(/rand: generator must be a Generator, got 3/);
  expect(() => withGenerator(new Generator(), async () => rand([2]))).toThrow(/withGenerator: the function is async/);
  expect(() =>
    compile(() => {
      seed(1);
      return rand([2]);
    })(),
  ).toThrow(/seeded inside a compiled function/);
  // The sequence would continue from run to run, but the function itself starts over each time.
  expect(() => compile(() => rand([2], { generator: new Generator(1) }))()).toThrow(
    /made inside a compiled function.*make it outside/,
  );
});

it("prints its seed and its draws, whatever a bundler calls its class", () => {
  const generator = new Generator(2 ** 40 + 7);
  rand([2], { generator });
  expect(inspect(generator)).toBe(`Generator { seed: ${2 ** 40 + 7}, draws: 1 }`);
});
