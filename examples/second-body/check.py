#!/usr/bin/env python3
"""Compares what the service answers about Three Rivers Ambulance Trust with expected.json.

    check.py BASE TOKEN [--today]

Any role may ask. Prints a line for each difference and ends with 1 if there is one. With --today,
a view that the service does not have is reported but is not a difference, and what needs the fields
in LATER of enter.py is left out.
"""

import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

EXPECTED = json.loads((pathlib.Path(__file__).parent / "expected.json").read_text())
ON = EXPECTED["on"]


class Service:
    """The service, asked about one day."""

    def __init__(self, base, token):
        self.base, self.token = base.rstrip("/"), token

    def ask(self, path, **query):
        """The answer, or nothing if there is no such view."""
        request = urllib.request.Request(
            f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            problem = json.loads(refused.read() or b"{}")
            if refused.code == 404:
                return None
            sys.exit(f"{path}: {refused.code} {problem.get('code', '')}: "
                     f"{problem.get('detail', '')}")

    def pages(self, path, **query):
        """Every row of a list or view, or nothing if there is no such view."""
        rows = []
        while True:
            page = self.ask(path, limit=100, **query)
            if page is None:
                return None
            rows += page["items"]
            if page.get("next_cursor") is None:
                return rows
            query["cursor"] = page["next_cursor"]

    def status_of(self, path, reference):
        """The status of the record with this reference."""
        found = self.ask(path, reference=reference)["items"]
        if not found:
            sys.exit(f"{reference} is not recorded: run enter.py first")
        return self.ask(f"{path}/{found[0]['id']}/status", on=ON)


class Comparison:
    """What was compared, and what differed."""

    def __init__(self):
        self.compared, self.differences, self.left_out = 0, [], 0

    def that(self, holds, about, words):
        """Notes a difference unless it holds."""
        self.compared += 1
        if not holds:
            self.differences.append((about, words))

    def same(self, about, expected, answer, path=""):
        """Compares the members that are expected."""
        for name, value in expected.items():
            if name == "why":
                continue
            where = f"{path}.{name}" if path else name
            given = answer.get(name)
            if isinstance(value, dict):
                self.same(about, value, given or {}, where)
            else:
                self.that(given == value, about, f"{where} is {given}, expected {value}")


def reference(record):
    """The reference of a record, however it is named."""
    return record.get("reference") if isinstance(record, dict) else record


def consequences(finding):
    """What is folded under a finding or a line: pairs of reference and code."""
    also = finding.get("also") or {}
    rows = also.get("items", []) if isinstance(also, dict) else also
    return [(reference(row.get("record", row)), row.get("rule")) for row in rows]


def findings(service):
    """What the service finds: by itself, and folded under what."""
    own, under, gaps = {}, {}, set()
    for view in ["gaps", "contradictions"]:
        for row in service.pages(view, on=ON):
            about = reference(row["record"])
            own.setdefault(about, {})[row["rule"]] = row.get("reason", "")
            if view == "gaps":
                gaps.add((about, row["rule"]))
            for folded in consequences(row):
                under[folded] = about
    return own, under, gaps


def absences(today):
    """Why a code must not be found on a record. A code of `*` means any."""
    return {(about, code): absent["why"] for absent in EXPECTED["absent"]
            if not (today and absent.get("needs") == "all_fields")
            for about in absent["records"] for code in absent["rules"]}


def unasked(today):
    """Records about which nothing is expected without the fields in LATER of enter.py."""
    return {about for absent in EXPECTED["absent"] if today and absent.get("needs") == "all_fields"
            for about in absent["records"]}


def check_findings(service, compare, today):
    own, under, gaps = findings(service)
    why, left_out = absences(today), unasked(today)
    compare.left_out += len(left_out)
    compare.compared += len(why)
    for about in sorted((set(own) | set(EXPECTED["findings"])) - left_out):
        expected = EXPECTED["findings"].get(about, {})
        later = expected.get("all_fields", {})
        wanted, some = list(expected.get("own", [])), expected.get("any")
        allowed = list(expected.get("either", []))
        if later and today:
            compare.left_out += 1
            allowed += later.get("own", [])
        elif later:
            wanted += later.get("own", [])
            some = some or later.get("any")
        found = dict(own.get(about, {}))
        # Further details of a record are folded under the first.
        found |= {code: "" for (ref, code), top in under.items() if ref == top == about}
        folded = {code: cause for cause, codes in expected.get("under", {}).items()
                  for code in codes}
        for code in wanted:
            compare.that(code in found, about, f"{code} is not found")
        others = [c for c in found if c not in wanted and c not in folded and c not in allowed]
        if some:
            compare.that(bool(others), about, f"nothing is found. Expected: {some}")
            others = others[1:]
        for code in others:
            reason = why.get((about, code)) or why.get((about, "*")) or "Not expected."
            compare.that(False, about, f"{code} is found ({found[code].rstrip('.')}). {reason}")
        for code, cause in folded.items():
            # Contradictions are a list of their own; the list of what needs attention joins the two.
            is_gap = (about, code) in gaps
            compare.that(not is_gap or cause == about, about,
                         f"{code} is listed by itself, expected under {cause}")
            compare.that(under.get((about, code), cause) == cause, about,
                         f"{code} is under {under.get((about, code))}, expected under {cause}")
    for about, codes in EXPECTED["found_by_code"].items():
        for code in codes:
            rows = []
            for view in ["gaps", "contradictions"]:
                known = {r["code"] for r in service.ask(f"{view[:-1]}-rules")["items"]}
                rows += service.pages(view, on=ON, rule=code) if code in known else []
            found = {reference(row["record"]) for row in rows}
            found |= {ref for row in rows for ref, _ in consequences(row)}
            compare.that(about in found, about, f"{code} is not found by its code")


def check_attention(service, compare, today):
    expected = EXPECTED["attention"]
    rows = service.pages("attention", on=ON)
    if rows is None:
        print("attention: not there")
        compare.that(today, "attention", "the service has no such view")
        return
    to_do = set(expected["may_also_have_a_line"]) | unasked(today) | {
        about for about, finding in EXPECTED["findings"].items()
        if {"own", "any", "all_fields"} & set(finding)}
    why, places = absences(today), {}
    for place, row in enumerate(rows, 1):
        about = reference(row["record"])
        # A line is about one thing to do, whatever record shows it.
        shown = {about, reference(row["found_on"])} | {ref for ref, _ in consequences(row)}
        compare.that(bool(shown & to_do), about,
                     f"line {place} of attention is about it, for {row['rule']}. "
                     f"{why.get((about, '*'), 'Nothing is to be done there.')}")
        compare.that(about not in places, about,
                     f"line {place} of attention is about it, as is an earlier line")
        places.setdefault(about, (place, row))
    for place, row in enumerate(rows, 1):
        for shown in [row["found_on"]] + [also["record"] for also in row["also"]["items"]]:
            places.setdefault(reference(shown), (place, row))
    for place, line in enumerate(expected["lines"], 1):
        about = line["record"]
        if about not in places:
            compare.that(False, about, f"has no line in attention, expected at {place}")
            continue
        found_place, row = places[about]
        earlier = expected["read_out_earlier"].get(about)
        if earlier:
            print(f"{about}: is line {found_place} of attention; we would read it out as "
                  f"{place}. {earlier}")
            continue
        compare.that(abs(found_place - place) <= expected["places_apart"], about,
                     f"is line {found_place} of attention, expected at {place}: {line['why']}")
        rules = {row["rule"]} | {code for _, code in consequences(row)}
        compare.that("*" in line["rules"] or bool(rules & set(line["rules"])), about,
                     f"its line is for {row['rule']}, expected {' or '.join(line['rules'])}")
        for kind, who in line["must_act"].items():
            given = reference((row.get("must_act") or {}).get(kind) or {})
            compare.that(given == who, about, f"{given} must act ({kind}), expected {who}")
        folded = {ref for ref, _ in consequences(row)}
        for other in line["also"]:
            compare.that(other in folded, about, f"{other} is not folded under its line")
            compare.that(places.get(other, (place, row))[1] is row, other,
                         f"has a line of its own, expected under {about}")


def check_items(service, compare):
    rows = {reference(r["item"]): r for r in service.pages("status/items", on=ON)}
    for about, expected in EXPECTED["items"].items():
        row = rows[about]
        why = f" ({row['computed_by']}: {row['computed_reason']})"
        compare.that(row["computed_rag"] == expected["computed_rag"], about,
                     f"its RAG rating is {row['computed_rag']}{why}, expected "
                     f"{expected['computed_rag']}. {expected.get('why', '')}".strip())
        compare.that("*" in expected["because"] or row["computed_by"] in expected["because"], about,
                     f"the reason is {row['computed_by']}, expected {expected['because']}")
        compare.that(row["computed_by"] not in expected.get("not_because", []), about,
                     f"the reason is {row['computed_by']}, which it is not")


def check_statuses(service, compare):
    for name, path in [("plan_status", "plans"), ("review_status", "audit-reviews"),
                       ("register_status", "risk-registers")]:
        expected = dict(EXPECTED[name])
        about = expected.pop("record")
        refused = expected.pop("computed_rag_not", [])
        answer = service.status_of(path, about)
        compare.same(f"status of {about}", expected, answer)
        reasons = ", ".join(r["cause"] for r in answer["reasons"])
        compare.that(answer["computed_rag"] not in refused, f"status of {about}",
                     f"is {answer['computed_rag']} ({reasons}). {expected.get('why', '')}")
    compare.same("status of everything", EXPECTED["status"], service.ask("status", on=ON))


def check_recommendations(service, compare):
    rows = {reference(r["recommendation"]): r
            for r in service.pages("status/recommendations", on=ON)}
    for about, expected in EXPECTED["recommendations"].items():
        compare.same(about, expected, rows[about])


def check_slippage(service, compare):
    rows = {reference(r["record"]): r for r in service.pages("slippage", on=ON)}
    for about, expected in EXPECTED["slippage"].items():
        row = rows.get(about)
        if row is None:
            compare.that(False, about, "is not in slippage")
            continue
        expected = dict(expected)
        chain, refused = expected.pop("chain", None), expected.pop("can_be_met_not", [])
        compare.same(about, expected, row, "slippage")
        compare.that(row["can_be_met"] not in refused, about,
                     f"slippage.can_be_met is {row['can_be_met']}, which it is not")
        given = [reference(step["record"] or {}) for step in row["chain"]]
        compare.that(chain is None or chain in given, about,
                     f"slippage.chain is {given}, expected {chain}")


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    options = {a for a in sys.argv[1:] if a.startswith("--")}
    if len(arguments) != 2 or options - {"--today"}:
        sys.exit(__doc__)
    today = "--today" in options
    service, compare = Service(*arguments), Comparison()
    check_attention(service, compare, today)
    check_findings(service, compare, today)
    check_items(service, compare)
    check_statuses(service, compare)
    check_recommendations(service, compare)
    check_slippage(service, compare)
    for about, words in compare.differences:
        print(f"{about}: {words}")
    left_out = f", {compare.left_out} left out" if compare.left_out else ""
    print(f"{compare.compared} answers compared, {len(compare.differences)} differences{left_out}")
    sys.exit(1 if compare.differences else 0)


if __name__ == "__main__":
    main()
