// The conversation: the list of channels, and what the chosen person reads in one of them.

import { blocks, inMessage } from "./blocks.js";
import { $, fill, list } from "./dom.js";
import { DAY, el, escaped, time, unescaped } from "./markup.js";
import { channelOf, channels, dateOf, isIn, known, nameOf, page, person, titleOf } from "./state.js";
import { link, mrkdwn, plain } from "./text.js";

const AND = new Intl.ListFormat("en");
const SPOKEN = ["bot_message", "thread_broadcast", "me_message"]; // subtypes that are not Slack's own lines

/** What the channel shows, one row each: messages, Slack's own lines, days; people who join together are one line. */
function rowsOf(channel) {
  const rows = [];
  const whispers = channel.ephemerals.filter((one) => one.to === $("me").value && !page.dismissed.has(one.ts));
  const seen = [...channel.messages, ...whispers].sort((a, b) => Number(a.ts) - Number(b.ts));
  for (const message of seen) {
    const date = DAY.format(dateOf(message.ts));
    const last = rows.at(-1);
    if (date !== last?.date) rows.push({ key: `day ${date}`, kind: "day", date });
    const system = message.subtype && !SPOKEN.includes(message.subtype);
    const joins = message.subtype === "channel_join";
    if (joins && last?.joined && last.date === date && last.message.inviter === message.inviter) {
      last.joined.push(message.user);
      continue;
    }
    const joined = joins ? [message.user] : undefined;
    const parent = message.thread_ts && message.thread_ts !== message.ts
      ? channel.messages.find((one) => one.ts === message.thread_ts)?.text : undefined;
    rows.push({ key: message.ts, kind: system ? "line" : "message", date, joined, parent, message, channel: channel.id,
      pinned: channel.pins.includes(message.ts), me: $("me").value, known: known() });
  }
  return rows;
}

function row(one) {
  if (one.kind === "day") return el("li", { class: "day" }, el("span", {}, one.date));
  const { message } = one;
  const at = dateOf(message.ts);
  if (one.kind === "line") {
    const named = message.text.replace(/<@(\w+)>/g, (_, id) => escaped(nameOf(id)));
    const invited = message.inviter ? `, invited by ${nameOf(message.inviter)}` : "";
    const text = one.joined ? `${AND.format(one.joined.map(nameOf))} joined the channel${invited}` : mrkdwn(named);
    return el("li", { class: "line" }, time(at), el("span", {}, text));
  }
  const marks = [
    one.pinned && "Pinned",
    message.edited && "Edited",
    message.reply_count && `${message.reply_count} in the thread`,
  ].filter(Boolean);
  const kind = [one.parent && "reply", message.to && "whisper"].filter(Boolean).join(" ");
  return el("li", { class: `message ${kind}`, id: `m${message.ts}`, tabindex: "-1" },
    avatar(message.user),
    el("div", { class: "body" },
      message.to ? el("p", { class: "only" }, "Only visible to you") : "",
      el("p", { class: "by" }, el("b", {}, nameOf(message.user)), message.bot_id ? el("span", { class: "app" }, "App") : "",
        time(at)),
      one.parent ? el("p", { class: "b-context" }, `In reply to: ${plain(one.parent).slice(0, 80)}`) : "",
      content(one),
      message.to ? el("p", { class: "only" }, el("button", { type: "button", class: "quiet", "data-dismiss": message.ts },
        "Dismiss")) : "",
      marks.length ? el("p", { class: "marks" }, marks.map((mark) => el("span", {}, mark))) : "",
      message.reactions?.length ? el("p", { class: "marks" }, message.reactions.map((each) =>
        el("span", { class: "reaction" }, `:${each.name}: ${each.users.map(nameOf).join(", ")}`))) : ""));
}

/** What a message says: its blocks, else its text; then its attachments. */
function content({ message, channel }) {
  const surface = inMessage(channel, message);
  const said = (one) => (one.blocks?.length ? blocks(one.blocks, surface)
    : one.text ? el("p", { class: "b-text" }, mrkdwn(one.text)) : "");
  return [said(message), (message.attachments ?? []).map((one) => el("div", { class: "attachment" }, said(one)))];
}

function avatar(id) {
  const name = nameOf(id);
  const initials = name.split(/\s+/).map((part) => [...part][0] ?? "").join("").slice(0, 2).toUpperCase();
  const tone = person(id)?.is_bot ? "bot" : [...id].reduce((sum, sign) => sum + sign.codePointAt(0), 0) % 6;
  return el("span", { class: `avatar tone-${tone}`, "aria-hidden": "true" }, initials);
}

