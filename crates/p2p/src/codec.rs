//! Requests and responses as they are on a stream: the bytes until its end, with a limit.

use std::io;
use std::sync::Arc;

use libp2p::StreamProtocol;
use libp2p::futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::request_response;

/// Reads and writes whole messages of a limited size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounded {
    pub(crate) max_request: usize,
    pub(crate) max_response: usize,
}

/// Reads until the stream's end. Memory grows with what arrives.
async fn read(io: &mut (impl AsyncRead + Unpin + Send), maximum: usize) -> io::Result<Arc<[u8]>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(maximum).unwrap_or(u64::MAX).saturating_add(1);
    io.take(limit).read_to_end(&mut bytes).await?;
    if bytes.len() > maximum {
        let error = format!("expected at most {maximum} bytes, got more");
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    Ok(bytes.into())
}

async fn write(io: &mut (impl AsyncWrite + Unpin + Send), bytes: &[u8]) -> io::Result<()> {
    io.write_all(bytes).await?;
    io.close().await
}

impl request_response::Codec for Bounded {
    type Protocol = StreamProtocol;
    type Request = Arc<[u8]>;
    type Response = Arc<[u8]>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Arc<[u8]>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.max_request).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Arc<[u8]>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.max_response).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Arc<[u8]>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Arc<[u8]>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &bytes).await
    }
}

#[cfg(test)]
mod tests {
    use libp2p::futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn a_message_ends_with_its_stream_and_has_a_limit() {
        let bytes = [1, 2, 3];
        assert_eq!(read(&mut Cursor::new(bytes), 3).await.unwrap()[..], bytes);
        assert!(read(&mut Cursor::new([0; 0]), 3).await.unwrap().is_empty());
        let error = read(&mut Cursor::new(bytes), 2).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
