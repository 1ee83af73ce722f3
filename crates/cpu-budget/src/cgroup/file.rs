//! Reading a file of a group.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than any of these files holds.
const LONGEST_BYTES: usize = 4096;

/// The text of a group's file, with as few system calls as can be: who watches
/// all containers of a host reads some hundred files a second.
/// `fs::read_to_string` asks for the size beforehand and for more afterwards;
/// the kernel makes such a file whole for the first read, and gives no part of
/// it to a reader who has room for all.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut bytes = [0; LONGEST_BYTES];
    let length = file.read(&mut bytes)?;
    let mut text = bytes[..length].to_vec();
    if length == LONGEST_BYTES {
        file.read_to_end(&mut text)?;
    }
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{LONGEST_BYTES, read};
    use std::io::ErrorKind;

    #[test]
    fn whole_texts_of_any_length_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cpu.stat");
        for length in [0, 1, LONGEST_BYTES - 1, LONGEST_BYTES, 3 * LONGEST_BYTES] {
            let text = "x".repeat(length);
            std::fs::write(&path, &text).unwrap();
            assert_eq!(read(&path).unwrap(), text);
        }
        std::fs::write(&path, [0xff]).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        let missing = read(&folder.path().join("cpu.max")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
