// The sandbox's page: fetches /_sandbox/state whenever the sandbox says that something changed, and draws it.

import { DAY, TIME, TIME_SECONDS, drawing, el, escaped, time, unescaped } from "./markup.js";

const $ = (id) => document.getElementById(id);
const LONG_AGO = -1e9;
const page = {
  state: null, // what /_sandbox/state said last
  ahead: 0, // milliseconds by which the sandbox's clock is ahead of this one
  channel: "", // the id of the channel that is shown
  chosenAt: LONG_AGO, // when a person chose it, or the page switched last
  known: null, // ids of the channels seen so far
  heard: "0", // the ts of the last message that was shown in this channel
  read: {}, // per channel: the ts of the last message that was shown
  ticket: "", // the key of the Jira issue that is shown
  alert: "", // the id of the PagerDuty incident that is shown
  picked: "", // the channel beside which a person picked another ticket or alert than its own
};
const CHOICE_STANDS = 10_000; // milliseconds for which the page does not switch channels by itself
const SAID_STANDS = 12_000; // milliseconds after which what the page said goes away

// --- elements ---------------------------------------------------------------------------------------

const drawn = new WeakMap(); // element -> what it was drawn from

/** Fill an element anew, if what it shows has changed. */
function fill(box, source, draw) {
  const signature = JSON.stringify(source);
  if (drawn.get(box) === signature) return false;
  drawn.set(box, signature);
  const focused = box.contains(document.activeElement) && document.activeElement.dataset.key;
  box.replaceChildren(...[draw(source)].flat());
  if (focused) box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  return true;
}

/** Make a list show these rows, touching only those that changed: scroll, focus and selection stay. */
function list(box, rows, draw) {
  const old = new Map([...box.children].map((child) => [child.dataset.row, child]));
  let place = null;
  for (const row of rows) {
    const signature = JSON.stringify(row);
    let child = old.get(row.key);
    old.delete(row.key);
    if (!child || drawn.get(child) !== signature) {
      const fresh = draw(row);
      fresh.dataset.row = row.key;
      drawn.set(fresh, signature);
      const hadFocus = child?.contains(document.activeElement);
      child?.replaceWith(fresh);
      child = fresh;
      if (hadFocus) (fresh.querySelector("button, a") ?? fresh).focus();
    }
    const next = place ? place.nextSibling : box.firstChild;
    if (next !== child) box.insertBefore(child, next);
    place = child;
  }
  for (const gone of old.values()) gone.remove();
}

// --- people and places ---------------------------------------------------------------------------------

const people = () => page.state.slack.people;
const person = (id) => people().find((one) => one.id === id);
const nameOf = (id) => person(id)?.profile.real_name ?? id;
const me = () => person($("me").value);
const channels = () => page.state.slack.channels;
const channelOf = (id) => channels().find((one) => one.id === id);
const issues = () => page.state.jira.issues;
const alerts = () => page.state.pagerduty.incidents;
const now = () => new Date(Date.now() + page.ahead);
const dateOf = (ts) => new Date(Number(ts) * 1000);

const titleOf = (channel) =>
  channel.kind === "im" ? channel.members.map(nameOf).join(", ") : `#${channel.name}`;

/** What links and mentions depend on: a text that holds one is drawn anew when this changes. */
const known = () => [people().length, channels().length, issues().length, alerts().length];

/** The attributes of a link to a ticket or alert that this page shows itself. */
function here(address) {
  const issue = issues().find((one) => address.endsWith(`/browse/${one.key}`));
  if (issue) return { href: "#jira-title", "data-ticket": issue.key };
  const alert = alerts().find((one) => address === one.html_url);
  return alert && { href: "#pagerduty-title", "data-alert": alert.id };
}

const { mrkdwn, block, link, linked } = drawing({
  nameOf,
  isMe: (id) => id === $("me").value,
  channel: (id) => channelOf(id) && titleOf(channelOf(id)),
  now,
  here,
});

// --- the conversation -------------------------------------------------------------------------------

