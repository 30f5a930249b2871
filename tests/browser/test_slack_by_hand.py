"""The sandbox's page as Slack's client: threads, reactions, pins, one's own messages, shortcuts, App Home."""

from playwright.sync_api import Locator, Page, expect

from integrations.sandbox.server import Sandbox
from tests.browser.tiny import Body, TinyApp, button, section

expect.set_options(timeout=15_000)


def message(site: Page, text: str) -> Locator:
    """The message on the channel's top level that says so."""
    return site.locator("#messages > li").filter(has_text=text)


def choose(site: Page, text: str, entry: str) -> None:
    """Choose an entry of a message's menu."""
    said = message(site, text)
    said.hover()
    said.get_by_label("More for this message").first.click()
    said.get_by_role("button", name=entry).first.click()


def test_reactions_pins_and_shortcuts_are_put_on_a_message_and_taken_off(still: Page, app: TinyApp) -> None:
    ts = app.world.slack.person_says("incidents", "Bo Lindqvist", "Rollback started")
    app.world.slack.person_reacts("incidents", "Cara Mbeki", ts=ts, name="eyes")
    choose(still, "Rollback started", "React with pushpin")
    pushpin = message(still, "Rollback started").get_by_role("button", name="pushpin, 1: Ana Silva")
    expect(pushpin).to_have_attribute("aria-pressed", "true")
    assert app.last("reaction_added")["reaction"] == "pushpin"
    pushpin.click()
    expect(pushpin).to_have_count(0)
    message(still, "Rollback started").get_by_role("button", name="eyes, 1").click()
    expect(
        message(still, "Rollback started").get_by_role("button", name="eyes, 2: Cara Mbeki and Ana Silva")
    ).to_be_visible()
    choose(still, "Rollback started", "Pin to the channel")
    expect(message(still, "Rollback started")).to_contain_text("Pinned")
    assert app.last("pin_added")["item"]["message"]["ts"] == ts
    choose(still, "Rollback started", "Unpin from the channel")
    assert app.last("pin_removed")["has_pins"] is False
    choose(still, "Rollback started", "Add to timeline")
    action = app.last("message_action")
    assert (action["callback_id"], action["message_ts"]) == ("timeline", ts)
    still.get_by_label("Shortcuts").click()
    still.get_by_role("button", name="Declare an incident").click()
    assert app.last("shortcut")["callback_id"] == "declare"


def test_a_thread_is_read_and_answered_under_its_message(still: Page, app: TinyApp) -> None:
    slack = app.world.slack
    ts = slack.person_says("incidents", "Bo Lindqvist", "Rollback started, see https://example.com/r/7.")
    slack.person_says("incidents", "Cara Mbeki", "How long?", thread_ts=ts)
    said = message(still, "Rollback started")
    expect(said.get_by_role("list", name="Thread")).to_have_count(0)
    expect(said.get_by_role("link")).to_have_attribute("href", "https://example.com/r/7")
    said.get_by_role("button", name="1 reply").click()
    expect(said.get_by_role("list", name="Thread")).to_contain_text("How long?")
    reply = said.get_by_label("Reply in the thread")
    reply.fill("Ten min")
    slack.person_says("incidents", "Dee Okafor", "Two minutes", thread_ts=ts)
    expect(said.get_by_role("list", name="Thread")).to_contain_text("Two minutes")
    expect(reply).to_be_focused()
    still.keyboard.type("utes")
    still.keyboard.press("Enter")
    expect(said.get_by_role("list", name="Thread")).to_contain_text("Ten minutes")
    expect(reply).to_have_value("")
    assert slack.channel("incidents").messages[-1]["thread_ts"] == ts
    ana = next(one.id for one in slack.space.people.values() if one.real_name == "Ana Silva")
    app.web.chat_postEphemeral(channel=slack.channel("incidents").id, user=ana, text="Psst", thread_ts=ts)
    expect(said.get_by_role("list", name="Thread")).to_contain_text("Only visible to you")


