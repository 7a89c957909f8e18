// The worker that reads ONNX files: it is loaded when one is opened, and ends after its answer.
import type { OnnxAnswer, OnnxAsk } from "../shared/onnx.ts";
import { networkOf } from "./onnxNetwork.ts";

function answer({ name, bytes }: OnnxAsk): OnnxAnswer {
  try {
    return { kind: "network", network: networkOf(name, bytes) };
  } catch (error) {
    return { kind: "refused", text: error instanceof Error ? error.message : String(error) };
  }
}

addEventListener("message", ({ data }: MessageEvent<OnnxAsk>) => postMessage(answer(data)));
