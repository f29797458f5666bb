//! Where everything stood, and where what the papers speak of stood.

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

/// What the status of a record says, in lines; of everything where no kind is named.
async fn lines(app: &TestApp, day: &str, kind: &str, reference: &str) -> Vec<String> {
    let path = if kind.is_empty() {
        "/api/v1/status".to_owned()
    } else {
        let found = asked(app, &format!("/api/v1/{kind}?reference={reference}"), day).await;
        format!("/api/v1/{kind}/{}/status", text(&found, "/items/0/id"))
    };
    let earlier = if day == DAYS[1] {
        format!("?compare_to={}", DAYS[0])
    } else {
        String::new()
    };
    let view = asked(app, &format!("{path}{earlier}"), day).await;
    let mut lines = vec![format!(
        "{} — {}",
        text(&view, "/about/title"),
        text(&view, "/computed_rag")
    )];
    let all = |pointer: &str| {
        view.pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    lines.extend(all("/reasons").iter().map(|r| {
        format!(
            "  {}: {} ({})",
            text(r, "/rag"),
            text(r, "/cause"),
            r["count"]
        )
    }));
    for (name, pointer) in [
        ("items", "/totals"),
        ("recommendations", "/recommendations"),
        ("actions", "/actions"),
        ("risks", "/risks"),
    ] {
        let mut counts = Vec::new();
        count(
            "",
            &view.pointer(pointer).cloned().unwrap_or_default(),
            &mut counts,
        );
        lines.push(format!(
            "  {name}: {}",
            if counts.is_empty() {
                "none".into()
            } else {
                counts.join(", ")
            }
        ));
    }
    lines.extend(all("/next_dates").iter().map(|d| {
        format!(
            "  next: {} {} {}",
            text(d, "/due_on"),
            text(d, "/record/kind"),
            text(d, "/record/reference")
        )
    }));
    lines.extend(all("/trend/changes").iter().map(|c| {
        format!(
            "  since {}: {} {} → {}",
            DAYS[0],
            text(c, "/figure"),
            c["earlier"],
            c["now"]
        )
    }));
    lines.push(String::new());
    lines
}

/// Figures other than nought.
fn count(name: &str, value: &Value, counts: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (field, value) in map {
                let name = if name.is_empty() {
                    field.clone()
                } else {
                    format!("{name}.{field}")
                };
                count(&name, value, counts);
            }
        }
        Value::Number(n) if n.as_u64() != Some(0) => counts.push(format!("{name} {n}")),
        _ => {}
    }
}

async fn everything_stood_so(app: TestApp) {
    let about = [
        vec![
            ("", ""),
            ("strategies", "STRIDE-2017"),
            ("boards", "AUDIT-PANEL"),
        ],
        vec![
            ("", ""),
            ("strategies", "STRIDE-2017"),
            ("boards", "STRIDE-BOARD"),
            ("units", "HR"),
        ],
    ];
    for (day, about) in DAYS.into_iter().zip(about) {
        let mut all = Vec::new();
        for (kind, reference) in about {
            all.extend(lines(&app, day, kind, reference).await);
        }
        compare("status", day, &all);
    }
}

on_papers!(everything_stood_so);
