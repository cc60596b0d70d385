"""The pages on which people sign in, in a real browser; skipped where there is none."""

import shutil
from pathlib import Path

import pytest
from tests.support.accounts import bind, make_user, quick_passwords
from tests.support.browser import PASSWORD
from tests.support.hosting import hosted_store
from tests.support.serving import serve

CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_somebody_signs_in_makes_a_token_and_signs_out(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    with quick_passwords(), hosted_store(tmp_path) as store:
        make_user(store, "ada")
        bind(store, "ada", "administrator")
    with (
        serve(tmp_path / "store", "--port", "0", "--no-worker") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{server.url}/sign-in/first#the-secret")
        assert page.input_value("[name=secret]") == "the-secret"
        assert page.url == f"{server.url}/sign-in/first"
        page.goto(f"{server.url}/sign-in")
        page.fill("[name=name]", "ada")
        page.fill("[name=password]", PASSWORD)
        page.click("button.main")
        assert page.url == f"{server.url}/account"
        page.fill("[name=name]", "laptop")
        page.click("button.main")
        assert page.inner_text("[role=status] pre").startswith("condarium_")
        page.click("td button")
        assert "laptop" not in page.inner_text("main")
        page.click("text=Sign out")
        assert "Sign in" in page.inner_text("nav.who")
        browser.close()
    assert not said  # the policy of the pages stands in the way of nothing that they need
