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
        // NAT64 as a site sees fit (RFC 8215): only the site knows where the
        // IPv4 address stands.
        [0x64, 0xff9b, ..] => AddressClass::Private,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressClass::Documentation,
        // 6to4 (RFC 3056) and Teredo (RFC 4380).
        [0x2002, ..] | [0x2001, 0, ..] => AddressClass::Tunnelled,
        // An interface of ISATAP (RFC 5214), whatever its network.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => AddressClass::Tunnelled,
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::AddressClass::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_range_has_its_class_to_its_last_address() {
        for (addresses, class) in [
            (&["0.0.0.0", "0.255.255.255", "::"][..], Unspecified),
            (
                &[
                    "10.0.0.0",
                    "10.255.255.255",
                    "172.16.0.0",
                    "172.31.255.255",
                    "192.168.0.0",
                    "192.168.255.255",
                    "fc00::",
                    "fdff:ffff::1",
                    "fec0::1",
                    "64:ff9b:1::7f00:1",
                ],
                Private,
            ),
            (&["127.0.0.1", "127.255.255.255", "::1"], Loopback),
            (&["100.64.0.0", "100.127.255.255"], CarrierNat),
            (
                &["169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"],
                LinkLocal,
            ),
            (
                &[
                    "169.254.169.254",
                    "169.254.170.2",
                    "100.100.100.200",
                    "192.0.0.192",
                    "168.63.129.16",
                    "fd00:ec2::254",
                    "fd20:ce::254",
                ],
                Metadata,
            ),
            (&["224.0.0.1", "239.255.255.255", "ff02::1"], Multicast),
            (
                &[
                    "192.0.2.1",
                    "198.51.100.255",
                    "203.0.113.0",
                    "2001:db8::1",
                    "3fff:fff::1",
                ],
                Documentation,
            ),
            (
                &[
                    "192.88.99.1",
                    "2002:808:808::1",
                    "2001::1",
                    "2a00::5efe:808:808",
                ],
                Tunnelled,
            ),
            (
                &[
                    "192.0.0.1",
                    "198.18.0.0",
                    "198.19.255.255",
                    "240.0.0.1",
                    "255.255.255.255",
                    "2001:2::1",
                    "2001:1ff::1",
                    "100::1",
                    "5f00::1",
                    "4000::1",
                ],
                Reserved,
            ),
            (
                &[
                    "1.1.1.1",
                    "9.255.255.255",
                    "11.0.0.0",
                    "100.63.255.255",
                    "100.128.0.0",
                    "126.255.255.255",
                    "128.0.0.0",
                    "169.253.255.255",
                    "169.255.0.0",
                    "172.15.255.255",
                    "172.32.0.0",
                    "192.0.1.0",
                    "192.167.255.255",
                    "192.169.0.0",
                    "198.17.255.255",
                    "198.20.0.0",
                    "223.255.255.255",
                    "2001:200::1",
                    "2606:4700::1111",
                    "3fff:1000::1",
                    "64:ff9b::808:808",
                ],
                Public,
            ),
        ] {
            for text in addresses {
                let address = text.parse().unwrap();

                assert_eq!(AddressClass::of(address), class, "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_keeps_its_class_in_every_form_of_ipv6(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let low = u128::from(bits);
            // ::1 and :: are addresses of their own.
            prop_assume!(bits > 1);
            for prefix in [
                0,
                0xffff << 32,
                0xffff << 48,
                0x0064_ff9b << 96,
            ] {
                let wrapped = Ipv6Addr::from_bits(prefix | low);
                prop_assert_eq!(
                    AddressClass::of(wrapped.into()),
                    AddressClass::of(address.into()),
                    "{}", wrapped
                );
            }
        }

        /// The standard library knows fewer ranges: what it calls special is
        /// never public here.
        #[test]
        fn nothing_that_the_standard_library_calls_special_is_public(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!special || AddressClass::of(address.into()) != Public);
        }

        #[test]
        fn only_what_is_given_out_is_public_in_ipv6(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let given_out = bits >> 125 == 1;
            let stands_for_ipv4 = bits >> 64 == 0 || bits >> 32 == 0x0064_ff9b_0000_0000_0000_0000;
            prop_assert!(given_out || stands_for_ipv4 || AddressClass::of(address.into()) != Public);
        }
    }
}
