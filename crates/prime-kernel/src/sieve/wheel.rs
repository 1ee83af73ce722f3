//! The wheel: of 30 numbers in a row only eight have no factor 2, 3 or 5, so
//! one byte holds 30 numbers, a bit for each of the eight.
//!
//! Bit k of byte b stands for the number 30·b + `RESIDUES[k]`.

/// Numbers per byte.
pub(super) const TURN: u64 = 30;

/// The remainders modulo 30 that primes above 5 can have.
pub(super) const RESIDUES: [u64; 8] = [1, 7, 11, 13, 17, 19, 23, 29];

/// A prime that is crossed off, and where its next revolution starts.
///
/// A *revolution* of p is p bytes long and starts at a multiple of 30·p. The
/// multiples of p in it that the wheel holds are p·1, p·7, … p·29 beyond its
/// start: always eight, always at the same offsets, each always the same bit.
#[derive(Debug, Clone, Copy)]
pub(super) struct SievingPrime {
    /// ⌊p ÷ 30⌋; the remainder is that of the list it stands in.
    quotient: u32,
    /// The byte at which the next revolution starts.
    pub next: u32,
}

impl SievingPrime {
    /// `prime`, not yet placed.
    pub fn new(prime: u64) -> Self {
        Self {
            quotient: (prime / TURN) as u32,
            next: 0,
        }
    }

    /// The prime, given its remainder modulo 30.
    pub fn value(self, residue: u64) -> u64 {
        u64::from(self.quotient) * TURN + residue
    }
}

/// Crosses off one list's primes: `(primes, bytes, end, shift)` marks all their
/// revolutions that start before byte `end`, and then counts `next` from byte
/// `shift` on. `shift` is at most `end`; behind `end` there must be room for a
/// revolution.
pub(super) type CrossOff = fn(&mut [SievingPrime], &mut [u8], usize, usize);

/// How to cross off primes of each remainder, in the order of [`RESIDUES`].
pub(super) const CROSS_OFF: [CrossOff; 8] = [
    cross_off::<0>,
    cross_off::<1>,
    cross_off::<2>,
    cross_off::<3>,
    cross_off::<4>,
    cross_off::<5>,
    cross_off::<6>,
    cross_off::<7>,
];

fn cross_off<const CLASS: usize>(
    primes: &mut [SievingPrime],
    bytes: &mut [u8],
    end: usize,
    shift: usize,
) {
    let residue = RESIDUES[CLASS] as usize;
    let room = bytes.len() - end;
    for prime in primes {
        let quotient = prime.quotient as usize;
        let length = quotient * TURN as usize + residue;
        // p·m = 30·(quotient·m + ⌊residue·m ÷ 30⌋) + (residue·m mod 30).
        let offset: [usize; 8] = std::array::from_fn(|k| {
            quotient * RESIDUES[k] as usize + residue * RESIDUES[k] as usize / TURN as usize
        });
        // Said once here, these need no check at each of the marks below.
        assert!(length <= room && offset.iter().all(|&offset| offset < length));
        // A 32-bit index: as usize, the compiler would follow eight pointers
        // instead, more than the registers hold, which takes a sixth longer.
        let mut next = prime.next;
        while (next as usize) < end {
            let revolution = &mut bytes[next as usize..][..length];
            for k in 0..8 {
                revolution[offset[k]] &= const { masks(CLASS) }[k];
            }
            next = next.wrapping_add(length as u32);
        }
        prime.next = next - shift as u32;
    }
}

/// What is left of a byte when p·`RESIDUES[k]` is crossed off, for each k.
const fn masks(class: usize) -> [u8; 8] {
    let mut masks = [0; 8];
    let mut k = 0;
    while k < 8 {
        masks[k] = !(1 << bit(RESIDUES[class] * RESIDUES[k] % TURN));
        k += 1;
    }
    masks
}

/// The bit of a number with this remainder.
pub(super) const fn bit(residue: u64) -> u32 {
    let mut bit = 0;
    while RESIDUES[bit] != residue {
        bit += 1;
    }
    bit as u32
}

/// The bits of `number`'s byte that stand for it and what comes after it.
pub(super) fn not_below(number: u64) -> u8 {
    let below = RESIDUES.iter().filter(|&&residue| residue < number % TURN);
    0xFFu8.checked_shl(below.count() as u32).unwrap_or(0)
}
