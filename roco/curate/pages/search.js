// The search page: words, concepts and an image, within filters. The query is the address, except an uploaded image.

import * as roco from "./page.js";
import { picture, thumbnailOf } from "./figure.js";
import { card, enlarge } from "./hits.js";

const { $, el, say, session } = roco;
const TEXTS = ["words", "concepts", "by", "modality", "region", "license", "split", "year", "n"];
const CHECKS = ["commercial", "not_same_article", "diverse"];
const FILTERS = ["by", "modality", "region", "license", "split", "year", "commercial", "not_same_article", "diverse", "n"];
const NOUNS = { by: "words by", license: "licence", n: "hits", commercial: "commercial use allowed", not_same_article: "not the same article", diverse: "diverse" };
const NAMES = [...TEXTS, ...CHECKS, "like"];
const PATIENCE = 120000; // milliseconds: an upload and the search for it
const uploads = []; // the images of this visit: a place in the history of the browser names one by its number,
const VISIT = roco.newBatch(); // and the visit, as other visits had other images
let query = {};
let upload = null; // the image of the query, if it was uploaded
let turn = 0; // of the newest search: the answers of others are out of date

// --- the query, its address and its history ---------------------------------------------------------------------------

function read() {
  const given = new URLSearchParams(location.search);
  query = Object.fromEntries(NAMES.filter((name) => given.get(name)).map((name) => [name, given.get(name)]));
  const place = history.state;
  upload = place?.visit === VISIT ? uploads[place.upload] : null;
  return !place || upload !== null;
}

const addressOf = (name) => {
  const facts = new URLSearchParams(Object.entries(query)).toString();
  return facts ? `${name}?${facts}` : name;
};

// Changes the query, adds it to the history and searches.
function ask(changes, image = upload) {
  for (const [name, value] of Object.entries(changes)) value ? (query[name] = value) : delete query[name];
  upload = image;
  if (!(upload || query.like)) delete query.not_same_article; // words have no article
  if (upload && !uploads.includes(upload)) uploads.push(upload);
  const place = upload ? { visit: VISIT, upload: uploads.indexOf(upload) } : null;
  const isSame = addressOf("/") === location.pathname + location.search && place?.upload === history.state?.upload;
  history[isSame ? "replaceState" : "pushState"](place, "", addressOf("/"));
  return search();
}

const typed = () => Object.fromEntries([...TEXTS.map((name) => [name, $(name).value.trim()]), ...CHECKS.map((name) => [name, $(name).checked ? "1" : ""])]);

// --- searching --------------------------------------------------------------------------------------------------------

const isEmpty = () => !(query.words || query.concepts || query.like || upload);

async function search() {
  turn += 1;
  const own = turn;
  showQuery();
  if (isEmpty()) {
    show([]);
    $("status").textContent = "";
    $("empty").textContent = "Type words or concepts, or choose an image: with the button, or by dropping its file on this page.";
    return say("");
  }
  $("status").textContent = "searching …";
  try {
    const { hits, note, encoders } = await answer();
    if (own !== turn) return;
    say(note);
    show(hits, encoders);
  } catch (error) {
    if (own !== turn) return;
    show([]);
    for (const id of ["status", "empty"]) $(id).textContent = "";
    // The options of the command that an error names are the fields of the page.
    say(error.status ? error.message.replace(/ \(--[\w-]+\)/, "") : "the server cannot be reached: search again");
  }
}

async function answer() {
  if (!upload) return roco.get(addressOf("/api/search"));
  const send = () => roco.request(addressOf("/api/search"), { method: "POST", headers: { "content-type": "application/octet-stream", "x-roco-write": session.write }, body: upload }, PATIENCE);
  try {
    return await send();
  } catch (error) {
    if (error.status === 403 && (await roco.renewed())) return send();
    throw error;
  }
}

function show(hits, encoders = {}) {
  $("hits").replaceChildren(...hits.map((hit) => card(hit, alike)));
  $("status").textContent = hits.length === 1 ? "1 hit" : `${hits.length} hits`;
  $("empty").textContent = hits.length ? "" : "No image matches.";
  $("encoders").textContent = Object.entries(encoders).map(([method, name]) => `${method}: compared by ${name}`).join("; ");
  document.querySelector("main").scrollTop = 0;
}

// Filters stay; words, which can be added again, would hide images that look alike.
async function alike(hit) {
  await ask({ words: "", concepts: "", like: hit.id }, null);
  $("hits").firstElementChild?.focus();
}

function useFile(file) {
  if (!file) return undefined;
  if (file.size > session.largest_image) return say(`the image is larger than ${session.largest_image >> 20} MB (choose a smaller one)`);
  return ask({ ...typed(), like: "" }, file);
}

// --- what the form shows ----------------------------------------------------------------------------------------------

