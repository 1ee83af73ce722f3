//! What a client was not told it hears when it comes back with its session.

use crate::running::{Running, Setup, eventually};
use crate::websocket::Client;
use serde_json::json;

#[test]
fn a_result_waits_for_its_client() {
    let running = Running::start();
    let mut client = Client::of(&running);
    let session = client.session.clone();
    let id = client.submit("sleep", &json!({"seconds": 0.3}));
    drop(client);
    running.get(&format!("/jobs/{id}/result?wait=60s"));

    let mut again = Client::at(&running, &format!("/?session={session}"));

    assert_eq!(again.session, session);
    let result = again.until("result");
    assert_eq!(
        (&result["id"], &result["state"]),
        (&json!(id), &json!("succeeded"))
    );
}

#[test]
fn a_session_is_resumed_by_a_command_too() {
    let running = Running::start();
    let mut client = Client::of(&running);
    let session = client.session.clone();
    let id = client.submit("sleep", &json!({"seconds": 0.3}));
    drop(client);
    let mut again = Client::of(&running);

    again.say(&json!({"command": "resume", "session": session}));

    let resumed = again.until("resumed");
    assert_eq!(
        (&resumed["session"], &resumed["resumed"]),
        (&json!(session), &json!(true))
    );
    assert_eq!(again.until("result")["id"], id);
    again.say(&json!({"command": "resume", "session": "nobody's"}));
    assert_eq!(again.until("resumed")["resumed"], false);
    again.submit("sleep", &json!({"seconds": 600}));
    again.say(&json!({"command": "resume", "session": session}));
    assert_eq!(again.until("error")["status"], 409);
}

#[test]
fn a_result_that_never_arrived_is_told_again_and_one_that_did_is_not() {
    let running = Running::start();
    let mut client = Client::of(&running);
    let session = client.session.clone();
    let arrived = client.submit("noop", &json!({}));
    assert_eq!(client.until("result")["id"], arrived);
    // The pong to the ping behind it is on its way before this is answered.
    client.is_open();
    client.is_open();
    let lost = client.submit("noop", &json!({}));
    running.get(&format!("/jobs/{lost}/result?wait=60s"));
    eventually("the result is written", || {
        let mut byte = [0; 1];
        (client.socket.get_ref().peek(&mut byte).ok()? > 0).then_some(())
    });
    drop(client);

    let mut again = Client::at(&running, &format!("/?session={session}"));

    assert_eq!(again.until("result")["id"], lost);
    again.is_open();
}

#[test]
fn a_session_has_one_client_at_a_time() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let mut first = Client::of(&running);
    first.submit("noop", &json!({}));
    let session = first.session.clone();

    let mut second = Client::at(&running, &format!("/?session={session}"));

    assert_eq!(first.closed().0, 1008);
    assert_eq!(second.session, session);
    second.is_open();
}

#[test]
fn a_session_that_waits_for_nothing_is_forgotten_with_its_client() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let mut client = Client::of(&running);
    client.is_open();
    let session = client.session.clone();
    drop(client);

    eventually("it is forgotten", || {
        let again = Client::at(&running, &format!("/?session={session}"));
        (again.session != session).then_some(())
    });
}
