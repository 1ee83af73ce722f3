//! What is stored.

use super::*;
use sqlx::Row as _;

#[tokio::test]
async fn a_thousand_outcomes_are_a_thousand_rows_however_often_they_are_stored() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    for _ in 0..2 {
        let opened = open(&cluster, "a").await;
        let sender = opened.sender();
        for number in 1..=1000 {
            sender.put(outcome(number)).await.unwrap();
        }
        let stored = opened.finish(DEADLINE).await;

        assert_eq!((stored.rows, stored.lost, stored.failed), (1000, 0, None));
        assert_eq!(rows(&cluster, "a").await, (1000, 1000));
    }
}

#[tokio::test]
async fn a_row_holds_what_became_of_its_url() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, "a").await;
    let sender = opened.sender();
    sender.put(outcome(7)).await.unwrap();
    sender.put(outcome(8)).await.unwrap();
    opened.finish(DEADLINE).await;

    let mut connection = cluster.connect("postgres").await.unwrap();
    let rows = sqlx::query(
        "SELECT *, extract(epoch FROM fetched_at)::text AS epoch FROM pages ORDER BY url",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();

    let (failed, page) = (&rows[0], &rows[1]);
    assert_eq!(page.get::<&str, _>("run"), "a");
    assert_eq!(page.get::<&str, _>("url"), "http://origin:8080/page/8");
    assert_eq!(page.get::<Option<i16>, _>("status"), Some(200));
    assert_eq!(page.get::<Option<&str>, _>("error"), None);
    assert_eq!(page.get::<i32, _>("attempts"), 3);
    assert_eq!(page.get::<Option<&str>, _>("title"), Some("Page 8 ✓"));
    assert_eq!(page.get::<Option<i64>, _>("links"), Some(8));
    assert_eq!(page.get::<Option<i64>, _>("words"), Some(800));
    assert_eq!(page.get::<i64, _>("bytes"), 8000);
    assert_eq!(page.get::<Option<&[u8]>, _>("hash"), Some(&[8; 32][..]));
    assert!((page.get::<f64, _>("elapsed_seconds") - 0.1).abs() < 1e-9);
    assert_eq!(page.get::<&str, _>("epoch"), "1764000000.123456");
    assert_eq!(failed.get::<Option<i16>, _>("status"), None);
    assert_eq!(failed.get::<Option<&str>, _>("error"), Some("timeout"));
    for column in ["links", "words"] {
        assert_eq!(failed.get::<Option<i64>, _>(column), None);
    }
}

#[tokio::test]
async fn an_outcome_put_twice_is_one_row_which_is_the_last() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, "a").await;
    let sender = opened.sender();
    for attempts in 1..=3 {
        let again = Outcome {
            attempts,
            ..outcome(1)
        };
        sender.put(again).await.unwrap();
    }
    let stored = opened.finish(DEADLINE).await;

    assert_eq!(stored.failed, None);
    assert_eq!(rows(&cluster, "a").await, (1, 1));
    let mut connection = cluster.connect("postgres").await.unwrap();
    let attempts: i32 = sqlx::query_scalar("SELECT attempts FROM pages")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn text_that_sql_might_take_for_its_own_is_only_text() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let title = "'; DROP TABLE pages; -- \\ \0 {\"a\",NULL}";
    let opened = open(&cluster, "a").await;
    let mut odd = outcome(1);
    odd.page.as_mut().unwrap().title = Some(title.into());
    odd.url = "http://origin/?q='%22%5C{},NULL".parse().unwrap();
    opened.sender().put(odd.clone()).await.unwrap();
    let stored = opened.finish(DEADLINE).await;

    assert_eq!((stored.rows, stored.failed), (1, None));
    let mut connection = cluster.connect("postgres").await.unwrap();
    let (url, kept): (String, String) = sqlx::query_as("SELECT url, title FROM pages")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(url, odd.url.as_str());
    assert_eq!(kept, title.replace('\0', "\u{fffd}"));
}

#[tokio::test]
async fn the_longest_url_can_be_stored() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, &"r".repeat(64)).await;
    // Of random digits: what repeats would be compressed.
    let digits = (0..32).map(|_| {
        uuid::Uuid::new_v4().simple().to_string() + "-" + &uuid::Uuid::new_v4().simple().to_string()
    });
    let mut text = format!("http://origin/{}", digits.collect::<String>());
    text.truncate(scraper::target::MOST_BYTES);
    assert_eq!(text.len(), scraper::target::MOST_BYTES);
    let longest = Outcome {
        url: text.parse().unwrap(),
        ..outcome(1)
    };

    opened.sender().put(longest).await.unwrap();

    let stored = opened.finish(DEADLINE).await;
    assert_eq!((stored.rows, stored.failed), (1, None));
}

#[tokio::test]
async fn a_resumed_run_finds_its_own_urls_and_no_others() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    for (run, numbers) in [("a", 1..=300), ("b", 200..=400)] {
        let opened = open(&cluster, run).await;
        assert!(opened.done().is_empty());
        for number in numbers {
            opened.sender().put(outcome(number)).await.unwrap();
        }
        opened.finish(DEADLINE).await;
    }

    let opened = resume(&cluster, "a").await;

    assert_eq!(opened.done().len(), 300);
    assert!((1..=300).all(|number| opened.done().contains(&outcome(number).url)));
    assert!(!opened.done().contains(&outcome(301).url));
    assert!(resume(&cluster, "c").await.done().is_empty());
}

#[tokio::test]
async fn several_that_start_at_once_make_the_table_once() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let opening = (0..8).map(|_| store::open(target(&cluster, "a")));

    let opened = futures_util::future::join_all(opening).await;

    for opened in opened {
        opened.unwrap();
    }
}
