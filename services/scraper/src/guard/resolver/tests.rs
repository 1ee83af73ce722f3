#![allow(clippy::unwrap_used)]
use super::*;
use crate::guard::AllowList;
use hyper_util::client::legacy::connect::HttpConnector;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Longer than any answer takes here.
const WITHIN: Duration = Duration::from_secs(30);

/// A name server that says nothing.
struct Silent;

impl Lookup for Silent {
    async fn lookup(&self, _: String) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

/// A name server that gives its answers one after the other, the last for ever.
struct Scripted {
    answers: Vec<io::Result<Vec<IpAddr>>>,
    asked: Arc<AtomicUsize>,
}

impl Lookup for Scripted {
    async fn lookup(&self, _: String) -> io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        match &self.answers[turn.min(self.answers.len() - 1)] {
            Ok(addresses) => Ok(addresses.clone()),
            Err(error) => Err(error.kind().into()),
        }
    }
}

fn guard(entries: &[&str]) -> Arc<Guard> {
    let entries = entries.iter().map(|entry| entry.parse().unwrap());
    Arc::new(Guard::new(AllowList::new(entries)))
}

/// A resolver whose names have these addresses, and how often it has asked.
fn resolver(
    entries: &[&str],
    answers: &[&[&str]],
) -> (GuardedResolver<Scripted>, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let answers = answers.iter().map(|addresses| {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        Ok(addresses.collect())
    });
    let scripted = Scripted {
        answers: answers.collect(),
        asked: asked.clone(),
    };
    (
        GuardedResolver::asking(guard(entries), scripted, WITHIN),
        asked,
    )
}

async fn resolve<L: Lookup>(
    resolver: &GuardedResolver<L>,
    name: &str,
) -> Result<Vec<String>, Failure> {
    let addresses = resolver.clone().call(name.parse().unwrap()).await?;
    Ok(addresses.map(|socket| socket.ip().to_string()).collect())
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    for address in [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "169.254.169.254",
        "::ffff:192.168.0.1",
        "64:ff9b::7f00:1",
        "fd00::1",
    ] {
        let (resolver, _) = resolver(&["*"], &[&[address]]);

        let refused = resolve(&resolver, "localtest.example").await.unwrap_err();

        let refusal = Refusal::behind(refused.as_ref()).unwrap();
        assert!(
            matches!(refusal, Refusal::Address { host, .. } if host == "localtest.example"),
            "{address}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn of_a_mixed_answer_only_what_is_permitted_is_left() {
    let answer: &[&str] = &["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"];
    let (resolver, _) = resolver(&["*"], &[answer]);

    let left = resolve(&resolver, "mixed.example").await.unwrap();

    assert_eq!(left, ["1.1.1.1", "2606:4700::1111"]);
}

#[tokio::test]
async fn a_name_on_the_list_leads_to_its_private_address() {
    let (resolver, _) = resolver(&["origin:8080"], &[&["172.18.0.3"]]);

    assert_eq!(resolve(&resolver, "origin").await.unwrap(), ["172.18.0.3"]);
}

#[tokio::test]
async fn those_who_ask_together_ask_once() {
    let (resolver, asked) = resolver(&["*"], &[&["1.1.1.1"], &["2.2.2.2"]]);

    let all =
        futures_util::future::join_all((0..64).map(|_| resolve(&resolver, "a.example"))).await;

    for answer in all {
        assert_eq!(answer.unwrap(), ["1.1.1.1"]);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    resolve(&resolver, "b.example").await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_ask_and_soon_forgotten() {
    let asked = Arc::<AtomicUsize>::default();
    let scripted = Scripted {
        answers: vec![
            Err(io::ErrorKind::TimedOut.into()),
            Ok(Vec::new()),
            Ok(vec!["1.1.1.1".parse().unwrap()]),
        ],
        asked: asked.clone(),
    };
    let resolver = GuardedResolver::asking(guard(&["*"]), scripted, WITHIN);

    for times in 1..=2 {
        let all = (0..64).map(|_| resolve(&resolver, "a.example"));
        for answer in futures_util::future::join_all(all).await {
            let failed = answer.unwrap_err();
            assert!(failed.is::<NoAddress>(), "{failed}");
            assert!(failed.to_string().contains("a.example"), "{failed}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), times);
        tokio::time::sleep(FAILURE_USED_FOR).await;
    }
    assert_eq!(resolve(&resolver, "a.example").await.unwrap(), ["1.1.1.1"]);
}

#[tokio::test]
async fn a_million_names_take_the_memory_of_some() {
    let (resolver, _) = resolver(&["*"], &[&["1.1.1.1"]]);

    for number in 0..3 * MOST_NAMES {
        resolve(&resolver, &format!("{number}.example"))
            .await
            .unwrap();
    }

    let kept = resolver.shared.answers.lock().unwrap().len();
    assert!(kept <= MOST_NAMES, "{kept}");
}

/// The whole way: a client, a name that is harmless when it is checked first
/// and leads to this machine when it is connected to.
#[tokio::test]
async fn a_client_never_connects_to_a_name_that_changed_its_answer() {
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let guard = guard(&["*"]);
    let scripted = Scripted {
        answers: vec![
            Ok(vec!["1.1.1.1".parse().unwrap()]),
            Ok(vec!["127.0.0.1".parse().unwrap()]),
        ],
        asked: Arc::default(),
    };
    let rebinding = GuardedResolver::asking(guard.clone(), scripted, WITHIN);
    let url = format!("http://rebind.example:{port}/");
    guard.check_url(&url.parse().unwrap()).unwrap();
    let harmless = resolve(&rebinding, "rebind.example").await.unwrap();
    assert_eq!(harmless, ["1.1.1.1"]);
    // As if the answer had been forgotten: the next one is another.
    rebinding.shared.answers.lock().unwrap().clear();
    let mut connector = HttpConnector::new_with_resolver(rebinding);

    let failed = connector.call(url.parse().unwrap()).await.unwrap_err();

    let refusal = Refusal::behind(&failed).unwrap();
    assert!(
        matches!(refusal, Refusal::Address { address, .. } if address.is_loopback()),
        "{refusal:?}"
    );
    let connected = tokio::time::timeout(Duration::from_millis(50), inside.accept()).await;
    assert!(connected.is_err(), "somebody connected");
}

#[tokio::test]
async fn a_name_server_that_says_nothing_is_given_up_in_time() {
    let within = Duration::from_millis(50);
    let resolver = GuardedResolver::asking(guard(&["*"]), Silent, within);

    let waited = tokio::time::timeout(WITHIN, resolve(&resolver, "a.example")).await;

    let failed = waited.unwrap().unwrap_err();
    assert!(failed.is::<NoAddress>(), "{failed}");
    assert!(failed.to_string().contains("50ms"), "{failed}");
}
