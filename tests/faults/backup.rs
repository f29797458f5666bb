//! A backup of an embedded database, made while others write: it is complete and of one moment, and
//! a service runs from it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, printed, run, run_with, taken};

const FILE: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";
const WRITERS: usize = 4;

/// Uploads a file; the path of its content.
async fn uploaded(client: &Client, unit: &Value) -> String {
    let document = json!({
        "title": "Terms",
        "document_kind": "report",
        "reference": "DOC-1",
        "owner_unit_id": unit["id"],
    });
    let document = client.create("/api/v1/documents", &document).await;
    let id = document["id"].as_str().unwrap();
    let upload = client
        .request(Method::POST, &format!("/api/v1/documents/{id}/versions"))
        .header("content-type", "application/pdf")
        .body(FILE);
    let (status, version) = taken(upload.send().await.unwrap()).await;
    assert_eq!(status, 201, "{version}");
    let id = version["id"].as_str().unwrap();
    format!("/api/v1/document-versions/{id}/content")
}

/// Unpacks a backup, as the README says.
fn unpacked(backup: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new("tar")
        .arg("-xf")
        .arg(backup)
        .arg("-C")
        .arg(folder.path())
        .status();
    assert!(done.unwrap().success());
    folder
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_complete() {
    let database = Arc::new(Database::new(Backend::Sqlite).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("files");
    let store = [("STRIDE_STORE", store.to_str().unwrap())];
    let server = Server::with(&database, &store);
    let client = Client::administrator(&database, &server);
    let token = printed(&database, &["token", "--role", "strategy_manager"]);
    let unit = json!({ "title": "Owner", "unit_kind": "unit", "reference": "OWNER" });
    let owner = client.create("/api/v1/units", &unit).await;
    let content = uploaded(&Client::new(&server, token), &owner).await;
    let ends = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let (client, ends) = (client.clone(), Arc::clone(&ends));
            tokio::spawn(async move {
                let mut made = 0;
                while !ends.load(Ordering::Relaxed) {
                    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": format!("B-{n}-{made}") });
                    client.create("/api/v1/units", &unit).await;
                    made += 1;
                }
                made
            })
        })
        .collect();
    let mut heads = Vec::new();
    let mut backups = Vec::new();
    for n in 0..3 {
        let backup = folder.path().join(format!("backup-{n}.tar"));
        let (from, place, to) = (
            Arc::clone(&database),
            folder.path().join("files"),
            backup.clone(),
        );
        // Beside this thread, which runs the writers.
        let made = tokio::task::spawn_blocking(move || {
            let store = [("STRIDE_STORE", place.to_str().unwrap())];
            run_with(&from, &store, &["backup", to.to_str().unwrap()])
        });
        let output = made.await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{said}");
        assert!(said.contains(" 1 files"), "{said}");
        heads.push(said.rsplit_once("head ").unwrap().1.to_owned());
        backups.push(backup);
    }
    ends.store(true, Ordering::Relaxed);
    for writer in some(writers) {
        assert!(writer.await.unwrap() > 0);
    }
    // Each is the journal as it was at one moment, of which the journal now is a continuation.
    for head in some(&heads) {
        printed(&database, &["verify", "--head", head]);
    }
    assert_ne!(heads.first(), heads.last(), "others wrote in the meantime");
    for (backup, head) in some(backups.iter().zip(&heads)) {
        let folder = unpacked(backup);
        let restored = [
            ("DATABASE_URL", ""),
            ("STRIDE_DATA_DIR", folder.path().to_str().unwrap()),
        ];
        let verified = run_with(&database, &restored, &["verify", "--documents"]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "{said}");
        assert!(said.contains(head), "{said}");
        let server = Server::with(&database, &restored);
        let client = Client::new(&server, client.token.clone());
        let file = client.request(Method::GET, &content).send().await.unwrap();
        assert_eq!(file.status(), 200);
        assert_eq!(file.bytes().await.unwrap(), FILE);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".part"))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "nothing unfinished is left");
}

#[tokio::test]
async fn a_backup_replaces_nothing_and_makes_nothing_of_nothing() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.tar");
    let asked = ["backup", backup.to_str().unwrap()];
    let refused = |remedy: &str| {
        let output = run(&database, &asked);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(remedy), "{said}");
    };
    refused("there is no database at");
    assert!(!backup.exists());
    drop(Server::start(&database));
    std::fs::write(&backup, "another").unwrap();
    refused("name another file");
    assert_eq!(std::fs::read(&backup).unwrap(), b"another");
}

#[tokio::test]
async fn a_database_server_is_backed_up_with_its_own_tools() {
    let Some(database) = Database::new(Backend::Postgres) else {
        return;
    };
    let output = run(&database, &["backup", "backup.tar"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("pg_dump"),
        "{said}"
    );
}
