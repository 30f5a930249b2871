// Block Kit's inputs as controls. What is chosen is kept here, per person and surface, so that a redrawing
// loses nothing; `use` is how a surface (a message, a modal, App Home) tells the app about a choice.

import { $ } from "./dom.js";
import { ask } from "./doors.js";
import { el } from "./markup.js";
import { channels, me, present, titleOf } from "./state.js";
import { textOf } from "./text.js";
import { momentAt, wall } from "./zone.js";

const FIELD = {
  channels_select: "selected_channel", checkboxes: "selected_options", conversations_select: "selected_conversation",
  datepicker: "selected_date", datetimepicker: "selected_date_time", email_text_input: "value",
  external_select: "selected_option", multi_channels_select: "selected_channels",
  multi_conversations_select: "selected_conversations", multi_external_select: "selected_options",
  multi_static_select: "selected_options", multi_users_select: "selected_users", number_input: "value",
  plain_text_input: "value", radio_buttons: "selected_option", static_select: "selected_option",
  timepicker: "selected_time", url_text_input: "value", users_select: "selected_user",
};
const GROUPS = ["checkboxes", "radio_buttons", "multi_static_select", "multi_users_select", "multi_channels_select",
  "multi_conversations_select"];
export const isInput = (element) => element.type in FIELD;
export const isGroup = (element) => GROUPS.includes(element.type);

// --- what is chosen ---------------------------------------------------------------------------------

const chosen = new Map(); // person and surface -> block id -> action id -> what was chosen

const store = (surface) => {
  const key = `${$("me").value} ${surface.key}`;
  if (!chosen.has(key)) chosen.set(key, {});
  return chosen.get(key);
};

/** What an input holds now: what was chosen, else where the app starts it. */
export function valueOf(surface, block, element) {
  const kept = store(surface)[block.block_id]?.[element.action_id];
  return kept === undefined ? element[FIELD[element.type].replace(/^selected_|^/, "initial_")] : kept;
}

function put(surface, block, element, value) {
  const actions = (store(surface)[block.block_id] ??= {});
  actions[element.action_id] = value;
}

/** All that was chosen on a surface, as the doors want it: only inputs that are there, only what was touched. */
export function valuesOf(surface) {
  const values = {};
  for (const [block, element] of surface.inputs) {
    const value = store(surface)[block.block_id]?.[element.action_id];
    if (value === undefined) continue;
    (values[block.block_id] ??= {})[element.action_id] = { type: element.type, [FIELD[element.type]]: value };
  }
  return values;
}

export function forget(surface) {
  chosen.delete(`${$("me").value} ${surface.key}`);
}

// --- telling the app --------------------------------------------------------------------------------

/** Use an element: ask for confirmation where it wants that, then tell the app. */
export async function use(surface, block, element, choice = {}, object = element.confirm) {
  if (object && !(await confirmed(object))) return;
  const body = { user: me().id, action_id: element.action_id, block_id: block.block_id, values: valuesOf(surface), ...choice };
  const what = `“${element.text?.text ?? element.placeholder?.text ?? "the choice"}”`;
  if (surface.view) await ask("slack/press", { view_id: surface.view, ...body }, what);
  else await ask("slack/click", { channel: surface.channel, ts: surface.ts, ...body }, what);
}

/** Ask whether a person is sure, in the words of one of Block Kit's confirmation objects. */
export function confirmed(object) {
  const dialog = $("confirm");
  $("confirm-title").replaceChildren(...textOf(object.title));
  $("confirm-text").replaceChildren(...textOf(object.text));
  $("confirm-yes").textContent = object.confirm?.text ?? "Yes";
  $("confirm-yes").className = object.style === "danger" ? "danger" : "primary";
  $("confirm-no").textContent = object.deny?.text ?? "Cancel";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => settle(dialog.returnValue === "yes"), { once: true });
  });
}

// --- the controls -----------------------------------------------------------------------------------

export const idOf = (surface, block, element) =>
  `${surface.key}-${block.block_id}-${element.action_id}`.replace(/\s/g, "_");

