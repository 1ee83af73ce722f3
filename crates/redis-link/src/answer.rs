//! Parts of answers.

use redis::Value;

/// The parts of an answer that is an array; none of any other.
pub fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

/// An answer that is bytes.
pub fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// An answer that is text.
pub fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

/// An answer that is a number.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}
