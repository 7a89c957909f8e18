// The workspace: arena, shared scratch and the scratch of each thread follow one another, on cache lines of their own.
import { expect, it } from "vitest";
import type { Program } from "../../compiler/kernel.ts";
import { argumentBytes, baseOf, movingSlots, tableSlots, workspaceLayout } from "./arguments.ts";

const program = (arenaBytes: number): Program => ({
  name: "step",
  buffers: [],
  kernels: [],
  checks: [],
  argumentCount: 0,
  windowCount: 0,
  arenaBytes,
});

it.each([
  [0, 0, 0, 1],
  [64, 64, 64, 2],
  [65, 1, 63, 3],
  [1000, 100, 10, 4],
])("an arena of %d bytes, %d shared and %d for each of %d threads", (arena, sharedBytes, scratchBytes, threads) => {
  const { shared, scratch, perThread, bytes } = workspaceLayout(program(arena), { sharedBytes, scratchBytes }, threads);
  for (const start of [shared, scratch, perThread]) expect(start % 64).toBe(0);
  expect(shared - arena).toBeGreaterThanOrEqual(0);
  expect(shared - arena).toBeLessThan(64);
  expect(scratch - shared - sharedBytes).toBeGreaterThanOrEqual(0);
  expect(scratch - shared - sharedBytes).toBeLessThan(64);
  expect(perThread - scratchBytes).toBeGreaterThanOrEqual(0);
  expect(perThread - scratchBytes).toBeLessThan(64);
  expect(bytes).toBe(scratch + threads * perThread);
});

it("an argument slot must hold the longest of its buffers, and the arena's buffers ask for none", () => {
  const buffer = (id: number, length: number, slot: number | undefined): Program["buffers"][number] => ({
    id,
    name: `b${id}`,
    dtype: "float32",
    length,
    placement: slot === undefined ? { kind: "arena", byteOffset: 0 } : { kind: "argument", slot },
  });
  const buffers = [buffer(0, 5, 0), buffer(1, 100, undefined), buffer(2, 3, 1), buffer(3, 7, 1)];
  expect(argumentBytes({ ...program(400), buffers, argumentCount: 3 })).toEqual([20, 28, 0]);
});

it("behind the arguments come windows, the arena, what threads share, and the scratch of each", () => {
  const slots = tableSlots({ ...program(0), argumentCount: 5, windowCount: 3 });
  expect(slots).toEqual({ windows: 5, arena: 8, shared: 9, scratch: 10 });
  expect(baseOf({ kind: "argument", slot: 2 }, slots)).toEqual({ slot: 2, byteOffset: 0 });
  expect(baseOf({ kind: "window", slot: 2 }, slots)).toEqual({ slot: 7, byteOffset: 0 });
  expect(baseOf({ kind: "arena", byteOffset: 192 }, slots)).toEqual({ slot: 8, byteOffset: 192 });
});

it("windows of a loop move by rows: of an argument, of the arena, and of another window", () => {
  const placements: readonly Program["buffers"][number]["placement"][] = [
    { kind: "argument", slot: 1 },
    { kind: "arena", byteOffset: 128 },
    { kind: "window", slot: 0 },
    { kind: "window", slot: 1 },
    { kind: "window", slot: 2 },
  ];
  const buffers = placements.map((placement, id) => ({
    id,
    name: `b${id}`,
    dtype: id === 1 ? ("float64" as const) : ("float32" as const),
    length: 100 - 20 * id,
    placement,
  }));
  const whole = { ...program(1024), buffers, argumentCount: 2, windowCount: 3 };
  const windows = [
    { buffer: 2, whole: 0, start: 10, shift: 0 },
    { buffer: 3, whole: 1, start: 3, shift: 1, rows: 2 },
    { buffer: 4, whole: 2, start: 5, shift: 0 },
  ] as const;
  const inside = { buffers: new Set<number>(), within: 1 };
  const repeat = { kind: "repeat", name: "loop", steps: 4, reverse: false, windows, body: [], inside } as const;
  expect(movingSlots(repeat, whole)).toEqual([
    { slot: 2, first: { slot: 1, byteOffset: 40 }, rowBytes: 240, shift: 0, rows: undefined },
    { slot: 3, first: { slot: 5, byteOffset: 128 + 24 }, rowBytes: 160, shift: 1, rows: 2 },
    { slot: 4, first: { slot: 2, byteOffset: 20 }, rowBytes: 80, shift: 0, rows: undefined },
  ]);
});
