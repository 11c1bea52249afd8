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
    # What has come since the parser last told of anything, and of headers in this request.
    _untold_bytes = 0
    _header_bytes = 0

    def data_received(self, data: bytes) -> None:
        """The parser keeps what has begun, and tells of it at its end: it may have none."""
        self._untold_bytes += len(data)
        super().data_received(data)
        if self._untold_bytes > HEADERS_MOST and not self.transport.is_closing():
            self.send_400_response("A header is too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._untold_bytes = self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._untold_bytes = 0
        if len(self.url) > LINE_MOST:
            raise LineTooLong

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._untold_bytes = 0
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADERS_MOST:
            raise LineTooLong

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._untold_bytes = 0

    def on_headers_complete(self) -> None:
        self._untold_bytes = 0
        if len(self.url) <= SPLIT_MOST:
            super().on_headers_complete()
            return
        self.url, _mark, query = self.url.partition(b"?")
        super().on_headers_complete()
        # The application begins in the next turn of the loop.
        cast("dict[str, object]", self.scope)["query_string"] = query.partition(b"#")[0]
