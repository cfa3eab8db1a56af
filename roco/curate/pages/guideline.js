// Shows a guideline: headings, paragraphs, lists, and tables, whose rows become entries that fit beside the figures.

import { el } from "./page.js";

const cellsOf = (line) => line.replace(/^\s*\||\|\s*$/g, "").split("|").map((cell) => cell.trim());
const isRule = (cells) => cells.every((cell) => /^:?-+:?$/.test(cell));

function entries(lines) {
  const [heads, ...rows] = lines.map(cellsOf).filter((cells) => !isRule(cells));
  return rows.map(([first, ...cells]) => el("p", {}, el("strong", {}, first),
    ...cells.flatMap((cell, number) => (cell ? [el("br"), el("span", { class: "dim" }, `${heads[number + 1]}: `), cell] : []))));
}

// Returns the elements of a block: lines without an empty line between them.
function blockOf(text) {
  const lines = text.split("\n");
  const heading = /^#+ +(.*)/.exec(lines[0]);
  if (heading) return [el("h3", {}, heading[1]), ...(lines.length > 1 ? blockOf(lines.slice(1).join("\n")) : [])];
  if (lines.every((line) => line.trim().startsWith("|"))) return entries(lines);
  if (/^[-*] /.test(lines[0])) return [el("ul", {}, ...text.split(/\n?^[-*] /m).filter(Boolean).map((item) => el("li", {}, item)))];
  return [el("p", {}, text)];
}

export const guidelineOf = (text) => text.trim().split(/\n\s*\n/).flatMap(blockOf);
