"""A stranger gives a colleague read-only access, and what the colleague then sees and may not do."""

from playwright.sync_api import expect

NAME = "colin"


def test_a_colleague_is_let_in_to_look_and_nothing_more(visit, house):
    page = visit()
    page.goto("console/")
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_role("link", name="Create user").click()
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_text("Read only", exact=True).click()
    page.get_by_role("button", name="Create user").click()
    password = page.locator("#password").text_content()

    theirs = visit(NAME, password)
    new = "a password of my own"
    theirs.get_by_label("Current password").fill(password)
    theirs.get_by_label("New password", exact=True).fill(new)
    theirs.get_by_label("New password, once more").fill(new)
    theirs.get_by_role("button", name="Change password").click()
    theirs.get_by_role("link", name="Managed instances", exact=True).click()
    theirs.locator("#instances .name").first.click()

    expect(theirs.get_by_role("link", name="Run command…")).to_have_attribute("aria-disabled", "true")
    expect(theirs.get_by_role("link", name="Deregister…")).to_have_attribute(
        "title", "You need ecs:DeregisterManagedInstance. Ask an administrator."
    )
    theirs.goto("console/access/users/")
    expect(theirs.get_by_role("heading")).to_contain_text(f"{NAME} may not see users: ram:ListUsers")
    theirs.get_by_role("link", name="Why?").click()
    expect(theirs.locator("main")).to_contain_text("Denied")


def test_a_page_that_is_open_hears_that_its_policy_was_taken_away(visit, house):
    made = house.document("create_user", "wanda", "--policy", "AliyunECSReadOnlyAccess")
    page = visit("wanda", made["Password"])
    page.goto("console/instances/")
    expect(page.locator("#instances .name").first).to_be_visible()
    expect(page.locator("[data-live-state]")).to_have_text("live")

    house.document("detach_policy", "AliyunECSReadOnlyAccess", "--user", "wanda", "--yes")

    expect(page.locator("#notices")).to_contain_text("wanda may not see managed instances")
