//! Our side of the SSH protocol: the algorithms we offer and the answers to what a host asks.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use russh::client::{
    ChannelOpenHandle, Config, DisconnectReason, GexParams, Handler, Msg, Session,
};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure, Preferred, SshId, cipher, compression, kex, mac};
use tokio_util::sync::CancellationToken;

use super::error::Fault;
use super::host_key::{HostKey, HostKeyPolicy, Offered, Refused};

/// What a host key is held against.
#[derive(Debug)]
pub(super) enum Check {
    /// The record of this host; `names` are what a certificate may call it.
    Against { policy: HostKeyPolicy, names: Vec<String> },
    /// Nothing: a key of one of these kinds is noted and the connection ends there. For a scan.
    Note(Vec<Algorithm>),
}

/// Why a connection ended before the login could begin.
#[derive(Debug)]
pub(super) enum Early {
    HostKey(Box<Refused>),
    /// A scan has seen what it came for.
    Noted(HostKey),
    Ssh(russh::Error),
}

impl From<russh::Error> for Early {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

/// How and whether a connection ended, shared by all who use it.
#[derive(Debug, Default)]
pub(super) struct End {
    reason: OnceLock<Fault>,
    /// The host turned the last login down and leaves no other way; russh ends the connection.
    turned_down: AtomicBool,
    reached: CancellationToken,
}

impl End {
    /// Notes why the connection is about to end. The first reason stands.
    pub(super) fn because(&self, reason: Fault) {
        // A later reason is a consequence of the first.
        drop(self.reason.set(reason));
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached.is_cancelled()
    }

    pub(super) async fn reached(&self) {
        self.reached.cancelled().await;
    }

    pub(super) fn turned_down(&self) -> bool {
        self.turned_down.load(Ordering::Relaxed)
    }

    /// The reason, where one was given.
    pub(super) fn told(&self) -> Option<Fault> {
        self.reason.get().cloned()
    }

    pub(super) fn reason(&self) -> Fault {
        self.told().unwrap_or_else(|| Fault::new("the other end closed the connection"))
    }
}

/// Answers what russh asks about one connection. Everything a host may start by itself is refused:
/// we open channels, hosts do not.
pub(super) struct Client {
    check: Check,
    end: Arc<End>,
}

impl Client {
    pub(super) fn new(check: Check) -> (Self, Arc<End>) {
        let end = Arc::new(End::default());
        (Self { check, end: Arc::clone(&end) }, end)
    }
}

impl Drop for Client {
    /// russh drops the handler when the connection is over, however it came to that.
    fn drop(&mut self) {
        self.end.reached.cancel();
    }
}

impl Handler for Client {
    type Error = Early;

    /// Called after the host has proved that it holds this key, before anything else is sent.
    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Early> {
        match &self.check {
            Check::Note(_) => Err(Early::Noted(HostKey::offered(&offered.public_key()))),
            Check::Against { policy, names } => {
                match policy.judge(&Offered::from(offered), names, SystemTime::now()) {
                    Ok(()) => Ok(true),
                    Err(refused) => Err(Early::HostKey(refused)),
                }
            }
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Early>) -> Result<(), Early> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) if info.message.is_empty() => {
                self.end
                    .because(Fault::new(format!("it ended the session: {:?}", info.reason_code)));
                Ok(())
            }
            DisconnectReason::ReceivedDisconnect(info) => {
                self.end.because(Fault::new(format!("it ended the session: {}", info.message)));
                Ok(())
            }
            DisconnectReason::Error(early) => {
                if let Early::Ssh(error) = &early {
                    let turned_down = matches!(error, russh::Error::NoAuthMethod);
                    self.end.turned_down.store(turned_down, Ordering::Relaxed);
                    self.end.because(Fault::from(error));
                }
                Err(early)
            }
        }
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Early> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }
}

/// The protocol settings of one connection.
pub(super) fn config(check: &Check) -> Config {
    let (key, host_key_certificates) = match check {
        Check::Against { policy, .. } => (policy.algorithms(), policy.certificate_algorithms()),
        Check::Note(algorithms) => (algorithms.clone(), Vec::new()),
    };
    Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-nimd_",
            env!("CARGO_PKG_VERSION")
        ))),
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(key),
            host_key_certificates: Cow::Owned(host_key_certificates),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            // Text compresses well and costs more than the network it saves; and what is not
            // unpacked cannot be a bomb.
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        // Ours: it must be possible to change it while the connection is open.
        keepalive_interval: None,
        inactivity_timeout: None,
        // Messages from the host that wait for us, each at most 256 KiB and usually 32 KiB. When
        // they are full the connection is not read until they are taken.
        channel_buffer_size: 64,
        window_size: 2 << 20,
        // russh would ask for 8192 bits, a second of CPU on both ends. 3072 are as strong as AES-128.
        gex: GexParams::new(2048, 3072, 8192).expect("in ascending order, from 2048"),
        nodelay: true,
        ..Config::default()
    }
}

/// Classical curves before the post-quantum hybrid, which costs half as much CPU again (0.60
/// against 0.38 ms a login) and protects recorded traffic from a future machine; what passes here
/// is output of installp, and passwords that are changed. It is there for a host that insists.
/// The curves of NIST and the groups are for hosts in FIPS mode and for old ones; SHA-1 is not
/// offered.
const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::MLKEM768X25519_SHA256,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// AES first: POWER8 and later have it in hardware, as has every server we run on.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// For the CTR ciphers only.
const MACS: &[mac::Name] =
    &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM, mac::HMAC_SHA512, mac::HMAC_SHA256];
