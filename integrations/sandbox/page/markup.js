// Slack's markup and Block Kit as elements of the page. Text goes in as text nodes, addresses only if they
// lead into the web: whatever an alert's title says, it is shown and does nothing.

/** An element; an attribute that is undefined or false is left out, and so is a child that is empty. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat(9).filter((child) => child !== "" && child !== undefined && child !== null));
  return made;
}

const format = (options) => new Intl.DateTimeFormat([], options);
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

const MARKS = new RegExp([
  "```(?<block>[\\s\\S]+?)```",
  "`(?<code>[^`\\n]+)`",
  "<(?<angle>[^<>\\n]+)>",
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
      nodes.push(unescaped(text.slice(end, found.index)), marked(found.groups));
      end = found.index + found[0].length;
    }
    return [...nodes, unescaped(text.slice(end))].filter((node) => node !== "");
  }

  function marked({ block, code, angle, bold, italic, struck }) {
    if (block !== undefined) return el("pre", {}, unescaped(block));
    if (code !== undefined) return el("code", {}, unescaped(code));
    if (angle !== undefined) return pointed(angle);
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
    const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - now().setHours(0, 0, 0, 0)) / 86_400_000);
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

  const textOf = (object) => (object?.type === "mrkdwn" ? mrkdwn(object.text) : [object?.text ?? ""]);

  /** One block of a message. */
  function block(one, message) {
    const elements = () => one.elements.map((each) => element(each, message));
    switch (one.type) {
      case "header": return el("h3", { class: "b-header" }, textOf(one.text));
      case "divider": return el("hr");
      case "context": return el("p", { class: "b-context" }, elements());
      case "actions": return el("p", { class: "b-actions" }, elements());
      case "section": return el("div", { class: "b-section" },
        one.text && el("p", {}, textOf(one.text)),
        one.fields && el("ul", { class: "b-fields" }, one.fields.map((each) => el("li", {}, textOf(each)))),
        one.accessory && element(one.accessory, message));
      default: return el("p", { class: "b-context" }, `(a block of the type ${one.type})`);
    }
  }

  function element(one, message) {
    switch (one.type) {
      case "mrkdwn": case "plain_text": return el("span", {}, textOf(one));
      case "image": return el("span", {}, `(picture: ${one.alt_text})`);
      case "button": return el("button", { type: "button", class: one.style ?? "", "data-action": one.action_id,
        "data-ts": message.ts, "data-key": `${message.ts}-${one.action_id}` }, textOf(one.text));
      default: return el("span", {}, `(${one.type}: ${one.placeholder?.text ?? "something to choose from"})`);
    }
  }

  return { mrkdwn, block, link, linked };
}
