// One figure, large: zoom, brightness and contrast stay from figure to figure. In a blind round nothing else is shown.

import * as roco from "./page.js";
import * as fig from "./figure.js";
import { guidelineOf } from "./guideline.js";
import { missingLabels } from "./guesses.js";

const { $, el, session, state, task } = roco;
const AHEAD = 40; // figures that are loaded at once
let figures = [];
let counts = { total: 0, done: 0, left: 0 };
let at = 0;
let busy = false;

// --- figures --------------------------------------------------------------------------------------------------------

const names = ["guess", "order", "show", "text", "concept", ...Object.keys(session.filters)];

function address() {
  const facts = Object.fromEntries(names.filter((name) => state[name]).map((name) => [name, state[name]]));
  return roco.address("/api/page", { ...facts, task: task.name, annotator: roco.annotator, size: AHEAD });
}

async function load() {
  if (session.read_only) return void roco.say(roco.VIEWING);
  if (busy) return;
  busy = true;
  try {
    const answer = await roco.latest(address);
    if (!answer) return roco.whenSaved(load, "the next figures are loaded when the labels are saved");
    [figures, counts, at] = [answer.figures, answer, 0];
    if (state.show === "outdated") fig.setAside(figures);
    roco.say("");
    show();
  } catch (error) {
    roco.say(error.status ? error.message : "the server cannot be reached: the figures are loaded when you try again");
  } finally {
    busy = false;
  }
}

function show() {
  const figure = figures[at];
  const image = $("image");
  image.hidden = !figure;
  $("stage").querySelector(".broken")?.remove();
  if (figure) {
    image.src = fig.imageOf(figure);
    image.alt = fig.alt(figure);
    if (figures[at + 1]) new Image().src = fig.imageOf(figures[at + 1]);
  } else $("stage").append(el("div", { class: "broken" }, missingLabels(counts) || "No figures are left in this view."));
  refresh();
}

$("image").addEventListener("error", () => {
  $("image").hidden = true;
  $("stage").append(el("div", { class: "broken" }, "the image cannot be shown"));
});

function refresh() {
  const figure = figures[at];
  $("progress").textContent = roco.progressOf(counts);
  fig.showDetail(figure);
  roco.redraw($("rows"), ...(figure ? asked(figure).map((one) => keysOf(one, figure)) : []));
  if (figure?.flagged) $("rows").append(el("p", { class: "dim" }, "flagged"));
}

function move(by) {
  if (at + by >= figures.length) return void load();
  at = Math.max(0, at + by);
  show();
}

// --- labels ---------------------------------------------------------------------------------------------------------

const mine = (one, figure) => (one === task ? figure.mine : figure.labels?.[one.name]);

// The tasks that are asked about a figure: that of the page, and those that depend on its label; the server sends no label
// (not even null) for a task whose sample the figure is not part of.
function asked(figure) {
  const answer = figure.mine || figure.guess || "";
  const others = session.tasks.filter((one) => one.name in (figure.labels || {}) && one.asked?.task === task.name && answer.split("+").some((part) => one.asked.labels.includes(part)));
  return [task, ...(task.item ? [] : others)];
}

function keysOf(one, figure) {
  const current = (mine(one, figure) || "").split("+");
  const buttons = one.labels.map((label) => el("button",
    { type: "button", "aria-pressed": String(current.includes(label.name)), onclick: () => give(one, label.name) },
    label.title, " ", el("kbd", {}, label.key)));
  return el("div", {}, el("h2", {}, one.title), el("div", { class: "keys" }, ...buttons));
}

function give(one, name) {
  const figure = figures[at];
  if (!figure) return;
  const was = mine(one, figure);
  const value = fig.toggled(one, was, name);
  const entry = { key: figure.key, concept: figure.concept || "", label: value, origin: "typed" };
  put(one, figure, value);
  const isComplete = !one.several && asked(figure).every((other) => mine(other, figure));
  roco.label([entry], (answer) => {
    if (answer === null) put(one, figure, was);
    if (answer?.wrong.length) roco.say(`the figure before had been decided otherwise: ${fig.titleOf(answer.wrong[0].adjudicated)}`);
    refresh();
  }, one.name);
  if (isComplete) move(1);
  else refresh();
}

function put(one, figure, value) {
  if (one === task && value) fig.renew(figure, counts);
  if (one === task && !figure.old && Boolean(figure.mine) !== Boolean(value)) {
    counts.done += value ? 1 : -1;
    counts.left += value ? -1 : 1;
  }
  if (one === task) figure.mine = value;
  if (figure.labels) figure.labels[one.name] = value;
}

