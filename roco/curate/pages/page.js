// What all pages share: elements, the session, requests, the acts that the server has not confirmed, and dialogs.

export const $ = (id) => document.getElementById(id);

// Creates an element; texts are always text, never HTML.
export function el(name, facts = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const session = await (await fetch("/api/session")).json();
export const state = Object.fromEntries(new URLSearchParams(location.search));
delete state.token; // it is kept in a cookie
export const annotator = state.annotator || session.annotator;
export const task = session.tasks.find((one) => one.name === state.task) || session.tasks[0];
export const address = (name, facts) => `${name}?${new URLSearchParams(facts)}`;

export const VIEWING = "this page is not available when viewing: open Grid";

export function say(text) {
  $("message").textContent = text;
}

// Changes the state in the address; an empty value removes a key.
export function remember(changes) {
  Object.assign(state, changes);
  for (const key of Object.keys(state)) if (state[key] === "" || state[key] === null) delete state[key];
  history.replaceState(null, "", address(location.pathname, state));
}

class Refused extends Error {}

// A connection can be lost without notice: a request is given up after some time. An act that is sent twice is stored once.
const PATIENCE = { GET: 60000, POST: 10000 }; // milliseconds

export async function request(url, options = { method: "GET" }, patience = PATIENCE[options.method]) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), patience);
  try {
    return await answered(await fetch(url, { ...options, signal: giveUp.signal }));
  } finally {
    clearTimeout(timer);
  }
}

async function answered(answer) {
  if (answer.ok) return answer.json();
  const body = await answer.json().catch(() => ({}));
  const error = new Refused(`${body.error || answer.status}${body.hint ? ` (${body.hint})` : ""}`);
  error.status = answer.status;
  throw error;
}

export const get = (url) => request(url);

function post(url, body) {
  const headers = { "content-type": "application/json", "x-roco-write": session.write };
  return request(url, { method: "POST", headers, body: JSON.stringify(body) });
}

// --- acts that the server has not confirmed -------------------------------------------------------------------------

const BOX = `roco-unsaved-${session.scope}`;
const RETRY = 1500; // milliseconds
const waiting = new Map(); // name of an act -> what to call with the answer
const later = new Set(); // what to call when all acts are confirmed
let flushing = null;
export let online = true;
export let made = 0; // acts since the page was opened

export const unsaved = () => JSON.parse(localStorage.getItem(BOX) || "[]");
const keep = (acts) => localStorage.setItem(BOX, JSON.stringify(acts));
export const newBatch = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");

// Keeps an act in the browser and sends it; `done` receives the answer, or null if the server refuses the act.
export function act(url, body, done = () => {}) {
  const name = newBatch();
  made += 1;
  waiting.set(name, done);
  keep([...unsaved(), { name, url, body }]);
  showStatus();
  return flush();
}

// Sends the acts that are kept, in order; returns when all are confirmed, or when the server cannot be reached.
export function flush() {
  flushing ??= send().finally(() => { flushing = null; });
  return flushing;
}

// Says what waits for the acts that are kept, and calls it once the server has confirmed them.
export function whenSaved(call, text) {
  later.add(call);
  say(text);
}

// Asks the server until the answer is newer than all acts, and its address still the wanted one; null if acts are not saved.
export async function latest(addressOf) {
  for (;;) {
    await flush();
    if (unsaved().length) return null;
    const [url, before] = [addressOf(), made];
    const answer = await get(url);
    if (url === addressOf() && before === made) return answer;
  }
}

async function send() {
  for (let acts = unsaved(); acts.length; acts = unsaved()) {
    const { name, url, body } = acts[0];
    let answer = null;
    try {
      answer = await post(url, body);
      online = true;
    } catch (error) {
      if (error.status === 403 && (await renewed())) continue;
      const isFinal = error instanceof Refused && [404, 413, 415, 422].includes(error.status);
      if (!isFinal) {
        online = false;
        if (error instanceof Refused) say(error.message);
        showStatus();
        setTimeout(flush, RETRY);
        return;
      }
      say(`refused by the server, nothing was changed: ${error.message}`);
    }
    keep(unsaved().filter((one) => one.name !== name));
    showStatus();
    waiting.get(name)?.(answer);
    waiting.delete(name);
  }
  for (const call of later) setTimeout(call);
  later.clear();
}

// After a restart the server expects another write token; returns whether it has changed.
export async function renewed() {
  const fresh = await get("/api/session").catch(() => null);
  if (!fresh || fresh.scope !== session.scope || fresh.write === session.write) return false;
  session.write = fresh.write;
  return true;
}

