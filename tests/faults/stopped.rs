//! SIGTERM while requests are under way: they are answered, and the process ends with 0. And what
//! the next process must still know.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, assert_sound};

const UNDER_WAY: usize = 6;

/// A request whose head the service has read and whose body is still to come.
struct UnderWay {
    stream: TcpStream,
    body: String,
}

impl UnderWay {
    fn begin(client: &Client, server: &Server, n: usize) -> Self {
        let body =
            json!({ "reference": format!("STOP-{n}"), "title": "Under way", "unit_kind": "unit" })
                .to_string();
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(
            stream,
            "POST /api/v1/units HTTP/1.1\r\nHost: stride\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            client.token,
            body.len()
        )
        .unwrap();
        // `100 Continue` proves that the request is in the service's hands.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend_from_slice(&byte);
        }
        assert!(
            head.starts_with(b"HTTP/1.1 100"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        Self { stream, body }
    }

    fn end(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

async fn a_process_told_to_stop_answers_what_is_under_way(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let requests: Vec<UnderWay> = (0..UNDER_WAY)
        .map(|n| UnderWay::begin(&client, &server, n))
        .collect();
    server.terminate();
    // It has heard when it takes no more connections; until then there is nothing to wait for but
    // that.
    while TcpStream::connect(server.address).is_ok() {}
    for request in some(requests) {
        let answer = request.end();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let status = server.wait();
    assert_eq!(status.code(), Some(0), "{status}");
    assert_sound(&database);

    let server = Server::start(&database);
    let written: Value = client
        .at(&server)
        .get("/api/v1/units?title=Under+way&include_total=true")
        .await
        .1;
    assert_eq!(written["total"], UNDER_WAY);
}

/// A reference may be cited in a paper: no other record is ever to have it.
async fn a_made_reference_is_never_given_again(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let body = json!({ "title": "Named later", "unit_kind": "unit" });
    let made = client.create("/api/v1/units", &body).await;
    let path = format!("/api/v1/units/{}", made["id"].as_str().unwrap());
    let renamed = client
        .patch(&path, 1, &json!({ "reference": "HR" }))
        .await
        .1;
    assert_eq!(
        (made["reference"].as_str(), renamed["reference"].as_str()),
        (Some("UNT-0001"), Some("HR"))
    );
    server.terminate();
    server.wait();

    let server = Server::start(&database);
    let next = client.at(&server).create("/api/v1/units", &body).await;
    assert_eq!(next["reference"], "UNT-0002");
}

on_both!(
    a_process_told_to_stop_answers_what_is_under_way,
    a_made_reference_is_never_given_again
);
