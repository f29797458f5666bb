"""The queries of deploy/grafana.json as rules for `promtool check rules`, after a look at its form: each panel has a place of its own, a
description and the data source that is chosen in the dashboard."""
import json
import sys

WIDTH = 24
VALUES = {"$__rate_interval": "5m", "$job": "stride", "$instance": ".*", "$operation": ".*"}

dashboard = json.load(open("deploy/grafana.json", encoding="utf-8"))
variables = {v["name"]: v for v in dashboard["templating"]["list"]}
assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
assert all(v in ("datasource", *(name[1:] for name in VALUES)) for v in variables), variables.keys()

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
panels = dashboard["panels"]
assert len({p["id"] for p in panels}) == len(panels), "two panels have one id"
taken = {}
rules = []
for panel in panels:
    title, place = panel["title"], panel["gridPos"]
    assert place["x"] + place["w"] <= WIDTH, title
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            assert (x, y) not in taken, f"{title} is on {taken[x, y]}"
            taken[x, y] = title
    if panel["type"] == "row":
        continue
    assert panel["description"] and panel["datasource"] == SOURCE and panel["targets"], title
    for target in panel["targets"]:
        assert target["datasource"] == SOURCE, title
        query = target["expr"]
        for variable, value in VALUES.items():
            query = query.replace(variable, value)
        assert "$" not in query, query
        rules.append({"record": f"dashboard:panel{panel['id']}:{target['refId'].lower()}", "expr": query})
rows = [p["title"] for p in panels if p["type"] == "row"]
print(f"{len(panels) - len(rows)} panels in {len(rows)} rows: {', '.join(rows)}", file=sys.stderr)
# JSON is YAML.
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)
