// The grid: many figures of one guessed class at a time, so that the odd one out is seen.

import * as roco from "./page.js";
import * as fig from "./figure.js";
import { loadAhead } from "./ahead.js";
import { showFilter } from "./filter.js";
import { showKeys } from "./keys.js";
import { guidelineOf } from "./guideline.js";
import { emptyView, followingGuess, listGuesses } from "./guesses.js";

const { $, el, session, state, task } = roco;
let figures = [];
let counts = { total: 0, done: 0, left: 0, by_guess: {} };
let current = 0;
let anchor = 0;
let selected = new Set();
let busy = false;
let leaving = false; // the page has been accepted, and the next one is loaded when that is saved
const SIZE = Math.min(200, Math.max(1, Number(state.size) || 60));

// --- loading --------------------------------------------------------------------------------------------------------

function query() {
  const names = ["guess", "order", "show", "page", "text", "concept", ...Object.keys(session.filters)];
  const facts = Object.fromEntries(names.filter((name) => state[name]).map((name) => [name, state[name]]));
  if (!session.read_only) Object.assign(facts, { task: task.name, annotator: roco.annotator });
  return { ...facts, size: SIZE };
}

async function load() {
  if (busy) return;
  busy = true;
  try {
    const answer = await roco.latest(() => roco.address("/api/page", query()));
    if (!answer) return roco.whenSaved(load, "the next page is loaded when the labels are saved");
    [figures, counts, current, anchor, selected] = [answer.figures, answer, 0, 0, new Set()];
    if (state.show === "outdated") fig.setAside(figures);
    roco.say("");
    draw();
    $("grid").scrollTop = 0;
    loadAhead([...$("grid").querySelectorAll("img")], query());
    if (!figures.length && Number(state.page) > 0 && counts.left) go(0);
  } catch (error) {
    roco.say(error.status ? error.message : "the server cannot be reached: the page is loaded when you try again");
  } finally {
    busy = false;
  }
}

function go(page) {
  roco.remember({ page: page > 0 ? String(page) : "" });
  setTimeout(load);
}

// --- drawing --------------------------------------------------------------------------------------------------------

function draw() {
  const grid = $("grid");
  grid.replaceChildren(...(figures.length ? figures.map(cell) : [el("p", {}, emptyView(counts))]));
  grid.setAttribute("role", figures.length ? "listbox" : "region"); // a list without options is none
  if (figures.length) grid.setAttribute("aria-multiselectable", "true");
  else for (const name of ["aria-multiselectable", "aria-activedescendant"]) grid.removeAttribute(name);
  drawCounts();
  refresh();
}

function cell(figure, number) {
  const box = el("div", { class: "cell", role: "option", id: `cell-${number}`, "aria-label": fig.alt(figure) });
  box.append(fig.picture(figure, fig.thumbnailOf(figure)), el("div", { class: "tag" }));
  box.addEventListener("click", (event) => {
    if (event.shiftKey) extend(number);
    else if (event.ctrlKey || event.metaKey) selected.has(number) ? selected.delete(number) : selected.add(number);
    else selected = new Set();
    if (!event.shiftKey) anchor = number;
    current = number;
    refresh();
  });
  box.addEventListener("dblclick", enlarge);
  return box;
}

function drawCounts() {
  const view = session.read_only ? `${counts.total.toLocaleString("en")} figures` : roco.progressOf(counts);
  const page = Number(state.page) || 0;
  $("progress").textContent = `${view}${page ? `, page ${page + 1}` : ""}`;
  const used = ["text", "concept", ...Object.keys(session.filters)].filter((name) => state[name]);
  if ($("accept")) $("accept").hidden = state.show === "outdated";
  $("filters").textContent = used.map((name) => `${name}: ${state[name]}`).join("; ");
  listGuesses(counts);
}

