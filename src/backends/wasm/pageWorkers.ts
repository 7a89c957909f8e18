// Replaces nodeWorkers.ts in browser bundles, because a page has none of Node's workers.
import type * as node from "./nodeWorkers.ts";

export const nodeWorkers = (): ReturnType<typeof node.nodeWorkers> => undefined;
export const nodeProcessors = (): number | undefined => undefined;
export const nodeForbidsWorkers = (): boolean => false;
export const startInNode: typeof node.startInNode = () => () => {};