const AND = new Intl.ListFormat("en");
const SPOKEN = ["bot_message", "thread_broadcast", "me_message"]; // subtypes that are not Slack's own lines

/** What the channel shows, one row each: messages, Slack's own lines, days; people who join together are one line. */
function rowsOf(channel) {
  const rows = [];
  const seen = [...channel.messages, ...channel.ephemerals].sort((a, b) => Number(a.ts) - Number(b.ts));
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
    rows.push({ key: message.ts, kind: system ? "line" : "message", date, joined, parent, message,
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
  const blocks = message.blocks?.length ? message.blocks.map((each) => block(each, message))
    : el("p", { class: "b-text" }, mrkdwn(message.text));
  const marks = [
    message.to && `Only ${nameOf(message.to)} can see this`,
    one.pinned && "Pinned",
    message.edited && "Edited",
    message.reply_count && `${message.reply_count} in the thread`,
  ].filter(Boolean);
  return el("li", { class: one.parent ? "message reply" : "message", id: `m${message.ts}`, tabindex: "-1" },
    avatar(message.user),
    el("div", { class: "body" },
      el("p", { class: "by" }, el("b", {}, nameOf(message.user)), message.bot_id ? el("span", { class: "app" }, "App") : "",
        time(at)),
      one.parent ? el("p", { class: "b-context" }, `In reply to: ${plain(one.parent).slice(0, 80)}`) : "",
      blocks,
      marks.length ? el("p", { class: "marks" }, marks.map((mark) => el("span", {}, mark))) : "",
      message.reactions?.length ? el("p", { class: "marks" }, message.reactions.map((each) =>
        el("span", { class: "reaction" }, `:${each.name}: ${each.users.map(nameOf).join(", ")}`))) : ""));
}

const plain = (text) => el("p", {}, mrkdwn(text)).textContent;

function avatar(id) {
  const name = nameOf(id);
  const initials = name.split(/\s+/).map((part) => [...part][0] ?? "").join("").slice(0, 2).toUpperCase();
  const tone = person(id)?.is_bot ? "bot" : [...id].reduce((sum, sign) => sum + sign.codePointAt(0), 0) % 6;
  return el("span", { class: `avatar tone-${tone}`, "aria-hidden": "true" }, initials);
}

function drawChannel() {
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
  $("empty").hidden = channel.messages.length > 0;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  $("to-latest").hidden = unread(channel) === 0;
  readToTheEnd();
}

/** Let a screen reader say what others have just written. */
function readOut(fresh) {
  const written = fresh.filter((one) => !one.subtype && one.user !== $("me").value).slice(-3);
  if (!written.length) return;
  $("heard").textContent = written.map((one) => `${nameOf(one.user)}: ${plain(one.text)}`).join(" ").slice(0, 600);
}

const isAtEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 60;

function readToTheEnd() {
  if (!isAtEnd() || !channelOf(page.channel)) return;
  page.read[page.channel] = channelOf(page.channel).messages.at(-1)?.ts;
  $("to-latest").hidden = true;
}

function unread(channel) {
  const since = Number(page.read[channel.id] ?? 0);
  return channel.messages.filter((one) => Number(one.ts) > since && !one.subtype && one.user !== $("me").value).length;
}

function drawChannels() {
  const rows = channels().map((channel) => ({ key: channel.id, title: titleOf(channel), archived: channel.archived,
    isPrivate: channel.kind === "private", direct: channel.kind === "im",
    unread: channel.id === page.channel ? 0 : unread(channel), current: channel.id === page.channel }));
  const item = (one) => el("li", {}, el("button", { type: "button", "data-channel": one.key, "data-key": one.key,
    title: one.title, "aria-current": one.current && "true", class: one.unread ? "fresh" : "" },
    el("span", { class: "name" }, one.title), one.isPrivate ? el("small", {}, "private") : "",
    one.archived ? el("small", {}, "archived") : "", one.unread ? el("span", { class: "count" }, `${one.unread} new`) : ""));
  list($("channels"), rows.filter((one) => !one.direct), item);
  list($("directs"), rows.filter((one) => one.direct), item);
  $("directs-part").hidden = !rows.some((one) => one.direct);
}

// --- the ticket and the alert -----------------------------------------------------------------------

function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== "" && value?.length !== 0);
  return el("dl", {}, shown.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat());
}

