// Device memory when values and cells are collected, before and after the device is closed.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Executable } from "../backends/backend.ts";
import { createReferenceDevice } from "../backends/reference/index.ts";
import { DeviceMemory } from "./deviceMemory.ts";
import { Cell, type Home, Storage } from "./storage.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const nobody = (): never => {
  throw new Error("nobody reads this");
};
const home: Home = { name: "a device", read: nobody, cellToHost: nobody, leave: nobody };

test("a collected cell frees its memory, unless the device is already closed", async () => {
  const device = createReferenceDevice();
  const memory = new DeviceMemory(device, home);
  const make = (): void => {
    memory.cellBlock(new Cell("float32", [1000], new Float32Array(1000)));
  };
  make();
  expect(device.memory().liveBytes).toBe(4000);
  await turn();
  collect();
  for (let k = 0; k < 20 && device.memory().liveBytes > 0; k++) await turn();
  expect(device.memory().liveBytes).toBe(0);

  const failures: unknown[] = [];
  const note = (error: unknown): void => void failures.push(error);
  process.on("uncaughtException", note);
  make();
  await turn();
  // Collected, but its finaliser has not run yet.
  collect();
  memory.evacuate();
  device.close();
  for (let k = 0; k < 5; k++) await turn();
  process.off("uncaughtException", note);
  expect(failures).toEqual([]);
});

const reader: Executable = {
  bytes: 0,
  takesHostBlocks: false,
  run: () => undefined,
  profile: () => [],
  release: () => {},
};

test("a value whose memory a cell has adopted frees nothing when collected, whoever owns that memory by then", async () => {
  const device = createReferenceDevice();
  const memory = new DeviceMemory(device, home);
  const cell = new Cell("float32", [1000], new Float32Array(1000));
  const valueOf = (value: number): Storage => {
    const storage = new Storage("float32", [1000], new Float32Array(1000).fill(value));
    memory.blockOf(storage, reader);
    storage.place.host = undefined;
    return storage;
  };
  const adopt = (value: number): void => memory.adopt(cell, valueOf(value), { spent: true });
  adopt(7);
  // The holder of the old value keeps the memory that the cell leaves.
  const old = memory.lend(cell);
  adopt(8);
  await turn();
  collect();
  for (let k = 0; k < 5; k++) await turn();
  expect(device.memory().liveBytes).toBe(8000);
  expect([memory.read(old)[0], memory.readCell(cell)[0]]).toEqual([7, 8]);
  memory.discard(old);
  expect(device.memory().liveBytes).toBe(4000);
});

test("discarding a value frees its device memory immediately; the memory of a cell stays the cell's", () => {
  const device = createReferenceDevice();
  const memory = new DeviceMemory(device, home);
  const cell = new Cell("float32", [1000], new Float32Array(1000).fill(3));
  const lent = memory.lend(cell);
  const value = new Storage("float32", [500], new Float32Array(500));
  memory.blockOf(value, reader);
  expect(device.memory().liveBytes).toBe(6000);
  memory.discard(value);
  memory.discard(value);
  expect(device.memory().liveBytes).toBe(4000);
  memory.discard(lent);
  expect(memory.readCell(cell)[0]).toBe(3);
  expect(device.memory().liveBytes).toBe(4000);
});
