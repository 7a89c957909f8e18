// Lesson 12: one output of a convolution by hand, and the small number of a kernel's parameters.

import { useState } from "preact/hooks";
import * as say from "../../texts/en/lessons.ts";
import { Answer } from "./Answer.tsx";

/** A small picture with an edge, and a kernel that detects edges of that direction. */
const picture = [
  [0, 0, 1, 1, 1],
  [0, 0, 1, 1, 1],
  [0, 0, 1, 1, 0],
  [0, 1, 1, 0, 0],
  [0, 1, 1, 0, 0],
] as const;
const kernel = [
  [-1, 0, 1],
  [-1, 0, 1],
  [-1, 0, 1],
] as const;
const inner = [0, 1, 2] as const;

export function ConvolutionWidget() {
  // The position of the kernel; the question is about the middle of the edge.
  const [[row, column], place] = useState<readonly [number, number]>([0, 0]);
  const value = inner.reduce<number>(
    (sum, y) =>
      sum + inner.reduce<number>((own, x) => own + (picture[row + y]?.[column + x] ?? 0) * (kernel[y]?.[x] ?? 0), 0),
    0,
  );
  return (
    <section class="panel widget convolution" aria-labelledby="conv-title">
      <header>
        <h2 id="conv-title">{say.aKernelOverAPicture}</h2>
        <p class="hint">{say.chooseWhereItLies}</p>
      </header>
      <div class="conv-pair">
        <table aria-label={say.thePictureWithTheKernelsPlace}>
          <tbody>
            {picture.map((line, y) => (
              <tr key={y}>
                {line.map((pixel, x) => (
                  <td
                    key={x}
                    class={y >= row && y < row + 3 && x >= column && x < column + 3 ? "under" : ""}
                    data-on={pixel}
                  >
                    {pixel}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        <table aria-label={say.theKernel}>
          <tbody>
            {kernel.map((line, y) => (
              <tr key={y}>
                {line.map((weight, x) => (
                  <td key={x}>{weight < 0 ? `−${-weight}` : weight}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        <div class="places" role="group" aria-label={say.placesOfTheKernel}>
          {inner.flatMap((y) =>
            inner.map((x) => (
              <button
                key={`${y}${x}`}
                type="button"
                class="small"
                aria-pressed={row === y && column === x}
                aria-label={say.rowColumn(y + 1, x + 1, y + 1, x + 1)}
                onClick={() => place([y, x])}
              >
                {y + 1},{x + 1}
              </button>
            )),
          )}
        </div>
      </div>
      <Answer
        key={`${row} ${column}`}
        label={say.pixelKernelAddedUpAtRow(row + 1, column + 1)}
        name="kernel"
        truth={value}
        tolerance={0.001}
      />
      <Answer label={say.numbersOfSix33Kernels} name="count" truth={60} tolerance={0.001} />
    </section>
  );
}
