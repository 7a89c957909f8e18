// Converts states saved by earlier versions, so that their runs can continue.
import type { JsonObject } from "../formats/index.ts";
import { anObject, listOf } from "../formats/json.ts";
import type { TrainState } from "./state.ts";

/**
 * Version 1 was one flat object. Its first form counted rows instead of weights and did not name the monitored metric. It counted for early stopping
 * even if that was not used, so `wanted` names the parts of this training.
 */
export function upgraded({ tensors, json }: TrainState, wanted: readonly string[]): TrainState {
  if (!("sampler" in json) || "version" in json) return { tensors, json };
  const { rows = 0, waited = 0, best = null, told = [], sampler, ...rest } = json;
  const flat: JsonObject = {
    lossWeight: rows,
    watch: {
      monitor: null,
      waited,
      best: best === null ? null : { classes: null, ...anObject(best, "checkpoint: best") },
    },
    doctor: { told, untrained: null },
    findings: [],
    schedule: null,
    ...rest,
    sampler: { joinSingle: true, part: 0, ...anObject(sampler, "checkpoint: sampler") },
  };
  const watch = anObject(flat["watch"], "checkpoint: watch");
  const names = Object.keys(tensors);
  const value = watch["best"] === null ? null : (anObject(watch["best"], "checkpoint: best")["value"] ?? null);
  const { groups = null, random = null, step = 0, lossSum = 0, lossWeight = 0, records = [], findings = [] } = flat;
  return {
    tensors,
    json: {
      version: 2,
      parts: {
        model: {},
        optimizer: {
          groups: listOf(anObject)(groups, "checkpoint: groups").map((group) => ({
            optimizer: null,
            initialLr: null,
            ...group,
          })),
          slots: names.flatMap((name) => (name.startsWith("optimizer.") ? [name.slice("optimizer.".length)] : [])),
        },
        random: anObject(random, "checkpoint: random"),
        feed: flat["sampler"] ?? null,
        progress: { step, lossSum, lossWeight, seconds: 0, records, findings },
        best: { monitor: watch["monitor"] ?? null, best: watch["best"] ?? null },
        ...(names.some((name) => name.startsWith("average.")) ? { average: {} } : {}),
        ...(wanted.includes("earlyStopping") ? { earlyStopping: { waited: watch["waited"] ?? 0, best: value } } : {}),
        ...(flat["schedule"] === null ? {} : { schedule: { every: null, of: flat["schedule"] ?? null } }),
      },
      watchers:
        flat["doctor"] === null
          ? {}
          : {
              doctor: {
                ...anObject(flat["doctor"], "checkpoint: doctor"),
                followed: names.filter((name) => name.startsWith("doctor.")).length,
              },
            },
    },
  };
}
