//! The command line.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::SecondsFormat;
use clap::{Parser, Subcommand};
use log::kv::{Error as KvError, Key, Value, VisitSource};
use stride::access::Held;
use stride::access::accounts::{Account, OPERATOR};
use stride::access::tokens::{KEY_OVERLAP, Subject, new_signing_key, retirement};
use stride::app::{Application, StartError};
use stride::config::{Asked, Config, Issuing, LocalCalendar, LogFormat, Place, Serving};
use stride::db::store::{id_by_reference, rotate_signing_key, signing_keys};
use stride::db::{Conn, InUse};
use stride::documents::Documents;
use stride::engine::Engine;
use stride::journal::verify::Head;
use stride::policy::Role;
use stride::registers::catalogue;
use stride::transfer::{backup, copy, export, first_start, load};
use stride::world::Resource as _;
use stride::world::calendar::Calendar;
use strum::VariantArray;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Strategy, delivery plan, boards, risks and controls of a public body over HTTP, current and at
/// any earlier time
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    issuing: Issuing,
    #[command(flatten)]
    calendar: LocalCalendar,
    /// Format of the logs
    #[arg(
        long,
        env = "STRIDE_LOG_FORMAT",
        value_enum,
        default_value = "plain",
        global = true
    )]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service (the default command)
    Serve(Box<Serving>),
    /// Update the database's tables for this build
    Migrate,
    /// Load records from a file, all or nothing, checked by the rules of the API
    Load {
        /// File to load
        file: PathBuf,
        /// Record the file's stages with the times they give, marked as back-dated; only into an
        /// empty database
        #[arg(long)]
        back_dated: bool,
    },
    /// Write all data in the format that `load` reads
    Export,
    /// Print a short-lived access token, for anyone with access to the data
    Token {
        /// Role of the token
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// Reference of the unit or board to which the token is limited
        #[arg(long)]
        scope: Option<String>,
        /// Allow the token to read records marked official_sensitive
        #[arg(long)]
        official_sensitive: bool,
    },
    /// Change the keys that sign access tokens
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
    /// Copy the database into an empty one, between SQLite and PostgreSQL: the whole journal with its
    /// hashes and everything else that is kept, verified at the end. Stop the service first
    Copy {
        /// Database to copy to: postgres://… or sqlite://PATH
        #[arg(
            long,
            value_name = "URL",
            env = "STRIDE_COPY_TO",
            hide_env_values = true
        )]
        to: String,
    },
    /// Print the OpenAPI document
    Openapi,
    /// Check the journal's chain, and that the records match the journal
    Verify {
        /// Also read every document file, and check that it is unchanged since it was uploaded
        #[arg(long)]
        documents: bool,
        /// Also check that this entry, whose number and hash were kept elsewhere, is unchanged; can
        /// be given several times
        #[arg(long = "head", value_name = "SEQ:HASH")]
        heads: Vec<Head>,
    },
    /// Ask a running service whether it is ready; ends with 0 if it is
    Health {
        #[command(flatten)]
        asked: Asked,
    },
    /// Write a backup of the embedded database and the files of documents to one archive (tar), also
    /// while the service runs; unpacked, it is a data folder
    Backup {
        /// Archive to write; with --every, the time of each backup is added to its name
        file: PathBuf,
        /// Keep running, and make a backup each time this has passed, such as 6h or 30m
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        every: Option<std::time::Duration>,
        /// Number of backups to keep
        #[arg(long, default_value_t = 14, requires = "every", value_parser = clap::value_parser!(u16).range(1..))]
        keep: u16,
    },
    /// Load generated records for load tests, into an empty database
    Generate {
        #[command(flatten)]
        amounts: stride::transfer::generate::Amounts,
    },
}

#[derive(Subcommand)]
enum Keys {
    /// Add a key. It is published at once and signs five minutes later; the keys before it are
    /// accepted until the last token that they signed has expired
    Rotate {
        /// A key has become known to others: sign with the new one now, and refuse every token that
        /// an earlier one signed
        #[arg(long)]
        at_once: bool,
    },
}

