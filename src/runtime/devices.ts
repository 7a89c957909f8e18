// The devices in use: the default one, which `useBackend` replaces, and additional ones.
import type { Device } from "../backends/backend.ts";
import { openRealCard } from "../backends/webgpu/index.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import { type BackendInfo, type BackendOptions, chosenOptions, describeDevice, startDevice } from "./choice.ts";
import type { DeviceMemory } from "./deviceMemory.ts";
import { Engine } from "./engine.ts";
import type { Cell, Home, Storage } from "./storage.ts";

/** Device memory in use and obtained, in bytes, and the number of cached eager programs. */
export interface MemoryInfo {
  readonly liveBytes: number;
  readonly reservedBytes: number;
  readonly programs: number;
}

let generation = 0;

/** Changes when a backend is switched, a device is closed, or a state moves: programs compiled before it must be compiled again. */
export const engineGeneration = (): number => generation;
export function nextGeneration(): void {
  generation++;
}

/** A device with the engine behind it, started when it is first used. */
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

  /** Whether it may be another device than the one that was found first. */
  get automatic(): boolean {
    return chosenOptions("useBackend", this.#requested).backend === "auto" && !this.engine.device.asynchronous;
  }

  /** What was asked for when it got its engine. */
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

  /** Another engine takes over, started when it is needed. Values move to it. */
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
 * A device that computes: a backend, with its threads and a memory of its own. `openDevice` gives one; `defaultDevice` is there from the start.
 * Tensors and modules move to it by `toDevice`. Source: torch.device, jax.Device.
 */
export class ComputeDevice implements BackendInfo {
  readonly #seat: Seat;

  constructor(seat: unknown) {
    if (!(seat instanceof Seat)) throw new HebbError("ComputeDevice: use openDevice({ backend: … }) to open one");
    this.#seat = seat;
    seats.set(this, seat);
  }

  /** What errors call it: "device 1 (wasm)". */
  get name(): string {
    return this.#seat.name;
  }

  get backend(): BackendInfo["backend"] {
    return this.#seat.info.backend;
  }

  get threads(): number {
    return this.#seat.info.threads;
  }

  /** What it is using and why, one line. */
  get description(): string {
    return this.#seat.info.description;
  }

  get warning(): BackendInfo["warning"] {
    return this.#seat.info.warning;
  }

  /** Waits until it can compute: webgpu opens the graphics card first. Rejects with the reason why it cannot. */
  async ready(): Promise<BackendInfo> {
    const { device } = this.#seat.engine;
    if (device.asynchronous) await device.started;
    return this.#seat.info;
  }

  memoryInfo(): MemoryInfo {
    return memoryOfEngine(this.#seat.engine);
  }

  /**
   * Ends its threads and frees its memory. Values that were computed stay readable, on the host, and can move to another device; nothing
   * more is computed here. The default device cannot be closed: `useBackend` replaces it.
   */
  async close(): Promise<void> {
    if (this.#seat === defaultSeat) throw new HebbError("close: the default device stays open; useBackend replaces it");
    await this.#seat.close();
  }

  toString(): string {
    return this.name;
  }
}

/** The seat of each device, for the functions that use it. */
const seats = new WeakMap<ComputeDevice, Seat>();

const defaultSeat: Seat = /* @__PURE__ */ new Seat("the default device", startDefault());
/** Where everything is computed that was not moved elsewhere. `useBackend` chooses its backend. */
export const defaultDevice: ComputeDevice = defaultSeat.device;

function startDefault(options: BackendOptions = {}): (home: Home) => Engine {
  return (home) => {
    const { device, reason } = startDevice("useBackend", options);
    return new Engine(device, home, reason);
  };
}

/** The engine of the default device, started at the first value asked for. */
export const engine = (): Engine => defaultSeat.engine;

let opened = 0;

/** Whether there is or was another device than the default one: only then does anybody ask where values are. */
export const severalDevices = (): boolean => opened > 0;

/** The opened asynchronous devices. */
const later = new Set<Device>();

/** Whether no device is asynchronous. */
export const readsAtOnceEverywhere = (): boolean => later.size === 0 && !engine().device.asynchronous;

/** A device over what was started elsewhere. */
export function deviceOver(device: Device, reason?: string): ComputeDevice {
  if (device.asynchronous) later.add(device);
  return new Seat(`device ${++opened}`, (home) => new Engine(device, home, reason)).device;
}

/**
 * Opens a device beside the default one, with memory of its own: `openDevice({ backend: "wasm", threads: 1 })`. What is moved to it with
 * `toDevice` is computed there. It stays open until `close`.
 */
export function openDevice(options: BackendOptions = {}): ComputeDevice {
  const { device, reason } = startDevice("openDevice", options);
  return deviceOver(device, reason);
}

const seatOf = (home: Home): Seat => {
  if (home instanceof Seat) return home;
  throw new InternalError(`${home.name} is not a device`);
};

/** How values know the device. */
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

/** The memory with a value: that of the default device if it is on none. */
export const memoryOf = ({ at }: { readonly at: Home | undefined }): DeviceMemory => engineOf(at).memory;

/** The memory with the value of a cell, or where it goes when it is used next. */
export const cellMemory = ({ at, home }: Cell): DeviceMemory => engineOf(at ?? home).memory;

/** Chooses the backend of the default device from here on. Its values move with it. */
export function useBackend(options: BackendOptions): BackendInfo {
  chosenOptions("useBackend", options);
  defaultSeat.become(startDefault(options), options);
  return backendInfo();
}

/** From so many operations in a step on, a graphics card gains over its launches, of which a step has a hundred or so. An estimate. */
const worthACard = 1e9;

/**
 * Where `auto` chose the backend: moves the default device to a graphics card if there is a real one and a step of this work is large
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

/** Moves all values of the default device to the host, so that another can take over from an asynchronous one. */
export const moveToHost = (): Promise<void> => defaultSeat.evacuate();

/** Puts a device to use that was made elsewhere. Values move to it; from an asynchronous one after `moveToHost`. */
export const useDevice = (device: Device): void => defaultSeat.become((home) => new Engine(device, home));

/** Which backend runs, with how many threads, and why. */
export const backendInfo = (): BackendInfo => defaultSeat.info;

export const memoryInfo = (): MemoryInfo => memoryOfEngine(engine());

const memoryOfEngine = ({ device, programCount }: Engine): MemoryInfo => ({
  ...device.memory(),
  programs: programCount,
});