def test_commands_names_and_channels_are_completed_while_one_types(still: Page, app: TinyApp) -> None:
    box = still.get_by_label("Message", exact=True)
    expect(still.get_by_label("Shortcuts")).to_be_visible()
    box.press_sequentially("/in")
    expect(still.get_by_role("option", name="/incident")).to_contain_text("Run an incident")
    box.press("Enter")
    box.press_sequentially("lead @lin")
    expect(still.locator("#usage")).to_have_text("/incident new | list | help")
    box.press("Tab")
    box.press_sequentially("in #gen")
    box.press("Escape")
    expect(still.get_by_role("listbox", name="Suggestions")).to_be_hidden()
    expect(box).to_have_value("/incident lead @Bo Lindqvist in #gen")
    box.press("Enter")
    bo = next(one.id for one in app.world.slack.space.people.values() if one.real_name == "Bo Lindqvist")
    assert app.last("command")["text"] == f"lead <@{bo}|bo.lindqvist> in #gen"


def test_ones_own_message_is_edited_and_deleted(still: Page, app: TinyApp) -> None:
    still.get_by_label("Message", exact=True).fill("I lead, @Bo Lindqvist & co")
    still.keyboard.press("Enter")
    choose(still, "I lead", "Edit")
    editing = still.get_by_label("Edit the message")
    expect(editing).to_have_value("I lead, @Bo Lindqvist & co")
    editing.fill("We lead")
    still.keyboard.press("Enter")
    expect(message(still, "We lead")).to_contain_text("Edited")
    choose(still, "We lead", "Delete")
    still.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(message(still, "We lead")).to_have_count(0)
    still.get_by_label("You act as").select_option("Bo Lindqvist")
    app.world.slack.person_says("incidents", "Ana Silva", "Not yours")
    said = message(still, "Not yours")
    said.hover()
    said.get_by_label("More for this message").click()
    expect(said.get_by_role("button", name="Pin to the channel")).to_be_visible()
    expect(said.get_by_role("button", name="Delete")).to_have_count(0)


def test_the_apps_home_and_messages_are_those_of_whoever_is_chosen(still: Page, app: TinyApp) -> None:
    def answer(given: Body) -> Body | None:
        if given.get("type") == "app_home_opened" and given["tab"] == "home":
            name = app.world.slack.space.people[given["user"]].real_name
            home = {
                "type": "home",
                "blocks": [section(f"Hello {name}", accessory=button("Declare", "declare"))],
            }
            app.web.views_publish(user_id=given["user"], view=home)
        return None

    app.answer = answer
    side = still.get_by_role("navigation")
    side.get_by_role("button", name="Multivac").click()
    home = still.get_by_role("region", name="Home")
    expect(home).to_contain_text("Hello Ana Silva")
    home.get_by_role("button", name="Declare").click()
    assert app.last("block_actions")["container"]["view_id"]
    still.get_by_role("button", name="Messages", exact=True).click()
    still.get_by_label("Message", exact=True).fill("help")
    still.keyboard.press("Enter")
    expect(message(still, "help")).to_be_visible()
    assert app.last("message")["channel_type"] == "im"
    still.get_by_label("You act as").select_option("Bo Lindqvist")
    expect(still.locator("#talk").get_by_role("heading", level=2)).to_have_text("#incidents")
    side.get_by_role("button", name="Multivac").click()
    expect(home).to_contain_text("Hello Bo Lindqvist")
    expect(message(still, "help")).to_have_count(0)


def test_a_channel_is_changed_from_its_menu(still: Page, world: Sandbox) -> None:
    world.slack.add_channel("inc-1", ["Ana Silva", "multivac"])
    still.get_by_role("navigation").get_by_role("button", name="#inc-1").click()

    def deed(entry: str) -> None:
        still.get_by_label("More for this channel").click()
        still.get_by_role("button", name=entry, exact=True).click()

    deed("Add somebody…")
    still.get_by_role("dialog").get_by_label("Who").select_option("Cara Mbeki")
    still.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(still.locator("#messages")).to_contain_text("Cara Mbeki joined the channel, invited by Ana Silva")
    deed("Rename…")
    still.get_by_role("dialog").get_by_label("Name").fill("inc-1-checkout")
    still.keyboard.press("Enter")
    expect(still.locator("#talk").get_by_role("heading", level=2)).to_have_text("#inc-1-checkout")
    deed("Archive")
    expect(still.locator("#talk")).to_contain_text("This channel is archived.")
    deed("Unarchive")
    deed("Leave")
    expect(still.locator("#talk")).to_contain_text("Ana Silva is not in #inc-1-checkout.")