const state = (words, kind) => el("span", { class: `state ${kind}` }, words);
const notes = (title, rows) => (rows.length ? [el("h4", {}, title), el("ul", { class: "notes" }, rows)] : []);
const written = (who, at, text) => el("li", {}, el("p", { class: "by" }, el("b", {}, who), " ", time(at)),
  el("p", {}, linked(text)));

function chooser(select, options, chosen) {
  fill(select, options, (all) => all.map(([value, label]) => el("option", { value }, label)));
  select.value = chosen;
  select.hidden = options.length < 2;
}

function drawTicket() {
  const issue = issues().find((one) => one.key === page.ticket) ?? issues().at(-1);
  page.ticket = issue?.key ?? "";
  chooser($("issue"), issues().map((one) => [one.key, `${one.key} ${one.fields.summary}`.slice(0, 60)]), page.ticket);
  fill($("jira"), [issue, known()], ([one]) => {
    if (!one) return el("p", { class: "empty" }, "No ticket yet.");
    const { fields } = one;
    const category = fields.status.statusCategory.key;
    return [
      el("p", { class: "key" }, el("a", { href: `jira/browse/${encodeURIComponent(one.key)}`, target: "_blank" }, one.key),
        state(fields.status.name, category)),
      el("h3", {}, fields.summary),
      facts([["Assignee", fields.assignee?.displayName ?? "Nobody yet"], ["Priority", fields.priority?.name],
        ["Component", (fields.components ?? []).map((each) => each.name).join(", ")],
        ["Labels", (fields.labels ?? []).join(", ")]]),
      fields.description ? el("p", { class: "description" }, linked(fields.description)) : "",
      ...notes("Comments", (fields.comment?.comments ?? []).map((each) =>
        written(each.author.displayName, new Date(each.created), String(each.body)))),
    ].filter(Boolean);
  });
}

const names = (rows) => (rows ?? []).map((each) => (each.assignee ?? each.acknowledger ?? each.user)?.summary).join(", ");

function drawAlert() {
  const alert = alerts().find((one) => one.id === page.alert) ?? alerts().at(-1);
  page.alert = alert?.id ?? "";
  const label = (one) => `#${one.incident_number} ${one.title}`.slice(0, 60);
  chooser($("alert"), alerts().map((one) => [one.id, label(one)]), page.alert);
  fill($("pagerduty"), alert ?? null, (one) => {
    if (!one) return el("p", { class: "empty" }, "Nothing is wrong. “Trigger an alert” changes that.");
    return [
      el("p", { class: "key" }, el("span", {}, `#${one.incident_number}`), state(one.status, one.status)),
      el("h3", {}, one.title),
      facts([["Service", one.service.summary], ["Priority", one.priority?.summary ?? "None"], ["Urgency", one.urgency],
        ["Assigned to", names(one.assignments)], ["Acknowledged by", names(one.acknowledgements)],
        ["Responders", one.incidents_responders.map((each) => `${each.user.summary} (${each.state})`).join(", ")],
        ["Bridge", one.conference_bridge?.conference_url ? link(one.conference_bridge.conference_url) : ""],
        ["Opened", time(new Date(one.created_at))]]),
      ...notes("Status updates", one.status_updates.map((each) =>
        written(each.sender?.summary ?? "", new Date(each.created_at), each.message))),
      ...notes("Notes", one.notes.map((each) => written(each.user.summary, new Date(each.created_at), each.content))),
    ];
  });
  $("answers").hidden = !alert;
  for (const button of document.querySelectorAll("[data-answer]")) button.disabled = alert?.status === "resolved";
}

