//! The steps that must not be done by halves, as Lua scripts that run in Redis.

use redis::Cmd;

/// A service's scripts, each called by its place.
#[derive(Debug, Clone)]
pub struct Scripts(Vec<Source>);

#[derive(Debug, Clone)]
struct Source {
    text: String,
    hash: String,
}

impl Scripts {
    /// Those with these sources.
    pub fn new<S: Into<String>>(sources: impl IntoIterator<Item = S>) -> Self {
        let source = |text: S| {
            let text = text.into();
            let hash = redis::Script::new(&text).get_hash().to_owned();
            Source { text, hash }
        };
        Self(sources.into_iter().map(source).collect())
    }

    /// Begins a call of the script at `place` on `keys`.
    ///
    /// # Panics
    /// When there is none at that place.
    pub fn call<'k>(&self, place: usize, keys: impl IntoIterator<Item = &'k str>) -> Cmd {
        let keys: Vec<&str> = keys.into_iter().collect();
        let mut call = redis::cmd("EVALSHA");
        call.arg(&self.0[place].hash).arg(keys.len());
        for key in keys {
            call.arg(key);
        }
        call
    }

    /// What has Redis know them all.
    pub(crate) fn loads(&self) -> Vec<Cmd> {
        let load = |source: &Source| {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(&source.text);
            load
        };
        self.0.iter().map(load).collect()
    }
}
