"""What a caller does first, with the generated client: create, read, change, page through, and be refused."""

import os
from http import HTTPStatus

from stride_client import AuthenticatedClient
from stride_client.api.service import is_ready
from stride_client.api.units import compare_unit_versions, create_unit, get_unit, list_units, update_unit
from stride_client.models import ProblemBody, ProblemCode, Unit, UnitInput, UnitKind, UnitPage, UnitPatch

client = AuthenticatedClient(base_url=os.environ["BASE"], token=os.environ["TOKEN"])

ready = is_ready.sync_detailed(client=client)
assert ready.status_code == HTTPStatus.OK, ready

created = []
for n in range(5):
    draft = UnitInput(title=f"Python unit {n}", unit_kind=UnitKind.UNIT, aliases=["Généré", "生成"])
    answer = create_unit.sync_detailed(client=client, body=draft, idempotency_key=f"python-{os.getpid()}-{n}")
    assert answer.status_code == HTTPStatus.CREATED and isinstance(answer.parsed, Unit), answer
    assert answer.headers["location"].endswith(str(answer.parsed.id)), answer.headers
    created.append(answer.parsed)

first = created[0]
read = get_unit.sync_detailed(client=client, id=first.id)
assert read.parsed == first, (read.parsed, first)
etag = read.headers["etag"]

patch = UnitPatch(description="Changed by a generated client")
changed = update_unit.sync_detailed(client=client, id=first.id, body=patch, if_match=etag, reason="a test")
assert isinstance(changed.parsed, Unit), changed
assert changed.parsed.description == patch.description and changed.parsed.title == first.title, changed
assert changed.parsed.version == 2 and changed.parsed.updated_at >= first.updated_at, changed

stale = update_unit.sync_detailed(client=client, id=first.id, body=patch, if_match=etag)
assert stale.status_code == HTTPStatus.PRECONDITION_FAILED and isinstance(stale.parsed, ProblemBody), stale
assert stale.parsed.code is ProblemCode.VERSION_MISMATCH, stale

wrong = create_unit.sync_detailed(client=client, body=UnitInput(title="", unit_kind=UnitKind.UNIT))
assert wrong.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and isinstance(wrong.parsed, ProblemBody), wrong
assert [e.pointer for e in wrong.parsed.errors] == ["/title"], wrong

difference = compare_unit_versions.sync(client=client, id=first.id, from_=1, to=2)
assert [c.pointer for c in difference.changes] == ["/description"], difference

found, cursor = [], {}
while True:
    page = list_units.sync(client=client, limit=2, sort=["title"], q="python unit", **cursor)
    assert isinstance(page, UnitPage), page
    found += page.items
    if page.next_cursor is None:
        break
    cursor = {"cursor": page.next_cursor}
assert [u.title for u in found] == [f"Python unit {n}" for n in range(5)], found

kinds = [UnitKind.UNIT, UnitKind.BUSINESS_GROUP]
page = list_units.sync(client=client, q="python unit", unit_kind=kinds)
assert isinstance(page, UnitPage) and len(page.items) == 5, page
none = list_units.sync(client=client, q="python unit", unit_kind=kinds[1:])
assert isinstance(none, UnitPage) and none.items == [], none

before = list_units.sync(client=client, as_of="2017-06-29T12:00:00Z")
assert isinstance(before, UnitPage) and before.items == [], before
then = list_units.sync(client=client, as_of="2017-06-30", title="cpie")
assert isinstance(then, UnitPage) and then.items == [], then

print("python client: create, read, change, pages, problems and the past work")
