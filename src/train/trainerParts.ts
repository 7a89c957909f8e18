// The state of the trainer itself: weights, optimizer, averages, the position in the data, random numbers.
import { HebbError } from "../graph/errors.ts";
import type { Module } from "../nn/index.ts";
import type { GroupState, Optimizer, WeightAverage } from "../optim/index.ts";
import type { Generator } from "../tensor/index.ts";
import type { Feed } from "./feeds.ts";
import type { Holdable } from "./holdings.ts";
import type { Part } from "./parts.ts";
import { checkFeed, checkGroups, checkRandom, statesIn } from "./state.ts";

export interface Trained {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly average: WeightAverage | undefined;
  readonly feed: Feed;
  readonly generator: Generator;
}

export function partsOf({ model, optimizer, average, feed, generator }: Trained): Part[] {
  const parts: Part[] = [
    {
      name: "model",
      state: () => ({ tensors: statesIn(model) }),
      restore: ({ tensors }) => void model.loadStateDict(tensors),
    },
    optimizerPart(optimizer),
    {
      name: "feed",
      state: () => ({ json: { ...feed.state() } }),
      restore: ({ json }) => feed.restore(checkFeed(json, "checkpoint: feed")),
    },
    {
      name: "random",
      state: () => ({ json: { ...generator.getState() } }),
      restore: ({ json }) => void generator.setState(checkRandom(json, "checkpoint: random")),
    },
  ];
  if (average !== undefined)
    parts.push({
      name: "average",
      state: () => ({ tensors: average.stateDict().state }),
      restore: ({ tensors }) => average.loadStateDict({ state: tensors }),
    });
  return parts;
}

function optimizerPart(optimizer: Optimizer): Part {
  return {
    name: "optimizer",
    state: () => {
      const { state, groups, shapes } = optimizer.ownState();
      const plain = groups.map((group) => ({
        ...group,
        optimizer: group.optimizer ?? null,
        initialLr: group.initialLr ?? null,
      }));
      const tensors: Record<string, Holdable> = Object.create(null);
      for (const [name, value] of Object.entries(state)) {
        const shape = shapes.get(value);
        tensors[name] = shape === undefined ? value : { dtype: value.dtype, shape, part: value };
      }
      return { tensors, json: { slots: Object.keys(state), groups: plain } };
    },
    restore: ({ tensors, json }) => {
      const { slots, groups } = checkGroups(json, "checkpoint: optimizer");
      checkSlots(slots, Object.keys(tensors));
      checkGroupsOf(optimizer, groups);
      optimizer.loadStateDict({ state: tensors, groups });
    },
  };
}

/** Refuses missing slots, which would start at zero. */
function checkSlots(slots: readonly string[], there: readonly string[]): void {
  const odd = slots.find((slot) => !there.includes(slot)) ?? there.find((slot) => !slots.includes(slot));
  if (odd !== undefined)
    throw new HebbError(
      `checkpoint: optimizer: the slot "${odd}" is ${there.includes(odd) ? "not named" : "missing"}; the state is damaged`,
    );
}

/** Refuses missing options, which would take the values of this optimizer. */
function checkGroupsOf(optimizer: Optimizer, groups: readonly GroupState[]): void {
  for (const [place, { options }] of optimizer.ownState().groups.entries())
    for (const name of Object.keys(options))
      if (groups[place] !== undefined && !Object.hasOwn(groups[place].options, name))
        throw new HebbError(
          `checkpoint: optimizer: the option ${name} of group ${place} is missing; the state is damaged`,
        );
}
