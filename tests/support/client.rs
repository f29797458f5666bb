//! Someone who asks the service over HTTP. Every answer is checked against the OpenAPI document.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::document;
use stride::problem::Code;

/// A caller: where the service is and the token it shows.
#[derive(Clone)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub base: String,
    pub token: Option<String>,
}

/// A request in the making.
pub struct Ask {
    builder: reqwest::RequestBuilder,
    method: Method,
    path: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What was asked, for messages.
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

pub const JSON: &str = "application/json";
pub const MERGE_PATCH: &str = "application/merge-patch+json";

impl Client {
    /// The same caller with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request, to be completed.
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut builder = self
            .http
            .request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        Ask {
            builder,
            method,
            path: path.to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path).json(body).send().await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.ask("PUT", path).json(body).send().await
    }

    /// Changes what is at `path`, as it was read with `etag`. Who marks a record says why.
    pub async fn patch(&self, path: &str, etag: &str, body: &Value) -> Reply {
        let is_to_say_why = body.get("marking").is_some() && !path.contains('?');
        let why = if is_to_say_why {
            "?reason=Sensitive+now"
        } else {
            ""
        };
        self.ask("PATCH", &format!("{path}{why}"))
            .header("if-match", etag)
            .body(MERGE_PATCH, body.to_string())
            .send()
            .await
    }

    /// Withdraws what is at `path`.
    pub async fn delete(&self, path: &str, etag: &str) -> Reply {
        self.ask("DELETE", path)
            .header("if-match", etag)
            .send()
            .await
    }

    /// The items of a list.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let page = self.get(path).await.status(200).json();
        page["items"].as_array().expect("items").clone()
    }
}

impl Ask {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(JSON, body.to_string())
    }

    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.header("content-type", media_type).body(body);
        self
    }

    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.builder = self.builder.form(fields);
        self
    }

    #[must_use]
    pub fn basic(mut self, name: &str, secret: &str) -> Self {
        self.builder = self.builder.basic_auth(name, Some(secret));
        self
    }

    /// Sends it, and checks that the answer is one that the document promises.
    pub async fn send(self) -> Reply {
        let reply = self.send_unchecked().await;
        let (method, address) = reply.asked.split_once(' ').expect("method and address");
        let path = address.split('?').next().unwrap_or_default();
        document::check_answer(method, path, reply.status, &reply.headers, &reply.body);
        reply
    }

    /// Sends it.
    pub async fn send_unchecked(self) -> Reply {
        let asked = format!("{} {}", self.method, self.path);
        let answer = self
            .builder
            .send()
            .await
            .unwrap_or_else(|e| panic!("{asked}: no answer: {e:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer
            .bytes()
            .await
            .unwrap_or_else(|e| panic!("{asked}: the answer broke off: {e:?}"))
            .to_vec();
        Reply {
            asked,
            status,
            headers,
            body,
        }
    }
}

impl Reply {
    /// Fails unless it has this status.
    #[track_caller]
    pub fn status(&self, wanted: u16) -> &Self {
        assert_eq!(self.status, wanted, "{}\n{}", self.asked, self.text());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: not JSON: {e}\n{}", self.asked, self.text()))
    }

    pub fn header_if(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.header_if(name)
            .unwrap_or_else(|| panic!("{}: no {name} header in {:?}", self.asked, self.headers))
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").to_owned()
    }

    /// Fails unless it is the problem with this code, whole and in the form of RFC 9457. Returns
    /// its body.
    #[track_caller]
    pub fn problem(&self, code: &str) -> Value {
        let known = Code::ALL
            .iter()
            .find(|c| c.slug() == code)
            .unwrap_or_else(|| panic!("no code {code}"));
        assert_eq!(
            self.header_if("content-type"),
            Some("application/problem+json"),
            "{}: {}",
            self.asked,
            self.text()
        );
        let body = self.json();
        assert_eq!(
            (self.status, &body["code"]),
            (known.status(), &Value::from(code)),
            "{}\n{body:#}",
            self.asked
        );
        assert_eq!(body["status"], known.status(), "{}", self.asked);
        assert_eq!(body["title"], known.title(), "{}", self.asked);
        assert_eq!(body["type"], format!("/problems/{code}"), "{}", self.asked);
        assert_eq!(
            body["request_id"],
            self.header("x-request-id"),
            "{}",
            self.asked
        );
        let path = self
            .asked
            .split(' ')
            .nth(1)
            .and_then(|a| a.split('?').next())
            .unwrap_or_default();
        assert_eq!(body["instance"], path, "{}", self.asked);
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!(
            !detail.is_empty(),
            "{}: a problem says what it is\n{body:#}",
            self.asked
        );
        body
    }

    /// The same, and one of its errors points here.
    #[track_caller]
    pub fn problem_at(&self, code: &str, pointer: &str) -> Value {
        let body = self.problem(code);
        let errors = body["errors"].as_array().expect("errors");
        assert!(
            errors.iter().any(|e| e["pointer"] == pointer),
            "{}: no error points to {pointer}\n{body:#}",
            self.asked
        );
        body
    }
}

/// A query parameter's value, escaped.
pub fn escaped(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
