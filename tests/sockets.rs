//! `squall::net::UdpSocket` on a simulated host: what Linux does, it does.

use std::io::ErrorKind;

use squall::net::{MAX_PAYLOAD, UdpSocket, lookup_host};
use squall::time::{Duration, sleep, timeout};
use squall::{Client, HostResult, Protocol, Server, report};

use super::{client_only, reports, run};

const MS: Duration = Duration::from_millis(1);

fn passes(protocol: Protocol, rest: &str) -> squall::Outcome {
    let outcome = run(protocol, rest);
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    assert!(!matches!(outcome.run.ending, squall::engine::Ending::Broken(_)), "{:?}", outcome.run);
    outcome
}

#[test]
fn addresses_in_use_and_not_ones_own() {
    async fn client(_: Client) -> HostResult {
        let first = UdpSocket::bind("0.0.0.0:700").await?;
        assert_eq!(first.local_addr()?.to_string(), "0.0.0.0:700");
        let second = UdpSocket::bind("0.0.0.0:700").await.unwrap_err();
        assert_eq!(second.kind(), ErrorKind::AddrInUse);
        assert!(second.to_string().contains("0.0.0.0:700: address already in use"), "{second}");
        drop(first);
        UdpSocket::bind("client-1:700").await?;
        let foreign = UdpSocket::bind("10.0.0.1:700").await.unwrap_err();
        assert_eq!(foreign.kind(), ErrorKind::AddrNotAvailable);
        let six = UdpSocket::bind("[::1]:700").await.unwrap_err();
        assert_eq!(six.kind(), ErrorKind::Unsupported);
        let (one, two) = (UdpSocket::bind("0.0.0.0:0").await?, UdpSocket::bind("0.0.0.0:0").await?);
        assert_ne!(one.local_addr()?.port(), two.local_addr()?.port());
        Ok(())
    }
    passes(client_only(client), "");
}

#[test]
fn names_are_looked_up() {
    async fn client(_: Client) -> HostResult {
        assert_eq!(lookup_host("server:9").await?.to_string(), "10.0.0.1:9");
        assert_eq!(lookup_host("client-1:9").await?.to_string(), "10.0.0.2:9");
        assert_eq!(lookup_host("nobody:9").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(lookup_host("server").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        Ok(())
    }
    passes(client_only(client), "");
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    async fn client(_: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        let long = socket.send_to(&vec![0; MAX_PAYLOAD + 1], "server:9").await.unwrap_err();
        assert!(long.to_string().contains("message too long"), "{long}");
        assert_eq!(socket.send_to(&vec![0; MAX_PAYLOAD], "server:9").await?, MAX_PAYLOAD);
        let nowhere = socket.send_to(b"x", "10.9.9.9:9").await.unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::NetworkUnreachable);
        assert_eq!(socket.send(b"x").await.unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(socket.recv(&mut [0; 9]).await.unwrap_err().kind(), ErrorKind::NotConnected);
        Ok(())
    }
    passes(client_only(client), "");
}

#[test]
fn a_connected_socket_learns_that_the_port_is_closed() {
    async fn client(_: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.connect("server:9").await?;
        assert_eq!(socket.local_addr()?.ip().to_string(), "10.0.0.2");
        socket.send(b"anybody?").await?;
        let refused = socket.recv(&mut [0; 9]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        report("refused");
        // One error for one datagram, as on Linux.
        assert!(timeout(100 * MS, socket.recv(&mut [0; 9])).await.is_err());
        let unconnected = UdpSocket::bind("0.0.0.0:0").await?;
        unconnected.send_to(b"anybody?", "server:9").await?;
        assert!(timeout(100 * MS, unconnected.recv_from(&mut [0; 9])).await.is_err());
        Ok(())
    }
    let outcome = passes(client_only(client), "link = [{ from = '*', to = '*', delay = '10ms' }]");
    assert_eq!(reports(&outcome)[0].2, 20.0, "there and back");
}

#[test]
fn buffers_are_bounded_and_long_datagrams_cut() {
    async fn server(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        sleep(50 * MS).await;
        let mut buffer = [0; 4];
        for expected in ["0123", "1", "2"] {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            assert_eq!(&buffer[..length], expected.as_bytes());
            assert_eq!(from.ip().to_string(), "10.0.0.2");
        }
        assert!(timeout(MS, socket.recv_from(&mut buffer)).await.is_err());
        Ok(())
    }
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for text in ["0123456789", "1", "2", "3", "4"] {
            socket.send_to(text.as_bytes(), client.server()).await?;
        }
        Ok(())
    }
    let protocol = Protocol::new("test", "For a test.").server(server).client(client);
    let outcome = passes(protocol, "hosts.server.receive_buffer = 3");
    let full = outcome.run.counts.drops.get(&squall::network::DropReason::BufferFull);
    assert_eq!(full, Some(&2));
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    async fn server(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        let mut buffer = [0; 9];
        let (_, client) = socket.recv_from(&mut buffer).await?;
        let other = UdpSocket::bind("0.0.0.0:0").await?;
        other.send_to(b"other", client).await?;
        socket.send_to(b"peer", client).await?;
        Ok(())
    }
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.connect(client.server()).await?;
        assert_eq!(socket.peer_addr()?, client.server());
        socket.send(b"hello").await?;
        let mut buffer = [0; 9];
        assert_eq!(socket.recv(&mut buffer).await?, 4);
        assert!(timeout(MS, socket.recv(&mut buffer)).await.is_err());
        Ok(())
    }
    passes(Protocol::new("test", "For a test.").server(server).client(client), "");
}

#[test]
fn every_task_that_waits_for_a_socket_is_woken() {
    async fn client(_: Client) -> HostResult {
        let socket = std::sync::Arc::new(UdpSocket::bind("0.0.0.0:700").await?);
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let socket = std::sync::Arc::clone(&socket);
                squall::task::spawn(async move { socket.recv_from(&mut [0; 9]).await.is_ok() })
            })
            .collect();
        let sender = UdpSocket::bind("0.0.0.0:0").await?;
        for _ in 0..3 {
            sleep(MS).await;
            sender.send_to(b"x", "127.0.0.1:700").await?;
        }
        for reader in readers {
            assert!(timeout(10 * MS, reader).await??);
        }
        Ok(())
    }
    passes(client_only(client), "");
}
