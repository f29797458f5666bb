#!/usr/bin/env python3
"""Enters the records of Three Rivers Ambulance Trust (see README.md) into an empty database.

    enter.py BASE TOKEN...

An administrator's token is enough: for each role in KEPT_BY_ROLE without a token of its own, the
script makes a service account. Whoever claims and whoever verifies must have different accounts, so
tokens from the command line, which share one, will not do for both. Needs Python 3 and the service.
Each record has an idempotency key, so that a run that was interrupted can be repeated within a day.
The first refusal ends the run, with the problem's detail.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

# ---------------------------------------------------------------------------------------------
# Fields that say how a record is to be judged, by reference. A value that begins with @ is a
# reference.
JUDGED_BY = {
    "REGIONAL-PANEL": {"kept_by": "elsewhere"},
    "REGIONAL-PLAN": {"kept_by": "elsewhere"},
    "WORKFORCE-PLAN": {"kept_by": "elsewhere"},
    "INSPECTION-2025": {"kept_by": "elsewhere"},
    "REVIEW-HOSPITALS": {"kept_by": "mentioned"},
    "SAID-TRAINING": {"assertion_kind": "complete"},
    "SAID-IMPROVED": {"assertion_kind": "improved"},
    "SAID-ALIGNED": {"assertion_kind": "aligned", "aligned_to_id": "@REGIONAL-PLAN"},
    "SAID-MEDICINES": {"assertion_kind": "mitigates"},
    "REC-2": {"shown_by_ids": ["@MEASURE-CHECKS"]},
}
# ---------------------------------------------------------------------------------------------

# Which role enters which records.
KEPT_BY_ROLE = {
    "administrator": ["units", "posts"],
    "strategy_manager": [
        "strategies", "strategy-versions", "goals", "cross-references", "plans", "work-plan-items",
        "progress-updates", "deadline-changes", "allocations", "dependencies", "benefit-claims",
        "management-responses", "recommendation-updates", "assertions", "documents", "evidence",
        "communications-plans", "communications-activities", "report-obligations",
        "report-submissions", "paper-templates", "papers",
    ],
    "board_secretary": [
        "boards", "board-relationships", "terms-of-reference", "remits", "memberships",
        "representation-targets", "invitations", "rotation-policies", "meetings", "attendances",
        "minutes", "actions", "action-parts",
    ],
    "risk_manager": ["risk-registers", "risks", "controls", "escalations"],
    "auditor": [
        "audit-reviews", "recommendations", "verifications", "recommendation-extensions",
    ],
    "analyst": [
        "data-sources", "measures", "measure-targets", "observations", "dashboards",
        "dashboard-versions",
    ],
}
ROLE = {path: role for role, paths in KEPT_BY_ROLE.items() for path in paths}


class Service:
    """The service, asked and told with the token that each request needs."""

    def __init__(self, base, tokens):
        self.base = base.rstrip("/")
        self.records = {}
        self.tokens = {}
        for token in tokens:
            for grant in self.call("GET", "/api/v1/me", token)["roles"]:
                self.tokens.setdefault(grant["role"], token)
        if "administrator" not in self.tokens:
            sys.exit("a token of an administrator is missing")
        for role in KEPT_BY_ROLE:
            if role not in self.tokens:
                self.tokens[role] = self.account(role)

    def account(self, role):
        """A token of a service account with this role, made for the purpose."""
        administrator = self.tokens["administrator"]

        def made(path, reference, body):
            key = {"Idempotency-Key": f"second-body-{reference}"}
            return self.call("POST", path, administrator, {"reference": reference, **body}, key)

        account = made("/api/v1/accounts", f"SECOND-BODY-{role}",
                       {"account_kind": "service", "title": f"Example of a second body: {role}"})
        made("/api/v1/grants", f"SECOND-BODY-GRANT-{role}",
             {"account_id": account["id"], "role": role})
        secret = self.call("POST", f"/api/v1/accounts/{account['id']}/secrets", administrator, {})
        form = {"grant_type": "client_credentials", "client_id": secret["client_id"],
                "client_secret": secret["client_secret"]}
        return self.call("POST", "/oauth/token", None, form=form)["access_token"]

    def call(self, method, path, token, body=None, headers=(), form=None):
        """One request. Ends the run if it is refused."""
        data, content_type = None, "application/json"
        if form is not None:
            data, content_type = urllib.parse.urlencode(form), "application/x-www-form-urlencoded"
        elif body is not None:
            data = json.dumps(body)
        request = urllib.request.Request(
            self.base + path,
            method=method,
            data=None if data is None else data.encode(),
            headers={
                **({"Authorization": f"Bearer {token}"} if token else {}),
                "Accept": "application/json",
                "Content-Type": content_type,
                **dict(headers),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            # Every refusal is a problem (RFC 9457): the detail is for people.
            problem = json.loads(refused.read() or b"{}")
            errors = "".join(f"\n  {e}" for e in problem.get("errors", []))
            sent = "" if body is None else "\n" + json.dumps(body, indent=2)
            sys.exit(
                f"{method} {path}: {refused.code} {problem.get('code', '')}: "
                f"{problem.get('detail', '')}{errors}{sent}"
            )

    def resolved(self, value):
        """The value with the id of a record in place of each @REFERENCE."""
        if isinstance(value, str) and value.startswith("@"):
            if value[1:] not in self.records:
                sys.exit(f"{value} was not entered before it is referred to")
            return self.records[value[1:]]["id"]
        if isinstance(value, list):
            return [self.resolved(v) for v in value]
        if isinstance(value, dict):
            return {k: self.resolved(v) for k, v in value.items()}
        return value

    def add(self, path, reference, **fields):
        """Enters a record. References of this script are unique among all kinds."""
        if reference in self.records:
            sys.exit(f"{reference} is entered twice")
        fields.update(JUDGED_BY.get(reference, {}))
        self.records[reference] = self.call(
            "POST",
            f"/api/v1/{path}",
            self.tokens[ROLE[path]],
            {"reference": reference, **self.resolved(fields)},
            {"Idempotency-Key": f"second-body-{reference}"},
        )

    def current(self, path, reference):
        """The record with this reference, as it is now."""
        query = urllib.parse.urlencode({"reference": reference})
        found = self.call("GET", f"/api/v1/{path}?{query}", self.tokens[ROLE[path]])["items"]
        if len(found) != 1:
            sys.exit(f"{len(found)} records of {path} have the reference {reference}")
        return found[0]

    def change(self, path, reference, reason, **fields):
        """Changes a record, unless it is so already."""
        record = self.current(path, reference)
        fields = self.resolved(fields)
        if all(record.get(name) == value for name, value in fields.items()):
            return
        query = urllib.parse.urlencode({"reason": reason})
        self.call(
            "PATCH",
            f"/api/v1/{path}/{record['id']}?{query}",
            self.tokens[ROLE[path]],
            fields,
            {
                "Content-Type": "application/merge-patch+json",
                "If-Match": f"\"{record['version']}\"",
                "Idempotency-Key": f"second-body-{reference}-change",
            },
        )


def day(date):
    """A date known to the day."""
    return {"precision": "day", "due_on": date}


def organisation(add):
    """The trust, its units and posts, and the bodies outside it."""
    for reference, title, kind, parent in [
        ("TRUST", "Three Rivers Ambulance Trust", "organisation", None),
        ("OPS", "Operations", "unit", "@TRUST"),
        ("CONTROL-ROOM", "Control Room", "unit", "@OPS"),
        ("FLEET", "Fleet and Estates", "unit", "@OPS"),
        ("MEDICAL", "Medical Directorate", "unit", "@TRUST"),
        ("MEDICINES", "Medicines Team", "unit", "@MEDICAL"),
        ("PEOPLE", "People and Culture", "unit", "@TRUST"),
        ("QUALITY", "Quality and Improvement Office", "unit", "@TRUST"),
        ("DATA", "Information and Performance", "unit", "@TRUST"),
        ("INSPECTORATE", "Care Standards Inspectorate", "outside_body", None),
        ("INTERNAL-AUDIT", "Tri-County Internal Audit", "outside_body", None),
        ("COMMISSIONERS", "Regional Commissioning Board", "outside_body", None),
        ("HOSPITALS", "Hospitals of the region", "outside_body", None),
        ("NET-RACE", "Race Equality Network", "staff_support_association", "@TRUST"),
        ("NET-DISABILITY", "Disability Network", "staff_support_association", "@TRUST"),
        ("NET-WOMEN", "Women's Network", "staff_support_association", "@TRUST"),
    ]:
        add("units", reference, title=title, unit_kind=kind, parent_id=parent)
    for reference, title, unit in [
        ("CHAIR", "Chair of the Trust", "@TRUST"),
        ("CHIEF-EXECUTIVE", "Chief Executive", "@TRUST"),
        ("AUDIT-CHAIR", "Non-executive director for audit", "@TRUST"),
        ("SECRETARY", "Trust Secretary", "@TRUST"),
        ("DIRECTOR-OPS", "Director of Operations", "@OPS"),
        ("HEAD-CONTROL", "Head of the Control Room", "@CONTROL-ROOM"),
        ("HEAD-FLEET", "Head of Fleet and Estates", "@FLEET"),
        ("MEDICAL-DIRECTOR", "Medical Director", "@MEDICAL"),
        ("CHIEF-PHARMACIST", "Chief Pharmacist", "@MEDICINES"),
        ("DIRECTOR-PEOPLE", "Director of People", "@PEOPLE"),
        ("HEAD-QUALITY", "Head of Quality and Improvement", "@QUALITY"),
        ("HEAD-DATA", "Head of Information and Performance", "@DATA"),
        ("LEAD-AUDITOR", "Lead Auditor", "@INTERNAL-AUDIT"),
    ]:
        add("posts", reference, title=title, unit_id=unit)


# The sections of terms of reference, each with a text.
TERMS = {
    "name": "As in the title.",
    "purpose": "Oversees what the title says.",
    "scope": "The whole trust.",
    "roles": "The chair leads, the secretary records, members decide.",
    "responsibilities": "Decisions within the scope, and advice to the body above.",
    "accountabilities": "Accountable to the body to which it reports.",
    "authority": "May ask any unit for information.",
    "boundaries": "Does not decide on single cases of care.",
    "membership": "As recorded in the register of seats.",
    "chair": "As recorded in the register of seats.",
    "quorum": "Half of the members.",
    "frequency": "As often as business requires.",
    "reporting_requirements": "A summary after each meeting.",
    "interdependencies": "The other boards of the trust.",
    "resources": "Supported by the Trust Secretary.",
}


def boards(add):
    """The boards, to whom they report, and their terms of reference."""
    for reference, title, kind, owner, purpose in [
        ("TRUST-BOARD", "Trust Board", "management_board", "@TRUST", "Directs the trust."),
        ("AUDIT-COMMITTEE", "Audit and Risk Committee", "committee", "@TRUST",
         "Oversees audit, risk and control."),
        ("IMPROVEMENT-BOARD", "Improvement Board", "board", "@QUALITY",
         "Oversees improvement after the inspection."),
        ("MEDICINES-GROUP", "Medicines Safety Group", "group", "@MEDICINES",
         "Looks after the safe keeping of medicines."),
        ("REGIONAL-PANEL", "Regional Emergency Care Panel", "panel", "@COMMISSIONERS",
         "A panel of the commissioners, which hears the trust once a year."),
    ]:
        add("boards", reference, title=title, board_kind=kind, status="active",
            owner_unit_id=owner, purpose=purpose)
    for reference, lower, upper in [
        ("LINE-TRUST", "@TRUST-BOARD", "@COMMISSIONERS"),
        ("LINE-AUDIT", "@AUDIT-COMMITTEE", "@TRUST-BOARD"),
        ("LINE-IMPROVEMENT", "@IMPROVEMENT-BOARD", "@TRUST-BOARD"),
    ]:
        add("board-relationships", reference, from_board_id=lower, to_id=upper,
            relationship_kind="reports_to", description="A summary after each meeting.")
    for reference, board in [("TERMS-TRUST", "@TRUST-BOARD"), ("TERMS-AUDIT", "@AUDIT-COMMITTEE")]:
        add("terms-of-reference", reference, board_id=board, version_label="2025",
            status="agreed", sections=TERMS, approver_board_id="@TRUST-BOARD",
            approved_on="2025-04-24", review_on="2027-04-30")
    add("terms-of-reference", "TERMS-IMPROVEMENT", board_id="@IMPROVEMENT-BOARD",
        version_label="2026 draft", status="draft", sections=TERMS, review_on="2027-06-30")


def strategies(add):
    """The strategy, the one before it, and those of other bodies."""
    add("strategies", "STRAT-2021", title="Better Care 2021 to 2024", strategy_kind="own_strategy",
        status="ended", owner_unit_id="@QUALITY", from_year=2021, until_year=2024,
        family="Improvement", description="The trust's strategy before the inspection.")
    add("strategy-versions", "STRAT-2021-V1", strategy_id="@STRAT-2021", label="1.0",
        status="superseded", approver_board_id="@TRUST-BOARD", approved_on="2021-03-25",
        document={"title": "Better Care 2021 to 2024", "stated_status": "final"})
    add("goals", "GOAL-2021", strategy_id="@STRAT-2021", goal_kind="aim", number=1,
        title="Better care at every base",
        intended_outcome="Patients are treated alike, wherever they live.",
        owner_post_id="@MEDICAL-DIRECTOR")
    add("strategies", "STRAT-2025", title="Every Minute: improvement strategy 2025 to 2028",
        strategy_kind="own_strategy", status="current", owner_unit_id="@QUALITY", from_year=2025,
        until_year=2028, family="Improvement", predecessor_id="@STRAT-2021",
        description="What the trust does after the inspection of January 2025.")
    add("strategy-versions", "STRAT-2025-V1", strategy_id="@STRAT-2025", label="1.0",
        status="approved", approver_board_id="@TRUST-BOARD", approved_on="2025-03-27",
        document={"title": "Every Minute", "stated_status": "final"})
    add("strategies", "REGIONAL-PLAN", title="Regional urgent and emergency care plan",
        strategy_kind="external_plan", status="current", owner_unit_id="@COMMISSIONERS",
        from_year=2024, until_year=2029, description="Kept by the commissioners.")
    add("strategies", "WORKFORCE-PLAN", title="National ambulance workforce plan",
        strategy_kind="external_plan", status="planned",
        description="Announced; no date has been given.")
    for reference, number, title, outcome, owner in [
        ("GOAL-RESPONSE", 1, "Faster response",
         "Nine in ten of the most urgent calls are reached in time.", "@DIRECTOR-OPS"),
        ("GOAL-MEDICINES", 2, "Safe medicines",
         "No medicine is lost, and every check is on record.", "@MEDICAL-DIRECTOR"),
        ("GOAL-WORKFORCE", 3, "A workforce that stays",
         "Fewer than one in ten paramedics leaves in a year.", "@DIRECTOR-PEOPLE"),
        ("GOAL-LEARNING", 4, "A trust that learns", None, "@CHIEF-EXECUTIVE"),
    ]:
        add("goals", reference, strategy_id="@STRAT-2025", goal_kind="aim", number=number,
            title=title, intended_outcome=outcome, owner_post_id=owner)
    add("cross-references", "XREF-REGIONAL", from_strategy_id="@STRAT-2025",
        to_strategy_id="@REGIONAL-PLAN", relation="aligns_to",
        rationale="The targets for response are those of the region.",
        stated_in=[{"source": "Every Minute", "place": "section 2"}])
    add("cross-references", "XREF-WORKFORCE", from_strategy_id="@STRAT-2025",
        to_strategy_id="@WORKFORCE-PLAN", relation="depends_on",
        rationale="Rosters follow the national rules on hours.",
        stated_in=[{"source": "Every Minute", "place": "section 5"}])
    for reference, board, goal, kind in [
        ("REMIT-TRUST-1", "@TRUST-BOARD", "@GOAL-RESPONSE", "decides"),
        ("REMIT-TRUST-4", "@TRUST-BOARD", "@GOAL-LEARNING", "decides"),
        ("REMIT-IMPROVEMENT-1", "@IMPROVEMENT-BOARD", "@GOAL-RESPONSE", "oversees"),
        ("REMIT-IMPROVEMENT-2", "@IMPROVEMENT-BOARD", "@GOAL-MEDICINES", "oversees"),
        ("REMIT-IMPROVEMENT-3", "@IMPROVEMENT-BOARD", "@GOAL-WORKFORCE", "oversees"),
        ("REMIT-AUDIT-4", "@AUDIT-COMMITTEE", "@GOAL-LEARNING", "oversees"),
        ("REMIT-MEDICINES-2", "@MEDICINES-GROUP", "@GOAL-MEDICINES", "delivers"),
    ]:
        add("remits", reference, board_id=board, goal_id=goal, remit_kind=kind)


def seats(add):
    """Who sits on which board, and the seats that the networks were to have."""
    for reference, board, post, capacity, until in [
        ("SEAT-TRUST-CHAIR", "@TRUST-BOARD", "@CHAIR", "chair", None),
        ("SEAT-TRUST-EXECUTIVE", "@TRUST-BOARD", "@CHIEF-EXECUTIVE", "member", None),
        ("SEAT-AUDIT-CHAIR", "@AUDIT-COMMITTEE", "@AUDIT-CHAIR", "chair", None),
        ("SEAT-IMPROVEMENT-CHAIR", "@IMPROVEMENT-BOARD", "@CHIEF-EXECUTIVE", "chair", None),
        ("SEAT-IMPROVEMENT-SECRETARY", "@IMPROVEMENT-BOARD", "@SECRETARY", "secretary", None),
        ("SEAT-IMPROVEMENT-PEOPLE", "@IMPROVEMENT-BOARD", "@DIRECTOR-PEOPLE", "member",
         "2026-03-31"),
        ("SEAT-MEDICINES-PHARMACIST", "@MEDICINES-GROUP", "@CHIEF-PHARMACIST", "member", None),
    ]:
        add("memberships", reference, board_id=board, post_id=post, capacity=capacity,
            basis="ex_officio", term_from_on="2025-04-01", term_until_on=until)
    add("invitations", "INVITE-NET-RACE", board_id="@IMPROVEMENT-BOARD", unit_id="@NET-RACE",
        capacity="member", basis="The inspection asked for the voice of the networks.",
        decided_on="2025-09-11", decided_by_board_id="@IMPROVEMENT-BOARD", from_on="2025-10-01")
    add("memberships", "SEAT-NET-RACE", board_id="@IMPROVEMENT-BOARD", unit_id="@NET-RACE",
        capacity="member", seat="Networks 1", constituency_unit_id="@NET-RACE", basis="invited",
        basis_reference="INVITE-NET-RACE", term_from_on="2025-10-01")
    add("rotation-policies", "ROTATION-NETWORKS", board_id="@IMPROVEMENT-BOARD",
        constituency_kind="staff_support_association", term_months=24,
        pool="Members chosen by each network")
    add("representation-targets", "TARGET-NETWORKS", board_id="@IMPROVEMENT-BOARD",
        constituency_kind="staff_support_association", seats_wanted=3,
        basis="Inspection report, January 2025: a seat for each network")


def old_plan(add):
    """The plan of the strategy that has ended. It was never closed."""
    add("plans", "PLAN-2021", title="Delivery plan for Better Care",
        strategy_version_id="@STRAT-2021-V1", owner_unit_id="@QUALITY", status="active")
    for reference, title, status, due, lead in [
        ("OLD-BASES", "One standard for all bases", "in_progress", "2023-06-30", "@HEAD-FLEET"),
        ("OLD-SEPSIS", "Care of patients with sepsis", "in_progress", "2024-03-31",
         "@MEDICAL-DIRECTOR"),
        ("OLD-KIT", "New kit for every crew", "not_started", "2024-06-30", None),
        ("OLD-CULTURE", "Leaders who listen", "in_progress", "2024-12-31", "@DIRECTOR-PEOPLE"),
    ]:
        add("work-plan-items", reference, plan_id="@PLAN-2021", item_kind="project", title=title,
            status=status, deadline=day(due), lead_post_id=lead, goals=[{"goal_id": "@GOAL-2021"}])
    add("progress-updates", "UPDATE-OLD-BASES", item_id="@OLD-BASES", made_on="2023-06-22",
        by_post_id="@HEAD-FLEET", parts=[{"text": "All bases meet the standard."}],
        status="complete")


def plan(add):
    """The plan of 2025, with its items and what was reported on them."""
    add("plans", "PLAN-2025", title="Delivery plan for Every Minute",
        strategy_version_id="@STRAT-2025-V1", owner_unit_id="@QUALITY",
        predecessor_id="@PLAN-2021", status="active")
    # reference, title, goal, lead, unit, deadline, declared RAG rating, and other fields
    items = [
        ("ITEM-HANDOVER", "Handover at hospitals", "@GOAL-RESPONSE", "@DIRECTOR-OPS", "@OPS",
         "2026-06-30", "green", {}),
        ("ITEM-STORES", "Secure medicines stores", "@GOAL-MEDICINES", "@CHIEF-PHARMACIST",
         "@MEDICINES", "2026-12-31", "green", {}),
        ("ITEM-REFIT", "Refit of the bases", "@GOAL-MEDICINES", "@HEAD-FLEET", "@FLEET",
         "2027-03-31", "green", {}),
        ("ITEM-ROSTERS", "New rosters", "@GOAL-WORKFORCE", "@DIRECTOR-OPS", "@OPS", "2027-01-31",
         "green", {}),
        ("ITEM-TRAINING", "Training in the care of people in crisis", "@GOAL-WORKFORCE",
         "@DIRECTOR-PEOPLE", "@PEOPLE", "2026-10-20", "green",
         {"quantified_target": {"population": "Front-line staff", "target": 1800, "actual": 1530,
                                "unit": "people"}}),
        ("ITEM-SPEAK-UP", "Speak-up guardians", "@GOAL-LEARNING", "@DIRECTOR-PEOPLE", "@PEOPLE",
         "2026-05-31", "green", {}),
        ("ITEM-MENTORING", "Mentoring for new paramedics", "@GOAL-WORKFORCE", None, "@PEOPLE",
         "2027-06-30", "grey",
         {"status": "not_started",
          "start": {"precision": "day", "from_on": "2027-01-04", "due_on": "2027-01-04"}}),
        ("ITEM-DEFINITIONS", "Definitions of response times", "@GOAL-RESPONSE", "@HEAD-DATA",
         "@DATA", None, "grey", {}),
        ("ITEM-DEFIBRILLATORS", "New defibrillators", "@GOAL-RESPONSE", "@HEAD-FLEET", "@FLEET",
         "2026-03-31", "green", {}),
        ("ITEM-LEADERSHIP", "Leadership programme", "@GOAL-WORKFORCE", "@DIRECTOR-PEOPLE",
         "@PEOPLE", "2027-03-31", "green",
         {"carried_from_item_id": "@OLD-CULTURE", "carry": "changed",
          "carry_reason": "Made part of the new strategy, with a wider scope."}),
        ("ITEM-OLD-ROOM", "Close the old control room", "@GOAL-RESPONSE", "@HEAD-CONTROL",
         "@CONTROL-ROOM", "2026-09-30", "grey", {"status": "cancelled"}),
        ("ITEM-RADIO", "New radio system", "@GOAL-RESPONSE", "@HEAD-CONTROL", "@CONTROL-ROOM",
         "2026-12-15", "amber", {}),
    ]
    for reference, title, goal, lead, unit, due, declared, others in items:
        add("work-plan-items", reference, plan_id="@PLAN-2025", item_kind="project", title=title,
            what=f"{title}: brought in across the trust.",
            how="By a small team, base by base, with a report each quarter.",
            intended_outcome="The goal that it serves comes nearer.",
            measures=[{"name": "Bases at which it is in place", "target": "all"}],
            risk_summary="Crews are hard to release while demand is high.",
            lead_post_id=lead, responsible_unit_id=unit,
            goals=[{"goal_id": goal, "rationale": "Named in the strategy."}],
            declared_rag=declared,
            **({"deadline": day(due)} if due else {}), **{"status": "in_progress", **others})
        if others.get("status") != "cancelled":
            add("allocations", reference.replace("ITEM", "GIVEN"), item_id=f"@{reference}",
                board_id="@IMPROVEMENT-BOARD", unit_id=unit, allocated_on="2025-06-12",
                minute_reference="Minutes of 12 June 2025, item 3")
    for item, made_on, by, text, others in [
        ("HANDOVER", "2026-08-20", "@DIRECTOR-OPS", "Six of nine hospitals have agreed.", {}),
        ("STORES", "2026-09-08", "@CHIEF-PHARMACIST", "Locks are ordered for all bases.", {}),
        ("REFIT", "2026-08-27", "@HEAD-FLEET", "Eight of twenty bases are refitted.", {}),
        ("ROSTERS", "2026-09-02", "@DIRECTOR-OPS", "Two patterns were tried out.", {}),
        ("TRAINING", "2026-09-15", "@DIRECTOR-PEOPLE", "1,530 of 1,800 have been trained.",
         {"percent_complete": 85}),
        ("SPEAK-UP", "2026-05-29", "@DIRECTOR-PEOPLE", "Each base has a guardian.",
         {"status": "complete", "declared_rag": "blue", "percent_complete": 100}),
        ("DEFINITIONS", "2026-08-10", "@HEAD-DATA", "Four of six definitions are agreed.", {}),
        ("DEFIBRILLATORS", "2026-02-02", "@HEAD-FLEET", "The supplier delivers late.", {}),
        ("LEADERSHIP", "2026-05-04", "@DIRECTOR-PEOPLE", "The first group has begun.", {}),
        ("RADIO", "2026-09-11", "@HEAD-CONTROL", "It is unclear where it will be installed.", {}),
    ]:
        add("progress-updates", f"UPDATE-{item}", item_id=f"@ITEM-{item}", made_on=made_on,
            by_post_id=by, parts=[{"text": text}], **others)
    for reference, to, decided, reason in [
        ("MOVED-DEFIBRILLATORS-1", "2026-09-30", "2026-03-12", "The supplier delivers late."),
        ("MOVED-DEFIBRILLATORS-2", "2026-11-30", "2026-08-20", "A second batch was faulty."),
    ]:
        add("deadline-changes", reference, item_id="@ITEM-DEFIBRILLATORS", to=day(to),
            approver_board_id="@IMPROVEMENT-BOARD", decided_on=decided, reason=reason)
    for reference, item, on, text in [
        ("WAIT-STORES", "@ITEM-STORES", "@ITEM-REFIT", "Stores are built when a base is refitted."),
        ("WAIT-ROSTERS", "@ITEM-ROSTERS", "@WORKFORCE-PLAN", "The rules on hours come from it."),
        ("WAIT-RADIO", "@ITEM-RADIO", "@ITEM-OLD-ROOM", "Its masts were to be moved over."),
    ]:
        add("dependencies", reference, item_id=item, on_id=on, description=text)
    add("benefit-claims", "BENEFIT-SPEAK-UP", item_id="@ITEM-SPEAK-UP",
        claim="Staff feel safer to speak up.", claimed_on="2026-06-18",
        by_post_id="@DIRECTOR-PEOPLE")


def meetings(add, change):
    """The meetings, what came out of them, and what did not."""
    for reference, board, title, status, on in [
        ("MEETING-TRUST-05", "@TRUST-BOARD", "Trust Board, May 2026", "held", "2026-05-21"),
        ("MEETING-TRUST-11", "@TRUST-BOARD", "Trust Board, November 2026", "scheduled",
         "2026-11-19"),
        ("MEETING-AUDIT-10", "@AUDIT-COMMITTEE", "Audit and Risk Committee, October 2026",
         "scheduled", "2026-10-14"),
        ("MEETING-IMPROVEMENT-03", "@IMPROVEMENT-BOARD", "Improvement Board, March 2026", "held",
         "2026-03-12"),
        ("MEETING-IMPROVEMENT-06", "@IMPROVEMENT-BOARD", "Improvement Board, June 2026", "held",
         "2026-06-18"),
        ("MEETING-IMPROVEMENT-09", "@IMPROVEMENT-BOARD", "Improvement Board, September 2026",
         "scheduled", "2026-09-10"),
        ("MEETING-IMPROVEMENT-12", "@IMPROVEMENT-BOARD", "Improvement Board, December 2026",
         "scheduled", "2026-12-10"),
    ]:
        add("meetings", reference, board_id=board, title=title, status=status, scheduled=day(on),
            **({"held_on": on} if status == "held" else {}))
    for month in ["03", "06"]:
        add("attendances", f"PRESENT-NET-RACE-{month}",
            meeting_id=f"@MEETING-IMPROVEMENT-{month}", membership_id="@SEAT-NET-RACE",
            capacity="member", status="present")
    add("minutes", "MINUTES-03", meeting_id="@MEETING-IMPROVEMENT-03", status="approved",
        text="The board heard of lost hours and gave two actions.", by_post_id="@SECRETARY",
        approved_at_meeting_id="@MEETING-IMPROVEMENT-06", approved_on="2026-06-18")
    add("minutes", "MINUTES-06", meeting_id="@MEETING-IMPROVEMENT-06", status="approved",
        text="The board heard of the medicines checks and gave one action.",
        by_post_id="@SECRETARY", approved_on="2026-07-20")
    add("actions", "ACTION-1", meeting_id="@MEETING-IMPROVEMENT-03", number=1,
        text="Give the board monthly figures of the hours lost outside hospitals.",
        owner_post_id="@HEAD-DATA", owner_unit_id="@DATA", due=day("2026-06-18"))
    add("actions", "ACTION-2", meeting_id="@MEETING-IMPROVEMENT-03", number=2,
        text="Review the guidance on controlled drugs.", owner_post_id="@MEDICAL-DIRECTOR",
        owner_unit_id="@MEDICAL", due=day("2026-06-18"))
    add("actions", "ACTION-3", meeting_id="@MEETING-IMPROVEMENT-06", number=1,
        text="Say how crews can be released for the refit.", owner_post_id="@DIRECTOR-OPS",
        owner_unit_id="@OPS", target_meeting_id="@MEETING-IMPROVEMENT-12")
    for reference, action, label, text, status in [
        ("PART-1-NORTH", "@ACTION-1", "north", "Figures for the north.", "done"),
        ("PART-1-SOUTH", "@ACTION-1", "south", "Figures for the south.", "open"),
        ("PART-2-STORES", "@ACTION-2", "stores", "Guidance for the stores.", "done"),
        ("PART-2-VEHICLES", "@ACTION-2", "vehicles", "Guidance for the vehicles.", "open"),
    ]:
        add("action-parts", reference, action_id=action, label=label, text=text, status=status)
    change("actions", "ACTION-2", "Closed at the meeting of June 2026", status="closed",
           closed_on="2026-06-18", closed_at_meeting_id="@MEETING-IMPROVEMENT-06",
           closure_reason="The board took the guidance as done.")


def figures(add):
    """Measures with their figures, and the dashboard."""
    add("data-sources", "SOURCE-CALLS", title="Call system", owner_unit_id="@DATA",
        owner_post_id="@HEAD-DATA", frequency="monthly", state="active",
        method="Every call, from the clock of the call system.")
    add("data-sources", "SOURCE-STAFF", title="Staff record", owner_unit_id="@PEOPLE",
        owner_post_id="@DIRECTOR-PEOPLE", frequency="quarterly", state="active",
        method="Everyone employed on the last day of the quarter.")
    add("data-sources", "SOURCE-CHECKS", title="Returns of the bases", owner_unit_id="@MEDICINES",
        owner_post_id="@CHIEF-PHARMACIST", frequency="monthly", state="active",
        method="Each base reports the weeks in which it made the check.")
    measures = [
        ("MEASURE-RESPONSE", "Most urgent calls reached in time", "@SOURCE-CALLS", "@HEAD-DATA",
         "@DATA", "monthly", "higher_is_better", "@GOAL-RESPONSE", ["2026-12"], 90,
         [("2026-06", 62), ("2026-07", 64), ("2026-08", 66)]),
        ("MEASURE-CHECKS", "Stations that check controlled drugs each week", "@SOURCE-CHECKS",
         "@CHIEF-PHARMACIST", "@MEDICINES", "monthly", "higher_is_better", "@GOAL-MEDICINES",
         ["2026-07", "2026-12"], 100, [("2026-07", 71), ("2026-08", 74)]),
        ("MEASURE-TURNOVER", "Paramedics who left in the quarter", "@SOURCE-STAFF",
         "@DIRECTOR-PEOPLE", "@PEOPLE", "quarterly", "lower_is_better", "@GOAL-WORKFORCE",
         ["2026-Q4"], 2, [("2025-Q4", 4)]),
    ]
    for (reference, title, source, post, unit, frequency, direction, goal, targets, target,
         observed) in measures:
        add("measures", reference, title=title, definition=f"{title}, as a share of all.",
            unit="percent", source_id=source, owner_post_id=post, owner_unit_id=unit,
            frequency=frequency, direction=direction, group="other", state="integrated",
            goal_ids=[goal])
        for period in targets:
            add("measure-targets", f"{reference}-TARGET-{period}", measure_id=f"@{reference}",
                period=period, target_value=target, rationale="Set in the strategy.")
        for period, value in observed:
            add("observations", f"{reference}-{period}", measure_id=f"@{reference}",
                period=period, state="present", value=value, numerator=value * 10,
                denominator=1000)
    add("dashboards", "DASHBOARD-RESPONSE", title="Response dashboard",
        description="Response by district, for the Improvement Board.", owner_unit_id="@DATA",
        owner_post_id="@HEAD-DATA", board_id="@IMPROVEMENT-BOARD",
        measure_ids=["@MEASURE-RESPONSE"],
        promised=[{"due": day("2026-08-31"), "made_on": "2026-03-12",
                   "stated_in": "Minutes of 12 March 2026"}])
    add("dashboard-versions", "DASHBOARD-RESPONSE-DRAFT", dashboard_id="@DASHBOARD-RESPONSE",
        label="0.2", maturity="draft", document="Draft on the shared drive")


def audit(add, service):
    """The inspection, the audit's review with its recommendations, and a review of others."""
    add("audit-reviews", "INSPECTION-2025", title="Inspection of the trust",
        body_unit_id="@INSPECTORATE", review_kind="inspection", reported=day("2025-01-16"),
        opinion_statement="Requires improvement.")
    add("audit-reviews", "REVIEW-2026", title="Follow-up of the inspection",
        body_unit_id="@INTERNAL-AUDIT", review_kind="follow_up", reported=day("2026-01-22"),
        scope="What the trust has done since the inspection.",
        opinion_statement="Limited assurance.", follows_ids=["@INSPECTION-2025"],
        lead_post_id="@LEAD-AUDITOR")
    add("audit-reviews", "REVIEW-HOSPITALS", title="Handover at the hospitals of the region",
        body_unit_id="@COMMISSIONERS", review_kind="other", reported=day("2025-11-20"))
    add("recommendations", "REC-HOSPITALS", review_id="@REVIEW-HOSPITALS",
        title="Hospitals to name a lead for handover",
        recommendation="Each hospital should name a lead for handover.")
    for number, title, finding, priority, post, unit, due, others in [
        (1, "Handover protocol with every hospital",
         "Crews wait because nobody has agreed who takes over when.", "critical",
         "@DIRECTOR-OPS", "@OPS", "2026-06-30",
         {"goal_ids": ["@GOAL-RESPONSE"], "item_ids": ["@ITEM-HANDOVER"]}),
        (2, "Weekly checks of controlled drugs", "Checks are made at some stations only.", "high",
         "@CHIEF-PHARMACIST", "@MEDICINES", "2026-07-31", {"goal_ids": ["@GOAL-MEDICINES"]}),
        (3, "Standard for audits of calls", "Calls are audited in four different ways.", "medium",
         "@HEAD-CONTROL", "@CONTROL-ROOM", "2026-03-31", {}),
        (4, "Terms of reference of the Improvement Board", "The board has no agreed terms.",
         "high", "@SECRETARY", "@TRUST", "2026-05-31", {}),
        (5, "Test of continuity in the control room", "The fallback was never tried.", "medium",
         "@HEAD-CONTROL", "@CONTROL-ROOM", "2026-06-30", {}),
        (6, "Appraisals for all staff", "A third of staff had no appraisal.", "medium",
         "@DIRECTOR-PEOPLE", "@PEOPLE", "2026-12-31", {}),
        (7, "Response times by district", "The public sees one figure for the region.", "low",
         "@HEAD-DATA", "@DATA", "2026-10-16", {}),
    ]:
        add("recommendations", f"REC-{number}", review_id="@REVIEW-2026", number=number,
            title=title, finding=finding, recommendation=f"{title}: to be put in place.",
            priority=priority, owner_post_id=post, owner_unit_id=unit, deadline=day(due), **others)
        add("management-responses", f"ANSWER-{number}", recommendation_id=f"@REC-{number}",
            response="accepted", text="Accepted. It will be done by the deadline.",
            by_post_id=post, responded_on="2026-02-12")

    def update(number, kind, on, by, text, **others):
        add("recommendation-updates", f"SAID-ON-{number}", recommendation_id=f"@REC-{number}",
            update_kind=kind, stated_on=on, by_post_id=by, narrative=text, **others)

    def decide(number, result, on, **others):
        """Audit decides on the claim that the recommendation names."""
        claim = service.current("recommendations", f"REC-{number}")["claim_id"]
        add("verifications", f"DECIDED-ON-{number}", recommendation_id=f"@REC-{number}",
            claim_id=claim or f"@SAID-ON-{number}", result=result, decided_on=on,
            by_post_id="@LEAD-AUDITOR", **others)

    update(1, "progress", "2026-08-18", "@DIRECTOR-OPS", "Six of nine hospitals have agreed.",
           implementation="partially_implemented")
    update(2, "claim_complete", "2026-07-24", "@CHIEF-PHARMACIST", "The checks are in place.")
    update(3, "claim_complete", "2026-03-20", "@HEAD-CONTROL", "The standard is in use.")
    add("documents", "CALL-STANDARD", title="Standard for audits of calls",
        document_kind="guidance", owner_unit_id="@CONTROL-ROOM", dated_on="2026-03-16",
        state="final", url="https://example.org/call-standard.pdf", retrieved_on="2026-03-20")
    add("evidence", "EVIDENCE-3", supports_id="@SAID-ON-3", source_id="@CALL-STANDARD",
        shows="The standard, in force from 16 March 2026.", submitted_on="2026-03-20",
        by_post_id="@HEAD-CONTROL")
    decide(3, "verified", "2026-04-30", method="Twenty audits of calls were read.",
           evidence="The standard and twenty audits.")
    update(4, "claim_complete", "2026-05-15", "@SECRETARY", "The terms have been refreshed.",
           refers_to_ids=["@TERMS-IMPROVEMENT"])
    decide(4, "rejected", "2026-07-02", reason="The terms are a draft. Nobody has agreed them.")
    update(5, "extension_request", "2026-06-20", "@HEAD-CONTROL",
           "The second site is not ready.", asked_deadline=day("2026-11-30"))
    add("recommendation-extensions", "EXTENDED-5", recommendation_id="@REC-5",
        to=day("2026-11-30"), approver_board_id="@AUDIT-COMMITTEE", request_id="@SAID-ON-5",
        reason="The second site is ready in October.", approved_on="2026-08-12")
    update(6, "deferral", "2026-09-01", "@DIRECTOR-PEOPLE",
           "Deferred until crews can be released. No new date can be given.")
    update(7, "progress", "2026-09-04", "@HEAD-DATA",
           "Five of eight districts are ready. The national workforce plan uses the same ones.",
           implementation="in_progress", refers_to_ids=["@WORKFORCE-PLAN"])


