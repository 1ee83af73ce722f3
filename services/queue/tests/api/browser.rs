//! The pages in a browser: Chromium without a window, driven over its DevTools
//! protocol. Left out, with a word, where none is installed.

use crate::running::{DEADLINE, Running, eventually};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// A browser with one tab, ended with the test.
struct Browser {
    process: Child,
    tab: WebSocket<TcpStream>,
    asked: u64,
    /// What the tab told without being asked: requests, errors.
    told: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    fn start() -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        // As root, and in containers, its own sandbox cannot be had; it sees this
        // service's pages alone.
        let process = Command::new("chromium")
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--remote-debugging-port=0",
                "--no-first-run",
                "--disable-background-networking",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut process) = process else {
            eprintln!("left out: no chromium is installed on this machine");
            return None;
        };
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let mut lines = stderr.lines().map_while(Result::ok);
        let prefix = "DevTools listening on ws://";
        let browser = lines.find_map(|line| Some(line.strip_prefix(prefix)?.to_owned()));
        // Whoever does not read its errors stops it when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let browser = browser.expect("it says where it listens");
        let host = browser.split('/').next().unwrap().to_owned();
        let tab = eventually("it has a tab", || tab_of(&host));
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let (tab, _) = tungstenite::client::client(tab, stream).unwrap();
        let mut this = Self {
            process,
            tab,
            asked: 0,
            told: Vec::new(),
            _profile: profile,
        };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            this.ask(&format!("{domain}.enable"), &json!({}));
        }
        Some(this)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let asked = json!({"id": self.asked, "method": method, "params": params});
        self.tab.send(Message::text(asked.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.tab.read().unwrap() else {
                continue;
            };
            let said: Value = serde_json::from_str(&text).unwrap();
            if said["id"] == self.asked {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            self.told.push(said);
        }
    }

    /// What the page's script makes of an expression.
    fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", &params);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    fn until(&mut self, expression: &str) {
        eventually(expression, || {
            (self.evaluate(expression) == true).then_some(())
        });
    }

    fn open(&mut self, url: &str) {
        self.ask("Page.navigate", &json!({"url": url}));
        self.until("document.readyState === 'complete'");
    }

    fn screen(&mut self, width: u32, height: u32, scheme: &str) {
        let phone = width < 600;
        let params =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.ask("Emulation.setDeviceMetricsOverride", &params);
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Writes a picture where `PARLAB_PICTURES` names a folder, for a person to look at.
    fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("PARLAB_PICTURES") else {
            return;
        };
        let params = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.ask("Page.captureScreenshot", &params);
        let path = std::path::Path::new(&folder).join(format!("{name}.png.base64"));
        std::fs::write(path, picture["data"].as_str().unwrap()).unwrap();
    }

    /// What went wrong in the page, and what it asked of other hosts than `host`.
    fn complaints(&mut self, host: &str) -> Vec<String> {
        self.evaluate("1");
        let complaint = |said: &Value| {
            let params = &said["params"];
            match said["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(params.to_string()),
                "Log.entryAdded" if params["entry"]["level"] == "error" => Some(params.to_string()),
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str()?;
                    let here = [
                        format!("http://{host}/"),
                        "data:".into(),
                        "about:".into(),
                        "blob:".into(),
                    ];
                    (!here.iter().any(|here| url.starts_with(here))).then(|| url.to_owned())
                }
                _ => None,
            }
        };
        self.told.iter().filter_map(complaint).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address of the browser's first tab.
fn tab_of(host: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET /json/list HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    // The browser keeps the connection open: what it says ends where the list does.
    let (mut said, mut chunk) = (Vec::new(), [0; 4096]);
    let tabs: Value = loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        said.extend_from_slice(&chunk[..read]);
        let list = said.iter().position(|byte| *byte == b'[');
        if let Some(tabs) = list.and_then(|list| serde_json::from_slice(&said[list..]).ok()) {
            break tabs;
        }
    };
    let tab = tabs.as_array()?.iter().find(|tab| tab["type"] == "page")?;
    Some(tab["webSocketDebuggerUrl"].as_str()?.to_owned())
}

