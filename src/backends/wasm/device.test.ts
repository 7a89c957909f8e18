// The device: memory, arguments, threads that change only the run time, and the printed code.
import { describe, expect, test } from "vitest";
import type { Program } from "../../compiler/kernel.ts";
import {
  add,
  axisValue,
  binary,
  constant,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  unary,
} from "../../graph/scalar.ts";
import { Allocator } from "../allocator.ts";
import { createWasmDevice } from "./device.ts";

/** y = tanh(x) for every element, the sum of all y, then z = y + sum through the arena. */
function chain(length: number): Program {
  const [i, j, k] = [newAxis(length), newAxis(length), newAxis(length)];
  const total = newLocal("float32");
  return {
    name: "chain",
    buffers: [
      { id: 0, name: "x", dtype: "float32", length, placement: { kind: "argument", slot: 0 } },
      { id: 1, name: "y", dtype: "float32", length, placement: { kind: "arena", byteOffset: 0 } },
      {
        id: 2,
        name: "sum",
        dtype: "float32",
        length: 1,
        placement: { kind: "arena", byteOffset: Math.ceil(length / 16) * 64 },
      },
      { id: 3, name: "z", dtype: "float32", length, placement: { kind: "argument", slot: 1 } },
    ],
    kernels: [
      {
        kind: "loops",
        name: "tanh",
        axes: [i],
        body: [
          { kind: "store", buffer: 1, index: axisValue(i), value: unary("tanh", load(0, axisValue(i), "float32")) },
        ],
      },
      {
        kind: "loops",
        name: "sum",
        axes: [],
        body: [
          { kind: "reduce", local: total, combine: "sum", axes: [j], value: load(1, axisValue(j), "float32") },
          { kind: "store", buffer: 2, index: int(0), value: localValue(total) },
        ],
      },
      {
        kind: "loops",
        name: "add",
        axes: [k],
        body: [
          {
            kind: "store",
            buffer: 3,
            index: axisValue(k),
            value: add(load(1, axisValue(k), "float32"), load(2, int(0), "float32")),
          },
        ],
      },
    ],
    checks: [],
    argumentCount: 2,
    windowCount: 0,
    arenaBytes: Math.ceil(length / 16) * 64 + 64,
  };
}