def risks(add):
    """The risk register."""
    add("risk-registers", "REGISTER-TRUST", title="Risk register of the trust",
        register_kind="corporate", owner_unit_id="@QUALITY", owner_post_id="@HEAD-QUALITY",
        board_id="@AUDIT-COMMITTEE")

    def score(likelihood, impact):
        return {"likelihood": likelihood, "impact": impact}

    for reference, title, goal, others in [
        ("RISK-DELAY", "Patients wait too long outside hospitals", "@GOAL-RESPONSE",
         {"owner_post_id": "@DIRECTOR-OPS", "owner_unit_id": "@OPS", "appetite": "open",
          "inherent": score("possible", "major"), "current": score("possible", "major")}),
        ("RISK-MEDICINES", "Controlled drugs are lost", "@GOAL-MEDICINES",
         {"owner_post_id": "@MEDICAL-DIRECTOR", "owner_unit_id": "@MEDICAL",
          "inherent": score("likely", "catastrophic"),
          "current": score("likely", "catastrophic")}),
        ("RISK-PEOPLE", "Too many paramedics leave", "@GOAL-WORKFORCE", {}),
        ("RISK-RADIO", "The radio fails during a large incident", "@GOAL-RESPONSE",
         {"owner_post_id": "@HEAD-CONTROL", "owner_unit_id": "@CONTROL-ROOM",
          "appetite": "cautious", "inherent": score("possible", "major"),
          "current": score("unlikely", "moderate")}),
    ]:
        add("risks", reference, register_id="@REGISTER-TRUST", title=title, category="operations",
            cause="See the inspection report.", event=title + ".",
            effect="Patients or staff come to harm.", response="treat", status="open",
            review_on="2026-11-30", goal_ids=[goal], **others)
    for reference, risk, title, post, unit, effectiveness, assessed, others in [
        ("CONTROL-HANDOVER", "@RISK-DELAY", "Handover protocol", "@DIRECTOR-OPS", "@OPS",
         "ineffective", "2026-08-06", {"recommendation_id": "@REC-1"}),
        ("CONTROL-CHECKS", "@RISK-MEDICINES", "Spot checks of stores", "@CHIEF-PHARMACIST",
         "@MEDICINES", "partial", "2026-06-10", {}),
        ("CONTROL-INTERVIEWS", "@RISK-PEOPLE", "Interviews with those who leave",
         "@DIRECTOR-PEOPLE", "@PEOPLE", "partial", "2026-05-20", {}),
        ("CONTROL-RADIO", "@RISK-RADIO", "Second radio network", "@HEAD-CONTROL",
         "@CONTROL-ROOM", "effective", "2026-07-15", {}),
    ]:
        add("controls", reference, risk_ids=[risk], title=title, control_kind="preventive",
            line="first", owner_post_id=post, owner_unit_id=unit, effectiveness=effectiveness,
            assessed_on=assessed, **others)
    add("escalations", "ESC-MEDICINES", risk_id="@RISK-MEDICINES", to_board_id="@TRUST-BOARD",
        status="escalated", reason="It is extreme, and stores cannot be secured this year.",
        proposed_on="2026-08-18", escalated_on="2026-08-20")


