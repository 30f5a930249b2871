// The sandbox's doors as the page uses them: what a person does goes out here, and what came of it is said.

import { $ } from "./dom.js";

const SAID_STANDS = 12_000; // milliseconds after which what the page said goes away
let forgetting = 0;

/** Say something in passing, to eyes and to screen readers. */
export function say(text) {
  $("said").textContent = text;
  $("modal-said").textContent = text; // what lies behind a modal is out of reach
  clearTimeout(forgetting);
  forgetting = setTimeout(() => { $("said").textContent = $("modal-said").textContent = ""; }, SAID_STANDS);
}

/** Ask a door; gives what it answered, or null, having said why. */
export async function tell(path, body, done = "", method = "POST") {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`_sandbox/${path}`, { method, headers, body: JSON.stringify(body) });
    const came = await answer.json();
    if (!answer.ok) throw new Error(came.error);
    if (done) say(done);
    return came ?? {};
  } catch (error) {
    say(`That did not work: ${error.message}`);
    return null;
  }
}

/** Ask a door that waits for the app; gives the app's answer, or null, having said why there is none. */
export async function ask(path, body, what) {
  const knock = await tell(path, body);
  if (!knock || knock.status === 200) return knock;
  say(knock.status === null ? `The app did not answer ${what} within 3 seconds.`
    : `The app answered ${what} with an error (${knock.status}).`);
  return null;
}
