//! Which machines hold which resources: what was allocated to them, and what open operations use.
//!
//! What was allocated is an attribute of the machine and is changed as any other. What an operation uses is not noted anywhere: it
//! follows from the operations that are open, so that it comes back however one ends, and no count can be wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nim_shared::api::Cust;
use nim_shared::id::{ObjectName, OperationId};
use nim_shared::object::{ObjectClass, ObjectType};
use sea_orm::sqlx::{Executor, Postgres, query_as};
use serde_json::Value;
use uuid::Uuid;

use super::{Change, Fault, Mode, Problem, Stored};
use crate::store::commit::Txn;
use crate::store::{Error, Store, unsigned};

/// A resource that an open operation uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// On this machine.
    pub machine: ObjectName,
    /// Its type.
    pub of: ObjectType,
    /// The resource.
    pub resource: ObjectName,
    /// The operation.
    pub operation: OperationId,
}

impl Store {
    /// What open operations use on `machines`, in the order of the operations; on all machines where none are given.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn in_use(&self, machines: Option<&[&ObjectName]>) -> Result<Vec<InUse>, Error> {
        let rows = open_requests(&self.pool, machines).await;
        in_use(rows.map_err(|cause| Error::sqlx("look up what operations use", cause))?)
    }

    /// The types of the resources that are allocated to `machines`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn allocated_types(
        &self,
        machines: &[&ObjectName],
    ) -> Result<HashMap<ObjectName, ObjectType>, Error> {
        let rows: Vec<(String, String)> = query_as(
            "SELECT DISTINCT r.name, r.type FROM nim_object m JOIN nim_allocation a ON a.machine_id = m.id
             JOIN nim_object r ON r.id = a.resource_id WHERE m.name = ANY($1)",
        )
        .bind(machines.iter().map(|name| name.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what is allocated", cause))?;
        let typed = |(resource, of): (String, String)| {
            let of = of.parse().map_err(|cause| Error::unreadable("a type of objects", cause))?;
            Ok((name(&resource)?, of))
        };
        rows.into_iter().map(typed).collect()
    }

    /// How many machines hold each of `resources`; what nobody holds is left out.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn alloc_counts(
        &self,
        resources: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, u64>, Error> {
        let used = self.in_use(None).await?;
        let rows: Vec<(String, i64)> = query_as(
            "SELECT name, count(*) FROM (
                 SELECT r.name, a.machine_id FROM nim_object r JOIN nim_allocation a ON a.resource_id = r.id
                     WHERE r.name = ANY($1)
                 UNION
                 SELECT u.resource, m.id FROM unnest($2::text[], $3::text[]) AS u (resource, machine)
                     JOIN nim_object m ON m.name = u.machine WHERE u.resource = ANY($1)
             ) held GROUP BY name",
        )
        .bind(resources.iter().map(|name| name.as_str()).collect::<Vec<_>>())
        .bind(used.iter().map(|one| one.resource.as_str()).collect::<Vec<_>>())
        .bind(used.iter().map(|one| one.machine.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("count what is allocated", cause))?;
        rows.into_iter().map(|(text, count)| Ok((name(&text)?, unsigned(count)))).collect()
    }
}

/// Resources that would change or go while a machine holds them. What is forced is said to be meant; but nothing makes a resource go
/// that is held.
pub(super) async fn faults(
    txn: &mut Txn,
    changes: &[Change],
    present: &HashMap<ObjectName, (i64, Stored)>,
    mode: Mode,
) -> Result<Vec<Fault>, Error> {
    let touched: Vec<_> = changes
        .iter()
        .filter(|change| {
            let Some((_, before)) = present.get(change.name()) else { return false };
            let is_resource = before.object.spec.object_type().class() == ObjectClass::Resources;
            let differs = match change.object() {
                None => true,
                Some(after) => mode != Mode::Force && *after != before.object,
            };
            is_resource && differs
        })
        .map(Change::name)
        .collect();
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let mut held: BTreeMap<ObjectName, BTreeSet<ObjectName>> = BTreeMap::new();
    // Machines that are changed in the same request are judged by what they will hold.
    let judged: HashMap<_, _> =
        changes.iter().map(|change| (change.name(), change.object())).collect();
    let rows: Vec<(String, String)> = query_as(
        "SELECT r.name, m.name FROM nim_object r JOIN nim_allocation a ON a.resource_id = r.id
         JOIN nim_object m ON m.id = a.machine_id WHERE r.name = ANY($1)",
    )
    .bind(touched.iter().map(|name| name.as_str()).collect::<Vec<_>>())
    .fetch_all(txn.connection())
    .await
    .map_err(txn.failed())?;
    for (resource, machine) in rows {
        let (resource, machine) = (name(&resource)?, name(&machine)?);
        let keeps = judged.get(&machine).is_none_or(|after| {
            after.is_some_and(|after| after.spec.allocated().contains(&resource))
        });
        if keeps {
            held.entry(resource).or_default().insert(machine);
        }
    }
    let failed = txn.failed();
    for used in in_use(open_requests(txn.connection(), None).await.map_err(failed)?)? {
        if touched.contains(&&used.resource) {
            held.entry(used.resource).or_default().insert(used.machine);
        }
    }
    Ok(held
        .into_iter()
        .map(|(object, to)| Fault {
            object,
            problem: Problem::Allocated { to: to.into_iter().collect() },
        })
        .collect())
}

/// What was asked for, and the LPARs on which that is not at its end.
type Row = (Value, Vec<String>, Vec<Uuid>);

/// The requests of open operations.
async fn open_requests<'e>(
    connection: impl Executor<'e, Database = Postgres>,
    machines: Option<&[&ObjectName]>,
) -> Result<Vec<Row>, sea_orm::SqlxError> {
    query_as(
        "SELECT b.request, array_agg(o.lpar ORDER BY o.id), array_agg(o.id ORDER BY o.id)
         FROM operation o JOIN batch b ON b.id = o.batch_id
         WHERE o.state IN ('queued', 'dispatching', 'running', 'stuck') AND ($1::text[] IS NULL OR o.lpar = ANY($1))
         GROUP BY b.id ORDER BY b.id",
    )
    .bind(machines.map(|names| names.iter().map(|name| name.as_str()).collect::<Vec<_>>()))
    .fetch_all(connection)
    .await
}

/// What `rows` use. An operation that was found on an LPAR, or that a newer version accepted, has a request that cannot be read: of
/// that nothing is known to be used.
fn in_use(rows: Vec<Row>) -> Result<Vec<InUse>, Error> {
    let mut found = Vec::new();
    for (request, lpars, ids) in rows {
        let Ok(cust) = serde_json::from_value::<Cust>(request) else { continue };
        for (lpar, id) in lpars.iter().zip(ids) {
            let machine = name(lpar)?;
            found.extend(cust.resources(&machine).into_iter().map(|(of, resource)| InUse {
                machine: machine.clone(),
                of,
                resource,
                operation: OperationId(id),
            }));
        }
    }
    Ok(found)
}

/// A name as the database has it.
fn name(text: &str) -> Result<ObjectName, Error> {
    text.parse()
        .map_err(|cause: nim_shared::id::BadName| Error::unreadable("the name of an object", cause))
}

#[cfg(test)]
mod tests;
