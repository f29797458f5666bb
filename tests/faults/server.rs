//! The real binary as a child process, and a client that speaks to it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::cluster::Database;

/// A command of the binary on this database, with nothing of the surroundings in its environment.
fn stride(database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stride"));
    command
        .env_clear()
        .env("RUST_LOG", "error")
        .env("DATABASE_URL", &database.url)
        .env("STRIDE_DATA_DIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    command
}

/// Runs a command with these settings to its end.
pub fn run_with(database: &Database, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    stride(database)
        .envs(settings.iter().copied())
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs a command to its end.
pub fn run(database: &Database, arguments: &[&str]) -> Output {
    stride(database).args(arguments).output().unwrap()
}

/// Runs a command that must succeed; what it printed.
pub fn printed(database: &Database, arguments: &[&str]) -> String {
    let output = run(database, arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.trim().to_owned()
}

/// A running service. It is killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts the service without example data and waits until it says where it answers.
    pub fn start(database: &Database) -> Self {
        Self::starting(database).ready()
    }

    /// The same, with these settings.
    pub fn with(database: &Database, settings: &[(&str, &str)]) -> Self {
        Self::spawned(stride(database).envs(settings.iter().copied())).ready()
    }

    /// Starts the service with these settings and writes its log to a file.
    pub fn logging(database: &Database, settings: &[(&str, &str)], log: std::fs::File) -> Self {
        let mut command = stride(database);
        command.envs(settings.iter().copied()).stderr(log);
        Self::spawned(&mut command).ready()
    }

    /// Starts the service so that a write beyond a limit on the size of files fails, and does not end
    /// the process.
    pub fn without_file_size_signal(database: &Database) -> Self {
        let plain = stride(database);
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(plain.get_program())
            .env_clear()
            .envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(Stdio::null());
        Self::spawned(&mut command).ready()
    }

    /// Starts the service and does not wait.
    pub fn starting(database: &Database) -> Starting {
        Self::spawned(&mut stride(database))
    }

    fn spawned(command: &mut Command) -> Starting {
        let child = command
            .args([
                "serve",
                "--bind",
                "127.0.0.1:0",
                "--rate-limit",
                "0",
                "--no-example",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Starting(child)
    }

    /// Ends it as the kernel would: no chance to finish anything.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as a supervisor does.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Its number as a process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that has not yet said that it answers.
pub struct Starting(Child);

impl Starting {
    /// Waits until it answers.
    pub fn ready(mut self) -> Server {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .rsplit_once("http://")
            .unwrap_or_else(|| panic!("the service did not start: {line:?}"));
        Server {
            address: address.1.parse().unwrap(),
            child: self.0,
        }
    }
}

/// A caller with a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    pub token: String,
}

impl Client {
    /// The first administrator's powers with clearance for marked records, by a token of the command
    /// line.
    pub fn administrator(database: &Database, server: &Server) -> Self {
        Self::new(
            server,
            printed(
                database,
                &["token", "--role", "administrator", "--official-sensitive"],
            ),
        )
    }

    /// A caller with this token.
    pub fn new(server: &Server, token: String) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: format!("http://{}", server.address),
            token,
        }
    }

    /// The same caller at another replica.
    pub fn at(&self, server: &Server) -> Self {
        Self::new(server, self.token.clone())
    }

    /// The same caller from another address of this machine.
    pub fn from(&self, address: std::net::IpAddr) -> Self {
        let http = reqwest::Client::builder().no_proxy().local_address(address);
        Self {
            http: http.build().unwrap(),
            ..self.clone()
        }
    }

    /// A request, to be completed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// Reads a path; status and body.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        taken(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Sends a body; status and body of the answer.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        taken(
            self.request(Method::POST, path)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Creates a record.
    pub async fn create(&self, path: &str, body: &Value) -> Value {
        let (status, record) = self.post(path, body).await;
        assert_eq!(status, 201, "{record}");
        record
    }

    /// Changes a record from this version on; status and body.
    pub async fn patch(&self, path: &str, version: i64, body: &Value) -> (u16, Value) {
        let request = self
            .request(Method::PATCH, path)
            .header("If-Match", format!("\"{version}\""));
        taken(request.json(body).send().await.unwrap()).await
    }

    /// Withdraws a record.
    pub async fn withdraw(&self, path: &str, version: i64) {
        let request = self
            .request(Method::DELETE, path)
            .header("If-Match", format!("\"{version}\""));
        let (status, body) = taken(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Every record of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let (status, mut page) = self.get(&format!("{path}?limit=200{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            items.append(page["items"].as_array_mut().unwrap());
            let Some(next) = page["next_cursor"].as_str() else {
                return items;
            };
            cursor = format!("&cursor={next}");
        }
    }
}

/// A document that takes files, and who may send them.
pub struct Document {
    manager: Client,
    versions: String,
}

impl Document {
    /// A document of a unit of its own.
    pub async fn new(database: &Database, server: &Server) -> Self {
        let unit = json!({ "title": "Unit", "description": "Unit", "unit_kind": "unit" });
        let admin = Client::administrator(database, server);
        let unit = admin.create("/api/v1/units", &unit).await;
        let token = printed(database, &["token", "--role", "strategy_manager"]);
        let manager = Client::new(server, token);
        let document = json!({ "title": "Strategy", "document_kind": "strategy", "owner_unit_id": unit["id"] });
        let document = manager.create("/api/v1/documents", &document).await;
        let id = document["id"].as_str().unwrap();
        Self {
            manager,
            versions: format!("/api/v1/documents/{id}/versions?file_name=minutes.txt"),
        }
    }

    /// Sends a file; status and body of the answer.
    pub async fn upload(&self) -> (u16, Value) {
        let sent = self
            .manager
            .request(Method::POST, &self.versions)
            .header("content-type", "text/plain")
            .body("Minutes. ".repeat(100_000));
        taken(sent.send().await.unwrap()).await
    }
}

/// Status and body of an answer; null for an empty one.
pub async fn taken(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// The journal's chain and the records hold, and there are no gaps; how many entries there are.
pub fn assert_sound(database: &Database) -> usize {
    let output = run(database, &["verify"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "verify found faults:\n{text}");
    let entries = text.split(" entries").next().unwrap();
    entries.trim().parse().unwrap()
}