describe("threads", () => {
  test("1, 2 and 3 of them give the same bits, before and after the workers have started", async () => {
    const length = 300_001;
    const data = Float32Array.from({ length }, (_, i) => Math.sin(i) * 2);
    let expected: Buffer | undefined;
    for (const threads of [1, 2, 3]) {
      const device = createWasmDevice({ threads });
      expect(device.threads).toBe(threads);
      expect(device.description).toContain(threads === 1 ? "1 thread" : `${threads} threads`);
      const x = device.allocate(length * 4);
      const z = device.allocate(length * 4);
      device.write(x, data);
      const executable = device.compile(chain(length));
      for (let round = 0; round < 40; round++) {
        device.write(z, new Float32Array(length));
        expect(executable.run([x, z])).toBeUndefined();
        const result = Buffer.from(device.read(z, "float32", length).buffer);
        expected ??= result;
        expect(result.equals(expected)).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(executable.profile([x, z])).toHaveLength(3);
      executable.release();
      device.close();
    }
  });

  test("an invalid thread count is refused", () => {
    expect(() => createWasmDevice({ threads: 0 })).toThrow(/0 is not a valid thread count/);
    expect(() => createWasmDevice({ threads: 1.5 })).toThrow(/whole number/);
  });
});

describe("memory", () => {
  test("blocks keep their contents while the memory grows", () => {
    const device = createWasmDevice({ threads: 1 });
    const blocks = Array.from({ length: 40 }, (_, i) => {
      const block = device.allocate(1_000_000);
      device.write(block, new Float32Array(250_000).fill(i));
      expect(block.address % 64).toBe(0);
      return block;
    });
    for (const [i, block] of blocks.entries()) expect(device.read(block, "float32", 250_000)[249_999]).toBe(i);
    expect(device.memory().liveBytes).toBe(40_000_000);
    for (const block of blocks) device.free(block);
    expect(device.memory().liveBytes).toBe(0);
    expect(() => device.read(blocks[0] ?? device.allocate(4), "float32", 1)).toThrow(/freed/);
    const reserved = device.memory().reservedBytes;
    device.allocate(30_000_000);
    expect(device.memory().reservedBytes).toBe(reserved);
  });

  test("a program beyond 32-bit addresses is refused with a clear message, and the others still run", () => {
    const device = createWasmDevice({ threads: 1 });
    for (let turn = 0; turn < 2; turn++) {
      expect(() => device.compile(chain(1.5 * 2 ** 30))).toThrow(
        /^out of memory: 6\d{9} bytes are needed and WebAssembly can hold 4294967296; /,
      );
      const executable = device.compile(chain(4));
      const [x, z] = [device.allocate(16), device.allocate(16)];
      device.write(x, new Float32Array(4));
      expect(executable.run([x, z])).toBeUndefined();
      expect(device.read(z, "float32", 4)).toEqual(new Float32Array(4));
    }
    // Within the address range, but larger than what is left: it compiles but does not run.
    const almost = device.compile(chain(2 ** 30 - 2 ** 10));
    const small = device.compile(chain(4));
    const [x, z] = [device.allocate(16), device.allocate(16)];
    device.write(x, new Float32Array(4));
    expect(small.run([x, z])).toBeUndefined();
    expect(device.memory().liveBytes).toBeLessThan(2 ** 20);
    almost.release();
  });

  test("blocks never overlap in any order of allocations and frees, and free space is coalesced", () => {
    let end = 1 << 16;
    const allocator = new Allocator(100, end, (wanted) => {
      end = Math.ceil(wanted / 65536) * 65536;
      return end;
    });
    const live = new Map<number, number>();
    let seed = 7;
    const random = (): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed / 0x7fffffff;
    };
    for (let round = 0; round < 3000; round++) {
      if (live.size > 0 && random() < 0.5) {
        const [address, bytes] = [...live][Math.floor(random() * live.size)] ?? [0, 0];
        allocator.free(address, bytes);
        live.delete(address);
        continue;
      }
      const bytes = Math.floor(random() * (random() < 0.1 ? 100_000 : 2000)) + 1;
      const address = allocator.allocate(bytes);
      for (const [other, size] of live) expect(address >= other + size || address + bytes <= other).toBe(true);
      live.set(address, bytes);
    }
    for (const [address, bytes] of live) allocator.free(address, bytes);
    const before = end;
    allocator.allocate(end - 65536);
    expect(end).toBe(before);
  });

  test("a run uses the addresses of new arguments", () => {
    const device = createWasmDevice({ threads: 1 });
    const i = newAxis(5);
    const executable = device.compile({
      name: "double",
      buffers: [0, 1].map((id) => ({
        id,
        name: `x${id}`,
        dtype: "float32" as const,
        length: 5,
        placement: { kind: "argument" as const, slot: id },
      })),
      kernels: [
        {
          kind: "loops",
          name: "double",
          axes: [i],
          body: [
            {
              kind: "store",
              buffer: 1,
              index: axisValue(i),
              value: mul(load(0, axisValue(i), "float32"), constant(2, "float32")),
            },
          ],
        },
      ],
      checks: [],
      argumentCount: 2,
      windowCount: 0,
      arenaBytes: 0,
    });
    for (const start of [1, 10]) {
      const [x, y] = [device.allocate(20), device.allocate(20)];
      device.write(
        x,
        Float32Array.from([0, 1, 2, 3, 4], (k) => k + start),
      );
      executable.run([x, y]);
      expect([...device.read(y, "float32", 5)]).toEqual([0, 1, 2, 3, 4].map((k) => 2 * (k + start)));
    }
    expect(() => executable.run([device.allocate(20)])).toThrow(/takes 2 blocks/);
    expect(() => executable.run([device.allocate(20), device.allocate(4)])).toThrow(/needs 20 bytes/);
  });

  test("a failed check is reported once, and nothing is written after it", () => {
    const device = createWasmDevice({ threads: 1 });
    const at = load(0, int(0), "int32");
    const executable = device.compile({
      name: "lookup",
      buffers: [
        { id: 0, name: "index", dtype: "int32", length: 1, placement: { kind: "argument", slot: 0 } },
        { id: 1, name: "out", dtype: "int32", length: 1, placement: { kind: "argument", slot: 1 } },
      ],
      kernels: [
        {
          kind: "loops",
          name: "k",
          axes: [],
          body: [
            { kind: "check", site: 4, holds: binary("lt", at, int(3)), axes: [], index: at, place: int(9), extent: 3 },
          ],
        },
        { kind: "loops", name: "late", axes: [], body: [{ kind: "store", buffer: 1, index: int(0), value: at }] },
      ],
      checks: [],
      argumentCount: 2,
      windowCount: 0,
      arenaBytes: 0,
    });
    const [index, out] = [device.allocate(4), device.allocate(4)];
    device.write(index, new Int32Array([7]));
    device.write(out, new Int32Array([5]));
    expect(executable.run([index, out])).toEqual({ site: 4, index: 7, place: 9 });
    expect(device.read(out, "int32", 1)[0]).toBe(5);
    device.write(index, new Int32Array([2]));
    expect(executable.run([index, out])).toBeUndefined();
    expect(device.read(out, "int32", 1)[0]).toBe(2);
  });
});
