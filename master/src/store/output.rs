//! Raw output of what runs on the LPARs: a second stream beside the events, kept as bytes, up to a limit.

use nim_shared::id::{Epoch, OperationId};
use sea_orm::sqlx::query;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::commit::Txn;
use super::entity::output::{Column, Entity, Model};
use super::event::Batched;
use super::{Error, Store, bigint, unsigned};

/// The stream of what geninstall and the commands around it print. The key has room for others.
const STREAM: &str = "command";

/// A piece of raw output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The line of history.
    pub epoch: Epoch,
    /// Offset of the first byte.
    pub offset: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

impl Chunk {
    /// Offset after the last byte; `None` beyond all measure.
    #[must_use]
    pub const fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.data.len() as u64)
    }
}

/// A place in the output of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputCursor {
    /// The line of history.
    pub epoch: Epoch,
    /// Offset of the next byte.
    pub offset: u64,
}

/// A part of the output of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPart {
    /// The pieces, in order, without overlap.
    pub chunks: Vec<Chunk>,
    /// Where the next part begins. The output of an operation that runs may grow beyond it.
    pub next: OutputCursor,
    /// Whether this is all that is stored at this moment.
    pub complete: bool,
    /// Whether output was left out because there was more than is kept.
    pub cut: bool,
}

impl Store {
    /// About `limit` bytes of the output of one operation from `from` on: whole pieces, at least one where there is one.
    ///
    /// # Errors
    /// [`Error::NoSuchOperation`].
    pub async fn output(
        &self,
        operation: OperationId,
        from: OutputCursor,
        limit: usize,
    ) -> Result<OutputPart, Error> {
        let cut = self.operation(operation).await?.output_cut;
        let mut part = OutputPart { chunks: Vec::new(), next: from, complete: false, cut };
        let mut bytes = 0;
        while bytes < limit {
            let rows = self.pieces(operation, part.next).await?;
            if rows.is_empty() {
                part.complete = true;
                break;
            }
            for row in rows {
                let chunk = cut_front(chunk(row), part.next);
                part.next =
                    OutputCursor { epoch: chunk.epoch, offset: chunk.end().unwrap_or(u64::MAX) };
                bytes += chunk.data.len();
                part.chunks.push(chunk);
                if bytes >= limit {
                    break;
                }
            }
        }
        Ok(part)
    }

    /// The next few pieces that reach beyond `from`.
    async fn pieces(
        &self,
        operation: OperationId,
        from: OutputCursor,
    ) -> Result<Vec<Model>, Error> {
        use sea_orm::sea_query::{Expr, ExprTrait as _};
        let epoch = bigint(from.epoch.0).unwrap_or(i64::MAX);
        let offset = bigint(from.offset).unwrap_or(i64::MAX);
        // Pieces are at most 64 KiB: one that reaches beyond `from` begins at most so far before it.
        let near = offset
            .saturating_sub(i64::try_from(nim_shared::frame::OUTPUT_CHUNK).unwrap_or(i64::MAX));
        let beyond = Expr::col(Column::Offset).add(Expr::cust("octet_length(data)")).gt(offset);
        let here =
            Condition::all().add(Column::Epoch.eq(epoch)).add(Column::Offset.gte(near)).add(beyond);
        Entity::find()
            .filter(Column::OperationId.eq(operation.0))
            .filter(Column::Stream.eq(STREAM))
            .filter(Condition::any().add(here).add(Column::Epoch.gt(epoch)))
            .order_by_asc(Column::Epoch)
            .order_by_asc(Column::Offset)
            .limit(16)
            .all(&self.db)
            .await
            .map_err(|cause| {
                Error::database(format!("read the output of operation {operation}"), cause)
            })
    }
}

/// The domain's piece of a row.
fn chunk(row: Model) -> Chunk {
    Chunk { epoch: Epoch(unsigned(row.epoch)), offset: unsigned(row.offset), data: row.data }
}

/// Without what lies before `from`: a host may have sent it twice, in other pieces.
fn cut_front(chunk: Chunk, from: OutputCursor) -> Chunk {
    let before =
        if chunk.epoch == from.epoch { from.offset.saturating_sub(chunk.offset) } else { 0 };
    let before = usize::try_from(before).unwrap_or(usize::MAX).min(chunk.data.len());
    let offset = chunk.offset.saturating_add(before as u64);
    let mut data = chunk.data;
    data.drain(..before);
    Chunk { epoch: chunk.epoch, offset, data }
}

/// Inserts the output of `parts`, each with the bytes that its operation has received in all, now included. What goes beyond
/// `limit` is left out, and the operation's row says so.
pub(super) async fn insert(
    txn: &mut Txn,
    parts: &[(&Batched, u64)],
    limit: u64,
) -> Result<(), Error> {
    let mut rows = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut cut = Vec::new();
    for (part, total) in parts {
        let own: u64 = part.output.iter().map(|chunk| chunk.data.len() as u64).sum();
        let mut room = limit.saturating_sub(total.saturating_sub(own));
        for chunk in &part.output {
            let take = chunk.data.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            room -= take as u64;
            if take < chunk.data.len() && cut.last() != Some(&part.operation.0) {
                cut.push(part.operation.0);
            }
            // Smaller than the protocol's largest, so that a reader knows how far back to look.
            for (index, data) in
                chunk.data[..take].chunks(nim_shared::frame::OUTPUT_CHUNK).enumerate()
            {
                let offset = chunk.offset + (index * nim_shared::frame::OUTPUT_CHUNK) as u64;
                rows.0.push(part.operation.0);
                rows.1.push(bigint(chunk.epoch.0).unwrap_or(i64::MAX));
                rows.2.push(bigint(offset).unwrap_or(i64::MAX));
                rows.3.push(data);
            }
        }
    }
    if !rows.0.is_empty() {
        query(
            "INSERT INTO output (operation_id, epoch, stream, \"offset\", data)
             SELECT x.operation_id, x.epoch, $1, x.\"offset\", x.data
             FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[])
                  AS x (operation_id, epoch, \"offset\", data)
             ON CONFLICT DO NOTHING",
        )
        .bind(STREAM)
        .bind(rows.0)
        .bind(rows.1)
        .bind(rows.2)
        .bind(rows.3)
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
    }
    if !cut.is_empty() {
        query("UPDATE operation SET output_cut = true WHERE id = ANY($1)")
            .bind(cut)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
    }
    Ok(())
}
