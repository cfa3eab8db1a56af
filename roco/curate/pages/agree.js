// How far two annotators agree, and the figures on which they differ, for a decision.

import * as roco from "./page.js";
import * as fig from "./figure.js";

const { $, el, session, state, task } = roco;
let figures = [];
let at = 0;
let pair = ""; // what the heading says of the two raters
let opened = 0; // cells that were asked for or closed: an answer to an earlier question is not shown

// --- tables ---------------------------------------------------------------------------------------------------------

function address() {
  const chosen = state.first && state.second ? { first: state.first, second: state.second } : {};
  return roco.address("/api/agree", { task: task.name, ...chosen });
}

async function load(opens = false) {
  try {
    const found = await roco.latest(address);
    if (!found) return roco.whenSaved(load, "the tables are loaded when the decisions are saved");
    const raters = Object.entries(found.raters).map(([name, n]) => [name, `${name} (${n.toLocaleString("en")})`]);
    for (const name of [found.first, found.second]) if (name && !(name in found.raters)) raters.push([name, name]);
    roco.choose($("first"), raters, found.first);
    roco.choose($("second"), raters, found.second);
    pair = found.first ? `: ${found.first} and ${found.second}` : "";
    drawHeading();
    $("tables").replaceChildren(...(found.tasks.length ? tables(found) : [el("p", {}, found.first ? "These two have labelled no figure in common." : "No two annotators have labelled the same figure yet.")]));
    if (opens && state.row) {
      roco.remember({ first: found.first, second: found.second });
      await openCell();
    }
  } catch (error) {
    roco.say(error.status ? error.message : "the server cannot be reached: reload the page");
  }
  return null;
}

// The names of the raters, and who has chosen which label, are hidden while somebody decides.
function drawHeading() {
  const isDeciding = figures.length > 0;
  $("title").textContent = isDeciding ? `Decision, ${task.title}` : `Agreement, ${task.title}${pair}`;
  for (const box of [$("first").parentElement, $("second").parentElement, $("tables")]) box.hidden = isDeciding;
}

const HEADS = { "": "Landis and Koch" };

// A table that `roco agree` prints; `name` gives the title of the task or label in its first column.
function table(caption, columns, rows, name, facts = {}) {
  const head = el("thead", {}, el("tr", {}, ...columns.map((column) => el("th", { scope: "col" }, HEADS[column] ?? column))));
  const body = rows.map(([first, ...cells]) => el("tr", {},
    el("th", { scope: "row" }, name(first)), ...cells.map((cell) => (cell instanceof Element ? cell : el("td", {}, String(cell))))));
  return el("table", facts, el("caption", {}, caption), head, el("tbody", {}, ...body));
}

const joined = (found, name) => found.tasks.map((one) => one[name]).filter(Boolean);

function tables(found) {
  const titleOf = (name) => session.tasks.find((one) => one.name === name)?.title || name;
  const [all, weighted] = [joined(found, "table_7"), joined(found, "weighted_table")];
  const rows = (some) => some.flatMap((one) => one.rows);
  const parts = [table("Agreement", all[0].columns, rows(all), titleOf, { id: "table-7" })];
  if (weighted.length) parts.push(table(weighted[0].title, weighted[0].columns, rows(weighted), titleOf, { id: "weighted" }));
  const one = found.tasks[0];
  if (one.task !== task.name) return parts; // they have labelled the same figures in other tasks only
  parts.push(table(`${task.title}: each class against all others`, one.label_table.columns, one.label_table.rows, fig.titleOf, { id: "classes" }));
  parts.push(matrix("Confusion matrix: images; a click opens them for a decision", "counts", found, one, one.matrix, String));
  parts.push(matrix("Confusion matrix: share of the row", "shares", found, one, one.normalised, (value) => value.toFixed(2)));
  return parts;
}

function matrix(caption, id, found, one, values, write) {
  const cell = (first, second, y, x) => {
    const kind = first === second ? "diagonal" : one.matrix[y][x] ? "differs" : "";
    const name = `${fig.titleOf(first)} and ${fig.titleOf(second)}: ${write(values[y][x])}`;
    const choose = () => { roco.remember({ first: found.first, second: found.second, row: first, column: second }); openCell(); };
    return el("td", { class: kind }, el("button", { type: "button", "aria-label": name, onclick: choose }, write(values[y][x])));
  };
  const rows = one.labels.map((first, y) => [first, ...one.labels.map((second, x) => cell(first, second, y, x))]);
  return table(caption, ["First \\ second", ...one.labels.map(fig.titleOf)], rows, fig.titleOf, { id, class: "matrix" });
}

// --- decisions ------------------------------------------------------------------------------------------------------