function undo() {
  const own = roco.made + 1;
  roco.undo((answer) => {
    if (!answer) return;
    if (roco.made > own) return void setTimeout(load); // a key was pressed meanwhile
    const found = figures.findIndex((figure) => answer.figures.some((one) => one.key === figure.key && (!figure.concept || one.concept === figure.concept)));
    if (found < 0 || figures[found].isNew || answer.figures.some((one) => one.kind !== "label")) return void setTimeout(load);
    for (const one of answer.figures) put(session.tasks.find((other) => other.name === one.task) || task, figures[found], one.mine);
    at = found;
    show();
  });
}

// --- zoom and light -------------------------------------------------------------------------------------------------

const LIGHT = "roco-light";
const view = { scale: 1, x: 0, y: 0 };

function draw() {
  $("image").style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  const invert = $("invert").checked ? " invert(1)" : "";
  $("image").style.filter = `brightness(${$("brightness").value}%) contrast(${$("contrast").value}%)${invert}`;
  localStorage.setItem(LIGHT, JSON.stringify({ brightness: $("brightness").value, contrast: $("contrast").value, invert: $("invert").checked }));
}

function zoom(factor, x = 0, y = 0) {
  const scale = Math.min(20, Math.max(0.2, view.scale * factor));
  const change = scale / view.scale;
  Object.assign(view, { scale, x: x - (x - view.x) * change, y: y - (y - view.y) * change });
  draw();
}

function reset() {
  Object.assign(view, { scale: 1, x: 0, y: 0 });
  [$("brightness").value, $("contrast").value, $("invert").checked] = [100, 100, false];
  draw();
}

$("stage").addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = $("stage").getBoundingClientRect();
  zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2);
}, { passive: false });
$("stage").addEventListener("pointerdown", (event) => $("stage").setPointerCapture(event.pointerId));
$("stage").addEventListener("pointermove", (event) => {
  if (event.buttons) shift(event.movementX, event.movementY);
});

function shift(x, y) {
  view.x += x;
  view.y += y;
  draw();
}

function slide(id, by) {
  $(id).value = Number($(id).value) + by;
  draw();
}

// --- keys -----------------------------------------------------------------------------------------------------------

const KEYS = [["← →", "previous, next figure"], ["+ -", "zoom; the wheel too"], ["drag, Home End Page ↑ ↓", "move the image"], ["Shift + ↑ ↓", "brightness"],
  ["Shift + ← →", "contrast"], ["i", "invert"], [".", "reset zoom and light"], ["u", "undo"], ["f", "flag"], ["n", "note"], ["?", "list the keys"]];
const ACTIONS = {
  ArrowRight: (event) => (event.shiftKey ? slide("contrast", 10) : move(1)),
  ArrowLeft: (event) => (event.shiftKey ? slide("contrast", -10) : move(-1)),
  ArrowUp: (event) => event.shiftKey && slide("brightness", 10),
  ArrowDown: (event) => event.shiftKey && slide("brightness", -10),
  Home: () => shift(60, 0), End: () => shift(-60, 0), PageUp: () => shift(0, 60), PageDown: () => shift(0, -60),
  "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), ".": reset, u: undo,
  f: () => { if (figures[at]) fig.flag([figures[at]]); refresh(); },
  n: () => figures[at] && fig.note(figures[at], refresh),
  "?": () => roco.showKeys([...session.tasks.flatMap((one) => one.labels.map((label) => [label.key, `${one.title}: ${label.title}`])), ...KEYS]),
  i: () => { $("invert").checked = !$("invert").checked; draw(); },
};

document.addEventListener("keydown", (event) => {
  if (roco.isTyping(event) || roco.openKind()) return;
  if (event.target.type === "range" && event.key.startsWith("Arrow")) return;
  if (event.target.closest("aside") && /^(Page|Home|End)/.test(event.key)) return; // it scrolls the text
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const one = figures[at] && asked(figures[at]).find((other) => other.labels.some((label) => label.key === key));
  if (!one && !ACTIONS[key]) return;
  if (one && busy) return; // the key is meant for a figure that is not shown yet
  if (event.repeat && !/^(Arrow|Page|Home$|End$|[-+=]$)/.test(key)) return;
  event.preventDefault();
  if (one) give(one, one.labels.find((label) => label.key === key).name);
  else ACTIONS[key](event);
});

// --- start ----------------------------------------------------------------------------------------------------------

const kept = JSON.parse(localStorage.getItem(LIGHT) || "{}");
if (kept.brightness) [$("brightness").value, $("contrast").value, $("invert").checked] = [kept.brightness, kept.contrast, kept.invert];
for (const id of ["brightness", "contrast", "invert"]) $(id).addEventListener("input", draw);
if (state.show) $("show").value = state.show;
$("show").addEventListener("change", () => {
  roco.remember({ show: $("show").value });
  $("show").blur();
  load();
});
$("reset").addEventListener("click", reset);
$("help").addEventListener("click", ACTIONS["?"]);
roco.header("/one", task ? guidelineOf(task.guideline) : []);
draw();
await load();
