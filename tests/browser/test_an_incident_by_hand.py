"""An incident from its first word to its end, run by hand in the page, with the real daemon behind it."""

import pytest
from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=15_000)

CHANNEL = "#inc-1-cards-are-declined"


def message(site: Page, text: str) -> Locator:
    """The newest message on the channel's top level that says so."""
    return site.locator("#messages > li").filter(has_text=text).last


def home(site: Page) -> Locator:
    """Their own page of Multivac, opened now."""
    site.get_by_role("navigation").get_by_role("button", name="Multivac").click()
    return site.get_by_role("region", name="Home")


def form(site: Page, title: str) -> Locator:
    return site.get_by_role("dialog", name=title)


@pytest.mark.slow(20, "a browser and a daemon, through twenty things that a person does")
def test_a_person_declares_leads_tells_ticks_and_resolves_in_the_page(site: Page) -> None:
    site.get_by_label("You act as").select_option("Dee Okafor")
    site.get_by_label("Message", exact=True).fill("/incident declare")
    site.get_by_role("button", name="Send").click()
    asked = form(site, "Declare an incident")
    asked.get_by_label("What is wrong?").fill("Cards are declined")
    asked.get_by_label("How bad is it?").select_option("🔴 SEV1: users cannot work, or data is at risk")
    asked.get_by_role("button", name="Declare").click()
    expect(home(site)).to_contain_text("INC-1")
    site.get_by_role("navigation").get_by_role("button", name=CHANNEL).click()

    call = message(site, "you lead this incident")
    call.get_by_role("button", name="Accept").click()
    expect(message(site, "@Dee Okafor leads this incident, accepted")).to_be_visible()
    headline = message(site, "Multivac keeps this message up to date")

    headline.get_by_role("button", name="Update").click()
    asked = form(site, "Update on INC-1")
    asked.get_by_label("What do we know?").fill("We are rolling back.")
    asked.get_by_role("button", name="Preview").click()
    form(site, "Send this update?").get_by_role("button", name="Send").click()
    expect(message(site, "Update by Dee Okafor")).to_contain_text("We are rolling back.")

    checklist = message(site, "First 5 minutes")
    task = checklist.get_by_role("paragraph").filter(has_text="Name a deputy and a scribe.")
    expect(task).to_contain_text("☐")
    expect(checklist).to_contain_text("☑ Accept the lead")  # else its button is the first one yet
    checklist.get_by_role("button", name="Done").first.click()
    expect(task).to_contain_text("☑ Name a deputy and a scribe. · lead — Dee Okafor")

    headline.get_by_role("button", name="Resolve").click()
    asked = form(site, "Resolve INC-1")
    asked.get_by_label("What fixed it?").fill("Rolled back the release")
    asked.get_by_role("button", name="Resolve").click()
    expect(headline).to_contain_text("What ended it: Rolled back the release")
    expect(home(site)).not_to_contain_text("INC-1")

    site.get_by_role("navigation").get_by_role("button", name=CHANNEL).click()
    headline.get_by_role("button", name="Close").click()
    form(site, "Are you sure?").get_by_role("button", name="Close").click()
    expect(site.locator("#talk")).to_contain_text("Closed")
