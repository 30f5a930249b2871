// Modals: the chosen person's topmost view, shown over all else, submitted and closed as Slack does.

import { blocks, inView } from "./blocks.js";
import { $, fill } from "./dom.js";
import { say, tell } from "./doors.js";
import { forget, idOf, valueOf, valuesOf } from "./inputs.js";
import { me, page } from "./state.js";

const EMPTY = "Please complete this required field.";
const open = { view: "", surface: null, errors: {} }; // which view is shown, where its inputs are, what is wrong there

const topmost = () => page.state.slack.views.filter((one) => one.user === me()?.id || one.user === "").at(-1);

/** Show the topmost view, or none. */
export function drawModal() {
  const [dialog, view] = [$("modal"), topmost()];
  if (!view) {
    if (dialog.open) dialog.close();
    if (open.surface) forget(open.surface);
    Object.assign(open, { view: "", surface: null, errors: {} });
    return;
  }
  const isNew = view.id !== open.view;
  if (isNew) Object.assign(open, { view: view.id, errors: {} });
  $("modal-title").textContent = view.title.text;
  $("modal-close").textContent = view.close?.text ?? "Cancel";
  $("modal-submit").textContent = view.submit?.text ?? "Submit";
  $("modal-submit").hidden = !view.submit;
  const signature = [view.id, view.hash, open.errors, me().id];
  fill($("modal-body"), signature, () => blocks(view.blocks, (open.surface = inView(view, open.errors))));
  if (!dialog.open) dialog.showModal();
  if (isNew) {
    $("modal-said").textContent = "";
    $("modal-body").scrollTop = 0;
    const body = $("modal-body");
    (body.querySelector(".field :is(input, textarea, select)") ?? body.querySelector("button") ?? $("modal-title")).focus();
  }
}

/** What Slack's own client finds wrong before it asks the app: by block id. */
function mistakes(surface) {
  const found = {};
  for (const [block, element] of surface.inputs) {
    if (block.type !== "input") continue;
    const value = valueOf(surface, block, element);
    const empty = value === null || value === undefined || value.length === 0;
    if (empty && !block.optional) found[block.block_id] = EMPTY;
    else if (!empty) found[block.block_id] = misshapen(element, value);
  }
  return Object.fromEntries(Object.entries(found).filter(([, words]) => words));
}

function misshapen(element, value) {
  if (value.length < (element.min_length ?? 0)) return `Please write at least ${element.min_length} characters.`;
  if (element.type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(value)) return "Please enter a valid email address.";
  if (element.type === "url_text_input" && !/^https?:\/\/\S+$/.test(value)) return "Please enter a valid URL.";
  if (element.type !== "number_input") return "";
  const number = Number(value);
  if (Number.isNaN(number) || (!element.is_decimal_allowed && !Number.isInteger(number))) return "Please enter a whole number.";
  if (number < Number(element.min_value ?? -Infinity)) return `Please enter at least ${element.min_value}.`;
  return number > Number(element.max_value ?? Infinity) ? `Please enter at most ${element.max_value}.` : "";
}

function complain(errors) {
  open.errors = errors;
  drawModal();
  const { inputs } = open.surface;
  const first = inputs.find(([block]) => block.block_id in errors);
  if (!first) return;
  const field = $(idOf(open.surface, ...first));
  (field.matches("div") ? field.querySelector("input, button") : field)?.focus();
}

async function submit() {
  const { view, surface } = open;
  const wrong = mistakes(surface);
  if (Object.keys(wrong).length) {
    complain(wrong);
    return;
  }
  complain({});
  $("modal-said").textContent = "";
  $("modal-submit").disabled = true;
  const knock = await tell("slack/submit", { user: me().id, view_id: view, values: valuesOf(surface) });
  $("modal-submit").disabled = false;
  if (knock?.body?.response_action === "errors") complain(knock.body.errors);
  else if (knock && knock.status !== 200) {
    say(knock.status === null ? "The app did not answer within 3 seconds. What you wrote is still here: try again."
      : `The app answered with an error (${knock.status}). What you wrote is still here: try again.`);
  }
}

const shut = (everything) => tell("slack/close", { user: me().id, view_id: open.view, everything });

/** Listen to the dialog's own buttons and keys. */
export function watchModal() {
  $("modal-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!$("modal-submit").hidden && !$("modal-submit").disabled) submit();
  });
  $("modal-close").addEventListener("click", () => shut(false));
  $("modal-x").addEventListener("click", () => shut(true));
  // The browser would close it at once; it closes when the sandbox says that the view is gone.
  $("modal").addEventListener("cancel", (event) => { event.preventDefault(); shut(false); });
}
