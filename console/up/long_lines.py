"""Requests whose line is long: programs put whole scripts into the query (openapi 1.1).

The parser takes lines of any length; only the splitting of the address ends at 65,535 bytes. So a long
query is taken off before the address is split, and put where the application looks for it.
"""

from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SPLIT_MOST = 60_000
# A file at the limit, every byte of it escaped to three, is 75 kB.
LINE_MOST = 256 * 1024
# All headers of a request together.
HEADERS_MOST = 64 * 1024


class LineTooLong(ValueError):
    """Ends the connection with a 400."""


class LongLines(HttpToolsProtocol):
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LINE_MOST:
            raise LineTooLong

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADERS_MOST:
            raise LineTooLong

    def on_headers_complete(self) -> None:
        if len(self.url) <= SPLIT_MOST:
            super().on_headers_complete()
            return
        self.url, _mark, query = self.url.partition(b"?")
        super().on_headers_complete()
        # The application begins in the next turn of the loop.
        cast("dict[str, object]", self.scope)["query_string"] = query.partition(b"#")[0]
