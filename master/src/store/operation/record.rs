//! An operation as it is stored, and how it is looked up.

use std::collections::BTreeMap;

use nim_shared::frame::Position;
use nim_shared::id::{BatchId, Digest, Epoch, Fence, MasterId, ObjectName, OperationId, Seq};
use nim_shared::operation::{Report, StateName};
use nim_shared::request::Kind;
use nim_shared::stage::Phase;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use sea_orm::prelude::Uuid;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use crate::engine::operation::Operation;
use crate::store::entity::operation::{Column, Entity, Model};
use crate::store::object::NamePattern;
use crate::store::{Error, Page, Store, Who, batch, unsigned};

/// An operation as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: OperationId,
    /// What it was asked for together with.
    pub batch: BatchId,
    /// Who asked.
    pub requested_by: Who,
    /// The LPAR.
    pub lpar: ObjectName,
    /// The frame that the LPAR is on.
    pub frame: Option<ObjectName>,
    /// The HMC that counts for limits.
    pub hmc: Option<ObjectName>,
    /// Look only, or do it.
    pub kind: Kind,
    /// What `start` carries.
    pub request: String,
    /// Digest of that text.
    pub digest: Digest,
    /// State, as the engine decides it.
    pub operation: Operation,
    /// When the state, stage or phase was entered, by the database's clock.
    pub entered_at: Timestamp,
    /// What it waits for, where somebody said so.
    pub waits_for: Option<String>,
    /// Since when there is no contact. A fact beside the state.
    pub lost_contact_since: Option<Timestamp>,
    /// Past it a person is needed.
    pub deadline: Option<Timestamp>,
    /// The preview's estimate of the standstill.
    pub estimated_blackout: Option<Seconds>,
    /// The preview's estimate of the whole.
    pub estimated_total: Option<Seconds>,
    /// What the agent reported at the end.
    pub report: Option<Report>,
    /// The master that works on it.
    pub owner: Option<MasterId>,
    /// Its fence.
    pub fence: Fence,
    /// The last event stored.
    pub position: Position,
    /// Bytes of raw output received.
    pub output_offset: u64,
    /// Whether output was cut off because there was too much of it.
    pub output_cut: bool,
    /// Who asked for a cancel.
    pub cancel: Option<Asked>,
    /// Who decided about it, where a person did.
    pub resolution: Option<Resolution>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its row changed last.
    pub changed_at: Timestamp,
    /// When the agent took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Somebody asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub by: Who,
    /// When.
    pub at: Timestamp,
}

/// A person's decision about an operation that was stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Who.
    pub by: Who,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Which operations are wanted. What is empty does not restrict.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// In any of these states.
    pub states: Vec<StateName>,
    /// On any of these LPARs.
    pub lpars: Vec<NamePattern>,
    /// Of this batch.
    pub batch: Option<BatchId>,
    /// On LPARs of this frame.
    pub frame: Option<ObjectName>,
    /// Owned by this master.
    pub owner: Option<MasterId>,
    /// With an id in this range: what the beginning of an id stands for.
    pub ids: Option<std::ops::RangeInclusive<OperationId>>,
}

impl Store {
    /// One operation.
    ///
    /// # Errors
    /// [`Error::NoSuchOperation`].
    pub async fn operation(&self, id: OperationId) -> Result<Record, Error> {
        Entity::find_by_id(id.0)
            .one(&self.db)
            .await
            .map_err(|cause| Error::database(format!("read operation {id}"), cause))?
            .ok_or(Error::NoSuchOperation { id })
            .and_then(record)
    }

    /// At most `limit` operations, the newest first, those older than `after`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn operations(
        &self,
        filter: &OperationFilter,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<Page<Record, OperationId>, Error> {
        let mut find = Entity::find().filter(condition(filter));
        if let Some(after) = after {
            find = find.filter(Column::Id.lt(after.0));
        }
        let rows = find
            .order_by_desc(Column::Id)
            .limit(u64::from(limit) + 1)
            .all(&self.db)
            .await
            .map_err(|cause| Error::database("list operations", cause))?;
        let items = rows.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok(crate::store::page(items, limit, |last| last.id))
    }

