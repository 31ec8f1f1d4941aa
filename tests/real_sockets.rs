//! The same protocol code on real loopback sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use squall::net::UdpSocket;
use squall::protocols::channel::{Channel, Settings};
use squall::protocols::checksum::Checksum;
use squall::protocols::clock::Clock;
use squall::protocols::sender::{Numbering, Sender};
use squall::protocols::source::Delivery;
use squall::protocols::stop_and_wait::{Counters, receive};
use squall::protocols::timer::Timer;
use squall::task::{Either, select};
use squall::time::{Duration, Instant, sleep, timeout};

/// With a checksum, and with fragments that most messages of the test need.
fn settings() -> Settings {
    Settings { checksum: Checksum::Crc32, fragment: Some(200), ..Settings::default() }
}

async fn sender(peer: SocketAddr, timer: Timer, clock: Clock) -> Sender {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let channel = Channel::new(socket, settings(), 64);
    Sender::new(channel, peer, timer, clock, Numbering::Counter)
}

#[test]
fn stop_and_wait_delivers_each_message_once_over_loopback() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = receiver.local_addr().unwrap();
        let delivered: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let log = Arc::clone(&delivered);
        let receiving = async move {
            // It listens late, so that the first message is sent more than once.
            sleep(Duration::from_millis(60)).await;
            let mut channel = Channel::new(receiver, settings(), 2048);
            receive(&mut channel, Counters::new(false), async |message: &[u8]| {
                log.lock().unwrap().push(message.to_vec());
                Ok(())
            })
            .await
        };
        let messages: Vec<Vec<u8>> = (0..50u8).map(|n| vec![n; usize::from(n) * 20]).collect();
        let sending = async {
            let timer = Timer::fixed(Duration::from_millis(20));
            let mut sender = sender(address, timer, Clock::Monotonic).await;
            for message in &messages {
                let sent = timeout(Duration::from_secs(20), sender.send(message)).await;
                assert_eq!(sent.unwrap().unwrap(), Delivery::Acknowledged);
            }
        };
        assert!(matches!(select(receiving, sending).await, Either::Second(())));
        assert_eq!(*delivered.lock().unwrap(), messages);
    });
}

#[test]
fn giving_up_is_unknown_and_takes_as_long_as_it_should() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Bound, but nobody reads.
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let timer = Timer { max_attempts: Some(3), ..Timer::fixed(Duration::from_millis(10)) };
        let mut sender = sender(silent.local_addr().unwrap(), timer, Clock::Wall).await;
        let start = Instant::now();
        assert_eq!(sender.send(b"hello?").await.unwrap(), Delivery::Unknown);
        assert!(start.elapsed() >= Duration::from_millis(25), "{:?}", start.elapsed());
    });
}
