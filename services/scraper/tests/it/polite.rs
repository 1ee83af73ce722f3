//! What a host asks for, and what it may do: robots.txt, limits, answers that
//! the origin does not give.

use crate::programs::{Origin, Running, ended, eventually, run, summary};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Fetches these URLs, and what became of them.
fn fetched(urls: &[String], options: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let (list, file) = (folder.path().join("list"), folder.path().join("rows"));
    std::fs::write(&list, urls.join("\n")).unwrap();
    let options = format!(
        "--allow-private {options} --store ndjson:{}",
        file.display()
    );
    let output = ended(run(&options).arg("--urls").arg(list));
    assert!(output.status.success(), "{output:?}");
    let rows = std::fs::read_to_string(file).unwrap();
    let mut rows: Vec<Value> = rows
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    rows.sort_by_key(|row| urls.iter().position(|url| row["url"] == url.as_str()));
    rows
}

#[test]
fn what_robots_txt_disallows_is_not_asked_for_unless_told_so() {
    let origin = Origin::start("");
    let urls = [
        format!("{}/private/1", origin.url()),
        format!("{}/page/1", origin.url()),
    ];

    let rows = fetched(&urls, "");

    assert_eq!(
        (&rows[0]["error"], &rows[0]["attempts"]),
        (&"robots".into(), &0.into())
    );
    assert_eq!(rows[1]["error"], Value::Null);
    assert_eq!(fetched(&urls, "--ignore-robots")[0]["error"], Value::Null);
}

#[test]
fn a_host_gets_no_more_at_once_and_no_faster_than_asked_for() {
    let origin = Origin::start("--latency 30ms");
    let urls: Vec<_> = (1..=30)
        .map(|page| format!("{}/page/{page}", origin.url()))
        .collect();

    fetched(&urls, "--concurrency 20");
    assert!(
        origin.stats()["highest_in_flight"].as_u64() <= Some(6),
        "{}",
        origin.stats()
    );
    fetched(&urls, "--concurrency 20 --per-host 20");
    assert!(
        origin.stats()["highest_in_flight"].as_u64() > Some(6),
        "{}",
        origin.stats()
    );

    let begun = Instant::now();
    fetched(&urls[..11], "--concurrency 20 --rate 20 --ignore-robots");
    assert!(
        begun.elapsed() >= Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_list_that_is_sorted_by_host_keeps_several_hosts_busy() {
    let origins = [
        Origin::start("--latency 100ms"),
        Origin::start("--latency 100ms"),
    ];
    let urls: Vec<_> = origins
        .iter()
        .flat_map(|origin| (1..=40).map(|page| format!("{}/page/{page}", origin.url())))
        .collect();
    for mode in ["async", "threads"] {
        let folder = tempfile::tempdir().unwrap();
        let (list, file) = (folder.path().join("list"), folder.path().join("rows"));
        std::fs::write(&list, urls.join("\n")).unwrap();
        let options = format!(
            "--allow-private --ignore-robots --mode {mode} --concurrency 8 --per-host 2 --store ndjson:{}",
            file.display()
        );

        let output = ended(run(&options).arg("--urls").arg(list));

        assert!(output.status.success(), "{output:?}");
        let rows = std::fs::read_to_string(file).unwrap();
        assert_eq!(rows.lines().count(), 80);
        let of_second = |row: &str| row.contains(&origins[1].url());
        let first_of_second = rows.lines().position(of_second).unwrap();
        // It came after all but the last few of the first.
        assert!(first_of_second < 20, "{mode}: {first_of_second}");
    }
    for origin in &origins {
        assert!(origin.stats()["highest_in_flight"].as_u64() <= Some(2));
    }
}

/// A server that answers each path with these bytes, and what it was asked.
struct Scripted {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn start(answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (of_server, answer) = (heads.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (heads, answer) = (of_server.clone(), answer.clone());
                std::thread::spawn(move || serve(connection, &heads, &*answer));
            }
        });
        Self { address, heads }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self, path: &str) -> usize {
        let request = format!("GET {path} ");
        self.heads
            .lock()
            .unwrap()
            .iter()
            .filter(|head| head.starts_with(&request))
            .count()
    }
}

