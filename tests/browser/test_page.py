"""The sandbox's page: the response before one's eyes, live, whatever titles say and however one looks."""

from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from integrations.sandbox.server import Sandbox
from multivac.demo.stage import Stage
from tests.browser.conftest import Complaints

TITLE = "Checkout fails with error 500"
CHANNEL = "#inc-1-checkout-fails-with-error-500"

expect.set_options(timeout=15_000)


def trigger(site: Page, title: str = TITLE, service: str = "checkout") -> None:
    site.get_by_role("button", name="Trigger an alert").click()
    dialog = site.get_by_role("dialog")
    dialog.get_by_label("What is wrong").fill(title)
    dialog.get_by_label("Service").select_option(service)
    dialog.get_by_role("button", name="Trigger", exact=True).click()


def talk(site: Page) -> Locator:
    return site.locator("#talk")


def messages(site: Page) -> Locator:
    return site.get_by_role("region", name="Messages")


def pagerduty(site: Page) -> Locator:
    return site.get_by_role("region", name="PagerDuty")


def jira(site: Page) -> Locator:
    return site.get_by_role("region", name="Jira")


def channel(site: Page, name: str) -> Locator:
    return site.get_by_role("navigation").get_by_role("button", name=name)


def test_an_alert_becomes_a_response_before_ones_eyes(site: Page) -> None:
    site.evaluate("document.body.dataset.loaded = 'once'")
    expect(messages(site)).to_contain_text("All is quiet here")
    trigger(site)
    expect(site.locator("#said")).to_have_text(f"{CHANNEL} has just been opened: you are looking at it now.")
    expect(talk(site).get_by_role("heading", level=2)).to_have_text(CHANNEL)
    expect(talk(site)).to_contain_text(f"SEV2 · Triage · INC-1 · {TITLE}")
    headline = (
        messages(site).get_by_role("listitem").filter(has_text="Multivac keeps this message up to date")
    )
    expect(headline.get_by_role("heading", level=3)).to_contain_text(f"SEV2 · INC-1 · {TITLE}")
    expect(headline).to_contain_text("Dee Okafor")
    expect(headline).to_contain_text("Pinned")
    expect(headline).to_contain_text("Edited")
    expect(messages(site).get_by_role("heading", name="First 5 minutes")).to_be_visible()
    expect(messages(site)).to_contain_text("@Dee Okafor, you lead this incident.")
    expect(messages(site)).to_contain_text("joined the channel, invited by Multivac")
    expect(talk(site).get_by_text("5 members")).to_be_visible()
    expect(talk(site).get_by_text("1 pinned")).to_be_visible()
    expect(talk(site).get_by_role("list", name="Bookmarks")).to_contain_text("PagerDutyOPS-1")
    expect(jira(site)).to_contain_text("Dee Okafor")
    expect(jira(site).get_by_role("heading", level=3)).to_have_text(f"INC-1 {TITLE}")
    expect(pagerduty(site)).to_contain_text(f"Response INC-1 is in the Slack channel {CHANNEL}")
    assert site.evaluate("document.body.dataset.loaded") == "once"


def test_times_are_those_of_whoever_looks(browser: Browser, world: Sandbox, complaints: Complaints) -> None:
    """Whoever is chosen, as in Slack; not those of the browser, which may be anywhere."""
    seconds = int(world.world.clock.now().timestamp()) // 86400 * 86400
    world.slack.person_says(
        "general", "Bo Lindqvist", f"Due <!date^{seconds}^at {{time}}|in vain>, says <@U0MULTIVAC>"
    )
    context = browser.new_context(timezone_id="Asia/Kolkata", locale="en-GB")
    page = complaints.watch(context.new_page())
    page.goto(f"{world.url}/#general")
    page.get_by_label("You act as").select_option("Cy Tanaka")
    page.get_by_role("navigation").get_by_role("button", name="#general").click()
    expect(messages(page)).to_contain_text("Due at 9:00, says @Multivac")  # in Tokyo
    context.close()


