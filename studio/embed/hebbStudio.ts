// <hebb-studio>: an experiment of the Studio in any page, from this script's folder. As high as its contents.
//
//   <script type="module" src="https://…/studio/embed.js"></script>
//   <hebb-studio state="data=circles&layers=4.tanh" panels="network,output"></hebb-studio>
//
// Attributes: state, as in a link after #; panels, any of data, learn, network, curves, output and inspector, or none for the whole surface;
// locked, so that the experiment cannot be changed; ask, answers (A|B), right (from 1) and why, for a question before it trains; height in pixels
// until the contents report theirs.

const passed = ["ask", "answers", "right", "why"] as const;

class HebbStudio extends HTMLElement {
  static readonly observedAttributes = ["state", "panels", "locked", ...passed];
  readonly #frame = document.createElement("iframe");

  constructor() {
    super();
    this.#frame.title = "hebb Studio";
    this.#frame.loading = "lazy";
    this.#frame.allow = "cross-origin-isolated; clipboard-write";
    this.#frame.style.cssText = "display: block; width: 100%; border: 0";
    this.attachShadow({ mode: "open" }).append(this.#frame);
  }

  connectedCallback(): void {
    this.style.display ||= "block";
    this.#frame.style.height = `${Number(this.getAttribute("height")) || 520}px`;
    addEventListener("message", this.#follow);
    this.#show();
  }

  disconnectedCallback(): void {
    removeEventListener("message", this.#follow);
  }

  attributeChangedCallback(): void {
    if (this.isConnected) this.#show();
  }

  #show(): void {
    const address = new URL("./index.html", import.meta.url);
    address.searchParams.set("embed", this.getAttribute("panels") ?? "");
    if (this.hasAttribute("locked")) address.searchParams.set("lock", "");
    for (const name of passed) {
      const value = this.getAttribute(name);
      if (value !== null) address.searchParams.set(name, value);
    }
    address.hash = this.getAttribute("state") ?? "";
    this.#frame.src = address.href;
  }

  readonly #follow = ({ source, data }: MessageEvent<unknown>): void => {
    if (source !== this.#frame.contentWindow || typeof data !== "object" || data === null) return;
    const said: unknown = Reflect.get(data, "hebbStudio");
    const height: unknown = typeof said === "object" && said !== null ? Reflect.get(said, "height") : undefined;
    if (typeof height === "number") this.#frame.style.height = `${height}px`;
  };
}

if (customElements.get("hebb-studio") === undefined) customElements.define("hebb-studio", HebbStudio);
