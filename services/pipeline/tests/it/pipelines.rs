//! Pipelines in a Redis of a test's own.

use pipeline::streams::{Link, Server};
use redis_link::Address;
use serving::RedisServer;

/// The pipeline of that name in `redis`.
pub(crate) fn server(redis: &RedisServer, pipeline: &str) -> Server {
    let address = Address::new(&redis.url(), None, "PIPELINE").unwrap();
    Server::new(address, pipeline)
}

/// A connection to it.
pub(crate) fn link(redis: &RedisServer, pipeline: &str) -> Link {
    server(redis, pipeline).connect().unwrap()
}
