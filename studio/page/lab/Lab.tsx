// The Lab: data on the left, the network and its curves in the middle, the output and the inspector on the right.

import { signal } from "@preact/signals";
import * as say from "../../texts/en/lab.ts";
import { Code } from "./Code.tsx";
import { Curves } from "./Curves.tsx";
import { DataPanel } from "./DataPanel.tsx";
import { Inspector } from "./Inspector.tsx";
import { LearnPanel } from "./LearnPanel.tsx";
import { Network } from "./Network.tsx";
import { Output } from "./Output.tsx";

const tabs = ["Output", "Network", "Curves", "Data"] as const;
const titles: Readonly<Record<(typeof tabs)[number], string>> = {
  Output: say.output,
  Network: say.network2,
  Curves: say.curves,
  Data: say.data,
};
/** Below 800 px one of the four is shown at a time. */
const tab = signal<(typeof tabs)[number]>("Output");

export function Lab() {
  return (
    <div class="lab" data-tab={tab.value}>
      <div class="tabs" role="tablist" aria-label={say.partsOfTheLab} data-arrows>
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={tab.value === name}
            aria-controls={`part-${name}`}
            tabIndex={tab.value === name ? 0 : -1}
            onClick={() => {
              tab.value = name;
            }}
            onKeyDown={({ key }) => {
              const by = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
              if (by === 0) return;
              tab.value = tabs[(tabs.indexOf(name) + by + tabs.length) % tabs.length] ?? name;
              document.getElementById(`tab-${tab.value}`)?.focus();
            }}
          >
            {titles[name]}
          </button>
        ))}
      </div>
      <div class="left" id="part-Data">
        <DataPanel />
        <LearnPanel />
      </div>
      <div class="middle">
        <Network />
        <Curves />
        <Code />
      </div>
      <div class="right">
        <Output />
        <Inspector />
      </div>
    </div>
  );
}
