// The workspace: arena, shared scratch and the scratch of each thread follow one another, on cache lines of their own.
import { expect, it } from "vitest";
import type { Program } from "../../compiler/kernel.ts";
import { argumentBytes, workspaceLayout } from "./arguments.ts";

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
  expect(argumentBytes({ ...program(400), buffers, argumentCount: 2 })).toEqual([20, 28]);
});
