// A page inside another page: what its address asks for, and the code that puts it there.

export const panelNames = ["data", "learn", "network", "curves", "output", "inspector"] as const;
export type PanelName = (typeof panelNames)[number];

/** A question that is answered before the network trains, and compared with what was seen afterwards. */
export interface Question {
  readonly text: string;
  readonly answers: readonly string[];
  /** The place of the right answer. */
  readonly right: number;
  /** What is said once it is answered. */
  readonly why: string;
}

export interface Embedding {
  /** The parts of the Lab that are shown, in this order; empty: the whole surface. */
  readonly panels: readonly PanelName[];
  /** Whether the experiment is the link's and cannot be changed. */
  readonly locked: boolean;
  readonly question: Question | undefined;
}

function questionIn(query: URLSearchParams): Question | undefined {
  const text = query.get("ask");
  const answers = (query.get("answers") ?? "").split("|").filter((answer) => answer !== "");
  const right = Number(query.get("right")) - 1;
  if (text === null || answers[right] === undefined) return undefined;
  return { text, answers, right, why: query.get("why") ?? "" };
}

/** What an address asks for: `?embed` or `?embed=network,output`, `&lock`, `&ask=…&answers=A|B&right=2&why=…`. */
export function readEmbedding(search: string): Embedding | undefined {
  const query = new URLSearchParams(search);
  const wanted = query.get("embed");
  if (wanted === null) return undefined;
  const asked = wanted.split(",");
  return {
    panels: asked.flatMap((name) => panelNames.filter((known) => known === name)),
    locked: query.has("lock"),
    question: questionIn(query),
  };
}

/** HTML that shows a link's experiment on any page, at its step. */
export function embedCode(link: string, panels: readonly PanelName[]): string {
  const { origin, pathname, hash } = new URL(link);
  const address = `${origin}${pathname}?embed=${panels.join(",")}${hash}`;
  return `<iframe src="${address.replaceAll("&", "&amp;")}" title="hebb Studio" width="100%" height="520" style="border: 0" loading="lazy"></iframe>`;
}
