// The page's entry: draws the frame at once and opens the run.
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/lab.css";
import "./style/step.css";
import "./style/compare.css";
import "./style/ship.css";
import "./style/lessons.css";
import { App } from "./App.tsx";
import * as store from "./store.ts";

const root = document.getElementById("studio");
if (root === null) throw new Error("the page has no place for the Studio");
render(<App />, root);
await store.open();
if (store.testing) Object.assign(globalThis, { studio: store });
