// Slack's markup and Block Kit as elements of the page. Text goes in as text nodes, addresses only if they
// lead into the web: whatever an alert's title says, it is shown and does nothing.

import { daysAfter, format } from "./zone.js";

/** An element; an attribute that is undefined or false is left out, and so is a child that is none. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat(9).filter((child) => child || child === 0));
  return made;
}

export const TIME = format({ hour: "numeric", minute: "2-digit" });
export const TIME_SECONDS = format({ hour: "numeric", minute: "2-digit", second: "2-digit" });
export const DAY = format({ weekday: "long", month: "long", day: "numeric" });
const DATES = { num: { dateStyle: "short" }, short: { dateStyle: "medium" } };

/** A moment: what is shown, and all of it for those who point at it. */
export function time(at, text = TIME.format(at)) {
  return el("time", { datetime: at.toISOString(), title: at.toString() }, text);
}

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
export const unescaped = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
export const escaped = (text) =>
  text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

// The emoji that an app of this kind writes by name; others stay as they are written.
export const EMOJI = {
  arrow_right: "➡️", ballot_box_with_check: "☑️", bell: "🔔", bulb: "💡", calendar: "📅", eyes: "👀", fire: "🔥",
  fire_engine: "🚒", hourglass_flowing_sand: "⏳", information_source: "ℹ️", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_orange_circle: "🟠", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mega: "📣",
  memo: "📝", no_bell: "🔕", pager: "📟", pushpin: "📌", red_circle: "🔴", rotating_light: "🚨", test_tube: "🧪",
  tada: "🎉", thumbsup: "👍", "+1": "👍", warning: "⚠️", wave: "👋", white_check_mark: "✅", white_circle: "⚪",
  x: "❌", zzz: "💤",
};
export const emojied = (text) => text.replace(/:([a-z0-9_+-]+):/g, (written, name) => EMOJI[name] ?? written);
const shown = (text) => emojied(unescaped(text));

const MARKS = new RegExp([
  "```(?<block>[\\s\\S]+?)```",
  "`(?<code>[^`\\n]+)`",
  "<(?<angle>[^<>\\n]+)>",
  "(?<bare>https?:\\/\\/[^\\s<>|*`]*[^\\s<>|*_~`.,:;!?)])",
  "(?<![\\w*])\\*(?! )(?<bold>[^*\\n]+?)\\*(?![\\w*])",
  "(?<![\\w_])_(?! )(?<italic>[^_<>\\n]+?)_(?![\\w_])",
  "(?<![\\w~])~(?! )(?<struck>[^~<>\\n]+?)~(?![\\w~])",
].join("|"), "g");

/** What draws markup. It asks back: `nameOf(user)`, `isMe(user)`, `channel(id)` (its title), `now()`, and
 * `here(address)`: the attributes of a link to something that this page itself shows. */
export function drawing({ nameOf, isMe, channel, now, here }) {
  /** The nodes of a text in Slack's mrkdwn. */
  function mrkdwn(text = "") {
    const nodes = [];
    let end = 0;
    for (const found of text.matchAll(MARKS)) {
      nodes.push(shown(text.slice(end, found.index)), marked(found.groups));
      end = found.index + found[0].length;
    }
    return [...nodes, shown(text.slice(end))].filter((node) => node !== "");
  }

  function marked({ block, code, angle, bare, bold, italic, struck }) {
    if (block !== undefined) return el("pre", {}, unescaped(block));
    if (code !== undefined) return el("code", {}, unescaped(code));
    if (angle !== undefined) return pointed(angle);
    if (bare !== undefined) return link(unescaped(bare));
    if (bold !== undefined) return el("strong", {}, mrkdwn(bold));
    if (italic !== undefined) return el("em", {}, mrkdwn(italic));
    return el("s", {}, mrkdwn(struck));
  }

  /** What stands between < and >: a person, a channel, a date, a call to everybody, or a link. */
  function pointed(inner) {
    const bar = inner.indexOf("|");
    const [what, label] = bar < 0 ? [inner] : [inner.slice(0, bar), unescaped(inner.slice(bar + 1))];
    const rest = what.slice(1);
    if (what.startsWith("@")) return el("span", { class: isMe(rest) ? "mention mine" : "mention" }, `@${nameOf(rest)}`);
    if (what.startsWith("#")) {
      const title = channel(rest);
      return title ? el("a", { href: "#channel-name", "data-channel": rest }, title) : `#${label ?? rest}`;
    }
    if (what.startsWith("!date^")) return dated(what.split("^").slice(1), label);
    if (what.startsWith("!")) return el("span", { class: "mention mine" }, label ?? `@${rest.split("^")[0]}`);
    return link(unescaped(what), label);
  }

  /** <!date^seconds^pattern^link|fallback>, in the zone of whoever looks at this page. */
  function dated([seconds, pattern = ""], fallback = "") {
    const at = new Date(Number(seconds) * 1000);
    if (Number.isNaN(at.getTime())) return fallback;
    const said = pattern.replace(/\{(date|time)(?:_(num|short|long))?(_pretty|_secs)?\}/g, (_, kind, style, more) => {
      if (kind === "time") return (more === "_secs" ? TIME_SECONDS : TIME).format(at);
      return day(at, style, more === "_pretty");
    });
    return time(at, said.replace(/ ?\{\w+\}/g, "") || fallback);
  }

  function day(at, style, pretty) {
    const days = daysAfter(at, now());
    if (pretty && Math.abs(days) <= 1) return ["yesterday", "today", "tomorrow"][days + 1];
    return format(DATES[style] ?? { dateStyle: "long" }).format(at);
  }

  /** A link if the address is one of the web, else its label alone. */
  function link(address, label = address) {
    if (!/^https?:\/\//i.test(address)) return label;
    const inside = here(address);
    return el("a", inside ?? { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
  }

  /** The nodes of plain text with addresses in it; Jira writes "label|address". */
  function linked(text) {
    const nodes = [];
    let end = 0;
    for (const found of text.matchAll(/(?:([^|\n]+)\|)?(https?:\/\/\S+)/g)) {
      nodes.push(text.slice(end, found.index), link(found[2], found[1] ?? found[2]));
      end = found.index + found[0].length;
    }
    return [...nodes, text.slice(end)].filter((node) => node !== "");
  }

  /** The nodes of one of Block Kit's text objects. */
  const textOf = (object) => (object?.type === "mrkdwn" ? mrkdwn(object.text) : [emojied(object?.text ?? "")]);

  return { mrkdwn, link, linked, textOf };
}
