//! One connection to one broker: frames, headers, and the versions that both sides speak.
//!
//! Requests are answered in the order they were sent, so the correlation id is checked and never searched. A
//! connection whose call failed halfway is dropped by its owner, never used again.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use chronik_types::ErrorCode;
use chronik_wire::StrBytes;
use chronik_wire::client::{decode_response, encode_request};
use chronik_wire::messages::{ApiKey, ApiVersionsRequest};
use chronik_wire::precheck::Checked;
use kafka_protocol::protocol::Request;

use super::{Address, Error};
use crate::names;

const CLIENT_ID: &str = "chronik-cli";
/// How long a connection attempt may take: a host that is up answers or refuses at once.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// An answer longer than this is not Kafka's (an HTTP server's first bytes read as a length of a gigabyte).
const RESPONSE_BYTES_MAX: usize = 512 << 20;
/// Memory is taken as bytes arrive, at most this much ahead of them.
const READ_AHEAD: usize = 1 << 20;
/// The newest ApiVersions request that every broker since Kafka 2.4 understands.
const API_VERSIONS: i16 = 3;

/// A connection with its negotiated versions.
pub struct Connection {
    address: Address,
    stream: TcpStream,
    next_correlation_id: i32,
    /// (oldest, newest) that the broker offers, by API key.
    offered: BTreeMap<i16, (i16, i16)>,
}

impl Connection {
    /// Connects and asks for the broker's API versions.
    pub fn open(address: &Address, timeout: Duration) -> Result<Self, Error> {
        let stream = connect(address, timeout.min(CONNECT_TIMEOUT_MAX))
            .map_err(|cause| Error::Connect { address: address.clone(), cause })?;
        let mut connection =
            Self { address: address.clone(), stream, next_correlation_id: 0, offered: BTreeMap::new() };
        connection.offered = connection.negotiate(timeout)?;
        Ok(connection)
    }

    /// Sends a request and waits for its answer. `build` gets the newest version that both sides and the
    /// caller (`version_max`) speak.
    pub fn call<R: Request<Response: Checked>>(
        &mut self,
        version_max: i16,
        timeout: Duration,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::Response, Error> {
        let version = self.version::<R>(version_max)?;
        let id = self.send(&build(version), version)?;
        let frame = self.receive_frame(timeout)?;
        self.decode::<R>(id, version, frame)
    }

    /// Sends a request that has no answer.
    pub fn post<R: Request>(&mut self, version_max: i16, build: impl FnOnce(i16) -> R) -> Result<(), Error> {
        let version = self.version::<R>(version_max)?;
        self.send(&build(version), version).map(|_| ())
    }

    fn version<R: Request>(&self, version_max: i16) -> Result<i16, Error> {
        let (oldest, newest) = (R::VERSIONS.min, R::VERSIONS.max.min(version_max));
        if let Some(&(first, last)) = self.offered.get(&R::KEY) {
            let version = newest.min(last);
            if version >= oldest.max(first) {
                return Ok(version);
            }
        }
        let api = ApiKey::try_from(R::KEY).map_or_else(|()| R::KEY.to_string(), |key| format!("{key:?}"));
        let spoken = format!("versions {oldest} to {newest}");
        Err(Error::Unsupported { address: self.address.clone(), api, spoken })
    }

    fn negotiate(&mut self, timeout: Duration) -> Result<BTreeMap<i16, (i16, i16)>, Error> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("chronik"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let id = self.send(&request, API_VERSIONS)?;
        let frame = self.receive_frame(timeout)?;
        // A broker too old for this version answers in the body of version 0 (KIP-511).
        let too_new =
            frame.get(4..6).is_some_and(|code| code == ErrorCode::UnsupportedVersion.code().to_be_bytes());
        let response =
            self.decode::<ApiVersionsRequest>(id, if too_new { 0 } else { API_VERSIONS }, frame)?;
        if !too_new {
            Error::check(format!("ApiVersions of {}", self.address), response.error_code, None)?;
        }
        let offered = response.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version)));
        Ok(offered.collect())
    }

    fn send<R: Request>(&mut self, request: &R, version: i16) -> Result<i32, Error> {
        let id = self.next_correlation_id;
        self.next_correlation_id = id.wrapping_add(1);
        let frame = encode_request(version, id, CLIENT_ID, request)
            .map_err(|error| Error::Unsendable { reason: error.to_string() })?;
        self.stream.write_all(&frame).map_err(|cause| self.lost(cause))?;
        Ok(id)
    }

    /// The next answer, without its length.
    fn receive_frame(&mut self, timeout: Duration) -> Result<Bytes, Error> {
        // A long poll is answered within its own time; beyond the command's timeout the broker is silent.
        let patience = timeout + Duration::from_secs(1);
        self.stream.set_read_timeout(Some(patience)).map_err(|cause| self.lost(cause))?;
        self.read_frame().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Error::Silent { address: self.address.clone(), seconds: patience.as_secs() }
            }
            io::ErrorKind::InvalidData => self.malformed(error),
            _ => self.lost(error),
        })
    }

    fn decode<R: Request<Response: Checked>>(
        &self,
        id: i32,
        version: i16,
        frame: Bytes,
    ) -> Result<R::Response, Error> {
        let (answered, response) =
            decode_response::<R>(version, frame).map_err(|error| self.malformed(error))?;
        if answered != id {
            return Err(self.malformed(format!("answer {answered} to request {id}")));
        }
        Ok(response)
    }

    fn read_frame(&mut self) -> io::Result<Bytes> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix)?;
        let length = usize::try_from(i32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
        if length > RESPONSE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer of impossible length"));
        }
        let mut frame = Vec::with_capacity(length.min(READ_AHEAD));
        (&mut self.stream).take(length as u64).read_to_end(&mut frame)?;
        if frame.len() < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker closed it"));
        }
        Ok(frame.into())
    }

    fn lost(&self, cause: io::Error) -> Error {
        // The library's own words for this ("failed to fill whole buffer") tell a user nothing.
        let cause = match cause.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(cause.kind(), "the broker closed it; see the broker's log")
            }
            _ => cause,
        };
        Error::Lost { address: self.address.clone(), cause }
    }

    fn malformed(&self, reason: impl ToString) -> Error {
        Error::Malformed { address: self.address.clone(), reason: reason.to_string() }
    }
}

/// Tries every address of the host, so that `localhost` works on either IP version.
fn connect(address: &Address, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for target in names::look_up(&address.host, address.port)? {
        match TcpStream::connect_timeout(&target, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(timeout.max(CONNECT_TIMEOUT_MAX)))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
