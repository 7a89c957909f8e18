// A turn of a worker's event loop without the delay of timers: pending messages are read before it ends.
const channel = new MessageChannel();
let next: (() => void) | undefined;
channel.port1.onmessage = () => next?.();

export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    next = resolve;
    channel.port2.postMessage(0);
  });
