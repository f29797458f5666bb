"""What Schemathesis is told about this service beyond its OpenAPI document."""

import json
import os
import re

import schemathesis

# The account that the run signs in with, and its grants.
OWN = os.environ["OWN"].split()

# Codes of problems about the form of a request, which the document describes.
ABOUT_FORM = {"malformed_body", "invalid_body", "invalid_query", "invalid_header", "invalid_cursor"}


def is_beyond_schema(error):
    """Rules about form that the document says in words."""
    pointer, code = error["pointer"], error["code"]
    return (
        # Said once for all text, not at each field.
        code == "control_character"
        # A cursor is what the service gave, for the same filters.
        or pointer == "?cursor"
        # A time to come is refused: nothing is recorded there yet.
        or pointer == "?as_of"
        # A pattern cannot tell which days there are.
        or (pointer == "?updated_since" and "must be a time such as" in error["detail"])
        # A window ends where it begins or later, and has a longest length.
        or (pointer == "?until" and ("must not be before" in error["detail"] or "ask for a shorter" in error["detail"]))
        # What is compared with must be earlier than what is shown.
        or pointer == "?compare_to"
        # Either a time or a board's last meeting, and that a meeting which was held.
        or pointer in ("?since", "?since_meeting_of")
        # An id of the right form may lead to no record, or to one of another kind.
        or code == "not_found"
        or (pointer == "?with" and "must be the id of a paper" in error["detail"])
        # A digest is 32 bytes, in base64 without stray bits.
        or (pointer in ("Content-Digest", "Repr-Digest") and code == "invalid")
        # A period must exist in the calendar: there is no 2021-W53.
        or (pointer.endswith("/period") and code == "invalid")
        # A field may stand in an order once.
        or (pointer == "?sort" and "twice" in error["detail"])
        # What each `op` needs; as a schema it would cost generated clients a type for each.
        or (code == "required" and re.fullmatch(r"(/operations/\d+)?/(id|if_match|record|patch)", pointer))
    )


@schemathesis.hook
def filter_case(context, case):
    """Leaves the account alone that the run signs in with: without it everything after is 401.

    Leaves out PDF, which only a build with the feature `pdf` writes; tests/api/papers/forms.rs has its refusal.
    """
    if (case.query or {}).get("format") == "pdf":
        return False
    if case.method.upper() in ("GET", "HEAD", "OPTIONS"):
        return True
    sent = json.dumps([case.path_parameters, str(case.body)], default=str)
    return not any(own in sent for own in OWN)


@schemathesis.check
def schema_says_it_all(ctx, response, case):
    """A request that fits the document is never refused for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    errors = [e for e in problem["errors"] if not is_beyond_schema(e)]
    refused = problem["code"] in ABOUT_FORM and (errors or not problem["errors"])
    assert not refused, f"fits the document and is refused as {problem['code']}: {problem['detail']} {errors}"
