//! Nobody locks themselves out, nor the command line.

use serde_json::json;

use crate::cluster::{Backend, Database};
use crate::server::{Client, Server, printed, taken};

#[tokio::test]
async fn no_administrator_can_end_the_account_they_act_with_or_the_local_operator() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let server = Server::start(&database);
    let operator = Client::administrator(&database, &server);
    let own = operator.get("/api/v1/me").await.1["account_id"]
        .as_str()
        .unwrap()
        .to_owned();

    // Another administrator, a system's.
    let other = operator
        .create(
            "/api/v1/accounts",
            &json!({ "account_kind": "service", "title": "Other" }),
        )
        .await;
    let id = other["id"].as_str().unwrap();
    operator
        .create(
            "/api/v1/grants",
            &json!({ "account_id": id, "role": "administrator" }),
        )
        .await;
    let secret = operator
        .create(&format!("/api/v1/accounts/{id}/secrets"), &json!({}))
        .await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret["client_secret"].as_str().unwrap()),
    ];
    let request = operator
        .request(reqwest::Method::POST, "/oauth/token")
        .form(&form);
    let (status, token) = taken(request.send().await.unwrap()).await;
    assert_eq!(status, 200, "{token}");
    let administrator = Client::new(&server, token["access_token"].as_str().unwrap().to_owned());

    // The administrator's secret made its account version 2.
    for (client, account, version) in [
        (&operator, own.as_str(), 1),
        (&administrator, own.as_str(), 1),
        (&administrator, id, 2),
    ] {
        let path = format!("/api/v1/accounts/{account}");
        let in_a_day = chrono::Utc::now() + chrono::Duration::days(1);
        for change in [
            json!({ "status": "disabled" }),
            json!({ "tokens_valid_from": in_a_day }),
        ] {
            let (status, body) = client.patch(&path, version, &change).await;
            assert_eq!(status, 422, "{change}: {body}");
        }
        let withdraw = client
            .request(reqwest::Method::DELETE, &path)
            .header("If-Match", format!("\"{version}\""));
        let (status, body) = taken(withdraw.send().await.unwrap()).await;
        assert_eq!(status, 409, "{body}");
    }
    let (status, body) = administrator
        .patch(
            &format!("/api/v1/accounts/{own}"),
            1,
            &json!({ "reference": "other" }),
        )
        .await;
    assert_eq!(status, 422, "{body}");

    let token = printed(&database, &["token", "--role", "viewer"]);
    assert_eq!(
        Client::new(&server, token).get("/api/v1/units").await.0,
        200
    );
    assert_eq!(administrator.get("/api/v1/accounts").await.0, 200);
}
