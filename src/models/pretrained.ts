// A pretrained model from its files: configuration, head, weights, and companion files.
import { type JsonObject, writeSafetensors } from "../formats/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { build, type Head, type HeadName, headNames, type PretrainedModule } from "./architecture.ts";
import { Config } from "./config.ts";
import { familyOf } from "./families.ts";
import type { Family } from "./family.ts";
import { jsonIn, type PretrainedFiles, textIn, weightsIn } from "./files.ts";
import { type Loaded, loadWeights, storedWeights } from "./weights.ts";

export interface LoadPretrainedOptions {
  /** A head other than the saved one; its weights are initialised at random if the files lack them. */
  readonly head?: HeadName;
  /** The classes of a new head; a saved head with a different number of classes is replaced. */
  readonly labels?: readonly string[];
  /** Keys of config.json that have no effect, to be ignored. */
  readonly ignoreConfig?: readonly string[];
}

export const loadPretrainedKinds: OptionKinds<LoadPretrainedOptions> = {
  head: kind.oneOf(...headNames),
  labels: kind.listOf(kind.string),
  ignoreConfig: kind.listOf(kind.string),
};

/** A model in Hugging Face's layout, ready to use and to train. */
export interface Pretrained {
  readonly name: string;
  readonly family: Family;
  readonly head: HeadName;
  readonly model: PretrainedModule;
  readonly config: JsonObject;
  /** The names of the classes, if the head has any. */
  readonly labels: readonly string[] | undefined;
  /** Weights missing from the files and initialised at random, by their names in files. */
  readonly initialized: readonly string[];
  /** Entries of the files that this model does not use. */
  readonly unused: readonly string[];
  readonly files: PretrainedFiles;
}

/** The head in the files. */
function savedHead(family: Family, config: Config): HeadName {
  const { architectures } = config.json;
  const [name] = Array.isArray(architectures) ? architectures : [];
  if (name === undefined || name === null) return "none";
  const head =
    typeof name === "string" && Object.hasOwn(family.architectures, name) ? family.architectures[name] : undefined;
  if (head !== undefined) return head;
  throw new HebbError(
    `${config.place}: the architecture ${JSON.stringify(name)} is not among ${Object.keys(family.architectures).join(", ")}; choose a head, one of ${Object.keys(family.heads).join(", ")}`,
  );
}

const hasClasses = (head: Head): boolean => head.kind === "sequence" || head.kind === "tokens" || head.kind === "image";

/** The configuration with other classes. */
const withLabels = (json: JsonObject, labels: readonly string[] | undefined): JsonObject =>
  labels === undefined
    ? json
    : {
        ...json,
        id2label: Object.fromEntries(labels.map((label, place) => [String(place), label])),
        label2id: Object.fromEntries(labels.map((label, place) => [label, place])),
      };

/** Reads a model from files by name, in eval mode. */
export async function loadPretrainedFiles(
  files: PretrainedFiles,
  options: LoadPretrainedOptions = {},
): Promise<Pretrained> {
  checkOptions("loadPretrained", options, loadPretrainedKinds);
  const json = await jsonIn(files, "config.json");
  if (json === undefined)
    throw new HebbError(`${files.name} has no config.json; give the folder of a model in Hugging Face's layout`);
  const { head, labels } = options;
  const pretrained = designPretrained(files, json, options);
  const fresh = head !== undefined || labels !== undefined || pretrained.head === "none";
  return { ...pretrained, ...(await fillPretrained(pretrained, files, fresh)) };
}

/** Loads the weights of files into a model. `fresh`: its head may be initialised at random. */
export async function fillPretrained(
  { model, family, head }: Pretrained,
  files: PretrainedFiles,
  fresh: boolean,
): Promise<Loaded> {
  return loadWeights(model, await weightsIn(files), { family, head, fresh });
}

/** Builds a model from its configuration, with newly initialised weights. */
export function designPretrained(
  files: PretrainedFiles,
  json: JsonObject,
  { head: wanted, labels, ignoreConfig = [] }: LoadPretrainedOptions = {},
): Pretrained {
  const config = new Config(withLabels(json, labels), `${files.name}/config.json`);
  const family = familyOf(json["model_type"], config.place);
  const name = wanted ?? savedHead(family, config);
  const entry = family.heads[name];
  if (entry === undefined)
    throw new HebbError(
      `${files.name} is a ${family.type}, which takes no head "${name}"; its heads are ${Object.keys(family.heads).join(", ")}`,
    );
  const architecture = family.read(config);
  const head = entry.read(config);
  config.finish(ignoreConfig);
  const model = build(architecture, head);
  return {
    name: files.name,
    family,
    head: name,
    model: model.eval(),
    config: config.json,
    labels: hasClasses(head) ? config.labels() : undefined,
    initialized: [],
    unused: [],
    files,
  };
}

/** Python's JSON distinguishes 1.0 from 1, and transformers requires it: whole numbers keep their original ".0". */
function configText(json: JsonObject, original: string): string {
  const floats = new Set([...original.matchAll(/"(\w+)":\s*-?\d+\.0(?=[,\s}])/g)].map(([, key]) => key));
  return JSON.stringify(json, null, 2).replace(/"(\w+)": (-?\d+)(?=[,\n])/g, (whole, key: string) =>
    floats.has(key) ? `${whole}.0` : whole,
  );
}

/** The files of a model: config.json and model.safetensors, in the form that transformers reads. */
export async function pretrainedFiles(pretrained: Pretrained): Promise<Record<string, Uint8Array>> {
  const { model, family, head, config, files } = pretrained;
  const architecture = Object.entries(family.architectures).find(([, name]) => name === head)?.[0];
  const json = { ...config, architectures: [architecture ?? null] };
  return {
    "config.json": new TextEncoder().encode(`${configText(json, (await textIn(files, "config.json")) ?? "")}\n`),
    "model.safetensors": writeSafetensors(storedWeights(model, family, head), { format: "pt" }),
  };
}
