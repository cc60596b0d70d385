"""A browser without a window: it keeps cookies, follows redirects, and fills in forms.

    browser = Browser(server.url)
    browser.sign_in("ada", PASSWORD)
    browser.post("account/tokens", name="laptop", days="30", may="read")

It sends what browsers send with a form of a page of the same site; `site` says what else it is.
"""

import re
from typing import Any

import httpx

PASSWORD = "seven words would be a better one"
FORM_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Browser:
    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.cookies = httpx.Cookies()

    def get(self, path: str, *, follow: bool = True, **headers: str) -> httpx.Response:
        return self._send("GET", path, follow=follow, headers=headers)

    def post(
        self,
        path: str,
        *,
        site: str = "same-origin",
        csrf: str | None = None,
        follow: bool = True,
        **fields: str,
    ) -> httpx.Response:
        """Send a form of the account's page, or another one."""
        if path.startswith("account") and csrf is None:
            csrf = self.form_token()
        sent = {**fields, **({"csrf": csrf} if csrf else {})}
        headers = {"Sec-Fetch-Site": site, "Origin": self.url}
        return self._send("POST", path, follow=follow, data=sent, headers=headers)

    def _send(self, method: str, path: str, *, follow: bool, **options: Any) -> httpx.Response:
        url = path if "://" in path else f"{self.url}/{path}"
        with httpx.Client(cookies=self.cookies, timeout=30) as http:
            answer = http.request(method, url, follow_redirects=follow, **options)
            self.cookies = http.cookies
        return answer

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("sign-in", name=name, password=password)

    def form_token(self) -> str:
        found = FORM_TOKEN.search(self.get("account").text)
        return found[1] if found else ""

    @property
    def is_signed_in(self) -> bool:
        return "Sign out" in self.get("account").text
