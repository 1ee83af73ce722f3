#![allow(clippy::unwrap_used)]
use super::AddressClass::*;
use super::*;
use proptest::prelude::*;

/// First and last addresses of each class, and those beside them.
const RANGES: [(&[&str], AddressClass); 11] = [
    (&["0.0.0.0", "0.255.255.255", "::"], Unspecified),
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
];

#[test]
fn each_range_has_its_class_to_its_last_address() {
    for (addresses, class) in RANGES {
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
