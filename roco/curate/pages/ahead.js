// Loads the thumbnails of the next page while people look at this one, so that they are at hand when it is opened.

import { address, get } from "./page.js";
import { thumbnailOf } from "./figure.js";

let kept = []; // keeps the images in the memory of the browser
let turn = 0;

// facts: the query of the page that is shown. Labels and order of the next page are still asked for when it is opened.
export async function loadAhead(images, facts) {
  turn += 1;
  const own = turn;
  await Promise.allSettled(images.map((image) => image.decode()));
  if (own !== turn) return; // another page has been opened meanwhile
  const page = (Number(facts.page) || 0) + 1;
  const next = await get(address("/api/page", { ...facts, page })).catch(() => null);
  if (own !== turn || !next) return;
  kept = next.figures.filter((figure) => figure.has_image !== false).map((figure) => Object.assign(new Image(), { fetchPriority: "low", src: thumbnailOf(figure) }));
  await Promise.allSettled(kept.map((image) => image.decode())); // the next page is only to be laid out and painted
}
