// Blocks as elements of the page, in messages, modals and App Home. A surface says where they stand:
// `key` names it, `channel` and `ts` or `view` lead back to it, `errors` (by block id) are shown at inputs.

import { el, escaped } from "./markup.js";
import { here } from "./state.js";
import { control, idOf, isGroup, isInput, use } from "./inputs.js";
import { mrkdwn, plain, textOf } from "./text.js";

/** A surface for what a message shows. */
export const inMessage = (channel, message) => ({ key: message.ts, channel, ts: message.ts, inputs: [], errors: {} });

/** A surface for what a modal or App Home shows. */
export const inView = (view, errors = {}) => ({ key: view.id, view: view.id, inputs: [], errors });

/** The blocks of a surface as elements. */
export const blocks = (all, surface) => all.map((one) => block(one, surface));

function block(one, surface) {
  const elements = () => one.elements.map((each) => element(each, surface, one));
  switch (one.type) {
    case "header": return el("h3", { class: "b-header" }, textOf(one.text));
    case "divider": return el("hr");
    case "context": return el("p", { class: "b-context" }, elements());
    case "actions": return el("div", { class: "b-actions" }, elements());
    case "input": return field(one, surface);
    case "markdown": return el("div", { class: "b-section" }, el("p", {}, mrkdwn(asMrkdwn(one.text))));
    case "rich_text": return el("div", { class: "b-section" }, one.elements.map(rich));
    case "image": return el("p", { class: "b-context" }, `(picture: ${one.alt_text})`);
    case "section": return section(one, surface);
    default: return el("p", { class: "b-context" }, `(a block of the type ${one.type})`);
  }
}

function section(one, surface) {
  return el("div", { class: one.accessory ? "b-section with-accessory" : "b-section" },
    el("div", { class: "b-words" },
      one.text && el("p", {}, textOf(one.text)),
      one.fields && el("ul", { class: "b-fields" }, one.fields.map((each) => el("li", {}, textOf(each))))),
    one.accessory && el("div", { class: "b-accessory" }, element(one.accessory, surface, one)));
}

/** An input block: label, control, hint, and what is wrong with it. */
function field(one, surface) {
  const id = idOf(surface, one, one.element);
  const wrong = surface.errors[one.block_id];
  const described = [one.hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  const group = isGroup(one.element);
  const said = [textOf(one.label), one.optional && el("span", { class: "optional" }, " (optional)")];
  return el(group ? "fieldset" : "div", { class: wrong ? "field wrong" : "field", "data-block": one.block_id },
    group ? el("legend", {}, said) : el("label", { for: id }, said),
    control(one.element, surface, one, { "aria-describedby": described, "aria-invalid": wrong && "true",
      "aria-required": !one.optional && !group && "true" }),
    one.hint && el("p", { class: "hint", id: `${id}-hint` }, textOf(one.hint)),
    wrong && el("p", { class: "wrong-words", id: `${id}-wrong` }, wrong));
}

function element(one, surface, holder) {
  if (isInput(one)) return control(one, surface, holder, { "aria-label": labelOf(one, holder) });
  switch (one.type) {
    case "mrkdwn": case "plain_text": return el("span", {}, textOf(one));
    case "image": return el("span", {}, `(picture: ${one.alt_text})`);
    case "button": return button(one, surface, holder);
    case "overflow": return overflow(one, surface, holder);
    default: return el("span", {}, `(an element of the type ${one.type})`);
  }
}

const labelOf = (one, holder) =>
  one.placeholder?.text ?? (holder.text ? plain(holder.text.text).slice(0, 80) : one.type.replaceAll("_", " "));

function button(one, surface, holder) {
  const made = el("button", { type: "button", class: one.style ?? "", "data-key": idOf(surface, holder, one),
    "aria-label": one.accessibility_label }, textOf(one.text));
  made.addEventListener("click", async () => {
    if (one.url) open(one.url);
    made.setAttribute("aria-busy", "true");
    await use(surface, holder, one);
    made.removeAttribute("aria-busy");
  });
  return made;
}

/** Go where a button with an address leads: to what this page shows, or to a tab of its own. */
function open(address) {
  const inside = here(address);
  if (inside) document.dispatchEvent(new CustomEvent("follow", { detail: inside }));
  else if (/^https?:\/\//i.test(address)) window.open(address, "_blank", "noopener,noreferrer");
}

function overflow(one, surface, holder) {
  const key = idOf(surface, holder, one);
  const menu = el("details", { class: "menu" },
    el("summary", { "aria-label": "More actions", "data-key": key }, "⋯"),
    el("div", {}, one.options.map((each) => {
      const entry = el("button", { type: "button" }, textOf(each.text));
      entry.addEventListener("click", () => {
        menu.open = false;
        if (each.url) open(each.url);
        use(surface, holder, one, { selected_option: each });
      });
      return entry;
    })));
  return menu;
}

/** Markdown's commonest marks in Slack's own. */
const asMrkdwn = (text) => text.replace(/\*\*(.+?)\*\*/g, "*$1*").replace(/^#{1,6} +(.+)$/gm, "*$1*")
  .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, "<$2|$1>").replace(/^[-*] /gm, "• ");

function rich(one) {
  switch (one.type) {
    case "rich_text_list": return el(one.style === "ordered" ? "ol" : "ul", { class: "b-list" }, one.elements.map((each) => el("li", {}, rich(each))));
    case "rich_text_preformatted": return el("pre", {}, one.elements.map(rich));
    case "rich_text_quote": return el("blockquote", {}, one.elements.map(rich));
    case "rich_text_section": return el("p", {}, one.elements.map(rich));
    case "user": return el("span", {}, mrkdwn(`<@${one.user_id}>`));
    case "channel": return el("span", {}, mrkdwn(`<#${one.channel_id}>`));
    case "link": return el("span", {}, mrkdwn(`<${escaped(one.url)}|${escaped(one.text ?? one.url)}>`));
    case "emoji": return el("span", {}, mrkdwn(`:${one.name}:`));
    default: return styled(one.text ?? "", one.style ?? {});
  }
}

function styled(text, style) {
  const tag = style.code ? "code" : style.bold ? "strong" : style.italic ? "em" : style.strike ? "s" : "span";
  return el(tag, {}, text);
}
