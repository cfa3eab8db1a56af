// The guessed classes of a view, the largest first, and which of them comes next.

import { choose, $, session, state, task } from "./page.js";

const titles = new Map(task ? task.labels.map((one) => [one.name, one.title]) : []);
const titled = (name, n) => `${titles.get(name) || "no guess"} (${n.toLocaleString("en")} left)`;
const bySize = (counts) => Object.entries(counts.by_guess || {}).sort((one, other) => other[1] - one[1]);

// Fills the choice of the guess.
export function listGuesses(counts) {
  if (session.read_only || session.blind) return;
  const shown = bySize(counts).map(([name, n]) => [name, titled(name, n)]);
  if (state.guess && !counts.by_guess[state.guess]) shown.push([state.guess, titled(state.guess, 0)]);
  choose($("guess"), [["", "all"], ...shown], state.guess || "");
}

// Returns the guess to go on with when the chosen one has no figures left, or null.
export function followingGuess(counts) {
  if (!state.guess || (state.show || "todo") !== "todo") return null;
  return bySize(counts).find(([name, n]) => n && name !== state.guess)?.[0] || null;
}

// Returns what is written in place of the figures of a blind round if a task depends on labels that are missing, or "".
export function missingLabels(counts) {
  if (!session.blind || !task.asked || counts.total) return "";
  const other = session.tasks.find((one) => one.name === task.asked.task)?.title || task.asked.task;
  return `In a blind round this question is asked of figures that you have labelled before (${other}: ${task.asked.labels.join(", ")}).`;
}

// Returns what is written in place of the figures.
export function emptyView(counts) {
  if (missingLabels(counts)) return missingLabels(counts);
  const name = followingGuess(counts);
  return name ? `No figures are left here. Enter goes on with ${titled(name, counts.by_guess[name])}.` : "No figures in this view: choose another guess, show or filter.";
}