/// Chooses a type and a value in the form and sends it.
fn submit(browser: &mut Browser, kind: &str, value: &str) {
    browser.evaluate(&format!(
        "(() => {{
            const kind = document.getElementById('kind');
            kind.value = '{kind}';
            kind.dispatchEvent(new Event('change'));
            document.getElementById('value').value = '{value}';
            document.getElementById('submit').click();
        }})()"
    ));
}

#[test]
fn jobs_are_submitted_on_the_page_and_seen_to_move() {
    let running = Running::start();
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let host = running.api.to_string();
    browser.screen(390, 844, "light");
    browser.open(&format!("http://{host}/"));
    browser.until("document.getElementById('connection').textContent === 'connected'");
    browser.until("document.querySelector('[data-figure=waiting]').textContent !== '?'");

    submit(&mut browser, "sleep", "600");
    browser.until("document.querySelector('#active .job') !== null");
    submit(&mut browser, "sum_squares", "9999999");
    browser.until("document.querySelector('#succeeded .job') !== null");
    submit(&mut browser, "panic", "0");
    browser.until("document.querySelector('#waiting .job, #ended .job') !== null");

    let said = browser.evaluate("document.querySelector('#succeeded .said').textContent");
    assert_eq!(said, r#"{"n":9999999,"sum":333333183333354999999}"#);
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(
        browser.evaluate(overflow),
        0,
        "a phone need not scroll sideways"
    );
    let small = "[...document.querySelectorAll('button, select, input:not([type=checkbox])')] \
         .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44).length";
    assert_eq!(browser.evaluate(small), 0, "a finger hits every control");
    browser.picture("phone");
    browser.evaluate("document.querySelector('#active .job button').click()");
    browser.until("document.querySelector('#ended .job[data-state=cancelled]') !== null");
    assert_eq!(browser.complaints(&host), [""; 0]);
}

#[test]
fn a_page_that_is_loaded_again_hears_of_its_jobs() {
    let running = Running::start();
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let url = format!("http://{}/", running.api);
    browser.screen(1280, 900, "dark");
    browser.open(&url);
    browser.until("document.getElementById('connection').textContent === 'connected'");
    submit(&mut browser, "sleep", "1");
    browser.until("document.querySelector('.job') !== null");

    browser.open(&url);

    browser.until("document.querySelector('#succeeded .job') !== null");
    browser.evaluate("document.getElementById('all').click()");
    let jobs = [
        json!({"type": "noop", "priority": 9}),
        json!({"type": "fibonacci", "data": {"n": 20}, "priority": 3}),
        json!({"type": "sleep", "data": {"seconds": 30}}),
    ];
    for job in jobs.iter().cycle().take(12) {
        assert_eq!(running.post("/jobs", job).status, 202);
    }
    browser.until("document.querySelectorAll('.job').length > 10");
    browser.until("document.querySelector('#workers td') !== null");
    browser.picture("desktop");
    assert_eq!(browser.complaints(&running.api.to_string()), [""; 0]);
}

#[test]
fn the_api_can_be_tried_on_its_page() {
    let running = Running::start();
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let host = running.api.to_string();
    browser.screen(1280, 900, "light");
    browser.open(&format!("http://{host}/docs"));
    browser.until("document.querySelectorAll('.opblock').length >= 14");
    browser.picture("docs");

    browser.evaluate(
        "[...document.querySelectorAll('.opblock-get .opblock-summary-control')] \
         .find((e) => e.textContent.includes('/queue')).click()",
    );
    browser.until("document.querySelector('.opblock-body button.execute') !== null");

    // A click before the page listens is lost: again each second.
    browser.until(
        "(() => {
            const status = '.live-responses-table tbody .response-col_status';
            if (document.querySelector(status)?.textContent.includes('200')) return true;
            if (!(Date.now() - window.clicked < 1000)) {
                window.clicked = Date.now();
                document.querySelector('.opblock-body button.execute').click();
            }
            return false;
        })()",
    );
    assert_eq!(browser.complaints(&host), [""; 0]);
}
