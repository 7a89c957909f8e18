// A device with access to its card, which a test can take away.
import type { AsynchronousDevice } from "../../src/backends/backend.ts";
import { createWebgpuDevice } from "../../src/backends/webgpu/index.ts";

export async function openedCard({ prototype }: { readonly prototype: GPUAdapter }): Promise<{
  readonly doomed: AsynchronousDevice;
  readonly card: GPUDevice;
}> {
  const open = prototype.requestDevice;
  let card: GPUDevice | undefined;
  prototype.requestDevice = async function (this: GPUAdapter, ...options: Parameters<typeof open>) {
    card = await open.apply(this, options);
    return card;
  };
  const doomed = createWebgpuDevice();
  await doomed.started;
  prototype.requestDevice = open;
  if (card === undefined) throw new Error("no card was opened");
  return { doomed, card };
}
