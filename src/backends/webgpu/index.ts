// The WebGPU backend's interface to the runtime.
export { createWebgpuDevice, openRealCard, type WebgpuDeviceOptions } from "./device.ts";

/** A description of the card that `webgpu` would use, or of the reason it would not. */
export const describeCard = async (): Promise<{ readonly usable: boolean; readonly text: string }> =>
  (await import("./card.ts")).describeCard();
