//! Who owns the database.

use std::collections::BTreeMap;

/// Who owns the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The role, which is a superuser.
    pub user: String,
    /// The database.
    pub database: String,
}

impl Account {
    /// As the official image reads it from a service's environment.
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let user = environment.get("POSTGRES_USER");
        let user = user.map_or("postgres", String::as_str).to_owned();
        let database = environment.get("POSTGRES_DB").unwrap_or(&user).clone();
        Self { user, database }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_that_of_the_official_image() {
        let account = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            Account::of(
                &pairs
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            )
        };
        let of = |account: &Account| format!("{} {}", account.user, account.database);
        assert_eq!(of(&account(&[])), "postgres postgres");
        assert_eq!(of(&account(&[("POSTGRES_USER", "a")])), "a a");
        assert_eq!(
            of(&account(&[("POSTGRES_USER", "a"), ("POSTGRES_DB", "b")])),
            "a b"
        );
    }
}
