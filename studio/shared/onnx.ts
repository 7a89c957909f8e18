// The contents of an ONNX file, as far as the page can show them; and the messages of the worker that reads it.
import type { SavedTensor } from "./protocol.ts";
import type { Layer } from "./state.ts";

export interface OnnxNetwork {
  /** The shape of one row of its inputs. */
  readonly inputs: readonly number[];
  readonly layers: readonly Layer[];
  readonly outputs: number;
  /** Weight and bias of each layer in turn, in PyTorch's layout. */
  readonly weights: readonly SavedTensor[];
}

export interface OnnxAsk {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type OnnxAnswer =
  | { readonly kind: "network"; readonly network: OnnxNetwork }
  | { readonly kind: "refused"; readonly text: string };
