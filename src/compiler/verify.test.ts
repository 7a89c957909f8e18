// What verify rejects: each program here breaks one invariant.
import { describe, expect, it } from "vitest";
import { axisValue, load, localValue, newAxis, newLocal, type Scalar, unary } from "../graph/scalar.ts";
import type { BufferInfo, LoopKernel, Program } from "./kernel.ts";
import { verify } from "./verify.ts";

const length = 32;

/** to = -value, element by element. */
function negated(from: number, to: number, value?: Scalar): LoopKernel {
  const axis = newAxis(length);
  const place = axisValue(axis);
  return {
    kind: "loops",
    name: `neg ${from}`,
    axes: [axis],
    body: [{ kind: "store", buffer: to, index: place, value: unary("neg", value ?? load(from, place, "float32")) }],
  };
}

/** An argument, three temporaries at these offsets, and a result, each computed from the previous one. */
function program(offsets: readonly [number, number, number], more: Partial<Program> = {}): Program {
  const buffer = (id: number, placement: BufferInfo["placement"]): BufferInfo => ({
    id,
    name: `b${id}`,
    dtype: "float32",
    length,
    placement,
  });
  return {
    name: "test",
    buffers: [
      buffer(0, { kind: "argument", slot: 0 }),
      ...offsets.map((byteOffset, place) => buffer(place + 1, { kind: "arena", byteOffset })),
      buffer(4, { kind: "argument", slot: 1 }),
    ],
    kernels: [negated(0, 1), negated(1, 2), negated(2, 3), negated(3, 4)],
    checks: [],
    argumentCount: 2,
    windowCount: 0,
    arenaBytes: 256,
    ...more,
  };
}

describe("verify", () => {
  it("accepts valid programs: the third value reuses the memory of the first", () => {
    expect(() => verify(program([0, 128, 0]))).not.toThrow();
  });

  it("rejects live values that overlap: fully, partly, or one inside the other", () => {
    for (const offsets of [
      [0, 0, 128],
      [0, 64, 192],
      [64, 0, 128],
      [128, 192, 0],
    ] as const)
      expect(() => verify(program(offsets, { arenaBytes: 512 }))).toThrow(
        "buffers 2 (b2) and 1 (b1) lie in the same bytes of the arena while kernel neg 1 runs",
      );
    const long = program([0, 128, 0], { arenaBytes: 1024 });
    const buffers = long.buffers.map((buffer) => (buffer.id === 2 ? { ...buffer, length: 8 } : buffer));
    expect(() => verify({ ...long, buffers })).not.toThrow();
    const inside = buffers.map((buffer) =>
      buffer.id === 3 ? { ...buffer, placement: { kind: "arena", byteOffset: 96 } as const } : buffer,
    );
    expect(() => verify({ ...long, buffers: inside })).toThrow("buffers 3 (b3) and 2 (b2) lie in the same bytes");
  });

  it("rejects a buffer that reaches past the arena", () => {
    expect(() => verify(program([0, 160, 0]))).toThrow("buffer 2 (b2) reaches past the arena of 256 bytes");
  });

  it("rejects reads of unwritten memory, or with another dtype", () => {
    const { kernels } = program([0, 128, 0]);
    expect(() => verify(program([0, 128, 0], { kernels: kernels.slice(1) }))).toThrow("reads buffer 1 before it is");
    const wrong = negated(0, 4, load(0, axisValue(newAxis(length)), "int32"));
    expect(() => verify(program([0, 128, 0], { kernels: [wrong] }))).toThrow("loads buffer 0 as int32");
  });

  it("rejects a local outside its body", () => {
    const local = newLocal("float32");
    const [kernel] = [negated(0, 4, localValue(local))];
    expect(() => verify(program([0, 128, 0], { kernels: [kernel] }))).toThrow(`reads local ${local.id} before`);
    const body = [
      {
        kind: "for",
        axes: [],
        order: "parallel",
        body: [{ kind: "let", local, value: load(0, axisValue(newAxis(length)), "float32") }],
      },
      ...kernel.body,
    ] as const;
    expect(() => verify(program([0, 128, 0], { kernels: [{ ...kernel, body }] }))).toThrow("before it is bound");
  });
});