export function showStatus() {
  if (session.read_only) return;
  const n = unsaved().length;
  const box = $("status");
  box.className = n === 0 ? "saved" : online ? "busy" : "unsaved";
  box.textContent = n === 0 ? "saved" : online ? "saving …" : `NOT SAVED: ${n} ${n === 1 ? "act is" : "acts are"} kept in this browser`;
}

window.addEventListener("online", flush);
window.addEventListener("storage", showStatus);
window.addEventListener("beforeunload", (event) => { if (unsaved().length) event.preventDefault(); });

// --- undo -----------------------------------------------------------------------------------------------------------

const HISTORY = `roco-acts-${session.scope}-${annotator}`;
const past = () => JSON.parse(sessionStorage.getItem(HISTORY) || "[]");

export function label(entries, done, forTask = task.name) {
  const body = { batch: newBatch(), task: forTask, annotator, entries };
  sessionStorage.setItem(HISTORY, JSON.stringify([...past(), body.batch].slice(-500)));
  return act("/api/labels", body, done);
}

// Undoes the newest act; one from before this page was opened is looked for by the server.
export async function undo(done) {
  const acts = past();
  const batch = acts.pop();
  sessionStorage.setItem(HISTORY, JSON.stringify(acts));
  if (batch) return act("/api/undo", { annotator, batch }, done);
  try {
    await flush();
    const answer = await post("/api/undo", { annotator });
    made += 1;
    done(answer);
  } catch (error) {
    say(error instanceof Refused ? error.message : "not undone: the server cannot be reached");
  }
}

// --- dialogs --------------------------------------------------------------------------------------------------------

export function open(kind, ...content) {
  const dialog = $("dialog");
  dialog.dataset.kind = kind;
  dialog.setAttribute("aria-label", kind);
  dialog.replaceChildren(...content);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

export const openKind = () => ($("dialog").open ? $("dialog").dataset.kind : "");

export function showKeys(rows) {
  const body = rows.map(([key, what]) => el("tr", {}, el("td", {}, el("kbd", {}, key)), el("td", {}, what)));
  const close = el("button", { type: "button", onclick: () => $("dialog").close() }, "Close");
  open("keys", el("h2", {}, "Keys"), el("table", {}, el("tbody", {}, ...body)), close);
}

// --- the header -----------------------------------------------------------------------------------------------------

export function header(page, guideline = []) {
  const pages = [["/", "Grid"], ["/one", "One"], ["/agree", "Agree"]];
  const facts = Object.fromEntries(["task", "annotator"].filter((key) => state[key]).map((key) => [key, state[key]]));
  for (const [path, title] of pages) {
    if (session.read_only ? path !== "/" : path === "/agree" && !session.can_agree) continue;
    const link = el("a", { href: address(path, facts) }, title);
    if (path === page) link.setAttribute("aria-current", "page");
    document.querySelector("nav").append(link, " ");
  }
  $("who").textContent = session.read_only
    ? `${session.title}, read only`
    : `${annotator}, round '${session.round}'${session.blind ? ", blind" : ""}`;
  if (session.read_only) return;
  choose($("task"), session.tasks.map((one) => [one.name, one.title]), task.name);
  $("task").addEventListener("change", () => { location.search = new URLSearchParams({ ...facts, task: $("task").value }); });
  if ($("question")) $("question").textContent = task.question;
  if ($("guideline")) {
    $("guideline").replaceChildren(...guideline);
    $("version").textContent = `version ${task.version}`;
  }
  showStatus();
  flush();
}

// What is left of a view, and how many of one's labels were made under an older guideline.
export function progressOf(counts) {
  const n = (value) => value.toLocaleString("en");
  const old = counts.outdated ? `; ${n(counts.outdated)} of your labels under an older guideline (Show: outdated)` : "";
  return `${n(counts.done)} of ${n(counts.total)} done, ${n(counts.left)} left in this view${old}`;
}

// Replaces what a box contains; the focus stays on the button at the same place.
export function redraw(box, ...children) {
  const at = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  box.replaceChildren(...children);
  if (at >= 0) box.querySelectorAll("button")[at]?.focus();
}

export function choose(select, pairs, value) {
  select.replaceChildren(...pairs.map(([key, title]) => el("option", { value: key, selected: key === value }, title)));
}

// Returns whether a key belongs to a field of a form rather than to the page.
export function isTyping(event) {
  const name = event.target.tagName;
  const isText = name === "TEXTAREA" || name === "SELECT" || (name === "INPUT" && !["range", "checkbox"].includes(event.target.type));
  return isText || event.ctrlKey || event.metaKey || event.altKey;
}