export function drawChannel() {
  const channel = channelOf(page.channel);
  if (!channel) return;
  const [scroll, before] = [$("scroll"), $("messages").dataset.of];
  const atEnd = before !== channel.id || isAtEnd();
  $("channel-name").textContent = titleOf(channel);
  document.title = `${titleOf(channel)} - Multivac sandbox`;
  $("topic").textContent = unescaped(channel.topic);
  fill($("purpose"), unescaped(channel.purpose), (text) => text);
  $("purpose-part").hidden = !channel.purpose;
  $("members-count").textContent = `${channel.members.length} ${channel.members.length === 1 ? "member" : "members"}`;
  fill($("members"), channel.members.map((id) => [id, nameOf(id)]), (members) =>
    members.map(([id, name]) => el("li", {}, avatar(id), name)));
  $("pins-part").hidden = !channel.pins.length;
  $("pins-count").textContent = `${channel.pins.length} pinned`;
  const pinned = channel.messages.filter((one) => channel.pins.includes(one.ts));
  fill($("pins"), pinned.map((one) => [one.ts, nameOf(one.user), plain(one.text)]), (pins) =>
    pins.map(([ts, name, text]) => el("li", {}, el("button", { type: "button", class: "quiet", "data-message": ts,
      "data-key": ts }, el("b", {}, `${name}: `), text.slice(0, 120)))));
  $("bookmarks").hidden = !channel.bookmarks.length;
  fill($("bookmarks"), channel.bookmarks.map((one) => [one.title, one.link, known()]), (marks) =>
    marks.map(([title, address]) => el("li", {}, link(address, title))));
  list($("messages"), rowsOf(channel), row);
  if (before === channel.id) readOut(channel.messages.filter((one) => Number(one.ts) > Number(page.heard)));
  page.heard = channel.messages.at(-1)?.ts ?? page.heard;
  $("messages").dataset.of = channel.id;
  $("empty").hidden = $("messages").childElementCount > 0;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  $("to-latest").hidden = unread(channel) === 0;
  readToTheEnd();
  drawEntrance(channel);
}

/** The box to write in, or why there is none. */
function drawEntrance(channel) {
  const [inside, direct] = [isIn(channel), channel.kind === "im"];
  $("say").hidden = !inside || channel.archived;
  $("outside").hidden = !$("say").hidden;
  $("outside-words").textContent = channel.archived ? "This channel is archived."
    : `${nameOf($("me").value)} is not in ${titleOf(channel)}.`;
  $("join").hidden = channel.archived;
  const to = direct ? titleOf(channel) : `in ${titleOf(channel)}`;
  $("words").placeholder = `Message ${to}, or a command such as /incident`;
}

/** Let a screen reader say what others have just written. */
function readOut(fresh) {
  const written = fresh.filter((one) => !one.subtype && one.user !== $("me").value).slice(-3);
  if (!written.length) return;
  $("heard").textContent = written.map((one) => `${nameOf(one.user)}: ${plain(one.text)}`).join(" ").slice(0, 600);
}

const isAtEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 60;

export function readToTheEnd() {
  if (!isAtEnd() || !channelOf(page.channel)) return;
  page.read[page.channel] = channelOf(page.channel).messages.at(-1)?.ts;
  $("to-latest").hidden = true;
}

function unread(channel) {
  const since = Number(page.read[channel.id] ?? 0);
  return channel.messages.filter((one) => Number(one.ts) > since && !one.subtype && one.user !== $("me").value).length;
}

export function drawChannels() {
  const rows = channels().map((channel) => ({ inside: isIn(channel), key: channel.id, title: titleOf(channel), archived: channel.archived,
    isPrivate: channel.kind === "private", direct: channel.kind === "im",
    unread: channel.id === page.channel ? 0 : unread(channel), current: channel.id === page.channel }));
  const item = (one) => el("li", {}, el("button", { type: "button", "data-channel": one.key, "data-key": one.key,
    title: one.title, "aria-current": one.current && "true",
    class: [one.unread && "fresh", !one.inside && "outside"].filter(Boolean).join(" ") },
    el("span", { class: "name" }, one.title), one.isPrivate ? el("small", {}, "private") : "",
    one.archived ? el("small", {}, "archived") : "", one.unread ? el("span", { class: "count" }, `${one.unread} new`) : ""));
  list($("channels"), rows.filter((one) => !one.direct), item);
  list($("directs"), rows.filter((one) => one.direct), item);
  $("directs-part").hidden = !rows.some((one) => one.direct);
}
