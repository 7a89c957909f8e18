// The page frame: the bar, the current surface, the live region, and the shortcuts.

import { useEffect } from "preact/hooks";
import * as say from "../texts/en/frame.ts";
import { Bar } from "./Bar.tsx";
import { Embedded } from "./Embedded.tsx";
import { embedding } from "./embedding.ts";
import { Lab } from "./lab/Lab.tsx";
import { Notices } from "./lab/Notices.tsx";
import { Overlays, Part } from "./parts.tsx";
import { listen } from "./shortcuts.ts";
import { spoken, surface } from "./store.ts";

export function App() {
  useEffect(listen, []);
  const name = surface.value;
  if (embedding !== undefined) return <Embedded {...embedding} />;
  return (
    <>
      <a class="skip" href="#main">
        {say.skipToTheNetwork}
      </a>
      <Bar />
      <main id="main" tabIndex={-1} data-surface={name}>
        {name === "lab" ? <Lab /> : <Part key={name} name={name} />}
      </main>
      <Notices />
      <p class="unseen" role="status" aria-live="polite">
        {spoken}
      </p>
      <Overlays />
    </>
  );
}
