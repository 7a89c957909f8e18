// The devices in use: the default one, which `useBackend` replaces, and additional ones.
import type { Device } from "../backends/backend.ts";
import { openRealCard } from "../backends/webgpu/index.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import { type BackendInfo, type BackendOptions, chosenOptions, describeDevice, startDevice } from "./choice.ts";
import type { DeviceMemory } from "./deviceMemory.ts";
import { Engine } from "./engine.ts";
import type { Cell, Home, Storage } from "./storage.ts";

/** Bytes of device memory in use and reserved, and the number of cached eager programs. */
export interface MemoryInfo {
  readonly liveBytes: number;
  readonly reservedBytes: number;
  readonly programs: number;
}

let generation = 0;

/** Changes when a backend is switched, a device is closed, or a state moves: older programs must then be recompiled. */
export const engineGeneration = (): number => generation;
export function nextGeneration(): void {
  generation++;
}

/** A device and its engine, which starts on first use. */
class Seat implements Home {
  readonly device: ComputeDevice;
  #start: () => Engine;
  #engine: Engine | undefined;
  #requested: BackendOptions = {};
  readonly #label: string;
  #closed: string | undefined;

  constructor(label: string, start: (home: Seat) => Engine) {
    this.#label = label;
    this.#start = () => start(this);
    this.device = new ComputeDevice(this);
  }

  get name(): string {
    return this.#closed ?? `${this.#label} (${this.engine.device.backend})`;
  }

