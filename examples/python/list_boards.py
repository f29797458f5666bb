#!/usr/bin/env python3
"""Lists every board with its kind, page by page. Needs nothing but Python and the service:

BASE=http://127.0.0.1:8080 TOKEN=$(cargo run -q -- token --role viewer) examples/python/list_boards.py
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ.get("BASE", "http://127.0.0.1:8080")
TOKEN = os.environ["TOKEN"]


def pages(path, **query):
    """The records of a list, however many pages it has."""
    while True:
        request = urllib.request.Request(
            f"{BASE}{path}?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]


def main():
    try:
        for board in pages("/api/v1/boards", sort="title", limit=100):
            print(f"{board['reference']:<20} {board['board_kind']:<22} {board['title']}")
    except urllib.error.HTTPError as refused:
        # Every refusal is a problem (RFC 9457): the detail is for people, the code for programs.
        problem = json.load(refused)
        sys.exit(f"{problem['status']} {problem['code']}: {problem['detail']}")


if __name__ == "__main__":
    main()
