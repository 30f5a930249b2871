// Elements of the page: finding them, and filling them so that scroll, focus and what is typed stay.

import { seenFrom } from "./zone.js";

export const $ = (id) => document.getElementById(id);

const drawn = new WeakMap(); // element -> what it was drawn from

/** Fill an element anew, if what it shows has changed, or the clock by which it shows moments. */
export function fill(box, source, draw) {
  const signature = JSON.stringify([source, seenFrom()]);
  if (drawn.get(box) === signature) return false;
  drawn.set(box, signature);
  const back = keepFocus(box);
  box.replaceChildren(...[draw(source)].flat().filter(Boolean));
  back(box);
  return true;
}

/** Make a list show these rows, touching only those that changed, if moments are shown as before. */
export function list(box, rows, draw) {
  const old = new Map([...box.children].map((child) => [child.dataset.row, child]));
  let place = null;
  for (const row of rows) {
    const signature = JSON.stringify([row, seenFrom()]);
    let child = old.get(row.key);
    old.delete(row.key);
    if (!child || drawn.get(child) !== signature) {
      const fresh = draw(row);
      fresh.dataset.row = row.key;
      drawn.set(fresh, signature);
      const back = keepFocus(child);
      child?.replaceWith(fresh);
      child = fresh;
      back(fresh);
    }
    const next = place ? place.nextSibling : box.firstChild;
    if (next !== child) box.insertBefore(child, next);
    place = child;
  }
  for (const gone of old.values()) gone.remove();
}

/** Remember what has the focus inside; gives what puts it back into the new drawing. */
function keepFocus(box) {
  const at = document.activeElement;
  if (!box || !at || !box.contains(at) || at === box) return () => {};
  const { key } = at.dataset;
  const { selectionStart: start, selectionEnd: end } = at.matches("textarea, input[type=text]") ? at : {};
  return (fresh) => {
    const same = key && fresh.querySelector(`[data-key="${CSS.escape(key)}"]`);
    const target = same || fresh.querySelector("button, a");
    target?.focus({ preventScroll: true });
    if (same && start !== undefined) same.setSelectionRange?.(start, end);
  };
}
