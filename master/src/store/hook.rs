//! Hooks that masters run themselves: which belong to an operation, and what became of each.
//!
//! They are stored with the operation. One is begun by a single statement that takes it from `due`, so that no two masters run it and none
//! runs it twice. Where a master dies while it runs one, how that ended is `unknown` for ever.

use nim_shared::api::{HookState, MasterHook};
use nim_shared::hook::{HookExit, NamedHook};
use nim_shared::id::{Fence, MasterId, ObjectName, OperationId};
use nim_shared::level::Level;
use nim_shared::operation::{Named, Report, StateName};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::{AssertSqlSafe, query, query_as};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::Txn;
use super::{Error, NewOperation, Store, batch};

/// A hook as it stands, with the master that has begun it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredHook {
    /// What a person sees of it.
    pub hook: MasterHook,
    /// The master that has begun it.
    pub begun_by: Option<MasterId>,
}

/// A hook that this master has begun, with all that it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct BegunHook {
    /// The operation.
    pub operation: OperationId,
    /// Its number among those of the operation, from 1.
    pub number: u32,
    /// Where it is run, which it is, and what a failure means.
    pub hook: NamedHook,
    /// The LPAR.
    pub lpar: ObjectName,
    /// The order: what `start` carries.
    pub request: String,
    /// The object with the packages.
    pub lpp_source: Option<ObjectName>,
    /// Where the operation stands.
    pub state: StateName,
    /// What it came to, where an agent has said so.
    pub report: Option<Report>,
    /// The level of the LPAR that its HMC showed last.
    pub shown_level: Option<Level>,
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEnd {
    /// How.
    pub state: HookState,
    /// Its exit status, where it has one.
    pub status: Option<i32>,
    /// What it printed, up to the cap.
    pub output: String,
}

