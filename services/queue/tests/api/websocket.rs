//! A WebSocket client that is not of this project, so that both ends cannot be
//! wrong alike.

use crate::running::{DEADLINE, Running};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

/// A connected client.
pub(crate) struct Client {
    pub(crate) socket: WebSocket<TcpStream>,
    pub(crate) session: String,
    /// What came while something else was waited for.
    heard: Vec<Value>,
}

/// The answer to a handshake that was refused.
pub(crate) struct Refusal {
    pub(crate) status: u16,
}

/// A handshake with these headers.
pub(crate) fn connect(
    address: SocketAddr,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Client, Refusal> {
    let stream = TcpStream::connect_timeout(&address, DEADLINE).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let config = WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None);
    match tungstenite::client::client_with_config(request, stream, Some(config)) {
        Ok((socket, response)) => {
            let session = response.headers()["x-queue-session"].to_str().unwrap();
            Ok(Client {
                session: session.to_owned(),
                socket,
                heard: Vec::new(),
            })
        }
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => Err(Refusal {
            status: response.status().as_u16(),
        }),
        Err(other) => panic!("{other:?}"),
    }
}

impl Client {
    pub(crate) fn of(running: &Running) -> Self {
        Self::at(running, "/")
    }

    pub(crate) fn at(running: &Running, path: &str) -> Self {
        connect(running.socket, path, &[]).unwrap_or_else(|refusal| panic!("{}", refusal.status))
    }

    pub(crate) fn say(&mut self, said: &Value) {
        self.say_text(&said.to_string());
    }

    pub(crate) fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// The next message, whatever it is.
    pub(crate) fn hear(&mut self) -> Value {
        self.next().expect("the connection is open")
    }

    /// The next message, or how the connection was closed.
    pub(crate) fn next(&mut self) -> Result<Value, (u16, String)> {
        let asked = Instant::now();
        loop {
            // The server's pings are messages to the socket, but not to whoever waits.
            assert!(asked.elapsed() < DEADLINE, "nothing is said");
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(Some(close))) => {
                    return Err((close.code.into(), close.reason.to_string()));
                }
                Ok(_) => {}
                Err(error) => return Err((0, error.to_string())),
            }
        }
    }

    /// How the connection was closed, whatever is said before.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(closed) = self.next() {
                return closed;
            }
        }
    }

    /// The first message of that kind; what comes before it stays for later.
    pub(crate) fn until(&mut self, kind: &str) -> Value {
        let known = self.heard.iter().position(|said| said["type"] == kind);
        if let Some(at) = known {
            return self.heard.remove(at);
        }
        loop {
            let said = self.hear();
            if said["type"] == kind {
                return said;
            }
            self.heard.push(said);
        }
    }

    /// Submits a job; its id.
    pub(crate) fn submit(&mut self, kind: &str, data: &Value) -> String {
        self.say(&json!({"command": "submit_job", "task_type": kind, "data": data}));
        self.until("accepted")["id"].as_str().unwrap().to_owned()
    }

    /// That the connection is open, and that all that was said is answered.
    pub(crate) fn is_open(&mut self) {
        self.say(&json!({"command": "ping", "ref": "open?"}));
        loop {
            let pong = self.until("pong");
            if pong["ref"] == "open?" {
                return;
            }
        }
    }
}