def communications_and_reports(add):
    """The communications plan, the report to the commissioners, and what was asserted."""
    add("communications-plans", "COMMUNICATIONS-2026", title="Communications for Every Minute",
        owner_unit_id="@PEOPLE", owner_post_id="@DIRECTOR-PEOPLE", strategy_id="@STRAT-2025",
        goal_ids=["@GOAL-WORKFORCE"], description="Staff know what is being improved.",
        from_on="2026-01-01", until_on="2026-12-31")
    for reference, title, first, last, goal in [
        ("CAMPAIGN-SPEAK-UP", "Speak up", "2026-08-03", "2026-08-30", "@GOAL-LEARNING"),
        ("APPRAISAL-WEEK", "Appraisal week", "2026-10-05", "2026-10-11", "@GOAL-WORKFORCE"),
    ]:
        add("communications-activities", reference, plan_id="@COMMUNICATIONS-2026",
            activity_kind="campaign", title=title, channels=["intranet", "event"],
            audiences=["internal"], owner_post_id="@DIRECTOR-PEOPLE", owner_unit_id="@PEOPLE",
            goal_ids=[goal], starts_on=first, ends_on=last)
    add("report-obligations", "REPORT-COMMISSIONERS", title="Quarterly report on improvement",
        what="What was done, what is late, and why.", from_unit_id="@OPS",
        from_post_id="@DIRECTOR-OPS", to_unit_id="@COMMISSIONERS",
        legal_basis="Agreement of 2025 with the commissioners",
        frequency={"every": 1, "unit": "quarter"}, first_due_on="2026-01-31")
    for reference, due, submitted in [
        ("REPORTED-JANUARY", "2026-01-31", "2026-01-29"),
        ("REPORTED-APRIL", "2026-04-30", "2026-04-28"),
    ]:
        add("report-submissions", reference, obligation_id="@REPORT-COMMISSIONERS",
            period_due_on=due, submitted_on=submitted, by_post_id="@DIRECTOR-OPS")
    for reference, about, claim, by, on, evidence in [
        ("SAID-TRAINING", "@ITEM-TRAINING", "All staff have had the training.",
         "@DIRECTOR-PEOPLE", "2026-09-17", None),
        ("SAID-IMPROVED", "@MEASURE-RESPONSE", "Response has improved.", "@DIRECTOR-OPS",
         "2026-09-17", None),
        ("SAID-ALIGNED", "@STRAT-2025", "The strategy is aligned with the regional plan.",
         "@HEAD-QUALITY", "2026-06-18", "A comparison of both, section by section"),
        ("SAID-MEDICINES", "@RISK-MEDICINES",
         "Spot checks have dealt with the risk to medicines.", "@CHIEF-PHARMACIST", "2026-07-24",
         "Report on the spot checks of June 2026"),
    ]:
        add("assertions", reference, about_id=about, claim=claim, said_by_post_id=by, said_on=on,
            **({"evidence": "described", "evidence_description": evidence} if evidence
               else {"evidence": "none"}))


