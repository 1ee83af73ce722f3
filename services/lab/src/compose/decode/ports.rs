//! Published ports, in the short notation and the long.

use super::reader::Reader;
use crate::compose::model::Port;
use crate::compose::node::{Data, Kind, Node};

pub(super) fn ports(read: &mut Reader<'_>, service: &Node) -> Vec<Port> {
    let Some(node) = service.get("ports") else {
        return Vec::new();
    };
    let Data::List(items) = &node.data else {
        read.refuse(node, "ports", "a list", "write [\"127.0.0.1:8080:80\"]");
        return Vec::new();
    };
    let mut ports: Vec<Port> = Vec::new();
    for item in items {
        match item_ports(read, item) {
            Some(more) => {
                for port in more {
                    if !ports.contains(&port) {
                        ports.push(port);
                    }
                }
            }
            None => read.refuse(
                item,
                "ports",
                "a port",
                "write \"127.0.0.1:8080:80\": host address, host port, port inside",
            ),
        }
    }
    ports
}

fn item_ports(read: &mut Reader<'_>, item: &Node) -> Option<Vec<Port>> {
    match &item.data {
        Data::Scalar(scalar) if matches!(scalar.kind, Kind::Text | Kind::Int(_)) => {
            short(&scalar.rendered())
        }
        Data::Map(_) => long(read, item).map(|port| vec![port]),
        _ => None,
    }
}

fn long(read: &mut Reader<'_>, item: &Node) -> Option<Port> {
    let published = item.get("published").and_then(|node| match &node.data {
        Data::Scalar(scalar) => Some(scalar.rendered()),
        _ => None,
    });
    Some(Port {
        mode: read
            .text(item, "mode")
            .unwrap_or_else(|| "ingress".to_owned()),
        host_ip: read.text(item, "host_ip"),
        target: u16::try_from(read.integer(item, "target")?).ok()?,
        published,
        protocol: read
            .text(item, "protocol")
            .unwrap_or_else(|| "tcp".to_owned()),
    })
}

/// `[[address:]host port:]port[/protocol]`, each port also as a range.
fn short(text: &str) -> Option<Vec<Port>> {
    let (address_and_ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (front, inside) = match address_and_ports.rsplit_once(':') {
        Some((front, inside)) => (Some(front), inside),
        None => (None, address_and_ports),
    };
    let (address, outside) = match front {
        Some(front) => match front.rsplit_once(':') {
            Some((address, outside)) => (Some(address), Some(outside)),
            None => (None, Some(front)),
        },
        None => (None, None),
    };
    let address = address.map(|address| address.trim_matches(['[', ']']).to_owned());
    let outside = outside.filter(|outside| !outside.is_empty());
    let (first, last) = range(inside)?;
    let published = outside.map(range);
    let published = match published {
        Some(None) => return None,
        Some(Some(range)) => Some(range),
        None => None,
    };
    let ports = (first..=last).map(|target| {
        let published = match published {
            None => None,
            Some((from, to)) if to - from == last - first => {
                Some((from + (target - first)).to_string())
            }
            // One port inside, several to choose from outside.
            Some((from, to)) if first == last => Some(format!("{from}-{to}")),
            Some(_) => return None,
        };
        Some(Port {
            mode: "ingress".to_owned(),
            host_ip: address.clone(),
            target,
            published,
            protocol: protocol.to_owned(),
        })
    });
    ports.collect()
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    // `parse` would take "+1".
    let digits = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    (digits && first <= last).then_some((first, last))
}
