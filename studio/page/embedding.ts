// Whether this page stands in another one, and as what.
import { readEmbedding } from "../shared/embed.ts";

export const embedding = readEmbedding(location.search);