function drawRest() {
  const { oncalls, deliveries, services } = page.state.pagerduty;
  fill($("on-call"), oncalls.map((one) => [one.user.summary, one.schedule?.summary ?? "always", one.escalation_policy.summary,
    one.escalation_level]), (all) => all.map(([who, schedule, policy, level]) =>
    el("li", {}, el("b", {}, who), ` ${policy}, level ${level} (${schedule})`)));
  fill($("webhooks"), deliveries.slice(-30).reverse(), (all) => all.map((one) => {
    const at = new Date(one.at);
    return el("li", {}, time(at, TIME_SECONDS.format(at)), ` ${one.event_type} `,
      el("span", { class: "result" }, `${one.status ?? "no answer"}, ${one.outcome}`));
  }));
  fill($("service"), services.map((one) => one.name), (all) =>
    all.map((name) => el("option", { selected: name === "search" && "" }, name)));
  const present = people().filter((one) => !one.is_bot && !one.deleted && one.profile.email);
  fill($("me"), present.map((one) => [one.id, one.profile.real_name]), (all) =>
    all.map(([id, name]) => el("option", { value: id }, name)));
  $("words").placeholder = `Say something as ${me()?.profile.first_name ?? "somebody"}`;
}

// --- what is shown ----------------------------------------------------------------------------------

let forgetting = 0;

function say(text) {
  $("said").textContent = text;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => { $("said").textContent = ""; }, SAID_STANDS);
}

function show(view) {
  document.documentElement.dataset.view = view;
  for (const button of document.querySelectorAll("button[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === view));
  }
  if (view === "talk") $("scroll").scrollTop = $("scroll").scrollHeight;
}

function choose(id, at = performance.now()) {
  Object.assign(page, { channel: id, chosenAt: at, picked: "", ticket: "", alert: "" });
  history.replaceState(null, "", `#${encodeURIComponent(channelOf(id).name)}`);
  draw();
  document.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

/** Show the channel's own ticket and alert beside it, unless a person picked others. */
function follow() {
  if (page.picked === page.channel) return;
  for (const { link: address } of channelOf(page.channel)?.bookmarks ?? []) {
    const at = here(address);
    page.ticket = at?.["data-ticket"] ?? page.ticket;
    page.alert = at?.["data-alert"] ?? page.alert;
  }
}

function pick(choice) {
  Object.assign(page, choice, { picked: page.channel });
  draw();
}

/** Say what is new, and go to a channel that an app has just opened. */
function notice() {
  const byApp = channels().filter((one) => one.kind !== "im" && person(one.members[0])?.is_bot);
  const ids = channels().map((one) => one.id);
  if (!page.known || !channelOf(page.channel)) {
    const named = channels().find((one) => one.name && `#${encodeURIComponent(one.name)}` === location.hash);
    const first = named ?? byApp.at(-1) ?? channels().find((one) => one.name === "incidents") ?? channels()[0];
    for (const one of channels()) page.read[one.id] = one.messages.at(-1)?.ts;
    page.known = ids;
    if (first) choose(first.id, LONG_AGO);
    return;
  }
  const opened = byApp.filter((one) => !page.known.includes(one.id)).at(-1);
  page.known = ids;
  if (!opened) return;
  const stands = performance.now() - page.chosenAt < CHOICE_STANDS;
  say(`${titleOf(opened)} has just been opened${stands ? "." : ": you are looking at it now."}`);
  if (!stands) choose(opened.id);
}

function draw() {
  follow();
  drawRest();
  drawChannel();
  drawChannels();
  drawTicket();
  drawAlert();
}

let fetching = false;
let again = false;

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch("_sandbox/state");
    page.state = await answer.json();
    page.ahead = new Date(page.state.now) - Date.now();
    if (!$("me").options.length) drawRest();
    notice();
    draw();
  } catch (error) {
    say(`The sandbox does not answer (${error.message}).`);
  }
  fetching = false;
  if (again) {
    again = false;
    setTimeout(refresh, 50);
  }
}

// --- what a person does -----------------------------------------------------------------------------