function showQuery() {
  for (const name of TEXTS) showValue($(name), query[name] || "");
  for (const name of CHECKS) $(name).checked = Boolean(query[name]);
  $("not_same_article").disabled = !(upload || query.like);
  const used = FILTERS.filter((name) => query[name]);
  $("used").textContent = used.map((name) => (CHECKS.includes(name) ? NOUNS[name] : `${NOUNS[name] || name}: ${query[name]}`)).join("; ");
  if (used.length) $("more").open = true;
  showAsked();
  document.title = ["roco: search", query.words, query.concepts].filter(Boolean).join(", ");
}

// A value that the index does not offer, or several, are shown as they are in the address.
function showValue(field, value) {
  if (field.tagName === "SELECT" && ![...field.options].some((one) => one.value === value)) field.append(el("option", { value }, value));
  field.value = value;
}

function showAsked() {
  const box = $("asked");
  box.hidden = !(upload || query.like);
  if (box.hidden) return box.replaceChildren();
  const name = upload ? upload.name : query.like;
  const remove = el("button", { type: "button", "aria-label": `Remove the image ${name}`, onclick: () => { $("words").focus(); ask({ ...typed(), like: "" }, null); } }, "Remove");
  const figure = { key: name, figure_id: name };
  const image = upload ? drawn(upload) : picture(figure, thumbnailOf(figure));
  return box.replaceChildren(image, el("span", {}, `like ${name}`), remove);
}

// Draws an uploaded image: the policy of the pages allows images of this server only. What a browser cannot show has a name.
function drawn(file) {
  const canvas = el("canvas", { role: "img", "aria-label": `The uploaded image ${file.name}`, hidden: true });
  createImageBitmap(file).then((bitmap) => {
    const scale = Math.min(1, 128 / bitmap.width, 64 / bitmap.height);
    [canvas.width, canvas.height] = [Math.max(1, bitmap.width * scale), Math.max(1, bitmap.height * scale)];
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    canvas.hidden = false;
    bitmap.close();
  }).catch(() => {});
  return canvas;
}

// --- keys, files, start -----------------------------------------------------------------------------------------------

const KEYS = [["/", "the words"], ["Enter", "search, from a field"], ["← → ↑ ↓", "move between the hits"], ["Space", "enlarge a hit, or close it"],
  ["l", "images like a hit"], ["Alt + ←", "the previous search"], ["?", "list the keys"]];

function move(by) {
  const hits = [...$("hits").children];
  const at = hits.indexOf(document.activeElement.closest(".hit"));
  hits[at < 0 ? 0 : Math.min(hits.length - 1, Math.max(0, at + by))]?.focus();
}

function columns() {
  const hits = [...$("hits").children];
  const n = hits.findIndex((one) => one.offsetTop !== hits[0].offsetTop);
  return n < 1 ? hits.length : n;
}

const current = () => document.activeElement.closest(".hit")?.hit;
const ACTIONS = {
  "/": () => $("words").focus(), "?": () => roco.showKeys(KEYS), l: () => current() && alike(current()),
  ArrowRight: () => move(1), ArrowLeft: () => move(-1), ArrowDown: () => move(columns()), ArrowUp: () => move(-columns()),
  " ": () => (roco.openKind() ? $("dialog").close() : current() && enlarge(current())),
};

document.addEventListener("keydown", (event) => {
  if (roco.isTyping(event) || !["", "large"].includes(roco.openKind())) return;
  if (["BUTTON", "A", "SUMMARY"].includes(event.target.tagName) && ["Enter", " "].includes(event.key)) return; // it presses the button
  const action = ACTIONS[event.key];
  if (!action || (roco.openKind() && event.key !== " ") || (event.repeat && !event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  action();
});

$("query").addEventListener("submit", (event) => { event.preventDefault(); ask(typed()); });
$("clear").addEventListener("click", () => { $("words").focus(); ask(Object.fromEntries(NAMES.map((name) => [name, ""])), null); });
for (const name of FILTERS) $(name).addEventListener("change", () => ask(typed()));
$("choose").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  useFile($("file").files[0]);
  $("file").value = ""; // the same file can be chosen again
});
$("help").addEventListener("click", ACTIONS["?"]);

const hasFile = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { if (hasFile(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
  if (!hasFile(event)) return;
  event.preventDefault();
  useFile(event.dataTransfer.files[0]);
});

async function visit() {
  const isKnown = read();
  await search();
  if (!isKnown) say("the uploaded image is not part of the address: choose it again");
}

window.addEventListener("popstate", visit);
$("who").textContent = `${session.figures.toLocaleString("en")} images, ${session.title}`;
$("n").max = session.most_hits;
for (const [name, values] of Object.entries(session.filters)) {
  roco.choose($(name), [["", name === "by" ? "hybrid" : "all"], ...values.map((value) => [value, value])], "");
  $(name).parentElement.hidden = !values.length;
}
read();
history.replaceState(history.state, "", addressOf("/")); // without the token, which is kept in a cookie
await visit();
if (isEmpty()) $("words").focus();