def test_what_others_do_appears_without_a_reload(still: Page, world: Sandbox) -> None:
    channel(still, "#general").click()
    for number in range(40):
        world.slack.person_says("general", "Bo Lindqvist", f"Line {number}")
    expect(messages(still)).to_contain_text("Line 39")
    expect(messages(still).get_by_text("Line 39")).to_be_in_viewport()
    messages(still).evaluate("box => { box.scrollTop = 0; }")
    world.slack.person_says("general", "Cara Mbeki", "And *one* more")
    below = still.get_by_role("button", name="New messages below")
    expect(below).to_be_visible()
    assert messages(still).evaluate("box => box.scrollTop") == 0
    below.click()
    expect(messages(still).get_by_text("And one more")).to_be_in_viewport()
    expect(messages(still).locator("strong", has_text="one")).to_be_visible()
    expect(still.get_by_role("status")).to_have_text("Cara Mbeki: And one more")
    world.slack.person_says("incidents", "Bo Lindqvist", "Elsewhere")
    expect(channel(still, "#incidents")).to_contain_text("1 new")
    channel(still, "#incidents").click()
    expect(channel(still, "#incidents")).not_to_contain_text("new")


def test_somebody_runs_multivac_and_asks_how_it_fares(site: Page) -> None:
    site.get_by_label("You act as").select_option("Gus Moreau")
    expect(site.get_by_text("Platform, runs Multivac · Montreal")).to_be_visible()
    site.get_by_label("Message", exact=True).fill("/incident doctor")
    site.get_by_role("button", name="Send").click()
    expect(messages(site)).to_contain_text("PagerDuty")


def test_people_speak_acknowledge_write_notes_and_resolve(site: Page, stage: Stage) -> None:
    trigger(site)
    expect(talk(site).get_by_role("heading", level=2)).to_have_text(CHANNEL)
    site.get_by_label("You act as").select_option("Bo Lindqvist")
    site.get_by_label("Message", exact=True).fill("1 < 2 & *bold*")
    site.get_by_role("button", name="Send").click()
    expect(messages(site).get_by_role("listitem").filter(has_text="1 < 2 & bold")).to_contain_text(
        "Bo Lindqvist"
    )
    pagerduty(site).get_by_role("button", name="Acknowledge").click()
    expect(pagerduty(site)).to_contain_text("Acknowledged byBo Lindqvist")
    pagerduty(site).get_by_label("Note").fill("It was the deploy")
    pagerduty(site).get_by_role("button", name="Add note").click()
    expect(pagerduty(site)).to_contain_text("It was the deploy")
    pagerduty(site).get_by_role("button", name="Resolve").click()
    expect(pagerduty(site).get_by_role("button", name="Resolve")).to_be_disabled()
    expect(messages(site)).to_contain_text("Bo Lindqvist resolved the alert")
    (incident,) = stage.world.pagerduty.state()["incidents"]
    assert incident["status"] == "resolved"


def test_time_passes_at_the_press_of_a_button(site: Page) -> None:
    trigger(site)
    expect(messages(site).get_by_role("heading", name="First 5 minutes")).to_be_visible()
    site.get_by_role("button", name="+10 min").click()
    expect(messages(site).get_by_role("heading", name="Stabilise")).to_be_visible()


def test_a_broken_vendor_is_mended_by_the_same_tick(site: Page, stage: Stage) -> None:
    site.get_by_text("Break something").click()
    down = site.get_by_label("Jira is down")
    down.check()
    expect(site.locator("#said")).to_contain_text("Broken as you wished")
    trigger(site)
    expect(messages(site).get_by_role("heading", name="First 5 minutes")).to_be_visible()
    expect(jira(site)).to_contain_text("No ticket yet")
    down.uncheck()
    stage.world.world.wait_for(lambda: not stage.world.world.faults)
    site.get_by_role("button", name="+1 min").click()
    expect(jira(site)).to_contain_text("OPS-1")