async function tell(path, body, done = "", method = "POST") {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`_sandbox/${path}`, { method, headers, body: JSON.stringify(body) });
    const came = await answer.json();
    if (!answer.ok) throw new Error(came.error);
    if (done) say(done);
    return true;
  } catch (error) {
    say(`That did not work: ${error.message}`);
    return false;
  }
}

document.addEventListener("click", (event) => {
  const hit = event.target.closest("[data-channel], [data-ticket], [data-alert], [data-message], [data-show], "
    + "[data-forward], [data-answer], [data-action]");
  if (!hit) return;
  if (hit.tagName === "A") event.preventDefault();
  const { channel, ticket, alert, message, show: view, forward, answer, action, ts } = hit.dataset;
  if (channel) { choose(channel); show("talk"); }
  if (ticket || alert) {
    pick(ticket ? { ticket } : { alert });
    show("tools");
    reveal(ticket ? "jira" : "pagerduty");
  }
  if (message) reveal(`m${message}`);
  if (view) show(view);
  if (hit.matches(".skip")) $("talk").focus();
  if (forward) tell("clock", { forward: Number(forward) }, `The sandbox's clock went ${forward / 60} min forward.`);
  if (answer) {
    const done = `${me().profile.real_name} ${answer}d alert #${alerts().find((one) => one.id === page.alert).incident_number}.`;
    tell(`pagerduty/${answer}`, { incident: page.alert, by: me().profile.email }, done);
  }
  if (action) tell("slack/click", { channel: page.channel, user: me().id, ts, action_id: action });
});

function reveal(id) {
  const target = $(id);
  target?.scrollIntoView({ block: "center" });
  target?.setAttribute("tabindex", "-1");
  target?.focus({ preventScroll: true });
}

function onSubmit(id, act) {
  $(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    await act(Object.fromEntries(new FormData(event.target)), event.target);
  });
}

onSubmit("say", async ({ text }, form) => {
  page.chosenAt = performance.now();
  if (await tell("slack/say", { channel: page.channel, user: me().id, text: escaped(text.trim()) })) form.reset();
});
onSubmit("note", async ({ text }, form) => {
  const body = { incident: page.alert, text, by: me().profile.email };
  if (await tell("pagerduty/annotate", body, "The note was added.")) form.reset();
});
onSubmit("trigger-form", async ({ title, service, urgency, priority }) => {
  $("trigger").close();
  page.chosenAt = LONG_AGO;
  await tell("pagerduty/trigger", { title, service, urgency, priority: priority || null }, "PagerDuty has the alert.");
});
$("faults").addEventListener("change", async () => {
  await tell("faults", {}, "Everything works again.", "DELETE");
  for (const { name, value } of document.querySelectorAll("#faults :checked")) {
    const fault = { vendor: name, kind: value, times: 0, ...(value === "slow" ? { seconds: 3 } : { status: 503 }) };
    await tell("faults", fault, "Broken as you wished. Untick to mend it.");
  }
});
$("open-trigger").addEventListener("click", () => $("trigger").showModal());
$("close-trigger").addEventListener("click", () => $("trigger").close());
$("words").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say").requestSubmit();
});
$("me").addEventListener("change", draw);
$("issue").addEventListener("change", ({ target }) => pick({ ticket: target.value }));
$("alert").addEventListener("change", ({ target }) => pick({ alert: target.value }));
$("to-latest").addEventListener("click", () => { $("scroll").scrollTop = $("scroll").scrollHeight; $("scroll").focus(); });
$("scroll").addEventListener("scroll", () => page.state && readToTheEnd(), { passive: true });

const events = new EventSource("_sandbox/events");
events.addEventListener("changed", refresh);
events.addEventListener("error", () => say("The connection to the sandbox is lost. Trying again."));
events.addEventListener("open", () => page.state && say("Connected."));
const small = matchMedia("(max-width: 400px)");
setInterval(() => {
  if (page.state) $("clock").textContent = (small.matches ? TIME : TIME_SECONDS).format(now());
}, 250);