  get engine(): Engine {
    if (this.#closed !== undefined)
      throw new HebbError(`${this.#closed} is closed; move what is needed to another device with toDevice`);
    this.#engine ??= this.#start();
    return this.#engine;
  }

  get memory(): DeviceMemory {
    return this.engine.memory;
  }

  get info(): BackendInfo {
    return describeDevice(this.engine, this.#requested);
  }

  /** Whether `auto` chose the device, so that a faster one may replace it. */
  get automatic(): boolean {
    return chosenOptions("useBackend", this.#requested).backend === "auto" && !this.engine.device.asynchronous;
  }

  /** The options with which its engine was requested. */
  get requested(): BackendOptions {
    return this.#requested;
  }

  read(storage: Storage): TypedArray {
    return this.memory.read(storage);
  }

  cellToHost(cell: Cell): void {
    this.memory.cellToHost(cell);
  }

  leave(cell: Cell): void {
    this.memory.leave(cell);
  }

  /** Replaces the engine by one that starts on first use. Values move to it. */
  become(start: (home: Seat) => Engine, requested: BackendOptions = {}): void {
    this.#engine?.close();
    this.#engine = undefined;
    this.#requested = requested;
    this.#start = () => start(this);
    nextGeneration();
  }

  /** Moves all values to the host, so that another device can take over from an asynchronous one. */
  async evacuate(): Promise<void> {
    await this.#engine?.memory.evacuateLater();
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    const { name } = this;
    if (this.engine.device.asynchronous) await this.evacuate();
    later.delete(this.engine.device);
    this.#closed = name;
    this.#engine?.close();
    this.#engine = undefined;
    nextGeneration();
  }
}

/**
 * A device for computation: a backend with threads and memory of its own. `openDevice` opens one; `defaultDevice` always exists.
 * Tensors and modules move to it with `toDevice`. Source: torch.device, jax.Device.
 */
export class ComputeDevice implements BackendInfo {
  readonly #seat: Seat;

  constructor(seat: unknown) {
    if (!(seat instanceof Seat)) throw new HebbError("ComputeDevice: use openDevice({ backend: … }) to open one");
    this.#seat = seat;
    seats.set(this, seat);
  }

  /** The name in error messages: "device 1 (wasm)". */
  get name(): string {
    return this.#seat.name;
  }

  get backend(): BackendInfo["backend"] {
    return this.#seat.info.backend;
  }

  get threads(): number {
    return this.#seat.info.threads;
  }

  /** The configuration and the reason for it, in one line. */
  get description(): string {
    return this.#seat.info.description;
  }

  get warning(): BackendInfo["warning"] {
    return this.#seat.info.warning;
  }

  /** Resolves when it can compute: webgpu has to open the graphics card first. Rejects with the reason if it cannot. */
  async ready(): Promise<BackendInfo> {
    const { device } = this.#seat.engine;
    if (device.asynchronous) await device.started;
    return this.#seat.info;
  }

  memoryInfo(): MemoryInfo {
    return memoryOfEngine(this.#seat.engine);
  }

  /**
   * Ends its threads and frees its memory. Computed values stay readable, on the host, and can move to another device; nothing
   * more is computed on this one. The default device cannot be closed: `useBackend` replaces it.
   */
  async close(): Promise<void> {
    if (this.#seat === defaultSeat) throw new HebbError("close: the default device stays open; useBackend replaces it");
    await this.#seat.close();
  }

  toString(): string {
    return this.name;
  }
}

/** The internal seat of each device. */
const seats = new WeakMap<ComputeDevice, Seat>();

const defaultSeat: Seat = /* @__PURE__ */ new Seat("the default device", startDefault());
/** Computes everything that was not moved elsewhere. `useBackend` chooses its backend. */
export const defaultDevice: ComputeDevice = defaultSeat.device;

function startDefault(options: BackendOptions = {}): (home: Home) => Engine {
  return (home) => {
    const { device, reason } = startDevice("useBackend", options);
    return new Engine(device, home, reason);
  };
}

/** The engine of the default device, started when the first value is requested. */
export const engine = (): Engine => defaultSeat.engine;

let opened = 0;

/** Whether a device besides the default one has ever been opened; otherwise the location of values needs no check. */
export const severalDevices = (): boolean => opened > 0;

/** The opened asynchronous devices. */
const later = new Set<Device>();

/** Whether no device is asynchronous. */
export const readsAtOnceEverywhere = (): boolean => later.size === 0 && !engine().device.asynchronous;

/** A device over one that was started elsewhere. */
export function deviceOver(device: Device, reason?: string): ComputeDevice {
  if (device.asynchronous) later.add(device);
  return new Seat(`device ${++opened}`, (home) => new Engine(device, home, reason)).device;
}

/**
 * Opens a device besides the default one, with memory of its own: `openDevice({ backend: "wasm", threads: 1 })`. Values moved to it with
 * `toDevice` are computed there. It stays open until `close`.
 */
export function openDevice(options: BackendOptions = {}): ComputeDevice {
  const { device, reason } = startDevice("openDevice", options);
  return deviceOver(device, reason);
}

const seatOf = (home: Home): Seat => {
  if (home instanceof Seat) return home;
  throw new InternalError(`${home.name} is not a device`);
};

/** The internal reference to a device that values keep. */
export function homeOfDevice(where: string, device: ComputeDevice): Home {
  const seat = device instanceof ComputeDevice ? seats.get(device) : undefined;
  if (seat !== undefined) return seat;
  throw new HebbError(
    `${where}: takes a device, such as openDevice({ backend: "wasm" }), got ${typeof device === "string" ? `"${String(device)}"` : typeof device}`,
  );
}

export const deviceOfHome = (home: Home | undefined): ComputeDevice => seatOf(home ?? defaultSeat).device;
export const engineOf = (home: Home | undefined): Engine => (home === undefined ? engine() : seatOf(home).engine);

/** The device, or the default one. */
export const homeOrDefault = (home: Home | undefined): Home => home ?? defaultSeat;

/** The memory that holds a value; the default device's if it is on none. */
export const memoryOf = ({ at }: { readonly at: Home | undefined }): DeviceMemory => engineOf(at).memory;

/** The memory that holds a cell's value, or will hold it on its next use. */
export const cellMemory = ({ at, home }: Cell): DeviceMemory => engineOf(at ?? home).memory;

/** Switches the backend of the default device. Its values move with it. */
export function useBackend(options: BackendOptions): BackendInfo {
  chosenOptions("useBackend", options);
  defaultSeat.become(startDefault(options), options);
  return backendInfo();
}

/** Minimum operations per step for which a graphics card gains more than its launches, about a hundred per step, cost. An estimate. */
const worthACard = 1e9;

/**
 * If `auto` chose the backend: moves the default device to a graphics card if there is a real one and a step of this work is large
 * enough to gain. `backendInfo` says which, and why or why not. Smaller work changes nothing.
 */
export async function considerCard(operationsOfStep: number): Promise<void> {
  if (operationsOfStep < worthACard || !defaultSeat.automatic) return;
  const { requested } = defaultSeat;
  try {
    const device = await openRealCard();
    const reason = `auto: a step of ${(operationsOfStep / 1e9).toPrecision(2)} GFLOP gains from a graphics card`;
    defaultSeat.become((home) => new Engine(device, home, reason), requested);
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    defaultSeat.engine.reason = [defaultSeat.engine.reason, `not webgpu: ${error.message}`].filter(Boolean).join("; ");
  }
}

/** Moves all values of the default device to the host, so that another device can take over from an asynchronous one. */
export const moveToHost = (): Promise<void> => defaultSeat.evacuate();

/** Uses a device that was made elsewhere. Values move to it; from an asynchronous device, only after `moveToHost`. */
export const useDevice = (device: Device): void => defaultSeat.become((home) => new Engine(device, home));

/** The running backend, its thread count, and the reason for it. */
export const backendInfo = (): BackendInfo => defaultSeat.info;

export const memoryInfo = (): MemoryInfo => memoryOfEngine(engine());

const memoryOfEngine = ({ device, programCount }: Engine): MemoryInfo => ({
  ...device.memory(),
  programs: programCount,
});