def test_links_to_ticket_and_alert_lead_to_where_the_page_shows_them(site: Page, stage: Stage) -> None:
    trigger(site)
    expect(jira(site)).to_contain_text("OPS-1")
    stage.world.pagerduty.trigger("Something else", "edge")
    expect(jira(site).get_by_label("Which ticket")).to_be_visible()
    channel(site, CHANNEL).click()
    expect(pagerduty(site).get_by_role("heading", level=3)).to_have_text(TITLE)
    expect(jira(site).get_by_role("heading", level=3)).to_have_text(f"INC-1 {TITLE}")
    pagerduty(site).get_by_label("Which alert").select_option(index=1)
    expect(pagerduty(site).get_by_role("heading", level=3)).to_have_text("Something else")
    talk(site).get_by_role("list", name="Bookmarks").get_by_role("link", name="PagerDuty").click()
    expect(pagerduty(site).get_by_role("heading", level=3)).to_have_text(TITLE)


def test_the_page_does_not_drag_away_who_has_just_chosen(still: Page, world: Sandbox) -> None:
    channel(still, "#general").click()
    world.slack.add_channel("inc-9-new", ["multivac", "Ana Silva"])
    world.slack.person_says("inc-9-new", "Ana Silva", "Here")
    expect(still.locator("#said")).to_have_text("#inc-9-new has just been opened.")
    expect(talk(still).get_by_role("heading", level=2)).to_have_text("#general")


HOSTILE = (
    "<img src=x onerror=\"document.title='gone'\"><script>document.title='gone'</script>"
    " <!channel> <javascript:alert(1)|click> *bold* &lt;b&gt; \u202eevil\u202c"
)


def test_hostile_words_are_shown_and_do_nothing(site: Page, stage: Stage) -> None:
    trigger(site, HOSTILE)
    expect(messages(site).get_by_role("heading", name="First 5 minutes")).to_be_visible()
    expect(pagerduty(site).get_by_role("heading", level=3)).to_have_text(HOSTILE.replace("  ", " "))
    expect(talk(site)).to_contain_text("<img src=x onerror=")
    expect(jira(site)).to_contain_text("<script>document.title='gone'</script>")
    stage.world.slack.person_says("incidents", "Ana Silva", HOSTILE)
    channel(site, "#incidents").click()
    expect(messages(site)).to_contain_text("@channel click bold")
    assert site.locator("img, iframe, main script").count() == 0
    addresses = site.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert all(address.startswith(("#", "http://", "https://", "jira/browse/")) for address in addresses)
    assert "gone" not in site.title()


def test_the_browser_is_told_to_run_nothing_else(world: Sandbox, page: Page) -> None:
    answer = page.goto(f"{world.url}/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"):
        assert rule in policy.split("; ")
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))"
    )
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"https://example.com/x.png\">')")
    page.wait_for_function("true")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in said)


def focused(site: Page) -> str:
    return str(site.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))


def tab_to(site: Page, name: str) -> None:
    """Press Tab until the focus is on what reads so."""
    for _ in range(60):
        site.keyboard.press("Tab")
        if focused(site).startswith(name):
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


def test_everything_can_be_done_from_the_keyboard(site: Page) -> None:
    expect(channel(site, "#incidents")).to_be_visible()
    site.keyboard.press("Tab")
    assert focused(site) == "Skip to the conversation"
    site.keyboard.press("Enter")
    assert site.evaluate("document.activeElement.id") == "talk"
    site.reload()
    expect(channel(site, "#incidents")).to_be_visible()
    tab_to(site, "Trigger an alert")
    site.keyboard.press("Enter")
    expect(site.get_by_role("dialog")).to_be_visible()
    site.keyboard.press("Escape")
    expect(site.get_by_role("dialog")).to_be_hidden()
    assert focused(site) == "Trigger an alert"
    site.keyboard.press("Enter")
    site.keyboard.type("Edge is down")
    site.keyboard.press("Enter")
    expect(talk(site).get_by_role("heading", level=2)).to_contain_text("#inc-1-")
    tab_to(site, "Join the channel")
    site.keyboard.press("Enter")
    expect(site.get_by_label("Message", exact=True)).to_be_focused()
    site.keyboard.type("I am on it")
    site.keyboard.press("Enter")
    expect(messages(site)).to_contain_text("I am on it")
    assert focused(site) == "words"
    tab_to(site, "Acknowledge")
    site.keyboard.press("Enter")
    expect(pagerduty(site)).to_contain_text("Acknowledged byAna Silva")
    site.reload()
    expect(talk(site).get_by_role("heading", level=2)).to_contain_text("#inc-1-")
    tab_to(site, "#general")
    site.keyboard.press("Enter")
    expect(talk(site).get_by_role("heading", level=2)).to_have_text("#general")
    assert focused(site).startswith("#general")


