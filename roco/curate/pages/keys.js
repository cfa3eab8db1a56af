// The keys of the grid.

import * as roco from "./page.js";

const KEYS = [["← → ↑ ↓", "move"], ["Shift + arrows", "select several figures"], ["Space", "enlarge, or close"], ["/", "filter"],
  ["]  [", "next page, previous page"], ["Esc", "clear the selection"], ["?", "list the keys"]];
const WRITING = [["Enter", "accept the remaining guesses of the page, then the next page"], ["u", "undo the newest act, a whole page too"],
  ["f", "flag"], ["n", "note"]];

export function showKeys() {
  const labels = roco.session.read_only ? [] : roco.task.labels.map((one) => [one.key, `${one.title}: label, save, next`]);
  roco.showKeys([...labels, ...(roco.session.read_only ? [] : WRITING), ...KEYS]);
}
