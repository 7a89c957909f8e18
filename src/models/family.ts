// A family of pretrained models: how to read its configuration, and its weight names, as data.
import type { Architecture, Head, HeadName } from "./architecture.ts";
import type { Config } from "./config.ts";
import type { Names } from "./names.ts";

/** A head of a family, and the names of its weights. */
export interface FamilyHead {
  readonly read: (config: Config) => Head;
  readonly names: Names;
}

export interface Family {
  /** `model_type` of config.json. */
  readonly type: string;
  /** The prefix of the body's names in models with a head. */
  readonly prefix: string;
  readonly read: (config: Config) => Architecture;
  readonly heads: Readonly<Partial<Record<HeadName, FamilyHead>>>;
  /** The head of each entry in `architectures`. */
  readonly architectures: Readonly<Record<string, HeadName>>;
  readonly names: Names;
  /** Names of the body's weights in memory in transformers 5, and therefore in adapters, if the files keep older names. */
  readonly inMemory?: Names;
  /** Entries of files that are not weights: masks, counts, copies of tied weights. */
  readonly idle: readonly RegExp[];
  /** Entries of parts or heads that are not built. */
  readonly elsewhere: readonly RegExp[];
  /** The default layers for LoRA, as in PEFT. */
  readonly loraTargets: readonly string[];
}
