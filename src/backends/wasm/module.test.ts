// The encoder: its modules must validate and compute correctly.
import { expect, test } from "vitest";
import { ByteWriter, ModuleBuilder } from "./module.ts";

const memory = { module: "env", name: "memory", minPages: 1, maxPages: 16, shared: false };

function instantiate(module: ModuleBuilder): { exports: WebAssembly.Exports; memory: WebAssembly.Memory } {
  const buffer = new WebAssembly.Memory({ initial: 1, maximum: 16 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { env: { memory: buffer } });
  return { exports: instance.exports, memory: buffer };
}

function call(exports: WebAssembly.Exports, name: string, ...args: number[]): number {
  const fn = exports[name];
  if (typeof fn !== "function") throw new Error(`no export ${name}`);
  return fn(...args);
}

test("integers use the shortest LEB128 encoding", () => {
  const writer = new ByteWriter();
  writer.unsigned(624485);
  writer.signed(-123456);
  writer.signed(63);
  writer.signed(64);
  expect([...writer.finish()]).toEqual([0xe5, 0x8e, 0x26, 0xc0, 0xbb, 0x78, 0x3f, 0xc0, 0x00]);
});

test("a loop sums 0 … n-1", () => {
  const module = new ModuleBuilder(memory);
  const f = module.function("sum", ["i32"], ["i32"], { export: true });
  const i = f.local("i32");
  const total = f.local("i32");
  f.block((done) => {
    f.loop((again) => {
      f.get(i).get(0).op("i32.ge_s").brIf(done);
      f.get(total).get(i).op("i32.add").set(total);
      f.get(i).i32(1).op("i32.add").set(i).br(again);
    });
  });
  f.get(total);
  expect(call(instantiate(module).exports, "sum", 100)).toBe(4950);
});

test("lanes, shuffles, data and calls", () => {
  const module = new ModuleBuilder(memory);
  module.data(16, new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));
  const lane = module.function("lane", ["v128"], ["f32"]);
  lane.get(0).lane("f32x4.extract_lane", 0);
  const f = module.function("f", [], ["f32"], { export: true });
  const v = f.local("v128");
  f.i32(0).memory("v128.load", 16).tee(v).get(v).shuffle32(3, 1, 2, 0).f32x4(10).op("f32x4.mul").call(lane);
  expect(call(instantiate(module).exports, "f")).toBe(40);
});
