//! What kind of network an IP address belongs to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of network an address belongs to, as far as fetching from it goes.
///
/// After IANA's registries of special-purpose addresses (IPv4, IPv6) and RFC
/// 6890. What the registries do not know but clouds use is [`Self::Metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// Anybody's, reached through the Internet.
    Public,
    /// 10/8, 172.16/12, 192.168/16 (RFC 1918), fc00::/7 (RFC 4193), fec0::/10.
    Private,
    /// This machine: 127/8, ::1.
    Loopback,
    /// A provider's own network behind its NAT: 100.64/10 (RFC 6598).
    CarrierNat,
    /// This cable: 169.254/16, fe80::/10.
    LinkLocal,
    /// Where a cloud tells its machines their credentials.
    Metadata,
    /// Many receivers: 224/4, ff00::/8.
    Multicast,
    /// None: 0/8, ::. Linux connects 0.0.0.0 to itself.
    Unspecified,
    /// For examples in documents.
    Documentation,
    /// Out of an IPv4 address by a way that is going out of use (6to4, Teredo):
    /// where its packets come out depends on who relays them.
    Tunnelled,
    /// Set aside for something else: benchmarks, protocols, the future.
    Reserved,
}

impl AddressClass {
    /// The class of `address`. An IPv6 address that stands for an IPv4 one
    /// (mapped, compatible, translated, NAT64) has the class of that.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Whether it is where one's own services are: what a name on the
    /// allow-list may resolve to, too.
    pub fn is_inside(self) -> bool {
        matches!(self, Self::Private | Self::Loopback | Self::CarrierNat)
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::CarrierNat => "carrier NAT",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Documentation => "documentation",
            Self::Tunnelled => "tunnelled",
            Self::Reserved => "reserved",
        })
    }
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        // AWS, GCP, Azure and others; Alibaba; Oracle; Azure's wire server,
        // which looks like anybody's.
        [169, 254, 169, 254]
        | [169, 254, 170, 2 | 23]
        | [100, 100, 100, 200]
        | [192, 0, 0, 192]
        | [168, 63, 129, 16] => AddressClass::Metadata,
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::CarrierNat,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        // 192.88.99/24 was the way into 6to4.
        [192, 88, 99, _] => AddressClass::Tunnelled,
        // Protocol assignments, benchmarks, the former class E with broadcast.
        [192, 0, 0, _] | [198, 18..=19, ..] | [240..=255, ..] => AddressClass::Reserved,
        [224..=239, ..] => AddressClass::Multicast,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    match address.segments() {
        // AWS, GCP.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            AddressClass::Metadata
        }
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // Compatible, mapped, translated (RFC 2765), and NAT64 (RFC 6052): on a
        // network without IPv4 every name resolves to the last.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of_v4(embedded(high, low)),
        // The first is NAT64 as a site sees fit (RFC 8215): only the site knows
        // where the IPv4 address stands.
        [0x64, 0xff9b, ..] | [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressClass::Documentation,
        // 6to4 (RFC 3056), Teredo (RFC 4380), and an interface of ISATAP (RFC
        // 5214), whatever its network.
        [0x2002, ..] | [0x2001, 0, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => {
            AddressClass::Tunnelled
        }
        // Protocol assignments, Teredo's and ORCHID's among them.
        [0x2001, 0..=0x1ff, ..] => AddressClass::Reserved,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        // Nothing else is given out (RFC 4291, section 2.4).
        _ => AddressClass::Reserved,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests;
