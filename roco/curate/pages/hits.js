// The hits of a search: one card each, with all that is needed to cite an image and to reuse it.

import { el, open } from "./page.js";
import { imageOf, picture, thumbnailOf } from "./figure.js";

const asFigure = (hit) => ({ key: hit.id, figure_id: hit.id });
const facts = (hit) => [hit.id, hit.modality, hit.region, hit.license, hit.split, hit.year].filter(Boolean).join(" · ");
const matched = (hit) => Object.entries(hit.matched).map(([name, rank]) => `rank ${rank} by ${name}`).join(", ");
const score = (hit) => `score ${hit.score.toFixed(3)}: ${matched(hit)}`;

// A name is shown with its CUI; a concept without a name is its CUI alone.
const concepts = (hit) => hit.concepts.map((cui, number) => (hit.names[number] === cui ? cui : `${hit.names[number]} (${cui})`)).join("; ");

// Addresses come from the release: only those of the web become links.
function article(hit) {
  if (!/^https?:\/\//.test(hit.link || "")) return null;
  return el("a", { href: hit.link, target: "_blank", rel: "noopener noreferrer", "aria-label": `Article of ${hit.id}` }, "Article");
}

export function card(hit, alike) {
  const shown = el("button", { type: "button", class: "enlarge", "aria-label": `Enlarge ${hit.id}`, onclick: () => enlarge(hit) });
  shown.append(picture(asFigure(hit), thumbnailOf(asFigure(hit))));
  const about = el("div", { class: "about" },
    el("p", {}, el("strong", {}, `${hit.rank}. `), facts(hit)),
    el("p", { class: "caption" }, hit.caption),
    concepts(hit) ? el("p", {}, concepts(hit)) : null,
    el("p", { class: "small" }, score(hit)),
    el("p", { class: "small" }, hit.attribution),
    el("div", { class: "buttons" },
      el("button", { type: "button", class: "alike", "aria-label": `Images like ${hit.id}`, onclick: () => alike(hit) }, "Like this"), article(hit)));
  const box = el("li", { class: "hit", tabindex: "-1", "aria-label": `Hit ${hit.rank}: ${hit.id}` }, shown, about);
  box.hit = hit;
  return box;
}

export function enlarge(hit) {
  const close = el("button", { type: "button", onclick: () => document.getElementById("dialog").close() }, "Close");
  open("large", picture(asFigure(hit), imageOf(asFigure(hit))), el("p", { class: "text" }, `${hit.rank}. ${facts(hit)}`), el("p", { class: "text" }, hit.caption),
    concepts(hit) ? el("p", { class: "text" }, concepts(hit)) : "", el("p", { class: "small" }, hit.attribution), el("p", {}, article(hit) || "", " ", close));
}
