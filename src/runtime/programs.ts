// The loaded programs of a device: freed when their owner is collected or released, or the device is closed.
import type { Block, Device, Executable } from "../backends/backend.ts";

/** A program's resources on the device. It must not refer to its owner, which could then never be collected. */
export interface Loaded {
  readonly executable: Executable;
  /** The program's own device memory, for small results. */
  readonly blocks: readonly Block[];
}

export class LoadedPrograms {
  readonly #device: Device;
  readonly #loaded = new Set<Loaded>();
  readonly #registry = new FinalizationRegistry<Loaded>((loaded) => this.#free(loaded));

  constructor(device: Device) {
    this.#device = device;
  }

  own(owner: object, loaded: Loaded): void {
    this.#loaded.add(loaded);
    this.#registry.register(owner, loaded, loaded);
  }

  release(loaded: Loaded): void {
    this.#registry.unregister(loaded);
    this.#free(loaded);
  }

  /** Frees every program, before the device is closed. */
  close(): void {
    for (const loaded of [...this.#loaded]) this.release(loaded);
  }

  #free(loaded: Loaded): void {
    if (!this.#loaded.delete(loaded)) return;
    for (const block of loaded.blocks) this.#device.free(block);
    loaded.executable.release();
  }
}
