//! What cannot be opened says why and what to do.

use super::*;

fn database(url: &str, cluster: &Cluster, password: &str) -> Target {
    let file = cluster.password_file(password);
    Target {
        database: Some(Database::new(url, Some(&file)).unwrap()),
        ..target(cluster, "a")
    }
}

#[tokio::test]
async fn what_a_person_can_mend_is_named() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let good = cluster.url("postgres");

    let wrong_password = refused(database(&good, &cluster, "sardine")).await.0;
    assert!(
        wrong_password.contains("does not let scraper in"),
        "{wrong_password}"
    );
    assert!(
        wrong_password.contains("--database-password-file"),
        "{wrong_password}"
    );
    assert!(!wrong_password.contains("sardine"), "{wrong_password}");

    let no_database = database(&cluster.url("nowhere"), &cluster, PASSWORD);
    let no_database = refused(no_database).await.0;
    assert!(
        no_database.contains("has no database \"nowhere\""),
        "{no_database}"
    );
    assert!(no_database.contains("createdb nowhere"), "{no_database}");

    let no_user = good.replace("scraper@", "nobody@");
    let no_user = refused(database(&no_user, &cluster, PASSWORD)).await.0;
    assert!(no_user.contains("does not let nobody in"), "{no_user}");

    cluster.crash();
    let no_server = refused(database(&good, &cluster, PASSWORD)).await.0;
    assert!(
        no_server.contains("no PostgreSQL listens at 127.0.0.1:"),
        "{no_server}"
    );
    assert!(no_server.contains("--database-url"), "{no_server}");
}

#[tokio::test]
async fn a_user_without_the_right_is_told_which() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let mut connection = cluster.connect("postgres").await.unwrap();
    for statement in [
        "CREATE ROLE reader LOGIN PASSWORD 'swordfish'",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ] {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let reader = cluster.url("postgres").replace("scraper@", "reader@");

    let refused = refused(database(&reader, &cluster, PASSWORD)).await.0;

    assert!(
        refused.contains("reader may not use \"postgres\""),
        "{refused}"
    );
    assert!(refused.contains("grant it"), "{refused}");
}

#[tokio::test]
async fn a_table_of_somebody_else_is_not_touched() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let mut connection = cluster.connect("postgres").await.unwrap();
    for statement in [
        "CREATE TABLE pages (number integer)",
        "INSERT INTO pages VALUES (42)",
    ] {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    let refused = refused(target(&cluster, "a")).await.0;

    assert!(refused.contains("tables of somebody else"), "{refused}");
    let kept: i32 = sqlx::query_scalar("SELECT number FROM pages")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(kept, 42);
}
