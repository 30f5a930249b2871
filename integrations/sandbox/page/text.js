// Slack's markup drawn with what this page knows: names, channels, its own links.

import { $ } from "./dom.js";
import { drawing, el, escaped } from "./markup.js";
import { channelOf, channels, here, nameOf, now, page, people, titleOf } from "./state.js";

export const { mrkdwn, link, linked, textOf } = drawing({
  nameOf,
  isMe: (id) => id === $("me").value,
  channel: (id) => channelOf(id) && titleOf(channelOf(id)),
  now,
  here,
});

/** A text in Slack's markup as it reads, without any marks. */
export const plain = (text) => el("p", {}, mrkdwn(text)).textContent;

/** What somebody typed, as Slack's client sends it: names become ids, addresses links; `named` adds the name. */
export function typed(text, { named = false } = {}) {
  const bar = (name) => (named ? `|${name}` : "");
  const marks = [
    ...people().filter((one) => !one.deleted).flatMap((one) =>
      [one.profile.real_name, one.name].map((name) => [`@${name}`, `<@${one.id}${bar(one.name)}>`])),
    ...page.state.slack.groups.map((one) => [`@${one.handle}`, `<!subteam^${one.id}|@${one.handle}>`]),
    ...channels().filter((one) => one.name).map((one) => [`#${one.name}`, `<#${one.id}|${one.name}>`]),
    ...["here", "channel", "everyone"].map((name) => [`@${name}`, `<!${name}>`]),
  ].map(([written, meant]) => [escaped(written).toLowerCase(), meant]).sort((a, b) => b[0].length - a[0].length);
  return escaped(text).replace(/(?<![\w@#<])[@#][^@#<>]+|https?:\/\/[^\s<>|]+/gi, (part) => {
    if (/^http/i.test(part)) return `<${part}>`;
    const mark = marks.find(([written]) => part.toLowerCase().startsWith(written)
      && !/^[\w-]/.test(part.slice(written.length)));
    return mark ? mark[1] + part.slice(mark[0].length) : part;
  });
}