/** The control of an input. `about` are attributes more: what labels and describes it. */
export function control(element, surface, block, about = {}) {
  surface.inputs.push([block, element]);
  const id = idOf(surface, block, element);
  const told = block.type !== "input" || block.dispatch_action;
  const input = { element, surface, block, told,
    value: valueOf(surface, block, element),
    attributes: { id, "data-key": id, ...about },
    set(value, silent = false) {
      input.value = value;
      put(surface, block, element, value);
      if (told && !silent) use(surface, block, element, { [FIELD[element.type]]: value });
    } };
  return DRAW[element.type](input);
}

const on = (node, event, act) => { node.addEventListener(event, act); return node; };

function text(input, type = "text") {
  const { element, attributes } = input;
  const all = { ...attributes, placeholder: element.placeholder?.text, maxlength: element.max_length, autocomplete: "off",
    inputmode: type === "number" ? "decimal" : undefined };
  const field = element.multiline ? el("textarea", { ...all, rows: 3 }) : el("input", { ...all, type: type === "number" ? "text" : type });
  field.value = input.value ?? "";
  const wanted = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  on(field, "input", () => input.set(field.value || null, !wanted.includes("on_character_entered")));
  if (input.told && !element.multiline) {
    on(field, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !wanted.includes("on_enter_pressed")) return;
      event.preventDefault();
      input.set(field.value || null);
    });
  }
  return field;
}

function moment(input, type) {
  const field = el("input", { ...input.attributes, type });
  const soon = type === "datetime-local";
  field.value = input.value ? (soon ? wall(new Date(input.value * 1000)) : input.value) : "";
  const read = () => (soon ? Math.floor(momentAt(field.value).getTime() / 1000) : field.value);
  return on(field, "change", () => input.set(field.value ? read() : null));
}

const option = (object) => ({ value: object.value, label: object.text.text, chosen: object });
const optionsOf = (element) => (element.options ?? []).map(option);
const personOptions = () => present().map((one) => ({ value: one.id, label: one.profile.real_name, chosen: one.id }));
const channelOptions = () => channels().filter((one) => one.name && !one.archived)
  .map((one) => ({ value: one.id, label: titleOf(one), chosen: one.id }));
const keyOf = (value) => (value && typeof value === "object" ? value.value : value);

function select(input, options, groups = []) {
  const { element, attributes } = input;
  const all = [...options, ...groups.flatMap((group) => group.options.map(option))];
  const draw = (one) => el("option", { value: one.value }, one.label);
  const box = el("select", attributes,
    el("option", { value: "" }, element.placeholder?.text ?? "Choose"), options.map(draw),
    groups.map((group) => el("optgroup", { label: group.label.text }, group.options.map((one) => draw(option(one))))));
  box.value = keyOf(input.value) ?? "";
  return on(box, "change", () => input.set(all.find((one) => one.value === box.value)?.chosen ?? null));
}

/** Checkboxes or radio buttons; several people or channels are chosen in the same way. */
function choices(input, options, type) {
  const held = new Set([input.value ?? []].flat().map(keyOf));
  const { id, ...attributes } = input.attributes;
  const rows = options.map((one, place) => {
    const box = el("input", { type, name: id, value: one.value, id: `${id}-${place}`, "data-key": `${id}-${place}`,
      "aria-describedby": attributes["aria-describedby"], "aria-invalid": attributes["aria-invalid"] });
    box.checked = held.has(one.value);
    on(box, "change", () => {
      if (type === "radio") input.set(one.chosen);
      else {
        if (box.checked) held.add(one.value);
        else held.delete(one.value);
        input.set(options.filter((each) => held.has(each.value)).map((each) => each.chosen));
      }
    });
    const more = one.chosen.description ? el("small", {}, textOf(one.chosen.description)) : "";
    const label = one.chosen.text ? textOf(one.chosen.text) : one.label;
    return el("label", { class: "choice" }, box, el("span", {}, label, more));
  });
  const role = attributes["aria-label"] ? { role: "group", "aria-label": attributes["aria-label"] } : {};
  return el("div", { class: "choices", id, ...role }, rows);
}

