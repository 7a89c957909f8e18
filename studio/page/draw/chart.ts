// Shared by all charts of curves: they follow the size of their container, and arrow keys read their values.
import type uPlot from "uplot";

/** Keeps the chart as wide as its container, until the returned function is called. */
export function followSize(plot: uPlot, place: HTMLElement, height: () => number): () => void {
  const observer = new ResizeObserver(() => plot.setSize({ width: Math.max(80, place.clientWidth), height: height() }));
  observer.observe(place);
  return () => observer.disconnect();
}

/** Arrow keys move the cursor like a pointer: at most 60 steps lead from one end to the other. */
export function readByArrows(event: KeyboardEvent, plot: uPlot | undefined): void {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (by === 0 || plot === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const xs = plot.data[0];
  const last = xs.length - 1;
  const at = Math.max(0, Math.min(last, (plot.cursor.idx ?? last) + by * Math.max(1, Math.round(xs.length / 60))));
  plot.setCursor({ left: plot.valToPos(xs[at] ?? 0, "x"), top: 10 });
}
