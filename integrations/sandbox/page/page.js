// The sandbox's page: fetches /_sandbox/state whenever the sandbox says that something changed, and draws it.

import { $ } from "./dom.js";
import { say, tell } from "./doors.js";
import { TIME, TIME_SECONDS } from "./markup.js";
import { watchCompose } from "./compose.js";
import { watchDeeds } from "./deeds.js";
import { drawModal, watchModal } from "./modal.js";
import { drawAlert, drawRest, drawTicket } from "./side.js";
import { LONG_AGO, alerts, channelOf, channels, here, me, now, page, person, titleOf } from "./state.js";
import { drawChannel, drawChannels, readToTheEnd } from "./talk.js";

const CHOICE_STANDS = 10_000; // milliseconds for which the page does not switch channels by itself

// --- what is shown ----------------------------------------------------------------------------------

function show(view) {
  document.documentElement.dataset.view = view;
  for (const button of document.querySelectorAll("button[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === view));
  }
  if (view === "talk") $("scroll").scrollTop = $("scroll").scrollHeight;
}

function choose(id, at = performance.now(), tab = "messages") {
  Object.assign(page, { channel: id, chosenAt: at, tab, editing: "", picked: "", ticket: "", alert: "" });
  history.replaceState(null, "", `#${encodeURIComponent(channelOf(id).name)}`);
  draw();
  document.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

/** Go where the chosen person may be: what was shown is not theirs to see. */
function leave() {
  const first = channels().find((one) => one.name === "incidents") ?? channels()[0];
  if (first) Object.assign(page, { channel: first.id, picked: "" });
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
  if (!channelOf(page.channel)) leave();
  follow();
  drawRest();
  drawChannel();
  drawChannels();
  drawTicket();
  drawAlert();
  drawModal();
}

function redraw() {
  if (!$("me").options.length) drawRest();
  notice();
  draw();
}

let running = null;
let queued = null;

/** Fetch the state and draw it; done once what happened before the call is on the page. */
function refresh() {
  if (!running) return (running = look().finally(() => { running = null; }));
  const next = () => { queued = null; return refresh(); };
  return (queued ??= running.then(next, next));
}

async function look() {
  try {
    const answer = await fetch("_sandbox/state");
    page.state = await answer.json();
    page.ahead = new Date(page.state.now) - Date.now();
  } catch (error) {
    say(`The sandbox does not answer (${error.message}).`);
  }
  if (page.state) redraw();
}

// --- what a person does -----------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const hit = event.target.closest("[data-channel], [data-ticket], [data-alert], [data-message], [data-show], "
    + "[data-forward], [data-answer]");
  if (!hit) return;
  if (hit.tagName === "A") event.preventDefault();
  const { channel, ticket, alert, message, show: view, forward, answer } = hit.dataset;
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

$("join").addEventListener("click", async () => {
  if (await tell("slack/join", { channel: page.channel, user: me().id })) await refresh();
  $("words").focus();
});
$("confirm-form").addEventListener("submit", (event) => { event.preventDefault(); $("confirm").close("yes"); });
$("confirm-no").addEventListener("click", () => $("confirm").close());
document.addEventListener("redraw", draw);
document.addEventListener("go", async ({ detail: { channel, tab } }) => {
  if (!channelOf(channel)) await refresh();
  choose(channel, performance.now(), tab);
  show("talk");
});
document.addEventListener("follow", ({ detail }) => {
  pick(detail["data-ticket"] ? { ticket: detail["data-ticket"] } : { alert: detail["data-alert"] });
  show("tools");
});
/** A menu closes when something else is pressed, or with Escape. */
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
});
watchModal();
watchDeeds();
watchCompose();
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
$("me").addEventListener("change", ({ target }) => { 
  sessionStorage.setItem("me", target.value);
  page.known = channels().map((one) => one.id);
  draw();
});
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