fn parse_role(text: &str) -> Result<Role, String> {
    let names: Vec<&str> = Role::VARIANTS.iter().map(|r| r.as_str()).collect();
    Role::parse(text).ok_or_else(|| format!("must be one of {}", names.join(", ")))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_as(cli.log_format);
    match actix_web::rt::System::new().block_on(run(cli)) {
        Ok(code) => code,
        Err(e) => {
            say(&format!("stride: {e}"), true);
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, StartError> {
    let Cli {
        place,
        issuing,
        calendar,
        command,
        ..
    } = cli;
    Calendar {
        time_zone: calendar.time_zone,
        financial_year_starts: calendar.financial_year_starts,
    }
    .adopt();
    match command {
        None => serve(place, issuing, Serving::defaults()).await?,
        Some(Command::Serve(serving)) => serve(place, issuing, *serving).await?,
        Some(Command::Migrate) => place.address()?.connect()?.migrate()?,
        Some(Command::Load { file, back_dated }) => {
            let text = std::fs::read_to_string(&file)?;
            let count = if back_dated {
                load_back_dated(&place, &text).await?
            } else {
                let engine = open(&place).await?;
                let count = load::text(&engine, &text).await?;
                engine.stop();
                count
            };
            say(&format!("loaded {count} records"), false);
            say(&format!("stride: {}", load::LEFT_OUT), true);
        }
        Some(Command::Export) => {
            let engine = open(&place).await?;
            say(
                &serde_json::to_string_pretty(&export::document(&engine.now()))?,
                false,
            );
            say(&format!("stride: {}", export::LEFT_OUT), true);
        }
        Some(Command::Token {
            role,
            scope,
            official_sensitive,
        }) => {
            say(
                &token(&place, &issuing, role, scope, official_sensitive).await?,
                false,
            );
        }
        Some(Command::Keys {
            command: Keys::Rotate { at_once },
        }) => say(&rotate_keys(&place, at_once).await?, false),
        Some(Command::Copy { to }) => {
            let to = place.beside(&to)?;
            let report = copy::copy(&place.address()?, &to)?;
            for fault in &report.faults {
                say(&fault.to_string(), false);
            }
            say(
                &format!(
                    "copied {} entries and {} records, head {}; the files of documents stay where \
                        they are",
                    report.entries, report.records, report.head
                ),
                false,
            );
            if !report.faults.is_empty() {
                say(
                    &format!(
                        "the copy is complete, but {} inconsistencies were found, which were there \
                            before",
                        report.faults.len()
                    ),
                    true,
                );
                return Ok(ExitCode::FAILURE);
            }
        }
        Some(Command::Openapi) => say(stride::app::document().trim_end(), false),
        Some(Command::Verify { documents, heads }) => {
            return verify(&place, documents, &heads).await;
        }
        Some(Command::Health { asked }) => return Ok(health(&asked).await),
        Some(Command::Backup { file, every, keep }) => {
            return back_up(&place, &file, every, keep.into()).await;
        }
        Some(Command::Generate { amounts }) => {
            let engine = open(&place).await?;
            let made = stride::transfer::generate::generate(&engine, amounts).await?;
            engine.stop();
            say(&format!("created {made} records"), false);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(place: &Place) -> Result<std::sync::Arc<Engine>, StartError> {
    let engine = Engine::start(place.address()?, catalogue())?;
    first_start::prepare(&engine, None).await?;
    Ok(engine)
}

async fn load_back_dated(place: &Place, text: &str) -> Result<usize, StartError> {
    let file = load::File::parse(text)?;
    let count = file.len();
    let engine = Engine::start(place.address()?, catalogue())?;
    let was_empty = first_start::prepare(&engine, Some(file)).await?;
    engine.stop();
    if was_empty {
        return Ok(count);
    }
    Err(
        "records can be given an earlier time only in an empty database; name a new data folder \
            or database, or load without --back-dated"
            .into(),
    )
}

async fn serve(place: Place, issuing: Issuing, serving: Serving) -> Result<(), StartError> {
    let data = place.database_url.as_ref().map_or_else(
        || {
            format!(
                "an embedded SQLite database in {}",
                place.data_dir.display()
            )
        },
        |url| format!("the database at {}", without_password(url)),
    );
    let token = how_to_get_a_token(&place);
    let mut in_use = InUse::take(&place.address()?)?;
    let app = Application::build(Config {
        place,
        issuing,
        serving,
    })
    .await?;
    in_use.begin()?;
    let serving = &app.service.config.serving;
    let base = match serving.public_url {
        Some(_) => serving.base(),
        None => format!("http://{}", app.address),
    };
    let running = actix_web::rt::spawn(app.run());
    // Begun before it is said, so that from then on a request to stop is obeyed.
    actix_web::rt::task::yield_now().await;
    say(
        &format!(
            "stride runs at      {base}\ndocumentation       {base}/docs/\ndata                \
                {data}\nfor a token, run    {token}\nthen \
                run            curl -H \"Authorization: Bearer $TOKEN\" {base}/api/v1/status"
        ),
        false,
    );
    running.await??;
    drop(in_use);
    Ok(())
}

/// What to type for a token of this service, where and as it was started.
fn how_to_get_a_token(place: &Place) -> String {
    let program = match std::env::var_os("CARGO") {
        Some(_) => "cargo run -q --".to_owned(),
        None => std::env::args().next().unwrap_or_else(|| "stride".into()),
    };
    match &place.database_url {
        // The URL itself may contain a password.
        Some(_) => {
            format!("TOKEN=$({program} token --role viewer)    # with the same DATABASE_URL")
        }
        None if place.data_dir == Path::new("./data") => {
            format!("TOKEN=$({program} token --role viewer)")
        }
        None => format!(
            "TOKEN=$({program} token --role viewer --data-dir '{}')",
            place.data_dir.display()
        ),
    }
}

fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        _ => url.to_owned(),
    }
}

/// A connection to a database that has been used. One that has not gets its first start.
async fn prepared(place: &Place) -> Result<Conn, StartError> {
    let address = place.address()?;
    // A misspelt place would get a database of its own, whose tokens are good for nothing.
    address.exists()?;
    let mut conn = address.connect()?;
    let is_prepared = conn.is_migrated()?
        && id_by_reference(&mut conn, Account::KIND, OPERATOR)?.is_some()
        && !signing_keys(&mut conn)?.is_empty();
    if !is_prepared {
        open(place).await?.stop();
    }
    Ok(conn)
}

async fn token(
    place: &Place,
    issuing: &Issuing,
    role: Role,
    scope: Option<String>,
    official_sensitive: bool,
) -> Result<String, StartError> {
    // Of the database only a few rows are needed, however much there is in it.
    let mut conn = prepared(place).await?;
    let scope = match scope {
        None => None,
        Some(reference) => {
            let mut find = |kind| id_by_reference(&mut conn, kind, &reference);
            let found = find("board")?.map_or_else(|| find("unit"), |id| Ok(Some(id)))?;
            Some(found.ok_or_else(|| {
                format!("there is no unit or board with the reference `{reference}`")
            })?)
        }
    };
    let tokens = stride::app::tokens(&signing_keys(&mut conn)?, issuing)?;
    let subject = Subject {
        account: id_by_reference(&mut conn, Account::KIND, OPERATOR)?
            .ok_or("the database has no local operator; start the service once")?,
        client_id: "command-line".into(),
        read_only: false,
        acting_as: Some(Held {
            role,
            scope,
            official_sensitive,
        }),
    };
    Ok(tokens.issue(&subject)?)
}

/// Adds a signing key, and says from when it signs and when the others are retired.
async fn rotate_keys(place: &Place, at_once: bool) -> Result<String, StartError> {
    let mut conn = prepared(place).await?;
    let now = chrono::Utc::now();
    let mut key = new_signing_key()?;
    let retired = if at_once { now } else { retirement(now) };
    if at_once {
        // Old enough to sign.
        key.created_at = (now - KEY_OVERLAP).into();
    }
    conn.begin()?;
    let stored = rotate_signing_key(&mut conn, &key, retired);
    match stored {
        Ok(()) => conn.commit()?,
        Err(e) => {
            conn.roll_back()?;
            return Err(e.into());
        }
    }
    let time = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(format!(
        "key {} signs from {}; the keys before it are accepted until {}",
        key.kid,
        time(key.created_at.0 + KEY_OVERLAP),
        time(retired)
    ))
}

async fn verify(place: &Place, documents: bool, heads: &[Head]) -> Result<ExitCode, StartError> {
    let mut conn = place.address()?.connect()?;
    conn.refuse_newer()?;
    let report = stride::journal::verify::verify(&mut conn, heads)?;
    for fault in &report.faults {
        say(&format!("{fault}"), false);
    }
    say(
        &format!(
            "{} entries, {} redacted, {} records, head {}",
            report.entries, report.redacted, report.records, report.head
        ),
        false,
    );
    let mut faults = report.faults.len();
    if documents {
        let files = stride::documents::named(&mut place.address()?.connect()?)?;
        let store = Documents::open(&place.store(), 1)?;
        let found = stride::documents::verify(&files, &store).await?;
        for fault in &found {
            say(fault, false);
        }
        say(&format!("{} files", files.len()), false);
        faults += found.len();
    }
    if faults == 0 {
        say(
            "the chain is intact and every record matches the journal",
            false,
        );
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("{faults} inconsistencies found"), true);
    Ok(ExitCode::FAILURE)
}

async fn health(asked: &Asked) -> ExitCode {
    let answer = async {
        let client = reqwest::Client::builder()
            .no_proxy()
            // It is asked without TLS, also where no certificates are installed.
            .tls_certs_only([])
            .timeout(std::time::Duration::from_secs(asked.seconds))
            .build()?;
        client.get(asked.readiness()).send().await
    };
    match answer.await {
        Ok(answer) if answer.status().is_success() => ExitCode::SUCCESS,
        Ok(answer) => {
            say(&format!("stride: not ready: {}", answer.status()), true);
            ExitCode::FAILURE
        }
        Err(e) => {
            say(&format!("stride: no answer: {e}"), true);
            ExitCode::FAILURE
        }
    }
}

async fn back_up(
    place: &Place,
    file: &std::path::Path,
    every: Option<std::time::Duration>,
    keep: usize,
) -> Result<ExitCode, StartError> {
    let (address, documents) = (place.address()?, Documents::open(&place.store(), 1)?);
    if let Some(every) = every {
        backup::keep_making(&address, &documents, file, every, keep).await;
        return Ok(ExitCode::SUCCESS);
    }
    let made = backup::make(&address, &documents, file).await?;
    for fault in made
        .report
        .faults
        .iter()
        .map(ToString::to_string)
        .chain(made.faults.clone())
    {
        say(&fault, false);
    }
    say(
        &format!(
            "{} entries, {} records, {} files, head {}",
            made.report.entries, made.report.records, made.files, made.report.head
        ),
        false,
    );
    if made.faults() == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    say(
        &format!(
            "the backup is complete, but {} inconsistencies were found, which were there before",
            made.faults()
        ),
        true,
    );
    Ok(ExitCode::FAILURE)
}

/// Writes a line. It is not an error if the reader has gone.
fn say(line: &str, to_stderr: bool) {
    let line = format!("{line}\n");
    let _ = if to_stderr {
        std::io::stderr().write_all(line.as_bytes())
    } else {
        std::io::stdout().write_all(line.as_bytes())
    };
}

/// Logs go to stderr; `RUST_LOG` sets the level.
fn log_as(format: LogFormat) {
    let mut builder = env_logger::Builder::from_env(
        env_logger::Env::default().default_filter_or("warn,stride=info"),
    );
    builder.format(move |out, record| {
        let at = chrono::Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let (level, target) = (record.level().as_str(), record.target());
        let (message, fields) = (record.args().to_string(), fields(record));
        if format == LogFormat::Json {
            let mut line = serde_json::Map::new();
            for (name, value) in [
                ("at", at.as_str()),
                ("level", level),
                ("target", target),
                ("message", &message),
            ] {
                line.insert(name.to_owned(), value.into());
            }
            line.extend(fields);
            return writeln!(out, "{}", serde_json::Value::Object(line));
        }
        write!(out, "{at} {level} {target} {}", on_one_line(&message))?;
        for (name, value) in &fields {
            match value.as_str().filter(|text| is_plain(text)) {
                Some(text) => write!(out, " {name}={text}")?,
                None => write!(out, " {name}={value}")?,
            }
        }
        writeln!(out)
    });
    builder.init();
    // A panic is a line of the log like any other.
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let (name, trace) = (thread.name().unwrap_or("unnamed"), Backtrace::capture());
        let trace = match trace.status() {
            BacktraceStatus::Captured => trace.to_string(),
            _ => String::new(),
        };
        log::error!(thread = name, backtrace = trace.as_str(); "{panic}");
    }));
}

/// The fields of a record of the log, without those that are empty.
fn fields(record: &log::Record<'_>) -> serde_json::Map<String, serde_json::Value> {
    struct Gathered(serde_json::Map<String, serde_json::Value>);
    impl<'kvs> VisitSource<'kvs> for Gathered {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), KvError> {
            let value = match (value.to_u64(), value.to_borrowed_str()) {
                (Some(number), _) => number.into(),
                (_, Some("")) => return Ok(()),
                (_, Some(text)) => text.into(),
                (None, None) => match value.to_f64() {
                    Some(number) => number.into(),
                    None => value.to_string().into(),
                },
            };
            self.0.insert(key.to_string(), value);
            Ok(())
        }
    }
    let mut gathered = Gathered(serde_json::Map::new());
    // Gathering cannot fail.
    let _ = record.key_values().visit(&mut gathered);
    gathered.0
}

/// Whether a value can be read in a line of text without quotes.
fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    !text.is_empty() && text.bytes().all(plain)
}

/// A message without line breaks and other control characters.
fn on_one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for c in message.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