function refresh() {
  figures.forEach((figure, number) => {
    const box = $(`cell-${number}`);
    const isOther = figure.mine && figure.guess && figure.mine !== figure.guess;
    box.className = "cell";
    box.classList.toggle("labelled", Boolean(figure.mine));
    box.classList.toggle("other", Boolean(isOther));
    box.classList.toggle("selected", selected.has(number));
    box.classList.toggle("current", number === current);
    box.classList.toggle("wrong", Boolean(figure.wrong));
    box.setAttribute("aria-selected", String(selected.has(number) || number === current));
    box.querySelector(".flag")?.remove();
    if (figure.flagged) box.append(el("span", { class: "flag" }, "flag"));
    box.querySelector(".tag").textContent = figure.wrong ? `decided: ${fig.titleOf(figure.wrong)}` : fig.words(figure);
  });
  const now = $(`cell-${current}`);
  if (now) {
    $("grid").setAttribute("aria-activedescendant", now.id);
    now.scrollIntoView({ block: "nearest" });
  }
  fig.showDetail(figures[current]);
  if (roco.openKind() === "large") enlarge();
}

// --- moving and selecting -------------------------------------------------------------------------------------------

function columns() {
  const first = $("cell-0")?.offsetTop;
  const n = figures.findIndex((_, number) => $(`cell-${number}`).offsetTop !== first);
  return n < 1 ? figures.length : n;
}

function move(by, isSelecting) {
  const to = Math.min(figures.length - 1, Math.max(0, current + by));
  if (isSelecting) extend(to);
  else {
    selected = new Set();
    anchor = to;
  }
  current = to;
  refresh();
}

function extend(to) {
  const [low, high] = [Math.min(anchor, to), Math.max(anchor, to)];
  selected = new Set(Array.from({ length: high - low + 1 }, (_, step) => low + step));
}

const chosen = () => (selected.size ? [...selected].map((number) => figures[number]) : [figures[current]]).filter(Boolean);

function enlarge() {
  const figure = figures[current];
  if (figure) roco.open("large", fig.picture(figure, fig.imageOf(figure)), el("p", { class: "dim" }, fig.words(figure)));
}

// --- labels ---------------------------------------------------------------------------------------------------------

function give(name) {
  const targets = isBetween() ? [] : chosen(); // as for Enter
  if (!targets.length) return;
  const entries = targets.map((figure) => {
    const was = figure.mine;
    [figure.mine, figure.act] = [fig.toggled(task, was, name), roco.made + 1];
    count(was, figure.mine, figure);
    return { key: figure.key, concept: figure.concept || "", label: figure.mine, origin: "typed" };
  });
  if (!task.several) {
    const last = selected.size ? Math.max(...selected) : current;
    const next = figures.findIndex((figure, number) => number > last && !figure.mine);
    current = next >= 0 ? next : Math.min(figures.length - 1, last + 1);
    anchor = current;
    selected = new Set();
  }
  refresh();
  roco.label(entries, (answer) => confirmed(answer, targets));
}

function count(was, now, figure = {}) {
  if (now) fig.renew(figure, counts);
  if (figure.old) return drawCounts(); // it was done before
  if (Boolean(was) === Boolean(now)) return;
  counts.done += now ? 1 : -1;
  counts.left += now ? -1 : 1;
  drawCounts();
}

// Marks labels that the server has refused, and those that differ from an adjudicated one.
function confirmed(answer, targets) {
  if (answer === null) {
    for (const figure of targets) {
      count(figure.mine, null);
      figure.mine = null;
    }
  }
  const wrong = answer?.wrong || [];
  for (const one of wrong) {
    const figure = figures.find((other) => other.key === one.key && (other.concept || "") === one.concept);
    if (figure) figure.wrong = one.adjudicated;
  }
  if (wrong.length) {
    const pairs = wrong.map((one) => `you: ${fig.titleOf(one.label)}, decided before: ${fig.titleOf(one.adjudicated)}`);
    roco.say(`${wrong.length} of these figures had been decided otherwise (${pairs.join("; ")}). Look at them; Enter goes on.`);
  }
  refresh();
}

// A key is meant for a page that is not shown yet; without a connection, people go on with the page that is shown.
const isBetween = () => busy || (leaving && roco.online);