    /// The LPARs whose workload is being moved, with the operation that does.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn moving(&self) -> Result<BTreeMap<ObjectName, OperationId>, Error> {
        let silent = Phase::ALL.iter().filter(|phase| phase.is_silent()).map(|phase| phase.name());
        let rows: Vec<(String, Uuid)> = Entity::find()
            .select_only()
            .columns([Column::Lpar, Column::Id])
            .filter(Column::State.eq(StateName::Running.name()))
            .filter(Column::Phase.is_in(silent))
            .into_tuple()
            .all(&self.db)
            .await
            .map_err(|cause| Error::database("look up what is being moved", cause))?;
        let named = |(lpar, id): (String, Uuid)| Ok((batch::name(&lpar)?, OperationId(id)));
        rows.into_iter().map(named).collect()
    }

    /// The operations `ids`, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::NoSuchOperation`] with the first that there is not.
    pub async fn operations_of(&self, ids: &[OperationId]) -> Result<Vec<Record>, Error> {
        let rows = Entity::find()
            .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
            .order_by_asc(Column::Id)
            .all(&self.db)
            .await
            .map_err(|cause| Error::database("list operations", cause))?;
        let found = rows.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        match ids.iter().find(|id| !found.iter().any(|record| record.id == **id)) {
            Some(id) => Err(Error::NoSuchOperation { id: *id }),
            None => Ok(found),
        }
    }
}

/// The filter in the database's words.
fn condition(filter: &OperationFilter) -> Condition {
    let mut all = Condition::all();
    if !filter.states.is_empty() {
        all = all.add(Column::State.is_in(filter.states.iter().map(|state| state.name())));
    }
    if !filter.lpars.is_empty() {
        let mut any = Condition::any();
        for lpar in &filter.lpars {
            any = any.add(lpar.matches(Column::Lpar));
        }
        all = all.add(any);
    }
    if let Some(batch) = filter.batch {
        all = all.add(Column::BatchId.eq(batch.0));
    }
    if let Some(frame) = &filter.frame {
        all = all.add(Column::Frame.eq(frame.as_str()));
    }
    if let Some(ids) = &filter.ids {
        all = all.add(Column::Id.between(ids.start().0, ids.end().0));
    }
    if let Some(owner) = filter.owner {
        all = all.add(Column::Owner.eq(owner.0));
    }
    all
}

/// The domain's record of a row.
pub(super) fn record(row: Model) -> Result<Record, Error> {
    let id = OperationId(row.id);
    let what = || format!("operation {id}");
    let who = |uid: i64| Who { uid: u32::try_from(uid).unwrap_or(u32::MAX) };
    let digest = |bytes: Vec<u8>| {
        <[u8; 32]>::try_from(bytes)
            .map(Digest)
            .map_err(|_| Error::unreadable(what(), "a digest has 32 bytes"))
    };
    let seconds = |number: Option<i64>| number.map(|number| Seconds(unsigned(number)));
    let kind: Kind =
        row.kind.parse().map_err(|_| Error::unreadable(what(), "its kind is unknown"))?;
    let read = |cause: serde_json::Error| Error::unreadable(what(), cause);
    Ok(Record {
        id,
        batch: BatchId(row.batch_id),
        requested_by: who(row.requested_by),
        lpar: batch::name(&row.lpar)?,
        frame: row.frame.as_deref().map(batch::name).transpose()?,
        hmc: row.hmc.as_deref().map(batch::name).transpose()?,
        kind,
        request: row.request,
        digest: digest(row.digest)?,
        operation: serde_json::from_value(row.detail).map_err(read)?,
        entered_at: Timestamp::new(row.entered_at),
        waits_for: row.waits_for,
        lost_contact_since: row.lost_contact_since.map(Timestamp::new),
        deadline: row.deadline.map(Timestamp::new),
        estimated_blackout: seconds(row.estimated_blackout_seconds),
        estimated_total: seconds(row.estimated_total_seconds),
        report: row.report.map(serde_json::from_value).transpose().map_err(read)?,
        owner: row.owner.map(MasterId),
        fence: Fence(unsigned(row.fence)),
        position: Position {
            epoch: Epoch(unsigned(row.epoch)),
            seq: Seq(unsigned(row.seq)),
            hash: digest(row.hash)?,
        },
        output_offset: unsigned(row.output_offset),
        output_cut: row.output_cut,
        cancel: row
            .cancel_asked_at
            .zip(row.cancel_asked_by)
            .map(|(at, by)| Asked { by: who(by), at: Timestamp::new(at) }),
        resolution: row.resolved_at.zip(row.resolved_by).map(|(at, by)| Resolution {
            by: who(by),
            at: Timestamp::new(at),
            reason: row.resolved_reason.unwrap_or_default(),
        }),
        created_at: Timestamp::new(row.created_at),
        changed_at: Timestamp::new(row.changed_at),
        started_at: row.started_at.map(Timestamp::new),
        ended_at: row.ended_at.map(Timestamp::new),
    })
}