/// One request for each connection.
fn serve(
    mut connection: TcpStream,
    heads: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str, usize) -> Vec<u8>,
) {
    let mut head = String::new();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let before = {
        let mut heads = heads.lock().unwrap();
        let before = heads
            .iter()
            .filter(|head| head.split(' ').nth(1) == Some(&path))
            .count();
        heads.push(head);
        before
    };
    let _ = connection.write_all(&answer(&path, before));
    // Far longer than any test, unless the other end goes.
    for _ in 0..1200 {
        if !path.starts_with("/drip") || connection.write_all(b"x").is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn with_head(head: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn each_way_to_fail_has_its_kind_and_its_attempts() {
    let server = Scripted::start(|path, before| match path {
        "/robots.txt" => with_head("404 Not Found", ""),
        "/broken" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec(),
        "/nothing" => Vec::new(),
        "/nonsense" => b"220 smtp.example ESMTP\r\n\r\n".to_vec(),
        "/encoded" => with_head("200 OK\r\nContent-Encoding: gzip", "this is no gzip"),
        "/zstd" => with_head("200 OK\r\nContent-Encoding: zstd", "whatever"),
        "/large" => with_head("200 OK", &"x".repeat(3000)),
        "/nowhere" => with_head("302 Found", ""),
        "/scheme" => with_head("302 Found\r\nLocation: file:///etc/passwd", ""),
        "/gone" => with_head("410 Gone", ""),
        "/down" => with_head("503 Service Unavailable\r\nRetry-After: 3600", ""),
        "/busy" if before == 0 => with_head("429 Too Many Requests\r\nRetry-After: 1", ""),
        path if path.starts_with("/next/") => {
            let number: u32 = path["/next/".len()..].parse().unwrap();
            with_head(&format!("301 Moved\r\nLocation: /next/{}", number + 1), "")
        }
        _ => with_head("200 OK", "<title>fine</title>"),
    });
    let paths = [
        ("/broken", Some("reset"), 2),
        ("/nothing", Some("reset"), 2),
        ("/nonsense", Some("protocol"), 1),
        ("/encoded", Some("decode"), 1),
        ("/zstd", Some("decode"), 1),
        ("/large", Some("body_too_large"), 1),
        ("/nowhere", Some("bad_redirect"), 1),
        ("/scheme", Some("refused"), 1),
        ("/gone", Some("status"), 1),
        ("/down", Some("status"), 1),
        ("/busy", None, 2),
        ("/next/1", Some("too_many_redirects"), 1),
        ("/fine", None, 1),
    ];
    let urls: Vec<_> = paths.iter().map(|(path, ..)| server.url(path)).collect();
    let begun = Instant::now();

    let rows = fetched(&urls, "--attempts 2 --redirects 3 --max-bytes 2000");

    for ((path, error, attempts), row) in paths.iter().zip(&rows) {
        assert_eq!(row["error"].as_str(), *error, "{path}: {row}");
        assert_eq!(row["attempts"], *attempts, "{path}: {row}");
        assert_eq!(server.asked(path), *attempts as usize, "{path}");
    }
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "Retry-After was not waited for"
    );
    assert_eq!((server.asked("/next/4"), server.asked("/next/5")), (1, 0));
    assert_eq!(server.asked("/robots.txt"), 1);
    let heads = server.heads.lock().unwrap();
    assert!(
        heads
            .iter()
            .all(|head| head.contains("user-agent: parlab-scraper/")),
        "{heads:?}"
    );
}

/// Where a greeting comes before a word is said.
fn who_speaks_no_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.write_all(b"220 smtp.example ESMTP, and no TLS\r\n");
            // Closed with something unread, it would be a reset.
            let _ = std::io::copy(&mut connection, &mut std::io::sink());
        }
    });
    address
}

#[test]
fn a_host_that_is_not_there_is_told_from_a_name_that_is_not() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let urls = [
        format!("http://{nobody}/"),
        "http://nobody.invalid/".to_owned(),
        format!("https://{}/", who_speaks_no_tls()),
    ];

    let rows = fetched(&urls, "--attempts 2 --ignore-robots --connect-timeout 5s");

    let kinds: Vec<_> = rows
        .iter()
        .map(|row| row["error"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["connect", "dns", "tls"]);
    assert_eq!(rows[0]["attempts"], 2);
}

#[test]
fn who_connects_and_says_nothing_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());

    let rows = fetched(
        &[url],
        "--ignore-robots --read-timeout 200ms --connect-timeout 200ms",
    );

    assert_eq!(rows[0]["error"], "timeout");
    assert_eq!(rows[0]["attempts"], 1);
}

#[test]
fn a_robots_txt_that_cannot_be_had_forbids_all() {
    let server = Scripted::start(|path, _| match path {
        "/robots.txt" => with_head("500 Oops", ""),
        _ => with_head("200 OK", "<title>fine</title>"),
    });

    let rows = fetched(&[server.url("/a"), server.url("/b")], "--attempts 2");

    assert!(
        rows.iter()
            .all(|row| row["error"] == "robots" && row["attempts"] == 0),
        "{rows:?}"
    );
    assert_eq!((server.asked("/robots.txt"), server.asked("/a")), (2, 0));
}

#[test]
fn a_robots_txt_that_asks_for_patience_forbids_all() {
    let server = Scripted::start(|path, _| match path {
        "/robots.txt" => with_head("429 Too Many Requests\r\nRetry-After: 3600", ""),
        _ => with_head("200 OK", "<title>fine</title>"),
    });

    let rows = fetched(&[server.url("/a")], "");

    assert_eq!(
        (&rows[0]["error"], &rows[0]["attempts"]),
        (&"robots".into(), &0.into())
    );
    assert_eq!((server.asked("/robots.txt"), server.asked("/a")), (1, 0));
}

