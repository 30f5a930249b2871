// What the page knows: the sandbox's state, who looks, what is shown; and the questions asked of it.

import { $ } from "./dom.js";

export const LONG_AGO = -1e9;

export const page = {
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
  dismissed: new Set(), // the ts of whispers that were sent away
  answered: 0, // when the chosen person last wrote, or was answered, in the channel that is shown
  noticed: new Set(), // the ts of whispers in threads, which open their thread once
  threads: new Set(), // the ts of messages whose threads are open
  editing: "", // the ts of the message that is being edited
  drafts: {}, // what stands in the small forms of the conversation: by ts
  tab: "messages", // what is shown of the app: its "home" or the "messages" with it
};

export const people = () => page.state.slack.people;
export const person = (id) => people().find((one) => one.id === id);
export const nameOf = (id) => person(id)?.profile.real_name ?? id;
export const me = () => person($("me").value);
export const present = () => people().filter((one) => !one.is_bot && !one.deleted && one.profile.email);
export const issues = () => page.state.jira.issues;
export const alerts = () => page.state.pagerduty.incidents;
export const now = () => new Date(Date.now() + page.ahead);
export const dateOf = (ts) => new Date(Number(ts) * 1000);

/** The channels that the chosen person may know of: public ones, and those they are in. */
export const channels = () =>
  page.state.slack.channels.filter((one) => one.kind === "public" || one.members.includes($("me").value));
export const channelOf = (id) => channels().find((one) => one.id === id);
export const isIn = (channel) => channel.members.includes($("me").value);

/** The app under test, and the direct messages between it and the chosen person. */
export const app = () => people().find((one) => one.is_bot);
export const appChannel = () => channels().find((one) => one.kind === "im" && one.members.includes(app()?.id));

export function titleOf(channel) {
  if (channel.kind !== "im") return `#${channel.name}`;
  const others = channel.members.filter((id) => id !== $("me").value);
  return (others.length ? others : channel.members).map(nameOf).join(", ");
}

/** What links and mentions depend on: a text that holds one is drawn anew when this changes. */
export const known = () => [people().length, channels().length, issues().length, alerts().length];

/** The attributes of a link to a ticket or alert that this page shows itself. */
export function here(address) {
  const issue = issues().find((one) => address.endsWith(`/browse/${one.key}`));
  if (issue) return { href: "#jira-title", "data-ticket": issue.key };
  const alert = alerts().find((one) => address === one.html_url);
  return alert && { href: "#pagerduty-title", "data-alert": alert.id };
}
