// The description of a run that is stored with its weights: enough to open it again as a run.
import { basename } from "node:path";
import { checkPreprocessing, type Preprocessing } from "../formats/index.ts";
import { objectOf, oneOf, parseJson } from "../formats/json.ts";
import { checkConfig, configToJson, type JobConfig } from "./config.ts";

export interface RunDescription {
  readonly config: JobConfig;
  readonly preprocessing: Preprocessing;
}

/** The description as text. Paths on this machine are reduced to their last part. */
export function describeRun({ config, preprocessing }: RunDescription): string {
  const short = (path: string | null): string | null => (path === null ? null : basename(path));
  const shared: JobConfig = {
    ...config,
    data: basename(config.data),
    base: short(config.base),
    labels: short(config.labels),
    testData: short(config.testData),
    testLabels: short(config.testLabels),
  };
  return JSON.stringify({ format: "hebb-run", version: 1, config: configToJson(shared), preprocessing });
}

const check = objectOf<RunDescription & { format: "hebb-run"; version: 1 }>({
  format: oneOf("hebb-run"),
  version: oneOf(1),
  config: checkConfig,
  preprocessing: checkPreprocessing,
});

/** Checks every entry, because the text may come from anywhere. */
export function readDescription(text: string, place: string): RunDescription {
  const { config, preprocessing } = check(parseJson(text, place), `${place}:`);
  return { config, preprocessing };
}