#[test]
fn a_robots_txt_that_could_not_be_had_is_asked_for_again() {
    let server = Scripted::start(|path, before| match path {
        "/robots.txt" if before == 0 => with_head("503 Service Unavailable", ""),
        "/robots.txt" => with_head("200 OK", "User-agent: *\nDisallow: /private"),
        _ => with_head("200 OK", "<title>fine</title>"),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    let options = format!(
        "--urls - --allow-private --attempts 1 --longest-pause 100ms --store ndjson:{}",
        file.display()
    );
    let mut running = Running::start(run(&options).stdin(std::process::Stdio::piped()));
    let mut stdin = running.stdin();
    let rows = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let rows = text
            .lines()
            .filter_map(|row| serde_json::from_str(row).ok());
        rows.collect::<Vec<Value>>()
    };

    for (number, path) in ["/early", "/late", "/private"].into_iter().enumerate() {
        writeln!(stdin, "{}", server.url(path)).unwrap();
        eventually("it has its outcome", || {
            (rows().len() > number).then_some(())
        });
        std::thread::sleep(Duration::from_millis(150));
    }
    drop(stdin);

    assert!(running.ended().0.success());
    let errors: Vec<_> = rows().iter().map(|row| row["error"].clone()).collect();
    assert_eq!(
        errors,
        [Value::from("robots"), Value::Null, "robots".into()]
    );
    assert_eq!((server.asked("/robots.txt"), server.asked("/late")), (2, 1));
    assert_eq!((server.asked("/early"), server.asked("/private")), (0, 0));
}

#[test]
fn what_nobody_wants_to_read_is_not_waited_for() {
    let server = Scripted::start(|path, _| match path {
        "/drip/away" => {
            b"HTTP/1.1 302 Found\r\nLocation: /fine\r\nContent-Length: 60000\r\n\r\n".to_vec()
        }
        "/drip/fault" => {
            b"HTTP/1.1 503 Oops\r\nTransfer-Encoding: chunked\r\n\r\nfff0\r\n".to_vec()
        }
        "/drip/huge" => b"HTTP/1.1 404 No\r\nContent-Length: 60000000\r\n\r\n".to_vec(),
        _ => with_head("200 OK", "<title>fine</title>"),
    });
    let urls = ["/drip/away", "/drip/fault", "/drip/huge"].map(|path| server.url(path));
    let begun = Instant::now();

    let rows = fetched(
        &urls,
        "--ignore-robots --attempts 1 --timeout 50s --read-timeout 50s",
    );

    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, [200, 503, 404]);
    assert_eq!(rows[0]["title"], "fine");
}

#[test]
fn small_files_that_hold_very_much_take_the_memory_that_they_may() {
    let zeros = vec![0; 2_000_000];
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(&zeros).unwrap();
    let bomb = bomb.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let server = Scripted::start(move |_, _| [head.as_bytes(), &bomb].concat());
    let urls: Vec<_> = (0..40)
        .map(|page| server.url(&format!("/{page}")))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, urls.join("\n")).unwrap();
    // Each page is allowed; together they would have 80 MB and more.
    let options = "--allow-private --ignore-robots --concurrency 100 --per-host 100 --mode threads \
                   --parse none --format json --max-bytes 3000000 --max-bytes-at-once 2000000";

    let mut command = run(options);
    // As in the image.
    command.env("MALLOC_MMAP_THRESHOLD_", "131072");
    let output = ended(command.arg("--urls").arg(list));

    let summary = summary(&output);
    assert_eq!(summary["pages"], 40, "{summary}");
    let memory = summary["memory_peak_bytes"].as_u64().unwrap();
    assert!(memory < 56 << 20, "{memory} bytes");
}

#[test]
fn what_is_stored_of_a_page_is_what_it_holds() {
    let body = "<title>A &amp; B</title><p>three words here <a href=/x>link</a>";
    let server = Scripted::start(move |_, _| with_head("200 OK\r\nContent-Type: text/html", body));

    let rows = fetched(&[server.url("/")], "--ignore-robots");

    let row = &rows[0];
    assert_eq!(row["title"], "A & B");
    assert_eq!((&row["links"], &row["words"]), (&1.into(), &4.into()));
    assert_eq!(
        (&row["status"], &row["bytes"]),
        (&200.into(), &body.len().into())
    );
    assert_eq!(row["hash"], blake3::hash(body.as_bytes()).to_hex().as_str());
}

#[test]
fn a_summary_counts_what_happened() {
    let origin = Origin::start("--pages 20");
    let options = format!(
        "--origin {} --pages 25 --format json --concurrency 3",
        origin.url()
    );

    let summary = summary(&ended(&mut run(&options)));

    assert_eq!(
        (&summary["pages"], &summary["failed"]["status"]),
        (&20.into(), &5.into())
    );
    // robots.txt is a request too.
    assert_eq!(
        (&summary["requests"], &summary["retries"]),
        (&26.into(), &0.into())
    );
    assert_eq!(
        (&summary["stored"], &summary["left"]),
        (&0.into(), &0.into()),
        "--store none stores none"
    );
    assert!(summary["highest_in_flight"].as_u64() <= Some(3));
}
