//! What the views say on the days of the two papers, in files that a person can read and argue
//! with, line by line, against the sources.
//!
//! One file for each view and day: `tests/api/golden/{day}/{view}.txt`. `STRIDE_TEST_UPDATE=1 cargo
//! test --test api golden` writes them anew; read the difference before it is committed.

use serde_json::Value;
use stride::policy::Role;

use crate::support::app::store_for;
use crate::support::{Backend, TestApp, golden};

/// The days of the papers.
pub const DAYS: [&str; 2] = ["2017-06-30", "2020-10-26"];

/// Runs a test on the example data.
pub fn run<F: Future<Output = ()>>(backend: Backend, test: impl FnOnce(TestApp) -> F) {
    let Some(store) = store_for(backend) else {
        return;
    };
    actix_web::rt::System::new().block_on(async move {
        test(TestApp::on(store, backend, |config| config.serving.no_example = false).await).await;
    });
}

/// Defines tests that run on the example data, on both databases.
macro_rules! on_papers {
    ($($tests:tt)*) => {
        on_both! { by $crate::golden::run; $($tests)* }
    };
}

// Below the macro, which they use.
mod attention;
mod changes;
mod contradictions;
mod coverage;
mod dates;
mod gaps;
mod organogram;
mod papers;
mod recommendations;
mod slippage;
mod status;

/// What a viewer is answered, as recorded by the end of a day and judged by it.
pub async fn asked(app: &TestApp, path: &str, day: &str) -> Value {
    let mark = if path.contains('?') { '&' } else { '?' };
    app.role(Role::Viewer)
        .get(&format!("{path}{mark}as_of={day}"))
        .await
        .status(200)
        .json()
}

/// Compares what is said of a view, line by line, with the file of the day.
pub fn compare(view: &str, day: &str, lines: &[String]) {
    golden::compare(
        &format!("tests/api/golden/{day}/{view}.txt"),
        &(lines.join("\n") + "\n"),
        "STRIDE_TEST_UPDATE=1 cargo test --test api golden",
    );
}

/// A field's text, or a dash.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("–")
}
