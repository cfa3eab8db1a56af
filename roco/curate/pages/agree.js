// How far two annotators agree, and the figures on which they differ, for a decision.

import * as roco from "./page.js";
import * as fig from "./figure.js";

const { $, el, session, state, task } = roco;
let figures = [];
let at = 0;

const shown = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits));

// --- tables ---------------------------------------------------------------------------------------------------------

async function load() {
  try {
    await roco.flush();
    const chosen = state.first && state.second ? { first: state.first, second: state.second } : {};
    const found = await roco.get(roco.address("/api/agree", { task: task.name, ...chosen }));
    const raters = Object.entries(found.raters).map(([name, n]) => [name, `${name} (${n.toLocaleString("en")})`]);
    roco.choose($("first"), raters, found.first);
    roco.choose($("second"), raters, found.second);
    $("title").textContent = `Agreement, ${task.title}: ${found.first || "?"} and ${found.second || "?"}`;
    $("tables").replaceChildren(...(found.kappa ? tables(found) : [el("p", {}, "No two annotators have labelled the same figure yet.")]));
    if (state.row) await openCell(found.first, found.second, state.row, state.column);
    return found;
  } catch (error) {
    roco.say(error.status ? error.message : "the server cannot be reached: reload the page");
    return null;
  }
}

const row = (name, kappa) => el("tr", {}, el("th", { scope: "row" }, name), ...[
  kappa.n, kappa.agree, shown(kappa.chance, 1), shown(kappa.value), shown(kappa.se, 3),
  `${shown(kappa.low)} to ${shown(kappa.high)}`, kappa.words].map((cell) => el("td", {}, String(cell))));

function table(caption, heads, rows, facts = {}) {
  const head = el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name))));
  return el("table", facts, el("caption", {}, caption), head, el("tbody", {}, ...rows));
}

const HEADS = ["Images", "Agreements", "Expected by chance", "Kappa", "Standard deviation", "95 % interval", "Agreement"];

function tables(found) {
  const classes = found.labels.map((name) => row(fig.titleOf(name), found.by_class[name]));
  return [
    table("All classes", ["Task", ...HEADS], [row(task.title, found.kappa)]),
    table("Each class against all others", ["Class", ...HEADS], classes),
    matrix("Confusion matrix: images; a click opens them for a decision", found, found.matrix, String),
    matrix("Confusion matrix: share of the row", found, found.normalised, (value) => shown(value)),
  ];
}

function matrix(caption, found, values, write) {
  const rows = found.labels.map((one, y) => el("tr", {}, el("th", { scope: "row" }, fig.titleOf(one)), ...found.labels.map((other, x) => {
    const kind = one === other ? "diagonal" : found.matrix[y][x] ? "differs" : "";
    const name = `${fig.titleOf(one)} and ${fig.titleOf(other)}: ${write(values[y][x])}`;
    const choose = () => { roco.remember({ row: one, column: other }); openCell(found.first, found.second, one, other); };
    return el("td", { class: kind }, el("button", { type: "button", "aria-label": name, onclick: choose }, write(values[y][x])));
  })));
  return table(caption, ["First \\ second", ...found.labels.map(fig.titleOf)], rows, { class: "matrix" });
}

// --- decisions ------------------------------------------------------------------------------------------------------

async function openCell(first, second, one, other) {
  try {
    const facts = { task: task.name, first, second, row: one, column: other, annotator: roco.annotator };
    figures = (await roco.get(roco.address("/api/cell", facts))).figures;
    at = Math.max(0, figures.findIndex((figure) => !figure.adjudicated));
    show();
    $("title").focus();
  } catch (error) {
    roco.say(error.status ? error.message : "the server cannot be reached: try again");
  }
}

function close() {
  figures = [];
  roco.remember({ row: "", column: "" });
  $("decide").replaceChildren();
  load();
}

function show() {
  const figure = figures[at];
  if (!figure) return $("decide").replaceChildren(el("p", {}, "No figures in this cell."));
  const proposed = new Set(figure.choices);
  const buttons = task.labels.map((label) => el("button",
    { type: "button", "aria-pressed": String(figure.adjudicated === label.name), onclick: () => decide(label.name) },
    label.title, proposed.has(label.name) ? " (chosen)" : "", " ", el("kbd", {}, label.key)));
  const left = figures.filter((one) => !one.adjudicated).length;
  const side = el("div", {},
    el("p", {}, `Figure ${at + 1} of ${figures.length}, ${left} without a decision. One of two people chose each of: ${figure.choices.map(fig.titleOf).join(", ")}.`),
    el("div", { class: "keys" }, ...buttons), el("div", { id: "detail" }),
    el("p", {}, el("button", { type: "button", onclick: close }, "Close ", el("kbd", {}, "Esc"))));
  $("decide").replaceChildren(el("div", {}, fig.picture(figure, fig.imageOf(figure))), side);
  fig.showDetail({ ...figure, mine: null, guess: null });
}

function decide(name) {
  const figure = figures[at];
  if (!figure) return;
  const was = figure.adjudicated;
  figure.adjudicated = name;
  const entry = { key: figure.key, concept: figure.concept || "", label: name, origin: "adjudicated" };
  roco.label([entry], (answer) => {
    if (answer === null) figure.adjudicated = was;
    show();
  });
  const next = figures.findIndex((one, number) => number > at && !one.adjudicated);
  if (next >= 0) at = next;
  else at = Math.min(figures.length - 1, at + 1);
  show();
  if (figures.every((one) => one.adjudicated)) roco.say("every figure of this cell is decided; Esc closes it");
}

function undo() {
  roco.undo(() => figures.length && openCell($("first").value, $("second").value, state.row, state.column));
}

function step(by) {
  at = Math.min(figures.length - 1, Math.max(0, at + by));
  show();
}

const KEYS = [["← →", "previous, next figure of the cell"], ["u", "undo the newest decision"], ["Esc", "close the cell"], ["?", "list the keys"]];

document.addEventListener("keydown", (event) => {
  if (roco.isTyping(event) || roco.openKind()) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const label = figures.length && task.labels.find((one) => one.key === key);
  const actions = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), Escape: close, u: undo };
  if (label) decide(label.name);
  else if (key === "?") roco.showKeys([...task.labels.map((one) => [one.key, `decide: ${one.title}`]), ...KEYS]);
  else if (figures.length && actions[key]) actions[key]();
  else return;
  event.preventDefault();
});

$("help").addEventListener("click", () => roco.showKeys([...task.labels.map((one) => [one.key, `decide: ${one.title}`]), ...KEYS]));
for (const id of ["first", "second"]) {
  $(id).addEventListener("change", () => {
    roco.remember({ first: $("first").value, second: $("second").value, row: "", column: "" });
    $("decide").replaceChildren();
    load();
  });
}
roco.header("/agree");
if (session.can_agree) await load();
else roco.say("agreement is not shown in a blind round");
