//! Containers get their names from the services in them.

use crate::service::{Service, eventually};
use crate::tree::{Tree, id, short};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The admin endpoint of a service in the container with this id: its port, and
/// how often it was asked.
fn admin_of(short: &str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let body = format!(
        "# TYPE service_info gauge\nservice_info{{container=\"{short}\",service=\"primes\",version=\"0.1.0\"}} 1\n"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            count.fetch_add(1, Ordering::SeqCst);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    (port, asked)
}

/// A host with two containers, of which the first is told of.
fn two_containers() -> Tree {
    let tree = Tree::with_cpus(&[0], 1000);
    tree.v2_group(&format!("docker/{}", id('1')), 5_000_000, 40);
    tree.v2_group(&format!("docker/{}", id('2')), 5_000_000, 40);
    tree
}

#[tokio::test]
async fn a_container_is_named_by_the_station_whose_replica_it_is() {
    let tree = two_containers();
    let (port, asked) = admin_of(&short('1'));
    let mut arguments = tree.arguments();
    // One that does not run holds nobody up.
    arguments.push(format!(
        "--stations=no-such-station.invalid,localhost:{port}"
    ));

    let service = Service::start(&arguments);

    let names = eventually("the container has its name", async || {
        let samples = service.scrape().await;
        let names = samples.labels("container_cpu_usage_seconds_total", "name");
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.contains(&"localhost".to_owned()).then_some(names)
    });
    assert_eq!(names.await, ["localhost".to_owned(), short('2')]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_container_that_appears_later_gets_its_name() {
    let tree = two_containers();
    let (port, _) = admin_of(&short('3'));
    let mut arguments = tree.arguments();
    arguments.push(format!("--stations=localhost:{port}"));
    let service = Service::start(&arguments);
    let names = async || {
        let samples = service.scrape().await;
        let names = samples.labels("container_memory_bytes", "name");
        names.join(" ")
    };
    assert_eq!(names().await, [short('1'), short('2')].join(" "));

    tree.v2_group(&format!("docker/{}", id('3')), 5_000_000, 40);

    let expected = [short('1'), short('2'), "localhost".to_owned()].join(" ");
    eventually("the container has its name", async || {
        (names().await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_station_that_never_answers_does_not_hold_a_scrape() {
    let tree = two_containers();
    // Connections are taken by the kernel and answered by nobody.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut arguments = tree.arguments();
    arguments.push(format!(
        "--stations=localhost:{}",
        silent.local_addr().unwrap().port()
    ));

    let service = Service::start(&arguments);

    for _ in 0..5 {
        let scrape = tokio::time::timeout(std::time::Duration::from_secs(1), service.scrape());
        let samples = scrape.await.unwrap();
        let names = samples.labels("container_memory_bytes", "name");
        assert_eq!(names, [short('1'), short('2')]);
    }
}