async function accept() {
  if (isBetween()) return;
  if (!figures.length && followingGuess(counts)) {
    roco.remember({ guess: followingGuess(counts), page: "" });
    return load();
  }
  const rest = figures.filter((figure) => !figure.mine && figure.guess);
  const without = figures.filter((figure) => !figure.mine && !figure.guess).length;
  const old = figures.filter((figure) => figure.old && !figure.mine).length; // each is labelled again, not the page as a whole
  if (old) return roco.say(`${old} labels of this page are ${fig.OLDER}`);
  if (!rest.length && without) return roco.say(`${without} figures have no guess: label them`);
  if (!rest.length) return load();
  for (const figure of rest) {
    count(null, figure.guess);
    figure.mine = figure.guess;
  }
  leaving = true;
  refresh();
  const entries = rest.map((figure) => ({ key: figure.key, concept: figure.concept || "", label: figure.guess, origin: "accepted" }));
  await roco.label(entries, (answer) => {
    leaving = false;
    confirmed(answer, rest);
    if (answer && !answer.wrong.length && !without) load();
    else if (without) roco.say(`${without} figures have no guess: label them`);
  });
}

function undo() {
  const own = roco.made + 1;
  roco.undo((answer) => {
    if (!answer) return;
    const byKey = new Map(figures.map((figure) => [`${figure.key} ${figure.concept || ""}`, figure]));
    const isHere = answer.figures.map((one) => byKey.get(`${one.key} ${one.concept}`)).every((figure) => figure && !figure.isNew);
    if (!isHere || answer.figures.some((one) => one.kind !== "label")) return void setTimeout(load);
    for (const one of answer.figures) {
      const figure = byKey.get(`${one.key} ${one.concept}`);
      if (figure.act >= own) continue; // labelled again meanwhile
      count(figure.mine, one.mine);
      figure.mine = one.mine;
      delete figure.wrong;
    }
    current = figures.indexOf(byKey.get(`${answer.figures[0].key} ${answer.figures[0].concept}`));
    roco.say("");
    refresh();
  });
}

// --- keys --------------------------------------------------------------------------------------------------

const filter = () => showFilter(load);
const page = () => Number(state.page) || 0;
const ACTIONS = {
  ArrowRight: (event) => move(1, event.shiftKey), ArrowLeft: (event) => move(-1, event.shiftKey),
  ArrowDown: (event) => move(columns(), event.shiftKey), ArrowUp: (event) => move(-columns(), event.shiftKey),
  " ": () => (roco.openKind() === "large" ? $("dialog").close() : enlarge()),
  "/": filter, "?": showKeys, "]": () => go(page() + 1), "[": () => go(Math.max(0, page() - 1)),
  Escape: () => { selected = new Set(); refresh(); },
};
if (!session.read_only) {
  Object.assign(ACTIONS, { Enter: accept, u: undo, f: () => { fig.flag(chosen()); refresh(); }, n: () => figures[current] && fig.note(figures[current], refresh) });
  for (const one of task.labels) if (one.key) ACTIONS[one.key] = () => give(one.name);
}

document.addEventListener("keydown", (event) => {
  if (roco.isTyping(event) || !["", "large"].includes(roco.openKind())) return;
  if (["BUTTON", "A"].includes(event.target.tagName) && ["Enter", " "].includes(event.key)) return; // it presses the button
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!ACTIONS[key] || (event.repeat && !key.startsWith("Arrow"))) return;
  event.preventDefault();
  ACTIONS[key](event);
});

// --- start ----------------------------------------------------------------------------------------------------------

roco.header("/", task ? guidelineOf(task.guideline) : []);
if (session.read_only) {
  document.title = "roco: view";
  $("question").textContent = session.title;
  for (const id of ["task", "guess", "order", "show"]) $(id).parentElement.remove();
  for (const id of ["accept", "guideline-section", "keys"]) $(id).remove();
} else {
  if (session.blind) for (const id of ["guess", "order"]) $(id).parentElement.hidden = true;
  if (session.blind) $("accept").remove();
  for (const one of task.labels) {
    $("keys").append(el("button", { type: "button", onclick: () => { give(one.name); $("grid").focus(); } }, one.title, " ", el("kbd", {}, one.key)));
  }
  for (const id of ["guess", "order", "show"]) {
    if (state[id] && id !== "guess") $(id).value = state[id];
    $(id).addEventListener("change", () => { roco.remember({ [id]: $(id).value, page: "" }); load(); $("grid").focus(); });
  }
  $("accept")?.addEventListener("click", () => { accept(); $("grid").focus(); });
}
$("filter").addEventListener("click", filter);
$("help").addEventListener("click", showKeys);
$("next").addEventListener("click", ACTIONS["]"]);
$("back").addEventListener("click", ACTIONS["["]);
await load();
$("grid").focus();
