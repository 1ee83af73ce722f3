-- What became of each URL of each run: one row, however often it was stored.
CREATE TABLE pages (
    run             text             NOT NULL,
    url             text             NOT NULL CHECK (octet_length(url) <= 2048),
    status          smallint,
    error           text,
    attempts        integer          NOT NULL,
    title           text,
    links           bigint,
    words           bigint,
    bytes           bigint           NOT NULL,
    hash            bytea,
    elapsed_seconds double precision NOT NULL,
    fetched_at      timestamptz      NOT NULL,
    PRIMARY KEY (run, url)
);

COMMENT ON TABLE pages IS 'what became of each URL of each run';
COMMENT ON COLUMN pages.run IS 'the run, as --resume takes it';
COMMENT ON COLUMN pages.url IS 'normalised, as asked for: not where redirects led';
COMMENT ON COLUMN pages.status IS 'HTTP status of the last answer; null: there was none';
COMMENT ON COLUMN pages.error IS 'why there is no page, such as timeout; null: there is one';
COMMENT ON COLUMN pages.attempts IS 'how often it was asked for';
COMMENT ON COLUMN pages.title IS 'null: it has none, or was not parsed';
COMMENT ON COLUMN pages.links IS 'how many links; null: not parsed';
COMMENT ON COLUMN pages.words IS 'how many words; null: not parsed';
COMMENT ON COLUMN pages.bytes IS 'of the last body, decompressed, as far as it was read';
COMMENT ON COLUMN pages.hash IS 'BLAKE3 of the body; null: not parsed';
COMMENT ON COLUMN pages.elapsed_seconds IS 'from when it was taken up to the end of the last attempt: waits for its host and pauses are in it';
COMMENT ON COLUMN pages.fetched_at IS 'when the last attempt ended';
