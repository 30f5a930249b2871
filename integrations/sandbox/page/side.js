// Beside the conversation: the ticket, the alert, who is on call, and what was delivered.

import { $, fill } from "./dom.js";
import { TIME_SECONDS, el, time } from "./markup.js";
import { alerts, issues, known, page, person, present } from "./state.js";
import { link, linked } from "./text.js";
import { seeFrom } from "./zone.js";

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

export function drawTicket() {
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

export function drawAlert() {
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

export function drawRest() {
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
  const chosen = $("me").value || sessionStorage.getItem("me");
  const anew = fill($("me"), present().map((one) => [one.id, one.profile.real_name]), (all) =>
    all.map(([id, name]) => el("option", { value: id }, name)));
  if (anew && present().some((one) => one.id === chosen)) $("me").value = chosen;
  const { tz, profile } = person($("me").value) ?? {};
  seeFrom(tz);
  $("my-title").textContent = [profile?.title, tz?.split("/").at(-1)].filter(Boolean).join(" · ");
}
