// Pairs of devices that exist side by side: the default one, and one opened next to it.
import { type ComputeDevice, openDevice, type Tensor, tensor, useBackend } from "../../src/index.ts";
import { deviceOver } from "../../src/runtime/index.ts";
import { createLaterDevice } from "../asynchronous/device.ts";
import { compilerMissing } from "./compiler.ts";

export interface Pair {
  readonly name: string;
  readonly backend: "reference" | "wasm";
  open(): ComputeDevice;
}

/** The second device of each pair is of another kind. The last is asynchronous. */
export const pairs: readonly Pair[] = [
  { name: "wasm next to the reference", backend: "reference", open: () => openDevice({ backend: "wasm", threads: 1 }) },
  ...(compilerMissing
    ? []
    : [{ name: "c next to wasm", backend: "wasm", open: () => openDevice({ backend: "c", threads: 1 }) } as const]),
  { name: "an asynchronous device next to wasm", backend: "wasm", open: () => deviceOver(createLaterDevice()) },
];

/** Runs the body with both devices, then closes the second. */
export async function beside({ backend, open }: Pair, body: (device: ComputeDevice) => Promise<void>): Promise<void> {
  useBackend({ backend, threads: 1 });
  const device = open();
  try {
    await body(device);
  } finally {
    await device.close();
  }
}

export const rows = (): Tensor =>
  tensor(
    Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    { shape: [8, 3] },
  );
export const labels = (): Tensor => tensor(Int32Array.of(0, 1, 1, 0, 1, 0, 0, 1));
