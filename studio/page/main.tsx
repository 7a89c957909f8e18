// The page's entry: opens the run and draws the frame.

import { render } from "preact";
import * as say from "../texts/en/frame.ts";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/lab.css";
import "./style/step.css";
import "./style/compare.css";
import "./style/ship.css";
import "./style/lessons.css";
import "./style/text.css";
import "./style/embed.css";
import "./style/results.css";
import { App } from "./App.tsx";
import { embedding } from "./embedding.ts";
import { keepForOffline } from "./offline.ts";
import * as store from "./store.ts";

const root = document.getElementById("studio");
if (root === null) throw new Error(say.thePageHasNoPlaceFor);
// The worker computes while the page is built.
const opening = store.open();
render(<App />, root);
await opening;
// The first frames have priority.
if (embedding === undefined && (!store.testing || store.wantsOffline))
  setTimeout(() => void keepForOffline(), store.testing ? 0 : 3000);
if (store.testing) Object.assign(globalThis, { studio: store });