/// What the report of an operation says of a hook: a code and a sentence.
pub type Warning = (&'static str, String);

/// Number, point, name, meaning, state, status, begun, ended, output, master.
type Row = (
    i32,
    String,
    String,
    String,
    String,
    Option<i32>,
    Option<OffsetDateTime>,
    Option<OffsetDateTime>,
    String,
    Option<Uuid>,
);

/// Operation, number, point, name, meaning, LPAR, order, source, state, report, level.
type BegunRow = (
    Uuid,
    i32,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    Option<Value>,
    Option<i64>,
);

/// What is read of a hook that is begun, of its operation `o` and its batch `b`.
const BEGUN: &str = "h.operation_id, h.number, h.point, h.name, h.meaning, o.lpar, o.request, b.request->>'lpp_source', o.state, o.report,
                       (SELECT p.level FROM nim_object l JOIN nim_standalone s ON s.object_id = l.id
                        JOIN frame_partition p ON p.cec_id = s.cec_id AND p.name = s.partition
                        WHERE l.name = o.lpar)";

/// Operation, number, point, name, meaning, begun.
type LostRow = (Uuid, i32, String, String, String, Option<OffsetDateTime>);

impl Store {
    /// The hooks of an operation that masters run, in their order.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn hooks(&self, operation: OperationId) -> Result<Vec<StoredHook>, Error> {
        let rows: Vec<Row> = query_as(
            "SELECT number, point, name, meaning, state, status, begun_at, ended_at, output, begun_by
             FROM master_hook WHERE operation_id = $1 ORDER BY number",
        )
        .bind(operation.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("read the hooks of operation {operation}"), cause))?;
        rows.into_iter().map(stored).collect()
    }

    /// Takes the hook `number` of an operation that `owner` holds under `fence`. `None`: it is not due any more, or another master
    /// holds the operation.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn begin_hook(
        &self,
        owner: MasterId,
        operation: OperationId,
        fence: Fence,
        number: u32,
    ) -> Result<Option<BegunHook>, Error> {
        let row: Option<BegunRow> = query_as(AssertSqlSafe(format!(
            "UPDATE master_hook h SET state = 'begun', begun_by = $1, begun_at = now()
             FROM operation o JOIN batch b ON b.id = o.batch_id
             WHERE h.operation_id = $2 AND h.number = $3 AND h.state = 'due' AND o.id = $2 AND o.fence = $4
             RETURNING {BEGUN}",
        )))
        .bind(owner.0)
        .bind(operation.0)
        .bind(i32::try_from(number).unwrap_or(i32::MAX))
        .bind(super::bigint(fence.0))
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("begin a hook of operation {operation}"), cause))?;
        row.map(begun).transpose()
    }

    /// Takes the oldest hook that is due after the end of an operation. Those of one operation are taken one after the other.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn begin_late_hook(&self, owner: MasterId) -> Result<Option<BegunHook>, Error> {
        let row: Option<BegunRow> = query_as(AssertSqlSafe(format!(
            "WITH next AS (
                SELECT h.operation_id, h.number FROM master_hook h JOIN operation o ON o.id = h.operation_id
                WHERE h.state = 'due'
                  AND ((h.point = 'post' AND o.state IN ('succeeded', 'unchanged'))
                    OR (h.point = 'on-failure' AND o.state IN ('failed', 'cancelled', 'stuck')))
                  AND NOT EXISTS (SELECT FROM master_hook e WHERE e.operation_id = h.operation_id
                    AND e.point = h.point AND e.number < h.number AND e.state IN ('due', 'begun'))
                ORDER BY h.operation_id, h.number LIMIT 1 FOR UPDATE OF h SKIP LOCKED)
             UPDATE master_hook h SET state = 'begun', begun_by = $1, begun_at = now()
             FROM next n, operation o JOIN batch b ON b.id = o.batch_id
             WHERE h.operation_id = n.operation_id AND h.number = n.number AND o.id = h.operation_id
             RETURNING {BEGUN}",
        )))
        .bind(owner.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("begin a hook after the end of an operation", cause))?;
        row.map(begun).transpose()
    }

    /// Notes how a hook ended that `owner` had begun, unless its end counts as unknown by now; whether it did.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn end_hook(
        &self,
        owner: MasterId,
        operation: OperationId,
        number: u32,
        end: &HookEnd,
    ) -> Result<bool, Error> {
        let done = query(
            "UPDATE master_hook SET state = $4, status = $5, output = $6, ended_at = now()
             WHERE operation_id = $1 AND number = $2 AND begun_by = $3 AND state = 'begun'",
        )
        .bind(operation.0)
        .bind(i32::try_from(number).unwrap_or(i32::MAX))
        .bind(owner.0)
        .bind(end.state.name())
        .bind(end.status)
        .bind(end.output.replace('\0', ""))
        .execute(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("end a hook of operation {operation}"), cause))?;
        Ok(done.rows_affected() == 1)
    }

    /// The hooks that `owner` has begun and of whose end nothing is on record: operation and number.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn begun_hooks(&self, owner: MasterId) -> Result<Vec<(OperationId, u32)>, Error> {
        let rows: Vec<(Uuid, i32)> = query_as(
            "SELECT operation_id, number FROM master_hook WHERE state = 'begun' AND begun_by = $1",
        )
        .bind(owner.0)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read the hooks that run", cause))?;
        let read = |(id, number)| (OperationId(id), u32::try_from(number).unwrap_or(0));
        Ok(rows.into_iter().map(read).collect())
    }

    /// Notes what nobody will tell: hooks that were begun by a master that is gone, and those of `lost`, unless their end is on record;
    /// and that those are left out to which their operation did not come. Returns what has become unknown.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn settle_hooks(
        &self,
        lost: &[(OperationId, u32)],
    ) -> Result<Vec<(OperationId, MasterHook)>, Error> {
        query(
            "UPDATE master_hook h SET state = 'left_out' FROM operation o
             WHERE o.id = h.operation_id AND h.state = 'due'
               AND (o.state IN ('succeeded', 'unchanged') AND h.point <> 'post'
                 OR o.state IN ('failed', 'cancelled') AND h.point <> 'on-failure')",
        )
        .execute(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("leave hooks out", cause))?;
        let (ids, numbers): (Vec<Uuid>, Vec<i32>) = lost
            .iter()
            .map(|(id, number)| (id.0, i32::try_from(*number).unwrap_or(i32::MAX)))
            .unzip();
        let lost: Vec<LostRow> = query_as(
            "UPDATE master_hook h SET state = 'unknown', ended_at = now()
             FROM master_hook b LEFT JOIN master m ON m.id = b.begun_by AND m.lease_until >= clock_timestamp()
             WHERE h.operation_id = b.operation_id AND h.number = b.number AND h.state = 'begun' AND b.state = 'begun'
               AND (m.id IS NULL OR (b.operation_id, b.number) IN (SELECT * FROM unnest($1::uuid[], $2::int[])))
             RETURNING h.operation_id, h.number, h.point, h.name, h.meaning, h.begun_at",
        )
        .bind(ids)
        .bind(numbers)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("look for hooks that nobody runs", cause))?;
        let read = |(operation, number, point, name, meaning, begun): LostRow| {
            let state = HookState::Unknown.name().to_owned();
            let output = String::new();
            let row = (number, point, name, meaning, state, None, begun, None, output, None);
            Ok((OperationId(operation), stored(row)?.hook))
        };
        lost.into_iter().map(read).collect()
    }

    /// Adds to the report of an operation that has ended what is to be said of a hook.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn warn_of_hook(
        &self,
        operation: OperationId,
        (code, text): &Warning,
    ) -> Result<(), Error> {
        query(
            "UPDATE operation SET changed_at = now(), report = report
                || jsonb_build_object('summary', (report->>'summary') || '; ' || $2::text,
                                      'codes', coalesce(report->'codes', '[]') || to_jsonb($3::text))
                || CASE WHEN report->>'outcome' <> 'succeeded' OR report->'follow_up' ? 'hook' THEN '{}'
                        ELSE jsonb_build_object('follow_up', coalesce(report->'follow_up', '[]') || '[\"hook\"]') END
             WHERE id = $1 AND report IS NOT NULL",
        )
        .bind(operation.0)
        .bind(text)
        .bind(code)
        .execute(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("note a hook of operation {operation}"), cause))?;
        Ok(())
    }
}

