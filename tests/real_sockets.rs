//! The same protocol code on real loopback sockets.

use std::sync::{Arc, Mutex};

use squall::net::UdpSocket;
use squall::protocols::sender::{Clock, Delivery, Patience, Sender};
use squall::protocols::stop_and_wait::{Counters, receive};
use squall::time::{Duration, Instant, sleep, timeout};

#[test]
fn stop_and_wait_delivers_each_message_once_over_loopback() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = receiver.local_addr().unwrap();
        let delivered: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let log = Arc::clone(&delivered);
        squall::task::spawn(async move {
            // It listens late, so that the first message is sent more than once.
            sleep(Duration::from_millis(60)).await;
            receive(&receiver, &mut [0; 2048], Counters::new(false), |message| {
                log.lock().unwrap().push(message.to_vec());
            })
            .await
        });
        let patience = Patience {
            timeout: Duration::from_millis(20),
            max_attempts: None,
            clock: Clock::Monotonic,
        };
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut sender = Sender::new(socket, address, patience);
        let messages: Vec<Vec<u8>> = (0..50u8).map(|n| vec![n; usize::from(n) * 20]).collect();
        for message in &messages {
            let sent = timeout(Duration::from_secs(20), sender.send(message)).await;
            assert_eq!(sent.unwrap().unwrap(), Delivery::Acknowledged);
        }
        assert_eq!(*delivered.lock().unwrap(), messages);
    });
}

#[test]
fn giving_up_is_unknown_and_takes_as_long_as_it_should() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Bound, but nobody reads.
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let patience = Patience {
            timeout: Duration::from_millis(10),
            max_attempts: Some(3),
            clock: Clock::Wall,
        };
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut sender = Sender::new(socket, silent.local_addr().unwrap(), patience);
        let start = Instant::now();
        assert_eq!(sender.send(b"hello?").await.unwrap(), Delivery::Unknown);
        assert!(start.elapsed() >= Duration::from_millis(25), "{:?}", start.elapsed());
    });
}
