// What charts and canvases say, in English.
// page/draw/AsTable.tsx
export const showAsTable = "show as table";

// page/draw/Pad.tsx
export const aPadToDrawAFigure = "A pad to draw a figure on";
export const clear = "Clear";
export const drawWithPointerOrFingerOr = "Draw with pointer or finger, or paste a picture anywhere on this page.";

// page/draw/field.ts
export const thisBrowserHasNoCanvas = "this browser has no canvas";
export const standardised = " (standardised)";
