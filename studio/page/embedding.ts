// Whether this page is embedded in another one, and with which options.
import { readEmbedding } from "../shared/embed.ts";

export const embedding = readEmbedding(location.search);
