// The conversation: the list of channels, and what the chosen person reads in one of them.

import { blocks, inView } from "./blocks.js";
import { channelDeeds } from "./deeds.js";
import { $, fill, list } from "./dom.js";
import { DAY, el, unescaped } from "./markup.js";
import { avatar, row } from "./message.js";
import { app, appChannel, channelOf, channels, dateOf, isIn, known, nameOf, page, person, titleOf } from "./state.js";
import { link, plain } from "./text.js";

const SPOKEN = ["bot_message", "thread_broadcast", "me_message"]; // subtypes that are not Slack's own lines

/** What the channel shows, one row each: messages, Slack's own lines, days; people who join together are one line. */
function rowsOf(channel) {
  const rows = [];
  const [seen, threads] = sorted(channel);
  const common = { channel: channel.id, me: $("me").value, inside: isIn(channel) && !channel.archived, known: known(),
    pins: channel.pins, shortcuts: page.state.slack.shortcuts.filter((one) => one.type === "message") };
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
    const replies = threads.get(message.ts) ?? [];
    rows.push({ ...common, key: message.ts, kind: system ? "line" : "message", date, joined, parent, message, replies,
      pinned: channel.pins.includes(message.ts), open: page.threads.has(message.ts), editing: page.editing === message.ts,
      editingReply: replies.some((one) => one.ts === page.editing) });
  }
  return rows;
}

/** What this person reads, in order: on the top level, and by thread. A whisper opens the thread it is in. */
function sorted(channel) {
  const whispers = channel.ephemerals.filter((one) => one.to === $("me").value && !page.dismissed.has(one.ts));
  const tops = new Set(channel.messages.map((one) => one.ts));
  const [seen, threads] = [[], new Map()];
  for (const one of [...channel.messages, ...whispers].sort((a, b) => Number(a.ts) - Number(b.ts))) {
    const answers = one.thread_ts && one.thread_ts !== one.ts && tops.has(one.thread_ts);
    if (answers) threads.set(one.thread_ts, [...(threads.get(one.thread_ts) ?? []), one]);
    if (!answers || one.subtype === "thread_broadcast") seen.push(one);
    if (answers && one.to && !page.noticed.has(one.ts)) {
      page.noticed.add(one.ts);
      page.threads.add(one.thread_ts);
    }
  }
  return [seen, threads];
}

/** When this person last wrote here or was answered: whoever acts wants to see what came of it. */
function newestOfMine(channel) {
  const me = $("me").value;
  const mine = [...channel.messages.filter((one) => one.user === me), ...channel.ephemerals.filter((one) => one.to === me)];
  return Math.max(0, ...mine.map((one) => Number(one.ts)));
}

export function drawChannel() {
  const channel = channelOf(page.channel);
  if (!channel) return;
  const [scroll, before] = [$("scroll"), $("messages").dataset.of];
  const answered = newestOfMine(channel);
  const atEnd = before !== channel.id || isAtEnd() || answered > page.answered;
  page.answered = answered;
  $("channel-name").textContent = titleOf(channel);
  document.title = `${titleOf(channel)} - Multivac sandbox`;
  $("topic").textContent = unescaped(channel.topic);
  fill($("purpose"), unescaped(channel.purpose), (text) => text);
  $("purpose-part").hidden = !channel.purpose;
  $("members-part").hidden = channel.kind === "im";
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
  $("empty").textContent = channel.kind === "im" ? "Nothing has been said here yet."
    : "All is quiet here. Trigger an alert, and Multivac opens a channel for it.";
  $("empty").hidden = $("messages").childElementCount > 0;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  $("to-latest").hidden = unread(channel) === 0;
  readToTheEnd();
  drawEntrance(channel);
  drawMenus(channel);
  drawHome(channel);
}

function drawMenus(channel) {
  const direct = channel.kind === "im";
  $("channel-menu").hidden = direct;
  fill($("channel-deeds"), direct ? [] : channelDeeds(channel), (deeds) => deeds.map(([deed, words]) =>
    el("button", { type: "button", "data-do": deed, "data-key": deed }, words)));
  const global = page.state.slack.shortcuts.filter((one) => one.type === "global");
  $("shortcuts").hidden = !global.length;
  fill($("shortcut-list"), global, (all) => all.map((one) =>
    el("button", { type: "button", "data-do": "shortcut", "data-name": one.callback_id, "data-key": one.callback_id }, one.name)));
}

/** The app's own tab, beside the messages with it. */
function drawHome(channel) {
  const isApp = channel === appChannel();
  const home = isApp && page.tab === "home";
  $("tabs").hidden = !isApp;
  for (const tab of $("tabs").children) tab.setAttribute("aria-pressed", String((tab.dataset.name === "home") === home));
  $("home").hidden = !home;
  $("scroll").hidden = home;
  if (home) $("say").hidden = $("to-latest").hidden = true;
  const view = page.state.slack.homes[$("me").value];
  fill($("home"), [view?.id, view?.hash, $("me").value, home, known()], () => (view ? blocks(view.blocks, inView(view))
    : el("p", { class: "empty" }, `${app()?.profile.real_name ?? "The app"} has not put anything here yet.`)));
}

/** The box to write in, or why there is none. */
function drawEntrance(channel) {
  const inside = isIn(channel);
  $("say").hidden = !inside || channel.archived;
  $("outside").hidden = !$("say").hidden;
  $("outside-words").textContent = channel.archived ? "This channel is archived."
    : `${nameOf($("me").value)} is not in ${titleOf(channel)}.`;
  $("join").hidden = channel.archived;
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
  const withApp = appChannel()?.id;
  const directs = rows.filter((one) => one.direct && one.key !== withApp);
  list($("directs"), directs, item);
  $("directs-part").hidden = !directs.length;
  const fresh = rows.find((one) => one.key === withApp)?.unread ?? 0;
  fill($("apps"), [app()?.profile.real_name, fresh, page.channel === withApp], ([name, count, current]) => name && el("li", {},
    el("button", { type: "button", "data-do": count ? "tab" : "app", "data-name": "messages", "data-key": "app",
      "aria-current": current && "true", class: count ? "fresh" : "" },
    el("span", { class: "name" }, name), count ? el("span", { class: "count" }, `${count} new`) : "")));
}
