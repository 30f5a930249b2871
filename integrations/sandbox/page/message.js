// One row of the conversation: a day, one of Slack's own lines, or a message with its thread, reactions and menu.

import { blocks, inMessage } from "./blocks.js";
import { EMOJI, TIME, el, escaped, time, unescaped } from "./markup.js";
import { dateOf, nameOf, page, person } from "./state.js";
import { mrkdwn, plain } from "./text.js";

const AND = new Intl.ListFormat("en");
const REACTIONS = ["pushpin", "ballot_box_with_check", "mega", "fire_engine", "white_check_mark", "eyes"];
const spoken = (name) => name.replaceAll("_", " ");

/** Draw what `rowsOf` in talk.js found. */
export function row(one) {
  if (one.kind === "day") return el("li", { class: "day" }, el("span", {}, one.date));
  return one.kind === "line" ? line(one) : message(one);
}

function line({ message, joined }) {
  const named = message.text.replace(/<@(\w+)>/g, (_, id) => escaped(nameOf(id)));
  const invited = message.inviter ? `, invited by ${nameOf(message.inviter)}` : "";
  const text = joined ? `${AND.format(joined.map(nameOf))} joined the channel${invited}` : mrkdwn(named);
  return el("li", { class: "line" }, time(dateOf(message.ts)), el("span", {}, text));
}

function message(one) {
  const { message: said } = one;
  const marks = [one.pinned && "Pinned", said.edited && "Edited"].filter(Boolean);
  const kind = [one.parent && "reply", said.to && "whisper"].filter(Boolean).join(" ");
  return el("li", { class: `message ${kind}`, id: `m${said.ts}`, tabindex: "-1" },
    avatar(said.user),
    el("div", { class: "body" },
      said.to ? el("p", { class: "only" }, "Only visible to you") : "",
      el("p", { class: "by" }, el("b", {}, nameOf(said.user)), said.bot_id ? el("span", { class: "app" }, "App") : "",
        time(dateOf(said.ts))),
      one.parent ? el("p", { class: "b-context" }, `In reply to: ${plain(one.parent).slice(0, 80)}`) : "",
      one.editing ? edit(said) : content(one),
      said.to ? el("p", { class: "only" }, doing("dismiss", said.ts, "Dismiss")) : "",
      marks.length ? el("p", { class: "marks" }, marks.map((mark) => el("span", {}, mark))) : "",
      reactions(one),
      one.inThread ? "" : thread(one)),
    menu(one));
}

/** What a message says: its blocks, else its text; then its attachments. */
function content({ message: said, channel }) {
  const surface = inMessage(channel, said);
  const part = (one) => (one.blocks?.length ? blocks(one.blocks, surface)
    : one.text ? el("p", { class: "b-text" }, mrkdwn(one.text)) : "");
  return [part(said), (said.attachments ?? []).map((one) => el("div", { class: "attachment" }, part(one)))];
}

/** A quiet button that does one of the deeds of deeds.js to a message. */
const doing = (deed, ts, words, more = {}) =>
  el("button", { type: "button", class: "quiet", "data-do": deed, "data-ts": ts, "data-key": `${ts}-${deed}${more["data-name"] ?? ""}`, ...more }, words);

function reactions({ message: said, me, inside }) {
  if (!said.reactions?.length) return "";
  return el("p", { class: "reactions" }, said.reactions.map(({ name, users }) => {
    const who = `${AND.format(users.map(nameOf))} reacted with ${spoken(name)}`;
    const shown = [el("span", { "aria-hidden": "true" }, EMOJI[name] ?? `:${name}:`), ` ${users.length}`];
    return el("button", { type: "button", title: who, "aria-label": `${spoken(name)}, ${users.length}: ${who}`,
      "aria-pressed": String(users.includes(me)), disabled: !inside && "", "data-do": "react", "data-ts": said.ts,
      "data-name": name, "data-key": `${said.ts}-reaction-${name}` }, shown);
  }));
}

/** The menu of a message: react, answer, pin, edit, delete, and the app's own entries. */
function menu({ message: said, me, inside, pinned, inThread, shortcuts }) {
  if (said.to || !inside) return "";
  const own = said.user === me;
  return el("details", { class: "menu acts" },
    el("summary", { "aria-label": "More for this message", "data-key": `${said.ts}-acts` }, "⋯"),
    el("div", {},
      el("p", { class: "emoji" }, REACTIONS.map((name) =>
        doing("react", said.ts, EMOJI[name], { "data-name": name, "aria-label": `React with ${spoken(name)}`, title: spoken(name) }))),
      inThread ? "" : doing("answer", said.ts, "Reply in thread"),
      doing("pin", said.ts, pinned ? "Unpin from the channel" : "Pin to the channel"),
      own ? [doing("edit", said.ts, "Edit"), doing("delete", said.ts, "Delete")] : "",
      shortcuts.length ? el("hr") : "",
      shortcuts.map((each) => doing("shortcut", said.ts, each.name, { "data-name": each.callback_id }))));
}

function thread({ message: said, replies, open, inside, ...rest }) {
  if (!replies.length && !open) return "";
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  const toggle = replies.length ? doing("thread", said.ts, [count, open ? "" : el("small", {}, ` last at ${TIME.format(dateOf(replies.at(-1).ts))}`)],
    { class: "quiet thread-toggle", "aria-expanded": String(open) }) : "";
  if (!open) return toggle;
  return el("div", { class: "thread" }, toggle,
    el("ol", { "aria-label": "Thread" }, replies.map((each) =>
      message({ ...rest, inside, message: each, replies: [], parent: "", inThread: true, pinned: rest.pins.includes(each.ts),
        editing: page.editing === each.ts }))),
    inside ? writing("reply", said.ts, page.drafts[said.ts] ?? "", "Reply", "Reply in the thread") : "");
}

const edit = (said) => writing("edit", said.ts, page.drafts[`edit ${said.ts}`] ?? editable(said.text), "Save", "Edit the message");

/** A small form to write in; `kind` is the deed that its button does. */
function writing(kind, ts, text, button, label) {
  const field = el("textarea", { name: "text", rows: 1, required: "", "aria-label": label, placeholder: label, "data-key": `${ts}-${kind}-text` });
  field.value = text;
  return el("form", { class: "writing", "data-write": kind, "data-ts": ts }, field,
    el("button", { type: "submit" }, button),
    kind === "edit" ? doing("unedit", ts, "Cancel") : "");
}

/** A message's text as its writer typed it. */
const editable = (text) => unescaped(text.replace(/<([@#!])([^>|]+)(?:\|([^>]+))?>/g, (_, sign, id, label) =>
  (sign === "@" ? `@${nameOf(id)}` : label ? `${sign === "#" ? "#" : ""}${label}` : `@${id}`)).replace(/<(https?:[^>|]+)[^>]*>/g, "$1"));

export function avatar(id) {
  const name = nameOf(id);
  const initials = name.split(/\s+/).map((part) => [...part][0] ?? "").join("").slice(0, 2).toUpperCase();
  const tone = person(id)?.is_bot ? "bot" : [...id].reduce((sum, sign) => sum + sign.codePointAt(0), 0) % 6;
  return el("span", { class: `avatar tone-${tone}`, "aria-hidden": "true" }, initials);
}
