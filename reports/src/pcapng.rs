//! A trace as a capture file for Wireshark: IETF draft-ietf-opsawg-pcapng, with IPv4 and UDP headers.
//!
//! Each datagram sent is one packet, at the time when it was sent, as it was sent. What became of it and of
//! its copies is in the packet's comment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use etherparse::{IpNumber, Ipv4Header, UdpHeader};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::name_resolution::{Ipv4Record, NameResolutionBlock, Record};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, PcapError};
use squall_sim::network::{HEADERS, HostId, address};
use squall_sim::text::{millis, visible};

use crate::story::{Datagram, End, MarkKind, Story};

/// The largest UDP payload that fits an IPv4 packet.
const LARGEST_PAYLOAD: usize = u16::MAX as usize - HEADERS as usize;

/// The longest text of an option, in bytes: their length is a number of 16 bits.
const LONGEST_TEXT: usize = 60_000;

/// Time to live: the datagrams meet no router.
const TTL: u8 = 64;

/// Writes the datagrams of a trace.
///
/// # Errors
/// Those of `out`.
pub fn write(story: &Story<'_>, out: &mut dyn Write) -> io::Result<()> {
    packets(story, out).map_err(|error| match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    })
}

fn packets(story: &Story<'_>, out: &mut dyn Write) -> Result<(), PcapError> {
    let section = SectionHeaderBlock {
        endianness: Endianness::Little,
        options: vec![
            SectionHeaderOption::UserApplication("squall".into()),
            SectionHeaderOption::Comment(about(story).into()),
        ],
        ..SectionHeaderBlock::default()
    };
    let mut writer = PcapNgWriter::with_section_header(out, section)?;
    // An interface for each host that sends, so that packets can be chosen by its name.
    let mut interfaces: BTreeMap<HostId, u32> = BTreeMap::new();
    let mut hosts: BTreeMap<HostId, String> = BTreeMap::new();
    for datagram in &story.datagrams {
        for host in [datagram.from.host, datagram.to.host] {
            hosts.entry(host).or_insert_with(|| text(story.trace.host(host)));
        }
        interfaces.entry(datagram.from.host).or_insert(0);
    }
    for (number, (host, interface)) in (0..).zip(&mut interfaces) {
        *interface = number;
        writer.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(hosts[host].as_str().into()),
                // Nanoseconds.
                InterfaceDescriptionOption::IfTsResol(9),
            ],
        })?;
    }
    let named = hosts.iter().filter(|(_, name)| !name.is_empty()).map(|(host, name)| {
        let names = vec![Cow::Borrowed(name.as_str())];
        Record::Ipv4(Ipv4Record { ip_addr: address(*host).octets().to_vec().into(), names })
    });
    let names = NameResolutionBlock { records: named.collect(), options: Vec::new() };
    writer.write_pcapng_block(names)?;
    for datagram in &story.datagrams {
        let packet = packet(datagram);
        writer.write_pcapng_block(EnhancedPacketBlock {
            interface_id: interfaces[&datagram.from.host],
            timestamp: Duration::from_nanos(datagram.at),
            original_len: packet.len() as u32,
            data: packet.into(),
            options: vec![EnhancedPacketOption::Comment(comment(story, datagram).into())],
        })?;
    }
    Ok(())
}

/// What is said once.
fn about(story: &Story<'_>) -> String {
    let header = &story.trace.header;
    text(&format!(
        "{}; {}, protocol {}, seed {}, {} engine. A simulation's record: times count from its start. Each \
         datagram sent is one packet, as it was sent, dropped ones included; the packet's comment says what \
         became of it and of copies that the network made. IP and UDP headers are made for this file, with \
         right checksums. Wireshark may take a port for one that it knows: Decode As sets it right.",
        header.title, header.scenario, header.protocol, header.seed, header.engine
    ))
}

/// A datagram with its headers.
fn packet(datagram: &Datagram) -> Vec<u8> {
    let payload = &datagram.payload[..datagram.payload.len().min(LARGEST_PAYLOAD)];
    let length = (payload.len() + UdpHeader::LEN) as u16;
    let [from, to] = [datagram.from, datagram.to].map(|end| address(end.host).octets());
    let ip = Ipv4Header::new(length, TTL, IpNumber::UDP, from, to);
    let (Ok(mut ip), ports) = (ip, [datagram.from.port, datagram.to.port]) else {
        unreachable!("the payload was cut to what fits")
    };
    ip.identification = datagram.id as u16;
    ip.header_checksum = ip.calc_header_checksum();
    let Ok(udp) = UdpHeader::with_ipv4_checksum(ports[0], ports[1], &ip, payload) else {
        unreachable!("the payload was cut to what fits")
    };
    [&ip.to_bytes()[..], &udp.to_bytes()[..], payload].concat()
}

/// A datagram's story.
fn comment(story: &Story<'_>, datagram: &Datagram) -> String {
    let [from, to] = [datagram.from, datagram.to].map(|end| visible(story.trace.host(end.host)));
    let mut parts = vec![format!("#{} {from} -> {to}: {}", datagram.id, datagram.label)];
    for mark in &datagram.marks {
        parts.push(match mark.kind {
            MarkKind::Corrupted => format!("corrupted: {} (here as it was sent)", mark.text),
            kind => format!("{}: {}", kind.name(), mark.text),
        });
    }
    parts.extend(datagram.ends.iter().map(|end| ended(datagram, end)));
    if datagram.ends.is_empty() {
        parts.push("still on its way at the end".to_owned());
    }
    if datagram.payload.len() > LARGEST_PAYLOAD {
        let bytes = datagram.payload.len();
        parts.push(format!("{bytes} bytes do not fit an IP packet: cut to {LARGEST_PAYLOAD}"));
    }
    text(&parts.join("; "))
}

fn ended(datagram: &Datagram, end: &End) -> String {
    let copy = if end.copy == 0 { String::new() } else { format!("copy {} ", end.copy) };
    match &end.dropped {
        None => format!("{copy}delivered at {} ms", millis(end.at)),
        Some(drop) if end.at == datagram.at => format!("{copy}dropped: {}", drop.reason),
        Some(drop) => format!("{copy}dropped: {} at {} ms", drop.reason, millis(end.at)),
    }
}

/// Text for an option: on one line, and not too long.
fn text(text: &str) -> String {
    let mut text = visible(text);
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}
