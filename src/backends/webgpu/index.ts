// The WebGPU backend's interface to the runtime.
export { createWebgpuDevice, openRealCard, type WebgpuDeviceOptions } from "./device.ts";

/** The card that `webgpu` would use, or why it would not; for people. */
export const describeCard = async (): Promise<{ readonly usable: boolean; readonly text: string }> =>
  (await import("./card.ts")).describeCard();