/** A select whose options the app gives for what is typed. */
function external(input, many = false) {
  const { element, surface, block, attributes } = input;
  const [least, listId] = [element.min_query_length ?? 3, `${attributes.id}-list`];
  const field = el("input", { ...attributes, type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": listId,
    "aria-autocomplete": "list", autocomplete: "off", placeholder: element.placeholder?.text ?? "Type to search" });
  const box = el("ul", { id: listId, role: "listbox", hidden: "" });
  const chips = el("ul", { class: "chips" });
  let [asked, at, waiting] = [0, -1, 0];
  const close = () => { box.hidden = true; at = -1; field.setAttribute("aria-expanded", "false"); field.removeAttribute("aria-activedescendant"); };
  const pick = (one) => {
    close();
    if (many) input.set([...(input.value ?? []).filter((each) => each.value !== one.value), one]);
    else input.set(one);
    show();
  };
  const show = () => {
    field.value = many ? "" : input.value?.text.text ?? "";
    chips.replaceChildren(...(many ? input.value ?? [] : []).map((one) => el("li", {}, one.text.text,
      on(el("button", { type: "button", "aria-label": `Remove ${one.text.text}` }, "×"), "click", () => {
        input.set(input.value.filter((each) => each.value !== one.value));
        show();
      }))));
  };
  const search = async () => {
    const number = ++asked;
    const where = surface.view ? { view_id: surface.view } : { channel: surface.channel, ts: surface.ts };
    const knock = await ask("slack/suggest", { user: me().id, action_id: element.action_id, block_id: block.block_id,
      value: field.value, ...where }, "the search");
    if (number !== asked || document.activeElement !== field) return;
    const found = [...(knock?.body?.options ?? []), ...(knock?.body?.option_groups ?? []).flatMap((group) => group.options)];
    box.replaceChildren(...(found.length ? found.map((one, place) =>
      on(el("li", { role: "option", id: `${listId}-${place}`, "aria-selected": "false" }, textOf(one.text)), "mousedown", (event) => {
        event.preventDefault();
        pick(one);
      })) : [el("li", { class: "empty" }, "Nothing found")]));
    box.found = found;
    [at, box.hidden] = [-1, false];
    field.setAttribute("aria-expanded", "true");
  };
  const move = (step) => {
    const rows = [...box.querySelectorAll("[role=option]")];
    if (!rows.length) return;
    at = (at + step + rows.length) % rows.length;
    rows.forEach((one, place) => one.setAttribute("aria-selected", String(place === at)));
    rows[at].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", rows[at].id);
  };
  on(field, "input", () => {
    clearTimeout(waiting);
    if (!many && input.value) input.set(null, true);
    if (field.value.length >= least) waiting = setTimeout(search, 150);
    else close();
  });
  on(field, "focus", () => { if (least === 0 && box.hidden) search(); });
  on(field, "blur", () => { close(); show(); });
  on(field, "keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !box.hidden) move(step);
    else if (event.key === "Enter") { if (at >= 0) pick(box.found[at]); }
    else if (event.key === "Escape" && !box.hidden) close();
    else return;
    event.preventDefault();
  });
  show();
  return el("div", { class: "combo" }, chips, field, box);
}

const DRAW = {
  plain_text_input: (input) => text(input),
  email_text_input: (input) => text(input, "email"),
  url_text_input: (input) => text(input, "url"),
  number_input: (input) => text(input, "number"),
  datepicker: (input) => moment(input, "date"),
  timepicker: (input) => moment(input, "time"),
  datetimepicker: (input) => moment(input, "datetime-local"),
  static_select: (input) => select(input, optionsOf(input.element), input.element.option_groups),
  users_select: (input) => select(input, personOptions()),
  channels_select: (input) => select(input, channelOptions()),
  conversations_select: (input) => select(input, channelOptions()),
  external_select: (input) => external(input),
  multi_external_select: (input) => external(input, true),
  multi_static_select: (input) => choices(input, [...optionsOf(input.element),
    ...(input.element.option_groups ?? []).flatMap((group) => group.options.map(option))], "checkbox"),
  multi_users_select: (input) => choices(input, personOptions(), "checkbox"),
  multi_channels_select: (input) => choices(input, channelOptions(), "checkbox"),
  multi_conversations_select: (input) => choices(input, channelOptions(), "checkbox"),
  checkboxes: (input) => choices(input, optionsOf(input.element), "checkbox"),
  radio_buttons: (input) => choices(input, optionsOf(input.element), "radio"),
};