async function openCell() {
  if (!state.row) return; // it was closed while it waited
  opened += 1;
  const own = opened;
  try {
    const facts = { task: task.name, first: state.first, second: state.second, row: state.row, column: state.column, annotator: roco.annotator };
    const answer = await roco.latest(() => roco.address("/api/cell", facts));
    if (own !== opened) return;
    if (!answer) return roco.whenSaved(openCell, "the cell is opened when the decisions are saved");
    figures = answer.figures;
    at = Math.max(0, figures.findIndex((figure) => !figure.adjudicated));
    roco.say("");
    drawHeading();
    show();
    $("title").focus();
  } catch (error) {
    roco.say(error.status ? error.message : "the server cannot be reached: try again");
  }
}

function close() {
  opened += 1;
  figures = [];
  roco.remember({ row: "", column: "" });
  $("decide").replaceChildren();
  roco.say("");
  drawHeading();
  load();
}

const chosen = (titles) => (titles.length > 1 ? `One of two people chose each of: ${titles.join(", ")}` : `Both chose ${titles[0]}`);

function show() {
  const figure = figures[at];
  if (!figure) return $("decide").replaceChildren(el("p", {}, "No figures in this cell."));
  const proposed = new Set(figure.choices);
  const decided = new Set((figure.adjudicated || "").split("+"));
  const buttons = task.labels.map((label) => el("button",
    { type: "button", "aria-pressed": String(decided.has(label.name)), onclick: () => decide(label.name) },
    label.title, proposed.has(label.name) ? " (chosen)" : "", " ", el("kbd", {}, label.key)));
  // Several labels together are chosen as a whole; the keys of the labels add and remove single ones.
  for (const joint of figure.choices.filter((name) => name.includes("+"))) {
    const facts = { type: "button", "aria-pressed": String(figure.adjudicated === joint), onclick: () => settle(joint, true) };
    buttons.push(el("button", facts, `${fig.titleOf(joint)} (chosen)`));
  }
  const left = figures.filter((one) => !one.adjudicated).length;
  const side = el("div", {},
    el("p", {}, `Figure ${at + 1} of ${figures.length}, ${left} without a decision. ${chosen(figure.choices.map(fig.titleOf))}.`),
    el("div", { class: "keys" }, ...buttons), el("div", { id: "detail" }),
    el("p", {}, el("button", { type: "button", onclick: close }, "Close ", el("kbd", {}, "Esc"))));
  $("decide").replaceChildren(el("div", {}, fig.picture(figure, fig.imageOf(figure))), side);
  fig.showDetail({ ...figure, mine: null, guess: null });
}

const decide = (name) => figures[at] && settle(fig.toggled(task, figures[at].adjudicated, name), !task.several);

function settle(name, isLast) {
  const figure = figures[at];
  const was = figure.adjudicated;
  figure.adjudicated = name;
  const entry = { key: figure.key, concept: figure.concept || "", label: name, origin: "adjudicated" };
  roco.label([entry], (answer) => {
    if (answer === null) figure.adjudicated = was;
    if (figures.includes(figure)) show(); // the cell may be closed by now
  });
  if (!isLast) return show();
  const next = figures.findIndex((one, number) => number > at && !one.adjudicated);
  if (next >= 0) at = next;
  else at = Math.min(figures.length - 1, at + 1);
  show();
  if (figures.every((one) => one.adjudicated)) roco.say("every figure of this cell is decided; Esc closes it");
}

function undo() {
  const before = roco.made;
  const isFirst = () => roco.made <= before + 1; // nothing else has been done since
  roco.undo((answer) => {
    if (!answer || !figures.length) return;
    if (!isFirst()) return void openCell();
    for (const one of answer.figures.filter((other) => other.task === task.name && other.kind === "label")) {
      const number = figures.findIndex((figure) => figure.key === one.key && (figure.concept || "") === one.concept);
      if (number < 0) continue;
      figures[number].adjudicated = one.adjudicated;
      at = number;
    }
    roco.say(""); // the cell is no longer decided as a whole
    show();
  });
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
  else if (key === "Escape" && state.row) close(); // before its figures are shown
  else return;
  event.preventDefault();
});

$("help").addEventListener("click", () => roco.showKeys([...task.labels.map((one) => [one.key, `decide: ${one.title}`]), ...KEYS]));
for (const id of ["first", "second"]) {
  $(id).addEventListener("change", () => {
    roco.remember({ first: $("first").value, second: $("second").value, row: "", column: "" });
    [figures, opened] = [[], opened + 1];
    $("decide").replaceChildren();
    load();
  });
}
roco.header("/agree");
if (session.can_agree) await load(true);
else roco.say(session.read_only ? roco.VIEWING : "agreement is not shown in a blind round");