/// Stores the hooks of operations that are being accepted.
pub(super) async fn insert(txn: &mut Txn, operations: &[NewOperation]) -> Result<(), Error> {
    let numbered = |one: &NewOperation| (1..).zip(one.hooks.iter().map(|_| one.id.0)).collect();
    let (numbers, ids): (Vec<i32>, Vec<Uuid>) =
        operations.iter().flat_map(|one| -> Vec<_> { numbered(one) }).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let hooks = || operations.iter().flat_map(|one| &one.hooks);
    let column = |of: fn(&NamedHook) -> &str| hooks().map(of).collect::<Vec<_>>();
    query(
        "INSERT INTO master_hook (operation_id, number, point, name, meaning)
         SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[])",
    )
    .bind(ids)
    .bind(numbers)
    .bind(column(|hook| hook.at.name()))
    .bind(column(|hook| hook.name.as_str()))
    .bind(column(|hook| hook.exit.name()))
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

fn stored(row: Row) -> Result<StoredHook, Error> {
    let (number, point, name, meaning, state, status, begun, ended, output, by) = row;
    let NamedHook { at, name, exit } = named(&point, &name, &meaning)?;
    let hook = MasterHook {
        number: u32::try_from(number).unwrap_or(0),
        at,
        name,
        exit,
        state: Named::read(&state),
        status,
        begun_at: begun.map(Timestamp::new),
        ended_at: ended.map(Timestamp::new),
        output,
    };
    Ok(StoredHook { hook, begun_by: by.map(MasterId) })
}

fn begun(row: BegunRow) -> Result<BegunHook, Error> {
    let (operation, number, point, name, meaning, lpar, request, source, state, report, level) =
        row;
    let report = report.map(serde_json::from_value).transpose();
    Ok(BegunHook {
        operation: OperationId(operation),
        number: u32::try_from(number).unwrap_or(0),
        hook: named(&point, &name, &meaning)?,
        lpar: batch::name(&lpar)?,
        request,
        lpp_source: source.as_deref().map(batch::name).transpose()?,
        state: state
            .parse()
            .map_err(|cause| Error::unreadable("the state of an operation", cause))?,
        report: report.map_err(|cause| {
            Error::unreadable(format!("the report of operation {operation}"), cause)
        })?,
        shown_level: level.and_then(Level::of_number),
    })
}

fn named(point: &str, name: &str, meaning: &str) -> Result<NamedHook, Error> {
    let bad = |cause: nim_shared::stage::UnknownName| Error::unreadable("a hook", cause);
    let exit: HookExit = meaning.parse().map_err(bad)?;
    Ok(NamedHook { at: point.parse().map_err(bad)?, name: batch::name(name)?, exit })
}

#[cfg(test)]
mod tests;
