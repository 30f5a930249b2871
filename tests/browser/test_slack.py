"""The sandbox's page as Slack's client: commands, whispers, buttons, inputs, modals, for any role by hand."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from integrations.sandbox.server import Sandbox
from tests.browser.tiny import Body, TinyApp, asked, button, modal, option, section, words

expect.set_options(timeout=15_000)


def messages(site: Page) -> Locator:
    return site.get_by_role("region", name="Messages")


def become(site: Page, name: str) -> None:
    site.get_by_label("You act as").select_option(name)


def write(site: Page, text: str) -> None:
    site.get_by_label("Message", exact=True).fill(text)
    site.keyboard.press("Enter")


def test_a_command_is_sent_as_whoever_is_chosen_and_its_answer_shown_to_nobody_else(
    still: Page, app: TinyApp
) -> None:
    app.answer = lambda asked: {"text": f"You said _{asked['text']}_."} if "command" in asked else None
    become(still, "Bo Lindqvist")
    write(still, "/incident lead @Ana Silva, see #general")
    expect(messages(still)).to_contain_text("Only visible to you")
    command, people = app.last("command"), app.world.slack.space.people
    assert people[command["user_id"]].real_name == "Bo Lindqvist"
    assert command["command"] == "/incident"
    general = app.world.slack.channel("general").id
    ana = next(one.id for one in people.values() if one.real_name == "Ana Silva")
    assert command["text"] == f"lead <@{ana}|ana.silva>, see <#{general}|general>"
    become(still, "Ana Silva")
    expect(messages(still)).not_to_contain_text("You said")
    become(still, "Bo Lindqvist")
    messages(still).get_by_role("button", name="Dismiss").click()
    expect(messages(still)).not_to_contain_text("You said")
    app.status = 500
    write(still, "/incident help")
    expect(still.locator("#said")).to_have_text("The app answered /incident with an error (500).")
    expect(still.get_by_label("Message", exact=True)).to_have_value("/incident help")


CHOICES = [
    section("*Who* leads?", block_id="lead", accessory={"type": "users_select", "action_id": "who"}),
    {
        "type": "actions",
        "block_id": "more",
        "elements": [
            button("Take it", "take", style="primary"),
            button(
                "Dismiss it",
                "drop",
                style="danger",
                confirm={
                    "title": words("Sure?"),
                    "text": words("Nobody will look."),
                    "confirm": words("Yes, dismiss"),
                    "deny": words("No"),
                },
            ),
            {
                "type": "static_select",
                "action_id": "sev",
                "placeholder": words("Severity"),
                "options": [option("Sev1"), option("Sev2")],
            },
            {"type": "overflow", "action_id": "rest", "options": [option("Roles"), option("Timeline")]},
        ],
    },
]


def test_buttons_choices_and_menus_of_a_message_reach_the_app(still: Page, app: TinyApp) -> None:
    app.web.chat_postMessage(channel="#incidents", text="Who leads?", blocks=CHOICES)
    said = messages(still).get_by_role("listitem").filter(has_text="Who leads?")

    def action(name: str) -> Body:
        """What the app was told; waits for it."""
        world = app.world.world
        assert world.wait_for(lambda: app.last("block_actions")["actions"][0]["action_id"] == name)
        told: Body = app.last("block_actions")
        return told

    said.get_by_label("Who leads?").select_option("Cara Mbeki")
    cara = action("who")["actions"][0]["selected_user"]
    assert app.world.slack.space.people[cara].real_name == "Cara Mbeki"
    said.get_by_label("Severity").select_option("Sev2")
    state = action("sev")["state"]["values"]
    assert state["more"]["sev"]["selected_option"] == option("Sev2")
    assert state["lead"]["who"]["selected_user"] == cara
    said.get_by_label("More actions").click()
    said.get_by_role("button", name="Timeline").click()
    assert action("rest")["actions"][0]["selected_option"]["value"] == "timeline"
    said.get_by_role("button", name="Dismiss it").click()
    expect(still.get_by_role("dialog")).to_contain_text("Nobody will look.")
    still.keyboard.press("Escape")
    said.get_by_role("button", name="Take it").click()
    assert action("take")["message"]["text"] == "Who leads?"
    said.get_by_role("button", name="Dismiss it").click()
    still.get_by_role("button", name="Yes, dismiss").click()
    action("drop")


FORM = modal(
    "Declare",
    section("Open now: INC-41"),
    asked("Title", {"type": "plain_text_input"}, hint=words("One line."), optional=False),
    asked("Service", {"type": "external_select", "min_query_length": 1}, optional=True),
    asked("Impact", {"type": "plain_text_input", "multiline": True}, optional=True),
    asked("Lead", {"type": "users_select"}, optional=True),
    asked("Flags", {"type": "checkboxes", "options": [option("Private"), option("Drill")]}, optional=True),
    asked("Pace", {"type": "radio_buttons", "options": [option("Slow"), option("Fast")]}, optional=True),
    asked("Day", {"type": "datepicker", "initial_date": "2026-11-27"}, optional=True),
    asked("Since", {"type": "datetimepicker", "initial_date_time": 1_795_787_100}, optional=True),
    asked("Until", {"type": "datetimepicker"}, optional=True),
    notify_on_close=True,
)


def declares(app: TinyApp, *answers: Any) -> None:
    """Let the app open the form at a command, and answer its submissions so, one after the other."""
    rest = list(answers)

    def answer(given: Body) -> Body | None:
        if "command" in given:
            app.web.views_open(trigger_id=given["trigger_id"], view=FORM)
        if given.get("type") == "block_suggestion":
            return {"options": [option("Checkout"), option("Search")]}
        said: Body | None = rest.pop(0) if given.get("type") == "view_submission" else None
        return said

    app.answer = answer


def test_a_modal_is_filled_in_corrected_and_sent(still: Page, app: TinyApp) -> None:
    declares(app, {"response_action": "errors", "errors": {"title": "Say a little more."}}, None)
    write(still, "/incident new")
    form = still.get_by_role("dialog", name="Declare")
    expect(form.get_by_label("Title", exact=True)).to_be_focused()
    form.get_by_role("button", name="Send").click()
    expect(form).to_contain_text("Please complete this required field.")
    form.get_by_label("Title").fill("Checkout")
    form.get_by_label("Service").fill("che")
    form.get_by_role("option", name="Checkout").click()
    form.get_by_label("Impact").fill("One\ntwo")
    form.get_by_label("Lead").select_option("Dee Okafor")
    form.get_by_label("Drill").check()
    form.get_by_label("Fast").check()
    form.get_by_label("Until").fill("2026-11-27T14:05")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_label("Title")).to_have_accessible_description("One line. Say a little more.")
    expect(form.get_by_label("Title")).to_be_focused()
    form.get_by_label("Title").fill("Checkout fails")
    form.get_by_role("button", name="Send").click()
    expect(form).to_be_hidden()
    values = app.last("view_submission")["view"]["state"]["values"]
    lead = values["lead"]["lead"].pop("selected_user")
    assert app.world.slack.space.people[lead].real_name == "Dee Okafor"
    assert {name: next(iter(actions.values())) for name, actions in values.items()} == {
        "title": {"type": "plain_text_input", "value": "Checkout fails"},
        "service": {"type": "external_select", "selected_option": option("Checkout")},
        "impact": {"type": "plain_text_input", "value": "One\ntwo"},
        "lead": {"type": "users_select"},
        "flags": {"type": "checkboxes", "selected_options": [option("Drill")]},
        "pace": {"type": "radio_buttons", "selected_option": option("Fast")},
        "day": {"type": "datepicker", "selected_date": "2026-11-27"},
        "since": {"type": "datetimepicker", "selected_date_time": 1_795_787_100},
        "until": {
            "type": "datetimepicker",
            "selected_date_time": still.evaluate("new Date('2026-11-27T14:05') / 1000"),
        },
    }


def test_a_modal_is_changed_covered_and_closed_from_the_keyboard(still: Page, app: TinyApp) -> None:
    update = {"response_action": "update", "view": modal("Second", *FORM["blocks"])}
    push = {"response_action": "push", "view": modal("Third", section("Sure?"), notify_on_close=True)}
    declares(app, update, push)
    write(still, "/incident new")
    still.get_by_role("dialog", name="Declare").get_by_label("Title").fill("Checkout")
    still.keyboard.press("Enter")
    expect(still.get_by_role("dialog", name="Second").get_by_label("Title")).to_have_value("Checkout")
    for _ in range(30):
        still.keyboard.press("Tab")
        assert still.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#modal')"
        )
    still.get_by_role("dialog").get_by_label("Title").focus()
    still.keyboard.press("Enter")
    expect(still.get_by_role("dialog", name="Third")).to_contain_text("Sure?")
    still.keyboard.press("Escape")
    expect(still.get_by_role("dialog", name="Second").get_by_label("Title")).to_have_value("Checkout")
    assert app.last("view_closed")["view"]["title"]["text"] == "Third"
    still.keyboard.press("Escape")
    expect(still.get_by_role("dialog")).to_be_hidden()


def test_a_modal_is_shown_to_the_one_who_asked_and_to_nobody_else(still: Page, app: TinyApp) -> None:
    declares(app)
    app.world.slack.commands("incidents", "Bo Lindqvist", "new")
    become(still, "Bo Lindqvist")
    expect(still.get_by_role("dialog", name="Declare")).to_be_visible()
    still.reload()
    expect(still.get_by_role("dialog", name="Declare")).to_be_visible()
    still.get_by_role("button", name="Close all").click()
    expect(still.get_by_role("dialog")).to_be_hidden()
    app.world.slack.commands("incidents", "Cara Mbeki", "new")
    app.world.slack.person_says("incidents", "Cara Mbeki", "One moment")
    expect(messages(still)).to_contain_text("One moment")
    expect(still.get_by_role("dialog")).to_be_hidden()


def test_only_who_is_in_a_channel_may_write_there_and_private_ones_stay_unseen(
    still: Page, world: Sandbox
) -> None:
    world.slack.add_channel("quiet", ["Ana Silva"])
    world.slack.add_channel("secret", ["Ana Silva"], private=True)
    side = still.get_by_role("navigation")
    side.get_by_role("button", name="#secret").click()
    become(still, "Bo Lindqvist")
    expect(side.get_by_role("button", name="#secret")).to_have_count(0)
    expect(still.locator("#talk").get_by_role("heading", level=2)).to_have_text("#incidents")
    side.get_by_role("button", name="#quiet").click()
    expect(still.locator("#talk")).to_contain_text("Bo Lindqvist is not in #quiet.")
    still.get_by_role("button", name="Join the channel").click()
    write(still, "Hello @sre")
    expect(messages(still)).to_contain_text("Hello @sre")