def test_on_a_narrow_screen_one_part_shows_at_a_time(narrow: Page, tmp_path: Path) -> None:
    trigger(narrow)
    expect(talk(narrow).get_by_role("heading", level=2)).to_have_text(CHANNEL)
    views = narrow.get_by_role("group", name="What to show")
    for name, part in (
        ("Alert, ticket", jira(narrow)),
        ("Channels", channel(narrow, CHANNEL)),
        ("Chat", messages(narrow)),
    ):
        views.get_by_role("button", name=name).click()
        expect(part).to_be_visible()
        expect(views.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        assert narrow.evaluate("document.documentElement.scrollWidth") <= 320
        narrow.screenshot(path=tmp_path / f"{name}.png")
    views.get_by_role("button", name="Channels").click()
    channel(narrow, "#general").click()
    expect(talk(narrow).get_by_role("heading", level=2)).to_be_visible()


# WCAG 2.2, 1.4.3: contrast of each text against what is painted behind it.
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const said = walker.currentNode.textContent.trim().slice(0, 40);
    if (!said || !element.checkVisibility() || element.closest(".unseen, .skip, :disabled")) continue;
    const layers = [];
    const style = (one) => getComputedStyle(one);
    for (let one = element; one; one = one.parentElement) layers.unshift(style(one).backgroundColor);
    const [back, text] = [light(paint(layers)), light(paint([...layers, style(element).color]))];
    const contrast = (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${said}`);
  }
  return faint;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_can_be_read_in_both_colour_schemes(
    browser: Browser, stage: Stage, complaints: Complaints, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    site = complaints.watch(context.new_page())
    site.goto(f"{stage.world.url}/")
    trigger(site)
    expect(messages(site)).to_contain_text("you lead this incident")
    expect(jira(site)).to_contain_text("OPS-1")
    for part in site.locator("details > summary").all():
        if part.is_visible():
            part.click()
    assert site.evaluate(FAINT) == []
    site.screenshot(path=tmp_path / f"{scheme}.png")
    backgrounds = site.evaluate("getComputedStyle(document.body).backgroundColor")
    assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(26, 29, 33)"}[scheme]
    context.close()


def test_everything_has_a_name_and_a_place(site: Page) -> None:
    trigger(site)
    expect(messages(site)).to_contain_text("you lead this incident")
    expect(site.get_by_role("banner")).to_have_count(1)
    expect(site.get_by_role("navigation")).to_have_count(1)
    expect(site.get_by_role("main")).to_have_count(1)
    controls = site.locator("button, select, input, textarea, a, summary").locator("visible=true")
    unnamed = controls.evaluate_all(
        "all => all.filter(one => !(one.textContent.trim() || one.labels?.length || one.ariaLabel))"
        ".map(one => one.outerHTML)"
    )
    assert unnamed == []
    small = site.locator("button:visible, select:visible").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
    )
    assert small == []
    assert site.locator("[aria-live], [role=status], [role=alert], [role=log]").count() == 1
    assert site.evaluate("document.documentElement.lang") == "en"
    levels = site.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_who_looks_is_told_when_the_sandbox_goes(page: Page, world: Sandbox) -> None:
    page.goto(f"{world.url}/")
    expect(messages(page)).to_be_visible()
    world.stop()
    expect(page.locator("#said")).to_contain_text("The connection to the sandbox is lost")
