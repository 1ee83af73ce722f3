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

/// What PostgreSQL answers instead of letting anybody in.
fn fatal(code: &str, text: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    for (field, value) in [('S', "FATAL"), ('V', "FATAL"), ('C', code), ('M', text)] {
        fields.push(field as u8);
        fields.extend_from_slice(value.as_bytes());
        fields.push(0);
    }
    fields.push(0);
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E".as_slice(), &length.to_be_bytes(), &fields].concat()
}

/// A server that gives one of these answers to each who connects, and then
/// listens no more.
async fn answering(answers: Vec<Vec<u8>>) -> (Database, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 1024]).await;
            let _ = connection.write_all(&answer).await;
        }
    });
    let database = Database::new(&format!("postgres://scraper@{address}/pages"), None);
    (database.unwrap(), serving)
}

fn into(database: Database) -> Target {
    Target {
        choice: StoreChoice::Postgres,
        database: Some(database),
        run: "a".parse().unwrap(),
        resume: false,
    }
}

#[tokio::test]
async fn a_server_that_is_starting_is_waited_for() {
    let starting = || fatal("57P03", "the database system is starting up");
    let answers = vec![starting(), starting(), fatal("28P01", "wrong password")];
    let (database, serving) = answering(answers).await;

    let refused = refused(into(database)).await.0;

    assert!(refused.contains("wrong password"), "{refused}");
    serving.await.unwrap();
}

#[tokio::test]
async fn what_is_no_postgresql_is_told_apart_from_one() {
    let answers = vec![b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()];
    let (database, _serving) = answering(answers).await;

    let refused = refused(into(database)).await.0;

    assert!(refused.contains("PostgreSQL at 127.0.0.1:"), "{refused}");
}
