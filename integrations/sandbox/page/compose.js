// The box to write in: what "/", "@" and "#" begin is completed, Enter sends.

import { $ } from "./dom.js";
import { ask, tell } from "./doors.js";
import { el } from "./markup.js";
import { channels, me, page, people } from "./state.js";
import { typed } from "./text.js";

const MOST = 8;
let [found, at, from] = [[], 0, 0]; // what is offered, which of it is chosen, where the word begins

const entry = (word, more) => ({ word, more });
const SOURCES = {
  "/": () => page.state.slack.slash_commands.map((one) => entry(one.command, one.description ?? "")),
  "@": () => [
    ...people().filter((one) => !one.deleted).map((one) => entry(`@${one.profile.real_name}`, one.is_bot ? "App" : "")),
    ...page.state.slack.groups.map((one) => entry(`@${one.handle}`, "User group")),
  ],
  "#": () => channels().filter((one) => one.name && !one.archived).map((one) => entry(`#${one.name}`, "")),
};

/** The word before the cursor, if it is one that can be completed; a command stands at the very beginning. */
function begun() {
  const before = $("words").value.slice(0, $("words").selectionStart);
  return /^\/\S*$/.exec(before) ?? /(?<!\S)[@#][^\s@#]*(?: [^\s@#]+)?$/.exec(before);
}

function offer() {
  if (!page.state) return;
  const word = begun();
  const wanted = word?.[0].toLowerCase() ?? "";
  const all = word ? SOURCES[wanted[0]]() : [];
  const fits = all.filter((one) => one.word.toLowerCase().startsWith(wanted));
  const inside = all.filter((one) => !fits.includes(one) && wanted.length > 1 && one.word.toLowerCase().includes(` ${wanted.slice(1)}`));
  found = [...fits, ...inside].slice(0, MOST);
  if (found.some((one) => one.word.toLowerCase() === wanted)) found = [];
  [at, from] = [0, word?.index ?? 0];
  draw();
}

function draw() {
  const [box, field] = [$("offers"), $("words")];
  box.hidden = !found.length;
  box.replaceChildren(...found.map((one, place) => {
    const row = el("li", { role: "option", id: `offer-${place}`, "aria-selected": String(place === at) },
      el("b", {}, one.word), one.more ? el("small", {}, one.more) : "");
    row.addEventListener("mousedown", (event) => { event.preventDefault(); take(place); });
    return row;
  }));
  field.setAttribute("aria-expanded", String(found.length > 0));
  if (found.length) field.setAttribute("aria-activedescendant", `offer-${at}`);
  else field.removeAttribute("aria-activedescendant");
  const command = page.state?.slack.slash_commands.find((one) => field.value.startsWith(`${one.command} `));
  $("usage").textContent = command?.usage_hint ? `${command.command} ${command.usage_hint}` : "";
}

function take(place) {
  const field = $("words");
  field.setRangeText(`${found[place].word} `, from, field.selectionStart, "end");
  close();
}

function close() {
  found = [];
  draw();
}

function onKey(event) {
  if (event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (found.length && step) { at = (at + step + found.length) % found.length; draw(); }
  else if (found.length && ["Enter", "Tab"].includes(event.key) && !event.shiftKey) take(at);
  else if (found.length && event.key === "Escape") close();
  else if (event.key === "Enter" && !event.shiftKey) $("say").requestSubmit();
  else return;
  event.preventDefault();
}

/** Say something in the channel, or send the command that the words begin with. */
function speak(text) {
  const place = { channel: page.channel, user: me().id };
  const [, command, rest] = /^(\/[\w-]+)\s*([^]*)$/.exec(text) ?? [];
  if (!command) return tell("slack/say", { ...place, text: typed(text) });
  return ask("slack/command", { ...place, command, text: typed(rest, { named: true }) }, command);
}

async function send() {
  const text = $("words").value;
  if (!text.trim()) return;
  page.chosenAt = performance.now();
  $("words").value = "";
  close();
  // What did not reach the app is not lost, unless something else was begun meanwhile.
  if (!(await speak(text.trim())) && !$("words").value) $("words").value = text;
}

/** Listen to the box. */
export function watchCompose() {
  $("say").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  $("words").addEventListener("input", offer);
  $("words").addEventListener("keydown", onKey);
  $("words").addEventListener("blur", close);
}
