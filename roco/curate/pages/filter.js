// The dialog that restricts a view by text, concept, licence and others.

import { $, choose, el, open, remember, session, state } from "./page.js";

export function showFilter(load) {
  const fields = new Map();
  const row = (name, field) => {
    fields.set(name, field);
    field.id = `filter-${name}`;
    return el("div", { class: "row" }, el("label", { for: field.id }, name === "drop" ? "reason" : name), field);
  };
  const text = (name, hint) => row(name, el("input", { type: "text", value: state[name] || "", placeholder: hint, maxlength: "200" }));
  const rows = [text("text", "words of the caption")];
  if (!session.blind) rows.push(text("concept", "CUI, such as C0040405"));
  for (const [name, values] of Object.entries(session.filters)) {
    if (!values.length) continue;
    const select = el("select");
    choose(select, [["", "all"], ...values.map((value) => [value, value])], state[name] || "");
    rows.push(row(name, select));
  }
  const apply = (event) => {
    event.preventDefault();
    remember({ ...Object.fromEntries([...fields].map(([name, field]) => [name, field.value.trim()])), page: "" });
    $("dialog").close();
    load();
  };
  const clear = () => { for (const field of fields.values()) field.value = ""; };
  const buttons = el("div", { class: "row" }, el("button", { type: "submit" }, "Show these figures"), el("button", { type: "button", onclick: clear }, "Clear"));
  open("filter", el("form", { onsubmit: apply }, el("h2", {}, "Filter"), ...rows, buttons));
  fields.get("text").focus();
}
