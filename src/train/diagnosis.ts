// Finds out why a training failed: repeats the same steps, bit for bit, up to the one that failed.
import type { Module } from "../nn/index.ts";
import type { Optimizer } from "../optim/index.ts";
import { type Generator, withGenerator } from "../tensor/index.ts";
import { readLater, within } from "../tensor/reading.ts";
import type { Company } from "./company.ts";
import { brokenWeights, type Failure, findOrigin, lowerRate } from "./divergence.ts";
import type { Finding } from "./doctor/finding.ts";
import type { TrainEvent } from "./events.ts";
import type { Feed } from "./feeds.ts";
import type { Objective } from "./objectives.ts";
import type { Steps } from "./steps.ts";

/** A training that can be rewound. */
export interface Failed {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly objective: Objective;
  readonly steps: number;
  readonly best: { readonly epoch: number } | undefined;
  rewind(): void;
  goTo(step: number): Promise<void>;
  ready(): Promise<void>;
  draw<T>(body: () => T): T;
  tell(event: TrainEvent): void;
  found(findings: readonly Finding[], at: { readonly epoch: number; readonly step: number }): void;
}

/** What its steps are made of. */
export interface Within {
  readonly feed: Feed;
  readonly steps: Steps;
  readonly generator: Generator;
  readonly company: Company;
}

interface Diagnosis {
  readonly what: string;
  readonly cure: string;
  readonly layer?: string | undefined;
}

/** Finds the first batch of the update whose loss is NaN or infinite. */
async function locate(
  failed: Failed,
  { feed, steps, generator, company }: Within,
  { loss, step }: Extract<Failure, { kind: "loss" }>,
): Promise<Diagnosis> {
  failed.rewind();
  await failed.goTo(step - 1);
  const { model, objective } = failed;
  const { lr } = failed.optimizer;
  const { epoch } = feed;
  for (;;) {
    await failed.ready();
    const { samples, rows: batch, place, share } = feed.next();
    const given = samples.arguments(batch, epoch);
    const random = generator.getState();
    const rows = failed.draw(() => samples.gather(given));
    const search = findOrigin({ model, loss: objective.loss, rows, share, world: company.world, batch, lr });
    // Among ranks, the result of the first whose share contains the fault.
    const origin = company.firstFound(await readLater(within((part) => failed.draw(part), search)));
    if (origin !== undefined || place.last)
      return {
        what: `the loss became ${loss} at step ${step}, ${origin?.where ?? "but repeating the same step gives a finite number"}`,
        cure: origin?.cure ?? lowerRate(lr),
        layer: origin?.layer,
      };
    generator.setState(random);
    withGenerator(generator, () => steps.take(given, place, share));
  }
}

/** Finds out why a training failed, and leaves it at the latest good moment. */
export async function diagnosed(failed: Failed, within: Within, failure: Failure): Promise<void> {
  const found =
    failure.kind === "weights" ? brokenWeights(failure, failed.optimizer.lr) : await locate(failed, within, failure);
  failed.rewind();
  const kept = failed.best === undefined ? `step ${failed.steps}` : `epoch ${failed.best.epoch + 1}`;
  const at = { epoch: failure.epoch, step: failure.step };
  failed.tell({ type: "warning", ...at, message: `${found.what}; ${found.cure}. The weights of ${kept} are kept.` });
  failed.found([findingOf(found, failure.step, kept)], at);
}

/** The finding to report. */
const findingOf = ({ what, cure, layer }: Diagnosis, step: number, kept: string): Finding => ({
  code: "notANumber",
  what,
  evidence: `the loss was finite up to step ${step - 1}; the weights of ${kept} are kept`,
  why: "NaN and infinity spread through every later step, so nothing more is learned",
  fix: cure,
  layer: layer ?? null,
});
