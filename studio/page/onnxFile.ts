// Reads an ONNX file in a separate worker, which is loaded when the first one is opened.

import type { OnnxAnswer, OnnxAsk, OnnxNetwork } from "../shared/onnx.ts";
import * as say from "../texts/en/files.ts";

export function readOnnxFile(ask: OnnxAsk): Promise<OnnxNetwork> {
  const worker = new Worker(new URL("onnx.js", new URL(".", import.meta.url)), { type: "module" });
  return new Promise<OnnxNetwork>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<OnnxAnswer>) => {
      if (data.kind === "network") resolve(data.network);
      else reject(new Error(data.text));
    };
    worker.onerror = () => reject(new Error(say.wasNotReadWhatReadsONNX(ask.name)));
    worker.postMessage(ask);
  }).finally(() => worker.terminate());
}
