// What a person does in Slack besides writing, pressing an app's buttons and filling in its modals.

import { $ } from "./dom.js";
import { ask, tell } from "./doors.js";
import { confirmed } from "./inputs.js";
import { el } from "./markup.js";
import { channelOf, isIn, me, nameOf, page, present } from "./state.js";
import { typed } from "./text.js";

const place = () => ({ channel: page.channel, user: me().id });
const here = () => channelOf(page.channel);
const messageOf = (ts) => here().messages.find((one) => one.ts === ts);
const redraw = () => document.dispatchEvent(new Event("redraw"));

const DEEDS = {
  dismiss({ ts }) { page.dismissed.add(ts); redraw(); },
  react({ ts, name }) {
    const users = messageOf(ts).reactions?.find((one) => one.name === name)?.users ?? [];
    return tell("slack/react", { ...place(), ts, name, off: users.includes(me().id) });
  },
  pin({ ts }) { return tell("slack/pin", { ...place(), ts, off: here().pins.includes(ts) }); },
  thread({ ts }) {
    if (!page.threads.delete(ts)) page.threads.add(ts);
    redraw();
  },
  answer({ ts }) { page.threads.add(ts); redraw(); focusOn(`${ts}-reply-text`); },
  edit({ ts }) { page.editing = ts; redraw(); focusOn(`${ts}-edit-text`); },
  unedit({ ts }) { page.editing = ""; delete page.drafts[`edit ${ts}`]; redraw(); },
  async delete({ ts }) {
    const text = (words) => ({ type: "plain_text", text: words });
    const object = { title: text("Delete this message?"), text: text("It goes for everybody."), confirm: text("Delete"), style: "danger" };
    if (await confirmed(object)) await tell("slack/delete", { ...place(), ts });
  },
  shortcut({ ts, name }) {
    const about = ts ? { channel: page.channel, ts } : {};
    return ask("slack/shortcut", { user: me().id, callback_id: name, ...about }, "the shortcut");
  },
  join: () => tell("slack/join", place()),
  leave: () => tell("slack/leave", place()),
  archive: () => tell("slack/archive", place()),
  unarchive: () => tell("slack/archive", { ...place(), off: true }),
  async rename() {
    const name = await asked("Rename the channel", "Name", "Rename", { value: here().name });
    if (name) await tell("slack/rename", { ...place(), name: name.replace(/^#/, "") });
  },
  async add() {
    const others = present().filter((one) => !here().members.includes(one.id)).map((one) => one.id);
    const user = await asked("Add somebody to the channel", "Who", "Add", { options: others });
    if (user) await tell("slack/join", { channel: page.channel, user, inviter: me().id });
  },
  async remove() {
    const user = await asked("Remove somebody from the channel", "Who", "Remove", { options: here().members });
    if (user) await tell("slack/leave", { channel: page.channel, user });
  },
  app: () => openApp("home"),
  tab: ({ name }) => openApp(name),
};

/** The entries of the channel's menu: deed and words. */
export function channelDeeds(channel) {
  if (channel.archived) return [["unarchive", "Unarchive"]];
  if (!isIn(channel)) return [["join", "Join"]];
  return [["add", "Add somebody…"], ["remove", "Remove somebody…"], ["rename", "Rename…"], ["leave", "Leave"], ["archive", "Archive"]];
}

/** Open the app's home, or the messages with it, as the chosen person. */
async function openApp(tab) {
  const opened = await tell("slack/home", { user: me().id, tab });
  if (opened) document.dispatchEvent(new CustomEvent("go", { detail: { channel: opened.id, tab } }));
}

function focusOn(key) {
  const field = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  field?.focus();
  field?.setSelectionRange(field.value.length, field.value.length);
}

/** Ask for a word, or for one of some people; gives it, or "". */
function asked(title, label, button, { value = "", options } = {}) {
  const dialog = $("ask");
  $("ask-title").textContent = title;
  $("ask-label").textContent = label;
  $("ask-yes").textContent = button;
  const field = options ? el("select", { id: "ask-field" }, options.map((id) => el("option", { value: id }, nameOf(id))))
    : el("input", { id: "ask-field", type: "text", required: "", autocomplete: "off" });
  if (!options) field.value = value;
  $("ask-field").replaceWith(field);
  dialog.returnValue = "";
  dialog.showModal();
  field.focus();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => settle(dialog.returnValue === "yes" ? field.value : ""), { once: true });
  });
}

const WRITTEN = {
  reply: (ts, text) => tell("slack/say", { ...place(), text: typed(text), thread_ts: ts }),
  edit: async (ts, text) => {
    const done = await tell("slack/edit", { ...place(), ts, text: typed(text) });
    if (done) page.editing = "";
    return done;
  },
};

async function write(form) {
  const [kind, ts, field] = [form.dataset.write, form.dataset.ts, form.elements.text];
  if (!field.value.trim()) return;
  const done = await WRITTEN[kind](ts, field.value.trim());
  if (!done) return;
  delete page.drafts[kind === "edit" ? `edit ${ts}` : ts];
  field.value = "";
  redraw();
}

/** Listen to all buttons that do a deed, and to the small forms in the conversation. */
export function watchDeeds() {
  document.addEventListener("click", async ({ target }) => {
    const hit = target.closest("[data-do]");
    if (!hit) return;
    hit.closest("details.menu")?.removeAttribute("open");
    await DEEDS[hit.dataset.do](hit.dataset);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.dataset.write) return;
    event.preventDefault();
    write(event.target);
  });
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("form[data-write]");
    if (form) page.drafts[form.dataset.write === "edit" ? `edit ${form.dataset.ts}` : form.dataset.ts] = target.value;
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-write]");
    if (!form || event.target.tagName !== "TEXTAREA" || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) form.requestSubmit();
    else if (event.key === "Escape" && form.dataset.write === "edit") DEEDS.unedit(form.dataset);
    else return;
    event.preventDefault();
  });
  document.addEventListener("toggle", ({ target }) => {
    if (target.matches?.("details.menu[open]")) target.querySelector("div").scrollIntoView({ block: "nearest" });
  }, true);
  $("ask-form").addEventListener("submit", (event) => { event.preventDefault(); $("ask").close("yes"); });
  $("ask-no").addEventListener("click", () => $("ask").close());
}
