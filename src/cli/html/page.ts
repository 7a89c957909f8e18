// One HTML file about a run: no network, no script; it can be opened from disk and printed.
import { escaped, short } from "./svg.ts";

const style = `
:root{--ink:#1d2530;--soft:#5c6773;--line:#dfe4ea;--paper:#fff;--page:#f5f6f8;--c0:#3257d6;--c1:#d9622b;--c2:#1f9d72;--c3:#9a4fc4;--c4:#b58a00;--c5:#c4315f}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa5b1;--line:#333c47;--paper:#1b212a;--page:#12161c;--c0:#7d9bff;--c1:#ff9a66;--c2:#4fd0a3;--c3:#cd93f0;--c4:#e3bd4f;--c5:#ff7fa3}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:32px 20px 60px}h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:0 0 12px}
p{margin:0 0 10px}.soft{color:var(--soft)}section{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:20px;margin-top:18px}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin-top:18px}.card{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:12px 16px;min-width:118px}
.card b{display:block;font-size:22px;font-variant-numeric:tabular-nums}.card span{color:var(--soft);font-size:13px}
.grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:16px}figure{margin:0}svg{width:100%;height:auto;display:block}
figcaption{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:12px;color:var(--soft);padding-left:48px}figcaption i{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:5px}
text{fill:var(--soft);font:11px system-ui,sans-serif}text.title{fill:var(--ink);font-size:13px;font-weight:600}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}.ideal{stroke:var(--soft);stroke-dasharray:3 3}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.spread{stroke:var(--ink);stroke-width:1.5}.dot{fill-opacity:.55}
${[0, 1, 2, 3, 4, 5].map((k) => `.line.c${k}{stroke:var(--c${k})}.dot.c${k},.bar.c${k}{fill:var(--c${k})}i.c${k}{background:var(--c${k})}`).join("")}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;min-width:100%}th,td{text-align:left;padding:5px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.heat td{text-align:center;border:2px solid var(--paper)}
ul{margin:0;padding-left:20px}li{margin-bottom:4px}@media print{body{background:#fff}section{break-inside:avoid}}
`;

/** The content of a cell; numbers are right-aligned. */
export type CellContent = string | number;
const isFigure = (content: CellContent | undefined): boolean =>
  typeof content === "number" || (content !== undefined && /^[-−]?[\d.]+(?:e-?\d+)?(?: %)?$/.test(content));

export function tableHtml(heads: readonly string[], rows: readonly (readonly CellContent[])[]): string {
  const numeric = heads.map((_, place) => rows.length > 0 && rows.every((row) => isFigure(row[place])));
  const cell = (tag: "th" | "td", content: CellContent, place: number): string =>
    `<${tag}${numeric[place] === true ? ' class="n"' : ""}>${typeof content === "number" ? short(content) : escaped(content)}</${tag}>`;
  const line = (tag: "th" | "td", cells: readonly CellContent[]): string =>
    `<tr>${cells.map((content, place) => cell(tag, content, place)).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${line("th", heads)}</thead><tbody>${rows.map((row) => line("td", row)).join("")}</tbody></table></div>`;
}

/** Counts as a table whose cells are darker for a larger share of the row. */
export function heatHtml(names: readonly string[], matrix: readonly (readonly number[])[]): string {
  const rows = matrix.map((row, place) => {
    const sum = Math.max(
      1,
      row.reduce((total, count) => total + count, 0),
    );
    const cells = row.map((count, column) => {
      const share = count / sum;
      const colour = column === place ? "--c2" : "--c1";
      return `<td style="background:color-mix(in srgb,var(${colour}) ${Math.round(70 * share)}%,var(--paper))" title="${(100 * share).toFixed(1)} %">${count}</td>`;
    });
    return `<tr><th>${escaped(names[place] ?? "")}</th>${cells.join("")}</tr>`;
  });
  return `<div class="scroll"><table class="heat"><thead><tr><th>true ↓ predicted →</th>${names.map((name) => `<th>${escaped(name)}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

export const cardsHtml = (figures: readonly (readonly [name: string, value: string])[]): string =>
  `<div class="cards">${figures.map(([name, value]) => `<div class="card"><b>${escaped(value)}</b><span>${escaped(name)}</span></div>`).join("")}</div>`;

export const listHtml = (lines: readonly string[]): string =>
  `<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join("")}</ul>`;

export const sectionHtml = (title: string, text: string, ...parts: readonly string[]): string =>
  `<section><h2>${escaped(title)}</h2>${text === "" ? "" : `<p class="soft">${escaped(text)}</p>`}${parts.join("")}</section>`;

export const pageHtml = (title: string, body: string): string =>
  `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title><style>${style}</style></head><body><main>${body}</main></body></html>\n`;
