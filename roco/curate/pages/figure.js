// What is shown of a figure: the image, the facts beside it, labels; notes and flags.

import { $, el, label, open, say, session, task } from "./page.js";

export const imageOf = (figure) => `/api/image?key=${encodeURIComponent(figure.key)}`;
export const thumbnailOf = (figure) => `/api/thumbnail?key=${encodeURIComponent(figure.key)}`;
export const alt = (figure) => `Figure ${figure.figure_id || figure.key}`;

// Returns an image; a file that cannot be shown is replaced by words.
export function picture(figure, address) {
  if (figure.has_image === false) return el("div", { class: "broken" }, "no image: the figure was dropped");
  const image = el("img", { src: address, alt: alt(figure), draggable: "false" });
  image.addEventListener("error", () => image.replaceWith(el("div", { class: "broken" }, "the image cannot be shown")));
  return image;
}

const titles = new Map(task ? task.labels.map((one) => [one.name, one.title]) : []);
export const titleOf = (name) => (name || "").split("+").map((part) => titles.get(part) || part).join(" + ");

// Returns what is written below a figure of the grid.
export function words(figure) {
  if (session.read_only) return figure.drop ? `${figure.stage}: ${figure.drop}` : [figure.modality, figure.split].filter(Boolean).join(", ");
  if (figure.mine) return titleOf(figure.mine);
  if (figure.old) return `${titleOf(figure.old)}, older guideline`;
  if (figure.concept) return figure.concept_name || figure.concept;
  return figure.guess ? `${titleOf(figure.guess)}?` : "";
}

function article(figure) {
  const parts = [];
  const add = (href, text) => parts.push(el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text), " ");
  if (/^PMC\d+$/.test(figure.pmcid || "")) add(`https://pmc.ncbi.nlm.nih.gov/articles/${figure.pmcid}/`, figure.pmcid);
  if (/^10\.\S+$/.test(figure.doi || "")) add(`https://doi.org/${encodeURI(figure.doi)}`, `doi:${figure.doi}`);
  return parts;
}

function licence(figure) {
  const url = /^https?:\/\/creativecommons\.org\//.test(figure.license_url || "") ? figure.license_url : null;
  const text = figure.license || "unknown";
  return url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text) : text;
}

// Fills the panel beside the figures.
export function showDetail(figure) {
  if (!figure) return $("detail").replaceChildren();
  const lines = [];
  const add = (name, ...value) => { if (value.length && value[0]) lines.push(el("p", {}, el("strong", {}, `${name} `), ...value)); };
  if (figure.concept) add("Concept", `${figure.concept_name || ""} ${figure.concept}`);
  add("Your label", figure.mine && titleOf(figure.mine));
  add("Under an older guideline", figure.old && !figure.mine && titleOf(figure.old));
  if (figure.guess) {
    const p = figure.p === null ? "" : `, probability ${figure.p.toFixed(2)}`;
    add("Guess", `${titleOf(figure.guess)}${p}${figure.from ? `, from ${figure.from === "both" ? "caption and pixels" : figure.from}` : ""}`);
  }
  if (figure.disagrees) add("Caption and pixels", "disagree");
  if (figure.drop) add("Dropped", `at '${figure.stage}': ${figure.drop}${figure.drop_detail ? ` (${figure.drop_detail})` : ""}`);
  if (session.read_only) add("Modality", figure.modality);
  if (session.read_only) add("Split", figure.split);
  add(figure.label || "Caption", figure.caption);
  for (const text of figure.mentions || []) add("In the text", text);
  if (session.read_only && (figure.concepts || []).length) {
    add("Concepts", figure.concepts.map((one) => (one.name ? `${one.name} (${one.cui})` : one.cui)).join(", "));
  }
  add("Licence", licence(figure));
  add("Article", [figure.title, figure.journal, figure.year].filter(Boolean).join(", "), " ", ...article(figure));
  for (const note of figure.notes || []) add("Note", note);
  if (figure.width) lines.push(el("p", { class: "dim" }, `${figure.width} × ${figure.height} px, ${figure.figure_id || ""}`));
  return $("detail").replaceChildren(...lines);
}

export function flag(figures, done) {
  for (const figure of figures) figure.flagged = true;
  return label(figures.map((one) => ({ key: one.key, kind: "flag" })), done);
}

export function note(figure, done) {
  const text = el("textarea", { "aria-label": "Note", maxlength: "2000" });
  const save = () => {
    const written = text.value.trim();
    if (!written) return say("the note is empty");
    figure.notes = [...(figure.notes || []), written];
    $("dialog").close();
    return label([{ key: figure.key, kind: "note", note: written }], done);
  };
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(); });
  const buttons = el("div", { class: "row" },
    el("button", { type: "button", onclick: save }, "Save the note (Ctrl+Enter)"),
    el("button", { type: "button", onclick: () => $("dialog").close() }, "Cancel (Esc)"));
  open("note", el("h2", {}, "Note"), text, buttons);
  text.focus();
}

// Sets labels of an older guideline aside: the figure is labelled again, with the same label or another one.
export function setAside(figures) {
  for (const figure of figures) if (figure.outdated) [figure.old, figure.mine] = [figure.mine, null];
}

export const OLDER = "under an older guideline: label them again, or ] skips the page";

// Counts a figure that was labelled again under the new guideline.
export function renew(figure, counts) {
  if (!figure.outdated) return;
  counts.outdated -= 1;
  if ($("message").textContent.endsWith(OLDER)) say(""); // its number is out of date
  [figure.outdated, figure.isNew] = [false, true];
}

// The label after a key: with several labels a key adds or removes one; one such as OTHER stands alone.
export function toggled(of, current, name) {
  const chosen = of.labels.find((one) => one.name === name);
  if (!of.several || chosen.then !== "value") return name;
  const isAlone = (part) => of.labels.find((one) => one.name === part).then !== "value";
  const parts = new Set((current || "").split("+").filter((part) => part && !isAlone(part)));
  if (parts.has(name) && parts.size > 1) parts.delete(name);
  else parts.add(name);
  return of.labels.map((one) => one.name).filter((one) => parts.has(one)).join("+");
}