def paper(add):
    """The paper for the Audit and Risk Committee."""
    def section(key, heading, source):
        return {"key": key, "heading": heading, "level": 1, "is_numbered": True, "source": source}

    add("paper-templates", "TEMPLATE-COMMITTEE", title="Paper for the Audit and Risk Committee",
        language="en-GB", sections=[
            section("purpose", "Purpose", "purpose"),
            section("key_considerations", "Key considerations", "key_considerations"),
            section("recommendations", "What the committee is asked to do",
                    "recommendations_to_panel"),
            section("audit", "Audit recommendations", "assurance_recommendations"),
            section("overdue", "What is overdue", "overdue"),
            section("equality", "Equality and diversity impact", "equality_impact"),
            section("financial", "Financial implications", "financial"),
            section("legal", "Legal implications", "legal"),
            section("risk", "Risk implications", "risk_implications"),
            section("contact", "Contact", "contact"),
        ])
    add("papers", "PAPER-AUDIT-10", title="Improvement after the inspection",
        meeting_id="@MEETING-AUDIT-10", author_post_id="@HEAD-QUALITY",
        template_id="@TEMPLATE-COMMITTEE", as_of_on="2026-09-30",
        purpose="Tells the committee how far the seven recommendations are.",
        key_considerations=["One recommendation is verified, one is claimed, two are overdue."],
        recommendations=[{"verb": "note", "text": "Note the progress."}],
        equality_impact={"state": "assessed_some",
                         "text": "Two networks have no seat on the Improvement Board."},
        financial={"state": "assessed_none", "text": "None: the work is within the budget."},
        legal={"state": "assessed_none", "text": "None: no claim has been made."},
        risk={"state": "assessed_none", "text": "There are no risk implications."},
        scope={"strategy_ids": ["@STRAT-2025"], "plan_ids": ["@PLAN-2025"],
               "review_ids": ["@REVIEW-2026"]})


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    if len(arguments) < 2 or options:
        sys.exit(__doc__)
    service = Service(arguments[0], arguments[1:])
    add = service.add
    organisation(add)
    boards(add)
    strategies(add)
    seats(add)
    old_plan(add)
    plan(add)
    meetings(add, service.change)
    figures(add)
    audit(add, service)
    risks(add)
    communications_and_reports(add)
    paper(add)
    unknown = set(JUDGED_BY) - set(service.records)
    if unknown:
        sys.exit("JUDGED_BY names what is not entered: " + ", ".join(sorted(unknown)))
    print(f"{len(service.records)} records entered")


if __name__ == "__main__":
    main()
