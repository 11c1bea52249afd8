"""What the page of a run on 10,000 instances costs the browser while 2,000 reports come in.

Chromium beside a real console; the instances are rows. The longest time that the page was blocked, the main thread's
own CPU, and what each live part asked for.
"""

import argparse
from collections import defaultdict

from playwright.sync_api import expect, sync_playwright

from bench.consoles import console, workshop
from bench.report import show, spin
from tests.end_to_end.conftest import CHROMIUM_FLAGS, PASSWORD, browser_path
from tests.up.house import Hands
from tests.waiting import PATIENCE_SECONDS

REPORTED = 2000
# Whatever blocks a page for 50 ms or more; the browser does not tell of less.
WATCH = """
    window.blocked = [];
    new PerformanceObserver((seen) => window.blocked.push(...seen.getEntries().map((task) => task.duration)))
        .observe({ type: "longtask" });
"""
# What the main thread did, in its own CPU time: others on the machine do not count.
WORK = {
    "TaskDuration": "all",
    "ScriptDuration": "script",
    "LayoutDuration": "layout",
    "RecalcStyleDuration": "style",
}


class Round:
    """One page, from when it is live until it shows the last report."""

    def __init__(self, page, crowd):
        self.page, self.crowd = page, crowd
        self.answers = defaultdict(list)
        self.chrome = page.context.new_cdp_session(page)
        self.chrome.send("Performance.enable", {"timeDomain": "threadTicks"})

    def run(self):
        invocation = self.crowd("begin")
        self.page.goto(f"console/invocations/{invocation}/")
        expect(self.page.locator("[data-live-state]")).to_have_text("live")
        self.page.evaluate(WATCH)
        self.page.on("requestfinished", self.note)
        before = self.work()
        self.crowd("report", invocation=invocation, number=REPORTED)
        expect(self.page.locator("#invocation-status")).to_contain_text(f"{REPORTED} Task Completed")
        after = self.work()
        self.cpu = {name: (after[key] - before[key]) * 1000 for key, name in WORK.items()}
        self.blocked = max(self.page.evaluate("window.blocked"), default=0.0)
        self.page.remove_listener("requestfinished", self.note)
        self.page.goto("about:blank")
        self.crowd("end")

    def note(self, request):
        part = request.headers.get("hx-target")
        if part:
            self.answers[part].append(request)

    def work(self):
        metrics = self.chrome.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in metrics}

    def fetched(self):
        """Part → the bytes of each of its answers."""
        return {
            part: [request.sizes()["responseBodySize"] for request in requests]
            for part, requests in self.answers.items()
        }


def sign_in(page):
    page.goto("console/sign-in/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("nav").first).to_be_visible()


def measure(page, crowd, rounds):
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    sign_in(page)
    done = []
    for _ in range(rounds):
        done.append(Round(page, crowd))
        done[-1].run()
    noise = {"reports": REPORTED, "spin_ms": round(spin(), 1)}
    show(
        "browser: longest time blocked (0: below 50)",
        "chromium",
        [one.blocked for one in done],
        "ms",
        **noise,
    )
    for name in WORK.values():
        show(f"browser: CPU of the main thread, {name}", "chromium", [one.cpu[name] for one in done], "ms")
    fetched = [one.fetched() for one in done]
    for part in sorted(set().union(*fetched)):
        sizes = [size for one in fetched for size in one.get(part, [])]
        fetches = [len(one.get(part, [])) for one in fetched]
        show(f"browser: fetches of #{part}", "chromium", fetches, "fetches", largest_bytes=max(sizes))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with workshop() as folder, console(folder, "--no-local-agent", ADMIN_PASSWORD=PASSWORD) as house:
        crowd = Hands(house.folder, "tests.end_to_end.crowd")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=CHROMIUM_FLAGS)
            page = browser.new_page(base_url=house.url)
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            measure(page, crowd, options.rounds)
            browser.close()
        crowd.end()


if __name__ == "__main__":
    main()
